/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profile "c8s": 1.3.6.1.4.1.66378.1.1 with SEQUENCE { teeType INTEGER, report OCTET STRING,
 * certChain OCTET STRING OPTIONAL }; REPORTDATA is SHA-384(SPKI) and zeros (certificates are bound
 * without a nonce). TDX quotes travel in a JSON envelope. https://github.com/confidential-dot-ai/
 * c8s, docs/ratls.md.
 */
#include "ratls/profiles.h"

#include <stdlib.h>

#include "base/encode.h"
#include "base/json.h"
#include "crypto/hash.h"

static const uint8_t oid_c8s[] = { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x84, 0x86, 0x4a, 0x01, 0x01 };
static const struct mse_bytes oids[] = { { oid_c8s, sizeof(oid_c8s) }, { NULL, 0 } };

#define TEE_SNP 1
#define TEE_TDX 2

/* {"platform": "tdx", "evidence": {"quote": base64, ...}}; other members are not read. */
static bool read_envelope(struct mse_bytes in, struct mse_attestation *out, struct mse_error *err)
{
    MSE_CLEANUP(mse_json_cleanup) struct mse_json json = { 0 };
    const struct mse_json_value *evidence;
    struct mse_bytes platform, quote;
    size_t len;

    if (!mse_json_parse(in, &json, err) ||
        !mse_json_get_plain(&json, json.values, "platform", &platform, err))
        return false;
    if (!mse_bytes_equal_text(platform, "tdx"))
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "platform",
                             "only platform \"tdx\" is read from an envelope: others are bound "
                             "through a vTPM or verified by the cloud");
    if (!mse_json_get_object(&json, json.values, "evidence", &evidence, err) ||
        !mse_json_get_plain(&json, evidence, "quote", &quote, err))
        return false;
    len = 3 * (quote.len / 4) + 3;
    if ((out->owned = malloc(len)) == NULL)
        return mse_fail_memory(err);
    if (!mse_base64_read((const char *)quote.data, quote.len, false, out->owned, &len))
        return mse_fail(err, MSE_ERR_FORMAT, (size_t)(quote.data - in.data), "evidence: quote");
    out->evidence = (struct mse_bytes){ out->owned, len };
    return true;
}

static bool open_tdx(struct mse_bytes report, struct mse_bytes chain, struct mse_attestation *out,
                     struct mse_error *err)
{
    out->kind = MSE_EVIDENCE_QUOTE;
    out->padding = MSE_PADDING_ZERO; /* the guest's kernel hands out buffers of fixed size */
    out->evidence = report;
    if (chain.len > 0)
        return mse_fail(err, MSE_ERR_VALUE, 0, "c8s.cert_chain"); /* quotes bring their own */
    return report.len == 0 || report.data[0] != '{' || read_envelope(report, out, err);
}

static bool open_snp(struct mse_bytes report, struct mse_bytes chain, struct mse_attestation *out,
                     struct mse_error *err)
{
    size_t used = 0;

    if (report.len > 0 && report.data[0] == '{')
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "c8s.report",
                             "SNP evidence in an envelope comes from a cloud's own attestation");
    mse_attestation_set_snp(out, report);
    if (chain.len == 0)
        return true;
    if ((out->owned = malloc(chain.len)) == NULL)
        return mse_fail_memory(err);
    return mse_snp_certs_add_blob(&out->certs, chain, out->owned, &used, err);
}

static bool open_c8s(const struct mse_cert *cert, const struct mse_extension *extension,
                     struct mse_attestation *out, struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(extension->payload, err);
    struct mse_bytes report, chain = { 0 };
    struct mse_reader body;
    uint64_t tee_type;
    uint8_t digest[MSE_SHA384_SIZE];

    if (!mse_payload_fits(extension->payload, MSE_RATLS_MAX_DOCUMENT, err))
        return false;
    body = mse_der_enter(&r, MSE_DER_SEQUENCE, "c8s");
    tee_type = mse_der_read_unsigned(&body, "c8s.tee_type");
    report = mse_der_read(&body, MSE_DER_OCTET_STRING, "c8s.report");
    if (mse_read_ok(&body) && mse_reader_left(&body) > 0)
        chain = mse_der_read(&body, MSE_DER_OCTET_STRING, "c8s.cert_chain");
    if (!mse_read_done(&body, "c8s") || !mse_read_done(&r, "c8s"))
        return false;
    if (tee_type != TEE_SNP && tee_type != TEE_TDX)
        return mse_fail(err, MSE_ERR_UNSUPPORTED, 0, "c8s.tee_type");
    if (tee_type == TEE_TDX ? !open_tdx(report, chain, out, err)
                            : !open_snp(report, chain, out, err))
        return false;
    mse_sha384(cert->spki, digest);
    mse_attestation_expect(out, digest, sizeof(digest), MSE_TAIL_ZERO);
    return true;
}

const struct mse_profile mse_profile_c8s = {
    .name = "c8s",
    .summary = "C8S: SHA-384 of the SubjectPublicKeyInfo",
    .oids = oids,
    .open = open_c8s,
};
