/* SPDX-License-Identifier: Apache-2.0 */
/* Trees of files in a directory of a test's own; directories above a name are made as needed. */
#ifndef MSE_TESTS_TEMP_TREE_H
#define MSE_TESTS_TEMP_TREE_H

#include "work_dir.h"

static inline void temp_mkdirs(const char *name)
{
    char *path = strdup(in_work(name));

    if (path == NULL)
        abort();
    for (char *p = path + strlen(work_dir) + 1; *p != '\0'; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        (void)mkdir(path, 0755);
        *p = '/';
    }
    free(path);
}

static inline void temp_put_bytes(const char *name, const void *data, size_t len)
{
    temp_mkdirs(name);
    work_put(name, data, len, 0644);
}

static inline void temp_put(const char *name, const char *content)
{
    temp_put_bytes(name, content, strlen(content));
}

static inline void temp_link(const char *name, const char *target)
{
    temp_mkdirs(name);
    if (symlink(target, in_work(name)) != 0)
        abort();
}

#endif
