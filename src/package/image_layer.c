/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libarchive twice: one reader decompresses the blob, the other reads the tar that comes out, so
 * that both streams are hashed and counted on the way. Nothing is written anywhere.
 */
#include "package/image_layer.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/encode.h"

#define CHUNK (128U << 10)
#define RATIO_FREE                                                                                 \
    (16U << 20) /* below it no ratio is looked at: a small tar of zeros is no bomb                 \
                 */

struct stream {
    struct image_blob blob;
    uint64_t done; /* bytes of the blob that were read */
    const struct mse_image_limits *limits;
    uint64_t *bytes_left;
    uint64_t unpacked;
    struct archive *raw, *tar;
    EVP_MD_CTX *blob_hash, *tar_hash, *file_hash;
    struct mse_error *err; /* first failure, also of callbacks */
    uint8_t *in, *out;     /* CHUNK bytes each */
};

static ssize_t read_blob(struct archive *a, void *context, const void **buffer)
{
    struct stream *s = context;
    uint64_t left = s->blob.size - s->done;
    ssize_t n;

    do {
        n = pread(s->blob.fd, s->in, left < CHUNK ? (size_t)left : CHUNK,
                  (off_t)(s->blob.at + s->done));
    } while (n < 0 && errno == EINTR);
    if (n < 0 || (n == 0 && left > 0)) {
        (void)mse_fail_text(s->err, MSE_ERR_IO, "image", "cannot read a layer: %s",
                            n < 0 ? strerror(errno) : "the file is too short");
        archive_set_error(a, EIO, "read");
        return ARCHIVE_FATAL;
    }
    s->done += (uint64_t)n;
    if (EVP_DigestUpdate(s->blob_hash, s->in, (size_t)n) != 1) {
        (void)mse_fail(s->err, MSE_ERR_CRYPTO, 0, "SHA-256");
        return ARCHIVE_FATAL;
    }
    *buffer = s->in;
    return n;
}

static bool within_limits(struct stream *s, size_t n)
{
    s->unpacked += n;
    if (s->limits == NULL)
        return true;
    if (n > *s->bytes_left)
        return mse_fail_text(s->err, MSE_ERR_LIMIT, "image",
                             "layers hold more than %" PRIu64 " bytes", s->limits->bytes);
    *s->bytes_left -= n;
    if (s->limits->ratio > 0 && s->unpacked > RATIO_FREE &&
        s->unpacked / s->limits->ratio > s->done)
        return mse_fail_text(s->err, MSE_ERR_LIMIT, "image",
                             "a layer unpacks to more than %u times its size", s->limits->ratio);
    return true;
}

static ssize_t read_unpacked(struct archive *a, void *context, const void **buffer)
{
    struct stream *s = context;
    ssize_t n = archive_read_data(s->raw, s->out, CHUNK);

    if (n < 0) {
        (void)mse_fail_text(s->err, MSE_ERR_FORMAT, "image", "cannot decompress a layer: %s",
                            archive_error_string(s->raw));
        archive_set_error(a, EIO, "decompress");
        return ARCHIVE_FATAL;
    }
    if (!within_limits(s, (size_t)n)) {
        archive_set_error(a, EFBIG, "limit");
        return ARCHIVE_FATAL;
    }
    if (EVP_DigestUpdate(s->tar_hash, s->out, (size_t)n) != 1) {
        (void)mse_fail(s->err, MSE_ERR_CRYPTO, 0, "SHA-256");
        return ARCHIVE_FATAL;
    }
    *buffer = s->out;
    return n;
}

static void stream_close(struct stream *s)
{
    if (s->tar != NULL)
        (void)archive_read_free(s->tar);
    if (s->raw != NULL)
        (void)archive_read_free(s->raw);
    EVP_MD_CTX_free(s->blob_hash);
    EVP_MD_CTX_free(s->tar_hash);
    EVP_MD_CTX_free(s->file_hash);
    free(s->in);
    free(s->out);
}

static bool hash_start(EVP_MD_CTX **hash)
{
    if (*hash == NULL)
        *hash = EVP_MD_CTX_new();
    return *hash != NULL && EVP_DigestInit_ex(*hash, EVP_sha256(), NULL) == 1;
}

static bool archive_failed(struct stream *s, struct archive *a)
{
    const char *text = archive_error_string(a);

    return mse_fail_text(s->err, MSE_ERR_FORMAT, "image", "a layer is no proper archive: %s",
                         text != NULL ? text : "unknown error");
}

static bool stream_open(struct stream *s, const struct image_blob *blob, struct mse_error *err)
{
    struct archive_entry *entry = NULL;

    s->blob = *blob;
    s->err = err;
    s->in = malloc(CHUNK);
    s->out = malloc(CHUNK);
    s->raw = archive_read_new();
    s->tar = archive_read_new();
    if (s->in == NULL || s->out == NULL || s->raw == NULL || s->tar == NULL)
        return mse_fail_memory(err);
    if (!hash_start(&s->blob_hash) || !hash_start(&s->tar_hash) || !hash_start(&s->file_hash))
        return mse_fail(err, MSE_ERR_CRYPTO, 0, "SHA-256");
    if (archive_read_support_filter_gzip(s->raw) != ARCHIVE_OK ||
        archive_read_support_filter_zstd(s->raw) != ARCHIVE_OK ||
        archive_read_support_format_raw(s->raw) != ARCHIVE_OK ||
        archive_read_open(s->raw, s, NULL, read_blob, NULL) != ARCHIVE_OK ||
        archive_read_next_header(s->raw, &entry) != ARCHIVE_OK)
        return archive_failed(s, s->raw);
    if (archive_read_support_format_tar(s->tar) != ARCHIVE_OK ||
        archive_read_support_format_empty(s->tar) != ARCHIVE_OK ||
        archive_read_open(s->tar, s, NULL, read_unpacked, NULL) != ARCHIVE_OK)
        return archive_failed(s, s->tar);
    return true;
}

/* True with *entry NULL at the end of the archive. */
static bool next_entry(struct stream *s, struct archive_entry **entry)
{
    int status = archive_read_next_header(s->tar, entry);

    if (status == ARCHIVE_EOF) {
        *entry = NULL;
        return true;
    }
    /* A warning is about times, owners or extended attributes, which are not looked at. */
    return status == ARCHIVE_OK || status == ARCHIVE_WARN || archive_failed(s, s->tar);
}

/* The raw bytes of a name; conversions would depend on the locale. */
static const char *name_of(struct archive_entry *entry)
{
    const char *utf8 = archive_entry_pathname_utf8(entry);

    return utf8 != NULL ? utf8 : archive_entry_pathname(entry);
}

static bool fail_entry(struct stream *s, enum mse_err_code code, const char *path, const char *what)
{
    char shown[256];

    return mse_fail_text(s->err, code, "image", "%s: %s",
                         mse_escape(MSE_CSTR_BYTES(path), shown, sizeof(shown)), what);
}

/* The reader makes zeros of holes, which no limit on what a layer unpacks to would see. */
static bool refuse_holes(struct stream *s, struct archive_entry *entry, const char *path)
{
    (void)archive_entry_sparse_reset(entry);
    return archive_entry_sparse_count(entry) == 0 ||
           fail_entry(s, MSE_ERR_UNSUPPORTED, path, "is a sparse file; write the layer without");
}

static bool hash_content(struct stream *s, struct archive_entry *entry, struct image_node *node,
                         const char *path)
{
    uint8_t *buffer = malloc(CHUNK);
    ssize_t n = 0;
    bool ok = buffer != NULL || mse_fail_memory(s->err);

    ok = ok && (hash_start(&s->file_hash) || mse_fail(s->err, MSE_ERR_CRYPTO, 0, "SHA-256"));
    while (ok && (n = archive_read_data(s->tar, buffer, CHUNK)) > 0) {
        node->size += (uint64_t)n;
        if (node->size > s->unpacked)
            ok = fail_entry(s, MSE_ERR_LIMIT, path, "has more content than its layer");
        ok = ok && (EVP_DigestUpdate(s->file_hash, buffer, (size_t)n) == 1 ||
                    mse_fail(s->err, MSE_ERR_CRYPTO, 0, "SHA-256"));
    }
    free(buffer);
    if (ok && n < 0)
        ok = archive_failed(s, s->tar);
    /* A hole that the reader does not tell of: others would see another file. */
    if (ok && node->size != (uint64_t)archive_entry_size(entry))
        ok = fail_entry(s, MSE_ERR_VALUE, path, "has not the size that it states");
    return ok && (EVP_DigestFinal_ex(s->file_hash, node->sha256, NULL) == 1 ||
                  mse_fail(s->err, MSE_ERR_CRYPTO, 0, "SHA-256"));
}

static enum image_type type_of(struct archive_entry *entry)
{
    switch (archive_entry_filetype(entry)) {
    case AE_IFDIR:
        return IMAGE_DIRECTORY;
    case AE_IFREG:
        return IMAGE_FILE;
    case AE_IFLNK:
        return IMAGE_LINK;
    default:
        return IMAGE_OTHER;
    }
}

/* A second name for a file that is there already. */
static bool apply_hard_link(struct stream *s, struct image_tree *tree, const char *path,
                            const char *target, unsigned layer)
{
    const struct image_node *found = image_find(tree, &tree->root, target, false);
    struct image_node copy, *node = NULL;

    if (found == NULL || found->type == IMAGE_DIRECTORY)
        return fail_entry(s, MSE_ERR_VALUE, path, "is a link to nothing");
    copy = *found;
    if (!image_apply(tree, path, copy.type, layer, &node, s->err))
        return false;
    if (node == NULL)
        return true;
    node->size = copy.size;
    node->entry = copy.entry;
    node->content_layer = copy.content_layer;
    memcpy(node->sha256, copy.sha256, sizeof(node->sha256));
    return copy.type != IMAGE_LINK || image_set_target(node, copy.target, s->err);
}

static bool apply_entry(struct stream *s, struct image_tree *tree, struct archive_entry *entry,
                        unsigned layer, uint64_t number)
{
    const char *path = name_of(entry);
    const char *link = archive_entry_hardlink_utf8(entry);
    struct image_node *node = NULL;
    enum image_type type = type_of(entry);

    if (link == NULL)
        link = archive_entry_hardlink(entry);
    if (path == NULL)
        return mse_fail_text(s->err, MSE_ERR_FORMAT, "image", "an entry has no readable name");
    if (link != NULL)
        return apply_hard_link(s, tree, path, link, layer);
    if (!image_apply(tree, path, type, layer, &node, s->err))
        return false;
    if (node == NULL)
        return true;
    node->entry = number;
    node->content_layer = layer;
    if (type == IMAGE_FILE)
        return refuse_holes(s, entry, path) && hash_content(s, entry, node, path);
    if (type != IMAGE_LINK)
        return true;
    link = archive_entry_symlink_utf8(entry);
    if (link == NULL)
        link = archive_entry_symlink(entry);
    return link != NULL ? image_set_target(node, link, s->err)
                        : mse_fail_text(s->err, MSE_ERR_FORMAT, "image", "a link has no target");
}

/* What follows the tar's end, and what follows the compressed stream, belongs to the digests. */
static bool drain(struct stream *s)
{
    const void *unused;
    ssize_t n;

    while ((n = read_unpacked(s->tar, s, &unused)) > 0)
        ;
    while (n == 0 && s->done < s->blob.size)
        n = read_blob(s->raw, s, &unused) > 0 ? 0 : -1;
    return n == 0;
}

static bool check_digest(struct stream *s, EVP_MD_CTX *hash, const uint8_t *want, const char *what)
{
    uint8_t digest[EVP_MAX_MD_SIZE];

    if (want == NULL)
        return true;
    if (EVP_DigestFinal_ex(hash, digest, NULL) != 1)
        return mse_fail(s->err, MSE_ERR_CRYPTO, 0, "SHA-256");
    return memcmp(digest, want, 32) == 0 || mse_fail_text(s->err, MSE_ERR_MISMATCH, "image",
                                                          "a layer's %s is not the one its image "
                                                          "states",
                                                          what);
}

bool image_layer_apply(const struct image_layer_job *job, struct image_tree *tree,
                       struct mse_error *err)
{
    struct stream s = { .limits = job->limits, .bytes_left = job->bytes_left };
    struct archive_entry *entry = NULL;
    uint64_t number = 0;
    bool ok = stream_open(&s, &job->blob, err);

    while (ok && (ok = next_entry(&s, &entry)) && entry != NULL)
        ok = apply_entry(&s, tree, entry, job->number, number++);
    ok = ok && drain(&s) && check_digest(&s, s.blob_hash, job->blob_sha256, "digest") &&
         check_digest(&s, s.tar_hash, job->tar_sha256, "diff id");
    stream_close(&s);
    if (!ok && err->code == MSE_ERR_NONE)
        (void)mse_fail(err, MSE_ERR_FORMAT, 0, "image");
    return ok;
}

bool image_layer_read(const struct image_blob *blob, uint64_t number, size_t cap, uint8_t **out,
                      size_t *len, struct mse_error *err)
{
    struct stream s = { 0 };
    struct archive_entry *entry = NULL;
    struct mse_writer content = { .cap = cap };
    uint8_t *buffer = malloc(CHUNK);
    ssize_t n = 0;
    bool ok = stream_open(&s, blob, err) && (buffer != NULL || mse_fail_memory(err));

    *out = NULL;
    *len = 0;
    for (uint64_t i = 0; ok && i <= number; i++)
        ok = next_entry(&s, &entry) &&
             (entry != NULL || mse_fail(err, MSE_ERR_TRUNCATED, 0, "image"));
    while (ok && (n = archive_read_data(s.tar, buffer, CHUNK)) > 0)
        mse_write_bytes(&content, buffer, (size_t)n);
    ok = ok && (n == 0 || archive_failed(&s, s.tar)) &&
         (mse_writer_ok(&content) ||
          mse_fail_text(err, MSE_ERR_LIMIT, "image", "a file has more than %zu bytes", cap));
    free(buffer);
    stream_close(&s);
    *len = content.len;
    *out = ok ? (uint8_t *)mse_writer_take_text(&content) : NULL;
    mse_writer_cleanup(&content);
    return *out != NULL || (ok && mse_fail_memory(err));
}

bool image_blob_read(const struct image_blob *blob, size_t cap, uint8_t **out, size_t *len,
                     struct mse_error *err)
{
    size_t done = 0;

    *out = NULL;
    *len = 0;
    if (blob->size > cap)
        return mse_fail_text(err, MSE_ERR_LIMIT, "image", "a description has more than %zu bytes",
                             cap);
    *out = malloc((size_t)blob->size + 1);
    if (*out == NULL)
        return mse_fail_memory(err);
    while (done < blob->size) {
        ssize_t n = pread(blob->fd, *out + done, (size_t)blob->size - done,
                          (off_t)(blob->at + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            free(*out);
            *out = NULL;
            return mse_fail_text(err, MSE_ERR_IO, "image", "cannot read a description: %s",
                                 n < 0 ? strerror(errno) : "the file is too short");
        }
        done += (size_t)n;
    }
    (*out)[done] = 0;
    *len = done;
    return true;
}
