/* SPDX-License-Identifier: Apache-2.0 */
/* Tar headers: what is taken strictly is what we write, and no path of any header leaves. */
#include <stdio.h>
#include <stdlib.h>

#include "package/tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        abort();
}

/* A changed header with its old checksum would go no further. */
static void repair(uint8_t *block)
{
    unsigned sum = 0;
    char text[8];

    if (memcmp(block + 257, "ustar", 5) != 0)
        return;
    memset(block + 148, ' ', 8);
    for (unsigned i = 0; i < MSE_TAR_BLOCK; i++)
        sum += block[i];
    (void)snprintf(text, sizeof(text), "%06o", sum & 0777777);
    memcpy(block + 148, text, 7);
}

static void check_path(const char *path)
{
    const size_t len = strlen(path);

    require(len > 0 && path[0] != '/' && path[len - 1] != '/' && strstr(path, "//") == NULL);
    require(strcmp(path, "..") != 0 && strncmp(path, "../", 3) != 0);
    require(strstr(path, "/../") == NULL && (len < 3 || strcmp(path + len - 3, "/..") != 0));
}

static void check_again(const struct mse_tar_header *h, struct mse_bytes in, bool must_be_same)
{
    struct mse_error err = { 0 };
    struct mse_writer w = { 0 };
    struct mse_tar_header again;
    bool is_directory;
    size_t used;

    require(mse_tar_header_write(h, &w, &err));
    require(!must_be_same || mse_bytes_equal(mse_writer_bytes(&w), in));
    require(mse_tar_header_read(mse_writer_bytes(&w), false, &again, &is_directory, &used, &err));
    require(used == w.len && memcmp(&again, h, sizeof(again)) == 0);
    mse_writer_cleanup(&w);
}

static bool check(struct mse_bytes in, bool lenient)
{
    struct mse_error err = { 0 };
    struct mse_tar_header h;
    bool is_directory;
    size_t used;

    if (!mse_tar_header_read(in, lenient, &h, &is_directory, &used, &err)) {
        require(err.code != MSE_ERR_NONE && used == 0 && !is_directory && h.path[0] == '\0');
        require(err.code != MSE_ERR_TRUNCATED || in.len < MSE_TAR_MAX_HEADER);
        return false;
    }
    require(used <= in.len && used % MSE_TAR_BLOCK == 0 && h.size <= MSE_TAR_MAX_FILE);
    if (used == 0)
        return true;
    require(lenient || !is_directory);
    if (h.path[0] != '\0' || !is_directory)
        check_path(h.path);
    if (!is_directory)
        check_again(&h, (struct mse_bytes){ in.data, used }, !lenient);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);

    if (copy == NULL)
        return 0;
    if (size > 0)
        memcpy(copy, data, size);
    (void)check((struct mse_bytes){ copy, size }, true);
    for (size_t at = 0; at + MSE_TAR_BLOCK <= size; at += MSE_TAR_BLOCK)
        repair(copy + at);
    /* Whatever is strictly right is right leniently too. */
    if (check((struct mse_bytes){ copy, size }, false))
        require(check((struct mse_bytes){ copy, size }, true));
    else
        (void)check((struct mse_bytes){ copy, size }, true);
    free(copy);
    return 0;
}
