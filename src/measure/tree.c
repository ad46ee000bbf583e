/* SPDX-License-Identifier: Apache-2.0 */
/* Trees: reading, opening and hashing of files, and the digest mse-tree-v1. */
/* An EVP digest of OpenSSL 3.0 can fail at each call; these cannot. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "measure/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/sha.h>

#include "crypto/hash.h"
#include "measure/hash_files.h"
#include "measure/tree_path.h"
#include "measure/tree_walk.h"

void mse_tree_free(struct mse_tree *tree)
{
    if (tree == NULL)
        return;
    while (tree->blocks != NULL) {
        struct mse_tree_block *next = tree->blocks->next;

        free(tree->blocks);
        tree->blocks = next;
    }
    if (tree->root != -1)
        (void)close(tree->root);
    for (size_t i = 0; i < MSE_TREE_IGNORED_SHOWN; i++)
        free(tree->ignored[i]);
    free(tree->nodes);
    free(tree);
}

size_t mse_tree_ignored_count(const struct mse_tree *tree)
{
    return tree->ignored_count;
}

const char *mse_tree_ignored_at(const struct mse_tree *tree, size_t index)
{
    return index < MSE_TREE_IGNORED_SHOWN ? tree->ignored[index] : NULL;
}

void mse_tree_cleanup(struct mse_tree **tree)
{
    mse_tree_free(*tree);
    *tree = NULL;
}

/* ---- reading ---- */

/* strcmp compares as unsigned bytes, and puts the shorter first on a tie. */
static int compare_nodes(const void *a, const void *b)
{
    const struct mse_tree_node *x = a;
    const struct mse_tree_node *y = b;

    return strcmp(x->entry.path, y->entry.path);
}

static int compare_path(const void *path, const void *node)
{
    return strcmp(path, ((const struct mse_tree_node *)node)->entry.path);
}

/* Only entries count: what is ignored must not change the result. */
static bool is_link(const void *context, const char *path)
{
    const struct mse_tree *tree = context;
    const struct mse_tree_node *node = bsearch(path, tree->nodes, tree->count,
                                               sizeof(tree->nodes[0]), compare_path);

    return node != NULL && node->entry.type == MSE_TREE_LINK;
}

static bool check_links(const struct mse_tree *tree, struct mse_error *err)
{
    for (size_t i = 0; i < tree->count; i++) {
        const struct mse_tree_entry *entry = &tree->nodes[i].entry;

        if (entry->type == MSE_TREE_LINK &&
            !mse_tree_target_check(entry->path, entry->target, is_link, tree, err))
            return false;
    }
    return true;
}

bool mse_tree_read(const char *directory, const struct mse_ignore *ignore, struct mse_tree **out,
                   struct mse_error *err)
{
    MSE_CLEANUP(mse_tree_cleanup) struct mse_tree *tree = calloc(1, sizeof(*tree));

    *out = NULL;
    if (tree == NULL)
        return mse_fail_memory(err);
    tree->root = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (tree->root == -1)
        return mse_fail_errno(err, directory, "cannot open this directory", errno);
    tree->has_openat2 = mse_tree_probe_openat2(tree->root);
    if (!mse_tree_walk(tree, ignore, err))
        return false;
    if (tree->count > 0)
        qsort(tree->nodes, tree->count, sizeof(tree->nodes[0]), compare_nodes);
    if (!check_links(tree, err))
        return false;
    *out = tree;
    tree = NULL; /* moved */
    return true;
}

size_t mse_tree_count(const struct mse_tree *tree)
{
    return tree->count;
}

const struct mse_tree_entry *mse_tree_at(const struct mse_tree *tree, size_t index)
{
    return index < tree->count ? &tree->nodes[index].entry : NULL;
}

/* ---- files ---- */

static bool is_same_file(const struct mse_tree_node *node, const struct stat *st)
{
    bool is_executable = (st->st_mode & S_IXUSR) != 0;

    return S_ISREG(st->st_mode) && st->st_dev == node->device && st->st_ino == node->inode &&
           (uint64_t)st->st_size == node->entry.size &&
           is_executable == (node->entry.type == MSE_TREE_EXECUTABLE);
}

bool mse_tree_open(const struct mse_tree *tree, size_t index, int *fd, struct mse_error *err)
{
    const struct mse_tree_node *node;
    struct stat st;

    *fd = -1;
    if (index >= tree->count || tree->nodes[index].entry.type == MSE_TREE_LINK)
        return mse_fail(err, MSE_ERR_USAGE, 0, "number of a file in the tree");
    node = &tree->nodes[index];
    /* O_NONBLOCK: a FIFO that took the file's place must not make us wait. */
    *fd = mse_tree_open_beneath(tree, node->entry.path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (*fd == -1)
        return mse_fail_errno(err, node->entry.path, "cannot open", errno);
    if (fstat(*fd, &st) == -1)
        (void)mse_fail_errno(err, node->entry.path, "cannot examine", errno);
    else if (!is_same_file(node, &st))
        (void)mse_fail_text(err, MSE_ERR_IO, node->entry.path,
                            "changed while it was read; try again when nothing writes there");
    else
        return true;
    (void)close(*fd);
    *fd = -1;
    return false;
}

/* ---- hashes ---- */

/* What is hashed as a file: the entries that are not links. */
struct hash_job {
    const struct mse_tree *tree;
    uint32_t *index;
    struct mse_file_hash *hashes;
    size_t count;
};

static void hash_job_cleanup(struct hash_job *job)
{
    free(job->index);
    free(job->hashes);
}

static bool open_for_hash(void *context, size_t number, int *fd, struct mse_error *err)
{
    const struct hash_job *job = context;

    return mse_tree_open(job->tree, job->index[number], fd, err);
}

static const char *name_for_hash(void *context, size_t number)
{
    const struct hash_job *job = context;

    return job->tree->nodes[job->index[number]].entry.path;
}

bool mse_tree_hash(struct mse_tree *tree, unsigned threads, struct mse_error *err)
{
    size_t room = tree->count > 0 ? tree->count : 1;
    MSE_CLEANUP(hash_job_cleanup)
    struct hash_job job = {
        .tree = tree,
        .index = malloc(room * sizeof(*job.index)),
        .hashes = malloc(room * sizeof(*job.hashes)),
    };

    if (job.index == NULL || job.hashes == NULL)
        return mse_fail_memory(err);
    for (size_t i = 0; i < tree->count; i++) {
        struct mse_tree_entry *entry = &tree->nodes[i].entry;

        if (entry->type == MSE_TREE_LINK)
            mse_sha256(MSE_CSTR_BYTES(entry->target), entry->sha256);
        else
            job.index[job.count++] = (uint32_t)i;
    }
    if (!mse_hash_files_named(job.count, open_for_hash, name_for_hash, &job, threads, job.hashes,
                              err))
        return false;
    for (size_t i = 0; i < job.count; i++)
        memcpy(tree->nodes[job.index[i]].entry.sha256, job.hashes[i].sha256, MSE_SHA256_SIZE);
    tree->is_hashed = true;
    return true;
}

/* docs/fingerprint.md, "Tree digest". */
bool mse_tree_digest(const struct mse_tree *tree, uint8_t out[static 32], struct mse_error *err)
{
    static const char tag[] = "mse-tree-v1\n";
    SHA256_CTX ctx;

    memset(out, 0, 32);
    if (!tree->is_hashed) /* the caller's mistake; no digest may come of it */
        return mse_fail_text(err, MSE_ERR_USAGE, "tree", "was not hashed");
    SHA256_Init(&ctx);
    SHA256_Update(&ctx, tag, sizeof(tag) - 1);
    for (size_t i = 0; i < tree->count; i++) {
        const struct mse_tree_entry *entry = &tree->nodes[i].entry;
        uint32_t len = (uint32_t)strlen(entry->path);
        const uint8_t head[] = { (uint8_t)entry->type, (uint8_t)len, (uint8_t)(len >> 8),
                                 (uint8_t)(len >> 16), (uint8_t)(len >> 24) };

        SHA256_Update(&ctx, head, sizeof(head));
        SHA256_Update(&ctx, entry->path, len);
        SHA256_Update(&ctx, entry->sha256, sizeof(entry->sha256));
    }
    SHA256_Final(out, &ctx);
    return true;
}
