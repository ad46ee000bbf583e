/* SPDX-License-Identifier: Apache-2.0 */
/* What a secret key is made of; for its file and for signing only. */
#ifndef MSE_RELEASE_MINISIGN_SECRET_H
#define MSE_RELEASE_MINISIGN_SECRET_H

#include "release/minisign.h"

struct mse_minisign_secret {
    uint8_t id[8];
    uint8_t key[64]; /* seed 32 | public key 32, as libsodium keeps it */
};

#endif
