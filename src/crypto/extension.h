/* SPDX-License-Identifier: Apache-2.0 */
/* Reading of X.509 extension lists (RFC 5280, 4.1 and 5.2), for certificates and CRLs. */
#ifndef MSE_CRYPTO_EXTENSION_H
#define MSE_CRYPTO_EXTENSION_H

#include "crypto/cert.h"

/* One Extension; its OBJECT IDENTIFIER is well formed. */
struct mse_extension mse_extension_read(struct mse_reader *r, const char *field);
/*
 * The next element, Extensions: at most max (MSE_ERR_LIMIT), none twice (MSE_ERR_DUPLICATE),
 * at least one (MSE_ERR_VALUE). *count is 0 after a failure.
 */
void mse_extensions_read(struct mse_reader *r, struct mse_extension *out, size_t max, size_t *count,
                         const char *field);
/* MSE_ERR_UNSUPPORTED at the OID of an extension that r's input holds. */
void mse_extension_refuse(const struct mse_reader *r, const struct mse_extension *extension,
                          const char *field);

#endif
