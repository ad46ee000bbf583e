/* SPDX-License-Identifier: Apache-2.0 */
/* The owner's word on a configuration as bytes, and its signature. */
#include "attest/config_statement.h"

#include "crypto/hash.h"
#include "crypto/key.h"

#define DIGEST_TAG "mse-config-v1\n"
#define STATEMENT_TAG "mse-configure-v1\n"
#define TAG_LEN (sizeof(STATEMENT_TAG) - 1)

_Static_assert(TAG_LEN == MSE_CONFIG_STATEMENT_TEXT - 3 * 32 - 8, "length of the tag");

void mse_config_digest(struct mse_bytes body, uint8_t out[static 32])
{
    mse_sha256_pair(MSE_CSTR_BYTES(DIGEST_TAG), body, out);
}

static void put_u64be(uint8_t out[static 8], uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        out[i] = (uint8_t)(value >> (56 - 8 * i));
}

void mse_config_statement_text(const struct mse_config_statement *statement,
                               uint8_t out[static MSE_CONFIG_STATEMENT_TEXT])
{
    memcpy(out, STATEMENT_TAG, TAG_LEN);
    memcpy(out + TAG_LEN, statement->nonce, 32);
    memcpy(out + TAG_LEN + 32, statement->certificate_sha256, 32);
    memcpy(out + TAG_LEN + 64, statement->config_digest, 32);
    put_u64be(out + TAG_LEN + 96, statement->epoch);
}

void mse_config_statement_write(const struct mse_config_statement *statement,
                                uint8_t out[static MSE_CONFIG_STATEMENT_SIZE])
{
    mse_config_statement_text(statement, out);
    memcpy(out + MSE_CONFIG_STATEMENT_TEXT, statement->signature, sizeof(statement->signature));
}

bool mse_config_statement_parse(struct mse_bytes in, struct mse_config_statement *out,
                                struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(in, err);
    struct mse_config_statement s;
    const uint8_t *nonce, *certificate, *digest, *signature;

    memset(out, 0, sizeof(*out));
    mse_read_expect(&r, MSE_CSTR_BYTES(STATEMENT_TAG), "config_statement.tag");
    nonce = mse_read_array(&r, 32, "config_statement.nonce");
    certificate = mse_read_array(&r, 32, "config_statement.certificate_sha256");
    digest = mse_read_array(&r, 32, "config_statement.config_digest");
    s.epoch = mse_read_u64be(&r, "config_statement.epoch");
    signature = mse_read_array(&r, 64, "config_statement.signature");
    if (!mse_read_done(&r, "config_statement"))
        return false;
    memcpy(s.nonce, nonce, 32);
    memcpy(s.certificate_sha256, certificate, 32);
    memcpy(s.config_digest, digest, 32);
    memcpy(s.signature, signature, 64);
    *out = s;
    return true;
}

bool mse_config_statement_check(const struct mse_config_statement *statement,
                                const uint8_t owner[static 32], struct mse_error *err)
{
    uint8_t text[MSE_CONFIG_STATEMENT_TEXT];
    struct mse_key *key = NULL;
    bool ok;

    mse_config_statement_text(statement, text);
    ok = mse_key_new(MSE_KEY_ED25519, (struct mse_bytes){ owner, 32 }, &key, err) &&
         mse_key_check(key, MSE_SIGNATURE_ED25519, MSE_BYTES(text), MSE_BYTES(statement->signature),
                       "config_statement", err);
    mse_key_free(key);
    return ok;
}

void mse_config_claim_write(const struct mse_config_claim *claim, struct mse_writer *out)
{
    uint8_t bytes[MSE_CONFIG_STATEMENT_SIZE];

    switch (claim->kind) {
    case MSE_CONFIG_NONE:
        return;
    case MSE_CONFIG_UNSIGNED:
        memcpy(bytes, claim->config_digest, 32);
        put_u64be(bytes + 32, claim->epoch);
        mse_write_bytes(out, bytes, MSE_CONFIG_UNSIGNED_SIZE);
        return;
    case MSE_CONFIG_SIGNED:
        mse_config_statement_write(&claim->statement, bytes);
        mse_write_bytes(out, bytes, sizeof(bytes));
        return;
    }
}

bool mse_config_claim_parse(struct mse_bytes in, struct mse_config_claim *out,
                            struct mse_error *err)
{
    struct mse_config_claim c = { 0 };

    *out = c;
    if (in.len == 0)
        return true;
    if (in.len == MSE_CONFIG_UNSIGNED_SIZE) {
        struct mse_reader r = mse_reader_init(in, err);
        const uint8_t *digest = mse_read_array(&r, 32, "configuration.digest");

        c.kind = MSE_CONFIG_UNSIGNED;
        c.epoch = mse_read_u64be(&r, "configuration.epoch");
        if (!mse_read_done(&r, "configuration"))
            return false;
        memcpy(c.config_digest, digest, 32);
    } else {
        c.kind = MSE_CONFIG_SIGNED;
        if (!mse_config_statement_parse(in, &c.statement, err))
            return false;
        memcpy(c.config_digest, c.statement.config_digest, 32);
        c.epoch = c.statement.epoch;
    }
    /* Zeros stand for "no configuration". */
    if (mse_is_zero(c.config_digest, 32))
        return mse_fail(err, MSE_ERR_VALUE, 0, "configuration.digest");
    *out = c;
    return true;
}
