/* SPDX-License-Identifier: Apache-2.0 */
/* One-shot digests. */
#ifndef MSE_CRYPTO_HASH_H
#define MSE_CRYPTO_HASH_H

#include "base/bytes.h"

#define MSE_SHA256_SIZE 32
#define MSE_SHA384_SIZE 48
#define MSE_SHA512_SIZE 64

void mse_sha256(struct mse_bytes in, uint8_t out[static MSE_SHA256_SIZE]);
void mse_sha384(struct mse_bytes in, uint8_t out[static MSE_SHA384_SIZE]);
void mse_sha512(struct mse_bytes in, uint8_t out[static MSE_SHA512_SIZE]);
/* H(a || b). */
void mse_sha256_pair(struct mse_bytes a, struct mse_bytes b, uint8_t out[static MSE_SHA256_SIZE]);
void mse_sha512_pair(struct mse_bytes a, struct mse_bytes b, uint8_t out[static MSE_SHA512_SIZE]);

#endif
