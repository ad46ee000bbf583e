/* SPDX-License-Identifier: Apache-2.0 */
/* Hex, base64 (vectors of RFC 4648, 10), PEM (RFC 7468), escaping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "exact.h"

#define B(s)                                                                                       \
    {                                                                                              \
        (const uint8_t *)(s), sizeof(s) - 1                                                        \
    }

static void hex_goes_both_ways(void **state)
{
    const uint8_t bytes[] = { 0x00, 0x1f, 0xa9, 0xff };
    uint8_t back[4];
    char text[9];

    (void)state;
    mse_hex_write(bytes, sizeof(bytes), text);
    assert_string_equal(text, "001fa9ff");
    assert_true(mse_hex_read("001fA9Ff", 8, back, 4));
    assert_memory_equal(back, bytes, 4);
    mse_hex_write(bytes, 0, text);
    assert_string_equal(text, "");
    assert_true(mse_hex_read("", 0, back, 0));
}

static void hex_refuses_anything_else(void **state)
{
    static const char *const bad[] = { "0",    "000",  "0g00", "00:0",   " 000",    "00x0", "-100",
                                       "0/00", "0@00", "0`00", "000000", "0\20000", "0000 " };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint8_t out[2] = { 1, 1 };

        assert_false(mse_hex_read(bad[i], strlen(bad[i]), out, 2));
        assert_true(mse_is_zero(out, 2));
    }
}

static void every_byte_is_a_hex_digit_or_refused(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char text[2] = { '0', (char)c };
        uint8_t out;
        bool digit = c != 0 && strchr("0123456789abcdefABCDEF", c) != NULL;

        assert_int_equal(mse_hex_read(text, 2, &out, 1), digit);
        if (digit)
            assert_int_equal(out, strtol((char[]){ (char)c, 0 }, NULL, 16));
    }
}

/* clang-format off */
static const struct { const char *plain; const char *text; } rfc4648[] = {
    { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
    { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" }, { "\xfb\xff\xbf", "+/+/" },
};
/* clang-format on */

static void base64_goes_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rfc4648) / sizeof(rfc4648[0]); i++) {
        struct mse_bytes in = MSE_CSTR_BYTES(rfc4648[i].plain);
        struct mse_bytes text = exact_copy(MSE_CSTR_BYTES(rfc4648[i].text),
                                           strlen(rfc4648[i].text));
        char out[16];
        uint8_t back[16];
        size_t len = text.len / 4 * 3;

        assert_int_equal(mse_base64_write(in.data, in.len, out), text.len);
        assert_string_equal(out, rfc4648[i].text);
        assert_true(mse_base64_read((const char *)text.data, text.len, false, back, &len));
        assert_int_equal(len, in.len);
        assert_memory_equal(back, in.data, in.len);
        exact_free(text);
    }
}

static void base64_refuses_anything_else(void **state)
{
    static const char *const bad[] = {
        "Z",    "Zg",     "Zg=",   "Zg===", "Zg==Zg==", "Zh==",     "Zm9=",
        "Zm8",  "=",      "====",  "Zm=v",  "Zm9v=",    "Zm9v====", "Zm9-",
        "Zm9_", "Zm9v\n", "Zm 9v", "Zm9v.", "Z\xe9==",  "Z===",     "=Zm9",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint8_t out[32];
        size_t len = sizeof(out);

        assert_false(mse_base64_read(bad[i], strlen(bad[i]), false, out, &len));
        assert_int_equal(len, 0);
    }
}

static void base64_with_space_takes_line_ends(void **state)
{
    uint8_t out[8];
    size_t len = sizeof(out);

    (void)state;
    assert_true(mse_base64_read(" Zm\r\n9v\tYg\n=\n= \n", 16, true, out, &len));
    assert_int_equal(len, 4);
    assert_memory_equal(out, "foob", 4);
    len = sizeof(out);
    assert_false(mse_base64_read("Zm\v9v", 5, true, out, &len));
    len = sizeof(out);
    assert_false(mse_base64_read("Zg==\nZg==", 9, true, out, &len));
}

static void base64_stays_in_its_room(void **state)
{
    uint8_t out[8];

    (void)state;
    for (size_t room = 0; room < 6; room++) {
        size_t len = room;

        memset(out, 0xaa, sizeof(out));
        assert_false(mse_base64_read("Zm9vYmFy", 8, false, out, &len));
        assert_int_equal(len, 0);
        for (size_t i = room; i < sizeof(out); i++)
            assert_int_equal(out[i], 0xaa);
    }
    for (size_t room = 3; room < 5; room++) {
        size_t len = room;

        assert_false(mse_base64_read("Zm9vYmE=", 8, false, out, &len));
    }
}

/* clang-format off */
static const struct {
    const char *name; struct mse_bytes in; enum mse_err_code want; size_t at; const char *first;
    size_t behind;
} pems[] = {
    { "one block", B("-----BEGIN X-----\nZm9v\n-----END X-----\n"), MSE_ERR_NONE, 0, "foo", 38 },
    { "text before", B("Subject: a-b\n-----BEGIN X-----\nZm9v\n-----END X-----"),
      MSE_ERR_NONE, 0, "foo", 51 },
    { "CRLF", B("-----BEGIN X-----\r\nZm9v\r\n-----END X-----\r\n"), MSE_ERR_NONE, 0, "foo", 40 },
    { "no line ends", B("-----BEGIN X-----Zm9v-----END X-----"), MSE_ERR_NONE, 0, "foo", 36 },
    { "other label first",
      B("-----BEGIN Y-----\nZm9v\n-----END Y-----\n-----BEGIN X-----\nYg==\n-----END X-----"),
      MSE_ERR_NONE, 0, "b", 77 },
    { "NUL behind", B("-----BEGIN X-----\nZm9v\n-----END X-----\n\0"), MSE_ERR_NONE, 0, "foo", 38 },
    { "other label only", B("-----BEGIN XY-----\nZm9v\n-----END XY-----\n"),
      MSE_ERR_NONE, 0, NULL, 0 },
    { "not at a line start", B("> -----BEGIN X-----\nZm9v\n-----END X-----\n"),
      MSE_ERR_NONE, 0, NULL, 0 },
    { "nothing", B(""), MSE_ERR_NONE, 0, NULL, 0 },
    { "no END", B("-----BEGIN X-----\nZm9v\n"), MSE_ERR_TRUNCATED, 0, NULL, 0 },
    { "half an END", B("a\n-----BEGIN X-----\nZm9v\n-----END X----"),
      MSE_ERR_TRUNCATED, 2, NULL, 0 },
    { "END of another", B("-----BEGIN X-----\nZm9v\n-----END Y-----\n"),
      MSE_ERR_FORMAT, 23, NULL, 0 },
    { "block in a block", B("-----BEGIN X-----\n-----BEGIN X-----\nZm9v\n-----END X-----\n"),
      MSE_ERR_FORMAT, 18, NULL, 0 },
    { "headers", B("-----BEGIN X-----\nProc-Type: 4,ENCRYPTED\n\nZm9v\n-----END X-----\n"),
      MSE_ERR_FORMAT, 22, NULL, 0 },
    { "bad base64", B("-----BEGIN X-----\nZm9\n-----END X-----\n"), MSE_ERR_FORMAT, 17, NULL, 0 },
    { "empty", B("-----BEGIN X-----\n-----END X-----\n"), MSE_ERR_FORMAT, 17, NULL, 0 },
    { "too large", B("-----BEGIN X-----\nZm9vZm9vZm9v\n-----END X-----\n"),
      MSE_ERR_LIMIT, 17, NULL, 0 },
};
/* clang-format on */

static void pem_blocks_are_found_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(pems) / sizeof(pems[0]); i++) {
        struct mse_bytes in = exact_copy(pems[i].in, pems[i].in.len);
        struct mse_error err = { 0 };
        uint8_t out[8];
        size_t len = sizeof(out);
        size_t at = 0;

        print_message("%s\n", pems[i].name);
        assert_int_equal(mse_pem_next(in, &at, "X", out, &len, &err), pems[i].first != NULL);
        assert_int_equal(err.code, pems[i].want);
        assert_int_equal(err.offset, pems[i].at);
        assert_int_equal(at, pems[i].behind);
        assert_int_equal(len, pems[i].first != NULL ? strlen(pems[i].first) : 0);
        if (pems[i].first != NULL)
            assert_memory_equal(out, pems[i].first, len);
        exact_free(in);
    }
}

static void blocks_of_a_chain_come_one_after_the_other(void **state)
{
    struct mse_bytes in = B("-----BEGIN X-----\nYQ==\n-----END X----------BEGIN X-----\nYg==\n"
                            "-----END X-----\n\n-----BEGIN X-----\nYw==\n-----END X-----\n");
    struct mse_error err = { 0 };
    size_t at = 0;
    uint8_t out[3];
    size_t len;

    (void)state;
    for (char want = 'a'; want <= 'c'; want++) {
        len = sizeof(out);
        assert_true(mse_pem_next(in, &at, "X", out, &len, &err));
        assert_int_equal(len, 1);
        assert_int_equal(out[0], want);
    }
    len = sizeof(out);
    assert_false(mse_pem_next(in, &at, "X", out, &len, &err));
    assert_int_equal(err.code, MSE_ERR_NONE);
}

static void pem_prefixes_hold_no_block(void **state)
{
    struct mse_bytes whole = B("-----BEGIN X-----\nZm9v\n-----END X-----");

    (void)state;
    for (size_t n = 0; n < whole.len; n++) {
        struct mse_bytes cut = exact_copy(whole, n);
        struct mse_error err = { 0 };
        uint8_t out[16];
        size_t len = sizeof(out);
        size_t at = 0;

        assert_false(mse_pem_next(cut, &at, "X", out, &len, &err));
        assert_int_equal(err.code, n < 17 ? MSE_ERR_NONE : MSE_ERR_TRUNCATED);
        exact_free(cut);
    }
}

static void pem_lines_have_64_digits(void **state)
{
    struct mse_writer w = { 0 };
    uint8_t bytes[50];
    char *text;

    (void)state;
    memset(bytes, 'a', sizeof(bytes));
    mse_pem_write(&w, "X", MSE_BYTES(bytes));
    text = mse_writer_take_text(&w);
    assert_string_equal(text, "-----BEGIN X-----\n"
                              "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh\n"
                              "YWE=\n-----END X-----\n");
    free(text);
}

static void text_from_outside_is_made_printable(void **state)
{
    char out[64];

    (void)state;
    assert_string_equal(
        mse_escape((struct mse_bytes)B("a\n\033[0m\x7f\xc3\xa9\0z~"), out, sizeof(out)),
        "a\\x0a\\x1b[0m\\x7f\\xc3\\xa9\\x00z~");
    assert_string_equal(mse_escape((struct mse_bytes){ NULL, 0 }, out, sizeof(out)), "");
}

static void escaped_text_is_cut_to_fit(void **state)
{
    char out[64];

    (void)state;
    assert_string_equal(mse_escape((struct mse_bytes)B("abcdef"), out, 7), "abcdef");
    assert_string_equal(mse_escape((struct mse_bytes)B("abcdef"), out, 6), "ab...");
    assert_string_equal(mse_escape((struct mse_bytes)B("abcdef"), out, 4), "...");
    assert_string_equal(mse_escape((struct mse_bytes)B("abcdef"), out, 3), "");
    assert_string_equal(mse_escape((struct mse_bytes)B("\n\n\n"), out, 9), "\\x0a...");
    for (size_t size = 1; size < 10; size++) {
        char *room = malloc(size);

        mse_escape((struct mse_bytes)B("ab\n"), room, size);
        assert_true(strlen(room) < size);
        free(room);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex_goes_both_ways),
        cmocka_unit_test(hex_refuses_anything_else),
        cmocka_unit_test(every_byte_is_a_hex_digit_or_refused),
        cmocka_unit_test(base64_goes_both_ways),
        cmocka_unit_test(base64_refuses_anything_else),
        cmocka_unit_test(base64_with_space_takes_line_ends),
        cmocka_unit_test(base64_stays_in_its_room),
        cmocka_unit_test(pem_blocks_are_found_or_refused),
        cmocka_unit_test(blocks_of_a_chain_come_one_after_the_other),
        cmocka_unit_test(pem_prefixes_hold_no_block),
        cmocka_unit_test(pem_lines_have_64_digits),
        cmocka_unit_test(text_from_outside_is_made_printable),
        cmocka_unit_test(escaped_text_is_cut_to_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
