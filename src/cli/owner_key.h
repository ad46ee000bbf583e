/* SPDX-License-Identifier: Apache-2.0 */
/* An owner's key on the command line: the base64 line, or a file with it. */
#ifndef MSE_CLI_OWNER_KEY_H
#define MSE_CLI_OWNER_KEY_H

#include "cli/cli.h"
#include "release/minisign.h"

/* Errors are wrong usage: nothing was judged. */
MSE_MUST_CHECK bool owner_key_read(const char *value, struct mse_minisign_public *out,
                                   struct mse_error *err);

#endif
