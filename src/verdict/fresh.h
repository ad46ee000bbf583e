/* SPDX-License-Identifier: Apache-2.0 */
/* Fresh evidence against the connection, the certificate's evidence and the owner's word. */
#ifndef MSE_VERDICT_FRESH_H
#define MSE_VERDICT_FRESH_H

#include "attest/message.h"
#include "verdict/report.h"

/* A reply that is well formed, and the REPORTDATA that its evidence must have. */
struct mse_fresh_view {
    struct mse_attest_reply reply;
    struct mse_config_claim claim;
    uint8_t root[MSE_ATTEST_HASH];
};
/*
 * Parses reply (a copy of fresh->reply, which the view points into) and computes leaf and root: key
 * of cert, exporter and nonce are the caller's, nothing of them is taken from the reply.
 */
MSE_MUST_CHECK bool mse_fresh_open(struct mse_bytes reply, const struct mse_fresh *fresh,
                                   const struct mse_cert *cert, struct mse_fresh_view *out,
                                   struct mse_error *err);
/* What was found about fresh evidence counts for the whole. A check of evidence that did not run
 * fails LEVEL: the same check of other evidence cannot stand for it. */
void mse_fresh_merge(const struct mse_checks *own, struct mse_checks *checks);
/* LEVEL fails unless REPORTDATA is the root, the kind is what the reply says, and the enclave is
 * that of the certificate's evidence (NULL: it has none). */
void mse_fresh_check(const struct mse_fresh_view *view, const struct mse_judged *judged,
                     const struct mse_judged *of_certificate, struct mse_checks *checks);
/* Fills in r->configuration. LEVEL fails if the owner's key is known and did not sign, or if the
 * statement is about another certificate than this attested one. */
void mse_fresh_check_configuration(const struct mse_config_claim *claim,
                                   const struct mse_policy *policy, struct mse_report *r);
/* True if both are evidence of one enclave: kind, measurement, signer, attributes. */
bool mse_same_enclave(const struct mse_appraisal *a, const struct mse_appraisal *b);

#endif
