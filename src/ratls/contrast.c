/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profile "contrast": 1.3.9901.2.1 with go-sev-guest's Attestation and .2.2 with go-tdx-guest's
 * QuoteV4, both Protocol Buffers that hold the evidence taken apart. It is put together again here;
 * only the exact original bytes pass the signature check. REPORTDATA is SHA-512(SPKI || nonce):
 * a certificate can be verified by itself only where the nonce is empty.
 * google/go-sev-guest, proto/sevsnp.proto; google/go-tdx-guest, proto/tdx.proto.
 */
#include "ratls/profiles.h"

#include <stdlib.h>

#include "crypto/hash.h"
#include "ratls/protobuf.h"

static const uint8_t oid_snp[] = { 0x2b, 0xcd, 0x2d, 0x02, 0x01 };
static const uint8_t oid_tdx[] = { 0x2b, 0xcd, 0x2d, 0x02, 0x02 };
static const struct mse_bytes oids[] = { { oid_snp, sizeof(oid_snp) },
                                         { oid_tdx, sizeof(oid_tdx) },
                                         { NULL, 0 } };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CPUID_OFFSET MSE_SNP_REPORT_SIZE /* behind the report: its field has another form there */

/* clang-format off */
/* message Report, in the layout of ATTESTATION_REPORT (AMD 56860). Reserved bytes are zero. */
static const struct mse_proto_place report_places[] = {
    {  1, 0x000,   4, true  }, /* version */
    {  2, 0x004,   4, true  }, /* guest_svn */
    {  3, 0x008,   8, true  }, /* policy */
    {  4, 0x010,  16, false }, /* family_id */
    {  5, 0x020,  16, false }, /* image_id */
    {  6, 0x030,   4, true  }, /* vmpl */
    {  7, 0x034,   4, true  }, /* signature_algo */
    {  8, 0x038,   8, true  }, /* current_tcb */
    {  9, 0x040,   8, true  }, /* platform_info */
    { 10, 0x048,   4, true  }, /* signer_info */
    { 11, 0x050,  64, false }, /* report_data */
    { 12, 0x090,  48, false }, /* measurement */
    { 13, 0x0c0,  32, false }, /* host_data */
    { 14, 0x0e0,  48, false }, /* id_key_digest */
    { 15, 0x110,  48, false }, /* author_key_digest */
    { 16, 0x140,  32, false }, /* report_id */
    { 17, 0x160,  32, false }, /* report_id_ma */
    { 18, 0x180,   8, true  }, /* reported_tcb */
    { 19, 0x1a0,  64, false }, /* chip_id */
    { 20, 0x1e0,   8, true  }, /* committed_tcb */
    { 21, 0x1e8,   1, true  }, /* current_build */
    { 22, 0x1e9,   1, true  }, /* current_minor */
    { 23, 0x1ea,   1, true  }, /* current_major */
    { 24, 0x1ec,   1, true  }, /* committed_build */
    { 25, 0x1ed,   1, true  }, /* committed_minor */
    { 26, 0x1ee,   1, true  }, /* committed_major */
    { 27, 0x1f0,   8, true  }, /* launch_tcb */
    { 28, 0x2a0, 512, false }, /* signature */
    { 29, CPUID_OFFSET, 4, true }, /* cpuid1eax_fms */
    { 30, 0x1f8,   8, true  }, /* launch_mit_vector */
    { 31, 0x200,   8, true  }, /* current_mit_vector */
};

/* message Header: go-tdx-guest has pce_svn at 8 and qe_svn at 10, the other way round than DCAP. */
static const struct mse_proto_place header_places[] = {
    { 1,  0,  2, true  }, { 2,  2,  2, true  }, { 3,  4,  4, true  }, { 4, 10,  2, false },
    { 5,  8,  2, false }, { 6, 12, 16, false }, { 7, 28, 20, false },
};
/* message TDQuoteBody; field 11 is repeated, once per RTMR. */
static const struct mse_proto_place body_places[] = {
    {  1,   0, 16, false }, {  2,  16, 48, false }, {  3,  64, 48, false }, {  4, 112,  8, false },
    {  5, 120,  8, false }, {  6, 128,  8, false }, {  7, 136, 48, false }, {  8, 184, 48, false },
    {  9, 232, 48, false }, { 10, 280, 48, false }, { 11, 328, 48, false }, { 11, 376, 48, false },
    { 11, 424, 48, false }, { 11, 472, 48, false }, { 12, 520, 64, false },
};
/* message EnclaveReport. */
static const struct mse_proto_place enclave_places[] = {
    {  1,   0, 16, false }, {  2,  16,  4, true  }, {  3,  20, 28, false }, {  4,  48, 16, false },
    {  5,  64, 32, false }, {  6,  96, 32, false }, {  7, 128, 32, false }, {  8, 160, 96, false },
    {  9, 256,  2, true  }, { 10, 258,  2, true  }, { 11, 260, 60, false }, { 12, 320, 64, false },
};
/* clang-format on */

/* CPUID(1).EAX as it stands to the three bytes of a version 3 report (AMD 56860, CPUID_*_ID). */
static bool set_cpuid(uint8_t *report, struct mse_error *err)
{
    const uint8_t *raw = report + CPUID_OFFSET;
    uint32_t eax = (uint32_t)raw[0] | (uint32_t)raw[1] << 8 | (uint32_t)raw[2] << 16 |
                   (uint32_t)raw[3] << 24;
    uint32_t family = (eax >> 20 & 0xff) + (eax >> 8 & 0xf);

    if (eax == 0)
        return true;
    if (report[0] < 3 || (eax & ~0x0fff0fffU) != 0 || family > 0xff)
        return mse_fail(err, MSE_ERR_VALUE, 0, "report.cpuid1eax_fms");
    report[0x188] = (uint8_t)family;
    report[0x189] = (uint8_t)((eax >> 12 & 0xf0) | (eax >> 4 & 0xf));
    report[0x18a] = (uint8_t)(eax & 0xf);
    return true;
}

/* message CertificateChain: 1 vcek, 2 ask, 3 ark, 4 firmware, 6 vlek, 7 extras (a map: the CRL). */
static bool read_chain(struct mse_bytes message, struct mse_snp_certs *certs, struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(message, err);
    struct mse_proto_field field;

    while (mse_proto_next(&r, &field)) {
        if (field.is_integer)
            return mse_reader_fail(&r, MSE_ERR_VALUE, "certificate_chain");
        if (field.number == 4 || field.number == 7)
            continue; /* not certificates of the chain; CRLs come from the verifier's sources */
        if (field.number > 7 || field.number == 5)
            return mse_reader_fail(&r, MSE_ERR_UNKNOWN_KEY, "certificate_chain");
        if (field.bytes.len > 0 && !mse_snp_certs_add(certs, field.bytes, err))
            return false;
    }
    return mse_read_done(&r, "certificate_chain");
}

/* message Attestation: 1 report, 2 certificate_chain, 3 product (a hint; the report tells). */
static bool open_snp(struct mse_bytes payload, struct mse_attestation *out, struct mse_error *err)
{
    struct mse_proto_field top[4];

    if (!mse_proto_collect(payload, top, 3, "attestation", err))
        return false;
    if (top[1].number == 0 || top[1].is_integer || top[2].is_integer)
        return mse_fail(err, MSE_ERR_MISSING, 0, "attestation.report");
    if ((out->owned = calloc(1, MSE_SNP_REPORT_SIZE + 4)) == NULL)
        return mse_fail_memory(err);
    if (!mse_proto_lay_out(top[1].bytes, report_places, COUNT(report_places), out->owned, "report",
                           err) ||
        !set_cpuid(out->owned, err) || !read_chain(top[2].bytes, &out->certs, err))
        return false;
    mse_attestation_set_snp(out, (struct mse_bytes){ out->owned, MSE_SNP_REPORT_SIZE });
    return true;
}

/* A field that must be a message or bytes. */
static bool need_bytes(const struct mse_proto_field *fields, uint32_t number, const char *name,
                       struct mse_error *err)
{
    if (fields[number].number != 0 && !fields[number].is_integer)
        return true;
    return mse_fail(err, MSE_ERR_MISSING, 0, name);
}

/* {1 type, 2 size, 3 data}: u16, u32 and, if it is no message, the bytes. */
static bool write_typed(struct mse_bytes message, struct mse_proto_field fields[static 4],
                        const char *name, struct mse_writer *w, struct mse_error *err)
{
    if (!mse_proto_collect(message, fields, 3, name, err) || !need_bytes(fields, 3, name, err))
        return false;
    if (fields[1].value > UINT16_MAX || fields[2].value > MSE_RATLS_MAX_QUOTE)
        return mse_fail(err, MSE_ERR_VALUE, 0, name);
    mse_write_u16le(w, (uint16_t)fields[1].value);
    mse_write_u32le(w, (uint32_t)fields[2].value);
    return true;
}

/* message QEReportCertificationData: 1 qe_report, 2 signature, 3 auth data, 4 PCK chain. */
static bool write_qe(struct mse_bytes message, struct mse_writer *w, struct mse_error *err)
{
    struct mse_proto_field qe[5], auth[3], chain[4];
    uint8_t report[MSE_SGX_BODY_SIZE] = { 0 };

    if (!mse_proto_collect(message, qe, 4, "qe_report_certification_data", err) ||
        !need_bytes(qe, 1, "qe_report", err) || !need_bytes(qe, 2, "qe_report_signature", err) ||
        !need_bytes(qe, 3, "qe_auth_data", err) || !need_bytes(qe, 4, "pck_certificate_chain", err))
        return false;
    if (!mse_proto_lay_out(qe[1].bytes, enclave_places, COUNT(enclave_places), report, "qe_report",
                           err) ||
        !mse_proto_collect(qe[3].bytes, auth, 2, "qe_auth_data", err))
        return false;
    if (qe[2].bytes.len != 64)
        return mse_fail(err, MSE_ERR_VALUE, 0, "qe_report_signature");
    if (auth[1].value > UINT16_MAX || auth[2].bytes.len != auth[1].value)
        return mse_fail(err, MSE_ERR_VALUE, 0, "qe_auth_data");
    mse_write_bytes(w, report, sizeof(report));
    mse_write_bytes(w, qe[2].bytes.data, qe[2].bytes.len);
    mse_write_u16le(w, (uint16_t)auth[1].value);
    mse_write_bytes(w, auth[2].bytes.data, auth[2].bytes.len);
    if (!write_typed(qe[4].bytes, chain, "pck_certificate_chain", w, err))
        return false;
    mse_write_bytes(w, chain[3].bytes.data, chain[3].bytes.len);
    return true;
}

/* message Ecdsa256BitQuoteV4AuthData: 1 signature, 2 attestation key, 3 certification data. */
static bool write_signed_data(struct mse_bytes message, struct mse_writer *w, struct mse_error *err)
{
    struct mse_proto_field data[4], certification[4];

    if (!mse_proto_collect(message, data, 3, "signed_data", err) ||
        !need_bytes(data, 1, "signature", err) || !need_bytes(data, 2, "attestation_key", err) ||
        !need_bytes(data, 3, "certification_data", err))
        return false;
    if (data[1].bytes.len != 64 || data[2].bytes.len != 64)
        return mse_fail(err, MSE_ERR_VALUE, 0, "signed_data");
    mse_write_bytes(w, data[1].bytes.data, 64);
    mse_write_bytes(w, data[2].bytes.data, 64);
    return write_typed(data[3].bytes, certification, "certification_data", w, err) &&
           write_qe(certification[3].bytes, w, err);
}

/* message QuoteV4: 1 header, 2 body, 3 signed_data_size, 4 signed_data, 5 extra_bytes. */
static bool open_tdx(struct mse_bytes payload, struct mse_attestation *out, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer w = { .cap = MSE_RATLS_MAX_QUOTE };
    struct mse_proto_field quote[6];
    uint8_t front[MSE_QUOTE_HEADER_SIZE + MSE_TD10_BODY_SIZE] = { 0 };

    if (!mse_proto_collect(payload, quote, 5, "quote", err) ||
        !need_bytes(quote, 1, "header", err) || !need_bytes(quote, 2, "td_quote_body", err) ||
        !need_bytes(quote, 4, "signed_data", err))
        return false;
    if (!mse_proto_lay_out(quote[1].bytes, header_places, COUNT(header_places), front, "header",
                           err) ||
        !mse_proto_lay_out(quote[2].bytes, body_places, COUNT(body_places),
                           front + MSE_QUOTE_HEADER_SIZE, "td_quote_body", err))
        return false;
    if (quote[3].value > MSE_RATLS_MAX_QUOTE)
        return mse_fail(err, MSE_ERR_LIMIT, 0, "signed_data_size");
    mse_write_bytes(&w, front, sizeof(front));
    mse_write_u32le(&w, (uint32_t)quote[3].value);
    /* extra_bytes are what followed the quote in its buffer: no part of it, and not signed. */
    if (!write_signed_data(quote[4].bytes, &w, err))
        return false;
    if (!mse_writer_ok(&w))
        return mse_fail(err, MSE_ERR_LIMIT, 0, "quote");
    out->kind = MSE_EVIDENCE_QUOTE;
    out->padding = MSE_PADDING_NONE;
    out->evidence = mse_writer_bytes(&w);
    out->owned = w.data;
    w = (struct mse_writer){ 0 }; /* moved */
    return true;
}

static bool open_contrast(const struct mse_cert *cert, const struct mse_extension *extension,
                          struct mse_attestation *out, struct mse_error *err)
{
    uint8_t digest[64];

    if (!mse_payload_fits(extension->payload, MSE_RATLS_MAX_DOCUMENT, err))
        return false;
    if (mse_bytes_equal(extension->oid, MSE_BYTES(oid_tdx))
            ? !open_tdx(extension->payload, out, err)
            : !open_snp(extension->payload, out, err))
        return false;
    mse_sha512(cert->spki, digest);
    mse_attestation_expect(out, digest, sizeof(digest), MSE_TAIL_NONE);
    return true;
}

const struct mse_profile mse_profile_contrast = {
    .name = "contrast",
    .summary = "Contrast: SHA-512 of the SubjectPublicKeyInfo; with a nonce not verifiable",
    .oids = oids,
    .open = open_contrast,
    .hint = "Contrast adds a nonce of the connection, which a certificate does not tell",
};
