/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed boxes of NaCl (X25519, XSalsa20-Poly1305): whoever has the public key can make one. */
#ifndef MSE_PACKAGE_SEALED_BOX_H
#define MSE_PACKAGE_SEALED_BOX_H

#include "base/bytes.h"

#define MSE_SEALED_OVERHEAD 48 /* ephemeral public key and tag */

/* Appends the box. MSE_ERR_VALUE if the key is none that anything can be sealed to. */
MSE_MUST_CHECK bool mse_sealed_box_write(const uint8_t recipient[static 32], struct mse_bytes in,
                                         struct mse_writer *out, struct mse_error *err);
/* Appends what the box holds. MSE_ERR_SIGNATURE if it is for another key, or was changed. */
MSE_MUST_CHECK bool mse_sealed_box_open(const uint8_t secret[static 32], struct mse_bytes box,
                                        struct mse_writer *out, struct mse_error *err);

/* The X25519 form of an owner's Ed25519 key. MSE_ERR_VALUE if the public key is no such key. */
MSE_MUST_CHECK bool mse_sealed_box_of_owner(const uint8_t public_key[static 32],
                                            uint8_t out[static 32], struct mse_error *err);
/* secret_key: seed, then public key. out is the caller's to wipe. */
MSE_MUST_CHECK bool mse_sealed_box_secret_of_owner(const uint8_t secret_key[static 64],
                                                   uint8_t out[static 32], struct mse_error *err);

#endif
