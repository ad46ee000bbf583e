/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contrast and Constellation: evidence taken apart into Protocol Buffers is put together exactly,
 * and what only a connection's nonce could prove is refused with that reason.
 */
#include "test_attested_cert.h"

static struct test_key *key;

static void put_varint(struct buffer *b, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        put_byte(b, (uint8_t)(value | 0x80), 1);
    put_byte(b, (uint8_t)value, 1);
}

static void put_integer(struct buffer *b, uint32_t number, uint64_t value)
{
    if (value == 0) /* proto3 leaves it out */
        return;
    put_varint(b, (uint64_t)number << 3);
    put_varint(b, value);
}

static void put_field(struct buffer *b, uint32_t number, const void *data, size_t len)
{
    put_varint(b, (uint64_t)number << 3 | 2);
    put_varint(b, len);
    put(b, data, len);
}

static void put_message(struct buffer *b, uint32_t number, struct buffer *message)
{
    put_field(b, number, message->data, message->len);
    buffer_free(message);
}

static uint64_t le(const uint8_t *at, size_t width)
{
    uint64_t value = 0;

    for (size_t i = width; i-- > 0;)
        value = value << 8 | at[i];
    return value;
}

/* sevsnp.proto with the offsets of AMD 56860: number, offset, size; size < 0: bytes. */
static const struct {
    uint32_t number;
    size_t offset;
    int size;
} fields[] = {
    { 1, 0x0, 4 },      { 2, 0x4, 4 },     { 3, 0x8, 8 },      { 4, 0x10, -16 },
    { 5, 0x20, -16 },   { 6, 0x30, 4 },    { 7, 0x34, 4 },     { 8, 0x38, 8 },
    { 9, 0x40, 8 },     { 10, 0x48, 4 },   { 11, 0x50, -64 },  { 12, 0x90, -48 },
    { 13, 0xc0, -32 },  { 14, 0xe0, -48 }, { 15, 0x110, -48 }, { 16, 0x140, -32 },
    { 17, 0x160, -32 }, { 18, 0x180, 8 },  { 19, 0x1a0, -64 }, { 20, 0x1e0, 8 },
    { 21, 0x1e8, 1 },   { 22, 0x1e9, 1 },  { 23, 0x1ea, 1 },   { 24, 0x1ec, 1 },
    { 25, 0x1ed, 1 },   { 26, 0x1ee, 1 },  { 27, 0x1f0, 8 },   { 28, 0x2a0, -512 },
    { 30, 0x1f8, 8 },   { 31, 0x200, 8 },
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

/* The message Report of a report, without field skip. */
static void put_report(struct buffer *b, const uint8_t *report, uint32_t skip, uint32_t cpuid)
{
    for (size_t i = 0; i < FIELDS; i++) {
        const uint8_t *at = report + fields[i].offset;

        if (fields[i].number == skip)
            continue;
        if (fields[i].size < 0)
            put_field(b, fields[i].number, at, (size_t)-fields[i].size);
        else
            put_integer(b, fields[i].number, le(at, (size_t)fields[i].size));
    }
    put_integer(b, 29, cpuid);
}

/* A report of version 5 in which every field has another value. */
static void make_report(struct buffer *report, const struct buffer *of)
{
    uint8_t rd[64];

    digest64("SHA512", of, NULL, rd);
    put_snp_report(report, rd);
    for (size_t i = 0; i < FIELDS; i++) {
        size_t size = (size_t)abs(fields[i].size);

        if (fields[i].number != 1 && fields[i].number != 7 && fields[i].number != 11 &&
            fields[i].number != 28)
            memset(report->data + fields[i].offset, (int)(0x60 + fields[i].number), size);
    }
    report->data[0] = 5;
    report->data[0x188] = 0x19; /* family 25, model 17, stepping 2: EAX 0x00a10f12 */
    report->data[0x189] = 0x11;
    report->data[0x18a] = 0x02;
}
#define CPUID 0x00a10f12

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

static void assert_code(const char *name, const char *profile, size_t oid,
                        const struct buffer *payload, enum mse_err_code want)
{
    struct mse_attestation attestation = { 0 };
    struct mse_error err = { 0 };
    bool done = open_payload(profile, oid, payload, &attestation, &err);

    mse_attestation_cleanup(&attestation);
    if (done != (want == MSE_ERR_NONE) || err.code != want)
        fail_msg("%s: %s, not %s (%s: %s)", name, mse_err_name(err.code), mse_err_name(want),
                 err.field, err.text);
}

static void an_snp_report_is_put_together_to_its_exact_bytes(void **state)
{
    struct buffer report = { 0 }, message = { 0 }, payload = { 0 };
    struct mse_attestation attestation = { 0 };
    struct mse_error err = { 0 };

    (void)state;
    make_report(&report, &key->spki);
    put_report(&message, report.data, 0, CPUID);
    put_message(&payload, 1, &message);
    assert_true(open_payload("contrast", 0, &payload, &attestation, &err));
    assert_int_equal(attestation.kind, MSE_EVIDENCE_SNP);
    assert_int_equal(attestation.evidence.len, report.len);
    assert_memory_equal(attestation.evidence.data, report.data, report.len);
    mse_attestation_cleanup(&attestation);
    buffer_free(&report);
    buffer_free(&payload);
}

static void certificates_of_the_chain_are_handed_out(void **state)
{
    struct buffer report = { 0 }, message = { 0 }, chain = { 0 }, vcek = { 0 }, payload = { 0 };
    struct mse_attestation attestation = { 0 };
    struct mse_error err = { 0 };

    (void)state;
    make_report(&report, &key->spki);
    put_report(&message, report.data, 0, CPUID);
    put_message(&payload, 1, &message);
    put_certificate(&vcek, key, "SEV-VCEK", NULL, 0);
    put_field(&chain, 1, vcek.data, vcek.len);
    put_field(&chain, 2, NULL, 0);
    put_field(&chain, 7, "crl", 3);
    put_field(&chain, 7, "crl", 3);
    put_message(&payload, 2, &chain);
    {
        const struct mse_profile *profile = mse_profile_find("contrast");
        struct mse_extension e = { profile->oids[0], { payload.data, payload.len }, false };
        struct mse_cert cert;
        struct buffer der;

        make_cert(key, NULL, 0, &der, &cert);
        assert_true(profile->open(&cert, &e, &attestation, &err));
        buffer_free(&der);
    }
    assert_int_equal(attestation.certs.count, 1);
    assert_int_equal(attestation.certs.of[0].kind, MSE_SNP_CERT_VCEK);
    assert_int_equal(attestation.certs.of[0].der.len, vcek.len);
    mse_attestation_cleanup(&attestation);
    buffer_free(&report);
    buffer_free(&vcek);
    buffer_free(&payload);
}

static void a_report_message_without_a_bytes_field_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < FIELDS; i++) {
        struct buffer report = { 0 }, message = { 0 }, payload = { 0 };

        if (fields[i].size > 0)
            continue;
        make_report(&report, &key->spki);
        put_report(&message, report.data, fields[i].number, CPUID);
        put_message(&payload, 1, &message);
        assert_code("a field left out", "contrast", 0, &payload, MSE_ERR_MISSING);
        buffer_free(&report);
        buffer_free(&payload);
    }
}

static void a_report_message_has_no_field_too_many_and_none_too_large(void **state)
{
    /* clang-format off */
    static const struct { const char *name, *more; enum mse_err_code want; } cases[] = {
        { "nothing more",               "",               MSE_ERR_NONE },
        { "an integer twice",           "0805",           MSE_ERR_DUPLICATE },
        { "bytes twice",                "2200",           MSE_ERR_DUPLICATE },
        { "field 32",                   "800201",         MSE_ERR_UNKNOWN_KEY },
        { "field 0",                    "0001",           MSE_ERR_VALUE },
        { "a 64-bit field",             "810200000000 00000000", MSE_ERR_UNSUPPORTED },
        { "a group",                    "8302",           MSE_ERR_UNSUPPORTED },
        { "a cut varint",               "8080",           MSE_ERR_TRUNCATED },
        { "a varint of eleven bytes",   "ffffffffffffffffffff01", MSE_ERR_VALUE },
        { "a varint in a longer form",  "80028100",       MSE_ERR_VALUE },
        { "a length past the end",      "820205aa",       MSE_ERR_TRUNCATED },
        { "a length of 2^63",           "820280808080808080808001", MSE_ERR_TRUNCATED },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buffer report = { 0 }, message = { 0 }, payload = { 0 };

        make_report(&report, &key->spki);
        put_report(&message, report.data, 0, CPUID);
        put_hex(&message, cases[i].more);
        put_message(&payload, 1, &message);
        assert_code(cases[i].name, "contrast", 0, &payload, cases[i].want);
        buffer_free(&report);
        buffer_free(&payload);
    }
}

static void values_that_do_not_fit_the_report_are_refused(void **state)
{
    /* clang-format off */
    static const struct { const char *name; uint32_t number; const char *instead; } cases[] = {
        { "a build of 256",         21, "a8018002" },
        { "a version of 2^32",      1,  "088080808010" },
        { "report data of 63",      11, "5a3f" },
        { "a signature as integer", 28, "e00101" },
        { "a policy as bytes",      3,  "1a0100" },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buffer report = { 0 }, message = { 0 }, payload = { 0 };

        make_report(&report, &key->spki);
        put_report(&message, report.data, cases[i].number, CPUID);
        put_hex(&message, cases[i].instead);
        if (cases[i].number == 11)
            put_byte(&message, 0, 63);
        put_message(&payload, 1, &message);
        assert_code(cases[i].name, "contrast", 0, &payload, MSE_ERR_VALUE);
        buffer_free(&report);
        buffer_free(&payload);
    }
}

static void cpuid_is_of_reports_from_version_3_on(void **state)
{
    static const struct {
        uint8_t version;
        uint32_t eax;
        enum mse_err_code want;
    } cases[] = {
        { 2, 0, MSE_ERR_NONE },           { 2, CPUID, MSE_ERR_VALUE },
        { 5, 0x1000, MSE_ERR_VALUE },     { 5, 0x10000000, MSE_ERR_VALUE },
        { 5, 0x0ff00f00, MSE_ERR_VALUE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buffer report = { 0 }, message = { 0 }, payload = { 0 };

        make_report(&report, &key->spki);
        report.data[0] = cases[i].version;
        put_report(&message, report.data, 0, cases[i].eax);
        put_message(&payload, 1, &message);
        assert_code("cpuid", "contrast", 0, &payload, cases[i].want);
        buffer_free(&report);
        buffer_free(&payload);
    }
}

/* tdx.proto: sizes of the fields in order, negative for bytes; field 11 is there four times. */
static void put_pieces(struct buffer *b, const uint8_t *at, const int *sizes, size_t count)
{
    uint32_t number = 0;

    for (size_t i = 0; i < count; i++) {
        number += i > 0 && sizes[i] == -48 && number == 11 ? 0 : 1;
        if (sizes[i] < 0)
            put_field(b, number, at, (size_t)-sizes[i]);
        else
            put_integer(b, number, le(at, (size_t)sizes[i]));
        at += abs(sizes[i]);
    }
}

static void put_typed(struct buffer *b, uint64_t type, uint64_t size, struct buffer *data)
{
    put_integer(b, 1, type);
    put_integer(b, 2, size);
    put_message(b, 3, data);
}

/* The certification data of put_tdx_quote(): 134 bytes into the signature data. */
static void put_signed_data(struct buffer *out, const uint8_t *data, uint64_t auth_size)
{
    static const int enclave[] = { -16, 4, -28, -16, -32, -32, -32, -96, 2, 2, -60, -64 };
    struct buffer qe = { 0 }, auth = { 0 }, chain = { 0 }, pem = { 0 }, inner = { 0 };
    struct buffer certification = { 0 };

    put_pieces(&qe, data + 134, enclave, 12);
    put_message(&inner, 1, &qe);
    put_field(&inner, 2, data + 518, 64);
    put_integer(&auth, 1, auth_size);
    put_field(&auth, 2, data + 584, 32);
    put_message(&inner, 3, &auth);
    put(&pem, data + 622, 10);
    put_typed(&chain, 5, 10, &pem);
    put_message(&inner, 4, &chain);
    put_typed(&certification, 6, le(data + 130, 4), &inner);
    put_field(out, 1, data, 64);
    put_field(out, 2, data + 64, 64);
    put_message(out, 3, &certification);
}

static void put_quote(struct buffer *out, const struct buffer *quote, uint64_t signed_size,
                      uint64_t auth_size)
{
    static const int front[] = { 2, 2, 4 };
    static const int body[] = { -16, -48, -48, -8,  -8,  -8,  -48, -48,
                                -48, -48, -48, -48, -48, -48, -64 };
    struct buffer header = { 0 }, td = { 0 }, data = { 0 };

    put_pieces(&header, quote->data, front, 3);
    put_field(&header, 4, quote->data + 10, 2); /* qe_svn behind pce_svn: go-tdx-guest */
    put_field(&header, 5, quote->data + 8, 2);
    put_field(&header, 6, quote->data + 12, 16);
    put_field(&header, 7, quote->data + 28, 20);
    put_message(out, 1, &header);
    put_pieces(&td, quote->data + 48, body, 15);
    put_message(out, 2, &td);
    put_integer(out, 3, signed_size);
    put_signed_data(&data, quote->data + 636, auth_size);
    put_message(out, 4, &data);
    put_field(out, 5, "\0\0\0", 3);
}

static void a_tdx_quote_is_put_together_to_its_exact_bytes(void **state)
{
    struct buffer quote = { 0 }, payload = { 0 };
    struct mse_attestation attestation = { 0 };
    struct mse_error err = { 0 };
    uint8_t rd[64];

    (void)state;
    digest64("SHA512", &key->spki, NULL, rd);
    put_tdx_quote(&quote, rd);
    for (size_t i = 8; i < 568; i++) /* but version, types and REPORTDATA */
        quote.data[i] = (uint8_t)(i * 7);
    put_quote(&payload, &quote, quote.len - 636, 32);
    assert_true(open_payload("contrast", 1, &payload, &attestation, &err));
    assert_int_equal(attestation.kind, MSE_EVIDENCE_QUOTE);
    assert_int_equal(attestation.evidence.len, quote.len);
    assert_memory_equal(attestation.evidence.data, quote.data, quote.len);
    mse_attestation_cleanup(&attestation);
    buffer_free(&quote);
    buffer_free(&payload);
}

static void sizes_that_lie_are_refused(void **state)
{
    static const struct {
        int64_t signed_more;
        uint64_t auth_size;
        enum mse_err_code want;
    } cases[] = {
        { 0, 32, MSE_ERR_NONE },        { 1, 32, MSE_ERR_TRUNCATED }, { -1, 32, MSE_ERR_TRUNCATED },
        { 1 << 20, 32, MSE_ERR_LIMIT }, { 0, 31, MSE_ERR_VALUE },     { 0, 33, MSE_ERR_VALUE },
        { 0, 0x10020, MSE_ERR_VALUE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buffer quote = { 0 }, payload = { 0 };
        struct mse_attestation attestation = { 0 };
        struct mse_error err = { 0 };
        uint8_t rd[64];

        digest64("SHA512", &key->spki, NULL, rd);
        put_tdx_quote(&quote, rd);
        put_quote(&payload, &quote, (uint64_t)((int64_t)quote.len - 636 + cases[i].signed_more),
                  cases[i].auth_size);
        open_payload("contrast", 1, &payload, &attestation, &err);
        if (err.code != cases[i].want)
            fail_msg("%zu: %s (%s)", i, mse_err_name(err.code), err.field);
        mse_attestation_cleanup(&attestation);
        buffer_free(&quote);
        buffer_free(&payload);
    }
}

static void every_prefix_of_a_message_is_refused(void **state)
{
    struct buffer quote = { 0 }, report = { 0 }, message = { 0 }, payload[2] = { { 0 }, { 0 } };
    uint8_t rd[64];

    (void)state;
    digest64("SHA512", &key->spki, NULL, rd);
    make_report(&report, &key->spki);
    put_report(&message, report.data, 0, CPUID);
    put_message(&payload[0], 1, &message);
    put_tdx_quote(&quote, rd);
    put_quote(&payload[1], &quote, quote.len - 636, 32);
    payload[1].len -= 5; /* without extra_bytes, which may be missing */
    for (size_t oid = 0; oid < 2; oid++) {
        const struct mse_profile *profile = mse_profile_find("contrast");
        struct mse_cert cert;
        struct buffer der;

        make_cert(key, NULL, 0, &der, &cert);
        for (size_t n = 0; n < payload[oid].len; n++) {
            uint8_t *cut = exact(payload[oid].data, n);
            struct mse_extension e = { profile->oids[oid], { cut, n }, false };
            struct mse_attestation attestation = { 0 };
            struct mse_error err = { 0 };

            if (profile->open(&cert, &e, &attestation, &err))
                fail_msg("%zu of %zu bytes", n, payload[oid].len);
            mse_attestation_cleanup(&attestation);
            free(cut);
        }
        buffer_free(&der);
        buffer_free(&payload[oid]);
    }
    buffer_free(&quote);
    buffer_free(&report);
}

/* A certificate of a live connection: its nonce is in REPORTDATA, and the refusal says so. */
static void a_nonce_in_report_data_is_named_as_the_reason(void **state)
{
    struct test_extension e = { .oid = "1.3.9901.2.1" };
    struct buffer report = { 0 }, message = { 0 }, with_nonce = { 0 };
    struct mse_error err = { 0 };
    struct mse_ratls ratls;
    struct mse_cert cert;
    struct buffer der;

    (void)state;
    put_buffer(&with_nonce, &key->spki);
    put_byte(&with_nonce, 0x77, 32);
    make_report(&report, &with_nonce);
    put_report(&message, report.data, 0, CPUID);
    put_message(&e.payload, 1, &message);
    make_cert(key, &e, 1, &der, &cert);
    assert_false(mse_ratls_read(&cert, NULL, &ratls, &err));
    assert_int_equal(err.code, MSE_ERR_BINDING);
    assert_non_null(strstr(err.text, "nonce"));
    buffer_free(&with_nonce);
    buffer_free(&report);
    buffer_free(&e.payload);
    buffer_free(&der);
}

static void put_base64(struct buffer *b, const uint8_t *data, size_t len)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    assert_int_equal(len % 3, 2);
    for (size_t i = 0; i < len; i += 3) {
        uint32_t third = i + 2 < len ? data[i + 2] : 0;
        uint32_t bits = (uint32_t)data[i] << 16 | (uint32_t)data[i + 1] << 8 | third;

        put(b, &alphabet[bits >> 18], 1);
        put(b, &alphabet[bits >> 12 & 63], 1);
        put(b, &alphabet[bits >> 6 & 63], 1);
        put(b, i + 2 < len ? &alphabet[bits & 63] : "=", 1);
    }
}

static void constellation_is_recognised_and_says_what_is_missing(void **state)
{
    struct test_key *other = test_key_new(MSE_KEY_P256);
    /* clang-format off */
    const struct {
        const char *name; const struct buffer *of; const char *before, *after;
        enum mse_err_code want;
    } cases[] = {
        { "QEMU on TDX",  &key->spki,   "{\"RawQuote\":\"\",\"UserData\":\"", "\"}", MSE_ERR_UNSUPPORTED },
        { "another key",  &other->spki, "{\"RawQuote\":\"\",\"UserData\":\"", "\"}", MSE_ERR_BINDING },
        { "the point",    &key->bits,   "{\"RawQuote\":\"\",\"UserData\":\"", "\"}", MSE_ERR_BINDING },
        { "no user data", &key->spki,   "{\"RawQuote\":\"\",\"Userdata\":\"", "\"}", MSE_ERR_MISSING },
        { "no JSON",      &key->spki,   "x",                                   "",    MSE_ERR_FORMAT },
        { "no base64",    &key->spki,   "{\"UserData\":\"*",                  "\"}", MSE_ERR_FORMAT },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_extension e = { .oid = i % 2 == 0 ? "1.3.9900.5.99" : "1.3.9900.3.2" };
        struct mse_error err = { 0 };
        struct mse_ratls ratls;
        struct mse_cert cert;
        struct buffer der;
        uint8_t digest[64];

        digest64("SHA256", cases[i].of, NULL, digest);
        put(&e.payload, cases[i].before, strlen(cases[i].before));
        put_base64(&e.payload, digest, 32);
        put(&e.payload, cases[i].after, strlen(cases[i].after));
        make_cert(key, &e, 1, &der, &cert);
        assert_false(mse_ratls_read(&cert, NULL, &ratls, &err));
        if (err.code != cases[i].want)
            fail_msg("%s: %s (%s)", cases[i].name, mse_err_name(err.code), err.field);
        if (cases[i].want == MSE_ERR_UNSUPPORTED)
            assert_non_null(strstr(err.text, "nonce"));
        buffer_free(&e.payload);
        buffer_free(&der);
    }
    test_key_free(other);
}

static void a_document_beyond_256_kib_is_refused(void **state)
{
    static const char *const names[] = { "constellation", "contrast", "c8s", "dstack" };
    struct buffer payload = { 0 };

    (void)state;
    payload.len = (256U << 10) + 1;
    payload.data = calloc(1, payload.len);
    assert_non_null(payload.data);
    for (size_t i = 0; i < 4; i++)
        assert_code(names[i], names[i], 0, &payload, MSE_ERR_LIMIT);
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
        cmocka_unit_test(an_snp_report_is_put_together_to_its_exact_bytes),
        cmocka_unit_test(certificates_of_the_chain_are_handed_out),
        cmocka_unit_test(a_report_message_without_a_bytes_field_is_refused),
        cmocka_unit_test(a_report_message_has_no_field_too_many_and_none_too_large),
        cmocka_unit_test(values_that_do_not_fit_the_report_are_refused),
        cmocka_unit_test(cpuid_is_of_reports_from_version_3_on),
        cmocka_unit_test(a_tdx_quote_is_put_together_to_its_exact_bytes),
        cmocka_unit_test(sizes_that_lie_are_refused),
        cmocka_unit_test(every_prefix_of_a_message_is_refused),
        cmocka_unit_test(a_nonce_in_report_data_is_named_as_the_reason),
        cmocka_unit_test(constellation_is_recognised_and_says_what_is_missing),
        cmocka_unit_test(a_document_beyond_256_kib_is_refused),
    };

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
