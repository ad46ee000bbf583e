/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profile "rats-tls": certificates of rats-tls and enclave-tls before 2022: a bare quote under
 * 1.2.840.113741.1337.6, an RSA key, and the SHA-256 of its PKCS#1 RSAPublicKey in REPORTDATA.
 * Later ones are profile "dice".
 */
#include "ratls/profiles.h"

static const uint8_t oid_quote[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x8a, 0x39, 0x06 };
static const struct mse_bytes oids[] = { { oid_quote, sizeof(oid_quote) }, { NULL, 0 } };

static bool open_rats_tls(const struct mse_cert *cert, const struct mse_extension *extension,
                          struct mse_attestation *out, struct mse_error *err)
{
    uint8_t digest[32];

    if (cert->key_type != MSE_KEY_RSA)
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "key", "this profile has RSA keys only");
    if (!mse_payload_fits(extension->payload, MSE_RATLS_MAX_QUOTE, err))
        return false;
    mse_key_digest_point(cert, digest); /* of an RSA key the BIT STRING holds the RSAPublicKey */
    mse_attestation_set_quote(out, extension->payload, MSE_PADDING_NONE, digest, MSE_TAIL_ZERO);
    return true;
}

const struct mse_profile mse_profile_rats_tls = {
    .name = "rats-tls",
    .summary = "rats-tls before 2022: SHA-256 of the PKCS#1 public key",
    .oids = oids,
    .open = open_rats_tls,
};
