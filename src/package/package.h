/* SPDX-License-Identifier: Apache-2.0 */
/* The application package: the code tree, each file sealed with the owner's code key, in one tar.
 */
#ifndef MSE_PACKAGE_PACKAGE_H
#define MSE_PACKAGE_PACKAGE_H

#include "measure/tree.h"
#include "package/encrypt.h"
#include "package/stop.h"

/* Nonces by path, sorted by the bytes of the path: an encryption can be repeated with them. */
struct mse_nonce {
    char *path; /* owned */
    uint8_t nonce[MSE_BOX_NONCE];
};
struct mse_nonces {
    struct mse_nonce *of;
    size_t count;
};
void mse_nonces_cleanup(struct mse_nonces *nonces);
const uint8_t *mse_nonces_find(const struct mse_nonces *nonces, const char *path);
/* MSE_ERR_DUPLICATE, and a path, if two files have one nonce: whoever sees both could read both. */
MSE_MUST_CHECK bool mse_nonces_check(const struct mse_nonces *nonces, struct mse_error *err);
/* Random ones for all files of the tree; *nonces is empty before, and after a failure. */
MSE_MUST_CHECK bool mse_nonces_make(const struct mse_tree *tree, struct mse_nonces *nonces,
                                    struct mse_error *err);

struct mse_package_options {
    const uint8_t *key; /* MSE_BOX_KEY bytes; NULL: plain, files as they are */
    /*
     * Of a sealed package. Given ones are used (a file without one is MSE_ERR_MISSING and is
     * named; one that two files have is MSE_ERR_DUPLICATE), or if there are none random ones are
     * made and returned. Other content must never be sealed with the same key and nonces: both
     * could be read.
     */
    struct mse_nonces *nonces;
    unsigned threads;            /* 0: one a core, 8 at most */
    const struct mse_stop *stop; /* or NULL */
};

/*
 * Writes the tar to out (seekable, empty) in the order of the tree: sealed files as PATH.enc, links
 * as they are; *size is its length. Needs mse_tree_hash before: a file whose content is not that
 * one any more is MSE_ERR_IO. The same tree, key and nonces give the same bytes.
 */
MSE_MUST_CHECK bool mse_package_write(const struct mse_tree *tree,
                                      const struct mse_package_options *options, int out,
                                      uint64_t *size, struct mse_error *err);

#endif
