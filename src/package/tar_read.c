/* SPDX-License-Identifier: Apache-2.0 */
/* Reading of tar headers: ours exactly, or those of other programs as far as a code tree needs. */
#include <stdlib.h>

#include "package/tar_block.h"

/* What headers in front of an entry's own say about it. */
struct extra {
    struct mse_bytes path, target;
    bool has_path, has_target, has_size;
    uint64_t size;
    bool seen_pax, seen_global;
};

static struct mse_bytes field_of(const uint8_t *block, struct mse_tar_field field)
{
    return (struct mse_bytes){ block + field.at, field.len };
}

/* A text field ends at its first NUL, or fills its place. */
static struct mse_bytes text_of(const uint8_t *block, struct mse_tar_field field)
{
    const uint8_t *at = block + field.at;

    return (struct mse_bytes){ at, strnlen((const char *)at, field.len) };
}

/* Octal digits with spaces around and NULs behind; nothing at all is zero. */
static bool octal_read(struct mse_bytes in, uint64_t *out)
{
    size_t i = 0;

    *out = 0;
    while (i < in.len && in.data[i] == ' ')
        i++;
    for (; i < in.len && in.data[i] >= '0' && in.data[i] <= '7'; i++)
        *out = *out << 3 | (uint64_t)(in.data[i] - '0');
    for (; i < in.len; i++) {
        if (in.data[i] != ' ' && in.data[i] != '\0')
            return false;
    }
    return true;
}

/* Of 12 bytes octal fits 64 bits. A set high bit is GNU's binary form, for sizes beyond ours. */
static bool size_read(struct mse_reader *r, const uint8_t *block, uint64_t *out)
{
    struct mse_bytes field = field_of(block, TAR_SIZE);

    *out = 0;
    if ((field.data[0] & 0x80) != 0)
        return mse_reader_fail(r, MSE_ERR_LIMIT, "tar.size");
    return octal_read(field, out) || mse_reader_fail(r, MSE_ERR_FORMAT, "tar.size");
}

static bool is_magic(const uint8_t *block, const char *magic)
{
    return memcmp(block + TAR_MAGIC.at, magic, TAR_MAGIC.len) == 0;
}

/* Checksum and magic: a header, and of a kind we know. */
static bool block_check(struct mse_reader *r, const uint8_t *block)
{
    uint64_t sum;

    if (!is_magic(block, TAR_USTAR) && !is_magic(block, TAR_GNU))
        return mse_reader_fail(r, MSE_ERR_FORMAT, "tar.magic");
    if (!octal_read(field_of(block, TAR_CHECKSUM), &sum) || sum != mse_tar_checksum(block))
        return mse_reader_fail(r, MSE_ERR_VALUE, "tar.checksum");
    return true;
}

/* ---- headers that describe the next one ---- */

static bool decimal_read(struct mse_bytes in, uint64_t max, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < in.len; i++) {
        if (in.data[i] < '0' || in.data[i] > '9')
            return false;
        *out = *out * 10 + (uint64_t)(in.data[i] - '0');
        if (*out > max)
            return false;
    }
    return in.len > 0;
}

/* One value said twice could be read differently by two programs. */
static bool set_text(struct mse_reader *r, struct mse_bytes value, struct mse_bytes *to, bool *has)
{
    if (*has)
        return mse_reader_fail(r, MSE_ERR_DUPLICATE, "tar.path");
    *to = value;
    *has = true;
    return true;
}

static bool key_is_sparse(struct mse_bytes key)
{
    static const char start[] = "GNU.sparse.";

    return key.len >= sizeof(start) - 1 && memcmp(key.data, start, sizeof(start) - 1) == 0;
}

static bool is_utf8_charset(struct mse_bytes value)
{
    return mse_bytes_equal_text(value, "ISO-IR 10646 2000 UTF-8");
}

/* Keys that change where or what an entry is; all others say things that we do not keep. */
static bool set_pax(struct mse_reader *r, bool global, struct mse_bytes key, struct mse_bytes value,
                    struct extra *to)
{
    bool path = mse_bytes_equal_text(key, "path"), target = mse_bytes_equal_text(key, "linkpath");
    bool size = mse_bytes_equal_text(key, "size");

    if (key_is_sparse(key))
        return mse_reader_fail(r, MSE_ERR_UNSUPPORTED, "tar: sparse file");
    if (mse_bytes_equal_text(key, "hdrcharset") && !is_utf8_charset(value))
        return mse_reader_fail(r, MSE_ERR_UNSUPPORTED, "tar.hdrcharset");
    if (global && (path || target || size))
        return mse_reader_fail(r, MSE_ERR_UNSUPPORTED, "tar: global path or size");
    if (path)
        return set_text(r, value, &to->path, &to->has_path);
    if (target)
        return set_text(r, value, &to->target, &to->has_target);
    if (!size)
        return true;
    if (to->has_size)
        return mse_reader_fail(r, MSE_ERR_DUPLICATE, "tar.size");
    to->has_size = true;
    return decimal_read(value, MSE_TAR_MAX_FILE, &to->size) ||
           mse_reader_fail(r, MSE_ERR_LIMIT, "tar.size");
}

/* "LENGTH KEY=VALUE\n" (POSIX.1-2017, pax, "pax Extended Header"). */
static bool read_record(struct mse_reader *r, bool global, struct extra *to)
{
    const uint8_t *space = memchr(r->at, ' ', mse_reader_left(r));
    const uint8_t *equals;
    struct mse_bytes digits = { r->at, 0 }, record, key;
    uint64_t len;

    if (space == NULL)
        return mse_reader_fail(r, MSE_ERR_FORMAT, "tar.pax");
    digits.len = (size_t)(space - r->at);
    if (!decimal_read(digits, MSE_TAR_MAX_EXTRA, &len) || len < digits.len + 3 ||
        len > mse_reader_left(r))
        return mse_reader_fail(r, MSE_ERR_VALUE, "tar.pax.length");
    record = mse_read_bytes(r, (size_t)len, "tar.pax");
    key.data = space + 1;
    key.len = record.len - digits.len - 2; /* without the space and the line's end */
    equals = memchr(key.data, '=', key.len);
    if (record.data[record.len - 1] != '\n' || equals == NULL || equals == key.data)
        return mse_reader_fail(r, MSE_ERR_FORMAT, "tar.pax");
    record.data = equals + 1;
    record.len = key.len - (size_t)(equals + 1 - key.data);
    key.len = (size_t)(equals - key.data);
    return set_pax(r, global, key, record, to);
}

static bool read_pax(struct mse_reader *r, bool global, struct mse_reader content, struct extra *to)
{
    bool *seen = global ? &to->seen_global : &to->seen_pax;

    if (*seen)
        return mse_reader_fail(r, MSE_ERR_DUPLICATE, "tar.pax");
    *seen = true;
    while (mse_reader_left(&content) > 0) {
        if (!read_record(&content, global, to))
            return false;
    }
    return true;
}

/* GNU's long name or target: text, and NULs behind it. */
static bool read_long(struct mse_reader *r, struct mse_reader content, struct mse_bytes *to,
                      bool *has)
{
    struct mse_bytes all = mse_read_rest(&content);
    size_t len = strnlen((const char *)all.data, all.len);

    if (!mse_is_zero(all.data + len, all.len - len))
        return mse_reader_fail(r, MSE_ERR_VALUE, "tar: long name");
    return set_text(r, (struct mse_bytes){ all.data, len }, to, has);
}

static bool is_extra(uint8_t type)
{
    return type == 'x' || type == 'g' || type == 'L' || type == 'K';
}

static bool read_extra(struct mse_reader *r, const uint8_t *block, struct extra *to)
{
    struct mse_reader content;
    uint64_t size;

    if (!size_read(r, block, &size))
        return false;
    if (size > MSE_TAR_MAX_EXTRA)
        return mse_reader_fail(r, MSE_ERR_LIMIT, "tar: extended header");
    content = mse_read_sub(r, (size_t)size, "tar.extended");
    (void)mse_read_array(r, mse_tar_padding(size), "tar.extended");
    if (!mse_read_ok(r))
        return false;
    switch (block[TAR_TYPE]) {
    case 'L':
        return read_long(r, content, &to->path, &to->has_path);
    case 'K':
        return read_long(r, content, &to->target, &to->has_target);
    default:
        return read_pax(r, block[TAR_TYPE] == 'g', content, to);
    }
}

/* ---- the entry's own header ---- */

/* Path of an entry for messages and checks: owned by the caller, NULL without memory. */
static char *path_of(const uint8_t *block, const struct extra *extra)
{
    struct mse_writer w = { .cap = MSE_TAR_MAX_HEADER };
    struct mse_bytes name = extra->has_path ? extra->path : text_of(block, TAR_NAME);
    struct mse_bytes prefix = text_of(block, TAR_PREFIX);

    if (!extra->has_path && is_magic(block, TAR_USTAR) && prefix.len > 0) {
        mse_write_bytes(&w, prefix.data, prefix.len);
        mse_write_u8(&w, '/');
    }
    mse_write_bytes(&w, name.data, name.len);
    /* A NUL inside must not hide what follows it. */
    for (size_t i = 0; i < w.len; i++)
        w.data[i] = w.data[i] == '\0' ? '\x01' : w.data[i];
    return mse_writer_take_text(&w);
}

/* "./a" is "a", and of a directory "a/" too. */
static struct mse_bytes plain_path(const char *path, bool is_directory)
{
    size_t len;

    while (path[0] == '.' && path[1] == '/')
        path += 2;
    len = strlen(path);
    while (is_directory && len > 1 && path[len - 1] == '/')
        len--;
    if (is_directory && len == 1 && path[0] == '.')
        len = 0;
    return (struct mse_bytes){ (const uint8_t *)path, len };
}

static bool type_read(const uint8_t *block, const char *path, enum mse_tar_type *out,
                      bool *is_directory, struct mse_error *err)
{
    uint64_t mode;

    switch (block[TAR_TYPE]) {
    case '0':
    case '\0':
    case '7': /* contiguous: a hint to the disk */
        if (!octal_read(field_of(block, TAR_MODE), &mode))
            return mse_fail_text(err, MSE_ERR_FORMAT, path, "the mode is not a number");
        *out = (mode & 0100) != 0 ? MSE_TAR_EXECUTABLE : MSE_TAR_FILE;
        return true;
    case '2':
        *out = MSE_TAR_LINK;
        return true;
    case '5':
        *is_directory = true;
        return true;
    case '1':
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, path, "a hard link is not allowed");
    case '3':
    case '4':
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, path, "a device is not allowed");
    case '6':
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, path, "a FIFO is not allowed");
    case 'S':
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, path, "a sparse file is not allowed");
    default:
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, path, "an entry of type 0x%02x",
                             block[TAR_TYPE]);
    }
}

static void copy_text(struct mse_bytes from, char *to)
{
    if (from.len > 0)
        memcpy(to, from.data, from.len);
    to[from.len] = '\0';
}

static bool fill(struct mse_reader *r, const uint8_t *block, const struct extra *extra,
                 const char *name, struct mse_tar_header *out, bool *is_directory)
{
    struct mse_bytes target = extra->has_target ? extra->target : text_of(block, TAR_LINKNAME);
    struct mse_bytes path;

    if (!type_read(block, name, &out->type, is_directory, r->err))
        return false;
    path = plain_path(name, *is_directory);
    if (!(*is_directory && path.len == 0) && !mse_tar_path_check(path, r->err))
        return false;
    if (!size_read(r, block, &out->size))
        return false;
    if (extra->has_size)
        out->size = extra->size;
    if (out->size > MSE_TAR_MAX_FILE)
        return mse_fail_text(r->err, MSE_ERR_LIMIT, name, "larger than 8 GiB");
    if ((out->type == MSE_TAR_LINK || *is_directory) && out->size != 0)
        return mse_fail_text(r->err, MSE_ERR_VALUE, name, "a link or directory with content");
    copy_text(path, out->path);
    if (out->type != MSE_TAR_LINK)
        return true;
    if (!mse_tar_target_check(target, name, r->err))
        return false;
    copy_text(target, out->target);
    return true;
}

/* Canonical is what we would have written. */
static bool is_canonical(struct mse_bytes in, const struct mse_tar_header *h, struct mse_error *err)
{
    struct mse_writer w = { 0 };
    bool same = mse_tar_header_write(h, &w, err) && mse_bytes_equal(in, mse_writer_bytes(&w));

    mse_writer_cleanup(&w);
    return same || mse_fail_text(err, MSE_ERR_VALUE, h->path,
                                 "the header is not in the one canonical form");
}

/* The second block of the end-of-archive mark. */
static bool read_end(struct mse_reader *r, const struct extra *extra)
{
    if (extra->seen_pax || extra->seen_global || extra->has_path || extra->has_target)
        return mse_reader_fail(r, MSE_ERR_FORMAT, "tar: end after an extended header");
    mse_read_zero(r, MSE_TAR_END - MSE_TAR_BLOCK, "tar.end");
    return mse_read_ok(r);
}

static bool read_entry(struct mse_reader *r, const uint8_t *block, const struct extra *extra,
                       struct mse_tar_header *out, bool *is_directory)
{
    char *name = path_of(block, extra);
    bool ok = name != NULL ? fill(r, block, extra, name, out, is_directory)
                           : mse_fail_memory(r->err);

    free(name);
    return ok;
}

bool mse_tar_header_read(struct mse_bytes in, bool lenient, struct mse_tar_header *out,
                         bool *is_directory, size_t *used, struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(in, err);
    struct extra extra = { 0 };
    const uint8_t *block;
    size_t taken;

    memset(out, 0, sizeof(*out));
    *is_directory = false;
    *used = 0;
    for (;;) {
        block = mse_read_array(&r, MSE_TAR_BLOCK, "tar.header");
        if (block == NULL)
            return false;
        if (mse_is_zero(block, MSE_TAR_BLOCK))
            return read_end(&r, &extra);
        if (!block_check(&r, block))
            return false;
        if (!is_extra(block[TAR_TYPE]))
            break;
        if (!read_extra(&r, block, &extra))
            return false;
    }
    taken = mse_reader_offset(&r);
    if (read_entry(&r, block, &extra, out, is_directory) &&
        (lenient ||
         (!*is_directory && is_canonical((struct mse_bytes){ in.data, taken }, out, err)))) {
        *used = taken;
        return true;
    }
    memset(out, 0, sizeof(*out));
    *is_directory = false;
    /* The only failure that nobody has described yet. */
    return mse_fail_text(err, MSE_ERR_VALUE, "tar", "a directory has no place in a package");
}
