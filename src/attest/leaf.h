/* SPDX-License-Identifier: Apache-2.0 */
/* What fresh evidence is about: one connection, or many at once as a Merkle tree
 * (docs/formats.md, "Fresh evidence"; tree and paths as RFC 9162, 2.1). */
#ifndef MSE_ATTEST_LEAF_H
#define MSE_ATTEST_LEAF_H

#include "base/bytes.h"

#define MSE_ATTEST_ALPN "mse-attest/1"
#define MSE_ATTEST_EXPORTER_LABEL "EXPORTER-mse-attest-v1"
#define MSE_ATTEST_NONCE 32
#define MSE_ATTEST_EXPORTER 32
#define MSE_ATTEST_HASH 64
#define MSE_ATTEST_MAX_LEAVES 4096
#define MSE_ATTEST_MAX_PATH 12 /* log2 of the leaves */

struct mse_attest_leaf {
    uint8_t spki_sha256[32]; /* of the certificate on this connection, DER SubjectPublicKeyInfo */
    uint8_t exporter[MSE_ATTEST_EXPORTER]; /* of this connection, context: the nonce */
    uint8_t nonce[MSE_ATTEST_NONCE];       /* the client's */
    uint8_t config_digest[32];             /* zeros if unconfigured */
    uint64_t epoch;
};
void mse_attest_leaf_hash(const struct mse_attest_leaf *leaf, uint8_t out[static MSE_ATTEST_HASH]);
void mse_attest_node_hash(const uint8_t left[static MSE_ATTEST_HASH],
                          const uint8_t right[static MSE_ATTEST_HASH],
                          uint8_t out[static MSE_ATTEST_HASH]);

/* All nodes of one tree, level by level: its paths cost no hashing. */
struct mse_attest_tree {
    uint8_t *nodes;                        /* owned */
    size_t first[MSE_ATTEST_MAX_PATH + 1]; /* of each level, in nodes */
    size_t levels, count;
};
/* Copies the leaf hashes, one after the other; 1 to MSE_ATTEST_MAX_LEAVES. */
MSE_MUST_CHECK bool mse_attest_tree_init(struct mse_attest_tree *tree, const uint8_t *leaves,
                                         size_t count, struct mse_error *err);
void mse_attest_tree_cleanup(struct mse_attest_tree *tree);
/* MSE_ATTEST_HASH bytes, valid as long as the tree. */
const uint8_t *mse_attest_tree_root(const struct mse_attest_tree *tree);
/* As mse_attest_path. */
MSE_MUST_CHECK bool mse_attest_tree_path(const struct mse_attest_tree *tree, size_t index,
                                         uint8_t *path, size_t *length, struct mse_error *err);

/* Root over count leaf hashes, one after the other; 1 to MSE_ATTEST_MAX_LEAVES. */
MSE_MUST_CHECK bool mse_attest_root(const uint8_t *leaves, size_t count,
                                    uint8_t out[static MSE_ATTEST_HASH], struct mse_error *err);
/* Inclusion path of a leaf: path has room for MSE_ATTEST_MAX_PATH hashes; *length of them. */
MSE_MUST_CHECK bool mse_attest_path(const uint8_t *leaves, size_t count, size_t index,
                                    uint8_t *path, size_t *length, struct mse_error *err);
/* The root that leaf and path lead to. A path of another length than index and count have is
 * MSE_ERR_VALUE. */
MSE_MUST_CHECK bool mse_attest_root_of_path(const uint8_t leaf[static MSE_ATTEST_HASH],
                                            size_t index, size_t count, const uint8_t *path,
                                            size_t length, uint8_t out[static MSE_ATTEST_HASH],
                                            struct mse_error *err);

#endif
