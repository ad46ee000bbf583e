/* SPDX-License-Identifier: Apache-2.0 */
/* Collateral of the simulated platform in any state: TCB info v3, QE identity v2, CRLs. */
#ifndef MSE_SIMTEE_COLLATERAL_H
#define MSE_SIMTEE_COLLATERAL_H

#include "simtee/store.h"

#define MSE_SIM_DEFAULT_DAYS 30
#define MSE_SIM_DEFAULT_EVAL 20

enum mse_sim_revoke { MSE_SIM_REVOKE_NONE, MSE_SIM_REVOKE_PCK, MSE_SIM_REVOKE_CA };

struct mse_sim_collateral_options {
    const char *tcb_status; /* of the platform's own level, one of the vendor's words */
    const char *qe_status;
    enum mse_sim_revoke revoke;
    int64_t issued; /* issueDate and thisUpdate */
    int64_t next_update;
    uint32_t eval; /* tcbEvaluationDataNumber */
};

/* The vendor's words, NULL at the end. */
extern const char *const mse_sim_tcb_statuses[];

/* {"tcbInfo":{...},"signature":"..."} and {"enclaveIdentity":{...},"signature":"..."}. */
MSE_MUST_CHECK bool mse_sim_tcb_info_make(const struct mse_sim_platform *platform,
                                          const struct mse_sim_collateral_options *options,
                                          struct mse_writer *out, struct mse_error *err);
MSE_MUST_CHECK bool mse_sim_qe_identity_make(const struct mse_sim_platform *platform,
                                             const struct mse_sim_collateral_options *options,
                                             struct mse_writer *out, struct mse_error *err);
/* All of it as one bundle, "mse-collateral-v1". */
MSE_MUST_CHECK bool mse_sim_collateral_make(const struct mse_sim_platform *platform,
                                            const struct mse_sim_collateral_options *options,
                                            struct mse_writer *out, struct mse_error *err);

#endif
