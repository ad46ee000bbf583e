/* SPDX-License-Identifier: Apache-2.0 */
/* Stored contexts: context/UUID/context.mse below the configuration directory. */
#include "cli/context_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/places.h"
#include "package/values.h"

#define PATH_SIZE 4400
#define REMOVE_DEPTH 16

/* "": the directory of all; "UUID" or "UUID/context.mse": what is in it. */
static bool place(const struct cli *cli, const char *id, const char *file, char out[PATH_SIZE],
                  struct mse_error *err)
{
    char config[4200];

    if (!places_config(cli, config, sizeof(config)) ||
        (size_t)snprintf(out, PATH_SIZE, "%s/context%s%s%s", config, id[0] != '\0' ? "/" : "", id,
                         file) >= PATH_SIZE)
        return mse_fail_text(err, MSE_ERR_USAGE, "context",
                             "neither HOME nor XDG_CONFIG_HOME is set");
    return true;
}

void context_bytes_free(uint8_t *data, size_t len)
{
    if (data != NULL)
        explicit_bzero(data, len);
    free(data);
}

/* ---- one ---- */

bool context_store_read(const struct cli *cli, const char *id, uint8_t **data, size_t *len,
                        struct mse_context *out, struct mse_error *err)
{
    char path[PATH_SIZE];
    bool ok;

    *data = NULL;
    *len = 0;
    *out = (struct mse_context){ 0 };
    if (!place(cli, id, "/context.mse", path, err))
        return false;
    if (access(path, F_OK) == -1 && (errno == ENOENT || errno == ENOTDIR))
        return mse_fail_text(err, MSE_ERR_MISSING, id, "no context of this deployment is stored");
    ok = mse_file_read(path, MSE_CONTEXT_MAX_SIZE, data, len, err) &&
         mse_context_parse((struct mse_bytes){ *data, *len }, path, out, err);
    /* Else what is shown of one deployment would be said of another. */
    if (ok && strcmp(out->id, id) != 0)
        ok = mse_fail_text(err, MSE_ERR_MISMATCH, path, "is the context of another deployment, %s",
                           out->id);
    if (ok)
        return true;
    mse_context_cleanup(out);
    context_bytes_free(*data, *len);
    *data = NULL;
    *len = 0;
    return false;
}

bool context_store_put(const struct cli *cli, const char *id, struct mse_bytes data, bool force,
                       struct mse_error *err)
{
    char dir[PATH_SIZE], path[PATH_SIZE];

    return place(cli, id, "", dir, err) && place(cli, id, "/context.mse", path, err) &&
           mse_dir_make(dir, err) &&
           mse_file_write(path, data, 0600, force ? MSE_FILE_REPLACE : MSE_FILE_KEEP, err);
}

/* ---- removing ---- */

static bool remove_at(int parent, const char *name, const char *path, unsigned depth,
                      struct mse_error *err);

/* All that is in the directory, which is closed. */
static bool empty(DIR *dir, const char *path, unsigned depth, struct mse_error *err)
{
    const struct dirent *entry;
    bool ok = depth > 0 || mse_fail_text(err, MSE_ERR_LIMIT, path, "too many levels to remove");

    while (ok && (errno = 0, entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            ok = remove_at(dirfd(dir), entry->d_name, path, depth - 1, err);
    }
    if (ok && errno != 0)
        ok = mse_fail_errno(err, path, "cannot read", errno);
    (void)closedir(dir);
    return ok;
}

static bool remove_at(int parent, const char *name, const char *path, unsigned depth,
                      struct mse_error *err)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool is_directory = fd != -1;
    DIR *dir;

    if (fd == -1 && errno != ENOTDIR && errno != ELOOP)
        return mse_fail_errno(err, path, "cannot open", errno);
    if (is_directory) {
        dir = fdopendir(fd);
        if (dir == NULL) {
            (void)close(fd);
            return mse_fail_memory(err);
        }
        if (!empty(dir, path, depth, err))
            return false;
    }
    return unlinkat(parent, name, is_directory ? AT_REMOVEDIR : 0) == 0 ||
           mse_fail_errno(err, path, "cannot remove", errno);
}

bool context_store_remove(const struct cli *cli, const char *id, struct mse_error *err)
{
    char path[PATH_SIZE];
    struct stat st;

    if (!place(cli, id, "", path, err))
        return false;
    if (lstat(path, &st) == -1)
        return errno == ENOENT || errno == ENOTDIR
                   ? mse_fail_text(err, MSE_ERR_MISSING, id,
                                   "no context of this deployment is stored")
                   : mse_fail_errno(err, path, "cannot examine", errno);
    return remove_at(AT_FDCWD, path, path, REMOVE_DEPTH, err);
}

/* ---- all ---- */

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct context_entry *)a)->id, ((const struct context_entry *)b)->id);
}

static int64_t written_at(const struct cli *cli, const char *id)
{
    struct mse_error err = { 0 };
    char path[PATH_SIZE];
    struct stat st;

    return place(cli, id, "/context.mse", path, &err) && stat(path, &st) == 0
               ? (int64_t)st.st_mtim.tv_sec
               : 0;
}

static bool fill(struct cli *cli, struct context_entry *entry, struct mse_error *err)
{
    struct mse_error why = { 0 };
    struct mse_context context;
    uint8_t *data = NULL;
    size_t len = 0;
    char line[640];

    if (!context_store_read(cli, entry->id, &data, &len, &context, &why)) {
        cli_note(cli, "mse: %s", mse_error_describe(&why, line, sizeof(line)));
        return why.code != MSE_ERR_MEMORY || mse_fail_memory(err);
    }
    entry->name = strdup(context.name);
    entry->format = context.format;
    entry->created_at = context.created_at != 0 ? context.created_at : written_at(cli, entry->id);
    entry->readable = true;
    mse_context_cleanup(&context);
    context_bytes_free(data, len);
    return entry->name != NULL || mse_fail_memory(err);
}

/* What has another name than a UUID in its usual form is none of ours. */
static bool collect(DIR *dir, const char *path, struct context_list *out, struct mse_error *err)
{
    const struct dirent *entry;
    size_t room = 0;
    char id[37];

    while (errno = 0, (entry = readdir(dir)) != NULL) {
        struct context_entry *grown;

        if (!mse_value_uuid(entry->d_name, id) || strcmp(entry->d_name, id) != 0)
            continue;
        if (out->count == room) {
            room = room > 0 ? 2 * room : 16;
            grown = realloc(out->of, room * sizeof(*out->of));
            if (grown == NULL)
                return mse_fail_memory(err);
            out->of = grown;
        }
        out->of[out->count] = (struct context_entry){ 0 };
        memcpy(out->of[out->count++].id, id, sizeof(id));
    }
    return errno == 0 || mse_fail_errno(err, path, "cannot read", errno);
}

bool context_store_list(struct cli *cli, struct context_list *out, struct mse_error *err)
{
    char path[PATH_SIZE];
    DIR *dir;
    bool ok;

    *out = (struct context_list){ 0 };
    if (!place(cli, "", "", path, err))
        return false;
    dir = opendir(path);
    if (dir == NULL)
        return errno == ENOENT || mse_fail_errno(err, path, "cannot open", errno);
    ok = collect(dir, path, out, err);
    (void)closedir(dir);
    if (ok && out->count > 0)
        qsort(out->of, out->count, sizeof(*out->of), compare_entries);
    for (size_t i = 0; ok && i < out->count; i++)
        ok = fill(cli, &out->of[i], err);
    if (!ok)
        context_list_cleanup(out);
    return ok;
}

void context_list_cleanup(struct context_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->of[i].name);
    free(list->of);
    *list = (struct context_list){ 0 };
}
