/* SPDX-License-Identifier: Apache-2.0 */
/* Where an image's parts lie: files of an OCI layout directory, or stretches of an uncompressed
 * tar. */
#ifndef MSE_PACKAGE_IMAGE_ARCHIVE_H
#define MSE_PACKAGE_IMAGE_ARCHIVE_H

#include "package/image_layer.h"

#define IMAGE_MAX_PARTS 8192

struct image_part {
    char *name; /* path in the archive */
    char *link; /* a symbolic link's target, relative to its directory; else NULL */
    struct image_blob blob;
};
struct image_archive {
    int directory_fd;                   /* -1: a tar */
    int tar_fd;                         /* -1: a directory */
    int open[MSE_IMAGE_MAX_LAYERS + 8]; /* descriptors handed out, of a directory */
    size_t open_count;
    struct image_part *parts; /* of a tar */
    size_t count;
};

MSE_MUST_CHECK bool image_archive_open(const char *path, struct image_archive *out,
                                       struct mse_error *err);
void image_archive_close(struct image_archive *archive);
/* *found false if there is no such part. name: relative, plain. */
MSE_MUST_CHECK bool image_archive_find(struct image_archive *archive, const char *name, bool *found,
                                       struct image_blob *out, struct mse_error *err);

#endif
