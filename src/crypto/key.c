/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys and signature checks over OpenSSL's low-level EC and RSA functions. */
/*
 * Why not EVP: an EVP_PKEY of a P-256 key costs 16-25 us to make in OpenSSL 3.0 and a digest
 * context 8-25 us at each check; the check itself takes 50 us. EC_KEY and RSA objects are only
 * read by a verification (RSA caches its Montgomery form under a lock), so threads may share them.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/key.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/rsa.h>

#include "crypto/der.h"
#include "crypto/hash.h"

#define RSA_MIN_BITS 2048
#define RSA_MAX_BITS 8192
#define RSA_MAX_EXPONENT_SIZE 8 /* bytes; OpenSSL takes no more with a modulus over 3072 bits */
#define ECDSA_MAX_SIZE 48       /* bytes of r and of s */
#define ED25519_KEY_SIZE 32

struct mse_key {
    atomic_uint references;
    enum mse_key_type type;
    EC_KEY *ec;
    RSA *rsa;
    EVP_PKEY *other;
};

/* Curves are constants that are costly to set up; made once, never freed. */
static _Atomic(EC_GROUP *) p256_group;
static _Atomic(EC_GROUP *) p384_group;

static const EC_GROUP *curve(enum mse_key_type type)
{
    bool p256 = type == MSE_KEY_P256;
    _Atomic(EC_GROUP *) *slot = p256 ? &p256_group : &p384_group;
    EC_GROUP *known = atomic_load_explicit(slot, memory_order_acquire);
    EC_GROUP *made;

    if (known != NULL)
        return known;
    made = EC_GROUP_new_by_curve_name(p256 ? NID_X9_62_prime256v1 : NID_secp384r1);
    if (made == NULL)
        return NULL;
    if (atomic_compare_exchange_strong(slot, &known, made))
        return made;
    EC_GROUP_free(made); /* another thread was first */
    return known;
}

/* OpenSSL's queue of errors belongs to the thread: whoever comes next must not find ours. */
static bool fail(struct mse_error *err, enum mse_err_code code, const char *field, const char *text)
{
    ERR_clear_error();
    return mse_fail_text(err, code, field, "%s", text);
}

static bool import_ec(struct mse_key *key, const uint8_t *point, size_t len, struct mse_error *err)
{
    const EC_GROUP *group = curve(key->type);

    key->ec = EC_KEY_new();
    if (group == NULL || key->ec == NULL || EC_KEY_set_group(key->ec, group) != 1)
        return fail(err, MSE_ERR_MEMORY, "public key", "cannot set up the curve");
    /* Refuses coordinates that are not below the prime or not on the curve; the curves have prime
     * order, so nothing else is left to check. */
    if (EC_KEY_oct2key(key->ec, point, len, NULL) != 1)
        return fail(err, MSE_ERR_VALUE, "public key", "not a point of the curve");
    return true;
}

/* SEC 1, 2.3.3: only the uncompressed form, as certificates have it. */
static bool import_point(struct mse_key *key, struct mse_bytes bits, struct mse_error *err)
{
    size_t size = key->type == MSE_KEY_P256 ? 32 : 48;

    if (bits.len != 1 + 2 * size || bits.data[0] != POINT_CONVERSION_UNCOMPRESSED)
        return fail(err, MSE_ERR_FORMAT, "public key", "not an uncompressed point");
    return import_ec(key, bits.data, bits.len, err);
}

/* Of a number without leading zero bytes. */
static size_t bit_length(struct mse_bytes number)
{
    size_t bits = 8 * number.len;

    for (unsigned top = number.data[0]; top < 0x80 && top != 0; top <<= 1)
        bits--;
    return bits;
}

static bool check_rsa_numbers(struct mse_bytes n, struct mse_bytes e, struct mse_error *err)
{
    size_t bits = bit_length(n);

    if (bits < RSA_MIN_BITS || bits > RSA_MAX_BITS)
        return mse_fail_text(err, MSE_ERR_LIMIT, "public key",
                             "RSA modulus of %zu bits, wanted %d to %d", bits, RSA_MIN_BITS,
                             RSA_MAX_BITS);
    if ((n.data[n.len - 1] & 1) == 0)
        return fail(err, MSE_ERR_VALUE, "public key", "RSA modulus is even");
    /* With the exponent 1 every message is its own signature. */
    if ((e.data[e.len - 1] & 1) == 0 || (e.len == 1 && e.data[0] == 1))
        return fail(err, MSE_ERR_VALUE, "public key", "RSA exponent is even or 1");
    if (e.len > RSA_MAX_EXPONENT_SIZE)
        return fail(err, MSE_ERR_LIMIT, "public key", "RSA exponent is over 64 bits");
    return true;
}

/* RFC 8017, A.1.1: RSAPublicKey. */
static bool import_rsa(struct mse_key *key, struct mse_bytes bits, struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(bits, err);
    struct mse_reader body = mse_der_enter(&r, MSE_DER_SEQUENCE, "RSAPublicKey");
    struct mse_bytes n = mse_der_read_big(&body, "modulus");
    struct mse_bytes e = mse_der_read_big(&body, "publicExponent");
    BIGNUM *n_number;
    BIGNUM *e_number;

    if (!mse_read_done(&body, "RSAPublicKey") || !mse_read_done(&r, "public key"))
        return false;
    if (!check_rsa_numbers(n, e, err))
        return false;
    n_number = BN_bin2bn(n.data, (int)n.len, NULL);
    e_number = BN_bin2bn(e.data, (int)e.len, NULL);
    key->rsa = RSA_new();
    if (n_number == NULL || e_number == NULL || key->rsa == NULL ||
        RSA_set0_key(key->rsa, n_number, e_number, NULL) != 1) {
        BN_free(n_number);
        BN_free(e_number);
        return fail(err, MSE_ERR_MEMORY, "public key", "cannot set up the RSA key");
    }
    return true;
}

/* RFC 8410, 4: the key is the BIT STRING's 32 bytes. */
static bool import_ed25519(struct mse_key *key, struct mse_bytes bits, struct mse_error *err)
{
    if (bits.len != ED25519_KEY_SIZE)
        return fail(err, MSE_ERR_FORMAT, "public key", "not 32 bytes of an Ed25519 key");
    key->other = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bits.data, bits.len);
    if (key->other == NULL)
        return fail(err, MSE_ERR_CRYPTO, "public key", "cannot set up the Ed25519 key");
    return true;
}

static bool import(struct mse_key *key, struct mse_bytes bits, struct mse_error *err)
{
    switch (key->type) {
    case MSE_KEY_P256:
    case MSE_KEY_P384:
        return import_point(key, bits, err);
    case MSE_KEY_RSA:
        return import_rsa(key, bits, err);
    case MSE_KEY_ED25519:
        return import_ed25519(key, bits, err);
    case MSE_KEY_OTHER:
        break;
    }
    return fail(err, MSE_ERR_UNSUPPORTED, "public key", "a kind of key this version cannot use");
}

bool mse_key_new(enum mse_key_type type, struct mse_bytes bits, struct mse_key **out,
                 struct mse_error *err)
{
    struct mse_key *key = calloc(1, sizeof(*key));

    *out = NULL;
    if (key == NULL)
        return mse_fail_memory(err);
    atomic_init(&key->references, 1);
    key->type = type;
    if (!import(key, bits, err)) {
        mse_key_free(key);
        return false;
    }
    *out = key;
    return true;
}

bool mse_key_new_p256_raw(const uint8_t xy[static 64], struct mse_key **out, struct mse_error *err)
{
    uint8_t point[65] = { POINT_CONVERSION_UNCOMPRESSED };

    memcpy(point + 1, xy, 64);
    return mse_key_new(MSE_KEY_P256, MSE_BYTES(point), out, err);
}

struct mse_key *mse_key_share(struct mse_key *key)
{
    if (key != NULL)
        atomic_fetch_add_explicit(&key->references, 1, memory_order_relaxed);
    return key;
}

void mse_key_free(struct mse_key *key)
{
    if (key == NULL || atomic_fetch_sub_explicit(&key->references, 1, memory_order_acq_rel) != 1)
        return;
    EC_KEY_free(key->ec);
    RSA_free(key->rsa);
    EVP_PKEY_free(key->other);
    free(key);
}

void mse_key_cleanup(struct mse_key **key)
{
    mse_key_free(*key);
    *key = NULL;
}

enum mse_key_type mse_key_type_of(const struct mse_key *key)
{
    return key->type;
}

static bool refuse(struct mse_error *err, const char *field)
{
    return fail(err, MSE_ERR_SIGNATURE, field, "the signature does not verify");
}

/* r and s below the order of the curve and not zero: ECDSA_do_verify() sees to it. */
static bool check_ecdsa(const struct mse_key *key, struct mse_bytes digest, struct mse_bytes r,
                        struct mse_bytes s, const char *field, struct mse_error *err)
{
    ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM *r_number = BN_bin2bn(r.data, (int)r.len, NULL);
    BIGNUM *s_number = BN_bin2bn(s.data, (int)s.len, NULL);
    int verified;

    if (signature == NULL || r_number == NULL || s_number == NULL ||
        ECDSA_SIG_set0(signature, r_number, s_number) != 1) {
        BN_free(r_number);
        BN_free(s_number);
        ECDSA_SIG_free(signature);
        return fail(err, MSE_ERR_MEMORY, field, "cannot set up the signature");
    }
    verified = ECDSA_do_verify(digest.data, (int)digest.len, signature, key->ec);
    ECDSA_SIG_free(signature);
    if (verified != 1)
        return refuse(err, field);
    return true;
}

/* RFC 3279, 2.2.3: Ecdsa-Sig-Value. */
static bool check_ecdsa_der(const struct mse_key *key, struct mse_bytes digest,
                            struct mse_bytes signature, const char *field, struct mse_error *err)
{
    struct mse_error why = { 0 }; /* a malformed signature is one that does not verify */
    struct mse_reader in = mse_reader_init(signature, &why);
    struct mse_reader body = mse_der_enter(&in, MSE_DER_SEQUENCE, "Ecdsa-Sig-Value");
    struct mse_bytes r = mse_der_read_big(&body, "r");
    struct mse_bytes s = mse_der_read_big(&body, "s");

    if (!mse_read_done(&body, "Ecdsa-Sig-Value") || !mse_read_done(&in, "signature") ||
        r.len > ECDSA_MAX_SIZE || s.len > ECDSA_MAX_SIZE)
        return refuse(err, field);
    return check_ecdsa(key, digest, r, s, field, err);
}

static bool check_pkcs1(const struct mse_key *key, int hash, struct mse_bytes digest,
                        struct mse_bytes signature, const char *field, struct mse_error *err)
{
    if (signature.len != (size_t)RSA_size(key->rsa) ||
        RSA_verify(hash, digest.data, (unsigned)digest.len, signature.data, (unsigned)signature.len,
                   key->rsa) != 1)
        return refuse(err, field);
    return true;
}

/* RFC 8017, 8.1.2, with MGF1 over the same hash and a salt as long as the digest. */
static bool check_pss(const struct mse_key *key, const EVP_MD *hash, struct mse_bytes digest,
                      struct mse_bytes signature, const char *field, struct mse_error *err)
{
    uint8_t encoded[RSA_MAX_BITS / 8];
    size_t size = (size_t)RSA_size(key->rsa);

    if (signature.len != size || size > sizeof(encoded) ||
        RSA_public_decrypt((int)size, signature.data, encoded, key->rsa, RSA_NO_PADDING) !=
            (int)size ||
        RSA_verify_PKCS1_PSS_mgf1(key->rsa, digest.data, hash, hash, encoded, (int)digest.len) != 1)
        return refuse(err, field);
    return true;
}

static bool check_ed25519(const struct mse_key *key, struct mse_bytes data,
                          struct mse_bytes signature, const char *field, struct mse_error *err)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ready = ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key->other) == 1;
    bool verified = ready &&
                    EVP_DigestVerify(ctx, signature.data, signature.len, data.data, data.len) == 1;

    EVP_MD_CTX_free(ctx);
    if (!ready)
        return fail(err, MSE_ERR_CRYPTO, field, "cannot set up the check");
    if (!verified)
        return refuse(err, field);
    return true;
}

static bool fits(enum mse_key_type key, enum mse_signature_type type)
{
    switch (type) {
    case MSE_SIGNATURE_ECDSA_SHA256:
    case MSE_SIGNATURE_ECDSA_SHA384:
        return key == MSE_KEY_P256 || key == MSE_KEY_P384;
    case MSE_SIGNATURE_RSA_SHA256:
    case MSE_SIGNATURE_RSA_SHA384:
    case MSE_SIGNATURE_RSA_PSS_SHA256:
    case MSE_SIGNATURE_RSA_PSS_SHA384:
        return key == MSE_KEY_RSA;
    case MSE_SIGNATURE_ED25519:
        return key == MSE_KEY_ED25519;
    case MSE_SIGNATURE_OTHER:
        break;
    }
    return false;
}

bool mse_key_check(const struct mse_key *key, enum mse_signature_type type, struct mse_bytes data,
                   struct mse_bytes signature, const char *field, struct mse_error *err)
{
    uint8_t sha256[MSE_SHA256_SIZE];
    uint8_t sha384[MSE_SHA384_SIZE];

    if (type == MSE_SIGNATURE_OTHER)
        return fail(err, MSE_ERR_UNSUPPORTED, field, "unknown signature algorithm");
    if (!fits(key->type, type))
        return fail(err, MSE_ERR_SIGNATURE, field, "the key is not of the signature's kind");
    switch (type) {
    case MSE_SIGNATURE_ECDSA_SHA256:
        mse_sha256(data, sha256);
        return check_ecdsa_der(key, MSE_BYTES(sha256), signature, field, err);
    case MSE_SIGNATURE_ECDSA_SHA384:
        mse_sha384(data, sha384);
        return check_ecdsa_der(key, MSE_BYTES(sha384), signature, field, err);
    case MSE_SIGNATURE_RSA_SHA256:
        mse_sha256(data, sha256);
        return check_pkcs1(key, NID_sha256, MSE_BYTES(sha256), signature, field, err);
    case MSE_SIGNATURE_RSA_SHA384:
        mse_sha384(data, sha384);
        return check_pkcs1(key, NID_sha384, MSE_BYTES(sha384), signature, field, err);
    case MSE_SIGNATURE_RSA_PSS_SHA256:
        mse_sha256(data, sha256);
        return check_pss(key, EVP_sha256(), MSE_BYTES(sha256), signature, field, err);
    case MSE_SIGNATURE_RSA_PSS_SHA384:
        mse_sha384(data, sha384);
        return check_pss(key, EVP_sha384(), MSE_BYTES(sha384), signature, field, err);
    case MSE_SIGNATURE_ED25519:
        return check_ed25519(key, data, signature, field, err);
    case MSE_SIGNATURE_OTHER:
        break;
    }
    return refuse(err, field);
}

bool mse_key_check_raw_p256(const struct mse_key *key, struct mse_bytes data,
                            const uint8_t signature[static 64], const char *field,
                            struct mse_error *err)
{
    uint8_t digest[MSE_SHA256_SIZE];

    if (key->type != MSE_KEY_P256)
        return fail(err, MSE_ERR_SIGNATURE, field, "the key is not of the signature's kind");
    mse_sha256(data, digest);
    return check_ecdsa(key, MSE_BYTES(digest), (struct mse_bytes){ signature, 32 },
                       (struct mse_bytes){ signature + 32, 32 }, field, err);
}

bool mse_key_check_raw_p384(const struct mse_key *key, struct mse_bytes data,
                            const uint8_t signature[static 96], const char *field,
                            struct mse_error *err)
{
    uint8_t digest[MSE_SHA384_SIZE];

    if (key->type != MSE_KEY_P384)
        return fail(err, MSE_ERR_SIGNATURE, field, "the key is not of the signature's kind");
    mse_sha384(data, digest);
    return check_ecdsa(key, MSE_BYTES(digest), (struct mse_bytes){ signature, 48 },
                       (struct mse_bytes){ signature + 48, 48 }, field, err);
}
