/* SPDX-License-Identifier: Apache-2.0 */
/* CBOR: accepted values are those of RFC 8949, appendix A. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cbor.h"
#include "exact.h"

#define B(s)                                                                                       \
    {                                                                                              \
        (const uint8_t *)(s), sizeof(s) - 1                                                        \
    }

/* clang-format off */ /* RFC 8949, appendix A */
static const struct { struct mse_bytes in; uint64_t want; } unsigned_values[] = {
    { B("\x00"), 0 }, { B("\x01"), 1 }, { B("\x0a"), 10 }, { B("\x17"), 23 }, { B("\x18\x18"), 24 },
    { B("\x18\x19"), 25 }, { B("\x18\x64"), 100 }, { B("\x19\x03\xe8"), 1000 },
    { B("\x1a\x00\x0f\x42\x40"), 1000000 },
    { B("\x1b\x00\x00\x00\xe8\xd4\xa5\x10\x00"), UINT64_C(1000000000000) },
    { B("\x1b\xff\xff\xff\xff\xff\xff\xff\xff"), UINT64_MAX },
};
/* clang-format on */

static void unsigned_integers_go_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(unsigned_values) / sizeof(unsigned_values[0]); i++) {
        struct mse_bytes in = unsigned_values[i].in;
        struct mse_error err = { 0 };
        struct mse_reader r = mse_reader_init(in, &err);
        struct mse_writer w = { 0 };

        assert_true(mse_cbor_read_unsigned(&r, "x") == unsigned_values[i].want);
        assert_true(mse_read_done(&r, "x"));
        mse_cbor_write_head(&w, 0, unsigned_values[i].want);
        assert_true(mse_bytes_equal(mse_writer_bytes(&w), in));
        mse_writer_cleanup(&w);
        for (size_t n = 0; n < in.len; n++) {
            struct mse_bytes cut = exact_copy(in, n);

            err = (struct mse_error){ 0 };
            r = mse_reader_init(cut, &err);
            assert_true(mse_cbor_read_unsigned(&r, "x") == 0);
            assert_int_equal(err.code, MSE_ERR_TRUNCATED);
            exact_free(cut);
        }
    }
}

static void widths_are_chosen_at_their_bounds(void **state)
{
    static const struct {
        uint64_t value;
        size_t len;
    } bounds[] = { { 23, 1 },    { 24, 2 },    { 255, 2 },        { 256, 3 },
                   { 65535, 3 }, { 65536, 5 }, { UINT32_MAX, 5 }, { UINT64_C(1) << 32, 9 } };

    (void)state;
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        struct mse_writer w = { 0 };
        struct mse_error err = { 0 };
        struct mse_reader r;

        mse_cbor_write_head(&w, 0, bounds[i].value);
        assert_int_equal(w.len, bounds[i].len);
        r = mse_reader_init(mse_writer_bytes(&w), &err);
        assert_true(mse_cbor_read_unsigned(&r, "x") == bounds[i].value);
        assert_true(mse_read_done(&r, "x"));
        mse_writer_cleanup(&w);
    }
}

enum kind { UNSIGNED, ANY, TAG, BYTES, TEXT, ARRAY, MAP, SKIP };

/* clang-format off */ /* at: where the message must point */
static const struct {
    const char *name; enum kind kind; struct mse_bytes in; enum mse_err_code want; size_t at;
} refused[] = {
    { "one byte too wide",        UNSIGNED, B("\x18\x17"), MSE_ERR_FORMAT, 0 },
    { "two bytes too wide",       UNSIGNED, B("\x19\x00\xff"), MSE_ERR_FORMAT, 0 },
    { "four bytes too wide",      UNSIGNED, B("\x1a\x00\x00\xff\xff"), MSE_ERR_FORMAT, 0 },
    { "eight bytes too wide",     UNSIGNED, B("\x1b\x00\x00\x00\x00\xff\xff\xff\xff"),
      MSE_ERR_FORMAT, 0 },
    { "reserved 28",              UNSIGNED, B("\x1c"), MSE_ERR_FORMAT, 0 },
    { "reserved 30",              UNSIGNED, B("\x1e"), MSE_ERR_FORMAT, 0 },
    { "indefinite integer",       UNSIGNED, B("\x1f"), MSE_ERR_UNSUPPORTED, 0 },
    { "negative",                 UNSIGNED, B("\x20"), MSE_ERR_VALUE, 0 },
    { "text for an integer",      UNSIGNED, B("\x60"), MSE_ERR_VALUE, 0 },
    { "negative, any width",      ANY,      B("\x38\x01"), MSE_ERR_VALUE, 0 },
    { "reserved, any width",      ANY,      B("\x1d"), MSE_ERR_FORMAT, 0 },
    { "integer for a tag",        TAG,      B("\x01"), MSE_ERR_VALUE, 0 },
    { "tag too wide",             TAG,      B("\xd8\x01"), MSE_ERR_FORMAT, 0 },
    { "bytes past the end",       BYTES,    B("\x42\x01"), MSE_ERR_TRUNCATED, 1 },
    { "bytes of 2^64-1",          BYTES,    B("\x5b\xff\xff\xff\xff\xff\xff\xff\xff"),
      MSE_ERR_TRUNCATED, 9 },
    { "indefinite bytes",         BYTES,    B("\x5f\x41\x00\xff"), MSE_ERR_UNSUPPORTED, 0 },
    { "text for bytes",           BYTES,    B("\x61\x61"), MSE_ERR_VALUE, 0 },
    { "length too wide",          BYTES,    B("\x58\x01\x00"), MSE_ERR_FORMAT, 0 },
    { "bytes for text",           TEXT,     B("\x41\x61"), MSE_ERR_VALUE, 0 },
    { "text is not UTF-8",        TEXT,     B("\x62\xc3\x28"), MSE_ERR_FORMAT, 1 },
    { "text cut in a character",  TEXT,     B("\x61\xc3\xa9"), MSE_ERR_FORMAT, 1 },
    { "array of too many",        ARRAY,    B("\x83\x01\x02"), MSE_ERR_TRUNCATED, 1 },
    { "array of 2^64-1",          ARRAY,    B("\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x00"),
      MSE_ERR_TRUNCATED, 9 },
    { "indefinite array",         ARRAY,    B("\x9f\xff"), MSE_ERR_UNSUPPORTED, 0 },
    { "map for an array",         ARRAY,    B("\xa0"), MSE_ERR_VALUE, 0 },
    { "map of too many",          MAP,      B("\xa2\x01\x02\x03"), MSE_ERR_TRUNCATED, 1 },
    { "map of 2^63 pairs",        MAP,      B("\xbb\x80\x00\x00\x00\x00\x00\x00\x00\x00"),
      MSE_ERR_TRUNCATED, 9 },
    { "indefinite map",           MAP,      B("\xbf\xff"), MSE_ERR_UNSUPPORTED, 0 },
    { "skip: half float",         SKIP,     B("\xf9\x00\x00"), MSE_ERR_UNSUPPORTED, 0 },
    { "skip: double",             SKIP,     B("\x81\xfb\x00\x00\x00\x00\x00\x00\x00\x00"),
      MSE_ERR_UNSUPPORTED, 1 },
    { "skip: undefined",          SKIP,     B("\xf7"), MSE_ERR_UNSUPPORTED, 0 },
    { "skip: simple 0",           SKIP,     B("\xe0"), MSE_ERR_UNSUPPORTED, 0 },
    { "skip: long simple value",  SKIP,     B("\xf8\xff"), MSE_ERR_UNSUPPORTED, 0 },
    { "skip: break alone",        SKIP,     B("\xff"), MSE_ERR_UNSUPPORTED, 0 },
    { "skip: text is not UTF-8",  SKIP,     B("\x81\x61\xff"), MSE_ERR_FORMAT, 2 },
    { "skip: tag without item",   SKIP,     B("\xc1"), MSE_ERR_TRUNCATED, 1 },
    { "skip: inner array lies",   SKIP,     B("\x82\x82\x01"), MSE_ERR_TRUNCATED, 2 },
    { "skip: integer too wide",   SKIP,     B("\x81\x18\x00"), MSE_ERR_FORMAT, 1 },
};
/* clang-format on */

static uint64_t read_kind(enum kind kind, struct mse_reader *r)
{
    switch (kind) {
    case UNSIGNED:
        return mse_cbor_read_unsigned(r, "x");
    case ANY:
        return mse_cbor_read_unsigned_any(r, "x");
    case TAG:
        return mse_cbor_read_tag(r, "x");
    case BYTES:
        return mse_cbor_read_bytes(r, "x").len;
    case TEXT:
        return mse_cbor_read_text(r, "x").len;
    case ARRAY:
        return mse_cbor_read_array(r, "x");
    case MAP:
        return mse_cbor_read_map(r, "x");
    case SKIP:
        mse_cbor_skip(r, "x");
        return 0;
    }
    abort();
}

static void everything_else_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct mse_bytes in = exact_copy(refused[i].in, refused[i].in.len);
        struct mse_error err = { 0 };
        struct mse_reader r = mse_reader_init(in, &err);

        print_message("%s\n", refused[i].name);
        assert_true(read_kind(refused[i].kind, &r) == 0);
        assert_int_equal(err.code, refused[i].want);
        assert_int_equal(err.offset, refused[i].at);
        assert_int_equal(mse_cbor_next_major(&r), -1);
        exact_free(in);
    }
}

static void any_width_takes_what_the_other_refuses(void **state)
{
    struct mse_bytes in = B("\x1b\x00\x00\x00\x00\x00\x00\x00\x05");
    struct mse_error err = { 0 };
    struct mse_reader r = mse_reader_init(in, &err);

    (void)state;
    assert_true(mse_cbor_read_unsigned_any(&r, "x") == 5);
    assert_true(mse_read_done(&r, "x"));
}

/* 18([h'0102', "é", {1: [null, -1, true], 2: false}]) */
static const struct mse_bytes nested = B(
    "\xd2\x83\x42\x01\x02\x62\xc3\xa9\xa2\x01\x83\xf6\x20\xf5\x02\xf4");

static void structure_is_read_piece_by_piece(void **state)
{
    struct mse_error err = { 0 };
    struct mse_reader r = mse_reader_init(nested, &err);
    struct mse_bytes v;

    (void)state;
    assert_int_equal(mse_cbor_next_major(&r), 6);
    assert_true(mse_cbor_read_tag(&r, "tag") == 18);
    assert_true(mse_cbor_read_array(&r, "array") == 3);
    v = mse_cbor_read_bytes(&r, "bytes");
    assert_int_equal(v.len, 2);
    assert_ptr_equal(v.data, nested.data + 3);
    v = mse_cbor_read_text(&r, "text");
    assert_true(mse_bytes_equal_text(v, "\xc3\xa9"));
    assert_int_equal(mse_cbor_next_major(&r), 5);
    assert_true(mse_cbor_read_map(&r, "map") == 2);
    assert_true(mse_cbor_read_unsigned(&r, "key") == 1);
    mse_cbor_skip(&r, "value");
    assert_true(mse_cbor_read_unsigned(&r, "key") == 2);
    assert_int_equal(mse_cbor_next_major(&r), 7);
    mse_cbor_skip(&r, "value");
    assert_int_equal(mse_cbor_next_major(&r), -1);
    assert_true(mse_read_done(&r, "all"));
}

static void skip_takes_exactly_one_item(void **state)
{
    struct mse_bytes two = B("\x82\x01\x80\x02");
    struct mse_error err = { 0 };
    struct mse_reader r = mse_reader_init(two, &err);

    (void)state;
    mse_cbor_skip(&r, "x");
    assert_int_equal(mse_reader_offset(&r), 3);
    r = mse_reader_init(nested, &err);
    mse_cbor_skip(&r, "x");
    assert_true(mse_read_done(&r, "x"));
}

static void every_prefix_is_truncated(void **state)
{
    (void)state;
    for (size_t n = 0; n < nested.len; n++) {
        struct mse_bytes cut = exact_copy(nested, n);
        struct mse_error err = { 0 };
        struct mse_reader r = mse_reader_init(cut, &err);

        mse_cbor_skip(&r, "x");
        assert_int_equal(err.code, MSE_ERR_TRUNCATED);
        exact_free(cut);
    }
}

static void depth_is_limited(void **state)
{
    uint8_t deep[MSE_CBOR_DEPTH + 2];
    struct mse_error err = { 0 };
    struct mse_reader r;

    (void)state;
    memset(deep, 0x81, sizeof(deep));
    deep[MSE_CBOR_DEPTH] = 0x00;
    r = mse_reader_init((struct mse_bytes){ deep, MSE_CBOR_DEPTH + 1 }, &err);
    mse_cbor_skip(&r, "x");
    assert_true(mse_read_done(&r, "x"));
    deep[MSE_CBOR_DEPTH] = 0xc1;
    deep[MSE_CBOR_DEPTH + 1] = 0x00;
    r = mse_reader_init(MSE_BYTES(deep), &err);
    mse_cbor_skip(&r, "x");
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    assert_int_equal(err.offset, MSE_CBOR_DEPTH);
}

static void strings_are_written_with_their_length(void **state)
{
    struct mse_writer w = { 0 };

    (void)state;
    mse_cbor_write_head(&w, 4, 2);
    mse_cbor_write_bytes(&w, (struct mse_bytes)B("\1\2\3\4"));
    mse_cbor_write_text(&w, "IETF");
    assert_int_equal(w.len, 11);
    assert_memory_equal(w.data,
                        "\x82\x44\1\2\3\4\x64"
                        "IETF",
                        11);
    mse_writer_cleanup(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unsigned_integers_go_both_ways),
        cmocka_unit_test(widths_are_chosen_at_their_bounds),
        cmocka_unit_test(everything_else_is_refused),
        cmocka_unit_test(any_width_takes_what_the_other_refuses),
        cmocka_unit_test(structure_is_read_piece_by_piece),
        cmocka_unit_test(skip_takes_exactly_one_item),
        cmocka_unit_test(every_prefix_is_truncated),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(strings_are_written_with_their_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
