/* SPDX-License-Identifier: Apache-2.0 */
/* Borrowed views, the one bounded reader for bytes from outside, and a growing writer. */
#ifndef MSE_BASE_BYTES_H
#define MSE_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"

/* struct mse_bytes {data, len} is public: see mse/mse.h. It borrows; it never owns. */

#define MSE_BYTES(array) ((struct mse_bytes){ (array), sizeof(array) })
#define MSE_CSTR_BYTES(s) ((struct mse_bytes){ (const uint8_t *)(s), strlen(s) })

static inline bool mse_bytes_equal(struct mse_bytes a, struct mse_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool mse_bytes_equal_text(struct mse_bytes a, const char *text)
{
    return a.len == strlen(text) && memcmp(a.data, text, a.len) == 0;
}

/* True if every byte is zero (also for an empty view). */
bool mse_is_zero(const uint8_t *data, size_t len);

/*
 * Sticky bounded reader. After the first failure every read returns 0 or NULL, and the error keeps
 * that first failure. A value read may steer a loop, an allocation or a switch only after
 * mse_read_ok() or mse_read_done().
 */
struct mse_reader {
    const uint8_t *origin; /* offsets in messages are relative to this: absolute in the input */
    const uint8_t *at;
    const uint8_t *end;
    struct mse_error *err; /* first failure wins; sub-readers share it */
};

struct mse_reader mse_reader_init(struct mse_bytes in, struct mse_error *err);
uint8_t mse_read_u8(struct mse_reader *r, const char *field);
uint16_t mse_read_u16le(struct mse_reader *r, const char *field);
uint32_t mse_read_u32le(struct mse_reader *r, const char *field);
uint64_t mse_read_u64le(struct mse_reader *r, const char *field);
uint16_t mse_read_u16be(struct mse_reader *r, const char *field);
uint32_t mse_read_u32be(struct mse_reader *r, const char *field);
uint64_t mse_read_u64be(struct mse_reader *r, const char *field);
/* A fixed array inside the input, or NULL after a failure. */
const uint8_t *mse_read_array(struct mse_reader *r, size_t len, const char *field);
/* A view of len bytes, empty after a failure. */
struct mse_bytes mse_read_bytes(struct mse_reader *r, size_t len, const char *field);
/* All that is left. The caller says in a comment why leftovers are allowed. */
struct mse_bytes mse_read_rest(struct mse_reader *r);
/* A child bounded to len bytes; its failures are the parent's. */
struct mse_reader mse_read_sub(struct mse_reader *r, size_t len, const char *field);
/* Fails with MSE_ERR_VALUE unless the next bytes are exactly these. */
void mse_read_expect(struct mse_reader *r, struct mse_bytes want, const char *field);
/* Reserved bytes: fails with MSE_ERR_VALUE unless all are zero. */
void mse_read_zero(struct mse_reader *r, size_t len, const char *field);
size_t mse_reader_left(const struct mse_reader *r);
size_t mse_reader_offset(const struct mse_reader *r);
/* Records a failure at the reader's present offset. Returns false. */
bool mse_reader_fail(struct mse_reader *r, enum mse_err_code code, const char *field);
static inline bool mse_read_ok(const struct mse_reader *r)
{
    return r->err->code == MSE_ERR_NONE;
}
/* True if nothing failed and nothing is left; leftovers are MSE_ERR_TRAILING. */
MSE_MUST_CHECK bool mse_read_done(struct mse_reader *r, const char *what);

/*
 * Growing byte buffer with a sticky failure: out of memory or over the cap sets failed and every
 * later write is a no-op. Check mse_writer_ok() once at the end.
 */
struct mse_writer {
    uint8_t *data;
    size_t len;
    size_t size;
    size_t cap; /* hard maximum; 0 stands for 64 MiB */
    bool failed;
};

void mse_writer_cleanup(struct mse_writer *w);
void mse_write_bytes(struct mse_writer *w, const void *data, size_t len);
void mse_write_u8(struct mse_writer *w, uint8_t v);
void mse_write_u16le(struct mse_writer *w, uint16_t v);
void mse_write_u32le(struct mse_writer *w, uint32_t v);
void mse_write_u64le(struct mse_writer *w, uint64_t v);
void mse_write_u16be(struct mse_writer *w, uint16_t v);
void mse_write_u32be(struct mse_writer *w, uint32_t v);
void mse_write_text(struct mse_writer *w, const char *text);
void mse_write_format(struct mse_writer *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline bool mse_writer_ok(const struct mse_writer *w)
{
    return !w->failed;
}
/* NUL-terminates (not counted in len) and hands the buffer over; NULL if the writer failed. */
char *mse_writer_take_text(struct mse_writer *w);
struct mse_bytes mse_writer_bytes(const struct mse_writer *w);

#endif
