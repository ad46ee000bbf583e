/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies of vendor services on disk, one file per URL. Nothing read from it is believed: every
 * reply is authenticated again. Files are written to a temporary name and renamed, so parallel
 * processes and kill -9 leave whole files only; a damaged file counts as absent.
 */
#ifndef MSE_ENDORSEMENT_CACHE_H
#define MSE_ENDORSEMENT_CACHE_H

#include "base/bytes.h"

struct mse_disk_cache;
/* The directory is made when first written to. */
MSE_MUST_CHECK bool mse_disk_cache_open(const char *dir, struct mse_disk_cache **out,
                                        struct mse_error *err);
void mse_disk_cache_close(struct mse_disk_cache *cache);
/* *found false and success if there is none. The entry is the MSE bundle that was put: free(). */
MSE_MUST_CHECK bool mse_disk_cache_get(struct mse_disk_cache *cache, const char *url, bool *found,
                                       uint8_t **bundle, size_t *len, struct mse_error *err);
MSE_MUST_CHECK bool mse_disk_cache_put(struct mse_disk_cache *cache, const char *url,
                                       struct mse_bytes bundle, struct mse_error *err);
MSE_MUST_CHECK bool mse_disk_cache_drop(struct mse_disk_cache *cache, const char *url,
                                        struct mse_error *err);

#endif
