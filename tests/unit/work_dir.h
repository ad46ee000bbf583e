/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of a test's own, and what is in it. */
#ifndef MSE_TESTS_WORK_DIR_H
#define MSE_TESTS_WORK_DIR_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char work_dir[64];

/* Paths in it; four may be in use at once. */
static inline const char *in_work(const char *name)
{
    static char paths[4][8192];
    static unsigned next;
    char *path = paths[next++ % 4];

    (void)snprintf(path, sizeof(paths[0]), "%s/%s", work_dir, name);
    return path;
}

static inline int work_make(void **state)
{
    (void)state;
    (void)snprintf(work_dir, sizeof(work_dir), "/tmp/mse-test-work-XXXXXX");
    return mkdtemp(work_dir) != NULL ? 0 : -1;
}

static inline int work_remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static inline int work_remove(void **state)
{
    (void)state;
    return nftw(work_dir, work_remove_one, 32, FTW_DEPTH | FTW_PHYS);
}

/* Names in the directory itself. */
static inline unsigned work_count(void)
{
    DIR *d = opendir(work_dir);
    unsigned count = 0;

    while (d != NULL && readdir(d) != NULL)
        count++;
    (void)closedir(d);
    return count - 2;
}

static inline void work_put(const char *name, const void *data, size_t len, unsigned mode)
{
    FILE *f = fopen(in_work(name), "wb");

    if (f == NULL || fwrite(data, 1, len, f) != len || fchmod(fileno(f), (mode_t)mode) != 0 ||
        fclose(f) != 0)
        abort();
}

static inline void work_mkdir(const char *name)
{
    if (mkdir(in_work(name), 0755) != 0)
        abort();
}

/* Owned by the caller; NULL if there is no such file. */
static inline char *work_get(const char *name, size_t *len)
{
    int fd = open(in_work(name), O_RDONLY | O_NOFOLLOW);
    struct stat st;
    char *data;

    *len = 0;
    if (fd == -1)
        return NULL;
    if (fstat(fd, &st) != 0 || (data = calloc(1, (size_t)st.st_size + 1)) == NULL)
        abort();
    while (*len < (size_t)st.st_size) {
        ssize_t n = read(fd, data + *len, (size_t)st.st_size - *len);

        if (n <= 0)
            abort();
        *len += (size_t)n;
    }
    (void)close(fd);
    return data;
}

#endif
