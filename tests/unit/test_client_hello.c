/* SPDX-License-Identifier: Apache-2.0 */
/* ClientHello: what OpenSSL's client sends, and messages built field by field (RFC 8446, 4.1.2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "enclave/client_hello.h"
#include "exact.h"

/* The first flight of a client that asks for this name; NULL: for none. */
static struct mse_bytes openssl_hello(const char *name, uint8_t room[static 4096])
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(ctx);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    int len;

    assert_non_null(ssl);
    SSL_set_bio(ssl, in, out);
    if (name != NULL)
        assert_int_equal(SSL_set_tlsext_host_name(ssl, name), 1);
    assert_int_equal(SSL_connect(ssl), -1);
    len = BIO_read(out, room, 4096);
    assert_in_range(len, 100, 4095);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    return (struct mse_bytes){ room, (size_t)len };
}

#define RANDOM "0123456789abcdef0123456789abcdef"
/* Version, random, no session, one cipher suite, no compression: 43 bytes. */
#define BEFORE "\3\3" RANDOM "\0\0\2\x13\1\1\0"
#define RECORD(len) "\x16\3\1\0" len
#define B(s)                                                                                       \
    {                                                                                              \
        (const uint8_t *)(s), sizeof(s) - 1                                                        \
    }

/* clang-format off */
static const struct { const char *name; struct mse_bytes in; enum mse_err_code want; size_t at; }
cases[] = {
    { "no extensions", B(RECORD("\x2d") "\1\0\0\x29" BEFORE), MSE_ERR_NONE, 0 },
    { "empty extensions", B(RECORD("\x2f") "\1\0\0\x2b" BEFORE "\0\0"), MSE_ERR_NONE, 0 },
    { "another extension", B(RECORD("\x34") "\1\0\0\x30" BEFORE "\0\5\0\x17\0\1x"),
      MSE_ERR_NONE, 0 },
    { "a name of no known type", B(RECORD("\x38") "\1\0\0\x34" BEFORE "\0\x09\0\0\0\5\0\3\7\0\0"),
      MSE_ERR_NONE, 0 },
    { "not a handshake", B("\x15\3\1\0\2\2\x28"), MSE_ERR_FORMAT, 1 },
    { "HTTP", B("GET /"), MSE_ERR_FORMAT, 1 },
    { "major version", B("\x16\2\1\0\2\1\0"), MSE_ERR_FORMAT, 2 },
    { "empty record", B("\x16\3\1\0\0"), MSE_ERR_FORMAT, 5 },
    { "long record", B("\x16\3\1\x40\1"), MSE_ERR_FORMAT, 5 },
    { "ServerHello", B(RECORD("\1") "\2"), MSE_ERR_FORMAT, 0 },
    { "long message", B(RECORD("\4") "\1\0\x3f\xfd"), MSE_ERR_LIMIT, 1 },
    { "very long message", B(RECORD("\4") "\1\xff\xff\xff"), MSE_ERR_LIMIT, 1 },
    { "nine records", B(RECORD("\1") "\1" RECORD("\1") "\0" RECORD("\1") "\1" RECORD("\1") "a"
                        RECORD("\1") "b" RECORD("\1") "c" RECORD("\1") "d" RECORD("\1") "e"
                        RECORD("\1") "f"), MSE_ERR_LIMIT, 48 },
    { "alert between", B(RECORD("\1") "\1" "\x15\3\1\0\2\2\x28"), MSE_ERR_FORMAT, 7 },
    { "short message", B(RECORD("\5") "\1\0\0\1\3"), MSE_ERR_VALUE, 0 },
    { "session past the end", B(RECORD("\x2d") "\1\0\0\x29" "\3\3" RANDOM "\x20" "abcdef"),
      MSE_ERR_VALUE, 39 },
    { "byte left over", B(RECORD("\x30") "\1\0\0\x2c" BEFORE "\0\0x"), MSE_ERR_TRAILING, 47 },
    { "extensions past the end", B(RECORD("\x2f") "\1\0\0\x2b" BEFORE "\0\1"), MSE_ERR_VALUE, 47 },
    { "extension past its list", B(RECORD("\x33") "\1\0\0\x2f" BEFORE "\0\4\0\x17\0\1"),
      MSE_ERR_VALUE, 51 },
    { "name past its list", B(RECORD("\x38") "\1\0\0\x34" BEFORE "\0\x09\0\0\0\5\0\3\0\0\1"),
      MSE_ERR_VALUE, 56 },
    { "list past its extension", B(RECORD("\x35") "\1\0\0\x31" BEFORE "\0\6\0\0\0\2\0\1"),
      MSE_ERR_VALUE, 53 },
    { "empty name", B(RECORD("\x38") "\1\0\0\x34" BEFORE "\0\x09\0\0\0\5\0\3\0\0\0"),
      MSE_ERR_VALUE, 56 },
    { "NUL in the name", B(RECORD("\x3a") "\1\0\0\x36" BEFORE "\0\x0b\0\0\0\7\0\5\0\0\2a\0"),
      MSE_ERR_VALUE, 58 },
    { "space in the name", B(RECORD("\x3a") "\1\0\0\x36" BEFORE "\0\x0b\0\0\0\7\0\5\0\0\2a "),
      MSE_ERR_VALUE, 58 },
    { "two names", B(RECORD("\x3d") "\1\0\0\x39" BEFORE "\0\x0e\0\0\0\x0a\0\x08\0\0\1a\0\0\1b"),
      MSE_ERR_DUPLICATE, 61 },
    { "two server_name", B(RECORD("\x43") "\1\0\0\x3f" BEFORE "\0\x14\0\0\0\6\0\4\0\0\1a"
                           "\0\0\0\6\0\4\0\0\1b"), MSE_ERR_DUPLICATE, 67 },
    { "byte after the list", B(RECORD("\x3a") "\1\0\0\x36" BEFORE "\0\x0b\0\0\0\7\0\4\0\0\1ax"),
      MSE_ERR_TRAILING, 57 },
};
/* clang-format on */

static void messages_are_taken_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_bytes in = exact_copy(cases[i].in, cases[i].in.len);
        struct mse_client_hello hello;
        struct mse_error err = { 0 };

        print_message("%s\n", cases[i].name);
        assert_int_equal(mse_client_hello_parse(in, &hello, &err), cases[i].want == MSE_ERR_NONE);
        assert_int_equal(err.code, cases[i].want);
        assert_false(hello.has_name);
        assert_int_equal(err.offset, cases[i].at);
        exact_free(in);
    }
}

static void the_name_is_what_the_client_asked_for(void **state)
{
    uint8_t room[4096];
    struct mse_client_hello hello;
    struct mse_error err = { 0 };

    (void)state;
    assert_true(mse_client_hello_parse(openssl_hello("App.Example", room), &hello, &err));
    assert_true(hello.has_name);
    assert_string_equal(hello.name, "app.example");
    assert_true(mse_client_hello_parse(openssl_hello(NULL, room), &hello, &err));
    assert_false(hello.has_name);
}

static void every_prefix_asks_for_more(void **state)
{
    uint8_t room[4096];
    struct mse_bytes all = openssl_hello("app.example", room);

    (void)state;
    for (size_t len = 0; len < all.len; len++) {
        struct mse_bytes cut = exact_copy(all, len);
        struct mse_client_hello hello;
        struct mse_error err = { 0 };

        assert_false(mse_client_hello_parse(cut, &hello, &err));
        assert_int_equal(err.code, MSE_ERR_TRUNCATED);
        exact_free(cut);
    }
}

/* RFC 8446, 5.1: into two records at every place, also inside the message's own header. */
static void a_message_may_be_split_anywhere(void **state)
{
    uint8_t room[4096], split[4101];
    struct mse_bytes all = openssl_hello("app.example", room);
    size_t body = all.len - 5;

    (void)state;
    for (size_t first = 1; first < body; first++) {
        struct mse_client_hello hello;
        struct mse_error err = { 0 };
        size_t rest = body - first;

        memcpy(split, all.data, 5 + first);
        split[3] = (uint8_t)(first >> 8);
        split[4] = (uint8_t)first;
        memcpy(split + 5 + first, all.data, 3);
        split[5 + first + 3] = (uint8_t)(rest >> 8);
        split[5 + first + 4] = (uint8_t)rest;
        memcpy(split + 10 + first, all.data + 5 + first, rest);
        assert_true(mse_client_hello_parse((struct mse_bytes){ split, all.len + 5 }, &hello, &err));
        assert_string_equal(hello.name, "app.example");
    }
}

static void what_follows_is_not_looked_at(void **state)
{
    uint8_t room[4096 + 4];
    struct mse_bytes all = openssl_hello("app.example", room);
    struct mse_client_hello hello;
    struct mse_error err = { 0 };

    (void)state;
    memcpy(room + all.len, "\xff\xff\xff\xff", 4);
    all.len += 4;
    assert_true(mse_client_hello_parse(all, &hello, &err));
    assert_string_equal(hello.name, "app.example");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_taken_or_refused),
        cmocka_unit_test(the_name_is_what_the_client_asked_for),
        cmocka_unit_test(every_prefix_asks_for_more),
        cmocka_unit_test(a_message_may_be_split_anywhere),
        cmocka_unit_test(what_follows_is_not_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
