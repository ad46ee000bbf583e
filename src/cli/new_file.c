/* SPDX-License-Identifier: Apache-2.0 */
/* Files without a name (O_TMPFILE), which vanish with the process, or else with a temporary one. */
#include "cli/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail_exists(struct mse_error *err, const char *path)
{
    return mse_fail_text(err, MSE_ERR_EXISTS, path,
                         "there is a file of this name (--force replaces it)");
}

/* What may not be replaced is found before the work is done. */
static bool check_name(const char *path, bool replace, struct mse_error *err)
{
    struct stat st;

    if (lstat(path, &st) == -1)
        return errno == ENOENT || mse_fail_errno(err, path, "cannot examine", errno);
    if (!replace)
        return fail_exists(err, path);
    return S_ISREG(st.st_mode) || mse_fail_text(err, MSE_ERR_IO, path, "not a regular file");
}

static bool set_paths(const char *path, struct new_file *out, struct mse_error *err)
{
    const char *slash = strrchr(path, '/');

    out->path = strdup(path);
    if (slash == NULL)
        out->directory = strdup(".");
    else
        out->directory = strndup(path, slash == path ? 1 : (size_t)(slash - path));
    return (out->path != NULL && out->directory != NULL) || mse_fail_memory(err);
}

/* A name beside the file's, as mkstemp wants it. */
static bool set_temporary(struct new_file *file, struct mse_error *err)
{
    if (asprintf(&file->temporary, "%s/.mse-XXXXXX", file->directory) != -1)
        return true;
    file->temporary = NULL;
    return mse_fail_memory(err);
}

bool new_file_open(const char *path, bool replace, struct new_file *out, struct mse_error *err)
{
    *out = (struct new_file){ .fd = -1, .replace = replace };
    if (!set_paths(path, out, err) || !check_name(path, replace, err))
        return false;
    /* Its name is given through /proc, or we could do so as root only. */
    if (access("/proc/self/fd", X_OK) == 0)
        out->fd = open(out->directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (out->fd != -1)
        return true;
    if (!set_temporary(out, err))
        return false;
    out->fd = mkostemp(out->temporary, O_CLOEXEC);
    if (out->fd != -1)
        return true;
    free(out->temporary);
    out->temporary = NULL;
    return mse_fail_errno(err, path, "cannot create a file in this directory", errno);
}

/* ---- the name ---- */

static bool link_to(const struct new_file *file, const char *path)
{
    char own[64];

    (void)snprintf(own, sizeof(own), "/proc/self/fd/%d", file->fd);
    return linkat(AT_FDCWD, own, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0;
}

/* linkat does not replace: first a name beside it, that mkstemp has found to be free. */
static bool name_temporarily(struct new_file *file, struct mse_error *err)
{
    int fd;

    if (!set_temporary(file, err))
        return false;
    fd = mkostemp(file->temporary, O_CLOEXEC);
    if (fd != -1 && close(fd) == 0 && unlink(file->temporary) == 0 &&
        link_to(file, file->temporary))
        return true;
    (void)mse_fail_errno(err, file->path, "cannot give it a name", errno);
    free(file->temporary); /* whatever has that name now is not ours */
    file->temporary = NULL;
    return false;
}

static bool give_name(struct new_file *file, struct mse_error *err)
{
    bool named;

    if (file->temporary == NULL && file->replace && !name_temporarily(file, err))
        return false;
    if (file->temporary == NULL)
        named = link_to(file, file->path);
    else if (file->replace)
        named = rename(file->temporary, file->path) == 0;
    else
        named = link(file->temporary, file->path) == 0 && unlink(file->temporary) == 0;
    if (named) {
        free(file->temporary);
        file->temporary = NULL;
        return true;
    }
    return errno == EEXIST ? fail_exists(err, file->path)
                           : mse_fail_errno(err, file->path, "cannot give it its name", errno);
}

/* Not every file system can sync a directory. */
static bool sync_directory(const struct new_file *file, struct mse_error *err)
{
    int fd = open(file->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok;

    if (fd == -1)
        return errno == EACCES ||
               mse_fail_errno(err, file->path, "cannot open the directory", errno);
    ok = fsync(fd) == 0 || errno == EINVAL || errno == EROFS ||
         mse_fail_errno(err, file->path, "cannot sync the directory", errno);
    (void)close(fd);
    return ok;
}

bool new_file_keep(struct new_file *file, struct mse_error *err)
{
    if (fchmod(file->fd, 0600) == -1)
        return mse_fail_errno(err, file->path, "cannot set the mode", errno);
    if (fsync(file->fd) == -1)
        return mse_fail_errno(err, file->path, "cannot write", errno);
    return give_name(file, err) && sync_directory(file, err);
}

void new_file_cleanup(struct new_file *file)
{
    if (file->temporary != NULL)
        (void)unlink(file->temporary);
    if (file->fd != -1)
        (void)close(file->fd);
    free(file->path);
    free(file->directory);
    free(file->temporary);
    *file = (struct new_file){ .fd = -1 };
}
