/* SPDX-License-Identifier: Apache-2.0 */
/* The owner's side of configuring an instance (docs/formats.md, "Configuration"). */
#ifndef MSE_CLIENT_CONFIGURE_H
#define MSE_CLIENT_CONFIGURE_H

#include <openssl/ssl.h>

#include "attest/config_statement.h"
#include "client/deadline.h"

#define MSE_CONFIGURE_MAX_BODY (1U << 20)

/* What is sent; all is borrowed, and empty where not given. */
struct mse_configure_input {
    const char *uuid;
    struct mse_bytes secrets;                      /* JSON text */
    struct mse_bytes sealed_secrets;               /* base64url of a sealed box */
    struct mse_bytes code_key;                     /* 32 bytes */
    const char *ssl_private_key, *ssl_certificate; /* PEM, or NULL */
    uint8_t blind[32];                             /* random: nobody can guess what has a digest */
};
/* The body, secret. MSE_ERR_LIMIT if the runtime would not take one so long. */
MSE_MUST_CHECK bool mse_configure_body(const struct mse_configure_input *input,
                                       struct mse_writer *out, struct mse_error *err);

/* What the instance said. */
struct mse_configure_offer {
    bool has_nonce; /* not with unsigned=yes */
    uint8_t nonce[32];
    uint64_t epoch;
};
/*
 * Every function here fails with MSE_ERR_USAGE, and sends nothing, unless the peer of ssl was
 * verified inside its handshake (mse/tls.h) and the fingerprint of its code was checked: secrets
 * are for known code only. host: as the Host field has it. MSE_ERR_VALUE if no instance waits there
 * for its configuration; text says what is there instead.
 */
MSE_MUST_CHECK bool mse_configure_ask(SSL *ssl, const char *host,
                                      const struct mse_deadline *deadline,
                                      struct mse_configure_offer *out, struct mse_error *err);
/*
 * What is to be signed for this body on this connection: all but the signature is filled in.
 * SHA-256 of the certificate is that of the peer's.
 */
MSE_MUST_CHECK bool mse_configure_statement(const SSL *ssl, const struct mse_configure_offer *offer,
                                            struct mse_bytes body, struct mse_config_statement *out,
                                            struct mse_error *err);
/*
 * Sends it on the same connection. statement: signed; NULL for an app that takes unsigned
 * configurations. MSE_ERR_POLICY with what the instance said if it refuses: nothing has changed
 * there then. After another failure it may have been configured or not.
 */
MSE_MUST_CHECK bool mse_configure_send(SSL *ssl, const char *host, struct mse_bytes body,
                                       const struct mse_config_statement *statement,
                                       const struct mse_deadline *deadline, struct mse_error *err);

#endif
