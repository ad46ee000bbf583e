/* SPDX-License-Identifier: Apache-2.0 */
/* What importing a certificate would let its key holder do: certificates made with OpenSSL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <openssl/x509v3.h>

#include "test_pki.h"
#include "verdict/shape.h"

#define SAN "2.5.29.17"
#define OID_NC "2.5.29.30"
#define APP "DNS:app.example"
#define OWN "+app.example -.app.example -4 -6"
#define NO_RAW                                                                                     \
    {                                                                                              \
        NULL, 0                                                                                    \
    }
#define RAW(s)                                                                                     \
    {                                                                                              \
        (const uint8_t *)(s), sizeof(s) - 1                                                        \
    }

static EVP_PKEY *key;

/* "192.0.2.1/255.255.255.255", a DNS name, or "4", "6", "dns" for all names of a kind. */
static GENERAL_NAME *base_of(const char *text)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    bool is_ip = true;
    ASN1_OCTET_STRING *value;

    if (strcmp(text, "4") == 0)
        value = a2i_IPADDRESS_NC("0.0.0.0/0.0.0.0");
    else if (strcmp(text, "6") == 0)
        value = a2i_IPADDRESS_NC("::/::");
    else if (strchr(text, '/') != NULL)
        value = a2i_IPADDRESS_NC(text);
    else {
        is_ip = false;
        value = ASN1_IA5STRING_new();
        text = strcmp(text, "dns") == 0 ? "" : text;
        assert_int_equal(ASN1_STRING_set(value, text, (int)strlen(text)), 1);
    }
    assert_non_null(value);
    GENERAL_NAME_set0_value(name, is_ip ? GEN_IPADD : GEN_DNS, value);
    return name;
}

/* Words that begin with "+" (permitted) or "-" (excluded), as DER. */
static void put_constraints(struct test_der *out, const char *words)
{
    NAME_CONSTRAINTS *nc = NAME_CONSTRAINTS_new();
    char *copy = strdup(words), *rest = NULL;
    unsigned char *der = NULL;
    int len;

    for (char *w = strtok_r(copy, " ", &rest); w != NULL; w = strtok_r(NULL, " ", &rest)) {
        STACK_OF(GENERAL_SUBTREE) **list = *w == '+' ? &nc->permittedSubtrees
                                                     : &nc->excludedSubtrees;
        GENERAL_SUBTREE *one = GENERAL_SUBTREE_new();

        if (*list == NULL)
            *list = sk_GENERAL_SUBTREE_new_null();
        GENERAL_NAME_free(one->base);
        one->base = base_of(w + 1);
        assert_true(sk_GENERAL_SUBTREE_push(*list, one) > 0);
    }
    len = ASN1_item_i2d((const ASN1_VALUE *)nc, &der, ASN1_ITEM_rptr(NAME_CONSTRAINTS));
    assert_true(len > 0);
    test_der_raw(out, der, (size_t)len);
    OPENSSL_free(der);
    NAME_CONSTRAINTS_free(nc);
    free(copy);
}

static void put_names(struct test_der *out, const char *names)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
    const ASN1_OCTET_STRING *payload;

    assert_non_null(e);
    payload = X509_EXTENSION_get_data(e);
    test_der_raw(out, ASN1_STRING_get0_data(payload), (size_t)ASN1_STRING_length(payload));
    X509_EXTENSION_free(e);
}

struct row {
    const char *name;
    bool ca, no_basic_constraints;
    const char *key_usage;
    const char *names;       /* as openssl.cnf has them; NULL: no subjectAltName */
    const char *constraints; /* words of put_constraints; NULL: none, or raw */
    struct mse_bytes raw;
    bool critical;
    enum mse_shape want;
    const char *reason; /* part of it */
};

static struct test_blob make(const struct row *row)
{
    struct test_der names = { 0 }, constraints = { 0 };
    struct test_cert cert = { .subject = "app.example",
                              .issuer = "app.example",
                              .key = key,
                              .issuer_key = key,
                              .ca = row->ca,
                              .path_len = TEST_NO_PATH_LEN,
                              .has_basic_constraints = !row->no_basic_constraints,
                              .key_usage = row->key_usage };

    if (row->names != NULL) {
        put_names(&names, row->names);
        cert.extensions[0] = (struct test_extension){ SAN, names.data, names.len, false };
    }
    if (row->constraints != NULL)
        put_constraints(&constraints, row->constraints);
    else
        test_der_raw(&constraints, row->raw.data, row->raw.len);
    if (constraints.len > 0)
        cert.extensions[1] = (struct test_extension){ OID_NC, constraints.data, constraints.len,
                                                      row->critical };
    return test_cert_make(&cert);
}

#define LEAF MSE_SHAPE_LEAF, "not constrained"
#define BEST MSE_SHAPE_CONSTRAINED, ""
#define V6 "2001:db8::1"
#define V6_FULL V6 "/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"

/* clang-format off */
static const struct row rows[] = {
    { "exactly its own name", false, false, NULL, APP, OWN, NO_RAW, false, BEST },
    { "in any order", false, false, NULL, APP, "-6 -4 -.app.example +app.example", NO_RAW, false,
      BEST },
    { "more excluded than has to be", false, false, NULL, APP, OWN " -org -dns", NO_RAW, false,
      BEST },
    { "signs handshakes only", false, false, "critical,digitalSignature", APP, OWN, NO_RAW,
      false, BEST },
    { "two names", false, false, NULL, APP ",DNS:b.example",
      "+app.example +b.example -.app.example -.b.example -4 -6", NO_RAW, false, BEST },
    { "an IPv4 address", false, false, NULL, "IP:192.0.2.1", "+192.0.2.1/255.255.255.255 -6 -dns",
      NO_RAW, false, BEST },
    { "an IPv6 address", false, false, NULL, "IP:" V6, "+" V6_FULL " -4 -dns", NO_RAW, false,
      BEST },
    { "name and address", false, false, NULL, APP ",IP:192.0.2.1",
      "+app.example +192.0.2.1/255.255.255.255 -.app.example -6", NO_RAW, false, BEST },

    { "CA", true, false, NULL, APP, OWN, NO_RAW, false, MSE_SHAPE_UNSAFE, "is a CA" },
    { "no basicConstraints", false, true, NULL, APP, OWN, NO_RAW, false, MSE_SHAPE_UNSAFE,
      "no basicConstraints" },
    { "keyCertSign", false, false, "digitalSignature,keyCertSign", APP, OWN, NO_RAW, false,
      MSE_SHAPE_UNSAFE, "sign certificates" },
    { "wildcard", false, false, NULL, "DNS:*.example", "+*.example -.*.example -4 -6", NO_RAW,
      false,
      MSE_SHAPE_UNSAFE, "wildcard" },
    { "wildcard behind a plain name", false, false, NULL, APP ",DNS:*.b.example", OWN, NO_RAW,
      false,
      MSE_SHAPE_UNSAFE, "wildcard" },

    { "no constraints", false, false, NULL, APP, NULL, NO_RAW, false, LEAF },
    { "no names", false, false, NULL, NULL, OWN, NO_RAW, false, LEAF },
    { "no names, nothing permitted", false, false, NULL, NULL, "-dns -4 -6", NO_RAW, false, LEAF },
    { "critical constraints", false, false, NULL, APP, OWN, NO_RAW, true, LEAF },
    { "another name permitted", false, false, NULL, APP, "+b.example -.b.example -4 -6", NO_RAW,
      false, LEAF },
    { "another name permitted too", false, false, NULL, APP, OWN " +b.example -.b.example", NO_RAW,
      false, LEAF },
    { "another name permitted, own name twice", false, false, NULL, APP "," APP,
      OWN " +b.example -.b.example", NO_RAW, false, LEAF },
    { "the domain above permitted", false, false, NULL, APP, "+example -.app.example -4 -6", NO_RAW,
      false, LEAF },
    { "all names permitted", false, false, NULL, APP, "+dns -.app.example -4 -6", NO_RAW, false,
      LEAF },
    { "nothing permitted", false, false, NULL, APP, "-.app.example -4 -6", NO_RAW, false, LEAF },
    { "second name not permitted", false, false, NULL, APP ",DNS:b.example",
      "+app.example -.app.example -.b.example -4 -6", NO_RAW, false, LEAF },
    { "names below not excluded", false, false, NULL, APP, "+app.example -4 -6", NO_RAW, false,
      LEAF },
    { "names below another excluded", false, false, NULL, APP, "+app.example -.xpp.example -4 -6",
      NO_RAW, false, LEAF },
    { "names below the second not excluded", false, false, NULL, APP ",DNS:b.example",
      "+app.example +b.example -.app.example -4 -6", NO_RAW, false, LEAF },
    { "IPv4 not excluded", false, false, NULL, APP, "+app.example -.app.example -6", NO_RAW,
      false, LEAF },
    { "half of IPv4 excluded", false, false, NULL, APP,
      "+app.example -.app.example -0.0.0.0/128.0.0.0 -6", NO_RAW, false, LEAF },
    { "IPv6 not excluded", false, false, NULL, APP, "+app.example -.app.example -4", NO_RAW,
      false, LEAF },
    { "address: DNS not excluded", false, false, NULL, "IP:192.0.2.1",
      "+192.0.2.1/255.255.255.255 -6", NO_RAW, false, LEAF },
    { "address: IPv6 not excluded", false, false, NULL, "IP:192.0.2.1",
      "+192.0.2.1/255.255.255.255 -dns", NO_RAW, false, LEAF },
    { "address: its net permitted", false, false, NULL, "IP:192.0.2.1",
      "+192.0.2.1/255.255.255.0 -6 -dns", NO_RAW, false, LEAF },
    { "address: another one permitted", false, false, NULL, "IP:192.0.2.1",
      "+192.0.2.2/255.255.255.255 -6 -dns", NO_RAW, false, LEAF },

    { "constraints: no DER", false, false, NULL, APP, NULL, RAW("\x00"), false, LEAF },
    { "constraints: empty", false, false, NULL, APP, NULL, RAW("\x30\x00"), false, LEAF },
    { "constraints: cut", false, false, NULL, APP, NULL,
      RAW("\x30\x0f\xa0\x0d\x30\x0b\x82\x0b" "app"),
      false, LEAF },
};
/* clang-format on */

static void every_shape_is_told_with_its_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct test_blob der = make(&rows[i]);
        struct mse_error err = { 0 };
        const char *reason = NULL;
        struct mse_cert cert;

        assert_true(mse_cert_parse(test_bytes(&der), &cert, &err));
        if (mse_shape_of(&cert, &reason) != rows[i].want)
            fail_msg("%s: shape is %d, %s", rows[i].name, (int)mse_shape_of(&cert, &reason),
                     reason);
        if (rows[i].reason[0] == '\0' ? reason[0] != '\0' : strstr(reason, rows[i].reason) == NULL)
            fail_msg("%s: %s", rows[i].name, reason);
        test_blob_free(&der);
    }
}

/* The shape of these constraints, given as bytes, around app.example. */
static enum mse_shape shape_around(const struct test_der *constraints)
{
    const struct row row = { .names = APP, .raw = { constraints->data, constraints->len } };
    struct test_blob der = make(&row);
    struct mse_error err = { 0 };
    const char *reason;
    enum mse_shape shape;
    struct mse_cert cert;

    assert_true(mse_cert_parse(test_bytes(&der), &cert, &err));
    shape = mse_shape_of(&cert, &reason);
    test_blob_free(&der);
    return shape;
}

static void constraints_cut_anywhere_or_with_a_byte_too_many_do_not_count(void **state)
{
    struct test_der whole = { 0 };

    (void)state;
    put_constraints(&whole, OWN);
    assert_int_equal(shape_around(&whole), MSE_SHAPE_CONSTRAINED);
    for (size_t len = 1; len < whole.len; len++) {
        struct test_der cut = { 0 };

        test_der_raw(&cut, whole.data, len);
        assert_int_equal(shape_around(&cut), MSE_SHAPE_LEAF);
    }
    test_der_raw(&whole, "\x05\x00", 2);
    assert_int_equal(shape_around(&whole), MSE_SHAPE_LEAF);
}

/* GeneralSubtrees [0] and [1] by hand: a dNSName under another tag, and a minimum. */
static void constraints_that_no_rfc_5280_reader_takes_do_not_count(void **state)
{
    static const struct {
        uint8_t tag;
        const char *behind; /* the base, inside the subtree */
        size_t len;
        enum mse_shape want;
    } cases[] = {
        { 0x82, "", 0, MSE_SHAPE_CONSTRAINED },
        { 0xa2, "", 0, MSE_SHAPE_LEAF },             /* constructed */
        { 0x02, "", 0, MSE_SHAPE_LEAF },             /* universal: INTEGER */
        { 0x82, "\x80\x01\x00", 3, MSE_SHAPE_LEAF }, /* minimum, DEFAULT not left out */
        { 0x82, "\x81\x01\x01", 3, MSE_SHAPE_LEAF }, /* maximum */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_der base = { 0 }, one = { 0 }, rest = { 0 }, all = { 0 }, whole = { 0 };

        test_der_put(&base, cases[i].tag, "app.example", 11);
        test_der_raw(&base, cases[i].behind, cases[i].len);
        test_der_wrap(&one, 0x30, &base);
        test_der_wrap(&all, 0xa0, &one);
        put_constraints(&rest, "-.app.example -4 -6");
        test_der_raw(&all, rest.data + 2, rest.len - 2);
        test_der_wrap(&whole, 0x30, &all);
        if (shape_around(&whole) != cases[i].want)
            fail_msg("row %zu: wrong shape", i);
    }
}

/* A certificate whose names cannot be read is for names that nobody saw. */
static void unreadable_names_are_unsafe(void **state)
{
    static const uint8_t nul[] = "\x30\x0a\x82\x08"
                                 "a\0b.test";
    struct test_cert cert = { .subject = "a",
                              .issuer = "a",
                              .key = key,
                              .issuer_key = key,
                              .has_basic_constraints = true,
                              .extensions = { { SAN, nul, sizeof(nul) - 1, false } } };
    const char *const names[] = { "a" };
    struct test_blob der = test_cert_make(&cert);
    struct mse_error err = { 0 };
    const char *reason;
    struct mse_cert read;
    char other[64];

    (void)state;
    assert_true(mse_cert_parse(test_bytes(&der), &read, &err));
    assert_int_equal(mse_shape_of(&read, &reason), MSE_SHAPE_UNSAFE);
    assert_non_null(strstr(reason, "cannot be read"));
    assert_false(mse_shape_names_are(&read, names, 1, other, sizeof(other)));
    assert_string_not_equal(other, "");
    test_blob_free(&der);
}

static void names_beyond_the_listed_ones_are_found(void **state)
{
    static const struct {
        const char *names;
        const char *listed[3];
        const char *other; /* NULL: all are listed */
    } cases[] = {
        { APP, { "app.example" }, NULL },
        { APP, { "APP.Example." }, NULL },
        { APP, { "b.example", "app.example" }, NULL },
        { APP ",DNS:b.example", { "b.example", "app.example" }, NULL },
        { APP ",DNS:B.example", { "app.example", "b.example" }, NULL },
        { "IP:192.0.2.1", { "192.0.2.1" }, NULL },
        { "IP:" V6, { "2001:0DB8:0::1" }, NULL },
        { NULL, { "app.example" }, NULL },
        { APP, { NULL }, "app.example" },
        { APP, { "b.example" }, "app.example" },
        { APP ",DNS:b.example", { "app.example" }, "b.example" },
        { "DNS:b.example," APP, { "app.example" }, "b.example" },
        { APP ",IP:192.0.2.1", { "app.example" }, "192.0.2.1" },
        { APP ",IP:" V6, { "app.example", "192.0.2.1" }, V6 },
        { "DNS:*.example", { "app.example", "example" }, "*.example" },
        { "DNS:sub.app.example", { "app.example" }, "sub.app.example" },
        { "DNS:192.0.2.1", { "192.0.2.1" }, "192.0.2.1" }, /* text is no address */
        { "URI:app.example", { "app.example" }, "a name of kind 6" },
        { APP ",email:a@app.example", { "app.example" }, "a name of kind 1" },
        { APP ",URI:https://app.example", { "app.example" }, "a name of kind 6" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct row row = { .names = cases[i].names };
        struct test_blob der = make(&row);
        struct mse_error err = { 0 };
        struct mse_cert cert;
        char other[64] = "untouched";
        size_t count = 0;
        bool known;

        while (count < 3 && cases[i].listed[count] != NULL)
            count++;
        assert_true(mse_cert_parse(test_bytes(&der), &cert, &err));
        known = mse_shape_names_are(&cert, cases[i].listed, count, other, sizeof(other));
        if (known != (cases[i].other == NULL))
            fail_msg("row %zu: %s", i, other);
        assert_string_equal(other, known ? "" : cases[i].other);
        test_blob_free(&der);
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
        cmocka_unit_test(every_shape_is_told_with_its_reason),
        cmocka_unit_test(constraints_cut_anywhere_or_with_a_byte_too_many_do_not_count),
        cmocka_unit_test(constraints_that_no_rfc_5280_reader_takes_do_not_count),
        cmocka_unit_test(unreadable_names_are_unsafe),
        cmocka_unit_test(names_beyond_the_listed_ones_are_found),
    };

    return cmocka_run_group_tests(tests, make_key, free_key);
}
