/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed boxes for commands of mse, which does not link libsodium itself. */
#include <openssl/crypto.h>

#include "cli/code.h"
#include "package/sealed_box.h"

bool mse_code_seal(const uint8_t recipient[static 32], struct mse_bytes in, struct mse_writer *out,
                   struct mse_error *err)
{
    return mse_sealed_box_write(recipient, in, out, err);
}

bool mse_code_unseal(const uint8_t owner_secret[static 64], struct mse_bytes box,
                     struct mse_writer *out, struct mse_error *err)
{
    uint8_t secret[32];
    bool ok = mse_sealed_box_secret_of_owner(owner_secret, secret, err) &&
              mse_sealed_box_open(secret, box, out, err);

    OPENSSL_cleanse(secret, sizeof(secret));
    return ok;
}
