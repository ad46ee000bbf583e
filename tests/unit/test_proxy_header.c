/* SPDX-License-Identifier: Apache-2.0 */
/* PROXY protocol, version 2, against the tables of HAProxy's document (section 2.2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "enclave/proxy_header.h"
#include "exact.h"

#define SIGNATURE "\x0D\x0A\x0D\x0A\x00\x0D\x0A\x51\x55\x49\x54\x0A"
#define B(s)                                                                                       \
    {                                                                                              \
        (const uint8_t *)(s), sizeof(s) - 1                                                        \
    }
/* 198.51.100.7 port 4711 to 192.0.2.1 port 443 */
#define IPV4 "\xC6\x33\x64\x07\xC0\x00\x02\x01\x12\x67\x01\xBB"
/* 2001:db8::7 port 4711 to 2001:db8::1 port 443 */
#define IPV6                                                                                       \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"                                                   \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x12\x67\x01\xBB"
#define TEN "0123456789"
#define UNIX                                                                                       \
    TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "012345"
/* PP2_TYPE_AUTHORITY, three bytes */
#define TLV "\x02\0\3abc"

/* clang-format off */
static const struct {
    const char *name;
    struct mse_bytes in;
    bool known;
    const char *source, *destination;
    size_t used;
} valid[] = {
    { "IPv4", B(SIGNATURE "\x21\x11\0\x0c" IPV4), true, "198.51.100.7", "192.0.2.1", 28 },
    { "IPv6", B(SIGNATURE "\x21\x21\0\x24" IPV6), true, "2001:db8::7", "2001:db8::1", 52 },
    { "IPv4 with a TLV", B(SIGNATURE "\x21\x11\0\x12" IPV4 TLV), true,
      "198.51.100.7", "192.0.2.1", 34 },
    { "IPv4 and TLS behind it", B(SIGNATURE "\x21\x11\0\x0c" IPV4 "\x16\3\1"), true,
      "198.51.100.7", "192.0.2.1", 28 },
    { "LOCAL, empty", B(SIGNATURE "\x20\0\0\0"), false, NULL, NULL, 16 },
    { "LOCAL skips what it says", B(SIGNATURE "\x20\x11\0\x0c" IPV4), false, NULL, NULL, 28 },
    { "LOCAL of any family", B(SIGNATURE "\x20\xff\0\2ab"), false, NULL, NULL, 18 },
    { "UNSPEC", B(SIGNATURE "\x21\0\0\3abc"), false, NULL, NULL, 19 },
    { "unix", B(SIGNATURE "\x21\x31\0\xd8" UNIX), false, NULL, NULL, 232 },
};
static const struct {
    const char *name;
    struct mse_bytes in;
    enum mse_err_code want;
    size_t at;
} refused[] = {
    { "other protocol", B("GET / HTTP/1.1\r\n"), MSE_ERR_FORMAT, 0 },
    { "version 1", B("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n"), MSE_ERR_FORMAT, 0 },
    { "first byte", B("\x16"), MSE_ERR_FORMAT, 0 },
    { "last byte of the signature", B("\x0D\x0A\x0D\x0A\0\x0D\x0A\x51\x55\x49\x54\x0B"),
      MSE_ERR_FORMAT, 0 },
    { "version 1 in binary", B(SIGNATURE "\x11"), MSE_ERR_VALUE, 12 },
    { "version 3", B(SIGNATURE "\x31\x11\0\x0c" IPV4), MSE_ERR_VALUE, 12 },
    { "command 2", B(SIGNATURE "\x22\x11\0\x0c" IPV4), MSE_ERR_VALUE, 12 },
    { "UDP over IPv4", B(SIGNATURE "\x21\x12\0\x0c" IPV4), MSE_ERR_VALUE, 16 },
    { "UDP over IPv6", B(SIGNATURE "\x21\x22\0\x24" IPV6), MSE_ERR_VALUE, 16 },
    { "unix datagram", B(SIGNATURE "\x21\x32\0\xd8" UNIX), MSE_ERR_VALUE, 16 },
    { "IPv4, unspecified transport", B(SIGNATURE "\x21\x10\0\x0c" IPV4), MSE_ERR_VALUE, 16 },
    { "family 4", B(SIGNATURE "\x21\x41\0\x0c" IPV4), MSE_ERR_VALUE, 16 },
    { "IPv4, a byte short", B(SIGNATURE "\x21\x11\0\x0b" IPV4), MSE_ERR_VALUE, 26 },
    { "IPv4, empty", B(SIGNATURE "\x21\x11\0\0" IPV4), MSE_ERR_VALUE, 16 },
    { "IPv6 with addresses of IPv4", B(SIGNATURE "\x21\x21\0\x0c" IPV4), MSE_ERR_VALUE, 16 },
    { "unix, a byte short", B(SIGNATURE "\x21\x31\0\xd7" UNIX), MSE_ERR_VALUE, 16 },
    { "too long", B(SIGNATURE "\x21\x11\x02\x09"), MSE_ERR_LIMIT, 14 },
    { "LOCAL, too long", B(SIGNATURE "\x20\0\xff\xff"), MSE_ERR_LIMIT, 14 },
};
/* clang-format on */

static void shown(const struct sockaddr_storage *address, char *text, unsigned *port)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;

    if (address->ss_family == AF_INET) {
        assert_non_null(inet_ntop(AF_INET, &v4->sin_addr, text, INET6_ADDRSTRLEN));
        *port = ntohs(v4->sin_port);
    } else {
        assert_int_equal(address->ss_family, AF_INET6);
        assert_non_null(inet_ntop(AF_INET6, &v6->sin6_addr, text, INET6_ADDRSTRLEN));
        *port = ntohs(v6->sin6_port);
    }
}

static void valid_headers_say_who_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
        struct mse_proxy_addresses got;
        struct mse_error err = { 0 };
        char text[INET6_ADDRSTRLEN];
        unsigned port;
        size_t used;

        print_message("%s\n", valid[i].name);
        assert_true(mse_proxy_header_parse(valid[i].in, &got, &used, &err));
        assert_int_equal(got.known, valid[i].known);
        assert_int_equal(used, valid[i].used);
        if (!got.known)
            continue;
        shown(&got.source, text, &port);
        assert_string_equal(text, valid[i].source);
        assert_int_equal(port, 4711);
        shown(&got.destination, text, &port);
        assert_string_equal(text, valid[i].destination);
        assert_int_equal(port, 443);
    }
}

static void wrong_headers_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct mse_proxy_addresses got;
        struct mse_error err = { 0 };
        size_t used = 7;

        print_message("%s\n", refused[i].name);
        assert_false(mse_proxy_header_parse(refused[i].in, &got, &used, &err));
        assert_int_equal(err.code, refused[i].want);
        assert_int_equal(err.offset, refused[i].at);
        assert_false(got.known);
        assert_int_equal(used, 0);
    }
}

static void every_prefix_asks_for_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
        for (size_t len = 0; len < valid[i].used; len++) {
            struct mse_bytes cut = exact_copy(valid[i].in, len);
            struct mse_proxy_addresses got;
            struct mse_error err = { 0 };
            size_t used;

            assert_false(mse_proxy_header_parse(cut, &got, &used, &err));
            assert_int_equal(err.code, MSE_ERR_TRUNCATED);
            assert_int_equal(used, 0);
            exact_free(cut);
        }
    }
}

static void the_longest_header_is_as_long_as_it_says(void **state)
{
    uint8_t longest[MSE_PROXY_HEADER_MAX] = SIGNATURE "\x21\x11\x02\x08" IPV4;
    struct mse_proxy_addresses got;
    struct mse_error err = { 0 };
    size_t used;

    (void)state;
    assert_true(mse_proxy_header_parse(MSE_BYTES(longest), &got, &used, &err));
    assert_int_equal(used, sizeof(longest));
}

static void check_written(const struct mse_proxy_addresses *addresses, const char *want, size_t len)
{
    struct mse_writer out = { 0 };

    mse_proxy_header_write(addresses, &out);
    assert_true(mse_writer_ok(&out));
    assert_int_equal(out.len, len);
    assert_memory_equal(out.data, want, len);
    mse_writer_cleanup(&out);
}

static void what_is_written_is_the_documents_header(void **state)
{
    static const char v4[] = SIGNATURE "\x21\x11\0\x0c" IPV4,
                      v6[] = SIGNATURE "\x21\x21\0\x24" IPV6, local[] = SIGNATURE "\x20\0\0\0";
    struct mse_proxy_addresses a = { 0 };
    struct mse_error err = { 0 };
    size_t used;

    (void)state;
    check_written(&a, local, sizeof(local) - 1);
    assert_true(mse_proxy_header_parse(valid[0].in, &a, &used, &err));
    check_written(&a, v4, sizeof(v4) - 1);
    assert_true(mse_proxy_header_parse(valid[1].in, &a, &used, &err));
    check_written(&a, v6, sizeof(v6) - 1);
    a.source.ss_family = AF_UNIX;
    check_written(&a, local, sizeof(local) - 1);
}

/* A client over IPv4 to a listener on IPv6: RFC 4291, 2.5.5.2. */
static void two_families_are_written_as_the_larger(void **state)
{
    static const char want[] = SIGNATURE "\x21\x21\0\x24"
                                         "\0\0\0\0\0\0\0\0\0\0\xff\xff\xC6\x33\x64\x07"
                                         "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
                                         "\x12\x67\x01\xBB";
    struct mse_proxy_addresses v4, v6;
    struct mse_error err = { 0 };
    size_t used;

    (void)state;
    assert_true(mse_proxy_header_parse(valid[0].in, &v4, &used, &err));
    assert_true(mse_proxy_header_parse(valid[1].in, &v6, &used, &err));
    v4.destination = v6.destination;
    check_written(&v4, want, sizeof(want) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_headers_say_who_it_is),
        cmocka_unit_test(wrong_headers_are_refused),
        cmocka_unit_test(every_prefix_asks_for_more),
        cmocka_unit_test(the_longest_header_is_as_long_as_it_says),
        cmocka_unit_test(what_is_written_is_the_documents_header),
        cmocka_unit_test(two_families_are_written_as_the_larger),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
