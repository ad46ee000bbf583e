/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 requests on a TLS connection that stands (RFC 9112): small replies, one deadline. */
#ifndef MSE_CLIENT_HTTP_EXCHANGE_H
#define MSE_CLIENT_HTTP_EXCHANGE_H

#include <openssl/ssl.h>

#include "base/bytes.h"
#include "client/deadline.h"

#define MSE_EXCHANGE_MAX_HEAD (16U << 10)
#define MSE_EXCHANGE_MAX_REPLY (64U << 10) /* body */

struct mse_exchange_request {
    const char *method, *path, *host; /* host: as the Host field has it */
    const char *fields;               /* more of them, each ends with CR LF; or NULL */
    struct mse_bytes body;
};
struct mse_exchange_reply {
    unsigned status;
    bool close;    /* nothing can follow on this connection */
    char *head;    /* owned, NUL-terminated: the fields, each ends with CR LF */
    uint8_t *body; /* owned */
    size_t body_len;
};
/*
 * Sends and reads on ssl, whose descriptor is non-blocking. With head_only the reply ends behind
 * its head, and the connection cannot be used again. Errors: MSE_ERR_TIMEOUT, MSE_ERR_NETWORK,
 * MSE_ERR_TLS; MSE_ERR_HTTP for what is no such reply or is too long.
 */
MSE_MUST_CHECK bool mse_exchange(SSL *ssl, const struct mse_exchange_request *request,
                                 bool head_only, const struct mse_deadline *deadline,
                                 struct mse_exchange_reply *out, struct mse_error *err);
void mse_exchange_reply_cleanup(struct mse_exchange_reply *reply);
/* *out is empty if there is no such field; false if there are two. */
MSE_MUST_CHECK bool mse_exchange_field(const struct mse_exchange_reply *reply, const char *name,
                                       struct mse_bytes *out, struct mse_error *err);

#endif
