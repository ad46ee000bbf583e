/* SPDX-License-Identifier: Apache-2.0 */
/* A manifest and the defaults that Gramine's tools append, in their order (docs/gramine.md). */
#include "measure/manifest.h"

#include <stdlib.h>

#include "base/toml_edit.h"

/* Size of an enclave that names none; with EDMM it costs nothing until it is used. */
#define DEFAULT_SIZE "256M"
#define DEFAULT_SIZE_EDMM "1024G"

bool mse_manifest_parse(struct mse_bytes in, enum mse_gramine rules, struct mse_manifest *out,
                        struct mse_error *err)
{
    *out = (struct mse_manifest){ .rules = rules };
    return mse_toml_parse(in, &out->root, err);
}

void mse_manifest_cleanup(struct mse_manifest *manifest)
{
    mse_toml_free(manifest->root);
    manifest->root = NULL;
}

/* ---- defaults ---- */

/* What a key of sgx is if the text does not say it. */
struct default_row {
    const char *key;
    enum mse_toml_type type;
    int64_t integer;
    const char *text;
};

/* clang-format off */
static const struct default_row defaults_1_9[] = {
    { "trusted_files",      MSE_TOML_ARRAY,   0, NULL },
    { "max_threads",        MSE_TOML_INTEGER, 4, NULL },
    { "isvprodid",          MSE_TOML_INTEGER, 0, NULL },
    { "isvsvn",             MSE_TOML_INTEGER, 0, NULL },
    { "remote_attestation", MSE_TOML_STRING,  0, "none" },
    { "debug",              MSE_TOML_BOOLEAN, 0, NULL },
    { "enable_stats",       MSE_TOML_BOOLEAN, 0, NULL },
    { "edmm_enable",        MSE_TOML_BOOLEAN, 0, NULL },
    { "enclave_size",       MSE_TOML_STRING,  0, DEFAULT_SIZE },
    { "use_exinfo",         MSE_TOML_BOOLEAN, 0, NULL },
    { "cpu_features",       MSE_TOML_TABLE,   0, NULL },
};
static const struct default_row defaults_1_5[] = {
    { "trusted_files",      MSE_TOML_ARRAY,   0, NULL },
    { "max_threads",        MSE_TOML_INTEGER, 4, NULL },
    { "isvprodid",          MSE_TOML_INTEGER, 0, NULL },
    { "isvsvn",             MSE_TOML_INTEGER, 0, NULL },
    { "remote_attestation", MSE_TOML_STRING,  0, "none" },
    { "debug",              MSE_TOML_BOOLEAN, 0, NULL },
    { "require_avx",        MSE_TOML_BOOLEAN, 0, NULL },
    { "require_avx512",     MSE_TOML_BOOLEAN, 0, NULL },
    { "require_mpx",        MSE_TOML_BOOLEAN, 0, NULL },
    { "require_pkru",       MSE_TOML_BOOLEAN, 0, NULL },
    { "require_amx",        MSE_TOML_BOOLEAN, 0, NULL },
    { "require_exinfo",     MSE_TOML_BOOLEAN, 0, NULL },
    { "enable_stats",       MSE_TOML_BOOLEAN, 0, NULL },
    { "edmm_enable",        MSE_TOML_BOOLEAN, 0, NULL },
    { "enclave_size",       MSE_TOML_STRING,  0, DEFAULT_SIZE },
};
static const struct default_row cpu_features[] = {
    { "avx",    MSE_TOML_STRING, 0, "unspecified" },
    { "avx512", MSE_TOML_STRING, 0, "unspecified" },
    { "amx",    MSE_TOML_STRING, 0, "unspecified" },
    { "mpx",    MSE_TOML_STRING, 0, "disabled" },
    { "pkru",   MSE_TOML_STRING, 0, "disabled" },
};
/* clang-format on */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool fail_type(const struct mse_toml_value *value, const char *name, const char *type,
                      struct mse_error *err)
{
    return mse_fail_text(err, MSE_ERR_VALUE, name, "line %u, column %u: must be %s", value->line,
                         value->column, type);
}

/* Appends the rows that are absent. */
static bool add_rows(struct mse_toml_value *table, const struct default_row *rows, size_t count,
                     struct mse_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct default_row *row = &rows[i];
        struct mse_toml_value *value;

        if (mse_toml_member(table, row->key) != NULL)
            continue;
        if (row->type == MSE_TOML_STRING)
            value = mse_manifest_put_text(table, row->key, row->text);
        else
            value = mse_toml_add(table, row->key, row->type);
        if (value == NULL)
            return mse_fail_memory(err);
        if (row->type == MSE_TOML_INTEGER)
            value->integer = row->integer;
    }
    return true;
}

/* The table of that name; appended if absent. */
static bool section(struct mse_toml_value *table, const char *key, const char *name,
                    struct mse_toml_value **out, struct mse_error *err)
{
    struct mse_toml_value *value = mse_toml_member_to_change(table, key);

    *out = NULL;
    if (value != NULL && value->type != MSE_TOML_TABLE)
        return fail_type(value, name, "a table", err);
    if (value == NULL)
        value = mse_toml_add(table, key, MSE_TOML_TABLE);
    if (value == NULL)
        return mse_fail_memory(err);
    *out = value;
    return true;
}

/* "file:x" becomes { uri = "file:x" }, in the same place. */
static bool make_entry(struct mse_toml_value *value, struct mse_error *err)
{
    char *uri = value->text;
    bool ok;

    value->text = NULL;
    mse_toml_reset(value, MSE_TOML_TABLE);
    ok = mse_manifest_put_text(value, "uri", uri) != NULL;
    free(uri);
    return ok || mse_fail_memory(err);
}

static bool make_entries(struct mse_toml_value *files, struct mse_error *err)
{
    if (files->type != MSE_TOML_ARRAY)
        return fail_type(files, "sgx.trusted_files", "an array", err);
    for (size_t i = 0; i < files->count; i++) {
        struct mse_toml_value *entry = files->children[i];
        const struct mse_toml_value *uri = mse_toml_member(entry, "uri");

        if (entry->type == MSE_TOML_STRING) {
            if (!make_entry(entry, err))
                return false;
        } else if (uri == NULL || uri->type != MSE_TOML_STRING) {
            return fail_type(entry, "sgx.trusted_files", "a string, or a table with a uri", err);
        }
    }
    return true;
}

static bool add_sgx(struct mse_toml_value *sgx, enum mse_gramine rules, struct mse_error *err)
{
    const struct mse_toml_value *edmm = mse_toml_member(sgx, "edmm_enable");
    bool has_size = mse_toml_member(sgx, "enclave_size") != NULL;
    bool is_1_9 = rules == MSE_GRAMINE_1_9;
    struct mse_toml_value *features;

    if (edmm != NULL && edmm->type != MSE_TOML_BOOLEAN)
        return fail_type(edmm, "sgx.edmm_enable", "true or false", err);
    if (!add_rows(sgx, is_1_9 ? defaults_1_9 : defaults_1_5,
                  is_1_9 ? COUNT(defaults_1_9) : COUNT(defaults_1_5), err))
        return false;
    if (edmm != NULL && edmm->boolean && !has_size &&
        mse_manifest_put_text(sgx, "enclave_size", DEFAULT_SIZE_EDMM) == NULL)
        return mse_fail_memory(err);
    if (is_1_9 && (!section(sgx, "cpu_features", "sgx.cpu_features", &features, err) ||
                   !add_rows(features, cpu_features, COUNT(cpu_features), err)))
        return false;
    return make_entries(mse_toml_member_to_change(sgx, "trusted_files"), err);
}

/* Since 1.9 a table; before, a string that nothing is added to. */
static bool add_entrypoint(struct mse_toml_value *root, const char *libos, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer uri = { 0 };
    struct mse_toml_value *loader, *entrypoint;

    if (!section(root, "loader", "loader", &loader, err) ||
        !section(loader, "entrypoint", "loader.entrypoint", &entrypoint, err))
        return false;
    if (mse_toml_member(entrypoint, "uri") != NULL)
        return true;
    if (libos == NULL)
        return mse_fail_text(err, MSE_ERR_MISSING, "loader.entrypoint.uri",
                             "the manifest does not say it, and the path of libsysdb.so, its "
                             "default, was not given");
    mse_write_text(&uri, "file:");
    mse_write_text(&uri, libos);
    mse_write_u8(&uri, '\0');
    if (!mse_writer_ok(&uri) ||
        mse_manifest_put_text(entrypoint, "uri", (const char *)uri.data) == NULL)
        return mse_fail_memory(err);
    return true;
}

bool mse_manifest_add_defaults(struct mse_manifest *manifest, const char *libos,
                               struct mse_error *err)
{
    struct mse_toml_value *sgx;

    return section(manifest->root, "sgx", "sgx", &sgx, err) && add_sgx(sgx, manifest->rules, err) &&
           (manifest->rules != MSE_GRAMINE_1_9 || add_entrypoint(manifest->root, libos, err));
}
