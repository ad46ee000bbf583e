/* SPDX-License-Identifier: Apache-2.0 */
/* Selection of TCB levels (Intel PCS API v4, "Get TCB Info", and the DCAP verification rules). */
#ifndef MSE_APPRAISAL_TCB_LEVEL_H
#define MSE_APPRAISAL_TCB_LEVEL_H

#include "appraisal/appraisal.h"

/*
 * First platform level whose SGX components and PCESVN, and for TDX whose TDX components (from 2 on
 * when the module has its own identity, tee_tcb_svn[1] > 0), are all reached. NULL: none.
 */
const struct mse_tcb_level *mse_tcb_level_platform(const struct mse_tcb_info *info,
                                                   const struct mse_pck *pck,
                                                   const struct mse_td_body *td);
/* First level with isv_svn reached, or NULL. */
const struct mse_tcb_level *mse_tcb_level_isv(const struct mse_tcb_level *levels, size_t count,
                                              uint16_t isv_svn);
/* DCAP's convergence of two statuses into one; MSE_TCB_NO_MATCH wins over all, then Revoked. */
enum mse_tcb_status mse_tcb_status_merge(enum mse_tcb_status platform, enum mse_tcb_status other);
/*
 * Name of the first field of the quoting enclave's report that the identity does not have
 * ("mrsigner", "attributes", ...), or NULL if all fit. The security version is not looked at.
 */
const char *mse_qe_identity_misfit(const struct mse_qe_identity *identity,
                                   const struct mse_sgx_body *qe);
/* Evaluates one pair of TCB info and QE identity. Check failures about collateral's fitness (pceid,
 * tee type, module signer, seam attributes) go to err with MSE_ERR_MISMATCH. */
MSE_MUST_CHECK bool mse_tcb_evaluate(const struct mse_tcb_info *info,
                                     const struct mse_qe_identity *identity,
                                     const struct mse_quote *quote, const struct mse_pck *pck,
                                     struct mse_tcb_result *out, struct mse_error *err);

#endif
