/* SPDX-License-Identifier: Apache-2.0 */
/* The PCK certificate chain of a quote: found, and verified to a pinned root. */
#ifndef MSE_APPRAISAL_PCK_CHAIN_H
#define MSE_APPRAISAL_PCK_CHAIN_H

#include "appraisal/trust.h"

/*
 * *out is the chain, its leaf's key in (*out)->key: mse_trusted_release. If there is none, *out is
 * NULL and CHAIN says why. Dates and revocation are not judged here. False: memory or crypto.
 */
MSE_MUST_CHECK bool mse_pck_chain_find(struct mse_trust_cache *cache, const struct mse_roots *roots,
                                       const struct mse_collateral *collateral,
                                       const struct mse_quote *quote, struct mse_checks *checks,
                                       struct mse_trusted **out, struct mse_error *err);

#endif
