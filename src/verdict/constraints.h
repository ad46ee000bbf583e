/* SPDX-License-Identifier: Apache-2.0 */
/* Do a certificate's name constraints keep it to the names it is for, and to nothing else? */
#ifndef MSE_VERDICT_CONSTRAINTS_H
#define MSE_VERDICT_CONSTRAINTS_H

#include "crypto/cert.h"

/*
 * True if constraints (payload of nameConstraints, RFC 5280, 4.2.1.10) permit exactly alternative
 * names of the certificate, exclude everything below each of them, and leave no kind of name (DNS,
 * IPv4, IPv6) unconstrained. False for everything else, malformed ones too.
 */
bool mse_constraints_are_own_names(const struct mse_cert *cert, struct mse_bytes constraints);

#endif
