/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of minisign's files. */
#include "release/minisign_format.h"

#include <openssl/crypto.h>

#include "base/encode.h"

#define LINE_BYTES_MAX 256 /* the longest is the secret key's: 158 bytes */

bool mse_minisign_line(struct mse_reader *r, struct mse_bytes *line)
{
    size_t left = mse_reader_left(r);
    const uint8_t *end = left > 0 ? memchr(r->at, '\n', left) : NULL;
    size_t len = end != NULL ? (size_t)(end - r->at) : left;

    *line = (struct mse_bytes){ 0 };
    if (!mse_read_ok(r) || left == 0)
        return false;
    *line = mse_read_bytes(r, len, "line");
    if (end != NULL)
        (void)mse_read_u8(r, "line");
    return true;
}

/* Tabs are what minisign itself puts between the parts of a trusted comment. */
static bool is_plain(struct mse_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((text.data[i] < 0x20 && text.data[i] != '\t') || text.data[i] == 0x7f)
            return false;
    }
    return true;
}

bool mse_minisign_comment(struct mse_reader *r, const char *begin, struct mse_bytes *comment,
                          const char *field)
{
    size_t at = mse_reader_offset(r), len = strlen(begin);
    struct mse_bytes line;

    *comment = (struct mse_bytes){ 0 };
    if (!mse_minisign_line(r, &line))
        return mse_reader_fail(r, MSE_ERR_TRUNCATED, field);
    if (line.len < len || memcmp(line.data, begin, len) != 0)
        return mse_fail_text_at(r->err, MSE_ERR_FORMAT, at, field,
                                "the line does not begin with \"%s\"", begin);
    line = (struct mse_bytes){ line.data + len, line.len - len };
    if (line.len > MSE_MINISIGN_COMMENT_MAX)
        return mse_fail_text_at(r->err, MSE_ERR_LIMIT, at, field, "longer than %d bytes",
                                MSE_MINISIGN_COMMENT_MAX);
    if (!is_plain(line))
        return mse_fail_text_at(r->err, MSE_ERR_FORMAT, at, field,
                                "holds control characters (lines end in a line feed alone)");
    *comment = line;
    return true;
}

bool mse_minisign_base64(struct mse_reader *r, uint8_t *out, size_t len, const char *field)
{
    size_t at = mse_reader_offset(r), got;
    uint8_t bytes[LINE_BYTES_MAX];
    struct mse_bytes line;
    bool ok;

    memset(out, 0, len);
    if (!mse_minisign_line(r, &line))
        return mse_reader_fail(r, MSE_ERR_TRUNCATED, field);
    got = sizeof(bytes);
    ok = line.len == 4 * ((len + 2) / 3) &&
         mse_base64_read((const char *)line.data, line.len, false, bytes, &got) && got == len;
    if (ok)
        memcpy(out, bytes, len);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return ok || mse_fail_text_at(r->err, MSE_ERR_FORMAT, at, field,
                                  "the line is not %zu bytes in base64", len);
}

const char *mse_minisign_id_text(const uint8_t id[static MSE_MINISIGN_ID_SIZE],
                                 char out[static MSE_MINISIGN_KEY_ID_TEXT])
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < MSE_MINISIGN_ID_SIZE; i++) {
        uint8_t byte = id[MSE_MINISIGN_ID_SIZE - 1 - i];

        out[2 * i] = digits[byte >> 4];
        out[2 * i + 1] = digits[byte & 15];
    }
    out[MSE_MINISIGN_KEY_ID_TEXT - 1] = '\0';
    return out;
}
