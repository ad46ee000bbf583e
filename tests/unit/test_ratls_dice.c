/* SPDX-License-Identifier: Apache-2.0 */
/* Claims of DICE evidence: exactly one hash of the key, in exactly one form (pitfall 24). */
#include "test_attested_cert.h"

static struct test_key *key, *other_key;

/* "pubkey-hash": byte string of [1, SHA-256(SPKI)], as real certificates have it. */
static void put_pubkey_hash(struct buffer *b, const struct test_key *of)
{
    uint8_t digest[64];

    digest64("SHA256", &of->spki, NULL, digest);
    put_hex(b, "6b7075626b65792d68617368 5824 82015820");
    put(b, digest, 32);
}

/* tag([quote, claims]) with REPORTDATA = SHA-256(claims); after: more bytes behind it. */
static void put_wrapper(struct buffer *b, const char *head, const struct buffer *claims,
                        const char *after)
{
    struct buffer quote = { 0 };
    uint8_t rd[64];

    digest64("SHA256", claims, NULL, rd);
    put_sgx_quote(&quote, rd);
    put_hex(b, head);
    put_cbor_bytes(b, quote.data, quote.len);
    put_cbor_bytes(b, claims->data, claims->len);
    put_hex(b, after);
    buffer_free(&quote);
}

static bool read_payload(struct test_extension *e, struct mse_error *err)
{
    struct mse_ratls ratls;
    struct mse_cert cert;
    struct buffer der;
    bool done;

    e->oid = "2.23.133.5.4.9";
    make_cert(key, e, 1, &der, &cert);
    done = mse_ratls_read(&cert, NULL, &ratls, err);
    mse_ratls_cleanup(&ratls);
    buffer_free(&e->payload);
    buffer_free(&der);
    return done;
}

static void assert_claims(const char *name, const struct buffer *claims, enum mse_err_code want)
{
    struct test_extension e = { 0 };
    struct mse_error err = { 0 };

    put_wrapper(&e.payload, "d9ea60 82", claims, "");
    if (read_payload(&e, &err) != (want == MSE_ERR_NONE) || err.code != want)
        fail_msg("%s: %s, not %s (%s: %s)", name, mse_err_name(err.code), mse_err_name(want),
                 err.field, err.text);
}

/* The claims before and after a good "pubkey-hash", in hex. */
static void claims_other_than_one_hash_of_the_key_are_refused(void **state)
{
    /* clang-format off */
    static const struct { const char *name, *head, *more; enum mse_err_code want; } cases[] = {
        { "alone",                       "a1", "",                              MSE_ERR_NONE },
        { "a nonce beside it",           "a2", "656e6f6e6365 41aa",             MSE_ERR_NONE },
        { "claims of rats-tls",          "a3", "656b65795f30 41aa 656b65795f31 41bb", MSE_ERR_NONE },
        { "another claim, not bytes",    "a2", "6161 83010203",                 MSE_ERR_NONE },
        { "a nonce that is not bytes",   "a2", "656e6f6e6365 01",               MSE_ERR_VALUE },
        { "nonce twice",                 "a3", "656e6f6e6365 41aa 656e6f6e6365 41aa", MSE_ERR_DUPLICATE },
        { "an unknown claim twice",      "a3", "6161 01 6161 02",               MSE_ERR_DUPLICATE },
        { "a key that is a number",      "a2", "01 41aa",                       MSE_ERR_VALUE },
        { "a pair promised, none there", "a2", "",                              MSE_ERR_TRUNCATED },
        { "bytes behind the map",        "a1", "00",                            MSE_ERR_TRAILING },
        { "a second map",                "a1", "a0",                            MSE_ERR_TRAILING },
        { "map of indefinite length",    "bf", "ff",                            MSE_ERR_UNSUPPORTED },
        { "map's size in a longer form", "b801", "",                            MSE_ERR_FORMAT },
        { "an array",                    "82", "",                              MSE_ERR_VALUE },
        { "33 claims",                   "b821", "00000000000000000000000000000000000000000000000000000000000000000000",                            MSE_ERR_LIMIT },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buffer claims = { 0 };

        put_hex(&claims, cases[i].head);
        put_pubkey_hash(&claims, key);
        put_hex(&claims, cases[i].more);
        assert_claims(cases[i].name, &claims, cases[i].want);
        buffer_free(&claims);
    }
}

static void the_hash_may_come_last(void **state)
{
    struct buffer claims = { 0 };

    (void)state;
    put_hex(&claims, "a2 656e6f6e6365 41aa");
    put_pubkey_hash(&claims, key);
    assert_claims("nonce first", &claims, MSE_ERR_NONE);
    buffer_free(&claims);
}

static void the_hash_claim_must_be_there_and_once(void **state)
{
    struct buffer none = { 0 }, nonce = { 0 }, nested = { 0 }, twice = { 0 }, mixed = { 0 };

    (void)state;
    put_hex(&none, "a0");
    assert_claims("empty map", &none, MSE_ERR_MISSING);
    put_hex(&nonce, "a1 656e6f6e6365 4100");
    assert_claims("only a nonce", &nonce, MSE_ERR_MISSING);
    put_hex(&nested, "a1 6161 a1");
    put_pubkey_hash(&nested, key);
    assert_claims("the claim inside another", &nested, MSE_ERR_MISSING);
    put_hex(&twice, "a2");
    put_pubkey_hash(&twice, key);
    put_pubkey_hash(&twice, key);
    assert_claims("twice the same", &twice, MSE_ERR_DUPLICATE);
    put_hex(&mixed, "a2");
    put_pubkey_hash(&mixed, other_key);
    put_pubkey_hash(&mixed, key);
    assert_claims("another key's and ours", &mixed, MSE_ERR_DUPLICATE);
    buffer_free(&none);
    buffer_free(&nonce);
    buffer_free(&nested);
    buffer_free(&twice);
    buffer_free(&mixed);
}

/* What the value of "pubkey-hash" may be: head and digest, as many bytes of it as given. */
static void a_hash_entry_is_an_algorithm_and_its_hash(void **state)
{
    /* clang-format off */
    static const struct {
        const char *name, *head, *digest; size_t len; const char *after; enum mse_err_code want;
    } cases[] = {
        { "SHA-256",                   "82 01 5820", "SHA256", 32, "",   MSE_ERR_NONE },
        { "SHA-384",                   "82 07 5830", "SHA384", 48, "",   MSE_ERR_NONE },
        { "SHA-512",                   "82 08 5840", "SHA512", 64, "",   MSE_ERR_NONE },
        { "SHA-256 as SHA-384",        "82 07 5820", "SHA256", 32, "",   MSE_ERR_VALUE },
        { "SHA-256 cut to 128 bits",   "82 01 50",   "SHA256", 16, "",   MSE_ERR_VALUE },
        { "SHA-512 cut to 256 bits",   "82 08 5820", "SHA512", 32, "",   MSE_ERR_VALUE },
        { "SHA-256 and zeros",         "82 01 5821", "SHA256", 33, "",   MSE_ERR_VALUE },
        { "empty hash",                "82 01 40",   "SHA256", 0,  "",   MSE_ERR_VALUE },
        { "algorithm 0",               "82 00 5820", "SHA256", 32, "",   MSE_ERR_UNSUPPORTED },
        { "SHA-256 cut, its own id",   "82 02 50",   "SHA256", 16, "",   MSE_ERR_UNSUPPORTED },
        { "algorithm 9",               "82 09 5820", "SHA256", 32, "",   MSE_ERR_UNSUPPORTED },
        { "algorithm 2^32 + 1",        "82 1b0000000100000001 5820", "SHA256", 32, "", MSE_ERR_UNSUPPORTED },
        { "algorithm in a longer form","82 1801 5820", "SHA256", 32, "", MSE_ERR_FORMAT },
        { "algorithm negative",        "82 20 5820", "SHA256", 32, "",   MSE_ERR_VALUE },
        { "algorithm as text",         "82 677368612d323536 5820", "SHA256", 32, "", MSE_ERR_VALUE },
        { "hash as text",              "82 01 7820", "SHA256", 32, "",   MSE_ERR_VALUE },
        { "one element",               "81 01",      "SHA256", 0,  "",   MSE_ERR_VALUE },
        { "three elements",            "83 01 5820", "SHA256", 32, "00", MSE_ERR_VALUE },
        { "indefinite length",         "9f 01 5820", "SHA256", 32, "ff", MSE_ERR_UNSUPPORTED },
        { "a byte behind",             "82 01 5820", "SHA256", 32, "00", MSE_ERR_TRAILING },
        { "no array",                  "5820",       "SHA256", 32, "",   MSE_ERR_VALUE },
        { "nothing",                   "",           "SHA256", 0,  "",   MSE_ERR_TRUNCATED },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buffer entry = { 0 }, claims = { 0 };
        uint8_t digest[65] = { 0 };

        digest64(cases[i].digest, &key->spki, NULL, digest);
        put_hex(&entry, cases[i].head);
        put(&entry, digest, cases[i].len);
        put_hex(&entry, cases[i].after);
        put_hex(&claims, "a1");
        put_cbor_text(&claims, "pubkey-hash");
        put_cbor_bytes(&claims, entry.data, entry.len);
        assert_claims(cases[i].name, &claims, cases[i].want);
        buffer_free(&entry);
        buffer_free(&claims);
    }
}

/* The hash must be of the SubjectPublicKeyInfo, in full, of this key. */
static void a_hash_of_anything_else_is_not_about_this_key(void **state)
{
    const struct buffer *const wrong[] = { &other_key->spki, &key->bits, &key->pem_nul };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct buffer claims = { 0 };
        uint8_t digest[64];

        digest64("SHA256", wrong[i], NULL, digest);
        put_hex(&claims, "a1 6b7075626b65792d68617368 5824 82015820");
        put(&claims, digest, 32);
        assert_claims("wrong hash", &claims, MSE_ERR_BINDING);
        buffer_free(&claims);
    }
}

static void the_last_byte_of_a_long_hash_counts(void **state)
{
    struct buffer claims = { 0 };
    uint8_t digest[64];

    (void)state;
    digest64("SHA512", &key->spki, NULL, digest);
    digest[63] ^= 1;
    put_hex(&claims, "a1 6b7075626b65792d68617368 5844 82085840");
    put(&claims, digest, 64);
    assert_claims("last byte", &claims, MSE_ERR_BINDING);
    buffer_free(&claims);
}

static void a_wrapper_is_a_tag_and_an_array_of_two(void **state)
{
    /* clang-format off */
    static const struct { const char *name, *head, *after; enum mse_err_code want; } cases[] = {
        { "quote",                    "d9ea60 82",       "",   MSE_ERR_NONE },
        { "a byte behind",            "d9ea60 82",       "00", MSE_ERR_TRAILING },
        { "three elements",           "d9ea60 83",       "40", MSE_ERR_VALUE },
        { "one element",              "d9ea60 81",       "",   MSE_ERR_VALUE },
        { "indefinite array",         "d9ea60 9f",       "ff", MSE_ERR_UNSUPPORTED },
        { "no tag",                   "82",              "",   MSE_ERR_VALUE },
        { "tag in a longer form",     "da0000ea60 82",   "",   MSE_ERR_FORMAT },
        { "tag twice",                "d9ea60 d9ea60 82", "",  MSE_ERR_VALUE },
        { "TEE report",               "d9ea61 82",       "",   MSE_ERR_UNSUPPORTED },
        { "SGX report",               "d9ea62 82",       "",   MSE_ERR_UNSUPPORTED },
        { "SEV",                      "da001a7505 82",   "",   MSE_ERR_UNSUPPORTED },
        { "CSV",                      "da001a7506 82",   "",   MSE_ERR_UNSUPPORTED },
        { "an unknown tag",           "d9ea63 82",       "",   MSE_ERR_UNSUPPORTED },
        { "an SGX quote as SNP",      "da001a7504 82",   "",   MSE_ERR_UNSUPPORTED },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_extension e = { 0 };
        struct buffer claims = { 0 };
        struct mse_error err = { 0 };

        put_hex(&claims, "a1");
        put_pubkey_hash(&claims, key);
        put_wrapper(&e.payload, cases[i].head, &claims, cases[i].after);
        if (read_payload(&e, &err) != (cases[i].want == MSE_ERR_NONE) || err.code != cases[i].want)
            fail_msg("%s: %s, not %s", cases[i].name, mse_err_name(err.code),
                     mse_err_name(cases[i].want));
        buffer_free(&claims);
    }
}

/* The claims are hashed as they were received: good claims in another quote do not help. */
static void report_data_must_be_of_these_claims(void **state)
{
    struct test_extension e = { 0 };
    struct buffer claims = { 0 }, longer = { 0 }, quote = { 0 };
    struct mse_error err = { 0 };
    uint8_t rd[64];

    (void)state;
    put_hex(&claims, "a1");
    put_pubkey_hash(&claims, key);
    put_hex(&longer, "a2");
    put_pubkey_hash(&longer, key);
    put_hex(&longer, "656e6f6e6365 41aa");
    digest64("SHA256", &claims, NULL, rd);
    put_sgx_quote(&quote, rd);
    put_hex(&e.payload, "d9ea60 82");
    put_cbor_bytes(&e.payload, quote.data, quote.len);
    put_cbor_bytes(&e.payload, longer.data, longer.len);
    assert_false(read_payload(&e, &err));
    assert_int_equal(err.code, MSE_ERR_BINDING);
    assert_non_null(strstr(err.text, "profile dice"));
    buffer_free(&claims);
    buffer_free(&longer);
    buffer_free(&quote);
}

static void zeros_behind_the_quote_are_refused(void **state)
{
    struct test_extension e = { 0 };
    struct buffer claims = { 0 }, quote = { 0 };
    struct mse_error err = { 0 };
    uint8_t rd[64];

    (void)state;
    put_hex(&claims, "a1");
    put_pubkey_hash(&claims, key);
    digest64("SHA256", &claims, NULL, rd);
    put_sgx_quote(&quote, rd);
    put_byte(&quote, 0, 8);
    put_hex(&e.payload, "d9ea60 82");
    put_cbor_bytes(&e.payload, quote.data, quote.len);
    put_cbor_bytes(&e.payload, claims.data, claims.len);
    assert_false(read_payload(&e, &err));
    assert_int_equal(err.code, MSE_ERR_TRAILING);
    buffer_free(&claims);
    buffer_free(&quote);
}

static void a_payload_beyond_64_kib_is_refused(void **state)
{
    struct test_extension e = { 0 };
    struct mse_error err = { 0 };

    (void)state;
    put_byte(&e.payload, 0, (64U << 10) - 1);
    put_byte(&e.payload, 0, 2);
    assert_true(e.payload.len == (64U << 10) + 1);
    assert_false(read_payload(&e, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
}

static int make_keys(void **state)
{
    (void)state;
    key = test_key_new(MSE_KEY_P256);
    other_key = test_key_new(MSE_KEY_P256);
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    test_key_free(key);
    test_key_free(other_key);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claims_other_than_one_hash_of_the_key_are_refused),
        cmocka_unit_test(the_hash_may_come_last),
        cmocka_unit_test(the_hash_claim_must_be_there_and_once),
        cmocka_unit_test(a_hash_entry_is_an_algorithm_and_its_hash),
        cmocka_unit_test(a_hash_of_anything_else_is_not_about_this_key),
        cmocka_unit_test(the_last_byte_of_a_long_hash_counts),
        cmocka_unit_test(a_wrapper_is_a_tag_and_an_array_of_two),
        cmocka_unit_test(report_data_must_be_of_these_claims),
        cmocka_unit_test(zeros_behind_the_quote_are_refused),
        cmocka_unit_test(a_payload_beyond_64_kib_is_refused),
    };

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
