/* SPDX-License-Identifier: Apache-2.0 */
/* Appraisal of SEV-SNP reports (AMD 56860, SEV-SNP Firmware ABI; AMD 57230, VCEK and KDS). */
#include "appraisal/appraisal.h"

#include "appraisal/known_cert.h"
#include "appraisal/revocation.h"
#include "appraisal/vek_chain.h"

struct job {
    const struct mse_roots *roots;
    const struct mse_collateral *collateral;
    const struct mse_snp_report *report;
    const struct mse_snp_certs *certs;
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

static void check_cert_dates(struct job *j, const struct mse_cert *cert, const char *name)
{
    enum mse_err_code code = mse_window_judge(cert->not_before, cert->not_after, j->at);
    char text[MSE_WINDOW_TEXT_SIZE];

    mse_window_add(&j->window, cert->not_before, cert->not_after);
    if (code != MSE_ERR_NONE)
        mse_check_fail(j->checks, MSE_CHECK_CHAIN, code, "the %s is %s", name,
                       mse_window_text(code, cert->not_before, cert->not_after, text));
}

/* From version 3 on the report says what processor it comes from. */
static void check_product(struct job *j)
{
    enum mse_snp_product signer = j->chain->chain->vek.product;
    enum mse_snp_product own = mse_snp_report_product(j->report);

    if (!j->report->has_cpuid || own == signer)
        return;
    if (own == MSE_SNP_UNKNOWN)
        mse_check_fail(j->checks, MSE_CHECK_CHAIN, MSE_ERR_UNSUPPORTED,
                       "the report comes from an unknown processor, family %u model %u",
                       j->report->cpuid_family, j->report->cpuid_model);
    else
        mse_check_fail(j->checks, MSE_CHECK_CHAIN, MSE_ERR_MISMATCH,
                       "the report comes from %s, its signer's certificate is for %s",
                       mse_snp_product_name(own), mse_snp_product_name(signer));
}

static void judge_chain(struct job *j)
{
    const struct mse_trusted_chain *chain = j->chain->chain;

    j->out->has_vek = true;
    j->out->vek = chain->vek;
    j->out->product = chain->vek.product;
    check_cert_dates(j, &chain->leaf, chain->vek.is_vlek ? "VLEK certificate" : "VCEK certificate");
    check_cert_dates(j, &chain->ca, chain->vek.is_vlek ? "ASVK certificate" : "ASK certificate");
    check_product(j);
    mse_check_pass(j->checks, MSE_CHECK_CHAIN);
}

/* The certificate must be of this chip at exactly the security versions that the report states. */
static void judge_collateral(struct job *j)
{
    const struct mse_vek *vek = &j->chain->chain->vek;
    const struct mse_snp_report *report = j->report;

    /* AMD 56860: CHIP_ID is zero when the host masks it. */
    if (!vek->is_vlek && (report->mask_chip_key || mse_is_zero(report->chip_id, 64)))
        mse_check_fail(j->checks, MSE_CHECK_COLLATERAL, MSE_ERR_MISMATCH,
                       "the report's chip id is masked, it cannot be tied to a machine");
    else if (!mse_vek_fits_chip(vek, report))
        mse_check_fail_bytes(j->checks, MSE_CHECK_COLLATERAL,
                             (struct mse_bytes){ report->chip_id, 64 },
                             (struct mse_bytes){ vek->hwid, vek->hwid_len },
                             "the VCEK certificate is of another chip");
    if (!mse_vek_fits_tcb(vek, report)) {
        struct mse_snp_tcb want = mse_snp_tcb_decode(report->reported_tcb, vek->product);

        mse_check_fail_bytes(
            j->checks, MSE_CHECK_COLLATERAL,
            (struct mse_bytes){
                (const uint8_t[]){ want.fmc, want.bl, want.tee, want.snp, want.ucode }, 5 },
            (struct mse_bytes){ (const uint8_t[]){ vek->tcb.fmc, vek->tcb.bl, vek->tcb.tee,
                                                   vek->tcb.snp, vek->tcb.ucode },
                                5 },
            "the certificate is for other security versions (fmc, bl, tee, snp, ucode) than the "
            "report");
    }
    mse_check_pass(j->checks, MSE_CHECK_COLLATERAL);
}

static bool judge_signature(struct job *j, struct mse_error *err)
{
    struct mse_error why = { 0 };

    if (mse_key_check_raw_p384(j->chain->key, j->report->signed_part, j->report->signature,
                               "report", &why)) {
        mse_check_pass(j->checks, MSE_CHECK_SIGNATURE);
        return true;
    }
    if (mse_error_is_fatal(&why)) {
        *err = why;
        return false;
    }
    mse_check_fail_error(j->checks, MSE_CHECK_SIGNATURE, &why);
    return true;
}

static struct mse_bytes brought_list(const struct job *j)
{
    for (size_t i = 0; j->certs != NULL && i < j->certs->count; i++) {
        if (j->certs->of[i].kind == MSE_SNP_CERT_CRL)
            return j->certs->of[i].der;
    }
    return (struct mse_bytes){ NULL, 0 };
}

/*
 * AMD's list is signed by the ARK and names what the ARK signed. The leaf is not looked up in it:
 * a serial number says nothing on another issuer's list (and every VCEK has the serial number 0).
 */
static void judge_revocation(struct job *j)
{
    const struct mse_trusted_chain *chain = j->chain->chain;
    const struct mse_root *root = mse_known_root_digest(j->roots, chain->root_key_digest);
    const struct mse_revocation r = { .roots = j->roots,
                                      .collateral = j->collateral,
                                      .brought = brought_list(j),
                                      .at = j->at,
                                      .checks = j->checks,
                                      .window = &j->window };
    const struct mse_crl_subject ca = { &chain->ca, chain->vek.is_vlek ? "ASVK" : "ASK" };

    mse_revocation_judge(&r, &(struct mse_crl_issuer){ NULL, NULL, root, "ARK" }, &ca, 1);
    mse_check_pass(j->checks, MSE_CHECK_REVOCATION);
}

static void set_versions(struct mse_appraisal *out, const struct mse_snp_report *report)
{
    out->current_tcb = mse_snp_tcb_decode(report->current_tcb, out->product);
    out->reported_tcb = mse_snp_tcb_decode(report->reported_tcb, out->product);
    out->committed_tcb = mse_snp_tcb_decode(report->committed_tcb, out->product);
    out->launch_tcb = mse_snp_tcb_decode(report->launch_tcb, out->product);
}

/* No check passes on the ground of one that did not. */
static void withdraw_unfounded(struct job *j)
{
    static const enum mse_check above[] = { MSE_CHECK_SIGNATURE, MSE_CHECK_REVOCATION,
                                            MSE_CHECK_COLLATERAL };

    if (has_passed(j, MSE_CHECK_CHAIN))
        return;
    for (size_t i = 0; i < sizeof(above) / sizeof(above[0]); i++)
        mse_check_unknown(j->checks, above[i], MSE_ERR_CHAIN, "not judged: chain");
}

static bool run(struct job *j, struct mse_trust_cache *cache, struct mse_error *err)
{
    uint32_t signer = j->report->signing_key;

    if (signer != MSE_SNP_VCEK && signer != MSE_SNP_VLEK) {
        mse_check_fail(j->checks, MSE_CHECK_CHAIN, MSE_ERR_UNSUPPORTED,
                       "the report names no key of the vendor as its signer: %u", signer);
        mse_check_fail(j->checks, MSE_CHECK_SIGNATURE, MSE_ERR_SIGNATURE,
                       "the report is not signed");
        return true;
    }
    if (!mse_vek_chain_find(cache, j->roots, j->collateral, j->report, j->certs, j->checks,
                            &j->chain, err))
        return false;
    if (j->chain == NULL)
        return true;
    judge_chain(j);
    judge_collateral(j);
    judge_revocation(j);
    return judge_signature(j, err);
}

bool mse_snp_appraise(struct mse_trust_cache *cache, const struct mse_roots *roots,
                      const struct mse_collateral *collateral, const struct mse_snp_report *report,
                      const struct mse_snp_certs *certs, int64_t at, struct mse_checks *checks,
                      struct mse_appraisal *out, struct mse_error *err)
{
    struct job j = { .roots = roots,
                     .collateral = collateral,
                     .report = report,
                     .certs = certs,
                     .at = at,
                     .checks = checks,
                     .out = out };
    bool ok;

    out->tee = MSE_TEE_SNP;
    out->simulated = roots->simulated;
    out->snp = *report;
    out->product = mse_snp_report_product(report);
    /* An earlier quote's outcome stays. */
    if (checks->of[MSE_CHECK_QE_IDENTITY].outcome == MSE_OUTCOME_NOT_RUN)
        checks->of[MSE_CHECK_QE_IDENTITY] =
            (struct mse_check_result){ .outcome = MSE_OUTCOME_NOT_APPLICABLE };
    ok = run(&j, cache, err);
    if (ok)
        withdraw_unfounded(&j);
    set_versions(out, report);
    mse_window_export(&j.window, at, out);
    mse_trusted_release(j.chain);
    return ok;
}
