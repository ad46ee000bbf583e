/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of files: made, sorted, compared with nonces and with each other. */
#include "package/original_files.h"

#include <stdlib.h>

void mse_original_files_cleanup(struct mse_original_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free(files->of[i].path);
        free(files->of[i].name);
    }
    free(files->of);
    *files = (struct mse_original_files){ 0 };
}

bool mse_original_is_hidden(const char *path)
{
    return path[0] == '.' || strstr(path, "/.") != NULL;
}

bool mse_original_files_add(struct mse_original_files *files, const char *path, const char *name,
                            struct mse_original_file **out, struct mse_error *err)
{
    struct mse_original_file *file;

    *out = NULL;
    if (files->count >= MSE_TREE_MAX_ENTRIES)
        return mse_fail_text(err, MSE_ERR_LIMIT, path, "more than %u files", MSE_TREE_MAX_ENTRIES);
    if (files->count == files->room) {
        size_t room = files->room > 0 ? 2 * files->room : 64;
        struct mse_original_file *grown = realloc(files->of, room * sizeof(*grown));

        if (grown == NULL)
            return mse_fail_memory(err);
        files->of = grown;
        files->room = room;
    }
    file = &files->of[files->count];
    *file = (struct mse_original_file){ .path = strdup(path), .name = strdup(name) };
    if (file->path == NULL || file->name == NULL) {
        free(file->path);
        free(file->name);
        return mse_fail_memory(err);
    }
    files->count++;
    *out = file;
    return true;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct mse_original_file *)a)->name,
                  ((const struct mse_original_file *)b)->name);
}

bool mse_original_files_sort(struct mse_original_files *files, struct mse_error *err)
{
    if (files->count > 1)
        qsort(files->of, files->count, sizeof(files->of[0]), compare_names);
    for (size_t i = 1; i < files->count; i++) {
        if (compare_names(&files->of[i - 1], &files->of[i]) == 0)
            return mse_fail_text(err, MSE_ERR_DUPLICATE, files->of[i].name,
                                 "two files have this name in the package");
    }
    return true;
}

/* ---- differences ---- */

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_requirements(const char *path)
{
    const char *slash = strrchr(path, '/');

    return strcmp(slash != NULL ? slash + 1 : path, MSE_ORIGINAL_REQUIREMENTS) == 0;
}

/* Paths of the files, sorted; NULL when memory is out. */
static const char **sorted_paths(const struct mse_original_files *code)
{
    const char **paths = calloc(code->count + 1, sizeof(*paths));

    for (size_t i = 0; paths != NULL && i < code->count; i++)
        paths[i] = code->of[i].path;
    if (paths != NULL && code->count > 1)
        qsort(paths, code->count, sizeof(*paths), compare_paths);
    return paths;
}

bool mse_original_code_compare(const struct mse_original_files *code,
                               const struct mse_nonces *nonces, mse_tree_change_seen *seen,
                               void *context, size_t *differences, struct mse_error *err)
{
    const char **paths = sorted_paths(code);
    size_t n = 0;

    *differences = 0;
    if (paths == NULL)
        return mse_fail_memory(err);
    for (size_t i = 0; i < code->count || n < nonces->count;) {
        int order = i == code->count     ? 1
                    : n == nonces->count ? -1
                                         : strcmp(paths[i], nonces->of[n].path);
        const char *path = order > 0 ? nonces->of[n].path : paths[i];
        bool matters = order < 0 ? !is_requirements(path)
                                 : order > 0 && !mse_original_is_hidden(path);

        if (matters) {
            seen(context, order < 0 ? MSE_TREE_EXTRA : MSE_TREE_MISSING, path);
            ++*differences;
        }
        i += order <= 0;
        n += order >= 0;
    }
    free(paths);
    return true;
}

size_t mse_original_package_compare(const struct mse_original_files *files,
                                    const struct mse_original_files *package,
                                    mse_tree_change_seen *seen, void *context)
{
    size_t count = 0;

    for (size_t i = 0, p = 0; i < files->count || p < package->count;) {
        const struct mse_original_file *file = i < files->count ? &files->of[i] : NULL;
        const struct mse_original_file *packed = p < package->count ? &package->of[p] : NULL;
        int order = file == NULL ? 1 : packed == NULL ? -1 : strcmp(file->name, packed->name);
        bool differs = order != 0;

        if (order == 0)
            differs = memcmp(file->sha256, packed->sha256, sizeof(file->sha256)) != 0;
        if (order < 0 && file->hidden)
            differs = false;
        if (differs)
            seen(context,
                 order == 0  ? MSE_TREE_CONTENT
                 : order < 0 ? MSE_TREE_EXTRA
                             : MSE_TREE_MISSING,
                 order > 0 ? packed->name : file->path);
        count += differs;
        i += order <= 0;
        p += order >= 0;
    }
    return count;
}
