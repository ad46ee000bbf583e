/* SPDX-License-Identifier: Apache-2.0 */
/* One writer at a time for the files of a directory. */
#ifndef MSE_BASE_LOCK_H
#define MSE_BASE_LOCK_H

#include "base/bytes.h"

/*
 * Takes the lock of the directory (its file "lock"); the kernel gives it up when *fd is closed. A
 * writer needs it for milliseconds: whoever holds it for five seconds hangs, and that is
 * MSE_ERR_IO.
 */
MSE_MUST_CHECK bool mse_dir_lock(const char *directory, int *fd, struct mse_error *err);

#endif
