/* SPDX-License-Identifier: Apache-2.0 */
/* What the keeper knows of the app, and the steps that it takes: each part in a file of its own. */
#ifndef MSE_ENCLAVE_APP_LAUNCH_H
#define MSE_ENCLAVE_APP_LAUNCH_H

#include <sys/types.h>

#include "enclave/app_wire.h"
#include "measure/app_command.h"

/* Nobody else's: 65534, "nobody", owns what a user namespace cannot name. */
#define MSE_APP_UID 65533U

#define MSE_APP_MAX_CGROUPS 2

/* Made before the keeper is forked, so that nothing of it can fail later. */
struct mse_app_launch {
    bool isolate;
    bool own_user; /* isolated without being root: one user, who has no other name inside */
    uint64_t memory_bytes, tmp_bytes, code_bytes;
    struct mse_app_places places;
    struct mse_app_command command;
    struct mse_app_environment environment;
    int output;                       /* not isolated: what the app writes to, else -1 */
    int cgroups[MSE_APP_MAX_CGROUPS]; /* cgroup.procs of those the app goes into, or -1 */
};

/* ---- app_root.c ---- */

/* The root of the app's mount namespace, which the caller is in, and in whose pid namespace it is
 * the first process. *code is the directory of the code, to be written by the runtime. */
MSE_MUST_CHECK bool mse_app_root_build(const struct mse_app_launch *launch, int *code,
                                       struct mse_error *err);
/* Everything that the app may write to is new and empty; secrets are copied from these files (-1:
 * none). */
MSE_MUST_CHECK bool mse_app_root_refresh(const struct mse_app_launch *launch, int secrets,
                                         int sealed_secrets, struct mse_error *err);

/* ---- app_cgroup.c ---- */

struct mse_app_cgroups {
    int parents[MSE_APP_MAX_CGROUPS]; /* -1: none */
    char name[32];
};
/*
 * Control groups with the memory limit for one app; opens launch->cgroups. Where they cannot be
 * made (no root, read-only, a group that may have no children) the app runs without: the owner's
 * limit is then the machine's own memory.
 */
void mse_app_cgroups_make(struct mse_app_launch *launch, struct mse_app_cgroups *out);
/* After the last process has ended. */
void mse_app_cgroups_remove(struct mse_app_cgroups *cgroups);

/* ---- app_init.c ---- */

/* Serves the runtime until it is gone, then ends everything; the only thing its process does. */
void mse_app_serve(const struct mse_app_launch *launch, int socket);

/* ---- app_sandbox.c ---- */

/* Becomes the app. On failure the reason goes to output, and one byte to status. */
_Noreturn void mse_app_exec(const struct mse_app_launch *launch, int output, int status);

/* ---- app_filter.c ---- */

/* System calls that the process has no more. Needs no-new-privileges. */
MSE_MUST_CHECK bool mse_app_filter_load(struct mse_error *err);

#endif
