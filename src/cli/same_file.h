/* SPDX-License-Identifier: Apache-2.0 */
/* Files named on a command line: which names are of one file, and which are of none. */
#ifndef MSE_CLI_SAME_FILE_H
#define MSE_CLI_SAME_FILE_H

#include "base/error.h"

/* By device and inode where both exist, else by directory and name. Links count as their target. */
bool cli_same_file(const char *a, const char *b);
/* Refuses "" and "-": nothing of ours writes a file to standard output. NULL is fine. */
MSE_MUST_CHECK bool cli_check_output(const char *option, const char *path, struct mse_error *err);

#endif
