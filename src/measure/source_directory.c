/* SPDX-License-Identifier: Apache-2.0 */
/* Trusted files from the host's file system, with or without the semantics of --chroot. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "measure/trusted_files.h"

/* Links on the way to one file. A chain that is longer leads round. */
#define MAX_LINKS 256
#define MAX_PENDING (64U << 10)

static const struct mse_directory_source *directory_of(const struct mse_file_source *self)
{
    return (const struct mse_directory_source *)self; /* its first member */
}

/* strerror() may use a static buffer. */
static bool fail_errno(struct mse_error *err, const char *field, const char *what, int number)
{
    const char *reason = strerrordesc_np(number);
    enum mse_err_code code = number == ENOENT ? MSE_ERR_MISSING : MSE_ERR_IO;

    return mse_fail_text(err, code, field, "%s: %s", what,
                         reason != NULL ? reason : "unknown error");
}

static void fd_cleanup(int *fd)
{
    if (*fd != -1)
        (void)close(*fd);
}

static void dir_cleanup(DIR **dir)
{
    if (*dir != NULL)
        (void)closedir(*dir);
}

/* ---- resolving links within the chroot ---- */

struct resolving {
    int chroot_fd;
    struct mse_writer *out;    /* "" is the root, else "/a/b": no link in it, no final slash */
    struct mse_writer pending; /* what is still to go, without a final NUL */
    size_t at;                 /* in pending */
    unsigned links;
    struct mse_error *err;
};

static bool fail_long(struct mse_error *err)
{
    return mse_fail_text(err, MSE_ERR_LIMIT, "",
                         "the path is too long once its links are resolved");
}

/* The bytes so far as a text. The NUL does not count. */
static bool terminate(struct mse_writer *w)
{
    mse_write_u8(w, 0);
    if (!mse_writer_ok(w))
        return false;
    w->len--;
    return true;
}

/* The next part that is neither empty nor "."; an empty view at the end. */
static struct mse_bytes next_part(struct resolving *r)
{
    const uint8_t *text = r->pending.data;
    size_t end;

    for (;;) {
        while (r->at < r->pending.len && text[r->at] == '/')
            r->at++;
        end = r->at;
        while (end < r->pending.len && text[end] != '/')
            end++;
        if (end - r->at != 1 || text[r->at] != '.')
            break;
        r->at = end;
    }
    return (struct mse_bytes){ end > r->at ? text + r->at : NULL, end - r->at };
}

static bool is_last(struct resolving *r, size_t end)
{
    r->at = end;
    return next_part(r).len == 0;
}

/* Puts the target in place of the link; rest is where the path goes on after the link. */
static bool follow(struct resolving *r, size_t before, size_t rest)
{
    char target[PATH_MAX];
    ssize_t n;
    struct mse_writer next = { .cap = MAX_PENDING };

    if (++r->links > MAX_LINKS)
        return fail_errno(r->err, "", "cannot resolve links", ELOOP);
    n = readlinkat(r->chroot_fd, (const char *)r->out->data + 1, target, sizeof(target));
    if (n == -1)
        return fail_errno(r->err, "", "cannot read a link", errno);
    if ((size_t)n == sizeof(target))
        return fail_long(r->err);
    r->out->len = n > 0 && target[0] == '/' ? 0 : before;
    mse_write_bytes(&next, target, (size_t)n);
    mse_write_u8(&next, '/');
    mse_write_bytes(&next, r->pending.data + rest, r->pending.len - rest);
    mse_writer_cleanup(&r->pending);
    r->pending = next;
    r->at = 0;
    return mse_writer_ok(&next) || fail_long(r->err);
}

static void go_up(struct mse_writer *out)
{
    while (out->len > 0 && out->data[out->len - 1] != '/')
        out->len--;
    if (out->len > 0)
        out->len--;
}

static bool take_part(struct resolving *r, struct mse_bytes part)
{
    size_t before = r->out->len;
    size_t end = r->at + part.len;
    struct stat st;

    if (mse_bytes_equal_text(part, "..")) {
        go_up(r->out); /* no link is behind it, so its parent is what the path says */
        r->at = end;
        return true;
    }
    mse_write_u8(r->out, '/');
    mse_write_bytes(r->out, part.data, part.len);
    if (!terminate(r->out))
        return fail_long(r->err);
    if (fstatat(r->chroot_fd, (const char *)r->out->data + 1, &st, AT_SYMLINK_NOFOLLOW) == -1) {
        int number = errno;

        return (number == ENOENT && is_last(r, end)) ||
               fail_errno(r->err, "", "cannot resolve", number);
    }
    if (S_ISLNK(st.st_mode))
        return follow(r, before, end);
    r->at = end;
    if (!S_ISDIR(st.st_mode) && !is_last(r, end))
        return fail_errno(r->err, "", "cannot resolve", ENOTDIR);
    return true;
}

/* Gramine knows no path with two leading slashes within a chroot. */
static bool is_absolute(const char *path, struct mse_error *err)
{
    return (path[0] == '/' && (path[1] != '/' || path[2] == '/')) ||
           mse_fail_text(err, MSE_ERR_VALUE, "",
                         "within a chroot only absolute paths can be measured");
}

static bool resolve(const struct mse_file_source *self, const char *path, struct mse_writer *out,
                    struct mse_error *err)
{
    struct resolving r = { .chroot_fd = directory_of(self)->chroot_fd,
                           .out = out,
                           .pending = { .cap = MAX_PENDING },
                           .err = err };
    bool ok = is_absolute(path, err);

    out->len = 0;
    mse_write_text(&r.pending, path);
    if (ok && !mse_writer_ok(&r.pending))
        ok = fail_long(err);
    while (ok) {
        struct mse_bytes part = next_part(&r);

        if (part.len == 0)
            break;
        ok = take_part(&r, part);
    }
    mse_writer_cleanup(&r.pending);
    if (ok && out->len == 0)
        mse_write_u8(out, '/');
    return ok && (mse_writer_ok(out) || fail_long(err));
}

/* ---- one node ---- */

/* Where the kernel starts, and what is left of the path. */
static bool place(const struct mse_file_source *self, const char **path, int *at,
                  struct mse_error *err)
{
    const struct mse_directory_source *d = directory_of(self);

    *at = d->root_fd;
    if (d->chroot_fd == -1)
        return true;
    if (!is_absolute(*path, err))
        return false;
    *at = d->chroot_fd;
    *path += strspn(*path, "/");
    if (**path == '\0')
        *path = ".";
    return true;
}

static enum mse_node_type type_of(const struct stat *st)
{
    if (S_ISREG(st->st_mode))
        return MSE_NODE_FILE;
    return S_ISDIR(st->st_mode) ? MSE_NODE_DIRECTORY : MSE_NODE_OTHER;
}

/*
 * The kernel follows the last link, within a chroot too: there an absolute link is tested on the
 * host. This is what Gramine does, and so decides about what is measured.
 */
static bool look(const struct mse_file_source *self, const char *path, enum mse_node_type *type,
                 bool *is_link, struct mse_error *err)
{
    struct stat st;
    int at;
    int result;

    *type = MSE_NODE_ABSENT;
    *is_link = false;
    if (!place(self, &path, &at, err))
        return false;
    result = fstatat(at, path, &st, AT_SYMLINK_NOFOLLOW);
    *is_link = result == 0 && S_ISLNK(st.st_mode);
    if (*is_link)
        result = fstatat(at, path, &st, 0);
    if (result == -1)
        return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ||
               fail_errno(err, "", "cannot examine", errno);
    *type = type_of(&st);
    if (*type != MSE_NODE_OTHER && faccessat(at, path, R_OK, AT_EACCESS) == -1) {
        if (errno != EACCES)
            return fail_errno(err, "", "cannot examine", errno);
        *type = MSE_NODE_UNREADABLE;
    }
    return true;
}

static DIR *open_directory(int at, const char *path, struct mse_error *err)
{
    int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd != -1 ? fdopendir(fd) : NULL; /* takes fd */

    if (dir == NULL) {
        (void)fail_errno(err, "", "cannot open the directory", errno);
        fd_cleanup(&fd);
    }
    return dir;
}

static bool list_files(const struct mse_file_source *self, const char *path,
                       bool (*each)(void *context, const char *name, bool is_file,
                                    struct mse_error *err),
                       void *context, struct mse_error *err)
{
    MSE_CLEANUP(dir_cleanup) DIR *dir = NULL;
    const struct dirent *entry;
    int at;

    if (!place(self, &path, &at, err))
        return false;
    dir = open_directory(at, path, err);
    if (dir == NULL)
        return false;
    while (errno = 0, (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (!each(context, entry->d_name, entry->d_type == DT_REG, err))
            return false;
    }
    return errno == 0 || fail_errno(err, "", "cannot read the directory", errno);
}

struct names_only {
    bool (*each)(void *context, const char *name, struct mse_error *err);
    void *context;
};

static bool pass_name(void *context, const char *name, bool is_file, struct mse_error *err)
{
    const struct names_only *to = context;

    (void)is_file;
    return to->each(to->context, name, err);
}

static bool list(const struct mse_file_source *self, const char *path,
                 bool (*each)(void *context, const char *name, struct mse_error *err),
                 void *context, struct mse_error *err)
{
    struct names_only to = { each, context };

    return list_files(self, path, pass_name, &to, err);
}

/* O_NONBLOCK: opening a FIFO would wait for a writer before we could refuse it. */
static bool open_at(int at, const char *path, int *fd, struct mse_error *err)
{
    *fd = openat(at, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    return *fd != -1 || fail_errno(err, "", "cannot open", errno);
}

static bool open_outside(const struct mse_file_source *self, const char *path, int *fd,
                         struct mse_error *err)
{
    return open_at(directory_of(self)->root_fd, path, fd, err);
}

static bool open_inside(const struct mse_file_source *self, const char *path, int *fd,
                        struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer resolved = { .cap = MAX_PENDING };
    const char *found;
    int at;

    *fd = -1;
    if (!resolve(self, path, &resolved, err))
        return false;
    if (!terminate(&resolved))
        return fail_long(err);
    found = (const char *)resolved.data;
    return place(self, &found, &at, err) && open_at(at, found, fd, err);
}

/* ---- the source ---- */

static bool open_root(const char *path, int *fd, struct mse_error *err)
{
    *fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *fd != -1 || fail_errno(err, path, "cannot open the directory", errno);
}

bool mse_directory_source_open(const char *directory, const char *chroot,
                               struct mse_directory_source *out, struct mse_error *err)
{
    *out = (struct mse_directory_source){
        .source = { .look = look, .list = list, .list_files = list_files, .open = open_outside },
        .root_fd = -1,
        .chroot_fd = -1,
    };
    if (!open_root(directory, &out->root_fd, err) ||
        (chroot != NULL && !open_root(chroot, &out->chroot_fd, err))) {
        mse_directory_source_close(out);
        return false;
    }
    if (chroot != NULL) {
        out->source.open = open_inside;
        out->source.resolve = resolve;
        out->source.open_loader = open_outside;
    }
    return true;
}

void mse_directory_source_close(struct mse_directory_source *source)
{
    if (source->source.look != NULL) { /* else it was never opened */
        fd_cleanup(&source->root_fd);
        fd_cleanup(&source->chroot_fd);
    }
    *source = (struct mse_directory_source){ .root_fd = -1, .chroot_fd = -1 };
}
