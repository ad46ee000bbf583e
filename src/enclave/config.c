/* SPDX-License-Identifier: Apache-2.0 */
/* The owner's configuration: body of the POST, and who may send it (docs/formats.md). */
#include "enclave/config.h"

#include <openssl/crypto.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/encode.h"
#include "enclave/config_certificate.h"
#include "enclave/json_members.h"
#include "package/values.h"

#define CODE_KEY "code_secret_key"
#define SEALED "app_sealed_secrets"
#define SIGNATURE_TEXT 88 /* base64 of 64 bytes */

enum member {
    UUID,
    BLIND,
    APP_SECRETS,
    APP_SEALED_SECRETS,
    CODE_SECRET_KEY,
    SSL_PRIVATE_KEY,
    SSL_CERTIFICATE,
    MEMBER_COUNT
};

static const char *const member_names[MEMBER_COUNT] = {
    "uuid", "blind", "app_secrets", SEALED, CODE_KEY, "ssl_private_key", "ssl_certificate",
};

struct input {
    struct mse_json json;
    const struct mse_json_value *members[MEMBER_COUNT];
    struct mse_error *err;
};

static void json_cleanup(struct mse_json *json)
{
    mse_json_cleanup(json);
}

static void wipe(void *data, size_t len)
{
    if (data != NULL)
        OPENSSL_cleanse(data, len);
    free(data);
}

void mse_config_cleanup(struct mse_config *config)
{
    wipe(config->secrets, config->secrets_len);
    wipe(config->sealed_secrets, config->sealed_secrets_len);
    EVP_PKEY_free(config->tls_key); /* wipes */
    for (size_t i = 0; i < config->chain_count; i++)
        X509_free(config->chain[i]);
    OPENSSL_cleanse(config, sizeof(*config));
    *config = (struct mse_config){ 0 };
}

/* Unescaped, with a final NUL; the block has *size bytes and is to be wiped. */
static bool take_text(const struct input *in, enum member member, char **out, size_t *size)
{
    const struct mse_json_value *v = in->members[member];

    *out = NULL;
    *size = 0;
    if (v == NULL)
        return mse_fail_text(in->err, MSE_ERR_MISSING, member_names[member],
                             "the certificate of this app is its owner's: this is needed");
    if (!mse_json_value_text(&in->json, v, out, in->err))
        return mse_fail_in(in->err, "%s", member_names[member]);
    *size = strlen(*out) + 1;
    return true;
}

/* ---- who it is for ---- */

static bool check_uuid(const struct input *in, const char *want)
{
    const struct mse_json_value *v = in->members[UUID];
    char uuid[37];
    char *text;
    bool ok;

    if (v == NULL)
        return mse_fail(in->err, MSE_ERR_MISSING, 0, "uuid");
    if (!mse_json_value_text(&in->json, v, &text, in->err))
        return mse_fail_in(in->err, "uuid");
    ok = mse_value_uuid(text, uuid);
    free(text);
    if (!ok)
        return mse_fail_text_at(in->err, MSE_ERR_VALUE, v->start, "uuid", "not a UUID");
    return strcmp(uuid, want) == 0 ||
           mse_fail_text_at(in->err, MSE_ERR_MISMATCH, v->start, "uuid",
                            "%s is another instance: this one is %s", uuid, want);
}

/* Nobody else can guess the digest of a body that holds it. */
static bool check_blind(const struct input *in, bool optional)
{
    uint8_t blind[32];
    bool ok = (optional && in->members[BLIND] == NULL) ||
              mse_json_get_hex(&in->json, in->json.values, "blind", blind, sizeof(blind), in->err);

    OPENSSL_cleanse(blind, sizeof(blind));
    return ok;
}

/* ---- secrets ---- */

/* Exact text of a value, quotes included. */
static struct mse_bytes whole(const struct mse_json *json, const struct mse_json_value *v)
{
    struct mse_bytes span = mse_json_span(json, v);

    if (v->type == MSE_JSON_STRING) {
        span.data--;
        span.len += 2;
    }
    return span;
}

static bool copy_secrets(const struct input *in, struct mse_config *out)
{
    struct mse_bytes text;

    if (in->members[APP_SECRETS] == NULL)
        return true;
    text = whole(&in->json, in->members[APP_SECRETS]);
    out->secrets = malloc(text.len);
    if (out->secrets == NULL)
        return mse_fail_memory(in->err);
    memcpy(out->secrets, text.data, text.len);
    out->secrets_len = text.len;
    return true;
}

static bool read_code_key(const struct mse_json *json, struct mse_config *out,
                          struct mse_error *err)
{
    if (mse_json_member(json, json->values, CODE_KEY) == NULL)
        return true;
    out->has_code_key = mse_json_get_hex(json, json->values, CODE_KEY, out->code_key,
                                         sizeof(out->code_key), err);
    return out->has_code_key;
}

static uint8_t *append(uint8_t *at, struct mse_bytes more)
{
    memcpy(at, more.data, more.len);
    return at + more.len;
}

/*
 * The app gets what was in the box without the code key, which is none of its business. out has
 * room for all of the text; returns the length.
 */
static size_t write_without_code_key(const struct mse_json *json, uint8_t *out)
{
    const struct mse_json_value *root = json->values;
    const struct mse_json_value *key = mse_json_member(json, root, CODE_KEY);
    const struct mse_json_value *v;
    uint8_t *at = out;

    *at++ = '{';
    for (v = mse_json_first(json, root); v != NULL; v = mse_json_next(json, root, v)) {
        if (v == key)
            continue;
        if (at - out > 1)
            *at++ = ',';
        *at++ = '"';
        at = append(at, mse_json_key(json, v));
        *at++ = '"';
        *at++ = ':';
        at = append(at, whole(json, v));
    }
    *at++ = '}';
    return (size_t)(at - out);
}

/* text: what the box held; it stays the caller's. */
static bool take_sealed(struct mse_bytes text, struct mse_config *out, struct mse_error *err)
{
    MSE_CLEANUP(json_cleanup) struct mse_json json = { 0 };

    if (!mse_json_parse(text, &json, err))
        return mse_fail_in(err, SEALED);
    if (json.values[0].type != MSE_JSON_OBJECT)
        return mse_fail_text(err, MSE_ERR_FORMAT, SEALED, "the box does not hold a JSON object");
    if (!out->has_code_key && !read_code_key(&json, out, err))
        return mse_fail_in(err, SEALED);
    out->sealed_secrets = malloc(text.len);
    if (out->sealed_secrets == NULL)
        return mse_fail_memory(err);
    if (mse_json_member(&json, json.values, CODE_KEY) != NULL) {
        out->sealed_secrets_len = write_without_code_key(&json, out->sealed_secrets);
    } else {
        memcpy(out->sealed_secrets, text.data, text.len);
        out->sealed_secrets_len = text.len;
    }
    return true;
}

static bool fail_box(struct mse_error *err)
{
    return mse_fail_text(err, MSE_ERR_SIGNATURE, SEALED,
                         "does not open with this instance's key: seal it to the X25519 key in the "
                         "evidence of its present certificate");
}

/* box and opened: two blocks of text.len bytes. */
static bool open_box(struct mse_bytes text, uint8_t *box, uint8_t *opened,
                     const struct mse_identity *identity, struct mse_config *out,
                     struct mse_error *err)
{
    bool padded = memchr(text.data, '=', text.len) != NULL;
    size_t len;

    if (sodium_init() == -1)
        return mse_fail_text(err, MSE_ERR_CRYPTO, SEALED, "libsodium does not start");
    if (sodium_base642bin(box, text.len, (const char *)text.data, text.len, NULL, &len, NULL,
                          padded ? sodium_base64_VARIANT_URLSAFE
                                 : sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
        return mse_fail_text(err, MSE_ERR_VALUE, SEALED, "not base64url");
    if (len < crypto_box_SEALBYTES ||
        crypto_box_seal_open(opened, box, len, identity->x25519_public, identity->x25519_secret) !=
            0)
        return fail_box(err);
    return take_sealed((struct mse_bytes){ opened, len - crypto_box_SEALBYTES }, out, err);
}

static bool read_sealed(const struct input *in, const struct mse_identity *identity,
                        struct mse_config *out)
{
    struct mse_bytes text;
    uint8_t *box, *opened;
    bool ok;

    if (in->members[APP_SEALED_SECRETS] == NULL)
        return true;
    if (!mse_json_get_plain(&in->json, in->json.values, SEALED, &text, in->err))
        return false;
    box = malloc(text.len + 1);
    opened = malloc(text.len + 1);
    ok = box != NULL && opened != NULL ? open_box(text, box, opened, identity, out, in->err)
                                       : mse_fail_memory(in->err);
    free(box);
    wipe(opened, text.len + 1);
    return ok;
}

/* ---- owner's certificate ---- */

static bool read_certificate(const struct input *in, const char *name, int64_t now,
                             struct mse_config *out)
{
    char *key = NULL;
    char *chain = NULL;
    size_t key_size, chain_size;
    bool ok = take_text(in, SSL_PRIVATE_KEY, &key, &key_size) &&
              take_text(in, SSL_CERTIFICATE, &chain, &chain_size) &&
              mse_config_key_read(key, &out->tls_key, in->err) &&
              mse_config_chain_read(chain, out->chain, MSE_CONFIG_MAX_CHAIN, &out->chain_count,
                                    in->err) &&
              mse_config_chain_check(out->chain, out->chain_count, out->tls_key, name, now,
                                     in->err);

    wipe(key, key_size);
    free(chain);
    return ok;
}

static bool refuse_certificate(const struct input *in)
{
    for (enum member member = SSL_PRIVATE_KEY; member <= SSL_CERTIFICATE; member++) {
        if (in->members[member] != NULL)
            return mse_fail_text_at(in->err, MSE_ERR_POLICY, in->members[member]->start,
                                    member_names[member],
                                    "this app makes its own key: its manifest does not say "
                                    "cert=owner");
    }
    return true;
}

/* ---- all of it ---- */

static bool read_members(const struct input *in, const struct mse_app_manifest *app,
                         const struct mse_instance_file *file, const struct mse_identity *identity,
                         int64_t now, struct mse_config *out)
{
    return check_uuid(in, file->uuid) && check_blind(in, app->unsigned_config) &&
           copy_secrets(in, out) && read_code_key(&in->json, out, in->err) &&
           read_sealed(in, identity, out) &&
           (app->cert == MSE_APP_CERT_OWNER ? read_certificate(in, file->name, now, out)
                                            : refuse_certificate(in));
}

bool mse_config_parse(struct mse_bytes body, const struct mse_app_manifest *app,
                      const struct mse_instance_file *file, const struct mse_identity *identity,
                      int64_t now, struct mse_config *out, struct mse_error *err)
{
    MSE_CLEANUP(json_cleanup) struct mse_json json = { 0 };
    struct input in = { .err = err };

    *out = (struct mse_config){ 0 };
    if (body.len > MSE_CONFIG_MAX_BODY)
        return mse_fail_text(err, MSE_ERR_LIMIT, "configuration", "larger than %u bytes",
                             MSE_CONFIG_MAX_BODY);
    if (!mse_json_parse(body, &json, err))
        return mse_fail_in(err, "configuration");
    in.json = json;
    if (mse_json_members(&json, json.values, member_names, MEMBER_COUNT, in.members, err) &&
        read_members(&in, app, file, identity, now, out)) {
        mse_config_digest(body, out->digest);
        return true;
    }
    mse_config_cleanup(out);
    return false;
}

bool mse_config_authenticate(struct mse_bytes signature, struct mse_bytes body,
                             const uint8_t owner[static 32], const uint8_t nonce[static 32],
                             const struct mse_identity *identity, uint64_t epoch,
                             uint8_t statement[static MSE_CONFIG_STATEMENT_SIZE],
                             struct mse_error *err)
{
    struct mse_config_statement said = { .epoch = epoch };
    uint8_t raw[SIGNATURE_TEXT];
    size_t len = sizeof(raw);

    /* Before the body is hashed: whoever has no signature costs nothing. */
    if (signature.len != SIGNATURE_TEXT ||
        !mse_base64_read((const char *)signature.data, signature.len, false, raw, &len) ||
        len != sizeof(said.signature))
        return mse_fail_text(err, MSE_ERR_SIGNATURE, "Mse-Signature", "not base64 of 64 bytes");
    memcpy(said.signature, raw, sizeof(said.signature));
    memcpy(said.nonce, nonce, sizeof(said.nonce));
    memcpy(said.certificate_sha256, identity->cert_sha256, sizeof(said.certificate_sha256));
    mse_config_digest(body, said.config_digest);
    if (!mse_config_statement_check(&said, owner, err))
        return mse_fail_in(err, "Mse-Signature");
    mse_config_statement_write(&said, statement);
    return true;
}
