/* SPDX-License-Identifier: Apache-2.0 */
/* Digests against the examples of FIPS 180-4 and its companion file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/encode.h"
#include "crypto/hash.h"

static const char abc[] = "abc";
static const char long_text[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";

static void expect(const uint8_t *digest, size_t len, const char *want)
{
    char hex[2 * MSE_SHA512_SIZE + 1];

    mse_hex_write(digest, len, hex);
    assert_string_equal(hex, want);
}

static void sha256_gives_the_published_digests(void **state)
{
    uint8_t out[MSE_SHA256_SIZE];

    (void)state;
    mse_sha256((struct mse_bytes){ NULL, 0 }, out);
    expect(out, sizeof(out), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    mse_sha256(MSE_CSTR_BYTES(abc), out);
    expect(out, sizeof(out), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    mse_sha256(MSE_CSTR_BYTES(long_text), out);
    expect(out, sizeof(out), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void sha384_gives_the_published_digests(void **state)
{
    uint8_t out[MSE_SHA384_SIZE];

    (void)state;
    mse_sha384(MSE_CSTR_BYTES(abc), out);
    expect(out, sizeof(out),
           "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
           "8086072ba1e7cc2358baeca134c825a7");
}

static void sha512_gives_the_published_digests(void **state)
{
    uint8_t out[MSE_SHA512_SIZE];

    (void)state;
    mse_sha512(MSE_CSTR_BYTES(abc), out);
    expect(out, sizeof(out),
           "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
           "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

static void a_pair_is_hashed_like_its_concatenation(void **state)
{
    uint8_t out[MSE_SHA512_SIZE];
    struct mse_bytes text = MSE_CSTR_BYTES(long_text);

    (void)state;
    for (size_t cut = 0; cut <= text.len; cut++) {
        struct mse_bytes a = { text.data, cut };
        struct mse_bytes b = { text.data + cut, text.len - cut };

        mse_sha256_pair(a, b, out);
        expect(out, MSE_SHA256_SIZE,
               "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
        mse_sha512_pair(a, b, out);
        expect(out, MSE_SHA512_SIZE,
               "204a8fc6dda82f0a0ced7beb8e08a41657c16ef468b228a8279be331a703c335"
               "96fd15c13b1b07f9aa1d3bea57789ca031ad85c7a71dd70354ec631238ca3445");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_gives_the_published_digests),
        cmocka_unit_test(sha384_gives_the_published_digests),
        cmocka_unit_test(sha512_gives_the_published_digests),
        cmocka_unit_test(a_pair_is_hashed_like_its_concatenation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
