/* SPDX-License-Identifier: Apache-2.0 */
/* Shape of a certificate, looked at before anybody is told to import it. */
#include "verdict/shape.h"

#include "verdict/constraints.h"

/* id-ce-nameConstraints, 2.5.29.30 */
static const uint8_t oid_name_constraints[] = { 0x55, 0x1d, 0x1e };

enum mse_shape mse_shape_of(const struct mse_cert *cert, const char **reason)
{
    const struct mse_extension *constraints;

    *reason = "";
    if (cert->is_ca) {
        *reason = "it is a CA certificate: whoever holds its key could vouch for any site";
        return MSE_SHAPE_UNSAFE;
    }
    if (!cert->has_basic_constraints) {
        *reason = "it has no basicConstraints: GnuTLS clients would take it for a CA";
        return MSE_SHAPE_UNSAFE;
    }
    if (cert->has_key_usage && (cert->key_usage & MSE_KEY_USAGE_CERT_SIGN) != 0) {
        *reason = "its key usage lets it sign certificates";
        return MSE_SHAPE_UNSAFE;
    }
    constraints = mse_cert_extension(cert, MSE_BYTES(oid_name_constraints));
    if (constraints == NULL) {
        *reason = "it has no name constraints: do not import it into rustls or wolfSSL clients";
        return MSE_SHAPE_LEAF;
    }
    if (!mse_constraints_are_own_names(cert, constraints->payload)) {
        *reason = "its name constraints permit more than its own names: do not import it into "
                  "rustls or wolfSSL clients";
        return MSE_SHAPE_LEAF;
    }
    return MSE_SHAPE_CONSTRAINED;
}
