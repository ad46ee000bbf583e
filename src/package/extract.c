/* SPDX-License-Identifier: Apache-2.0 */
/* Reading of an archive from front to end, entry by entry. */
#include "package/extract.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "measure/tree.h"
#include "measure/tree_path.h"
#include "package/new_dir.h"

#define PIECE (64U << 10)
#define BUFFER (256U << 10)
/* Other programs fill up their last record, mostly to 10 KiB, at most to some hundred. */
#define MAX_TAIL (1U << 20)

_Static_assert(BUFFER >= MSE_TAR_MAX_HEADER && BUFFER >= PIECE, "a header or piece fits");
_Static_assert(PIECE % MSE_BOX_STEP == 0, "whole steps");

struct extraction {
    int archive;
    const struct mse_extract_limits *limits;
    const uint8_t *key;
    const struct mse_stop *stop;
    struct mse_new_dir dir;
    uint64_t entries, bytes;
    uint8_t *buffer; /* BUFFER bytes */
    size_t start, end;
    bool at_end; /* of the file */
};

/* ---- input ---- */

static struct mse_bytes buffered(const struct extraction *x)
{
    return (struct mse_bytes){ x->buffer + x->start, x->end - x->start };
}

/* Until the buffer or the archive is at its end. */
static bool fill(struct extraction *x, struct mse_error *err)
{
    memmove(x->buffer, x->buffer + x->start, x->end - x->start);
    x->end -= x->start;
    x->start = 0;
    while (!x->at_end && x->end < BUFFER) {
        ssize_t n;

        if (!mse_stop_wait(x->stop, x->archive, err))
            return false;
        n = read(x->archive, x->buffer + x->end, BUFFER - x->end);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return mse_fail_errno(err, "archive", "cannot read", errno);
        x->at_end = n == 0;
        x->end += (size_t)n;
    }
    return true;
}

/* The next len bytes (PIECE at most), to be changed in place; NULL if there are fewer. */
static uint8_t *take(struct extraction *x, size_t len, const char *path, struct mse_error *err)
{
    uint8_t *at;

    if (x->end - x->start < len && !fill(x, err))
        return NULL;
    if (x->end - x->start < len) {
        (void)mse_fail_text(err, MSE_ERR_TRUNCATED, path, "the archive ends in the middle of this");
        return NULL;
    }
    at = x->buffer + x->start;
    x->start += len;
    return at;
}

/* ---- contents ---- */

static bool write_all(int fd, const uint8_t *data, size_t len, const char *path,
                      struct mse_error *err)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return mse_fail_errno(err, path, "cannot write", errno);
        data += n;
        len -= (size_t)n;
    }
    return true;
}

/* size bytes of content; box may be NULL. */
static bool copy(struct extraction *x, uint64_t size, struct mse_box *box, int fd, const char *path,
                 struct mse_error *err)
{
    while (size > 0) {
        size_t len = size < PIECE ? (size_t)size : PIECE;
        uint8_t *data = take(x, len, path, err);

        if (data == NULL || !mse_stop_check(x->stop, err))
            return false;
        if (box != NULL)
            mse_box_open(box, data, len);
        if (!write_all(fd, data, len, path, err))
            return false;
        size -= len;
    }
    return true;
}

static bool open_box(struct extraction *x, uint64_t size, int fd, const char *path,
                     struct mse_error *err)
{
    struct mse_box box = { 0 };
    uint8_t tag[MSE_BOX_TAG];
    const uint8_t *head;
    bool ok;

    if (size < MSE_BOX_OVERHEAD)
        return mse_fail_text(err, MSE_ERR_VALUE, path, "too short for a sealed file");
    head = take(x, MSE_BOX_OVERHEAD, path, err);
    if (head == NULL)
        return false;
    memcpy(tag, head + MSE_BOX_NONCE, sizeof(tag));
    ok = mse_box_init(&box, x->key, head, err) &&
         copy(x, size - MSE_BOX_OVERHEAD, &box, fd, path, err);
    if (ok && !mse_box_check(&box, tag, err))
        ok = mse_fail_in(err, "%s", path);
    mse_box_cleanup(&box);
    return ok;
}

/* Takes ".enc" from the path of a sealed file. */
static bool unsealed_path(char *path, struct mse_error *err)
{
    const size_t suffix = sizeof(MSE_BOX_SUFFIX) - 1, len = strlen(path);

    if (len <= suffix || strcmp(path + len - suffix, MSE_BOX_SUFFIX) != 0 ||
        path[len - suffix - 1] == '/')
        return mse_fail_text(err, MSE_ERR_VALUE, path,
                             "not sealed, in a package that is opened with a key");
    path[len - suffix] = '\0';
    return true;
}

/* ---- entries ---- */

static bool extract_file(struct extraction *x, struct mse_tar_header *h, struct mse_error *err)
{
    const mode_t mode = h->type == MSE_TAR_EXECUTABLE ? 0755 : 0644;
    bool ok;
    int fd;

    if (x->key != NULL && !unsealed_path(h->path, err))
        return false;
    if (!mse_tree_path_check(h->path, err) || !mse_new_dir_file(&x->dir, h->path, &fd, err))
        return false;
    ok = x->key != NULL ? open_box(x, h->size, fd, h->path, err)
                        : copy(x, h->size, NULL, fd, h->path, err);
    if (ok && fchmod(fd, mode) == -1)
        ok = mse_fail_errno(err, h->path, "cannot set the mode", errno);
    if (close(fd) == -1 && ok)
        ok = mse_fail_errno(err, h->path, "cannot write", errno);
    return ok && take(x, mse_tar_padding(h->size), h->path, err) != NULL;
}

/* Which names are links is known at the end only; until then no path leads through one. */
static bool is_no_link(const void *context, const char *path)
{
    (void)context;
    (void)path;
    return false;
}

static bool extract_link(struct extraction *x, const struct mse_tar_header *h,
                         struct mse_error *err)
{
    return mse_tree_path_check(h->path, err) &&
           mse_tree_target_check(h->path, h->target, is_no_link, NULL, err) &&
           mse_new_dir_link(&x->dir, h->path, h->target, err);
}

static bool count(struct extraction *x, const struct mse_tar_header *h, struct mse_error *err)
{
    if (++x->entries > x->limits->entries)
        return mse_fail_text(err, MSE_ERR_LIMIT, h->path, "more than %llu entries",
                             (unsigned long long)x->limits->entries);
    if (h->size > x->limits->bytes - x->bytes)
        return mse_fail_text(err, MSE_ERR_LIMIT, h->path, "more than %llu bytes in all",
                             (unsigned long long)x->limits->bytes);
    x->bytes += h->size;
    return true;
}

/* The next header; *end at the mark. Reads on as long as the header asks for more. */
static bool next_header(struct extraction *x, struct mse_tar_header *h, bool *is_directory,
                        bool *end, struct mse_error *err)
{
    struct mse_error why = { 0 };
    size_t used;
    bool ok = mse_tar_header_read(buffered(x), true, h, is_directory, &used, &why);

    if (!ok && why.code == MSE_ERR_TRUNCATED && !x->at_end) {
        why = (struct mse_error){ 0 };
        if (!fill(x, err))
            return false;
        ok = mse_tar_header_read(buffered(x), true, h, is_directory, &used, &why);
    }
    if (!ok) {
        *err = why;
        return false;
    }
    *end = used == 0;
    x->start += used;
    return true;
}

/* Only zeros may follow the mark. */
static bool read_tail(struct extraction *x, struct mse_error *err)
{
    size_t total = 0;

    for (;;) {
        struct mse_bytes rest = buffered(x);

        if (!mse_is_zero(rest.data, rest.len))
            return mse_fail_text(err, MSE_ERR_TRAILING, "archive", "bytes follow its end");
        total += rest.len;
        if (total > MSE_TAR_END + MAX_TAIL)
            return mse_fail_text(err, MSE_ERR_LIMIT, "archive", "too many zeros follow its end");
        x->start = x->end;
        if (x->at_end)
            return true;
        if (!fill(x, err))
            return false;
    }
}

static bool extract_all(struct extraction *x, struct mse_error *err)
{
    struct mse_tar_header h;
    bool is_directory, end;

    for (;;) {
        if (!mse_stop_check(x->stop, err) || !next_header(x, &h, &is_directory, &end, err))
            return false;
        if (end)
            return read_tail(x, err);
        if (!count(x, &h, err))
            return false;
        if (is_directory)
            continue;
        if (!(h.type == MSE_TAR_LINK ? extract_link(x, &h, err) : extract_file(x, &h, err)))
            return false;
    }
}

/* What lies there now is a tree by all rules: no link leads through another one out of it. */
static bool check_tree(const struct mse_new_dir *dir, struct mse_error *err)
{
    struct mse_tree *tree = NULL;
    bool ok = mse_tree_read(dir->temporary, NULL, &tree, err);

    mse_tree_free(tree);
    return ok;
}

bool mse_extract(int archive, const char *directory, const struct mse_extract_limits *limits,
                 const uint8_t *key, const struct mse_stop *stop, struct mse_error *err)
{
    struct extraction x = { .archive = archive, .limits = limits, .key = key, .stop = stop };
    bool ok;

    x.buffer = malloc(BUFFER);
    if (x.buffer == NULL)
        return mse_fail_memory(err);
    ok = mse_new_dir_open(directory, &x.dir, err) && extract_all(&x, err) &&
         check_tree(&x.dir, err) && mse_new_dir_keep(&x.dir, err);
    mse_new_dir_cleanup(&x.dir);
    explicit_bzero(x.buffer, BUFFER); /* holds the owner's code */
    free(x.buffer);
    return ok;
}
