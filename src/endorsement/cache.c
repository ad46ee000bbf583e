/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk cache. A file has three lines in front of the bundle: "mse-cache-v1", the SHA-256 of all
 * that follows in hex, and the URL; so damage and a file under a wrong name are noticed.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/file.h"
#include "crypto/hash.h"
#include "endorsement/cache.h"

#define MAGIC "mse-cache-v1\n"
#define VERSION_DIR "v1"
#define MAX_ENTRY (48U << 20) /* a reply of 16 MiB in base64, and its chain */
#define MAX_URL 2048
#define HEX_SIZE (2 * MSE_SHA256_SIZE)

struct mse_disk_cache {
    char *dir; /* with VERSION_DIR */
};

static void text_cleanup(char **text)
{
    free(*text);
}

static void data_cleanup(uint8_t **data)
{
    free(*data);
}

static char *join(const char *a, const char *b)
{
    struct mse_writer w = { 0 };

    mse_write_format(&w, "%s/%s", a, b);
    return mse_writer_take_text(&w);
}

bool mse_disk_cache_open(const char *dir, struct mse_disk_cache **out, struct mse_error *err)
{
    struct mse_disk_cache *cache;

    *out = NULL;
    if (dir == NULL || dir[0] == '\0')
        return mse_fail(err, MSE_ERR_USAGE, 0, "cache directory");
    cache = calloc(1, sizeof(*cache));
    if (cache == NULL)
        return mse_fail_memory(err);
    cache->dir = join(dir, VERSION_DIR);
    if (cache->dir == NULL) {
        free(cache);
        return mse_fail_memory(err);
    }
    *out = cache;
    return true;
}

void mse_disk_cache_close(struct mse_disk_cache *cache)
{
    if (cache == NULL)
        return;
    free(cache->dir);
    free(cache);
}

/* A URL with a line end could pass for another one with something behind it. */
static bool entry_path(const struct mse_disk_cache *cache, const char *url, char **path,
                       struct mse_error *err)
{
    uint8_t digest[MSE_SHA256_SIZE];
    char name[HEX_SIZE + 1];

    *path = NULL;
    if (url[0] == '\0' || strlen(url) > MAX_URL || strpbrk(url, "\r\n") != NULL)
        return mse_fail(err, MSE_ERR_USAGE, 0, "url");
    mse_sha256(MSE_CSTR_BYTES(url), digest);
    mse_hex_write(digest, sizeof(digest), name);
    *path = join(cache->dir, name);
    return *path != NULL || mse_fail_memory(err);
}

/* The bundle inside a whole entry for this URL, else an empty view. */
static struct mse_bytes check_entry(struct mse_bytes file, const char *url)
{
    struct mse_error ignored = { 0 };
    struct mse_reader r = mse_reader_init(file, &ignored);
    uint8_t want[MSE_SHA256_SIZE];
    uint8_t digest[MSE_SHA256_SIZE];
    const uint8_t *hex;
    struct mse_bytes rest;

    mse_read_expect(&r, MSE_CSTR_BYTES(MAGIC), "magic");
    hex = mse_read_array(&r, HEX_SIZE, "digest");
    mse_read_expect(&r, MSE_CSTR_BYTES("\n"), "digest");
    if (!mse_read_ok(&r) || !mse_hex_read((const char *)hex, HEX_SIZE, want, sizeof(want)))
        return (struct mse_bytes){ 0 };
    rest = (struct mse_bytes){ r.at, mse_reader_left(&r) };
    mse_sha256(rest, digest);
    mse_read_expect(&r, MSE_CSTR_BYTES(url), "url");
    mse_read_expect(&r, MSE_CSTR_BYTES("\n"), "url");
    /* The digest covers all that is left, whatever it is. */
    rest = mse_read_rest(&r);
    if (!mse_read_ok(&r) || memcmp(want, digest, sizeof(want)) != 0)
        return (struct mse_bytes){ 0 };
    return rest;
}

bool mse_disk_cache_get(struct mse_disk_cache *cache, const char *url, bool *found,
                        uint8_t **bundle, size_t *len, struct mse_error *err)
{
    MSE_CLEANUP(text_cleanup) char *path = NULL;
    MSE_CLEANUP(data_cleanup) uint8_t *file = NULL;
    struct mse_error why = { 0 };
    struct mse_bytes inside;
    size_t file_len = 0;

    *found = false;
    *bundle = NULL;
    *len = 0;
    if (!entry_path(cache, url, &path, err))
        return false;
    /* Absent, unreadable, not a file, too large: each time the reply has to be asked for anew. */
    if (!mse_file_read(path, MAX_ENTRY, &file, &file_len, &why))
        return why.code != MSE_ERR_MEMORY || mse_fail_memory(err);
    inside = check_entry((struct mse_bytes){ file, file_len }, url);
    if (inside.len == 0)
        return true;
    *bundle = malloc(inside.len);
    if (*bundle == NULL)
        return mse_fail_memory(err);
    memcpy(*bundle, inside.data, inside.len);
    *len = inside.len;
    *found = true;
    return true;
}

bool mse_disk_cache_put(struct mse_disk_cache *cache, const char *url, struct mse_bytes bundle,
                        struct mse_error *err)
{
    MSE_CLEANUP(text_cleanup) char *path = NULL;
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer rest = { .cap = MAX_ENTRY };
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer file = { .cap = MAX_ENTRY };
    uint8_t digest[MSE_SHA256_SIZE];
    char hex[HEX_SIZE + 1];

    if (bundle.len == 0)
        return mse_fail(err, MSE_ERR_USAGE, 0, "bundle");
    if (!entry_path(cache, url, &path, err))
        return false;
    mse_write_format(&rest, "%s\n", url);
    mse_write_bytes(&rest, bundle.data, bundle.len);
    mse_sha256(mse_writer_bytes(&rest), digest);
    mse_hex_write(digest, sizeof(digest), hex);
    mse_write_format(&file, MAGIC "%s\n", hex);
    mse_write_bytes(&file, rest.data, rest.len);
    if (!mse_writer_ok(&rest) || !mse_writer_ok(&file))
        return mse_fail(err, bundle.len > MAX_ENTRY / 2 ? MSE_ERR_LIMIT : MSE_ERR_MEMORY, 0, url);
    return mse_dir_make(cache->dir, err) &&
           mse_file_write(path, mse_writer_bytes(&file), 0600, MSE_FILE_REPLACE, err);
}

bool mse_disk_cache_drop(struct mse_disk_cache *cache, const char *url, struct mse_error *err)
{
    MSE_CLEANUP(text_cleanup) char *path = NULL;

    if (!entry_path(cache, url, &path, err))
        return false;
    if (unlink(path) != 0 && errno != ENOENT && errno != ENOTDIR)
        return mse_fail_text(err, MSE_ERR_IO, path, "%s", strerror(errno));
    return true;
}
