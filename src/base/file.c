/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files: capped read, atomic write, directories. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void fd_cleanup(int *fd)
{
    if (*fd != -1)
        (void)close(*fd);
}

static void text_cleanup(char **text)
{
    free(*text);
    *text = NULL;
}

/* ---- reading ---- */

/* *fd is owned by the caller, also on failure. */
static bool open_regular(const char *path, int *fd, struct mse_error *err)
{
    struct stat st;

    /* O_NONBLOCK: opening a FIFO would wait for a writer before we could refuse it. */
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (*fd == -1)
        return mse_fail_errno(err, path, "cannot open", errno);
    if (fstat(*fd, &st) == -1)
        return mse_fail_errno(err, path, "cannot examine", errno);
    if (!S_ISREG(st.st_mode))
        return mse_fail_text(err, MSE_ERR_IO, path, "not a regular file");
    return true;
}

/* Until the end or past the cap: the size of a file is no promise, so nobody asks for it. */
static bool read_all(int fd, const char *name, size_t cap, struct mse_writer *to,
                     struct mse_error *err)
{
    uint8_t block[16384];

    to->cap = cap > 0 ? cap : 1; /* zero would stand for the writer's own maximum */
    for (;;) {
        ssize_t n = read(fd, block, sizeof(block));

        if (n == -1 && errno == EAGAIN) { /* whoever started us may have left it non-blocking */
            struct pollfd wait = { .fd = fd, .events = POLLIN };

            (void)poll(&wait, 1, -1);
            continue;
        }
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return mse_fail_errno(err, name, "cannot read", errno);
        if (n == 0)
            return true;
        if ((size_t)n > cap - to->len)
            return mse_fail_text(err, MSE_ERR_LIMIT, name, "larger than %zu bytes", cap);
        mse_write_bytes(to, block, (size_t)n);
        if (!mse_writer_ok(to))
            return mse_fail_memory(err);
    }
}

bool mse_file_read(const char *path, size_t cap, uint8_t **out, size_t *len, struct mse_error *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer content = { 0 };
    MSE_CLEANUP(fd_cleanup) int fd = -1;

    *out = NULL;
    *len = 0;
    if (is_stdin) {
        if (!read_all(STDIN_FILENO, "standard input", cap, &content, err))
            return false;
    } else if (!open_regular(path, &fd, err) || !read_all(fd, path, cap, &content, err)) {
        return false;
    }
    *len = content.len;
    *out = (uint8_t *)mse_writer_take_text(&content);
    if (*out == NULL) {
        *len = 0;
        return mse_fail_memory(err);
    }
    return true;
}

/* ---- writing ---- */

/* dir is owned by the caller: what is before the last slash, or ".". */
static bool parent_of(const char *path, char **dir, struct mse_error *err)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        *dir = strdup(".");
    else
        *dir = strndup(path, slash == path ? 1 : (size_t)(slash - path));
    return *dir != NULL || mse_fail_memory(err);
}

/* Renaming over a device or a directory would replace it, or fail late with a strange reason. */
static bool may_replace(const char *path, struct mse_error *err)
{
    struct stat st;

    if (stat(path, &st) == -1) {
        /* A symbolic link that leads nowhere is replaced like any other. */
        return errno == ENOENT || mse_fail_errno(err, path, "cannot examine", errno);
    }
    return S_ISREG(st.st_mode) || mse_fail_text(err, MSE_ERR_IO, path, "not a regular file");
}

enum present { PRESENT_NONE, PRESENT_SAME, PRESENT_DIFFERENT, PRESENT_UNKNOWN };

static enum present compare(const char *path, struct mse_bytes data, struct mse_error *err)
{
    struct mse_error why = { 0 };
    struct mse_bytes old = { 0 };
    uint8_t *content;
    enum present result;

    if (access(path, F_OK) == -1 && errno == ENOENT)
        return PRESENT_NONE;
    if (!mse_file_read(path, data.len, &content, &old.len, &why)) {
        if (why.code == MSE_ERR_LIMIT)
            return PRESENT_DIFFERENT;
        *err = why;
        return PRESENT_UNKNOWN;
    }
    old.data = content;
    result = mse_bytes_equal(old, data) ? PRESENT_SAME : PRESENT_DIFFERENT;
    free(content);
    return result;
}

static bool write_all(int fd, struct mse_bytes data)
{
    size_t at = 0;

    while (at < data.len) {
        ssize_t n = write(fd, data.data + at, data.len - at);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return false;
        at += (size_t)n;
    }
    return true;
}

/* Content and mode are on the disk when this returns true. */
static bool fill(int fd, const char *path, struct mse_bytes data, unsigned mode,
                 struct mse_error *err)
{
    if (!write_all(fd, data))
        return mse_fail_errno(err, path, "cannot write", errno);
    if (fchmod(fd, (mode_t)mode) == -1)
        return mse_fail_errno(err, path, "cannot set the mode", errno);
    if (fsync(fd) == -1)
        return mse_fail_errno(err, path, "cannot sync", errno);
    return true;
}

/* Gives the file its name. Without replace, one that appeared meanwhile sets errno to EEXIST. */
static bool give_name(const char *temporary, const char *path, enum mse_file_exists exists)
{
    if (exists == MSE_FILE_REPLACE)
        return rename(temporary, path) == 0;
    if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
        return true;
    if (errno != EINVAL && errno != ENOSYS)
        return false;
    /* A file system without that flag: a hard link does not replace either. */
    return link(temporary, path) == 0 && unlink(temporary) == 0;
}

/* The name itself must survive a power cut. Not every file system can sync a directory. */
static bool sync_dir(const char *dir, const char *path, struct mse_error *err)
{
    MSE_CLEANUP(fd_cleanup) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd == -1) /* a directory that can be written but not read */
        return errno == EACCES || mse_fail_errno(err, path, "cannot open the directory", errno);
    if (fsync(fd) == -1 && errno != EINVAL && errno != EROFS)
        return mse_fail_errno(err, path, "cannot sync the directory", errno);
    return true;
}

/* *taken: another file got the name first. */
static bool write_new(const char *dir, const char *path, struct mse_bytes data, unsigned mode,
                      enum mse_file_exists exists, bool *taken, struct mse_error *err)
{
    MSE_CLEANUP(text_cleanup) char *temporary = NULL;
    MSE_CLEANUP(fd_cleanup) int fd = -1;
    bool named = false;

    /* Not path plus a suffix: a name may already be as long as names can be. */
    if (asprintf(&temporary, "%s/.mse-XXXXXX", dir) == -1) {
        temporary = NULL;
        return mse_fail_memory(err);
    }
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd == -1)
        return mse_fail_errno(err, path, "cannot create a file in this directory", errno);
    if (fill(fd, path, data, mode, err)) {
        named = give_name(temporary, path, exists);
        *taken = !named && errno == EEXIST;
        if (!named && !*taken)
            (void)mse_fail_errno(err, path, "cannot rename", errno);
    }
    if (!named) {
        (void)unlink(temporary);
        return false;
    }
    return sync_dir(dir, path, err);
}

bool mse_file_write(const char *path, struct mse_bytes data, unsigned mode,
                    enum mse_file_exists exists, struct mse_error *err)
{
    MSE_CLEANUP(text_cleanup) char *dir = NULL;
    bool taken = false;
    enum present present = PRESENT_NONE;

    if (!parent_of(path, &dir, err) || !may_replace(path, err))
        return false;
    if (exists == MSE_FILE_KEEP)
        present = compare(path, data, err);
    if (present == PRESENT_NONE) {
        if (write_new(dir, path, data, mode, exists, &taken, err))
            return true;
        if (!taken)
            return false;
        present = compare(path, data, err);
    }
    if (present == PRESENT_SAME)
        return true;
    return mse_fail_text(err, MSE_ERR_EXISTS, path, "there is a different file of this name");
}

/* ---- directories ---- */

/* One level; fine if it is there. */
static bool make_level(const char *path, struct mse_error *err)
{
    struct stat st;
    int number;

    if (mkdir(path, 0700) == 0)
        return true;
    number = errno;
    if (stat(path, &st) == 0)
        return S_ISDIR(st.st_mode) || mse_fail_text(err, MSE_ERR_IO, path, "not a directory");
    return mse_fail_errno(err, path, "cannot make this directory", number);
}

bool mse_dir_make(const char *path, struct mse_error *err)
{
    MSE_CLEANUP(text_cleanup) char *part = strdup(path);

    if (part == NULL)
        return mse_fail_memory(err);
    for (char *p = part; *p != '\0'; p++) {
        if (*p != '/' || p == part)
            continue;
        *p = '\0';
        if (!make_level(part, err))
            return false;
        *p = '/';
    }
    return make_level(part, err);
}
