/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of a .mseignore, put so that libgit2 decides each as git does. */
#ifndef MSE_PACKAGE_IGNORE_RULES_H
#define MSE_PACKAGE_IGNORE_RULES_H

#include "base/bytes.h"

#define MSE_IGNORE_MAX_RULES 4096
/* Runs of '*' in one rule: the time of matching grows with the length of a path to this power. */
#define MSE_IGNORE_MAX_STARS 8

/*
 * Writes lines for libgit2, nothing if there is no rule. Comments and rules that match nothing are
 * left out. A NUL, an asterisk too many, a rule too many, and two asterisks before an escaped slash
 * are errors with their line.
 */
MSE_MUST_CHECK bool mse_ignore_rules_write(struct mse_bytes rules, struct mse_writer *out,
                                           struct mse_error *err);

#endif
