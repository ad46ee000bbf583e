/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The app's file system: the system's programs and libraries read-only, its code read-only, and one
 * memory-backed file system with a quota for all that it may write. Nothing else of the machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "enclave/app.h"
#include "enclave/app_launch.h"

/* Of the new root, to mount things that have to be seen elsewhere; only the keeper can enter it. */
#define STAGE ".mse"
#define FEW "size=1m,nr_inodes=256,mode=0755"

/* Where the new root can be mounted while it is built: any directory that nothing is taken from. */
static const char *const sites[] = { "/tmp", "/mnt", "/run", "/var" };

static const char *const system_dirs[] = { "usr",   "bin",   "sbin",   "lib",
                                           "lib32", "lib64", "libx32", "etc" };
static const char *const devices[] = { "null", "zero", "full", "random", "urandom" };

static const struct {
    const char *path, *target;
} device_links[] = { { "dev/fd", "/proc/self/fd" },
                     { "dev/stdin", "/proc/self/fd/0" },
                     { "dev/stdout", "/proc/self/fd/1" },
                     { "dev/stderr", "/proc/self/fd/2" } };

/* New and empty whenever the app starts. */
static const struct {
    const char *path, *name;
    mode_t mode;
} volatile_dirs[] = { { "tmp", STAGE "/tmp", 01777 },
                      { "root", STAGE "/root", 0700 },
                      { "run", STAGE "/run", 0755 },
                      { "var/tmp", STAGE "/var-tmp", 01777 },
                      { "dev/shm", STAGE "/shm", 01777 } };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- one mount ---- */

static bool make_dir(const char *path, mode_t mode, struct mse_error *err)
{
    return mkdir(path, mode) == 0 || errno == EEXIST ||
           mse_fail_errno(err, path, "cannot make", errno);
}

static bool mount_tmpfs(const char *path, const char *options, struct mse_error *err)
{
    return mount("mse", path, "tmpfs", MS_NOSUID | MS_NODEV, options) == 0 ||
           mse_fail_errno(err, path, "cannot mount memory", errno);
}

/* An inode for each 2 KiB, so that empty files cannot take what the quota keeps from full ones. */
static bool mount_quota(const char *path, uint64_t bytes, struct mse_error *err)
{
    char options[96];

    (void)snprintf(options, sizeof(options), "size=%llu,nr_inodes=%llu,mode=0755",
                   (unsigned long long)bytes, (unsigned long long)(bytes / 2048 + 64));
    return mount_tmpfs(path, options, err);
}

/* Only ever adds to the flags: those that a container has put on a mount stay. */
static bool restrict_mount(const char *path, uint64_t attributes, unsigned flags,
                           struct mse_error *err)
{
    struct mount_attr change = { .attr_set = attributes };

    return mount_setattr(AT_FDCWD, path, flags | AT_SYMLINK_NOFOLLOW, &change, sizeof(change)) ==
               0 ||
           mse_fail_errno(err, path, "cannot restrict the mount", errno);
}

static bool bind_mount(const char *from, const char *to, unsigned long flags, struct mse_error *err)
{
    return mount(from, to, NULL, MS_BIND | flags, NULL) == 0 ||
           mse_fail_errno(err, from, "cannot mount", errno);
}

/* ---- parts ---- */

/* From "/NAME" to "NAME" of the new root, which is the working directory. */
static bool add_system_dir(const char *name, struct mse_error *err)
{
    char from[16], target[256];
    struct stat st;
    ssize_t len;

    (void)snprintf(from, sizeof(from), "/%s", name);
    if (lstat(from, &st) == -1)
        return errno == ENOENT || mse_fail_errno(err, from, "cannot examine", errno);
    if (S_ISLNK(st.st_mode)) {
        len = readlink(from, target, sizeof(target) - 1);
        if (len == -1)
            return mse_fail_errno(err, from, "cannot read", errno);
        target[len] = '\0';
        return symlink(target, name) == 0 || mse_fail_errno(err, name, "cannot make", errno);
    }
    return make_dir(name, 0755, err) && bind_mount(from, name, MS_REC, err) &&
           restrict_mount(name, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
                          AT_RECURSIVE, err);
}

/* The machine's own nodes: inside a container or a user namespace none can be made. */
static bool add_device(const char *name, struct mse_error *err)
{
    char from[16], to[16];
    int fd;

    (void)snprintf(from, sizeof(from), "/dev/%s", name);
    (void)snprintf(to, sizeof(to), "dev/%s", name);
    fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd == -1)
        return mse_fail_errno(err, to, "cannot make", errno);
    (void)close(fd);
    return bind_mount(from, to, 0, err) &&
           restrict_mount(to, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, 0, err);
}

static bool add_devices(struct mse_error *err)
{
    bool ok = make_dir("dev", 0755, err);

    for (size_t i = 0; ok && i < COUNT(devices); i++)
        ok = add_device(devices[i], err);
    for (size_t i = 0; ok && i < COUNT(device_links); i++)
        ok = symlink(device_links[i].target, device_links[i].path) == 0 ||
             mse_fail_errno(err, device_links[i].path, "cannot make", errno);
    return ok;
}

/* hidepid=2: a process sees those of its own user, which are the app's. */
static bool add_proc(struct mse_error *err)
{
    return make_dir("proc", 0555, err) &&
           (mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=2") == 0 ||
            mse_fail_errno(err, "/proc", "cannot mount one for the app", errno));
}

/* The runtime writes through *code; the app has a second, read-only mount of the same files. The
 * first is taken out of the tree, and lives as long as the descriptor. */
static bool add_code(uint64_t bytes, int *code, struct mse_error *err)
{
    const char *const seen = &MSE_APP_CODE_DIR[1];

    if (!make_dir(seen, 0755, err) || !mount_quota(STAGE, bytes, err))
        return false;
    *code = open(STAGE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*code == -1)
        return mse_fail_errno(err, MSE_APP_CODE_DIR, "cannot open", errno);
    if (!bind_mount(STAGE, seen, 0, err) ||
        !restrict_mount(seen, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0, err))
        return false;
    return umount2(STAGE, MNT_DETACH) == 0 ||
           mse_fail_errno(err, MSE_APP_CODE_DIR, "cannot detach", errno);
}

static bool add_mount_points(struct mse_error *err)
{
    bool ok = make_dir("var", 0755, err);

    for (size_t i = 0; ok && i < COUNT(volatile_dirs); i++)
        ok = make_dir(volatile_dirs[i].path, 0755, err);
    return ok;
}

/* ---- root ---- */

static bool enter_site(struct mse_error *err)
{
    struct mse_error why = { 0 };

    /* Nothing that happens here reaches the machine's own mounts. */
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1)
        return mse_fail_errno(err, "/", "cannot make the mounts private", errno);
    for (size_t i = 0; i < COUNT(sites); i++) {
        if (mount_tmpfs(sites[i], FEW, &why))
            return chdir(sites[i]) == 0 || mse_fail_errno(err, sites[i], "cannot enter", errno);
    }
    *err = why;
    return false;
}

/* The working directory becomes the root. A root that came with the kernel (initramfs) cannot be
 * exchanged, only covered. */
static bool exchange_root(struct mse_error *err)
{
    if (syscall(SYS_pivot_root, ".", ".") == 0) {
        /* The old root lies on top of the new one now. */
        if (umount2(".", MNT_DETACH) == -1)
            return mse_fail_errno(err, "/", "cannot detach the old root", errno);
    } else if (errno != EINVAL || mount(".", "/", NULL, MS_MOVE, NULL) == -1 || chroot(".") == -1)
        return mse_fail_errno(err, "/", "cannot exchange the root", errno);
    if (chdir("/") == -1)
        return mse_fail_errno(err, "/", "cannot enter", errno);
    return restrict_mount("/", MOUNT_ATTR_RDONLY, 0, err);
}

bool mse_app_root_build(const struct mse_app_launch *launch, int *code, struct mse_error *err)
{
    bool ok;

    *code = -1;
    (void)umask(0);
    ok = enter_site(err) && make_dir(STAGE, 0700, err);
    for (size_t i = 0; ok && i < COUNT(system_dirs); i++)
        ok = add_system_dir(system_dirs[i], err);
    ok = ok && add_devices(err) && add_proc(err) && add_mount_points(err) &&
         add_code(launch->code_bytes, code, err) && exchange_root(err);
    (void)umask(022);
    if (!ok && *code != -1) {
        (void)close(*code);
        *code = -1;
    }
    return ok;
}

/* ---- what is new at each start ---- */

static bool add_volatile(size_t index, struct mse_error *err)
{
    const char *const name = volatile_dirs[index].name;

    if (mkdir(name, volatile_dirs[index].mode) == -1 ||
        chmod(name, volatile_dirs[index].mode) == -1 || chown(name, MSE_APP_UID, MSE_APP_UID) == -1)
        return mse_fail_errno(err, volatile_dirs[index].path, "cannot make", errno);
    return bind_mount(name, volatile_dirs[index].path, 0, err);
}

static bool copy_content(int from, int to, const char *path, struct mse_error *err)
{
    uint8_t piece[4096];
    off_t at = 0;
    ssize_t n;

    while ((n = pread(from, piece, sizeof(piece), at)) > 0) {
        if (write(to, piece, (size_t)n) != n) {
            explicit_bzero(piece, sizeof(piece));
            return mse_fail_errno(err, path, "cannot write", errno);
        }
        at += n;
    }
    explicit_bzero(piece, sizeof(piece));
    return n == 0 || mse_fail_errno(err, path, "cannot read", errno);
}

static bool add_secret(const char *path, int from, struct mse_error *err)
{
    int fd;
    bool ok;

    if (from == -1)
        return true;
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
    if (fd == -1)
        return mse_fail_errno(err, path, "cannot make", errno);
    ok = copy_content(from, fd, path, err);
    if (ok && fchown(fd, MSE_APP_UID, MSE_APP_UID) == -1)
        ok = mse_fail_errno(err, path, "cannot give to the app", errno);
    (void)close(fd);
    return ok;
}

static bool add_secrets_dir(struct mse_error *err)
{
    static const char *const parts[] = { "root/.cache", "root/.cache/mse" };

    for (size_t i = 0; i < COUNT(parts); i++) {
        if (mkdir(parts[i], 0700) == -1 || chown(parts[i], MSE_APP_UID, MSE_APP_UID) == -1)
            return mse_fail_errno(err, parts[i], "cannot make", errno);
    }
    return true;
}

bool mse_app_root_refresh(const struct mse_app_launch *launch, int secrets, int sealed_secrets,
                          struct mse_error *err)
{
    bool ok = chdir("/") == 0 || mse_fail_errno(err, "/", "cannot enter", errno);

    (void)umount2(STAGE, MNT_DETACH); /* of an attempt that failed */
    for (size_t i = 0; ok && i < COUNT(volatile_dirs); i++) {
        if (umount2(volatile_dirs[i].path, MNT_DETACH) == -1 && errno != EINVAL)
            ok = mse_fail_errno(err, volatile_dirs[i].path, "cannot unmount", errno);
    }
    ok = ok && mount_quota(STAGE, launch->tmp_bytes, err);
    for (size_t i = 0; ok && i < COUNT(volatile_dirs); i++)
        ok = add_volatile(i, err);
    if (ok && umount2(STAGE, MNT_DETACH) == -1)
        ok = mse_fail_errno(err, "/tmp", "cannot detach", errno);
    return ok && add_secrets_dir(err) && add_secret(MSE_APP_SECRETS, secrets, err) &&
           add_secret(MSE_APP_SEALED_SECRETS, sealed_secrets, err);
}
