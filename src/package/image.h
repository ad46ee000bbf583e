/* SPDX-License-Identifier: Apache-2.0 */
/* File system of a container image, from its archive: nothing is unpacked, nothing is executed. */
#ifndef MSE_PACKAGE_IMAGE_H
#define MSE_PACKAGE_IMAGE_H

#include "measure/trusted_files.h"

#define MSE_IMAGE_MAX_LAYERS 128
#define MSE_IMAGE_MAX_ENTRIES (4U << 20)

struct mse_image_limits {
    uint64_t entries, bytes; /* of all layers, uncompressed */
    unsigned ratio;          /* uncompressed per compressed byte */
};
#define MSE_IMAGE_DEFAULT_LIMITS                                                                   \
    ((struct mse_image_limits){ MSE_IMAGE_MAX_ENTRIES, UINT64_C(256) << 30, 200 })

struct mse_image;
/*
 * path: an OCI image layout (directory or tar) or the archive of `docker save`, layers plain, gzip
 * or zstd. Digests of index, manifest, configuration and layers are checked. Layers are applied
 * virtually, with whiteouts and opaque directories; file contents are hashed while they are read.
 * reference: image to take if there are several, or NULL.
 */
MSE_MUST_CHECK bool mse_image_open(const char *path, const char *reference,
                                   const struct mse_image_limits *limits, struct mse_image **out,
                                   struct mse_error *err);
void mse_image_free(struct mse_image *image);
/* Semantics inside the container: links are resolved within the image. Has digest, not open. */
const struct mse_file_source *mse_image_source(const struct mse_image *image);
/* Where relative paths begin; at first the root. */
MSE_MUST_CHECK bool mse_image_enter(struct mse_image *image, const char *directory,
                                    struct mse_error *err);
/* A small file's content (cap bytes at most), read again from the archive; owned by the caller. */
MSE_MUST_CHECK bool mse_image_read(const struct mse_image *image, const char *path, size_t cap,
                                   uint8_t **out, size_t *len, struct mse_error *err);
/* Target of a link at path (not followed), or NULL if it is none. */
const char *mse_image_link(const struct mse_image *image, const char *path);
/* The absolute path of what path leads to, without links in it; what is not there is an error. */
MSE_MUST_CHECK bool mse_image_resolve(const struct mse_image *image, const char *path,
                                      struct mse_writer *out, struct mse_error *err);

/* Of the configuration: a variable of the environment, NULL where it is unset; the directory that
 * programs start in, NULL if it names none. */
const char *mse_image_env(const struct mse_image *image, const char *name);
const char *mse_image_start_directory(const struct mse_image *image);

/*
 * One more layer on top, as a container has it: everything in a directory goes; a file is put at an
 * absolute path, its content known by digest only.
 */
MSE_MUST_CHECK bool mse_image_clear(struct mse_image *image, const char *directory,
                                    struct mse_error *err);
MSE_MUST_CHECK bool mse_image_put(struct mse_image *image, const char *path,
                                  const uint8_t sha256[static 32], uint64_t size,
                                  struct mse_error *err);

#endif
