/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profile "constellation": 1.3.9900.* with JSON documents. They cannot be verified from a
 * certificate: REPORTDATA, or the vTPM's quote, is over SHA-256(SHA-256(SPKI) || nonce) with a
 * nonce of the one connection it was made in, which only that connection's client knows. The
 * profile says so instead of "no evidence", and still notices a document of another key.
 */
#include "ratls/profiles.h"

#include "base/encode.h"
#include "base/json.h"

static const uint8_t oid_nitro[] = { 0x2b, 0xcd, 0x2c, 0x02, 0x01 };
static const uint8_t oid_aws_snp[] = { 0x2b, 0xcd, 0x2c, 0x02, 0x02 };
static const uint8_t oid_gcp_sev[] = { 0x2b, 0xcd, 0x2c, 0x03, 0x01 };
static const uint8_t oid_gcp_snp[] = { 0x2b, 0xcd, 0x2c, 0x03, 0x02 };
static const uint8_t oid_azure_snp[] = { 0x2b, 0xcd, 0x2c, 0x04, 0x01 };
static const uint8_t oid_azure_launch[] = { 0x2b, 0xcd, 0x2c, 0x04, 0x02 };
static const uint8_t oid_azure_tdx[] = { 0x2b, 0xcd, 0x2c, 0x04, 0x03 };
static const uint8_t oid_qemu_vtpm[] = { 0x2b, 0xcd, 0x2c, 0x05, 0x01 };
static const uint8_t oid_qemu_tdx[] = { 0x2b, 0xcd, 0x2c, 0x05, 0x63 };
static const struct mse_bytes oids[] = {
    { oid_nitro, sizeof(oid_nitro) },         { oid_aws_snp, sizeof(oid_aws_snp) },
    { oid_gcp_sev, sizeof(oid_gcp_sev) },     { oid_gcp_snp, sizeof(oid_gcp_snp) },
    { oid_azure_snp, sizeof(oid_azure_snp) }, { oid_azure_launch, sizeof(oid_azure_launch) },
    { oid_azure_tdx, sizeof(oid_azure_tdx) }, { oid_qemu_vtpm, sizeof(oid_qemu_vtpm) },
    { oid_qemu_tdx, sizeof(oid_qemu_tdx) },   { NULL, 0 },
};

static bool open_constellation(const struct mse_cert *cert, const struct mse_extension *extension,
                               struct mse_attestation *out, struct mse_error *err)
{
    MSE_CLEANUP(mse_json_cleanup) struct mse_json json = { 0 };
    struct mse_bytes user_data;
    uint8_t want[32], got[36];
    size_t len = sizeof(got);

    *out = (struct mse_attestation){ 0 };
    if (!mse_payload_fits(extension->payload, MSE_RATLS_MAX_DOCUMENT, err) ||
        !mse_json_parse(extension->payload, &json, err) ||
        !mse_json_get_plain(&json, json.values, "UserData", &user_data, err))
        return false;
    mse_key_digest_spki(cert, want);
    if (user_data.len > 44 ||
        !mse_base64_read((const char *)user_data.data, user_data.len, false, got, &len))
        return mse_fail(err, MSE_ERR_FORMAT, (size_t)(user_data.data - extension->payload.data),
                        "UserData");
    if (len != sizeof(want) || memcmp(got, want, sizeof(want)) != 0)
        return mse_fail_text(err, MSE_ERR_BINDING, "UserData",
                             "the document is not about this certificate's key");
    return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "nonce",
                         "the evidence is bound to a nonce that only the client of the original "
                         "connection knows, so a certificate alone cannot be verified");
}

const struct mse_profile mse_profile_constellation = {
    .name = "constellation",
    .summary = "Constellation: recognised, not verifiable without the connection's nonce",
    .oids = oids,
    .open = open_constellation,
};
