/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of an image by name. */
#include "package/image_archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "package/tar.h"

#define MAX_LINKS 8

static bool io_error(struct mse_error *err, const char *path)
{
    int code = errno;
    char shown[256];

    return mse_fail_text(err, MSE_ERR_IO, "image", "%s: %s",
                         mse_escape(MSE_CSTR_BYTES(path), shown, sizeof(shown)), strerror(code));
}

static bool add_part(struct image_archive *archive, const struct mse_tar_header *header,
                     uint64_t at, struct mse_error *err)
{
    struct image_part *grown, *part;

    if (archive->count >= IMAGE_MAX_PARTS)
        return mse_fail_text(err, MSE_ERR_LIMIT, "image", "more than %d parts", IMAGE_MAX_PARTS);
    grown = realloc(archive->parts, (archive->count + 1) * sizeof(*grown));
    if (grown == NULL)
        return mse_fail_memory(err);
    archive->parts = grown;
    part = &grown[archive->count++];
    *part = (struct image_part){ .name = strdup(header->path),
                                 .blob = { archive->tar_fd, at, header->size } };
    if (header->type == MSE_TAR_LINK)
        part->link = strdup(header->target);
    return (part->name != NULL && (header->type != MSE_TAR_LINK || part->link != NULL)) ||
           mse_fail_memory(err);
}

static bool read_header(struct image_archive *archive, uint8_t *buffer, uint64_t at,
                        struct mse_tar_header *header, bool *is_directory, size_t *used,
                        struct mse_error *err)
{
    ssize_t n = pread(archive->tar_fd, buffer, MSE_TAR_MAX_HEADER, (off_t)at);

    if (n < 0)
        return io_error(err, "archive");
    return mse_tar_header_read((struct mse_bytes){ buffer, (size_t)n }, true, header, is_directory,
                               used, err) ||
           mse_fail_in(err, "image archive");
}

/* Contents are not read here. */
static bool index_tar(struct image_archive *archive, uint64_t size, struct mse_error *err)
{
    struct mse_tar_header *header = calloc(1, sizeof(*header));
    uint8_t *buffer = malloc(MSE_TAR_MAX_HEADER);
    uint64_t at = 0;
    bool ok = header != NULL && buffer != NULL;

    if (!ok)
        (void)mse_fail_memory(err);
    while (ok && at < size) {
        bool is_directory = false;
        size_t used = 0;

        ok = read_header(archive, buffer, at, header, &is_directory, &used, err);
        if (!ok || used == 0)
            break;
        at += used;
        if (header->size > size - at) {
            ok = mse_fail_text(err, MSE_ERR_TRUNCATED, "image", "the archive is cut short");
            break;
        }
        if (!is_directory)
            ok = add_part(archive, header, at, err);
        at += header->size + mse_tar_padding(header->size);
    }
    free(header);
    free(buffer);
    return ok;
}

bool image_archive_open(const char *path, struct image_archive *out, struct mse_error *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    *out = (struct image_archive){ .directory_fd = -1, .tar_fd = -1 };
    if (fd == -1)
        return io_error(err, path);
    if (fstat(fd, &st) != 0) {
        (void)close(fd);
        return io_error(err, path);
    }
    if (S_ISDIR(st.st_mode)) {
        out->directory_fd = fd;
        return true;
    }
    out->tar_fd = fd;
    if (!S_ISREG(st.st_mode))
        return mse_fail_text(err, MSE_ERR_FORMAT, "image", "is neither a file nor a directory");
    return index_tar(out, (uint64_t)st.st_size, err);
}

void image_archive_close(struct image_archive *archive)
{
    for (size_t i = 0; i < archive->open_count; i++)
        (void)close(archive->open[i]);
    for (size_t i = 0; i < archive->count; i++) {
        free(archive->parts[i].name);
        free(archive->parts[i].link);
    }
    free(archive->parts);
    if (archive->directory_fd != -1)
        (void)close(archive->directory_fd);
    if (archive->tar_fd != -1)
        (void)close(archive->tar_fd);
    *archive = (struct image_archive){ .directory_fd = -1, .tar_fd = -1 };
}

static bool find_file(struct image_archive *archive, const char *name, bool *found,
                      struct image_blob *out, struct mse_error *err)
{
    struct stat st;
    int fd;

    if (archive->open_count >= sizeof(archive->open) / sizeof(archive->open[0]))
        return mse_fail_text(err, MSE_ERR_LIMIT, "image", "has too many parts");
    /* Names come out of descriptions too. */
    if (name[0] == '/' || strstr(name, "..") != NULL)
        return mse_fail_text(err, MSE_ERR_VALUE, "image", "a part's name leaves the directory");
    fd = openat(archive->directory_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd == -1 && errno == ENOENT)
        return true;
    if (fd == -1)
        return io_error(err, name);
    archive->open[archive->open_count++] = fd;
    if (fstat(fd, &st) != 0)
        return io_error(err, name);
    if (!S_ISREG(st.st_mode))
        return mse_fail_text(err, MSE_ERR_FORMAT, "image", "%s is no regular file", name);
    *out = (struct image_blob){ fd, 0, (uint64_t)st.st_size };
    *found = true;
    return true;
}

/* "A/B/../C" of link targets, in place; false if it leaves the archive. */
static bool squeeze(char *path)
{
    char *to = path;
    const char *next = path + strspn(path, "/");

    while (*next != '\0') {
        const char *part = next;
        size_t len = strcspn(part, "/");

        next += len;
        next += strspn(next, "/");
        if (len == 1 && part[0] == '.')
            continue;
        if (len == 2 && memcmp(part, "..", 2) == 0) {
            if (to == path)
                return false;
            do
                to--;
            while (to > path && *to != '/');
            continue;
        }
        if (to > path)
            *to++ = '/';
        memmove(to, part, len);
        to += len;
    }
    *to = '\0';
    return true;
}

static const struct image_part *find_part(const struct image_archive *archive, const char *name)
{
    /* The last one counts, as for whoever would unpack it. */
    for (size_t i = archive->count; i > 0; i--) {
        if (strcmp(archive->parts[i - 1].name, name) == 0)
            return &archive->parts[i - 1];
    }
    return NULL;
}

bool image_archive_find(struct image_archive *archive, const char *name, bool *found,
                        struct image_blob *out, struct mse_error *err)
{
    char path[2 * MSE_TAR_MAX_PATH + 4];
    const struct image_part *part = NULL;
    unsigned links = 0;

    *found = false;
    if (archive->directory_fd != -1)
        return find_file(archive, name, found, out, err);
    if (strlen(name) > MSE_TAR_MAX_PATH)
        return true;
    (void)snprintf(path, sizeof(path), "%s", name);
    while (squeeze(path) && (part = find_part(archive, path)) != NULL && part->link != NULL) {
        const char *slash = strrchr(part->name, '/');

        if (++links > MAX_LINKS || part->link[0] == '/')
            return mse_fail_text(err, MSE_ERR_FORMAT, "image",
                                 "a link of the archive leads nowhere");
        (void)snprintf(path, sizeof(path), "%.*s/%s", slash != NULL ? (int)(slash - part->name) : 0,
                       part->name, part->link);
    }
    if (part == NULL)
        return true;
    *out = part->blob;
    *found = true;
    return true;
}
