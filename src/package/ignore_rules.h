/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of a .mseignore, put so that libgit2 decides each as git does. */
#ifndef MSE_PACKAGE_IGNORE_RULES_H
#define MSE_PACKAGE_IGNORE_RULES_H

#include "base/bytes.h"

#define MSE_IGNORE_MAX_RULES 4096
/*
 * Runs of '*' in one rule. Where a run of two or more is among them, the others are tried at every
 * place of a path: the time grows with its length to the power of their number. Thus few of them
 * there, and few such rules.
 */
#define MSE_IGNORE_MAX_STARS 8
#define MSE_IGNORE_MAX_DOUBLE 2     /* runs of two or more */
#define MSE_IGNORE_MAX_DEEP_STARS 3 /* all runs, where one is of two or more */
#define MSE_IGNORE_MAX_SLOW 64      /* rules with such a run and another */

/*
 * Writes lines for libgit2, nothing if there is no rule. Comments and rules that match nothing are
 * left out. A NUL, an asterisk too many, a slow rule too many, a rule too many, and two asterisks
 * before an escaped slash are errors with their line.
 */
MSE_MUST_CHECK bool mse_ignore_rules_write(struct mse_bytes rules, struct mse_writer *out,
                                           struct mse_error *err);

#endif
