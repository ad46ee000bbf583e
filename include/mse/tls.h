/* SPDX-License-Identifier: Apache-2.0 */
/* Verification inside the TLS handshake of the connection that is then used (OpenSSL). */
#ifndef MSE_TLS_H
#define MSE_TLS_H

#include <openssl/ssl.h>

#include <mse/mse.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Called with the peer's certificate when the collateral at hand does not suffice; returns more, or
 * NULL. What is returned is owned by the caller of the callback (mse_collateral_free).
 */
typedef struct mse_collateral *(*mse_collateral_callback)(void *arg, struct mse_bytes certificate);

struct mse_tls_options {
    struct mse_verifier *verifier;           /* borrowed until the SSL_CTX is freed */
    const struct mse_collateral *collateral; /* borrowed likewise; may be NULL */
    const struct mse_policy *policy;         /* borrowed likewise */
    const char *name;                        /* copied; the name every connection asks for */
    const char *profile;                     /* copied; may be NULL */
    int64_t (*now)(void *arg);               /* the clock to judge by */
    mse_collateral_callback more;            /* may be NULL */
    void *arg;                               /* handed to both callbacks */
};

/*
 * Makes every client connection of ctx verify its peer inside the handshake. A verdict of fail or
 * unknown, and any internal error, ends the handshake with an alert: no application byte is sent.
 * Sessions are neither cached nor resumed, renegotiation is off, TLS 1.2 is the minimum.
 * The caller must not change ctx's verify settings, session cache or minimum version afterwards.
 */
MSE_API MSE_CHECKED bool mse_tls_client_attach(SSL_CTX *ctx, const struct mse_tls_options *options,
                                               struct mse_error *err);
/* The report of this connection's peer, or NULL before the handshake; borrowed from ssl. */
MSE_API const struct mse_report *mse_tls_report(const SSL *ssl);

#ifdef __cplusplus
}
#endif

#endif
