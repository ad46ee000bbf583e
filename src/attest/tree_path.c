/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree over leaf hashes and its inclusion paths. RFC 9162, 2.1.1 splits n leaves at the largest
 * power of two below n; the same tree comes out if the nodes of each level are taken in pairs and
 * a last one without a partner moves up as it is.
 */
#include "attest/leaf.h"

#include <stdlib.h>

static bool check_count(size_t count, struct mse_error *err)
{
    if (count >= 1 && count <= MSE_ATTEST_MAX_LEAVES)
        return true;
    return mse_fail_text(err, MSE_ERR_VALUE, "count", "a tree has 1 to %d leaves",
                         MSE_ATTEST_MAX_LEAVES);
}

bool mse_attest_tree_init(struct mse_attest_tree *tree, const uint8_t *leaves, size_t count,
                          struct mse_error *err)
{
    size_t total = 0;

    memset(tree, 0, sizeof(*tree));
    if (!check_count(count, err))
        return false;
    for (size_t n = count;; n = (n + 1) / 2) {
        tree->first[tree->levels++] = total;
        total += n;
        if (n == 1)
            break;
    }
    tree->nodes = malloc(total * MSE_ATTEST_HASH);
    if (tree->nodes == NULL)
        return mse_fail_memory(err);
    tree->count = count;
    memcpy(tree->nodes, leaves, count * MSE_ATTEST_HASH);
    for (size_t level = 0, n = count; n > 1; level++, n = (n + 1) / 2) {
        const uint8_t *from = tree->nodes + tree->first[level] * MSE_ATTEST_HASH;
        uint8_t *to = tree->nodes + tree->first[level + 1] * MSE_ATTEST_HASH;

        for (size_t i = 0; i + 1 < n; i += 2, from += 2 * MSE_ATTEST_HASH, to += MSE_ATTEST_HASH)
            mse_attest_node_hash(from, from + MSE_ATTEST_HASH, to);
        if (n % 2 != 0)
            memcpy(to, from, MSE_ATTEST_HASH);
    }
    return true;
}

void mse_attest_tree_cleanup(struct mse_attest_tree *tree)
{
    free(tree->nodes);
    memset(tree, 0, sizeof(*tree));
}

const uint8_t *mse_attest_tree_root(const struct mse_attest_tree *tree)
{
    return tree->nodes + tree->first[tree->levels - 1] * MSE_ATTEST_HASH;
}

bool mse_attest_tree_path(const struct mse_attest_tree *tree, size_t index, uint8_t *path,
                          size_t *length, struct mse_error *err)
{
    *length = 0;
    if (index >= tree->count)
        return mse_fail_text(err, MSE_ERR_VALUE, "index", "is not below the number of leaves");
    for (size_t level = 0, n = tree->count; n > 1; level++, n = (n + 1) / 2, index /= 2) {
        size_t sibling = index ^ 1;

        if (sibling >= n)
            continue; /* moves up as it is */
        memcpy(path + *length * MSE_ATTEST_HASH,
               tree->nodes + (tree->first[level] + sibling) * MSE_ATTEST_HASH, MSE_ATTEST_HASH);
        (*length)++;
    }
    return true;
}

bool mse_attest_root(const uint8_t *leaves, size_t count, uint8_t out[static MSE_ATTEST_HASH],
                     struct mse_error *err)
{
    struct mse_attest_tree tree;

    memset(out, 0, MSE_ATTEST_HASH);
    if (!mse_attest_tree_init(&tree, leaves, count, err))
        return false;
    memcpy(out, mse_attest_tree_root(&tree), MSE_ATTEST_HASH);
    mse_attest_tree_cleanup(&tree);
    return true;
}

bool mse_attest_path(const uint8_t *leaves, size_t count, size_t index, uint8_t *path,
                     size_t *length, struct mse_error *err)
{
    struct mse_attest_tree tree;
    bool ok;

    *length = 0;
    if (!mse_attest_tree_init(&tree, leaves, count, err))
        return false;
    ok = mse_attest_tree_path(&tree, index, path, length, err);
    mse_attest_tree_cleanup(&tree);
    return ok;
}

/* RFC 9162, 2.1.3.2, with fn and sn named as there. */
bool mse_attest_root_of_path(const uint8_t leaf[static MSE_ATTEST_HASH], size_t index, size_t count,
                             const uint8_t *path, size_t length,
                             uint8_t out[static MSE_ATTEST_HASH], struct mse_error *err)
{
    uint8_t r[MSE_ATTEST_HASH];
    size_t fn = index, sn = count - 1;

    memset(out, 0, MSE_ATTEST_HASH);
    if (!check_count(count, err))
        return false;
    if (index >= count)
        return mse_fail_text(err, MSE_ERR_VALUE, "index", "is not below the number of leaves");
    memcpy(r, leaf, sizeof(r));
    for (size_t i = 0; i < length; i++, fn >>= 1, sn >>= 1) {
        const uint8_t *p = path + i * MSE_ATTEST_HASH;

        if (sn == 0)
            return mse_fail_text(err, MSE_ERR_VALUE, "path", "is longer than the tree is deep");
        if (fn % 2 != 0 || fn == sn) {
            mse_attest_node_hash(p, r, r);
            while (fn % 2 == 0 && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            mse_attest_node_hash(r, p, r);
        }
    }
    if (sn != 0)
        return mse_fail_text(err, MSE_ERR_VALUE, "path", "is shorter than the tree is deep");
    memcpy(out, r, sizeof(r));
    return true;
}
