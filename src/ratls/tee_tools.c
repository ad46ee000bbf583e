/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profile "tee-tools": SNP under 1.2.840.113741.1337.7 and TDX under .8; REPORTDATA is the SHA-256
 * of the key's uncompressed point, then zeros. With an X25519 key there it is MSE's: mse.c.
 * SNP payload: report, then optionally u32 n and n times {u32 size, GUID, DER certificate}, where
 * size covers GUID and certificate. TDX payload: a quote, padded with zeros to 8192 bytes.
 */
#include "ratls/profiles.h"

static const uint8_t oid_snp[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x8a, 0x39, 0x07 };
static const uint8_t oid_tdx[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x8a, 0x39, 0x08 };
static const struct mse_bytes oids[] = { { oid_snp, sizeof(oid_snp) },
                                         { oid_tdx, sizeof(oid_tdx) },
                                         { NULL, 0 } };

static bool has_kind(const struct mse_snp_certs *certs, enum mse_snp_cert_kind kind)
{
    for (size_t i = 0; i < certs->count; i++) {
        if (certs->of[i].kind == kind)
            return true;
    }
    return false;
}

static bool read_cert(struct mse_reader *r, struct mse_snp_certs *certs)
{
    uint32_t size = mse_read_u32le(r, "snp.cert.size");
    struct mse_reader entry = mse_read_sub(r, size, "snp.cert");
    const uint8_t *guid = mse_read_array(&entry, 16, "snp.cert.guid");
    struct mse_bytes der = mse_read_rest(&entry); /* the certificate is what size leaves */
    enum mse_snp_cert_kind kind;

    if (!mse_read_ok(r))
        return false;
    kind = mse_snp_cert_kind_of(guid);
    if (kind != MSE_SNP_CERT_OTHER && has_kind(certs, kind))
        return mse_reader_fail(r, MSE_ERR_DUPLICATE, "snp.cert.guid");
    certs->of[certs->count++] = (struct mse_snp_cert){ kind, der };
    return true;
}

bool mse_snp_payload_parse(struct mse_bytes payload, struct mse_bytes *report,
                           struct mse_snp_certs *certs, struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(payload, err);
    uint32_t count;

    memset(certs, 0, sizeof(*certs));
    *report = mse_read_bytes(&r, MSE_SNP_REPORT_SIZE, "snp.report");
    if (mse_read_ok(&r) && mse_reader_left(&r) == 0)
        return true; /* a bare report */
    count = mse_read_u32le(&r, "snp.cert_count");
    if (!mse_read_ok(&r))
        return false;
    if (count > MSE_SNP_MAX_CERTS)
        return mse_reader_fail(&r, MSE_ERR_LIMIT, "snp.cert_count");
    for (uint32_t i = 0; i < count; i++) {
        if (!read_cert(&r, certs))
            return false;
    }
    return mse_read_done(&r, "snp payload");
}

static bool open_snp(const struct mse_extension *extension, struct mse_attestation *out,
                     struct mse_error *err)
{
    struct mse_snp_certs certs = { 0 };
    struct mse_bytes report;

    if (!mse_snp_payload_parse(extension->payload, &report, &certs, err))
        return false;
    mse_attestation_set_snp(out, report);
    out->certs = certs;
    return true;
}

bool mse_tee_tools_open(const struct mse_cert *cert, const struct mse_extension *extension,
                        enum mse_tail tail, struct mse_attestation *out, struct mse_error *err)
{
    uint8_t digest[32];

    if (!mse_key_is_ec(cert))
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "key", "this profile has EC keys only");
    if (!mse_payload_fits(extension->payload, MSE_RATLS_MAX_QUOTE, err))
        return false;
    mse_key_digest_point(cert, digest);
    if (mse_bytes_equal(extension->oid, MSE_BYTES(oid_tdx))) {
        mse_attestation_set_quote(out, extension->payload, MSE_PADDING_ZERO, digest, tail);
        return true;
    }
    if (!open_snp(extension, out, err))
        return false;
    mse_attestation_expect(out, digest, sizeof(digest), tail);
    return true;
}

static bool open_tee_tools(const struct mse_cert *cert, const struct mse_extension *extension,
                           struct mse_attestation *out, struct mse_error *err)
{
    return mse_tee_tools_open(cert, extension, MSE_TAIL_ZERO, out, err);
}

const struct mse_profile mse_profile_tee_tools = {
    .name = "tee-tools",
    .summary = "Cosmian tee-tools on SNP and TDX: SHA-256 of the EC point",
    .oids = oids,
    .open = open_tee_tools,
};
