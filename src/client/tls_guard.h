/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bound on what a TLS peer may send before it is trusted: OpenSSL reads empty records, tickets
 * and key updates in one call as long as there are any, and no deadline of the caller's would pass.
 */
#ifndef MSE_CLIENT_TLS_GUARD_H
#define MSE_CLIENT_TLS_GUARD_H

#include <openssl/ssl.h>

#include "base/error.h"
#include "client/deadline.h"

#define MSE_TLS_GUARD_BYTES (1U << 20)

struct mse_tls_guard {
    const struct mse_deadline *deadline;
    size_t bytes;
    bool exceeded;
};
/* From start to stop the guard must stay where it is. */
void mse_tls_guard_start(struct mse_tls_guard *guard, SSL *ssl,
                         const struct mse_deadline *deadline);
void mse_tls_guard_stop(SSL *ssl);
/*
 * After an SSL function returned n, which was no success: waits until it can be called again.
 * False: the deadline has passed, the guard was exceeded, or it failed for good, and *err says what
 * (MSE_ERR_TIMEOUT, MSE_ERR_TLS, MSE_ERR_NETWORK).
 */
MSE_MUST_CHECK bool mse_tls_guard_wait(const struct mse_tls_guard *guard, SSL *ssl, int n,
                                       const char *what, struct mse_error *err);

#endif
