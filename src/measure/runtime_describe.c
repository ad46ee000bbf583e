/* SPDX-License-Identifier: Apache-2.0 */
/* Describing a runtime: which paths of a source open as regular files, and what they hold. */
#include "measure/runtime.h"

#include <stdlib.h>

#define MAX_DEPTH 128

struct walk {
    const struct mse_file_source *source;
    struct mse_runtime *out;
    size_t room;
    char path[MSE_RUNTIME_MAX_PATH + 1];
    size_t len; /* of path; 0 stands for the root */
    unsigned depth;
    bool named; /* what failed below has its path in the error already */
};

static const char *path_of(const struct walk *walk)
{
    return walk->len > 0 ? walk->path : "/";
}

static bool add_file(struct walk *walk, struct mse_error *err)
{
    struct mse_runtime *out = walk->out;
    struct mse_runtime_file *grown;

    if (out->count == MSE_RUNTIME_MAX_FILES)
        return mse_fail_text(err, MSE_ERR_LIMIT, walk->path, "more than %u files: name fewer paths",
                             MSE_RUNTIME_MAX_FILES);
    if (out->count == walk->room) {
        size_t room = walk->room > 0 ? 2 * walk->room : 256;

        grown = realloc(out->files, room * sizeof(grown[0]));
        if (grown == NULL)
            return mse_fail_memory(err);
        out->files = grown;
        walk->room = room;
    }
    out->files[out->count] = (struct mse_runtime_file){ .path = strdup(walk->path) };
    if (out->files[out->count].path == NULL)
        return mse_fail_memory(err);
    out->count++;
    return true;
}

/* ---- the walk ---- */

static bool visit_name(void *context, const char *name, struct mse_error *err);

static bool visit_directory(struct walk *walk, struct mse_error *err)
{
    bool ok;

    if (walk->depth == MAX_DEPTH)
        return mse_fail_text(err, MSE_ERR_LIMIT, walk->path, "lies deeper than %d directories",
                             MAX_DEPTH);
    walk->depth++;
    walk->named = false;
    ok = walk->source->list(walk->source, path_of(walk), visit_name, walk, err);
    if (!ok && !walk->named)
        (void)mse_fail_in(err, "%s", path_of(walk));
    walk->depth--;
    return ok;
}

static bool visit(struct walk *walk, bool is_given, struct mse_error *err)
{
    enum mse_node_type type = MSE_NODE_ABSENT;
    bool is_link = false;

    if (!walk->source->look(walk->source, path_of(walk), &type, &is_link, err))
        return mse_fail_in(err, "%s", path_of(walk));
    switch (type) {
    case MSE_NODE_FILE:
        return mse_runtime_check_path(walk->path, err) && add_file(walk, err);
    case MSE_NODE_DIRECTORY:
        /* What a link to a directory holds is listed where it lies; and no walk goes round. */
        if (is_link && !is_given)
            return true;
        return (walk->len == 0 || mse_runtime_check_path(walk->path, err)) &&
               visit_directory(walk, err);
    case MSE_NODE_UNREADABLE:
        return mse_fail_text(err, MSE_ERR_IO, walk->path, "cannot be read");
    case MSE_NODE_ABSENT:
    case MSE_NODE_OTHER:
        break;
    }
    if (is_given)
        return mse_fail_text(err, MSE_ERR_MISSING, walk->path,
                             type == MSE_NODE_ABSENT ? "is not there"
                                                     : "is neither a file nor a directory");
    return true; /* nothing that opens as a file */
}

static bool visit_name(void *context, const char *name, struct mse_error *err)
{
    struct walk *walk = context;
    size_t before = walk->len, len = strlen(name);
    bool ok;

    if (len + 1 > MSE_RUNTIME_MAX_PATH - walk->len)
        return mse_fail_text(err, MSE_ERR_LIMIT, "", "holds a path longer than %d bytes",
                             MSE_RUNTIME_MAX_PATH);
    walk->path[walk->len] = '/';
    memcpy(walk->path + walk->len + 1, name, len + 1);
    walk->len += len + 1;
    ok = visit(walk, false, err);
    walk->named = !ok;
    walk->len = before;
    walk->path[before] = '\0';
    return ok;
}

static bool visit_given(struct walk *walk, const char *path, struct mse_error *err)
{
    size_t len = strlen(path);

    /* "/usr/lib/" names the same as "/usr/lib"; "/" leaves nothing, which stands for the root. */
    while (len > 0 && path[len - 1] == '/')
        len--;
    if (len > MSE_RUNTIME_MAX_PATH)
        return mse_fail_text(err, MSE_ERR_LIMIT, "path", "is longer than %d bytes",
                             MSE_RUNTIME_MAX_PATH);
    memcpy(walk->path, path, len);
    walk->path[len] = '\0';
    walk->len = len;
    if (len == 0 && path[0] != '/')
        return mse_fail_text(err, MSE_ERR_VALUE, "path", "is empty");
    return (len == 0 || mse_runtime_check_path(walk->path, err)) && visit(walk, true, err);
}

/* ---- order and content ---- */

static int compare_files(const void *a, const void *b)
{
    const struct mse_runtime_file *x = a, *y = b;

    return strcmp(x->path, y->path);
}

/* Paths given may lie in one another. */
static void sort_and_merge(struct mse_runtime *out)
{
    size_t kept = 0;

    if (out->count < 2)
        return;
    qsort(out->files, out->count, sizeof(out->files[0]), compare_files);
    for (size_t i = 1; i < out->count; i++) {
        if (strcmp(out->files[kept].path, out->files[i].path) == 0)
            free(out->files[i].path);
        else
            out->files[++kept] = out->files[i];
    }
    out->count = kept + 1;
}

/* The loader comes behind the files: it need not be one of them. */
struct to_hash {
    const struct mse_file_source *source;
    struct mse_runtime *runtime;
};

static struct mse_runtime_file *file_at(const struct to_hash *what, size_t index)
{
    return index < what->runtime->count ? &what->runtime->files[index] : &what->runtime->loader;
}

static bool open_file(void *context, size_t index, int *fd, struct mse_error *err)
{
    const struct to_hash *what = context;

    return what->source->open(what->source, file_at(what, index)->path, fd, err) ||
           mse_fail_in(err, "%s", file_at(what, index)->path);
}

static const char *name_file(void *context, size_t index)
{
    return file_at(context, index)->path;
}

static bool hash_opened(struct to_hash *what, struct mse_error *err)
{
    size_t count = what->runtime->count + 1;
    struct mse_file_hash *hashes = calloc(count, sizeof(hashes[0]));
    bool ok;

    if (hashes == NULL)
        return mse_fail_memory(err);
    ok = mse_hash_files_named(count, open_file, name_file, what, 0, hashes, err);
    for (size_t i = 0; ok && i < count; i++)
        memcpy(file_at(what, i)->sha256, hashes[i].sha256, 32);
    free(hashes);
    return ok;
}

static bool hash_all(struct to_hash *what, struct mse_error *err)
{
    if (what->source->open != NULL)
        return hash_opened(what, err);
    for (size_t i = 0; i < what->runtime->count + 1; i++) {
        struct mse_runtime_file *file = file_at(what, i);

        if (!what->source->digest(what->source, file->path, file->sha256, err))
            return mse_fail_in(err, "%s", file->path);
    }
    return true;
}

/* ---- all of it ---- */

static bool set_loader(const struct mse_file_source *source, const char *loader,
                       struct mse_runtime *out, struct mse_error *err)
{
    enum mse_node_type type = MSE_NODE_ABSENT;
    bool is_link = false;

    if (!mse_runtime_check_path(loader, err))
        return mse_fail_in(err, "loader");
    if (!source->look(source, loader, &type, &is_link, err))
        return mse_fail_in(err, "%s", loader);
    if (type != MSE_NODE_FILE)
        return mse_fail_text(err, MSE_ERR_MISSING, loader, "is no file: it cannot be the loader");
    out->loader.path = strdup(loader);
    return out->loader.path != NULL || mse_fail_memory(err);
}

static bool describe(struct walk *walk, const char *const *paths, size_t path_count,
                     struct mse_error *err)
{
    struct to_hash what = { walk->source, walk->out };
    struct mse_writer json = { 0 };
    bool ok;

    if (path_count == 0 && !visit_given(walk, "/", err))
        return false;
    for (size_t i = 0; i < path_count; i++) {
        if (!visit_given(walk, paths[i], err))
            return false;
    }
    sort_and_merge(walk->out);
    if (walk->out->count == 0)
        return mse_fail_text(err, MSE_ERR_MISSING, "path", "no file lies under the paths given");
    ok = hash_all(&what, err) && mse_runtime_write(walk->out, &json, err);
    mse_writer_cleanup(&json);
    return ok;
}

bool mse_runtime_describe(const struct mse_file_source *source, const char *name,
                          const char *version, enum mse_runtime_tee tee, const char *loader,
                          const char *const *paths, size_t path_count, struct mse_runtime *out,
                          struct mse_error *err)
{
    struct walk *walk = calloc(1, sizeof(*walk));
    bool ok = walk != NULL;

    memset(out, 0, sizeof(*out));
    if (!ok)
        return mse_fail_memory(err);
    walk->source = source;
    walk->out = out;
    out->tee = tee;
    out->name = strdup(name);
    out->version = strdup(version);
    ok = (out->name != NULL && out->version != NULL) || mse_fail_memory(err);
    ok = ok && set_loader(source, loader, out, err) && describe(walk, paths, path_count, err);
    free(walk);
    if (!ok)
        mse_runtime_cleanup(out);
    return ok;
}
