/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening of the app's package. It comes from the host, which may have written anything into it:
 * until the last entry has been hashed and the tree digest compared, it is hostile.
 */
/* An EVP digest of OpenSSL 3.0 can fail at each call; these cannot. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "enclave/code.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "crypto/hash.h"
#include "enclave/code_dir.h"
#include "measure/tree_path.h"
#include "package/encrypt.h"
#include "package/tar.h"

#define PIECE (64U << 10)
#define BUFFER (256U << 10)

_Static_assert(BUFFER >= MSE_TAR_MAX_HEADER && BUFFER >= PIECE, "a header or piece fits");
_Static_assert(PIECE % MSE_BOX_STEP == 0, "whole steps");

/* Links in the order of the archive, which is the order of bytes. */
struct link {
    char *path, *target; /* owned; target lies in the block of path */
};

struct opening {
    int package;
    const uint8_t *key;
    const struct mse_code_limits *limits;
    struct mse_code_dir dir;
    SHA256_CTX tree;
    char last[MSE_TREE_MAX_PATH + 1]; /* path of the entry before, "" in front of the first */
    struct link *links;
    size_t links_count, links_size;
    uint64_t entries, bytes;
    bool all_look_sealed; /* each file so far is named like a sealed one */
    uint8_t *buffer;      /* BUFFER bytes */
    size_t start, end;
    bool at_end; /* of the file */
};

/* ---- input ---- */

static struct mse_bytes buffered(const struct opening *o)
{
    return (struct mse_bytes){ o->buffer + o->start, o->end - o->start };
}

/* Until the buffer or the package is at its end. */
static bool fill(struct opening *o, struct mse_error *err)
{
    memmove(o->buffer, o->buffer + o->start, o->end - o->start);
    o->end -= o->start;
    o->start = 0;
    while (!o->at_end && o->end < BUFFER) {
        ssize_t n = read(o->package, o->buffer + o->end, BUFFER - o->end);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return mse_fail_errno(err, MSE_CODE_FILE, "cannot read", errno);
        o->at_end = n == 0;
        o->end += (size_t)n;
    }
    return true;
}

/* The next len bytes (PIECE at most), to be changed in place; NULL if there are fewer. */
static uint8_t *take(struct opening *o, size_t len, const char *path, struct mse_error *err)
{
    uint8_t *at;

    if (o->end - o->start < len && !fill(o, err))
        return NULL;
    if (o->end - o->start < len) {
        (void)mse_fail_text(err, MSE_ERR_TRUNCATED, path, "the package ends in the middle of this");
        return NULL;
    }
    at = o->buffer + o->start;
    o->start += len;
    return at;
}

static bool take_zeros(struct opening *o, size_t len, const char *path, struct mse_error *err)
{
    const uint8_t *at = take(o, len, path, err);

    return at != NULL && (mse_is_zero(at, len) ||
                          mse_fail_text(err, MSE_ERR_VALUE, path, "is not padded with zeros"));
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

/* size bytes of content, hashed as they are written; box may be NULL. */
static bool copy(struct opening *o, uint64_t size, struct mse_box *box, SHA256_CTX *hash, int fd,
                 const char *path, struct mse_error *err)
{
    while (size > 0) {
        const size_t len = size < PIECE ? (size_t)size : PIECE;
        uint8_t *data = take(o, len, path, err);

        if (data == NULL)
            return false;
        if (box != NULL)
            mse_box_open(box, data, len);
        SHA256_Update(hash, data, len);
        if (!write_all(fd, data, len, path, err))
            return false;
        size -= len;
    }
    return true;
}

/* The size that a file has once it is opened: *size from that in the archive. */
static bool content_size(const struct opening *o, uint64_t *size, const char *path,
                         struct mse_error *err)
{
    if (o->key != NULL && *size < MSE_BOX_OVERHEAD)
        return mse_fail_text(err, MSE_ERR_VALUE, path, "too short for a sealed file");
    *size -= o->key != NULL ? MSE_BOX_OVERHEAD : 0;
    /* docs/fingerprint.md, "Tree digest". */
    return *size <= UINT32_MAX ||
           mse_fail_text(err, MSE_ERR_LIMIT, path, "a file of a tree has 4294967295 bytes at most");
}

static bool open_box(struct opening *o, uint64_t size, SHA256_CTX *hash, int fd, const char *path,
                     struct mse_error *err)
{
    struct mse_box box = { 0 };
    uint8_t tag[MSE_BOX_TAG];
    const uint8_t *head = take(o, MSE_BOX_OVERHEAD, path, err);
    struct mse_error why = { 0 };
    bool ok;

    if (head == NULL)
        return false;
    memcpy(tag, head + MSE_BOX_NONCE, sizeof(tag));
    ok = mse_box_init(&box, o->key, head, err) && copy(o, size, &box, hash, fd, path, err);
    if (ok && !mse_box_check(&box, tag, &why))
        ok = mse_fail_text(err, why.code, path,
                           "cannot be opened: the code key is a wrong one, or the package was "
                           "changed");
    mse_box_cleanup(&box);
    return ok;
}

/* ---- entries ---- */

static bool has_suffix(const char *path)
{
    const size_t suffix = sizeof(MSE_BOX_SUFFIX) - 1, len = strlen(path);

    return len > suffix && strcmp(path + len - suffix, MSE_BOX_SUFFIX) == 0 &&
           path[len - suffix - 1] != '/';
}

/* Gives the file the name that it has in the tree. */
static bool unsealed_path(struct opening *o, char *path, struct mse_error *err)
{
    o->all_look_sealed = o->all_look_sealed && has_suffix(path);
    if (o->key == NULL)
        return true;
    if (!has_suffix(path))
        return mse_fail_text(err, MSE_ERR_VALUE, path,
                             "not sealed, in a package that is opened with a key");
    path[strlen(path) - (sizeof(MSE_BOX_SUFFIX) - 1)] = '\0';
    return true;
}

static void hash_entry(struct opening *o, enum mse_tree_type type, const char *path,
                       const uint8_t sha256[static 32])
{
    const uint32_t len = (uint32_t)strlen(path);
    const uint8_t head[] = { (uint8_t)type, (uint8_t)len, (uint8_t)(len >> 8), (uint8_t)(len >> 16),
                             (uint8_t)(len >> 24) };

    SHA256_Update(&o->tree, head, sizeof(head));
    SHA256_Update(&o->tree, path, len);
    SHA256_Update(&o->tree, sha256, 32);
}

static bool open_content(struct opening *o, const struct mse_tar_header *h, int fd,
                         uint8_t sha256[static 32], struct mse_error *err)
{
    uint64_t size = h->size;
    SHA256_CTX hash;
    bool ok;

    SHA256_Init(&hash);
    ok = content_size(o, &size, h->path, err) &&
         (o->key != NULL ? open_box(o, size, &hash, fd, h->path, err)
                         : copy(o, size, NULL, &hash, fd, h->path, err));
    SHA256_Final(sha256, &hash);
    return ok;
}

static bool open_file(struct opening *o, const struct mse_tar_header *h, struct mse_error *err)
{
    const bool is_executable = h->type == MSE_TAR_EXECUTABLE;
    uint8_t sha256[32];
    bool ok;
    int fd;

    if (!mse_code_dir_file(&o->dir, h->path, &fd, err))
        return false;
    ok = open_content(o, h, fd, sha256, err);
    if (ok && fchmod(fd, is_executable ? 0755 : 0644) == -1)
        ok = mse_fail_errno(err, h->path, "cannot set the mode", errno);
    if (close(fd) == -1 && ok)
        ok = mse_fail_errno(err, h->path, "cannot write", errno);
    if (!ok)
        return false;
    hash_entry(o, is_executable ? MSE_TREE_EXECUTABLE : MSE_TREE_FILE, h->path, sha256);
    return take_zeros(o, mse_tar_padding(h->size), h->path, err);
}

static bool remember_link(struct opening *o, const struct mse_tar_header *h, struct mse_error *err)
{
    const size_t path = strlen(h->path) + 1, target = strlen(h->target) + 1;
    struct link *link;

    if (o->links_count == o->links_size) {
        const size_t size = o->links_size > 0 ? 2 * o->links_size : 64;
        struct link *more = realloc(o->links, size * sizeof(*more));

        if (more == NULL)
            return mse_fail_memory(err);
        o->links = more;
        o->links_size = size;
    }
    link = &o->links[o->links_count];
    link->path = malloc(path + target);
    if (link->path == NULL)
        return mse_fail_memory(err);
    memcpy(link->path, h->path, path);
    link->target = link->path + path;
    memcpy(link->target, h->target, target);
    o->links_count++;
    return true;
}

static bool open_link(struct opening *o, const struct mse_tar_header *h, struct mse_error *err)
{
    uint8_t sha256[32];

    if (strlen(h->target) > MSE_TREE_MAX_PATH)
        return mse_fail_text(err, MSE_ERR_LIMIT, h->path, "a link target of too many bytes");
    if (!remember_link(o, h, err) || !mse_code_dir_link(&o->dir, h->path, h->target, err))
        return false;
    mse_sha256(MSE_CSTR_BYTES(h->target), sha256);
    hash_entry(o, MSE_TREE_LINK, h->path, sha256);
    return true;
}

/* Path by path upwards: so none is there twice, and the digest can be made on the way. */
static bool check_order(struct opening *o, const char *path, struct mse_error *err)
{
    const int order = strcmp(o->last, path); /* as unsigned bytes */

    if (order == 0)
        return mse_fail_text(err, MSE_ERR_DUPLICATE, path, "is in the package twice");
    if (order > 0)
        return mse_fail_text(err, MSE_ERR_VALUE, path, "comes after \"%s\": not in order", o->last);
    memcpy(o->last, path, strlen(path) + 1);
    return true;
}

/* Names and targets of links are kept in memory, and count. */
static bool count(struct opening *o, const struct mse_tar_header *h, struct mse_error *err)
{
    const uint64_t most = o->limits->entries < MSE_TREE_MAX_ENTRIES ? o->limits->entries
                                                                    : MSE_TREE_MAX_ENTRIES;
    const uint64_t size = h->type == MSE_TAR_LINK ? strlen(h->path) + strlen(h->target) : h->size;

    if (++o->entries > most)
        return mse_fail_text(err, MSE_ERR_LIMIT, h->path, "more than %llu entries",
                             (unsigned long long)most);
    if (size > o->limits->bytes - o->bytes)
        return mse_fail_text(err, MSE_ERR_LIMIT, h->path, "more than %llu bytes in all",
                             (unsigned long long)o->limits->bytes);
    o->bytes += size;
    return true;
}

static bool open_entry(struct opening *o, struct mse_tar_header *h, struct mse_error *err)
{
    const bool is_link = h->type == MSE_TAR_LINK;

    if (!count(o, h, err) || (!is_link && !unsealed_path(o, h->path, err)) ||
        !mse_tree_path_check(h->path, err) || !check_order(o, h->path, err))
        return false;
    return is_link ? open_link(o, h, err) : open_file(o, h, err);
}

/* ---- package ---- */

/* The next header; *end at the mark. Reads on if the header asks for more. */
static bool next_header(struct opening *o, struct mse_tar_header *h, bool *end,
                        struct mse_error *err)
{
    struct mse_error why = { 0 };
    bool is_directory, ok;
    size_t used;

    ok = mse_tar_header_read(buffered(o), false, h, &is_directory, &used, &why);
    if (!ok && why.code == MSE_ERR_TRUNCATED && !o->at_end) {
        why = (struct mse_error){ 0 };
        if (!fill(o, err))
            return false;
        ok = mse_tar_header_read(buffered(o), false, h, &is_directory, &used, &why);
    }
    if (!ok || is_directory) {
        (void)mse_fail_text(err, ok ? MSE_ERR_VALUE : why.code, ok ? h->path : why.field, "%s",
                            ok ? "a directory, which no package has" : why.text);
        return mse_fail_in(err, MSE_CODE_FILE);
    }
    *end = used == 0;
    o->start += used;
    return true;
}

/* Exactly the mark, and nothing behind it. */
static bool read_end(struct opening *o, struct mse_error *err)
{
    if (!take_zeros(o, MSE_TAR_END, MSE_CODE_FILE, err) || (!o->at_end && !fill(o, err)))
        return false;
    return o->start == o->end ||
           mse_fail_text(err, MSE_ERR_TRAILING, MSE_CODE_FILE, "bytes follow its end");
}

static int compare_link(const void *path, const void *link)
{
    return strcmp(path, ((const struct link *)link)->path);
}

static bool is_link_path(const void *context, const char *path)
{
    const struct opening *o = context;

    return o->links_count > 0 &&
           bsearch(path, o->links, o->links_count, sizeof(o->links[0]), compare_link) != NULL;
}

/* Which names are links is known at the end only; until then nothing has followed one. */
static bool check_links(const struct opening *o, struct mse_error *err)
{
    for (size_t i = 0; i < o->links_count; i++) {
        if (!mse_tree_target_check(o->links[i].path, o->links[i].target, is_link_path, o, err))
            return false;
    }
    return true;
}

static bool compare(struct opening *o, const uint8_t tree[static 32], struct mse_error *err)
{
    uint8_t digest[32];

    SHA256_Final(digest, &o->tree);
    if (memcmp(digest, tree, sizeof(digest)) == 0)
        return true;
    if (o->key == NULL && o->entries > 0 && o->all_look_sealed)
        return mse_fail_text(err, MSE_ERR_VALUE, MSE_CODE_FILE,
                             "is sealed, and the configuration has no code_secret_key");
    return mse_fail_text(err, MSE_ERR_VALUE, MSE_CODE_FILE,
                         "holds another tree than the one that was measured; provide the package "
                         "that the fingerprint was computed of");
}

static bool open_all(struct opening *o, const uint8_t tree[static 32], struct mse_error *err)
{
    static const char tag[] = "mse-tree-v1\n";
    struct mse_tar_header h;
    bool end = false;

    SHA256_Init(&o->tree);
    SHA256_Update(&o->tree, tag, sizeof(tag) - 1);
    while (!end) {
        if (!next_header(o, &h, &end, err) || (!end && !open_entry(o, &h, err)))
            return false;
    }
    return read_end(o, err) && check_links(o, err) && compare(o, tree, err);
}

static void cleanup(struct opening *o)
{
    mse_code_dir_cleanup(&o->dir);
    for (size_t i = 0; i < o->links_count; i++)
        free(o->links[i].path);
    free(o->links);
    if (o->buffer != NULL)
        OPENSSL_cleanse(o->buffer, BUFFER); /* held the owner's code */
    free(o->buffer);
    OPENSSL_cleanse(o, sizeof(*o));
    free(o);
}

bool mse_code_open(int package, int dir, const uint8_t *key, const struct mse_code_limits *limits,
                   const uint8_t tree[static 32], struct mse_error *err)
{
    struct opening *o = calloc(1, sizeof(*o));
    struct mse_error ignored = { 0 };
    bool ok;

    if (o == NULL)
        return mse_fail_memory(err);
    *o = (struct opening){ .package = package, .key = key, .limits = limits };
    o->all_look_sealed = true;
    o->buffer = malloc(BUFFER);
    if (o->buffer == NULL) {
        o->dir.parent = -1;
        cleanup(o);
        return mse_fail_memory(err);
    }
    /* What somebody else put there stays. */
    if (!mse_code_dir_init(dir, &o->dir, err)) {
        cleanup(o);
        return false;
    }
    ok = open_all(o, tree, err);
    cleanup(o);
    if (!ok && !mse_code_clear(dir, &ignored))
        return mse_fail_in(err, "what was written could not all be removed");
    return ok;
}
