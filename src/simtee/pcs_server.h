/* SPDX-License-Identifier: Apache-2.0 */
/* Hands out a bundle's items under the paths of Intel's Provisioning Certification Service, v4. */
#ifndef MSE_SIMTEE_PCS_SERVER_H
#define MSE_SIMTEE_PCS_SERVER_H

#include "simtee/bundle.h"
#include "simtee/server.h"
#include "simtee/store.h"

struct mse_sim_pcs {
    const struct mse_sim_bundle *bundle;     /* borrowed */
    const struct mse_sim_platform *platform; /* borrowed: whose FMSPC, whose CAs */
};

/* GET only. context is a struct mse_sim_pcs. */
struct mse_sim_service mse_sim_pcs_service(struct mse_sim_pcs *pcs);

#endif
