/* SPDX-License-Identifier: Apache-2.0 */
/* Status lines. */
#include "enclave/status.h"

#include <sys/wait.h>

#include "base/json.h"

static const char *const names[] = {
    [MSE_RUN_WAITING] = "waiting", [MSE_RUN_STARTING] = "starting",
    [MSE_RUN_RUNNING] = "running", [MSE_RUN_BACKING_OFF] = "backing-off",
    [MSE_RUN_FAILED] = "failed",   [MSE_RUN_DRAINING] = "draining",
    [MSE_RUN_STOPPED] = "stopped",
};

const char *mse_run_state_name(enum mse_run_state state)
{
    return names[state];
}

/* How the app ended, as a shell would say it. */
static void put_exit(struct mse_json_writer *w, int status)
{
    if (status == -1)
        return;
    if (WIFSIGNALED(status))
        mse_json_put_integer(w, "app_signal", WTERMSIG(status));
    else if (WIFEXITED(status))
        mse_json_put_integer(w, "app_exit", WEXITSTATUS(status));
}

static void put_counts(struct mse_json_writer *w, const struct mse_front_counts *counts)
{
    mse_json_open_object(w, "connections");
    mse_json_put_unsigned(w, "accepted", counts->accepted);
    mse_json_put_unsigned(w, "failed_handshakes", counts->failed_handshakes);
    mse_json_put_unsigned(w, "handshakes", counts->handshakes);
    mse_json_put_unsigned(w, "open", counts->open);
    mse_json_put_unsigned(w, "refused", counts->refused);
    mse_json_close_object(w);
}

void mse_status_write(const struct mse_status *status, struct mse_writer *out)
{
    struct mse_json_writer w = mse_json_writer_init(out, 0);

    mse_json_open_object(&w, NULL);
    put_exit(&w, status->exit_status);
    put_counts(&w, &status->counts);
    mse_json_put_unsigned(&w, "epoch", status->epoch);
    mse_json_put_text(&w, "listen", status->listen);
    mse_json_put_unsigned(&w, "log_lost", status->log_lost);
    mse_json_put_unsigned(&w, "quotes", status->quotes);
    mse_json_put_unsigned(&w, "restarts", status->restarts);
    mse_json_put_text(&w, "state", mse_run_state_name(status->state));
    mse_json_put_text(&w, "tee", status->tee);
    mse_json_close_object(&w);
    mse_write_text(out, "\n");
}
