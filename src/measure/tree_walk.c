/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk. Directories wait on a stack and each is opened anew from the root: depth costs neither
 * descriptors nor recursion, and nothing outside is reached when somebody moves directories.
 */
#include "measure/tree_walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "measure/tree_path.h"

/* The longest path plus one more name, so that a path too long can be named in the error. */
#define PATH_ROOM (MSE_TREE_MAX_PATH + NAME_MAX + 2)

struct walk {
    struct mse_tree *tree;
    const struct mse_ignore *ignore;
    const char **waiting; /* paths of directories, in the tree's blocks */
    size_t waiting_count, waiting_room;
    size_t directories; /* seen so far */
};

static void walk_cleanup(struct walk *w)
{
    free(w->waiting);
}

static void dir_cleanup(DIR **dir)
{
    if (*dir != NULL)
        (void)closedir(*dir);
}

/* ---- storage ---- */

/* text is at most PATH_ROOM bytes. NULL when memory is out. */
static const char *keep_text(struct mse_tree *tree, const char *text)
{
    size_t size = strlen(text) + 1;
    struct mse_tree_block *block = tree->blocks;
    char *copy;

    if (block == NULL || size > sizeof(block->text) - block->used) {
        block = malloc(sizeof(*block));
        if (block == NULL)
            return NULL;
        block->next = tree->blocks;
        block->used = 0;
        tree->blocks = block;
    }
    copy = block->text + block->used;
    memcpy(copy, text, size);
    block->used += size;
    return copy;
}

/* Room for one more element; false when memory is out. */
static bool grow(void **array, size_t count, size_t *room, size_t element)
{
    size_t more = *room == 0 ? 64 : *room * 2;
    void *larger;

    if (count < *room)
        return true;
    larger = realloc(*array, more * element);
    if (larger == NULL)
        return false;
    *array = larger;
    *room = more;
    return true;
}

static bool add_directory(struct walk *w, const char *path, struct mse_error *err)
{
    void *array = w->waiting;
    bool ok;

    if (w->directories == MSE_TREE_MAX_ENTRIES)
        return mse_fail_text(err, MSE_ERR_LIMIT, path, "more than %u directories",
                             MSE_TREE_MAX_ENTRIES);
    ok = grow(&array, w->waiting_count, &w->waiting_room, sizeof(w->waiting[0]));
    w->waiting = array;
    path = ok ? keep_text(w->tree, path) : NULL;
    if (path == NULL)
        return mse_fail_memory(err);
    w->waiting[w->waiting_count++] = path;
    w->directories++;
    return true;
}

static bool add_entry(struct mse_tree *tree, const char *path, const char *target,
                      const struct stat *st, struct mse_error *err)
{
    struct mse_tree_node node = { .device = st->st_dev, .inode = st->st_ino };
    void *array = tree->nodes;
    bool ok;

    if (tree->count == MSE_TREE_MAX_ENTRIES)
        return mse_fail_text(err, MSE_ERR_LIMIT, path, "more than %u files", MSE_TREE_MAX_ENTRIES);
    ok = grow(&array, tree->count, &tree->room, sizeof(node));
    tree->nodes = array;
    node.entry.path = ok ? keep_text(tree, path) : NULL;
    if (target != NULL) {
        node.entry.type = MSE_TREE_LINK;
        node.entry.size = strlen(target);
        node.entry.target = ok ? keep_text(tree, target) : NULL;
        ok = node.entry.target != NULL;
    } else {
        node.entry.type = (st->st_mode & S_IXUSR) != 0 ? MSE_TREE_EXECUTABLE : MSE_TREE_FILE;
        node.entry.size = (uint64_t)st->st_size;
    }
    if (!ok || node.entry.path == NULL)
        return mse_fail_memory(err);
    tree->nodes[tree->count++] = node;
    return true;
}

/* ---- one name ---- */

/* Keeps the first by their bytes: the order in a directory is any. */
static bool add_ignored(struct mse_tree *tree, const char *path, struct mse_error *err)
{
    size_t at = 0, last = MSE_TREE_IGNORED_SHOWN - 1;
    char *copy;

    tree->ignored_count++;
    while (at <= last && tree->ignored[at] != NULL && strcmp(tree->ignored[at], path) < 0)
        at++;
    if (at > last)
        return true;
    copy = strdup(path);
    if (copy == NULL)
        return mse_fail_memory(err);
    free(tree->ignored[last]);
    memmove(tree->ignored + at + 1, tree->ignored + at, (last - at) * sizeof(tree->ignored[0]));
    tree->ignored[at] = copy;
    return true;
}

static bool add_link(struct mse_tree *tree, int directory, const char *name, const char *path,
                     const struct stat *st, struct mse_error *err)
{
    char target[MSE_TREE_MAX_PATH + 1];
    ssize_t len = readlinkat(directory, name, target, sizeof(target));

    if (len == -1)
        return mse_fail_errno(err, path, "cannot read this link", errno);
    if ((size_t)len == sizeof(target))
        return mse_fail_text(err, MSE_ERR_LIMIT, path, "a link target of more than %d bytes",
                             MSE_TREE_MAX_PATH);
    target[len] = '\0';
    return add_entry(tree, path, target, st, err);
}

static const char *name_of_type(mode_t mode)
{
    if (S_ISFIFO(mode))
        return "a FIFO";
    if (S_ISSOCK(mode))
        return "a socket";
    return "a device";
}

/* The rules are part of what is measured, whatever they say of themselves. */
static bool is_ignored(const struct walk *w, const char *path, bool is_directory, bool *ignored,
                       struct mse_error *err)
{
    *ignored = false;
    if (w->ignore == NULL || strcmp(path, MSE_IGNORE_FILE) == 0)
        return true;
    return w->ignore->is_ignored(w->ignore, path, is_directory, ignored, err);
}

static bool visit(struct walk *w, int directory, const char *name, const char *path,
                  struct mse_error *err)
{
    struct stat st;
    bool ignored;

    if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
        return mse_fail_errno(err, path, "cannot examine", errno);
    if (!is_ignored(w, path, S_ISDIR(st.st_mode), &ignored, err))
        return false;
    if (ignored)
        return add_ignored(w->tree, path, err);
    if (!mse_tree_path_check(path, err))
        return false;
    if (S_ISDIR(st.st_mode))
        return add_directory(w, path, err);
    if (S_ISREG(st.st_mode))
        return add_entry(w->tree, path, NULL, &st, err);
    if (S_ISLNK(st.st_mode))
        return add_link(w->tree, directory, name, path, &st, err);
    return mse_fail_text(
        err, MSE_ERR_VALUE, path,
        "%s: code has files, directories and links only; remove it or name it in " MSE_IGNORE_FILE,
        name_of_type(st.st_mode));
}

/* ---- one directory ---- */

/* path is "" for the root. *dir is owned by the caller. */
static bool open_directory(const struct mse_tree *tree, const char *path, DIR **dir,
                           struct mse_error *err)
{
    const char *shown = path[0] != '\0' ? path : ".";
    int fd = mse_tree_open_beneath(tree, shown, O_RDONLY | O_DIRECTORY);

    if (fd == -1)
        return mse_fail_errno(err, shown, "cannot open this directory", errno);
    *dir = fdopendir(fd);
    if (*dir != NULL)
        return true;
    (void)mse_fail_errno(err, shown, "cannot read this directory", errno);
    (void)close(fd);
    return false;
}

static bool walk_directory(struct walk *w, const char *path, struct mse_error *err)
{
    MSE_CLEANUP(dir_cleanup) DIR *dir = NULL;
    char full[PATH_ROOM];
    size_t len = strlen(path);

    if (!open_directory(w->tree, path, &dir, err))
        return false;
    memcpy(full, path, len);
    if (len > 0)
        full[len++] = '/';
    for (;;) {
        struct dirent *found;

        errno = 0;
        found = readdir(dir);
        if (found == NULL && errno != 0)
            return mse_fail_errno(err, len > 0 ? path : ".", "cannot read this directory", errno);
        if (found == NULL)
            return true;
        if (strcmp(found->d_name, ".") == 0 || strcmp(found->d_name, "..") == 0)
            continue;
        memcpy(full + len, found->d_name, strlen(found->d_name) + 1);
        if (!visit(w, dirfd(dir), found->d_name, full, err))
            return false;
    }
}

bool mse_tree_walk(struct mse_tree *tree, const struct mse_ignore *ignore, struct mse_error *err)
{
    MSE_CLEANUP(walk_cleanup) struct walk w = { .tree = tree, .ignore = ignore };

    if (!walk_directory(&w, "", err))
        return false;
    while (w.waiting_count > 0) {
        if (!walk_directory(&w, w.waiting[--w.waiting_count], err))
            return false;
    }
    return true;
}
