/* SPDX-License-Identifier: Apache-2.0 */
/* What TCB infos and enclave identities have in common: head, levels, status words. */
#ifndef MSE_ENDORSEMENT_TCB_JSON_H
#define MSE_ENDORSEMENT_TCB_JSON_H

#include "endorsement/tcb_info.h"

struct mse_tcb_json_head {
    int64_t issue_date, next_update;
    uint32_t tcb_eval;
};
/* Another version than this is MSE_ERR_UNSUPPORTED; an end before the start MSE_ERR_VALUE. */
MSE_MUST_CHECK bool mse_tcb_json_head(const struct mse_json *json,
                                      const struct mse_json_value *root, int64_t version,
                                      struct mse_tcb_json_head *out, struct mse_error *err);
/* tcbStatus, tcbDate and advisoryIDs of a level. */
MSE_MUST_CHECK bool mse_tcb_json_level_end(const struct mse_json *json,
                                           const struct mse_json_value *level,
                                           struct mse_tcb_level *out, struct mse_error *err);
/* A level whose tcb is {"isvsvn": n}: of a quoting enclave or a TDX module. */
MSE_MUST_CHECK bool mse_tcb_json_isv_level(const struct mse_json *json,
                                           const struct mse_json_value *level,
                                           struct mse_tcb_level *out, struct mse_error *err);

#endif
