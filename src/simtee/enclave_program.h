/* SPDX-License-Identifier: Apache-2.0 */
/* Plays EINIT: what is about to run is checked and measured before it starts. */
#ifndef MSE_SIMTEE_ENCLAVE_PROGRAM_H
#define MSE_SIMTEE_ENCLAVE_PROGRAM_H

#include <sys/types.h>

#include "measure/app_manifest.h"
#include "measure/runtime.h"

struct mse_sim_program {
    struct mse_runtime runtime;
    struct mse_app_manifest app; /* borrows from the arguments */
    uint8_t *loader;             /* owned: the bytes that are measured and started */
    size_t loader_len;
    uint8_t mrenclave[32];
};

/*
 * Reads the description, compares every file that it lists with what lies under root (the first
 * that differs is named), and measures. arguments: the app manifest, which the program is started
 * with.
 */
MSE_MUST_CHECK bool mse_sim_program_load(const char *description, const char *root,
                                         const char *const *arguments, size_t count,
                                         struct mse_sim_program *out, struct mse_error *err);
void mse_sim_program_cleanup(struct mse_sim_program *program);

/*
 * Starts exactly the measured bytes: these arguments, no environment, this working directory, the
 * platform's socket as descriptor 3, and no other but the standard ones; it ends when we do.
 * *socket and *child are the caller's.
 */
MSE_MUST_CHECK bool mse_sim_program_start(const struct mse_sim_program *program,
                                          const char *const *arguments, size_t count,
                                          const char *dir, int *socket, pid_t *child,
                                          struct mse_error *err);

#endif
