/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of the highest epoch an instance was configured for: an older one shows a roll-back. */
#ifndef MSE_CLIENT_EPOCH_MEMORY_H
#define MSE_CLIENT_EPOCH_MEMORY_H

#include "attest/config_statement.h"

/*
 * directory: kept by the caller ("$XDG_STATE_HOME/mse/epochs"); made when something is stored. One
 * file per owner and instance, written atomically, safe with parallel processes. What is remembered
 * is the config statement, signed by the owner: a memory that somebody changed is an error, never
 * "nothing seen". uuid: 36 characters, checked by the caller.
 */

/* *epoch 0: none was seen. */
MSE_MUST_CHECK bool mse_epoch_load(const char *directory, const uint8_t owner[static 32],
                                   const char *uuid, uint64_t *epoch, struct mse_error *err);
/* A lower one than is remembered replaces it only if that is wanted. */
MSE_MUST_CHECK bool mse_epoch_store(const char *directory, const uint8_t owner[static 32],
                                    const char *uuid, const struct mse_config_statement *statement,
                                    bool lower, struct mse_error *err);

#endif
