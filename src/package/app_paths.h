/* SPDX-License-Identifier: Apache-2.0 */
/* Paths that mse.toml names: relative to it, and compared by name. */
#ifndef MSE_PACKAGE_APP_PATHS_H
#define MSE_PACKAGE_APP_PATHS_H

#include "base/bytes.h"

/* path as it is to be opened, if it is relative to the directory of file. Owned by the caller;
 * NULL when memory is out. */
char *mse_app_path_join(const char *file, const char *path);
/*
 * True in *below if path is directory or inside of it, by their names alone: links are not looked
 * at. Of an absolute and a relative path nothing can be said: false. Fails when memory is out.
 */
MSE_MUST_CHECK bool mse_app_path_is_below(const char *directory, const char *path, bool *below);

#endif
