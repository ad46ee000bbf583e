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
 * The caller must not change ctx's verify settings, info callback, session cache or minimum version
 * afterwards, nor set a session. A second call for the same ctx is MSE_ERR_USAGE.
 */
MSE_API MSE_CHECKED bool mse_tls_client_attach(SSL_CTX *ctx, const struct mse_tls_options *options,
                                               struct mse_error *err);
/*
 * True only when the handshake is finished, the peer holds the key of the certificate it presented,
 * and the verdict on that certificate is positive. Ask before the first SSL_write: it also catches
 * what an application did to ctx or ssl behind this library's back (a session set by hand, another
 * info callback).
 */
MSE_API bool mse_tls_proven(const SSL *ssl);
/*
 * The report of this connection's peer, borrowed from ssl: why it was refused after a failed
 * handshake, what was accepted after a finished one. NULL if there is none, and while a positive
 * verdict is not yet backed by a finished handshake.
 */
MSE_API const struct mse_report *mse_tls_report(const SSL *ssl);

#ifdef __cplusplus
}
#endif

#endif
