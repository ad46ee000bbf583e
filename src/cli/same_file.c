/* SPDX-License-Identifier: Apache-2.0 */
/* Comparison of file names, also of such that do not exist yet. */
#include "cli/same_file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool stat_parent(const char *path, struct stat *out)
{
    const char *slash = strrchr(path, '/');
    char *parent = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash + 1 - path));
    bool ok = parent != NULL && stat(parent, out) == 0;

    free(parent);
    return ok;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

bool cli_same_file(const char *a, const char *b)
{
    struct stat one, other;

    if (strcmp(a, b) == 0)
        return true;
    if (stat(a, &one) == 0 && stat(b, &other) == 0 && is_same(&one, &other))
        return true;
    return strcmp(last_part(a), last_part(b)) == 0 && stat_parent(a, &one) &&
           stat_parent(b, &other) && is_same(&one, &other);
}

bool cli_check_output(const char *option, const char *path, struct mse_error *err)
{
    if (path == NULL || (path[0] != '\0' && strcmp(path, "-") != 0))
        return true;
    return mse_fail_text(err, MSE_ERR_USAGE, option,
                         path[0] == '\0' ? "is empty: wants the name of a file"
                                         : "wants the name of a file: \"-\" is none that can be "
                                           "written (./- is one)");
}
