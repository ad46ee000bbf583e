/* SPDX-License-Identifier: Apache-2.0 */
/* One layer's archive: decompressed, hashed and applied in one pass. */
#ifndef MSE_PACKAGE_IMAGE_LAYER_H
#define MSE_PACKAGE_IMAGE_LAYER_H

#include "package/image.h"
#include "package/image_tree.h"

/* A stretch of an open file. */
struct image_blob {
    int fd; /* borrowed */
    uint64_t at, size;
};

struct image_layer_job {
    struct image_blob blob;
    unsigned number;
    const struct mse_image_limits *limits;
    uint64_t *bytes_left;       /* of all layers together, uncompressed */
    const uint8_t *blob_sha256; /* expected digest of the blob, or NULL */
    const uint8_t *tar_sha256;  /* expected digest of the uncompressed tar (diff id), or NULL */
};

MSE_MUST_CHECK bool image_layer_apply(const struct image_layer_job *job, struct image_tree *tree,
                                      struct mse_error *err);
/* The content of entry number entry, at most cap bytes; owned by the caller (free). */
MSE_MUST_CHECK bool image_layer_read(const struct image_blob *blob, uint64_t entry, size_t cap,
                                     uint8_t **out, size_t *len, struct mse_error *err);
MSE_MUST_CHECK bool image_blob_read(const struct image_blob *blob, size_t cap, uint8_t **out,
                                    size_t *len, struct mse_error *err);

#endif
