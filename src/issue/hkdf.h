/* SPDX-License-Identifier: Apache-2.0 */
/* HKDF-SHA256 (RFC 5869) as sealing keys need it: no salt, 32 bytes. */
#ifndef MSE_ISSUE_HKDF_H
#define MSE_ISSUE_HKDF_H

#include "base/bytes.h"

/* secret: not empty. out is zero on failure. */
MSE_MUST_CHECK bool mse_issue_hkdf(struct mse_bytes secret, struct mse_bytes info,
                                   uint8_t out[static 32], struct mse_error *err);

#endif
