/* SPDX-License-Identifier: Apache-2.0 */
/* The first half of mse_trusted_files_expand: which files there are, before any is read. */
#ifndef MSE_MEASURE_TRUSTED_LIST_H
#define MSE_MEASURE_TRUSTED_LIST_H

#include "measure/trusted_files.h"
#include "measure/uri_map.h"

#define MSE_URI_SCHEME "file:"
#define MSE_URI_SCHEME_LEN (sizeof(MSE_URI_SCHEME) - 1)

/* list: the array sgx.trusted_files. out is owned by the caller, and empty after a failure. */
MSE_MUST_CHECK bool mse_trusted_list(const struct mse_toml_value *list, enum mse_gramine rules,
                                     const struct mse_file_source *source, struct mse_uri_map *out,
                                     struct mse_error *err);
/* field: where the URI was found. */
MSE_MUST_CHECK bool mse_trusted_uri_check(const char *uri, const char *field,
                                          struct mse_error *err);

#endif
