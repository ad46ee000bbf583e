/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log records on a disk that is the host's: it may be full, fail, or hold whatever somebody put
 * there. None of that stops the app, and what is lost is counted.
 */
#include "enclave/log_ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "package/sealed_box.h"

_Static_assert(MSE_SEALED_OVERHEAD == MSE_LOG_BOX_OVERHEAD, "what a box adds");

struct mse_log_ring {
    char *path, *older; /* owned */
    uint8_t recipient[32];
    int fd;            /* -1: not open now */
    size_t size;       /* of the file: whole records */
    uint64_t sequence; /* of the last record; 0: none yet */
    uint8_t *pending;  /* owned: MSE_LOG_MAX_PENDING bytes */
    size_t pending_len;
    bool tail_waited;   /* the last flush left a line without its end */
    uint64_t overflow;  /* bytes that came when pending was full: they follow it */
    uint64_t lost;      /* bytes that the next record has to confess */
    uint64_t lost_ever; /* since the start */
};

/* ---- what is there ---- */

/* Bytes of whole records in ascending order; *last becomes the highest sequence number. */
static size_t scan(struct mse_bytes in, uint64_t *last)
{
    size_t at = 0;

    for (;;) {
        struct mse_bytes rest = { in.data + at, in.len - at };
        struct mse_error ignored = { 0 };
        struct mse_log_record record;
        size_t used;

        if (rest.len == 0 || !mse_log_record_parse(rest, &record, &used, &ignored) ||
            record.sequence <= *last)
            return at;
        *last = record.sequence;
        at += used;
    }
}

static bool read_up_to(int fd, uint8_t *data, size_t cap, size_t *len)
{
    *len = 0;
    while (*len < cap) {
        ssize_t n = pread(fd, data + *len, cap - *len, (off_t)*len);

        if (n == 0)
            return true;
        if (n > 0)
            *len += (size_t)n;
        else if (errno != EINTR)
            return false;
    }
    return true;
}

/* Whole records of a file, and its last number, which is over the one before. */
static bool scan_file(int fd, size_t *used, uint64_t *last)
{
    uint8_t *data = malloc(MSE_LOG_MAX_FILE);
    size_t len;
    bool ok = data != NULL && read_up_to(fd, data, MSE_LOG_MAX_FILE, &len);

    if (ok)
        *used = scan((struct mse_bytes){ data, len }, last);
    free(data);
    return ok;
}

/* A link, a FIFO or a device in its place is the host's trick: nothing is read or written there. */
static int open_file(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0644);
    struct stat st;

    if (fd != -1 && (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static void shut(struct mse_log_ring *ring)
{
    if (ring->fd != -1)
        (void)close(ring->fd);
    ring->fd = -1;
    ring->size = 0;
}

/* Numbers never go back while this process lives, whatever the files say. */
static bool make_ready(struct mse_log_ring *ring)
{
    uint64_t before = ring->sequence, last = 0;
    size_t used = 0;
    int older;

    if (ring->fd != -1)
        return true;
    older = open_file(ring->older, O_RDONLY);
    if (older != -1) {
        (void)scan_file(older, &used, &last);
        (void)close(older);
    }
    ring->fd = open_file(ring->path, O_RDWR | O_CREAT);
    if (ring->fd == -1)
        return false;
    if (!scan_file(ring->fd, &ring->size, &last) || ftruncate(ring->fd, (off_t)ring->size) == -1) {
        shut(ring);
        return false;
    }
    ring->sequence = last > before ? last : before;
    return true;
}

bool mse_log_ring_new(const char *host_dir, const uint8_t owner[static 32],
                      struct mse_log_ring **out, struct mse_error *err)
{
    struct mse_log_ring *ring = calloc(1, sizeof(*ring));

    *out = NULL;
    if (ring == NULL)
        return mse_fail_memory(err);
    ring->fd = -1;
    ring->pending = malloc(MSE_LOG_MAX_PENDING);
    if (asprintf(&ring->path, "%s/" MSE_LOG_FILE, host_dir) == -1)
        ring->path = NULL;
    if (asprintf(&ring->older, "%s/" MSE_LOG_FILE ".1", host_dir) == -1)
        ring->older = NULL;
    if (ring->pending == NULL || ring->path == NULL || ring->older == NULL) {
        mse_log_ring_free(ring);
        return mse_fail_memory(err);
    }
    if (!mse_sealed_box_of_owner(owner, ring->recipient, err)) {
        mse_log_ring_free(ring);
        return false;
    }
    (void)make_ready(ring);
    *out = ring;
    return true;
}

void mse_log_ring_free(struct mse_log_ring *ring)
{
    if (ring == NULL)
        return;
    shut(ring);
    if (ring->pending != NULL)
        sodium_memzero(ring->pending, MSE_LOG_MAX_PENDING);
    free(ring->pending);
    free(ring->path);
    free(ring->older);
    free(ring);
}

/* ---- writing ---- */

/* All of it or nothing: what a full disk took of it is taken back. */
static bool append(struct mse_log_ring *ring, struct mse_bytes record)
{
    size_t done = 0;

    while (done < record.len) {
        ssize_t n = pwrite(ring->fd, record.data + done, record.len - done,
                           (off_t)(ring->size + done));

        if (n > 0)
            done += (size_t)n;
        else if (n == 0 || errno != EINTR)
            break;
    }
    if (done == record.len) {
        ring->size += done;
        return true;
    }
    if (ftruncate(ring->fd, (off_t)ring->size) == -1)
        shut(ring); /* looked through when it is opened again */
    return false;
}

/* One rename: a reader finds each record in one of the two files at any time. */
static bool rotate(struct mse_log_ring *ring)
{
    if (rename(ring->path, ring->older) == -1)
        return false;
    shut(ring);
    return make_ready(ring);
}

static bool seal(const struct mse_log_ring *ring, const struct mse_log_entry *entry,
                 struct mse_writer *out)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer plain = { 0 };
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer box = { 0 };
    struct mse_log_record record = { .sequence = entry->sequence };
    struct mse_error ignored = { 0 };

    mse_log_entry_write(entry, &plain);
    if (!mse_writer_ok(&plain) ||
        !mse_sealed_box_write(ring->recipient, mse_writer_bytes(&plain), &box, &ignored))
        return false;
    record.box = mse_writer_bytes(&box);
    mse_log_record_write(&record, out);
    return mse_writer_ok(out);
}

static bool write_record(struct mse_log_ring *ring, struct mse_bytes text, int64_t now_ms)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer record = { 0 };
    struct mse_log_entry entry = { .time_ms = now_ms, .lost = ring->lost, .text = text };

    if (!make_ready(ring) || ring->sequence >= MSE_LOG_MAX_SEQUENCE)
        return false;
    entry.sequence = ring->sequence + 1;
    if (!seal(ring, &entry, &record))
        return false;
    if (ring->size + record.len > MSE_LOG_MAX_FILE && !rotate(ring))
        return false;
    if (!append(ring, mse_writer_bytes(&record)))
        return false;
    ring->sequence = entry.sequence;
    return true;
}

static void count_lost(struct mse_log_ring *ring, uint64_t bytes)
{
    ring->lost += bytes;
    ring->lost_ever += bytes;
}

/* Where a line ends behind at most max bytes; without such an end all of them. */
static size_t whole_lines(const uint8_t *text, size_t len, size_t max)
{
    const uint8_t *end;

    if (len <= max)
        return len;
    end = memrchr(text, '\n', max);
    return end != NULL ? (size_t)(end + 1 - text) : max;
}

void mse_log_ring_add(struct mse_log_ring *ring, struct mse_bytes text)
{
    size_t room = MSE_LOG_MAX_PENDING - ring->pending_len;
    size_t len = ring->overflow > 0 ? 0 : text.len < room ? text.len : room;

    if (len > 0)
        memcpy(ring->pending + ring->pending_len, text.data, len);
    ring->pending_len += len;
    ring->overflow += text.len - len;
}

/* How much of pending is written now: a line that is not complete yet waits once. */
static size_t ready_len(struct mse_log_ring *ring)
{
    const uint8_t *end = memrchr(ring->pending, '\n', ring->pending_len);
    size_t len = end != NULL ? (size_t)(end + 1 - ring->pending) : 0;
    size_t tail = ring->pending_len - len;

    if (ring->overflow > 0 || (len == 0 && ring->tail_waited) || tail >= MSE_LOG_MAX_TEXT)
        len = ring->pending_len;
    ring->tail_waited = len < ring->pending_len;
    return len;
}

void mse_log_ring_flush(struct mse_log_ring *ring, int64_t now_ms)
{
    size_t len = ready_len(ring);

    for (size_t at = 0; at < len;) {
        size_t n = whole_lines(ring->pending + at, len - at, MSE_LOG_MAX_TEXT);

        if (write_record(ring, (struct mse_bytes){ ring->pending + at, n }, now_ms))
            ring->lost = 0;
        else
            count_lost(ring, n);
        at += n;
    }
    if (len > 0) {
        memmove(ring->pending, ring->pending + len, ring->pending_len - len);
        ring->pending_len -= len;
    }
    count_lost(ring, ring->overflow);
    ring->overflow = 0;
}

uint64_t mse_log_ring_lost(const struct mse_log_ring *ring)
{
    return ring->lost_ever;
}
