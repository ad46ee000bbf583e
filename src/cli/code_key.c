/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and making of code keys. The key itself is never printed. */
#include "cli/code_key.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/encode.h"
#include "base/file.h"

#define HEX_LEN (2 * MSE_BOX_KEY)
#define MAX_FILE 4096U

static bool read_key(struct mse_bytes in, uint8_t out[static MSE_BOX_KEY])
{
    uint8_t half[MSE_BOX_KEY / 2];
    const char *text = (const char *)in.data;

    if (in.len == MSE_BOX_KEY) {
        /* 32 hex digits are half a key, and no random bytes. */
        memcpy(out, in.data, MSE_BOX_KEY);
        return !mse_hex_read(text, in.len, half, sizeof(half));
    }
    if (in.len > 0 && text[in.len - 1] == '\n')
        in.len--;
    if (in.len > 0 && text[in.len - 1] == '\r')
        in.len--;
    return in.len == HEX_LEN && mse_hex_read(text, in.len, out, MSE_BOX_KEY);
}

bool code_key_load(const char *path, uint8_t out[static MSE_BOX_KEY], struct mse_error *err)
{
    uint8_t *data = NULL;
    size_t len = 0;
    bool ok = mse_file_read(path, MAX_FILE, &data, &len, err);

    if (ok && !read_key((struct mse_bytes){ data, len }, out))
        ok = mse_fail_text(err, MSE_ERR_FORMAT, path,
                           "is no code key: wants 64 hex digits, or 32 bytes");
    /* An emptied key file, or an emptied disk: everybody knows that key. */
    if (ok && mse_is_zero(out, MSE_BOX_KEY))
        ok = mse_fail_text(err, MSE_ERR_VALUE, path, "is no code key: it is zero");
    if (data != NULL)
        explicit_bzero(data, len);
    free(data);
    if (!ok)
        explicit_bzero(out, MSE_BOX_KEY);
    return ok;
}

bool code_key_save(const char *path, const uint8_t key[static MSE_BOX_KEY], struct mse_error *err)
{
    char text[HEX_LEN + 2];
    bool ok;

    mse_hex_write(key, MSE_BOX_KEY, text);
    memcpy(text + HEX_LEN, "\n", 2);
    ok = mse_file_write(path, (struct mse_bytes){ (const uint8_t *)text, HEX_LEN + 1 }, 0600,
                        MSE_FILE_KEEP, err);
    explicit_bzero(text, sizeof(text));
    return ok;
}

bool code_key_load_or_make(const char *path, uint8_t out[static MSE_BOX_KEY], bool *is_new,
                           struct mse_error *err)
{
    struct stat st;

    *is_new = strcmp(path, "-") != 0 && lstat(path, &st) == -1 && errno == ENOENT;
    return *is_new ? mse_box_random(out, MSE_BOX_KEY, err) : code_key_load(path, out, err);
}
