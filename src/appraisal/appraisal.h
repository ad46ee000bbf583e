/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RATS appraisal: evidence and endorsements at an instant give claims and a TCB status.
 * It decides the checks CHAIN, REVOCATION, SIGNATURE, QE_IDENTITY and COLLATERAL; what the caller
 * accepts of the claims is the policy's business (verdict).
 */
#ifndef MSE_APPRAISAL_APPRAISAL_H
#define MSE_APPRAISAL_APPRAISAL_H

#include "appraisal/checks.h"
#include "endorsement/collateral.h"
#include "evidence/quote.h"
#include "evidence/snp.h"

enum mse_tee { MSE_TEE_NONE, MSE_TEE_SGX, MSE_TEE_TDX, MSE_TEE_SNP };
const char *mse_tee_name(enum mse_tee tee);

#define MSE_MAX_ADVISORIES 64

/* What an evaluation of one set of TCB info and QE identity gave. */
struct mse_tcb_result {
    bool evaluated;
    enum mse_tcb_status status; /* all below merged: the one that counts */
    enum mse_tcb_status platform_status;
    bool has_module;
    enum mse_tcb_status module_status; /* TDX module */
    bool qe_matches; /* MRSIGNER, product id, attributes and misc select of the QE fit */
    enum mse_tcb_status qe_status;
    int64_t tcb_date;                                /* of the platform level that matched */
    uint32_t tcb_eval;                               /* the lower one of TCB info and QE identity */
    int64_t next_update;                             /* earliest of the two */
    struct mse_bytes advisories[MSE_MAX_ADVISORIES]; /* borrowed from the collateral */
    size_t advisory_count;
    /* What is short of the newest level and what mends it; "" if nothing is. */
    char shortfall[256];
};

/* Claims. Pointers borrow from the evidence and the collateral. */
struct mse_appraisal {
    enum mse_tee tee;
    bool simulated;
    int64_t valid_from, valid_until; /* intersection of all that was relied on */
    int64_t issued;                  /* start of validity of the youngest statement relied on */

    /* Intel; quote is set as soon as it parsed */
    struct mse_quote quote;
    bool has_pck;
    struct mse_pck pck;
    bool platform_ca; /* PCK CA is the platform CA (multi-package), else the processor CA */
    char pck_serial[48];
    struct mse_tcb_result tcb;
    struct mse_tcb_result early; /* evaluated only if the early set was given */

    /* AMD */
    struct mse_snp_report snp;
    enum mse_snp_product product;
    bool has_vek;
    struct mse_vek vek;
    struct mse_snp_tcb current_tcb, reported_tcb, committed_tcb, launch_tcb;
};

/* What was verified before, shared between threads; see cache.c. NULL: nothing is remembered. */
struct mse_trust_cache;
MSE_MUST_CHECK bool mse_trust_cache_new(size_t entries, struct mse_trust_cache **out,
                                        struct mse_error *err);
void mse_trust_cache_free(struct mse_trust_cache *cache);

/*
 * The complete DCAP algorithm. quote was parsed by mse_quote_parse. Outcomes go to checks, claims
 * to out, which starts zeroed. False only if no judgement could be made at all (memory, crypto).
 */
MSE_MUST_CHECK bool mse_dcap_appraise(struct mse_trust_cache *cache, const struct mse_roots *roots,
                                      const struct mse_collateral *collateral,
                                      const struct mse_quote *quote, int64_t at,
                                      struct mse_checks *checks, struct mse_appraisal *out,
                                      struct mse_error *err);
/* SNP likewise. certs are what came with the evidence (untrusted, may be NULL); the collateral may
 * hold the VCEK, ASK and CRL too. Without a CRL REVOCATION is unknown. */
MSE_MUST_CHECK bool mse_snp_appraise(struct mse_trust_cache *cache, const struct mse_roots *roots,
                                     const struct mse_collateral *collateral,
                                     const struct mse_snp_report *report,
                                     const struct mse_snp_certs *certs, int64_t at,
                                     struct mse_checks *checks, struct mse_appraisal *out,
                                     struct mse_error *err);

#endif
