/* SPDX-License-Identifier: Apache-2.0 */
/* BLAKE2b: the vector of RFC 7693, appendix A, and digests by Python's hashlib. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "exact.h"
#include "release/blake2b.h"

static void abc_is_as_the_rfc_has_it(void **state)
{
    uint8_t got[64];
    char hex[129];

    (void)state;
    mse_blake2b(MSE_CSTR_BYTES("abc"), got, sizeof(got));
    mse_hex_write(got, sizeof(got), hex);
    assert_string_equal(hex, "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
                             "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
}

/* Input: byte i is i % 251. The first half of the long digest tells as much as the whole. */
/* clang-format off */
static const struct { size_t len; const char *long_begin, *short_digest; } sizes[] = {
    {    0, "786a02f742015903c6c6fd852552d272912f4740e15847618a86e217f71f5419",
            "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8" },
    {    1, "2fa3f686df876995167e7c2e5d74c4c7b6e48f8068fe0e44208344d480f7904c",
            "03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314" },
    {  127, "b6292669ccd38d5f01caae96ba272c76a879a45743afa0725d83b9ebb26665b7",
            "f2fe67ff342e21b8f45e8f2e0bcd1d9243245d50ee6c78042e9c491388791c72" },
    {  128, "2319e3789c47e2daa5fe807f61bec2a1a6537fa03f19ff32e87eecbfd64b7e0e",
            "c3582f71ebb2be66fa5dd750f80baae97554f3b015663c8be377cfcb2488c1d1" },
    {  129, "f59711d44a031d5f97a9413c065d1e614c417ede998590325f49bad2fd444d3e",
            "f7f3c46ba2564ff4c4c162da1f5b605f9f1c4aa6a20652a9f9a337c1a2f5b9c9" },
    {  255, "fe2c02da499516b0e9fb2dd70c49eb3629039f632e20a880946fb7bc97a7ab09",
            "d9ef0fc521b4266d16df662bec231bc2ec3989e7adeaf63169c295dc239dbbea" },
    {  256, "93463ac058b6163eb43be3f5bb32b28541498f4e3366f1effe253ad44e1e076e",
            "582f782226018ec33076bd8d1c42413530ac7e1126260ffc0f306ba3befc3f24" },
    {  257, "9ca40e2ddee9436dbbd08efc65dbaf4870059f5eb3d76efd20241ae5bf13c60f",
            "227e15ed64ee8e93eb7bc53828f76eed974f2c4ab1408c3d08f212b7f8d69904" },
    { 1000, "c11e1c0340bd7e5a1b275f1230c962fad215ecb1391486e74e31b960a2f29963",
            "b372d0608f720c8c3dd41e9c8eecb10143b41abe520b616607e754bf79c08331" },
};
/* clang-format on */

static void lengths_around_the_block_are_right(void **state)
{
    uint8_t all[1000], got[64];
    char hex[129];

    (void)state;
    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (uint8_t)(i % 251);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct mse_bytes in = exact_copy(MSE_BYTES(all), sizes[i].len);

        mse_blake2b(in, got, 64);
        mse_hex_write(got, 32, hex);
        assert_string_equal(hex, sizes[i].long_begin);
        mse_blake2b(in, got, 32);
        mse_hex_write(got, 32, hex);
        assert_string_equal(hex, sizes[i].short_digest);
        exact_free(in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(abc_is_as_the_rfc_has_it),
        cmocka_unit_test(lengths_around_the_block_are_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
