/* SPDX-License-Identifier: Apache-2.0 */
/* Pseudo-files of a kernel or library OS: read to their end, written in one call. */
#ifndef MSE_ENCLAVE_TEE_FILE_H
#define MSE_ENCLAVE_TEE_FILE_H

#include "base/bytes.h"

#define MSE_TEE_MAX_FILE_PATH 4096

/* DIR/NAME; MSE_ERR_LIMIT if it is too long. */
MSE_MUST_CHECK bool mse_tee_file_path(const char *dir, const char *name,
                                      char out[static MSE_TEE_MAX_FILE_PATH],
                                      struct mse_error *err);
/* MSE_ERR_MISSING if there is no such file, MSE_ERR_LIMIT if it has more than cap bytes. */
MSE_MUST_CHECK bool mse_tee_file_read(const char *dir, const char *name, size_t cap,
                                      struct mse_writer *out, struct mse_error *err);
/* MSE_ERR_FORMAT unless it has exactly len bytes. */
MSE_MUST_CHECK bool mse_tee_file_read_exact(const char *dir, const char *name, uint8_t *out,
                                            size_t len, struct mse_error *err);
/* One word, without the line end behind it. */
MSE_MUST_CHECK bool mse_tee_file_read_word(const char *dir, const char *name, char *out,
                                           size_t room, struct mse_error *err);
/* In one write(): what is written in two parts is two values to these files. */
MSE_MUST_CHECK bool mse_tee_file_write(const char *dir, const char *name, struct mse_bytes data,
                                       struct mse_error *err);

#endif
