/* SPDX-License-Identifier: Apache-2.0 */
/* Writing of a package: where each entry goes is known beforehand, so threads write side by side.
 */
/* An EVP digest of OpenSSL 3.0 can fail at each call; these cannot. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "package/package.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/sha.h>

#include "package/tar.h"

#define PIECE (256U << 10)
#define MAX_THREADS 8U

_Static_assert(PIECE % MSE_BOX_STEP == 0, "whole steps");

/* ---- nonces ---- */

static size_t count_files(const struct mse_tree *tree)
{
    size_t count = 0;

    for (size_t i = 0; i < mse_tree_count(tree); i++)
        count += mse_tree_at(tree, i)->type != MSE_TREE_LINK;
    return count;
}

static bool fill(const struct mse_tree *tree, struct mse_nonces *nonces, struct mse_error *err)
{
    for (size_t i = 0; i < mse_tree_count(tree); i++) {
        const struct mse_tree_entry *entry = mse_tree_at(tree, i);
        struct mse_nonce *nonce = &nonces->of[nonces->count];

        if (entry->type == MSE_TREE_LINK)
            continue;
        nonce->path = strdup(entry->path);
        if (nonce->path == NULL)
            return mse_fail_memory(err);
        nonces->count++; /* in the order of the tree, which is that of nonces */
        if (!mse_box_random(nonce->nonce, sizeof(nonce->nonce), err))
            return false;
    }
    return true;
}

bool mse_nonces_make(const struct mse_tree *tree, struct mse_nonces *nonces, struct mse_error *err)
{
    const size_t files = count_files(tree);

    *nonces = (struct mse_nonces){ 0 };
    if (files == 0)
        return true;
    nonces->of = calloc(files, sizeof(nonces->of[0]));
    if (nonces->of == NULL)
        return mse_fail_memory(err);
    if (fill(tree, nonces, err))
        return true;
    mse_nonces_cleanup(nonces);
    return false;
}

static bool check_nonces(const struct mse_tree *tree, const struct mse_nonces *nonces,
                         struct mse_error *err)
{
    for (size_t i = 0; i < mse_tree_count(tree); i++) {
        const struct mse_tree_entry *entry = mse_tree_at(tree, i);

        if (entry->type != MSE_TREE_LINK && mse_nonces_find(nonces, entry->path) == NULL)
            return mse_fail_text(err, MSE_ERR_MISSING, entry->path,
                                 "no nonce is known for this file");
    }
    return mse_nonces_check(nonces, err);
}

/* ---- layout ---- */

/* First entry that is not before path. */
static size_t lower_bound(const struct mse_tree *tree, const char *path)
{
    size_t low = 0, high = mse_tree_count(tree);

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(mse_tree_at(tree, middle)->path, path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Links and directories keep their names, so "a.enc" can be there beside the sealed file "a". */
static bool check_sealed_name(const struct mse_tree *tree, const char *sealed,
                              struct mse_error *err)
{
    char below[MSE_TAR_MAX_PATH + 2];
    const size_t len = strlen(sealed);
    const struct mse_tree_entry *same = mse_tree_at(tree, lower_bound(tree, sealed));
    const struct mse_tree_entry *inside;

    memcpy(below, sealed, len);
    memcpy(below + len, "/", 2);
    inside = mse_tree_at(tree, lower_bound(tree, below));
    if ((same != NULL && same->type == MSE_TREE_LINK && strcmp(same->path, sealed) == 0) ||
        (inside != NULL && strncmp(inside->path, below, len + 1) == 0))
        return mse_fail_text(err, MSE_ERR_DUPLICATE, sealed,
                             "a link or directory has the name of a sealed file; rename it");
    return true;
}

static bool header_of(const struct mse_tree *tree, size_t index, bool sealed,
                      struct mse_writer *out, struct mse_error *err)
{
    const struct mse_tree_entry *entry = mse_tree_at(tree, index);
    const bool is_link = entry->type == MSE_TREE_LINK;
    const size_t len = strlen(entry->path);
    struct mse_tar_header h = { 0 };

    if (len > MSE_TAR_MAX_PATH - (sizeof(MSE_BOX_SUFFIX) - 1))
        return mse_fail_text(err, MSE_ERR_LIMIT, entry->path, "the path is too long for a package");
    memcpy(h.path, entry->path, len);
    if (is_link) {
        if (strlen(entry->target) > MSE_TAR_MAX_PATH)
            return mse_fail_text(err, MSE_ERR_LIMIT, entry->path, "the link's target is too long");
        h.type = MSE_TAR_LINK;
        memcpy(h.target, entry->target, strlen(entry->target));
    } else {
        h.type = entry->type == MSE_TREE_EXECUTABLE ? MSE_TAR_EXECUTABLE : MSE_TAR_FILE;
        h.size = entry->size + (sealed ? MSE_BOX_OVERHEAD : 0);
    }
    if (sealed && !is_link)
        memcpy(h.path + len, MSE_BOX_SUFFIX, sizeof(MSE_BOX_SUFFIX));
    out->len = 0;
    return mse_tar_header_write(&h, out, err) &&
           (!sealed || is_link || check_sealed_name(tree, h.path, err));
}

/* Bytes behind the header of an entry: content and padding. */
static uint64_t content_size(const struct mse_tree_entry *entry, bool sealed)
{
    uint64_t size = entry->size + (sealed ? MSE_BOX_OVERHEAD : 0);

    return entry->type == MSE_TREE_LINK ? 0 : size + mse_tar_padding(size);
}

static bool measure(const struct mse_tree *tree, bool sealed, uint64_t *size, struct mse_error *err)
{
    struct mse_writer header = { 0 };
    uint64_t total = MSE_TAR_END;
    bool ok = true;

    for (size_t i = 0; ok && i < mse_tree_count(tree); i++) {
        ok = header_of(tree, i, sealed, &header, err);
        total += header.len + content_size(mse_tree_at(tree, i), sealed);
    }
    mse_writer_cleanup(&header);
    *size = ok ? total : 0;
    return ok;
}

/* A full disk is found before any work is done, where the file system can tell. */
static bool reserve(int out, uint64_t size, struct mse_error *err)
{
    if (size > INT64_MAX)
        return mse_fail_text(err, MSE_ERR_LIMIT, "package", "too large");
    while (fallocate(out, 0, 0, (off_t)size) == -1) {
        if (errno == EINTR)
            continue;
        if (errno != EOPNOTSUPP && errno != ENOSYS)
            return mse_fail_errno(err, "package", "cannot write", errno);
        break;
    }
    return ftruncate(out, (off_t)size) == 0 ||
           mse_fail_errno(err, "package", "cannot write", errno);
}

/* ---- entries ---- */

struct job {
    const struct mse_tree *tree;
    const struct mse_package_options *options;
    int out;
    pthread_mutex_t lock; /* of what follows */
    size_t next;          /* entry to be written, and where */
    uint64_t at;
    bool failed;
    size_t failed_index; /* the lowest, so that the same failure is told each time */
    struct mse_error err;
};

/* One file on its way, with what one thread needs. */
struct work {
    struct job *job;
    uint8_t *piece; /* PIECE bytes */
    struct mse_writer header;
};

static bool write_at(int out, const uint8_t *data, size_t len, uint64_t at, struct mse_error *err)
{
    while (len > 0) {
        ssize_t n = pwrite(out, data, len, (off_t)at);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return mse_fail_errno(err, "package", "cannot write", errno);
        data += n;
        len -= (size_t)n;
        at += (uint64_t)n;
    }
    return true;
}

static bool fail_changed(const char *path, struct mse_error *err)
{
    return mse_fail_text(err, MSE_ERR_IO, path,
                         "changed while it was read; try again when nothing writes there");
}

static bool read_exactly(int in, uint8_t *data, size_t len, const char *path, struct mse_error *err)
{
    while (len > 0) {
        ssize_t n = read(in, data, len);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return mse_fail_errno(err, path, "cannot read", errno);
        if (n == 0)
            return fail_changed(path, err);
        data += n;
        len -= (size_t)n;
    }
    return true;
}

/* Content of a file to out at this place; box may be NULL. It must be what was hashed: the digest
 * of the tree would else be of other bytes than those in the package. */
static bool copy(const struct work *w, const struct mse_tree_entry *entry, int in,
                 struct mse_box *box, uint64_t at, struct mse_error *err)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    uint64_t left = entry->size;
    SHA256_CTX hash;

    SHA256_Init(&hash);
    while (left > 0) {
        size_t len = left < PIECE ? (size_t)left : PIECE;

        if (!mse_stop_check(w->job->options->stop, err) ||
            !read_exactly(in, w->piece, len, entry->path, err))
            return false;
        SHA256_Update(&hash, w->piece, len);
        if (box != NULL)
            mse_box_seal(box, w->piece, len);
        if (!write_at(w->job->out, w->piece, len, at, err))
            return false;
        at += len;
        left -= len;
    }
    SHA256_Final(digest, &hash);
    return memcmp(digest, entry->sha256, sizeof(digest)) == 0 || fail_changed(entry->path, err);
}

static bool seal(const struct work *w, const struct mse_tree_entry *entry, int in, uint64_t at,
                 struct mse_error *err)
{
    const struct mse_package_options *o = w->job->options;
    const uint8_t *nonce = mse_nonces_find(o->nonces, entry->path);
    uint8_t head[MSE_BOX_OVERHEAD];
    struct mse_box box;
    bool ok;

    if (nonce == NULL)
        return mse_fail(err, MSE_ERR_MISSING, 0, entry->path);
    memcpy(head, nonce, MSE_BOX_NONCE);
    if (!mse_box_init(&box, o->key, nonce, err))
        return false;
    ok = copy(w, entry, in, &box, at + MSE_BOX_OVERHEAD, err);
    mse_box_tag(&box, head + MSE_BOX_NONCE);
    return ok && write_at(w->job->out, head, sizeof(head), at, err);
}

static bool write_entry(const struct work *w, size_t index, uint64_t at, struct mse_error *err)
{
    const struct mse_tree_entry *entry = mse_tree_at(w->job->tree, index);
    const uint64_t content = at + w->header.len;
    bool ok;
    int in;

    if (!mse_stop_check(w->job->options->stop, err) ||
        !write_at(w->job->out, w->header.data, w->header.len, at, err))
        return false;
    if (entry->type == MSE_TREE_LINK)
        return true;
    if (!mse_tree_open(w->job->tree, index, &in, err))
        return false;
    ok = w->job->options->key != NULL ? seal(w, entry, in, content, err)
                                      : copy(w, entry, in, NULL, content, err);
    (void)close(in);
    return ok;
}

/* ---- threads ---- */

static void record(struct job *job, size_t index, const struct mse_error *err)
{
    if (!job->failed || index < job->failed_index) {
        job->failed_index = index;
        job->err = *err;
    }
    job->failed = true;
}

/* The next entry in the order of the tree, so that all before one that fails were begun. */
static bool claim(struct work *w, size_t *index, uint64_t *at)
{
    struct job *job = w->job;
    const bool sealed = job->options->key != NULL;
    struct mse_error err = { 0 };
    bool found = false;

    (void)pthread_mutex_lock(&job->lock);
    if (!job->failed && job->next < mse_tree_count(job->tree)) {
        *index = job->next++;
        *at = job->at;
        found = header_of(job->tree, *index, sealed, &w->header, &err);
        if (found)
            job->at += w->header.len + content_size(mse_tree_at(job->tree, *index), sealed);
        else
            record(job, *index, &err);
    }
    (void)pthread_mutex_unlock(&job->lock);
    return found;
}

static void *run(void *arg)
{
    struct job *job = arg;
    struct work w = { .job = job, .piece = malloc(PIECE) };
    struct mse_error err = { 0 };
    size_t index = 0;
    uint64_t at = 0;
    bool ok = w.piece != NULL || mse_fail_memory(&err);

    while (ok && claim(&w, &index, &at))
        ok = write_entry(&w, index, at, &err);
    if (!ok) {
        (void)pthread_mutex_lock(&job->lock);
        record(job, index, &err);
        (void)pthread_mutex_unlock(&job->lock);
    }
    if (w.piece != NULL)
        explicit_bzero(w.piece, PIECE); /* the owner's code */
    free(w.piece);
    mse_writer_cleanup(&w.header);
    return NULL;
}

static unsigned thread_count(unsigned wanted)
{
    long cores = wanted > 0 ? (long)wanted : sysconf(_SC_NPROCESSORS_ONLN);

    return cores < 1 ? 1 : cores > (long)MAX_THREADS ? MAX_THREADS : (unsigned)cores;
}

/* This thread works too; if others cannot be had it does all. */
static void run_all(struct job *job, unsigned threads)
{
    pthread_t others[MAX_THREADS];
    unsigned count = 0;

    while (count + 1 < threads && pthread_create(&others[count], NULL, run, job) == 0)
        count++;
    (void)run(job);
    for (unsigned i = 0; i < count; i++)
        (void)pthread_join(others[i], NULL);
}

bool mse_package_write(const struct mse_tree *tree, const struct mse_package_options *options,
                       int out, uint64_t *size, struct mse_error *err)
{
    const bool sealed = options->key != NULL;
    const bool make = sealed && options->nonces->count == 0;
    struct job job = { .tree = tree, .options = options, .out = out };

    *size = 0;
    if (!measure(tree, sealed, size, err) || !reserve(out, *size, err) ||
        (sealed && !(make ? mse_nonces_make(tree, options->nonces, err)
                          : check_nonces(tree, options->nonces, err))))
        (void)mse_fail(err, MSE_ERR_IO, 0, "package");
    else if (pthread_mutex_init(&job.lock, NULL) != 0)
        (void)mse_fail_memory(err);
    else {
        run_all(&job, thread_count(options->threads));
        (void)pthread_mutex_destroy(&job.lock);
        if (!job.failed)
            return true;
        *err = job.err;
    }
    *size = 0;
    if (make)
        mse_nonces_cleanup(options->nonces);
    return false;
}
