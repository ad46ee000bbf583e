/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection whose other end is the enclave itself (level 3): the handshake is verified, then
 * fresh evidence about this very connection is asked for and judged (docs/formats.md, "Fresh
 * evidence"), and the same connection goes on with the application's protocol.
 */
#ifndef MSE_CONNECT_H
#define MSE_CONNECT_H

#include <openssl/ssl.h>

#include <mse/mse.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Called when the collateral at hand does not suffice: in the handshake with the peer's certificate
 * and no evidence, behind it with both. Returns a set that serves for all that it was given, not
 * prepared, or NULL. What is returned is owned by the caller of the callback.
 */
typedef struct mse_collateral *(*mse_connect_collateral)(void *arg, struct mse_bytes certificate,
                                                         struct mse_bytes evidence);

/* All is borrowed for the call. */
struct mse_connect_options {
    struct mse_verifier *verifier;
    const struct mse_collateral *collateral; /* prepared; may be NULL */
    const struct mse_policy *policy;
    const char *name;          /* what the certificate must be for; sent as SNI unless an address */
    const char *profile;       /* certificate profile that must match; may be NULL */
    const char *protocol;      /* of the application; NULL: "http/1.1" */
    unsigned deadline_ms;      /* for all of it; 0: 30 s. The callbacks' time is part of it */
    int64_t (*now)(void *arg); /* the clock to judge by */
    mse_connect_collateral more; /* may be NULL */
    void *arg;                   /* handed to both callbacks */
};

/*
 * On a connected stream socket, blocking or not: it is left as it was (it is non-blocking during
 * the call). The peer gets the protocol's name and not a byte of the application's before the
 * verdict is positive and its level is 3. TLS 1.3 only; nothing is resumed.
 *
 * True: *ssl is owned by the caller (SSL_free; fd stays the caller's) and ready for SSL_read and
 * SSL_write. False: *ssl is NULL, and *err says why; MSE_ERR_POLICY if the verdict is no, which
 * *report then explains. report may be NULL; else *report is owned by the caller, and NULL where a
 * failure is not of the verdict.
 */
MSE_API MSE_CHECKED bool mse_connect(int fd, const struct mse_connect_options *options, SSL **ssl,
                                     struct mse_report **report, struct mse_error *err);

#ifdef __cplusplus
}
#endif

#endif
