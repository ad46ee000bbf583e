/* SPDX-License-Identifier: Apache-2.0 */
/* The envelope of Intel's signed replies: {"tcbInfo": {...}, "signature": "hex"}. */
#ifndef MSE_ENDORSEMENT_SIGNED_JSON_H
#define MSE_ENDORSEMENT_SIGNED_JSON_H

#include "base/bytes.h"

/*
 * Splits a reply (name: the member that is signed) into the exact span of that object and its
 * signature. The object itself is only delimited, not parsed: that waits for the signature. Other
 * members are allowed beside them, a member twice or a key with escapes is not.
 */
MSE_MUST_CHECK bool mse_signed_json_split(struct mse_bytes reply, const char *name,
                                          struct mse_bytes *body, uint8_t signature[static 64],
                                          struct mse_error *err);

#endif
