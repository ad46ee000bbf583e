/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of the simulated platform: made, kept as PEM, used to sign. */
#include "issue/key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#define RSA_BITS 3072
#define RSA_SIZE (RSA_BITS / 8)

static const struct {
    const char *name;
    int id;
} kinds[] = {
    [MSE_ISSUE_KEY_P256] = { "P-256", EVP_PKEY_EC },
    [MSE_ISSUE_KEY_ED25519] = { "Ed25519", EVP_PKEY_ED25519 },
    [MSE_ISSUE_KEY_X25519] = { "X25519", EVP_PKEY_X25519 },
    [MSE_ISSUE_KEY_RSA] = { "RSA", EVP_PKEY_RSA },
};

bool mse_issue_fail_openssl(struct mse_error *err, const char *what)
{
    unsigned long code = ERR_peek_error();
    const char *reason = ERR_reason_error_string(code);

    (void)mse_fail_text(err, MSE_ERR_CRYPTO, what, "%s",
                        reason != NULL ? reason : "the crypto library failed");
    ERR_clear_error();
    return false;
}

void mse_issue_key_cleanup(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
    *key = NULL;
}

static void context_cleanup(EVP_PKEY_CTX **context)
{
    EVP_PKEY_CTX_free(*context);
}

static void digest_cleanup(EVP_MD_CTX **context)
{
    EVP_MD_CTX_free(*context);
}

static void bio_cleanup(BIO **bio)
{
    BIO_free(*bio);
}

static void bn_cleanup(BIGNUM **bn)
{
    BN_free(*bn);
}

/* SGX takes enclave signers with exponent 3 only. */
static bool set_rsa(EVP_PKEY_CTX *context)
{
    MSE_CLEANUP(bn_cleanup) BIGNUM *exponent = BN_new();

    return exponent != NULL && BN_set_word(exponent, 3) == 1 &&
           EVP_PKEY_CTX_set_rsa_keygen_bits(context, RSA_BITS) > 0 &&
           EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context, exponent) > 0;
}

bool mse_issue_key_make(enum mse_issue_key_kind kind, EVP_PKEY **out, struct mse_error *err)
{
    MSE_CLEANUP(context_cleanup) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(kinds[kind].id, NULL);
    bool ok = context != NULL && EVP_PKEY_keygen_init(context) > 0;

    *out = NULL;
    if (ok && kind == MSE_ISSUE_KEY_P256)
        ok = EVP_PKEY_CTX_set_group_name(context, "P-256") > 0;
    if (ok && kind == MSE_ISSUE_KEY_RSA)
        ok = set_rsa(context);
    if (ok && EVP_PKEY_keygen(context, out) > 0)
        return true;
    *out = NULL;
    return mse_issue_fail_openssl(err, "new key");
}

static bool copy_out(BIO *bio, struct mse_writer *out, struct mse_error *err)
{
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);

    if (data == NULL || len <= 0)
        return mse_issue_fail_openssl(err, "PEM");
    mse_write_bytes(out, data, (size_t)len);
    return mse_writer_ok(out) || mse_fail_memory(err);
}

bool mse_issue_key_write(EVP_PKEY *key, struct mse_writer *out, struct mse_error *err)
{
    MSE_CLEANUP(bio_cleanup) BIO *bio = BIO_new(BIO_s_secmem());

    if (bio == NULL || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
        return mse_issue_fail_openssl(err, "private key");
    return copy_out(bio, out, err);
}

bool mse_issue_key_write_public(EVP_PKEY *key, struct mse_writer *out, struct mse_error *err)
{
    MSE_CLEANUP(bio_cleanup) BIO *bio = BIO_new(BIO_s_mem());

    if (bio == NULL || PEM_write_bio_PUBKEY(bio, key) != 1)
        return mse_issue_fail_openssl(err, "public key");
    return copy_out(bio, out, err);
}

bool mse_issue_key_read(struct mse_bytes pem, enum mse_issue_key_kind kind, EVP_PKEY **out,
                        struct mse_error *err)
{
    MSE_CLEANUP(bio_cleanup) BIO *bio = NULL;
    char no_password[] = ""; /* or an encrypted file would have the library ask for one */

    *out = NULL;
    if (pem.len > INT32_MAX)
        return mse_fail(err, MSE_ERR_LIMIT, 0, "private key");
    bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    if (bio != NULL)
        *out = PEM_read_bio_PrivateKey(bio, NULL, NULL, no_password);
    if (*out == NULL)
        return mse_issue_fail_openssl(err, "private key");
    if (EVP_PKEY_get_base_id(*out) == kinds[kind].id)
        return true;
    mse_issue_key_cleanup(out);
    return mse_fail_text(err, MSE_ERR_VALUE, "private key", "it is no %s key", kinds[kind].name);
}

bool mse_issue_key_point(EVP_PKEY *key, uint8_t out[static 65], struct mse_error *err)
{
    size_t len = 0;

    if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, out, 65, &len) == 1 &&
        len == 65 && out[0] == 4)
        return true;
    memset(out, 0, 65);
    return mse_issue_fail_openssl(err, "point");
}

bool mse_issue_key_raw(EVP_PKEY *key, uint8_t out[static 32], struct mse_error *err)
{
    size_t len = 32;

    if (EVP_PKEY_get_raw_public_key(key, out, &len) == 1 && len == 32)
        return true;
    memset(out, 0, 32);
    return mse_issue_fail_openssl(err, "public key");
}

bool mse_issue_key_mrsigner(EVP_PKEY *key, uint8_t out[static 32], struct mse_error *err)
{
    MSE_CLEANUP(bn_cleanup) BIGNUM *modulus = NULL;
    uint8_t bytes[RSA_SIZE];

    memset(out, 0, 32);
    if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &modulus) != 1 ||
        BN_bn2lebinpad(modulus, bytes, RSA_SIZE) != RSA_SIZE)
        return mse_issue_fail_openssl(err, "enclave signer");
    return mse_issue_sha256(MSE_BYTES(bytes), out, err);
}

/* *len is room on entry, length on return. Ed25519 hashes itself and takes no digest. */
static bool sign(EVP_PKEY *key, const EVP_MD *digest, struct mse_bytes message, uint8_t *out,
                 size_t *len)
{
    MSE_CLEANUP(digest_cleanup) EVP_MD_CTX *context = EVP_MD_CTX_new();

    return context != NULL && EVP_DigestSignInit(context, NULL, digest, NULL, key) == 1 &&
           EVP_DigestSign(context, out, len, message.data, message.len) == 1;
}

/* From SEQUENCE { r, s } to two numbers of fixed size. */
static bool split_signature(const uint8_t *der, size_t len, uint8_t out[static 64])
{
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)len);
    bool ok = signature != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, 32) == 32 &&
              BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + 32, 32) == 32;

    ECDSA_SIG_free(signature);
    return ok;
}

bool mse_issue_sign_ecdsa(EVP_PKEY *key, struct mse_bytes message, uint8_t out[static 64],
                          struct mse_error *err)
{
    uint8_t der[80];
    size_t len = sizeof(der);

    if (sign(key, EVP_sha256(), message, der, &len) && split_signature(der, len, out))
        return true;
    memset(out, 0, 64);
    return mse_issue_fail_openssl(err, "signature");
}

bool mse_issue_sign_ed25519(EVP_PKEY *key, struct mse_bytes message, uint8_t out[static 64],
                            struct mse_error *err)
{
    size_t len = 64;

    if (sign(key, NULL, message, out, &len) && len == 64)
        return true;
    memset(out, 0, 64);
    return mse_issue_fail_openssl(err, "signature");
}

bool mse_issue_sha256(struct mse_bytes in, uint8_t out[static 32], struct mse_error *err)
{
    if (EVP_Digest(in.data, in.len, out, NULL, EVP_sha256(), NULL) == 1)
        return true;
    memset(out, 0, 32);
    return mse_issue_fail_openssl(err, "SHA-256");
}

bool mse_issue_random(uint8_t *out, size_t len, struct mse_error *err)
{
    if (len <= INT32_MAX && RAND_bytes(out, (int)len) == 1)
        return true;
    memset(out, 0, len);
    return mse_issue_fail_openssl(err, "random bytes");
}
