/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files: capped read, and a write that is either complete under its name or not there. */
#ifndef MSE_BASE_FILE_H
#define MSE_BASE_FILE_H

#include "base/bytes.h"

/*
 * Reads a whole regular file (or "-": standard input) of at most cap bytes; FIFOs, devices and
 * directories are refused. *out is owned by the caller (free); a NUL follows the last byte. Errors:
 * MSE_ERR_IO with the path and the reason, MSE_ERR_LIMIT.
 */
MSE_MUST_CHECK bool mse_file_read(const char *path, size_t cap, uint8_t **out, size_t *len,
                                  struct mse_error *err);

enum mse_file_exists { MSE_FILE_REPLACE, MSE_FILE_KEEP };

/*
 * Writes to a temporary name in the same directory, syncs, renames, syncs the directory.
 * With MSE_FILE_KEEP a different existing file is MSE_ERR_EXISTS (an identical one is success).
 * The mode is exactly this one, whatever the umask. A symbolic link is replaced, not followed;
 * what is no regular file is refused. After a failure no temporary file is left.
 */
MSE_MUST_CHECK bool mse_file_write(const char *path, struct mse_bytes data, unsigned mode,
                                   enum mse_file_exists exists, struct mse_error *err);

/* mkdir -p with mode 0700 for what is new. */
MSE_MUST_CHECK bool mse_dir_make(const char *path, struct mse_error *err);

#endif
