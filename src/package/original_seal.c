/* SPDX-License-Identifier: Apache-2.0 */
/* Digests of sealed files that are never written, and of the files in a package. */
/* An EVP digest of OpenSSL 3.0 can fail at each call; these cannot. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "package/original_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/sha.h>
#include <sodium.h>

#include "measure/hash_files.h"
#include "measure/trusted_files.h"
#include "package/tar.h"

#define PIECE (64U << 10)
#define BUFFER (1U << 20) /* of a package */

_Static_assert(PIECE % MSE_BOX_STEP == 0, "whole steps");
_Static_assert(BUFFER >= MSE_TAR_MAX_HEADER, "a header fits");

/* ---- reading ---- */

/* As many of len bytes as there are. */
static bool read_piece(int fd, uint8_t *data, size_t len, size_t *got, const char *path,
                       struct mse_error *err)
{
    *got = 0;
    while (*got < len) {
        ssize_t n = read(fd, data + *got, len - *got);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return mse_fail_errno(err, path, "cannot read", errno);
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return true;
}

static bool check_size(uint64_t size, const char *path, struct mse_error *err)
{
    return size <= MSE_MEASURE_MAX_FILE ||
           mse_fail_text(err, MSE_ERR_LIMIT, path, "larger than 4 GiB");
}

/* All of a file, sealed if there is a box, into a hash if there is one. */
static bool pass(int fd, uint8_t *piece, struct mse_box *box, SHA256_CTX *hash, uint64_t *size,
                 const char *path, struct mse_error *err)
{
    size_t got;

    *size = 0;
    do {
        if (!read_piece(fd, piece, PIECE, &got, path, err) || !check_size(*size + got, path, err))
            return false;
        *size += got;
        if (box != NULL)
            mse_box_seal(box, piece, got);
        if (hash != NULL)
            SHA256_Update(hash, piece, got);
    } while (got == PIECE);
    return true;
}

/* ---- one file ---- */

static bool fail_changed(const char *path, struct mse_error *err)
{
    return mse_fail_text(err, MSE_ERR_IO, path,
                         "changed while it was read; try again when nothing writes there");
}

/* nonce || tag || content: the tag is known after a first pass only. */
static bool seal(int fd, uint8_t *piece, const uint8_t key[static MSE_BOX_KEY],
                 const uint8_t *nonce, struct mse_original_file *file, struct mse_error *err)
{
    uint8_t tag[MSE_BOX_TAG], again[MSE_BOX_TAG];
    struct mse_box box = { 0 };
    SHA256_CTX hash;
    uint64_t size = 0, second = 0;
    bool ok;

    ok = mse_box_init(&box, key, nonce, err) && pass(fd, piece, &box, NULL, &size, file->path, err);
    if (ok)
        mse_box_tag(&box, tag);
    SHA256_Init(&hash);
    if (ok && lseek(fd, 0, SEEK_SET) == -1)
        ok = mse_fail_errno(err, file->path, "cannot read", errno);
    if (ok) {
        SHA256_Update(&hash, nonce, MSE_BOX_NONCE);
        SHA256_Update(&hash, tag, sizeof(tag));
        ok = mse_box_init(&box, key, nonce, err) &&
             pass(fd, piece, &box, &hash, &second, file->path, err);
    }
    if (ok) {
        mse_box_tag(&box, again);
        ok = (size == second && sodium_memcmp(tag, again, sizeof(tag)) == 0) ||
             fail_changed(file->path, err);
    }
    mse_box_cleanup(&box);
    SHA256_Final(file->sha256, &hash);
    file->size = size + MSE_BOX_OVERHEAD;
    return ok;
}

static bool hash_plain(int fd, uint8_t *piece, struct mse_original_file *file,
                       struct mse_error *err)
{
    SHA256_CTX hash;
    bool ok;

    SHA256_Init(&hash);
    ok = pass(fd, piece, NULL, &hash, &file->size, file->path, err);
    SHA256_Final(file->sha256, &hash);
    return ok;
}

static bool seal_file(const struct mse_file_source *source, uint8_t *piece,
                      const uint8_t key[static MSE_BOX_KEY], const struct mse_nonces *nonces,
                      struct mse_original_file *file, struct mse_error *err)
{
    const uint8_t *nonce = file->sealed ? mse_nonces_find(nonces, file->path) : NULL;
    struct stat st;
    bool ok;
    int fd = -1;

    if (file->sealed && nonce == NULL)
        return mse_fail_text(err, MSE_ERR_MISSING, file->path,
                             "no nonce is known for this file: it was not part of the deployment");
    if (file->hidden)
        return true;
    if (!source->open(source, file->path, &fd, err))
        return mse_fail_in(err, "%s", file->path);
    if (fstat(fd, &st) == -1)
        ok = mse_fail_errno(err, file->path, "cannot examine", errno);
    else if (!S_ISREG(st.st_mode))
        ok = fail_changed(file->path, err);
    else
        ok = file->sealed ? seal(fd, piece, key, nonce, file, err)
                          : hash_plain(fd, piece, file, err);
    (void)close(fd);
    return ok;
}

bool mse_original_code_seal(const char *directory, const uint8_t key[static 32],
                            const struct mse_nonces *nonces, struct mse_original_files *code,
                            struct mse_error *err)
{
    struct mse_directory_source source;
    uint8_t *piece;
    bool ok;

    if (!mse_directory_source_open(directory, NULL, &source, err))
        return false;
    piece = malloc(PIECE);
    ok = piece != NULL || mse_fail_memory(err);
    for (size_t i = 0; ok && i < code->count; i++)
        ok = seal_file(&source.source, piece, key, nonces, &code->of[i], err);
    if (piece != NULL)
        sodium_memzero(piece, PIECE); /* the owner's code */
    free(piece);
    mse_directory_source_close(&source);
    return ok;
}

/* ---- packages ---- */

struct package {
    int fd;
    const char *path;
    uint8_t *buffer; /* BUFFER bytes */
    size_t start, end;
};

/* Moves what is left to the front and reads on. */
static bool fill(struct package *p, struct mse_error *err)
{
    size_t got;

    memmove(p->buffer, p->buffer + p->start, p->end - p->start);
    p->end -= p->start;
    p->start = 0;
    if (!read_piece(p->fd, p->buffer + p->end, BUFFER - p->end, &got, p->path, err))
        return false;
    p->end += got;
    return true;
}

/* Content into hash, if there is one. */
static bool take(struct package *p, uint64_t size, SHA256_CTX *hash, struct mse_error *err)
{
    while (size > 0) {
        size_t len;

        if (p->start == p->end && !fill(p, err))
            return false;
        len = p->end - p->start;
        if (len == 0)
            return mse_fail_text(err, MSE_ERR_TRUNCATED, p->path, "the archive ends too early");
        if (len > size)
            len = (size_t)size;
        if (hash != NULL)
            SHA256_Update(hash, p->buffer + p->start, len);
        p->start += len;
        size -= len;
    }
    return true;
}

static bool take_file(struct package *p, const struct mse_tar_header *h,
                      struct mse_original_files *out, struct mse_error *err)
{
    struct mse_original_file *file;
    SHA256_CTX hash;
    bool ok;

    if (h->type == MSE_TAR_LINK)
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, h->path,
                             "is a link; where it leads is not known from the package alone");
    if (!check_size(h->size, h->path, err) ||
        !mse_original_files_add(out, h->path, h->path, &file, err))
        return false;
    file->size = h->size;
    SHA256_Init(&hash);
    ok = take(p, h->size, &hash, err);
    SHA256_Final(file->sha256, &hash);
    return ok && take(p, mse_tar_padding(h->size), NULL, err);
}

static bool take_entries(struct package *p, struct mse_original_files *out, struct mse_error *err)
{
    struct mse_tar_header h;

    for (;;) {
        bool is_directory = false;
        size_t used = 0;

        if ((p->end - p->start < MSE_TAR_MAX_HEADER && !fill(p, err)) ||
            !mse_tar_header_read((struct mse_bytes){ p->buffer + p->start, p->end - p->start },
                                 true, &h, &is_directory, &used, err))
            return false;
        if (used == 0)
            return true;
        p->start += used;
        if (!is_directory && !take_file(p, &h, out, err))
            return false;
    }
}

bool mse_original_package_read(const char *path, struct mse_original_files *out,
                               struct mse_error *err)
{
    struct package p = { .path = path };
    struct stat st;
    bool ok;

    *out = (struct mse_original_files){ 0 };
    p.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (p.fd == -1)
        return mse_fail_errno(err, path, "cannot open", errno);
    p.buffer = malloc(BUFFER);
    if (p.buffer == NULL)
        ok = mse_fail_memory(err);
    else if (fstat(p.fd, &st) == -1 || !S_ISREG(st.st_mode))
        ok = mse_fail_text(err, MSE_ERR_VALUE, path, "is no regular file");
    else
        ok = (take_entries(&p, out, err) && mse_original_files_sort(out, err)) ||
             mse_fail_in(err, "%s", path);
    (void)close(p.fd);
    free(p.buffer);
    if (!ok)
        mse_original_files_cleanup(out);
    return ok;
}
