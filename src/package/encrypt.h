/* SPDX-License-Identifier: Apache-2.0 */
/* NaCl secretbox over contents of any size: nonce(24) || tag(16) || ciphertext, piece by piece. */
#ifndef MSE_PACKAGE_ENCRYPT_H
#define MSE_PACKAGE_ENCRYPT_H

#include "base/bytes.h"

#define MSE_BOX_KEY 32
#define MSE_BOX_NONCE 24
#define MSE_BOX_TAG 16
#define MSE_BOX_OVERHEAD (MSE_BOX_NONCE + MSE_BOX_TAG)
#define MSE_BOX_SUFFIX ".enc"
/* Pieces have this many bytes or a multiple of it; only the last may have fewer. */
#define MSE_BOX_STEP 64

/*
 * One box that is being sealed or opened. The content of a box that is being opened comes out
 * before its tag is known: whoever takes it discards it if mse_box_check fails.
 */
struct mse_box {
    uint8_t key[MSE_BOX_KEY], nonce[MSE_BOX_NONCE];
    uint64_t at;                   /* bytes of content so far */
    _Alignas(16) uint8_t mac[256]; /* Poly1305 over the ciphertext so far */
};

MSE_MUST_CHECK bool mse_box_init(struct mse_box *box, const uint8_t key[static MSE_BOX_KEY],
                                 const uint8_t nonce[static MSE_BOX_NONCE], struct mse_error *err);
/* In place. */
void mse_box_seal(struct mse_box *box, uint8_t *data, size_t len);
void mse_box_open(struct mse_box *box, uint8_t *data, size_t len);
/* Each of these ends the box and wipes it. */
void mse_box_tag(struct mse_box *box, uint8_t out[static MSE_BOX_TAG]);
/* MSE_ERR_SIGNATURE if the key or the content is not right. */
MSE_MUST_CHECK bool mse_box_check(struct mse_box *box, const uint8_t tag[static MSE_BOX_TAG],
                                  struct mse_error *err);
void mse_box_cleanup(struct mse_box *box);
MSE_MUST_CHECK bool mse_box_random(uint8_t *out, size_t len, struct mse_error *err);

#endif
