/* SPDX-License-Identifier: Apache-2.0 */
/* Request heads as RFC 9112 has them, and replies as Python's http.client would read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "enclave/config.h"
#include "enclave/config_http.h"
#include "enclave/config_reply.h"
#include "exact.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))
#define B(s)                                                                                       \
    {                                                                                              \
        (const uint8_t *)(s), sizeof(s) - 1                                                        \
    }
#define HOST "Host: h\r\n"
#define GET "GET / HTTP/1.1\r\n" HOST
#define POST "POST / HTTP/1.1\r\n" HOST
#define CL(n) "Content-Length: " n "\r\n"
#define END "\r\n"

enum { KEEP = 1, CONTINUE = 2, SIGNED = 4 };

/* clang-format off */
static const struct { const char *name; struct mse_bytes in; enum mse_config_method method;
                      uint64_t length; unsigned flags; }
good[] = {
    { "GET",                 B(GET END),                                       MSE_CONFIG_GET,  0, KEEP },
    { "HEAD",                B("HEAD /x HTTP/1.1\r\n" HOST END),               MSE_CONFIG_HEAD, 0, KEEP },
    { "any path",            B("GET /a/b%20c?d=e#f HTTP/1.1\r\n" HOST END),    MSE_CONFIG_GET,  0, KEEP },
    { "absolute target",     B("GET http://h/ HTTP/1.1\r\n" HOST END),         MSE_CONFIG_GET,  0, KEEP },
    { "1.0",                 B("GET / HTTP/1.0\r\n" END),                      MSE_CONFIG_GET,  0, 0 },
    { "1.0 keep-alive",      B("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n" END), MSE_CONFIG_GET, 0, KEEP },
    { "close",               B(GET "Connection: close\r\n" END),               MSE_CONFIG_GET,  0, 0 },
    { "close in a list",     B(GET "connection: x , CLOSE, keep-alive\r\n" END), MSE_CONFIG_GET, 0, 0 },
    { "POST",                B(POST CL("17") END),                             MSE_CONFIG_POST, 17, KEEP },
    { "POST of nothing",     B(POST CL("0") END),                              MSE_CONFIG_POST, 0, KEEP },
    { "1 MiB",               B(POST CL("1048576") END),                        MSE_CONFIG_POST, 1048576, KEEP },
    { "length with zeros",   B(POST CL("000000000000000000000000017") END),    MSE_CONFIG_POST, 17, KEEP },
    { "continue",            B(POST CL("1") "Expect: 100-Continue\r\n" END),   MSE_CONFIG_POST, 1, KEEP | CONTINUE },
    { "continue in 1.0",     B("POST / HTTP/1.0\r\n" CL("1") "Expect: 100-continue\r\n" END), MSE_CONFIG_POST, 1, 0 },
    { "continue of nothing", B(POST CL("0") "Expect: 100-continue\r\n" END),   MSE_CONFIG_POST, 0, KEEP },
    { "signature",           B(POST CL("1") "mse-SIGNATURE: \t sig \r\n" END), MSE_CONFIG_POST, 1, KEEP | SIGNED },
    { "GET of length 0",     B(GET CL("0") END),                               MSE_CONFIG_GET,  0, KEEP },
    { "empty lines first",   B("\r\n\r\n" GET END),                            MSE_CONFIG_GET,  0, KEEP },
    { "another method",      B("PUT / HTTP/1.1\r\n" HOST CL("5") END),         MSE_CONFIG_OTHER, 5, KEEP },
    { "lower case",          B("get / HTTP/1.1\r\n" HOST END),                 MSE_CONFIG_OTHER, 0, KEEP },
    { "any byte in a value", B(GET "X: \x80\xff\t\r\n" END),                   MSE_CONFIG_GET,  0, KEEP },
    { "empty value",         B(GET "X:\r\n" END),                              MSE_CONFIG_GET,  0, KEEP },
};

static const struct { const char *name; struct mse_bytes in; unsigned status; } bad[] = {
    { "no host",                B("GET / HTTP/1.1\r\n" END),                              400 },
    { "two hosts",              B(GET HOST END),                                          400 },
    { "no length",              B(POST END),                                              411 },
    { "two lengths",            B(POST CL("1") CL("1") END),                              400 },
    { "two lengths in one",     B(POST CL("1, 1") END),                                   400 },
    { "negative length",        B(POST CL("-1") END),                                     400 },
    { "length with a sign",     B(POST CL("+1") END),                                     400 },
    { "hex length",             B(POST CL("0x1") END),                                    400 },
    { "empty length",           B(POST CL("") END),                                       400 },
    { "a byte too many",        B(POST CL("1048577") END),                                413 },
    { "2^64 + 1",               B(POST CL("18446744073709551617") END),                   413 },
    { "any number of digits",   B(POST CL("99999999999999999999999999999999999999") END), 413 },
    { "GET with a body",        B(GET CL("1") END),                                       400 },
    { "chunks",                 B(POST "Transfer-Encoding: chunked\r\n" END),             411 },
    { "chunks beside length",   B(POST CL("5") "Transfer-Encoding: chunked\r\n" END),     400 },
    { "chunks in 1.0",          B("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" END), 400 },
    { "chunks of GET",          B(GET "Transfer-Encoding: identity\r\n" END),             411 },
    { "other expectation",      B(POST CL("1") "Expect: 200-ok\r\n" END),                 417 },
    { "two signatures",         B(POST CL("1") "Mse-Signature: a\r\nMse-Signature: a\r\n" END), 400 },
    { "space before colon",     B(GET "X : y\r\n" END),                                   400 },
    { "continuation",           B(GET " x: y\r\n" END),                                   400 },
    { "no colon",               B(GET "x\r\n" END),                                       400 },
    { "no field name",          B(GET ": x\r\n" END),                                     400 },
    { "NUL in a name",          B(GET "x\0: y\r\n" END),                                  400 },
    { "NUL in a value",         B(GET "x: \0\r\n" END),                                   400 },
    { "bare line feed",         B(GET "x: a\nContent-Length: 1\r\n" END),                 400 },
    { "bare carriage return",   B(GET "x: a\rb\r\n" END),                                 400 },
    { "no version",             B("GET /\r\n" HOST END),                                  400 },
    { "HTTP/2",                 B("PRI * HTTP/2.0\r\n" END),                              505 },
    { "HTTP/1.2",               B("GET / HTTP/1.2\r\n" HOST END),                         505 },
    { "not a version",          B("GET / HTTP/1.1x\r\n" HOST END),                        400 },
    { "two spaces",             B("GET  / HTTP/1.1\r\n" HOST END),                        400 },
    { "no target",              B("GET HTTP/1.1\r\n" HOST END),                           400 },
    { "control in the target",  B("GET /\x01 HTTP/1.1\r\n" HOST END),                     400 },
    { "no method",              B(" / HTTP/1.1\r\n" HOST END),                            400 },
    { "TLS",                    B("\x16\x03\x01"),                                        400 },
    { "line feed first",        B("\n"),                                                  400 },
    { "space first",            B(" "),                                                   400 },
};
/* clang-format on */

static bool parse(struct mse_bytes in, struct mse_config_head *out, unsigned *status,
                  struct mse_error *err)
{
    *err = (struct mse_error){ 0 };
    return mse_config_head_parse(in, out, status, err);
}

static void heads_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < LEN(good); i++) {
        unsigned flags = good[i].flags;
        struct mse_config_head head;
        struct mse_error err;
        unsigned status;

        if (!parse(good[i].in, &head, &status, &err))
            fail_msg("%s: %u %s", good[i].name, status, err.text);
        if (head.method != good[i].method || head.length != good[i].length ||
            head.keep_alive != ((flags & KEEP) != 0) ||
            head.expects_continue != ((flags & CONTINUE) != 0) ||
            head.has_signature != ((flags & SIGNED) != 0))
            fail_msg("%s: read otherwise", good[i].name);
        assert_int_equal(head.used, good[i].in.len);
        assert_int_equal(head.signature.len, head.has_signature ? 3 : 0);
        assert_true(!head.has_signature || memcmp(head.signature.data, "sig", 3) == 0);
    }
}

static void what_follows_a_head_is_left(void **state)
{
    static const char text[] = GET END "\r\nPOST";
    struct mse_config_head head;
    struct mse_error err;
    unsigned status;

    (void)state;
    assert_true(parse(MSE_CSTR_BYTES(text), &head, &status, &err));
    assert_int_equal(head.used, strlen(GET END));
}

static void every_prefix_asks_for_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < LEN(good); i++) {
        for (size_t n = 0; n < good[i].in.len; n++) {
            struct mse_bytes cut = exact_copy(good[i].in, n);
            struct mse_config_head head;
            struct mse_error err;
            unsigned status;

            assert_false(parse(cut, &head, &status, &err));
            if (err.code != MSE_ERR_TRUNCATED || status != 0)
                fail_msg("%s, %zu bytes: %u", good[i].name, n, status);
            exact_free(cut);
        }
    }
}

static void each_wrong_head_has_its_status(void **state)
{
    (void)state;
    for (size_t i = 0; i < LEN(bad); i++) {
        struct mse_bytes in = exact_copy(bad[i].in, bad[i].in.len);
        struct mse_config_head head;
        struct mse_error err;
        unsigned status;

        if (parse(in, &head, &status, &err) || err.code != MSE_ERR_FORMAT ||
            status != bad[i].status)
            fail_msg("%s: %u %s", bad[i].name, status, err.text);
        assert_int_equal(head.used, 0);
        exact_free(in);
    }
}

/* start, then as many bytes c as fit, then end (which lies behind the limit if at is 1). */
static unsigned status_of_long(const char *start, char c, const char *end, size_t at)
{
    size_t size = MSE_CONFIG_HEAD_MAX + at;
    uint8_t *text = malloc(size);
    struct mse_config_head head;
    struct mse_error err;
    unsigned status;
    bool ok;

    memset(text, c, size);
    memcpy(text, start, strlen(start));
    memcpy(text + size - strlen(end), end, strlen(end));
    ok = parse((struct mse_bytes){ text, size }, &head, &status, &err);
    free(text);
    assert_int_equal(err.code, ok ? MSE_ERR_NONE : MSE_ERR_FORMAT);
    return status;
}

static void a_head_has_8192_bytes_at_most(void **state)
{
    (void)state;
    assert_int_equal(status_of_long(GET "X: ", 'x', "\r\n\r\n", 0), 0);
    assert_int_equal(status_of_long(GET "X: ", 'x', "\r\n\r\n", 1), 431);
    assert_int_equal(status_of_long("GET /", 'x', "\r\n\r\n", 1), 431);
    assert_int_equal(status_of_long("GET /", 'x', "xxxx", 0), 414);
    assert_int_equal(status_of_long("\r\n", '\n', "\n", 0), 400);
}

static void more_empty_lines_than_a_head_has_room_for_are_refused(void **state)
{
    uint8_t *text = malloc(MSE_CONFIG_HEAD_MAX);
    struct mse_config_head head;
    struct mse_error err;
    unsigned status;

    (void)state;
    for (size_t i = 0; i < MSE_CONFIG_HEAD_MAX; i++)
        text[i] = i % 2 == 0 ? '\r' : '\n';
    assert_false(parse((struct mse_bytes){ text, MSE_CONFIG_HEAD_MAX }, &head, &status, &err));
    assert_int_equal(status, 400);
    free(text);
}

/* ---- replies ---- */

static char *written(const struct mse_config_reply *reply)
{
    struct mse_writer out = { 0 };

    mse_config_reply_write(reply, &out);
    return mse_writer_take_text(&out);
}

static void a_reply_has_the_headers_that_the_owner_reads(void **state)
{
    static const uint8_t nonce[32] = { 1, 2 };
    struct mse_config_reply reply = { .status = 200,
                                      .state = "Waiting",
                                      .nonce = nonce,
                                      .epoch = 18446744073709551615U,
                                      .text = "Hello.\n" };
    char *text = written(&reply);

    (void)state;
    assert_string_equal(
        text, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: keep-alive\r\n"
              "Content-Type: text/plain\r\nCache-Control: no-store\r\n"
              "Mse-Status: Waiting\r\nMse-Epoch: 18446744073709551615\r\n"
              "Mse-Nonce: 0102000000000000000000000000000000000000000000000000000000000000\r\n"
              "\r\nHello.\n");
    free(text);
    reply.to_head = reply.close = true;
    text = written(&reply);
    assert_non_null(strstr(text, "Content-Length: 7\r\nConnection: close\r\n"));
    assert_null(strstr(text, "Hello"));
    free(text);
}

static void a_problem_says_what_was_wrong(void **state)
{
    struct mse_config_reply reply = { .status = 422,
                                      .state = "Waiting",
                                      .epoch = 1,
                                      .retry_s = 5,
                                      .code = "mismatch",
                                      .text = "uuid: \"x\" is \x01 not it" };
    char *text = written(&reply);

    (void)state;
    assert_non_null(strstr(text, "HTTP/1.1 422 Unprocessable Content\r\n"));
    assert_non_null(strstr(text, "Content-Type: application/problem+json\r\n"));
    assert_non_null(strstr(text, "Retry-After: 5\r\n"));
    assert_null(strstr(text, "Mse-Nonce"));
    assert_null(strstr(text, "WWW-Authenticate"));
    assert_string_equal(strstr(text, "\r\n\r\n") + 4,
                        "{\"type\":\"about:blank\",\"title\":\"Unprocessable Content\","
                        "\"status\":422,\"detail\":\"uuid: \\\"x\\\" is \\u0001 not it\","
                        "\"code\":\"mismatch\"}\n");
    free(text);
    reply.status = 401;
    text = written(&reply);
    assert_non_null(strstr(text, "WWW-Authenticate: Mse-Signature\r\n"));
    free(text);
}

static void a_bare_reply_has_nothing_but_its_length(void **state)
{
    struct mse_config_reply reply = {
        .status = 401, .bare = true, .close = true, .state = "Waiting", .code = "x", .text = "y"
    };
    char *text = written(&reply);

    (void)state;
    assert_string_equal(text, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n"
                              "Connection: close\r\n\r\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_read),
        cmocka_unit_test(what_follows_a_head_is_left),
        cmocka_unit_test(every_prefix_asks_for_more),
        cmocka_unit_test(each_wrong_head_has_its_status),
        cmocka_unit_test(a_head_has_8192_bytes_at_most),
        cmocka_unit_test(more_empty_lines_than_a_head_has_room_for_are_refused),
        cmocka_unit_test(a_reply_has_the_headers_that_the_owner_reads),
        cmocka_unit_test(a_problem_says_what_was_wrong),
        cmocka_unit_test(a_bare_reply_has_nothing_but_its_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
