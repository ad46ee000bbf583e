/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual file system of an image: look-up with links, entries of layers, whiteouts. */
#include "package/image_tree.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/encode.h"
#include "base/utf8.h"

#define MAX_LINKS 40 /* as the kernel follows in one path */
#define MAX_PATH 4096
#define MAX_DEPTH 4096
#define MAX_NAME 255
#define BUCKETS (1U << 16)
#define WHITEOUT ".wh."
#define OPAQUE ".wh..wh..opq"

bool image_tree_init(struct image_tree *tree, size_t max_entries, struct mse_error *err)
{
    *tree = (struct image_tree){ .bucket_count = BUCKETS, .max_entries = max_entries };
    tree->root = (struct image_node){ .parent = &tree->root, .type = IMAGE_DIRECTORY };
    tree->buckets = calloc(tree->bucket_count, sizeof(struct image_node *));
    if (tree->buckets == NULL)
        return mse_fail_memory(err);
    if (getrandom(&tree->seed, sizeof(tree->seed), 0) != (ssize_t)sizeof(tree->seed))
        return mse_fail(err, MSE_ERR_CRYPTO, 0, "random");
    return true;
}

static void node_free(struct image_node *node)
{
    free(node->name);
    free(node->target);
    free(node);
}

void image_tree_cleanup(struct image_tree *tree)
{
    for (struct image_node *node = tree->all, *next; node != NULL; node = next) {
        next = node->all;
        node_free(node);
    }
    free(tree->buckets);
    *tree = (struct image_tree){ 0 };
}

/* FNV-1a with a secret start. */
static size_t bucket_of(const struct image_tree *tree, const struct image_node *parent,
                        const char *name, size_t len)
{
    uint64_t h = (UINT64_C(14695981039346656037) ^ tree->seed) + (uint64_t)(uintptr_t)parent;

    for (size_t i = 0; i < len; i++)
        h = (h ^ (uint8_t)name[i]) * UINT64_C(1099511628211);
    h ^= h >> 32;
    return (size_t)(h % tree->bucket_count);
}

static struct image_node *child(const struct image_tree *tree, const struct image_node *parent,
                                const char *name, size_t len)
{
    struct image_node *node = tree->buckets[bucket_of(tree, parent, name, len)];

    while (node != NULL && (node->parent != parent || strncmp(node->name, name, len) != 0 ||
                            node->name[len] != '\0'))
        node = node->same_hash;
    return node;
}

const struct image_node *image_child(const struct image_tree *tree, const struct image_node *parent,
                                     const char *name)
{
    return child(tree, parent, name, strlen(name));
}

/* ---- looking up --------------------------------------------------------------------------- */

/* What is still to be walked; a link's target is put before it. */
struct walk {
    char path[2 * MAX_PATH + 2];
    size_t at;
    unsigned links;
};

static bool walk_start(struct walk *w, const char *path)
{
    size_t len = strlen(path);

    if (len > MAX_PATH)
        return false;
    *w = (struct walk){ .at = 0 };
    memcpy(w->path, path, len + 1);
    return true;
}

static bool walk_insert(struct walk *w, const char *target)
{
    char rest[MAX_PATH + 2];
    size_t len = strlen(target), left = strlen(w->path + w->at);

    if (++w->links > MAX_LINKS || len > MAX_PATH || left > MAX_PATH)
        return false;
    memcpy(rest, w->path + w->at, left + 1);
    memcpy(w->path, target, len);
    w->path[len] = '/';
    memcpy(w->path + len + 1, rest, left + 1);
    w->at = 0;
    return true;
}

/* The next part, without slashes; len 0 at the end. */
static const char *walk_part(struct walk *w, size_t *len)
{
    const char *part;

    w->at += strspn(w->path + w->at, "/");
    part = w->path + w->at;
    *len = strcspn(part, "/");
    w->at += *len;
    return part;
}

static bool walk_is_last(const struct walk *w)
{
    return w->path[w->at + strspn(w->path + w->at, "/")] == '\0';
}

const struct image_node *image_find(const struct image_tree *tree, const struct image_node *from,
                                    const char *path, bool follow_last)
{
    const struct image_node *at = path[0] == '/' ? &tree->root : from;
    struct walk w;
    size_t len;

    if (!walk_start(&w, path))
        return NULL;
    for (;;) {
        const char *part = walk_part(&w, &len);
        const struct image_node *next;

        if (len == 0)
            return at;
        if (at->type != IMAGE_DIRECTORY)
            return NULL;
        if (len == 1 && part[0] == '.')
            continue;
        next = len == 2 && memcmp(part, "..", 2) == 0 ? at->parent : child(tree, at, part, len);
        if (next == NULL)
            return NULL;
        if (next->type == IMAGE_LINK && (follow_last || !walk_is_last(&w))) {
            if (next->target[0] == '/')
                at = &tree->root;
            if (!walk_insert(&w, next->target))
                return NULL;
        } else {
            at = next;
        }
    }
}

/* ---- entries of layers -------------------------------------------------------------------- */

static void unhash(struct image_tree *tree, struct image_node *node)
{
    struct image_node **place =
        &tree->buckets[bucket_of(tree, node->parent, node->name, strlen(node->name))];

    while (*place != node)
        place = &(*place)->same_hash;
    *place = node->same_hash;
}

/* A node and all below it; the memory stays until the end. */
static void remove_node(struct image_tree *tree, struct image_node *node)
{
    struct image_node *at = node;

    for (;;) {
        struct image_node *parent = at->parent;

        if (at->children != NULL) {
            at = at->children;
            continue;
        }
        unhash(tree, at);
        if (at->previous != NULL)
            at->previous->next = at->next;
        else
            parent->children = at->next;
        if (at->next != NULL)
            at->next->previous = at->previous;
        if (at == node)
            return;
        at = parent;
    }
}

static struct image_node *add_node(struct image_tree *tree, struct image_node *parent,
                                   const char *name, size_t len, enum image_type type,
                                   unsigned layer, struct mse_error *err)
{
    struct image_node *node;
    size_t bucket = bucket_of(tree, parent, name, len);

    if (tree->count >= tree->max_entries) {
        (void)mse_fail_text(err, MSE_ERR_LIMIT, "image", "more than %zu entries",
                            tree->max_entries);
        return NULL;
    }
    /* Through links to directories, short paths lead deep; some walks here recurse. */
    if (parent->depth >= MAX_DEPTH) {
        (void)mse_fail_text(err, MSE_ERR_LIMIT, "image", "directories more than %d deep",
                            MAX_DEPTH);
        return NULL;
    }
    node = calloc(1, sizeof(*node));
    if (node == NULL || (node->name = strndup(name, len)) == NULL) {
        free(node);
        (void)mse_fail_memory(err);
        return NULL;
    }
    node->parent = parent;
    node->type = type;
    node->depth = parent->depth + 1;
    node->layer = layer;
    node->next = parent->children;
    if (node->next != NULL)
        node->next->previous = node;
    parent->children = node;
    node->same_hash = tree->buckets[bucket];
    tree->buckets[bucket] = node;
    node->all = tree->all;
    tree->all = node;
    tree->count++;
    return node;
}

static bool path_error(struct mse_error *err, enum mse_err_code code, const char *path,
                       const char *why)
{
    char shown[256];

    return mse_fail_text(err, code, "image", "%s: %s",
                         mse_escape(MSE_CSTR_BYTES(path), shown, sizeof(shown)), why);
}

/* The directory that a path of an archive is in; links to directories are followed, as those who
 * unpack layers into a root do. */
static struct image_node *enter(struct image_tree *tree, struct image_node *at, const char *part,
                                size_t len, unsigned layer, struct mse_error *err)
{
    struct image_node *node = child(tree, at, part, len);

    if (node != NULL && node->type == IMAGE_LINK) {
        const struct image_node *found = image_find(tree, at, node->target, true);

        /* Found in a tree that is ours to change. */
        if (found != NULL && found->type == IMAGE_DIRECTORY)
            return (struct image_node *)(uintptr_t)found;
    }
    if (node != NULL && node->type == IMAGE_DIRECTORY) {
        node->layer = layer; /* this layer has something in it */
        return node;
    }
    if (node != NULL)
        remove_node(tree, node);
    return add_node(tree, at, part, len, IMAGE_DIRECTORY, layer, err);
}

static bool path_is_plain(const char *path, struct mse_error *err)
{
    size_t len = strlen(path);

    if (len > MAX_PATH)
        return path_error(err, MSE_ERR_LIMIT, path, "is too long a path");
    if (!mse_utf8_is_valid((struct mse_bytes){ (const uint8_t *)path, len }))
        return path_error(err, MSE_ERR_FORMAT, path, "is not UTF-8");
    for (const char *p = path; *p != '\0';) {
        size_t part = strcspn(p, "/");

        if (part > MAX_NAME)
            return path_error(err, MSE_ERR_LIMIT, path, "holds a name of more than 255 bytes");
        if (part == 2 && memcmp(p, "..", 2) == 0)
            return path_error(err, MSE_ERR_VALUE, path, "holds \"..\"");
        p += part;
        p += strspn(p, "/");
    }
    return true;
}

/* What lower layers put there goes; what this layer made, in whatever order, stays. Paths are short
 * enough for the recursion. */
static void remove_lower(struct image_tree *tree, struct image_node *node, unsigned layer)
{
    struct image_node *next;

    if (node->layer < layer) {
        remove_node(tree, node);
        return;
    }
    for (struct image_node *below = node->children; below != NULL; below = next) {
        next = below->next;
        remove_lower(tree, below, layer);
    }
}

static void whiteout(struct image_tree *tree, struct image_node *directory, const char *name,
                     size_t len, unsigned layer)
{
    struct image_node *next;

    if (len == sizeof(OPAQUE) - 1 && memcmp(name, OPAQUE, len) == 0) {
        for (struct image_node *node = directory->children; node != NULL; node = next) {
            next = node->next;
            remove_lower(tree, node, layer);
        }
        return;
    }
    next = child(tree, directory, name + sizeof(WHITEOUT) - 1, len - (sizeof(WHITEOUT) - 1));
    if (next != NULL)
        remove_lower(tree, next, layer);
}

/* ".wh.NAME" as the last part of a path: what it is in is looked for, not made. */
static bool apply_whiteout(struct image_tree *tree, const char *path, unsigned layer)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    char directory[MAX_PATH + 1];
    const struct image_node *found;

    if (strncmp(name, WHITEOUT, sizeof(WHITEOUT) - 1) != 0 || name[sizeof(WHITEOUT) - 1] == '\0')
        return false;
    memcpy(directory, path, (size_t)(name - path));
    directory[name - path] = '\0';
    found = image_find(tree, &tree->root, directory, true);
    if (found != NULL && found->type == IMAGE_DIRECTORY)
        whiteout(tree, (struct image_node *)(uintptr_t)found, name, strlen(name), layer);
    return true;
}

bool image_apply(struct image_tree *tree, const char *path, enum image_type type, unsigned layer,
                 struct image_node **out, struct mse_error *err)
{
    struct image_node *at = &tree->root, *node;
    struct walk w;
    const char *part;
    size_t len;

    *out = NULL;
    if (!path_is_plain(path, err) || !walk_start(&w, path))
        return false;
    if (apply_whiteout(tree, path, layer))
        return true;
    for (;;) {
        part = walk_part(&w, &len);
        if (len == 0) {
            *out = at; /* the root itself */
            return type == IMAGE_DIRECTORY ||
                   path_error(err, MSE_ERR_VALUE, path, "is no name for a file");
        }
        if (len == 1 && part[0] == '.')
            continue;
        if (walk_is_last(&w))
            break;
        at = enter(tree, at, part, len, layer, err);
        if (at == NULL)
            return false;
    }
    node = child(tree, at, part, len);
    if (node != NULL && node->type == IMAGE_DIRECTORY && type == IMAGE_DIRECTORY) {
        node->layer = layer;
        *out = node;
        return true;
    }
    if (node != NULL)
        remove_node(tree, node);
    *out = add_node(tree, at, part, len, type, layer, err);
    return *out != NULL;
}

bool image_set_target(struct image_node *node, const char *target, struct mse_error *err)
{
    if (strlen(target) > MAX_PATH || !mse_utf8_is_valid(MSE_CSTR_BYTES(target)))
        return path_error(err, MSE_ERR_FORMAT, node->name, "has no proper link target");
    free(node->target);
    node->target = strdup(target);
    return node->target != NULL || mse_fail_memory(err);
}
