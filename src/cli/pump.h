/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes both ways between two descriptors and a TLS connection. */
#ifndef MSE_CLI_PUMP_H
#define MSE_CLI_PUMP_H

#include <openssl/ssl.h>

#include "base/error.h"

/*
 * What comes from in is sent to the peer, what comes from the peer is written to out, until both
 * have ended. The end of in is told to the peer (close_notify). After the peer's end out is closed
 * (the descriptor then leads to /dev/null), and what in still gives is sent as long as the peer
 * takes it. ssl is over a non-blocking socket; in and out may block. MSE_ERR_TLS if the peer goes
 * without close_notify: what came may have been cut; MSE_ERR_IO for in and out.
 */
MSE_MUST_CHECK bool pump(SSL *ssl, int in, int out, struct mse_error *err);

#endif
