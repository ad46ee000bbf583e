/* SPDX-License-Identifier: Apache-2.0 */
/* Collecting collateral for one certificate or piece of evidence. */
#include "client/collect.h"

#include <stdlib.h>

#include "ratls/ratls.h"
#include "verdict/subject.h"

static bool collect_quote(const struct mse_sources *sources, struct mse_bytes evidence,
                          enum mse_padding padding, bool early, struct mse_collateral *collateral,
                          struct mse_error *err)
{
    struct mse_error ignored = { 0 };
    struct mse_need need = { 0 };
    struct mse_quote quote;

    if (!mse_quote_parse(evidence, padding, &quote, &ignored))
        return true;
    if (!mse_need_of_quote(&quote, &need, err))
        return false;
    need.early = early;
    return mse_fetch_needed(sources, &need, collateral, err);
}

static bool collect_snp(const struct mse_sources *sources, struct mse_bytes evidence,
                        const struct mse_snp_certs *certs, struct mse_collateral *collateral,
                        struct mse_error *err)
{
    struct mse_error ignored = { 0 };
    struct mse_snp_report report;
    struct mse_need need = { 0 };

    if (!mse_snp_report_parse(evidence, &report, &ignored))
        return true;
    return mse_need_of_snp(&report, certs, &need, err) &&
           mse_fetch_needed(sources, &need, collateral, err);
}

bool mse_collect_for_evidence(const struct mse_sources *sources, struct mse_bytes evidence,
                              bool early, struct mse_collateral *collateral, struct mse_error *err)
{
    struct mse_error ignored = { 0 }, other = { 0 };
    struct mse_subject subject;
    struct mse_bytes report;

    if (!mse_subject_open(evidence, &subject, &ignored))
        /* Fresh evidence has the certificates of an SNP report as attested certificates have. */
        return !mse_snp_payload_parse(evidence, &report, &subject.certs, &other) ||
               collect_snp(sources, report, &subject.certs, collateral, err);
    if (subject.kind == MSE_EVIDENCE_SNP)
        return collect_snp(sources, subject.evidence, &subject.certs, collateral, err);
    return collect_quote(sources, subject.evidence, MSE_PADDING_ZERO, early, collateral, err);
}

static bool collect_all(const struct mse_sources *sources, const struct mse_ratls *ratls,
                        bool early, struct mse_collateral *collateral, struct mse_error *err)
{
    for (size_t i = 0; i < ratls->count; i++) {
        const struct mse_attestation *a = &ratls->of[i].attestation;

        if (ratls->of[i].is_copy)
            continue;
        if (a->kind == MSE_EVIDENCE_SNP
                ? !collect_snp(sources, a->evidence, &a->certs, collateral, err)
                : !collect_quote(sources, a->evidence, a->padding, early, collateral, err))
            return false;
    }
    return true;
}

bool mse_collect_for_certificate(const struct mse_sources *sources, struct mse_bytes certificate,
                                 bool early, struct mse_collateral *collateral,
                                 struct mse_error *err)
{
    struct mse_error ignored = { 0 };
    size_t len = certificate.len;
    uint8_t *der = malloc(len > 0 ? len : 1);
    struct mse_ratls ratls = { 0 };
    struct mse_cert cert;
    bool ok = true;

    if (der == NULL)
        return mse_fail_memory(err);
    if (mse_subject_certificate_der(certificate, der, &len, &ignored) &&
        mse_cert_parse((struct mse_bytes){ der, len }, &cert, &ignored) &&
        mse_ratls_read(&cert, NULL, &ratls, &ignored))
        ok = collect_all(sources, &ratls, early, collateral, err);
    mse_ratls_cleanup(&ratls);
    free(der);
    return ok;
}
