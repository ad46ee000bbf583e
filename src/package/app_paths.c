/* SPDX-License-Identifier: Apache-2.0 */
/* Paths that mse.toml names: relative to it, and compared by name. */
#include "package/app_paths.h"

#include <stdlib.h>

char *mse_app_path_join(const char *file, const char *path)
{
    const char *slash = strrchr(file, '/');
    size_t dir = slash != NULL ? (size_t)(slash - file) + 1 : 0;
    size_t len = strlen(path);
    char *joined;

    if (path[0] == '/')
        dir = 0;
    joined = malloc(dir + len + 1);
    if (joined == NULL)
        return NULL;
    memcpy(joined, file, dir);
    memcpy(joined + dir, path, len + 1);
    return joined;
}

/* A path without "." and "..", as far as its own names go. */
struct parts {
    bool absolute;
    size_t ups;   /* ".." that are left at the beginning */
    size_t count; /* of names */
    const char **of;
    size_t *len;
};

static void cleanup(struct parts *p)
{
    free(p->of);
    free(p->len);
}

static bool split(const char *path, struct parts *out)
{
    size_t most = strlen(path) / 2 + 1;

    out->absolute = path[0] == '/';
    out->of = calloc(most, sizeof(*out->of));
    out->len = calloc(most, sizeof(*out->len));
    if (out->of == NULL || out->len == NULL)
        return false;
    while (*path != '\0') {
        size_t len = strcspn(path, "/");

        if (len == 2 && path[0] == '.' && path[1] == '.') {
            if (out->count > 0)
                out->count--;
            else
                out->ups += !out->absolute;
        } else if (len > 0 && !(len == 1 && path[0] == '.')) {
            out->of[out->count] = path;
            out->len[out->count++] = len;
        }
        path += len + (path[len] == '/');
    }
    return true;
}

static bool begins_with(const struct parts *path, const struct parts *directory)
{
    if (path->count < directory->count)
        return false;
    for (size_t i = 0; i < directory->count; i++) {
        if (path->len[i] != directory->len[i] ||
            memcmp(path->of[i], directory->of[i], path->len[i]) != 0)
            return false;
    }
    return true;
}

bool mse_app_path_is_below(const char *directory, const char *path, bool *below)
{
    MSE_CLEANUP(cleanup) struct parts d = { 0 };
    MSE_CLEANUP(cleanup) struct parts p = { 0 };

    *below = false;
    if (!split(directory, &d) || !split(path, &p))
        return false;
    if (d.absolute != p.absolute)
        return true;
    /* "../.." holds "../x" whatever the names of the directories are. */
    *below = d.ups > p.ups ? d.count == 0 : d.ups == p.ups && begins_with(&p, &d);
    return true;
}
