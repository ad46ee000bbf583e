/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts of all three formats: one table of keys, and a reader that walks the file along it. */
#include "package/context.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/encode.h"
#include "package/context_parts.h"
#include "package/values.h"

enum kind {
    KIND_TABLE,
    KIND_NAME,
    KIND_TEXT,
    KIND_PYTHON,
    KIND_HEALTH,
    KIND_PEM,
    KIND_WORDS,
    KIND_HEX,
    KIND_CODE_KEY,
    KIND_MEMORY,
    KIND_THREADS,
    KIND_SIZE,
    KIND_BOOLEAN,
    KIND_ISOLATION,
    KIND_ORIGIN,
    KIND_ID,
    KIND_INSTANT,
    KIND_NONCES,
    KIND_FILES
};

/* Formats that have a key. */
#define F1 (1U << MSE_CONTEXT_1_0)
#define F2 (1U << MSE_CONTEXT_2_0)
#define F3 (1U << MSE_CONTEXT_3_0)
#define OLD (F1 | F2)
#define ALL (OLD | F3)

struct key {
    unsigned formats;
    const char *table, *name;
    enum kind kind;
    unsigned required; /* formats that need it where its table is */
    size_t at, count_at;
};

#define AT(member) offsetof(struct mse_context, member)
#define COMMAND_AT AT(command), AT(command_count)
#define REQUIREMENTS_AT AT(tests_requirements), AT(tests_requirement_count)

/* clang-format off */
static const struct key keys[] = {
    { ALL, "",         "config",                 KIND_TABLE,     ALL, 0, 0 },
    { ALL, "",         "instance",               KIND_TABLE,     ALL, 0, 0 },
    { F3,  "",         "files",                  KIND_TABLE,     0,   0, 0 },
    { F3,  "",         "local",                  KIND_TABLE,     0,   0, 0 },
    { F3,  "",         "secret",                 KIND_TABLE,     0,   0, 0 },
    { ALL, "config",   "name",                   KIND_NAME,      ALL, AT(name), 0 },
    { ALL, "config",   "python_application",     KIND_PYTHON,    OLD, AT(python), 0 },
    { F3,  "config",   "command",                KIND_WORDS,     0,   COMMAND_AT },
    { ALL, "config",   "healthcheck_endpoint",   KIND_HEALTH,    0,   AT(health), 0 },
    { F3,  "config",   "memory",                 KIND_MEMORY,    0,   AT(memory), 0 },
    { F3,  "config",   "threads",                KIND_THREADS,   0,   AT(threads), 0 },
    { F3,  "config",   "owner",                  KIND_HEX,       0,   AT(owner), 0 },
    { F3,  "config",   "isolation",              KIND_ISOLATION, F3,  AT(isolation), 0 },
    { F3,  "config",   "unsigned",               KIND_BOOLEAN,   F3,  AT(unsigned_config), 0 },
    { F3,  "config",   "runtime",                KIND_HEX,       0,   AT(runtime), 0 },
    { F3,  "config",   "tree",                   KIND_HEX,       0,   AT(tree), 0 },
    { F3,  "config",   "ssl_certificate",        KIND_PEM,       0,   AT(ssl_certificate), 0 },
    { OLD, "config",   "ssl_app_certificate",    KIND_PEM,       0,   AT(ssl_certificate), 0 },
    { OLD, "config",   "project",                KIND_TEXT,      0,   AT(project), 0 },
    { OLD, "config",   "docker",                 KIND_TEXT,      0,   AT(docker), 0 },
    { OLD, "config",   "tests",                  KIND_TEXT,      0,   AT(tests), 0 },
    { OLD, "config",   "tests_cmd",              KIND_TEXT,      0,   AT(tests_cmd), 0 },
    { OLD, "config",   "tests_requirements",     KIND_WORDS,     0,   REQUIREMENTS_AT },
    { OLD, "config",   "code_secret_key",        KIND_CODE_KEY,  0,   AT(code_key), AT(has_code_key) },
    { ALL, "instance", "id",                     KIND_ID,        ALL, AT(id), 0 },
    { F3,  "instance", "domain_name",            KIND_TEXT,      0,   AT(domain_name), 0 },
    { ALL, "instance", "config_domain_name",     KIND_TEXT,      0,   AT(config_domain_name), 0 },
    { OLD, "instance", "enclave_size",           KIND_SIZE,      0,   AT(enclave_size), 0 },
    { ALL, "instance", "expires_at",             KIND_INSTANT,   0,   AT(expires_at), 0 },
    { F3,  "instance", "created_at",             KIND_INSTANT,   0,   AT(created_at), 0 },
    { ALL, "instance", "ssl_certificate_origin", KIND_ORIGIN,    F2 | F3, AT(origin), 0 },
    { F1,  "instance", "ssl_secret_origin",      KIND_ORIGIN,    0,   AT(origin), 0 },
    { OLD, "instance", "nonces",                 KIND_NONCES,    0,   AT(nonces), 0 },
    { F3,  "files",    "list",                   KIND_FILES,     F3,  AT(files), 0 },
    { F3,  "local",    "project",                KIND_TEXT,      0,   AT(project), 0 },
    { F3,  "local",    "docker",                 KIND_TEXT,      0,   AT(docker), 0 },
    { F3,  "local",    "tests",                  KIND_TEXT,      0,   AT(tests), 0 },
    { F3,  "local",    "tests_cmd",              KIND_TEXT,      0,   AT(tests_cmd), 0 },
    { F3,  "local",    "tests_requirements",     KIND_WORDS,     0,   REQUIREMENTS_AT },
    { F3,  "secret",   "code_secret_key",        KIND_CODE_KEY,  F3,  AT(code_key), AT(has_code_key) },
    { F3,  "secret",   "nonces",                 KIND_NONCES,    0,   AT(nonces), 0 },
};
/* clang-format on */
#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))

struct run {
    const char *file_name;
    struct mse_context *out;
    struct mse_error *err;
};

static void *target(struct mse_context *context, size_t at)
{
    return (uint8_t *)context + at;
}

static bool is_new(const struct run *r)
{
    return r->out->format == MSE_CONTEXT_3_0;
}

static bool fail_key(const struct run *r, const struct key *key, const struct mse_toml_value *at,
                     const char *wants)
{
    return mse_value_fail(r->err, MSE_ERR_VALUE, r->file_name, at, "\"%s\" wants %s", key->name,
                          wants);
}

/* ---- values ---- */

static bool is_text(const struct mse_toml_value *v, size_t max)
{
    return v->type == MSE_TOML_STRING && v->text_len > 0 && v->text_len <= max;
}

/* Texts of the original's formats are taken as they are: they are not measured by us. */
static bool text_fits(const struct run *r, enum kind kind, const char *text)
{
    if (kind == KIND_PEM)
        return mse_context_is_chain(text);
    if (!is_new(r))
        return true;
    if (kind == KIND_PYTHON)
        return mse_value_is_python(text);
    if (kind == KIND_HEALTH)
        return mse_value_is_health(text);
    return !mse_value_has_control(text) && (kind != KIND_NAME || mse_value_characters(text) <= 255);
}

static const char *wanted_text(enum kind kind)
{
    if (kind == KIND_PEM)
        return "certificates in PEM, and nothing else in PEM";
    if (kind == KIND_PYTHON)
        return "\"module:variable\"";
    if (kind == KIND_HEALTH)
        return "a path that begins with '/'";
    return kind == KIND_NAME ? "a text of one line, of 1 to 255 characters" : "a text of one line";
}

static bool read_text(const struct run *r, const struct key *key, const struct mse_toml_value *v)
{
    char **slot = target(r->out, key->at);
    size_t max = key->kind == KIND_PEM ? MSE_CONTEXT_MAX_PEM : MSE_VALUE_MAX_TEXT;

    if (!is_text(v, max) || !text_fits(r, key->kind, v->text))
        return fail_key(r, key, v, wanted_text(key->kind));
    *slot = strdup(v->text);
    return *slot != NULL || mse_fail_memory(r->err);
}

static bool read_words(const struct run *r, const struct key *key, const struct mse_toml_value *v)
{
    static_assert(MSE_APP_MAX_ARGS == MSE_CONTEXT_MAX_REQUIREMENTS, "one limit for both lists");
    char **slot = target(r->out, key->at);
    size_t *count = target(r->out, key->count_at);

    if (v->type != MSE_TOML_ARRAY || v->count > MSE_APP_MAX_ARGS)
        return fail_key(r, key, v, "a list of at most 256 texts");
    for (size_t i = 0; i < v->count; i++) {
        const struct mse_toml_value *word = v->children[i];

        if (word->type != MSE_TOML_STRING || word->text_len > MSE_VALUE_MAX_TEXT ||
            (is_new(r) && mse_value_has_control(word->text)) || (i == 0 && word->text_len == 0))
            return fail_key(r, key, word,
                            "texts of one line, at most 4092 bytes, the first not empty");
        slot[i] = strdup(word->text);
        if (slot[i] == NULL)
            return mse_fail_memory(r->err);
        (*count)++;
    }
    return true;
}

static bool read_hex(const struct run *r, const struct key *key, const struct mse_toml_value *v)
{
    uint8_t *slot = target(r->out, key->at);

    if (v->type != MSE_TOML_STRING || !mse_hex_read(v->text, v->text_len, slot, 32))
        return fail_key(r, key, v, "64 hex digits");
    /* Zero stands for "not known". No digest is zero, and such a key would be nobody's. */
    if (mse_is_zero(slot, 32))
        return fail_key(r, key, v, "a value that is not zero");
    if (key->kind == KIND_CODE_KEY)
        *(bool *)target(r->out, key->count_at) = true;
    return true;
}

static bool read_number(const struct run *r, const struct key *key, const struct mse_toml_value *v)
{
    bool integer = v->type == MSE_TOML_INTEGER;

    if (key->kind == KIND_SIZE) {
        if (!integer || v->integer < 0)
            return fail_key(r, key, v, "a number (MiB)");
        *(uint64_t *)target(r->out, key->at) = (uint64_t)v->integer;
        return true;
    }
    if (key->kind == KIND_MEMORY && !(integer && mse_value_is_memory(v->integer)))
        return fail_key(r, key, v, "a power of two from 64 to 1048576 (MiB)");
    if (key->kind == KIND_THREADS && !(integer && mse_value_is_threads(v->integer)))
        return fail_key(r, key, v, "an integer from 1 to 4096");
    *(uint32_t *)target(r->out, key->at) = (uint32_t)v->integer;
    return true;
}

static bool read_word(const struct run *r, const struct key *key, const struct mse_toml_value *v)
{
    if (key->kind == KIND_BOOLEAN) {
        *(bool *)target(r->out, key->at) = v->type == MSE_TOML_BOOLEAN && v->boolean;
        return v->type == MSE_TOML_BOOLEAN || fail_key(r, key, v, "true or false");
    }
    if (key->kind == KIND_ORIGIN)
        return (v->type == MSE_TOML_STRING && mse_app_cert_read(v->text, &r->out->origin)) ||
               fail_key(r, key, v, "\"self\", \"owner\" or \"operator\"");
    return (v->type == MSE_TOML_STRING &&
            mse_context_isolation_read(v->text, &r->out->isolation)) ||
           fail_key(r, key, v, "\"process\" or \"none\"");
}

static bool read_id(const struct run *r, const struct key *key, const struct mse_toml_value *v)
{
    bool ok = v->type == MSE_TOML_STRING && mse_value_uuid(v->text, r->out->id) &&
              (!is_new(r) || strcmp(v->text, r->out->id) == 0);

    return ok || fail_key(r, key, v, "a UUID in lower case, with hyphens");
}

/* Ours are in UTC and to the second; the original's may have any form, or be texts. */
static bool read_instant(const struct run *r, const struct key *key, const struct mse_toml_value *v)
{
    int64_t *slot = target(r->out, key->at);
    bool is_text = v->type == MSE_TOML_STRING && !is_new(r);
    bool ok = v->type == MSE_TOML_DATETIME || is_text;

    ok = ok && (is_new(r) ? v->text_len == 20 && mse_time_read(v->text, v->text_len, slot)
                          : mse_value_instant(v->text, 0, slot));
    return ok || fail_key(r, key, v, "a date and time like 2026-01-31T12:00:00Z");
}

/* ---- nonces and files ---- */

static int compare_nonces(const void *a, const void *b)
{
    return strcmp(((const struct mse_nonce *)a)->path, ((const struct mse_nonce *)b)->path);
}

static bool read_nonces(const struct run *r, const struct key *key, const struct mse_toml_value *v)
{
    struct mse_nonces *nonces = target(r->out, key->at);
    struct mse_error why = { 0 };

    if (v->type != MSE_TOML_TABLE)
        return fail_key(r, key, v, "a table of paths");
    if (v->count == 0)
        return true;
    nonces->of = calloc(v->count, sizeof(*nonces->of));
    if (nonces->of == NULL)
        return mse_fail_memory(r->err);
    for (size_t i = 0; i < v->count; i++) {
        const struct mse_toml_value *one = v->children[i];
        struct mse_nonce *nonce = &nonces->of[i];

        if (!mse_value_is_tree_path(one->key))
            return fail_key(r, key, one, "relative paths without \".\" and \"..\"");
        if (one->type != MSE_TOML_STRING ||
            !mse_hex_read(one->text, one->text_len, nonce->nonce, sizeof(nonce->nonce)))
            return fail_key(r, key, one, "48 hex digits of each path");
        nonce->path = strdup(one->key);
        if (nonce->path == NULL)
            return mse_fail_memory(r->err);
        nonces->count++;
    }
    qsort(nonces->of, nonces->count, sizeof(*nonces->of), compare_nonces);
    if (mse_nonces_check(nonces, &why))
        return true;
    return why.code == MSE_ERR_MEMORY ? mse_fail_memory(r->err)
                                      : mse_value_fail(r->err, why.code, r->file_name, v,
                                                       "one nonce is that of two files");
}

static bool read_files(const struct run *r, const struct key *key, const struct mse_toml_value *v)
{
    if (v->type != MSE_TOML_STRING)
        return fail_key(r, key, v, "the list of a tree");
    r->out->files = strdup(v->text);
    return r->out->files != NULL || mse_fail_memory(r->err);
}

/* ---- tables ---- */

static bool read_value(const struct run *r, const struct key *key, const struct mse_toml_value *v)
{
    switch (key->kind) {
    case KIND_TABLE:
        return v->type == MSE_TOML_TABLE || fail_key(r, key, v, "to be a table");
    case KIND_NAME:
    case KIND_TEXT:
    case KIND_PYTHON:
    case KIND_HEALTH:
    case KIND_PEM:
        return read_text(r, key, v);
    case KIND_WORDS:
        return read_words(r, key, v);
    case KIND_HEX:
    case KIND_CODE_KEY:
        return read_hex(r, key, v);
    case KIND_MEMORY:
    case KIND_THREADS:
    case KIND_SIZE:
        return read_number(r, key, v);
    case KIND_BOOLEAN:
    case KIND_ISOLATION:
    case KIND_ORIGIN:
        return read_word(r, key, v);
    case KIND_ID:
        return read_id(r, key, v);
    case KIND_INSTANT:
        return read_instant(r, key, v);
    case KIND_NONCES:
        return read_nonces(r, key, v);
    case KIND_FILES:
        return read_files(r, key, v);
    }
    return fail_key(r, key, v, "another value");
}

static const struct key *find(const struct run *r, const char *table, const char *name)
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if ((keys[i].formats & 1U << r->out->format) != 0 && strcmp(keys[i].table, table) == 0 &&
            strcmp(keys[i].name, name) == 0)
            return &keys[i];
    }
    return NULL;
}

static bool fail_unknown(const struct run *r, const struct mse_toml_value *v)
{
    char shown[80];

    return mse_value_fail(r->err, MSE_ERR_UNKNOWN_KEY, r->file_name, v, "unknown key \"%s\"",
                          mse_escape(MSE_CSTR_BYTES(v->key), shown, sizeof(shown)));
}

static bool read_table(const struct run *r, const char *name, const struct mse_toml_value *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct mse_toml_value *v = table->children[i];
        const struct key *key = find(r, name, v->key);
        bool is_version = name[0] == '\0' && strcmp(v->key, "version") == 0;

        if (key != NULL && !read_value(r, key, v))
            return false;
        if (key == NULL && is_new(r) && !is_version)
            return fail_unknown(r, v);
    }
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if ((keys[i].required & 1U << r->out->format) != 0 && strcmp(keys[i].table, name) == 0 &&
            mse_toml_member(table, keys[i].name) == NULL)
            return mse_value_fail(r->err, MSE_ERR_MISSING, r->file_name, table,
                                  "\"%s\" is missing%s%s", keys[i].name,
                                  name[0] != '\0' ? " in " : "", name);
    }
    return true;
}

static bool read_tables(const struct run *r, const struct mse_toml_value *root)
{
    if (!read_table(r, "", root))
        return false;
    for (size_t i = 0; i < root->count; i++) {
        const struct mse_toml_value *v = root->children[i];
        const struct key *key = find(r, "", v->key);

        if (key != NULL && !read_table(r, v->key, v))
            return false;
    }
    return true;
}

/* ---- the whole ---- */

static bool read_version(const struct run *r, const struct mse_toml_value *root)
{
    static const char *const versions[] = { "1.0", "2.0", "3.0" };
    const struct mse_toml_value *v = mse_toml_member(root, "version");

    if (v == NULL)
        return mse_value_fail(r->err, MSE_ERR_FORMAT, r->file_name, root,
                              "\"version\" is missing: this is no context");
    for (size_t i = 0; v->type == MSE_TOML_STRING && i < 3; i++) {
        if (strcmp(v->text, versions[i]) == 0) {
            r->out->format = (enum mse_context_format)i;
            return true;
        }
    }
    return mse_value_fail(r->err, MSE_ERR_UNSUPPORTED, r->file_name, v,
                          "contexts of version 1.0, 2.0 and 3.0 are read");
}

/* What several keys together may be. */
static bool check_whole(const struct run *r, const struct mse_toml_value *root)
{
    const struct mse_toml_value *config = mse_toml_member(root, "config");
    const struct mse_toml_value *instance = mse_toml_member(root, "instance");
    struct mse_error why = { 0 };

    if (r->out->format == MSE_CONTEXT_1_0 &&
        (mse_toml_member(instance, "ssl_certificate_origin") == NULL) ==
            (mse_toml_member(instance, "ssl_secret_origin") == NULL))
        return mse_value_fail(r->err, MSE_ERR_MISSING, r->file_name, instance,
                              "wants exactly one of \"ssl_certificate_origin\" and "
                              "\"ssl_secret_origin\"");
    if (!is_new(r))
        return true;
    if ((r->out->python != NULL) == (r->out->command_count > 0))
        return mse_value_fail(r->err, MSE_ERR_VALUE, r->file_name, config,
                              "wants exactly one of \"python_application\" and \"command\"");
    if (r->out->files != NULL && !mse_context_files_check(r->out, &why))
        return why.code == MSE_ERR_MEMORY
                   ? mse_fail_memory(r->err)
                   : mse_value_fail(r->err, why.code, r->file_name,
                                    mse_toml_member(mse_toml_member(root, "files"), "list"), "%s",
                                    why.text);
    return true;
}

/* The file's texts hold the code key. */
static void wipe(const struct mse_toml_value *v)
{
    if (v->text != NULL)
        explicit_bzero(v->text, v->text_len);
    for (size_t i = 0; i < v->count; i++)
        wipe(v->children[i]);
}

bool mse_context_parse(struct mse_bytes in, const char *file_name, struct mse_context *out,
                       struct mse_error *err)
{
    const struct run r = { file_name, out, err };
    struct mse_toml_value *root = NULL;
    bool ok;

    *out = (struct mse_context){ 0 };
    ok = mse_value_parse(in, file_name, MSE_CONTEXT_MAX_SIZE, &root, err) &&
         read_version(&r, root) && read_tables(&r, root) && check_whole(&r, root);
    if (root != NULL)
        wipe(root);
    mse_toml_free(root);
    if (!ok)
        mse_context_cleanup(out);
    return ok;
}

void mse_context_cleanup(struct mse_context *context)
{
    /* Listed here and not taken from the table: several rows may name one member. */
    char **const texts[] = { &context->name,       &context->project,
                             &context->docker,     &context->python,
                             &context->health,     &context->tests,
                             &context->tests_cmd,  &context->ssl_certificate,
                             &context->files,      &context->config_domain_name,
                             &context->domain_name };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        free(*texts[i]);
    for (size_t i = 0; i < MSE_APP_MAX_ARGS; i++)
        free(context->command[i]);
    for (size_t i = 0; i < MSE_CONTEXT_MAX_REQUIREMENTS; i++)
        free(context->tests_requirements[i]);
    mse_nonces_cleanup(&context->nonces);
    explicit_bzero(context, sizeof(*context));
}
