/* SPDX-License-Identifier: Apache-2.0 */
/* Containers that profiles keep their evidence in: Open Enclave, tee-tools, dstack, C8S. */
#include "test_attested_cert.h"

static struct test_key *key;

typedef void put_evidence(struct buffer *b, const uint8_t report_data[64]);

/* Opens one payload under a profile and compares the binding. */
static bool open_payload(const char *profile_name, size_t oid, const struct buffer *payload,
                         struct mse_attestation *out, struct mse_error *err)
{
    const struct mse_profile *profile = mse_profile_find(profile_name);
    uint8_t *bytes = exact(payload->data, payload->len);
    struct mse_extension extension = { profile->oids[oid], { bytes, payload->len }, false };
    struct mse_cert cert;
    struct buffer der;
    bool done;

    make_cert(key, NULL, 0, &der, &cert);
    done = profile->open(&cert, &extension, out, err) && mse_attestation_check_binding(out, err);
    buffer_free(&der);
    free(bytes);
    return done;
}

static void assert_opens(const char *name, const char *profile, size_t oid,
                         const struct buffer *payload, enum mse_err_code want, size_t at)
{
    struct mse_attestation attestation = { 0 };
    struct mse_error err = { 0 };
    bool done = open_payload(profile, oid, payload, &attestation, &err);

    mse_attestation_cleanup(&attestation);
    if (done != (want == MSE_ERR_NONE) || err.code != want || err.offset != at)
        fail_msg("%s: %s at %zu, not %s at %zu (%s: %s)", name, mse_err_name(err.code), err.offset,
                 mse_err_name(want), at, err.field, err.text);
}

static void make_quote(struct buffer *out, put_evidence *evidence, const char *hash,
                       const struct buffer *of)
{
    uint8_t rd[64];

    digest64(hash, of, NULL, rd);
    evidence(out, rd);
}

static void an_open_enclave_report_header_is_strict(void **state)
{
    /* clang-format off */
    static const struct {
        const char *name; uint32_t version, type; int64_t more; enum mse_err_code want; size_t at;
    } cases[] = {
        { "right",          1, 2, 0,           MSE_ERR_NONE,        0 },
        { "version 0",      0, 2, 0,           MSE_ERR_UNSUPPORTED, 0 },
        { "version 2",      2, 2, 0,           MSE_ERR_UNSUPPORTED, 0 },
        { "local report",   1, 1, 0,           MSE_ERR_UNSUPPORTED, 4 },
        { "type 3",         1, 3, 0,           MSE_ERR_UNSUPPORTED, 4 },
        { "size too small", 1, 2, -1,          MSE_ERR_TRAILING,    1077 },
        { "size too large", 1, 2, 1,           MSE_ERR_TRUNCATED,   16 },
        { "size enormous",  1, 2, 1LL << 40,   MSE_ERR_LIMIT,       8 },
        { "size negative",  1, 2, -(1LL << 40), MSE_ERR_LIMIT,      8 },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (unsigned ego = 0; ego < 2; ego++) {
            struct buffer payload = { 0 }, quote = { 0 };

            make_quote(&quote, put_sgx_quote, "SHA256", ego != 0 ? &key->spki : &key->pem_nul);
            put_le(&payload, cases[i].version, 4);
            put_le(&payload, cases[i].type, 4);
            put_le(&payload, (uint64_t)((int64_t)quote.len + cases[i].more), 8);
            put_buffer(&payload, &quote);
            assert_int_equal(payload.len, 1078);
            assert_opens(cases[i].name, ego != 0 ? "ego" : "openenclave", 0, &payload,
                         cases[i].want, cases[i].at);
            buffer_free(&payload);
            buffer_free(&quote);
        }
    }
}

static void an_open_enclave_evidence_header_is_strict(void **state)
{
#define SGX "a3a21e871b4d4014b70aa125d2fbcd8c"
#define TDX "8ba70286c1cf11edafa10242ac120002"
#define REPORT "c8303454d9234c2ca691df7def460a76"
    /* clang-format off */
    static const struct {
        const char *name; uint32_t version; const char *format; uint32_t padding; int more;
        enum mse_err_code want; size_t at;
    } cases[] = {
        { "right",            3, SGX,    0, 0,  MSE_ERR_NONE,        0 },
        { "version 2",        2, SGX,    0, 0,  MSE_ERR_UNSUPPORTED, 0 },
        { "legacy report",    3, REPORT, 0, 0,  MSE_ERR_UNSUPPORTED, 4 },
        { "SGX said TDX",     3, TDX,    0, 0,  MSE_ERR_VALUE,       4 },
        { "padding not zero", 3, SGX,    1, 0,  MSE_ERR_VALUE,       20 },
        { "size too large",   3, SGX,    0, 1,  MSE_ERR_TRUNCATED,   32 },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buffer payload = { 0 }, quote = { 0 };

        make_quote(&quote, put_sgx_quote, "SHA256", &key->pem_nul);
        put_le(&payload, cases[i].version, 4);
        put_hex(&payload, cases[i].format);
        put_le(&payload, cases[i].padding, 4);
        put_le(&payload, quote.len + key->pem_nul.len + (size_t)cases[i].more, 8);
        put_buffer(&payload, &quote);
        put_buffer(&payload, &key->pem_nul);
        assert_opens(cases[i].name, "openenclave", 2, &payload, cases[i].want, cases[i].at);
        buffer_free(&payload);
        buffer_free(&quote);
    }
}

/* The claims are the key and nothing else, even where REPORTDATA follows other claims. */
static void open_enclave_claims_are_the_key(void **state)
{
    struct buffer other = { 0 };
    struct test_key *stranger = test_key_new(MSE_KEY_P256);
    const struct buffer *const claims[] = { &other, &key->spki, &stranger->pem_nul };
    static const enum mse_err_code want[] = { MSE_ERR_BINDING, MSE_ERR_BINDING, MSE_ERR_BINDING };

    (void)state;
    put(&other, key->pem_nul.data, key->pem_nul.len - 1); /* without the NUL */
    for (size_t i = 0; i < 3; i++) {
        struct buffer payload = { 0 }, quote = { 0 };

        make_quote(&quote, put_sgx_quote, "SHA256", claims[i]);
        put_le(&payload, 3, 4);
        put_hex(&payload, SGX);
        put_le(&payload, 0, 4);
        put_le(&payload, quote.len + claims[i]->len, 8);
        put_buffer(&payload, &quote);
        put_buffer(&payload, claims[i]);
        assert_opens("claims", "openenclave", 2, &payload, want[i], 0);
        buffer_free(&payload);
        buffer_free(&quote);
    }
    buffer_free(&other);
    test_key_free(stranger);
}

#define VCEK "63da758de6644564adc5f4b93be8accd"
#define VLEK "a8074bc2a25a483eaae639c045a0b8a1"
#define ASK "4ab7b379bbac4fe4a02f05aef327c782"
#define OTHER "00000000000000000000000000000001"

static void tee_tools_certificates_are_framed_exactly(void **state)
{
    /* clang-format off */
    static const struct {
        const char *name, *table; enum mse_err_code want; size_t at;
    } cases[] = {
        { "none",                "00000000", MSE_ERR_NONE, 0 },
        { "one",                 "01000000 12000000" VCEK "3000", MSE_ERR_NONE, 0 },
        { "two",                 "02000000 12000000" VCEK "3000 12000000" ASK "3000", MSE_ERR_NONE, 0 },
        { "an unknown GUID",     "02000000 12000000" OTHER "3000 12000000" OTHER "3000", MSE_ERR_NONE, 0 },
        { "twice the same GUID", "02000000 12000000" VCEK "3000 12000000" VCEK "3000", MSE_ERR_DUPLICATE, 1232 },
        { "count one too many",  "02000000 12000000" VCEK "3000", MSE_ERR_TRUNCATED, 1210 },
        { "count one too few",   "01000000 12000000" VCEK "3000 12000000" ASK "3000", MSE_ERR_TRAILING, 1210 },
        { "size past the end",   "01000000 13000000" VCEK "3000", MSE_ERR_TRUNCATED, 1192 },
        { "size below a GUID",   "01000000 0f000000" VCEK "3000", MSE_ERR_TRUNCATED, 1192 },
        { "17 certificates",     "11000000", MSE_ERR_LIMIT, 1188 },
        { "count of 2^32 - 1",   "ffffffff", MSE_ERR_LIMIT, 1188 },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buffer payload = { 0 };

        make_quote(&payload, put_snp_report, "SHA256", &key->bits);
        put_hex(&payload, cases[i].table);
        assert_opens(cases[i].name, "tee-tools", 0, &payload, cases[i].want, cases[i].at);
        buffer_free(&payload);
    }
}

static void tee_tools_certificates_are_handed_out_with_their_kinds(void **state)
{
    struct mse_attestation attestation = { 0 };
    struct mse_error err = { 0 };
    struct buffer payload = { 0 };

    (void)state;
    make_quote(&payload, put_snp_report, "SHA256", &key->bits);
    put_hex(&payload, "02000000 12000000" VLEK "3000 14000000" ASK "30020101");
    assert_true(open_payload("tee-tools", 0, &payload, &attestation, &err));
    assert_int_equal(attestation.certs.count, 2);
    assert_int_equal(attestation.certs.of[0].kind, MSE_SNP_CERT_VLEK);
    assert_int_equal(attestation.certs.of[0].der.len, 2);
    assert_int_equal(attestation.certs.of[1].kind, MSE_SNP_CERT_ASK);
    assert_int_equal(attestation.certs.of[1].der.len, 4);
    mse_attestation_cleanup(&attestation);
    assert_int_equal(attestation.certs.count, 0);
    buffer_free(&payload);
}

static void dstack_data(uint8_t rd[64])
{
    struct buffer label = { 0 };

    put(&label, "ratls-cert:", 11);
    digest64("SHA512", &label, &key->spki, rd);
    buffer_free(&label);
}

/* head, quote, middle, then REPORTDATA and end unless end is NULL. */
static void put_dstack(struct buffer *out, const char *head, const char *middle, const char *end)
{
    struct buffer content = { 0 };
    uint8_t rd[64];

    dstack_data(rd);
    put_hex(&content, head);
    put_tdx_quote(&content, rd);
    put_hex(&content, middle);
    if (end != NULL) {
        put(&content, rd, 64);
        put_hex(&content, end);
    }
    put_der(out, 4, content.data, content.len);
    buffer_free(&content);
}

/* The quote has 1268 bytes: 0x04f4, compact 0x13d1. */
static void dstack_attestations_are_scale_of_version_0(void **state)
{
    /* clang-format off */
    static const struct { const char *name, *head, *middle, *end; enum mse_err_code want; } cases[] = {
        { "empty logs",                 "0000 d113", "00 00", "00",     MSE_ERR_NONE },
        { "an event, a runtime event",  "0000 d113", "04 00000000 01000000 00 00 00 04 00 00", "00", MSE_ERR_NONE },
        { "a byte behind",              "0000 d113", "00 00", "0000",   MSE_ERR_TRAILING },
        { "version 1",                  "0100 d113", "00 00", "00",     MSE_ERR_UNSUPPORTED },
        { "message pack",               "83a7 d113", "00 00", "00",     MSE_ERR_UNSUPPORTED },
        { "Google's TDX with a vTPM",   "0001 d113", "00 00", "00",     MSE_ERR_UNSUPPORTED },
        { "Nitro enclave",              "0002 d113", "00 00", "00",     MSE_ERR_UNSUPPORTED },
        { "a TDX quote said SNP",       "0003 d113", "00 00 00", "00",  MSE_ERR_UNSUPPORTED },
        { "Nitro TPM",                  "0004 d113", "00 00", "00",     MSE_ERR_UNSUPPORTED },
        { "platform 5",                 "0005 d113", "00 00", "00",     MSE_ERR_UNSUPPORTED },
        { "quote's size with 4 bytes",  "0000 d2130000", "00 00", "00", MSE_ERR_VALUE },
        { "event count in 2 bytes",     "0000 d113", "0100 00", "00",   MSE_ERR_VALUE },
        { "event count of mode 3",      "0000 d113", "03ffffffff 00", "00", MSE_ERR_LIMIT },
        { "an event too many",          "0000 d113", "08 00000000 01000000 00 00 00 00", NULL, MSE_ERR_TRUNCATED },
        { "2^30 - 1 events",            "0000 d113", "feffffff 00", NULL, MSE_ERR_TRUNCATED },
        { "2^30 - 1 runtime events",    "0000 d113", "00 feffffff", NULL, MSE_ERR_TRUNCATED },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_attestation attestation = { 0 };
        struct mse_error err = { 0 };
        struct buffer payload = { 0 };

        put_dstack(&payload, cases[i].head, cases[i].middle, cases[i].end);
        open_payload("dstack", 1, &payload, &attestation, &err);
        if (err.code != cases[i].want)
            fail_msg("%s: %s, not %s (%s)", cases[i].name, mse_err_name(err.code),
                     mse_err_name(cases[i].want), err.field);
        mse_attestation_cleanup(&attestation);
        buffer_free(&payload);
    }
}

static void dstack_payloads_are_wrapped_twice(void **state)
{
    struct buffer bare = { 0 }, trailing = { 0 };
    uint8_t rd[64];

    (void)state;
    dstack_data(rd);
    put_tdx_quote(&bare, rd);
    /* A quote of version 4 begins like an empty OCTET STRING. */
    assert_opens("one OCTET STRING", "dstack", 0, &bare, MSE_ERR_TRAILING, 2);
    put_der(&trailing, 4, bare.data, bare.len);
    assert_opens("two OCTET STRINGs", "dstack", 0, &trailing, MSE_ERR_NONE, 0);
    put_byte(&trailing, 0, 1);
    assert_opens("a byte behind", "dstack", 0, &trailing, MSE_ERR_TRAILING, trailing.len - 1);
    buffer_free(&bare);
    buffer_free(&trailing);
}

/* All 64 bytes count, and the copy beside the quote is compared too. */
static void dstack_report_data_counts_to_its_last_byte(void **state)
{
    struct buffer payload = { 0 };

    (void)state;
    for (unsigned copy = 0; copy < 2; copy++) {
        size_t at;

        put_dstack(&payload, "0000 d113", "00 00", "00");
        at = copy != 0 ? payload.len - 2 : 4 + 4 + 568 + 63;
        payload.data[at] ^= 1;
        assert_opens("last byte", "dstack", 1, &payload, MSE_ERR_BINDING, 0);
        buffer_free(&payload);
    }
}

static void put_c8s(struct buffer *out, const char *tee, const struct buffer *report,
                    const char *after)
{
    struct buffer body = { 0 };

    put_hex(&body, tee);
    put_der(&body, 4, report->data, report->len);
    put_hex(&body, after);
    put_der(out, 0x30, body.data, body.len);
    buffer_free(&body);
}

static void c8s_sequences_have_two_or_three_members(void **state)
{
    /* clang-format off */
    static const struct { const char *name, *tee, *after; enum mse_err_code want; } cases[] = {
        { "no chain",             "020101",     "",       MSE_ERR_NONE },
        { "an empty chain",       "020101",     "0400",   MSE_ERR_NONE },
        { "chain of a cut DER",   "020101",     "040130", MSE_ERR_TRUNCATED },
        { "chain of no DER",      "020101",     "040141", MSE_ERR_FORMAT },
        { "a fourth member",      "020101",     "0400 0400", MSE_ERR_TRAILING },
        { "a chain as SEQUENCE",  "020101",     "3000",   MSE_ERR_FORMAT },
        { "TEE 0",                "020100",     "",       MSE_ERR_UNSUPPORTED },
        { "TEE 3",                "020103",     "",       MSE_ERR_UNSUPPORTED },
        { "SNP said TDX",         "020102",     "",       MSE_ERR_UNSUPPORTED },
        { "TDX with a chain",     "020102",     "040130", MSE_ERR_VALUE },
        { "TEE in a longer form", "02020001",   "",       MSE_ERR_FORMAT },
        { "TEE as ENUMERATED",    "0a0101",     "",       MSE_ERR_FORMAT },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_attestation attestation = { 0 };
        struct mse_error err = { 0 };
        struct buffer payload = { 0 }, report = { 0 };

        make_quote(&report, put_snp_report, "SHA384", &key->spki);
        put_c8s(&payload, cases[i].tee, &report, cases[i].after);
        open_payload("c8s", 0, &payload, &attestation, &err);
        if (err.code != cases[i].want)
            fail_msg("%s: %s, not %s (%s)", cases[i].name, mse_err_name(err.code),
                     mse_err_name(cases[i].want), err.field);
        mse_attestation_cleanup(&attestation);
        buffer_free(&payload);
        buffer_free(&report);
    }
}

static void c8s_envelopes_hold_a_tdx_quote_in_base64(void **state)
{
    /* clang-format off */
    static const struct { const char *name, *before, *after; enum mse_err_code want; } cases[] = {
        { "right",             "{\"platform\":\"tdx\",\"evidence\":{\"quote\":\"", "\"}}", MSE_ERR_NONE },
        { "more members",      "{\"platform\":\"tdx\",\"x\":1,\"evidence\":{\"cc_eventlog\":\"\",\"quote\":\"", "\"}}", MSE_ERR_NONE },
        { "another platform",  "{\"platform\":\"az-tdx\",\"evidence\":{\"quote\":\"", "\"}}", MSE_ERR_UNSUPPORTED },
        { "platform twice",    "{\"platform\":\"tdx\",\"platform\":\"tdx\",\"evidence\":{\"quote\":\"", "\"}}", MSE_ERR_DUPLICATE },
        { "no platform",       "{\"evidence\":{\"quote\":\"", "\"}}", MSE_ERR_MISSING },
        { "no quote",          "{\"platform\":\"tdx\",\"evidence\":{\"quotes\":\"", "\"}}", MSE_ERR_MISSING },
        { "not base64",        "{\"platform\":\"tdx\",\"evidence\":{\"quote\":\"!", "\"}}", MSE_ERR_FORMAT },
    };
    /* clang-format on */
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_attestation attestation = { 0 };
        struct mse_error err = { 0 };
        struct buffer payload = { 0 }, quote = { 0 }, json = { 0 };

        make_quote(&quote, put_tdx_quote, "SHA384", &key->spki);
        put_byte(&quote, 0, 3 - quote.len % 3); /* zeros may follow, so that no '=' is needed */
        put(&json, cases[i].before, strlen(cases[i].before));
        for (size_t k = 0; k < quote.len; k += 3) {
            uint32_t bits = (uint32_t)quote.data[k] << 16 | (uint32_t)quote.data[k + 1] << 8 |
                            quote.data[k + 2];

            for (unsigned shift = 18; shift < 24; shift -= 6)
                put(&json, &alphabet[bits >> shift & 63], 1);
        }
        put(&json, cases[i].after, strlen(cases[i].after));
        put_c8s(&payload, "020102", &json, "0400");
        open_payload("c8s", 0, &payload, &attestation, &err);
        if (err.code != cases[i].want)
            fail_msg("%s: %s, not %s (%s)", cases[i].name, mse_err_name(err.code),
                     mse_err_name(cases[i].want), err.field);
        mse_attestation_cleanup(&attestation);
        buffer_free(&payload);
        buffer_free(&quote);
        buffer_free(&json);
    }
}

/* 48 bytes of digest; the 16 behind them are zero. */
static void the_tail_behind_48_bytes_is_compared(void **state)
{
    struct buffer payload = { 0 }, report = { 0 };

    (void)state;
    make_quote(&report, put_snp_report, "SHA384", &key->spki);
    report.data[0x50 + 63] = 1;
    put_c8s(&payload, "020101", &report, "");
    assert_opens("tail", "c8s", 0, &payload, MSE_ERR_BINDING, 0);
    buffer_free(&payload);
    buffer_free(&report);
}

static void put_named_cert(struct buffer *out, const char *common_name)
{
    put_certificate(out, key, common_name, NULL, 0);
}

/* A chain is told apart by AMD's names. */
static void c8s_chains_are_sorted_by_common_name(void **state)
{
    static const struct {
        const char *name;
        enum mse_snp_cert_kind kind;
    } certs[] = {
        { "SEV-VCEK", MSE_SNP_CERT_VCEK },  { "SEV-Milan", MSE_SNP_CERT_ASK },
        { "ARK-Milan", MSE_SNP_CERT_ARK },  { "SEV-VLEK", MSE_SNP_CERT_VLEK },
        { "somebody", MSE_SNP_CERT_OTHER },
    };
    struct mse_attestation attestation = { 0 };
    struct mse_error err = { 0 };
    struct buffer chain = { 0 }, after = { 0 }, body = { 0 }, payload = { 0 };

    (void)state;
    for (size_t i = 0; i < 5; i++)
        put_named_cert(&chain, certs[i].name);
    put_der(&after, 4, chain.data, chain.len);
    put_hex(&body, "020101");
    {
        struct buffer report = { 0 };

        make_quote(&report, put_snp_report, "SHA384", &key->spki);
        put_der(&body, 4, report.data, report.len);
        buffer_free(&report);
    }
    put_buffer(&body, &after);
    put_der(&payload, 0x30, body.data, body.len);
    assert_true(open_payload("c8s", 0, &payload, &attestation, &err));
    assert_int_equal(attestation.certs.count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(attestation.certs.of[i].kind, certs[i].kind);
    mse_attestation_cleanup(&attestation);
    buffer_free(&chain);
    buffer_free(&after);
    buffer_free(&body);
    buffer_free(&payload);
}

static int make_keys(void **state)
{
    (void)state;
    key = test_key_new(MSE_KEY_P256);
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    test_key_free(key);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_open_enclave_report_header_is_strict),
        cmocka_unit_test(an_open_enclave_evidence_header_is_strict),
        cmocka_unit_test(open_enclave_claims_are_the_key),
        cmocka_unit_test(tee_tools_certificates_are_framed_exactly),
        cmocka_unit_test(tee_tools_certificates_are_handed_out_with_their_kinds),
        cmocka_unit_test(dstack_attestations_are_scale_of_version_0),
        cmocka_unit_test(dstack_payloads_are_wrapped_twice),
        cmocka_unit_test(dstack_report_data_counts_to_its_last_byte),
        cmocka_unit_test(c8s_sequences_have_two_or_three_members),
        cmocka_unit_test(c8s_envelopes_hold_a_tdx_quote_in_base64),
        cmocka_unit_test(the_tail_behind_48_bytes_is_compared),
        cmocka_unit_test(c8s_chains_are_sorted_by_common_name),
    };

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
