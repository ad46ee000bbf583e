/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes of the trusted files and of the loader, and their place in the manifest. */
#include "measure/trusted_files.h"

#include <stdlib.h>

#include "base/encode.h"
#include "measure/trusted_list.h"

#define LOADER "loader.entrypoint"

/* What is to be hashed: the files of the map that have no hash yet, then the loader. */
struct hashing {
    const struct mse_file_source *source;
    struct mse_uri_entry **files; /* owned; the entries are the map's */
    size_t count;
    const char *loader; /* URI, or NULL: nothing to do; behind the files */
    struct mse_file_hash *hashes;
};

static void hashing_cleanup(struct hashing *h)
{
    free(h->files);
    free(h->hashes);
}

/* ---- reading ---- */

static const char *uri_at(void *context, size_t index)
{
    const struct hashing *h = context;

    return index < h->count ? h->files[index]->uri : h->loader;
}

/* Gramine leaves out what it finds in a directory and may not read. */
static bool may_be_left_out(const struct mse_file_source *source, const struct mse_uri_entry *entry)
{
    enum mse_node_type type = MSE_NODE_ABSENT;
    struct mse_error ignored = { 0 };
    bool is_link = false;

    return entry->found &&
           source->look(source, entry->uri + MSE_URI_SCHEME_LEN, &type, &is_link, &ignored) &&
           type == MSE_NODE_UNREADABLE;
}

static bool open_file(void *context, size_t index, int *fd, struct mse_error *err)
{
    const struct hashing *h = context;
    const struct mse_file_source *source = h->source;
    const char *uri = uri_at(context, index);
    const char *path = uri + MSE_URI_SCHEME_LEN;
    bool is_loader = index >= h->count;

    if ((is_loader && source->open_loader != NULL ? source->open_loader
                                                  : source->open)(source, path, fd, err))
        return true;
    if (!is_loader && may_be_left_out(source, h->files[index])) {
        h->files[index]->left_out = true;
        *err = (struct mse_error){ 0 };
        *fd = MSE_HASH_NOTHING;
        return true;
    }
    return mse_fail_in(err, "%s", uri);
}

static bool take_known(struct hashing *h, size_t count, struct mse_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const char *uri = uri_at(h, i);

        if (!h->source->digest(h->source, uri + MSE_URI_SCHEME_LEN, h->hashes[i].sha256, err))
            return mse_fail_in(err, "%s", uri);
    }
    return true;
}

static bool hash_all(struct hashing *h, const struct mse_uri_map *map, unsigned threads,
                     struct mse_error *err)
{
    size_t count;

    h->files = calloc(map->count + 1, sizeof(struct mse_uri_entry *));
    h->hashes = calloc(map->count + 1, sizeof(struct mse_file_hash));
    if (h->files == NULL || h->hashes == NULL)
        return mse_fail_memory(err);
    for (size_t i = 0; i < map->count; i++) {
        if (map->entries[i]->sha256[0] == '\0' && !map->entries[i]->left_out)
            h->files[h->count++] = map->entries[i];
    }
    count = h->count + (h->loader != NULL ? 1 : 0);
    if (h->source->digest != NULL)
        return take_known(h, count, err);
    return mse_hash_files_named(count, open_file, uri_at, h, threads, h->hashes, err);
}

/* ---- the manifest ---- */

/* entrypoint: NULL if there is nothing to fill in. */
static bool find_loader(const struct mse_manifest *manifest, struct mse_toml_value **entrypoint,
                        const char **uri, struct mse_error *err)
{
    struct mse_toml_value *loader = mse_manifest_member(manifest->root, "loader");
    const struct mse_toml_value *value;

    *uri = NULL;
    *entrypoint = NULL;
    if (manifest->rules == MSE_GRAMINE_1_5) /* there the loader is one of the trusted files */
        return true;
    *entrypoint = loader != NULL ? mse_manifest_member(loader, "entrypoint") : NULL;
    if (*entrypoint == NULL)
        return mse_fail_text(err, MSE_ERR_MISSING, LOADER, "the manifest names no loader");
    if ((*entrypoint)->type != MSE_TOML_TABLE)
        return mse_fail_text(err, MSE_ERR_VALUE, LOADER, "must be a table since Gramine 1.9");
    if (mse_toml_member(*entrypoint, "sha256") != NULL) {
        *entrypoint = NULL;
        return true;
    }
    value = mse_toml_member(*entrypoint, "uri");
    if (value == NULL)
        return mse_fail_text(err, MSE_ERR_MISSING, LOADER ".uri", "the manifest names no loader");
    if (value->type != MSE_TOML_STRING)
        return mse_fail_text(err, MSE_ERR_VALUE, LOADER ".uri", "must be a string");
    *uri = value->text;
    return mse_trusted_uri_check(*uri, LOADER ".uri", err);
}

static bool find_list(const struct mse_manifest *manifest, struct mse_toml_value **sgx,
                      const struct mse_toml_value **list, struct mse_error *err)
{
    *sgx = mse_manifest_member(manifest->root, "sgx");
    *list = mse_toml_member(*sgx, "trusted_files");
    if (*list == NULL)
        return mse_fail_text(err, MSE_ERR_MISSING, "sgx.trusted_files",
                             "the manifest has no list of trusted files");
    if ((*list)->type != MSE_TOML_ARRAY)
        return mse_fail_text(err, MSE_ERR_VALUE, "sgx.trusted_files", "must be an array");
    return true;
}

static bool put_list(struct mse_toml_value *sgx, const struct mse_uri_map *map,
                     struct mse_error *err)
{
    struct mse_toml_value *list = mse_manifest_put_array(sgx, "trusted_files");

    if (list == NULL)
        return mse_fail_memory(err);
    for (size_t i = 0; i < map->count; i++) {
        struct mse_toml_value *file;

        if (map->entries[i]->left_out)
            continue;
        file = mse_manifest_append_table(list);
        if (file == NULL || mse_manifest_put_text(file, "uri", map->entries[i]->uri) == NULL ||
            mse_manifest_put_text(file, "sha256", map->entries[i]->sha256) == NULL)
            return mse_fail_memory(err);
    }
    return true;
}

static bool put_hashes(struct hashing *h, const struct mse_uri_map *map, struct mse_toml_value *sgx,
                       struct mse_toml_value *entrypoint, struct mse_error *err)
{
    char loader[65];

    for (size_t i = 0; i < h->count; i++)
        mse_hex_write(h->hashes[i].sha256, sizeof(h->hashes[i].sha256), h->files[i]->sha256);
    if (entrypoint != NULL) {
        mse_hex_write(h->hashes[h->count].sha256, sizeof(h->hashes[h->count].sha256), loader);
        if (mse_manifest_put_text(entrypoint, "sha256", loader) == NULL)
            return mse_fail_memory(err);
    }
    return put_list(sgx, map, err);
}

bool mse_trusted_files_expand(struct mse_manifest *manifest, const struct mse_file_source *source,
                              unsigned threads, struct mse_error *err)
{
    MSE_CLEANUP(mse_uri_map_cleanup) struct mse_uri_map map = { 0 };
    MSE_CLEANUP(hashing_cleanup) struct hashing h = { .source = source };
    struct mse_toml_value *entrypoint;
    struct mse_toml_value *sgx;
    const struct mse_toml_value *list;

    if (manifest->rules == MSE_GRAMINE_1_5 && source->resolve != NULL)
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "chroot",
                             "Gramine 1.5 measures no files within a chroot");
    return find_list(manifest, &sgx, &list, err) &&
           find_loader(manifest, &entrypoint, &h.loader, err) &&
           mse_trusted_list(list, manifest->rules, source, &map, err) &&
           hash_all(&h, &map, threads, err) && put_hashes(&h, &map, sgx, entrypoint, err);
}
