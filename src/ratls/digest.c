/* SPDX-License-Identifier: Apache-2.0 */
/* Digests of a certificate's key in the encodings that profiles use. */
#include "ratls/profiles.h"

#include "base/encode.h"
#include "crypto/hash.h"

void mse_key_digest_point(const struct mse_cert *cert, uint8_t out[static 32])
{
    mse_sha256(cert->key_bits, out);
}

void mse_key_digest_spki(const struct mse_cert *cert, uint8_t out[static 32])
{
    mse_sha256(cert->spki, out);
}

bool mse_key_pem_nul(const struct mse_cert *cert, struct mse_writer *out, struct mse_error *err)
{
    mse_pem_write(out, "PUBLIC KEY", cert->spki);
    mse_write_u8(out, 0);
    return mse_writer_ok(out) || mse_fail_memory(err);
}

bool mse_key_digest_pem_nul(const struct mse_cert *cert, uint8_t out[static 32],
                            struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer pem = { 0 };

    memset(out, 0, 32);
    if (!mse_key_pem_nul(cert, &pem, err))
        return false;
    mse_sha256(mse_writer_bytes(&pem), out);
    return true;
}

bool mse_key_is_ec(const struct mse_cert *cert)
{
    return cert->key_type == MSE_KEY_P256 || cert->key_type == MSE_KEY_P384;
}
