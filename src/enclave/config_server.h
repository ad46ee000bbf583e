/* SPDX-License-Identifier: Apache-2.0 */
/* Waits for the owner's configuration: HTTP on streams of the front (docs/formats.md). */
#ifndef MSE_ENCLAVE_CONFIG_SERVER_H
#define MSE_ENCLAVE_CONFIG_SERVER_H

#include "enclave/config_door.h"
#include "enclave/front.h"

struct mse_config_server;

struct mse_config_server_options {
    uv_loop_t *loop;
    const struct mse_app_manifest *app;
    const struct mse_instance_file *instance;
    const struct mse_identity *identity;
    uint64_t next_epoch; /* what the next configuration has to be signed for */
    void *arg;
    int64_t (*now)(void *arg);
    /*
     * Opens the code, compares its digest, commits (state file), all or nothing; takes its time, in
     * the background. The candidate stays valid until decided is called. One at a time: meanwhile
     * other posts are answered with 409.
     */
    void (*decide)(void *arg, const struct mse_config_candidate *candidate,
                   mse_config_decided *decided, void *context);
    /* The accepted configuration is answered: the server is not needed any more and may be freed
     * in this call. */
    void (*configured)(void *arg);
};
MSE_MUST_CHECK bool mse_config_server_new(const struct mse_config_server_options *options,
                                          struct mse_config_server **out, struct mse_error *err);
/* Takes a stream of the front; first are bytes that were read from it already. */
void mse_config_server_take(struct mse_config_server *server, struct mse_stream *stream,
                            struct mse_bytes first);
/* Streams whose last reply is on its way take it along, the others are closed at once. The loop has
 * to run once more. A candidate that is being decided stays valid; nobody is told of the result. */
void mse_config_server_free(struct mse_config_server *server);

#endif
