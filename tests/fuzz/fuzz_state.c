/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealed states. With a first byte of 0 the rest is a file; otherwise it is what is inside one,
 * sealed here with the right key, as another version of this program might have done.
 */
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/encode.h"
#include "enclave/state.h"
#include "../unit/state_vectors.h"

#define HEAD_LEN 93
#define NONCE_LEN 12
#define TAG_LEN 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t sealing[32], app[32], machine[32];

static bool open_state(struct mse_bytes in, struct mse_state *out)
{
    struct mse_error err = { 0 };
    bool ok = mse_state_open(in, sealing, app, machine, out, &err);

    if (ok == (err.code != MSE_ERR_NONE) || (!ok && (out->identity != NULL || out->config != NULL)))
        abort();
    return ok;
}

/* Sealed again it is the same. */
static void seal_again(const struct mse_state *state)
{
    struct mse_writer out = { 0 };
    struct mse_state again;
    struct mse_error err = { 0 };

    if (!mse_state_seal(state, sealing, &out, &err) ||
        !open_state(mse_writer_bytes(&out), &again) || again.epoch != state->epoch ||
        again.counter != state->counter || again.configured != state->configured ||
        again.has_statement != state->has_statement ||
        !mse_bytes_equal((struct mse_bytes){ again.identity, again.identity_len },
                         (struct mse_bytes){ state->identity, state->identity_len }) ||
        !mse_bytes_equal((struct mse_bytes){ again.config, again.config_len },
                         (struct mse_bytes){ state->config, state->config_len }) ||
        memcmp(again.statement, state->statement, sizeof(again.statement)) != 0)
        abort();
    mse_writer_cleanup(&out);
    mse_state_cleanup(&again);
}

/* OpenSSL under the key that Python's cryptography derived (tests/unit/state_vectors.h). */
static uint8_t *wrap(const uint8_t *body, size_t len)
{
    uint8_t *file = calloc(1, HEAD_LEN + NONCE_LEN + len + TAG_LEN);
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    uint8_t key[32];
    int n;

    if (file == NULL || c == NULL || !mse_hex_read(STATE_KEY, 64, key, 32) ||
        !mse_hex_read(STATE_HEAD, 2 * HEAD_LEN, file, HEAD_LEN) ||
        EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, file + HEAD_LEN) != 1 ||
        EVP_EncryptUpdate(c, NULL, &n, file, HEAD_LEN) != 1 ||
        EVP_EncryptUpdate(c, file + HEAD_LEN + NONCE_LEN, &n, body, (int)len) != 1 ||
        EVP_EncryptFinal_ex(c, NULL, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, file + HEAD_LEN + NONCE_LEN + len) !=
            1)
        abort();
    EVP_CIPHER_CTX_free(c);
    return file;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mse_state state;
    uint8_t *file = NULL;
    struct mse_bytes in;

    if (size < 1)
        return 0;
    for (uint8_t i = 0; i < 32; i++) {
        sealing[i] = (uint8_t)(0x20 + i);
        app[i] = (uint8_t)(0x60 + i);
        machine[i] = (uint8_t)(0x80 + i);
    }
    in = (struct mse_bytes){ data + 1, size - 1 };
    if (data[0] != 0) {
        file = wrap(in.data, in.len);
        in = (struct mse_bytes){ file, HEAD_LEN + NONCE_LEN + in.len + TAG_LEN };
    }
    if (open_state(in, &state)) {
        seal_again(&state);
        mse_state_cleanup(&state);
    }
    free(file);
    return 0;
}
