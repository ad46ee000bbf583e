/* SPDX-License-Identifier: Apache-2.0 */
/* The original's .mseignore: shell globs on the names of files and directories, at every level. */
#ifndef MSE_PACKAGE_IGNORE_GLOB_H
#define MSE_PACKAGE_IGNORE_GLOB_H

#include "measure/ignore.h"

#define MSE_GLOB_MAX_RULES 4096
#define MSE_GLOB_MAX_RULE 4096 /* characters */

struct mse_ignore_glob;
/*
 * rules: content of a .mseignore, one glob a line; blank lines and those that begin with '#' do
 * not count. As Python's fnmatch: '*', '?', [SET], [!SET]; no escapes; characters, not bytes. White
 * space around a glob is part of it. A glob is compared with the last part of a path only, so one
 * with a '/' matches nothing, and a '!' at its beginning is a character like others.
 */
MSE_MUST_CHECK bool mse_ignore_glob_new(struct mse_bytes rules, struct mse_ignore_glob **out,
                                        struct mse_error *err);
/* Reads DIRECTORY/.mseignore, or no rules if there is none. */
MSE_MUST_CHECK bool mse_ignore_glob_open(const char *directory, struct mse_ignore_glob **out,
                                         struct mse_error *err);
const struct mse_ignore *mse_ignore_glob_of(const struct mse_ignore_glob *glob);
void mse_ignore_glob_free(struct mse_ignore_glob *glob);

#endif
