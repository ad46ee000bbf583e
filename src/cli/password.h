/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords of key files: from a file, or from a terminal that does not show them. */
#ifndef MSE_CLI_PASSWORD_H
#define MSE_CLI_PASSWORD_H

#include "cli/cli.h"

/* As much as minisign's own prompt takes, so that both programs open the same keys. */
#define PASSWORD_MAX 1022

struct password {
    char text[PASSWORD_MAX + 1]; /* NUL-terminated; wiped by password_wipe() */
};
void password_wipe(struct password *password);
/* What the file holds, without one line end behind it. */
MSE_MUST_CHECK bool password_load(const char *path, struct password *out, struct mse_error *err);
/* Asks on standard input, which must be a terminal; twice if it is new. */
MSE_MUST_CHECK bool password_ask(struct cli *cli, bool is_new, struct password *out,
                                 struct mse_error *err);

#endif
