/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate chain of an SNP report's signer: found, and verified to a pinned root. */
#ifndef MSE_APPRAISAL_VEK_CHAIN_H
#define MSE_APPRAISAL_VEK_CHAIN_H

#include "appraisal/trust.h"

/* True if the certificate is for the report's chip and exactly for its reported security versions.
 * A VLEK names no chip. */
bool mse_vek_fits_chip(const struct mse_vek *vek, const struct mse_snp_report *report);
bool mse_vek_fits_tcb(const struct mse_vek *vek, const struct mse_snp_report *report);

/*
 * *out is the chain, its leaf's key in (*out)->key: mse_trusted_release. If there is none, *out is
 * NULL and CHAIN says why. Dates, revocation, and whether the leaf fits are not judged here: one
 * that does not fit is returned only if there is none that does. False: memory or crypto.
 */
MSE_MUST_CHECK bool mse_vek_chain_find(struct mse_trust_cache *cache, const struct mse_roots *roots,
                                       const struct mse_collateral *collateral,
                                       const struct mse_snp_report *report,
                                       const struct mse_snp_certs *certs, struct mse_checks *checks,
                                       struct mse_trusted **out, struct mse_error *err);

#endif
