/* SPDX-License-Identifier: Apache-2.0 */
/* One-shot digests over OpenSSL's low-level functions. */
/*
 * Why not EVP: an EVP digest in OpenSSL 3.0 allocates and looks its algorithm up at every call,
 * which costs as much as hashing a few kilobytes. The low-level calls cannot fail.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/hash.h"

#include <openssl/sha.h>

void mse_sha256(struct mse_bytes in, uint8_t out[static MSE_SHA256_SIZE])
{
    mse_sha256_pair(in, (struct mse_bytes){ NULL, 0 }, out);
}

void mse_sha256_pair(struct mse_bytes a, struct mse_bytes b, uint8_t out[static MSE_SHA256_SIZE])
{
    SHA256_CTX ctx;

    SHA256_Init(&ctx);
    SHA256_Update(&ctx, a.data, a.len);
    SHA256_Update(&ctx, b.data, b.len);
    SHA256_Final(out, &ctx);
}

void mse_sha384(struct mse_bytes in, uint8_t out[static MSE_SHA384_SIZE])
{
    SHA512_CTX ctx;

    SHA384_Init(&ctx);
    SHA384_Update(&ctx, in.data, in.len);
    SHA384_Final(out, &ctx);
}

void mse_sha512(struct mse_bytes in, uint8_t out[static MSE_SHA512_SIZE])
{
    mse_sha512_pair(in, (struct mse_bytes){ NULL, 0 }, out);
}

void mse_sha512_pair(struct mse_bytes a, struct mse_bytes b, uint8_t out[static MSE_SHA512_SIZE])
{
    SHA512_CTX ctx;

    SHA512_Init(&ctx);
    SHA512_Update(&ctx, a.data, a.len);
    SHA512_Update(&ctx, b.data, b.len);
    SHA512_Final(out, &ctx);
}
