/* SPDX-License-Identifier: Apache-2.0 */
/* Hex, base64 (RFC 4648), PEM armour (RFC 7468) and escaping of text from outside. */
#include "base/encode.h"

#include <stdio.h>

/* ---- hex ---- */

static const char hex_digits[] = "0123456789abcdef";

void mse_hex_write(const uint8_t *data, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = hex_digits[data[i] >> 4];
        out[2 * i + 1] = hex_digits[data[i] & 15];
    }
    out[2 * len] = '\0';
}

/* Value of a hex digit, or a number above 15. */
static unsigned hex_value(uint8_t c)
{
    unsigned digit = (unsigned)c - '0';
    unsigned letter = ((unsigned)c | 0x20U) - 'a';

    return digit < 10 ? digit : letter < 6 ? letter + 10 : 255;
}

bool mse_hex_read(const char *text, size_t text_len, uint8_t *out, size_t len)
{
    unsigned all = 0;

    /* Without the multiplication: a huge len could wrap to the length of the text. */
    if (text_len % 2 != 0 || text_len / 2 != len) {
        memset(out, 0, len);
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned high = hex_value((uint8_t)text[2 * i]);
        unsigned low = hex_value((uint8_t)text[2 * i + 1]);

        all |= high | low;
        out[i] = (uint8_t)(high << 4 | low);
    }
    if (all > 15)
        memset(out, 0, len);
    return all <= 15;
}

/* ---- base64 ---- */

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t mse_base64_write(const uint8_t *data, size_t len, char *out)
{
    char *at = out;

    for (; len >= 3; len -= 3, data += 3) {
        *at++ = base64_digits[data[0] >> 2];
        *at++ = base64_digits[(data[0] & 3) << 4 | data[1] >> 4];
        *at++ = base64_digits[(data[1] & 15) << 2 | data[2] >> 6];
        *at++ = base64_digits[data[2] & 63];
    }
    if (len > 0) {
        unsigned second = len == 2 ? data[1] : 0;

        *at++ = base64_digits[data[0] >> 2];
        *at++ = base64_digits[(data[0] & 3U) << 4 | second >> 4];
        *at++ = len == 2 ? base64_digits[(second & 15) << 2] : '=';
        *at++ = '=';
    }
    *at = '\0';
    return (size_t)(at - out);
}

/* Table entries: 0..63 digits. */
enum { PAD = 64, SPACE = 65, BAD = 255 };

#define X BAD
/* clang-format off */
static const uint8_t base64_value[256] = {
    X, X, X, X, X, X, X, X, X, SPACE, SPACE, X, X, SPACE, X, X,
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
    SPACE, X, X, X, X, X, X, X, X, X, X, 62, X, X, X, 63,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, X, X, X, PAD, X, X,
    X, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, X, X, X, X, X,
    X, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, X, X, X, X, X,
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
};
/* clang-format on */
#undef X

enum decoded { DECODED, NOT_BASE64, NO_ROOM };

struct base64_state {
    uint32_t bits;   /* digits of the present group */
    unsigned digits; /* how many, 0..3 */
    unsigned pads;   /* '=' seen */
};

/* RFC 4648, 3.5: the bits that no byte uses must be zero, so that one text stands for one value. */
static enum decoded base64_tail(const struct base64_state *s, uint8_t *out, size_t room,
                                size_t *len)
{
    if (s->digits == 0)
        return s->pads == 0 ? DECODED : NOT_BASE64;
    if (s->digits == 1 || s->digits + s->pads != 4)
        return NOT_BASE64;
    if (s->digits - 1 > room - *len)
        return NO_ROOM;
    if (s->digits == 2) {
        if ((s->bits & 15) != 0)
            return NOT_BASE64;
        out[(*len)++] = (uint8_t)(s->bits >> 4);
        return DECODED;
    }
    if ((s->bits & 3) != 0)
        return NOT_BASE64;
    out[(*len)++] = (uint8_t)(s->bits >> 10);
    out[(*len)++] = (uint8_t)(s->bits >> 2);
    return DECODED;
}

static enum decoded base64_decode(const uint8_t *text, size_t text_len, bool with_space,
                                  uint8_t *out, size_t room, size_t *len)
{
    struct base64_state s = { 0 };

    *len = 0;
    for (size_t i = 0; i < text_len; i++) {
        unsigned v = base64_value[text[i]];

        if (v < PAD && s.pads == 0) {
            s.bits = s.bits << 6 | v;
            if (++s.digits < 4)
                continue;
            if (room - *len < 3)
                return NO_ROOM;
            out[(*len)++] = (uint8_t)(s.bits >> 16);
            out[(*len)++] = (uint8_t)(s.bits >> 8);
            out[(*len)++] = (uint8_t)s.bits;
            s.digits = 0;
            s.bits = 0;
        } else if (v == PAD && s.pads < 2) {
            s.pads++;
        } else if (v != SPACE || !with_space) {
            return NOT_BASE64;
        }
    }
    return base64_tail(&s, out, room, len);
}

bool mse_base64_read(const char *text, size_t text_len, bool with_space, uint8_t *out,
                     size_t *out_len)
{
    size_t room = *out_len;

    if (base64_decode((const uint8_t *)text, text_len, with_space, out, room, out_len) == DECODED)
        return true;
    *out_len = 0;
    return false;
}

/* ---- PEM ---- */

#define PEM_LABEL_MAX 64

static bool at_line_start(struct mse_bytes in, size_t from, size_t pos)
{
    /* Some writers put the next BEGIN directly behind the END before it. */
    return pos == from || in.data[pos - 1] == '\n' || in.data[pos - 1] == '\r';
}

/* Finds marker at the start of a line; SIZE_MAX if there is none. */
static size_t find_line(struct mse_bytes in, size_t from, const char *marker)
{
    size_t len = strlen(marker);
    size_t pos = from;

    while (pos < in.len) {
        const uint8_t *p = memmem(in.data + pos, in.len - pos, marker, len);

        if (p == NULL)
            break;
        pos = (size_t)(p - in.data);
        if (at_line_start(in, from, pos))
            return pos;
        pos += len;
    }
    return SIZE_MAX;
}

/* Decodes what is between the lines. RFC 7468, 2: no headers in between. */
static bool pem_body(struct mse_bytes in, size_t body, size_t end, uint8_t *out, size_t room,
                     size_t *out_len, struct mse_error *err)
{
    switch (base64_decode(in.data + body, end - body, true, out, room, out_len)) {
    case DECODED:
        if (*out_len > 0)
            return true;
        return mse_fail_text_at(err, MSE_ERR_FORMAT, body, "pem", "the block is empty");
    case NO_ROOM:
        *out_len = 0;
        return mse_fail_text_at(err, MSE_ERR_LIMIT, body, "pem", "the block is too large");
    case NOT_BASE64:
        break;
    }
    *out_len = 0;
    return mse_fail_text_at(err, MSE_ERR_FORMAT, body, "pem", "the block is not base64");
}

bool mse_pem_next(struct mse_bytes in, size_t *at, const char *label, uint8_t *out, size_t *out_len,
                  struct mse_error *err)
{
    char begin_mark[PEM_LABEL_MAX + 32];
    char end_mark[PEM_LABEL_MAX + 32];
    size_t room = *out_len;
    size_t begin;
    size_t body;
    const uint8_t *end;

    *out_len = 0;
    if (strlen(label) > PEM_LABEL_MAX)
        return mse_fail(err, MSE_ERR_LIMIT, 0, "pem.label");
    (void)snprintf(begin_mark, sizeof(begin_mark), "-----BEGIN %s-----", label);
    (void)snprintf(end_mark, sizeof(end_mark), "-----END %s-----", label);
    begin = find_line(in, *at, begin_mark);
    if (begin == SIZE_MAX)
        return false;
    body = begin + strlen(begin_mark);
    /* The first dash ends the body: no other block can hide inside. */
    end = memchr(in.data + body, '-', in.len - body);
    if (end == NULL || in.len - (size_t)(end - in.data) < strlen(end_mark))
        return mse_fail_text_at(err, MSE_ERR_TRUNCATED, begin, "pem", "BEGIN %s has no END", label);
    if (memcmp(end, end_mark, strlen(end_mark)) != 0)
        return mse_fail_text_at(err, MSE_ERR_FORMAT, (size_t)(end - in.data), "pem",
                                "BEGIN %s is not followed by its END", label);
    if (!pem_body(in, body, (size_t)(end - in.data), out, room, out_len, err))
        return false;
    *at = (size_t)(end - in.data) + strlen(end_mark);
    return true;
}

void mse_pem_write(struct mse_writer *w, const char *label, struct mse_bytes der)
{
    char line[65];

    mse_write_format(w, "-----BEGIN %s-----\n", label);
    for (size_t at = 0; at < der.len; at += 48) {
        size_t n = der.len - at < 48 ? der.len - at : 48;

        mse_write_bytes(w, line, mse_base64_write(der.data + at, n, line));
        mse_write_u8(w, '\n');
    }
    mse_write_format(w, "-----END %s-----\n", label);
}

/* ---- text from outside ---- */

const char *mse_escape(struct mse_bytes in, char *out, size_t size)
{
    size_t len = 0;
    size_t cut = 0; /* where "..." still fits */

    if (size == 0)
        return out;
    for (size_t i = 0; i < in.len; i++) {
        bool plain = in.data[i] >= 0x20 && in.data[i] < 0x7f;
        size_t need = plain ? 1 : 4;

        if (need >= size - len) {
            memcpy(out + cut, "...", size > 3 ? 4 : 1);
            out[size > 3 ? cut + 3 : 0] = '\0';
            return out;
        }
        if (plain) {
            out[len++] = (char)in.data[i];
        } else {
            out[len++] = '\\';
            out[len++] = 'x';
            out[len++] = hex_digits[in.data[i] >> 4];
            out[len++] = hex_digits[in.data[i] & 15];
        }
        if (size > 3 && len <= size - 4)
            cut = len;
    }
    out[len] = '\0';
    return out;
}
