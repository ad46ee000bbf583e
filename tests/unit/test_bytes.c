/* SPDX-License-Identifier: Apache-2.0 */
/* The bounded reader and the growing writer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "exact.h"

static const uint8_t counting[] = { 1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29 };

static void integers_are_read_in_both_orders(void **state)
{
    struct mse_error err = { 0 };
    struct mse_reader r = mse_reader_init(MSE_BYTES(counting), &err);

    (void)state;
    assert_int_equal(mse_read_u8(&r, "u8"), 0x01);
    assert_int_equal(mse_read_u16le(&r, "u16le"), 0x0302);
    assert_int_equal(mse_read_u32le(&r, "u32le"), 0x07060504);
    assert_true(mse_read_u64le(&r, "u64le") == UINT64_C(0x0f0e0d0c0b0a0908));
    assert_int_equal(mse_read_u16be(&r, "u16be"), 0x1011);
    assert_int_equal(mse_read_u32be(&r, "u32be"), 0x12131415);
    assert_true(mse_read_u64be(&r, "u64be") == UINT64_C(0x161718191a1b1c1d));
    assert_true(mse_read_done(&r, "all"));
}

static void high_bits_are_not_extended(void **state)
{
    const uint8_t ones[8] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    struct mse_error err = { 0 };
    struct mse_reader r = mse_reader_init(MSE_BYTES(ones), &err);

    (void)state;
    assert_true(mse_read_u64le(&r, "x") == UINT64_MAX);
    r = mse_reader_init(MSE_BYTES(ones), &err);
    assert_true(mse_read_u32be(&r, "x") == UINT32_MAX);
    assert_true(mse_read_u16le(&r, "x") == UINT16_MAX);
}

/* One of each kind of read, 33 bytes in all. */
static bool read_everything(struct mse_bytes in, struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(in, err);
    struct mse_reader sub;

    (void)mse_read_u8(&r, "a");
    (void)mse_read_u16le(&r, "b");
    (void)mse_read_u16be(&r, "c");
    (void)mse_read_u32le(&r, "d");
    (void)mse_read_u32be(&r, "e");
    (void)mse_read_u64le(&r, "f");
    (void)mse_read_array(&r, 2, "g");
    (void)mse_read_bytes(&r, 2, "h");
    mse_read_expect(&r, (struct mse_bytes){ (const uint8_t *)"ok", 2 }, "i");
    mse_read_zero(&r, 2, "j");
    sub = mse_read_sub(&r, 4, "k");
    (void)mse_read_u32le(&sub, "l");
    return mse_read_done(&sub, "sub") && mse_read_done(&r, "all");
}

static void every_prefix_is_truncated(void **state)
{
    uint8_t whole[33] = { 0 };
    struct mse_error err = { 0 };

    (void)state;
    memcpy(whole + 25, "ok", 2);
    assert_true(read_everything(MSE_BYTES(whole), &err));
    for (size_t n = 0; n < sizeof(whole); n++) {
        struct mse_bytes cut = exact_copy(MSE_BYTES(whole), n);

        err = (struct mse_error){ 0 };
        assert_false(read_everything(cut, &err));
        assert_int_equal(err.code, MSE_ERR_TRUNCATED);
        assert_true(err.offset <= n);
        exact_free(cut);
    }
}

static void failure_is_sticky_and_keeps_its_place(void **state)
{
    struct mse_error err = { 0 };
    struct mse_reader r = mse_reader_init((struct mse_bytes){ counting, 5 }, &err);

    (void)state;
    assert_int_equal(mse_read_u32le(&r, "first"), 0x04030201);
    assert_int_equal(mse_read_u16le(&r, "second"), 0);
    assert_int_equal(mse_read_u8(&r, "third"), 0);
    assert_null(mse_read_array(&r, 0, "fourth"));
    assert_int_equal(mse_read_bytes(&r, 1, "fifth").len, 0);
    assert_null(mse_read_rest(&r).data);
    assert_false(mse_read_ok(&r));
    assert_false(mse_read_done(&r, "all"));
    assert_int_equal(err.code, MSE_ERR_TRUNCATED);
    assert_int_equal(err.offset, 4);
    assert_string_equal(err.field, "second");
}

static void huge_lengths_do_not_wrap(void **state)
{
    static const size_t lengths[] = { 6, SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2, SIZE_MAX - 4 };

    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct mse_error err = { 0 };
        struct mse_reader r = mse_reader_init((struct mse_bytes){ counting, 5 }, &err);

        assert_null(mse_read_array(&r, lengths[i], "x"));
        assert_int_equal(err.code, MSE_ERR_TRUNCATED);
    }
}

static void failures_of_a_child_are_the_parents(void **state)
{
    struct mse_error err = { 0 };
    struct mse_reader r = mse_reader_init((struct mse_bytes){ counting, 8 }, &err);
    struct mse_reader sub;

    (void)state;
    (void)mse_read_u16le(&r, "head");
    sub = mse_read_sub(&r, 3, "sub");
    assert_int_equal(mse_reader_left(&sub), 3);
    assert_int_equal(mse_reader_offset(&sub), 2);
    assert_int_equal(mse_reader_left(&r), 3);
    assert_int_equal(mse_read_u32le(&sub, "sub.field"), 0);
    assert_int_equal(mse_read_u8(&r, "behind"), 0);
    assert_int_equal(err.code, MSE_ERR_TRUNCATED);
    assert_int_equal(err.offset, 2);
    assert_string_equal(err.field, "sub.field");
}

static void child_of_a_failed_parent_is_empty(void **state)
{
    struct mse_error err = { 0 };
    struct mse_reader r = mse_reader_init((struct mse_bytes){ counting, 2 }, &err);
    struct mse_reader sub = mse_read_sub(&r, 3, "sub");

    (void)state;
    assert_int_equal(mse_reader_left(&sub), 0);
    assert_false(mse_read_done(&sub, "sub"));
}

/* clang-format off */
static const struct { const char *name; uint8_t in[4]; enum mse_err_code want; size_t at; }
constants[] = {
    { "right",            { 'o', 'k', 0, 0 }, MSE_ERR_NONE,  0 },
    { "other constant",   { 'o', 'x', 0, 0 }, MSE_ERR_VALUE, 0 },
    { "reserved not zero", { 'o', 'k', 0, 1 }, MSE_ERR_VALUE, 2 },
};
/* clang-format on */

static void constants_and_reserved_bytes_are_checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++) {
        struct mse_error err = { 0 };
        struct mse_reader r = mse_reader_init(MSE_BYTES(constants[i].in), &err);

        mse_read_expect(&r, (struct mse_bytes){ (const uint8_t *)"ok", 2 }, "magic");
        mse_read_zero(&r, 2, "reserved");
        assert_int_equal(mse_read_done(&r, "all"), constants[i].want == MSE_ERR_NONE);
        assert_int_equal(err.code, constants[i].want);
        assert_int_equal(err.offset, constants[i].at);
    }
}

static void leftovers_are_an_error(void **state)
{
    struct mse_error err = { 0 };
    struct mse_reader r = mse_reader_init((struct mse_bytes){ counting, 3 }, &err);

    (void)state;
    (void)mse_read_u16le(&r, "x");
    assert_false(mse_read_done(&r, "all"));
    assert_int_equal(err.code, MSE_ERR_TRAILING);
    assert_int_equal(err.offset, 2);
}

static void rest_takes_what_is_left(void **state)
{
    struct mse_error err = { 0 };
    struct mse_reader r = mse_reader_init((struct mse_bytes){ counting, 3 }, &err);
    struct mse_bytes rest;

    (void)state;
    (void)mse_read_u8(&r, "x");
    rest = mse_read_rest(&r);
    assert_ptr_equal(rest.data, counting + 1);
    assert_int_equal(rest.len, 2);
    assert_true(mse_read_done(&r, "all"));
}

static void an_empty_view_may_be_null(void **state)
{
    struct mse_error err = { 0 };
    struct mse_reader r = mse_reader_init((struct mse_bytes){ NULL, 9 }, &err);

    (void)state;
    assert_int_equal(mse_reader_left(&r), 0);
    assert_true(mse_read_done(&r, "all"));
    assert_int_equal(mse_read_u8(&r, "x"), 0);
    assert_int_equal(err.code, MSE_ERR_TRUNCATED);
}

static void a_failure_is_recorded_where_the_reader_is(void **state)
{
    struct mse_error err = { 0 };
    struct mse_reader r = mse_reader_init((struct mse_bytes){ counting, 3 }, &err);

    (void)state;
    (void)mse_read_u16le(&r, "x");
    assert_false(mse_reader_fail(&r, MSE_ERR_UNSUPPORTED, "kind"));
    assert_int_equal(err.code, MSE_ERR_UNSUPPORTED);
    assert_int_equal(err.offset, 2);
}

static void views_are_compared_by_length_and_bytes(void **state)
{
    struct mse_bytes abc = { (const uint8_t *)"abc", 3 };

    (void)state;
    assert_true(mse_bytes_equal(abc, MSE_CSTR_BYTES("abc")));
    assert_false(mse_bytes_equal(abc, MSE_CSTR_BYTES("abd")));
    assert_false(mse_bytes_equal(abc, MSE_CSTR_BYTES("abcd")));
    assert_true(mse_bytes_equal((struct mse_bytes){ 0 }, MSE_CSTR_BYTES("")));
    assert_true(mse_bytes_equal_text(abc, "abc"));
    assert_false(mse_bytes_equal_text(abc, "ab"));
    assert_true(mse_is_zero(NULL, 0));
    assert_true(mse_is_zero((const uint8_t *)"\0\0\0", 3));
    assert_false(mse_is_zero((const uint8_t *)"\0\0\1", 3));
}

static void writer_puts_integers_in_both_orders(void **state)
{
    static const uint8_t want[] = { 0x01, 0x03, 0x02, 0x07, 0x06, 0x05, 0x04, 0x0f, 0x0e,
                                    0x0d, 0x0c, 0x0b, 0x0a, 0x09, 0x08, 0x10, 0x11, 0x12,
                                    0x13, 0x14, 0x15, 't',  '-',  '7',  '!' };
    struct mse_writer w = { 0 };

    (void)state;
    mse_write_u8(&w, 1);
    mse_write_u16le(&w, 0x0203);
    mse_write_u32le(&w, 0x04050607);
    mse_write_u64le(&w, UINT64_C(0x08090a0b0c0d0e0f));
    mse_write_u16be(&w, 0x1011);
    mse_write_u32be(&w, 0x12131415);
    mse_write_text(&w, "t");
    mse_write_format(&w, "%d%c", -7, '!');
    assert_true(mse_writer_ok(&w));
    assert_int_equal(w.len, sizeof(want));
    assert_memory_equal(w.data, want, sizeof(want));
    assert_ptr_equal(mse_writer_bytes(&w).data, w.data);
    mse_writer_cleanup(&w);
    assert_null(w.data);
}

static void writer_grows(void **state)
{
    struct mse_writer w = { 0 };

    (void)state;
    for (unsigned i = 0; i < 100000; i++)
        mse_write_u8(&w, (uint8_t)(i * 7));
    assert_int_equal(w.len, 100000);
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal(w.data[i], (uint8_t)(i * 7));
    mse_writer_cleanup(&w);
}

static void writer_stops_for_good_at_its_cap(void **state)
{
    struct mse_writer w = { .cap = 8 };

    (void)state;
    mse_write_text(&w, "12345678");
    assert_true(mse_writer_ok(&w));
    mse_write_u8(&w, '9');
    assert_false(mse_writer_ok(&w));
    mse_write_bytes(&w, NULL, 0);
    mse_write_format(&w, "x");
    assert_int_equal(w.len, 8);
    assert_int_equal(mse_writer_bytes(&w).len, 0);
    assert_null(mse_writer_take_text(&w));
    assert_null(w.data);
}

static void format_longer_than_the_cap_is_refused(void **state)
{
    struct mse_writer w = { .cap = 8 };

    (void)state;
    mse_write_format(&w, "%09d", 1);
    assert_false(mse_writer_ok(&w));
    mse_writer_cleanup(&w);
}

static void text_is_handed_over_with_a_nul(void **state)
{
    struct mse_writer w = { .cap = 3 };
    char *text;

    (void)state;
    mse_write_text(&w, "abc");
    text = mse_writer_take_text(&w);
    assert_string_equal(text, "abc");
    free(text);
    assert_null(w.data);
    assert_int_equal(w.len, 0);
    text = mse_writer_take_text(&w);
    assert_string_equal(text, "");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_read_in_both_orders),
        cmocka_unit_test(high_bits_are_not_extended),
        cmocka_unit_test(every_prefix_is_truncated),
        cmocka_unit_test(failure_is_sticky_and_keeps_its_place),
        cmocka_unit_test(huge_lengths_do_not_wrap),
        cmocka_unit_test(failures_of_a_child_are_the_parents),
        cmocka_unit_test(child_of_a_failed_parent_is_empty),
        cmocka_unit_test(constants_and_reserved_bytes_are_checked),
        cmocka_unit_test(leftovers_are_an_error),
        cmocka_unit_test(rest_takes_what_is_left),
        cmocka_unit_test(an_empty_view_may_be_null),
        cmocka_unit_test(a_failure_is_recorded_where_the_reader_is),
        cmocka_unit_test(views_are_compared_by_length_and_bytes),
        cmocka_unit_test(writer_puts_integers_in_both_orders),
        cmocka_unit_test(writer_grows),
        cmocka_unit_test(writer_stops_for_good_at_its_cap),
        cmocka_unit_test(format_longer_than_the_cap_is_refused),
        cmocka_unit_test(text_is_handed_over_with_a_nul),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
