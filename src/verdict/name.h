/* SPDX-License-Identifier: Apache-2.0 */
/* Is a certificate for the name or address that was asked for (RFC 9525; RFC 5280, 4.2.1.6). */
#ifndef MSE_VERDICT_NAME_H
#define MSE_VERDICT_NAME_H

#include "crypto/cert.h"

/* GeneralName tags */
#define MSE_NAME_DNS 2U
#define MSE_NAME_IP 7U

/*
 * name is a DNS name (ASCII, a final dot is ignored) or the text of an IPv4 or IPv6 address,
 * without brackets. Compares subjectAltName only, never the subject. "*" in the certificate stands
 * for one whole leftmost label. A name with a "*", or one that ends in a number and is no address,
 * is MSE_ERR_USAGE. MSE_ERR_MISMATCH lists what the certificate is for.
 */
MSE_MUST_CHECK bool mse_name_check(const struct mse_cert *cert, const char *name,
                                   struct mse_error *err);
/* The same name, without wildcards: case and a final dot do not matter. */
bool mse_name_equals(const struct mse_general_name *have, const char *name);
bool mse_dns_equal(const char *a, const char *b);
/* One alternative name as text, escaped. Returns out. */
const char *mse_name_text(const struct mse_general_name *name, char *out, size_t size);
/* All alternative names as text, separated by ", ", escaped. Returns out. */
const char *mse_name_list(const struct mse_cert *cert, char *out, size_t size);

#endif
