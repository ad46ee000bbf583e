/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of manifests. Expected floats are what Python prints; the rest is made by hand from the
 * rules in docs/gramine.md. tests/e2e/test_sgx_manifest.py has many more, against its own writer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "measure/manifest.h"

/* Parses and writes; the text is the caller's (free). */
static char *rewrite(const char *text)
{
    struct mse_manifest manifest;
    struct mse_error err = { 0 };
    struct mse_writer w = { 0 };
    char *out;

    if (!mse_manifest_parse(MSE_CSTR_BYTES(text), MSE_GRAMINE_1_9, &manifest, &err))
        fail_msg("%s: %s", text, err.text);
    mse_manifest_write(&manifest, &w);
    assert_true(mse_writer_ok(&w));
    mse_manifest_cleanup(&manifest);
    out = mse_writer_take_text(&w);
    assert_non_null(out);
    return out;
}

/* What is written is as wanted, and reads and writes as itself. */
static void check(const char *text, const char *want)
{
    char *out = rewrite(text);
    char *again = rewrite(out);

    assert_string_equal(out, want);
    assert_string_equal(again, want);
    free(out);
    free(again);
}

/* clang-format off */
static const struct { const char *in; const char *want; } values[] = {
    /* strings: always basic, on one line; what is no control character stays as it is */
    { "a = ''", "a = \"\"\n" },
    { "a = 'it\"s'", "a = \"it\\\"s\"\n" },
    { "a = 'back\\slash'", "a = \"back\\\\slash\"\n" },
    { "a = \"\"\"x\ny\"\"\"", "a = \"x\\ny\"\n" },
    { "a = \"\\b\\t\\n\\f\\r\"", "a = \"\\b\t\\n\\f\\r\"\n" },
    { "a = \"\\u0001\\u001F\\u007f\\u0080\"", "a = \"\\u0001\\u001f\\u007f\xc2\x80\"\n" },
    { "a = \"\\u00e9\\U0001F600\\u2028\"",
      "a = \"\xc3\xa9\xf0\x9f\x98\x80\xe2\x80\xa8\"\n" },
    { "a = \"/\"", "a = \"/\"\n" },
    /* keys */
    { "A-z_09 = 1", "A-z_09 = 1\n" },
    { "1 = 1", "1 = 1\n" },
    { "\"\" = 1", "\"\" = 1\n" },
    { "'a b' = 1", "\"a b\" = 1\n" },
    { "'a\"b' = 1", "\"a\\\"b\" = 1\n" },
    { "\"a\\n\" = 1", "\"a\\n\" = 1\n" },
    { "\"\xc3\xa9\" = 1", "\"\xc3\xa9\" = 1\n" },
    { "\"a.b\" = 1", "\"a.b\" = 1\n" },
    { "'plain' = 1", "plain = 1\n" },
    /* integers and booleans */
    { "a = 0x3e8", "a = 1000\n" }, { "a = 1_000", "a = 1000\n" }, { "a = 0b101", "a = 5\n" },
    { "a = 0o17", "a = 15\n" }, { "a = +7", "a = 7\n" }, { "a = -0", "a = 0\n" },
    { "a = -9223372036854775808", "a = -9223372036854775808\n" },
    { "a = 9223372036854775807", "a = 9223372036854775807\n" },
    { "a = true", "a = true\n" }, { "a = false", "a = false\n" },
    /* floats */
    { "a = inf", "a = inf\n" }, { "a = -inf", "a = -inf\n" }, { "a = +inf", "a = inf\n" },
    { "a = nan", "a = nan\n" }, { "a = -nan", "a = nan\n" },
    { "a = 1.5", "a = 1.5\n" }, { "a = -0.01", "a = -0.01\n" }, { "a = 0.0", "a = 0.0\n" },
    { "a = -0.0", "a = -0.0\n" }, { "a = 1e15", "a = 1000000000000000.0\n" },
    { "a = 1e16", "a = 1e+16\n" }, { "a = 9999999999999998.0", "a = 9999999999999998.0\n" },
    { "a = 123456789012345678.0", "a = 1.2345678901234568e+17\n" },
    { "a = 0.0001", "a = 0.0001\n" }, { "a = 0.00001", "a = 1e-05\n" },
    { "a = 0.00012", "a = 0.00012\n" }, { "a = 0.000012", "a = 1.2e-05\n" },
    { "a = 5e-324", "a = 5e-324\n" },
    { "a = 1.7976931348623157e308", "a = 1.7976931348623157e+308\n" },
    { "a = 2.2250738585072014e-308", "a = 2.2250738585072014e-308\n" },
    { "a = 0.1", "a = 0.1\n" }, { "a = 100.0", "a = 100.0\n" }, { "a = 1e22", "a = 1e+22\n" },
    { "a = 9007199254740993.0", "a = 9007199254740992.0\n" },
    { "a = 0.3333333333333333", "a = 0.3333333333333333\n" },
    { "a = 6.626E-34", "a = 6.626e-34\n" }, { "a = 1e100", "a = 1e+100\n" },
    { "a = 123456.789", "a = 123456.789\n" }, { "a = 1.0e10", "a = 10000000000.0\n" },
    /* powers of two, where the nearest decimal is not the one that reads back: 2**-1017, 2**-957 */
    { "a = 7.1202363472230444e-307", "a = 7.120236347223045e-307\n" },
    { "a = 8.2090736025967525e-289", "a = 8.209073602596753e-289\n" },
    /* dates and times */
    { "a = 1979-05-27T07:32:00Z", "a = 1979-05-27 07:32:00+00:00\n" },
    { "a = 1979-05-27 07:32:00-00:00", "a = 1979-05-27 07:32:00+00:00\n" },
    { "a = 1979-05-27t07:32:00-07:30", "a = 1979-05-27 07:32:00-07:30\n" },
    { "a = 1979-05-27T07:32:00+12:00", "a = 1979-05-27 07:32:00+12:00\n" },
    { "a = 1979-05-27T07:32:00", "a = 1979-05-27 07:32:00\n" },
    { "a = 1979-05-27T07:32:00.5-07:00", "a = 1979-05-27 07:32:00.500000-07:00\n" },
    { "a = 1979-05-27T07:32:00.123456789Z", "a = 1979-05-27 07:32:00.123456+00:00\n" },
    { "a = 1979-05-27T07:32:00.0000009", "a = 1979-05-27 07:32:00\n" },
    { "a = 1979-05-27T07:32:00.000Z", "a = 1979-05-27 07:32:00+00:00\n" },
    { "a = 1979-05-27", "a = 1979-05-27\n" },
    { "a = 07:32:00", "a = 07:32:00\n" },
    { "a = 07:32:00.25", "a = 07:32:00.250000\n" },
    /* arrays: each element on a line of its own */
    { "a = []", "a = []\n" },
    { "a = [1, 'x', true]", "a = [\n    1,\n    \"x\",\n    true,\n]\n" },
    { "a = [[1], [], [[2]]]",
      "a = [\n    [\n        1,\n    ],\n    [],\n    [\n        [\n            2,\n        ],\n"
      "    ],\n]\n" },
    /* an array inside an inline table begins at the left again */
    { "a = [1, { b = [2] }]", "a = [\n    1,\n    { b = [\n    2,\n] },\n]\n" },
    /* tables in arrays that are not only tables stay inline whatever their length */
    { "a = [{}, 1]", "a = [\n    {},\n    1,\n]\n" },
    { "a = [[{ b = 1, 'c d' = {} }]]",
      "a = [\n    [\n        { b = 1, \"c d\" = {} },\n    ],\n]\n" },
    { "a = [{ b = [] }]", "a = [\n    { b = [] },\n]\n" },
};
/* clang-format on */

static void values_have_one_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        check(values[i].in, values[i].want);
}

/* clang-format off */
static const struct { const char *in; const char *want; } tables[] = {
    { "", "" },
    { "# nothing\n\n", "" },
    /* values first, then tables, each in its order */
    { "t.x = 1\na = 2\nu = {}\nb = 3", "a = 2\nb = 3\n\n[t]\nx = 1\n\n[u]\n" },
    /* a table of tables only has no header, and no empty line of its own */
    { "a.b.c = 1", "[a.b]\nc = 1\n" },
    { "[a]\n[a.b]\n[a.c]\n", "[a.b]\n\n[a.c]\n" },
    { "[a.b]\nx=1\n[c]\ny=2\n[a.d]", "[a.b]\nx = 1\n\n[a.d]\n\n[c]\ny = 2\n" },
    { "[a]\n[b]", "[a]\n\n[b]\n" },
    { "x = 1\n[a.b]\ny = 2", "x = 1\n\n[a.b]\ny = 2\n" },
    { "['a.b'.'']\nx=1", "[\"a.b\".\"\"]\nx = 1\n" },
    { "\"\" = { x = 1 }", "[\"\"]\nx = 1\n" },
    /* inline tables become tables */
    { "a = { b = { c = 1 }, d = 2 }", "[a]\nd = 2\n\n[a.b]\nc = 1\n" },
    /* [[...]] of short tables becomes an array of inline tables, a value */
    { "[[a]]\nx = 1\n[[a]]\ny = 'z'", "a = [\n    { x = 1 },\n    { y = \"z\" },\n]\n" },
    { "[t]\nx=1\n[[a]]\n", "a = [\n    {},\n]\n\n[t]\nx = 1\n" },
    { "[[a]]\n[a.b]\nx = 1", "a = [\n    { b = { x = 1 } },\n]\n" },
    /* an array in it has a line end, so all are tables */
    { "[[a]]\nx = [1]\n[[a]]\ny = 2", "[[a]]\nx = [\n    1,\n]\n\n[[a]]\ny = 2\n" },
    { "[[a]]\n[[a.b]]\nx = [1]\n[[a.b]]\n[[a]]",
      "[[a]]\n\n[[a.b]]\nx = [\n    1,\n]\n\n[[a.b]]\n\n[[a]]\n" },
    { "[[a.b.c]]\nx = [1]\n[a.b.c.d]", "[[a.b.c]]\nx = [\n    1,\n]\n\n[a.b.c.d]\n" },
    /* an element has its header even if it holds tables only */
    { "[[a]]\nb.c = { d = [1] }", "[[a]]\n\n[a.b.c]\nd = [\n    1,\n]\n" },
    { "a = [1] # x\r\n[b]\r\nc = 1\r\n", "a = [\n    1,\n]\n\n[b]\nc = 1\n" },
};
/* clang-format on */

static void tables_follow_values_and_have_headers_where_needed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        check(tables[i].in, tables[i].want);
}

/* "    { x = "..." }," around so many copies of one character. */
static char *line_of(const char *before, const char *character, size_t count, const char *behind)
{
    struct mse_writer w = { 0 };
    char *text;

    mse_write_text(&w, before);
    for (size_t i = 0; i < count; i++)
        mse_write_text(&w, character);
    mse_write_text(&w, behind);
    text = mse_writer_take_text(&w);
    assert_non_null(text);
    return text;
}

static void an_element_of_100_characters_is_the_longest_on_a_line(void **state)
{
    /* The last takes two characters of the text: \" */
    static const struct {
        const char *source, *written;
        size_t width;
    } characters[] = {
        { "a", "a", 1 },
        { "\xc3\xa9", "\xc3\xa9", 1 },
        { "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", 1 },
        { "\\\"", "\\\"", 2 },
    };
    /* 4 of indentation, 8 before and 4 behind the text of x, with the comma */
    const size_t room = 100 - 4 - strlen("{ x = \"\" },");

    (void)state;
    assert_int_equal(room, 85);
    for (size_t i = 0; i < sizeof(characters) / sizeof(characters[0]); i++) {
        size_t fits = room / characters[i].width;
        const char *source = characters[i].source, *written = characters[i].written;
        char *in = line_of("a = [{ x = \"", source, fits, "\" }]");
        char *want = line_of("a = [\n    { x = \"", written, fits, "\" },\n]\n");

        check(in, want);
        free(in);
        free(want);
        in = line_of("a = [{ x = \"", source, fits + 1, "\" }]");
        want = line_of("[[a]]\nx = \"", written, fits + 1, "\"\n");
        check(in, want);
        free(in);
        free(want);
    }
}

static void one_long_element_makes_blocks_of_all(void **state)
{
    char *in = line_of("a = [{ x = 1 }, { x = '", "y", 86, "' }, { x = 2 }]");
    char *want = line_of("[[a]]\nx = 1\n\n[[a]]\nx = \"", "y", 86, "\"\n\n[[a]]\nx = 2\n");

    (void)state;
    check(in, want);
    free(in);
    free(want);
}

static void a_key_counts_too(void **state)
{
    char *in = line_of("a = [{ ", "k", 100 - 4 - 9 + 1, " = 1 }]");
    char *want = line_of("[[a]]\n", "k", 100 - 4 - 9 + 1, " = 1\n");

    (void)state;
    check(in, want);
    free(in);
    free(want);
}

/* The writer's own failure is the caller's to see; no half of a text passes for a whole one. */
static void a_text_over_the_cap_is_a_failure(void **state)
{
    struct mse_manifest manifest;
    struct mse_error err = { 0 };

    (void)state;
    assert_true(mse_manifest_parse(MSE_CSTR_BYTES("a = 1\n[b]\nc = [1, 2]\n[[d]]\ne = [1]\n"),
                                   MSE_GRAMINE_1_9, &manifest, &err));
    for (size_t cap = 1;; cap++) {
        struct mse_writer w = { .cap = cap };
        bool ok;

        mse_manifest_write(&manifest, &w);
        ok = mse_writer_ok(&w);
        assert_int_equal(ok, cap >= strlen("a = 1\n\n[b]\nc = [\n    1,\n    2,\n]\n\n[[d]]\n"
                                           "e = [\n    1,\n]\n"));
        mse_writer_cleanup(&w);
        if (ok)
            break;
    }
    mse_manifest_cleanup(&manifest);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_have_one_form),
        cmocka_unit_test(tables_follow_values_and_have_headers_where_needed),
        cmocka_unit_test(an_element_of_100_characters_is_the_longest_on_a_line),
        cmocka_unit_test(one_long_element_makes_blocks_of_all),
        cmocka_unit_test(a_key_counts_too),
        cmocka_unit_test(a_text_over_the_cap_is_a_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
