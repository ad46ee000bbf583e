/* SPDX-License-Identifier: Apache-2.0 */
/* How evidence is found in a certificate and tied to its key, whatever the profile. */
#include "test_attested_cert.h"

#include <stdio.h>

#define OID_QUOTE "1.2.840.113741.1337.6"
#define OID_TDX "1.2.840.113741.1337.8"
#define OID_NESTED "0.6.9.42.840.113741.1337.6"
#define OID_SDK "1.2.840.113741.1.13.1"
#define OID_DICE "2.23.133.5.4.9"

static struct test_key *p256, *p384, *rsa, *other_key;

/* A quote with SHA-256 of the encoding and then 32 times tail. */
static void put_bound_quote(struct buffer *out, const struct buffer *encoding, uint8_t tail)
{
    uint8_t rd[64];

    digest64("SHA256", encoding, NULL, rd);
    memset(rd + 32, tail, 32);
    put_sgx_quote(out, rd);
}

/* DICE payload around a quote with the given filling byte, so that two quotes can differ. */
static void put_dice(struct buffer *out, const struct test_key *key, uint8_t filling,
                     struct buffer *quote)
{
    struct buffer claims = { 0 };
    uint8_t digest[64], rd[64];

    digest64("SHA256", &key->spki, NULL, digest);
    put_hex(&claims, "a16b7075626b65792d68617368582482015820");
    put(&claims, digest, 32);
    digest64("SHA256", &claims, NULL, rd);
    put_sgx_quote(quote, rd);
    quote->data[48 + 64] = filling; /* MRENCLAVE */
    put_cbor(out, 6, 60000);
    put_cbor(out, 4, 2);
    put_cbor_bytes(out, quote->data, quote->len);
    put_cbor_bytes(out, claims.data, claims.len);
    buffer_free(&claims);
}

/* Reads a certificate of key with these extensions, whose payloads are freed. */
static bool read_cert(const struct test_key *key, struct test_extension *extensions, size_t count,
                      const char *profile, struct mse_ratls *out, struct mse_error *err)
{
    struct mse_cert cert;
    struct buffer der;
    bool done;

    make_cert(key, extensions, count, &der, &cert);
    done = mse_ratls_read(&cert, profile, out, err);
    if (done) { /* the views end with the certificate: only what is not one is looked at later */
        for (size_t i = 0; i < out->count; i++)
            out->of[i].attestation.evidence = (struct mse_bytes){ 0 };
    }
    for (size_t i = 0; i < count; i++)
        buffer_free(&extensions[i].payload);
    buffer_free(&der);
    return done;
}

static void assert_refused(const struct test_key *key, struct test_extension *extensions,
                           size_t count, const char *profile, enum mse_err_code want)
{
    struct mse_error err = { 0 };
    struct mse_ratls ratls;

    memset(&ratls, 0xee, sizeof(ratls));
    assert_false(read_cert(key, extensions, count, profile, &ratls, &err));
    if (err.code != want)
        fail_msg("%s, not %s: %s: %s", mse_err_name(err.code), mse_err_name(want), err.field,
                 err.text);
    assert_int_equal(ratls.count, 0);
    assert_false(ratls.has_x25519);
}

/* Pitfall 23. */
static void a_tail_that_is_not_zero_is_refused_where_the_profile_has_zeros(void **state)
{
    struct mse_error err = { 0 };
    struct mse_ratls ratls;

    (void)state;
    for (unsigned at = 32; at < 64; at++) {
        struct test_extension e = { .oid = OID_NESTED };

        put_bound_quote(&e.payload, &p256->spki, 0);
        e.payload.data[48 + 320 + at] = 1;
        assert_refused(p256, &e, 1, NULL, MSE_ERR_BINDING);
    }
    struct test_extension e = { .oid = OID_NESTED };

    put_bound_quote(&e.payload, &p256->spki, 0);
    assert_true(read_cert(p256, &e, 1, NULL, &ratls, &err));
    mse_ratls_cleanup(&ratls);
}

static void the_tail_of_mse_is_reported_as_its_x25519_key(void **state)
{
    struct test_extension with = { .oid = OID_QUOTE }, without = { .oid = OID_QUOTE };
    struct mse_error err = { 0 };
    struct mse_ratls ratls;
    uint8_t want[32];

    (void)state;
    memset(want, 0x5a, sizeof(want));
    put_bound_quote(&with.payload, &p256->bits, 0x5a);
    assert_true(read_cert(p256, &with, 1, NULL, &ratls, &err));
    assert_true(ratls.has_x25519);
    assert_memory_equal(ratls.x25519, want, 32);
    mse_ratls_cleanup(&ratls);
    assert_false(ratls.has_x25519);
    put_bound_quote(&without.payload, &p256->bits, 0);
    assert_true(read_cert(p256, &without, 1, NULL, &ratls, &err));
    assert_false(ratls.has_x25519);
    mse_ratls_cleanup(&ratls);
}

/* On TDX the X25519 key is what tells MSE and tee-tools apart. */
static void the_same_tdx_quote_is_of_mse_or_of_tee_tools_never_of_both(void **state)
{
    static const struct {
        uint8_t tail;
        const char *own, *other;
    } cases[] = { { 0, "tee-tools", "mse" }, { 7, "mse", "tee-tools" } };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct test_extension e = { .oid = OID_TDX }, again = { .oid = OID_TDX };
        struct mse_error err = { 0 };
        struct mse_ratls ratls;
        uint8_t rd[64];

        digest64("SHA256", &p256->bits, NULL, rd);
        memset(rd + 32, cases[i].tail, 32);
        put_tdx_quote(&e.payload, rd);
        put_tdx_quote(&again.payload, rd);
        assert_true(read_cert(p256, &e, 1, NULL, &ratls, &err));
        assert_string_equal(ratls.of[0].profile->name, cases[i].own);
        assert_int_equal(ratls.has_x25519, cases[i].tail != 0);
        mse_ratls_cleanup(&ratls);
        assert_refused(p256, &again, 1, cases[i].other, MSE_ERR_BINDING);
    }
}

/* Pitfall 25: one OID, four encodings of the key; each is taken by one profile or by none. */
static void the_hash_of_another_encoding_is_another_profile(void **state)
{
    const struct {
        const char *oid;
        const struct test_key *key;
        const struct buffer *encoding;
        const char *profile; /* NULL: refused */
    } cases[] = {
        { OID_QUOTE, p256, &p256->bits, "mse" },      { OID_QUOTE, p256, &p256->spki, "gramine" },
        { OID_QUOTE, p256, &p256->pem_nul, NULL },    { OID_QUOTE, rsa, &rsa->bits, "rats-tls" },
        { OID_QUOTE, rsa, &rsa->spki, "gramine" },    { OID_QUOTE, rsa, &rsa->pem_nul, NULL },
        { OID_NESTED, p384, &p384->spki, "gramine" }, { OID_NESTED, p384, &p384->bits, NULL },
        { OID_SDK, p384, &p384->pem_nul, "sgx-sdk" }, { OID_SDK, p384, &p384->spki, NULL },
        { OID_SDK, p384, &p384->bits, NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_extension e = { .oid = cases[i].oid };
        struct mse_error err = { 0 };
        struct mse_ratls ratls;

        put_bound_quote(&e.payload, cases[i].encoding, 0);
        if (cases[i].profile == NULL) {
            assert_refused(cases[i].key, &e, 1, NULL, MSE_ERR_BINDING);
            continue;
        }
        assert_true(read_cert(cases[i].key, &e, 1, NULL, &ratls, &err));
        assert_string_equal(ratls.of[0].profile->name, cases[i].profile);
        mse_ratls_cleanup(&ratls);
    }
}

static void gramines_certificate_fails_under_mse(void **state)
{
    struct test_extension e = { .oid = OID_QUOTE }, nested = { .oid = OID_NESTED };

    (void)state;
    put_bound_quote(&e.payload, &p256->spki, 0);
    assert_refused(p256, &e, 1, "mse", MSE_ERR_BINDING);
    put_bound_quote(&nested.payload, &p256->spki, 0);
    assert_refused(p256, &nested, 1, "mse", MSE_ERR_NO_EVIDENCE);
}

static void both_quotes_of_gramine_are_bound_by_their_own_rules(void **state)
{
    struct buffer quote = { 0 };
    struct test_extension e[2] = { { .oid = OID_NESTED }, { .oid = OID_DICE } };
    struct mse_error err = { 0 };
    struct mse_ratls ratls;

    (void)state;
    put_bound_quote(&e[0].payload, &p384->spki, 0);
    put_dice(&e[1].payload, p384, 0x21, &quote);
    assert_true(read_cert(p384, e, 2, NULL, &ratls, &err));
    assert_int_equal(ratls.count, 2);
    assert_string_equal(ratls.of[0].profile->name, "gramine");
    assert_string_equal(ratls.of[0].oid, OID_NESTED);
    assert_string_equal(ratls.of[1].profile->name, "dice");
    assert_string_equal(ratls.of[1].oid, OID_DICE);
    assert_false(ratls.of[0].is_copy || ratls.of[1].is_copy);
    mse_ratls_cleanup(&ratls);
    buffer_free(&quote);
}

static void the_named_profile_stands_first(void **state)
{
    struct buffer quote = { 0 };
    struct test_extension e[2] = { { .oid = OID_NESTED }, { .oid = OID_DICE } };
    struct mse_error err = { 0 };
    struct mse_ratls ratls;

    (void)state;
    put_bound_quote(&e[0].payload, &p384->spki, 0);
    put_dice(&e[1].payload, p384, 0x21, &quote);
    assert_true(read_cert(p384, e, 2, "dice", &ratls, &err));
    assert_int_equal(ratls.count, 2);
    assert_string_equal(ratls.of[0].profile->name, "dice");
    assert_string_equal(ratls.of[1].profile->name, "gramine");
    mse_ratls_cleanup(&ratls);
    buffer_free(&quote);
}

/* Pitfall 26: each of two extensions must be bound; one good one does not carry another. */
static void a_second_extension_about_another_key_is_refused(void **state)
{
    struct buffer quote = { 0 };
    struct test_extension legacy[2] = { { .oid = OID_NESTED }, { .oid = OID_DICE } };
    struct test_extension dice[2] = { { .oid = OID_NESTED }, { .oid = OID_DICE } };

    (void)state;
    put_bound_quote(&legacy[0].payload, &other_key->spki, 0);
    put_dice(&legacy[1].payload, p384, 0x21, &quote);
    assert_refused(p384, legacy, 2, NULL, MSE_ERR_BINDING);
    buffer_free(&quote);
    put_bound_quote(&dice[0].payload, &p384->spki, 0);
    put_dice(&dice[1].payload, other_key, 0x21, &quote);
    assert_refused(p384, dice, 2, NULL, MSE_ERR_BINDING);
    buffer_free(&quote);
}

static void naming_one_profile_does_not_excuse_the_other_extension(void **state)
{
    struct buffer quote = { 0 };
    struct test_extension e[2] = { { .oid = OID_NESTED }, { .oid = OID_DICE } };

    (void)state;
    put_bound_quote(&e[0].payload, &other_key->spki, 0);
    put_dice(&e[1].payload, p384, 0x21, &quote);
    assert_refused(p384, e, 2, "dice", MSE_ERR_BINDING);
    buffer_free(&quote);
}

static void an_understood_extension_that_is_no_quote_is_refused(void **state)
{
    struct buffer quote = { 0 };
    struct test_extension e[2] = { { .oid = OID_NESTED }, { .oid = OID_DICE } };

    (void)state;
    put_hex(&e[0].payload, "0300");
    put_dice(&e[1].payload, p384, 0x21, &quote);
    assert_refused(p384, e, 2, NULL, MSE_ERR_TRUNCATED);
    buffer_free(&quote);
}

/* The SGX SDK's newer certificates: the old extension repeats the quote of the DICE one. */
static void a_repeated_quote_is_a_copy_of_the_bound_one(void **state)
{
    struct buffer quote = { 0 };
    struct test_extension e[2] = { { .oid = OID_SDK }, { .oid = OID_DICE } };
    struct mse_error err = { 0 };
    struct mse_ratls ratls;

    (void)state;
    put_dice(&e[1].payload, p384, 0x21, &quote);
    put_buffer(&e[0].payload, &quote);
    assert_true(read_cert(p384, e, 2, NULL, &ratls, &err));
    assert_int_equal(ratls.count, 2);
    assert_string_equal(ratls.of[0].profile->name, "dice");
    assert_false(ratls.of[0].is_copy);
    assert_string_equal(ratls.of[1].oid, OID_SDK);
    assert_true(ratls.of[1].is_copy);
    mse_ratls_cleanup(&ratls);
    buffer_free(&quote);
}

static void a_quote_of_another_enclave_is_no_copy(void **state)
{
    struct buffer quote = { 0 };
    struct test_extension e[2] = { { .oid = OID_SDK }, { .oid = OID_DICE } };

    (void)state;
    put_dice(&e[1].payload, p384, 0x21, &quote);
    put_buffer(&e[0].payload, &quote);
    e[0].payload.data[48 + 64] ^= 1; /* MRENCLAVE; REPORTDATA stays */
    assert_refused(p384, e, 2, NULL, MSE_ERR_BINDING);
    buffer_free(&quote);
}

static void a_copy_alone_binds_nothing(void **state)
{
    struct buffer quote = { 0 }, dice = { 0 };
    struct test_extension alone = { .oid = OID_SDK };
    struct test_extension both[2] = { { .oid = OID_SDK }, { .oid = OID_DICE } };

    (void)state;
    put_dice(&dice, p384, 0x21, &quote);
    put_buffer(&alone.payload, &quote);
    assert_refused(p384, &alone, 1, NULL, MSE_ERR_BINDING);
    put_buffer(&both[0].payload, &quote);
    put_buffer(&both[1].payload, &dice);
    assert_refused(p384, both, 2, "sgx-sdk", MSE_ERR_NO_EVIDENCE);
    buffer_free(&quote);
    buffer_free(&dice);
}

static void two_copies_of_each_other_bind_nothing(void **state)
{
    struct test_extension e[2] = { { .oid = OID_SDK }, { .oid = OID_NESTED } };

    (void)state;
    put_bound_quote(&e[0].payload, &other_key->spki, 0);
    put_bound_quote(&e[1].payload, &other_key->spki, 0);
    assert_refused(p384, e, 2, NULL, MSE_ERR_BINDING);
}

/* Pitfall 26, duplicates: the certificate parser refuses them; so does this module by itself. */
static void the_same_oid_twice_is_refused(void **state)
{
    struct test_extension e = { .oid = OID_QUOTE };
    struct mse_cert cert;
    struct mse_error err = { 0 };
    struct mse_ratls ratls;
    struct buffer der;

    (void)state;
    put_bound_quote(&e.payload, &p256->bits, 0);
    make_cert(p256, &e, 1, &der, &cert);
    cert.extensions[1] = cert.extensions[0];
    cert.extension_count = 2;
    assert_false(mse_ratls_read(&cert, NULL, &ratls, &err));
    assert_int_equal(err.code, MSE_ERR_DUPLICATE);
    buffer_free(&e.payload);
    buffer_free(&der);
}

static void more_extensions_than_there_is_room_for_are_refused(void **state)
{
    static const char *const oids[] = { OID_QUOTE, OID_NESTED, OID_SDK, "1.3.6.1.4.1.311.105.1",
                                        "1.2.840.113556.10.1.1" };
    struct test_extension e[5] = { 0 };

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        e[i].oid = oids[i];
        put_hex(&e[i].payload, "00");
    }
    assert_refused(p256, e, 5, NULL, MSE_ERR_LIMIT);
}

/* Pitfall 27: bytes that look like the extension elsewhere in the certificate are nothing. */
static void an_oid_inside_other_fields_is_not_evidence(void **state)
{
    struct test_extension e = { .oid = "2.25.1" };
    struct buffer quote = { 0 };

    (void)state;
    put_bound_quote(&quote, &p256->bits, 0);
    put_hex(&e.payload, "06092a864886f84d8a3906");
    put_der(&e.payload, 4, quote.data, quote.len);
    assert_refused(p256, &e, 1, NULL, MSE_ERR_NO_EVIDENCE);
    buffer_free(&quote);
}

/* A longer or shorter OID than one that is known is another OID. */
static void oids_are_compared_whole(void **state)
{
    static const char *const oids[] = { "1.2.840.113741.1337", "1.2.840.113741.1337.6.1",
                                        "1.2.840.113741.1337.14", "1.2.840.113741.1.13.1.0" };

    (void)state;
    for (size_t i = 0; i < sizeof(oids) / sizeof(oids[0]); i++) {
        struct test_extension e = { .oid = oids[i] };

        put_bound_quote(&e.payload, &p256->bits, 0);
        assert_refused(p256, &e, 1, NULL, MSE_ERR_NO_EVIDENCE);
    }
}

/* Pitfall 40. */
static void a_plain_certificate_has_no_evidence(void **state)
{
    struct test_extension none = { .oid = "2.5.29.14" }, empty = { .oid = OID_QUOTE };

    (void)state;
    put_hex(&none.payload, "0400");
    assert_refused(p256, &none, 1, NULL, MSE_ERR_NO_EVIDENCE);
    assert_refused(p256, &empty, 1, NULL, MSE_ERR_TRUNCATED);
}

/* Intel's PCK certificates have a SEQUENCE under the OID that the SGX SDK uses for quotes. */
static void the_values_of_a_pck_certificate_are_not_evidence(void **state)
{
    struct test_extension e = { .oid = OID_SDK };

    (void)state;
    put_hex(&e.payload, "301e 301c 060a2a864886f84d010d0101 040e 0000000000000000000000000000");
    assert_refused(p256, &e, 1, NULL, MSE_ERR_NO_EVIDENCE);
}

static void an_unknown_profile_is_a_usage_error(void **state)
{
    struct test_extension e = { .oid = OID_QUOTE };

    (void)state;
    put_bound_quote(&e.payload, &p256->bits, 0);
    assert_refused(p256, &e, 1, "cosmian", MSE_ERR_USAGE);
}

static void dice_endorsements_are_known_and_not_evidence(void **state)
{
    static const uint8_t endorsements[] = { 0x67, 0x81, 0x05, 0x05, 0x04, 0x02 };
    static const uint8_t tcb_info[] = { 0x67, 0x81, 0x05, 0x05, 0x04, 0x01 };
    struct test_extension e = { .oid = "2.23.133.5.4.2" };

    (void)state;
    assert_true(mse_ratls_knows_oid(MSE_BYTES(endorsements)));
    assert_false(mse_ratls_knows_oid(MSE_BYTES(tcb_info)));
    assert_false(mse_ratls_knows_oid((struct mse_bytes){ endorsements, 0 }));
    put_hex(&e.payload, "d9ea6080");
    assert_refused(p256, &e, 1, NULL, MSE_ERR_NO_EVIDENCE);
}

static void hex_of(const uint8_t *data, char out[65])
{
    for (size_t i = 0; i < 32; i++)
        snprintf(out + 2 * i, 3, "%02x", data[i]);
}

/* The refusal says what was expected, what was found, and under which rule. */
static void a_refusal_names_profile_and_both_values(void **state)
{
    static const struct {
        bool is_rsa;
        const char *profile;
    } cases[] = { { false, "profile mse" }, { true, "profile rats-tls" } };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct test_key *key = cases[i].is_rsa ? rsa : p256;
        struct test_extension e = { .oid = OID_QUOTE };
        struct mse_error err = { 0 };
        struct mse_ratls ratls;
        char expected[65], actual[65];
        uint8_t digest[64];

        digest64("SHA256", &key->bits, NULL, digest);
        hex_of(digest, expected);
        digest64("SHA256", &other_key->bits, NULL, digest);
        hex_of(digest, actual);
        put_bound_quote(&e.payload, &other_key->bits, 0);
        assert_false(read_cert(key, &e, 1, NULL, &ratls, &err));
        assert_int_equal(err.code, MSE_ERR_BINDING);
        assert_non_null(strstr(err.text, expected));
        assert_non_null(strstr(err.text, actual));
        assert_non_null(strstr(err.text, cases[i].profile));
        assert_non_null(strstr(err.field, OID_QUOTE));
    }
}

/* A wrong tail is nearer to being right than a wrong key. */
static void a_wrong_tail_names_the_profile_whose_digest_fits(void **state)
{
    struct test_extension e = { .oid = OID_QUOTE };
    struct mse_error err = { 0 };
    struct mse_ratls ratls;

    (void)state;
    put_bound_quote(&e.payload, &p256->spki, 3);
    assert_false(read_cert(p256, &e, 1, NULL, &ratls, &err));
    assert_int_equal(err.code, MSE_ERR_BINDING);
    assert_non_null(strstr(err.text, "profile gramine"));
    assert_non_null(strstr(err.text, "0303030303030303"));
}

static void an_expectation_that_is_not_set_binds_nothing(void **state)
{
    static const uint8_t zero[64];
    struct mse_attestation a = { .kind = MSE_EVIDENCE_QUOTE, .tail = MSE_TAIL_ZERO };
    struct mse_attestation none = { .expected_len = 32 };
    struct mse_error err = { 0 }, none_err = { 0 };
    struct buffer quote = { 0 };

    (void)state;
    put_sgx_quote(&quote, zero);
    a.evidence = (struct mse_bytes){ quote.data, quote.len };
    assert_false(mse_attestation_check_binding(&a, &err));
    assert_int_equal(err.code, MSE_ERR_BINDING);
    assert_false(mse_attestation_check_binding(&none, &none_err));
    assert_int_equal(none_err.code, MSE_ERR_NO_EVIDENCE);
    buffer_free(&quote);
}

static void key_digests_are_those_of_openssl(void **state)
{
    const struct test_key *const keys[] = { p256, p384, rsa };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        MSE_CLEANUP(mse_writer_cleanup) struct mse_writer pem = { 0 };
        struct mse_error err = { 0 };
        struct mse_cert cert;
        struct buffer der;
        uint8_t want[64], got[32];

        make_cert(keys[i], NULL, 0, &der, &cert);
        digest64("SHA256", &keys[i]->bits, NULL, want);
        mse_key_digest_point(&cert, got);
        assert_memory_equal(got, want, 32);
        digest64("SHA256", &keys[i]->spki, NULL, want);
        mse_key_digest_spki(&cert, got);
        assert_memory_equal(got, want, 32);
        digest64("SHA256", &keys[i]->pem_nul, NULL, want);
        assert_true(mse_key_digest_pem_nul(&cert, got, &err));
        assert_memory_equal(got, want, 32);
        assert_true(mse_key_pem_nul(&cert, &pem, &err));
        assert_int_equal(pem.len, keys[i]->pem_nul.len);
        assert_memory_equal(pem.data, keys[i]->pem_nul.data, pem.len);
        buffer_free(&der);
    }
}

static int make_keys(void **state)
{
    (void)state;
    p256 = test_key_new(MSE_KEY_P256);
    p384 = test_key_new(MSE_KEY_P384);
    rsa = test_key_new(MSE_KEY_RSA);
    other_key = test_key_new(MSE_KEY_P384);
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    test_key_free(p256);
    test_key_free(p384);
    test_key_free(rsa);
    test_key_free(other_key);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tail_that_is_not_zero_is_refused_where_the_profile_has_zeros),
        cmocka_unit_test(the_tail_of_mse_is_reported_as_its_x25519_key),
        cmocka_unit_test(the_same_tdx_quote_is_of_mse_or_of_tee_tools_never_of_both),
        cmocka_unit_test(the_hash_of_another_encoding_is_another_profile),
        cmocka_unit_test(gramines_certificate_fails_under_mse),
        cmocka_unit_test(both_quotes_of_gramine_are_bound_by_their_own_rules),
        cmocka_unit_test(the_named_profile_stands_first),
        cmocka_unit_test(a_second_extension_about_another_key_is_refused),
        cmocka_unit_test(naming_one_profile_does_not_excuse_the_other_extension),
        cmocka_unit_test(an_understood_extension_that_is_no_quote_is_refused),
        cmocka_unit_test(a_repeated_quote_is_a_copy_of_the_bound_one),
        cmocka_unit_test(a_quote_of_another_enclave_is_no_copy),
        cmocka_unit_test(a_copy_alone_binds_nothing),
        cmocka_unit_test(two_copies_of_each_other_bind_nothing),
        cmocka_unit_test(the_same_oid_twice_is_refused),
        cmocka_unit_test(more_extensions_than_there_is_room_for_are_refused),
        cmocka_unit_test(an_oid_inside_other_fields_is_not_evidence),
        cmocka_unit_test(oids_are_compared_whole),
        cmocka_unit_test(a_plain_certificate_has_no_evidence),
        cmocka_unit_test(the_values_of_a_pck_certificate_are_not_evidence),
        cmocka_unit_test(an_unknown_profile_is_a_usage_error),
        cmocka_unit_test(dice_endorsements_are_known_and_not_evidence),
        cmocka_unit_test(a_refusal_names_profile_and_both_values),
        cmocka_unit_test(a_wrong_tail_names_the_profile_whose_digest_fits),
        cmocka_unit_test(an_expectation_that_is_not_set_binds_nothing),
        cmocka_unit_test(key_digests_are_those_of_openssl),
    };

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
