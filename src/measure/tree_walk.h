/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of a tree: what its walk fills in. */
#ifndef MSE_MEASURE_TREE_WALK_H
#define MSE_MEASURE_TREE_WALK_H

#include <sys/types.h>

#include "measure/tree.h"

struct mse_tree_node {
    struct mse_tree_entry entry;
    dev_t device;
    ino_t inode;
};

/* Names live in large blocks: a hundred thousand small allocations would double their memory. */
struct mse_tree_block {
    struct mse_tree_block *next;
    size_t used;
    char text[65536 - 2 * sizeof(size_t)];
};

struct mse_tree {
    int root;
    bool has_openat2;
    bool is_hashed;
    struct mse_tree_node *nodes;
    size_t count, room;
    struct mse_tree_block *blocks;
    size_t ignored_count;
    char *ignored[MSE_TREE_IGNORED_SHOWN]; /* owned; sorted; NULL behind the last */
};

/* Fills in nodes, in any order, links not yet checked. */
MSE_MUST_CHECK bool mse_tree_walk(struct mse_tree *tree, const struct mse_ignore *ignore,
                                  struct mse_error *err);
/* Opens beneath the tree's directory through no link; -1 and errno on failure. "." is the root. */
int mse_tree_open_beneath(const struct mse_tree *tree, const char *path, int flags);
/* Can this kernel open beneath a directory in one call? */
bool mse_tree_probe_openat2(int root);

#endif
