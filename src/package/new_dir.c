/* SPDX-License-Identifier: Apache-2.0 */
/* Making and filling a directory whose names come from outside. */
#include "package/new_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void close_fd(int *fd)
{
    if (*fd != -1)
        (void)close(*fd);
    *fd = -1;
}

/* ---- opening ---- */

/* The directory that path is in, without slashes behind path, which would hide its name. */
static bool set_paths(const char *path, struct mse_new_dir *out, struct mse_error *err)
{
    size_t len = strlen(path);
    const char *slash;

    while (len > 1 && path[len - 1] == '/')
        len--;
    out->path = strndup(path, len);
    if (out->path == NULL)
        return mse_fail_memory(err);
    slash = strrchr(out->path, '/');
    if (asprintf(&out->temporary, "%.*s.mse-XXXXXX",
                 slash != NULL ? (int)(slash + 1 - out->path) : 0, out->path) == -1) {
        out->temporary = NULL;
        return mse_fail_memory(err);
    }
    return true;
}

bool mse_new_dir_open(const char *path, struct mse_new_dir *out, struct mse_error *err)
{
    struct stat st;

    *out = (struct mse_new_dir){ .root = -1, .parent = -1 };
    if (!set_paths(path, out, err)) {
        mse_new_dir_cleanup(out);
        return false;
    }
    if (lstat(out->path, &st) == 0)
        (void)mse_fail_text(err, MSE_ERR_EXISTS, path, "there is something of this name already");
    else if (mkdtemp(out->temporary) == NULL)
        (void)mse_fail_errno(err, path, "cannot make a directory beside it", errno);
    else if ((out->root = open(out->temporary, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) !=
             -1)
        return true;
    else {
        (void)mse_fail_errno(err, path, "cannot open the new directory", errno);
        (void)rmdir(out->temporary);
    }
    mse_new_dir_cleanup(out);
    return false;
}

/* ---- filling ---- */

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* One directory down, made if it is not there. Owns and closes at, unless it is the root. */
static int go_down(const struct mse_new_dir *dir, int at, const char *part, int *number)
{
    int next = -1;

    if (mkdirat(at, part, 0755) == 0 || errno == EEXIST)
        next = openat(at, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    *number = errno;
    if (at != dir->root)
        (void)close(at);
    return next;
}

/* Not through openat2(2): it takes no path of more than 4095 bytes, and makes no directories. */
static bool enter_parent(struct mse_new_dir *dir, const char *path, struct mse_error *err)
{
    const size_t len = (size_t)(name_of(path) - path);
    char *part = dir->parent_path;
    int at = dir->root, number = 0;

    if (dir->parent != -1 && strlen(dir->parent_path) == len &&
        memcmp(dir->parent_path, path, len) == 0)
        return true;
    close_fd(&dir->parent);
    memcpy(dir->parent_path, path, len);
    dir->parent_path[len] = '\0';
    while (*part != '\0' && at != -1) {
        char *slash = strchr(part, '/');

        *slash = '\0'; /* each part of a directory has one behind it */
        at = go_down(dir, at, part, &number);
        *slash = '/';
        part = slash + 1;
    }
    dir->parent = at == dir->root ? fcntl(at, F_DUPFD_CLOEXEC, 0) : at;
    if (dir->parent != -1)
        return true;
    if (number == ENOTDIR || number == ELOOP)
        return mse_fail_text(err, MSE_ERR_VALUE, path,
                             "lies below something that is not a directory");
    return mse_fail_errno(err, path, "cannot make its directory", number != 0 ? number : errno);
}

static bool fail_make(const char *path, int number, struct mse_error *err)
{
    if (number == EEXIST)
        return mse_fail_text(err, MSE_ERR_DUPLICATE, path,
                             "there is something of this name already");
    return mse_fail_errno(err, path, "cannot create", number);
}

bool mse_new_dir_file(struct mse_new_dir *dir, const char *path, int *fd, struct mse_error *err)
{
    *fd = -1;
    if (!enter_parent(dir, path, err))
        return false;
    *fd = openat(dir->parent, name_of(path),
                 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
    return *fd != -1 || fail_make(path, errno, err);
}

bool mse_new_dir_link(struct mse_new_dir *dir, const char *path, const char *target,
                      struct mse_error *err)
{
    if (!enter_parent(dir, path, err))
        return false;
    return symlinkat(target, dir->parent, name_of(path)) == 0 || fail_make(path, errno, err);
}

/* ---- end ---- */

/* A file system without that flag: rename would replace an empty directory, which loses nothing. */
static bool give_name(const char *temporary, const char *path)
{
    if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
        return true;
    return (errno == EINVAL || errno == ENOSYS) && rename(temporary, path) == 0;
}

bool mse_new_dir_keep(struct mse_new_dir *dir, struct mse_error *err)
{
    if (give_name(dir->temporary, dir->path)) {
        free(dir->temporary);
        dir->temporary = NULL;
        return true;
    }
    if (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR)
        return mse_fail_text(err, MSE_ERR_EXISTS, dir->path,
                             "there is something of this name already");
    return mse_fail_errno(err, dir->path, "cannot rename", errno);
}

/* Takes fd. What cannot be removed stays: there is nobody left to tell. */
static void empty(int fd) /* NOLINT(misc-no-recursion): as deep as a tree may be */
{
    DIR *stream = fdopendir(fd);
    const struct dirent *entry;

    if (stream == NULL) {
        (void)close(fd);
        return;
    }
    while ((entry = readdir(stream)) != NULL) {
        int below;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            unlinkat(fd, entry->d_name, 0) == 0)
            continue;
        below = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below != -1)
            empty(below);
        (void)unlinkat(fd, entry->d_name, AT_REMOVEDIR);
    }
    (void)closedir(stream);
}

void mse_new_dir_cleanup(struct mse_new_dir *dir)
{
    close_fd(&dir->parent);
    if (dir->temporary != NULL && dir->root != -1) {
        empty(dir->root);
        dir->root = -1;
        (void)rmdir(dir->temporary);
    }
    close_fd(&dir->root);
    free(dir->path);
    free(dir->temporary);
    *dir = (struct mse_new_dir){ .root = -1, .parent = -1 };
}
