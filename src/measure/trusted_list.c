/* SPDX-License-Identifier: Apache-2.0 */
/* Which files sgx.trusted_files stands for, in which order, under which URIs. */
#include "measure/trusted_list.h"

#include <stdlib.h>

#include "base/encode.h"
#include "base/utf8.h"

#define SCHEME MSE_URI_SCHEME
#define SCHEME_LEN MSE_URI_SCHEME_LEN
#define LIST "sgx.trusted_files"

struct expansion {
    const struct mse_file_source *source;
    enum mse_gramine rules;
    struct mse_uri_map map;
    struct mse_writer uri; /* of the node at hand, NUL-terminated; the NUL does not count */
    struct mse_error *err;
};

static const char *uri_of(const struct expansion *x)
{
    return (const char *)x->uri.data;
}

static const char *path_of(const struct expansion *x)
{
    return uri_of(x) + SCHEME_LEN;
}

/* Puts the URI before what a source said. */
static bool fail_at(struct mse_error *err, const char *uri)
{
    return mse_fail_in(err, "%s", uri);
}

/* ---- paths ---- */

static bool set_uri(struct expansion *x, size_t keep, const char *more, size_t len)
{
    x->uri.len = keep;
    mse_write_bytes(&x->uri, more, len);
    mse_write_u8(&x->uri, 0);
    if (!mse_writer_ok(&x->uri))
        return mse_fail_text(x->err, MSE_ERR_LIMIT, LIST, "a path is longer than %u bytes",
                             MSE_TRUSTED_MAX_PATH);
    x->uri.len--;
    return true;
}

/*
 * Empty and "." parts and the last slash go, ".." stays, and so do exactly two slashes at the
 * start (IEEE Std 1003.1, 4.13, gives them a meaning of their own).
 */
static void write_normal(const char *path, struct mse_writer *out)
{
    size_t slashes = strspn(path, "/");
    size_t start = out->len;

    if (slashes > 0)
        mse_write_text(out, slashes == 2 ? "//" : "/");
    path += slashes;
    for (bool first = true; *path != '\0'; path += strspn(path, "/")) {
        size_t len = strcspn(path, "/");

        if (len != 1 || path[0] != '.') {
            if (!first)
                mse_write_u8(out, '/');
            mse_write_bytes(out, path, len);
            first = false;
        }
        path += len;
    }
    if (out->len == start)
        mse_write_u8(out, '.');
}

static bool set_normal_uri(struct expansion *x, const char *path)
{
    x->uri.len = 0;
    mse_write_text(&x->uri, SCHEME);
    write_normal(path, &x->uri);
    return set_uri(x, x->uri.len, "", 0);
}

/* ---- one file ---- */

/*
 * A file found in a directory is only opened later; one that may not be read is then left out, as
 * Gramine does. If it is listed too, its place depends on that: so it must be known now.
 */
static bool settle_found(struct expansion *x, struct mse_uri_entry **entry, bool *is_new)
{
    enum mse_node_type type = MSE_NODE_ABSENT;
    struct mse_uri_entry *found = *entry;
    const char *path = found->uri + SCHEME_LEN;
    bool is_link = false;

    found->found = false;
    if (!x->source->look(x->source, path, &type, &is_link, x->err))
        return fail_at(x->err, found->uri);
    if (type != MSE_NODE_UNREADABLE)
        return true;
    mse_uri_map_leave_out(&x->map, found);
    return mse_uri_map_add(&x->map, found->uri, MSE_TRUSTED_MAX_FILES, is_new, entry, x->err);
}

/* A URI that is there already keeps its place; in 1.9 a hash that is given counts, in 1.5 not. */
static bool add_file(struct expansion *x, const char *uri, const char *sha256, bool found)
{
    struct mse_uri_entry *entry = NULL;
    bool is_new = false;

    if (!mse_uri_map_add(&x->map, uri, MSE_TRUSTED_MAX_FILES, &is_new, &entry, x->err))
        return false;
    if (is_new)
        entry->found = found;
    else if (entry->found && !found && !settle_found(x, &entry, &is_new))
        return false;
    if (sha256 == NULL || (!is_new && x->rules == MSE_GRAMINE_1_5))
        return true;
    if (entry->sha256[0] == '\0')
        memcpy(entry->sha256, sha256, sizeof(entry->sha256));
    return strcmp(entry->sha256, sha256) == 0 ||
           mse_fail_text(x->err, MSE_ERR_MISMATCH, uri,
                         "listed twice with different hashes, %s and %s", entry->sha256, sha256);
}

/* ---- the files of a directory ---- */

struct name {
    char *text; /* owned */
    bool is_file;
};

struct names {
    struct name *items; /* owned */
    size_t count, room;
};

static void names_cleanup(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i].text);
    free(names->items);
}

static bool reserve_name(struct names *names)
{
    size_t room = names->room != 0 ? names->room * 2 : 16;
    struct name *items;

    if (names->count < names->room)
        return true;
    items = realloc(names->items, room * sizeof(struct name));
    if (items == NULL)
        return false;
    names->items = items;
    names->room = room;
    return true;
}

/* A name is a part of a path and nothing else, whatever the source read it from. */
static bool add_name(void *context, const char *name, bool is_file, struct mse_error *err)
{
    struct names *names = context;

    if (name[0] == '\0' || strchr(name, '/') != NULL || strcmp(name, ".") == 0 ||
        strcmp(name, "..") == 0)
        return mse_fail_text(err, MSE_ERR_VALUE, name, "no name of a file");
    if (names->count >= MSE_TRUSTED_MAX_FILES)
        return mse_fail_text(err, MSE_ERR_LIMIT, "", "more than %u names in one directory",
                             MSE_TRUSTED_MAX_FILES);
    if (!reserve_name(names))
        return mse_fail_memory(err);
    names->items[names->count] = (struct name){ strdup(name), is_file };
    return names->items[names->count++].text != NULL || mse_fail_memory(err);
}

static bool add_bare_name(void *context, const char *name, struct mse_error *err)
{
    return add_name(context, name, false, err);
}

/* By bytes: for UTF-8 the order of code points, which is Gramine's. */
static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

static bool walk(struct expansion *x, unsigned depth);

static bool add_found(struct expansion *x)
{
    if (!mse_utf8_is_valid((struct mse_bytes){ x->uri.data, x->uri.len }))
        return mse_fail_text(x->err, MSE_ERR_VALUE, uri_of(x),
                             "the name is not UTF-8, which a manifest cannot hold");
    return add_file(x, uri_of(x), NULL, true);
}

static bool add_child(struct expansion *x, bool is_file, unsigned depth)
{
    enum mse_node_type type = MSE_NODE_ABSENT;
    bool is_link = false;

    if (is_file)
        return add_found(x);
    if (!x->source->look(x->source, path_of(x), &type, &is_link, x->err))
        return fail_at(x->err, uri_of(x));
    switch (type) {
    case MSE_NODE_ABSENT:
        return is_link || mse_fail_text(x->err, MSE_ERR_IO, uri_of(x),
                                        "vanished while its directory was read; measure it again");
    case MSE_NODE_FILE:
        return add_found(x);
    case MSE_NODE_DIRECTORY:
        return is_link || walk(x, depth + 1);
    case MSE_NODE_OTHER:
    case MSE_NODE_UNREADABLE:
        return true;
    }
    return mse_fail(x->err, MSE_ERR_VALUE, 0, uri_of(x));
}

static bool walk_names(struct expansion *x, struct names *names, unsigned depth)
{
    size_t before = x->uri.len;
    bool is_root = x->uri.data[before - 1] == '/';
    size_t prefix = is_root ? before : before + 1;

    /* Each name comes behind "file:a/", "file:/" or, in the directory itself, "file:". */
    if (strcmp(path_of(x), ".") == 0)
        prefix = SCHEME_LEN;
    else if (!is_root && !set_uri(x, before, "/", 1))
        return false;
    for (size_t i = 0; i < names->count; i++) {
        const struct name *name = &names->items[i];

        if (!set_uri(x, prefix, name->text, strlen(name->text)) ||
            !add_child(x, name->is_file, depth))
            return false;
    }
    return true;
}

/* The directory is the node at hand. */
static bool walk(struct expansion *x, unsigned depth)
{
    MSE_CLEANUP(names_cleanup) struct names names = { 0 };
    const struct mse_file_source *source = x->source;
    bool ok;

    if (depth >= MSE_TRUSTED_MAX_DEPTH)
        return mse_fail_text(x->err, MSE_ERR_LIMIT, uri_of(x), "more than %u directories deep",
                             MSE_TRUSTED_MAX_DEPTH);
    if (source->list_files != NULL)
        ok = source->list_files(source, path_of(x), add_name, &names, x->err);
    else
        ok = source->list(source, path_of(x), add_bare_name, &names, x->err);
    if (!ok)
        return fail_at(x->err, uri_of(x));
    if (names.count > 0)
        qsort(names.items, names.count, sizeof(struct name), compare_names);
    return walk_names(x, &names, depth);
}

/* ---- the entries of the manifest ---- */

/* The node at hand becomes what path leads to, links resolved where the source does that. */
static bool look_up(struct expansion *x, const char *path, enum mse_node_type *type)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer resolved = { .cap = MSE_TRUSTED_MAX_PATH };
    bool is_link = false;

    if (x->source->resolve != NULL) {
        if (!x->source->resolve(x->source, path, &resolved, x->err))
            return false;
        mse_write_u8(&resolved, 0);
        if (!mse_writer_ok(&resolved))
            return mse_fail(x->err, MSE_ERR_LIMIT, 0, "path");
        path = (const char *)resolved.data;
    }
    return set_normal_uri(x, path) &&
           x->source->look(x->source, path_of(x), type, &is_link, x->err);
}

static bool add_directory(struct expansion *x, const char *uri, enum mse_node_type type)
{
    if (type == MSE_NODE_ABSENT)
        return mse_fail_text(x->err, MSE_ERR_MISSING, uri, "there is no such directory");
    if (type == MSE_NODE_UNREADABLE) /* Gramine would measure nothing of it, in silence */
        return mse_fail_text(x->err, MSE_ERR_IO, uri, "cannot be read: Permission denied");
    if (type != MSE_NODE_DIRECTORY)
        return mse_fail_text(x->err, MSE_ERR_VALUE, uri, "ends with \"/\", but is not a directory");
    return walk(x, 0);
}

/* Whether a file is there shows when it is hashed: a later entry may still bring a hash. */
static bool add_entry_1_9(struct expansion *x, const char *uri, const char *sha256)
{
    bool is_directory = uri[strlen(uri) - 1] == '/';
    enum mse_node_type type = MSE_NODE_ABSENT;

    if (sha256 != NULL && is_directory)
        return mse_fail_text(x->err, MSE_ERR_VALUE, uri, "a directory cannot have a hash");
    if (sha256 == NULL) {
        if (!look_up(x, uri + SCHEME_LEN, &type))
            return fail_at(x->err, uri);
        if (is_directory)
            return add_directory(x, uri, type);
        if (type == MSE_NODE_DIRECTORY)
            return mse_fail_text(x->err, MSE_ERR_VALUE, uri,
                                 "is a directory: write it with \"/\" at the end");
    }
    return add_file(x, uri, sha256, false);
}

/* All URIs are normalised, and what is listed must be there. */
static bool add_entry_1_5(struct expansion *x, const char *uri, const char *sha256)
{
    bool is_directory = uri[strlen(uri) - 1] == '/';
    enum mse_node_type type = MSE_NODE_ABSENT;

    if (sha256 == NULL) {
        if (!look_up(x, uri + SCHEME_LEN, &type))
            return fail_at(x->err, uri);
        if (type == MSE_NODE_ABSENT)
            return mse_fail_text(x->err, MSE_ERR_MISSING, uri, "there is no such file");
        if (type == MSE_NODE_DIRECTORY && !is_directory)
            return mse_fail_text(x->err, MSE_ERR_VALUE, uri,
                                 "is a directory: write it with \"/\" at the end");
        if (type == MSE_NODE_DIRECTORY)
            return walk(x, 0);
    } else if (!set_normal_uri(x, uri + SCHEME_LEN)) {
        return false;
    }
    return add_file(x, uri_of(x), sha256, false);
}

static bool is_sha256(const struct mse_toml_value *value)
{
    uint8_t digest[32];

    return value->type == MSE_TOML_STRING &&
           mse_hex_read(value->text, value->text_len, digest, sizeof(digest));
}

bool mse_trusted_uri_check(const char *uri, const char *field, struct mse_error *err)
{
    return strncmp(uri, SCHEME, SCHEME_LEN) == 0 ||
           mse_fail_text(err, MSE_ERR_UNSUPPORTED, field, "%s: only \"file:\" URIs can be measured",
                         uri);
}

/* uri and sha256 are borrowed from the manifest; sha256 is NULL where none is given. */
static bool read_entry(const struct expansion *x, const struct mse_toml_value *entry,
                       const char **uri, const char **sha256)
{
    const struct mse_toml_value *value = entry;
    const struct mse_toml_value *given = mse_toml_member(entry, "sha256");

    *sha256 = NULL;
    if (entry->type == MSE_TOML_TABLE)
        value = mse_toml_member(entry, "uri");
    if (value == NULL || value->type != MSE_TOML_STRING)
        return mse_fail_text(x->err, MSE_ERR_VALUE, LIST,
                             "line %u: an entry must be a URI or a table with one", entry->line);
    *uri = value->text;
    if (!mse_trusted_uri_check(*uri, LIST, x->err))
        return false;
    /* 1.5 drops what it does not know. */
    if (entry->type == MSE_TOML_TABLE && x->rules == MSE_GRAMINE_1_9 &&
        entry->count != (given != NULL ? 2U : 1U))
        return mse_fail_text(x->err, MSE_ERR_UNKNOWN_KEY, *uri,
                             "an entry may have \"uri\" and \"sha256\" only");
    if (given == NULL)
        return true;
    *sha256 = given->text;
    return is_sha256(given) ||
           mse_fail_text(x->err, MSE_ERR_VALUE, *uri, "sha256 must be a string of 64 hex digits");
}

static bool expand_list(struct expansion *x, const struct mse_toml_value *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const char *uri = NULL;
        const char *sha256 = NULL;

        if (!read_entry(x, list->children[i], &uri, &sha256))
            return false;
        if (x->rules == MSE_GRAMINE_1_5 ? !add_entry_1_5(x, uri, sha256)
                                        : !add_entry_1_9(x, uri, sha256))
            return false;
    }
    return true;
}

bool mse_trusted_list(const struct mse_toml_value *list, enum mse_gramine rules,
                      const struct mse_file_source *source, struct mse_uri_map *out,
                      struct mse_error *err)
{
    struct expansion x = {
        .source = source, .rules = rules, .uri = { .cap = MSE_TRUSTED_MAX_PATH }, .err = err
    };
    bool ok = expand_list(&x, list);

    mse_writer_cleanup(&x.uri);
    if (!ok)
        mse_uri_map_cleanup(&x.map);
    *out = x.map; /* moved */
    return ok;
}
