/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profile "gramine": the bare quote of Gramine's own extension; REPORTDATA is the SHA-256 of the
 * SubjectPublicKeyInfo. Gramine writes the OID's whole TLV where its content belongs, so that the
 * certificate says 0.6.9.42.840.113741.1337.6; its verifier also takes the OID written right.
 * The standard extension beside it is profile "dice".
 */
#include "ratls/profiles.h"

static const uint8_t oid_nested[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                      0xf8, 0x4d, 0x8a, 0x39, 0x06 };
static const uint8_t oid_quote[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x8a, 0x39, 0x06 };
static const struct mse_bytes oids[] = { { oid_nested, sizeof(oid_nested) },
                                         { oid_quote, sizeof(oid_quote) },
                                         { NULL, 0 } };

static bool open_gramine(const struct mse_cert *cert, const struct mse_extension *extension,
                         struct mse_attestation *out, struct mse_error *err)
{
    uint8_t digest[32];

    if (!mse_payload_fits(extension->payload, MSE_RATLS_MAX_QUOTE, err))
        return false;
    mse_key_digest_spki(cert, digest);
    mse_attestation_set_quote(out, extension->payload, MSE_PADDING_NONE, digest, MSE_TAIL_ZERO);
    return true;
}

const struct mse_profile mse_profile_gramine = {
    .name = "gramine",
    .summary = "Gramine's own extension: SHA-256 of the SubjectPublicKeyInfo",
    .oids = oids,
    .open = open_gramine,
};
