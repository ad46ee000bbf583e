/* SPDX-License-Identifier: Apache-2.0 */
/* TOML 1.0: "String", "Keys" and "Comment". */
#include <stdlib.h>

#include "base/toml_parser.h"
#include "base/utf8.h"

/* Tab is the only control character that text may hold as it is. */
static bool is_control(int c)
{
    return (c >= 0 && c < 0x20 && c != '\t') || c == 0x7f;
}

/* Length of the line end at p->at; 0 if there is none. A carriage return alone is none. */
static size_t newline_length(const struct mse_toml_parser *p)
{
    if (mse_toml_peek(p, 0) == '\n')
        return 1;
    return mse_toml_peek(p, 0) == '\r' && mse_toml_peek(p, 1) == '\n' ? 2 : 0;
}

bool mse_toml_skip_comment(struct mse_toml_parser *p)
{
    while (p->at < p->len && newline_length(p) == 0) {
        if (is_control(mse_toml_peek(p, 0)))
            return mse_toml_fail_here(p, "a control character in a comment");
        p->at++;
    }
    return true;
}

/* ---- escapes ---- */

static int hex_digit(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
        return (c | 0x20) - 'a' + 10;
    return -1;
}

/* At the backslash of \u or \U. */
static bool read_unicode(struct mse_toml_parser *p, unsigned digits, struct mse_writer *to)
{
    uint8_t utf8[4];
    uint32_t c = 0;

    for (unsigned i = 0; i < digits; i++) {
        int digit = hex_digit(mse_toml_peek(p, i + 2));

        if (digit < 0)
            return mse_toml_fail_here(p, digits == 4 ? "\\u needs four hex digits"
                                                     : "\\U needs eight hex digits");
        c = c << 4 | (uint32_t)digit;
    }
    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return mse_toml_fail_here(p, "the escape is no Unicode character");
    if (c == 0) /* C text would end here: two readers would see two values */
        return mse_toml_fail_here(p, "the NUL character is not accepted");
    p->at += digits + 2;
    mse_write_bytes(to, utf8, mse_utf8_put(c, utf8));
    return true;
}

/*
 * At a backslash that is the last on its line: takes it and all white space up to the next text.
 * Anything else is left alone: false.
 */
static bool skip_line_end(struct mse_toml_parser *p)
{
    size_t start = p->at;
    bool found = false;

    p->at++;
    for (;;) {
        size_t n = newline_length(p);

        if (n > 0)
            found = true;
        else if (mse_toml_peek(p, 0) == ' ' || mse_toml_peek(p, 0) == '\t')
            n = 1;
        if (n == 0)
            break;
        p->at += n;
    }
    if (!found)
        p->at = start;
    return found;
}

/* At a backslash. */
static bool read_escape(struct mse_toml_parser *p, bool many_lines, struct mse_writer *to)
{
    static const char from[] = "btnfr\"\\";
    static const char into[] = "\b\t\n\f\r\"\\";
    int c = mse_toml_peek(p, 1);
    const char *found;

    if (many_lines && skip_line_end(p))
        return true;
    if (c == 'u' || c == 'U')
        return read_unicode(p, c == 'u' ? 4 : 8, to);
    found = c > 0 ? strchr(from, c) : NULL;
    if (found == NULL)
        return mse_toml_fail_here(p, "an unknown escape");
    p->at += 2;
    mse_write_u8(to, (uint8_t)into[found - from]);
    return true;
}

/* ---- strings ---- */

/* Copies up to the next byte that means something. */
static void copy_plain(struct mse_toml_parser *p, int quote, struct mse_writer *to)
{
    size_t start = p->at;

    for (;;) {
        int c = mse_toml_peek(p, 0);

        if (c == -1 || c == quote || is_control(c) || (c == '\\' && quote == '"'))
            break;
        p->at++;
    }
    mse_write_bytes(to, p->data + start, p->at - start);
}

static bool one_line(struct mse_toml_parser *p, int quote, struct mse_writer *to)
{
    p->at++;
    for (;;) {
        int c;

        copy_plain(p, quote, to);
        c = mse_toml_peek(p, 0);
        if (c == quote) {
            p->at++;
            return true;
        }
        if (c == '\\') {
            if (!read_escape(p, false, to))
                return false;
        } else if (c == -1 || newline_length(p) > 0) {
            return mse_toml_fail_here(p, "a string does not end on its line");
        } else {
            return mse_toml_fail_here(p, "a control character in a string");
        }
    }
}

/* At a quote: true if the string ends. One or two quotes before the closing three are text. */
static bool closes(struct mse_toml_parser *p, int quote, struct mse_writer *to)
{
    size_t n = 0;

    while (n < 5 && mse_toml_peek(p, n) == quote)
        n++;
    p->at += n;
    for (size_t i = n >= 3 ? 3 : 0; i < n; i++)
        mse_write_u8(to, (uint8_t)quote);
    return n >= 3;
}

static bool many(struct mse_toml_parser *p, int quote, struct mse_writer *to)
{
    size_t start = p->at;

    p->at += 3;
    p->at += newline_length(p); /* one directly behind the quotes is not part of the text */
    for (;;) {
        int c;
        size_t n;

        copy_plain(p, quote, to);
        c = mse_toml_peek(p, 0);
        n = newline_length(p);
        if (c == -1)
            return mse_toml_fail(p, MSE_ERR_FORMAT, start, "a string has no end");
        if (n > 0) { /* the same text whatever the line ends of the file */
            mse_write_u8(to, '\n');
            p->at += n;
        } else if (c == quote) {
            if (closes(p, quote, to))
                return true;
        } else if (c == '\\') {
            if (!read_escape(p, true, to))
                return false;
        } else {
            return mse_toml_fail_here(p, "a control character in a string");
        }
    }
}

bool mse_toml_read_string(struct mse_toml_parser *p, bool many_lines, char **out, size_t *len)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer text = { 0 };
    int quote = mse_toml_peek(p, 0);
    bool triple = mse_toml_peek(p, 1) == quote && mse_toml_peek(p, 2) == quote;

    *out = NULL;
    *len = 0;
    if (triple && !many_lines)
        return mse_toml_fail_here(p, "a key cannot have three quotes");
    if (!(triple ? many(p, quote, &text) : one_line(p, quote, &text)))
        return false;
    *len = text.len;
    *out = mse_writer_take_text(&text);
    if (*out == NULL) {
        *len = 0;
        return mse_fail_memory(p->err);
    }
    return true;
}

/* ---- keys ---- */

static bool is_bare(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || mse_toml_is_digit(c) || c == '_' ||
           c == '-';
}

bool mse_toml_read_part(struct mse_toml_parser *p, struct mse_toml_part *out)
{
    int first = mse_toml_peek(p, 0);
    size_t n = 0;

    *out = (struct mse_toml_part){ .at = p->at };
    if (first == '"' || first == '\'')
        return mse_toml_read_string(p, false, &out->text, &out->len);
    while (is_bare(mse_toml_peek(p, n)))
        n++;
    if (n == 0)
        return mse_toml_fail_here(p, "a key is expected");
    out->text = strndup((const char *)p->data + p->at, n);
    if (out->text == NULL)
        return mse_fail_memory(p->err);
    out->len = n;
    p->at += n;
    return true;
}

void mse_toml_part_cleanup(struct mse_toml_part *part)
{
    free(part->text);
    part->text = NULL;
}
