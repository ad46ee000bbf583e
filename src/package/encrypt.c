/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypto_secretbox_xsalsa20poly1305 of NaCl in pieces. The stream's first 32 bytes are the key of
 * Poly1305, content begins at byte 32 of it: in the middle of the first block of 64.
 */
#include "package/encrypt.h"

#include <sodium.h>

#define HALF 32U

_Static_assert(sizeof(crypto_onetimeauth_state) <= sizeof(((struct mse_box *)0)->mac), "room");
_Static_assert(_Alignof(crypto_onetimeauth_state) <= 16, "alignment");
_Static_assert(crypto_secretbox_KEYBYTES == MSE_BOX_KEY, "key");
_Static_assert(crypto_secretbox_NONCEBYTES == MSE_BOX_NONCE, "nonce");
_Static_assert(crypto_secretbox_MACBYTES == MSE_BOX_TAG, "tag");

static crypto_onetimeauth_state *mac_of(struct mse_box *box)
{
    return (crypto_onetimeauth_state *)(void *)box->mac;
}

/* Also chooses the fast implementations of this processor. May be called any number of times. */
static bool start_sodium(struct mse_error *err)
{
    return sodium_init() >= 0 ||
           mse_fail_text(err, MSE_ERR_CRYPTO, "libsodium", "cannot be initialised");
}

bool mse_box_init(struct mse_box *box, const uint8_t key[static MSE_BOX_KEY],
                  const uint8_t nonce[static MSE_BOX_NONCE], struct mse_error *err)
{
    uint8_t mac_key[HALF];

    memset(box, 0, sizeof(*box));
    if (!start_sodium(err))
        return false;
    memcpy(box->key, key, sizeof(box->key));
    memcpy(box->nonce, nonce, sizeof(box->nonce));
    (void)crypto_stream_xsalsa20(mac_key, sizeof(mac_key), nonce, key);
    (void)crypto_onetimeauth_init(mac_of(box), mac_key);
    sodium_memzero(mac_key, sizeof(mac_key));
    return true;
}

/* Each piece begins in the middle of a block, since all before it are whole steps. */
static void apply_stream(struct mse_box *box, uint8_t *data, size_t len)
{
    const uint64_t counter = box->at / MSE_BOX_STEP;
    const size_t head = len < HALF ? len : HALF;
    uint8_t block[MSE_BOX_STEP] = { 0 };

    memcpy(block + HALF, data, head);
    (void)crypto_stream_xsalsa20_xor_ic(block, block, HALF + head, box->nonce, counter, box->key);
    memcpy(data, block + HALF, head);
    sodium_memzero(block, sizeof(block));
    if (len > head)
        (void)crypto_stream_xsalsa20_xor_ic(data + head, data + head, len - head, box->nonce,
                                            counter + 1, box->key);
    box->at += len;
}

void mse_box_seal(struct mse_box *box, uint8_t *data, size_t len)
{
    if (len == 0)
        return;
    apply_stream(box, data, len);
    (void)crypto_onetimeauth_update(mac_of(box), data, len);
}

void mse_box_open(struct mse_box *box, uint8_t *data, size_t len)
{
    if (len == 0)
        return;
    (void)crypto_onetimeauth_update(mac_of(box), data, len);
    apply_stream(box, data, len);
}

void mse_box_tag(struct mse_box *box, uint8_t out[static MSE_BOX_TAG])
{
    (void)crypto_onetimeauth_final(mac_of(box), out);
    mse_box_cleanup(box);
}

bool mse_box_check(struct mse_box *box, const uint8_t tag[static MSE_BOX_TAG],
                   struct mse_error *err)
{
    uint8_t want[MSE_BOX_TAG];

    mse_box_tag(box, want);
    return sodium_memcmp(want, tag, sizeof(want)) == 0 ||
           mse_fail_text(err, MSE_ERR_SIGNATURE, "secretbox",
                         "sealed with another key, or altered since");
}

void mse_box_cleanup(struct mse_box *box)
{
    sodium_memzero(box, sizeof(*box));
}

bool mse_box_random(uint8_t *out, size_t len, struct mse_error *err)
{
    if (!start_sodium(err)) {
        memset(out, 0, len);
        return false;
    }
    randombytes_buf(out, len);
    return true;
}
