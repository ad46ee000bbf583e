/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys and signatures: published vectors, OpenSSL's own signatures, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>

#include "base/encode.h"
#include "crypto/der.h"
#include "crypto/key.h"
#include "der_build.h"

static const char sample[] = "sample";

/* RFC 6979, A.2.5 and A.2.6: key, and signature of "sample" with SHA-256 and SHA-384. */
static const char p256_xy[] = "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
                              "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
static const char p256_rs[] = "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
                              "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";
static const char p384_point[] = "04"
                                 "ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64"
                                 "def8f0ea9055866064a254515480bc13"
                                 "8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1"
                                 "288b231c3ae0d4fe7344fd2533264720";
static const char p384_rs[] = "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c"
                              "81a648152e44acf96e36dd1e80fabe46"
                              "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94f"
                              "a329c145786e679e7b82c71a38628ac8";
/* SEC 2, 2.4.2 and 2.5.1. */
static const char p256_prime[] = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff";
static const char p256_order[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
static const char p384_order[] = "ffffffffffffffffffffffffffffffffffffffffffffffff"
                                 "c7634d81f4372ddf581a0db248b0a77aecec196accc52973";

static void unhex(const char *text, uint8_t *out, size_t len)
{
    assert_true(mse_hex_read(text, strlen(text), out, len));
}

static struct mse_key *p256_sample_key(void)
{
    struct mse_error err = { 0 };
    struct mse_key *key;
    uint8_t xy[64];

    unhex(p256_xy, xy, sizeof(xy));
    assert_true(mse_key_new_p256_raw(xy, &key, &err));
    return key;
}

/* Fails must leave neither a key nor anything in OpenSSL's queue. */
static void expect_no_key(enum mse_key_type type, struct mse_bytes bits, enum mse_err_code want)
{
    struct mse_error err = { 0 };
    struct mse_key *key = (struct mse_key *)1;

    assert_false(mse_key_new(type, bits, &key, &err));
    assert_null(key);
    assert_int_equal(err.code, want);
    assert_int_equal(ERR_peek_error(), 0);
}

static void expect_verdict(bool verifies, const struct mse_key *key, enum mse_signature_type type,
                           struct mse_bytes data, struct mse_bytes signature)
{
    struct mse_error err = { 0 };

    assert_int_equal(mse_key_check(key, type, data, signature, "here", &err), verifies);
    assert_int_equal(err.code, verifies ? MSE_ERR_NONE : MSE_ERR_SIGNATURE);
    assert_string_equal(err.field, verifies ? "" : "here");
    assert_int_equal(ERR_peek_error(), 0);
}

static void raw_signatures_of_the_rfc_verify_and_altered_ones_do_not(void **state)
{
    MSE_CLEANUP(mse_key_cleanup) struct mse_key *p256 = p256_sample_key();
    MSE_CLEANUP(mse_key_cleanup) struct mse_key *p384 = NULL;
    struct mse_error err = { 0 };
    uint8_t point[97];
    uint8_t rs256[64];
    uint8_t rs384[96];

    (void)state;
    unhex(p384_point, point, sizeof(point));
    assert_true(mse_key_new(MSE_KEY_P384, MSE_BYTES(point), &p384, &err));
    assert_int_equal(mse_key_type_of(p384), MSE_KEY_P384);
    unhex(p256_rs, rs256, sizeof(rs256));
    unhex(p384_rs, rs384, sizeof(rs384));
    assert_true(mse_key_check_raw_p256(p256, MSE_CSTR_BYTES(sample), rs256, "x", &err));
    assert_true(mse_key_check_raw_p384(p384, MSE_CSTR_BYTES(sample), rs384, "x", &err));
    assert_int_equal(err.code, MSE_ERR_NONE);
    for (size_t i = 0; i < sizeof(rs256); i++) {
        struct mse_error e = { 0 };

        rs256[i] ^= 1;
        assert_false(mse_key_check_raw_p256(p256, MSE_CSTR_BYTES(sample), rs256, "x", &e));
        assert_int_equal(e.code, MSE_ERR_SIGNATURE);
        rs256[i] ^= 1;
    }
    rs384[95] ^= 1;
    assert_false(mse_key_check_raw_p384(p384, MSE_CSTR_BYTES(sample), rs384, "x", &err));
    assert_int_equal(err.code, MSE_ERR_SIGNATURE);
    assert_int_equal(ERR_peek_error(), 0);
}

static void signatures_do_not_verify_over_other_data_or_for_another_curve(void **state)
{
    MSE_CLEANUP(mse_key_cleanup) struct mse_key *key = p256_sample_key();
    uint8_t rs[96] = { 0 };
    struct mse_error err[2] = { { 0 }, { 0 } };

    (void)state;
    unhex(p256_rs, rs, 64);
    assert_false(mse_key_check_raw_p256(key, MSE_CSTR_BYTES("samplf"), rs, "x", &err[0]));
    assert_int_equal(err[0].code, MSE_ERR_SIGNATURE);
    assert_false(mse_key_check_raw_p384(key, MSE_CSTR_BYTES(sample), rs, "x", &err[1]));
    assert_int_equal(err[1].code, MSE_ERR_SIGNATURE);
}

/* FIPS 186-5, 6.4.2, step 1: both lie in 1..n-1. s + n would be a second signature. */
static void r_and_s_out_of_range_are_refused(void **state)
{
    MSE_CLEANUP(mse_key_cleanup) struct mse_key *key = p256_sample_key();
    MSE_CLEANUP(mse_key_cleanup) struct mse_key *p384 = NULL;
    struct mse_error ignored = { 0 };
    uint8_t point[97];
    uint8_t values[4][96] = { { 0 } };

    (void)state;
    unhex(p384_point, point, sizeof(point));
    assert_true(mse_key_new(MSE_KEY_P384, MSE_BYTES(point), &p384, &ignored));
    unhex(p256_rs, values[0], 64);
    memset(values[0], 0, 32); /* r = 0 */
    unhex(p256_rs, values[1], 64);
    memset(values[1] + 32, 0, 32); /* s = 0 */
    unhex(p256_order, values[2], 32);
    unhex(p256_order, values[2] + 32, 32); /* r = s = n */
    memset(values[3], 0xff, 64);
    for (size_t i = 0; i < 4; i++) {
        struct mse_error err = { 0 };

        assert_false(mse_key_check_raw_p256(key, MSE_CSTR_BYTES(sample), values[i], "x", &err));
        assert_int_equal(err.code, MSE_ERR_SIGNATURE);
    }
    unhex(p384_order, values[0], 48);
    unhex(p384_order, values[0] + 48, 48);
    memset(values[1], 0, 96);
    memset(values[2], 0xff, 96);
    for (size_t i = 0; i < 3; i++) {
        struct mse_error err = { 0 };

        assert_false(mse_key_check_raw_p384(p384, MSE_CSTR_BYTES(sample), values[i], "x", &err));
        assert_int_equal(err.code, MSE_ERR_SIGNATURE);
    }
    assert_int_equal(ERR_peek_error(), 0);
}

static void points_that_are_not_of_the_curve_are_refused(void **state)
{
    uint8_t point[65] = { 4 };
    uint8_t other[67] = { 0 };

    (void)state;
    unhex(p256_xy, point + 1, 64);
    point[64] ^= 1;
    expect_no_key(MSE_KEY_P256, MSE_BYTES(point), MSE_ERR_VALUE);
    point[64] ^= 1;
    unhex(p256_prime, point + 1, 32); /* x = p, which is 0 taken modulo p */
    expect_no_key(MSE_KEY_P256, MSE_BYTES(point), MSE_ERR_VALUE);
    memset(point + 1, 0, 64);
    expect_no_key(MSE_KEY_P256, MSE_BYTES(point), MSE_ERR_VALUE);

    unhex(p256_xy, point + 1, 64);
    point[0] = 2; /* compressed, but with both coordinates */
    expect_no_key(MSE_KEY_P256, MSE_BYTES(point), MSE_ERR_FORMAT);
    point[0] = 7; /* X9.62's hybrid form */
    expect_no_key(MSE_KEY_P256, MSE_BYTES(point), MSE_ERR_FORMAT);
    point[0] = 2;
    expect_no_key(MSE_KEY_P256, (struct mse_bytes){ point, 33 }, MSE_ERR_FORMAT);
    point[0] = 4;
    memcpy(other, point, sizeof(point));
    expect_no_key(MSE_KEY_P256, (struct mse_bytes){ other, 64 }, MSE_ERR_FORMAT);
    expect_no_key(MSE_KEY_P256, (struct mse_bytes){ other, 66 }, MSE_ERR_FORMAT);
    expect_no_key(MSE_KEY_P384, MSE_BYTES(point), MSE_ERR_FORMAT);
    expect_no_key(MSE_KEY_P256, (struct mse_bytes){ other + 66, 1 }, MSE_ERR_FORMAT); /* infinity */
    expect_no_key(MSE_KEY_P256, (struct mse_bytes){ NULL, 0 }, MSE_ERR_FORMAT);
    expect_no_key(MSE_KEY_OTHER, MSE_BYTES(point), MSE_ERR_UNSUPPORTED);
}

static void a_raw_point_off_the_curve_is_refused(void **state)
{
    struct mse_error err = { 0 };
    struct mse_key *key = (struct mse_key *)1;
    uint8_t xy[64] = { 1 };

    (void)state;
    assert_false(mse_key_new_p256_raw(xy, &key, &err));
    assert_null(key);
    assert_int_equal(err.code, MSE_ERR_VALUE);
}

/* ---- signatures in X.509's form, made by OpenSSL ---- */

/* The key as mse_key_new() takes it. */
static struct mse_key *import(EVP_PKEY *pkey, enum mse_key_type type)
{
    struct mse_error err = { 0 };
    struct mse_key *key;
    uint8_t *bits = NULL;
    uint8_t raw[32];
    size_t raw_len = sizeof(raw);
    int len;

    if (type == MSE_KEY_ED25519) {
        assert_int_equal(EVP_PKEY_get_raw_public_key(pkey, raw, &raw_len), 1);
        assert_true(mse_key_new(type, MSE_BYTES(raw), &key, &err));
        return key;
    }
    len = i2d_PublicKey(pkey, &bits);
    assert_true(len > 0);
    assert_true(mse_key_new(type, (struct mse_bytes){ bits, (size_t)len }, &key, &err));
    OPENSSL_free(bits);
    return key;
}

struct algorithm {
    enum mse_key_type key;
    enum mse_signature_type type;
    const char *hash; /* NULL: none */
    int salt_len;     /* of PSS; -1: PKCS#1 v1.5 */
    const char *mask_hash;
};

/* Returns the length; the signature is in out. */
static size_t sign(EVP_PKEY *pkey, const struct algorithm *a, struct mse_bytes data, uint8_t *out,
                   size_t room)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options = NULL;

    assert_int_equal(EVP_DigestSignInit_ex(ctx, &options, a->hash, NULL, NULL, pkey, NULL), 1);
    if (a->key == MSE_KEY_RSA && a->salt_len >= 0) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(options, a->salt_len), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md_name(options, a->mask_hash, NULL), 1);
    }
    assert_int_equal(EVP_DigestSign(ctx, out, &room, data.data, data.len), 1);
    EVP_MD_CTX_free(ctx);
    return room;
}

/* clang-format off */
static const struct algorithm algorithms[] = {
    { MSE_KEY_P256,    MSE_SIGNATURE_ECDSA_SHA256,   "SHA256", -1, NULL },
    { MSE_KEY_P256,    MSE_SIGNATURE_ECDSA_SHA384,   "SHA384", -1, NULL },
    { MSE_KEY_P384,    MSE_SIGNATURE_ECDSA_SHA256,   "SHA256", -1, NULL },
    { MSE_KEY_P384,    MSE_SIGNATURE_ECDSA_SHA384,   "SHA384", -1, NULL },
    { MSE_KEY_RSA,     MSE_SIGNATURE_RSA_SHA256,     "SHA256", -1, NULL },
    { MSE_KEY_RSA,     MSE_SIGNATURE_RSA_SHA384,     "SHA384", -1, NULL },
    { MSE_KEY_RSA,     MSE_SIGNATURE_RSA_PSS_SHA256, "SHA256", 32, "SHA256" },
    { MSE_KEY_RSA,     MSE_SIGNATURE_RSA_PSS_SHA384, "SHA384", 48, "SHA384" },
    { MSE_KEY_ED25519, MSE_SIGNATURE_ED25519,        NULL,     -1, NULL },
};
/* clang-format on */
#define ALGORITHM_COUNT (sizeof(algorithms) / sizeof(algorithms[0]))

static EVP_PKEY *generate(enum mse_key_type type)
{
    EVP_PKEY *pkey = NULL;

    switch (type) {
    case MSE_KEY_P256:
        pkey = EVP_EC_gen("P-256");
        break;
    case MSE_KEY_P384:
        pkey = EVP_EC_gen("P-384");
        break;
    case MSE_KEY_RSA:
        pkey = EVP_RSA_gen(2048);
        break;
    case MSE_KEY_ED25519:
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        break;
    case MSE_KEY_OTHER:
        break;
    }
    assert_non_null(pkey);
    return pkey;
}

static void each_algorithm_verifies_only_what_was_signed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALGORITHM_COUNT; i++) {
        const struct algorithm *a = &algorithms[i];
        EVP_PKEY *pkey = generate(a->key);
        EVP_PKEY *stranger = generate(a->key);
        MSE_CLEANUP(mse_key_cleanup) struct mse_key *key = import(pkey, a->key);
        MSE_CLEANUP(mse_key_cleanup) struct mse_key *other = import(stranger, a->key);
        struct mse_bytes data = MSE_CSTR_BYTES(sample);
        uint8_t out[512] = { 0 };
        struct mse_bytes signature = { out, sign(pkey, a, data, out, sizeof(out)) };

        expect_verdict(true, key, a->type, data, signature);
        expect_verdict(false, other, a->type, data, signature);
        expect_verdict(false, key, a->type, MSE_CSTR_BYTES("Sample"), signature);
        expect_verdict(false, key, a->type, data, (struct mse_bytes){ out, signature.len - 1 });
        expect_verdict(false, key, a->type, data, (struct mse_bytes){ out, signature.len + 1 });
        expect_verdict(false, key, a->type, data, (struct mse_bytes){ NULL, 0 });
        out[signature.len - 1] ^= 1;
        expect_verdict(false, key, a->type, data, signature);
        out[signature.len - 1] ^= 1;
        for (size_t j = 0; j < ALGORITHM_COUNT; j++) /* no algorithm stands for another */
            expect_verdict(algorithms[j].type == a->type, key, algorithms[j].type, data, signature);
        EVP_PKEY_free(pkey);
        EVP_PKEY_free(stranger);
    }
}

static void pss_with_other_parameters_does_not_verify(void **state)
{
    static const struct algorithm made[] = {
        { MSE_KEY_RSA, MSE_SIGNATURE_RSA_PSS_SHA256, "SHA256", 20, "SHA256" },
        { MSE_KEY_RSA, MSE_SIGNATURE_RSA_PSS_SHA256, "SHA256", 0, "SHA256" },
        { MSE_KEY_RSA, MSE_SIGNATURE_RSA_PSS_SHA256, "SHA256", 33, "SHA256" },
        { MSE_KEY_RSA, MSE_SIGNATURE_RSA_PSS_SHA256, "SHA256", 32, "SHA1" },
        { MSE_KEY_RSA, MSE_SIGNATURE_RSA_PSS_SHA384, "SHA384", 32, "SHA384" },
        { MSE_KEY_RSA, MSE_SIGNATURE_RSA_PSS_SHA384, "SHA384", 48, "SHA256" },
    };
    EVP_PKEY *pkey = generate(MSE_KEY_RSA);
    MSE_CLEANUP(mse_key_cleanup) struct mse_key *key = import(pkey, MSE_KEY_RSA);
    uint8_t out[512] = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
        size_t len = sign(pkey, &made[i], MSE_CSTR_BYTES(sample), out, sizeof(out));

        expect_verdict(false, key, made[i].type, MSE_CSTR_BYTES(sample),
                       (struct mse_bytes){ out, len });
    }
    EVP_PKEY_free(pkey);
}

static void unknown_algorithms_are_unsupported(void **state)
{
    MSE_CLEANUP(mse_key_cleanup) struct mse_key *key = p256_sample_key();
    struct mse_error err = { 0 };
    uint8_t signature[64] = { 0 };

    (void)state;
    assert_false(mse_key_check(key, MSE_SIGNATURE_OTHER, MSE_CSTR_BYTES(sample),
                               MSE_BYTES(signature), "x", &err));
    assert_int_equal(err.code, MSE_ERR_UNSUPPORTED);
}

/* Ecdsa-Sig-Value of the RFC's r and s, with a change. */
static size_t encode_signature(uint8_t *out, const char *change)
{
    struct mse_writer w = { 0 };
    uint8_t numbers[66] = { 0 };
    struct mse_bytes r = { numbers, 33 };
    struct mse_bytes s = { numbers + 33, 33 };
    size_t len;

    unhex(p256_rs, numbers + 1, 64);
    memmove(numbers + 34, numbers + 33, 32);
    numbers[33] = 0;
    if (strcmp(change, "no sign octet") == 0)
        r = (struct mse_bytes){ numbers + 1, 32 };
    der_put(&w, MSE_DER_INTEGER, r);
    der_put(&w, MSE_DER_INTEGER, s);
    if (strcmp(change, "third number") == 0)
        der_put(&w, MSE_DER_INTEGER, s);
    der_wrap(&w, 0, strcmp(change, "a SET") == 0 ? 0x31 : 0x30);
    if (strcmp(change, "byte behind") == 0)
        mse_write_u8(&w, 0);
    memcpy(out, w.data, w.len);
    len = w.len;
    mse_writer_cleanup(&w);
    if (strcmp(change, "long length") == 0) {
        memmove(out + 2, out + 1, len - 1);
        out[1] = 0x81;
        len++;
    }
    return len;
}

static void ecdsa_signatures_are_strict_der(void **state)
{
    static const char *const changes[] = { "a SET", "no sign octet", "third number", "byte behind",
                                           "long length" };
    MSE_CLEANUP(mse_key_cleanup) struct mse_key *key = p256_sample_key();
    struct mse_bytes data = MSE_CSTR_BYTES(sample);
    uint8_t out[160];
    size_t len = encode_signature(out, "none");

    (void)state;
    expect_verdict(true, key, MSE_SIGNATURE_ECDSA_SHA256, data, (struct mse_bytes){ out, len });
    for (size_t n = 0; n < len; n++) {
        uint8_t *cut = malloc(n > 0 ? n : 1);

        assert_non_null(cut);
        memcpy(cut, out, n);
        expect_verdict(false, key, MSE_SIGNATURE_ECDSA_SHA256, data, (struct mse_bytes){ cut, n });
        free(cut);
    }
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        len = encode_signature(out, changes[i]);
        expect_verdict(false, key, MSE_SIGNATURE_ECDSA_SHA256, data,
                       (struct mse_bytes){ out, len });
    }
}

/* RFC 8032, 7.1, TEST 2. */
static void ed25519_of_the_rfc_verifies(void **state)
{
    MSE_CLEANUP(mse_key_cleanup) struct mse_key *key = NULL;
    static const uint8_t message[] = { 0x72 };
    struct mse_error err = { 0 };
    uint8_t bits[32];
    uint8_t signature[64];

    (void)state;
    unhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", bits, sizeof(bits));
    unhex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
          "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
          signature, sizeof(signature));
    assert_true(mse_key_new(MSE_KEY_ED25519, MSE_BYTES(bits), &key, &err));
    expect_verdict(true, key, MSE_SIGNATURE_ED25519, MSE_BYTES(message), MSE_BYTES(signature));
    expect_no_key(MSE_KEY_ED25519, (struct mse_bytes){ bits, 31 }, MSE_ERR_FORMAT);
}

/* ---- RSA numbers ---- */

struct rsa_case {
    const char *name;
    size_t bits;
    uint8_t first, last; /* octets of the modulus */
    struct mse_bytes exponent;
    enum mse_err_code want;
};

/* clang-format off */
static const struct rsa_case rsa_cases[] = {
    { "2048 bits",           2048, 0x80, 1, B("\x01\x00\x01"),    MSE_ERR_NONE },
    { "8192 bits",           8192, 0x80, 1, B("\x01\x00\x01"),    MSE_ERR_NONE },
    { "exponent 3",          2048, 0x80, 1, B("\x03"),            MSE_ERR_NONE },
    { "2047 bits",           2048, 0x7f, 1, B("\x01\x00\x01"),    MSE_ERR_LIMIT },
    { "1024 bits",           1024, 0x80, 1, B("\x01\x00\x01"),    MSE_ERR_LIMIT },
    { "8 bits",                 8, 0x81, 0x81, B("\x01\x00\x01"), MSE_ERR_LIMIT },
    { "8193 bits",           8200, 0x01, 1, B("\x01\x00\x01"),    MSE_ERR_LIMIT },
    { "even modulus",        2048, 0x80, 2, B("\x01\x00\x01"),    MSE_ERR_VALUE },
    { "even exponent",       2048, 0x80, 1, B("\x01\x00\x00"),    MSE_ERR_VALUE },
    { "exponent 1",          2048, 0x80, 1, B("\x01"),            MSE_ERR_VALUE },
    { "exponent 0",          2048, 0x80, 1, B("\x00"),            MSE_ERR_VALUE },
    { "exponent of 65 bits", 2048, 0x80, 1, B("\x01\x00\x00\x00\x00\x00\x00\x00\x01"),
      MSE_ERR_LIMIT },
    { "negative exponent",   2048, 0x80, 1, B("\x81"),            MSE_ERR_VALUE },
};
/* clang-format on */

static void write_rsa(struct mse_writer *w, const struct rsa_case *c)
{
    uint8_t modulus[1 + 1025] = { 0 };
    size_t len = c->bits / 8;
    size_t sign = (c->first & 0x80) != 0 ? 1 : 0;

    modulus[sign] = c->first;
    modulus[sign + len - 1] = c->last;
    der_put(w, MSE_DER_INTEGER, (struct mse_bytes){ modulus, sign + len });
    der_put(w, MSE_DER_INTEGER, c->exponent);
    der_wrap(w, 0, 0x30);
}

static void rsa_keys_are_of_a_sound_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rsa_cases) / sizeof(rsa_cases[0]); i++) {
        MSE_CLEANUP(mse_writer_cleanup) struct mse_writer w = { 0 };
        MSE_CLEANUP(mse_key_cleanup) struct mse_key *key = NULL;
        struct mse_error err = { 0 };

        write_rsa(&w, &rsa_cases[i]);
        if (rsa_cases[i].want != MSE_ERR_NONE) {
            expect_no_key(MSE_KEY_RSA, mse_writer_bytes(&w), rsa_cases[i].want);
            continue;
        }
        assert_true(mse_key_new(MSE_KEY_RSA, mse_writer_bytes(&w), &key, &err));
        mse_write_u8(&w, 0);
        expect_no_key(MSE_KEY_RSA, mse_writer_bytes(&w), MSE_ERR_TRAILING);
    }
}

static void every_prefix_of_an_rsa_key_is_refused(void **state)
{
    struct mse_writer w = { 0 };

    (void)state;
    write_rsa(&w, &rsa_cases[0]);
    for (size_t n = 0; n < w.len; n++) {
        uint8_t *cut = malloc(n > 0 ? n : 1);

        assert_non_null(cut);
        memcpy(cut, w.data, n);
        expect_no_key(MSE_KEY_RSA, (struct mse_bytes){ cut, n }, MSE_ERR_TRUNCATED);
        free(cut);
    }
    mse_writer_cleanup(&w);
}

/* ---- sharing ---- */

struct job {
    struct mse_key *key;
    enum mse_signature_type type;
    struct mse_bytes signature;
    size_t good;
};

static void *verify_often(void *argument)
{
    struct job *job = argument;

    for (size_t i = 0; i < 50; i++) {
        struct mse_error err = { 0 };
        struct mse_key *mine = mse_key_share(job->key);

        if (mse_key_check(mine, job->type, MSE_CSTR_BYTES(sample), job->signature, "x", &err))
            job->good++;
        mse_key_free(mine);
    }
    return NULL;
}

static void threads_may_share_a_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALGORITHM_COUNT; i++) {
        EVP_PKEY *pkey = generate(algorithms[i].key);
        uint8_t out[512] = { 0 };
        size_t len = sign(pkey, &algorithms[i], MSE_CSTR_BYTES(sample), out, sizeof(out));
        struct mse_key *key = import(pkey, algorithms[i].key);
        struct job jobs[4];
        pthread_t threads[4];

        for (size_t t = 0; t < 4; t++) {
            jobs[t] = (struct job){ key, algorithms[i].type, { out, len }, 0 };
            assert_int_equal(pthread_create(&threads[t], NULL, verify_often, &jobs[t]), 0);
        }
        for (size_t t = 0; t < 4; t++) {
            assert_int_equal(pthread_join(threads[t], NULL), 0);
            assert_int_equal(jobs[t].good, 50);
        }
        mse_key_cleanup(&key);
        assert_null(key);
        EVP_PKEY_free(pkey);
    }
}

static void a_shared_key_lives_until_its_last_owner_is_gone(void **state)
{
    struct mse_key *key = p256_sample_key();
    struct mse_key *second = mse_key_share(key);

    (void)state;
    mse_key_free(key);
    assert_int_equal(mse_key_type_of(second), MSE_KEY_P256);
    mse_key_free(second);
    mse_key_free(NULL);
    assert_null(mse_key_share(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_signatures_of_the_rfc_verify_and_altered_ones_do_not),
        cmocka_unit_test(signatures_do_not_verify_over_other_data_or_for_another_curve),
        cmocka_unit_test(r_and_s_out_of_range_are_refused),
        cmocka_unit_test(points_that_are_not_of_the_curve_are_refused),
        cmocka_unit_test(a_raw_point_off_the_curve_is_refused),
        cmocka_unit_test(each_algorithm_verifies_only_what_was_signed),
        cmocka_unit_test(pss_with_other_parameters_does_not_verify),
        cmocka_unit_test(unknown_algorithms_are_unsupported),
        cmocka_unit_test(ecdsa_signatures_are_strict_der),
        cmocka_unit_test(ed25519_of_the_rfc_verifies),
        cmocka_unit_test(rsa_keys_are_of_a_sound_size),
        cmocka_unit_test(every_prefix_of_an_rsa_key_is_refused),
        cmocka_unit_test(threads_may_share_a_key),
        cmocka_unit_test(a_shared_key_lives_until_its_last_owner_is_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
