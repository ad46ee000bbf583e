/* SPDX-License-Identifier: Apache-2.0 */
/* What a secret key is made of; for its file, for signing and for opening what is sealed to it. */
#ifndef MSE_RELEASE_MINISIGN_SECRET_H
#define MSE_RELEASE_MINISIGN_SECRET_H

#include "release/minisign.h"

struct mse_minisign_secret {
    uint8_t id[8];
    uint8_t key[64]; /* seed 32 | public key 32, as libsodium keeps it */
};
/* Ed25519 over data itself (RFC 8032), for texts that begin with a tag of their own. */
MSE_MUST_CHECK bool mse_minisign_secret_sign(const struct mse_minisign_secret *key,
                                             struct mse_bytes data, uint8_t out[static 64],
                                             struct mse_error *err);

#endif
