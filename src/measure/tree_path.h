/* SPDX-License-Identifier: Apache-2.0 */
/* Which paths and link targets a tree may have, decided on the text alone. */
#ifndef MSE_MEASURE_TREE_PATH_H
#define MSE_MEASURE_TREE_PATH_H

#include "measure/tree.h"

/*
 * Refuses a path of a tree that is empty, absolute, has an empty, "." or ".." part, more than
 * MSE_TREE_MAX_DEPTH parts, more than MSE_TREE_MAX_PATH bytes, is not UTF-8 or holds a control
 * character. The error names the path and says which.
 */
MSE_MUST_CHECK bool mse_tree_path_check(const char *path, struct mse_error *err);

/*
 * Refuses a target that is empty, absolute, leads out of the tree, is not UTF-8, holds a control
 * character, is too long, or has among its parts one that is_link says yes to. path is the link's
 * own, checked before. ".." takes the last part away, as it does where no part is a link.
 */
MSE_MUST_CHECK bool mse_tree_target_check(const char *path, const char *target,
                                          bool (*is_link)(const void *context, const char *path),
                                          const void *context, struct mse_error *err);

#endif
