/* SPDX-License-Identifier: Apache-2.0 */
/* Advisory lock of a directory. */
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NAME "lock"
#define PAUSE_NS 50000000L
#define TRIES 100U /* five seconds */

static bool take(int fd, const char *path, struct mse_error *err)
{
    static const struct timespec pause = { .tv_nsec = PAUSE_NS };

    for (unsigned i = 0; flock(fd, LOCK_EX | LOCK_NB) == -1; i++) {
        if (errno != EINTR && errno != EWOULDBLOCK)
            return mse_fail_errno(err, path, "cannot lock", errno);
        if (i == TRIES)
            return mse_fail_text(err, MSE_ERR_IO, path, "another process holds this lock");
        (void)nanosleep(&pause, NULL);
    }
    return true;
}

bool mse_dir_lock(const char *directory, int *fd, struct mse_error *err)
{
    char *path = NULL;
    bool ok;

    *fd = -1;
    if (asprintf(&path, "%s/" NAME, directory) == -1)
        return mse_fail_memory(err);
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);
    ok = *fd != -1 ? take(*fd, path, err) : mse_fail_errno(err, path, "cannot open", errno);
    if (!ok && *fd != -1) {
        (void)close(*fd);
        *fd = -1;
    }
    free(path);
    return ok;
}
