/* SPDX-License-Identifier: Apache-2.0 */
/* config.toml and operators' key files. */
#include "cli/config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/file.h"
#include "base/json.h"
#include "base/toml.h"
#include "cli/places.h"
#include "verdict/policy.h"

/* Kept to what needs no quoting in TOML's bare and quoted keys alike. */
static bool name_ok(const char *name)
{
    for (const char *p = name; *p != '\0'; p++) {
        bool ok = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                  (*p >= '0' && *p <= '9') ||
                  (p > name && (*p == '-' || *p == '_' || *p == '.' || *p == ' '));

        if (!ok)
            return false;
    }
    return name[0] != '\0';
}

static bool base64_ok(const char *text)
{
    uint8_t bytes[64];
    size_t len = sizeof(bytes);

    return mse_base64_read(text, strlen(text), false, bytes, &len) && len == 42; /* minisign key */
}

static bool add_runtime_key(struct operator_entry *out, const char *text, struct mse_error *err)
{
    if (out->runtime_key_count == OPERATOR_MAX_RUNTIME_KEYS || strlen(text) >= 64 ||
        !base64_ok(text))
        return mse_fail_text(err, MSE_ERR_VALUE, "runtime_keys", "wants minisign public keys");
    memcpy(out->runtime_keys[out->runtime_key_count++], text, strlen(text) + 1);
    return true;
}

/* The same reading of PEM as the policy's signer_key. */
static bool mrsigner_of_pem(const char *pem, uint8_t out[static 32], struct mse_error *err)
{
    struct mse_policy *policy = NULL;
    bool ok = mse_policy_new(&policy, err) && mse_policy_set(policy, "signer_key", pem, err);

    if (ok)
        memcpy(out, policy->mrsigner.values, 32);
    mse_policy_free(policy);
    return ok;
}

static bool read_text(const struct mse_json *json, const struct mse_json_value *root,
                      const char *name, char **out, struct mse_error *err)
{
    const struct mse_json_value *v = mse_json_member(json, root, name);

    if (v == NULL || v->type != MSE_JSON_STRING)
        return mse_fail(err, v == NULL ? MSE_ERR_MISSING : MSE_ERR_VALUE, 0, name);
    return mse_json_value_text(json, v, out, err);
}

static bool read_runtime_keys(const struct mse_json *json, const struct mse_json_value *root,
                              struct operator_entry *out, struct mse_error *err)
{
    const struct mse_json_value *list = NULL, *v;

    if (!mse_json_get_array(json, root, "runtime_keys", &list, err))
        return false;
    for (v = mse_json_first(json, list); v != NULL; v = mse_json_next(json, list, v)) {
        char *text = NULL;
        bool ok = v->type == MSE_JSON_STRING
                      ? mse_json_value_text(json, v, &text, err)
                      : mse_fail(err, MSE_ERR_VALUE, v->start, "runtime_keys");

        ok = ok && add_runtime_key(out, text, err);
        free(text);
        if (!ok)
            return false;
    }
    return true;
}

static bool parse_members(const struct mse_json *json, struct operator_entry *out,
                          struct mse_error *err)
{
    const struct mse_json_value *root = &json->values[0];
    char *format = NULL, *name = NULL, *signer = NULL;
    bool ok = root->type == MSE_JSON_OBJECT || mse_fail(err, MSE_ERR_FORMAT, 0, "operator");

    /* Seven members, each read below: one more could only be an unknown one. */
    ok = ok && (root->count == 7 || mse_fail(err, MSE_ERR_UNKNOWN_KEY, 0, "operator"));
    ok = ok && read_text(json, root, "format", &format, err) &&
         (strcmp(format, "mse-operator-v1") == 0 || mse_fail(err, MSE_ERR_VALUE, 0, "format"));
    ok = ok && read_text(json, root, "name", &name, err) &&
         ((strlen(name) < sizeof(out->name) && name_ok(name)) ||
          mse_fail(err, MSE_ERR_VALUE, 0, "name"));
    ok = ok && read_text(json, root, "signer", &signer, err) &&
         mrsigner_of_pem(signer, out->mrsigner, err);
    ok = ok && mse_json_get_integer(json, root, "isv_prod_id", 0, 65535, &out->isv_prod_id, err) &&
         mse_json_get_integer(json, root, "min_isv_svn", 0, 65535, &out->min_isv_svn, err) &&
         mse_json_get_hex(json, root, "instance_key", out->instance_key, 32, err) &&
         read_runtime_keys(json, root, out, err);
    if (ok)
        memcpy(out->name, name, strlen(name) + 1);
    free(format);
    free(name);
    free(signer);
    return ok;
}

bool operator_parse(struct mse_bytes file, struct operator_entry *out, struct mse_error *err)
{
    struct mse_json json = { 0 };
    bool ok;

    memset(out, 0, sizeof(*out));
    if (!mse_json_parse(file, &json, err))
        return false;
    ok = parse_members(&json, out, err);
    mse_json_cleanup(&json);
    if (!ok)
        memset(out, 0, sizeof(*out));
    return ok;
}

/* ---- config.toml ---- */

static bool config_path(const struct cli *cli, char *path, size_t size, struct mse_error *err)
{
    char dir[4200];

    if (!places_config(cli, dir, sizeof(dir)) ||
        (size_t)snprintf(path, size, "%s/config.toml", dir) >= size)
        return mse_fail_text(err, MSE_ERR_USAGE, "config.toml",
                             "neither HOME nor XDG_CONFIG_HOME is set");
    return true;
}

static bool bad_entry(const struct mse_toml_value *v, const char *path, struct mse_error *err)
{
    char key[80];

    return mse_fail_text(
        err, MSE_ERR_USAGE, path, "line %u, column %u: %s is unknown or wrong", v->line, v->column,
        v->key != NULL ? mse_escape(MSE_CSTR_BYTES(v->key), key, sizeof(key)) : "a value");
}

static bool read_entry(const struct mse_toml_value *table, const char *path,
                       struct operator_entry *out, struct mse_error *err)
{
    unsigned seen = 0;

    memset(out, 0, sizeof(*out));
    if (strlen(table->key) >= sizeof(out->name) || table->type != MSE_TOML_TABLE)
        return bad_entry(table, path, err);
    memcpy(out->name, table->key, strlen(table->key) + 1);
    for (size_t i = 0; i < table->count; i++) {
        const struct mse_toml_value *v = table->children[i];
        bool ok = false;

        if (strcmp(v->key, "mrsigner") == 0 && v->type == MSE_TOML_STRING) {
            ok = mse_hex_read(v->text, v->text_len, out->mrsigner, 32);
            seen |= 1U;
        } else if (strcmp(v->key, "instance_key") == 0 && v->type == MSE_TOML_STRING) {
            ok = mse_hex_read(v->text, v->text_len, out->instance_key, 32);
            seen |= 2U;
        } else if (strcmp(v->key, "isv_prod_id") == 0 && v->type == MSE_TOML_INTEGER) {
            out->isv_prod_id = v->integer;
            ok = v->integer >= 0 && v->integer <= 65535;
            seen |= 4U;
        } else if (strcmp(v->key, "min_isv_svn") == 0 && v->type == MSE_TOML_INTEGER) {
            out->min_isv_svn = v->integer;
            ok = v->integer >= 0 && v->integer <= 65535;
            seen |= 8U;
        } else if (strcmp(v->key, "runtime_keys") == 0 && v->type == MSE_TOML_ARRAY) {
            ok = true;
            for (size_t k = 0; ok && k < v->count; k++)
                ok = v->children[k]->type == MSE_TOML_STRING &&
                     add_runtime_key(out, v->children[k]->text, err);
        }
        if (!ok)
            return bad_entry(v, path, err);
    }
    return seen == 15U ||
           mse_fail_text(err, MSE_ERR_USAGE, path, "operator \"%s\" is incomplete", out->name);
}

static bool pick(const struct mse_toml_value *root, const char *path, const char *name, bool *found,
                 struct operator_entry *out, struct mse_error *err)
{
    const struct mse_toml_value *operators = NULL, *chosen = NULL;

    for (size_t i = 0; i < root->count; i++) {
        if (strcmp(root->children[i]->key, "operators") != 0 ||
            root->children[i]->type != MSE_TOML_TABLE)
            return bad_entry(root->children[i], path, err);
        operators = root->children[i];
    }
    for (size_t i = 0; operators != NULL && i < operators->count; i++) {
        if (name == NULL || strcmp(operators->children[i]->key, name) == 0)
            chosen = operators->children[i];
    }
    if (name != NULL && chosen == NULL)
        return mse_fail_text(err, MSE_ERR_MISSING, "--operator", "%s has no operator \"%s\"", path,
                             name);
    if (chosen == NULL)
        return true;
    if (name == NULL && operators->count > 1)
        return mse_fail_text(err, MSE_ERR_DUPLICATE, "--operator",
                             "%s has several operators: name the one you expect", path);
    *found = true;
    return read_entry(chosen, path, out, err);
}

bool config_operator(const struct cli *cli, const char *name, bool *found,
                     struct operator_entry *out, struct mse_error *err)
{
    char path[4300];
    uint8_t *data = NULL;
    size_t len = 0;
    struct mse_toml_value *root = NULL;
    struct mse_error absent = { 0 };
    bool ok;

    *found = false;
    memset(out, 0, sizeof(*out));
    if (!config_path(cli, path, sizeof(path), &absent) || access(path, F_OK) != 0)
        return name == NULL || mse_fail_text(err, MSE_ERR_MISSING, "--operator",
                                             "no operator is stored yet: see mse cloud "
                                             "trust-operator");
    if (!mse_file_read(path, CONFIG_MAX_SIZE, &data, &len, err))
        return false;
    ok = mse_toml_parse((struct mse_bytes){ data, len }, &root, err) ||
         mse_fail_in(err, "%s", path);
    if (!ok)
        err->code = MSE_ERR_USAGE;
    ok = ok && pick(root, path, name, found, out, err);
    mse_toml_free(root);
    free(data);
    if (!ok)
        *found = false;
    return ok;
}

static void write_entry(struct mse_writer *w, const struct operator_entry *e)
{
    char hex[65];

    mse_write_format(w, "[operators.\"%s\"]\n", e->name);
    mse_hex_write(e->mrsigner, 32, hex);
    mse_write_format(w, "mrsigner = \"%s\"\nisv_prod_id = %" PRId64 "\nmin_isv_svn = %" PRId64 "\n",
                     hex, e->isv_prod_id, e->min_isv_svn);
    mse_hex_write(e->instance_key, 32, hex);
    mse_write_format(w, "instance_key = \"%s\"\nruntime_keys = [", hex);
    for (size_t i = 0; i < e->runtime_key_count; i++)
        mse_write_format(w, "%s\"%s\"", i > 0 ? ", " : "", e->runtime_keys[i]);
    mse_write_text(w, "]\n");
}

/* Copies text without the table of this operator: from its header to the next one. Comments stay,
 * they may belong to what follows. */
static void copy_without(struct mse_writer *w, const char *text, size_t len, const char *name)
{
    char header[96];
    bool inside = false;

    (void)snprintf(header, sizeof(header), "[operators.\"%s\"]", name);
    for (size_t at = 0; at < len;) {
        const char *line = text + at;
        const char *end = memchr(line, '\n', len - at);
        size_t n = end != NULL ? (size_t)(end - line) + 1 : len - at;

        if (line[0] == '[')
            inside = strncmp(line, header, strlen(header)) == 0;
        if (!inside || line[0] == '#')
            mse_write_bytes(w, line, n);
        at += n;
    }
    if (w->len > 0 && w->data[w->len - 1] != '\n')
        mse_write_text(w, "\n");
}

/* False if other keys are stored under this name, or if nobody can tell which. */
static bool check_no_other(const struct cli *cli, const struct operator_entry *entry,
                           const char *path, struct mse_error *err)
{
    struct operator_entry old;
    struct mse_error why = { 0 };
    bool found = false;

    if (!config_operator(cli, entry->name, &found, &old, &why)) {
        if (why.code == MSE_ERR_MISSING)
            return true;
        *err = why;
        return false;
    }
    if (memcmp(old.mrsigner, entry->mrsigner, 32) == 0 &&
        memcmp(old.instance_key, entry->instance_key, 32) == 0 &&
        old.isv_prod_id == entry->isv_prod_id && old.min_isv_svn == entry->min_isv_svn &&
        old.runtime_key_count == entry->runtime_key_count &&
        memcmp(old.runtime_keys, entry->runtime_keys, sizeof(old.runtime_keys)) == 0)
        return true;
    return mse_fail_text(err, MSE_ERR_EXISTS, path,
                         "has other keys for \"%s\": --force replaces them", entry->name);
}

/* What is written has to be readable: nothing is appended to a file that is broken, or that has
 * this operator in a spelling which was not recognised above. */
static bool check_readable(struct mse_bytes text, const char *path,
                           const struct operator_entry *entry, struct mse_error *err)
{
    struct mse_toml_value *root = NULL;
    struct operator_entry read;
    bool found = false;
    bool ok = mse_toml_parse(text, &root, err) || mse_fail_in(err, "%s", path);

    if (!ok)
        err->code = MSE_ERR_USAGE;
    ok = ok && pick(root, path, entry->name, &found, &read, err);
    mse_toml_free(root);
    return ok;
}

bool config_store_operator(const struct cli *cli, const struct operator_entry *entry, bool replace,
                           char *path, size_t path_size, struct mse_error *err)
{
    struct mse_writer w = { 0 };
    char dir[4200];
    uint8_t *old = NULL;
    size_t len = 0;
    bool ok = config_path(cli, path, path_size, err);

    if (!ok)
        return false;
    if (!replace && !check_no_other(cli, entry, path, err))
        return false;
    (void)places_config(cli, dir, sizeof(dir));
    ok = mse_dir_make(dir, err);
    if (ok && access(path, F_OK) == 0) {
        ok = mse_file_read(path, CONFIG_MAX_SIZE, &old, &len, err);
        if (ok)
            copy_without(&w, (const char *)old, len, entry->name);
    }
    write_entry(&w, entry);
    ok = ok && (mse_writer_ok(&w) || mse_fail_memory(err)) &&
         check_readable(mse_writer_bytes(&w), path, entry, err) &&
         mse_file_write(path, mse_writer_bytes(&w), 0600, MSE_FILE_REPLACE, err);
    mse_writer_cleanup(&w);
    free(old);
    return ok;
}
