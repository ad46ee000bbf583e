/* SPDX-License-Identifier: Apache-2.0 */
/* The client's end of mse-attest/1: one request and its reply (docs/formats.md). */
#ifndef MSE_CLIENT_ATTEST_CLIENT_H
#define MSE_CLIENT_ATTEST_CLIENT_H

#include <openssl/ssl.h>

#include "base/bytes.h"
#include "client/deadline.h"

/* An answer of one connection; nothing in it has been judged. */
struct mse_attest_answer {
    uint8_t *reply;         /* owned; behind its length */
    struct mse_fresh fresh; /* points into reply; level is not set */
};
/*
 * Asks on a finished connection over a non-blocking socket; inner: the protocol that follows, empty
 * for none. MSE_ERR_UNSUPPORTED, and nothing is sent, unless it is a full handshake of TLS 1.3 with
 * ALPN mse-attest/1. Not a byte behind the reply is read.
 */
MSE_MUST_CHECK bool mse_attest_ask(SSL *ssl, struct mse_bytes inner,
                                   const struct mse_deadline *deadline,
                                   struct mse_attest_answer *out, struct mse_error *err);
void mse_attest_answer_cleanup(struct mse_attest_answer *answer);
/* True if the peer chose mse-attest/1 on this connection. */
bool mse_attest_is_offered(const SSL *ssl);
/* The evidence inside a reply, for finding its collateral; empty if it is malformed. */
struct mse_bytes mse_attest_evidence(struct mse_bytes reply);

#endif
