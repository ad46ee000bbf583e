/* SPDX-License-Identifier: Apache-2.0 */
/* mse.toml: one table of keys, and a reader that walks the file along it. */
#include "package/app_config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"
#include "package/app_paths.h"
#include "package/values.h"

enum kind {
    KIND_TABLE,
    KIND_TEXT,   /* of min to max characters */
    KIND_PYTHON, /* module:variable */
    KIND_HEALTH,
    KIND_PATH,
    KIND_LIST, /* min to max texts */
    KIND_MEMORY,
    KIND_THREADS,
    KIND_INSTANT, /* in the future */
    KIND_IGNORED  /* true or false, and it makes no difference */
};

struct key {
    const char *table, *name;
    enum kind kind;
    unsigned min, max;
    bool required; /* where its table is */
    size_t at, count_at;
};

#define AT(member) offsetof(struct mse_app_config, member)
#define COMMAND_AT AT(command), AT(command_count)
#define REQUIREMENTS_AT AT(tests_requirements), AT(tests_requirement_count)
#define MAX_TEXT MSE_VALUE_MAX_TEXT

/* clang-format off */
static const struct key keys[] = {
    { "",          "name",                 KIND_TEXT,    1, 255,      true,  AT(name), 0 },
    { "",          "python_application",   KIND_PYTHON,  3, 255,      false, AT(python), 0 },
    { "",          "command",              KIND_LIST,    1, MSE_APP_MAX_ARGS, false, COMMAND_AT },
    { "",          "healthcheck_endpoint", KIND_HEALTH,  1, MSE_VALUE_MAX_HEALTH, true, AT(health), 0 },
    { "",          "memory",               KIND_MEMORY,  0, 0,        false, AT(memory), 0 },
    { "",          "threads",              KIND_THREADS, 0, 0,        false, AT(threads), 0 },
    { "",          "tests_cmd",            KIND_TEXT,    1, MAX_TEXT, false, AT(tests_cmd), 0 },
    { "",          "tests_requirements",   KIND_LIST,    0, MSE_APP_MAX_REQUIREMENTS, false, REQUIREMENTS_AT },
    { "",          "cloud",                KIND_TABLE,   0, 0,        false, AT(has_cloud), 0 },
    { "cloud",     "code",                 KIND_PATH,    1, MAX_TEXT, true,  AT(code), 0 },
    { "cloud",     "tests",                KIND_PATH,    1, MAX_TEXT, false, AT(tests), 0 },
    { "cloud",     "docker",               KIND_TEXT,    1, MAX_TEXT, false, AT(docker), 0 },
    { "cloud",     "project",              KIND_TEXT,    1, 255,      false, AT(project), 0 },
    { "cloud",     "hardware",             KIND_TEXT,    1, 16,       false, AT(hardware), 0 },
    { "cloud",     "expiration_date",      KIND_INSTANT, 0, 0,        false, AT(expiration), AT(has_expiration) },
    { "cloud",     "secrets",              KIND_PATH,    1, MAX_TEXT, false, AT(secrets), 0 },
    { "cloud",     "dev_mode",             KIND_IGNORED, 0, 0,        false, 0, 0 },
    { "cloud",     "ssl",                  KIND_TABLE,   0, 0,        false, AT(has_ssl), 0 },
    { "cloud.ssl", "domain_name",          KIND_TEXT,    1, 255,      true,  AT(ssl_domain), 0 },
    { "cloud.ssl", "private_key",          KIND_PATH,    1, MAX_TEXT, true,  AT(ssl_private_key), 0 },
    { "cloud.ssl", "certificate",          KIND_PATH,    1, MAX_TEXT, true,  AT(ssl_certificate), 0 },
};
/* clang-format on */
#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))

struct run {
    const char *file_name;
    int64_t now;
    int zone_offset;
    mse_app_config_warn *warn;
    void *warn_context;
    struct mse_app_config *out;
    struct mse_error *err;
};

static void *target(const struct run *r, size_t at)
{
    return (uint8_t *)r->out + at;
}

/* ---- what a key wants, in words ---- */

static const char *describe(const struct key *key, char *out, size_t size)
{
    switch (key->kind) {
    case KIND_TABLE:
        (void)snprintf(out, size, "a table");
        break;
    case KIND_TEXT:
        (void)snprintf(out, size, "a text of one line, of %u to %u characters", key->min, key->max);
        break;
    case KIND_PYTHON:
        (void)snprintf(out, size, "\"module:variable\", %u to %u characters with exactly one colon",
                       key->min, key->max);
        break;
    case KIND_HEALTH:
        (void)snprintf(out, size,
                       "a path that begins with '/', %u visible ASCII characters at most, without "
                       "'?' and '#'",
                       key->max);
        break;
    case KIND_PATH:
        (void)snprintf(out, size, "a path of %u to %u characters", key->min, key->max);
        break;
    case KIND_LIST:
        (void)snprintf(out, size, "a list of %u to %u texts", key->min, key->max);
        break;
    case KIND_MEMORY:
        (void)snprintf(out, size, "a power of two from %u to %u (MiB)", MSE_VALUE_MIN_MEMORY,
                       MSE_VALUE_MAX_MEMORY);
        break;
    case KIND_THREADS:
        (void)snprintf(out, size, "an integer from 1 to %u", MSE_VALUE_MAX_THREADS);
        break;
    case KIND_INSTANT:
        (void)snprintf(out, size, "an RFC 3339 date and time like 2026-01-31T12:00:00Z");
        break;
    case KIND_IGNORED:
        (void)snprintf(out, size, "true or false");
        break;
    }
    return out;
}

static bool fail_key(const struct run *r, const struct key *key, const struct mse_toml_value *at)
{
    char wants[160];

    return mse_value_fail(r->err, MSE_ERR_VALUE, r->file_name, at, "\"%s\" wants %s", key->name,
                          describe(key, wants, sizeof(wants)));
}

/* ---- values ---- */

/* A text without the blanks around it, owned by the caller; NULL with an error if it is none. */
static char *take_text(const struct run *r, const struct key *key, const struct mse_toml_value *v,
                       size_t min, size_t max)
{
    const char *text;
    size_t len;
    char *copy;

    if (v->type != MSE_TOML_STRING || mse_value_has_control(v->text)) {
        (void)fail_key(r, key, v);
        return NULL;
    }
    text = v->text + strspn(v->text, " ");
    for (len = strlen(text); len > 0 && text[len - 1] == ' ';)
        len--;
    copy = strndup(text, len);
    if (copy == NULL) {
        (void)mse_fail_memory(r->err);
        return NULL;
    }
    if (mse_value_characters(copy) >= min && mse_value_characters(copy) <= max)
        return copy;
    free(copy);
    (void)fail_key(r, key, v);
    return NULL;
}

static bool read_text(const struct run *r, const struct key *key, const struct mse_toml_value *v)
{
    char *text = take_text(r, key, v, key->min, key->max);
    char **slot = target(r, key->at);

    if (text == NULL)
        return false;
    if ((key->kind == KIND_PYTHON && !mse_value_is_python(text)) ||
        (key->kind == KIND_HEALTH && !mse_value_is_health(text))) {
        free(text);
        return fail_key(r, key, v);
    }
    *slot = text;
    return true;
}

static bool read_path(const struct run *r, const struct key *key, const struct mse_toml_value *v)
{
    char *text = take_text(r, key, v, key->min, key->max);
    char **slot = target(r, key->at);

    if (text == NULL)
        return false;
    *slot = mse_app_path_join(r->file_name, text);
    free(text);
    return *slot != NULL || mse_fail_memory(r->err);
}

/* Words are taken with the blanks around them: they may be meant. */
static bool read_list(const struct run *r, const struct key *key, const struct mse_toml_value *v)
{
    char **slot = target(r, key->at);
    size_t *count = target(r, key->count_at);

    if (v->type != MSE_TOML_ARRAY || v->count < key->min || v->count > key->max)
        return fail_key(r, key, v);
    for (size_t i = 0; i < v->count; i++) {
        const struct mse_toml_value *word = v->children[i];

        if (word->type != MSE_TOML_STRING || word->text_len > MAX_TEXT ||
            mse_value_has_control(word->text) || (i == 0 && word->text_len == 0))
            return mse_value_fail(r->err, MSE_ERR_VALUE, r->file_name, word,
                                  "\"%s\" wants texts of one line, at most %d bytes, the first not "
                                  "empty",
                                  key->name, MAX_TEXT);
        slot[i] = strdup(word->text);
        if (slot[i] == NULL)
            return mse_fail_memory(r->err);
        (*count)++;
    }
    return true;
}

static bool read_number(const struct run *r, const struct key *key, const struct mse_toml_value *v)
{
    uint32_t *slot = target(r, key->at);
    bool ok = v->type == MSE_TOML_INTEGER &&
              (key->kind == KIND_MEMORY ? mse_value_is_memory(v->integer)
                                        : mse_value_is_threads(v->integer));

    if (!ok)
        return fail_key(r, key, v);
    *slot = (uint32_t)v->integer;
    return true;
}

static bool read_instant(const struct run *r, const struct key *key, const struct mse_toml_value *v)
{
    int64_t *slot = target(r, key->at);
    bool *given = target(r, key->count_at);

    if ((v->type != MSE_TOML_STRING && v->type != MSE_TOML_DATETIME) ||
        !mse_value_instant(v->text, r->zone_offset, slot))
        return fail_key(r, key, v);
    if (*slot <= r->now)
        return mse_value_fail(r->err, MSE_ERR_VALUE, r->file_name, v, "\"%s\" is in the past",
                              key->name);
    *given = true;
    return true;
}

/* ---- unknown keys ---- */

static void warn(const struct run *r, const struct mse_toml_value *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void warn(const struct run *r, const struct mse_toml_value *at, const char *format, ...)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer line = { 0 };
    char text[256];
    va_list args;
    char *whole;

    if (r->warn == NULL)
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    mse_write_format(&line, "%s:%u:%u: %s", r->file_name, at->line, at->column, text);
    whole = mse_writer_take_text(&line);
    if (whole != NULL)
        r->warn(r->warn_context, whole);
    free(whole);
}

#define MAX_KEY_LEN 32

/* Insertions, deletions, changes and swaps of neighbours that turn a into b. */
static unsigned distance(const char *a, const char *b)
{
    unsigned d[MAX_KEY_LEN + 1][MAX_KEY_LEN + 1];
    size_t m = strlen(a), n = strlen(b);

    for (size_t i = 0; i <= m; i++)
        d[i][0] = (unsigned)i;
    for (size_t j = 0; j <= n; j++)
        d[0][j] = (unsigned)j;
    for (size_t i = 1; i <= m; i++) {
        for (size_t j = 1; j <= n; j++) {
            unsigned best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

            if (d[i - 1][j] + 1 < best)
                best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best)
                best = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    }
    return d[m][n];
}

/* A third of the letters may differ; the same table is preferred. */
static const struct key *nearest(const char *table, const char *name)
{
    const struct key *found = NULL;
    unsigned best = UINT32_MAX;

    if (strlen(name) > MAX_KEY_LEN)
        return NULL;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        unsigned d = distance(name, keys[i].name);
        unsigned rank = 2 * d + (strcmp(keys[i].table, table) != 0);

        if (d > strlen(keys[i].name) / 3 || rank >= best)
            continue;
        found = &keys[i];
        best = rank;
    }
    return found;
}

static void warn_unknown(const struct run *r, const char *table, const struct mse_toml_value *v)
{
    const struct key *near = nearest(table, v->key);
    char shown[80];

    (void)mse_escape(MSE_CSTR_BYTES(v->key), shown, sizeof(shown));
    if (near == NULL)
        warn(r, v, "unknown key \"%s\"", shown);
    else if (strcmp(near->table, table) == 0)
        warn(r, v, "unknown key \"%s\": is \"%s\" meant?", shown, near->name);
    else if (near->table[0] == '\0')
        warn(r, v, "unknown key \"%s\" here: \"%s\" belongs before the first table", shown,
             near->name);
    else
        warn(r, v, "unknown key \"%s\" here: \"%s\" belongs into [%s]", shown, near->name,
             near->table);
}

/* ---- tables ---- */

static const struct key *find(const char *table, const char *name)
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (strcmp(keys[i].table, table) == 0 && strcmp(keys[i].name, name) == 0)
            return &keys[i];
    }
    return NULL;
}

static bool read_value(const struct run *r, const struct key *key, const struct mse_toml_value *v)
{
    switch (key->kind) {
    case KIND_TABLE:
        return v->type == MSE_TOML_TABLE || fail_key(r, key, v);
    case KIND_TEXT:
    case KIND_PYTHON:
    case KIND_HEALTH:
        return read_text(r, key, v);
    case KIND_PATH:
        return read_path(r, key, v);
    case KIND_LIST:
        return read_list(r, key, v);
    case KIND_MEMORY:
    case KIND_THREADS:
        return read_number(r, key, v);
    case KIND_INSTANT:
        return read_instant(r, key, v);
    case KIND_IGNORED:
        if (v->type != MSE_TOML_BOOLEAN)
            return fail_key(r, key, v);
        warn(r, v, "\"%s\" is ignored in a file", key->name);
        return true;
    }
    return fail_key(r, key, v);
}

/* One table; those inside of it are read by their own call. */
static bool read_table(const struct run *r, const char *name, const struct mse_toml_value *table)
{
    char wants[160];

    for (size_t i = 0; i < table->count; i++) {
        const struct mse_toml_value *v = table->children[i];
        const struct key *key = find(name, v->key);

        if (key == NULL)
            warn_unknown(r, name, v);
        else if (!read_value(r, key, v))
            return false;
    }
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (keys[i].required && strcmp(keys[i].table, name) == 0 &&
            mse_toml_member(table, keys[i].name) == NULL)
            return mse_value_fail(r->err, MSE_ERR_MISSING, r->file_name, table,
                                  "\"%s\" is missing: %s", keys[i].name,
                                  describe(&keys[i], wants, sizeof(wants)));
    }
    return true;
}

/* ---- what several keys together may be ---- */

static bool check_entry(const struct run *r, const struct mse_toml_value *root)
{
    const struct mse_toml_value *command = mse_toml_member(root, "command");

    if (command != NULL && r->out->python != NULL)
        return mse_value_fail(r->err, MSE_ERR_VALUE, r->file_name, command,
                              "\"command\" and \"python_application\" exclude each other");
    if (command == NULL && r->out->python == NULL)
        return mse_value_fail(r->err, MSE_ERR_MISSING, r->file_name, root,
                              "one of \"python_application\" and \"command\" is missing");
    return true;
}

/* The code directory becomes a package, and everything in it is measured and published. */
static bool check_outside(const struct run *r, const char *path, const struct mse_toml_value *table,
                          const char *name)
{
    bool below = false;

    if (path == NULL)
        return true;
    if (!mse_app_path_is_below(r->out->code, path, &below))
        return mse_fail_memory(r->err);
    return !below ||
           mse_value_fail(r->err, MSE_ERR_VALUE, r->file_name, mse_toml_member(table, name),
                          "\"%s\" is inside of the code directory: move it out", name);
}

static bool read_all(const struct run *r, const struct mse_toml_value *root)
{
    const struct mse_toml_value *cloud = mse_toml_member(root, "cloud");
    const struct mse_toml_value *ssl = mse_toml_member(cloud, "ssl");

    r->out->memory = 1024;
    r->out->threads = 64;
    r->out->has_cloud = cloud != NULL;
    r->out->has_ssl = ssl != NULL;
    return read_table(r, "", root) && check_entry(r, root) &&
           (cloud == NULL || read_table(r, "cloud", cloud)) &&
           (ssl == NULL || read_table(r, "cloud.ssl", ssl)) &&
           check_outside(r, r->out->secrets, cloud, "secrets") &&
           check_outside(r, r->out->ssl_private_key, ssl, "private_key");
}

bool mse_app_config_parse(struct mse_bytes in, const char *file_name, int64_t now, int zone_offset,
                          mse_app_config_warn *hear, void *context, struct mse_app_config *out,
                          struct mse_error *err)
{
    const struct run r = { file_name, now, zone_offset, hear, context, out, err };
    struct mse_toml_value *root = NULL;
    bool ok;

    *out = (struct mse_app_config){ 0 };
    ok = mse_value_parse(in, file_name, MSE_APP_CONFIG_MAX_SIZE, &root, err) && read_all(&r, root);
    mse_toml_free(root);
    if (!ok)
        mse_app_config_cleanup(out);
    return ok;
}

void mse_app_config_cleanup(struct mse_app_config *config)
{
    const struct run r = { .out = config };

    for (size_t i = 0; i < KEY_COUNT; i++) {
        char **slot = target(&r, keys[i].at);

        switch (keys[i].kind) {
        case KIND_TEXT:
        case KIND_PYTHON:
        case KIND_HEALTH:
        case KIND_PATH:
            free(*slot);
            break;
        case KIND_LIST:
            for (size_t k = 0; k < keys[i].max; k++)
                free(slot[k]);
            break;
        case KIND_TABLE:
        case KIND_MEMORY:
        case KIND_THREADS:
        case KIND_INSTANT:
        case KIND_IGNORED:
            break;
        }
    }
    *config = (struct mse_app_config){ 0 };
}
