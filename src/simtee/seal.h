/* SPDX-License-Identifier: Apache-2.0 */
/* What a platform keeps for enclaves: the secret behind sealing keys, and counters
 * (docs/formats.md, "Simulated TEE"). */
#ifndef MSE_SIMTEE_SEAL_H
#define MSE_SIMTEE_SEAL_H

#include "simtee/quote.h"

#define MSE_SIM_SECRET_SIZE 32

/* Read from the platform's directory; made there if there is none yet. */
MSE_MUST_CHECK bool mse_sim_secret_load(const char *dir, uint8_t out[static MSE_SIM_SECRET_SIZE],
                                        struct mse_error *err);
/* As EGETKEY with the policy MRENCLAVE: another enclave, security version or debug mode has another
 * key (Intel SDM volume 3D, EGETKEY). */
MSE_MUST_CHECK bool mse_sim_sealing_key(const uint8_t secret[static MSE_SIM_SECRET_SIZE],
                                        const struct mse_sim_enclave *enclave,
                                        uint8_t out[static 32], struct mse_error *err);
MSE_MUST_CHECK bool mse_sim_platform_id(const struct mse_sim_platform *platform,
                                        uint8_t out[static 32], struct mse_error *err);

/* One counter for each MRENCLAVE and instance directory. */
struct mse_sim_counter {
    int dir_fd; /* of the platform: locked while the counter is changed */
    char *path; /* owned */
};
/* instance: the directory's real path. */
MSE_MUST_CHECK bool mse_sim_counter_open(const char *dir, const uint8_t mrenclave[static 32],
                                         const char *instance, struct mse_sim_counter *out,
                                         struct mse_error *err);
void mse_sim_counter_close(struct mse_sim_counter *counter);
/* 0 before the first advance. */
MSE_MUST_CHECK bool mse_sim_counter_read(const struct mse_sim_counter *counter, uint64_t *out,
                                         struct mse_error *err);
/* MSE_ERR_VALUE if it would go back. */
MSE_MUST_CHECK bool mse_sim_counter_advance(const struct mse_sim_counter *counter, uint64_t to,
                                            struct mse_error *err);

#endif
