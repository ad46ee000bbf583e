/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's part of an instance: what the host says about it (docs/formats.md, "Instance
 * file"). */
#ifndef MSE_SIMTEE_INSTANCE_H
#define MSE_SIMTEE_INSTANCE_H

#include "simtee/store.h"

#define MSE_SIM_INSTANCE_FILE "instance.json"

struct mse_sim_instance {
    const char *name, *config_name, *listen; /* borrowed */
    const char *uuid;                        /* NULL: a random one */
    const char *const *edges;
    size_t edge_count;
    int64_t not_after;
    const uint8_t *fingerprint; /* 32 */
    const uint8_t *owner;       /* 32 */
};

/* JSON with the operator's statement in it. */
MSE_MUST_CHECK bool mse_sim_instance_write(const struct mse_sim_instance *instance,
                                           EVP_PKEY *operator_key, struct mse_writer *out,
                                           struct mse_error *err);

#endif
