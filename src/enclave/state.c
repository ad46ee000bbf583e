/* SPDX-License-Identifier: Apache-2.0 */
/* All that outlives a restart: one sealed file (docs/formats.md, "State"). */
#include "enclave/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define MAGIC "mse-state-v1\n"
#define INFO "mse-state-v1"
#define MAGIC_LEN (sizeof(MAGIC) - 1)
#define HEADER_LEN (MAGIC_LEN + 32 + 32 + 8 + 8)
#define NONCE_LEN 12
#define TAG_LEN 16
#define KEY_LEN 32
#define OVERHEAD (HEADER_LEN + NONCE_LEN + TAG_LEN)
/* Body: flags, then identity and configuration with their lengths, then the statement. */
#define FLAG_CONFIGURED 1U
#define FLAG_STATEMENT 2U
#define BODY_FIXED_LEN (1 + 4 + 4)
/* mse_file_write names its temporary files so; the rest is six characters. */
#define LEFTOVER_PREFIX ".mse-"

void mse_state_cleanup(struct mse_state *state)
{
    if (state->identity != NULL)
        OPENSSL_cleanse(state->identity, state->identity_len);
    free(state->identity);
    if (state->config != NULL)
        OPENSSL_cleanse(state->config, state->config_len);
    free(state->config);
    OPENSSL_cleanse(state, sizeof(*state));
    *state = (struct mse_state){ 0 };
}

/* A block that is wiped: what a growing writer leaves behind when it moves would not be. */
struct secret {
    uint8_t *data;
    size_t len;
};

static void secret_cleanup(struct secret *secret)
{
    if (secret->data != NULL)
        OPENSSL_cleanse(secret->data, secret->len);
    free(secret->data);
}

static bool secret_make(struct secret *secret, size_t len, struct mse_error *err)
{
    secret->data = malloc(len > 0 ? len : 1);
    secret->len = secret->data != NULL ? len : 0;
    return secret->data != NULL || mse_fail_memory(err);
}

/* ---- cipher ---- */

static bool fail_crypto(struct mse_error *err)
{
    return mse_fail_text(err, MSE_ERR_CRYPTO, "state", "the crypto library failed");
}

static void kdf_cleanup(EVP_PKEY_CTX **context)
{
    EVP_PKEY_CTX_free(*context);
}

static void cipher_cleanup(EVP_CIPHER_CTX **context)
{
    EVP_CIPHER_CTX_free(*context);
}

/* RFC 5869 without salt. */
static bool derive(const uint8_t key[static 32], uint8_t out[static KEY_LEN], struct mse_error *err)
{
    MSE_CLEANUP(kdf_cleanup) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
    size_t len = KEY_LEN;

    return (context != NULL && EVP_PKEY_derive_init(context) == 1 &&
            EVP_PKEY_CTX_set_hkdf_md(context, EVP_sha256()) == 1 &&
            EVP_PKEY_CTX_set1_hkdf_key(context, key, 32) == 1 &&
            EVP_PKEY_CTX_add1_hkdf_info(context, (const unsigned char *)INFO, sizeof(INFO) - 1) ==
                1 &&
            EVP_PKEY_derive(context, out, &len) == 1 && len == KEY_LEN) ||
           fail_crypto(err);
}

static EVP_CIPHER_CTX *cipher_begin(const uint8_t key[static 32], const uint8_t *header,
                                    const uint8_t *nonce, int encrypt, struct mse_error *err)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    uint8_t derived[KEY_LEN];
    int len;
    bool ok = context != NULL && derive(key, derived, err) &&
              EVP_CipherInit_ex(context, EVP_aes_256_gcm(), NULL, derived, nonce, encrypt) == 1 &&
              EVP_CipherUpdate(context, NULL, &len, header, (int)HEADER_LEN) == 1;

    OPENSSL_cleanse(derived, sizeof(derived));
    if (ok)
        return context;
    EVP_CIPHER_CTX_free(context);
    (void)fail_crypto(err);
    return NULL;
}

/* out: header and nonce stand; cipher text and tag follow. */
static bool encrypt_body(const uint8_t key[static 32], const struct secret *body, uint8_t *out,
                         struct mse_error *err)
{
    uint8_t *cipher = out + HEADER_LEN + NONCE_LEN;
    MSE_CLEANUP(cipher_cleanup)
    EVP_CIPHER_CTX *context = cipher_begin(key, out, out + HEADER_LEN, 1, err);
    int len, more;

    return context != NULL &&
           ((EVP_CipherUpdate(context, cipher, &len, body->data, (int)body->len) == 1 &&
             EVP_CipherFinal_ex(context, cipher + len, &more) == 1 &&
             (size_t)len + (size_t)more == body->len &&
             EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, cipher + body->len) ==
                 1) ||
            fail_crypto(err));
}

/* in: at least OVERHEAD bytes; body has room for the rest. */
static bool decrypt_body(const uint8_t key[static 32], struct mse_bytes in, struct secret *body,
                         struct mse_error *err)
{
    const uint8_t *cipher = in.data + HEADER_LEN + NONCE_LEN;
    MSE_CLEANUP(cipher_cleanup)
    EVP_CIPHER_CTX *context = cipher_begin(key, in.data, in.data + HEADER_LEN, 0, err);
    uint8_t tag[TAG_LEN];
    int len, more;

    memcpy(tag, cipher + body->len, TAG_LEN);
    if (context == NULL)
        return false;
    if (EVP_CipherUpdate(context, body->data, &len, cipher, (int)body->len) != 1 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag) != 1)
        return fail_crypto(err);
    return EVP_CipherFinal_ex(context, body->data + len, &more) == 1 ||
           mse_fail_text(err, MSE_ERR_SIGNATURE, "state",
                         "sealed by another platform or other code, or changed since");
}

/* ---- sealing ---- */

static uint8_t *put(uint8_t *at, const void *data, size_t len)
{
    if (len > 0)
        memcpy(at, data, len);
    return at + len;
}

static uint8_t *put_number(uint8_t *at, uint64_t v, size_t len)
{
    for (size_t i = 0; i < len; i++)
        *at++ = (uint8_t)(v >> 8 * i);
    return at;
}

static bool is_complete(const struct mse_state *state)
{
    return state->identity_len > 0 && (state->configured || state->config_len == 0) &&
           (!state->configured || (state->epoch > 0 && state->config_len > 0)) &&
           (state->configured || !state->has_statement);
}

static bool write_body(const struct mse_state *state, struct secret *body, struct mse_error *err)
{
    size_t statement = state->has_statement ? MSE_CONFIG_STATEMENT_SIZE : 0;
    unsigned flags = (state->configured ? FLAG_CONFIGURED : 0) |
                     (state->has_statement ? FLAG_STATEMENT : 0);
    uint8_t *at;

    if (!secret_make(body, BODY_FIXED_LEN + state->identity_len + state->config_len + statement,
                     err))
        return false;
    at = put_number(body->data, flags, 1);
    at = put_number(at, state->identity_len, 4);
    at = put(at, state->identity, state->identity_len);
    at = put_number(at, state->config_len, 4);
    at = put(at, state->config, state->config_len);
    (void)put(at, state->statement, statement);
    return true;
}

static bool write_head(const struct mse_state *state, uint8_t *out, struct mse_error *err)
{
    uint8_t *at = put(out, MAGIC, MAGIC_LEN);

    at = put(at, state->app_digest, 32);
    at = put(at, state->platform, 32);
    at = put_number(at, state->epoch, 8);
    at = put_number(at, state->counter, 8);
    /* A key sees a handful of states in its life: random nonces do not meet. */
    return RAND_bytes(at, NONCE_LEN) == 1 || fail_crypto(err);
}

bool mse_state_seal(const struct mse_state *state, const uint8_t key[static 32],
                    struct mse_writer *out, struct mse_error *err)
{
    MSE_CLEANUP(secret_cleanup) struct secret body = { 0 };
    MSE_CLEANUP(secret_cleanup) struct secret sealed = { 0 };

    if (!is_complete(state))
        return mse_fail_text(err, MSE_ERR_VALUE, "state", "not a state that can be kept");
    if (state->identity_len > MSE_STATE_MAX_SIZE || state->config_len > MSE_STATE_MAX_SIZE ||
        OVERHEAD + BODY_FIXED_LEN + MSE_CONFIG_STATEMENT_SIZE + state->identity_len +
                state->config_len >
            MSE_STATE_MAX_SIZE)
        return mse_fail_text(err, MSE_ERR_LIMIT, "state", "larger than %u bytes",
                             MSE_STATE_MAX_SIZE);
    if (!write_body(state, &body, err) || !secret_make(&sealed, OVERHEAD + body.len, err) ||
        !write_head(state, sealed.data, err) || !encrypt_body(key, &body, sealed.data, err))
        return false;
    mse_write_bytes(out, sealed.data, sealed.len);
    return mse_writer_ok(out) || mse_fail_memory(err);
}

/* ---- opening ---- */

static bool read_owned(struct mse_reader *r, const char *field, uint8_t **out, size_t *out_len)
{
    struct mse_bytes in = mse_read_bytes(r, mse_read_u32le(r, field), field);

    if (!mse_read_ok(r))
        return false;
    if (in.len == 0)
        return true;
    *out = malloc(in.len);
    if (*out == NULL)
        return mse_fail_memory(r->err);
    memcpy(*out, in.data, in.len);
    *out_len = in.len;
    return true;
}

static bool read_body(struct mse_bytes in, struct mse_state *out, struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(in, err);
    uint8_t flags = mse_read_u8(&r, "state.flags");
    const uint8_t *statement;

    if (!read_owned(&r, "state.identity", &out->identity, &out->identity_len) ||
        !read_owned(&r, "state.config", &out->config, &out->config_len))
        return false;
    if ((flags & FLAG_STATEMENT) != 0 &&
        (statement = mse_read_array(&r, MSE_CONFIG_STATEMENT_SIZE, "state.statement")) != NULL)
        memcpy(out->statement, statement, MSE_CONFIG_STATEMENT_SIZE);
    if (!mse_read_done(&r, "state"))
        return false;
    out->configured = (flags & FLAG_CONFIGURED) != 0;
    out->has_statement = (flags & FLAG_STATEMENT) != 0;
    return (flags <= (FLAG_CONFIGURED | FLAG_STATEMENT) && is_complete(out)) ||
           mse_fail(err, MSE_ERR_VALUE, 0, "state.flags");
}

static bool read_head(struct mse_bytes in, const uint8_t app_digest[static 32],
                      const uint8_t platform[static 32], struct mse_state *out,
                      struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(in, err);
    const uint8_t *app, *machine;

    mse_read_expect(&r, (struct mse_bytes){ (const uint8_t *)MAGIC, MAGIC_LEN }, "state.magic");
    app = mse_read_array(&r, 32, "state.app_digest");
    machine = mse_read_array(&r, 32, "state.platform");
    out->epoch = mse_read_u64le(&r, "state.epoch");
    out->counter = mse_read_u64le(&r, "state.counter");
    (void)mse_read_bytes(&r, NONCE_LEN, "state.nonce");
    (void)mse_read_bytes(&r, TAG_LEN, "state.tag"); /* the least that follows */
    if (!mse_read_ok(&r))
        return false;
    if (memcmp(app, app_digest, 32) != 0)
        return mse_fail_text_at(err, MSE_ERR_VALUE, MAGIC_LEN, "state.app_digest",
                                "the state of another app");
    if (memcmp(machine, platform, 32) != 0)
        return mse_fail_text_at(err, MSE_ERR_VALUE, MAGIC_LEN + 32, "state.platform",
                                "the state of another platform");
    memcpy(out->app_digest, app, 32);
    memcpy(out->platform, machine, 32);
    return true;
}

bool mse_state_open(struct mse_bytes in, const uint8_t key[static 32],
                    const uint8_t app_digest[static 32], const uint8_t platform[static 32],
                    struct mse_state *out, struct mse_error *err)
{
    MSE_CLEANUP(secret_cleanup) struct secret body = { 0 };

    *out = (struct mse_state){ 0 };
    if (in.len > MSE_STATE_MAX_SIZE)
        return mse_fail_text(err, MSE_ERR_LIMIT, "state", "larger than %u bytes",
                             MSE_STATE_MAX_SIZE);
    if (read_head(in, app_digest, platform, out, err) &&
        secret_make(&body, in.len - OVERHEAD, err) && decrypt_body(key, in, &body, err) &&
        read_body((struct mse_bytes){ body.data, body.len }, out, err))
        return true;
    mse_state_cleanup(out);
    return false;
}

/* ---- files ---- */

static void text_cleanup(char **text)
{
    free(*text);
}

static bool join(char **out, const char *dir, const char *name, struct mse_error *err)
{
    if (asprintf(out, "%s/%s", dir, name) != -1)
        return true;
    *out = NULL;
    return mse_fail_memory(err);
}

bool mse_state_save(const char *host_dir, const struct mse_state *state,
                    const uint8_t key[static 32], struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer sealed = { 0 };
    MSE_CLEANUP(text_cleanup) char *dir = NULL;
    MSE_CLEANUP(text_cleanup) char *path = NULL;

    return join(&dir, host_dir, MSE_STATE_DIR, err) && join(&path, host_dir, MSE_STATE_FILE, err) &&
           mse_state_seal(state, key, &sealed, err) && mse_dir_make(dir, err) &&
           mse_file_write(path, mse_writer_bytes(&sealed), 0600, MSE_FILE_REPLACE, err);
}

/* Temporary files of a process that was killed: nobody else writes into this directory. */
static void remove_leftovers(const char *dir)
{
    DIR *list = opendir(dir);
    const struct dirent *entry;

    while (list != NULL && (entry = readdir(list)) != NULL) {
        if (strncmp(entry->d_name, LEFTOVER_PREFIX, sizeof(LEFTOVER_PREFIX) - 1) == 0)
            (void)unlinkat(dirfd(list), entry->d_name, 0);
    }
    if (list != NULL)
        (void)closedir(list);
}

bool mse_state_load(const char *host_dir, const uint8_t key[static 32],
                    const uint8_t app_digest[static 32], const uint8_t platform[static 32],
                    struct mse_state *out, bool *found, struct mse_error *err)
{
    MSE_CLEANUP(text_cleanup) char *dir = NULL;
    MSE_CLEANUP(text_cleanup) char *path = NULL;
    uint8_t *sealed;
    size_t len;
    struct stat st;
    bool ok;

    *out = (struct mse_state){ 0 };
    *found = false;
    if (!join(&dir, host_dir, MSE_STATE_DIR, err) || !join(&path, host_dir, MSE_STATE_FILE, err))
        return false;
    remove_leftovers(dir);
    if (lstat(path, &st) == -1 && errno == ENOENT)
        return true;
    if (!mse_file_read(path, MSE_STATE_MAX_SIZE, &sealed, &len, err))
        return false;
    *found = true;
    ok = mse_state_open((struct mse_bytes){ sealed, len }, key, app_digest, platform, out, err) ||
         mse_fail_in(err, "%s", path);
    free(sealed);
    return ok;
}
