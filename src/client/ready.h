/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting until an app that was just configured answers, on connections with its own certificate.
 */
#ifndef MSE_CLIENT_READY_H
#define MSE_CLIENT_READY_H

#include "client/connect.h"

#define MSE_READY_MAX_PINS 2

struct mse_ready_options {
    const struct mse_target *to, *proxy;  /* proxy: may be NULL */
    const char *sni;                      /* NULL: none */
    const char *host, *path;              /* of the request: path is that of the health endpoint */
    uint8_t pins[MSE_READY_MAX_PINS][32]; /* SHA-256 of the certificates that it may have */
    size_t pin_count;
};
/*
 * True when the health endpoint answered 2xx. MSE_ERR_TIMEOUT with the last that was seen;
 * MSE_ERR_MISMATCH at once if somebody else's certificate is shown.
 */
MSE_MUST_CHECK bool mse_ready_wait(const struct mse_ready_options *options,
                                   const struct mse_deadline *deadline, struct mse_error *err);

#endif
