/* SPDX-License-Identifier: Apache-2.0 */
/* Is a certificate for the name or address that was asked for (RFC 9525; RFC 5280, 4.2.1.6). */
#ifndef MSE_VERDICT_NAME_H
#define MSE_VERDICT_NAME_H

#include "crypto/cert.h"

/*
 * name is a DNS name (ASCII, a final dot is ignored) or the text of an IPv4 or IPv6 address,
 * without brackets. Compares subjectAltName only, never the subject. "*" stands for one whole
 * leftmost label. MSE_ERR_MISMATCH lists what the certificate is for.
 */
MSE_MUST_CHECK bool mse_name_check(const struct mse_cert *cert, const char *name,
                                   struct mse_error *err);
/* All alternative names as text, separated by ", ", escaped. Returns out. */
const char *mse_name_list(const struct mse_cert *cert, char *out, size_t size);

#endif
