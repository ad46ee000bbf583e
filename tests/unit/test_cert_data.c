/* SPDX-License-Identifier: Apache-2.0 */
/* QE Certification Data: type u16, size u32, body (Intel ECDSA Quote Library Reference, appendix
 * A). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "evidence/cert_data.h"

#define B(s)                                                                                       \
    {                                                                                              \
        (const uint8_t *)(s), sizeof(s) - 1                                                        \
    }

/* clang-format off */ /* at: where the message must point; left: bytes that stay unread */
static const struct {
    const char *name; struct mse_bytes in; enum mse_err_code want; size_t at;
    enum mse_cert_data_type type; size_t len; size_t left;
} cases[] = {
    { "PPID in plain",     B("\1\0\2\0\0\0ab"),   MSE_ERR_NONE, 0, MSE_CERT_DATA_PPID_PLAIN, 2, 0 },
    { "PPID, RSA-2048",    B("\2\0\1\0\0\0a"),    MSE_ERR_NONE, 0, MSE_CERT_DATA_PPID_RSA2048, 1, 0 },
    { "PPID, RSA-3072",    B("\3\0\1\0\0\0a"),    MSE_ERR_NONE, 0, MSE_CERT_DATA_PPID_RSA3072, 1, 0 },
    { "PCK leaf",          B("\4\0\1\0\0\0a"),    MSE_ERR_NONE, 0, MSE_CERT_DATA_PCK_LEAF, 1, 0 },
    { "PCK chain",         B("\5\0\3\0\0\0abc"),  MSE_ERR_NONE, 0, MSE_CERT_DATA_PCK_CHAIN, 3, 0 },
    { "QE report",         B("\6\0\1\0\0\0a"),    MSE_ERR_NONE, 0, MSE_CERT_DATA_QE_REPORT, 1, 0 },
    { "platform manifest", B("\7\0\1\0\0\0a"),    MSE_ERR_NONE, 0, MSE_CERT_DATA_PLATFORM_MANIFEST, 1, 0 },
    { "empty body",        B("\5\0\0\0\0\0"),     MSE_ERR_NONE, 0, MSE_CERT_DATA_PCK_CHAIN, 0, 0 },
    { "more behind it",    B("\5\0\1\0\0\0abcd"), MSE_ERR_NONE, 0, MSE_CERT_DATA_PCK_CHAIN, 1, 3 },
    { "type 0",            B("\0\0\1\0\0\0a"),    MSE_ERR_UNSUPPORTED, 0, 0, 0, 0 },
    { "type 8",            B("\10\0\1\0\0\0a"),   MSE_ERR_UNSUPPORTED, 0, 0, 0, 0 },
    { "type 5 big-endian", B("\0\5\1\0\0\0a"),    MSE_ERR_UNSUPPORTED, 0, 0, 0, 0 },
    { "type 0xffff",       B("\377\377\1\0\0\0a"), MSE_ERR_UNSUPPORTED, 0, 0, 0, 0 },
    { "size past the end", B("\5\0\4\0\0\0abc"),  MSE_ERR_TRUNCATED, 6, 0, 0, 0 },
    { "size of 64 KiB",    B("\5\0\377\377\0\0abc"), MSE_ERR_TRUNCATED, 6, 0, 0, 0 },
    { "size of 4 GiB",     B("\5\0\377\377\377\377abc"), MSE_ERR_TRUNCATED, 6, 0, 0, 0 },
    { "nothing",           B(""),                 MSE_ERR_TRUNCATED, 0, 0, 0, 0 },
    { "half a type",       B("\5"),               MSE_ERR_TRUNCATED, 0, 0, 0, 0 },
    { "half a size",       B("\5\0\1\0"),         MSE_ERR_TRUNCATED, 2, 0, 0, 0 },
};
/* clang-format on */

static void every_type_and_size_is_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_error err = { 0 };
        struct mse_reader r = mse_reader_init(cases[i].in, &err);
        struct mse_cert_data out = { MSE_CERT_DATA_PCK_LEAF, cases[i].in };

        print_message("%s\n", cases[i].name);
        mse_cert_data_read(&r, &out);
        assert_int_equal(err.code, cases[i].want);
        assert_int_equal(err.offset, cases[i].at);
        assert_int_equal(out.type, cases[i].type);
        assert_int_equal(out.body.len, cases[i].len);
        if (cases[i].want != MSE_ERR_NONE)
            continue;
        assert_int_equal(mse_reader_left(&r), cases[i].left);
        if (cases[i].len > 0)
            assert_ptr_equal(out.body.data, cases[i].in.data + 6);
    }
}

static void every_prefix_is_truncated(void **state)
{
    static const uint8_t valid[] = { 5, 0, 4, 0, 0, 0, 'a', 'b', 'c', 'd' };

    (void)state;
    for (size_t n = 0; n < sizeof(valid); n++) {
        uint8_t *block = malloc(n + 1); /* ends where the input does: a sanitizer sees over-reads */
        struct mse_error err = { 0 };
        struct mse_cert_data out;
        struct mse_reader r;

        assert_non_null(block);
        memcpy(block + 1, valid, n);
        r = mse_reader_init((struct mse_bytes){ block + 1, n }, &err);
        mse_cert_data_read(&r, &out);
        assert_int_equal(err.code, MSE_ERR_TRUNCATED);
        assert_int_equal(out.type, 0);
        assert_int_equal(out.body.len, 0);
        free(block);
    }
}

static void offsets_count_from_the_start_of_the_whole_input(void **state)
{
    static const uint8_t in[] = { 'x', 'y', 9, 0, 0, 0, 0, 0 };
    struct mse_error err = { 0 };
    struct mse_reader r = mse_reader_init(MSE_BYTES(in), &err);
    struct mse_cert_data out;

    (void)state;
    (void)mse_read_array(&r, 2, "before");
    mse_cert_data_read(&r, &out);
    assert_int_equal(err.code, MSE_ERR_UNSUPPORTED);
    assert_int_equal(err.offset, 2);
}

static void an_earlier_failure_is_kept(void **state)
{
    static const uint8_t in[] = { 5, 0, 1, 0, 0, 0, 'a' };
    struct mse_error err = { 0 };
    struct mse_reader r = mse_reader_init(MSE_BYTES(in), &err);
    struct mse_cert_data out;

    (void)state;
    (void)mse_fail(&err, MSE_ERR_LIMIT, 77, "earlier");
    mse_cert_data_read(&r, &out);
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    assert_int_equal(err.offset, 77);
    assert_int_equal(out.type, 0);
    assert_null(out.body.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_and_size_is_judged),
        cmocka_unit_test(every_prefix_is_truncated),
        cmocka_unit_test(offsets_count_from_the_start_of_the_whole_input),
        cmocka_unit_test(an_earlier_failure_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
