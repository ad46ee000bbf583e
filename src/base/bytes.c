/* SPDX-License-Identifier: Apache-2.0 */
/* The sticky bounded reader and the growing writer. */
#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define WRITER_CAP ((size_t)64 << 20)

/* Stands for the data of an empty view: arithmetic on NULL is undefined even with zero. */
static const uint8_t nothing[1];

bool mse_is_zero(const uint8_t *data, size_t len)
{
    uint8_t all = 0;

    for (size_t i = 0; i < len; i++)
        all |= data[i];
    return all == 0;
}

/* ---- reader ---- */

struct mse_reader mse_reader_init(struct mse_bytes in, struct mse_error *err)
{
    const uint8_t *data = in.data != NULL ? in.data : nothing;

    return (struct mse_reader){ data, data, data + (in.data != NULL ? in.len : 0), err };
}

static const uint8_t *take(struct mse_reader *r, size_t len, const char *field)
{
    const uint8_t *p = r->at;

    if (r->err->code != MSE_ERR_NONE)
        return NULL;
    if (len > (size_t)(r->end - p)) { /* lengths are compared: p + len could wrap */
        (void)mse_fail(r->err, MSE_ERR_TRUNCATED, (size_t)(p - r->origin), field);
        return NULL;
    }
    r->at = p + len;
    return p;
}

static uint64_t read_le(struct mse_reader *r, size_t width, const char *field)
{
    const uint8_t *p = take(r, width, field);
    uint64_t v = 0;

    if (p == NULL)
        return 0;
    for (size_t i = width; i > 0; i--)
        v = v << 8 | p[i - 1];
    return v;
}

static uint64_t read_be(struct mse_reader *r, size_t width, const char *field)
{
    const uint8_t *p = take(r, width, field);
    uint64_t v = 0;

    if (p == NULL)
        return 0;
    for (size_t i = 0; i < width; i++)
        v = v << 8 | p[i];
    return v;
}

uint8_t mse_read_u8(struct mse_reader *r, const char *field)
{
    return (uint8_t)read_le(r, 1, field);
}

uint16_t mse_read_u16le(struct mse_reader *r, const char *field)
{
    return (uint16_t)read_le(r, 2, field);
}

uint32_t mse_read_u32le(struct mse_reader *r, const char *field)
{
    return (uint32_t)read_le(r, 4, field);
}

uint64_t mse_read_u64le(struct mse_reader *r, const char *field)
{
    return read_le(r, 8, field);
}

uint16_t mse_read_u16be(struct mse_reader *r, const char *field)
{
    return (uint16_t)read_be(r, 2, field);
}

uint32_t mse_read_u32be(struct mse_reader *r, const char *field)
{
    return (uint32_t)read_be(r, 4, field);
}

uint64_t mse_read_u64be(struct mse_reader *r, const char *field)
{
    return read_be(r, 8, field);
}

const uint8_t *mse_read_array(struct mse_reader *r, size_t len, const char *field)
{
    return take(r, len, field);
}

struct mse_bytes mse_read_bytes(struct mse_reader *r, size_t len, const char *field)
{
    const uint8_t *p = take(r, len, field);

    return (struct mse_bytes){ p, p != NULL ? len : 0 };
}

struct mse_bytes mse_read_rest(struct mse_reader *r)
{
    return mse_read_bytes(r, (size_t)(r->end - r->at), "rest");
}

struct mse_reader mse_read_sub(struct mse_reader *r, size_t len, const char *field)
{
    const uint8_t *p = take(r, len, field);

    if (p == NULL)
        return (struct mse_reader){ r->origin, r->at, r->at, r->err };
    return (struct mse_reader){ r->origin, p, p + len, r->err };
}

void mse_read_expect(struct mse_reader *r, struct mse_bytes want, const char *field)
{
    const uint8_t *p = take(r, want.len, field);

    if (p == NULL || want.len == 0 || memcmp(p, want.data, want.len) == 0)
        return;
    (void)mse_fail(r->err, MSE_ERR_VALUE, (size_t)(p - r->origin), field);
}

void mse_read_zero(struct mse_reader *r, size_t len, const char *field)
{
    const uint8_t *p = take(r, len, field);

    if (p != NULL && !mse_is_zero(p, len))
        (void)mse_fail(r->err, MSE_ERR_VALUE, (size_t)(p - r->origin), field);
}

size_t mse_reader_left(const struct mse_reader *r)
{
    return (size_t)(r->end - r->at);
}

size_t mse_reader_offset(const struct mse_reader *r)
{
    return (size_t)(r->at - r->origin);
}

bool mse_reader_fail(struct mse_reader *r, enum mse_err_code code, const char *field)
{
    return mse_fail(r->err, code, mse_reader_offset(r), field);
}

bool mse_read_done(struct mse_reader *r, const char *what)
{
    if (r->err->code != MSE_ERR_NONE)
        return false;
    if (r->at != r->end)
        return mse_reader_fail(r, MSE_ERR_TRAILING, what);
    return true;
}

/* ---- writer ---- */

void mse_writer_cleanup(struct mse_writer *w)
{
    free(w->data);
    w->data = NULL;
    w->len = 0;
    w->size = 0;
}

/* Room for len more bytes and a NUL behind them; w->len never passes the cap. */
static bool reserve(struct mse_writer *w, size_t len)
{
    size_t cap = w->cap != 0 ? w->cap : WRITER_CAP;
    size_t size;
    uint8_t *data;

    if (w->failed)
        return false;
    if (w->len > cap || len > cap - w->len || cap > SIZE_MAX / 2 - 64) {
        w->failed = true;
        return false;
    }
    if (w->data != NULL && len < w->size - w->len)
        return true;
    size = w->len + len + 1;
    size = size < 64 ? 64 : size + size / 2;
    if (size > cap + 1)
        size = cap + 1;
    data = realloc(w->data, size);
    if (data == NULL) {
        w->failed = true;
        return false;
    }
    w->data = data;
    w->size = size;
    return true;
}

void mse_write_bytes(struct mse_writer *w, const void *data, size_t len)
{
    if (len == 0 || !reserve(w, len))
        return;
    memcpy(w->data + w->len, data, len);
    w->len += len;
}

void mse_write_u8(struct mse_writer *w, uint8_t v)
{
    mse_write_bytes(w, &v, 1);
}

void mse_write_u16le(struct mse_writer *w, uint16_t v)
{
    const uint8_t b[2] = { (uint8_t)v, (uint8_t)(v >> 8) };

    mse_write_bytes(w, b, sizeof(b));
}

void mse_write_u32le(struct mse_writer *w, uint32_t v)
{
    mse_write_u16le(w, (uint16_t)v);
    mse_write_u16le(w, (uint16_t)(v >> 16));
}

void mse_write_u64le(struct mse_writer *w, uint64_t v)
{
    mse_write_u32le(w, (uint32_t)v);
    mse_write_u32le(w, (uint32_t)(v >> 32));
}

void mse_write_u16be(struct mse_writer *w, uint16_t v)
{
    const uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };

    mse_write_bytes(w, b, sizeof(b));
}

void mse_write_u32be(struct mse_writer *w, uint32_t v)
{
    mse_write_u16be(w, (uint16_t)(v >> 16));
    mse_write_u16be(w, (uint16_t)v);
}

void mse_write_text(struct mse_writer *w, const char *text)
{
    mse_write_bytes(w, text, strlen(text));
}

void mse_write_format(struct mse_writer *w, const char *format, ...)
{
    va_list args;
    va_list again;
    int n;

    va_start(args, format);
    va_copy(again, args);
    n = vsnprintf(NULL, 0, format, args);
    if (n < 0) {
        w->failed = true;
    } else if (reserve(w, (size_t)n)) {
        (void)vsnprintf((char *)w->data + w->len, (size_t)n + 1, format, again);
        w->len += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

char *mse_writer_take_text(struct mse_writer *w)
{
    char *text;

    if (!reserve(w, 0)) {
        mse_writer_cleanup(w);
        return NULL;
    }
    text = (char *)w->data;
    text[w->len] = '\0';
    *w = (struct mse_writer){ .cap = w->cap };
    return text;
}

struct mse_bytes mse_writer_bytes(const struct mse_writer *w)
{
    return (struct mse_bytes){ w->data, w->failed ? 0 : w->len };
}
