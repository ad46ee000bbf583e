/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that sign enclaves: RSA of 3072 bits with exponent 3 (Intel SDM vol. 3D, "SIGSTRUCT"). */
#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "crypto/hash.h"
#include "measure/sigstruct.h"

struct mse_enclave_key {
    EVP_PKEY *pkey;
    uint8_t modulus[MSE_ENCLAVE_KEY_BYTES]; /* little-endian */
};

static void bio_cleanup(BIO **bio)
{
    BIO_free(*bio);
}

static void bn_cleanup(BIGNUM **bn)
{
    BN_free(*bn);
}

static void md_cleanup(EVP_MD_CTX **ctx)
{
    EVP_MD_CTX_free(*ctx);
}

static void ctx_cleanup(EVP_PKEY_CTX **ctx)
{
    EVP_PKEY_CTX_free(*ctx);
}

static bool fail_crypto(struct mse_error *err, const char *what)
{
    ERR_clear_error();
    return mse_fail_text(err, MSE_ERR_CRYPTO, "enclave key", "OpenSSL cannot %s", what);
}

/* Names what a key is instead of the one kind that SGX takes. */
static bool check_kind(const BIGNUM *n, const BIGNUM *e, struct mse_error *err)
{
    char shown[32] = "very long";

    if (BN_num_bits(n) != MSE_ENCLAVE_KEY_BITS)
        return mse_fail_text(err, MSE_ERR_VALUE, "enclave key",
                             "an RSA key of %d bits: SGX takes keys of %d bits", BN_num_bits(n),
                             MSE_ENCLAVE_KEY_BITS);
    if (BN_is_word(e, MSE_ENCLAVE_KEY_EXPONENT) != 1) {
        if (BN_num_bits(e) <= 32)
            (void)snprintf(shown, sizeof(shown), "%lu", (unsigned long)BN_get_word(e));
        return mse_fail_text(err, MSE_ERR_VALUE, "enclave key",
                             "its public exponent is %s: SGX takes keys with exponent %d", shown,
                             MSE_ENCLAVE_KEY_EXPONENT);
    }
    return true;
}

/* Takes pkey, also on failure. */
static bool take_key(EVP_PKEY *pkey, struct mse_enclave_key **out, struct mse_error *err)
{
    MSE_CLEANUP(mse_enclave_key_cleanup) struct mse_enclave_key *key = calloc(1, sizeof(*key));
    MSE_CLEANUP(bn_cleanup) BIGNUM *n = NULL;
    MSE_CLEANUP(bn_cleanup) BIGNUM *e = NULL;

    if (key == NULL) {
        EVP_PKEY_free(pkey);
        return mse_fail_memory(err);
    }
    key->pkey = pkey;
    if (EVP_PKEY_get_base_id(pkey) != EVP_PKEY_RSA) {
        const char *name = EVP_PKEY_get0_type_name(pkey);

        return mse_fail_text(err, MSE_ERR_VALUE, "enclave key",
                             "a key of type %s: SGX takes RSA keys of %d bits with exponent %d",
                             name != NULL ? name : "unknown", MSE_ENCLAVE_KEY_BITS,
                             MSE_ENCLAVE_KEY_EXPONENT);
    }
    if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) != 1 ||
        EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) != 1)
        return fail_crypto(err, "read its modulus and exponent");
    if (!check_kind(n, e, err))
        return false;
    if (BN_bn2lebinpad(n, key->modulus, sizeof(key->modulus)) != (int)sizeof(key->modulus))
        return fail_crypto(err, "write its modulus");
    *out = key;
    key = NULL; /* moved */
    return true;
}

/* No prompt: who wants an encrypted key decrypts it before. */
static int no_password(char *buffer, int size, int writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)writing;
    *(bool *)context = true;
    return -1;
}

bool mse_enclave_key_read(struct mse_bytes pem, struct mse_enclave_key **out, struct mse_error *err)
{
    MSE_CLEANUP(bio_cleanup) BIO *in = NULL;
    bool encrypted = false;
    EVP_PKEY *pkey;

    *out = NULL;
    if (pem.len > MSE_ENCLAVE_KEY_MAX_PEM)
        return mse_fail_text(err, MSE_ERR_LIMIT, "enclave key", "longer than %u bytes",
                             MSE_ENCLAVE_KEY_MAX_PEM);
    /* OpenSSL makes no BIO of no memory at all. */
    in = BIO_new_mem_buf(pem.len > 0 ? (const void *)pem.data : "", (int)pem.len);
    if (in == NULL)
        return mse_fail_memory(err);
    pkey = PEM_read_bio_PrivateKey(in, NULL, no_password, &encrypted);
    ERR_clear_error();
    if (pkey == NULL)
        return mse_fail_text(err, MSE_ERR_FORMAT, "enclave key",
                             encrypted ? "encrypted: decrypt it with openssl rsa before"
                                       : "no private key in PEM");
    return take_key(pkey, out, err);
}

bool mse_enclave_key_generate(struct mse_enclave_key **out, struct mse_error *err)
{
    MSE_CLEANUP(ctx_cleanup) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    MSE_CLEANUP(bn_cleanup) BIGNUM *e = BN_new();
    EVP_PKEY *pkey = NULL;

    *out = NULL;
    if (ctx == NULL || e == NULL || BN_set_word(e, MSE_ENCLAVE_KEY_EXPONENT) != 1 ||
        EVP_PKEY_keygen_init(ctx) != 1 ||
        EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, MSE_ENCLAVE_KEY_BITS) != 1 ||
        EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e) != 1 || EVP_PKEY_generate(ctx, &pkey) != 1)
        return fail_crypto(err, "make one");
    return take_key(pkey, out, err);
}

bool mse_enclave_key_write(const struct mse_enclave_key *key, struct mse_writer *out,
                           struct mse_error *err)
{
    MSE_CLEANUP(bio_cleanup) BIO *to = BIO_new(BIO_s_secmem());
    char *data = NULL;
    long len;

    if (to == NULL ||
        PEM_write_bio_PrivateKey_traditional(to, key->pkey, NULL, NULL, 0, NULL, NULL) != 1)
        return fail_crypto(err, "write it");
    len = BIO_get_mem_data(to, &data);
    if (len <= 0)
        return fail_crypto(err, "write it");
    mse_write_bytes(out, data, (size_t)len);
    return mse_writer_ok(out) || mse_fail_memory(err);
}

void mse_enclave_key_free(struct mse_enclave_key *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->pkey); /* wipes the private numbers */
    free(key);
}

void mse_enclave_key_cleanup(struct mse_enclave_key **key)
{
    mse_enclave_key_free(*key);
}

void mse_enclave_key_mrsigner(const struct mse_enclave_key *key, uint8_t out[static 32])
{
    mse_sha256(MSE_BYTES(key->modulus), out);
}

const uint8_t *mse_enclave_key_modulus(const struct mse_enclave_key *key)
{
    return key->modulus;
}

bool mse_enclave_key_sign(const struct mse_enclave_key *key, struct mse_bytes data,
                          uint8_t out[static MSE_ENCLAVE_KEY_BYTES], struct mse_error *err)
{
    MSE_CLEANUP(md_cleanup) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t signature[MSE_ENCLAVE_KEY_BYTES];
    size_t len = sizeof(signature);

    memset(out, 0, sizeof(signature));
    /* PKCS#1 v1.5 is what an RSA key does if nothing else is asked for. */
    if (ctx == NULL || EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key->pkey) != 1 ||
        EVP_DigestSign(ctx, signature, &len, data.data, data.len) != 1 || len != sizeof(signature))
        return fail_crypto(err, "sign with it");
    for (size_t i = 0; i < sizeof(signature); i++)
        out[i] = signature[sizeof(signature) - 1 - i];
    return true;
}
