/* SPDX-License-Identifier: Apache-2.0 */
/* Reads back a bundle of this program, for the server that hands its items out. */
#ifndef MSE_SIMTEE_BUNDLE_H
#define MSE_SIMTEE_BUNDLE_H

#include "base/bytes.h"

#define MSE_SIM_BUNDLE_FORMAT "mse-collateral-v1"
#define MSE_SIM_BUNDLE_CAP (4U << 20)
#define MSE_SIM_BUNDLE_ITEMS 16

struct mse_sim_item {
    char kind[16]; /* "tcb_info", "qe_identity", "crl" */
    uint8_t *data; /* owned: the exact bytes */
    size_t len;
    char *chain; /* owned: PEM of the issuers */
};

struct mse_sim_bundle {
    struct mse_sim_item items[MSE_SIM_BUNDLE_ITEMS];
    size_t count;
};

MSE_MUST_CHECK bool mse_sim_bundle_read(struct mse_bytes in, struct mse_sim_bundle *out,
                                        struct mse_error *err);
void mse_sim_bundle_cleanup(struct mse_sim_bundle *bundle);

#endif
