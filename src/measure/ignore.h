/* SPDX-License-Identifier: Apache-2.0 */
/* What a tree walk asks about each path: whether it is left out. */
#ifndef MSE_MEASURE_IGNORE_H
#define MSE_MEASURE_IGNORE_H

#include "base/bytes.h"

#define MSE_IGNORE_FILE ".mseignore"
#define MSE_IGNORE_MAX_SIZE (1U << 20)

struct mse_ignore {
    /* path: relative, joined by '/'. An ignored directory is not walked. */
    bool (*is_ignored)(const struct mse_ignore *self, const char *path, bool is_directory,
                       bool *ignored, struct mse_error *err);
};

#endif
