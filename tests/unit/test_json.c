/* SPDX-License-Identifier: Apache-2.0 */
/* JSON reader and writer (RFC 8259); tests/e2e/test_json_oracle.py compares it with Python's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "exact.h"

/* clang-format off */ /* at: where the message must point */
static const struct { const char *in; enum mse_err_code want; size_t at; } documents[] = {
    { "{}",                  MSE_ERR_NONE,      0 },
    { " [ 1 , \"a\" ] \r\n", MSE_ERR_NONE,      0 },
    { "\"\\ud83d\\ude00\"",  MSE_ERR_NONE,      0 },
    { "\"\xf0\x9f\x98\x80\"", MSE_ERR_NONE,     0 },
    { "-0.5E+3",             MSE_ERR_NONE,      0 },
    { "",                    MSE_ERR_TRUNCATED, 0 },
    { " ",                   MSE_ERR_TRUNCATED, 1 },
    { "[1",                  MSE_ERR_TRUNCATED, 2 },
    { "{\"a\":",             MSE_ERR_TRUNCATED, 5 },
    { "\"ab",                MSE_ERR_TRUNCATED, 3 },
    { "\"a\\",               MSE_ERR_TRUNCATED, 2 },
    { "\"a\xe2\x82",         MSE_ERR_TRUNCATED, 2 },
    { "\"\\ud83d\\u",        MSE_ERR_TRUNCATED, 1 },
    { "tru",                 MSE_ERR_TRUNCATED, 3 },
    { "-",                   MSE_ERR_TRUNCATED, 1 },
    { "1 2",                 MSE_ERR_TRAILING,  2 },
    { "{}x",                 MSE_ERR_TRAILING,  2 },
    { "01",                  MSE_ERR_TRAILING,  1 },
    { "[1,]",                MSE_ERR_FORMAT,    3 },
    { "[,]",                 MSE_ERR_FORMAT,    1 },
    { "[1 2]",               MSE_ERR_FORMAT,    3 },
    { "[1}",                 MSE_ERR_FORMAT,    2 },
    { "{\"a\":1,}",          MSE_ERR_FORMAT,    7 },
    { "{\"a\" 1}",           MSE_ERR_FORMAT,    5 },
    { "{a:1}",               MSE_ERR_FORMAT,    1 },
    { "trux",                MSE_ERR_FORMAT,    3 },
    { "+1",                  MSE_ERR_FORMAT,    0 },
    { "1.x",                 MSE_ERR_FORMAT,    2 },
    { "1ex",                 MSE_ERR_FORMAT,    2 },
    { "-x",                  MSE_ERR_FORMAT,    1 },
    { "NaN",                 MSE_ERR_FORMAT,    0 },
    { "\xef\xbb\xbf" "1",    MSE_ERR_FORMAT,    0 },
    { "\"\n\"",              MSE_ERR_FORMAT,    1 },
    { "\"\\x\"",             MSE_ERR_FORMAT,    1 },
    { "\"ab\\ud800\"",       MSE_ERR_FORMAT,    3 },
    { "\"\\udc00\"",         MSE_ERR_FORMAT,    1 },
    { "\"\\ud800\\u0041\"",  MSE_ERR_FORMAT,    1 },
    { "\"\xc0\x80\"",        MSE_ERR_FORMAT,    1 },
    { "\"\xed\xa0\x80\"",    MSE_ERR_FORMAT,    1 },
    { "\"\xf4\x90\x80\x80\"", MSE_ERR_FORMAT,   1 },
    { "\"1234567\x80\"",     MSE_ERR_FORMAT,    8 },
    { "\"12345678\x01\"",    MSE_ERR_FORMAT,    9 },
    { "{\"a\":1,\"a\":2}",   MSE_ERR_DUPLICATE, 8 },
    { "{\"\":1,\"\":2}",     MSE_ERR_DUPLICATE, 7 },
    { "[{\"a\":{},\"b\":[],\"\\u0061\":0}]", MSE_ERR_DUPLICATE, 17 },
    { "{\"a\\nb\":1,\"a\\u000Ab\":2}", MSE_ERR_DUPLICATE, 11 },
    { "{\"12345678x12345678\":1,\"12345678y12345678\":2,\"12345678x12345678\":3}",
      MSE_ERR_DUPLICATE, 46 },
    { "{\"12345678x12345678\":1,\"12345678y12345678\":2}", MSE_ERR_NONE, 0 },
};
/* clang-format on */

static bool parse(struct mse_bytes in, struct mse_json *out, struct mse_error *err)
{
    *err = (struct mse_error){ 0 };
    return mse_json_parse(in, out, err);
}

static void documents_are_accepted_or_refused_with_position(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
        struct mse_bytes in = exact_copy(MSE_CSTR_BYTES(documents[i].in), strlen(documents[i].in));
        struct mse_error err;
        struct mse_json json = { in, NULL, 7 };

        print_message("%s\n", documents[i].in);
        assert_int_equal(parse(in, &json, &err), documents[i].want == MSE_ERR_NONE);
        assert_int_equal(err.code, documents[i].want);
        assert_int_equal(err.offset, documents[i].at);
        if (documents[i].want != MSE_ERR_NONE) {
            assert_null(json.values);
            assert_int_equal(json.count, 0);
        }
        mse_json_cleanup(&json);
        exact_free(in);
    }
}

static const char sample[] =
    "{\"one\": -1, \"text\": \"a\\u00e9\\n\", \"list\": [true, [], {\"x\": null}, "
    "0.5], \"hex\": \"00fF\", \"time\": \"2026-01-31T00:00:00Z\", "
    "\"k\\u0065y\": \"\xc3\xa9\", \"big\": 18446744073709551616}";

static void every_prefix_is_truncated(void **state)
{
    struct mse_bytes whole = MSE_CSTR_BYTES(sample);

    (void)state;
    for (size_t n = 0; n < whole.len; n++) {
        struct mse_bytes cut = exact_copy(whole, n);
        struct mse_error err;
        struct mse_json json;

        assert_false(parse(cut, &json, &err));
        assert_int_equal(err.code, MSE_ERR_TRUNCATED);
        assert_true(err.offset <= n);
        exact_free(cut);
    }
}

static void values_know_their_spans_and_order(void **state)
{
    struct mse_json json;
    struct mse_error err;
    const struct mse_json_value *list;
    const struct mse_json_value *v;

    (void)state;
    assert_true(parse(MSE_CSTR_BYTES(sample), &json, &err));
    assert_int_equal(json.values[0].count, 7);
    assert_int_equal(json.values[0].next, json.count);
    assert_int_equal(json.count, 13);
    assert_int_equal(mse_json_span(&json, json.values).len, strlen(sample));
    list = mse_json_member(&json, json.values, "list");
    assert_true(mse_bytes_equal_text(mse_json_span(&json, list), "[true, [], {\"x\": null}, 0.5]"));
    v = mse_json_first(&json, list);
    assert_int_equal(v->type, MSE_JSON_TRUE);
    assert_int_equal(mse_json_key(&json, v).len, 0);
    v = mse_json_next(&json, list, v);
    assert_int_equal(v->type, MSE_JSON_ARRAY);
    assert_null(mse_json_first(&json, v));
    v = mse_json_next(&json, list, v);
    assert_int_equal(v->type, MSE_JSON_OBJECT);
    assert_int_equal(mse_json_member(&json, v, "x")->type, MSE_JSON_NULL);
    assert_null(mse_json_next(&json, v, mse_json_first(&json, v)));
    v = mse_json_next(&json, list, v);
    assert_int_equal(v->type, MSE_JSON_REAL);
    assert_null(mse_json_next(&json, list, v));
    assert_null(mse_json_first(&json, v));
    mse_json_cleanup(&json);
    assert_null(json.values);
}

static void members_are_found_by_their_unescaped_name(void **state)
{
    struct mse_json json;
    struct mse_error err;
    const struct mse_json_value *v;

    (void)state;
    assert_true(parse(MSE_CSTR_BYTES(sample), &json, &err));
    v = mse_json_member(&json, json.values, "key");
    assert_non_null(v);
    assert_true(mse_bytes_equal_text(mse_json_span(&json, v), "\xc3\xa9"));
    assert_true(mse_bytes_equal_text(mse_json_key(&json, v), "k\\u0065y"));
    assert_null(mse_json_member(&json, json.values, "k\\u0065y"));
    assert_null(mse_json_member(&json, json.values, "ke"));
    assert_null(mse_json_member(&json, json.values, "keyy"));
    assert_null(mse_json_member(&json, json.values, "x"));
    assert_null(mse_json_member(&json, NULL, "key"));
    assert_null(mse_json_member(&json, mse_json_member(&json, json.values, "list"), "key"));
    mse_json_cleanup(&json);
}

static void typed_members_are_read(void **state)
{
    struct mse_json json;
    struct mse_error err;
    const struct mse_json_value *v;
    struct mse_bytes text;
    uint8_t two[2];
    int64_t n;

    (void)state;
    assert_true(parse(MSE_CSTR_BYTES(sample), &json, &err));
    assert_true(mse_json_get_array(&json, json.values, "list", &v, &err));
    assert_int_equal(v->count, 4);
    assert_true(mse_json_get_integer(&json, json.values, "one", -1, 1, &n, &err));
    assert_true(n == -1);
    assert_true(mse_json_get_plain(&json, json.values, "hex", &text, &err));
    assert_true(mse_bytes_equal_text(text, "00fF"));
    assert_true(mse_json_get_hex(&json, json.values, "hex", two, 2, &err));
    assert_int_equal(two[1], 0xff);
    assert_true(mse_json_get_time(&json, json.values, "time", &n, &err));
    assert_true(n == INT64_C(1769817600));
    mse_json_cleanup(&json);
}

static void typed_members_are_refused(void **state)
{
    struct mse_json json;
    struct mse_error err;
    const struct mse_json_value *v = NULL;
    struct mse_bytes text;
    uint8_t bytes[3];
    int64_t n = 1;

    (void)state;
    assert_true(parse(MSE_CSTR_BYTES(sample), &json, &err));
#define REFUSED(call, wanted, where)                                                               \
    do {                                                                                           \
        err = (struct mse_error){ 0 };                                                             \
        assert_false(call);                                                                        \
        assert_int_equal(err.code, wanted);                                                        \
        assert_int_equal(err.offset, where);                                                       \
    } while (0)
    REFUSED(mse_json_get_object(&json, json.values, "none", &v, &err), MSE_ERR_MISSING, 0);
    REFUSED(mse_json_get_object(&json, NULL, "none", &v, &err), MSE_ERR_MISSING, 0);
    REFUSED(mse_json_get_object(&json, json.values, "one", &v, &err), MSE_ERR_VALUE, 8);
    assert_null(v);
    assert_string_equal(err.field, "one");
    REFUSED(mse_json_get_array(&json, json.values, "one", &v, &err), MSE_ERR_VALUE, 8);
    REFUSED(mse_json_get_integer(&json, json.values, "one", 0, 9, &n, &err), MSE_ERR_VALUE, 8);
    assert_true(n == 0);
    REFUSED(mse_json_get_integer(&json, json.values, "one", -9, -2, &n, &err), MSE_ERR_VALUE, 8);
    REFUSED(mse_json_get_integer(&json, json.values, "text", 0, 9, &n, &err), MSE_ERR_VALUE, 21);
    REFUSED(mse_json_get_integer(&json, json.values, "none", 0, 9, &n, &err), MSE_ERR_MISSING, 0);
    REFUSED(mse_json_get_plain(&json, json.values, "text", &text, &err), MSE_ERR_VALUE, 21);
    REFUSED(mse_json_get_plain(&json, json.values, "one", &text, &err), MSE_ERR_VALUE, 8);
    assert_int_equal(text.len, 0);
    REFUSED(mse_json_get_hex(&json, json.values, "hex", bytes, 3, &err), MSE_ERR_VALUE, 79);
    REFUSED(mse_json_get_hex(&json, json.values, "time", bytes, 3, &err), MSE_ERR_VALUE, 95);
    REFUSED(mse_json_get_time(&json, json.values, "hex", &n, &err), MSE_ERR_VALUE, 79);
#undef REFUSED
    mse_json_cleanup(&json);
}

/* clang-format off */
static const struct { const char *in; bool ok; int64_t want; } integers[] = {
    { "0", true, 0 }, { "-0", true, 0 },
    { "9223372036854775807", true, INT64_MAX }, { "-9223372036854775808", true, INT64_MIN },
    { "9223372036854775808", false, 0 }, { "-9223372036854775809", false, 0 },
    { "18446744073709551616", false, 0 }, { "100000000000000000000000000", false, 0 },
    { "1.0", false, 0 }, { "1e0", false, 0 }, { "\"1\"", false, 0 }, { "true", false, 0 },
};
/* clang-format on */

static void integers_have_64_bits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(integers) / sizeof(integers[0]); i++) {
        struct mse_json json;
        struct mse_error err;
        int64_t v;

        assert_true(parse(MSE_CSTR_BYTES(integers[i].in), &json, &err));
        assert_int_equal(mse_json_value_integer(&json, json.values, INT64_MIN, INT64_MAX, &v, &err),
                         integers[i].ok);
        assert_true(v == integers[i].want);
        assert_int_equal(err.code, integers[i].ok ? MSE_ERR_NONE : MSE_ERR_VALUE);
        mse_json_cleanup(&json);
    }
}

/* clang-format off */
static const struct { const char *in; const char *want; } texts[] = {
    { "\"\"", "" }, { "\"plain\"", "plain" },
      { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
    { "\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
    { "\"\\ud800\\udc00\\udbff\\udfff\"", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },
    { "\"a\\u0000b\"", NULL }, { "1", NULL },
};
/* clang-format on */

static void text_is_unescaped(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct mse_json json;
        struct mse_error err;
        char *text;

        assert_true(parse(MSE_CSTR_BYTES(texts[i].in), &json, &err));
        assert_int_equal(mse_json_value_text(&json, json.values, &text, &err),
                         texts[i].want != NULL);
        if (texts[i].want != NULL)
            assert_string_equal(text, texts[i].want);
        else
            assert_null(text);
        free(text);
        mse_json_cleanup(&json);
    }
}

/* depth opening brackets, what is inside, depth closing ones. */
static char *nest(size_t depth)
{
    char *text = malloc(2 * depth + 1);

    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    text[2 * depth] = '\0';
    return text;
}

static void nesting_is_limited(void **state)
{
    struct mse_json json;
    struct mse_error err;
    char *deep = nest(MSE_JSON_DEPTH);
    char *deeper = nest(MSE_JSON_DEPTH + 1);
    char *abyss = nest(1000000);

    (void)state;
    assert_true(parse(MSE_CSTR_BYTES(deep), &json, &err));
    mse_json_cleanup(&json);
    assert_false(parse(MSE_CSTR_BYTES(deeper), &json, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    assert_int_equal(err.offset, MSE_JSON_DEPTH);
    assert_false(parse(MSE_CSTR_BYTES(abyss), &json, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    free(deep);
    free(deeper);
    free(abyss);
}

static void the_number_of_values_is_limited(void **state)
{
    struct mse_writer w = { 0 };
    struct mse_json json;
    struct mse_error err;

    (void)state;
    mse_write_text(&w, "[0");
    for (size_t i = 2; i < MSE_JSON_MAX_VALUES; i++)
        mse_write_text(&w, ",0");
    mse_write_text(&w, "]");
    assert_true(parse(mse_writer_bytes(&w), &json, &err));
    assert_int_equal(json.count, MSE_JSON_MAX_VALUES);
    mse_json_cleanup(&json);
    w.len--;
    mse_write_text(&w, ",0]");
    assert_false(parse(mse_writer_bytes(&w), &json, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    mse_writer_cleanup(&w);
}

/* An object of count members "k0", "k1", …, in which the last one has the name that is given. */
static bool parse_many(unsigned count, const char *last, struct mse_error *err)
{
    struct mse_writer w = { 0 };
    struct mse_json json;
    bool ok;

    mse_write_text(&w, "{");
    for (unsigned i = 0; i + 1 < count; i++)
        mse_write_format(&w, "\"k%u\":{\"k0\":0},", i);
    mse_write_format(&w, "\"%s\":0}", last);
    ok = parse(mse_writer_bytes(&w), &json, err);
    mse_json_cleanup(&json);
    mse_writer_cleanup(&w);
    return ok;
}

static void duplicates_are_found_among_few_and_many(void **state)
{
    static const unsigned counts[] = { 2, 31, 32, 33, 34, 1000, 60000 };

    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct mse_error err;
        char last[16];

        assert_true(parse_many(counts[i], "other", &err));
        assert_false(parse_many(counts[i], "k0", &err));
        assert_int_equal(err.code, MSE_ERR_DUPLICATE);
        assert_false(parse_many(counts[i], "\\u006b0", &err));
        assert_int_equal(err.code, MSE_ERR_DUPLICATE);
        (void)snprintf(last, sizeof(last), "k%u", counts[i] - 2);
        assert_false(parse_many(counts[i], last, &err));
        assert_int_equal(err.code, MSE_ERR_DUPLICATE);
        assert_true(err.offset > 4);
    }
}

static void write_sample(struct mse_json_writer *w)
{
    const uint8_t bytes[] = { 0x00, 0xab };

    mse_json_open_object(w, NULL);
    mse_json_put_text(w, "t\"", "q\" b\\ n\n u\x01 \xc3\xa9 \x7f");
    mse_json_put_bytes_text(w, "bad", (struct mse_bytes){ (const uint8_t *)"a\xff\xc3z\0", 5 });
    mse_json_open_array(w, "a");
    mse_json_put_integer(w, NULL, INT64_MIN);
    mse_json_put_unsigned(w, NULL, UINT64_MAX);
    mse_json_put_bool(w, NULL, true);
    mse_json_put_null(w, NULL);
    mse_json_open_object(w, NULL);
    mse_json_close_object(w);
    mse_json_close_array(w);
    mse_json_put_hex(w, "h", bytes, 2);
    mse_json_put_time(w, "at", 0);
    mse_json_close_object(w);
}

static void writer_puts_commas_and_lines(void **state)
{
    struct mse_writer to = { 0 };
    struct mse_json_writer w = mse_json_writer_init(&to, 0);
    char *text;

    (void)state;
    write_sample(&w);
    text = mse_writer_take_text(&to);
    assert_string_equal(text, "{\"t\\\"\":\"q\\\" b\\\\ n\\n u\\u0001 \xc3\xa9 \\u007f\","
                              "\"bad\":\"a\xef\xbf\xbd\xef\xbf\xbdz\\u0000\","
                              "\"a\":[-9223372036854775808,18446744073709551615,true,null,{}],"
                              "\"h\":\"00ab\",\"at\":\"1970-01-01T00:00:00Z\"}");
    free(text);
    w = mse_json_writer_init(&to, 2);
    mse_json_open_object(&w, NULL);
    mse_json_open_array(&w, "a");
    mse_json_put_bool(&w, NULL, false);
    mse_json_put_integer(&w, NULL, 2);
    mse_json_close_array(&w);
    mse_json_open_array(&w, "b");
    mse_json_close_array(&w);
    mse_json_close_object(&w);
    text = mse_writer_take_text(&to);
    assert_string_equal(text, "{\n  \"a\": [\n    false,\n    2\n  ],\n  \"b\": []\n}");
    free(text);
}

static void reader_takes_what_the_writer_makes(void **state)
{
    (void)state;
    for (unsigned indent = 0; indent < 5; indent++) {
        struct mse_writer to = { 0 };
        struct mse_json_writer w = mse_json_writer_init(&to, indent);
        struct mse_json json;
        struct mse_error err;

        write_sample(&w);
        assert_true(parse(mse_writer_bytes(&to), &json, &err));
        assert_int_equal(json.count, 11);
        mse_json_cleanup(&json);
        mse_writer_cleanup(&to);
    }
}

static void writer_fails_on_wrong_nesting(void **state)
{
    struct mse_writer to = { 0 };
    struct mse_json_writer w = mse_json_writer_init(&to, 0);

    (void)state;
    for (unsigned i = 0; i < MSE_JSON_DEPTH; i++)
        mse_json_open_array(&w, NULL);
    assert_true(mse_writer_ok(&to));
    mse_json_open_array(&w, NULL);
    assert_false(mse_writer_ok(&to));
    mse_writer_cleanup(&to);
    to = (struct mse_writer){ 0 };
    w = mse_json_writer_init(&to, 0);
    mse_json_close_object(&w);
    assert_false(mse_writer_ok(&to));
    mse_writer_cleanup(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_are_accepted_or_refused_with_position),
        cmocka_unit_test(every_prefix_is_truncated),
        cmocka_unit_test(values_know_their_spans_and_order),
        cmocka_unit_test(members_are_found_by_their_unescaped_name),
        cmocka_unit_test(typed_members_are_read),
        cmocka_unit_test(typed_members_are_refused),
        cmocka_unit_test(integers_have_64_bits),
        cmocka_unit_test(text_is_unescaped),
        cmocka_unit_test(nesting_is_limited),
        cmocka_unit_test(the_number_of_values_is_limited),
        cmocka_unit_test(duplicates_are_found_among_few_and_many),
        cmocka_unit_test(writer_puts_commas_and_lines),
        cmocka_unit_test(reader_takes_what_the_writer_makes),
        cmocka_unit_test(writer_fails_on_wrong_nesting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
