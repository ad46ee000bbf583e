/* SPDX-License-Identifier: Apache-2.0 */
/* The published list of a tree's entries: written, and compared with a tree. */
#include "base/encode.h"
#include "measure/tree_path.h"

#define HASH_TEXT 64 /* hex digits */

void mse_tree_list_write(const struct mse_tree *tree, struct mse_writer *out)
{
    char hex[HASH_TEXT + 1];

    for (size_t i = 0; i < mse_tree_count(tree); i++) {
        const struct mse_tree_entry *entry = mse_tree_at(tree, i);

        mse_hex_write(entry->sha256, sizeof(entry->sha256), hex);
        mse_write_u8(out, (uint8_t)entry->type);
        mse_write_text(out, " ");
        mse_write_text(out, hex);
        mse_write_text(out, " ");
        mse_write_text(out, entry->path);
        mse_write_text(out, "\n");
    }
}

/* ---- reading ---- */

struct line {
    char type;
    uint8_t sha256[32];
    char path[MSE_TREE_MAX_PATH + 1]; /* "" before the first line */
};

static bool fail_line(const struct mse_reader *r, size_t offset, const char *what)
{
    return mse_fail_text_at(r->err, MSE_ERR_FORMAT, offset, "tree list",
                            "%s; a line is TYPE (f, x or l), space, SHA-256 in lower-case hex, "
                            "space, PATH",
                            what);
}

static bool read_hash(struct mse_reader *r, uint8_t out[static 32])
{
    size_t offset = mse_reader_offset(r);
    const char *hex = (const char *)mse_read_array(r, HASH_TEXT, "tree list: hash");

    if (hex == NULL)
        return false;
    for (size_t i = 0; i < HASH_TEXT; i++) {
        if (hex[i] >= 'A' && hex[i] <= 'F')
            return fail_line(r, offset, "a hash in upper case");
    }
    return mse_hex_read(hex, HASH_TEXT, out, 32) || fail_line(r, offset, "no SHA-256 in hex");
}

/* What is left of the line; it comes after the path of the line before. */
static bool read_path(struct mse_reader *r, char path[static MSE_TREE_MAX_PATH + 1])
{
    size_t offset = mse_reader_offset(r);
    const uint8_t *end = memchr(r->at, '\n', mse_reader_left(r));
    char before[MSE_TREE_MAX_PATH + 1];
    struct mse_bytes text;

    if (end == NULL)
        return mse_fail(r->err, MSE_ERR_TRUNCATED, offset, "tree list: path");
    text = mse_read_bytes(r, (size_t)(end - r->at), "tree list: path");
    mse_read_expect(r, MSE_CSTR_BYTES("\n"), "tree list: end of line");
    if (text.len > MSE_TREE_MAX_PATH || memchr(text.data, '\0', text.len) != NULL)
        return mse_fail(r->err, MSE_ERR_VALUE, offset, "tree list: path");
    memcpy(before, path, sizeof(before));
    memcpy(path, text.data, text.len);
    path[text.len] = '\0';
    if (!mse_tree_path_check(path, r->err))
        return mse_fail_in(r->err, "tree list");
    if (strcmp(before, path) == 0)
        return mse_fail(r->err, MSE_ERR_DUPLICATE, offset, "tree list: path");
    if (strcmp(before, path) > 0)
        return fail_line(r, offset, "lines are not sorted by the bytes of the path");
    return true;
}

/* Overwrites line with the next one. */
static bool read_line(struct mse_reader *r, struct line *line)
{
    size_t offset = mse_reader_offset(r);
    uint8_t type = mse_read_u8(r, "tree list: type");

    if (mse_read_ok(r) && type != MSE_TREE_FILE && type != MSE_TREE_EXECUTABLE &&
        type != MSE_TREE_LINK)
        return fail_line(r, offset, "an unknown type");
    line->type = (char)type;
    mse_read_expect(r, MSE_CSTR_BYTES(" "), "tree list: space");
    if (!read_hash(r, line->sha256))
        return false;
    mse_read_expect(r, MSE_CSTR_BYTES(" "), "tree list: space");
    return mse_read_ok(r) && read_path(r, line->path);
}

static bool check_list(struct mse_bytes list, struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(list, err);
    struct line line = { 0 };

    while (mse_reader_left(&r) > 0) {
        if (!read_line(&r, &line))
            return false;
    }
    return mse_read_done(&r, "tree list");
}

/* ---- comparing ---- */

struct comparison {
    mse_tree_change_seen *seen;
    void *context;
    size_t differences;
};

static void tell(struct comparison *c, enum mse_tree_change change, const char *path)
{
    c->differences++;
    if (c->seen != NULL)
        c->seen(c->context, change, path);
}

static void compare_entry(struct comparison *c, const struct mse_tree_entry *entry,
                          const struct line *line)
{
    if ((uint8_t)entry->type != (uint8_t)line->type)
        tell(c, MSE_TREE_TYPE, entry->path);
    else if (memcmp(entry->sha256, line->sha256, sizeof(line->sha256)) != 0)
        tell(c, MSE_TREE_CONTENT, entry->path);
}

bool mse_tree_list_compare(const struct mse_tree *tree, struct mse_bytes list,
                           mse_tree_change_seen *seen, void *context, size_t *differences,
                           struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(list, err);
    struct comparison c = { .seen = seen, .context = context };
    struct line line = { 0 };
    size_t i = 0;

    *differences = 0;
    /* All of it first: nobody hears of differences from a list that is none. */
    if (!check_list(list, err))
        return false;
    while (mse_reader_left(&r) > 0) {
        if (!read_line(&r, &line))
            return false;
        while (i < mse_tree_count(tree) && strcmp(mse_tree_at(tree, i)->path, line.path) < 0)
            tell(&c, MSE_TREE_EXTRA, mse_tree_at(tree, i++)->path);
        if (i < mse_tree_count(tree) && strcmp(mse_tree_at(tree, i)->path, line.path) == 0)
            compare_entry(&c, mse_tree_at(tree, i++), &line);
        else
            tell(&c, MSE_TREE_MISSING, line.path);
    }
    for (; i < mse_tree_count(tree); i++)
        tell(&c, MSE_TREE_EXTRA, mse_tree_at(tree, i)->path);
    *differences = c.differences;
    return true;
}
