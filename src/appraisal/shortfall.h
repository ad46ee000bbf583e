/* SPDX-License-Identifier: Apache-2.0 */
/* What a platform lacks to reach the newest TCB level, in words for people. */
#ifndef MSE_APPRAISAL_SHORTFALL_H
#define MSE_APPRAISAL_SHORTFALL_H

#include "appraisal/appraisal.h"

/* What an evaluation looked at and the levels that it chose; a NULL level: none matched. */
struct mse_tcb_choice {
    const struct mse_tcb_info *info;
    const struct mse_qe_identity *identity;
    const struct mse_pck *pck;
    const struct mse_td_body *td; /* NULL for SGX */
    uint16_t qe_isv_svn;
    const struct mse_tcb_level *platform, *qe, *module;
    const struct mse_tcb_level *module_levels; /* NULL unless the TDX module has its own levels */
    size_t module_level_count;
};

/* Compares with the first level of each list, which is the newest; "" if nothing is short. */
void mse_shortfall_write(const struct mse_tcb_choice *choice, enum mse_tcb_status status, char *out,
                         size_t size);

#endif
