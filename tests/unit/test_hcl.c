/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Azure HCL reports: header, hardware report, request data, runtime claims. The digests in them
 * are made with OpenSSL directly, not with the code under test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/sha.h>

#include "evidence/hcl.h"

#define RUNTIME 0x4d4
#define AK                                                                                         \
    "{\"kid\":\"HCLAkPub\",\"key_ops\":[\"sign\"],\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"yJsX\"}"
#define AK1 "{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"e\":\"A\",\"n\":\"A\"}"
#define EK                                                                                         \
    "{\"kid\":\"HCLEkPub\",\"key_ops\":[\"encrypt\"],\"kty\":\"RSA\",\"e\":\"Aw\",\"n\":\"n-w9\"}"
#define CLAIMS(keys, more)                                                                         \
    "{\"keys\":[" keys "],\"vm-configuration\":{\"secure-boot\":true}" more "}"
#define CLAIMS_SIZE (sizeof(claims) - 1)
#define TOTAL (RUNTIME + CLAIMS_SIZE)

static const char claims[] = CLAIMS(AK "," EK, ",\"user-data\":\"00FF\"");

static void put(uint8_t *at, uint32_t value)
{
    for (size_t i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static size_t report_data_at(enum mse_hcl_type type)
{
    return 0x20 + (type == MSE_HCL_SNP ? 0x50 : 128);
}

/* A report over these claims, with room for 64 bytes behind it; *len is without them. */
static uint8_t *build(enum mse_hcl_type type, const char *runtime, size_t *len)
{
    size_t size = strlen(runtime);
    uint8_t *d = calloc(1, RUNTIME + size + 64);

    assert_non_null(d);
    *len = RUNTIME + size;
    memcpy(d, "HCLA", 4);
    put(d + 4, type == MSE_HCL_SNP ? 1 : 2);
    put(d + 8, (uint32_t)*len);
    put(d + 12, 2);
    for (size_t i = 0; i < (type == MSE_HCL_SNP ? 1184 : 1024); i++)
        d[0x20 + i] = (uint8_t)(i * 3 + 1);
    memset(d + report_data_at(type), 0, 64);
    SHA256((const uint8_t *)runtime, size, d + report_data_at(type));
    put(d + 0x4c0, (uint32_t)size + 20);
    put(d + 0x4c4, 1);
    put(d + 0x4c8, type);
    put(d + 0x4cc, 1);
    put(d + 0x4d0, (uint32_t)size);
    memcpy(d + RUNTIME, runtime, size);
    return d;
}

/* Parses a copy that ends exactly where the input does, and checks what a failure leaves. */
static void parse(const uint8_t *data, size_t len, struct mse_error *err)
{
    uint8_t *block = malloc(len + 1);
    struct mse_hcl out = { .hash_type = 9, .report_data = block };
    bool done;

    assert_non_null(block);
    memcpy(block + 1, data, len);
    *err = (struct mse_error){ 0 };
    done = mse_hcl_parse((struct mse_bytes){ block + 1, len }, &out, err);
    assert_int_equal(done, err->code == MSE_ERR_NONE);
    if (!done) {
        assert_int_equal(out.type, 0);
        assert_null(out.hw_report.data);
        assert_null(out.report_data);
        assert_int_equal(out.hash_type, 0);
        assert_null(out.runtime.data);
        assert_null(out.ak_modulus.data);
        assert_null(out.ak_exponent.data);
        assert_null(out.user_data.data);
    }
    free(block);
}

static void both_types_are_read_field_by_field(void **state)
{
    static const struct {
        enum mse_hcl_type type;
        size_t size;
        size_t report_data; /* absolute */
    } cases[] = { { MSE_HCL_SNP, 1184, 0x70 }, { MSE_HCL_TDX, 1024, 0xa0 } };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        size_t len;
        uint8_t *d = build(cases[i].type, claims, &len);
        struct mse_error err = { 0 };
        struct mse_hcl hcl;

        assert_true(mse_hcl_parse((struct mse_bytes){ d, len }, &hcl, &err));
        assert_int_equal(hcl.type, cases[i].type);
        assert_ptr_equal(hcl.hw_report.data, d + 0x20);
        assert_int_equal(hcl.hw_report.len, cases[i].size);
        assert_ptr_equal(hcl.report_data, d + cases[i].report_data);
        assert_int_equal(hcl.hash_type, 1);
        assert_ptr_equal(hcl.runtime.data, d + 0x4d4);
        assert_int_equal(hcl.runtime.len, CLAIMS_SIZE);
        assert_true(mse_bytes_equal_text(hcl.ak_modulus, "yJsX"));
        assert_true(mse_bytes_equal_text(hcl.ak_exponent, "AQAB"));
        assert_true(mse_bytes_equal_text(hcl.user_data, "00FF"));
        assert_true(hcl.ak_modulus.data > d && hcl.ak_modulus.data < d + len);
        free(d);
    }
}

static void every_prefix_is_truncated(void **state)
{
    size_t len;
    uint8_t *d = build(MSE_HCL_TDX, claims, &len);
    struct mse_error err;

    (void)state;
    for (size_t n = 0; n < len; n++) {
        parse(d, n, &err);
        assert_int_equal(err.code, MSE_ERR_TRUNCATED);
        assert_true(err.offset <= n);
    }
    free(d);
}

static void a_wrong_number_is_refused(void **state)
{
    /* clang-format off */
    static const struct {
        const char *name; enum mse_hcl_type type; size_t at; uint32_t value;
        enum mse_err_code want; size_t want_at;
    } cases[] = {
        { "other signature", MSE_HCL_SNP, 0, 0x48434c41, MSE_ERR_FORMAT, 0 },
        { "no signature", MSE_HCL_SNP, 0, 0, MSE_ERR_FORMAT, 0 },
        { "version 0", MSE_HCL_SNP, 4, 0, MSE_ERR_UNSUPPORTED, 4 },
        { "version 1", MSE_HCL_TDX, 4, 1, MSE_ERR_NONE, 0 },
        { "version 2", MSE_HCL_SNP, 4, 2, MSE_ERR_NONE, 0 },
        { "version 3", MSE_HCL_SNP, 4, 3, MSE_ERR_UNSUPPORTED, 4 },
        { "report size 0", MSE_HCL_SNP, 8, 0, MSE_ERR_VALUE, 8 },
        { "report size - 1", MSE_HCL_SNP, 8, TOTAL - 1, MSE_ERR_VALUE, 8 },
        { "report size + 1", MSE_HCL_SNP, 8, TOTAL + 1, MSE_ERR_VALUE, 8 },
        { "report size 0xffff", MSE_HCL_SNP, 8, 0xffff, MSE_ERR_VALUE, 8 },
        { "report size 4 GiB", MSE_HCL_SNP, 8, 0xffffffff, MSE_ERR_VALUE, 8 },
        { "request type 1", MSE_HCL_SNP, 12, 1, MSE_ERR_NONE, 0 },
        { "status 1", MSE_HCL_SNP, 16, 1, MSE_ERR_VALUE, 16 },
        { "reserved, first", MSE_HCL_SNP, 20, 1, MSE_ERR_VALUE, 20 },
        { "reserved, last", MSE_HCL_SNP, 28, 1U << 31, MSE_ERR_VALUE, 20 },
        { "behind the TDREPORT", MSE_HCL_TDX, 0x420, 1, MSE_ERR_VALUE, 0x420 },
        { "before the data size", MSE_HCL_TDX, 0x4bc, 1U << 31, MSE_ERR_VALUE, 0x420 },
        { "data size 0", MSE_HCL_SNP, 0x4c0, 0, MSE_ERR_VALUE, 0x4c0 },
        { "data size - 1", MSE_HCL_SNP, 0x4c0, CLAIMS_SIZE + 19, MSE_ERR_VALUE, 0x4c0 },
        { "data size + 1", MSE_HCL_SNP, 0x4c0, CLAIMS_SIZE + 21, MSE_ERR_VALUE, 0x4c0 },
        { "data size without its head", MSE_HCL_SNP, 0x4c0, CLAIMS_SIZE, MSE_ERR_VALUE, 0x4c0 },
        { "data size 0xffff", MSE_HCL_SNP, 0x4c0, 0xffff, MSE_ERR_VALUE, 0x4c0 },
        { "data size 4 GiB", MSE_HCL_SNP, 0x4c0, 0xffffffff, MSE_ERR_VALUE, 0x4c0 },
        { "data version 0", MSE_HCL_SNP, 0x4c4, 0, MSE_ERR_UNSUPPORTED, 0x4c4 },
        { "data version 2", MSE_HCL_SNP, 0x4c4, 2, MSE_ERR_UNSUPPORTED, 0x4c4 },
        { "report type 0", MSE_HCL_SNP, 0x4c8, 0, MSE_ERR_UNSUPPORTED, 0x4c8 },
        { "report type 1 (VBS)", MSE_HCL_SNP, 0x4c8, 1, MSE_ERR_UNSUPPORTED, 0x4c8 },
        { "report type 3 (trusted VM)", MSE_HCL_SNP, 0x4c8, 3, MSE_ERR_UNSUPPORTED, 0x4c8 },
        { "report type 0x102", MSE_HCL_SNP, 0x4c8, 0x102, MSE_ERR_UNSUPPORTED, 0x4c8 },
        { "SNP called TDX", MSE_HCL_SNP, 0x4c8, 4, MSE_ERR_VALUE, 0x420 },
        { "TDX called SNP", MSE_HCL_TDX, 0x4c8, 2, MSE_ERR_MISMATCH, 0x70 },
        { "hash type 0", MSE_HCL_SNP, 0x4cc, 0, MSE_ERR_UNSUPPORTED, 0x4cc },
        { "hash type 2 (SHA-384)", MSE_HCL_SNP, 0x4cc, 2, MSE_ERR_UNSUPPORTED, 0x4cc },
        { "runtime size 0", MSE_HCL_SNP, 0x4d0, 0, MSE_ERR_VALUE, 0x4c0 },
        { "runtime size - 1", MSE_HCL_SNP, 0x4d0, CLAIMS_SIZE - 1, MSE_ERR_VALUE, 0x4c0 },
        { "runtime size + 1", MSE_HCL_SNP, 0x4d0, CLAIMS_SIZE + 1, MSE_ERR_TRUNCATED, RUNTIME },
        { "runtime size 0xffff", MSE_HCL_SNP, 0x4d0, 0xffff, MSE_ERR_TRUNCATED, RUNTIME },
        { "runtime size 4 GiB", MSE_HCL_SNP, 0x4d0, 0xffffffff, MSE_ERR_TRUNCATED, RUNTIME },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t len;
        uint8_t *d = build(cases[i].type, claims, &len);
        struct mse_error err;

        print_message("%s\n", cases[i].name);
        put(d + cases[i].at, cases[i].value);
        parse(d, len, &err);
        assert_int_equal(err.code, cases[i].want);
        assert_int_equal(err.offset, cases[i].want_at);
        free(d);
    }
}

/* Each single bit of REPORTDATA and of the claims counts; nothing of the claims is read then. */
static void what_the_hardware_report_does_not_measure_is_refused(void **state)
{
    static const enum mse_hcl_type types[] = { MSE_HCL_SNP, MSE_HCL_TDX };

    (void)state;
    for (size_t t = 0; t < 2; t++) {
        size_t len;
        uint8_t *d = build(types[t], claims, &len);
        size_t at = report_data_at(types[t]);
        struct mse_error err;

        for (size_t i = 0; i < 64 + CLAIMS_SIZE; i++) {
            size_t byte = i < 64 ? at + i : RUNTIME + i - 64;

            d[byte] ^= 0x10;
            parse(d, len, &err);
            assert_int_equal(err.code, MSE_ERR_MISMATCH);
            assert_int_equal(err.offset, at);
            d[byte] ^= 0x10;
        }
        parse(d, len, &err);
        assert_int_equal(err.code, MSE_ERR_NONE);
        free(d);
    }
}

/* SHA-256 of "{}" as FIPS 180-4 has it (sha256sum): past the hash check, the key is missing. */
static void the_digest_is_sha_256(void **state)
{
    static const uint8_t digest[32] = { 0x44, 0x13, 0x6f, 0xa3, 0x55, 0xb3, 0x67, 0x8a,
                                        0x11, 0x46, 0xad, 0x16, 0xf7, 0xe8, 0x64, 0x9e,
                                        0x94, 0xfb, 0x4f, 0xc2, 0x1f, 0xe7, 0x7e, 0x83,
                                        0x10, 0xc0, 0x60, 0xf6, 0x1c, 0xaa, 0xff, 0x8a };
    size_t len;
    uint8_t *d = build(MSE_HCL_SNP, "{}", &len);
    struct mse_error err;

    (void)state;
    memcpy(d + 0x70, digest, 32);
    parse(d, len, &err);
    assert_int_equal(err.code, MSE_ERR_MISSING);
    assert_string_equal(err.field, "runtime: keys");
    free(d);
}

static void only_zeros_may_follow(void **state)
{
    size_t len;
    uint8_t *d = build(MSE_HCL_SNP, claims, &len);
    struct mse_error err;

    (void)state;
    parse(d, len + 1, &err);
    assert_int_equal(err.code, MSE_ERR_NONE);
    parse(d, len + 64, &err);
    assert_int_equal(err.code, MSE_ERR_NONE);
    for (size_t i = 0; i < 64; i += 63) {
        d[len + i] = 1;
        parse(d, len + 64, &err);
        assert_int_equal(err.code, MSE_ERR_TRAILING);
        assert_int_equal(err.offset, len);
        d[len + i] = 0;
    }
    free(d);
}

static void the_largest_input_is_64_kib(void **state)
{
    size_t len;
    uint8_t *small = build(MSE_HCL_SNP, claims, &len);
    uint8_t *d = calloc(1, 65537);
    struct mse_error err;

    (void)state;
    assert_non_null(d);
    memcpy(d, small, len);
    parse(d, 65536, &err);
    assert_int_equal(err.code, MSE_ERR_NONE);
    parse(d, 65537, &err);
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    assert_int_equal(err.offset, 65536);
    free(d);
    free(small);
}

static void claims_are_judged_with_absolute_offsets(void **state)
{
    /* clang-format off */ /* at: offset in the claims */
    static const struct {
        const char *name; const char *claims; enum mse_err_code want; size_t at; const char *field;
    } cases[] = {
        { "no user data", CLAIMS(AK, ""), MSE_ERR_NONE, 0, "" },
        { "key order", CLAIMS(EK "," AK, ""), MSE_ERR_NONE, 0, "" },
        { "no claims", "", MSE_ERR_TRUNCATED, 0, NULL },
        { "not JSON", "keys", MSE_ERR_FORMAT, 0, NULL },
        { "an array", "[]", MSE_ERR_VALUE, 0, "runtime: claims" },
        { "no keys", "{\"key\":[]}", MSE_ERR_MISSING, 0, "runtime: keys" },
        { "keys an object", "{\"keys\":{}}", MSE_ERR_VALUE, 8, "runtime: keys" },
        { "keys empty", "{\"keys\":[]}", MSE_ERR_MISSING, 8, "runtime: HCLAkPub" },
        { "other key only", "{\"keys\":[" EK "]}", MSE_ERR_MISSING, 8, "runtime: HCLAkPub" },
        { "key a string", "{\"keys\":[\"HCLAkPub\"]}", MSE_ERR_MISSING, 10, "runtime: kid" },
        { "key without kid", "{\"keys\":[{}]}", MSE_ERR_MISSING, 9, "runtime: kid" },
        { "kid escaped", "{\"keys\":[{\"kid\":\"HCL\\u0041kPub\"}]}", MSE_ERR_VALUE, 17, "runtime: kid" },
        { "key twice", "{\"keys\":[" AK "," AK "]}", MSE_ERR_DUPLICATE, 9 + sizeof(AK), "runtime: HCLAkPub" },
        { "key of one digit twice", "{\"keys\":[" AK1 "," AK1 "]}", MSE_ERR_DUPLICATE, 9 + sizeof(AK1), "runtime: HCLAkPub" },
        { "no kty", "{\"keys\":[{\"kid\":\"HCLAkPub\"}]}", MSE_ERR_MISSING, 9, "runtime: kty" },
        { "no n", "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"e\":\"AQAB\"}]}", MSE_ERR_MISSING, 9, "runtime: n" },
        { "no e", "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"n\":\"AQAB\"}]}", MSE_ERR_MISSING, 9, "runtime: e" },
        { "n a number", "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"n\":3}]}", MSE_ERR_VALUE, 43, "runtime: n" },
        { "n empty", "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"n\":\"\",\"e\":\"AQAB\"}]}", MSE_ERR_VALUE, 9, "runtime: HCLAkPub" },
        { "e empty", "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"n\":\"AA\",\"e\":\"\"}]}", MSE_ERR_VALUE, 9, "runtime: HCLAkPub" },
        { "EC key", "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"EC\",\"n\":\"AA\",\"e\":\"AA\"}]}", MSE_ERR_UNSUPPORTED, 9, "runtime: HCLAkPub.kty" },
        { "keys twice", "{\"keys\":[" AK "],\"keys\":[" AK "]}", MSE_ERR_DUPLICATE, SIZE_MAX, NULL },
        { "user data a number", "{\"keys\":[" AK "],\"user-data\":0}", MSE_ERR_VALUE, 9 + sizeof(AK) + 13, "runtime: user-data" },
        { "two values", CLAIMS(AK, "") "{}", MSE_ERR_TRAILING, SIZE_MAX, NULL },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t len;
        uint8_t *d = build(MSE_HCL_TDX, cases[i].claims, &len);
        struct mse_error err;

        print_message("%s\n", cases[i].name);
        parse(d, len, &err);
        assert_int_equal(err.code, cases[i].want);
        if (cases[i].want == MSE_ERR_NONE)
            assert_int_equal(err.offset, 0);
        else if (cases[i].at != SIZE_MAX) /* where JSON itself is wrong is the JSON parser's */
            assert_int_equal(err.offset, RUNTIME + cases[i].at);
        if (cases[i].field != NULL)
            assert_string_equal(err.field, cases[i].field);
        free(d);
    }
}

static void user_data_is_optional(void **state)
{
    size_t len;
    uint8_t *d = build(MSE_HCL_SNP, CLAIMS(AK, ""), &len);
    struct mse_error err = { 0 };
    struct mse_hcl hcl;

    (void)state;
    assert_true(mse_hcl_parse((struct mse_bytes){ d, len }, &hcl, &err));
    assert_int_equal(hcl.user_data.len, 0);
    assert_true(mse_bytes_equal_text(hcl.ak_modulus, "yJsX"));
    free(d);
}

static void an_earlier_failure_is_kept(void **state)
{
    static const char *const all[] = { claims, "{}" }; /* fails in the frame, fails in the claims */

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        size_t len;
        uint8_t *d = build(MSE_HCL_SNP, all[i], &len);
        struct mse_error err = { 0 };
        struct mse_hcl hcl;

        (void)mse_fail(&err, MSE_ERR_EXPIRED, 77, "earlier");
        assert_false(mse_hcl_parse((struct mse_bytes){ d, len }, &hcl, &err));
        assert_int_equal(err.code, MSE_ERR_EXPIRED);
        assert_int_equal(err.offset, 77);
        assert_string_equal(err.field, "earlier");
        assert_null(hcl.hw_report.data);
        free(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_types_are_read_field_by_field),
        cmocka_unit_test(every_prefix_is_truncated),
        cmocka_unit_test(a_wrong_number_is_refused),
        cmocka_unit_test(what_the_hardware_report_does_not_measure_is_refused),
        cmocka_unit_test(the_digest_is_sha_256),
        cmocka_unit_test(only_zeros_may_follow),
        cmocka_unit_test(the_largest_input_is_64_kib),
        cmocka_unit_test(claims_are_judged_with_absolute_offsets),
        cmocka_unit_test(user_data_is_optional),
        cmocka_unit_test(an_earlier_failure_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
