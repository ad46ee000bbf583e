/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated platform's HTTP request parser: what is taken, what is refused, every prefix. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "simtee/http.h"

#define B(s)                                                                                       \
    {                                                                                              \
        (const uint8_t *)(s), sizeof(s) - 1                                                        \
    }
#define GET "GET /a?b=c HTTP/1.1\r\n"
#define HOST "Host: h\r\n"

/* clang-format off */
static const struct { const char *name; struct mse_bytes in; enum mse_sim_parse want; bool keep_alive; }
cases[] = {
    { "plain",                 B(GET HOST "\r\n"),                                MSE_SIM_PARSE_DONE, true },
    { "close",                 B(GET HOST "Connection: close\r\n\r\n"),           MSE_SIM_PARSE_DONE, false },
    { "close in a list",       B(GET HOST "connection: x , CLOSE\r\n\r\n"),       MSE_SIM_PARSE_DONE, false },
    { "1.0",                   B("GET / HTTP/1.0\r\n\r\n"),                       MSE_SIM_PARSE_DONE, false },
    { "1.0 keep-alive",        B("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), MSE_SIM_PARSE_DONE, true },
    { "empty body announced",  B(GET HOST "Content-Length: 0\r\n\r\n"),           MSE_SIM_PARSE_DONE, true },
    { "empty value",           B(GET HOST "X:\r\n\r\n"),                          MSE_SIM_PARSE_DONE, true },
    { "any byte in a value",   B(GET HOST "X: \x80\xff\t\r\n\r\n"),               MSE_SIM_PARSE_DONE, true },
    { "no end",                B(GET HOST),                                       MSE_SIM_PARSE_MORE, false },
    { "nothing",               B(""),                                             MSE_SIM_PARSE_MORE, false },
    { "no host",               B(GET "\r\n"),                                     MSE_SIM_PARSE_BAD, false },
    { "two hosts",             B(GET HOST HOST "\r\n"),                           MSE_SIM_PARSE_BAD, false },
    { "a body",                B(GET HOST "Content-Length: 1\r\n\r\n"),           MSE_SIM_PARSE_BAD, false },
    { "two lengths",           B(GET HOST "Content-Length: 0\r\nContent-Length: 0\r\n\r\n"), MSE_SIM_PARSE_BAD, false },
    { "chunks",                B(GET HOST "Transfer-Encoding: chunked\r\n\r\n"),  MSE_SIM_PARSE_BAD, false },
    { "space before colon",    B(GET "Host : h\r\n\r\n"),                         MSE_SIM_PARSE_BAD, false },
    { "continuation",          B(GET HOST " x: y\r\n\r\n"),                       MSE_SIM_PARSE_BAD, false },
    { "no colon",              B(GET HOST "x\r\n\r\n"),                           MSE_SIM_PARSE_BAD, false },
    { "no field name",         B(GET HOST ": x\r\n\r\n"),                         MSE_SIM_PARSE_BAD, false },
    { "NUL in a name",         B(GET HOST "x\0: y\r\n\r\n"),                      MSE_SIM_PARSE_BAD, false },
    { "NUL in a value",        B(GET HOST "x: \0\r\n\r\n"),                       MSE_SIM_PARSE_BAD, false },
    { "bare line feed",        B(GET HOST "x: a\nHost: b\r\n\r\n"),               MSE_SIM_PARSE_BAD, false },
    { "bare carriage return",  B(GET HOST "x: a\rb\r\n\r\n"),                     MSE_SIM_PARSE_BAD, false },
    { "no version",            B("GET /\r\n" HOST "\r\n"),                        MSE_SIM_PARSE_BAD, false },
    { "other version",         B("GET / HTTP/1.2\r\n" HOST "\r\n"),               MSE_SIM_PARSE_BAD, false },
    { "two spaces",            B("GET  / HTTP/1.1\r\n" HOST "\r\n"),              MSE_SIM_PARSE_BAD, false },
    { "space at the end",      B("GET / HTTP/1.1 \r\n" HOST "\r\n"),              MSE_SIM_PARSE_BAD, false },
    { "no slash",              B("GET a HTTP/1.1\r\n" HOST "\r\n"),               MSE_SIM_PARSE_BAD, false },
    { "fragment",              B("GET /#a HTTP/1.1\r\n" HOST "\r\n"),             MSE_SIM_PARSE_BAD, false },
    { "control in the target", B("GET /\x01 HTTP/1.1\r\n" HOST "\r\n"),           MSE_SIM_PARSE_BAD, false },
    { "TLS",                   B("\x16\x03\x01"),                                 MSE_SIM_PARSE_BAD, false },
    { "empty first line",      B("\r\n\r\n"),                                     MSE_SIM_PARSE_BAD, false },
};
/* clang-format on */

static enum mse_sim_parse parse(struct mse_bytes in, struct mse_sim_request *out, size_t *used)
{
    return mse_sim_request_parse(in, out, used);
}

static void requests_are_taken_or_refused_by_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_sim_request request;
        size_t used;

        if (parse(cases[i].in, &request, &used) != cases[i].want)
            fail_msg("%s", cases[i].name);
        if (request.keep_alive != cases[i].keep_alive)
            fail_msg("%s: keep-alive", cases[i].name);
        assert_int_equal(used, cases[i].want == MSE_SIM_PARSE_DONE ? cases[i].in.len : 0);
    }
}

static void a_request_gives_its_parts(void **state)
{
    static const uint8_t text[] = GET HOST "\r\n" GET;
    struct mse_sim_request request;
    struct mse_bytes value;
    size_t used;

    (void)state;
    assert_int_equal(parse((struct mse_bytes){ text, sizeof(text) - 1 }, &request, &used),
                     MSE_SIM_PARSE_DONE);
    assert_int_equal(used, sizeof(GET HOST "\r\n") - 1); /* the next request is left */
    assert_true(mse_bytes_equal_text(request.method, "GET"));
    assert_true(mse_bytes_equal_text(request.target, "/a?b=c"));
    assert_true(mse_bytes_equal_text(request.path, "/a"));
    assert_true(mse_sim_query_get(&request, "b", &value));
    assert_true(mse_bytes_equal_text(value, "c"));
    assert_false(mse_sim_query_get(&request, "c", &value));
    assert_int_equal(value.len, 0);
}

static void a_parameter_given_twice_is_none(void **state)
{
    struct mse_sim_request request = { .query = B("a=1&b=2&a=1&c") };
    struct mse_bytes value;

    (void)state;
    assert_false(mse_sim_query_get(&request, "a", &value));
    assert_true(mse_sim_query_get(&request, "b", &value));
    assert_true(mse_bytes_equal_text(value, "2"));
    assert_true(mse_sim_query_get(&request, "c", &value));
    assert_int_equal(value.len, 0);
}

static void every_prefix_waits_for_more(void **state)
{
    (void)state;
    for (size_t n = 0; n < cases[0].in.len; n++) {
        uint8_t *cut = malloc(n + 1); /* ends where the input does: ASan sees an over-read */
        struct mse_sim_request request;
        size_t used;

        assert_non_null(cut);
        memcpy(cut + 1, cases[0].in.data, n);
        assert_int_equal(parse((struct mse_bytes){ cut + 1, n }, &request, &used),
                         MSE_SIM_PARSE_MORE);
        assert_int_equal(request.target.len, 0);
        free(cut);
    }
}

static void a_target_may_not_be_longer_than_the_cap(void **state)
{
    for (size_t extra = 0; extra < 2; extra++) {
        MSE_CLEANUP(mse_writer_cleanup) struct mse_writer w = { 0 };
        struct mse_sim_request request;
        size_t used;

        (void)state;
        mse_write_text(&w, "GET /");
        for (size_t i = 1; i < MSE_SIM_TARGET_CAP + extra; i++)
            mse_write_u8(&w, 'a');
        mse_write_text(&w, " HTTP/1.1\r\n" HOST "\r\n");
        assert_int_equal(parse(mse_writer_bytes(&w), &request, &used),
                         extra == 0 ? MSE_SIM_PARSE_DONE : MSE_SIM_PARSE_BAD);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_taken_or_refused_by_the_table),
        cmocka_unit_test(a_request_gives_its_parts),
        cmocka_unit_test(a_parameter_given_twice_is_none),
        cmocka_unit_test(every_prefix_waits_for_more),
        cmocka_unit_test(a_target_may_not_be_longer_than_the_cap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
