/* SPDX-License-Identifier: Apache-2.0 */
/* TOML reader; tests/e2e/test_toml_oracle.py compares what it accepts with Python's tomllib. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <math.h>

#include <cmocka.h>

#include "base/toml.h"
#include "exact.h"

static bool parse(const char *text, struct mse_toml_value **out, struct mse_error *err)
{
    struct mse_bytes in = exact_copy(MSE_CSTR_BYTES(text), strlen(text));
    bool ok;

    *err = (struct mse_error){ 0 };
    ok = mse_toml_parse(in, out, err);
    exact_free(in); /* the tree holds copies */
    return ok;
}

/* clang-format off */
static const struct { const char *in; const char *want; } strings[] = {
    { "a = \"\\b\\t\\n\\f\\r\\\"\\\\\\u00e9\\U0001F600\"",
      "\b\t\n\f\r\"\\\xc3\xa9\xf0\x9f\x98\x80" },
    { "a = 'C:\\n'",                            "C:\\n" },
    { "a = \"\"",                               "" },
    { "a = \"\"\"\nx\r\ny\"\"\"",               "x\ny" },
    { "a = \"\"\"x \\  \n\n  y\"\"\"",          "x y" },
    { "a = \"\"\"\"\"q\"\"\"\"\"",              "\"\"q\"\"" },
    { "a = '''''q'''''",                        "''q''" },
    { "a = '''\n\\x\n'''",                      "\\x\n" },
};
/* clang-format on */

static void strings_have_four_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        struct mse_toml_value *root;
        struct mse_error err;
        const struct mse_toml_value *v;

        assert_true(parse(strings[i].in, &root, &err));
        v = mse_toml_member(root, "a");
        assert_int_equal(v->type, MSE_TOML_STRING);
        assert_string_equal(v->text, strings[i].want);
        assert_int_equal(v->text_len, strlen(strings[i].want));
        mse_toml_free(root);
    }
}

/* clang-format off */
static const struct { const char *in; int64_t want; } integers[] = {
    { "a = 0", 0 }, { "a = -0", 0 }, { "a = +1_000", 1000 }, { "a = 0xdead_BEEF", 0xdeadbeef },
    { "a = 0o755", 0755 }, { "a = 0b1101", 13 },
    { "a = 9223372036854775807", INT64_MAX }, { "a = -9223372036854775808", INT64_MIN },
    { "a = 0x7fffffffffffffff", INT64_MAX },
};
static const struct { const char *in; double want; } floats[] = {
    { "a = 1.5", 1.5 }, { "a = -0.01", -0.01 }, { "a = 5e+2_2", 5e22 },
      { "a = 6.626E-34", 6.626e-34 },
    { "a = 1_0.2_5", 10.25 }, { "a = inf", (double)INFINITY }, { "a = +inf", (double)INFINITY },
      { "a = -inf", -(double)INFINITY },
};
static const struct { const char *in; const char *want; } datetimes[] = {
    { "a = 1979-05-27T07:32:00Z", "1979-05-27T07:32:00Z" },
    { "a = 1979-05-27t07:32:00.25z", "1979-05-27T07:32:00.25Z" },
    { "a = 1979-05-27 07:32:00-07:00", "1979-05-27T07:32:00-07:00" },
    { "a = 1979-05-27T07:32:00.999999999", "1979-05-27T07:32:00.999999999" },
    { "a = 2000-02-29", "2000-02-29" },
    { "a = 07:32:00", "07:32:00" },
};
/* clang-format on */

static void numbers_are_converted(void **state)
{
    struct mse_toml_value *root;
    struct mse_error err;
    const struct mse_toml_value *v;

    (void)state;
    for (size_t i = 0; i < sizeof(integers) / sizeof(integers[0]); i++) {
        assert_true(parse(integers[i].in, &root, &err));
        v = mse_toml_member(root, "a");
        assert_int_equal(v->type, MSE_TOML_INTEGER);
        assert_true(v->integer == integers[i].want);
        mse_toml_free(root);
    }
    for (size_t i = 0; i < sizeof(floats) / sizeof(floats[0]); i++) {
        assert_true(parse(floats[i].in, &root, &err));
        v = mse_toml_member(root, "a");
        assert_int_equal(v->type, MSE_TOML_FLOAT);
        assert_memory_equal(&v->real, &floats[i].want, sizeof(double));
        mse_toml_free(root);
    }
    assert_true(parse("a = nan\nb = true\nc = false", &root, &err));
    assert_true(isnan(root->children[0]->real));
    assert_true(root->children[1]->boolean);
    assert_false(root->children[2]->boolean);
    assert_int_equal(root->children[2]->type, MSE_TOML_BOOLEAN);
    mse_toml_free(root);
}

static void dates_keep_their_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(datetimes) / sizeof(datetimes[0]); i++) {
        struct mse_toml_value *root;
        struct mse_error err;

        assert_true(parse(datetimes[i].in, &root, &err));
        assert_int_equal(root->children[0]->type, MSE_TOML_DATETIME);
        assert_string_equal(root->children[0]->text, datetimes[i].want);
        mse_toml_free(root);
    }
}

static const char sample[] = "# comment\r\n"
                             "title = \"x\"\r\n"
                             "\n"
                             "[loader]\n"
                             "  z.y.\"x w\" = 1\n"
                             "  z.b = [ 1, # one\n"
                             "    'two', { t = 3 },\n"
                             "  ]\n"
                             "[[file]]\n"
                             "uri = \"\xc3\xa9\"; \n"
                             "";

static const char good[] = "# comment\r\n"
                           "title = \"x\"\r\n"
                           "\n"
                           "[loader]\n"
                           "  z.y.\"x w\" = 1\n"
                           "  z.b = [ 1, # one\n"
                           "    'two', { t = 3 },\n"
                           "  ]\n"
                           "[[file]]\n"
                           "uri = 'a'\n"
                           "[[file]]\n"
                           "'\xc3\xa9' = 1\n"
                           "[file.sub]\n";

static void order_and_places_are_kept(void **state)
{
    struct mse_toml_value *root;
    struct mse_error err;
    const struct mse_toml_value *v;

    (void)state;
    assert_true(parse(good, &root, &err));
    assert_int_equal(root->type, MSE_TOML_TABLE);
    assert_int_equal(root->count, 3);
    assert_string_equal(root->children[0]->key, "title");
    assert_string_equal(root->children[1]->key, "loader");
    assert_string_equal(root->children[2]->key, "file");
    v = mse_toml_member(mse_toml_member(root, "loader"), "z");
    assert_int_equal(v->line, 5);
    assert_int_equal(v->column, 3);
    v = mse_toml_member(mse_toml_member(v, "y"), "x w");
    assert_int_equal(v->integer, 1);
    assert_int_equal(v->key_len, 3);
    assert_int_equal(v->line, 5);
    assert_int_equal(v->column, 7);
    v = mse_toml_member(mse_toml_member(mse_toml_member(root, "loader"), "z"), "b");
    assert_int_equal(v->type, MSE_TOML_ARRAY);
    assert_int_equal(v->count, 3);
    assert_null(v->children[1]->key);
    assert_string_equal(v->children[1]->text, "two");
    assert_int_equal(v->children[1]->line, 7);
    assert_int_equal(v->children[1]->column, 5);
    assert_int_equal(mse_toml_member(v->children[2], "t")->integer, 3);
    v = mse_toml_member(root, "file");
    assert_int_equal(v->type, MSE_TOML_ARRAY);
    assert_int_equal(v->count, 2);
    assert_int_equal(v->children[1]->line, 11);
    assert_string_equal(v->children[1]->children[0]->key, "\xc3\xa9");
    assert_string_equal(v->children[1]->children[1]->key, "sub");
    assert_null(mse_toml_member(root, "none"));
    assert_null(mse_toml_member(NULL, "title"));
    assert_null(mse_toml_member(v, "title"));
    mse_toml_free(root);
}

/* clang-format off */ /* place: where the message must point */
static const struct { const char *in; enum mse_err_code want; const char *place; } refused[] = {
    { sample,                      MSE_ERR_FORMAT,    "line 10, column 10:" },
    { "a = 1\na = 2",              MSE_ERR_DUPLICATE, "line 2, column 1:" },
    { "a = 1\n'a' = 2",            MSE_ERR_DUPLICATE, "line 2, column 1:" },
    { "[a]\n[b]\n[a]",             MSE_ERR_DUPLICATE, "line 3, column 2:" },
    { "a.b = 1\n[a]",              MSE_ERR_DUPLICATE, "line 2, column 2:" },
    { "[a.b]\n[a]\nb.c = 1",       MSE_ERR_DUPLICATE, "line 3, column 1:" },
    { "a = {}\n[a.b]",             MSE_ERR_DUPLICATE, "line 2, column 2:" },
    { "a = {}\na.b = 1",           MSE_ERR_DUPLICATE, "line 2, column 1:" },
    { "a = []\n[[a]]",             MSE_ERR_DUPLICATE, "line 2, column 3:" },
    { "[a]\n[[a]]",                MSE_ERR_DUPLICATE, "line 2, column 3:" },
    { "[[a]]\n[a]",                MSE_ERR_DUPLICATE, "line 2, column 2:" },
    { "a = {b = 1, b = 2}",        MSE_ERR_DUPLICATE, "line 1, column 13:" },
    { "a = {b = 1,}",              MSE_ERR_FORMAT,    "line 1, column 12:" },
    { "a = {b = 1\n}",             MSE_ERR_FORMAT,    "line 1, column 11:" },
    { "a = [1 2]",                 MSE_ERR_FORMAT,    "line 1, column 8:" },
    { "a = 1 b = 2",               MSE_ERR_FORMAT,    "line 1, column 7:" },
    { "a = ",                      MSE_ERR_FORMAT,    "line 1, column 5:" },
    { "a",                         MSE_ERR_FORMAT,    "line 1, column 2:" },
    { "= 1",                       MSE_ERR_FORMAT,    "line 1, column 1:" },
    { "[a",                        MSE_ERR_FORMAT,    "line 1, column 3:" },
    { "[[a]",                      MSE_ERR_FORMAT,    "line 1, column 4:" },
    { "[a]]",                      MSE_ERR_FORMAT,    "line 1, column 4:" },
    { "a = \"x\ny\"",              MSE_ERR_FORMAT,    "line 1, column 7:" },
    { "a = 1\rb = 2",              MSE_ERR_FORMAT,    "line 1, column 6:" },
    { "\na = '''x",                MSE_ERR_FORMAT,    "line 2, column 5:" },
    { "a = \"\\z\"",               MSE_ERR_FORMAT,    "line 1, column 6:" },
    { "a = \"\xc3\xa9\\ud800\"",   MSE_ERR_FORMAT,    "line 1, column 7:" },
    { "a = \"\\U00110000\"",       MSE_ERR_FORMAT,    "line 1, column 6:" },
    { "a = \"\\u0000\"",           MSE_ERR_FORMAT,    "line 1, column 6:" },
    { "a = \"\\u12\"",             MSE_ERR_FORMAT,    "line 1, column 6:" },
    { "# \x01",                    MSE_ERR_FORMAT,    "line 1, column 3:" },
    { "a = '\x7f'",                MSE_ERR_FORMAT,    "line 1, column 6:" },
    { "a = \"\"\"\x1f\"\"\"",      MSE_ERR_FORMAT,    "line 1, column 8:" },
    { "# ok\n# \xff",              MSE_ERR_FORMAT,    "line 2, column 3:" },
    { "\xef\xbb\xbf" "a = 1",      MSE_ERR_FORMAT,    "line 1, column 1:" },
    { "\"\"\"a\"\"\" = 1",         MSE_ERR_FORMAT,    "line 1, column 1:" },
    { "a = 01",                    MSE_ERR_FORMAT,    "line 1, column 5:" },
    { "a = 1__0",                  MSE_ERR_FORMAT,    "line 1, column 6:" },
    { "a = 1.",                    MSE_ERR_FORMAT,    "line 1, column 7:" },
    { "a = +0x1",                  MSE_ERR_FORMAT,    "line 1, column 6:" },
    { "a = 9223372036854775808",   MSE_ERR_FORMAT,    "line 1, column 5:" },
    { "a = -9223372036854775809",  MSE_ERR_FORMAT,    "line 1, column 6:" },
    { "a = 1900-02-29",            MSE_ERR_FORMAT,    "line 1, column 5:" },
    { "a = 23:59:60",              MSE_ERR_FORMAT,    "line 1, column 5:" },
    { "a = 2000-01-01T00:00:00+24:00", MSE_ERR_FORMAT, "line 1, column 24:" },
    { "a = truee",                 MSE_ERR_FORMAT,    "line 1, column 9:" },
    { "a = infx",                  MSE_ERR_FORMAT,    "line 1, column 8:" },
    { "a = ina",                   MSE_ERR_FORMAT,    "line 1, column 5:" },
};
/* clang-format on */

static void everything_else_is_refused_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct mse_toml_value *root = (struct mse_toml_value *)1;
        struct mse_error err;

        print_message("%s\n", refused[i].in);
        assert_false(parse(refused[i].in, &root, &err));
        assert_int_equal(err.code, refused[i].want);
        if (strncmp(err.text, refused[i].place, strlen(refused[i].place)) != 0)
            fail_msg("%s, want %s", err.text, refused[i].place);
        assert_null(root);
    }
}

static void every_prefix_ends_in_an_answer(void **state)
{
    (void)state;
    for (size_t n = 0; n < strlen(good); n++) {
        struct mse_bytes cut = exact_copy(MSE_CSTR_BYTES(good), n);
        struct mse_toml_value *root;
        struct mse_error err = { 0 };
        bool ok = mse_toml_parse(cut, &root, &err);

        assert_int_equal(ok, err.code == MSE_ERR_NONE);
        assert_int_equal(root != NULL, err.code == MSE_ERR_NONE);
        mse_toml_free(root);
        exact_free(cut);
    }
}

/* before, then piece so many times, then after. */
static char *repeat(const char *before, const char *piece, size_t count, const char *after)
{
    struct mse_writer w = { 0 };

    mse_write_text(&w, before);
    for (size_t i = 0; i < count; i++)
        mse_write_text(&w, piece);
    mse_write_text(&w, after);
    return mse_writer_take_text(&w);
}

static void depth_is_limited(void **state)
{
    /* clang-format off */
    static const struct { const char *before; const char *piece; size_t fits; const char *after; }
    deep[] = {
        { "a = ", "[", MSE_TOML_DEPTH, "]" },
        { "a = ", "{a = ", MSE_TOML_DEPTH - 1, "1" },
        { "", "a.", MSE_TOML_DEPTH - 1, "a = 1" },
        { "[", "a.", MSE_TOML_DEPTH - 1, "a]" },
    };
    /* clang-format on */
    struct mse_toml_value *root;
    struct mse_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(deep) / sizeof(deep[0]); i++) {
        for (size_t more = 0; more < 2; more++) {
            char *text = repeat(deep[i].before, deep[i].piece, deep[i].fits + more, deep[i].after);

            (void)parse(text, &root, &err);
            assert_int_equal(err.code == MSE_ERR_LIMIT, more == 1);
            mse_toml_free(root);
            free(text);
        }
    }
}

static void size_and_number_of_values_are_limited(void **state)
{
    char *text = repeat("", "#2345678", MSE_TOML_MAX_SIZE / 8, "");
    struct mse_toml_value *root;
    struct mse_error err;

    (void)state;
    assert_true(parse(text, &root, &err));
    mse_toml_free(root);
    free(text);
    text = repeat("#", "#2345678", MSE_TOML_MAX_SIZE / 8, "");
    assert_false(parse(text, &root, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    free(text);
    text = repeat("a=[", "1,", 1 << 20, "]");
    assert_false(parse(text, &root, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    free(text);
}

static void many_keys_in_one_table_are_found(void **state)
{
    struct mse_writer w = { 0 };
    struct mse_toml_value *root;
    struct mse_error err;
    char *text;
    char key[16];

    (void)state;
    for (unsigned i = 0; i < 100000; i++)
        mse_write_format(&w, "k%u = %u\n", i, i);
    text = mse_writer_take_text(&w);
    assert_true(parse(text, &root, &err));
    assert_int_equal(root->count, 100000);
    for (unsigned i = 0; i < 100000; i += 997) {
        (void)snprintf(key, sizeof(key), "k%u", i);
        assert_int_equal(mse_toml_member(root, key)->integer, i);
        assert_int_equal(mse_toml_member(root, key)->line, i + 1);
    }
    mse_toml_free(root);
    free(text);
}

static void an_empty_document_is_an_empty_table(void **state)
{
    struct mse_toml_value *root;
    struct mse_error err = { 0 };

    (void)state;
    assert_true(mse_toml_parse((struct mse_bytes){ 0 }, &root, &err));
    assert_int_equal(root->type, MSE_TOML_TABLE);
    assert_int_equal(root->count, 0);
    mse_toml_free(root);
    mse_toml_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_have_four_forms),
        cmocka_unit_test(numbers_are_converted),
        cmocka_unit_test(dates_keep_their_text),
        cmocka_unit_test(order_and_places_are_kept),
        cmocka_unit_test(everything_else_is_refused_with_its_place),
        cmocka_unit_test(every_prefix_ends_in_an_answer),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(size_and_number_of_values_are_limited),
        cmocka_unit_test(many_keys_in_one_table_are_found),
        cmocka_unit_test(an_empty_document_is_an_empty_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
