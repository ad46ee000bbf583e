/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client that imports this certificate as a trust anchor lets its key holder vouch for
 * (docs/threat-model.md, "Imported certificates").
 */
#ifndef MSE_VERDICT_SHAPE_H
#define MSE_VERDICT_SHAPE_H

#include "crypto/cert.h"

enum mse_shape {
    MSE_SHAPE_UNSAFE, /* a CA, or what some client takes for one: must not be imported */
    MSE_SHAPE_LEAF,   /* CA:FALSE without name constraints: not for rustls and wolfSSL clients */
    MSE_SHAPE_CONSTRAINED /* CA:FALSE, constrained to its own names */
};

/* reason: why it is not the best, "" for the best; a string constant. */
enum mse_shape mse_shape_of(const struct mse_cert *cert, const char **reason);

#endif
