/* SPDX-License-Identifier: Apache-2.0 */
/* BLAKE2b without a key (RFC 7693): OpenSSL 3.0 knows no other size of it than 64 bytes. */
#ifndef MSE_RELEASE_BLAKE2B_H
#define MSE_RELEASE_BLAKE2B_H

#include "base/bytes.h"

/* out_len is 1 to 64. Nothing of the input stays behind in memory. */
void mse_blake2b(struct mse_bytes in, uint8_t *out, size_t out_len);

#endif
