/* SPDX-License-Identifier: Apache-2.0 */
/* minisign's prehashed signatures, as `minisign -S` makes them. */
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/encode.h"
#include "release/blake2b.h"
#include "release/minisign_format.h"
#include "release/minisign_secret.h"

static void pkey_cleanup(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void context_cleanup(EVP_MD_CTX **ctx)
{
    EVP_MD_CTX_free(*ctx);
}

/* RFC 8032, 5.1.6 */
bool mse_minisign_secret_sign(const struct mse_minisign_secret *key, struct mse_bytes data,
                              uint8_t out[static 64], struct mse_error *err)
{
    MSE_CLEANUP(pkey_cleanup)
    EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, key->key, 32);
    MSE_CLEANUP(context_cleanup) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t len = 64;

    if (pkey != NULL && ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
        EVP_DigestSign(ctx, out, &len, data.data, data.len) == 1 && len == 64)
        return true;
    ERR_clear_error(); /* the queue belongs to the thread */
    return mse_fail_text(err, MSE_ERR_CRYPTO, "signature", "cannot sign");
}

static bool comment_ok(const char *comment, struct mse_error *err)
{
    size_t len = strlen(comment);

    if (len > MSE_MINISIGN_COMMENT_MAX)
        return mse_fail_text(err, MSE_ERR_LIMIT, "trusted comment", "longer than %d bytes",
                             MSE_MINISIGN_COMMENT_MAX);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)comment[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return mse_fail_text_at(err, MSE_ERR_VALUE, i, "trusted comment",
                                    "holds control characters");
    }
    return true;
}

bool mse_minisign_sign(const struct mse_minisign_secret *key, struct mse_bytes data,
                       const char *trusted_comment, struct mse_writer *out, struct mse_error *err)
{
    uint8_t digest[64], signature[MSE_MINISIGN_SIGNATURE_SIZE] = { 'E', 'D' }, over_comment[64];
    uint8_t global[64 + MSE_MINISIGN_COMMENT_MAX];
    char first[4 * 25 + 1], second[4 * 22 + 1], id[MSE_MINISIGN_KEY_ID_TEXT];
    size_t len = strlen(trusted_comment);

    if (!comment_ok(trusted_comment, err))
        return false;
    mse_blake2b(data, digest, sizeof(digest));
    memcpy(signature + 2, key->id, sizeof(key->id));
    if (!mse_minisign_secret_sign(key, MSE_BYTES(digest), signature + 10, err))
        return false;
    memcpy(global, signature + 10, 64);
    memcpy(global + 64, trusted_comment, len);
    if (!mse_minisign_secret_sign(key, (struct mse_bytes){ global, 64 + len }, over_comment, err))
        return false;
    (void)mse_base64_write(signature, sizeof(signature), first);
    (void)mse_base64_write(over_comment, sizeof(over_comment), second);
    mse_write_format(out, MSE_MINISIGN_UNTRUSTED "signature from minisign secret key %s\n%s\n",
                     mse_minisign_id_text(key->id, id), first);
    mse_write_text(out, MSE_MINISIGN_TRUSTED);
    mse_write_text(out, trusted_comment);
    mse_write_format(out, "\n%s\n", second);
    return mse_writer_ok(out) || mse_fail_memory(err);
}
