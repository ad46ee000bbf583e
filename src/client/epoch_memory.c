/* SPDX-License-Identifier: Apache-2.0 */
/* Files of remembered epochs: the owner's own statement, in base64 with a tag before it. */
#include "client/epoch_memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/file.h"
#include "base/lock.h"

#define TAG "mse-epoch-memory-v1\n"
#define BASE64_SIZE (4 * ((MSE_CONFIG_STATEMENT_SIZE + 2) / 3))
#define FILE_SIZE (sizeof(TAG) - 1 + BASE64_SIZE + 1)

static void text_cleanup(char **text)
{
    free(*text);
}

static void fd_cleanup(int *fd)
{
    if (*fd != -1)
        (void)close(*fd); /* also gives up the lock */
}

static bool path_of(const char *directory, const uint8_t owner[static 32], const char *uuid,
                    char **out, struct mse_error *err)
{
    char hex[65];

    mse_hex_write(owner, 32, hex);
    if (asprintf(out, "%s/%s-%s", directory, hex, uuid) != -1)
        return true;
    *out = NULL;
    return mse_fail_memory(err);
}

static bool open_memory(struct mse_bytes in, const uint8_t owner[static 32], uint64_t *epoch,
                        struct mse_error *err)
{
    uint8_t data[3 * (BASE64_SIZE / 4)];
    size_t len = sizeof(data), tag = sizeof(TAG) - 1;
    struct mse_config_statement statement;

    if (in.len != FILE_SIZE || memcmp(in.data, TAG, tag) != 0 || in.data[in.len - 1] != '\n' ||
        !mse_base64_read((const char *)in.data + tag, BASE64_SIZE, false, data, &len))
        return mse_fail_text(err, MSE_ERR_FORMAT, "", "not the memory of an epoch");
    if (!mse_config_statement_parse((struct mse_bytes){ data, len }, &statement, err) ||
        !mse_config_statement_check(&statement, owner, err))
        return false;
    *epoch = statement.epoch;
    return true;
}

static bool load(const char *path, const uint8_t owner[static 32], uint64_t *epoch,
                 struct mse_error *err)
{
    uint8_t *data = NULL;
    struct mse_error why = { 0 };
    char shown[200];
    struct stat st;
    size_t len = 0;
    bool ok;

    *epoch = 0;
    if (lstat(path, &st) == -1) /* a dangling link is there, and cannot be read */
        return errno == ENOENT || errno == ENOTDIR ||
               mse_fail_errno(err, path, "cannot look for", errno);
    ok = mse_file_read(path, FILE_SIZE, &data, &len, &why) &&
         open_memory((struct mse_bytes){ data, len }, owner, epoch, &why);
    free(data);
    return ok || mse_fail_text(err, MSE_ERR_IO, path, "this memory of an epoch was damaged: %s",
                               mse_error_describe(&why, shown, sizeof(shown)));
}

bool mse_epoch_load(const char *directory, const uint8_t owner[static 32], const char *uuid,
                    uint64_t *epoch, struct mse_error *err)
{
    MSE_CLEANUP(text_cleanup) char *path = NULL;

    *epoch = 0;
    return path_of(directory, owner, uuid, &path, err) && load(path, owner, epoch, err);
}

static bool save(const char *path, const struct mse_config_statement *statement,
                 struct mse_error *err)
{
    uint8_t data[MSE_CONFIG_STATEMENT_SIZE];
    char text[BASE64_SIZE + 1], file[FILE_SIZE + 1];

    mse_config_statement_write(statement, data);
    (void)mse_base64_write(data, sizeof(data), text);
    (void)snprintf(file, sizeof(file), TAG "%s\n", text);
    return mse_file_write(path, MSE_CSTR_BYTES(file), 0600, MSE_FILE_REPLACE, err);
}

bool mse_epoch_store(const char *directory, const uint8_t owner[static 32], const char *uuid,
                     const struct mse_config_statement *statement, bool lower,
                     struct mse_error *err)
{
    MSE_CLEANUP(text_cleanup) char *path = NULL;
    MSE_CLEANUP(fd_cleanup) int fd = -1;
    struct mse_error damaged = { 0 };
    uint64_t known = 0;

    if (!path_of(directory, owner, uuid, &path, err) || !mse_dir_make(directory, err) ||
        !mse_dir_lock(directory, &fd, err))
        return false;
    if (lower ? load(path, owner, &known, &damaged) : load(path, owner, &known, err))
        return (!lower && known >= statement->epoch) || save(path, statement, err);
    return lower && save(path, statement, err);
}
