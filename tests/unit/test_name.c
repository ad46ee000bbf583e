/* SPDX-License-Identifier: Apache-2.0 */
/* Names as text, OIDs as text, subject alternative names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <openssl/objects.h>

#include "crypto/cert.h"
#include "der_build.h"

struct oid_case {
    struct mse_bytes oid;
    const char *want;
};

/* clang-format off */
static const struct oid_case oids[] = {
    { B("\x55\x04\x03"),                     "2.5.4.3" },
    { B("\x2a\x86\x48\x86\xf8\x4d\x8a\x39"), "1.2.840.113741.1337" },
    { B("\x00"),                             "0.0" },
    { B("\x27"),                             "0.39" },
    { B("\x28"),                             "1.0" },
    { B("\x4f"),                             "1.39" },
    { B("\x50"),                             "2.0" },
    { B("\x78"),                             "2.40" },
    { B("\x81\x34"),                         "2.100" },
    { B("\x88\x37"),                         "2.999" },
    { B("\x88\x37\x00\x01"),                 "2.999.0.1" },
    { B("\x8f\x50"),                         "2.1920" },
    /* 2.25 and a UUID as one arc (X.667, 9) */
    { B("\x69\x83\xf9\xe4\xcc\xe1\xd0\xe2\xba\x96\x90\x83\xb2\xfa\x9e\x8d\xc6\xed\x64\x26"), NULL },
    { B("\x2a\x84\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"), NULL },
    { B(""),                                 "?" },
    { B("\x80\x01"),                         "?" }, /* leading zero */
    { B("\x2a\x80\x01"),                     "?" },
    { B("\x2a\x86"),                         "?" }, /* not complete */
};
/* clang-format on */

/* OpenSSL's text of an OID. */
static void oracle_text(struct mse_bytes oid, char *out, int size)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer w = { 0 };
    const uint8_t *p;
    ASN1_OBJECT *object;

    der_put(&w, 0x06, oid);
    p = w.data;
    object = d2i_ASN1_OBJECT(NULL, &p, (long)w.len);
    assert_non_null(object);
    assert_true(OBJ_obj2txt(out, size, object, 1) > 0);
    ASN1_OBJECT_free(object);
}

static void oids_read_as_dotted_text(void **state)
{
    char text[128];
    char want[128];

    (void)state;
    for (size_t i = 0; i < sizeof(oids) / sizeof(oids[0]); i++) {
        if (oids[i].want == NULL || oids[i].want[0] != '?') {
            oracle_text(oids[i].oid, want, sizeof(want));
            if (oids[i].want != NULL)
                assert_string_equal(oids[i].want, want);
            assert_string_equal(mse_oid_text(oids[i].oid, text, sizeof(text)), want);
        } else {
            assert_string_equal(mse_oid_text(oids[i].oid, text, sizeof(text)), "?");
        }
    }
}

static void an_oid_that_does_not_fit_is_a_question_mark(void **state)
{
    static const struct mse_bytes oid = B("\x2a\x86\x48\x86\xf8\x4d\x8a\x39");
    const char *want = "1.2.840.113741.1337";

    (void)state;
    for (size_t size = 0; size <= strlen(want) + 3; size++) {
        char *out = malloc(size > 0 ? size : 1); /* exactly sized for a sanitizer */

        assert_non_null(out);
        out[0] = 'x';
        mse_oid_text(oid, out, size);
        if (size > strlen(want))
            assert_string_equal(out, want);
        else if (size > 1)
            assert_string_equal(out, "?");
        else
            assert_int_equal(out[0], size == 0 ? 'x' : '\0');
        free(out);
    }
}

#define ATTRIBUTE(len, oid, value) "\x30" len "\x06\x03\x55\x04" oid value
#define CN_A                                                                                       \
    "\x31\x0a" ATTRIBUTE("\x08", "\x03",                                                           \
                         "\x0c\x01"                                                                \
                         "A")

struct name_case {
    const char *what;
    struct mse_bytes content; /* of the SEQUENCE */
    const char *text;
    const char *common_name;
};

/* clang-format off */
static const struct name_case names[] = {
    { "empty", B(""), "", "" },
    { "one", B(CN_A), "CN=A", "A" },
    { "order of the certificate", B("\x31\x0b" ATTRIBUTE("\x09", "\x06", "\x13\x02" "DE") CN_A),
      "C=DE,CN=A", "A" },
    { "two in one", B("\x31\x14" ATTRIBUTE("\x08", "\x0b", "\x0c\x01" "x")
                                 ATTRIBUTE("\x08", "\x03", "\x0c\x01" "y")), "OU=x+CN=y", "y" },
    { "two common names", B(CN_A CN_A), "CN=A,CN=A", "" },
    { "a common name of another type first",
      B("\x31\x0b" ATTRIBUTE("\x09", "\x03", "\x1e\x02\x00" "A") CN_A), "CN=#0041,CN=A", "" },
    { "separators inside", B("\x31\x0f" ATTRIBUTE("\x0d", "\x03", "\x0c\x06" "a,O=b+")),
      "CN=a\\,O\\=b\\+", "a,O=b+" },
    { "control characters", B("\x31\x0c" ATTRIBUTE("\x0a", "\x03", "\x0c\x03" "a\n\x1b")),
      "CN=a\\x0a\\x1b", "a\n\x1b" },
    { "something like an escape", B("\x31\x0d" ATTRIBUTE("\x0b", "\x03", "\x0c\x04" "\\x0a")),
      "CN=\\\\x0a", "\\x0a" },
    { "UTF-8", B("\x31\x0b" ATTRIBUTE("\x09", "\x03", "\x0c\x02" "\xc3\xa4")),
      "CN=\\xc3\\xa4", "\xc3\xa4" },
    { "other string type", B("\x31\x0b" ATTRIBUTE("\x09", "\x03", "\x1e\x02\x00" "A")),
      "CN=#0041", "" },
    { "other attribute", B("\x31\x0a" ATTRIBUTE("\x08", "\x2a", "\x0c\x01" "A")),
      "2.5.4.42=A", "" },
    { "not a SET", B("\x30\x0a" ATTRIBUTE("\x08", "\x03", "\x0c\x01" "A")), "?", "" },
    { "cut", B("\x31\x0a\x30\x08\x06\x03\x55\x04"), "?", "" },
    { "broken behind the first", B(CN_A "\x31\x01\x30"), "?", "" },
    { "more in the attribute", B("\x31\x0c" ATTRIBUTE("\x0a", "\x03", "\x0c\x01" "A" "\x05\x00")),
      "?", "" },
};
/* clang-format on */

static void names_read_as_one_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        MSE_CLEANUP(mse_writer_cleanup) struct mse_writer w = { 0 };
        struct mse_bytes common;
        char text[200];

        der_put(&w, 0x30, names[i].content);
        mse_cert_name_text(mse_writer_bytes(&w), text, sizeof(text));
        if (strcmp(text, names[i].text) != 0)
            fail_msg("%s: %s", names[i].what, text);
        common = mse_cert_common_name(mse_writer_bytes(&w));
        if (!mse_bytes_equal(common, MSE_CSTR_BYTES(names[i].common_name)))
            fail_msg("%s: common name", names[i].what);
    }
}

static void a_name_is_cut_to_the_room_there_is(void **state)
{
    static const struct mse_bytes name = B("\x30\x0c" CN_A);
    static const char *const want[] = { "x", "", "?", "?", "...", "CN=A", "CN=A" };

    (void)state;
    for (size_t size = 0; size < sizeof(want) / sizeof(want[0]); size++) {
        char *out = malloc(size > 0 ? size : 2); /* exactly sized for a sanitizer */

        assert_non_null(out);
        memcpy(out, "x", size == 0 ? 2 : 1);
        assert_string_equal(mse_cert_name_text(name, out, size), want[size]);
        free(out);
    }
}

static void a_long_name_ends_in_dots(void **state)
{
    static const struct mse_bytes name = B("\x30\x18" CN_A CN_A);
    char text[8];

    (void)state;
    assert_string_equal(mse_cert_name_text(name, text, sizeof(text)), "CN=A...");
}

static void a_name_with_bytes_behind_it_is_malformed(void **state)
{
    static const struct mse_bytes name = B("\x30\x0c" CN_A "\x00");
    char text[20];

    (void)state;
    assert_string_equal(mse_cert_name_text(name, text, sizeof(text)), "?");
    assert_int_equal(mse_cert_common_name(name).len, 0);
}

/* ---- subject alternative names ---- */

static const uint8_t san_oid[] = { 0x55, 0x1d, 0x11 };

static struct mse_cert cert_with_san(struct mse_bytes payload)
{
    struct mse_cert cert = { .der = payload, .extension_count = 1 };

    cert.extensions[0] = (struct mse_extension){ MSE_BYTES(san_oid), payload, false };
    return cert;
}

struct san_case {
    const char *name;
    struct mse_bytes payload;
    enum mse_err_code want;
    size_t at; /* offset, or number of names */
};

/* clang-format off */
static const struct san_case sans[] = {
    { "dNSName", B("\x30\x06\x82\x04" "a.de"), MSE_ERR_NONE, 1 },
    { "all kinds", B("\x30\x1d\xa0\x00\x81\x01" "x" "\x82\x01" "a" "\xa3\x00\xa4\x00\xa5\x00"
                     "\x86\x01" "u" "\x87\x04\x7f\x00\x00\x01\x88\x01\x2a" "\x82\x01" "b"),
      MSE_ERR_NONE, 10 },
    { "IPv6", B("\x30\x12\x87\x10" "0123456789abcdef"), MSE_ERR_NONE, 1 },
    { "no names", B("\x30\x00"), MSE_ERR_TRUNCATED, 2 },
    { "not a SEQUENCE", B("\x31\x03\x82\x01" "a"), MSE_ERR_FORMAT, 0 },
    { "bytes behind", B("\x30\x03\x82\x01" "a" "\x05\x00"), MSE_ERR_TRAILING, 5 },
    { "empty dNSName", B("\x30\x02\x82\x00"), MSE_ERR_VALUE, 2 },
    { "NUL in a dNSName", B("\x30\x07\x82\x05" "a.b\x00" "c"), MSE_ERR_VALUE, 2 },
    { "space in a dNSName", B("\x30\x05\x82\x03" "a b"), MSE_ERR_VALUE, 2 },
    { "dNSName not ASCII", B("\x30\x04\x82\x02" "\xc3\xa4"), MSE_ERR_VALUE, 2 },
    { "iPAddress of 5 bytes", B("\x30\x07\x87\x05" "12345"), MSE_ERR_VALUE, 2 },
    { "iPAddress with mask", B("\x30\x0a\x87\x08" "12345678"), MSE_ERR_VALUE, 2 },
    { "unknown kind", B("\x30\x06\x82\x01" "a" "\x89\x01" "a"), MSE_ERR_VALUE, 5 },
    { "constructed dNSName", B("\x30\x05\xa2\x03\x82\x01" "a"), MSE_ERR_VALUE, 2 },
    { "primitive directoryName", B("\x30\x02\x84\x00"), MSE_ERR_VALUE, 2 },
    { "universal type", B("\x30\x03\x02\x01\x01"), MSE_ERR_VALUE, 2 },
};
/* clang-format on */

static void alternative_names_are_listed_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(sans) / sizeof(sans[0]); i++) {
        struct mse_cert cert = cert_with_san(sans[i].payload);
        struct mse_general_name out[MSE_CERT_MAX_NAMES];
        size_t count = MSE_CERT_MAX_NAMES;
        struct mse_error err = { 0 };
        bool read = mse_cert_alt_names(&cert, out, &count, &err);

        assert_int_equal(read, sans[i].want == MSE_ERR_NONE);
        if (err.code != sans[i].want || (read ? count : err.offset) != sans[i].at)
            fail_msg("%s: %s at %zu", sans[i].name, mse_err_name(err.code), err.offset);
        assert_true(read || count == 0);
    }
}

static void kinds_and_values_of_names_are_given(void **state)
{
    struct mse_cert cert = cert_with_san(sans[1].payload);
    static const unsigned kinds[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 2 };
    struct mse_general_name out[10];
    size_t count = 10;
    struct mse_error err = { 0 };

    (void)state;
    assert_true(mse_cert_alt_names(&cert, out, &count, &err));
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(out[i].kind, kinds[i]);
    assert_true(mse_bytes_equal_text(out[2].value, "a"));
    assert_true(mse_bytes_equal_text(out[9].value, "b"));
    assert_memory_equal(out[7].value.data, "\x7f\x00\x00\x01", 4);
    count = 9;
    assert_false(mse_cert_alt_names(&cert, out, &count, &err));
    assert_int_equal(count, 0);
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    assert_int_equal(err.offset, 28);
}

static void a_certificate_without_the_extension_has_no_names(void **state)
{
    struct mse_cert cert = { 0 };
    struct mse_general_name out[1];
    size_t count = 1;
    struct mse_error err = { 0 };

    (void)state;
    assert_true(mse_cert_alt_names(&cert, out, &count, &err));
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(oids_read_as_dotted_text),
        cmocka_unit_test(an_oid_that_does_not_fit_is_a_question_mark),
        cmocka_unit_test(names_read_as_one_line),
        cmocka_unit_test(a_name_is_cut_to_the_room_there_is),
        cmocka_unit_test(a_long_name_ends_in_dots),
        cmocka_unit_test(a_name_with_bytes_behind_it_is_malformed),
        cmocka_unit_test(alternative_names_are_listed_or_refused),
        cmocka_unit_test(kinds_and_values_of_names_are_given),
        cmocka_unit_test(a_certificate_without_the_extension_has_no_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
