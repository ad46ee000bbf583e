/* SPDX-License-Identifier: Apache-2.0 */
/* crypto_box_seal of libsodium, for secrets to an enclave and logs to an owner. */
#include "package/sealed_box.h"

#include <stdlib.h>

#include <sodium.h>

_Static_assert(crypto_box_SEALBYTES == MSE_SEALED_OVERHEAD, "overhead");
_Static_assert(crypto_box_PUBLICKEYBYTES == 32 && crypto_box_SECRETKEYBYTES == 32, "keys");

static bool start_sodium(struct mse_error *err)
{
    return sodium_init() >= 0 ||
           mse_fail_text(err, MSE_ERR_CRYPTO, "libsodium", "cannot be initialised");
}

/* What was written here may be secret, so the buffer is wiped whichever way it went. */
static bool take(uint8_t *data, size_t len, bool done, struct mse_writer *out,
                 struct mse_error *err)
{
    if (done)
        mse_write_bytes(out, data, len);
    sodium_memzero(data, len);
    free(data);
    return !done || mse_writer_ok(out) || mse_fail_memory(err);
}

bool mse_sealed_box_write(const uint8_t recipient[static 32], struct mse_bytes in,
                          struct mse_writer *out, struct mse_error *err)
{
    size_t len = in.len + MSE_SEALED_OVERHEAD;
    uint8_t *box;
    bool done;

    if (!start_sodium(err))
        return false;
    box = malloc(len);
    if (box == NULL)
        return mse_fail_memory(err);
    done = crypto_box_seal(box, in.data, in.len, recipient) == 0;
    if (!take(box, len, done, out, err))
        return false;
    return done ||
           mse_fail_text(err, MSE_ERR_VALUE, "key", "nothing can be sealed to this X25519 key");
}

bool mse_sealed_box_open(const uint8_t secret[static 32], struct mse_bytes box,
                         struct mse_writer *out, struct mse_error *err)
{
    uint8_t public_key[32];
    size_t len = box.len - MSE_SEALED_OVERHEAD;
    uint8_t *text;
    bool done;

    if (!start_sodium(err))
        return false;
    if (box.len < MSE_SEALED_OVERHEAD)
        return mse_fail_text(err, MSE_ERR_TRUNCATED, "box", "shorter than an empty one");
    text = malloc(len > 0 ? len : 1);
    if (text == NULL)
        return mse_fail_memory(err);
    done = crypto_scalarmult_base(public_key, secret) == 0 &&
           crypto_box_seal_open(text, box.data, box.len, public_key, secret) == 0;
    if (!take(text, len, done, out, err))
        return false;
    return done || mse_fail_text(err, MSE_ERR_SIGNATURE, "box", "for another key, or changed");
}

bool mse_sealed_box_of_owner(const uint8_t public_key[static 32], uint8_t out[static 32],
                             struct mse_error *err)
{
    return start_sodium(err) && (crypto_sign_ed25519_pk_to_curve25519(out, public_key) == 0 ||
                                 mse_fail_text(err, MSE_ERR_VALUE, "owner", "no Ed25519 key"));
}

bool mse_sealed_box_secret_of_owner(const uint8_t secret_key[static 64], uint8_t out[static 32],
                                    struct mse_error *err)
{
    return start_sodium(err) && (crypto_sign_ed25519_sk_to_curve25519(out, secret_key) == 0 ||
                                 mse_fail_text(err, MSE_ERR_VALUE, "owner", "no Ed25519 key"));
}
