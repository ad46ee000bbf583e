/* SPDX-License-Identifier: Apache-2.0 */
/* Taking a configuration: its code is opened and compared, then it is kept; in the background. */
#ifndef MSE_ENCLAVE_RUNTIME_CODE_H
#define MSE_ENCLAVE_RUNTIME_CODE_H

#include <uv.h>

#include "enclave/app.h"
#include "enclave/config.h"
#include "enclave/keep.h"

struct mse_take_options {
    uv_loop_t *loop;
    struct mse_keep *keep; /* nobody else may use it meanwhile */
    struct mse_app_keeper *keeper;
    const struct mse_app_manifest *app;
    const struct mse_config *config;          /* valid until done is called */
    const struct mse_keep_config *to_be_kept; /* NULL: it is in the state already */
    void *context;
    void (*done)(void *context, const struct mse_error *err); /* NULL: taken */
};
/* False if the work could not be begun; done is not called then. */
MSE_MUST_CHECK bool mse_take_config(const struct mse_take_options *options, struct mse_error *err);

#endif
