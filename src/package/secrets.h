/* SPDX-License-Identifier: Apache-2.0 */
/* Files that look like secrets: they do not belong into a package. */
#ifndef MSE_PACKAGE_SECRETS_H
#define MSE_PACKAGE_SECRETS_H

#include "measure/tree.h"

/* Name of what it looks like ("environment file", "private key"), or NULL. Looks at names and at
 * the first 4 KiB of a file. */
MSE_MUST_CHECK bool mse_secret_look(const struct mse_tree *tree, size_t index, const char **what,
                                    struct mse_error *err);

#endif
