/* SPDX-License-Identifier: Apache-2.0 */
/* Control groups of an app, version 2 or 1 (cgroups(7)): memory and the number of tasks. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enclave/app_launch.h"

#define ROOT "/sys/fs/cgroup"
#define MAX_TASKS "4096"
#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

static bool write_file(int dir, const char *name, const char *text)
{
    const int fd = openat(dir, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    const size_t len = strlen(text);
    bool ok;

    if (fd == -1)
        return false;
    ok = write(fd, text, len) == (ssize_t)len;
    (void)close(fd);
    return ok;
}

/* Path of this process's group: of version 2 (controller "") or of a controller of version 1. */
static bool own_group(const char *controller, char *out, size_t size)
{
    FILE *in = fopen("/proc/self/cgroup", "re");
    char line[1024], *path;
    bool found = false;

    if (in == NULL)
        return false;
    while (!found && fgets(line, sizeof(line), in) != NULL) {
        char *names = strchr(line, ':');

        line[strcspn(line, "\n")] = '\0';
        if (names == NULL || (path = strchr(++names, ':')) == NULL)
            continue;
        *path++ = '\0';
        found = strcmp(names, controller) == 0;
    }
    (void)fclose(in);
    return found && snprintf(out, size, "%s", path) < (int)size;
}

/* Where the group is, or where a container sees it: at the root of what is mounted for it. */
static int open_group(const char *mount, const char *controller)
{
    char group[800], path[1024];
    int fd = -1;

    if (!own_group(controller, group, sizeof(group)))
        return -1;
    if (snprintf(path, sizeof(path), "%s%s", mount, group) < (int)sizeof(path))
        fd = open(path, OPEN_DIR);
    return fd != -1 ? fd : open(mount, OPEN_DIR);
}

static void remove_group(int parent, const char *name)
{
    (void)unlinkat(parent, name, AT_REMOVEDIR);
}

/* One group below parent, which is closed unless it holds; limits: file, value, of which the first
 * is what the group is for. */
static bool make_group(struct mse_app_cgroups *out, size_t index, int parent,
                       const char *const limits[][2], size_t count, int *procs)
{
    int dir = -1;

    if (mkdirat(parent, out->name, 0755) == -1 && errno != EEXIST)
        return false;
    dir = openat(parent, out->name, OPEN_DIR);
    if (dir != -1 && write_file(dir, limits[0][0], limits[0][1])) {
        for (size_t i = 1; i < count; i++)
            (void)write_file(dir, limits[i][0], limits[i][1]);
        *procs = openat(dir, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    }
    if (dir != -1)
        (void)close(dir);
    if (*procs == -1) {
        remove_group(parent, out->name);
        return false;
    }
    out->parents[index] = parent;
    return true;
}

static bool make_version_2(struct mse_app_launch *launch, const char *bytes,
                           struct mse_app_cgroups *out)
{
    const char *const limits[][2] = { { "memory.max", bytes },
                                      { "memory.swap.max", "0" },
                                      { "pids.max", MAX_TASKS } };
    const int parent = open_group(ROOT, "");

    if (parent == -1 || faccessat(parent, "cgroup.controllers", F_OK, 0) == -1) {
        if (parent != -1)
            (void)close(parent);
        return false;
    }
    /* Refused where the group has processes; then it may have been done for us. */
    (void)write_file(parent, "cgroup.subtree_control", "+memory");
    (void)write_file(parent, "cgroup.subtree_control", "+pids");
    if (make_group(out, 0, parent, limits, 3, &launch->cgroups[0]))
        return true;
    (void)close(parent);
    return false;
}

static void make_version_1(struct mse_app_launch *launch, const char *bytes,
                           struct mse_app_cgroups *out)
{
    const char *const memory[][2] = { { "memory.limit_in_bytes", bytes },
                                      { "memory.memsw.limit_in_bytes", bytes } };
    const char *const tasks[][2] = { { "pids.max", MAX_TASKS } };
    int parent = open_group(ROOT "/memory", "memory");

    if (parent != -1 && !make_group(out, 0, parent, memory, 2, &launch->cgroups[0]))
        (void)close(parent);
    parent = open_group(ROOT "/pids", "pids");
    if (parent != -1 && !make_group(out, 1, parent, tasks, 1, &launch->cgroups[1]))
        (void)close(parent);
}

void mse_app_cgroups_make(struct mse_app_launch *launch, struct mse_app_cgroups *out)
{
    char bytes[24];

    *out = (struct mse_app_cgroups){ .parents = { -1, -1 } };
    (void)snprintf(out->name, sizeof(out->name), "mse-app-%ld", (long)getpid());
    (void)snprintf(bytes, sizeof(bytes), "%llu", (unsigned long long)launch->memory_bytes);
    if (!make_version_2(launch, bytes, out))
        make_version_1(launch, bytes, out);
}

void mse_app_cgroups_remove(struct mse_app_cgroups *cgroups)
{
    for (size_t i = 0; i < MSE_APP_MAX_CGROUPS; i++) {
        if (cgroups->parents[i] == -1)
            continue;
        remove_group(cgroups->parents[i], cgroups->name);
        (void)close(cgroups->parents[i]);
        cgroups->parents[i] = -1;
    }
}
