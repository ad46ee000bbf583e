/* SPDX-License-Identifier: Apache-2.0 */
/* An open directory that is filled with names from outside: nothing is followed or replaced. */
#ifndef MSE_ENCLAVE_CODE_DIR_H
#define MSE_ENCLAVE_CODE_DIR_H

#include "measure/tree.h"

struct mse_code_dir {
    int root;                                /* borrowed */
    int parent;                              /* of what was made last, or -1 */
    char parent_path[MSE_TREE_MAX_PATH + 1]; /* its path below root; ends with '/', or is empty */
    uint64_t made;                           /* directories so far */
};

/* MSE_ERR_EXISTS if something is in it. */
MSE_MUST_CHECK bool mse_code_dir_init(int root, struct mse_code_dir *out, struct mse_error *err);
void mse_code_dir_cleanup(struct mse_code_dir *dir);
/* Paths passed mse_tree_path_check. Missing directories are made, MSE_TREE_MAX_ENTRIES at most;
 * what is there already is MSE_ERR_DUPLICATE. *fd is for writing. */
MSE_MUST_CHECK bool mse_code_dir_file(struct mse_code_dir *dir, const char *path, int *fd,
                                      struct mse_error *err);
MSE_MUST_CHECK bool mse_code_dir_link(struct mse_code_dir *dir, const char *path,
                                      const char *target, struct mse_error *err);

#endif
