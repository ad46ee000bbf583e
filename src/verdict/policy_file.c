/* SPDX-License-Identifier: Apache-2.0 */
/* Policy files: a flat table of the keys of policy.c, as TOML or JSON. */
#include "verdict/policy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/toml.h"

static bool key_is_list(const char *name)
{
    const struct mse_policy_key *key;

    for (size_t i = 0; (key = mse_policy_key_at(i)) != NULL; i++) {
        if (strcmp(key->name, name) == 0)
            return key->is_list;
    }
    return true; /* unknown: mse_policy_set names it */
}

static bool set_toml_scalar(struct mse_policy *policy, const char *key,
                            const struct mse_toml_value *v, struct mse_error *err)
{
    char number[24];

    switch (v->type) {
    case MSE_TOML_STRING:
    case MSE_TOML_DATETIME:
        if (strlen(v->text) != v->text_len)
            return mse_fail_text(err, MSE_ERR_USAGE, key, "holds a NUL");
        return mse_policy_set(policy, key, v->text, err);
    case MSE_TOML_INTEGER:
        (void)snprintf(number, sizeof(number), "%" PRId64, v->integer);
        return mse_policy_set(policy, key, number, err);
    case MSE_TOML_BOOLEAN:
        return mse_policy_set(policy, key, v->boolean ? "true" : "false", err);
    case MSE_TOML_FLOAT:
    case MSE_TOML_ARRAY:
    case MSE_TOML_TABLE:
        break;
    }
    return mse_fail_text(err, MSE_ERR_USAGE, key, "has a value of the wrong type");
}

static bool set_toml_member(struct mse_policy *policy, const struct mse_toml_value *member,
                            struct mse_error *err)
{
    if (strlen(member->key) != member->key_len)
        return mse_fail_text(err, MSE_ERR_UNKNOWN_KEY, "policy", "a key holds a NUL");
    if (member->type != MSE_TOML_ARRAY)
        return set_toml_scalar(policy, member->key, member, err);
    if (!key_is_list(member->key))
        return mse_fail_text(err, MSE_ERR_USAGE, member->key, "takes one value, not a list");
    for (size_t i = 0; i < member->count; i++) {
        if (!set_toml_scalar(policy, member->key, member->children[i], err))
            return false;
    }
    /* An empty list of expectations would expect nothing while looking like an expectation. */
    return member->count > 0 || mse_fail_text(err, MSE_ERR_USAGE, member->key, "is an empty list");
}

static bool load_toml(struct mse_policy *policy, struct mse_bytes file, struct mse_error *err)
{
    struct mse_toml_value *root = NULL;
    bool ok = mse_toml_parse(file, &root, err);

    for (size_t i = 0; ok && i < root->count; i++) {
        const struct mse_toml_value *member = root->children[i];

        ok = set_toml_member(policy, member, err) ||
             mse_fail_in(err, "line %u, column %u", member->line, member->column);
    }
    mse_toml_free(root);
    return ok;
}

static bool set_json_scalar(struct mse_policy *policy, const char *key, const struct mse_json *json,
                            const struct mse_json_value *v, struct mse_error *err)
{
    struct mse_bytes span = mse_json_span(json, v);
    char number[32] = { 0 };
    char *text = NULL;
    bool ok;

    switch (v->type) {
    case MSE_JSON_STRING:
        ok = mse_json_value_text(json, v, &text, err) && mse_policy_set(policy, key, text, err);
        free(text);
        return ok;
    case MSE_JSON_INTEGER:
        if (span.len >= sizeof(number))
            break;
        memcpy(number, span.data, span.len);
        return mse_policy_set(policy, key, number, err);
    case MSE_JSON_TRUE:
    case MSE_JSON_FALSE:
        return mse_policy_set(policy, key, v->type == MSE_JSON_TRUE ? "true" : "false", err);
    case MSE_JSON_NULL:
    case MSE_JSON_REAL:
    case MSE_JSON_ARRAY:
    case MSE_JSON_OBJECT:
        break;
    }
    return mse_fail_text(err, MSE_ERR_USAGE, key, "has a value of the wrong type");
}

static bool set_json_member(struct mse_policy *policy, const struct mse_json *json,
                            const struct mse_json_value *member, struct mse_error *err)
{
    struct mse_bytes raw = mse_json_key(json, member);
    const struct mse_json_value *v;
    char key[64] = { 0 };

    if (raw.len >= sizeof(key) || memchr(raw.data, '\\', raw.len) != NULL)
        return mse_fail_text(err, MSE_ERR_UNKNOWN_KEY, "policy", "no key has such a name");
    memcpy(key, raw.data, raw.len);
    if (member->type != MSE_JSON_ARRAY)
        return set_json_scalar(policy, key, json, member, err);
    if (!key_is_list(key))
        return mse_fail_text(err, MSE_ERR_USAGE, key, "takes one value, not a list");
    v = mse_json_first(json, member);
    if (v == NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, key, "is an empty list");
    for (; v != NULL; v = mse_json_next(json, member, v)) {
        if (!set_json_scalar(policy, key, json, v, err))
            return false;
    }
    return true;
}

static bool load_json(struct mse_policy *policy, struct mse_bytes file, struct mse_error *err)
{
    struct mse_json json = { 0 };
    const struct mse_json_value *root, *m;
    bool ok = mse_json_parse(file, &json, err);

    if (!ok)
        return false;
    root = &json.values[0];
    if (root->type != MSE_JSON_OBJECT)
        ok = mse_fail(err, MSE_ERR_FORMAT, 0, "policy");
    for (m = ok ? mse_json_first(&json, root) : NULL; ok && m != NULL;
         m = mse_json_next(&json, root, m)) {
        ok = set_json_member(policy, &json, m, err) ||
             mse_fail_in(err, "byte %u", (unsigned)m->key_start);
    }
    mse_json_cleanup(&json);
    return ok;
}

bool mse_policy_load(struct mse_policy *policy, struct mse_bytes file, const char *name,
                     struct mse_error *err)
{
    size_t i = 0;
    bool ok;

    if (file.len > MSE_POLICY_MAX_SIZE)
        return mse_fail(err, MSE_ERR_LIMIT, file.len, name);
    while (i < file.len && strchr(" \t\r\n", file.data[i]) != NULL && file.data[i] != '\0')
        i++;
    /* No TOML document begins with a brace, every JSON policy does. */
    ok = i < file.len && file.data[i] == '{' ? load_json(policy, file, err)
                                             : load_toml(policy, file, err);
    return ok || mse_fail_in(err, "%s", name);
}
