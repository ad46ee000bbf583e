/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profile "openenclave": Open Enclave's report extension (header of 16 bytes and a quote) and its
 * evidence extension (header of 32 bytes, quote, custom claims), each under an old and a new OID.
 * REPORTDATA is the SHA-256 of the key in PEM with a NUL, which in the evidence extension is also
 * what the custom claims are. Open Enclave SDK, internal/report.h and internal/evidence.h.
 */
#include "ratls/profiles.h"

#include "crypto/hash.h"

static const uint8_t oid_report[] = { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x69, 0x01 };
static const uint8_t oid_report_old[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x14, 0x0a, 0x01, 0x01 };
static const uint8_t oid_evidence[] = { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x69, 0x02 };
static const uint8_t oid_evidence_old[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x14, 0x0a, 0x01, 0x02 };
static const struct mse_bytes oids[] = {
    { oid_report, sizeof(oid_report) },
    { oid_report_old, sizeof(oid_report_old) },
    { oid_evidence, sizeof(oid_evidence) },
    { oid_evidence_old, sizeof(oid_evidence_old) },
    { NULL, 0 },
};

#define REPORT_VERSION 1
#define REPORT_TYPE_SGX_REMOTE 2
#define EVIDENCE_VERSION 3

/* The evidence formats that are a quote; both as bytes of the UUID's text. */
static const uint8_t format_sgx[16] = { 0xa3, 0xa2, 0x1e, 0x87, 0x1b, 0x4d, 0x40, 0x14,
                                        0xb7, 0x0a, 0xa1, 0x25, 0xd2, 0xfb, 0xcd, 0x8c };
static const uint8_t format_tdx[16] = { 0x8b, 0xa7, 0x02, 0x86, 0xc1, 0xcf, 0x11, 0xed,
                                        0xaf, 0xa1, 0x02, 0x42, 0xac, 0x12, 0x00, 0x02 };

bool mse_oe_report_read(struct mse_bytes payload, struct mse_bytes *quote, struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(payload, err);
    uint32_t version = mse_read_u32le(&r, "oe_report.version");
    uint32_t type = mse_read_u32le(&r, "oe_report.type");
    uint64_t size = mse_read_u64le(&r, "oe_report.size");

    *quote = (struct mse_bytes){ 0 };
    if (!mse_read_ok(&r))
        return false;
    if (version != REPORT_VERSION)
        return mse_fail(err, MSE_ERR_UNSUPPORTED, 0, "oe_report.version");
    if (type != REPORT_TYPE_SGX_REMOTE)
        return mse_fail(err, MSE_ERR_UNSUPPORTED, 4, "oe_report.type");
    if (size > MSE_RATLS_MAX_QUOTE)
        return mse_fail(err, MSE_ERR_LIMIT, 8, "oe_report.size");
    *quote = mse_read_bytes(&r, (size_t)size, "oe_report.quote");
    if (mse_read_done(&r, "oe_report"))
        return true;
    *quote = (struct mse_bytes){ 0 };
    return false;
}

static bool read_evidence(struct mse_bytes payload, struct mse_bytes *data, uint32_t *tee_type,
                          struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(payload, err);
    uint32_t version = mse_read_u32le(&r, "oe_evidence.version");
    const uint8_t *format = mse_read_array(&r, sizeof(format_sgx), "oe_evidence.format_id");
    uint64_t size;

    mse_read_zero(&r, 4, "oe_evidence.padding");
    size = mse_read_u64le(&r, "oe_evidence.data_size");
    if (!mse_read_ok(&r))
        return false;
    if (version != EVIDENCE_VERSION)
        return mse_fail(err, MSE_ERR_UNSUPPORTED, 0, "oe_evidence.version");
    if (memcmp(format, format_sgx, sizeof(format_sgx)) == 0)
        *tee_type = MSE_TEE_TYPE_SGX;
    else if (memcmp(format, format_tdx, sizeof(format_tdx)) == 0)
        *tee_type = MSE_TEE_TYPE_TDX;
    else
        return mse_fail(err, MSE_ERR_UNSUPPORTED, 4, "oe_evidence.format_id");
    if (size > MSE_RATLS_MAX_QUOTE)
        return mse_fail(err, MSE_ERR_LIMIT, 24, "oe_evidence.data_size");
    *data = mse_read_bytes(&r, (size_t)size, "oe_evidence.data");
    return mse_read_done(&r, "oe_evidence");
}

/* The data is quote || custom claims without a length between: the claims must be the key. */
static bool open_evidence(const struct mse_cert *cert, struct mse_bytes payload,
                          struct mse_attestation *out, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer pem = { 0 };
    struct mse_bytes data, claims, quote_bytes;
    struct mse_quote quote;
    uint8_t digest[32];
    uint32_t tee_type = MSE_TEE_TYPE_SGX;

    if (!read_evidence(payload, &data, &tee_type, err) || !mse_key_pem_nul(cert, &pem, err))
        return false;
    if (data.len < pem.len)
        return mse_fail(err, MSE_ERR_TRUNCATED, payload.len, "oe_evidence.custom_claims");
    claims = (struct mse_bytes){ data.data + data.len - pem.len, pem.len };
    if (!mse_bytes_equal(claims, mse_writer_bytes(&pem)))
        return mse_fail_text(err, MSE_ERR_BINDING, "oe_evidence.custom_claims",
                             "the claims are not this certificate's key as PEM and NUL");
    quote_bytes = (struct mse_bytes){ data.data, data.len - pem.len };
    if (!mse_quote_parse(quote_bytes, MSE_PADDING_NONE, &quote, err))
        return false;
    if (quote.tee_type != tee_type)
        return mse_fail(err, MSE_ERR_VALUE, 4, "oe_evidence.format_id");
    mse_sha256(claims, digest);
    mse_attestation_set_quote(out, quote_bytes, MSE_PADDING_NONE, digest, MSE_TAIL_ZERO);
    return true;
}

static bool open_report(const struct mse_cert *cert, struct mse_bytes payload,
                        struct mse_attestation *out, struct mse_error *err)
{
    struct mse_bytes quote;
    uint8_t digest[32];

    if (!mse_oe_report_read(payload, &quote, err) || !mse_key_digest_pem_nul(cert, digest, err))
        return false;
    mse_attestation_set_quote(out, quote, MSE_PADDING_NONE, digest, MSE_TAIL_ZERO);
    return true;
}

static bool open_openenclave(const struct mse_cert *cert, const struct mse_extension *extension,
                             struct mse_attestation *out, struct mse_error *err)
{
    if (mse_bytes_equal(extension->oid, MSE_BYTES(oid_evidence)) ||
        mse_bytes_equal(extension->oid, MSE_BYTES(oid_evidence_old)))
        return open_evidence(cert, extension->payload, out, err);
    return open_report(cert, extension->payload, out, err);
}

const struct mse_profile mse_profile_openenclave = {
    .name = "openenclave",
    .summary = "Open Enclave reports and evidence: SHA-256 of the key as PEM and NUL",
    .oids = oids,
    .open = open_openenclave,
};
