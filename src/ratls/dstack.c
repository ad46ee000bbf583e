/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profile "dstack": 1.3.6.1.4.1.62397.1.8 with an attestation in SCALE (version 0) and .1 with a
 * TDX quote; each payload is one more OCTET STRING. REPORTDATA is SHA-512("ratls-cert:" || SPKI),
 * all 64 bytes. https://github.com/Dstack-TEE/dstack, dstack-attest and ra-tls.
 */
#include "ratls/profiles.h"

#include <stdlib.h>

#include "base/encode.h"
#include "crypto/hash.h"

static const uint8_t oid_quote[] = { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xe7, 0x3d, 0x01, 0x01 };
static const uint8_t oid_attestation[] = { 0x2b, 0x06, 0x01, 0x04, 0x01,
                                           0x83, 0xe7, 0x3d, 0x01, 0x08 };
static const struct mse_bytes oids[] = { { oid_quote, sizeof(oid_quote) },
                                         { oid_attestation, sizeof(oid_attestation) },
                                         { NULL, 0 } };

#define VERSION_SCALE 0
#define PLATFORM_TDX 0
#define PLATFORM_SNP 3

/* Parity SCALE codec, "Compact/general integers", modes 0..2 in their shortest form: below 2^30. */
static uint32_t scale_size(struct mse_reader *r, const char *field)
{
    uint32_t first = mse_read_u8(r, field);
    uint32_t value, least;

    switch (first & 3) {
    case 0:
        return first >> 2;
    case 1:
        value = (first | (uint32_t)mse_read_u8(r, field) << 8) >> 2;
        least = 1U << 6;
        break;
    case 2:
        value = first | (uint32_t)mse_read_u8(r, field) << 8;
        value = (value | (uint32_t)mse_read_u16le(r, field) << 16) >> 2;
        least = 1U << 14;
        break;
    default:
        mse_reader_fail(r, MSE_ERR_LIMIT, field);
        return 0;
    }
    if (mse_read_ok(r) && value < least)
        mse_reader_fail(r, MSE_ERR_VALUE, field);
    return mse_read_ok(r) ? value : 0;
}

static struct mse_bytes scale_bytes(struct mse_reader *r, const char *field)
{
    uint32_t size = scale_size(r, field);

    return mse_read_bytes(r, size, field);
}

/* Vec of {u32 imr, u32 type, digest, name, payload}: replayed by dstack's own verifier. */
static void skip_tdx_events(struct mse_reader *r)
{
    uint32_t count = scale_size(r, "dstack.event_log");

    for (uint32_t i = 0; i < count && mse_read_ok(r); i++) {
        mse_read_u32le(r, "dstack.event.imr");
        mse_read_u32le(r, "dstack.event.type");
        scale_bytes(r, "dstack.event.digest");
        scale_bytes(r, "dstack.event.name");
        scale_bytes(r, "dstack.event.payload");
    }
}

static void skip_runtime_events(struct mse_reader *r)
{
    uint32_t count = scale_size(r, "dstack.runtime_events");

    for (uint32_t i = 0; i < count && mse_read_ok(r); i++) {
        scale_bytes(r, "dstack.runtime_event.name");
        scale_bytes(r, "dstack.runtime_event.payload");
    }
}

static bool read_snp_certs(struct mse_reader *r, struct mse_attestation *out)
{
    uint32_t count = scale_size(r, "dstack.cert_chain");
    size_t used = 0;

    if (!mse_read_ok(r))
        return false;
    if (count > MSE_SNP_MAX_CERTS)
        return mse_reader_fail(r, MSE_ERR_LIMIT, "dstack.cert_chain");
    if (count > 0 && (out->owned = malloc(mse_reader_left(r) + 1)) == NULL)
        return mse_fail_memory(r->err);
    for (uint32_t i = 0; i < count; i++) {
        struct mse_bytes blob = scale_bytes(r, "dstack.cert_chain.item");

        if (!mse_read_ok(r) ||
            !mse_snp_certs_add_blob(&out->certs, blob, out->owned, &used, r->err))
            return false;
    }
    return true;
}

static bool read_platform(struct mse_reader *r, struct mse_attestation *out)
{
    uint8_t platform = mse_read_u8(r, "dstack.platform");
    struct mse_bytes evidence;

    if (!mse_read_ok(r))
        return false;
    if (platform != PLATFORM_TDX && platform != PLATFORM_SNP)
        return mse_fail_text(r->err, MSE_ERR_UNSUPPORTED, "dstack.platform",
                             "platform %u rests on a vTPM or Nitro quote", platform);
    evidence = scale_bytes(r, "dstack.evidence");
    if (platform == PLATFORM_TDX) {
        out->kind = MSE_EVIDENCE_QUOTE;
        out->padding = MSE_PADDING_ZERO; /* quotes come in the buffer of the quoting service */
        skip_tdx_events(r);
    } else {
        mse_attestation_set_snp(out, evidence);
        if (!read_snp_certs(r, out))
            return false;
        scale_bytes(r, "dstack.mr_config");
    }
    out->evidence = evidence;
    return mse_read_ok(r);
}

static bool fail_copy(const uint8_t *expected, const uint8_t *actual, struct mse_error *err)
{
    char expected_hex[65], actual_hex[65];

    mse_hex_write(expected, 32, expected_hex);
    mse_hex_write(actual, 32, actual_hex);
    return mse_fail_text(err, MSE_ERR_BINDING, "dstack.report_data",
                         "the attestation is not about this key: by profile dstack REPORTDATA "
                         "begins with %s, here with %s",
                         expected_hex, actual_hex);
}

/* Version 0: platform evidence, runtime events, a copy of REPORTDATA, configuration text. */
static bool read_attestation(struct mse_bytes content, const uint8_t expected[static 64],
                             struct mse_attestation *out, struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(content, err);
    uint8_t version = mse_read_u8(&r, "dstack.version");
    const uint8_t *report_data;

    if (!mse_read_ok(&r))
        return false;
    if (version != VERSION_SCALE)
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "dstack.version",
                             "only attestations of version 0 (SCALE) are read");
    if (!read_platform(&r, out))
        return false;
    skip_runtime_events(&r);
    report_data = mse_read_array(&r, 64, "dstack.report_data");
    scale_bytes(&r, "dstack.config");
    if (!mse_read_done(&r, "dstack"))
        return false;
    return memcmp(report_data, expected, 64) == 0 || fail_copy(expected, report_data, err);
}

static bool open_dstack(const struct mse_cert *cert, const struct mse_extension *extension,
                        struct mse_attestation *out, struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(extension->payload, err);
    uint8_t digest[64];
    struct mse_bytes content;

    if (!mse_payload_fits(extension->payload, MSE_RATLS_MAX_DOCUMENT, err))
        return false;
    content = mse_der_read(&r, MSE_DER_OCTET_STRING, "dstack");
    if (!mse_read_done(&r, "dstack"))
        return false;
    mse_sha512_pair(MSE_CSTR_BYTES("ratls-cert:"), cert->spki, digest);
    if (mse_bytes_equal(extension->oid, MSE_BYTES(oid_quote))) {
        out->kind = MSE_EVIDENCE_QUOTE;
        out->padding = MSE_PADDING_ZERO;
        out->evidence = content;
    } else if (!read_attestation(content, digest, out, err)) {
        return false;
    }
    mse_attestation_expect(out, digest, sizeof(digest), MSE_TAIL_NONE);
    return true;
}

const struct mse_profile mse_profile_dstack = {
    .name = "dstack",
    .summary = "dstack: SHA-512 of \"ratls-cert:\" and the SubjectPublicKeyInfo",
    .oids = oids,
    .open = open_dstack,
};
