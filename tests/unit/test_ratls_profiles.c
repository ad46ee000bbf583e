/* SPDX-License-Identifier: Apache-2.0 */
/* Every profile over its own kind of certificate, and every other profile over the same. */
#include "test_attested_cert.h"

static struct test_key *p256, *p384, *rsa, *other_key;

typedef void make_payload(const struct test_key *key, struct buffer *out);
typedef void put_evidence(struct buffer *b, const uint8_t report_data[64]);

static void wrap_plain(put_evidence *evidence, const char *hash, const struct buffer *key,
                       struct buffer *out)
{
    uint8_t rd[64];

    digest64(hash, key, NULL, rd);
    evidence(out, rd);
}

static void point_sgx(const struct test_key *key, struct buffer *out)
{
    wrap_plain(put_sgx_quote, "SHA256", &key->bits, out);
}

static void point_tdx(const struct test_key *key, struct buffer *out)
{
    wrap_plain(put_tdx_quote, "SHA256", &key->bits, out);
}

static void point_snp(const struct test_key *key, struct buffer *out)
{
    wrap_plain(put_snp_report, "SHA256", &key->bits, out);
}

static void point_sgx_x25519(const struct test_key *key, struct buffer *out)
{
    uint8_t rd[64];

    digest64("SHA256", &key->bits, NULL, rd);
    memset(rd + 32, 9, 32);
    put_sgx_quote(out, rd);
}

static void point_tdx_x25519(const struct test_key *key, struct buffer *out)
{
    uint8_t rd[64];

    digest64("SHA256", &key->bits, NULL, rd);
    memset(rd + 32, 9, 32);
    put_tdx_quote(out, rd);
}

/* tee-tools: {u32 size, GUID, certificate}, size with the GUID. */
static void point_snp_vcek(const struct test_key *key, struct buffer *out)
{
    point_snp(key, out);
    put_le(out, 1, 4);
    put_le(out, 16 + 5, 4);
    put_hex(out, "63da758de6644564adc5f4b93be8accd");
    put_hex(out, "3003020101");
}

static void spki_sgx(const struct test_key *key, struct buffer *out)
{
    wrap_plain(put_sgx_quote, "SHA256", &key->spki, out);
}

static void pem_sgx(const struct test_key *key, struct buffer *out)
{
    wrap_plain(put_sgx_quote, "SHA256", &key->pem_nul, out);
}

static void put_oe_header(struct buffer *out, size_t size)
{
    put_le(out, 1, 4);
    put_le(out, 2, 4);
    put_le(out, size, 8);
}

static void oe_report(const struct test_key *key, struct buffer *out)
{
    struct buffer quote = { 0 };

    pem_sgx(key, &quote);
    put_oe_header(out, quote.len);
    put_buffer(out, &quote);
    buffer_free(&quote);
}

static void ego_report(const struct test_key *key, struct buffer *out)
{
    struct buffer quote = { 0 };

    spki_sgx(key, &quote);
    put_oe_header(out, quote.len);
    put_buffer(out, &quote);
    buffer_free(&quote);
}

static void put_oe_evidence(const char *format, const struct test_key *key, put_evidence *evidence,
                            struct buffer *out)
{
    struct buffer quote = { 0 };

    wrap_plain(evidence, "SHA256", &key->pem_nul, &quote);
    put_le(out, 3, 4);
    put_hex(out, format);
    put_le(out, 0, 4);
    put_le(out, quote.len + key->pem_nul.len, 8);
    put_buffer(out, &quote);
    put_buffer(out, &key->pem_nul);
    buffer_free(&quote);
}

static void oe_evidence_sgx(const struct test_key *key, struct buffer *out)
{
    put_oe_evidence("a3a21e871b4d4014b70aa125d2fbcd8c", key, put_sgx_quote, out);
}

static void oe_evidence_tdx(const struct test_key *key, struct buffer *out)
{
    put_oe_evidence("8ba70286c1cf11edafa10242ac120002", key, put_tdx_quote, out);
}

/* The claims-buffer as real certificates have it. */
static void put_dice(uint64_t tag, put_evidence *evidence, const struct test_key *key,
                     struct buffer *out)
{
    struct buffer claims = { 0 }, blob = { 0 };
    uint8_t digest[64];

    digest64("SHA256", &key->spki, NULL, digest);
    put_hex(&claims, "a16b7075626b65792d68617368582482015820");
    put(&claims, digest, 32);
    wrap_plain(evidence, "SHA256", &claims, &blob);
    put_cbor(out, 6, tag);
    put_cbor(out, 4, 2);
    put_cbor_bytes(out, blob.data, blob.len);
    put_cbor_bytes(out, claims.data, claims.len);
    buffer_free(&claims);
    buffer_free(&blob);
}

static void dice_sgx(const struct test_key *key, struct buffer *out)
{
    put_dice(60000, put_sgx_quote, key, out);
}

static void dice_tdx(const struct test_key *key, struct buffer *out)
{
    put_dice(60000, put_tdx_quote, key, out);
}

static void dice_snp(const struct test_key *key, struct buffer *out)
{
    put_dice(0x1a7504, put_snp_report, key, out);
}

static void dstack_data(const struct test_key *key, uint8_t rd[64])
{
    struct buffer label = { 0 };

    put(&label, "ratls-cert:", 11);
    digest64("SHA512", &label, &key->spki, rd);
    buffer_free(&label);
}

static void dstack_quote(const struct test_key *key, struct buffer *out)
{
    struct buffer quote = { 0 };
    uint8_t rd[64];

    dstack_data(key, rd);
    put_tdx_quote(&quote, rd);
    put_der(out, 4, quote.data, quote.len);
    buffer_free(&quote);
}

/* SCALE: version, platform, compact size and bytes; sizes of these are in mode 1 (two bytes). */
static void put_dstack(uint8_t platform, put_evidence *evidence, const char *middle,
                       const struct test_key *key, struct buffer *out)
{
    struct buffer content = { 0 }, blob = { 0 };
    uint8_t rd[64];

    dstack_data(key, rd);
    evidence(&blob, rd);
    put_le(&content, 0, 1);
    put_le(&content, platform, 1);
    put_le(&content, blob.len << 2 | 1, 2);
    put_buffer(&content, &blob);
    put_hex(&content, middle);
    put_hex(&content, "0408626f04ff"); /* one runtime event: name "bo", payload ff */
    put(&content, rd, 64);
    put_hex(&content, "087b7d"); /* configuration "{}" */
    put_der(out, 4, content.data, content.len);
    buffer_free(&content);
    buffer_free(&blob);
}

static void dstack_tdx(const struct test_key *key, struct buffer *out)
{
    /* One event: IMR 3, type, digest of two bytes, name "a", no payload. */
    put_dstack(0, put_tdx_quote, "04 03000000 01000008 08aabb 0461 00", key, out);
}

static void dstack_snp(const struct test_key *key, struct buffer *out)
{
    put_dstack(3, put_snp_report, "00 087b7d", key, out);
}

static void put_c8s(uint8_t tee, put_evidence *evidence, const struct test_key *key,
                    struct buffer *out)
{
    struct buffer blob = { 0 }, body = { 0 };

    wrap_plain(evidence, "SHA384", &key->spki, &blob);
    put_der(&body, 2, &tee, 1);
    put_der(&body, 4, blob.data, blob.len);
    put_der(&body, 4, NULL, 0);
    put_der(out, 0x30, body.data, body.len);
    buffer_free(&blob);
    buffer_free(&body);
}

static void c8s_snp(const struct test_key *key, struct buffer *out)
{
    put_c8s(1, put_snp_report, key, out);
}

static void c8s_tdx(const struct test_key *key, struct buffer *out)
{
    put_c8s(2, put_tdx_quote, key, out);
}

/* clang-format off */
static const struct row {
    const char *name, *profile, *oid;
    struct test_key **key;
    make_payload *make;
    enum mse_evidence_kind kind;
} rows[] = {
    { "MSE",                "mse",         "1.2.840.113741.1337.6",      &p256, point_sgx,        MSE_EVIDENCE_QUOTE },
    { "MSE, P-384",         "mse",         "1.2.840.113741.1337.6",      &p384, point_sgx,        MSE_EVIDENCE_QUOTE },
    { "MSE, X25519",        "mse",         "1.2.840.113741.1337.6",      &p256, point_sgx_x25519, MSE_EVIDENCE_QUOTE },
    { "MSE on TDX",         "mse",         "1.2.840.113741.1337.8",      &p256, point_tdx_x25519, MSE_EVIDENCE_QUOTE },
    { "tee-tools, SNP",     "tee-tools",   "1.2.840.113741.1337.7",      &p256, point_snp,        MSE_EVIDENCE_SNP },
    { "tee-tools, VCEK",    "tee-tools",   "1.2.840.113741.1337.7",      &p256, point_snp_vcek,   MSE_EVIDENCE_SNP },
    { "tee-tools, TDX",     "tee-tools",   "1.2.840.113741.1337.8",      &p256, point_tdx,        MSE_EVIDENCE_QUOTE },
    { "Gramine",            "gramine",     "0.6.9.42.840.113741.1337.6", &p384, spki_sgx,         MSE_EVIDENCE_QUOTE },
    { "Gramine, right OID", "gramine",     "1.2.840.113741.1337.6",      &p384, spki_sgx,         MSE_EVIDENCE_QUOTE },
    { "Gramine, RSA",       "gramine",     "1.2.840.113741.1337.6",      &rsa,  spki_sgx,         MSE_EVIDENCE_QUOTE },
    { "rats-tls",           "rats-tls",    "1.2.840.113741.1337.6",      &rsa,  point_sgx,        MSE_EVIDENCE_QUOTE },
    { "SGX SDK",            "sgx-sdk",     "1.2.840.113741.1.13.1",      &p384, pem_sgx,          MSE_EVIDENCE_QUOTE },
    { "OE report",          "openenclave", "1.3.6.1.4.1.311.105.1",      &p256, oe_report,        MSE_EVIDENCE_QUOTE },
    { "OE report, old",     "openenclave", "1.2.840.113556.10.1.1",      &rsa,  oe_report,        MSE_EVIDENCE_QUOTE },
    { "OE evidence",        "openenclave", "1.3.6.1.4.1.311.105.2",      &p256, oe_evidence_sgx,  MSE_EVIDENCE_QUOTE },
    { "OE evidence, old",   "openenclave", "1.2.840.113556.10.1.2",      &p256, oe_evidence_sgx,  MSE_EVIDENCE_QUOTE },
    { "OE evidence, TDX",   "openenclave", "1.3.6.1.4.1.311.105.2",      &p256, oe_evidence_tdx,  MSE_EVIDENCE_QUOTE },
    { "EGo",                "ego",         "1.3.6.1.4.1.311.105.1",      &p256, ego_report,       MSE_EVIDENCE_QUOTE },
    { "DICE, SGX",          "dice",        "2.23.133.5.4.9",             &p384, dice_sgx,         MSE_EVIDENCE_QUOTE },
    { "DICE, TDX",          "dice",        "2.23.133.5.4.9",             &p256, dice_tdx,         MSE_EVIDENCE_QUOTE },
    { "DICE, SNP",          "dice",        "2.23.133.5.4.9",             &rsa,  dice_snp,         MSE_EVIDENCE_SNP },
    { "dstack quote",       "dstack",      "1.3.6.1.4.1.62397.1.1",      &p256, dstack_quote,     MSE_EVIDENCE_QUOTE },
    { "dstack, TDX",        "dstack",      "1.3.6.1.4.1.62397.1.8",      &p256, dstack_tdx,       MSE_EVIDENCE_QUOTE },
    { "dstack, SNP",        "dstack",      "1.3.6.1.4.1.62397.1.8",      &p256, dstack_snp,       MSE_EVIDENCE_SNP },
    { "C8S, SNP",           "c8s",         "1.3.6.1.4.1.66378.1.1",      &p256, c8s_snp,          MSE_EVIDENCE_SNP },
    { "C8S, TDX",           "c8s",         "1.3.6.1.4.1.66378.1.1",      &p384, c8s_tdx,          MSE_EVIDENCE_QUOTE },
};
/* clang-format on */
#define ROWS (sizeof(rows) / sizeof(rows[0]))

struct made {
    struct buffer der;
    struct mse_cert cert;
};

/* A certificate of for_key whose evidence is about about_key. */
static void make(const struct row *row, const struct test_key *about_key,
                 const struct test_key *for_key, struct made *out)
{
    struct test_extension extension = { .oid = row->oid };

    row->make(about_key, &extension.payload);
    make_cert(for_key, &extension, 1, &out->der, &out->cert);
    buffer_free(&extension.payload);
}

static void each_certificate_is_of_its_own_profile(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct mse_error err = { 0 };
        struct mse_ratls ratls;
        struct made made;

        make(&rows[i], *rows[i].key, *rows[i].key, &made);
        if (!mse_ratls_read(&made.cert, NULL, &ratls, &err))
            fail_msg("%s: %s: %s", rows[i].name, err.field, err.text);
        assert_int_equal(ratls.count, 1);
        assert_string_equal(ratls.of[0].profile->name, rows[i].profile);
        assert_string_equal(ratls.of[0].oid, rows[i].oid);
        assert_int_equal(ratls.of[0].attestation.kind, rows[i].kind);
        assert_false(ratls.of[0].is_copy);
        mse_ratls_cleanup(&ratls);
        buffer_free(&made.der);
    }
}

static void each_certificate_fails_under_every_other_profile(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct made made;

        make(&rows[i], *rows[i].key, *rows[i].key, &made);
        for (size_t k = 0; mse_profiles[k] != NULL; k++) {
            bool own = strcmp(mse_profiles[k]->name, rows[i].profile) == 0;
            struct mse_error err = { 0 };
            struct mse_ratls ratls;

            if (mse_ratls_read(&made.cert, mse_profiles[k]->name, &ratls, &err) != own)
                fail_msg("%s under %s: %s", rows[i].name, mse_profiles[k]->name, err.text);
            assert_int_equal(ratls.count, own ? 1 : 0);
            assert_int_equal(err.code == MSE_ERR_NONE, own);
            mse_ratls_cleanup(&ratls);
        }
        buffer_free(&made.der);
    }
}

/* Pitfall 22: nothing that the caller may ask for leaves the comparison out. */
static void evidence_about_another_key_fails_whatever_is_asked_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct mse_error err = { 0 }, named_err = { 0 };
        struct mse_ratls ratls;
        struct made made;

        make(&rows[i], other_key, *rows[i].key, &made);
        assert_false(mse_ratls_read(&made.cert, NULL, &ratls, &err));
        assert_int_equal(err.code, MSE_ERR_BINDING);
        assert_int_equal(ratls.count, 0);
        assert_false(mse_ratls_read(&made.cert, rows[i].profile, &ratls, &named_err));
        assert_int_equal(named_err.code, MSE_ERR_BINDING);
        buffer_free(&made.der);
    }
}

/* The report without its certificates is complete by itself. */
static bool is_whole(const struct row *row, size_t len)
{
    return row->make == point_snp_vcek && len == 1184;
}

static void every_prefix_of_a_payload_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        const struct mse_profile *profile = mse_profile_find(rows[i].profile);
        struct buffer payload = { 0 };
        struct made made;

        make(&rows[i], *rows[i].key, *rows[i].key, &made);
        rows[i].make(*rows[i].key, &payload);
        for (size_t n = 0; n < payload.len; n++) {
            uint8_t *cut = exact(payload.data, n);
            struct mse_extension extension = { made.cert.extensions[0].oid, { cut, n }, false };
            struct mse_attestation attestation = { 0 };
            struct mse_error err = { 0 };
            bool fits = profile->open(&made.cert, &extension, &attestation, &err) &&
                        mse_attestation_check_binding(&attestation, &err);

            if (fits != is_whole(&rows[i], n))
                fail_msg("%s: %zu of %zu bytes", rows[i].name, n, payload.len);
            mse_attestation_cleanup(&attestation);
            free(cut);
        }
        buffer_free(&payload);
        buffer_free(&made.der);
    }
}

static void a_byte_more_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct test_extension extension = { .oid = rows[i].oid };
        struct mse_error err = { 0 };
        struct mse_ratls ratls;
        struct made made;

        rows[i].make(*rows[i].key, &extension.payload);
        put_byte(&extension.payload, 1, 1);
        make_cert(*rows[i].key, &extension, 1, &made.der, &made.cert);
        if (mse_ratls_read(&made.cert, NULL, &ratls, &err))
            fail_msg("%s", rows[i].name);
        assert_int_not_equal(err.code, MSE_ERR_BINDING);
        buffer_free(&extension.payload);
        buffer_free(&made.der);
    }
}

/* Fixed buffers: tee-tools' TDX certificates have 8192 bytes, zeros behind the quote. */
static void zeros_may_follow_a_quote_only_where_the_profile_has_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        bool padded = rows[i].make == point_tdx || rows[i].make == point_tdx_x25519;
        struct test_extension extension = { .oid = rows[i].oid };
        struct mse_error err = { 0 };
        struct mse_ratls ratls;
        struct made made;

        rows[i].make(*rows[i].key, &extension.payload);
        put_byte(&extension.payload, 0, 8192 - extension.payload.len);
        make_cert(*rows[i].key, &extension, 1, &made.der, &made.cert);
        if (mse_ratls_read(&made.cert, NULL, &ratls, &err) != padded)
            fail_msg("%s: %s", rows[i].name, err.text);
        mse_ratls_cleanup(&ratls);
        buffer_free(&extension.payload);
        buffer_free(&made.der);
    }
}

static void profiles_have_names_summaries_and_oids(void **state)
{
    (void)state;
    for (size_t i = 0; mse_profiles[i] != NULL; i++) {
        assert_ptr_equal(mse_profile_find(mse_profiles[i]->name), mse_profiles[i]);
        assert_true(strlen(mse_profiles[i]->summary) > 10);
        assert_true(mse_profiles[i]->oids[0].len > 0);
        for (size_t k = 0; mse_profiles[i]->oids[k].len > 0; k++)
            assert_true(mse_ratls_knows_oid(mse_profiles[i]->oids[k]));
    }
    assert_null(mse_profile_find("MSE"));
    assert_null(mse_profile_find(""));
}

static int make_keys(void **state)
{
    (void)state;
    p256 = test_key_new(MSE_KEY_P256);
    p384 = test_key_new(MSE_KEY_P384);
    rsa = test_key_new(MSE_KEY_RSA);
    other_key = test_key_new(MSE_KEY_P256);
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    test_key_free(p256);
    test_key_free(p384);
    test_key_free(rsa);
    test_key_free(other_key);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_certificate_is_of_its_own_profile),
        cmocka_unit_test(each_certificate_fails_under_every_other_profile),
        cmocka_unit_test(evidence_about_another_key_fails_whatever_is_asked_for),
        cmocka_unit_test(every_prefix_of_a_payload_is_refused),
        cmocka_unit_test(a_byte_more_is_refused),
        cmocka_unit_test(zeros_may_follow_a_quote_only_where_the_profile_has_them),
        cmocka_unit_test(profiles_have_names_summaries_and_oids),
    };

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
