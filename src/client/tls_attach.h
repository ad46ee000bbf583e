/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verification that ends behind the handshake: where the peer chose mse-attest/1, what the
 * handshake could not tell (level, age, evidence that is not in the certificate) is judged with the
 * fresh evidence that follows. Until then the connection is not proven.
 */
#ifndef MSE_CLIENT_TLS_ATTACH_H
#define MSE_CLIENT_TLS_ATTACH_H

#include <mse/tls.h>

#include "base/error.h"

/* More collateral for both; evidence is empty in the handshake. Owned by the caller of it. */
typedef struct mse_collateral *mse_fresh_collateral(void *arg, struct mse_bytes certificate,
                                                    struct mse_bytes evidence);
/*
 * mse_tls_client_attach, and offers ALPN: mse-attest/1 first, then others (wire format, may be
 * empty). options->more is not used, more (may be NULL) is.
 */
MSE_MUST_CHECK bool mse_tls_attach_fresh(SSL_CTX *ctx, const struct mse_tls_options *options,
                                         struct mse_bytes others, mse_fresh_collateral *more,
                                         struct mse_error *err);
/* True if the handshake is finished, nothing has refused the peer, and fresh evidence is due. */
bool mse_tls_wants_fresh(const SSL *ssl);
/*
 * The whole judgement, with it: afterwards mse_tls_report and mse_tls_proven say what came of it.
 * False only if nothing could be judged.
 */
MSE_MUST_CHECK bool mse_tls_judge_fresh(SSL *ssl, const struct mse_fresh *fresh,
                                        struct mse_error *err);
/* The report, taken out of ssl and owned by the caller; NULL as mse_tls_report(). The connection
 * counts as not proven from then on. */
struct mse_report *mse_tls_take_report(SSL *ssl);

#endif
