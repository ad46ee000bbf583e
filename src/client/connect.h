/* SPDX-License-Identifier: Apache-2.0 */
/* Reaching a service: host and port, TCP (directly or through an HTTP proxy), TLS handshake. */
#ifndef MSE_CLIENT_CONNECT_H
#define MSE_CLIENT_CONNECT_H

#include <openssl/ssl.h>

#include "base/bytes.h"
#include "client/deadline.h"

struct mse_target {
    char host[256]; /* name or address, without brackets */
    char port[6];
    bool is_address; /* IPv4 or IPv6 literal: no SNI then */
};

/*
 * "HOST", "HOST:PORT", "1.2.3.4:PORT", "[v6]:PORT", "v6", each with "https://" before and "/"
 * behind it allowed. MSE_ERR_USAGE otherwise.
 */
MSE_MUST_CHECK bool mse_target_parse(const char *text, const char *default_port,
                                     struct mse_target *out, struct mse_error *err);

/*
 * Connects to target, or through the HTTP proxy with CONNECT if proxy is not NULL. All addresses of
 * a name are tried in turn. *fd is non-blocking and owned by the caller.
 */
MSE_MUST_CHECK bool mse_tcp_connect(const struct mse_target *target, const struct mse_target *proxy,
                                    const struct mse_deadline *deadline, int *fd,
                                    struct mse_error *err);

/*
 * TLS handshake on fd with this SNI (NULL: none). On success *out is owned by the caller (SSL_free;
 * the descriptor stays the caller's). On failure: MSE_ERR_TIMEOUT; MSE_ERR_TLS with what the peer
 * did instead ("speaks HTTP, not TLS").
 */
MSE_MUST_CHECK bool mse_tls_connect(SSL_CTX *ctx, int fd, const char *sni,
                                    const struct mse_deadline *deadline, SSL **out,
                                    struct mse_error *err);
/* The same, but *out is handed over after a failed handshake too (NULL only if it was never begun):
 * the report of mse/tls.h says why the peer was refused. */
MSE_MUST_CHECK bool mse_tls_connect_keep(SSL_CTX *ctx, int fd, const char *sni,
                                         const struct mse_deadline *deadline, SSL **out,
                                         struct mse_error *err);

/* "http://host:port" as the environment's https_proxy has it. */
MSE_MUST_CHECK bool mse_proxy_parse(const char *url, struct mse_target *out, struct mse_error *err);
/* True if host is excepted by a no_proxy list ("*", or names separated by commas). */
bool mse_no_proxy_has(const char *no_proxy, const char *host);

#endif
