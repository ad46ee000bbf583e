/* SPDX-License-Identifier: Apache-2.0 */
/* mse-attest/1 inside the runtime: all requests that wait share one quote. */
#ifndef MSE_ENCLAVE_ATTEST_SERVICE_H
#define MSE_ENCLAVE_ATTEST_SERVICE_H

#include "attest/config_statement.h"
#include "enclave/front.h"
#include "enclave/tee.h"

struct mse_attest_service;

struct mse_attest_service_options {
    uv_loop_t *loop;
    struct mse_tee *tee; /* quotes are made in a worker thread, one at a time */
    void *arg;
    /* CONTINUE: the stream goes on with this inner protocol, first are bytes already read. */
    void (*go_on)(void *arg, struct mse_stream *stream, struct mse_bytes inner,
                  struct mse_bytes first);
    /* True if the inner protocol can be spoken now. */
    bool (*has_inner)(void *arg, struct mse_bytes inner);
};
MSE_MUST_CHECK bool mse_attest_service_new(const struct mse_attest_service_options *options,
                                           struct mse_attest_service **out, struct mse_error *err);
/* statement: MSE_CONFIG_STATEMENT_SIZE bytes, or NULL; release: owner's, or empty. Copied. */
void mse_attest_service_configure(struct mse_attest_service *service,
                                  const uint8_t config_digest[static 32], uint64_t epoch,
                                  const uint8_t *statement, struct mse_bytes release);
/* Takes a stream whose ALPN protocol is mse-attest/1: TLS 1.3, not resumed, or it is closed. */
void mse_attest_service_take(struct mse_attest_service *service, struct mse_stream *stream);
uint64_t mse_attest_service_quotes(const struct mse_attest_service *service); /* made so far */
/* Waits for a quote under way. */
void mse_attest_service_free(struct mse_attest_service *service);

#endif
