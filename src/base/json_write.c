/* SPDX-License-Identifier: Apache-2.0 */
/* JSON writer: valid UTF-8 JSON whatever it is given, commas and indentation included. */
#include "base/json.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/utf8.h"

struct mse_json_writer mse_json_writer_init(struct mse_writer *to, unsigned indent)
{
    return (struct mse_json_writer){ .to = to, .indent = indent };
}

/* ---- text ---- */

static void put_control(struct mse_writer *to, uint8_t c)
{
    static const char from[] = "\b\f\n\r\t";
    static const char letters[] = "bfnrt";
    const char *p = c != 0 ? strchr(from, c) : NULL;

    if (p != NULL)
        mse_write_format(to, "\\%c", letters[p - from]);
    else
        mse_write_format(to, "\\u%04x", (unsigned)c);
}

/* Bytes that can be copied as they are: printable ASCII but quote and backslash. */
static size_t plain_length(const uint8_t *p, size_t len)
{
    size_t n = 0;

    while (n < len && p[n] >= 0x20 && p[n] < 0x7f && p[n] != '"' && p[n] != '\\')
        n++;
    return n;
}

static void put_quoted(struct mse_writer *to, struct mse_bytes text)
{
    size_t at = 0;

    mse_write_u8(to, '"');
    while (at < text.len) {
        const uint8_t *p = text.data + at;
        size_t n = plain_length(p, text.len - at);

        if (n > 0) {
            mse_write_bytes(to, p, n);
            at += n;
            continue;
        }
        n = mse_utf8_length(p, text.len - at);
        if (n == 0)
            mse_write_text(to, "\xef\xbf\xbd"); /* U+FFFD, one for each byte that is wrong */
        else if (*p == '"' || *p == '\\')
            mse_write_format(to, "\\%c", *p);
        else if (*p < 0x20 || *p == 0x7f)
            put_control(to, *p);
        else
            mse_write_bytes(to, p, n);
        at += n > 0 ? n : 1;
    }
    mse_write_u8(to, '"');
}

/* ---- structure ---- */

static void new_line(struct mse_json_writer *w)
{
    if (w->indent == 0)
        return;
    mse_write_u8(w->to, '\n');
    for (unsigned i = 0; i < w->indent * w->depth; i++)
        mse_write_u8(w->to, ' ');
}

/* What comes before a value: comma, line, key. */
static void begin_value(struct mse_json_writer *w, const char *key)
{
    if (w->depth > 0) {
        if (w->need_comma[w->depth - 1])
            mse_write_u8(w->to, ',');
        w->need_comma[w->depth - 1] = true;
        new_line(w);
    }
    if (key != NULL) {
        put_quoted(w->to, MSE_CSTR_BYTES(key));
        mse_write_text(w->to, w->indent > 0 ? ": " : ":");
    }
}

static void open_container(struct mse_json_writer *w, const char *key, uint8_t bracket)
{
    begin_value(w, key);
    mse_write_u8(w->to, bracket);
    if (w->depth == MSE_JSON_DEPTH) { /* our own reader would refuse it */
        w->to->failed = true;
        return;
    }
    w->need_comma[w->depth++] = false;
}

static void close_container(struct mse_json_writer *w, uint8_t bracket)
{
    if (w->depth == 0) {
        w->to->failed = true;
        return;
    }
    w->depth--;
    if (w->need_comma[w->depth])
        new_line(w);
    mse_write_u8(w->to, bracket);
}

void mse_json_open_object(struct mse_json_writer *w, const char *key)
{
    open_container(w, key, '{');
}

void mse_json_open_array(struct mse_json_writer *w, const char *key)
{
    open_container(w, key, '[');
}

void mse_json_close_object(struct mse_json_writer *w)
{
    close_container(w, '}');
}

void mse_json_close_array(struct mse_json_writer *w)
{
    close_container(w, ']');
}

/* ---- values ---- */

void mse_json_put_bytes_text(struct mse_json_writer *w, const char *key, struct mse_bytes text)
{
    begin_value(w, key);
    put_quoted(w->to, text);
}

void mse_json_put_text(struct mse_json_writer *w, const char *key, const char *text)
{
    mse_json_put_bytes_text(w, key, MSE_CSTR_BYTES(text));
}

void mse_json_put_json(struct mse_json_writer *w, const char *key, struct mse_bytes json)
{
    begin_value(w, key);
    mse_write_bytes(w->to, json.data, json.len);
}

void mse_json_put_hex(struct mse_json_writer *w, const char *key, const uint8_t *data, size_t len)
{
    begin_value(w, key);
    mse_write_u8(w->to, '"');
    for (size_t i = 0; i < len; i++) {
        char pair[3];

        mse_hex_write(data + i, 1, pair);
        mse_write_bytes(w->to, pair, 2);
    }
    mse_write_u8(w->to, '"');
}

void mse_json_put_integer(struct mse_json_writer *w, const char *key, int64_t v)
{
    begin_value(w, key);
    mse_write_format(w->to, "%" PRId64, v);
}

void mse_json_put_unsigned(struct mse_json_writer *w, const char *key, uint64_t v)
{
    begin_value(w, key);
    mse_write_format(w->to, "%" PRIu64, v);
}

void mse_json_put_bool(struct mse_json_writer *w, const char *key, bool v)
{
    begin_value(w, key);
    mse_write_text(w->to, v ? "true" : "false");
}

void mse_json_put_null(struct mse_json_writer *w, const char *key)
{
    begin_value(w, key);
    mse_write_text(w->to, "null");
}

void mse_json_put_time(struct mse_json_writer *w, const char *key, int64_t t)
{
    char text[MSE_TIME_TEXT_SIZE];

    mse_json_put_text(w, key, mse_time_write(t, text));
}
