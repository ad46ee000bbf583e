/* SPDX-License-Identifier: Apache-2.0 */
/* Files of an unpacked container, by openat2(2) with RESOLVE_IN_ROOT. */
#include "measure/source_root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The caller of a source names the path. */
static bool fail_errno(const char *path, struct mse_error *err)
{
    const char *reason = strerrordesc_np(errno);

    return mse_fail_text(err, MSE_ERR_IO, path, "%s", reason != NULL ? reason : "unknown error");
}

/* -1 and errno on failure. No call here may block on a FIFO or take a terminal. */
static int open_in_root(const struct mse_file_source *self, const char *path, int flags)
{
    const struct mse_root_source *root = (const struct mse_root_source *)self;
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };

    return (int)syscall(SYS_openat2, root->root_fd, path, &how, sizeof(how));
}

static bool type_of(const struct mse_file_source *self, const char *path, int extra_flags,
                    struct stat *st, bool *found, struct mse_error *err)
{
    int fd = open_in_root(self, path, O_PATH | extra_flags);
    bool ok;

    *found = fd >= 0;
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == ELOOP || fail_errno("", err);
    ok = fstat(fd, st) == 0 || fail_errno("", err);
    (void)close(fd);
    return ok;
}

static bool look(const struct mse_file_source *self, const char *path, enum mse_node_type *type,
                 bool *is_link, struct mse_error *err)
{
    struct stat st = { 0 };
    bool found = false;

    *type = MSE_NODE_ABSENT;
    *is_link = false;
    if (!type_of(self, path, O_NOFOLLOW, &st, &found, err))
        return false;
    *is_link = found && S_ISLNK(st.st_mode);
    if (*is_link && !type_of(self, path, 0, &st, &found, err))
        return false;
    if (found)
        *type = S_ISREG(st.st_mode)   ? MSE_NODE_FILE
                : S_ISDIR(st.st_mode) ? MSE_NODE_DIRECTORY
                                      : MSE_NODE_OTHER;
    return true;
}

static bool each_name(DIR *dir,
                      bool (*each)(void *context, const char *name, struct mse_error *err),
                      void *context, struct mse_error *err)
{
    for (;;) {
        const struct dirent *entry;

        errno = 0;
        entry = readdir(dir);
        if (entry == NULL)
            return errno == 0 || fail_errno("", err);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            !each(context, entry->d_name, err))
            return false;
    }
}

static bool list(const struct mse_file_source *self, const char *path,
                 bool (*each)(void *context, const char *name, struct mse_error *err),
                 void *context, struct mse_error *err)
{
    int fd = open_in_root(self, path, O_RDONLY | O_DIRECTORY);
    DIR *dir;
    bool ok;

    if (fd < 0)
        return fail_errno("", err);
    dir = fdopendir(fd);
    if (dir == NULL) {
        (void)fail_errno("", err);
        (void)close(fd);
        return false;
    }
    ok = each_name(dir, each, context, err);
    (void)closedir(dir);
    return ok;
}

static bool open_file(const struct mse_file_source *self, const char *path, int *fd,
                      struct mse_error *err)
{
    *fd = open_in_root(self, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    return *fd >= 0 || fail_errno("", err);
}

bool mse_root_source_open(const char *directory, struct mse_root_source *out, struct mse_error *err)
{
    int probe;

    *out = (struct mse_root_source){
        .source = { .look = look, .list = list, .open = open_file },
        .root_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC),
    };
    if (out->root_fd < 0)
        return fail_errno(directory, err);
    probe = open_in_root(&out->source, "/", O_PATH);
    if (probe < 0) {
        if (errno == ENOSYS)
            (void)mse_fail_text(err, MSE_ERR_UNSUPPORTED, directory,
                                "cannot be read as a container's root without Linux 5.6 (openat2)");
        else
            (void)fail_errno(directory, err);
        mse_root_source_close(out);
        return false;
    }
    (void)close(probe);
    return true;
}

void mse_root_source_close(struct mse_root_source *source)
{
    if (source->root_fd >= 0)
        (void)close(source->root_fd);
    *source = (struct mse_root_source){ .root_fd = -1 };
}
