/* SPDX-License-Identifier: Apache-2.0 */
/* DER reading: lengths, primitive types, times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "crypto/der.h"
#include "der_build.h"

/* A copy whose block ends where the input does: a sanitizer then sees an over-read. */
static uint8_t *exact(struct mse_bytes in)
{
    uint8_t *copy = malloc(in.len > 0 ? in.len : 1);

    assert_non_null(copy);
    memcpy(copy, in.data, in.len);
    return copy;
}

struct element_case {
    const char *name;
    struct mse_bytes in;
    enum mse_err_code want;
    size_t at; /* offset of the failure, or length of the content */
};

/* clang-format off */
static const struct element_case elements[] = {
    { "empty content",              B("\x04\x00"),                 MSE_ERR_NONE,      0 },
    { "short form",                 B("\x04\x03" "abc"),           MSE_ERR_NONE,      3 },
    { "other type",                 B("\x02\x01\x00"),             MSE_ERR_FORMAT,    0 },
    { "indefinite length",          B("\x04\x80" "a\x00\x00"),     MSE_ERR_FORMAT,    1 },
    { "long form of 3",             B("\x04\x81\x03" "abc"),       MSE_ERR_FORMAT,    1 },
    { "long form of 127 with zero", B("\x04\x82\x00\x7f"),         MSE_ERR_FORMAT,    1 },
    { "long form of 128 with zero", B("\x04\x82\x00\x80"),         MSE_ERR_FORMAT,    1 },
    { "five length octets",         B("\x04\x85\x00\x00\x00\x00\x01" "a"), MSE_ERR_FORMAT, 1 },
    { "reserved length octet",      B("\x04\xff"),                 MSE_ERR_FORMAT,    1 },
    { "content past the end",       B("\x04\x04" "abc"),           MSE_ERR_TRUNCATED, 2 },
    { "4 GiB",                      B("\x04\x84\xff\xff\xff\xff"), MSE_ERR_TRUNCATED, 6 },
    { "length octets past the end", B("\x04\x82\x01"),             MSE_ERR_TRUNCATED, 3 },
    { "no length",                  B("\x04"),                     MSE_ERR_TRUNCATED, 1 },
    { "nothing",                    B(""),                         MSE_ERR_TRUNCATED, 0 },
};
/* clang-format on */

static void an_element_is_read_or_refused_where_it_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++) {
        const struct element_case *c = &elements[i];
        uint8_t *copy = exact(c->in);
        struct mse_error err = { 0 };
        struct mse_reader r = mse_reader_init((struct mse_bytes){ copy, c->in.len }, &err);
        struct mse_bytes content = mse_der_read(&r, MSE_DER_OCTET_STRING, c->name);

        assert_string_equal(err.field, c->want == MSE_ERR_NONE ? "" : c->name);
        assert_int_equal(err.code, c->want);
        assert_int_equal(c->want == MSE_ERR_NONE ? content.len : err.offset, c->at);
        assert_true(c->want == MSE_ERR_NONE || content.len == 0);
        free(copy);
    }
}

static void lengths_around_each_form_are_read(void **state)
{
    static const size_t lengths[] = { 0, 1, 127, 128, 255, 256, 65535, 65536, 100000 };

    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct mse_writer w = { 0 };
        struct mse_error err = { 0 };
        uint8_t *content = calloc(1, lengths[i] + 1);
        struct mse_reader r;
        struct mse_bytes whole;

        assert_non_null(content);
        der_put(&w, MSE_DER_SEQUENCE, (struct mse_bytes){ content, lengths[i] });
        r = mse_reader_init(mse_writer_bytes(&w), &err);
        whole = mse_der_read_whole(&r, MSE_DER_SEQUENCE, "x");
        assert_true(mse_read_done(&r, "x"));
        assert_ptr_equal(whole.data, w.data);
        assert_int_equal(whole.len, w.len);
        r = mse_reader_init(mse_writer_bytes(&w), &err);
        assert_int_equal(mse_der_read(&r, MSE_DER_SEQUENCE, "x").len, lengths[i]);
        mse_writer_cleanup(&w);
        free(content);
    }
}

static void high_tag_numbers_are_refused(void **state)
{
    static const uint8_t in[] = { 0x1f, 0x81, 0x01, 0x00 };
    struct mse_error err = { 0 };
    struct mse_reader r = mse_reader_init(MSE_BYTES(in), &err);
    struct mse_bytes whole;
    uint8_t tag = 1;

    (void)state;
    assert_int_equal(mse_der_read_any(&r, &tag, &whole, "x").len, 0);
    assert_int_equal(err.code, MSE_ERR_FORMAT);
    assert_int_equal(err.offset, 0);
    assert_int_equal(tag, 0);
    assert_int_equal(whole.len, 0);
}

static void offsets_inside_nested_elements_are_absolute(void **state)
{
    static const uint8_t in[] = { 0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x80 };
    struct mse_error err = { 0 };
    struct mse_reader r = mse_reader_init(MSE_BYTES(in), &err);
    struct mse_reader outer = mse_der_enter(&r, MSE_DER_SEQUENCE, "outer");
    struct mse_reader inner = mse_der_enter(&outer, MSE_DER_SEQUENCE, "inner");

    (void)state;
    assert_true(mse_der_next_is(&inner, MSE_DER_INTEGER));
    assert_false(mse_der_next_is(&inner, MSE_DER_OID));
    assert_int_equal(mse_der_read_unsigned(&inner, "n"), 0);
    assert_int_equal(err.code, MSE_ERR_VALUE);
    assert_int_equal(err.offset, 6);
    assert_false(mse_der_next_is(&inner, MSE_DER_INTEGER));
}

struct number_case {
    const char *name;
    struct mse_bytes in;
    enum mse_err_code want;
    size_t at;
    uint64_t value;
};

/* clang-format off */
static const struct number_case numbers[] = {
    { "zero",            B("\x02\x01\x00"),             MSE_ERR_NONE,   0, 0 },
    { "127",             B("\x02\x01\x7f"),             MSE_ERR_NONE,   0, 127 },
    { "128",             B("\x02\x02\x00\x80"),         MSE_ERR_NONE,   0, 128 },
    { "2^64 - 1", B("\x02\x09\x00\xff\xff\xff\xff\xff\xff\xff\xff"), MSE_ERR_NONE, 0, UINT64_MAX },
    { "2^64",     B("\x02\x09\x01\x00\x00\x00\x00\x00\x00\x00\x00"), MSE_ERR_LIMIT, 2, 0 },
    { "negative",        B("\x02\x01\x80"),             MSE_ERR_VALUE,  2, 0 },
    { "no octets",       B("\x02\x00"),                 MSE_ERR_FORMAT, 2, 0 },
    { "padded zero",     B("\x02\x02\x00\x00"),         MSE_ERR_FORMAT, 2, 0 },
    { "padded 127",      B("\x02\x02\x00\x7f"),         MSE_ERR_FORMAT, 2, 0 },
    { "padded negative", B("\x02\x02\xff\x80"),         MSE_ERR_FORMAT, 2, 0 },
    { "enumerated",      B("\x0a\x01\x00"),             MSE_ERR_FORMAT, 0, 0 },
};
/* clang-format on */

static void integers_are_minimal_and_not_negative(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct mse_error err = { 0 };
        struct mse_reader r = mse_reader_init(numbers[i].in, &err);

        assert_true(mse_der_read_unsigned(&r, numbers[i].name) == numbers[i].value);
        assert_int_equal(err.code, numbers[i].want);
        assert_int_equal(err.offset, numbers[i].at);
    }
}

static void big_numbers_lose_their_sign_octet_only(void **state)
{
    static const uint8_t with_sign[] = { 0x02, 0x03, 0x00, 0x80, 0x01 };
    static const uint8_t without[] = { 0x02, 0x02, 0x12, 0x34 };
    static const uint8_t zero[] = { 0x02, 0x01, 0x00 };
    struct mse_error err = { 0 };
    struct mse_reader r = mse_reader_init(MSE_BYTES(with_sign), &err);
    struct mse_bytes v = mse_der_read_big(&r, "n");

    (void)state;
    assert_int_equal(v.len, 2);
    assert_int_equal(v.data[0], 0x80);
    r = mse_reader_init(MSE_BYTES(without), &err);
    assert_int_equal(mse_der_read_big(&r, "n").len, 2);
    r = mse_reader_init(MSE_BYTES(zero), &err);
    assert_int_equal(mse_der_read_big(&r, "n").len, 1);
    assert_int_equal(err.code, MSE_ERR_NONE);
}

struct flag_case {
    struct mse_bytes in;
    enum mse_err_code want;
    size_t at;
    bool value;
    enum mse_err_code want_true; /* of mse_der_read_true() */
};

static const struct flag_case flags[] = {
    { B("\x01\x01\xff"), MSE_ERR_NONE, 0, true, MSE_ERR_NONE },
    { B("\x01\x01\x00"), MSE_ERR_NONE, 0, false, MSE_ERR_FORMAT },
    { B("\x01\x01\x01"), MSE_ERR_FORMAT, 2, false, MSE_ERR_FORMAT },
    { B("\x01\x00"), MSE_ERR_FORMAT, 2, false, MSE_ERR_FORMAT },
    { B("\x01\x02\xff\xff"), MSE_ERR_FORMAT, 2, false, MSE_ERR_FORMAT },
};

static void booleans_have_two_encodings_and_defaults_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        struct mse_error err = { 0 };
        struct mse_error err_true = { 0 };
        struct mse_reader r = mse_reader_init(flags[i].in, &err);
        struct mse_reader r_true = mse_reader_init(flags[i].in, &err_true);

        assert_int_equal(mse_der_read_boolean(&r, "b"), flags[i].value);
        assert_int_equal(err.code, flags[i].want);
        assert_int_equal(err.offset, flags[i].at);
        assert_int_equal(mse_der_read_true(&r_true, "b"), flags[i].value);
        assert_int_equal(err_true.code, flags[i].want_true);
    }
}

static void bit_strings_with_unused_bits_are_refused(void **state)
{
    static const struct element_case cases[] = {
        { "two octets", B("\x03\x03\x00\xab\xcd"), MSE_ERR_NONE, 2 },
        { "no bits", B("\x03\x01\x00"), MSE_ERR_NONE, 0 },
        { "one unused", B("\x03\x02\x01\xfe"), MSE_ERR_FORMAT, 2 },
        { "no octet of unused bits", B("\x03\x00"), MSE_ERR_FORMAT, 2 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_error err = { 0 };
        struct mse_reader r = mse_reader_init(cases[i].in, &err);
        struct mse_bytes bits = mse_der_read_bits(&r, "bits");

        assert_int_equal(err.code, cases[i].want);
        assert_int_equal(cases[i].want == MSE_ERR_NONE ? bits.len : err.offset, cases[i].at);
    }
}

struct time_case {
    struct mse_bytes in;
    enum mse_err_code want;
    int64_t seconds; /* from date -u +%s */
};

/* clang-format off */
static const struct time_case times[] = {
    { B("\x17\x0d" "700101000000Z"),     MSE_ERR_NONE,  0 },
    { B("\x17\x0d" "491231235959Z"),     MSE_ERR_NONE,  2524607999 },
    { B("\x17\x0d" "500101000000Z"),     MSE_ERR_NONE, -631152000 },
    { B("\x17\x0d" "230203224155Z"),     MSE_ERR_NONE,  1675464115 },
    { B("\x17\x0d" "240229120000Z"),     MSE_ERR_NONE,  1709208000 },
    { B("\x18\x0f" "20500101000000Z"),   MSE_ERR_NONE,  2524608000 },
    { B("\x18\x0f" "99991231235959Z"),   MSE_ERR_NONE,  253402300799 },
    { B("\x17\x0d" "230229120000Z"),     MSE_ERR_VALUE, 0 },
    { B("\x17\x0d" "231301120000Z"),     MSE_ERR_VALUE, 0 },
    { B("\x17\x0d" "230001120000Z"),     MSE_ERR_VALUE, 0 },
    { B("\x17\x0d" "230100120000Z"),     MSE_ERR_VALUE, 0 },
    { B("\x17\x0d" "230101240000Z"),     MSE_ERR_VALUE, 0 },
    { B("\x17\x0d" "230101006000Z"),     MSE_ERR_VALUE, 0 },
    { B("\x17\x0d" "230101000060Z"),     MSE_ERR_VALUE, 0 },
    { B("\x17\x0b" "2301010000Z"),       MSE_ERR_VALUE, 0 },
    { B("\x17\x0d" "2301010000000"),     MSE_ERR_VALUE, 0 },
    { B("\x17\x11" "230101000000+0100"), MSE_ERR_VALUE, 0 },
    { B("\x17\x0d" "23 101000000Z"),     MSE_ERR_VALUE, 0 },
    { B("\x17\x0f" "20230101000000Z"),   MSE_ERR_VALUE, 0 },
    { B("\x18\x0d" "230101000000Z"),     MSE_ERR_VALUE, 0 },
    { B("\x18\x11" "20230101000000.5Z"), MSE_ERR_VALUE, 0 },
    { B("\x17\x00"),                     MSE_ERR_VALUE, 0 },
};
/* clang-format on */

static void times_have_the_one_form_of_the_profile(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        struct mse_error err = { 0 };
        struct mse_reader r = mse_reader_init(times[i].in, &err);

        assert_true(mse_der_read_time(&r, "time") == times[i].seconds);
        assert_int_equal(err.code, times[i].want);
        assert_int_equal(err.offset, times[i].want == MSE_ERR_NONE ? 0 : 2);
    }
}

static void every_prefix_of_an_element_is_truncated(void **state)
{
    static const struct mse_bytes whole = B("\x17\x0d"
                                            "230203224155Z");

    (void)state;
    for (size_t n = 0; n < whole.len; n++) {
        struct mse_error err = { 0 };
        uint8_t *copy = exact((struct mse_bytes){ whole.data, n });
        struct mse_reader r = mse_reader_init((struct mse_bytes){ copy, n }, &err);

        assert_true(mse_der_read_time(&r, "time") == 0);
        assert_int_equal(err.code, MSE_ERR_TRUNCATED);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_element_is_read_or_refused_where_it_is_wrong),
        cmocka_unit_test(lengths_around_each_form_are_read),
        cmocka_unit_test(high_tag_numbers_are_refused),
        cmocka_unit_test(offsets_inside_nested_elements_are_absolute),
        cmocka_unit_test(integers_are_minimal_and_not_negative),
        cmocka_unit_test(big_numbers_lose_their_sign_octet_only),
        cmocka_unit_test(booleans_have_two_encodings_and_defaults_none),
        cmocka_unit_test(bit_strings_with_unused_bits_are_refused),
        cmocka_unit_test(times_have_the_one_form_of_the_profile),
        cmocka_unit_test(every_prefix_of_an_element_is_truncated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
