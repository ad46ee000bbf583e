/* SPDX-License-Identifier: Apache-2.0 */
/* Judging fresh evidence (docs/formats.md, "Fresh evidence"). */
#include "verdict/fresh.h"

#include "base/encode.h"
#include "crypto/hash.h"

_Static_assert(sizeof(((struct mse_check_result *)0)->actual) > 2 * MSE_ATTEST_HASH, "hex fits");

bool mse_fresh_open(struct mse_bytes reply, const struct mse_fresh *fresh,
                    const struct mse_cert *cert, struct mse_fresh_view *out, struct mse_error *err)
{
    struct mse_fresh_view v = { 0 };
    struct mse_attest_leaf leaf = { 0 };
    uint8_t hash[MSE_ATTEST_HASH];

    memset(out, 0, sizeof(*out));
    if (!mse_attest_reply_parse(reply, &v.reply, err) ||
        !mse_config_claim_parse(v.reply.config_statement, &v.claim, err))
        return false;
    mse_sha256(cert->spki, leaf.spki_sha256);
    memcpy(leaf.exporter, fresh->exporter, sizeof(leaf.exporter));
    memcpy(leaf.nonce, fresh->nonce, sizeof(leaf.nonce));
    memcpy(leaf.config_digest, v.claim.config_digest, sizeof(leaf.config_digest));
    leaf.epoch = v.claim.epoch;
    mse_attest_leaf_hash(&leaf, hash);
    if (!mse_attest_root_of_path(hash, v.reply.index, v.reply.count, v.reply.path,
                                 v.reply.path_length, v.root, err))
        return false;
    *out = v;
    return true;
}

/* ---- checks of its own ---- */

static const enum mse_check of_evidence[] = {
    MSE_CHECK_EVIDENCE,    MSE_CHECK_CHAIN,      MSE_CHECK_REVOCATION,  MSE_CHECK_SIGNATURE,
    MSE_CHECK_QE_IDENTITY, MSE_CHECK_COLLATERAL, MSE_CHECK_TCB,         MSE_CHECK_ATTRIBUTES,
    MSE_CHECK_MACHINE,     MSE_CHECK_SIGNER,     MSE_CHECK_FINGERPRINT,
};
#define OF_EVIDENCE_COUNT (sizeof(of_evidence) / sizeof(of_evidence[0]))

static void merge_failure(const struct mse_check_result *own, enum mse_check check,
                          struct mse_checks *checks)
{
    struct mse_check_result *into = &checks->of[check];
    bool first = into->outcome != MSE_OUTCOME_FAILED;

    (void)mse_check_fail(checks, check, own->code, "fresh evidence: %s", own->reason);
    if (first) {
        memcpy(into->expected, own->expected, sizeof(into->expected));
        memcpy(into->actual, own->actual, sizeof(into->actual));
    }
}

static void merge_one(const struct mse_check_result *own, enum mse_check check,
                      struct mse_checks *checks)
{
    switch (own->outcome) {
    case MSE_OUTCOME_NOT_RUN:
        (void)mse_check_fail(checks, MSE_CHECK_LEVEL, MSE_ERR_MISSING,
                             "%s of the fresh evidence was not checked", mse_check_name(check));
        return;
    case MSE_OUTCOME_FAILED:
        merge_failure(own, check, checks);
        return;
    case MSE_OUTCOME_UNKNOWN:
        (void)mse_check_unknown(checks, check, own->code, "fresh evidence: %s", own->reason);
        return;
    case MSE_OUTCOME_WAIVED:
        mse_check_waive(checks, check, "%s", own->reason);
        return;
    case MSE_OUTCOME_NOT_APPLICABLE:
        if (checks->of[check].outcome == MSE_OUTCOME_NOT_RUN)
            checks->of[check].outcome = MSE_OUTCOME_NOT_APPLICABLE;
        return;
    case MSE_OUTCOME_PASSED:
        mse_check_pass_text(checks, check, "%s", own->reason);
        return;
    }
    (void)mse_check_fail(checks, check, MSE_ERR_POLICY, "fresh evidence: no such outcome");
}

static bool any_failed(const struct mse_checks *own)
{
    for (size_t i = 0; i < OF_EVIDENCE_COUNT; i++) {
        if (own->of[of_evidence[i]].outcome == MSE_OUTCOME_FAILED)
            return true;
    }
    return false;
}

void mse_fresh_merge(const struct mse_checks *own, struct mse_checks *checks)
{
    bool failed = any_failed(own);

    for (size_t i = 0; i < OF_EVIDENCE_COUNT; i++) {
        const struct mse_check_result *c = &own->of[of_evidence[i]];

        /* Behind a failure others need not have run; the failure says it all. */
        if (!failed || c->outcome != MSE_OUTCOME_NOT_RUN)
            merge_one(c, of_evidence[i], checks);
    }
}

/* ---- one enclave ---- */

static bool same_sgx(const struct mse_sgx_body *a, const struct mse_sgx_body *b)
{
    return memcmp(a->mrenclave, b->mrenclave, 32) == 0 &&
           memcmp(a->mrsigner, b->mrsigner, 32) == 0 &&
           memcmp(a->attributes, b->attributes, 16) == 0 && a->isv_prod_id == b->isv_prod_id &&
           a->isv_svn == b->isv_svn;
}

static bool same_td(const struct mse_td_body *a, const struct mse_td_body *b)
{
    for (size_t i = 0; i < 4; i++) {
        if (memcmp(a->rtmr[i], b->rtmr[i], 48) != 0)
            return false;
    }
    return memcmp(a->mrtd, b->mrtd, 48) == 0 && a->td_attributes == b->td_attributes;
}

static bool same_snp(const struct mse_snp_report *a, const struct mse_snp_report *b)
{
    return memcmp(a->measurement, b->measurement, 48) == 0 &&
           memcmp(a->host_data, b->host_data, 32) == 0 &&
           memcmp(a->id_key_digest, b->id_key_digest, 48) == 0 &&
           memcmp(a->author_key_digest, b->author_key_digest, 48) == 0 && a->policy == b->policy;
}

bool mse_same_enclave(const struct mse_appraisal *a, const struct mse_appraisal *b)
{
    if (a->tee != b->tee)
        return false;
    switch (a->tee) {
    case MSE_TEE_SGX:
        return same_sgx(&a->quote.sgx, &b->quote.sgx);
    case MSE_TEE_TDX:
        return same_td(&a->quote.td, &b->quote.td);
    case MSE_TEE_SNP:
        return same_snp(&a->snp, &b->snp);
    case MSE_TEE_NONE:
        break;
    }
    return false;
}

/* The reply's word for the kind only chose the parser; a peer that says something else than its
 * evidence is none of ours. */
static bool is_kind(enum mse_attest_tee said, const struct mse_appraisal *a)
{
    switch (said) {
    case MSE_ATTEST_SIM:
        return a->simulated;
    case MSE_ATTEST_SGX:
        return a->tee == MSE_TEE_SGX;
    case MSE_ATTEST_TDX:
        return a->tee == MSE_TEE_TDX;
    case MSE_ATTEST_SNP:
        return a->tee == MSE_TEE_SNP;
    }
    return false;
}

static const uint8_t *report_data(const struct mse_appraisal *a)
{
    switch (a->tee) {
    case MSE_TEE_SGX:
        return a->quote.sgx.report_data;
    case MSE_TEE_TDX:
        return a->quote.td.report_data;
    case MSE_TEE_SNP:
        return a->snp.report_data;
    case MSE_TEE_NONE:
        break;
    }
    return NULL;
}

/* A comparison that failed, with another code than that of expected values. */
static void fail_binding(const uint8_t expected[static MSE_ATTEST_HASH],
                         const uint8_t actual[static MSE_ATTEST_HASH], struct mse_checks *checks)
{
    struct mse_check_result *level = &checks->of[MSE_CHECK_LEVEL];
    bool first = level->outcome != MSE_OUTCOME_FAILED;

    (void)mse_check_fail(checks, MSE_CHECK_LEVEL, MSE_ERR_BINDING,
                         "the fresh evidence is not about this connection: who answers is not, or "
                         "not only, the enclave");
    if (first) {
        mse_hex_write(expected, MSE_ATTEST_HASH, level->expected);
        mse_hex_write(actual, MSE_ATTEST_HASH, level->actual);
    }
}

void mse_fresh_check(const struct mse_fresh_view *view, const struct mse_judged *judged,
                     const struct mse_judged *of_certificate, struct mse_checks *checks)
{
    const struct mse_appraisal *a = &judged->appraisal;
    const uint8_t *actual = report_data(a);

    if (actual == NULL)
        (void)mse_check_fail(checks, MSE_CHECK_LEVEL, MSE_ERR_NO_EVIDENCE,
                             "the fresh evidence cannot be read");
    else if (memcmp(actual, view->root, MSE_ATTEST_HASH) != 0)
        fail_binding(view->root, actual, checks);
    else if (!is_kind(view->reply.tee, a))
        (void)mse_check_fail(checks, MSE_CHECK_LEVEL, MSE_ERR_MISMATCH,
                             "the reply names another kind of TEE than its evidence");
    else if (of_certificate != NULL && !mse_same_enclave(a, &of_certificate->appraisal))
        (void)mse_check_fail(checks, MSE_CHECK_LEVEL, MSE_ERR_MISMATCH,
                             "the fresh evidence is of another enclave than the certificate's");
}

/* ---- configuration ---- */

/* An owner that the caller expects, or one whose word for another was checked. */
static bool signed_by_one(const struct mse_config_statement *statement,
                          const struct mse_policy *policy, const struct mse_report *r, bool *known,
                          uint8_t owner[static 32])
{
    const struct mse_minisign_public *expected =
        (const struct mse_minisign_public *)(const void *)policy->owner_key.values;

    *known = true;
    for (size_t i = 0; i < policy->owner_key.count; i++) {
        struct mse_error ignored = { 0 };

        memcpy(owner, expected[i].key, 32);
        if (r->has_release && memcmp(r->release.owner, owner, 32) != 0)
            continue; /* the release rests on one of several */
        if (mse_config_statement_check(statement, owner, &ignored))
            return true;
    }
    if (policy->owner_key.count == 0 && r->has_instance) {
        struct mse_error ignored = { 0 };

        memcpy(owner, r->instance.owner, 32);
        return mse_config_statement_check(statement, owner, &ignored);
    }
    *known = policy->owner_key.count > 0;
    return false;
}

static void check_statement(const struct mse_config_statement *statement,
                            const struct mse_policy *policy, struct mse_report *r)
{
    struct mse_configuration *c = &r->configuration;
    uint8_t sha256[32], owner[32];
    bool known;

    c->state = MSE_CONFIGURATION_UNCHECKED;
    mse_sha256(r->certificate.der, sha256);
    /* With a certificate of the owner's own they saw another: that of the config name. */
    if (r->ratls.count > 0 && memcmp(sha256, statement->certificate_sha256, 32) != 0)
        (void)mse_check_fail_bytes(&r->checks, MSE_CHECK_LEVEL, MSE_BYTES(sha256),
                                   MSE_BYTES(statement->certificate_sha256),
                                   "the owner's configuration is of another certificate");
    if (signed_by_one(statement, policy, r, &known, owner)) {
        c->state = MSE_CONFIGURATION_SIGNED;
        memcpy(c->owner, owner, sizeof(c->owner));
    } else if (known) {
        (void)mse_check_fail(&r->checks, MSE_CHECK_LEVEL, MSE_ERR_SIGNATURE,
                             "the configuration is not signed by the owner");
    }
}

void mse_fresh_check_configuration(const struct mse_config_claim *claim,
                                   const struct mse_policy *policy, struct mse_report *r)
{
    struct mse_configuration *c = &r->configuration;

    memcpy(c->digest, claim->config_digest, sizeof(c->digest));
    c->epoch = claim->epoch;
    switch (claim->kind) {
    case MSE_CONFIG_NONE:
        c->state = MSE_CONFIGURATION_UNCONFIGURED;
        return;
    case MSE_CONFIG_UNSIGNED:
        c->state = MSE_CONFIGURATION_UNSIGNED;
        return;
    case MSE_CONFIG_SIGNED:
        check_statement(&claim->statement, policy, r);
        return;
    }
}
