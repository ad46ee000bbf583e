/* SPDX-License-Identifier: Apache-2.0 */
/* From a host's certificate table to what a certificate carries; what a guest reads in its report.
 */
#include "enclave/snp_evidence.h"

#include "exact.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define VCEK "\x63\xda\x75\x8d\xe6\x64\x45\x64\xad\xc5\xf4\xb9\x3b\xe8\xac\xcd"
#define VLEK "\xa8\x07\x4b\xc2\xa2\x5a\x48\x3e\xaa\xe6\x39\xc0\x45\xa0\xb8\xa1"
#define ASK "\x4a\xb7\xb3\x79\xbb\xac\x4f\xe4\xa0\x2f\x05\xae\xf3\x27\xc7\x82"
#define ARK "\xc0\xb4\x06\xa4\xa8\x03\x49\x52\x97\x43\x3f\xb6\x01\x4c\xd0\xae"
#define CRL "\x92\xf8\x1b\xc3\x58\x11\x4d\x3d\x97\xff\xd1\x9f\x88\xdc\x67\xea"
#define END "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define B(s)                                                                                       \
    {                                                                                              \
        (const uint8_t *)(s), sizeof(s) - 1                                                        \
    }

static uint8_t report[MSE_SNP_EVIDENCE_REPORT];

static int fill_report(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(report); i++)
        report[i] = (uint8_t)(i * 7 + i / 256);
    return 0;
}

/* Two certificates and one that nobody wants; offsets are from the table's beginning. */
static const uint8_t table[] = ASK "\x60\0\0\0\4\0\0\0" CRL "\x64\0\0\0\3\0\0\0" VCEK
                                   "\x67\0\0\0\5\0\0\0" END "aaaa"
                                   "ccc"
                                   "vvvvv";

static void takes_over_keys_and_their_cas(void **state)
{
    static const uint8_t want[] = "\2\0\0\0"
                                  "\x15\0\0\0" VCEK "vvvvv"
                                  "\x14\0\0\0" ASK "aaaa";
    struct mse_bytes in = { table, sizeof(table) - 1 };
    struct mse_writer out = { 0 };
    struct mse_error err = { 0 };

    (void)state;
    assert_true(mse_snp_evidence_write(MSE_BYTES(report), in, &out, &err));
    assert_int_equal(out.len, sizeof(report) + sizeof(want) - 1);
    assert_memory_equal(out.data, report, sizeof(report));
    assert_memory_equal(out.data + sizeof(report), want, sizeof(want) - 1);
    mse_writer_cleanup(&out);
}

static void a_table_with_nothing_of_use_leaves_the_bare_report(void **state)
{
    static const struct mse_bytes tables[] = {
        B(""),
        B(END),
        B(CRL "\x30\0\0\0\1\0\0\0" END "c"),
        B(VCEK "\x30\0\0\0\0\0\0\0" END),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        struct mse_writer out = { 0 };
        struct mse_error err = { 0 };

        assert_true(mse_snp_evidence_write(MSE_BYTES(report), tables[i], &out, &err));
        assert_int_equal(out.len, sizeof(report));
        mse_writer_cleanup(&out);
    }
}

static void refuses_what_is_no_table(void **state)
{
    /* clang-format off */
    static const struct { struct mse_bytes in; enum mse_err_code want; } rows[] = {
        { B("\1"), MSE_ERR_TRUNCATED },
        { B(VCEK "\x18\0\0\0\0\0\0\0"), MSE_ERR_TRUNCATED },
        { B(VCEK "\x30\0\0\0\2\0\0\0" END "v"), MSE_ERR_TRUNCATED },
        { B(VCEK "\x31\0\0\0\1\0\0\0" END "v"), MSE_ERR_TRUNCATED },
        { B(CRL "\x31\0\0\0\1\0\0\0" END "v"), MSE_ERR_TRUNCATED },
        { B(VCEK "\xff\xff\xff\xff\xff\xff\xff\xff" END "v"), MSE_ERR_TRUNCATED },
        { B(VCEK "\x48\0\0\0\1\0\0\0" VCEK "\x48\0\0\0\1\0\0\0" END "v"), MSE_ERR_DUPLICATE },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mse_bytes in = exact_copy(rows[i].in, rows[i].in.len);
        struct mse_writer out = { 0 };
        struct mse_error err = { 0 };

        assert_false(mse_snp_evidence_write(MSE_BYTES(report), in, &out, &err));
        assert_int_equal(err.code, rows[i].want);
        assert_int_equal(out.len, 0);
        exact_free(in);
    }
}

static void refuses_tables_and_reports_of_other_sizes(void **state)
{
    static uint8_t many[18 * 24], large[MSE_SNP_EVIDENCE_MAX_TABLE + 1];
    struct mse_writer out = { 0 };
    struct mse_error err = { 0 };

    (void)state;
    for (size_t i = 0; i < 17; i++)
        many[i * 24] = 1;
    assert_false(mse_snp_evidence_write(MSE_BYTES(report), MSE_BYTES(many), &out, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    err = (struct mse_error){ 0 };
    assert_false(mse_snp_evidence_write(MSE_BYTES(report), MSE_BYTES(large), &out, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    for (int change = -1; change <= 1; change += 2) {
        struct mse_bytes cut = { large, (size_t)(MSE_SNP_EVIDENCE_REPORT + change) };

        err = (struct mse_error){ 0 };
        assert_false(mse_snp_evidence_write(cut, (struct mse_bytes){ NULL, 0 }, &out, &err));
        assert_int_equal(err.code, MSE_ERR_FORMAT);
    }
    assert_int_equal(out.len, 0);
}

static void a_table_that_is_cut_is_refused_anywhere(void **state)
{
    (void)state;
    for (size_t len = 1; len < sizeof(table) - 1; len++) {
        struct mse_bytes in = exact_copy((struct mse_bytes){ table, sizeof(table) - 1 }, len);
        struct mse_writer out = { 0 };
        struct mse_error err = { 0 };

        assert_false(mse_snp_evidence_write(MSE_BYTES(report), in, &out, &err));
        assert_int_equal(err.code, MSE_ERR_TRUNCATED);
        exact_free(in);
    }
}

static void reads_its_own_report(void **state)
{
    struct mse_snp_own own;
    struct mse_error err = { 0 };

    (void)state;
    report[0x48] = 0;
    assert_true(mse_snp_own_read(MSE_BYTES(report), &own, &err));
    assert_memory_equal(own.host_data, report + 0xc0, 32);
    assert_memory_equal(own.chip_id, report + 0x1a0, 64);
    assert_true(own.by_vcek);
    report[0x48] = 1 << 2; /* SIGNING_KEY 1: VLEK */
    assert_true(mse_snp_own_read(MSE_BYTES(report), &own, &err));
    assert_false(own.by_vcek);
    report[0x48] = 7 << 2; /* none */
    assert_true(mse_snp_own_read(MSE_BYTES(report), &own, &err));
    assert_false(own.by_vcek);
    report[0x48] = 3; /* the bits below are others */
    assert_true(mse_snp_own_read(MSE_BYTES(report), &own, &err));
    assert_true(own.by_vcek);
}

static void a_report_that_is_cut_is_not_read(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof(report); len++) {
        struct mse_bytes in = exact_copy(MSE_BYTES(report), len);
        struct mse_snp_own own;
        struct mse_error err = { 0 };

        assert_false(mse_snp_own_read(in, &own, &err));
        assert_int_equal(err.code, MSE_ERR_TRUNCATED);
        exact_free(in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_over_keys_and_their_cas),
        cmocka_unit_test(a_table_with_nothing_of_use_leaves_the_bare_report),
        cmocka_unit_test(refuses_what_is_no_table),
        cmocka_unit_test(refuses_tables_and_reports_of_other_sizes),
        cmocka_unit_test(a_table_that_is_cut_is_refused_anywhere),
        cmocka_unit_test(reads_its_own_report),
        cmocka_unit_test(a_report_that_is_cut_is_not_read),
    };

    return cmocka_run_group_tests(tests, fill_report, NULL);
}
