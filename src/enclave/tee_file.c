/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and writing pseudo-files. They wait only inside the kernel, which has its own deadlines
 * towards the host; how much they give is what has to be bounded here.
 */
#include "enclave/tee_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <openssl/crypto.h>

bool mse_tee_file_path(const char *dir, const char *name, char out[static MSE_TEE_MAX_FILE_PATH],
                       struct mse_error *err)
{
    int len = snprintf(out, MSE_TEE_MAX_FILE_PATH, "%s/%s", dir, name);

    return (len > 0 && len < MSE_TEE_MAX_FILE_PATH) ||
           mse_fail_text(err, MSE_ERR_LIMIT, dir, "too long a path");
}

static bool open_file(const char *path, int flags, int *fd, struct mse_error *err)
{
    *fd = open(path, flags | O_CLOEXEC | O_NOCTTY);
    if (*fd != -1)
        return true;
    if (errno == ENOENT || errno == ENOTDIR)
        return mse_fail_text(err, MSE_ERR_MISSING, path, "there is no such file");
    return mse_fail_errno(err, path, "cannot open", errno);
}

static bool read_all(int fd, const char *path, size_t cap, struct mse_writer *out,
                     struct mse_error *err)
{
    uint8_t block[4096];
    size_t total = 0;
    ssize_t n;

    while ((n = read(fd, block, sizeof(block))) != 0) {
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return mse_fail_errno(err, path, "cannot read", errno);
        total += (size_t)n;
        if (total > cap)
            return mse_fail_text(err, MSE_ERR_LIMIT, path, "gives more than %zu bytes", cap);
        mse_write_bytes(out, block, (size_t)n);
        OPENSSL_cleanse(block, (size_t)n); /* some of them give keys */
    }
    return mse_writer_ok(out) || mse_fail_memory(err);
}

bool mse_tee_file_read(const char *dir, const char *name, size_t cap, struct mse_writer *out,
                       struct mse_error *err)
{
    char path[MSE_TEE_MAX_FILE_PATH];
    int fd;
    bool ok;

    if (!mse_tee_file_path(dir, name, path, err) || !open_file(path, O_RDONLY, &fd, err))
        return false;
    ok = read_all(fd, path, cap, out, err);
    (void)close(fd);
    return ok;
}

bool mse_tee_file_read_exact(const char *dir, const char *name, uint8_t *out, size_t len,
                             struct mse_error *err)
{
    struct mse_writer content = { 0 };
    bool ok = mse_tee_file_read(dir, name, len, &content, err);

    memset(out, 0, len);
    if (ok && content.len != len)
        ok = mse_fail_text(err, MSE_ERR_FORMAT, name, "gives %zu bytes, not %zu", content.len, len);
    if (ok)
        memcpy(out, content.data, len);
    if (content.data != NULL)
        OPENSSL_cleanse(content.data, content.len);
    mse_writer_cleanup(&content);
    return ok;
}

bool mse_tee_file_read_word(const char *dir, const char *name, char *out, size_t room,
                            struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer content = { 0 };
    size_t len;

    out[0] = '\0';
    if (!mse_tee_file_read(dir, name, room - 1, &content, err))
        return false;
    len = content.len;
    while (len > 0 && content.data[len - 1] == '\n')
        len--;
    if (len == 0 || memchr(content.data, '\0', len) != NULL)
        return mse_fail_text(err, MSE_ERR_FORMAT, name, "does not give a word");
    memcpy(out, content.data, len);
    out[len] = '\0';
    return true;
}

bool mse_tee_file_write(const char *dir, const char *name, struct mse_bytes data,
                        struct mse_error *err)
{
    char path[MSE_TEE_MAX_FILE_PATH];
    ssize_t n;
    int fd, number;

    if (!mse_tee_file_path(dir, name, path, err) || !open_file(path, O_WRONLY, &fd, err))
        return false;
    do
        n = write(fd, data.data, data.len);
    while (n == -1 && errno == EINTR);
    number = n == -1 ? errno : 0;
    /* Binary attributes of configfs take effect when they are closed. */
    if (close(fd) == -1 && number == 0)
        number = errno;
    if (number != 0)
        return mse_fail_errno(err, path, "cannot write", number);
    return (size_t)n == data.len ||
           mse_fail_text(err, MSE_ERR_IO, path, "took %zd bytes of %zu", n, data.len);
}
