/* SPDX-License-Identifier: Apache-2.0 */
/* Which names a certificate is for: RFC 9525, section 6, and RFC 5280, 4.2.1.6. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test_pki.h"
#include "verdict/name.h"

static EVP_PKEY *key;

/* A name and its length: names may have a NUL inside. */
#define DNS(s)                                                                                     \
    {                                                                                              \
        0x82, s, sizeof(s) - 1                                                                     \
    }
#define IP(s)                                                                                      \
    {                                                                                              \
        0x87, s, sizeof(s) - 1                                                                     \
    }
#define MAIL(s)                                                                                    \
    {                                                                                              \
        0x81, s, sizeof(s) - 1                                                                     \
    }
#define URI(s)                                                                                     \
    {                                                                                              \
        0x86, s, sizeof(s) - 1                                                                     \
    }
#define V4 "\xc0\x00\x02\x01"                                                 /* 192.0.2.1 */
#define V6 "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" /* 2001:db8::1 */
#define MAPPED "\0\0\0\0\0\0\0\0\0\0\xff\xff" V4

struct san {
    uint8_t tag;
    const char *value;
    size_t len;
};

static struct test_blob make(const char *subject, const struct san *names, size_t count)
{
    struct test_der list = { 0 }, payload = { 0 };
    struct test_cert cert = {
        .subject = subject, .issuer = subject, .key = key, .issuer_key = key
    };

    for (size_t i = 0; i < count && names[i].value != NULL; i++)
        test_der_put(&list, names[i].tag, names[i].value, names[i].len);
    if (list.len > 0) {
        test_der_wrap(&payload, 0x30, &list);
        cert.extensions[0] = (struct test_extension){ "2.5.29.17", payload.data, payload.len,
                                                      false };
    }
    return test_cert_make(&cert);
}

static enum mse_err_code check(const char *subject, const struct san *names, size_t count,
                               const char *asked, struct mse_error *err)
{
    struct test_blob der = make(subject, names, count);
    struct mse_error parse = { 0 };
    struct mse_cert cert;
    bool fine;

    *err = (struct mse_error){ 0 };
    assert_true(mse_cert_parse(test_bytes(&der), &cert, &parse));
    fine = mse_name_check(&cert, asked, err);
    test_blob_free(&der);
    assert_int_equal(fine, err->code == MSE_ERR_NONE);
    return err->code;
}

#define YES MSE_ERR_NONE
#define NO MSE_ERR_MISMATCH

/* clang-format off */
static const struct {
    struct san names[3];
    const char *asked;
    enum mse_err_code want;
} cases[] = {
    { { DNS("app.example") }, "app.example", YES },
    { { DNS("app.example") }, "APP.eXample", YES },
    { { DNS("aPP.Example") }, "app.example", YES },
    { { DNS("app.example") }, "app.example.", YES },
    { { DNS("app.example.") }, "app.example", NO },
    { { DNS("localhost") }, "localhost", YES },
    { { DNS("app-2.example") }, "app-2.example", YES },
    { { DNS("app2") }, "app2", YES },
    { { DNS("app.example") }, "app.example..", NO },
    { { DNS("app.example") }, "pp.example", NO },
    { { DNS("app.example") }, "xapp.example", NO },
    { { DNS("app.example") }, "app.exampl", NO },
    { { DNS("app.example") }, "sub.app.example", NO },
    { { DNS("app.example") }, "example", NO },
    { { DNS("app.example") }, "appxexample", NO },
    { { DNS(".app.example") }, "sub.app.example", NO },

    /* several names, and of several kinds */
    { { DNS("a.example"), DNS("b.example"), DNS("c.example") }, "a.example", YES },
    { { DNS("a.example"), DNS("b.example"), DNS("c.example") }, "c.example", YES },
    { { DNS("a.example"), DNS("b.example"), DNS("c.example") }, "d.example", NO },
    { { MAIL("app.example"), IP(V4), DNS("app.example") }, "app.example", YES },
    { { MAIL("app.example"), URI("app.example") }, "app.example", NO },

    /* wildcards stand for one whole leftmost label */
    { { DNS("*.app.example") }, "a.app.example", YES },
    { { DNS("*.App.Example") }, "A.app.example.", YES },
    { { DNS("*.app.example") }, "xn--a.app.example", YES },
    { { DNS("*.app.example") }, "app.example", NO },
    { { DNS("*.app.example") }, "a.b.app.example", NO },
    { { DNS("*.app.example") }, "a.app.example.test", NO },
    { { DNS("*.app.example") }, "a.app.exampl", NO },
    { { DNS("*.app.example") }, ".app.example", NO },
    { { DNS("*.app.example") }, "axapp.example", NO },
    { { DNS("*.example") }, "a.example", NO }, /* a whole top level */
    { { DNS("*") }, "example", NO },
    { { DNS("*.") }, "example", NO },
    { { DNS("a*.app.example") }, "ab.app.example", NO },
    { { DNS("*a.app.example") }, "ba.app.example", NO },
    { { DNS("a.*.example") }, "a.b.example", NO },
    { { DNS("*.*.example") }, "a.b.example", NO },
    { { DNS("**.app.example") }, "a.app.example", NO },
    { { DNS("*.0.2.1") }, "192.0.2.1", NO },

    /* addresses are compared as bytes, and only with addresses */
    { { IP(V4) }, "192.0.2.1", YES },
    { { IP(V4) }, "192.0.2.2", NO },
    { { IP(V6) }, "2001:db8::1", YES },
    { { IP(V6) }, "2001:0DB8:0:0:0:0:0:1", YES },
    { { IP(V6) }, "2001:db8::2", NO },
    { { IP(V4), IP(V6) }, "2001:db8::1", YES },
    { { IP(MAPPED) }, "::ffff:192.0.2.1", YES },
    { { IP(MAPPED) }, "192.0.2.1", NO },
    { { IP(V4) }, "::ffff:192.0.2.1", NO },
    { { DNS("192.0.2.1") }, "192.0.2.1", NO },
    { { DNS("1234") }, "49.50.51.52", NO }, /* the same four bytes */
    { { DNS("2001:db8::1") }, "2001:db8::1", NO },
    { { IP("192.0.2.1.......") }, "192.0.2.1", NO },

    /* asked for what no certificate may be for */
    { { DNS("*.app.example") }, "*.app.example", MSE_ERR_USAGE },
    { { DNS("*") }, "*", MSE_ERR_USAGE },
    { { DNS("app.example") }, "a*p.example", MSE_ERR_USAGE },
    { { DNS("app.example") }, "", MSE_ERR_USAGE },
    { { DNS("app.example") }, "app .example", MSE_ERR_USAGE },
    { { DNS("app.example") }, "app.example\n", MSE_ERR_USAGE },
    { { DNS("app.example") }, "app.ex\xc3\xa4mple", MSE_ERR_USAGE },
    { { DNS("192.0.2") }, "192.0.2", MSE_ERR_USAGE },       /* 192.0.0.2 elsewhere */
    { { DNS("3221225985") }, "3221225985", MSE_ERR_USAGE }, /* 192.0.2.1 elsewhere */
    { { DNS("192.0.2.01") }, "192.0.2.01", MSE_ERR_USAGE },
    { { DNS("192.0.2.1.") }, "192.0.2.1.", MSE_ERR_USAGE },
    { { DNS("192.0.2.256") }, "192.0.2.256", MSE_ERR_USAGE },
    { { DNS("app.example.1") }, "app.example.1", MSE_ERR_USAGE },

    /* a certificate whose names cannot be read is for nobody */
    { { DNS("app.example"), DNS("a\0b") }, "app.example", MSE_ERR_VALUE },
    { { DNS("app.example\0.evil.test") }, "app.example", MSE_ERR_VALUE },
    { { DNS("app.example"), DNS("") }, "app.example", MSE_ERR_VALUE },
    { { DNS("app.example"), IP("\xc0\x00\x02") }, "app.example", MSE_ERR_VALUE },
};
/* clang-format on */

static void names_match_as_the_rfcs_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_error err;

        if (check("nobody.test", cases[i].names, 3, cases[i].asked, &err) != cases[i].want)
            fail_msg("row %zu: \"%s\" for %.*s gave %d", i, cases[i].asked,
                     (int)cases[i].names[0].len, cases[i].names[0].value, (int)err.code);
    }
}

static void the_common_name_never_counts(void **state)
{
    static const struct san other[] = { DNS("b.example") }, mail[] = { MAIL("a@b.example") };
    struct mse_error err;

    (void)state;
    assert_int_equal(check("app.example", NULL, 0, "app.example", &err), MSE_ERR_MISMATCH);
    assert_non_null(strstr(err.text, "names nothing"));
    assert_int_equal(check("app.example", other, 1, "app.example", &err), MSE_ERR_MISMATCH);
    assert_int_equal(check("app.example", mail, 1, "app.example", &err), MSE_ERR_MISMATCH);
    assert_int_equal(check("192.0.2.1", NULL, 0, "192.0.2.1", &err), MSE_ERR_MISMATCH);
}

static void a_mismatch_lists_what_the_certificate_is_for(void **state)
{
    static const struct san names[] = { DNS("b.example"), IP(V4), IP(V6), MAIL("a@c.example") };
    struct mse_error err;

    (void)state;
    assert_int_equal(check("x", names, 4, "app.example", &err), MSE_ERR_MISMATCH);
    assert_non_null(strstr(err.text, "app.example"));
    assert_non_null(strstr(err.text, "b.example, 192.0.2.1, 2001:db8::1, a name of kind 1"));
}

/* 256 names of 60 bytes do not fit: the list is cut, and stays text. */
static void a_long_list_is_cut(void **state)
{
    struct test_der list = { 0 }, payload = { 0 };
    struct test_cert cert = { .subject = "x", .issuer = "x", .key = key, .issuer_key = key };
    static const char name[] = "a23456789012345678901234567890123456789012345678901.example";
    struct mse_error err = { 0 };
    struct test_blob der;
    struct mse_cert read;
    char text[130];

    (void)state;
    for (size_t i = 0; i < 60; i++)
        test_der_put(&list, 0x82, name, sizeof(name) - 1);
    test_der_wrap(&payload, 0x30, &list);
    cert.extensions[0] = (struct test_extension){ "2.5.29.17", payload.data, payload.len, false };
    der = test_cert_make(&cert);
    assert_true(mse_cert_parse(test_bytes(&der), &read, &err));
    assert_ptr_equal(mse_name_list(&read, text, sizeof(text)), text);
    assert_int_equal(strlen(text), sizeof(text) - 1);
    assert_memory_equal(text, name, sizeof(name) - 1);
    assert_false(mse_name_check(&read, "app.example", &err));
    assert_int_equal(err.code, MSE_ERR_MISMATCH);
    test_blob_free(&der);
}

static void two_spellings_of_a_name_are_equal(void **state)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } pairs[] = {
        { "app.example", "app.example", true },
        { "app.example", "APP.example.", true },
        { "app.example.", "app.example.", true },
        { "app.example", "app.exampl", false },
        { "app.example", "app.examples", false },
        { "app.example", "app.example..", false },
        { "a", ".", false },
        { "app.example", "", false },
        { "*.example", "app.example", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        const struct mse_general_name have = { MSE_NAME_DNS, MSE_CSTR_BYTES(pairs[i].a) };

        assert_int_equal(mse_dns_equal(pairs[i].a, pairs[i].b), pairs[i].equal);
        assert_int_equal(mse_dns_equal(pairs[i].b, pairs[i].a), pairs[i].equal);
        if (pairs[i].a[strlen(pairs[i].a) - 1] != '.') /* not a form that certificates have */
            assert_int_equal(mse_name_equals(&have, pairs[i].b), pairs[i].equal);
    }
}

static int make_key(void **state)
{
    (void)state;
    key = test_key_p256();
    return 0;
}

static int free_key(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_match_as_the_rfcs_say),
        cmocka_unit_test(the_common_name_never_counts),
        cmocka_unit_test(a_mismatch_lists_what_the_certificate_is_for),
        cmocka_unit_test(a_long_list_is_cut),
        cmocka_unit_test(two_spellings_of_a_name_are_equal),
    };

    return cmocka_run_group_tests(tests, make_key, free_key);
}
