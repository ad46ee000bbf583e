/* SPDX-License-Identifier: Apache-2.0 */
/* HKDF-SHA256 without salt, against RFC 5869 and another implementation. */
#include "issue/hkdf.h"

#include "base/encode.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void derives_what_rfc_5869_says(void **state)
{
    /* A.3: no salt, no info; the first 32 of its 42 bytes. */
    static const char want[] = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d";
    uint8_t secret[22], out[32];
    struct mse_error err = { 0 };
    char hex[65];

    (void)state;
    memset(secret, 0x0b, sizeof(secret));
    assert_true(mse_issue_hkdf(MSE_BYTES(secret), (struct mse_bytes){ NULL, 0 }, out, &err));
    mse_hex_write(out, sizeof(out), hex);
    assert_string_equal(hex, want);
}

static void takes_the_info_in(void **state)
{
    /* HMAC by HMAC with Python's hmac module. */
    static const char want[] = "88596e549a317e2a0a00e74ee51dded28bc31fd72d4c5304c6b26953878331e4";
    uint8_t secret[32], out[32];
    struct mse_error err = { 0 };
    char hex[65];

    (void)state;
    for (unsigned i = 0; i < sizeof(secret); i++)
        secret[i] = (uint8_t)(0x40 + i);
    assert_true(mse_issue_hkdf(MSE_BYTES(secret), MSE_CSTR_BYTES("mse-test"), out, &err));
    mse_hex_write(out, sizeof(out), hex);
    assert_string_equal(hex, want);
}

static void refuses_an_empty_secret(void **state)
{
    struct mse_error err = { 0 };
    uint8_t out[32] = { 1 };

    (void)state;
    assert_false(mse_issue_hkdf((struct mse_bytes){ NULL, 0 }, MSE_CSTR_BYTES("info"), out, &err));
    assert_int_equal(err.code, MSE_ERR_CRYPTO);
    assert_true(mse_is_zero(out, sizeof(out)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derives_what_rfc_5869_says),
        cmocka_unit_test(takes_the_info_in),
        cmocka_unit_test(refuses_an_empty_secret),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
