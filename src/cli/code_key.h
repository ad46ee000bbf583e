/* SPDX-License-Identifier: Apache-2.0 */
/* Files with a code key: 64 hex digits, or 32 bytes. */
#ifndef MSE_CLI_CODE_KEY_H
#define MSE_CLI_CODE_KEY_H

#include "package/encrypt.h"

MSE_MUST_CHECK bool code_key_load(const char *path, uint8_t out[static MSE_BOX_KEY],
                                  struct mse_error *err);
/* Loads it, or if there is no such file makes a random one, not saved yet; *is_new says so. */
MSE_MUST_CHECK bool code_key_load_or_make(const char *path, uint8_t out[static MSE_BOX_KEY],
                                          bool *is_new, struct mse_error *err);
/* Mode 0600; nothing is replaced. */
MSE_MUST_CHECK bool code_key_save(const char *path, const uint8_t key[static MSE_BOX_KEY],
                                  struct mse_error *err);

#endif
