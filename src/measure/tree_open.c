/* SPDX-License-Identifier: Apache-2.0 */
/* Opening beneath a directory and through no link, whatever happens to the tree meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "measure/tree_walk.h"

/* glibc has no wrapper for openat2(2), Linux 5.6. */
static int open_at_once(int root, const char *path, int flags)
{
    const struct open_how how = {
        .flags = (uint64_t)(unsigned)flags,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };

    return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

bool mse_tree_probe_openat2(int root)
{
    int fd = open_at_once(root, ".", O_PATH | O_CLOEXEC);

    if (fd == -1)
        return false;
    (void)close(fd);
    return true;
}

/* Part by part, each without following a link. */
static int open_by_parts(int root, const char *path, int flags)
{
    char copy[MSE_TREE_MAX_PATH + 1];
    char *part = copy;
    char *slash;
    int fd = root;

    if (strlen(path) >= sizeof(copy)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(copy, path, strlen(path) + 1);
    do {
        int next;
        int number;

        slash = strchr(part, '/');
        if (slash != NULL)
            *slash = '\0';
        next = openat(fd, part,
                      slash != NULL ? O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC : flags);
        number = errno;
        if (fd != root)
            (void)close(fd);
        errno = number;
        fd = next;
        part = slash != NULL ? slash + 1 : part;
    } while (fd != -1 && slash != NULL);
    return fd;
}

int mse_tree_open_beneath(const struct mse_tree *tree, const char *path, int flags)
{
    flags |= O_NOFOLLOW | O_CLOEXEC;
    /* The longest path of a tree is one byte longer than what the kernel takes at once. */
    if (tree->has_openat2 && strlen(path) < PATH_MAX)
        return open_at_once(tree->root, path, flags);
    return open_by_parts(tree->root, path, flags);
}
