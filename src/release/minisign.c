/* SPDX-License-Identifier: Apache-2.0 */
/* minisign's public keys, and the check of its prehashed signatures. */
#include "release/minisign.h"

#include "base/encode.h"
#include "crypto/key.h"
#include "release/blake2b.h"
#include "release/minisign_format.h"

/* ---- public keys ---- */

static bool begins_with(struct mse_bytes in, const char *text)
{
    size_t len = strlen(text);

    return in.len >= len && memcmp(in.data, text, len) == 0;
}

bool mse_minisign_public_read(struct mse_bytes in, struct mse_minisign_public *out,
                              struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(in, err);
    uint8_t bytes[MSE_MINISIGN_PUBLIC_SIZE];
    struct mse_bytes comment;

    memset(out, 0, sizeof(*out));
    if (in.len > MSE_MINISIGN_FILE_MAX)
        return mse_fail_text(err, MSE_ERR_LIMIT, "public key", "larger than %d bytes",
                             MSE_MINISIGN_FILE_MAX);
    if (begins_with(in, MSE_MINISIGN_UNTRUSTED) &&
        !mse_minisign_comment(&r, MSE_MINISIGN_UNTRUSTED, &comment, "public key"))
        return false;
    if (!mse_minisign_base64(&r, bytes, sizeof(bytes), "public key") ||
        !mse_read_done(&r, "public key"))
        return false;
    if (memcmp(bytes, "Ed", 2) != 0)
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "public key", "not an Ed25519 key");
    memcpy(out->id, bytes + 2, sizeof(out->id));
    memcpy(out->key, bytes + 10, sizeof(out->key));
    return true;
}

void mse_minisign_public_text(const struct mse_minisign_public *key, char out[static 57])
{
    uint8_t bytes[MSE_MINISIGN_PUBLIC_SIZE];

    memcpy(bytes, "Ed", 2);
    memcpy(bytes + 2, key->id, sizeof(key->id));
    memcpy(bytes + 10, key->key, sizeof(key->key));
    (void)mse_base64_write(bytes, sizeof(bytes), out);
}

void mse_minisign_public_write(const struct mse_minisign_public *key, struct mse_writer *out)
{
    char text[57], id[MSE_MINISIGN_KEY_ID_TEXT];

    mse_minisign_public_text(key, text);
    mse_write_format(out, MSE_MINISIGN_UNTRUSTED "minisign public key %s\n%s\n",
                     mse_minisign_id_text(key->id, id), text);
}

/* ---- signatures ---- */

struct signature {
    uint8_t id[MSE_MINISIGN_ID_SIZE];
    uint8_t over_data[64];
    struct mse_bytes trusted_comment;
    uint8_t over_comment[64];
};

/* minisign, "Signature format". The untrusted comment is looked at for its form only. */
static bool parse(struct mse_bytes in, struct signature *out, struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(in, err);
    uint8_t bytes[MSE_MINISIGN_SIGNATURE_SIZE];
    struct mse_bytes ignored;

    memset(out, 0, sizeof(*out));
    if (in.len > MSE_MINISIGN_FILE_MAX)
        return mse_fail_text(err, MSE_ERR_LIMIT, "signature", "larger than %d bytes",
                             MSE_MINISIGN_FILE_MAX);
    if (!mse_minisign_comment(&r, MSE_MINISIGN_UNTRUSTED, &ignored, "signature") ||
        !mse_minisign_base64(&r, bytes, sizeof(bytes), "signature") ||
        !mse_minisign_comment(&r, MSE_MINISIGN_TRUSTED, &out->trusted_comment, "signature") ||
        !mse_minisign_base64(&r, out->over_comment, sizeof(out->over_comment), "signature") ||
        !mse_read_done(&r, "signature"))
        return false;
    if (memcmp(bytes, "Ed", 2) == 0)
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "signature",
                             "in the old format without prehashing: sign anew, without -l");
    if (memcmp(bytes, "ED", 2) != 0)
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "signature", "of an unknown algorithm");
    memcpy(out->id, bytes + 2, sizeof(out->id));
    memcpy(out->over_data, bytes + 10, sizeof(out->over_data));
    return true;
}

/* Both signatures under one key. */
static bool verify_with(const struct mse_minisign_public *key, struct mse_bytes digest,
                        const struct signature *s, struct mse_error *err)
{
    MSE_CLEANUP(mse_key_cleanup) struct mse_key *ed25519 = NULL;
    uint8_t global[64 + MSE_MINISIGN_COMMENT_MAX];
    struct mse_bytes over_comment = { global, 64 + s->trusted_comment.len };

    memcpy(global, s->over_data, 64);
    if (s->trusted_comment.len > 0)
        memcpy(global + 64, s->trusted_comment.data, s->trusted_comment.len);
    return mse_key_new(MSE_KEY_ED25519, MSE_BYTES(key->key), &ed25519, err) &&
           mse_key_check(ed25519, MSE_SIGNATURE_ED25519, digest, MSE_BYTES(s->over_data),
                         "signature", err) &&
           mse_key_check(ed25519, MSE_SIGNATURE_ED25519, over_comment, MSE_BYTES(s->over_comment),
                         "signature of the trusted comment", err);
}

static bool fail_unknown_key(const struct mse_minisign_public *keys, size_t key_count,
                             const struct signature *s, struct mse_error *err)
{
    char got[MSE_MINISIGN_KEY_ID_TEXT], want[MSE_MINISIGN_KEY_ID_TEXT];

    (void)mse_minisign_id_text(s->id, got);
    if (key_count == 1)
        return mse_fail_text(err, MSE_ERR_SIGNATURE, "signature",
                             "made with key %s, expected key %s", got,
                             mse_minisign_id_text(keys[0].id, want));
    return mse_fail_text(err, MSE_ERR_SIGNATURE, "signature",
                         "made with key %s, which is none of the %zu expected", got, key_count);
}

bool mse_minisign_verify(const struct mse_minisign_public *keys, size_t key_count,
                         struct mse_bytes data, struct mse_bytes signature_file, size_t *which,
                         struct mse_error *err)
{
    struct mse_error first = { 0 };
    uint8_t digest[64];
    struct signature s;

    *which = 0;
    if (!parse(signature_file, &s, err))
        return false;
    mse_blake2b(data, digest, sizeof(digest));
    for (size_t i = 0; i < key_count; i++) {
        struct mse_error why = { 0 };

        /* The ID is a name, no proof: two keys may have the same. */
        if (memcmp(keys[i].id, s.id, sizeof(s.id)) != 0)
            continue;
        if (verify_with(&keys[i], MSE_BYTES(digest), &s, &why)) {
            *which = i;
            return true;
        }
        if (first.code == MSE_ERR_NONE)
            first = why;
    }
    if (first.code == MSE_ERR_NONE)
        return fail_unknown_key(keys, key_count, &s, err);
    if (err->code == MSE_ERR_NONE)
        *err = first;
    return false;
}
