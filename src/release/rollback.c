/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of the newest release of each owner and app. What is remembered is signed itself. */
#include "release/rollback.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/file.h"
#include "base/json.h"
#include "base/lock.h"

#define MEMORY_FORMAT "mse-release-memory-v1"
#define MEMORY_MAX_SIZE (512U << 10) /* base64 of the largest release and signature */
#define OWNER_HEX_SIZE 65
#define SUFFIX ".json"

struct memory {
    uint8_t *file, *signature; /* owned */
    size_t file_len, signature_len;
    struct mse_release release; /* what file says */
};

static void text_cleanup(char **text)
{
    free(*text);
}

static void bytes_cleanup(uint8_t **bytes)
{
    free(*bytes);
}

static void fd_cleanup(int *fd)
{
    if (*fd != -1)
        (void)close(*fd); /* also gives up the lock */
}

static void dir_cleanup(DIR **dir)
{
    if (*dir != NULL)
        (void)closedir(*dir);
}

/* DIRECTORY/OWNER-APP.json; an app's name is fit for that (docs/formats.md, "Release"). */
static bool memory_path(const char *directory, const struct mse_minisign_public *owner,
                        const char *app, char **out, struct mse_error *err)
{
    char hex[OWNER_HEX_SIZE];

    mse_hex_write(owner->key, sizeof(owner->key), hex);
    if (asprintf(out, "%s/%s-%s" SUFFIX, directory, hex, app) == -1) {
        *out = NULL;
        return mse_fail_memory(err);
    }
    return true;
}

/* ---- the memory as a file ---- */

static bool write_memory(const char *path, struct mse_bytes file, struct mse_bytes signature_file,
                         struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer to = { 0 };
    MSE_CLEANUP(text_cleanup) char *release = malloc(4 * (file.len / 3 + 1) + 1);
    MSE_CLEANUP(text_cleanup) char *signature = malloc(4 * (signature_file.len / 3 + 1) + 1);
    struct mse_json_writer w = mse_json_writer_init(&to, 0);

    if (release == NULL || signature == NULL)
        return mse_fail_memory(err);
    (void)mse_base64_write(file.data, file.len, release);
    (void)mse_base64_write(signature_file.data, signature_file.len, signature);
    mse_json_open_object(&w, NULL);
    mse_json_put_text(&w, "format", MEMORY_FORMAT);
    mse_json_put_text(&w, "release", release);
    mse_json_put_text(&w, "signature", signature);
    mse_json_close_object(&w);
    if (!mse_writer_ok(&to))
        return mse_fail_memory(err);
    return mse_file_write(path, mse_writer_bytes(&to), 0600, MSE_FILE_REPLACE, err);
}

/* out is owned by the caller: free(). */
static bool get_base64(const struct mse_json *json, const char *name, uint8_t **out, size_t *len,
                       struct mse_error *err)
{
    struct mse_bytes text;

    if (!mse_json_get_plain(json, &json->values[0], name, &text, err))
        return false;
    *len = 3 * (text.len / 4);
    *out = malloc(*len > 0 ? *len : 1);
    if (*out == NULL)
        return mse_fail_memory(err);
    return mse_base64_read((const char *)text.data, text.len, false, *out, len) ||
           mse_fail_text_at(err, MSE_ERR_FORMAT, (size_t)(text.data - json->in.data), name,
                            "not base64");
}

static void memory_cleanup(struct memory *memory)
{
    free(memory->file);
    free(memory->signature);
    mse_release_cleanup(&memory->release);
    memset(memory, 0, sizeof(*memory));
}

/* The signature is checked again: a memory that somebody changed is not believed. */
static bool open_memory(struct mse_bytes in, const struct mse_minisign_public *owner,
                        struct memory *out, struct mse_error *err)
{
    MSE_CLEANUP(mse_json_cleanup) struct mse_json json = { 0 };
    struct mse_bytes format;

    if (!mse_json_parse(in, &json, err))
        return false;
    if (json.values[0].type != MSE_JSON_OBJECT || json.values[0].count != 3)
        return mse_fail_text(err, MSE_ERR_FORMAT, "", "not the memory of a release");
    if (!mse_json_get_plain(&json, &json.values[0], "format", &format, err))
        return false;
    if (!mse_bytes_equal_text(format, MEMORY_FORMAT))
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "format", "not " MEMORY_FORMAT);
    return get_base64(&json, "release", &out->file, &out->file_len, err) &&
           get_base64(&json, "signature", &out->signature, &out->signature_len, err) &&
           mse_release_open(owner, (struct mse_bytes){ out->file, out->file_len },
                            (struct mse_bytes){ out->signature, out->signature_len }, &out->release,
                            err);
}

/* Of this file, not of the release at hand: a trouble of this computer. */
static bool fail_damaged(const char *path, const struct mse_error *why, struct mse_error *err)
{
    char line[256];

    return mse_fail_text(err, why->code == MSE_ERR_MEMORY ? MSE_ERR_MEMORY : MSE_ERR_IO,
                         "memory of releases", "%s cannot be used: %s", path,
                         mse_error_describe(why, line, sizeof(line)));
}

/*
 * *found is false only if there is nothing of this name. Also refuses a file that was given the
 * name of another app's. *out is owned by the caller and empty on failure.
 */
static bool load_memory(const char *path, const struct mse_minisign_public *owner, const char *app,
                        bool *found, struct memory *out, struct mse_error *err)
{
    MSE_CLEANUP(bytes_cleanup) uint8_t *data = NULL;
    struct mse_error why = { 0 };
    struct stat st;
    size_t len = 0;

    memset(out, 0, sizeof(*out));
    *found = false;
    if (lstat(path, &st) == -1) {
        if (errno == ENOENT)
            return true;
        return mse_fail_errno(err, path, "cannot examine the memory of releases", errno);
    }
    *found = mse_file_read(path, MEMORY_MAX_SIZE, &data, &len, &why) &&
             open_memory((struct mse_bytes){ data, len }, owner, out, &why) &&
             (strcmp(out->release.app, app) == 0 ||
              mse_fail_text(&why, MSE_ERR_MISMATCH, "app", "is %s", out->release.app));
    if (*found)
        return true;
    memory_cleanup(out);
    return fail_damaged(path, &why, err);
}

/* ---- older or newer ---- */

static bool compare(const struct mse_release *known, const struct mse_release *release,
                    const char *path, struct mse_error *err)
{
    if (release->serial < known->serial)
        return mse_fail_text(err, MSE_ERR_VALUE, "release",
                             "older than one already seen: serial %" PRIu64 ", seen %" PRIu64
                             " (%s)",
                             release->serial, known->serial, path);
    if (release->serial == known->serial &&
        memcmp(release->sha256, known->sha256, sizeof(known->sha256)) != 0)
        return mse_fail_text(err, MSE_ERR_MISMATCH, "release",
                             "another one with the same serial %" PRIu64 " was seen (%s): "
                             "ask the owner which of them counts",
                             known->serial, path);
    return true;
}

/* *same: exactly this release is remembered. */
static bool check_against(const char *path, const struct mse_minisign_public *owner,
                          const struct mse_release *release, bool *same, struct mse_error *err)
{
    struct memory known;
    bool ok;

    if (!load_memory(path, owner, release->app, same, &known, err))
        return false;
    if (!*same)
        return true;
    ok = compare(&known.release, release, path, err);
    *same = ok && known.release.serial == release->serial;
    memory_cleanup(&known);
    return ok;
}

/* ---- all of an owner ---- */

/* OWNER-*.json. Temporary files of writers that were killed begin with a dot. */
static bool is_memory_of(const char *file, const char *owner_hex)
{
    size_t len = strlen(file), begin = OWNER_HEX_SIZE - 1;

    return len > begin + 1 + strlen(SUFFIX) && strncmp(file, owner_hex, begin) == 0 &&
           file[begin] == '-' && strcmp(file + len - strlen(SUFFIX), SUFFIX) == 0;
}

/* May take what the memory holds, and leaves it empty then. */
typedef bool memory_seen(void *context, struct memory *memory, struct mse_error *err);

static bool visit(const char *directory, const char *file, const struct mse_minisign_public *owner,
                  memory_seen *seen, void *context, struct mse_error *err)
{
    size_t begin = OWNER_HEX_SIZE, len = strlen(file) - begin - strlen(SUFFIX);
    MSE_CLEANUP(text_cleanup) char *app = strndup(file + begin, len);
    MSE_CLEANUP(text_cleanup) char *path = NULL;
    MSE_CLEANUP(memory_cleanup) struct memory memory = { 0 };
    bool there;

    if (app == NULL)
        return mse_fail_memory(err);
    return memory_path(directory, owner, app, &path, err) &&
           load_memory(path, owner, app, &there, &memory, err) &&
           (!there || seen(context, &memory, err));
}

/* A directory that is not there has none. */
static bool visit_all(const char *directory, const struct mse_minisign_public *owner,
                      memory_seen *seen, void *context, struct mse_error *err)
{
    MSE_CLEANUP(dir_cleanup) DIR *dir = opendir(directory);
    char hex[OWNER_HEX_SIZE];

    if (dir == NULL)
        return errno == ENOENT || mse_fail_errno(err, directory, "cannot open", errno);
    mse_hex_write(owner->key, sizeof(owner->key), hex);
    for (;;) {
        const struct dirent *entry;

        errno = 0;
        entry = readdir(dir);
        if (entry == NULL)
            return errno == 0 || mse_fail_errno(err, directory, "cannot read", errno);
        if (is_memory_of(entry->d_name, hex) &&
            !visit(directory, entry->d_name, owner, seen, context, err))
            return false;
    }
}

/* ---- checking and storing ---- */

static const char *shared_name(const struct mse_release *a, const struct mse_release *b)
{
    for (size_t i = 0; i < a->name_count; i++) {
        if (mse_release_lists_name(b, a->names[i]))
            return a->names[i];
    }
    return NULL;
}

/*
 * An app that got another name has no memory under it, and serials of different apps say little
 * about each other. For one DNS name the begin tells which was signed first.
 */
static bool compare_other_app(void *context, struct memory *memory, struct mse_error *err)
{
    const struct mse_release *release = context, *known = &memory->release;
    const char *name = strcmp(known->app, release->app) != 0 ? shared_name(release, known) : NULL;

    if (name == NULL || release->not_before >= known->not_before)
        return true;
    return mse_fail_text(err, MSE_ERR_VALUE, "release",
                         "of %s is older than one already seen for %s: serial %" PRIu64
                         " of the app %s, which begins later",
                         release->app, name, known->serial, known->app);
}

/* *same: exactly this release is remembered. */
static bool check_all(const char *directory, const char *path,
                      const struct mse_minisign_public *owner, const struct mse_release *release,
                      bool *same, struct mse_error *err)
{
    return check_against(path, owner, release, same, err) &&
           visit_all(directory, owner, compare_other_app, (void *)(uintptr_t)release, err);
}

bool mse_rollback_check(const char *directory, const struct mse_minisign_public *owner,
                        const struct mse_release *release, struct mse_error *err)
{
    MSE_CLEANUP(text_cleanup) char *path = NULL;
    bool same;

    return memory_path(directory, owner, release->app, &path, err) &&
           check_all(directory, path, owner, release, &same, err);
}

bool mse_rollback_store(const char *directory, const struct mse_minisign_public *owner,
                        const struct mse_release *release, struct mse_bytes file,
                        struct mse_bytes signature_file, struct mse_error *err)
{
    MSE_CLEANUP(text_cleanup) char *path = NULL;
    MSE_CLEANUP(fd_cleanup) int fd = -1;
    struct mse_release given;
    bool same;

    /* What is remembered must open again the next time, and be what the caller judged. */
    if (!mse_release_open(owner, file, signature_file, &given, err))
        return false;
    same = memcmp(given.sha256, release->sha256, sizeof(given.sha256)) == 0;
    mse_release_cleanup(&given);
    if (!same)
        return mse_fail_text(err, MSE_ERR_MISMATCH, "release", "not the bytes that were judged");
    if (!memory_path(directory, owner, release->app, &path, err) || !mse_dir_make(directory, err) ||
        !mse_dir_lock(directory, &fd, err) ||
        !check_all(directory, path, owner, release, &same, err))
        return false;
    return same || write_memory(path, file, signature_file, err);
}

/* ---- by name ---- */

/* Serials of different apps say little about each other: the later begin counts first. */
static bool is_newer(const struct mse_release *a, const struct mse_release *b)
{
    if (a->not_before != b->not_before)
        return a->not_before > b->not_before;
    if (a->serial != b->serial)
        return a->serial > b->serial;
    return strcmp(a->app, b->app) > 0;
}

struct search {
    const char *name;
    struct memory best;
    bool found;
};

static void search_cleanup(struct search *search)
{
    memory_cleanup(&search->best);
}

static bool keep_newest(void *context, struct memory *memory, struct mse_error *err)
{
    struct search *search = context;

    (void)err;
    if (!mse_release_lists_name(&memory->release, search->name) ||
        (search->found && !is_newer(&memory->release, &search->best.release)))
        return true;
    memory_cleanup(&search->best);
    search->best = *memory;
    search->found = true;
    memset(memory, 0, sizeof(*memory));
    return true;
}

bool mse_rollback_find(const char *directory, const struct mse_minisign_public *owner,
                       const char *name, bool *found, struct mse_writer *file,
                       struct mse_writer *signature_file, struct mse_error *err)
{
    MSE_CLEANUP(search_cleanup) struct search search = { .name = name };
    const struct memory *best = &search.best;

    *found = false;
    if (!visit_all(directory, owner, keep_newest, &search, err))
        return false;
    if (search.found) {
        mse_write_bytes(file, best->file, best->file_len);
        mse_write_bytes(signature_file, best->signature, best->signature_len);
    }
    if (!mse_writer_ok(file) || !mse_writer_ok(signature_file))
        return mse_fail_memory(err);
    *found = search.found;
    return true;
}
