/* SPDX-License-Identifier: Apache-2.0 */
/* AlgorithmIdentifiers of keys and signatures (RFC 3279, 4055, 5480, 8410). */
#ifndef MSE_CRYPTO_ALGORITHM_H
#define MSE_CRYPTO_ALGORITHM_H

#include "crypto/key.h"

/*
 * The next AlgorithmIdentifier, whole TLV; it must be well formed. *type is MSE_SIGNATURE_OTHER
 * for an algorithm, or parameters, that mse_key_check() does not know.
 */
struct mse_bytes mse_algorithm_read_signature(struct mse_reader *r, enum mse_signature_type *type,
                                              const char *field);
/*
 * The next SubjectPublicKeyInfo, whole TLV: *bits is its BIT STRING's content. *type is
 * MSE_KEY_OTHER for a kind of key that mse_key_new() does not know.
 */
struct mse_bytes mse_algorithm_read_spki(struct mse_reader *r, enum mse_key_type *type,
                                         struct mse_bytes *bits, const char *field);

#endif
