/* SPDX-License-Identifier: Apache-2.0 */
/* Paths and link targets of a tree. */
#include "measure/tree_path.h"

#include "base/utf8.h"

/* Unicode's category Cc: C0, DEL and C1. All lines and terminals that show a path stay sound. */
static bool has_control(const char *text)
{
    for (const uint8_t *p = (const uint8_t *)text; *p != '\0'; p++) {
        if (*p < 0x20 || *p == 0x7f || (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0))
            return true;
    }
    return false;
}

static bool check_text(const char *path, const char *what, const char *text, struct mse_error *err)
{
    if (!mse_utf8_is_valid(MSE_CSTR_BYTES(text)))
        return mse_fail_text(err, MSE_ERR_VALUE, path, "%s is not UTF-8; rename it", what);
    if (has_control(text))
        return mse_fail_text(err, MSE_ERR_VALUE, path, "%s holds a control character; rename it",
                             what);
    return true;
}

static size_t part_length(const char *path)
{
    return strcspn(path, "/");
}

static bool is_part(const char *part, size_t len, const char *name)
{
    return len == strlen(name) && memcmp(part, name, len) == 0;
}

bool mse_tree_path_check(const char *path, struct mse_error *err)
{
    unsigned depth = 0;

    if (strlen(path) > MSE_TREE_MAX_PATH)
        return mse_fail_text(err, MSE_ERR_LIMIT, path, "a path of more than %d bytes",
                             MSE_TREE_MAX_PATH);
    if (!check_text(path, "the path", path, err))
        return false;
    for (const char *at = path;; at++) {
        size_t len = part_length(at);

        if (len == 0 || is_part(at, len, ".") || is_part(at, len, ".."))
            return mse_fail_text(err, MSE_ERR_VALUE, path,
                                 "not a relative path without empty, \".\" and \"..\" parts");
        if (++depth > MSE_TREE_MAX_DEPTH)
            return mse_fail_text(err, MSE_ERR_LIMIT, path, "a path of more than %d parts",
                                 MSE_TREE_MAX_DEPTH);
        at += len;
        if (*at == '\0')
            return true;
    }
}

/* ---- targets ---- */

/* Takes the last part of a path away; false if there is none. */
static bool go_up(char *where)
{
    char *slash = strrchr(where, '/');

    if (where[0] == '\0')
        return false;
    *(slash != NULL ? slash : where) = '\0';
    return true;
}

/* where has room for MSE_TREE_MAX_PATH bytes and a NUL. */
static bool go_down(char *where, const char *part, size_t len)
{
    size_t at = strlen(where);

    if (len + 1 > MSE_TREE_MAX_PATH - at)
        return false;
    if (at > 0)
        where[at++] = '/';
    memcpy(where + at, part, len);
    where[at + len] = '\0';
    return true;
}

/* From the link's own directory, part by part. */
static bool follow(const char *path, char *where, const char *target,
                   bool (*is_link)(const void *context, const char *path), const void *context,
                   struct mse_error *err)
{
    for (const char *at = target; *at != '\0';) {
        size_t len = part_length(at);

        if (is_part(at, len, "..")) {
            if (!go_up(where))
                return mse_fail_text(err, MSE_ERR_VALUE, path, "a link that leaves the tree: %s",
                                     target);
        } else if (len > 0 && !is_part(at, len, ".")) {
            if (!go_down(where, at, len))
                return mse_fail_text(err, MSE_ERR_LIMIT, path,
                                     "a link to a path of more than %d bytes", MSE_TREE_MAX_PATH);
            if (is_link(context, where))
                return mse_fail_text(err, MSE_ERR_VALUE, path,
                                     "a link through another link (%s): %s", where, target);
        }
        at += len;
        at += *at == '/' ? 1 : 0;
    }
    return true;
}

bool mse_tree_target_check(const char *path, const char *target,
                           bool (*is_link)(const void *context, const char *path),
                           const void *context, struct mse_error *err)
{
    char where[MSE_TREE_MAX_PATH + 1];

    if (target[0] == '\0' || strlen(target) > MSE_TREE_MAX_PATH)
        return mse_fail_text(err, MSE_ERR_LIMIT, path, "a link target of no or too many bytes");
    if (!check_text(path, "the link's target", target, err))
        return false;
    if (target[0] == '/')
        return mse_fail_text(err, MSE_ERR_VALUE, path,
                             "an absolute link (%s); make it relative, or remove it", target);
    memcpy(where, path, strlen(path) + 1);
    (void)go_up(where);
    return follow(path, where, target, is_link, context, err);
}
