/* SPDX-License-Identifier: Apache-2.0 */
/* HKDF-SHA256 with the crypto library's implementation. */
#include "issue/hkdf.h"

#include <openssl/kdf.h>

#include "issue/key.h"

#define KEY_SIZE 32

static void context_cleanup(EVP_PKEY_CTX **context)
{
    EVP_PKEY_CTX_free(*context);
}

static bool derive(EVP_PKEY_CTX *context, struct mse_bytes secret, struct mse_bytes info,
                   uint8_t out[static KEY_SIZE])
{
    size_t len = KEY_SIZE;

    return secret.len > 0 && secret.len <= INT32_MAX && info.len <= INT32_MAX &&
           EVP_PKEY_derive_init(context) > 0 &&
           EVP_PKEY_CTX_set_hkdf_md(context, EVP_sha256()) > 0 &&
           EVP_PKEY_CTX_set1_hkdf_key(context, secret.data, (int)secret.len) > 0 &&
           EVP_PKEY_CTX_add1_hkdf_info(context, info.data, (int)info.len) > 0 &&
           EVP_PKEY_derive(context, out, &len) > 0 && len == KEY_SIZE;
}

bool mse_issue_hkdf(struct mse_bytes secret, struct mse_bytes info, uint8_t out[static 32],
                    struct mse_error *err)
{
    MSE_CLEANUP(context_cleanup) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);

    memset(out, 0, KEY_SIZE);
    if (context != NULL && derive(context, secret, info, out))
        return true;
    OPENSSL_cleanse(out, KEY_SIZE);
    return mse_issue_fail_openssl(err, "HKDF");
}
