/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SEV-SNP reports: each field at its offset of AMD 56860 ("ATTESTATION_REPORT"), every refusal,
 * and the two byte orders of a TCB version.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "evidence/snp.h"

#define SIZE 1184

static void put(uint8_t *at, uint64_t value, size_t width)
{
    for (size_t i = 0; i < width; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get(const uint8_t *at, size_t width)
{
    uint64_t value = 0;

    for (size_t i = width; i > 0; i--)
        value = value << 8 | at[i - 1];
    return value;
}

/* Signed part full of differing bytes, reserved fields too; signature in its 2 x 48 bytes. */
static void build(uint8_t out[static SIZE], uint32_t version)
{
    memset(out, 0, SIZE);
    for (size_t i = 0; i < 0x2a0; i++)
        out[i] = (uint8_t)(i * 5 + (i >> 8) + 3);
    put(out, version, 4);
    put(out + 0x34, 1, 4);
    for (size_t i = 0; i < 48; i++) {
        out[0x2a0 + i] = (uint8_t)(i + 1);
        out[0x2a0 + 72 + i] = (uint8_t)(i + 101);
    }
}

/* Parses a copy that ends exactly where the input does, and checks what a failure leaves. */
static void parse(const uint8_t *data, size_t len, struct mse_error *err)
{
    uint8_t *block = malloc(len + 1);
    struct mse_snp_report out = { .version = 99, .signature = { 1 } };
    bool done;

    assert_non_null(block);
    memcpy(block + 1, data, len);
    *err = (struct mse_error){ 0 };
    done = mse_snp_report_parse((struct mse_bytes){ block + 1, len }, &out, err);
    assert_int_equal(done, err->code == MSE_ERR_NONE);
    if (!done) {
        assert_int_equal(out.version, 0);
        assert_null(out.raw.data);
        assert_null(out.report_data);
        assert_null(out.signed_part.data);
        assert_int_equal(out.signature[0], 0);
        assert_false(out.has_cpuid);
    }
    free(block);
}

static void assert_common_fields(const struct mse_snp_report *r, const uint8_t *d)
{
    assert_ptr_equal(r->raw.data, d);
    assert_int_equal(r->raw.len, 1184);
    assert_int_equal(r->guest_svn, get(d + 0x04, 4));
    assert_true(r->policy == get(d + 0x08, 8));
    assert_ptr_equal(r->family_id, d + 0x10);
    assert_ptr_equal(r->image_id, d + 0x20);
    assert_int_equal(r->vmpl, get(d + 0x30, 4));
    assert_int_equal(r->signature_algo, 1);
    assert_ptr_equal(r->current_tcb, d + 0x38);
    assert_true(r->platform_info == get(d + 0x40, 8));
    assert_ptr_equal(r->report_data, d + 0x50);
    assert_ptr_equal(r->measurement, d + 0x90);
    assert_ptr_equal(r->host_data, d + 0xc0);
    assert_ptr_equal(r->id_key_digest, d + 0xe0);
    assert_ptr_equal(r->author_key_digest, d + 0x110);
    assert_ptr_equal(r->report_id, d + 0x140);
    assert_ptr_equal(r->report_id_ma, d + 0x160);
    assert_ptr_equal(r->reported_tcb, d + 0x180);
    assert_ptr_equal(r->chip_id, d + 0x1a0);
    assert_ptr_equal(r->committed_tcb, d + 0x1e0);
    assert_int_equal(r->current_build, d[0x1e8]);
    assert_int_equal(r->current_minor, d[0x1e9]);
    assert_int_equal(r->current_major, d[0x1ea]);
    assert_int_equal(r->committed_build, d[0x1ec]);
    assert_int_equal(r->committed_minor, d[0x1ed]);
    assert_int_equal(r->committed_major, d[0x1ee]);
    assert_ptr_equal(r->launch_tcb, d + 0x1f0);
    assert_ptr_equal(r->signed_part.data, d);
    assert_int_equal(r->signed_part.len, 0x2a0);
}

static void every_version_is_read_field_by_field(void **state)
{
    static const uint32_t versions[] = { 2, 3, 5 };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        uint8_t d[SIZE];
        struct mse_error err = { 0 };
        struct mse_snp_report r;
        bool cpuid = versions[i] >= 3, mitigation = versions[i] >= 5;

        build(d, versions[i]);
        assert_true(mse_snp_report_parse(MSE_BYTES(d), &r, &err));
        assert_int_equal(r.version, versions[i]);
        assert_common_fields(&r, d);
        assert_int_equal(r.has_cpuid, cpuid);
        assert_int_equal(r.cpuid_family, cpuid ? d[0x188] : 0);
        assert_int_equal(r.cpuid_model, cpuid ? d[0x189] : 0);
        assert_int_equal(r.cpuid_stepping, cpuid ? d[0x18a] : 0);
        assert_true(r.launch_mitigation == (mitigation ? get(d + 0x1f8, 8) : 0));
        assert_true(r.current_mitigation == (mitigation ? get(d + 0x200, 8) : 0));
    }
}

static void the_signature_is_turned_to_big_endian(void **state)
{
    uint8_t d[SIZE];
    struct mse_error err = { 0 };
    struct mse_snp_report r;

    (void)state;
    build(d, 3);
    assert_true(mse_snp_report_parse(MSE_BYTES(d), &r, &err));
    for (size_t i = 0; i < 48; i++) {
        assert_int_equal(r.signature[i], 48 - i);
        assert_int_equal(r.signature[48 + i], 148 - i);
    }
}

static void flags_are_taken_apart(void **state)
{
    static const struct {
        uint32_t flags;
        bool author, mask;
        uint32_t key;
    } cases[] = {
        { 0x00, false, false, MSE_SNP_VCEK },
        { 0x01, true, false, MSE_SNP_VCEK },
        { 0x02, false, true, MSE_SNP_VCEK },
        { 0x04, false, false, MSE_SNP_VLEK },
        { 0x1c, false, false, MSE_SNP_NO_KEY },
        { 0x1f, true, true, MSE_SNP_NO_KEY },
        { 0x08, false, false, 2 },
        { 0x10, false, false, 4 },
        { 0xffffffe0, false, false, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t d[SIZE];
        struct mse_error err = { 0 };
        struct mse_snp_report r;

        build(d, 3);
        put(d + 0x48, cases[i].flags, 4);
        assert_true(mse_snp_report_parse(MSE_BYTES(d), &r, &err));
        assert_int_equal(r.author_key_en, cases[i].author);
        assert_int_equal(r.mask_chip_key, cases[i].mask);
        assert_int_equal(r.signing_key, cases[i].key);
    }
}

static void every_prefix_is_truncated(void **state)
{
    uint8_t d[SIZE];
    struct mse_error err;

    (void)state;
    build(d, 5);
    for (size_t n = 0; n < SIZE; n++) {
        parse(d, n, &err);
        assert_int_equal(err.code, MSE_ERR_TRUNCATED);
        assert_true(err.offset <= n);
    }
    parse(d, SIZE, &err);
    assert_int_equal(err.code, MSE_ERR_NONE);
}

static void one_byte_more_is_trailing_even_if_zero(void **state)
{
    uint8_t d[SIZE + 1] = { 0 };
    struct mse_error err;

    (void)state;
    build(d, 5);
    parse(d, SIZE + 1, &err);
    assert_int_equal(err.code, MSE_ERR_TRAILING);
    assert_int_equal(err.offset, 1184);
}

static void a_wrong_value_is_refused(void **state)
{
    /* clang-format off */
    static const struct {
        const char *name; size_t at; size_t width; uint32_t value;
        enum mse_err_code want; size_t want_at;
    } cases[] = {
        { "version 0", 0, 4, 0, MSE_ERR_UNSUPPORTED, 0 },
        { "version 1", 0, 4, 1, MSE_ERR_UNSUPPORTED, 0 },
        { "version 4", 0, 4, 4, MSE_ERR_UNSUPPORTED, 0 },
        { "version 6", 0, 4, 6, MSE_ERR_UNSUPPORTED, 0 },
        { "version 3 big-endian", 0, 4, 0x03000000, MSE_ERR_UNSUPPORTED, 0 },
        { "version 0x10002", 0, 4, 0x10002, MSE_ERR_UNSUPPORTED, 0 },
        { "algorithm 0", 0x34, 4, 0, MSE_ERR_UNSUPPORTED, 0x34 },
        { "algorithm 2", 0x34, 4, 2, MSE_ERR_UNSUPPORTED, 0x34 },
        { "algorithm 0x101", 0x34, 4, 0x101, MSE_ERR_UNSUPPORTED, 0x34 },
        { "r of 49 bytes", 0x2a0 + 48, 1, 1, MSE_ERR_VALUE, 0x2a0 + 48 },
        { "r of 72 bytes", 0x2a0 + 71, 1, 1, MSE_ERR_VALUE, 0x2a0 + 48 },
        { "s of 49 bytes", 0x2a0 + 120, 1, 1, MSE_ERR_VALUE, 0x2a0 + 120 },
        { "s of 72 bytes", 0x2a0 + 143, 1, 1, MSE_ERR_VALUE, 0x2a0 + 120 },
        { "byte behind s", 0x2a0 + 144, 1, 1, MSE_ERR_VALUE, 0x2a0 + 144 },
        { "last byte", 1183, 1, 0x80, MSE_ERR_VALUE, 0x2a0 + 144 },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t d[SIZE];
        struct mse_error err;

        print_message("%s\n", cases[i].name);
        build(d, 3);
        put(d + cases[i].at, cases[i].value, cases[i].width);
        parse(d, SIZE, &err);
        assert_int_equal(err.code, cases[i].want);
        assert_int_equal(err.offset, cases[i].want_at);
    }
}

static void an_earlier_failure_is_kept(void **state)
{
    uint8_t d[SIZE];
    struct mse_error err = { 0 };
    struct mse_snp_report r;

    (void)state;
    build(d, 3);
    (void)mse_fail(&err, MSE_ERR_EXPIRED, 77, "earlier");
    assert_false(mse_snp_report_parse(MSE_BYTES(d), &r, &err));
    assert_int_equal(err.code, MSE_ERR_EXPIRED);
    assert_int_equal(err.offset, 77);
    assert_null(r.raw.data);
}

static void a_tcb_version_has_the_byte_order_of_its_product(void **state)
{
    static const uint8_t raw[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    /* clang-format off */
    static const struct { enum mse_snp_product product; struct mse_snp_tcb want; } cases[] = {
        { MSE_SNP_MILAN,   { .fmc = 0, .bl = 1, .tee = 2, .snp = 7, .ucode = 8 } },
        { MSE_SNP_GENOA,   { .fmc = 0, .bl = 1, .tee = 2, .snp = 7, .ucode = 8 } },
        { MSE_SNP_TURIN,   { .fmc = 1, .bl = 2, .tee = 3, .snp = 4, .ucode = 8 } },
        { MSE_SNP_UNKNOWN, { .fmc = 0, .bl = 0, .tee = 0, .snp = 0, .ucode = 0 } },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_snp_tcb got = mse_snp_tcb_decode(raw, cases[i].product);

        assert_int_equal(got.fmc, cases[i].want.fmc);
        assert_int_equal(got.bl, cases[i].want.bl);
        assert_int_equal(got.tee, cases[i].want.tee);
        assert_int_equal(got.snp, cases[i].want.snp);
        assert_int_equal(got.ucode, cases[i].want.ucode);
    }
}

static void family_and_model_name_the_product(void **state)
{
    /* clang-format off */
    static const struct {
        uint32_t version; uint8_t family, model; enum mse_snp_product want; const char *name;
    } cases[] = {
        { 3, 0x19, 0x00, MSE_SNP_MILAN, "Milan" },
        { 3, 0x19, 0x01, MSE_SNP_MILAN, "Milan" },
        { 3, 0x19, 0x0f, MSE_SNP_MILAN, "Milan" },
        { 3, 0x19, 0x10, MSE_SNP_GENOA, "Genoa" },
        { 3, 0x19, 0x11, MSE_SNP_GENOA, "Genoa" },
        { 5, 0x19, 0x1f, MSE_SNP_GENOA, "Genoa" },
        { 3, 0x19, 0x20, MSE_SNP_UNKNOWN, "unknown" },
        { 3, 0x19, 0x9f, MSE_SNP_UNKNOWN, "unknown" },
        { 3, 0x19, 0xa0, MSE_SNP_GENOA, "Genoa" }, /* Bergamo, Siena */
        { 3, 0x19, 0xaf, MSE_SNP_GENOA, "Genoa" },
        { 3, 0x19, 0xb0, MSE_SNP_UNKNOWN, "unknown" },
        { 3, 0x1a, 0x00, MSE_SNP_TURIN, "Turin" },
        { 5, 0x1a, 0x02, MSE_SNP_TURIN, "Turin" },
        { 5, 0x1a, 0x1f, MSE_SNP_TURIN, "Turin" },
        { 5, 0x1a, 0x20, MSE_SNP_UNKNOWN, "unknown" },
        { 3, 0x18, 0x01, MSE_SNP_UNKNOWN, "unknown" },
        { 3, 0x1b, 0x01, MSE_SNP_UNKNOWN, "unknown" },
        { 3, 0x00, 0x00, MSE_SNP_UNKNOWN, "unknown" },
        { 2, 0x19, 0x01, MSE_SNP_UNKNOWN, "unknown" }, /* these bytes are reserved there */
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t d[SIZE];
        struct mse_error err = { 0 };
        struct mse_snp_report r;

        build(d, cases[i].version);
        d[0x188] = cases[i].family;
        d[0x189] = cases[i].model;
        assert_true(mse_snp_report_parse(MSE_BYTES(d), &r, &err));
        assert_int_equal(mse_snp_report_product(&r), cases[i].want);
        assert_string_equal(mse_snp_product_name(mse_snp_report_product(&r)), cases[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version_is_read_field_by_field),
        cmocka_unit_test(the_signature_is_turned_to_big_endian),
        cmocka_unit_test(flags_are_taken_apart),
        cmocka_unit_test(every_prefix_is_truncated),
        cmocka_unit_test(one_byte_more_is_trailing_even_if_zero),
        cmocka_unit_test(a_wrong_value_is_refused),
        cmocka_unit_test(an_earlier_failure_is_kept),
        cmocka_unit_test(a_tcb_version_has_the_byte_order_of_its_product),
        cmocka_unit_test(family_and_model_name_the_product),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
