/* SPDX-License-Identifier: Apache-2.0 */
/* Instance statement: DER SEQUENCE { statement OCTET STRING, signature OCTET STRING (64) }. */
#include "verdict/instance.h"

#include <stdlib.h>

#include "base/json.h"

#define STATEMENT_MAX 4096
#define TAG "mse-instance-v1\n"

/* clang-format off */
static const uint8_t oid_instance[] = {
    0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x8a, 0x39, 0x20,
};
/* clang-format on */
const struct mse_bytes mse_oid_instance = { oid_instance, sizeof(oid_instance) };

static bool signed_by_one(const struct mse_value_list *keys, struct mse_bytes statement,
                          struct mse_bytes signature, struct mse_error *err)
{
    uint8_t message[sizeof(TAG) - 1 + STATEMENT_MAX];
    struct mse_bytes signed_bytes = { message, sizeof(TAG) - 1 + statement.len };

    if (statement.len > STATEMENT_MAX)
        return mse_fail(err, MSE_ERR_LIMIT, statement.len, "instance statement");
    memcpy(message, TAG, sizeof(TAG) - 1);
    memcpy(message + sizeof(TAG) - 1, statement.data, statement.len);
    for (size_t i = 0; i < keys->count; i++) {
        struct mse_bytes bits = { keys->values + 32 * i, 32 };
        struct mse_error attempt = { 0 };
        struct mse_key *key = NULL;
        bool ok = mse_key_new(MSE_KEY_ED25519, bits, &key, &attempt) &&
                  mse_key_check(key, MSE_SIGNATURE_ED25519, signed_bytes, signature,
                                "instance statement", &attempt);

        mse_key_free(key);
        if (ok)
            return true;
    }
    return mse_fail_text(err, MSE_ERR_SIGNATURE, "instance statement",
                         "signed by none of the operator's %zu instance keys", keys->count);
}

static bool copy_text(const struct mse_json *json, const struct mse_json_value *root,
                      const char *name, char *out, size_t size, struct mse_error *err)
{
    struct mse_bytes text;

    if (!mse_json_get_plain(json, root, name, &text, err))
        return false;
    if (text.len >= size)
        return mse_fail(err, MSE_ERR_LIMIT, text.len, name);
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return true;
}

/* Names reach terminals and comparisons: host names and addresses only. */
static bool plain_name(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= 253 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:") ==
               len;
}

static bool plain_uuid(const char *uuid)
{
    return strlen(uuid) == 36 && strspn(uuid, "0123456789abcdef-") == 36;
}

static bool parse(struct mse_bytes statement, struct mse_instance *out, struct mse_error *err)
{
    struct mse_json json = { 0 };
    const struct mse_json_value *root;
    bool ok;

    if (!mse_json_parse(statement, &json, err))
        return false;
    root = &json.values[0];
    /* Six members, each named below: a seventh could only be an unknown one. */
    ok = (root->type == MSE_JSON_OBJECT && root->count == 6) ||
         mse_fail(err, MSE_ERR_UNKNOWN_KEY, root->start, "instance statement");
    ok = ok &&
         copy_text(&json, root, "config_name", out->config_name, sizeof(out->config_name), err) &&
         copy_text(&json, root, "name", out->name, sizeof(out->name), err) &&
         copy_text(&json, root, "uuid", out->uuid, sizeof(out->uuid), err) &&
         mse_json_get_hex(&json, root, "fingerprint", out->fingerprint, 32, err) &&
         mse_json_get_hex(&json, root, "owner", out->owner, 32, err) &&
         mse_json_get_integer(&json, root, "not_after", 0, INT64_C(253402300799), &out->not_after,
                              err);
    ok = ok && (plain_name(out->name) && plain_name(out->config_name) && plain_uuid(out->uuid)
                    ? true
                    : mse_fail(err, MSE_ERR_VALUE, 0, "name, config_name or uuid"));
    mse_json_cleanup(&json);
    return ok;
}

bool mse_instance_read(const struct mse_cert *cert, const struct mse_value_list *instance_keys,
                       struct mse_instance *out, struct mse_error *err)
{
    const struct mse_extension *extension = mse_cert_extension(cert, mse_oid_instance);
    struct mse_bytes statement, signature;
    struct mse_reader r, sequence;

    memset(out, 0, sizeof(*out));
    if (extension == NULL)
        return mse_fail_text(err, MSE_ERR_MISSING, "instance statement",
                             "the certificate carries none");
    r = mse_reader_init(extension->payload, err);
    sequence = mse_der_enter(&r, MSE_DER_SEQUENCE, "instance");
    statement = mse_der_read(&sequence, MSE_DER_OCTET_STRING, "instance.statement");
    signature = mse_der_read(&sequence, MSE_DER_OCTET_STRING, "instance.signature");
    if (!mse_read_done(&sequence, "instance") || !mse_read_done(&r, "instance"))
        return false;
    if (!signed_by_one(instance_keys, statement, signature, err))
        return false;
    if (!parse(statement, out, err)) {
        memset(out, 0, sizeof(*out));
        return mse_fail_in(err, "instance statement");
    }
    return true;
}
