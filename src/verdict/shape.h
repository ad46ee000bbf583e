/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client that imports this certificate as a trust anchor lets its key holder vouch for
 * (docs/threat-model.md, "Imported certificates").
 */
#ifndef MSE_VERDICT_SHAPE_H
#define MSE_VERDICT_SHAPE_H

#include "crypto/cert.h"

enum mse_shape {
    MSE_SHAPE_UNSAFE, /* a CA, or what some client takes for one, or a wildcard: not to be imported
                       */
    MSE_SHAPE_LEAF,   /* CA:FALSE, not constrained to its own names: not for rustls and wolfSSL */
    MSE_SHAPE_CONSTRAINED /* CA:FALSE, constrained to exactly its own names */
};

/* reason: why it is not the best, "" for the best; a string constant. */
enum mse_shape mse_shape_of(const struct mse_cert *cert, const char **reason);

/*
 * True if every name of the certificate is one of these; else *other is the first that is not, as
 * text in out. Names are compared as mse_name_check does, without wildcards.
 */
bool mse_shape_names_are(const struct mse_cert *cert, const char *const *names, size_t count,
                         char *other, size_t size);

#endif
