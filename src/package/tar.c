/* SPDX-License-Identifier: Apache-2.0 */
/* Writing of canonical tar headers, and the rules for paths that reading shares. */
#include "package/tar.h"

#include <stdio.h>

#include "base/utf8.h"
#include "package/tar_block.h"

/* ---- rules ---- */

unsigned mse_tar_checksum(const uint8_t block[static MSE_TAR_BLOCK])
{
    const struct mse_tar_field own = TAR_CHECKSUM;
    unsigned sum = own.len * ' ';

    for (unsigned i = 0; i < MSE_TAR_BLOCK; i++)
        sum += i >= own.at && i < own.at + own.len ? 0U : block[i];
    return sum;
}

/* Of Unicode's category Cc: what would change a line or a terminal. text is UTF-8. */
static bool has_control(struct mse_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t c = text.data[i];
        const bool is_c1 = c == 0xc2 && i + 1 < text.len && text.data[i + 1] < 0xa0;

        if (c < 0x20 || c == 0x7f || is_c1)
            return true;
    }
    return false;
}

/* Names that would mean another place than the one they are in. */
static bool is_dots(const uint8_t *part, size_t len)
{
    return (len == 1 && part[0] == '.') || (len == 2 && part[0] == '.' && part[1] == '.');
}

static const char *bad_part(struct mse_bytes path)
{
    size_t start = 0;

    if (path.data[0] == '/')
        return "is absolute";
    for (size_t i = 0; i <= path.len; i++) {
        if (i < path.len && path.data[i] != '/')
            continue;
        if (i == start)
            return "has an empty part";
        if (is_dots(path.data + start, i - start))
            return "has a part \".\" or \"..\"";
        start = i + 1;
    }
    return NULL;
}

bool mse_tar_path_check(struct mse_bytes path, struct mse_error *err)
{
    char shown[128];
    const char *bad;

    (void)snprintf(shown, sizeof(shown), "%.*s", (int)(path.len < 127 ? path.len : 127),
                   path.len > 0 ? (const char *)path.data : "");
    if (path.len == 0)
        return mse_fail_text(err, MSE_ERR_VALUE, "tar.path", "an entry has no path");
    if (path.len > MSE_TAR_MAX_PATH)
        return mse_fail_text(err, MSE_ERR_LIMIT, shown, "the path is longer than %u bytes",
                             MSE_TAR_MAX_PATH);
    if (!mse_utf8_is_valid(path) || has_control(path))
        return mse_fail_text(err, MSE_ERR_VALUE, shown,
                             "the path is not UTF-8 or holds control characters");
    bad = bad_part(path);
    return bad == NULL || mse_fail_text(err, MSE_ERR_VALUE, shown, "the path %s", bad);
}

bool mse_tar_target_check(struct mse_bytes target, const char *path, struct mse_error *err)
{
    if (target.len == 0)
        return mse_fail_text(err, MSE_ERR_VALUE, path, "a link without a target");
    if (target.len > MSE_TAR_MAX_PATH)
        return mse_fail_text(err, MSE_ERR_LIMIT, path, "the link's target is longer than %u bytes",
                             MSE_TAR_MAX_PATH);
    if (!mse_utf8_is_valid(target) || has_control(target))
        return mse_fail_text(err, MSE_ERR_VALUE, path,
                             "the link's target is not UTF-8 or holds control characters");
    return true;
}

static bool check(const struct mse_tar_header *h, struct mse_error *err)
{
    if (!mse_tar_path_check(MSE_CSTR_BYTES(h->path), err))
        return false;
    if (h->type == MSE_TAR_LINK) {
        if (h->size != 0)
            return mse_fail_text(err, MSE_ERR_VALUE, h->path, "a link has no content");
        return mse_tar_target_check(MSE_CSTR_BYTES(h->target), h->path, err);
    }
    if (h->target[0] != '\0')
        return mse_fail_text(err, MSE_ERR_VALUE, h->path, "only a link has a target");
    if (h->size > MSE_TAR_MAX_FILE)
        return mse_fail_text(err, MSE_ERR_LIMIT, h->path, "a file of a package has 8 GiB at most");
    return true;
}

/* ---- writing ---- */

static void put_octal(uint8_t *block, struct mse_tar_field field, uint64_t value)
{
    for (unsigned i = field.len - 1; i-- > 0; value >>= 3)
        block[field.at + i] = (uint8_t)('0' + (value & 7));
}

static void put_text(uint8_t *block, struct mse_tar_field field, const char *text, size_t len)
{
    memcpy(block + field.at, text, len < field.len ? len : field.len);
}

static void put_block(struct mse_writer *out, uint8_t block[static MSE_TAR_BLOCK])
{
    char sum[8];

    put_octal(block, TAR_UID, 0);
    put_octal(block, TAR_GID, 0);
    put_octal(block, TAR_MTIME, 0);
    put_octal(block, TAR_DEVMAJOR, 0);
    put_octal(block, TAR_DEVMINOR, 0);
    put_text(block, TAR_MAGIC, TAR_USTAR, 8);
    /* Six digits, NUL, space: as every tar since the first has written it. */
    (void)snprintf(sum, sizeof(sum), "%06o", mse_tar_checksum(block) & 0777777);
    sum[7] = ' ';
    put_text(block, TAR_CHECKSUM, sum, sizeof(sum));
    mse_write_bytes(out, block, MSE_TAR_BLOCK);
}

static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text >= 0x80)
            return false;
    }
    return true;
}

/* Length of the part that goes to the prefix field: the shortest that leaves a short enough name;
 * *fits is false if there is none. */
static size_t prefix_of(const char *path, bool *fits)
{
    const size_t len = strlen(path);

    *fits = is_ascii(path);
    if (len <= TAR_NAME.len)
        return 0;
    for (size_t i = len - TAR_NAME.len - 1; i < len && i <= TAR_PREFIX.len; i++) {
        if (path[i] == '/' && i > 0)
            return i;
    }
    *fits = false;
    return 0;
}

/* "LENGTH KEY=VALUE\n", where the length counts itself. */
static void put_record(struct mse_writer *out, const char *key, const char *value)
{
    const size_t rest = strlen(key) + strlen(value) + 3;
    size_t len = rest + 1, digits;

    for (;;) {
        digits = len < 10 ? 1 : len < 100 ? 2 : len < 1000 ? 3 : 4;
        if (len == rest + digits)
            break;
        len = rest + digits;
    }
    mse_write_format(out, "%zu %s=", len, key);
    mse_write_text(out, value);
    mse_write_u8(out, '\n');
}

static void put_zeros(struct mse_writer *out, size_t len)
{
    static const uint8_t zeros[MSE_TAR_BLOCK];

    mse_write_bytes(out, zeros, len);
}

static void put_pax(struct mse_writer *out, const char *path, const char *target)
{
    uint8_t block[MSE_TAR_BLOCK] = { 0 };
    struct mse_writer records = { .cap = MSE_TAR_MAX_EXTRA };

    if (path != NULL)
        put_record(&records, "path", path);
    if (target != NULL)
        put_record(&records, "linkpath", target);
    put_text(block, TAR_NAME, "PaxHeader", 9);
    put_octal(block, TAR_MODE, 0644);
    put_octal(block, TAR_SIZE, records.len);
    block[TAR_TYPE] = 'x';
    put_block(out, block);
    mse_write_bytes(out, records.data, records.len);
    put_zeros(out, mse_tar_padding(records.len));
    out->failed = out->failed || records.failed;
    mse_writer_cleanup(&records);
}

static unsigned mode_of(enum mse_tar_type type)
{
    switch (type) {
    case MSE_TAR_FILE:
        return 0644;
    case MSE_TAR_EXECUTABLE:
        return 0755;
    case MSE_TAR_LINK:
        return 0777; /* what the link itself has on every Linux file system */
    }
    return 0;
}

bool mse_tar_header_write(const struct mse_tar_header *header, struct mse_writer *out,
                          struct mse_error *err)
{
    uint8_t block[MSE_TAR_BLOCK] = { 0 };
    bool path_fits, target_fits;
    size_t prefix;

    if (!check(header, err))
        return false;
    prefix = prefix_of(header->path, &path_fits);
    target_fits = is_ascii(header->target) && strlen(header->target) <= TAR_LINKNAME.len;
    if (!path_fits || !target_fits)
        put_pax(out, path_fits ? NULL : header->path, target_fits ? NULL : header->target);
    /* A fixed name where the pax header says the real one: half a path would help nobody. */
    if (!path_fits)
        put_text(block, TAR_NAME, "PaxPath", 7);
    else if (prefix == 0)
        put_text(block, TAR_NAME, header->path, strlen(header->path));
    else
        put_text(block, TAR_NAME, header->path + prefix + 1, strlen(header->path + prefix + 1));
    put_text(block, TAR_PREFIX, header->path, prefix);
    put_text(block, TAR_LINKNAME, target_fits ? header->target : "PaxLink",
             target_fits ? strlen(header->target) : 7);
    put_octal(block, TAR_MODE, mode_of(header->type));
    put_octal(block, TAR_SIZE, header->size);
    block[TAR_TYPE] = header->type == MSE_TAR_LINK ? '2' : '0';
    put_block(out, block);
    return mse_writer_ok(out) || mse_fail_memory(err);
}

unsigned mse_tar_padding(uint64_t size)
{
    return (unsigned)(-size % MSE_TAR_BLOCK);
}
