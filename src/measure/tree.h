/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of code as the tree digest sees it (docs/fingerprint.md, "Tree digest"). */
#ifndef MSE_MEASURE_TREE_H
#define MSE_MEASURE_TREE_H

#include "measure/ignore.h"

#define MSE_TREE_MAX_PATH 4096 /* bytes */
#define MSE_TREE_MAX_ENTRIES (1U << 20)
#define MSE_TREE_MAX_DEPTH 128

enum mse_tree_type { MSE_TREE_FILE = 'f', MSE_TREE_EXECUTABLE = 'x', MSE_TREE_LINK = 'l' };

struct mse_tree_entry {
    const char *path; /* owned by the tree */
    enum mse_tree_type type;
    const char *target; /* LINK: raw target; else NULL */
    uint64_t size;      /* as seen by the walk; of a LINK its target's length */
    uint8_t sha256[32]; /* content, or raw target; filled in by mse_tree_hash */
};

struct mse_tree;

/*
 * Walks without following links and keeps the directory open. ignore may be NULL. Entries come
 * sorted by the bytes of their paths. Names that are not UTF-8 or hold control characters, FIFOs,
 * sockets, devices, links that leave, that are absolute or that pass through another link, a path
 * too long, too many entries, a directory that cannot be read: an error that names the path.
 */
MSE_MUST_CHECK bool mse_tree_read(const char *directory, const struct mse_ignore *ignore,
                                  struct mse_tree **out, struct mse_error *err);
void mse_tree_free(struct mse_tree *tree);
void mse_tree_cleanup(struct mse_tree **tree);
size_t mse_tree_count(const struct mse_tree *tree);
const struct mse_tree_entry *mse_tree_at(const struct mse_tree *tree, size_t index);
/*
 * How many paths were left out because ignore said so (a directory counts once), and the first
 * MSE_TREE_IGNORED_SHOWN of them by the bytes of their paths; NULL behind the last.
 */
#define MSE_TREE_IGNORED_SHOWN 5
size_t mse_tree_ignored_count(const struct mse_tree *tree);
const char *mse_tree_ignored_at(const struct mse_tree *tree, size_t index);
/*
 * Opens a file of the tree for reading, beneath the directory and through no link. It must still be
 * the very file that the walk saw (device, inode, size), else MSE_ERR_IO "changed while it was
 * read".
 */
MSE_MUST_CHECK bool mse_tree_open(const struct mse_tree *tree, size_t index, int *fd,
                                  struct mse_error *err);
/* Hashes all files (threads as in hash_files.h). */
MSE_MUST_CHECK bool mse_tree_hash(struct mse_tree *tree, unsigned threads, struct mse_error *err);
/* mse-tree-v1; without mse_tree_hash before it fails. */
MSE_MUST_CHECK bool mse_tree_digest(const struct mse_tree *tree, uint8_t out[static 32],
                                    struct mse_error *err);

/*
 * The published list of a tree's entries: one line each, "TYPE SHA256HEX PATH\n", in the order of
 * the tree. Two trees have the same list exactly if they have the same digest.
 */
void mse_tree_list_write(const struct mse_tree *tree, struct mse_writer *out);
enum mse_tree_change { MSE_TREE_MISSING, MSE_TREE_EXTRA, MSE_TREE_CONTENT, MSE_TREE_TYPE };
typedef void mse_tree_change_seen(void *context, enum mse_tree_change change, const char *path);
/* Compares with a list read from outside; calls seen for each difference, in order of the paths. */
MSE_MUST_CHECK bool mse_tree_list_compare(const struct mse_tree *tree, struct mse_bytes list,
                                          mse_tree_change_seen *seen, void *context,
                                          size_t *differences, struct mse_error *err);

#endif
