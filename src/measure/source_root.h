/* SPDX-License-Identifier: Apache-2.0 */
/* A directory seen as the root of a container, in which the kernel resolves every link. */
#ifndef MSE_MEASURE_SOURCE_ROOT_H
#define MSE_MEASURE_SOURCE_ROOT_H

#include "measure/trusted_files.h"

/*
 * Paths are absolute inside the directory; a link, absolute or with "..", never leads out of it.
 * Needs openat2 (Linux 5.6). Unlike the chroot form of struct mse_directory_source, which follows
 * Gramine's tools, nothing depends on what the host has outside of the directory.
 */
struct mse_root_source {
    struct mse_file_source source;
    int root_fd;
};
MSE_MUST_CHECK bool mse_root_source_open(const char *directory, struct mse_root_source *out,
                                         struct mse_error *err);
void mse_root_source_close(struct mse_root_source *source);

#endif
