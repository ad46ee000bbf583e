/* SPDX-License-Identifier: Apache-2.0 */
/* Signed replies: the signed object is found as exactly the bytes that were sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "endorsement/signed_json.h"
#include "test_pki.h"

#define HEX16 "00112233445566778899aabbccddeeff"
#define HEX HEX16 HEX16 HEX16 HEX16
#define SIG "\"signature\":\"" HEX "\""

static bool split(const char *reply, struct mse_bytes *body, struct mse_error *err)
{
    uint8_t signature[64];
    bool done = mse_signed_json_split(MSE_CSTR_BYTES(reply), "tcbInfo", body, signature, err);

    assert_int_equal(done, err->code == MSE_ERR_NONE);
    if (done) {
        for (size_t i = 0; i < sizeof(signature); i++)
            assert_int_equal(signature[i], 0x11 * (i % 16));
    } else {
        assert_null(body->data);
        assert_true(mse_is_zero(signature, sizeof(signature)));
    }
    return done;
}

static void the_body_is_the_exact_span(void **state)
{
    static const struct {
        const char *reply, *body;
    } cases[] = {
        { "{\"tcbInfo\":{}," SIG "}", "{}" },
        { "{" SIG ",\"tcbInfo\":{\"a\":1}}", "{\"a\":1}" },
        { " {\n\"tcbInfo\" :\t{ \"a\" : [ 1 ] }\r\n, " SIG " } \n", "{ \"a\" : [ 1 ] }" },
        { "{\"tcbInfo\":{\"a\":\"}\\\"]{\"}," SIG "}", "{\"a\":\"}\\\"]{\"}" },
        { "{\"tcbInfo\":{\"a\":\"\\\\\"}," SIG "}", "{\"a\":\"\\\\\"}" },
        { "{\"tcbInfo\":{\"tcbInfo\":{}," SIG "}," SIG "}", "{\"tcbInfo\":{}," SIG "}" },
        { "{\"x\":[{\"tcbInfo\":{}}],\"tcbInfo\":{\"a\":2}," SIG ",\"y\":-1}", "{\"a\":2}" },
        { "{\"tcbInfo\":{\"\\u0061\":1}," SIG ",\"z\":\"\\u0061\"}", "{\"\\u0061\":1}" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_error err = { 0 };
        struct mse_bytes body;

        assert_true(split(cases[i].reply, &body, &err));
        assert_true(mse_bytes_equal_text(body, cases[i].body));
    }
}

static void flaws_are_refused_where_they_are(void **state)
{
    static const struct {
        const char *reply;
        enum mse_err_code want;
        size_t at;
    } cases[] = {
        { "", MSE_ERR_TRUNCATED, 0 },
        { "[]", MSE_ERR_FORMAT, 0 },
        { "{}", MSE_ERR_MISSING, 0 },
        { "{\"tcbInfo\":{}}", MSE_ERR_MISSING, 0 },
        { "{" SIG "}", MSE_ERR_MISSING, 0 },
        { "{\"enclaveIdentity\":{}," SIG "}", MSE_ERR_MISSING, 0 },
        { "{\"tcbInfo\":[]," SIG "}", MSE_ERR_VALUE, 11 },
        { "{\"tcbInfo\":\"{}\"," SIG "}", MSE_ERR_VALUE, 11 },
        { "{\"tcbInfo\":null," SIG "}", MSE_ERR_VALUE, 11 },
        { "{\"tcbInfo\":{},\"tcbInfo\":{}," SIG "}", MSE_ERR_DUPLICATE, 23 },
        { "{\"tcbInfo\":{}," SIG "," SIG "}", MSE_ERR_DUPLICATE, 168 },
        { "{\"x\":1,\"x\":1,\"tcbInfo\":{}," SIG "}", MSE_ERR_DUPLICATE, 10 },
        { "{\"tcb\\u0049nfo\":{},\"tcbInfo\":{}," SIG "}", MSE_ERR_VALUE, 15 },
        { "{\"tcbInfo\":{}," SIG "}{}", MSE_ERR_TRAILING, 157 },
        { "{\"tcbInfo\":{}," SIG ",}", MSE_ERR_FORMAT, 157 },
        { "{,\"tcbInfo\":{}," SIG "}", MSE_ERR_FORMAT, 1 },
        { "{\"tcbInfo\":{} " SIG "}", MSE_ERR_FORMAT, 14 },
        { "{\"tcbInfo\" {}," SIG "}", MSE_ERR_FORMAT, 11 },
        { "{tcbInfo:{}," SIG "}", MSE_ERR_FORMAT, 1 },
        { "{\"tcbInfo\":," SIG "}", MSE_ERR_FORMAT, 11 },
        { "{\"tcbInfo\":{]," SIG, MSE_ERR_TRUNCATED, 156 },
        { "{\"tcbInfo\":{},\"signature\":\"" HEX16 "\"}", MSE_ERR_VALUE, 0 },
        { "{\"tcbInfo\":{},\"signature\":\"" HEX "00\"}", MSE_ERR_VALUE, 0 },
        { "{\"tcbInfo\":{},\"signature\":\"" HEX16 HEX16 HEX16
          "zz112233445566778899aabbccddeeff\"}",
          MSE_ERR_VALUE, 0 },
        { "{\"tcbInfo\":{},\"signature\":17}", MSE_ERR_VALUE, 0 },
        { "{\"tcbInfo\":{},\"x\":nil," SIG "}", MSE_ERR_FORMAT, 1 },
        { "{\"tcbInfo\":{},\"x\":[1,]," SIG "}", MSE_ERR_FORMAT, 3 },
        { "{\"tcbInfo\":{},\"x\":{\"a\":1,\"a\":1}," SIG "}", MSE_ERR_DUPLICATE, 8 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_error err = { 0 };
        struct mse_bytes body;

        assert_false(split(cases[i].reply, &body, &err));
        if (err.code != cases[i].want || err.offset != cases[i].at)
            fail_msg("case %zu: %s at %zu in %s", i, mse_err_name(err.code), err.offset, err.field);
    }
}

static void more_members_than_any_reply_has_are_refused(void **state)
{
    struct mse_writer w = { 0 };
    struct mse_error err = { 0 };
    struct mse_bytes body;
    char *text;

    (void)state;
    mse_write_text(&w, "{");
    for (int i = 0; i < 15; i++)
        mse_write_format(&w, "\"m%d\":0,", i);
    mse_write_text(&w, "\"tcbInfo\":{}," SIG "}");
    text = mse_writer_take_text(&w);
    assert_non_null(text);
    assert_false(split(text, &body, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    free(text);
}

static void every_prefix_is_refused(void **state)
{
    static const char *const replies[] = {
        "{\"tcbInfo\":{\"a\":\"\\\\\\\"\",\"b\":[{}]}," SIG "}",
        "{\"x\":\"y\",\"z\":12," SIG ",\"tcbInfo\":{\"a\":1}}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        for (size_t n = 0; n < strlen(replies[i]); n++) {
            struct test_blob cut = test_copy((struct mse_bytes){ (const uint8_t *)replies[i], n });
            struct mse_error err = { 0 };
            struct mse_bytes body;
            uint8_t signature[64];

            assert_false(
                mse_signed_json_split(test_bytes(&cut), "tcbInfo", &body, signature, &err));
            assert_int_equal(err.code, MSE_ERR_TRUNCATED);
            test_blob_free(&cut);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_body_is_the_exact_span),
        cmocka_unit_test(flaws_are_refused_where_they_are),
        cmocka_unit_test(more_members_than_any_reply_has_are_refused),
        cmocka_unit_test(every_prefix_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
