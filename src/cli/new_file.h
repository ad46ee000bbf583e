/* SPDX-License-Identifier: Apache-2.0 */
/* A large file that is written piece by piece and has its name only when it is whole. */
#ifndef MSE_CLI_NEW_FILE_H
#define MSE_CLI_NEW_FILE_H

#include "base/error.h"

struct new_file {
    char *path, *directory, *temporary; /* owned; temporary NULL: without any name until the end */
    int fd;
    bool replace;
};

/* Without replace, something of this name is MSE_ERR_EXISTS: now and when it is kept. */
MSE_MUST_CHECK bool new_file_open(const char *path, bool replace, struct new_file *out,
                                  struct mse_error *err);
/* Syncs, sets the mode (0600) and gives it its name. */
MSE_MUST_CHECK bool new_file_keep(struct new_file *file, struct mse_error *err);
/* Leaves nothing unless it was kept. */
void new_file_cleanup(struct new_file *file);

#endif
