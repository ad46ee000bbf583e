/* SPDX-License-Identifier: Apache-2.0 */
/* Claims against the policy: TCB status, attributes, machine, signer, code. */
#ifndef MSE_VERDICT_POLICY_CHECK_H
#define MSE_VERDICT_POLICY_CHECK_H

#include "verdict/policy.h"

/* Each decides the check of its name; only called with claims of evidence that was parsed. */
void mse_policy_check_tcb(const struct mse_policy *policy, const struct mse_appraisal *a,
                          int64_t at, int64_t *holds_until, struct mse_checks *checks);
void mse_policy_check_attributes(const struct mse_policy *policy, const struct mse_appraisal *a,
                                 struct mse_checks *checks);
void mse_policy_check_machine(const struct mse_policy *policy, const struct mse_appraisal *a,
                              struct mse_checks *checks);
void mse_policy_check_signer(const struct mse_policy *policy, const struct mse_appraisal *a,
                             struct mse_checks *checks);
void mse_policy_check_fingerprint(const struct mse_policy *policy, const struct mse_appraisal *a,
                                  struct mse_checks *checks);
/* True if the policy has an expectation that ties this kind of evidence to somebody. */
bool mse_policy_applies(const struct mse_policy *policy, const struct mse_appraisal *a);
/* The MSE fingerprint that this evidence stands for: MRENCLAVE, or for SNP the digest of
 * docs/formats.md, "Fingerprint". False if it cannot be told from the evidence (TDX). */
bool mse_fingerprint_of(const struct mse_appraisal *a, uint8_t out[static 32]);

#endif
