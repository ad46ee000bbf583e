/* SPDX-License-Identifier: Apache-2.0 */
/* Appraisal of SGX and TDX quotes: the DCAP algorithm (Intel SGX ECDSA Quote Library Reference). */
#include "appraisal/appraisal.h"

#include <stdio.h>

#include "appraisal/known_cert.h"
#include "appraisal/pck_chain.h"
#include "appraisal/revocation.h"
#include "appraisal/tcb_level.h"
#include "base/encode.h"
#include "crypto/hash.h"

struct job {
    struct mse_trust_cache *cache;
    const struct mse_roots *roots;
    const struct mse_collateral *collateral;
    const struct mse_quote *quote;
    int64_t at;
    struct mse_checks *checks;
    struct mse_appraisal *out;
    struct mse_trusted *chain; /* NULL: there is none, and CHAIN says why */
    struct mse_window window;
};

static bool has_passed(const struct job *j, enum mse_check check)
{
    return j->checks->of[check].outcome == MSE_OUTCOME_PASSED;
}

/* A check that could not be made is no failure of the evidence: false then, for the caller. */
static bool report(const struct job *j, enum mse_check check, const struct mse_error *why,
                   struct mse_error *err)
{
    if (mse_error_is_fatal(why)) {
        *err = *why;
        return false;
    }
    mse_check_fail_error(j->checks, check, why);
    return true;
}

/* ---- chain -------------------------------------------------------------------------------- */

/* A simulated TEE says what it is in the header, which its key signs: neither world takes the
 * other's evidence, whatever the signatures. */
static void check_vendor(struct job *j)
{
    const uint8_t *want = j->roots->simulated ? mse_qe_vendor_simulated : mse_qe_vendor_intel;
    const uint8_t *other = j->roots->simulated ? mse_qe_vendor_intel : mse_qe_vendor_simulated;
    const uint8_t *have = j->quote->qe_vendor_id;

    if (memcmp(have, want, 16) == 0)
        return;
    if (memcmp(have, other, 16) == 0)
        mse_check_fail(j->checks, MSE_CHECK_CHAIN, MSE_ERR_SIMULATED, "%s",
                       j->roots->simulated
                           ? "the evidence is genuine, but only simulated evidence is accepted"
                           : "the evidence comes from a simulated TEE, which protects nothing");
    else
        mse_check_fail(j->checks, MSE_CHECK_CHAIN, MSE_ERR_UNSUPPORTED,
                       "the quoting enclave is of an unknown vendor");
}

static void check_cert_dates(struct job *j, const struct mse_cert *cert, const char *name)
{
    enum mse_err_code code = mse_window_judge(cert->not_before, cert->not_after, j->at);
    char text[MSE_WINDOW_TEXT_SIZE];

    mse_window_add(&j->window, cert->not_before, cert->not_after);
    if (code != MSE_ERR_NONE)
        mse_check_fail(j->checks, MSE_CHECK_CHAIN, code, "the %s is %s", name,
                       mse_window_text(code, cert->not_before, cert->not_after, text));
}

static void judge_chain(struct job *j)
{
    const struct mse_trusted_chain *chain = j->chain->chain;
    struct mse_appraisal *out = j->out;
    size_t len = chain->leaf.serial.len;

    out->has_pck = true;
    out->pck = chain->pck;
    out->platform_ca = chain->ca_role == MSE_ROLE_PCK_PLATFORM_CA;
    if (len > (sizeof(out->pck_serial) - 1) / 2)
        len = (sizeof(out->pck_serial) - 1) / 2;
    mse_hex_write(chain->leaf.serial.data, len, out->pck_serial);
    /* The root's certificate is not judged: its key is what is pinned (RFC 5280, 6.1.1). */
    check_cert_dates(j, &chain->leaf, "PCK certificate");
    check_cert_dates(j, &chain->ca, "PCK CA's certificate");
    mse_check_pass(j->checks, MSE_CHECK_CHAIN);
}

/* ---- signatures --------------------------------------------------------------------------- */

/* REPORTDATA of the quoting enclave is SHA-256(attestation key || auth data), then 32 zeros. */
static bool check_key_binding(const struct job *j)
{
    const struct mse_quote *q = j->quote;
    struct mse_bytes key = { q->att_key, 64 };
    uint8_t want[64] = { 0 };

    mse_sha256_pair(key, q->qe_auth_data, want);
    if (memcmp(want, q->qe_report.report_data, sizeof(want)) == 0)
        return true;
    return mse_check_fail_bytes(j->checks, MSE_CHECK_SIGNATURE, MSE_BYTES(want),
                                (struct mse_bytes){ q->qe_report.report_data, sizeof(want) },
                                "the quoting enclave's report is not about the attestation key");
}

/* Makes *out: the attestation key, for which the PCK key vouches if there is a chain. *out stays
 * NULL after a failure of SIGNATURE. False: memory. */
static bool verify_attestation_key(const struct job *j, struct mse_trusted **out,
                                   struct mse_error *err)
{
    MSE_CLEANUP(mse_trusted_cleanup) struct mse_trusted *made = NULL;
    const struct mse_quote *q = j->quote;
    struct mse_error why = { 0 };

    if (!check_key_binding(j))
        return true;
    if (j->chain != NULL &&
        !mse_key_check_raw_p256(j->chain->key, q->qe_report.raw, q->qe_report_signature,
                                "quoting enclave's report", &why))
        return report(j, MSE_CHECK_SIGNATURE, &why, err);
    if (!mse_trusted_new(MSE_TRUST_QE_REPORT, false, &made, err))
        return false;
    if (!mse_key_new_p256_raw(q->att_key, &made->key, &why))
        return report(j, MSE_CHECK_SIGNATURE, &why, err);
    *out = made;
    made = NULL;
    return true;
}

static bool find_attestation_key(const struct job *j, struct mse_trusted **out,
                                 struct mse_error *err)
{
    const struct mse_quote *q = j->quote;
    uint64_t chain_id = j->chain != NULL ? j->chain->id : 0;
    const struct mse_bytes lookup[] = {
        { (const uint8_t *)&chain_id, sizeof(chain_id) },
        q->qe_report.raw,
        { q->qe_report_signature, 64 },
        { q->att_key, 64 },
        q->qe_auth_data,
    };
    const size_t parts = sizeof(lookup) / sizeof(lookup[0]);

    *out = NULL;
    if (chain_id != 0)
        *out = mse_trust_find(j->cache, j->roots, MSE_TRUST_QE_REPORT, lookup, parts);
    if (*out != NULL)
        return true;
    if (!verify_attestation_key(j, out, err))
        return false;
    if (*out != NULL && chain_id != 0)
        mse_trust_keep(j->cache, j->roots, *out, lookup, parts);
    return true;
}

static bool judge_signature(struct job *j, struct mse_error *err)
{
    MSE_CLEANUP(mse_trusted_cleanup) struct mse_trusted *key = NULL;
    struct mse_error why = { 0 };

    if (!find_attestation_key(j, &key, err))
        return false;
    if (key == NULL)
        return true;
    if (!mse_key_check_raw_p256(key->key, j->quote->signed_part, j->quote->signature, "quote",
                                &why))
        return report(j, MSE_CHECK_SIGNATURE, &why, err);
    mse_check_pass(j->checks, MSE_CHECK_SIGNATURE);
    return true;
}

/* ---- collateral --------------------------------------------------------------------------- */

static bool is_tdx(const struct job *j)
{
    return j->quote->tee_type == MSE_TEE_TYPE_TDX;
}

/* True if the item is there and in date; COLLATERAL says what is wrong otherwise. */
static bool check_item(struct job *j, const struct mse_item *item, enum mse_item_kind kind,
                       const char *name)
{
    enum mse_err_code code;
    char text[256];

    if (item == NULL) {
        const struct mse_item *rejected = j->collateral != NULL
                                              ? mse_collateral_rejected(j->collateral, kind)
                                              : NULL;

        if (rejected == NULL)
            return mse_check_unknown(j->checks, MSE_CHECK_COLLATERAL, MSE_ERR_MISSING, "no %s",
                                     name);
        return mse_check_fail(j->checks, MSE_CHECK_COLLATERAL, rejected->why_not.code,
                              "%s is not genuine: %s", rejected->name,
                              mse_error_describe(&rejected->why_not, text, sizeof(text)));
    }
    mse_window_add(&j->window, item->valid_from, item->valid_until);
    code = mse_window_judge(item->valid_from, item->valid_until, j->at);
    if (code == MSE_ERR_NONE)
        return true;
    return mse_check_unknown(j->checks, MSE_CHECK_COLLATERAL, code, "the %s is %s", name,
                             mse_window_text(code, item->valid_from, item->valid_until, text));
}

static const struct mse_item *find_tcb_info(const struct job *j, bool early)
{
    return j->collateral == NULL
               ? NULL
               : mse_collateral_tcb_info(j->collateral, is_tdx(j), j->out->pck.fmspc, early, j->at);
}

static const struct mse_item *find_qe_identity(const struct job *j, bool early)
{
    enum mse_qe_id id = is_tdx(j) ? MSE_QE_TDX : MSE_QE_SGX;

    return j->collateral == NULL ? NULL
                                 : mse_collateral_qe_identity(j->collateral, id, early, j->at);
}

static void judge_qe_identity(struct job *j, const struct mse_qe_identity *identity)
{
    const struct mse_sgx_body *qe = &j->quote->qe_report;
    const char *misfit = mse_qe_identity_misfit(identity, qe);

    if ((qe->flags & MSE_SGX_DEBUG) != 0)
        mse_check_fail(j->checks, MSE_CHECK_QE_IDENTITY, MSE_ERR_POLICY,
                       "the quoting enclave runs in debug mode");
    else if (misfit != NULL && strcmp(misfit, "mrsigner") == 0)
        mse_check_fail_bytes(j->checks, MSE_CHECK_QE_IDENTITY, MSE_BYTES(identity->mrsigner),
                             (struct mse_bytes){ qe->mrsigner, 32 },
                             "the quoting enclave was not signed by the vendor");
    else if (misfit != NULL)
        mse_check_fail(j->checks, MSE_CHECK_QE_IDENTITY, MSE_ERR_MISMATCH,
                       "the quoting enclave's %s is not what the vendor states", misfit);
    else
        mse_check_pass(j->checks, MSE_CHECK_QE_IDENTITY);
}

/* The early set is a warning of what will be asked for: it fails nothing. */
static void evaluate_early(struct job *j, const struct mse_item *identity)
{
    const struct mse_item *info = find_tcb_info(j, true);
    const struct mse_item *early = find_qe_identity(j, true);
    struct mse_error ignored = { 0 };

    if (early != NULL &&
        mse_window_judge(early->valid_from, early->valid_until, j->at) == MSE_ERR_NONE)
        identity = early;
    if (info == NULL ||
        mse_window_judge(info->valid_from, info->valid_until, j->at) != MSE_ERR_NONE)
        return;
    if (!mse_tcb_evaluate(&info->tcb_info, &identity->qe_identity, j->quote, &j->out->pck,
                          &j->out->early, &ignored))
        j->out->early = (struct mse_tcb_result){ 0 };
}

/* The vendor signs old evaluations anew as long as it keeps them: whoever answers for it could
 * choose one. What is known to be newer counts, even if it is out of date by now. */
static bool is_newest_known(struct job *j, const struct mse_item *item)
{
    uint32_t known = 0;

    if (!mse_collateral_newer_known(j->collateral, item, j->at, &known))
        return true;
    return mse_check_unknown(
        j->checks, MSE_CHECK_COLLATERAL, MSE_ERR_EXPIRED,
        "%s is of an older evaluation than %u, which is known but not in date: "
        "fetch it anew",
        item->name, (unsigned)known);
}

static void judge_collateral(struct job *j, const struct mse_item *info,
                             const struct mse_item *identity)
{
    char name[64], fmspc[13];
    struct mse_error why = { 0 };
    bool ok;

    mse_hex_write(j->out->pck.fmspc, 6, fmspc);
    snprintf(name, sizeof(name), "%s TCB info for FMSPC %s", is_tdx(j) ? "TDX" : "SGX", fmspc);
    ok = check_item(j, info, MSE_ITEM_TCB_INFO, name);
    snprintf(name, sizeof(name), "identity of the %squoting enclave", is_tdx(j) ? "TD " : "");
    if (!check_item(j, identity, MSE_ITEM_QE_IDENTITY, name)) {
        mse_check_unknown(j->checks, MSE_CHECK_QE_IDENTITY, MSE_ERR_MISSING,
                          "no %s that is genuine and in date", name);
        return;
    }
    judge_qe_identity(j, &identity->qe_identity);
    if (!ok)
        return;
    if (!mse_tcb_evaluate(&info->tcb_info, &identity->qe_identity, j->quote, &j->out->pck,
                          &j->out->tcb, &why)) {
        mse_check_fail_error(j->checks, MSE_CHECK_COLLATERAL, &why);
        return;
    }
    if (is_newest_known(j, info) && is_newest_known(j, identity))
        mse_check_pass(j->checks, MSE_CHECK_COLLATERAL);
    evaluate_early(j, identity);
}

/* ---- revocation --------------------------------------------------------------------------- */

/* Statements are believed if the chain's own root speaks for their signer. */
static const struct mse_cert *signer_of(const struct job *j, const struct mse_root *root,
                                        const struct mse_item *item)
{
    if (item == NULL || item->issuer == NULL)
        return NULL;
    if (mse_known_root_of(j->roots, item) != root)
        mse_check_fail(j->checks, MSE_CHECK_COLLATERAL, MSE_ERR_CHAIN,
                       "%s was signed under another root than the evidence", item->name);
    return &item->issuer->cert;
}

static void judge_revocation(struct job *j, const struct mse_item *info,
                             const struct mse_item *identity)
{
    const struct mse_trusted_chain *chain = j->chain->chain;
    const struct mse_root *root = mse_known_root_digest(j->roots, chain->root_key_digest);
    const char *ca = j->out->platform_ca ? "PCK platform CA" : "PCK processor CA";
    const struct mse_revocation r = { .roots = j->roots,
                                      .collateral = j->collateral,
                                      .at = j->at,
                                      .checks = j->checks,
                                      .window = &j->window };
    const struct mse_crl_subject leaf = { &chain->leaf, "PCK certificate" };
    const struct mse_crl_subject below_root[] = {
        { &chain->ca, ca },
        { signer_of(j, root, info), "TCB signing certificate of the TCB info" },
        { signer_of(j, root, identity), "TCB signing certificate of the identity" },
    };

    mse_revocation_judge(&r, &(struct mse_crl_issuer){ &chain->ca, chain->ca_key, root, ca }, &leaf,
                         1);
    mse_revocation_judge(&r, &(struct mse_crl_issuer){ NULL, NULL, root, "root CA" }, below_root,
                         3);
    mse_check_pass(j->checks, MSE_CHECK_REVOCATION);
}

/* ---- all together ------------------------------------------------------------------------- */

/* No check passes on the ground of one that did not. */
static void withdraw_unfounded(struct job *j)
{
    static const enum mse_check above_chain[] = { MSE_CHECK_SIGNATURE, MSE_CHECK_QE_IDENTITY,
                                                  MSE_CHECK_REVOCATION, MSE_CHECK_COLLATERAL };
    bool chain = has_passed(j, MSE_CHECK_CHAIN);

    if (!chain) {
        for (size_t i = 0; i < sizeof(above_chain) / sizeof(above_chain[0]); i++)
            mse_check_unknown(j->checks, above_chain[i], MSE_ERR_CHAIN, "not judged: chain");
    }
    /* A revoked signer's word is worth nothing; a list that is missing or old says nothing yet. */
    if (j->checks->of[MSE_CHECK_REVOCATION].outcome == MSE_OUTCOME_FAILED) {
        mse_check_unknown(j->checks, MSE_CHECK_SIGNATURE, MSE_ERR_REVOKED,
                          "not judged: revocation");
        mse_check_unknown(j->checks, MSE_CHECK_COLLATERAL, MSE_ERR_REVOKED,
                          "not judged: revocation");
    }
    if (!has_passed(j, MSE_CHECK_SIGNATURE))
        mse_check_unknown(j->checks, MSE_CHECK_QE_IDENTITY, MSE_ERR_SIGNATURE,
                          "not judged: signature");
    if (!chain || !has_passed(j, MSE_CHECK_SIGNATURE) || !has_passed(j, MSE_CHECK_COLLATERAL)) {
        j->out->tcb = (struct mse_tcb_result){ 0 };
        j->out->early = (struct mse_tcb_result){ 0 };
    }
}

static bool run(struct job *j, struct mse_error *err)
{
    check_vendor(j);
    if (!mse_pck_chain_find(j->cache, j->roots, j->collateral, j->quote, j->checks, &j->chain, err))
        return false;
    if (j->chain != NULL)
        judge_chain(j);
    if (!judge_signature(j, err))
        return false;
    if (j->chain != NULL) {
        const struct mse_item *info = find_tcb_info(j, false);
        const struct mse_item *identity = find_qe_identity(j, false);

        judge_revocation(j, info, identity);
        judge_collateral(j, info, identity);
    }
    withdraw_unfounded(j);
    return true;
}

bool mse_dcap_appraise(struct mse_trust_cache *cache, const struct mse_roots *roots,
                       const struct mse_collateral *collateral, const struct mse_quote *quote,
                       int64_t at, struct mse_checks *checks, struct mse_appraisal *out,
                       struct mse_error *err)
{
    struct job j = { .cache = cache,
                     .roots = roots,
                     .collateral = collateral,
                     .quote = quote,
                     .at = at,
                     .checks = checks,
                     .out = out };
    bool ok;

    out->tee = is_tdx(&j) ? MSE_TEE_TDX : MSE_TEE_SGX;
    out->simulated = roots->simulated;
    out->quote = *quote;
    ok = run(&j, err);
    mse_window_export(&j.window, at, out);
    mse_trusted_release(j.chain);
    return ok;
}
