/* SPDX-License-Identifier: Apache-2.0 */
/* What the operator sees of an instance: a state and counts, one line of JSON each time
 * (docs/runtime.md, "Status lines"). Nothing of requests, clients or the app's output. */
#ifndef MSE_ENCLAVE_STATUS_H
#define MSE_ENCLAVE_STATUS_H

#include "enclave/app.h"
#include "enclave/front.h"

enum mse_run_state {
    MSE_RUN_WAITING,     /* for the owner's configuration */
    MSE_RUN_STARTING,    /* configured; the app is not healthy yet */
    MSE_RUN_RUNNING,     /* the app answers */
    MSE_RUN_BACKING_OFF, /* the app ended and will be started again */
    MSE_RUN_FAILED,      /* the app cannot be started or has never become healthy */
    MSE_RUN_DRAINING,    /* was asked to end */
    MSE_RUN_STOPPED
};
const char *mse_run_state_name(enum mse_run_state state);

struct mse_status {
    enum mse_run_state state;
    const char *listen, *tee; /* borrowed */
    uint64_t epoch, restarts, quotes, log_lost;
    int exit_status; /* of the app's last end as waitpid(2) has it, -1: none */
    struct mse_front_counts counts;
};
/* One line with its end. */
void mse_status_write(const struct mse_status *status, struct mse_writer *out);

#endif
