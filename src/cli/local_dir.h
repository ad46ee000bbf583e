/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of a local run: what the app finds in a TEE below /, it finds here below this. */
#ifndef MSE_CLI_LOCAL_DIR_H
#define MSE_CLI_LOCAL_DIR_H

#include "cli/cli.h"
#include "measure/app_command.h"

struct local_dir {
    char *path;                                         /* owned; NULL: there is none */
    char *home, *tmp, *code, *secrets, *sealed_secrets; /* owned */
};

/* Makes it with empty home and tmp; code is not there yet. */
MSE_MUST_CHECK bool local_dir_make(const struct cli *cli, struct local_dir *out,
                                   struct mse_error *err);
/* Checks that a file holds JSON, as the runtime does, and puts it to one of the two places. */
MSE_MUST_CHECK bool local_dir_put_secrets(const char *file, const char *place,
                                          struct mse_error *err);
/* Nothing in the code can be written any more (but by root). */
MSE_MUST_CHECK bool local_dir_lock(const struct local_dir *dir, struct mse_error *err);
struct mse_app_places local_dir_places(const struct local_dir *dir);
/* Removes all of it, also what the app has made unreadable. */
void local_dir_remove(struct local_dir *dir);

#endif
