/* SPDX-License-Identifier: Apache-2.0 */
/* The owner's secrets on their way into the app: never a name on a file system of the runtime. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enclave/app_private.h"

#define HOME ".home" /* below the code directory: app_keeper.c */

static bool write_all(int fd, struct mse_bytes data, struct mse_error *err)
{
    while (data.len > 0) {
        const ssize_t n = write(fd, data.data, data.len);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return mse_fail_errno(err, "secrets", "cannot write", errno);
        data.data += n;
        data.len -= (size_t)n;
    }
    return true;
}

static bool make_in_memory(struct mse_bytes data, int *out, struct mse_error *err)
{
    if (data.len == 0)
        return true;
    *out = memfd_create("secrets", MFD_CLOEXEC);
    if (*out == -1)
        return mse_fail_errno(err, "secrets", "cannot make a file in memory", errno);
    return write_all(*out, data, err);
}

/* ---- not isolated ---- */

static bool make_home(int code_dir, struct mse_error *err)
{
    static const char *const parts[] = { HOME, HOME "/.cache", HOME "/.cache/mse" };

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (mkdirat(code_dir, parts[i], 0700) == -1 && errno != EEXIST)
            return mse_fail_errno(err, parts[i], "cannot make", errno);
    }
    return true;
}

static bool make_in_home(int code_dir, const char *path, struct mse_bytes data,
                         struct mse_error *err)
{
    bool ok;
    int fd;

    if (unlinkat(code_dir, path, 0) == -1 && errno != ENOENT)
        return mse_fail_errno(err, path, "cannot replace", errno);
    if (data.len == 0)
        return true;
    fd = openat(code_dir, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
    if (fd == -1)
        return mse_fail_errno(err, path, "cannot make", errno);
    ok = write_all(fd, data, err);
    if (close(fd) == -1 && ok)
        ok = mse_fail_errno(err, path, "cannot write", errno);
    return ok;
}

/* ---- contract ---- */

bool mse_app_secret_files_make(const struct mse_app_launch *launch, int code_dir,
                               struct mse_bytes secrets, struct mse_bytes sealed_secrets,
                               struct mse_app_secret_files *out, struct mse_error *err)
{
    *out = (struct mse_app_secret_files){ -1, -1 };
    if (launch->isolate)
        return make_in_memory(secrets, &out->secrets, err) &&
               make_in_memory(sealed_secrets, &out->sealed_secrets, err);
    return make_home(code_dir, err) &&
           make_in_home(code_dir, HOME "/" MSE_APP_SECRETS_IN_HOME, secrets, err) &&
           make_in_home(code_dir, HOME "/" MSE_APP_SEALED_SECRETS_IN_HOME, sealed_secrets, err);
}

static void attach(int fd, int bit, struct mse_wire *message)
{
    if (fd == -1)
        return;
    message->fds[message->fd_count++] = fd;
    message->value |= bit;
}

void mse_app_secret_files_attach(const struct mse_app_secret_files *files, struct mse_wire *message)
{
    attach(files->secrets, MSE_WIRE_SECRETS, message);
    attach(files->sealed_secrets, MSE_WIRE_SEALED_SECRETS, message);
}

static void close_file(int *fd)
{
    if (*fd != -1)
        (void)close(*fd);
    *fd = -1;
}

void mse_app_secret_files_cleanup(struct mse_app_secret_files *files)
{
    close_file(&files->secrets);
    close_file(&files->sealed_secrets);
}
