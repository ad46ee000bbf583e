/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profile "mse": REPORTDATA is the SHA-256 of the key's uncompressed point and then an X25519
 * public key of the service. SGX: a bare quote under 1.2.840.113741.1337.6, where zeros may stand
 * for no X25519 key (MSE before 2.0, and tee-tools). SNP and TDX: the containers and OIDs of
 * tee_tools.c, told apart from that profile by the X25519 key.
 */
#include "ratls/profiles.h"

static const uint8_t oid_sgx[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x8a, 0x39, 0x06 };
static const uint8_t oid_snp[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x8a, 0x39, 0x07 };
static const uint8_t oid_tdx[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x8a, 0x39, 0x08 };
static const struct mse_bytes oids[] = {
    { oid_sgx, sizeof(oid_sgx) },
    { oid_snp, sizeof(oid_snp) },
    { oid_tdx, sizeof(oid_tdx) },
    { NULL, 0 },
};

static bool open_mse(const struct mse_cert *cert, const struct mse_extension *extension,
                     struct mse_attestation *out, struct mse_error *err)
{
    uint8_t digest[32];

    if (!mse_bytes_equal(extension->oid, MSE_BYTES(oid_sgx)))
        return mse_tee_tools_open(cert, extension, MSE_TAIL_X25519, out, err);
    /* For RSA the same computation is another system's rule: rats_tls.c. */
    if (!mse_key_is_ec(cert))
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "key", "this profile has EC keys only");
    if (!mse_payload_fits(extension->payload, MSE_RATLS_MAX_QUOTE, err))
        return false;
    mse_key_digest_point(cert, digest);
    mse_attestation_set_quote(out, extension->payload, MSE_PADDING_NONE, digest,
                              MSE_TAIL_ZERO_OR_X25519);
    return true;
}

const struct mse_profile mse_profile_mse = {
    .name = "mse",
    .summary = "MSE, and tee-tools on SGX: SHA-256 of the EC point, then an X25519 key",
    .oids = oids,
    .open = open_mse,
};
