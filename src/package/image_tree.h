/* SPDX-License-Identifier: Apache-2.0 */
/* The file system that layers add up to, in memory: names, links and hashes, no contents. */
#ifndef MSE_PACKAGE_IMAGE_TREE_H
#define MSE_PACKAGE_IMAGE_TREE_H

#include "base/bytes.h"

enum image_type { IMAGE_DIRECTORY, IMAGE_FILE, IMAGE_LINK, IMAGE_OTHER };

struct image_node {
    struct image_node *parent; /* the root's is itself */
    struct image_node *children, *next, *previous;
    struct image_node *same_hash, *all;
    char *name, *target; /* target: of a LINK */
    enum image_type type;
    unsigned depth;         /* names from the root to here */
    unsigned layer;         /* that made or touched it */
    unsigned content_layer; /* with entry: where the content is, for reading it again */
    uint64_t entry;
    uint64_t size;
    uint8_t sha256[32]; /* of a FILE */
};

struct image_tree {
    struct image_node root;
    struct image_node **buckets;
    size_t bucket_count, count;
    struct image_node *all; /* removed ones too: freed at the end */
    uint64_t seed;          /* against names that are made to collide */
    size_t max_entries;
};

MSE_MUST_CHECK bool image_tree_init(struct image_tree *tree, size_t max_entries,
                                    struct mse_error *err);
void image_tree_cleanup(struct image_tree *tree);

/*
 * Follows links within the tree, an absolute one from the root; ".." of the root is the root. With
 * follow_last false a link at the end is the result. NULL if there is nothing, or links lead round.
 */
const struct image_node *image_find(const struct image_tree *tree, const struct image_node *from,
                                    const char *path, bool follow_last);
const struct image_node *image_child(const struct image_tree *tree, const struct image_node *parent,
                                     const char *name);

/*
 * An entry of a layer: its directory (made where it is missing) and its node, a new one unless a
 * directory is there already. Whiteouts (OCI image specification, "Whiteouts") are applied and give
 * *out NULL. The path is one of an archive: "./" and a leading "/" vanish, ".." is refused.
 */
MSE_MUST_CHECK bool image_apply(struct image_tree *tree, const char *path, enum image_type type,
                                unsigned layer, struct image_node **out, struct mse_error *err);
MSE_MUST_CHECK bool image_set_target(struct image_node *node, const char *target,
                                     struct mse_error *err);

#endif
