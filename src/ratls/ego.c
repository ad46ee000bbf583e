/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profile "ego": EGo puts its quote into Open Enclave's report container under the new report OID,
 * but REPORTDATA is the SHA-256 of the SubjectPublicKeyInfo. Where EGo follows Open Enclave's rule
 * instead, the certificate is of profile "openenclave".
 */
#include "ratls/profiles.h"

static const uint8_t oid_report[] = { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x69, 0x01 };
static const struct mse_bytes oids[] = { { oid_report, sizeof(oid_report) }, { NULL, 0 } };

static bool open_ego(const struct mse_cert *cert, const struct mse_extension *extension,
                     struct mse_attestation *out, struct mse_error *err)
{
    struct mse_bytes quote;
    uint8_t digest[32];

    if (!mse_oe_report_read(extension->payload, &quote, err))
        return false;
    mse_key_digest_spki(cert, digest);
    mse_attestation_set_quote(out, quote, MSE_PADDING_NONE, digest, MSE_TAIL_ZERO);
    return true;
}

const struct mse_profile mse_profile_ego = {
    .name = "ego",
    .summary = "EGo: SHA-256 of the SubjectPublicKeyInfo in an Open Enclave report",
    .oids = oids,
    .open = open_ego,
};
