/* SPDX-License-Identifier: Apache-2.0 */
/* A verifier: pinned roots, chosen once, and what was verified under them. */
#include "verdict/verifier.h"

#include <stdlib.h>

#define DEFAULT_CACHE_ENTRIES 256

bool mse_verifier_new(const struct mse_verifier_options *options, struct mse_verifier **out,
                      struct mse_error *err)
{
    static const struct mse_verifier_options defaults = { 0 };
    const struct mse_verifier_options *o = options != NULL ? options : &defaults;
    struct mse_verifier *v = calloc(1, sizeof(*v));
    bool ok;

    *out = NULL;
    if (v == NULL)
        return mse_fail_memory(err);
    /* One way in for simulation: with its roots, the vendors' are not even loaded. */
    ok = o->simulation_roots.len > 0 ? mse_roots_simulated(o->simulation_roots, &v->roots, err)
                                     : mse_roots_vendor(&v->roots, err);
    ok = ok && mse_trust_cache_new(o->cache_entries > 0 ? o->cache_entries : DEFAULT_CACHE_ENTRIES,
                                   &v->cache, err);
    if (!ok) {
        mse_verifier_free(v);
        return false;
    }
    *out = v;
    return true;
}

void mse_verifier_free(struct mse_verifier *verifier)
{
    if (verifier == NULL)
        return;
    mse_roots_cleanup(&verifier->roots);
    mse_trust_cache_free(verifier->cache);
    free(verifier);
}

bool mse_collateral_prepare(struct mse_collateral *collateral, struct mse_verifier *verifier,
                            struct mse_error *err)
{
    return mse_collateral_authenticate(collateral, &verifier->roots, err);
}
