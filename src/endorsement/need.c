/* SPDX-License-Identifier: Apache-2.0 */
/* What a quote or report needs from its vendor's service; nothing read here is believed. */
#include <stdlib.h>

#include "base/encode.h"
#include "endorsement/fetch.h"

static void data_cleanup(uint8_t **data)
{
    free(*data);
}

static bool has_text(struct mse_bytes in, const char *text)
{
    return in.data != NULL && memmem(in.data, in.len, text, strlen(text)) != NULL;
}

/* Names of the two CAs: Intel PCK Certificate and CRL Profile Specification, 1.3. */
static bool need_of_pck(const struct mse_cert *cert, const struct mse_pck *pck,
                        struct mse_need *out, struct mse_error *err)
{
    struct mse_bytes issuer = mse_cert_common_name(cert->issuer);

    out->platform_ca = has_text(issuer, "Platform CA");
    if (!out->platform_ca && !has_text(issuer, "Processor CA"))
        return mse_fail_text(err, MSE_ERR_VALUE, "pck.issuer",
                             "neither Intel's platform nor its processor CA");
    memcpy(out->fmspc, pck->fmspc, sizeof(out->fmspc));
    return true;
}

/* The leaf is the certificate with Intel's extension; chains in any order occur. */
static bool find_pck(struct mse_bytes chain, uint8_t *room, struct mse_need *out,
                     struct mse_error *err)
{
    struct mse_error why = { 0 };
    size_t at = 0;

    for (;;) {
        size_t len = chain.len;
        struct mse_cert cert;
        struct mse_pck pck;

        if (!mse_pem_next(chain, &at, "CERTIFICATE", room, &len, err)) {
            if (err->code != MSE_ERR_NONE)
                return false;
            if (why.code != MSE_ERR_NONE)
                *err = why;
            return mse_fail(err, MSE_ERR_MISSING, 0, "pck");
        }
        if (!mse_cert_parse((struct mse_bytes){ room, len }, &cert, err))
            return false;
        if (mse_pck_parse(&cert, &pck, &why))
            return need_of_pck(&cert, &pck, out, err);
        if (why.code == MSE_ERR_MISSING)
            why = (struct mse_error){ 0 };
    }
}

bool mse_need_of_quote(const struct mse_quote *quote, struct mse_need *out, struct mse_error *err)
{
    MSE_CLEANUP(data_cleanup) uint8_t *room = NULL;
    struct mse_need need = { .intel = true };

    *out = (struct mse_need){ 0 };
    need.tdx = quote->tee_type == MSE_TEE_TYPE_TDX;
    need.sgx = !need.tdx;
    if (quote->cert_data.type != MSE_CERT_DATA_PCK_CHAIN &&
        quote->cert_data.type != MSE_CERT_DATA_PCK_LEAF)
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "cert_data.type",
                             "%u: the quote brings no PCK certificate",
                             (unsigned)quote->cert_data.type);
    room = malloc(quote->cert_data.body.len + 1);
    if (room == NULL)
        return mse_fail_memory(err);
    if (!find_pck(quote->cert_data.body, room, &need, err))
        return mse_fail_in(err, "cert_data");
    *out = need;
    return true;
}

/* Version 2 reports do not name their processor; the certificate that came with one does. */
static void look_at_vek(const struct mse_snp_certs *certs, bool vlek, struct mse_need *out)
{
    enum mse_snp_cert_kind want = vlek ? MSE_SNP_CERT_VLEK : MSE_SNP_CERT_VCEK;

    for (size_t i = 0; certs != NULL && i < certs->count; i++) {
        struct mse_error ignored = { 0 };
        struct mse_cert cert;
        struct mse_vek vek;

        if (certs->of[i].kind != want)
            continue;
        out->need_vek = false;
        if (out->product == MSE_SNP_UNKNOWN && mse_cert_parse(certs->of[i].der, &cert, &ignored) &&
            mse_vek_parse(&cert, &vek, &ignored))
            out->product = vek.product;
    }
}

bool mse_need_of_snp(const struct mse_snp_report *report, const struct mse_snp_certs *certs,
                     struct mse_need *out, struct mse_error *err)
{
    struct mse_need need = { .amd = true, .need_vek = true };

    *out = (struct mse_need){ 0 };
    if (report->signing_key != MSE_SNP_VCEK && report->signing_key != MSE_SNP_VLEK)
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "signing_key", "%u: neither VCEK nor VLEK",
                             report->signing_key);
    need.vlek = report->signing_key == MSE_SNP_VLEK;
    need.product = mse_snp_report_product(report);
    look_at_vek(certs, need.vlek, &need);
    if (need.product == MSE_SNP_UNKNOWN && report->has_cpuid)
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "cpuid", "family %02x, model %02x",
                             report->cpuid_family, report->cpuid_model);
    memcpy(need.chip_id, report->chip_id, sizeof(need.chip_id));
    /* Version 2 went out of use before Turin came, and Milan and Genoa have one byte order. */
    need.tcb = mse_snp_tcb_decode(report->reported_tcb,
                                  need.product != MSE_SNP_UNKNOWN ? need.product : MSE_SNP_MILAN);
    *out = need;
    return true;
}
