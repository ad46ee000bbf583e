/* SPDX-License-Identifier: Apache-2.0 */
/* A new directory that is filled through descriptors, and has its name only when it is whole. */
#ifndef MSE_PACKAGE_NEW_DIR_H
#define MSE_PACKAGE_NEW_DIR_H

#include "package/tar.h"

struct mse_new_dir {
    char *path, *temporary; /* owned; temporary is beside path */
    int root;
    int parent;                             /* of what was made last, or -1 */
    char parent_path[MSE_TAR_MAX_PATH + 1]; /* its path below root */
};

/* MSE_ERR_EXISTS if there is something of this name. */
MSE_MUST_CHECK bool mse_new_dir_open(const char *path, struct mse_new_dir *out,
                                     struct mse_error *err);
/* Paths are relative and checked. Missing directories are made; nothing is followed or replaced:
 * what is there already is MSE_ERR_DUPLICATE. *fd is for writing. */
MSE_MUST_CHECK bool mse_new_dir_file(struct mse_new_dir *dir, const char *path, int *fd,
                                     struct mse_error *err);
MSE_MUST_CHECK bool mse_new_dir_link(struct mse_new_dir *dir, const char *path, const char *target,
                                     struct mse_error *err);
/* Gives it its name. */
MSE_MUST_CHECK bool mse_new_dir_keep(struct mse_new_dir *dir, struct mse_error *err);
/* Removes all of it unless it was kept. */
void mse_new_dir_cleanup(struct mse_new_dir *dir);

#endif
