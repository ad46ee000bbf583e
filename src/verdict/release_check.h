/* SPDX-License-Identifier: Apache-2.0 */
/* Owner's release and runtime description against the policy (docs/policy.md). */
#ifndef MSE_VERDICT_RELEASE_CHECK_H
#define MSE_VERDICT_RELEASE_CHECK_H

#include "release/release.h"
#include "verdict/policy.h"

/* What a report says of the release that a verdict rests on. */
struct mse_release_summary {
    char app[256]; /* escaped */
    uint64_t serial;
    int64_t not_before, not_after;
    uint8_t sha256[32];
    uint8_t owner[32]; /* Ed25519 key that signed it */
};

/*
 * Decides the check `release`. True with *out (to be cleaned up) only if it is signed by one of the
 * policy's owners, in date and for name (NULL: any).
 */
MSE_MUST_CHECK bool mse_policy_check_release(const struct mse_policy *policy, const char *name,
                                             int64_t at, struct mse_checks *checks,
                                             struct mse_release *out,
                                             struct mse_release_summary *summary);
/* Decides the check `runtime`; release is NULL where there is none that holds, tee ("sim", "sgx",
 * "tdx", "snp") is the kind of the evidence. */
void mse_policy_check_runtime(const struct mse_policy *policy, const struct mse_release *release,
                              const char *tee, struct mse_checks *checks);
/*
 * Values of the release for this kind of TEE that the policy's own list (if it has one) has too,
 * 32 bytes each, into out with room for MSE_RELEASE_MAX_FINGERPRINTS. Returns how many.
 */
size_t mse_release_expected(const struct mse_release *release, const struct mse_policy *policy,
                            enum mse_release_tee tee, uint8_t *out);

#endif
