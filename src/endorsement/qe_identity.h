/* SPDX-License-Identifier: Apache-2.0 */
/* Intel enclave identity, version 2 (Intel PCS API v4, "Get Quoting Enclave Identity"). */
#ifndef MSE_ENDORSEMENT_QE_IDENTITY_H
#define MSE_ENDORSEMENT_QE_IDENTITY_H

#include "endorsement/tcb_info.h"

#define MSE_QE_MAX_LEVELS 64

enum mse_qe_id { MSE_QE_SGX, MSE_QE_TDX, MSE_QE_QVE };

struct mse_qe_identity {
    struct mse_json json;
    enum mse_qe_id id; /* "QE", "TD_QE", "QVE" */
    int64_t issue_date, next_update;
    uint32_t tcb_eval;
    uint32_t misc_select, misc_select_mask;
    uint8_t attributes[16], attributes_mask[16];
    uint8_t mrsigner[32];
    uint16_t isv_prod_id;
    struct mse_tcb_level levels[MSE_QE_MAX_LEVELS]; /* isv_svn, status, date, advisories */
    uint32_t level_count;
};

/* body is the exact signed object, the value of "enclaveIdentity". */
MSE_MUST_CHECK bool mse_qe_identity_parse(struct mse_bytes body, struct mse_qe_identity *out,
                                          struct mse_error *err);
void mse_qe_identity_cleanup(struct mse_qe_identity *identity);

#endif
