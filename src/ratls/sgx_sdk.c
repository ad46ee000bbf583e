/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profile "sgx-sdk": the Intel SGX SDK's older certificates: a bare quote under
 * 1.2.840.113741.1.13.1; REPORTDATA is the SHA-256 of the key in PEM with a NUL. Newer ones repeat
 * there the quote of their DICE extension, which is what binds it.
 */
#include "ratls/profiles.h"

static const uint8_t oid_sdk[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01 };
static const struct mse_bytes oids[] = { { oid_sdk, sizeof(oid_sdk) }, { NULL, 0 } };

static bool open_sgx_sdk(const struct mse_cert *cert, const struct mse_extension *extension,
                         struct mse_attestation *out, struct mse_error *err)
{
    uint8_t digest[32];

    /*
     * Intel's PCK certificates use this OID for a SEQUENCE of platform values (PCK Certificate and
     * CRL Profile Specification, 1.3.5). No quote begins so: its first byte is the version.
     */
    if (extension->payload.len > 0 && extension->payload.data[0] == MSE_DER_SEQUENCE)
        return mse_fail_text(err, MSE_ERR_NO_EVIDENCE, "extension",
                             "it holds the values of a PCK certificate, not a quote");
    if (!mse_payload_fits(extension->payload, MSE_RATLS_MAX_QUOTE, err))
        return false;
    if (!mse_key_digest_pem_nul(cert, digest, err))
        return false;
    mse_attestation_set_quote(out, extension->payload, MSE_PADDING_NONE, digest, MSE_TAIL_ZERO);
    return true;
}

const struct mse_profile mse_profile_sgx_sdk = {
    .name = "sgx-sdk",
    .summary = "Intel SGX SDK, older: SHA-256 of the key as PEM and NUL",
    .oids = oids,
    .open = open_sgx_sdk,
};
