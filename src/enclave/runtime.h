/* SPDX-License-Identifier: Apache-2.0 */
/* The services of one instance on one loop: front, configuration, fresh evidence, app, log. */
#ifndef MSE_ENCLAVE_RUNTIME_H
#define MSE_ENCLAVE_RUNTIME_H

#include "enclave/app.h"
#include "enclave/status.h"
#include "enclave/tee.h"

struct mse_runtime;

struct mse_runtime_options {
    uv_loop_t *loop;
    struct mse_tee *tee;                /* started; borrowed */
    const struct mse_app_manifest *app; /* borrowed */
    struct mse_app_keeper *keeper;      /* borrowed */
    void *arg;
    int64_t (*now_ms)(void *arg); /* since 1970 */
    /* Each change of state, and when asked for. */
    void (*status)(void *arg, const struct mse_status *status);
    /* Something failed that the operator has to know: one line. */
    void (*problem)(void *arg, const struct mse_error *err);
    /* The kept configuration cannot be used, its problem was told: the runtime is to be stopped. */
    void (*failed)(void *arg, enum mse_err_code code);
};
/*
 * Reads instance file and state, makes or loads the keys, listens. With a configuration in the
 * state the app is started without anybody's help; else the configuration server waits.
 */
MSE_MUST_CHECK bool mse_runtime_new(const struct mse_runtime_options *options,
                                    struct mse_runtime **out, struct mse_error *err);
/* Reports the status now. */
void mse_runtime_report(struct mse_runtime *runtime);
/* Drains, stops the app; done is called when nothing of this is left on the loop. */
void mse_runtime_stop(struct mse_runtime *runtime, void (*done)(void *arg), void *arg);
void mse_runtime_free(struct mse_runtime *runtime);

#endif
