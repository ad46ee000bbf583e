/* SPDX-License-Identifier: Apache-2.0 */
/* Checks between certificates; the certificates are made by OpenSSL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "crypto/cert.h"

#define FROM 1700000000
#define UNTIL 1800000000

/* What a certificate is made from. */
struct recipe {
    const char *issuer, *subject;
    const char *constraints; /* value as openssl.cnf has it; NULL: none */
    const char *usage;
    int version; /* 0 stands for 3 */
};

struct made {
    uint8_t *der;
    struct mse_cert cert;
};

static void set_name(X509_NAME *name, const char *common_name)
{
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                                (const unsigned char *)common_name, -1, -1, 0),
                     1);
}

static void add_extension(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *extension;

    if (value == NULL)
        return;
    extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(x, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

/* signer may have an RSA key, which then signs with PSS, as AMD's do. */
static void sign(X509 *x, EVP_PKEY *signer, const char *hash)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options = NULL;

    assert_int_equal(EVP_DigestSignInit_ex(ctx, &options, hash, NULL, NULL, signer, NULL), 1);
    if (EVP_PKEY_is_a(signer, "RSA")) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST), 1);
    }
    assert_true(X509_sign_ctx(x, ctx) > 0);
    EVP_MD_CTX_free(ctx);
}

static struct made make(const struct recipe *recipe, EVP_PKEY *key, EVP_PKEY *signer,
                        const char *hash)
{
    X509 *x = X509_new();
    struct made made = { 0 };
    struct mse_error err = { 0 };
    int len;

    assert_int_equal(X509_set_version(x, recipe->version == 0 ? 2 : recipe->version - 1), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 4711), 1);
    set_name(X509_get_issuer_name(x), recipe->issuer);
    set_name(X509_get_subject_name(x), recipe->subject);
    assert_non_null(ASN1_TIME_set(X509_getm_notBefore(x), FROM));
    assert_non_null(ASN1_TIME_set(X509_getm_notAfter(x), UNTIL));
    assert_int_equal(X509_set_pubkey(x, key), 1);
    add_extension(x, NID_basic_constraints, recipe->constraints);
    add_extension(x, NID_key_usage, recipe->usage);
    sign(x, signer, hash);
    len = i2d_X509(x, &made.der);
    assert_true(len > 0);
    if (!mse_cert_parse((struct mse_bytes){ made.der, (size_t)len }, &made.cert, &err))
        fail_msg("%s at %zu: %s", mse_err_name(err.code), err.offset, err.field);
    X509_free(x);
    return made;
}

static struct mse_key *key_of(const struct mse_cert *cert)
{
    struct mse_error err = { 0 };
    struct mse_key *key;

    assert_true(mse_key_new(cert->key_type, cert->key_bits, &key, &err));
    return key;
}

static const struct recipe leaf_recipe = { "CA", "leaf", "CA:FALSE", "digitalSignature", 0 };

struct issuer_case {
    const char *name;
    struct recipe recipe;
    enum mse_err_code want;
};

/* clang-format off */
static const struct issuer_case issuers[] = {
    { "a CA", { "root", "CA", "critical,CA:TRUE", "critical,keyCertSign", 0 }, MSE_ERR_NONE },
    { "a CA without keyUsage", { "root", "CA", "CA:TRUE,pathlen:0", NULL, 0 }, MSE_ERR_NONE },
    { "another name", { "root", "CB", "CA:TRUE", "keyCertSign", 0 }, MSE_ERR_CHAIN },
    { "a longer name", { "root", "CA ", "CA:TRUE", "keyCertSign", 0 }, MSE_ERR_CHAIN },
    { "the same name in other letters", { "root", "ca", "CA:TRUE", "keyCertSign", 0 },
      MSE_ERR_CHAIN },
    { "no CA", { "root", "CA", "CA:FALSE", "keyCertSign", 0 }, MSE_ERR_CHAIN },
    { "no basicConstraints", { "root", "CA", NULL, "keyCertSign", 0 }, MSE_ERR_CHAIN },
    { "no keyCertSign", { "root", "CA", "CA:TRUE", "cRLSign,digitalSignature", 0 },
      MSE_ERR_CHAIN },
    { "version 1", { "root", "CA", NULL, NULL, 1 }, MSE_ERR_CHAIN },
};
/* clang-format on */

static void an_issuer_has_the_name_and_the_right_to_sign(void **state)
{
    EVP_PKEY *ca = EVP_EC_gen("P-256");
    EVP_PKEY *leaf_key = EVP_EC_gen("P-256");
    struct made leaf = make(&leaf_recipe, leaf_key, ca, "SHA256");

    (void)state;
    for (size_t i = 0; i < sizeof(issuers) / sizeof(issuers[0]); i++) {
        struct made issuer = make(&issuers[i].recipe, ca, ca, "SHA256");
        MSE_CLEANUP(mse_key_cleanup) struct mse_key *key = key_of(&issuer.cert);
        struct mse_error err = { 0 };

        if (mse_cert_check_signed_by(&leaf.cert, &issuer.cert, key, &err) !=
                (issuers[i].want == MSE_ERR_NONE) ||
            err.code != issuers[i].want)
            fail_msg("%s: %s", issuers[i].name, mse_err_name(err.code));
        OPENSSL_free(issuer.der);
    }
    OPENSSL_free(leaf.der);
    EVP_PKEY_free(ca);
    EVP_PKEY_free(leaf_key);
}

static const struct {
    const char *key;
    const char *hash;
    enum mse_signature_type type;
} kinds[] = {
    { "P-256", "SHA256", MSE_SIGNATURE_ECDSA_SHA256 },
    { "P-384", "SHA384", MSE_SIGNATURE_ECDSA_SHA384 },
    { "RSA", "SHA256", MSE_SIGNATURE_RSA_PSS_SHA256 },
    { "RSA", "SHA384", MSE_SIGNATURE_RSA_PSS_SHA384 },
    { "ED25519", NULL, MSE_SIGNATURE_ED25519 },
};

static EVP_PKEY *generate(const char *kind)
{
    EVP_PKEY *key;

    if (strcmp(kind, "RSA") == 0)
        key = EVP_RSA_gen(2048);
    else if (strcmp(kind, "ED25519") == 0)
        key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    else
        key = EVP_EC_gen(kind);
    assert_non_null(key);
    return key;
}

static void only_the_key_that_signed_verifies(void **state)
{
    const struct recipe *recipe = &issuers[0].recipe;

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        EVP_PKEY *ca = generate(kinds[i].key);
        EVP_PKEY *stranger = generate(kinds[i].key);
        struct made issuer = make(recipe, ca, ca, kinds[i].hash);
        struct made twin = make(recipe, stranger, stranger, kinds[i].hash);
        struct made leaf = make(&leaf_recipe, stranger, ca, kinds[i].hash);
        MSE_CLEANUP(mse_key_cleanup) struct mse_key *key = key_of(&issuer.cert);
        MSE_CLEANUP(mse_key_cleanup) struct mse_key *other = key_of(&twin.cert);
        struct mse_error err[3] = { { 0 }, { 0 }, { 0 } };

        assert_int_equal(leaf.cert.signature_type, kinds[i].type);
        assert_true(mse_cert_check_signed_by(&leaf.cert, &issuer.cert, key, &err[0]));
        assert_false(mse_cert_check_signed_by(&leaf.cert, &twin.cert, other, &err[1]));
        assert_int_equal(err[1].code, MSE_ERR_SIGNATURE);
        leaf.der[leaf.cert.spki.data - leaf.der + (ptrdiff_t)leaf.cert.spki.len - 1] ^= 1;
        assert_false(mse_cert_check_signed_by(&leaf.cert, &issuer.cert, key, &err[2]));
        assert_int_equal(err[2].code, MSE_ERR_SIGNATURE);
        assert_int_equal(ERR_peek_error(), 0);
        OPENSSL_free(issuer.der);
        OPENSSL_free(twin.der);
        OPENSSL_free(leaf.der);
        EVP_PKEY_free(ca);
        EVP_PKEY_free(stranger);
    }
}

static void a_self_signed_certificate_names_and_signs_itself(void **state)
{
    static const struct recipe own = { "leaf", "leaf", "CA:FALSE", NULL, 0 };
    EVP_PKEY *key = EVP_EC_gen("P-256");
    EVP_PKEY *stranger = EVP_EC_gen("P-256");
    struct made good = make(&own, key, key, "SHA256");
    struct made other_name = make(&leaf_recipe, key, key, "SHA256");
    struct made other_key = make(&own, key, stranger, "SHA256");
    struct mse_error err[3] = { { 0 }, { 0 }, { 0 } };

    (void)state;
    assert_true(mse_cert_check_self_signed(&good.cert, &err[0]));
    assert_false(mse_cert_check_self_signed(&other_name.cert, &err[1]));
    assert_int_equal(err[1].code, MSE_ERR_CHAIN);
    assert_false(mse_cert_check_self_signed(&other_key.cert, &err[2]));
    assert_int_equal(err[2].code, MSE_ERR_SIGNATURE);
    OPENSSL_free(good.der);
    OPENSSL_free(other_name.der);
    OPENSSL_free(other_key.der);
    EVP_PKEY_free(key);
    EVP_PKEY_free(stranger);
}

static void keys_of_other_kinds_parse_but_verify_nothing(void **state)
{
    static const struct recipe own = { "leaf", "leaf", "CA:TRUE", NULL, 0 };
    EVP_PKEY *key = EVP_EC_gen("P-521");
    struct made made = make(&own, key, key, "SHA512");
    struct mse_error err = { 0 };

    (void)state;
    assert_int_equal(made.cert.key_type, MSE_KEY_OTHER);
    assert_int_equal(made.cert.signature_type, MSE_SIGNATURE_OTHER);
    assert_false(mse_cert_check_self_signed(&made.cert, &err));
    assert_int_equal(err.code, MSE_ERR_UNSUPPORTED);
    OPENSSL_free(made.der);
    EVP_PKEY_free(key);
}

static void both_dates_belong_to_the_time_of_validity(void **state)
{
    static const struct {
        int64_t at;
        enum mse_err_code want;
    } cases[] = {
        { FROM, MSE_ERR_NONE },
        { UNTIL, MSE_ERR_NONE },
        { FROM - 1, MSE_ERR_NOT_YET_VALID },
        { UNTIL + 1, MSE_ERR_EXPIRED },
        { INT64_MIN, MSE_ERR_NOT_YET_VALID },
        { INT64_MAX, MSE_ERR_EXPIRED },
    };
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct made made = make(&leaf_recipe, key, key, "SHA256");

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_error err = { 0 };

        assert_int_equal(mse_cert_check_dates(&made.cert, cases[i].at, "leaf", &err),
                         cases[i].want == MSE_ERR_NONE);
        assert_int_equal(err.code, cases[i].want);
        assert_string_equal(err.field, cases[i].want == MSE_ERR_NONE ? "" : "leaf");
    }
    OPENSSL_free(made.der);
    EVP_PKEY_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_issuer_has_the_name_and_the_right_to_sign),
        cmocka_unit_test(only_the_key_that_signed_verifies),
        cmocka_unit_test(a_self_signed_certificate_names_and_signs_itself),
        cmocka_unit_test(keys_of_other_kinds_parse_but_verify_nothing),
        cmocka_unit_test(both_dates_belong_to_the_time_of_validity),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
