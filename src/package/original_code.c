/* SPDX-License-Identifier: Apache-2.0 */
/* Which files the original packs: a walk that follows links, as its copy of the code did. */
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "measure/trusted_files.h"
#include "package/encrypt.h"
#include "package/ignore_glob.h"
#include "package/original_files.h"

struct walk {
    struct mse_directory_source directory;
    const struct mse_ignore *ignore;
    struct mse_original_files *files;
    char **waiting; /* owned: directories that are still to be read; "" is the first */
    size_t waiting_count, room;
    size_t seen; /* directories so far: links may lead round */
};

static void walk_cleanup(struct walk *w)
{
    for (size_t i = 0; i < w->waiting_count; i++)
        free(w->waiting[i]);
    free(w->waiting);
    mse_directory_source_close(&w->directory);
}

static bool push(struct walk *w, const char *path, struct mse_error *err)
{
    if (++w->seen > MSE_TREE_MAX_ENTRIES)
        return mse_fail_text(err, MSE_ERR_LIMIT, path, "more than %u directories",
                             MSE_TREE_MAX_ENTRIES);
    if (w->waiting_count == w->room) {
        size_t room = w->room > 0 ? 2 * w->room : 64;
        char **grown = realloc(w->waiting, room * sizeof(*grown));

        if (grown == NULL)
            return mse_fail_memory(err);
        w->waiting = grown;
        w->room = room;
    }
    w->waiting[w->waiting_count] = strdup(path);
    if (w->waiting[w->waiting_count] == NULL)
        return mse_fail_memory(err);
    w->waiting_count++;
    return true;
}

static bool add_file(struct walk *w, const char *path, struct mse_error *err)
{
    const char *slash = strrchr(path, '/');
    const bool sealed = strcmp(slash != NULL ? slash + 1 : path, MSE_ORIGINAL_REQUIREMENTS) != 0;
    char name[MSE_TREE_MAX_PATH + sizeof(MSE_BOX_SUFFIX)];
    struct mse_original_file *file;

    (void)snprintf(name, sizeof(name), "%s%s", path, sealed ? MSE_BOX_SUFFIX : "");
    if (!mse_original_files_add(w->files, path, name, &file, err))
        return false;
    file->sealed = sealed;
    file->hidden = mse_original_is_hidden(path);
    return true;
}

static bool add(struct walk *w, const char *path, struct mse_error *err)
{
    const struct mse_file_source *source = &w->directory.source;
    enum mse_node_type type = MSE_NODE_ABSENT;
    bool is_link = false, ignored = false;

    /* The name alone decides, so what is ignored need not be of any type. */
    if (!w->ignore->is_ignored(w->ignore, path, false, &ignored, err))
        return false;
    if (ignored)
        return true;
    if (!source->look(source, path, &type, &is_link, err))
        return mse_fail_in(err, "%s", path);
    switch (type) {
    case MSE_NODE_FILE:
        return add_file(w, path, err);
    case MSE_NODE_DIRECTORY:
        return push(w, path, err);
    case MSE_NODE_ABSENT:
        return mse_fail_text(err, MSE_ERR_VALUE, path,
                             is_link ? "is a link that leads to nothing"
                                     : "vanished while its directory was read");
    case MSE_NODE_UNREADABLE:
        return mse_fail_text(err, MSE_ERR_IO, path, "cannot be read: Permission denied");
    case MSE_NODE_OTHER:
        break;
    }
    return mse_fail_text(err, MSE_ERR_VALUE, path, "is neither a file nor a directory");
}

/* The directory at hand, and where its names go. */
struct listing {
    struct walk *walk;
    const char *directory;
};

static bool add_name(void *context, const char *name, struct mse_error *err)
{
    const struct listing *listing = context;
    char path[MSE_TREE_MAX_PATH + 1];
    const char *separator = listing->directory[0] != '\0' ? "/" : "";

    if (!mse_utf8_is_valid(MSE_CSTR_BYTES(name)))
        return mse_fail_text(err, MSE_ERR_VALUE, name, "the name is not UTF-8");
    if ((size_t)snprintf(path, sizeof(path), "%s%s%s", listing->directory, separator, name) >=
        sizeof(path))
        return mse_fail_text(err, MSE_ERR_LIMIT, name, "a path of more than %d bytes",
                             MSE_TREE_MAX_PATH);
    return add(listing->walk, path, err);
}

static bool read_all(struct walk *w, struct mse_error *err)
{
    const struct mse_file_source *source = &w->directory.source;

    while (w->waiting_count > 0) {
        char *directory = w->waiting[--w->waiting_count];
        struct listing listing = { w, directory };
        bool ok = source->list(source, directory[0] != '\0' ? directory : ".", add_name, &listing,
                               err);

        free(directory);
        if (!ok)
            return false;
    }
    return true;
}

/* The first file whose name is not before this one. */
static size_t lower_bound(const struct mse_original_files *files, const char *name)
{
    size_t low = 0, high = files->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(files->of[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The original wrote a sealed file over a plain one of its name, before or after it was sealed. */
static bool check_name(const struct mse_original_files *files, const struct mse_original_file *file,
                       struct mse_error *err)
{
    const size_t len = strlen(file->name);
    char below[MSE_TREE_MAX_PATH + sizeof(MSE_BOX_SUFFIX) + 1];
    size_t same = lower_bound(files, file->path), inside;

    (void)snprintf(below, sizeof(below), "%s/", file->name);
    inside = lower_bound(files, below);
    if (file->sealed && same < files->count && strcmp(files->of[same].name, file->path) == 0)
        return mse_fail_text(err, MSE_ERR_DUPLICATE, file->path,
                             "is also the name of another file once that is encrypted: what the "
                             "original made of the two depended on their order");
    if (inside < files->count && strncmp(files->of[inside].name, below, len + 1) == 0)
        return mse_fail_text(err, MSE_ERR_DUPLICATE, file->path,
                             "has the name of a directory once it is encrypted: the original could "
                             "not pack it");
    return true;
}

static bool check_names(const struct mse_original_files *files, struct mse_error *err)
{
    for (size_t i = 0; i < files->count; i++) {
        if (!check_name(files, &files->of[i], err))
            return false;
    }
    return true;
}

bool mse_original_code_read(const char *directory, struct mse_original_files *out,
                            struct mse_error *err)
{
    struct mse_ignore_glob *glob = NULL;
    struct walk w = { .files = out };
    bool ok;

    *out = (struct mse_original_files){ 0 };
    ok = mse_directory_source_open(directory, NULL, &w.directory, err) &&
         mse_ignore_glob_open(directory, &glob, err);
    if (ok)
        w.ignore = mse_ignore_glob_of(glob);
    ok = ok && push(&w, "", err) && read_all(&w, err) && mse_original_files_sort(out, err) &&
         check_names(out, err);
    walk_cleanup(&w);
    mse_ignore_glob_free(glob);
    if (!ok)
        mse_original_files_cleanup(out);
    return ok;
}
