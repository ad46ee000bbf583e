/* SPDX-License-Identifier: Apache-2.0 */
/* From a certificate or evidence to the collateral that judging it needs. */
#ifndef MSE_CLIENT_COLLECT_H
#define MSE_CLIENT_COLLECT_H

#include "endorsement/fetch.h"

/*
 * Adds to the set what the evidence inside needs and the sources have. What carries no evidence, or
 * evidence bound to another key, needs nothing: success, and judging it will say why.
 * early asks for the vendor's early update set as well.
 */
MSE_MUST_CHECK bool mse_collect_for_certificate(const struct mse_sources *sources,
                                                struct mse_bytes certificate, bool early,
                                                struct mse_collateral *collateral,
                                                struct mse_error *err);
MSE_MUST_CHECK bool mse_collect_for_evidence(const struct mse_sources *sources,
                                             struct mse_bytes evidence, bool early,
                                             struct mse_collateral *collateral,
                                             struct mse_error *err);

#endif
