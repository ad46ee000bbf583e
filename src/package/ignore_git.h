/* SPDX-License-Identifier: Apache-2.0 */
/* gitignore semantics by libgit2, from one file's rules and nothing else. */
#ifndef MSE_PACKAGE_IGNORE_GIT_H
#define MSE_PACKAGE_IGNORE_GIT_H

#include "measure/ignore.h"

struct mse_ignore_git;
/* rules: content of a .mseignore. No user, system or repository settings take part. */
MSE_MUST_CHECK bool mse_ignore_git_new(struct mse_bytes rules, struct mse_ignore_git **out,
                                       struct mse_error *err);
/* Reads DIRECTORY/.mseignore, or no rules if there is none. */
MSE_MUST_CHECK bool mse_ignore_git_open(const char *directory, struct mse_ignore_git **out,
                                        struct mse_error *err);
const struct mse_ignore *mse_ignore_git_of(const struct mse_ignore_git *git);
void mse_ignore_git_free(struct mse_ignore_git *git);

#endif
