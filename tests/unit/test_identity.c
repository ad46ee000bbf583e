/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and certificate of an instance: made, written, read again, and when they no longer fit. */
#include "enclave/identity.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "crypto/hash.h"
#include "exact.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NOW INT64_C(1793534400) /* 2026-11-01T12:00:00Z */
#define DAY 86400

/* ---- a TEE that gives the bytes that it is asked about in the place where they belong ---- */

struct fake {
    struct mse_tee tee;
    size_t at; /* of REPORTDATA */
    uint8_t asked[64];
    bool fails;
};

static bool fake_quote(struct mse_tee *tee, const uint8_t report_data[static 64],
                       struct mse_writer *out, struct mse_error *err)
{
    struct fake *fake = (struct fake *)tee;
    uint8_t evidence[1184] = { 4, 0 }; /* a version: 4 for TDX, any for the others */

    memcpy(fake->asked, report_data, 64);
    memcpy(evidence + fake->at, report_data, 64);
    mse_write_bytes(out, evidence, sizeof(evidence));
    return !fake->fails || mse_fail(err, MSE_ERR_TIMEOUT, 0, "quote");
}

static const struct kind {
    struct mse_tee_backend backend;
    size_t at;
    const char *oid;
} kinds[] = {
    { { .kind = MSE_ATTEST_SIM, .name = "sim", .quote = fake_quote },
      368,
      "1.2.840.113741.1337.6" },
    { { .kind = MSE_ATTEST_SGX, .name = "gramine", .quote = fake_quote },
      368,
      "1.2.840.113741.1337.6" },
    { { .kind = MSE_ATTEST_SNP, .name = "snp", .quote = fake_quote }, 80, "1.2.840.113741.1337.7" },
    { { .kind = MSE_ATTEST_TDX, .name = "tdx", .quote = fake_quote },
      568,
      "1.2.840.113741.1337.8" },
};

static struct fake fake_of(const struct kind *kind)
{
    return (struct fake){ .tee = { &kind->backend }, .at = kind->at };
}

static uint8_t statement[] = { 0x30, 0x04, 0x04, 0x02, 0x61, 0x62 };

static struct mse_instance_file instance(void)
{
    return (struct mse_instance_file){
        .name = (char *)"app.example",
        .config_name = (char *)"id.config.example",
        .not_after = NOW + 90 * DAY,
        .organization = (char *)"An owner",
        .statement = statement,
        .statement_len = sizeof(statement),
    };
}

static struct mse_identity make(enum mse_app_cert cert)
{
    struct fake fake = fake_of(&kinds[0]);
    struct mse_instance_file file = instance();
    struct mse_identity identity;
    struct mse_error err = { 0 };

    assert_true(mse_identity_make(&fake.tee, &file, cert, NOW, &identity, &err));
    return identity;
}

/* ---- making ---- */

static bool has_extension(const X509 *cert, const char *oid, const uint8_t *want, size_t len)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    int at = X509_get_ext_by_OBJ(cert, object, -1);
    const ASN1_OCTET_STRING *data;

    ASN1_OBJECT_free(object);
    if (at < 0)
        return false;
    data = X509_EXTENSION_get_data(X509_get_ext(cert, at));
    return want == NULL || ((size_t)ASN1_STRING_length(data) == len &&
                            memcmp(ASN1_STRING_get0_data(data), want, len) == 0);
}

static void the_evidence_is_about_both_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct fake fake = fake_of(&kinds[i]);
        struct mse_instance_file file = instance();
        struct mse_identity identity;
        struct mse_error err = { 0 };
        uint8_t point[65], digest[32];

        assert_true(mse_identity_make(&fake.tee, &file, MSE_APP_CERT_SELF, NOW, &identity, &err));
        assert_true(mse_issue_key_point(identity.key, point, &err));
        mse_sha256(MSE_BYTES(point), digest);
        assert_memory_equal(fake.asked, digest, 32);
        assert_memory_equal(fake.asked + 32, identity.x25519_public, 32);
        assert_true(has_extension(identity.cert, kinds[i].oid, NULL, 0));
        assert_true(
            has_extension(identity.cert, "1.2.840.113741.1337.32", statement, sizeof(statement)));
        for (size_t j = 0; j < sizeof(kinds) / sizeof(kinds[0]); j++) {
            if (strcmp(kinds[i].oid, kinds[j].oid) != 0)
                assert_false(has_extension(identity.cert, kinds[j].oid, NULL, 0));
        }
        mse_identity_cleanup(&identity);
        assert_null(identity.key);
        assert_true(mse_is_zero(identity.x25519_secret, 32));
    }
}

static void digests_are_those_of_the_certificate(void **state)
{
    struct mse_identity identity = make(MSE_APP_CERT_SELF);
    uint8_t digest[32], *spki = NULL;
    unsigned len = 0;
    int spki_len = i2d_PUBKEY(identity.key, &spki);

    (void)state;
    assert_true(X509_digest(identity.cert, EVP_sha256(), digest, &len) == 1);
    assert_memory_equal(identity.cert_sha256, digest, 32);
    assert_true(EVP_Digest(spki, (size_t)spki_len, digest, NULL, EVP_sha256(), NULL) == 1);
    assert_memory_equal(identity.spki_sha256, digest, 32);
    assert_int_equal(X509_check_private_key(identity.cert, identity.key), 1);
    assert_int_equal(X509_verify(identity.cert, identity.key), 1);
    OPENSSL_free(spki);
    mse_identity_cleanup(&identity);
}

static void names_are_for_whom_the_certificate_is(void **state)
{
    static const enum mse_app_cert certs[] = { MSE_APP_CERT_SELF, MSE_APP_CERT_OWNER,
                                               MSE_APP_CERT_OPERATOR };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct mse_identity identity = make(certs[i]);
        bool self = certs[i] == MSE_APP_CERT_SELF;

        assert_int_equal(X509_check_host(identity.cert, "app.example", 0, 0, NULL), self ? 1 : 0);
        assert_int_equal(X509_check_host(identity.cert, "id.config.example", 0, 0, NULL),
                         self ? 0 : 1);
        mse_identity_cleanup(&identity);
    }
}

static void a_failing_tee_leaves_nothing(void **state)
{
    struct fake fake = fake_of(&kinds[0]);
    struct mse_instance_file file = instance();
    struct mse_identity identity;
    struct mse_error err = { 0 };

    (void)state;
    fake.fails = true;
    assert_false(mse_identity_make(&fake.tee, &file, MSE_APP_CERT_SELF, NOW, &identity, &err));
    assert_int_equal(err.code, MSE_ERR_TIMEOUT);
    assert_true(mse_is_zero((const uint8_t *)&identity, sizeof(identity)));
    /* Evidence that is about something else. */
    fake.fails = false;
    fake.at = 100;
    err = (struct mse_error){ 0 };
    assert_false(mse_identity_make(&fake.tee, &file, MSE_APP_CERT_SELF, NOW, &identity, &err));
    assert_int_equal(err.code, MSE_ERR_BINDING);
}

static void each_has_keys_of_its_own(void **state)
{
    struct mse_identity a = make(MSE_APP_CERT_SELF), b = make(MSE_APP_CERT_SELF);

    (void)state;
    assert_memory_not_equal(a.spki_sha256, b.spki_sha256, 32);
    assert_memory_not_equal(a.x25519_secret, b.x25519_secret, 32);
    mse_identity_cleanup(&a);
    mse_identity_cleanup(&b);
}

/* ---- as bytes ---- */

static void is_the_same_after_writing_and_reading(void **state)
{
    struct mse_identity before = make(MSE_APP_CERT_SELF), after;
    struct mse_writer bytes = { 0 };
    struct mse_error err = { 0 };

    (void)state;
    assert_true(mse_identity_write(&before, &bytes, &err));
    assert_true(mse_identity_parse(mse_writer_bytes(&bytes), &after, &err));
    assert_int_equal(EVP_PKEY_eq(before.key, after.key), 1);
    assert_int_equal(after.der_len, before.der_len);
    assert_memory_equal(after.der, before.der, before.der_len);
    assert_memory_equal(after.cert_sha256, before.cert_sha256, 32);
    assert_memory_equal(after.spki_sha256, before.spki_sha256, 32);
    assert_memory_equal(after.x25519_secret, before.x25519_secret, 32);
    assert_memory_equal(after.x25519_public, before.x25519_public, 32);
    mse_writer_cleanup(&bytes);
    mse_identity_cleanup(&before);
    mse_identity_cleanup(&after);
}

static void what_is_cut_or_longer_is_refused(void **state)
{
    struct mse_identity identity = make(MSE_APP_CERT_SELF), out;
    struct mse_writer bytes = { 0 };
    struct mse_error err = { 0 };

    (void)state;
    assert_true(mse_identity_write(&identity, &bytes, &err));
    for (size_t len = 0; len < bytes.len; len++) {
        struct mse_bytes in = exact_copy(mse_writer_bytes(&bytes), len);

        err = (struct mse_error){ 0 };
        assert_false(mse_identity_parse(in, &out, &err));
        assert_int_equal(err.code, MSE_ERR_TRUNCATED);
        assert_null(out.key);
        exact_free(in);
    }
    mse_write_u8(&bytes, 0);
    err = (struct mse_error){ 0 };
    assert_false(mse_identity_parse(mse_writer_bytes(&bytes), &out, &err));
    assert_int_equal(err.code, MSE_ERR_TRAILING);
    mse_writer_cleanup(&bytes);
    mse_identity_cleanup(&identity);
}

/* Parts of two identities put together, or a part replaced. */
static void join(const struct mse_identity *key, const struct mse_identity *cert, EVP_PKEY *other,
                 size_t key_tail, size_t cert_tail, struct mse_writer *out)
{
    uint8_t *der = NULL;
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(other != NULL ? other : key->key);
    int len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);

    mse_write_u32be(out, (uint32_t)(cert->der_len + cert_tail));
    mse_write_bytes(out, cert->der, cert->der_len);
    for (size_t i = 0; i < cert_tail; i++)
        mse_write_u8(out, 0);
    mse_write_u32be(out, (uint32_t)((size_t)len + key_tail));
    mse_write_bytes(out, key->x25519_secret, 32);
    mse_write_bytes(out, der, (size_t)len);
    for (size_t i = 0; i < key_tail; i++)
        mse_write_u8(out, 0);
    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO_free(info);
}

static void refused_as(struct mse_writer *bytes, enum mse_err_code want)
{
    struct mse_identity out;
    struct mse_error err = { 0 };

    assert_false(mse_identity_parse(mse_writer_bytes(bytes), &out, &err));
    assert_int_equal(err.code, want);
    assert_null(out.cert);
    assert_int_equal(ERR_peek_error(), 0);
    mse_writer_cleanup(bytes);
}

static void parts_that_do_not_fit_are_refused(void **state)
{
    struct mse_identity a = make(MSE_APP_CERT_SELF), b = make(MSE_APP_CERT_SELF);
    EVP_PKEY *ed25519 = NULL, *p384 = EVP_EC_gen("P-384");
    struct mse_writer bytes = { 0 };
    struct mse_error err = { 0 };

    (void)state;
    assert_true(mse_issue_key_make(MSE_ISSUE_KEY_ED25519, &ed25519, &err));
    join(&a, &b, NULL, 0, 0, &bytes);
    refused_as(&bytes, MSE_ERR_MISMATCH);
    join(&a, &a, ed25519, 0, 0, &bytes);
    refused_as(&bytes, MSE_ERR_VALUE);
    join(&a, &a, p384, 0, 0, &bytes);
    refused_as(&bytes, MSE_ERR_VALUE);
    join(&a, &a, NULL, 1, 0, &bytes);
    refused_as(&bytes, MSE_ERR_CRYPTO);
    join(&a, &a, NULL, 0, 1, &bytes);
    refused_as(&bytes, MSE_ERR_TRAILING);
    join(&a, &a, NULL, 2000, 0, &bytes);
    refused_as(&bytes, MSE_ERR_LIMIT);
    join(&a, &a, NULL, 0, 70000, &bytes);
    refused_as(&bytes, MSE_ERR_LIMIT);
    EVP_PKEY_free(ed25519);
    EVP_PKEY_free(p384);
    mse_identity_cleanup(&a);
    mse_identity_cleanup(&b);
}

/* ---- fitting ---- */

static void fits_until_the_host_says_something_else(void **state)
{
    struct mse_identity identity = make(MSE_APP_CERT_SELF);
    struct mse_instance_file file = instance();
    uint8_t other[sizeof(statement)];

    (void)state;
    memcpy(other, statement, sizeof(other));
    other[5] ^= 1;
    assert_true(mse_identity_fits(&identity, &file, MSE_APP_CERT_SELF, NOW));
    assert_true(mse_identity_fits(&identity, &file, MSE_APP_CERT_SELF, file.not_after - 1));
    assert_false(mse_identity_fits(&identity, &file, MSE_APP_CERT_SELF, file.not_after));
    assert_false(mse_identity_fits(&identity, &file, MSE_APP_CERT_OWNER, NOW));
    file.not_after++;
    assert_false(mse_identity_fits(&identity, &file, MSE_APP_CERT_SELF, NOW));
    file = instance();
    file.name = (char *)"other.example";
    assert_false(mse_identity_fits(&identity, &file, MSE_APP_CERT_SELF, NOW));
    file = instance();
    file.statement = other;
    assert_false(mse_identity_fits(&identity, &file, MSE_APP_CERT_SELF, NOW));
    file = instance();
    file.statement = NULL;
    file.statement_len = 0;
    assert_false(mse_identity_fits(&identity, &file, MSE_APP_CERT_SELF, NOW));
    mse_identity_cleanup(&identity);
}

static void one_without_statement_fits_too(void **state)
{
    struct fake fake = fake_of(&kinds[3]);
    struct mse_instance_file file = instance();
    struct mse_identity identity;
    struct mse_error err = { 0 };

    (void)state;
    file.statement = NULL;
    file.statement_len = 0;
    file.organization = NULL;
    file.config_name = file.name; /* one name, once in the certificate */
    assert_true(mse_identity_make(&fake.tee, &file, MSE_APP_CERT_SELF, NOW, &identity, &err));
    assert_true(mse_identity_fits(&identity, &file, MSE_APP_CERT_SELF, NOW));
    file.statement = statement;
    file.statement_len = sizeof(statement);
    assert_false(mse_identity_fits(&identity, &file, MSE_APP_CERT_SELF, NOW));
    mse_identity_cleanup(&identity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_evidence_is_about_both_keys),
        cmocka_unit_test(digests_are_those_of_the_certificate),
        cmocka_unit_test(names_are_for_whom_the_certificate_is),
        cmocka_unit_test(a_failing_tee_leaves_nothing),
        cmocka_unit_test(each_has_keys_of_its_own),
        cmocka_unit_test(is_the_same_after_writing_and_reading),
        cmocka_unit_test(what_is_cut_or_longer_is_refused),
        cmocka_unit_test(parts_that_do_not_fit_are_refused),
        cmocka_unit_test(fits_until_the_host_says_something_else),
        cmocka_unit_test(one_without_statement_fits_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
