/* SPDX-License-Identifier: Apache-2.0 */
/* HOST:PORT in all its forms, proxy settings, exceptions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/connect.h"

static const struct {
    const char *text, *host, *port; /* host NULL: refused */
    bool is_address;
} targets[] = {
    { "app.example.org", "app.example.org", "443", false },
    { "app.example.org:8443", "app.example.org", "8443", false },
    { "https://app.example.org", "app.example.org", "443", false },
    { "https://app.example.org/a/b?c", "app.example.org", "443", false },
    { "https://app.example.org:8443/", "app.example.org", "8443", false },
    { "127.0.0.1", "127.0.0.1", "443", true },
    { "127.0.0.1:1", "127.0.0.1", "1", true },
    { "[::1]:8443", "::1", "8443", true },
    { "[::1]", "::1", "443", true },
    { "::1", "::1", "443", true },
    { "2001:db8::1", "2001:db8::1", "443", true },
    { "", NULL, NULL, false },
    { ":443", NULL, NULL, false },
    { "a:", NULL, NULL, false },
    { "a:0", NULL, NULL, false },
    { "a:65536", NULL, NULL, false },
    { "a:1x", NULL, NULL, false },
    { "a:123456", NULL, NULL, false },
    { "[::1", NULL, NULL, false },
    { "[::1]x", NULL, NULL, false },
    { "a:b:c", NULL, NULL, false },
    { "http://a", NULL, NULL, false },
    { "a/b", NULL, NULL, false },
    { "a b", NULL, NULL, false },
    { "a\nb", NULL, NULL, false },
    { "-a", NULL, NULL, false },
    { "\xc3\xa9.example", NULL, NULL, false },
};

static void targets_are_read_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        struct mse_target t;
        struct mse_error err = { 0 };
        bool ok = mse_target_parse(targets[i].text, "443", &t, &err);

        if (ok != (targets[i].host != NULL))
            fail_msg("\"%s\"", targets[i].text);
        if (!ok) {
            assert_int_equal(err.code, MSE_ERR_USAGE);
            assert_string_equal(t.host, "");
            continue;
        }
        assert_string_equal(t.host, targets[i].host);
        assert_string_equal(t.port, targets[i].port);
        assert_int_equal(t.is_address, targets[i].is_address);
    }
}

static void proxies_are_read_or_refused(void **state)
{
    struct mse_target t;
    struct mse_error err = { 0 };

    (void)state;
    assert_true(mse_proxy_parse("http://proxy.example:8080/", &t, &err));
    assert_string_equal(t.host, "proxy.example");
    assert_string_equal(t.port, "8080");
    assert_true(mse_proxy_parse("proxy.example", &t, &err));
    assert_string_equal(t.port, "3128");
    assert_false(mse_proxy_parse("socks5://proxy.example:1080", &t, &err));
    err = (struct mse_error){ 0 };
    assert_false(mse_proxy_parse("http://user:secret@proxy.example:8080", &t, &err));
    assert_null(strstr(err.text, "secret"));
}

static void exceptions_match_whole_labels(void **state)
{
    (void)state;
    assert_true(mse_no_proxy_has("localhost, example.org", "example.org"));
    assert_true(mse_no_proxy_has("example.org", "app.example.org"));
    assert_true(mse_no_proxy_has(".example.org", "app.example.org"));
    assert_true(mse_no_proxy_has("*", "anything"));
    assert_false(mse_no_proxy_has("example.org", "badexample.org"));
    assert_false(mse_no_proxy_has("", "example.org"));
    assert_false(mse_no_proxy_has(",", "example.org"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_are_read_or_refused),
        cmocka_unit_test(proxies_are_read_or_refused),
        cmocka_unit_test(exceptions_match_whole_labels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
