/* SPDX-License-Identifier: Apache-2.0 */
/* Where a user's files are (XDG Base Directory Specification). */
#ifndef MSE_CLI_PLACES_H
#define MSE_CLI_PLACES_H

#include "cli/cli.h"

/* False if neither XDG variable nor HOME is set to an absolute path. */
bool places_cache(const struct cli *cli, char *out, size_t size);
bool places_config(const struct cli *cli, char *out, size_t size); /* directory */
bool places_state(const struct cli *cli, char *out, size_t size);

#endif
