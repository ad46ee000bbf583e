/* SPDX-License-Identifier: Apache-2.0 */
/* What is inside the quotes of a JSON string (RFC 8259, 7). */
#include "base/json_text.h"

#include "base/utf8.h"

/* ---- escapes ---- */

/* The four digits of \u at text. */
static enum mse_json_escape read_hex4(const uint8_t *text, size_t len, uint32_t *out)
{
    uint32_t v = 0;

    for (size_t i = 0; i < 4; i++) {
        uint8_t c;

        if (i >= len)
            return MSE_JSON_ESCAPE_CUT;
        c = text[i];
        if (c >= '0' && c <= '9')
            v = v << 4 | (uint32_t)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            v = v << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
        else
            return MSE_JSON_ESCAPE_BAD;
    }
    *out = v;
    return MSE_JSON_ESCAPE_OK;
}

static bool is_high_surrogate(uint32_t c)
{
    return c >= 0xd800 && c < 0xdc00;
}

static bool is_low_surrogate(uint32_t c)
{
    return c >= 0xdc00 && c < 0xe000;
}

/* text is at the backslash of \u. */
static enum mse_json_escape read_unicode(const uint8_t *text, size_t len, uint32_t *character,
                                         size_t *escape_len)
{
    uint32_t high;
    uint32_t low;
    enum mse_json_escape result = read_hex4(text + 2, len - 2, &high);

    if (result != MSE_JSON_ESCAPE_OK)
        return result;
    *character = high;
    *escape_len = 6;
    if (is_low_surrogate(high))
        return MSE_JSON_ESCAPE_BAD;
    if (!is_high_surrogate(high))
        return MSE_JSON_ESCAPE_OK;
    if ((len > 6 && text[6] != '\\') || (len > 7 && text[7] != 'u'))
        return MSE_JSON_ESCAPE_BAD;
    if (len < 8)
        return MSE_JSON_ESCAPE_CUT;
    result = read_hex4(text + 8, len - 8, &low);
    if (result != MSE_JSON_ESCAPE_OK)
        return result;
    if (!is_low_surrogate(low))
        return MSE_JSON_ESCAPE_BAD;
    *character = 0x10000 + ((high - 0xd800) << 10 | (low - 0xdc00));
    *escape_len = 12;
    return MSE_JSON_ESCAPE_OK;
}

enum mse_json_escape mse_json_escape_read(const uint8_t *text, size_t len, uint32_t *character,
                                          size_t *escape_len)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    const char *p;

    if (len < 2)
        return MSE_JSON_ESCAPE_CUT;
    if (text[1] == 'u')
        return read_unicode(text, len, character, escape_len);
    p = text[1] != '\0' ? strchr(from, text[1]) : NULL;
    if (p == NULL)
        return MSE_JSON_ESCAPE_BAD;
    *character = (uint8_t)to[p - from];
    *escape_len = 2;
    return MSE_JSON_ESCAPE_OK;
}

/* ---- unescaped text, piece by piece ---- */

struct cursor {
    struct mse_json_text text;
    size_t at;
    uint8_t character[4]; /* of the last escape */
    size_t len, used;
};

/* Next unescaped byte, -1 at the end. */
static int next_byte(struct cursor *c)
{
    uint32_t character;
    size_t escape_len;

    if (c->used < c->len)
        return c->character[c->used++];
    if (c->at >= c->text.raw.len)
        return -1;
    if (!c->text.escaped || c->text.raw.data[c->at] != '\\')
        return c->text.raw.data[c->at++];
    if (mse_json_escape_read(c->text.raw.data + c->at, c->text.raw.len - c->at, &character,
                             &escape_len) != MSE_JSON_ESCAPE_OK)
        return -1; /* not reached: the reader refused it */
    c->at += escape_len;
    c->len = mse_utf8_put(character, c->character);
    c->used = 1;
    return c->character[0];
}

int mse_json_text_compare(struct mse_json_text a, struct mse_json_text b)
{
    struct cursor ca = { .text = a };
    struct cursor cb = { .text = b };

    if (!a.escaped && !b.escaped) {
        size_t len = a.raw.len < b.raw.len ? a.raw.len : b.raw.len;
        int order = len > 0 ? memcmp(a.raw.data, b.raw.data, len) : 0;

        return order != 0 ? order : (a.raw.len > b.raw.len) - (a.raw.len < b.raw.len);
    }
    for (;;) {
        int x = next_byte(&ca);
        int y = next_byte(&cb);

        if (x != y)
            return x < y ? -1 : 1;
        if (x == -1)
            return 0;
    }
}

size_t mse_json_text_write(struct mse_json_text text, uint8_t *out)
{
    struct cursor c = { .text = text };
    size_t len = 0;
    int byte;

    if (!text.escaped) {
        if (text.raw.len > 0)
            memcpy(out, text.raw.data, text.raw.len);
        return text.raw.len;
    }
    while ((byte = next_byte(&c)) != -1)
        out[len++] = (uint8_t)byte;
    return len;
}
