/* SPDX-License-Identifier: Apache-2.0 */
/* Filling and emptying the directory of the app's code. */
#include "enclave/code_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enclave/code.h"

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static void close_parent(struct mse_code_dir *dir)
{
    if (dir->parent != -1 && dir->parent != dir->root)
        (void)close(dir->parent);
    dir->parent = -1;
}

/* A stream of its own: the caller's descriptor keeps its place and stays open. */
static DIR *list(int fd)
{
    int own = openat(fd, ".", OPEN_DIR);
    DIR *stream = own != -1 ? fdopendir(own) : NULL;

    if (stream == NULL && own != -1)
        (void)close(own);
    return stream;
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

bool mse_code_dir_init(int root, struct mse_code_dir *out, struct mse_error *err)
{
    DIR *stream = list(root);
    const struct dirent *entry;
    bool is_empty = true;

    *out = (struct mse_code_dir){ .root = root, .parent = -1 };
    if (stream == NULL)
        return mse_fail_errno(err, "code directory", "cannot list", errno);
    while (is_empty && (entry = readdir(stream)) != NULL)
        is_empty = is_dots(entry->d_name);
    (void)closedir(stream);
    return is_empty || mse_fail_text(err, MSE_ERR_EXISTS, "code directory",
                                     "is not empty; it has to be cleared first");
}

void mse_code_dir_cleanup(struct mse_code_dir *dir)
{
    close_parent(dir);
}

/* ---- filling ---- */

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* Makes a directory, or finds one, and opens it; its mode is exact whatever the umask. */
static int open_part(struct mse_code_dir *dir, int at, const char *part)
{
    const bool is_new = mkdirat(at, part, 0755) == 0;
    int fd;

    if (!is_new && errno != EEXIST)
        return -1;
    if (is_new)
        dir->made++;
    fd = openat(at, part, OPEN_DIR);
    if (fd != -1 && is_new && fchmod(fd, 0755) == -1) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* Opens dir->parent_path part by part: as deep as MSE_TREE_MAX_DEPTH, no part followed. */
static int open_parts(struct mse_code_dir *dir)
{
    int at = dir->root;

    for (char *part = dir->parent_path; *part != '\0' && at != -1;) {
        char *slash = strchr(part, '/'); /* each part has one behind it */
        int next;

        *slash = '\0';
        next = open_part(dir, at, part);
        *slash = '/';
        if (at != dir->root) {
            const int number = errno;

            (void)close(at);
            errno = number;
        }
        at = next;
        part = slash + 1;
    }
    return at;
}

static bool enter_parent(struct mse_code_dir *dir, const char *path, struct mse_error *err)
{
    const size_t len = (size_t)(name_of(path) - path);

    if (dir->parent != -1 && strlen(dir->parent_path) == len &&
        memcmp(dir->parent_path, path, len) == 0)
        return true;
    close_parent(dir);
    memcpy(dir->parent_path, path, len);
    dir->parent_path[len] = '\0';
    dir->parent = open_parts(dir);
    if (dir->parent == -1) {
        if (errno == ENOTDIR || errno == ELOOP)
            return mse_fail_text(err, MSE_ERR_VALUE, path,
                                 "lies below something that is not a directory");
        return mse_fail_errno(err, path, "cannot make its directory", errno);
    }
    return dir->made <= MSE_TREE_MAX_ENTRIES ||
           mse_fail_text(err, MSE_ERR_LIMIT, path, "more than %u directories",
                         MSE_TREE_MAX_ENTRIES);
}

static bool fail_make(const char *path, int number, struct mse_error *err)
{
    if (number == EEXIST)
        return mse_fail_text(err, MSE_ERR_DUPLICATE, path,
                             "there is something of this name already");
    return mse_fail_errno(err, path, "cannot create", number);
}

bool mse_code_dir_file(struct mse_code_dir *dir, const char *path, int *fd, struct mse_error *err)
{
    *fd = -1;
    if (!enter_parent(dir, path, err))
        return false;
    *fd = openat(dir->parent, name_of(path),
                 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
    return *fd != -1 || fail_make(path, errno, err);
}

bool mse_code_dir_link(struct mse_code_dir *dir, const char *path, const char *target,
                       struct mse_error *err)
{
    if (!enter_parent(dir, path, err))
        return false;
    return symlinkat(target, dir->parent, name_of(path)) == 0 || fail_make(path, errno, err);
}

/* ---- emptying ---- */

/* Goes on after a failure, so that as little as possible stays; the first one is told. */
static bool empty(int fd, struct mse_error *err) /* NOLINT(misc-no-recursion): tree's depth */
{
    DIR *stream = list(fd);
    const struct dirent *entry;
    bool ok = true;

    if (stream == NULL)
        return mse_fail_errno(err, "code directory", "cannot list", errno);
    while ((entry = readdir(stream)) != NULL) {
        int below;

        if (is_dots(entry->d_name) || unlinkat(dirfd(stream), entry->d_name, 0) == 0)
            continue;
        below = openat(dirfd(stream), entry->d_name, OPEN_DIR);
        if (below != -1) {
            ok = empty(below, err) && ok;
            (void)close(below);
        }
        if (unlinkat(dirfd(stream), entry->d_name, AT_REMOVEDIR) == -1)
            ok = mse_fail_errno(err, entry->d_name, "cannot remove", errno);
    }
    (void)closedir(stream);
    return ok;
}

bool mse_code_clear(int dir, struct mse_error *err)
{
    return empty(dir, err);
}
