/* SPDX-License-Identifier: Apache-2.0 */
/* Roots and caches behind the public struct mse_verifier. */
#ifndef MSE_VERDICT_VERIFIER_H
#define MSE_VERDICT_VERIFIER_H

#include "appraisal/appraisal.h"
#include "endorsement/roots.h"

struct mse_verifier {
    struct mse_roots roots;
    struct mse_trust_cache *cache;
};

#endif
