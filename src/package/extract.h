/* SPDX-License-Identifier: Apache-2.0 */
/* Extraction of a tar under a directory that must not leave it, whatever the archive says. */
#ifndef MSE_PACKAGE_EXTRACT_H
#define MSE_PACKAGE_EXTRACT_H

#include "package/stop.h"
#include "package/encrypt.h"

/* No ratio: a tar without sparse files, which are refused, holds no more than its own size. */
struct mse_extract_limits {
    uint64_t entries, bytes; /* of all contents */
};
#define MSE_EXTRACT_DEFAULT_LIMITS ((struct mse_extract_limits){ 1U << 20, UINT64_C(64) << 30 })

/*
 * Reads to the archive's end (of a pipe too), into a directory that does not exist yet; after a
 * failure nothing of it is left. Absolute paths, "..", links that leave or lead through links, hard
 * links, devices, paths through links or files, and duplicates are refused with the path. Files get
 * mode 0644 or 0755, the directory 0700; directories without a file in them are not made.
 *
 * key: MSE_BOX_KEY bytes: contents are boxes to be opened, and the names lose ".enc"; a file that
 * is not sealed is MSE_ERR_VALUE. NULL: all as it is. stop may be NULL.
 */
MSE_MUST_CHECK bool mse_extract(int archive, const char *directory,
                                const struct mse_extract_limits *limits, const uint8_t *key,
                                const struct mse_stop *stop, struct mse_error *err);

#endif
