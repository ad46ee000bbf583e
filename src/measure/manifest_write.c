/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a manifest as tomli_w 1.0.0 writes it (docs/gramine.md, "Text form"). Every byte is
 * measured.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "measure/manifest.h"

#define INDENT "    "
#define LINE_MAX_CHARACTERS 100
/* Longest line in bytes that can still be of so many characters. */
#define LINE_MAX_BYTES (LINE_MAX_CHARACTERS * 4)

/* ---- strings and keys ---- */

static void write_string(struct mse_writer *w, const char *text, size_t len)
{
    static const char from[] = "\b\n\f\r\"\\";
    static const char into[] = "bnfr\"\\";
    size_t start = 0;

    mse_write_u8(w, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        const char *found;

        if ((c >= 0x20 && c != '"' && c != '\\' && c != 0x7f) || c == '\t')
            continue;
        mse_write_bytes(w, text + start, i - start);
        start = i + 1;
        found = c != 0 ? strchr(from, c) : NULL;
        if (found != NULL)
            mse_write_format(w, "\\%c", into[found - from]);
        else
            mse_write_format(w, "\\u%04x", c);
    }
    mse_write_bytes(w, text + start, len - start);
    mse_write_u8(w, '"');
}

static bool is_bare(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

static void write_key(struct mse_writer *w, const struct mse_toml_value *member)
{
    bool bare = member->key_len > 0;

    for (size_t i = 0; i < member->key_len && bare; i++)
        bare = is_bare(member->key[i]);
    if (bare)
        mse_write_bytes(w, member->key, member->key_len);
    else
        write_string(w, member->key, member->key_len);
}

/* ---- numbers, dates and times ---- */

#define DIGITS_MAX 17 /* so many decimal digits tell any two doubles apart */

/* The decimal digits and exponent of v, one digit before the point. v is finite and not negative.
 */
static size_t digits_of(double v, int precision, char digits[DIGITS_MAX + 1], int *exponent)
{
    char text[64];
    size_t count = 0;
    const char *p = text;

    /* Whatever the locale has as decimal point is no digit. */
    (void)snprintf(text, sizeof(text), "%.*e", precision - 1, v);
    for (; *p != 'e' && *p != '\0' && count < DIGITS_MAX; p++) {
        if (*p >= '0' && *p <= '9')
            digits[count++] = *p;
    }
    *exponent = *p == 'e' ? (int)strtol(p + 1, NULL, 10) : 0;
    digits[count] = '\0';
    return count;
}

/* Does d[0]d[1]...e(exponent) read as v? Written without a point, so that no locale matters. */
static bool reads_as(double v, const char *digits, size_t count, int exponent)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "%se%d", digits, exponent - (int)count + 1);
    return strtod(text, NULL) == v;
}

/* One more in the last place. */
static void step_up(char *digits, size_t count, int *exponent)
{
    size_t i = count;

    while (i > 0 && digits[i - 1] == '9')
        digits[--i] = '0';
    if (i > 0) {
        digits[i - 1]++;
    } else {
        digits[0] = '1';
        ++*exponent;
    }
}

/*
 * The shortest digits that read as v, and of those the nearest, as Python's repr has them. At a
 * power of two the doubles below are closer than those above: the nearest decimal of some length
 * may then be taken for the double below, and the next one up still be right.
 */
static size_t shortest(double v, char digits[DIGITS_MAX + 1], int *exponent)
{
    size_t count = 0;

    for (int precision = 1; precision <= DIGITS_MAX; precision++) {
        count = digits_of(v, precision, digits, exponent);
        if (reads_as(v, digits, count, *exponent))
            break;
        if (precision == DIGITS_MAX)
            break;
        step_up(digits, count, exponent);
        if (reads_as(v, digits, count, *exponent))
            break;
    }
    while (count > 1 && digits[count - 1] == '0')
        digits[--count] = '\0';
    return count;
}

static void write_zeros(struct mse_writer *w, int count)
{
    for (int i = 0; i < count; i++)
        mse_write_u8(w, '0');
}

/* Python's repr: with an exponent below 0.0001 and from 1e16 on, else with one decimal at least. */
static void write_float(struct mse_writer *w, double v)
{
    char digits[DIGITS_MAX + 1];
    int exponent = 0, count;

    if (isnan(v)) {
        mse_write_text(w, "nan");
        return;
    }
    if (signbit(v))
        mse_write_u8(w, '-');
    if (isinf(v)) {
        mse_write_text(w, "inf");
        return;
    }
    count = (int)shortest(fabs(v), digits, &exponent);
    if (exponent < -4 || exponent >= 16) {
        mse_write_u8(w, (uint8_t)digits[0]);
        mse_write_format(w, "%s%s", count > 1 ? "." : "", digits + 1);
        mse_write_format(w, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
    } else if (exponent < 0) {
        mse_write_text(w, "0.");
        write_zeros(w, -exponent - 1);
        mse_write_text(w, digits);
    } else if (count <= exponent + 1) {
        mse_write_text(w, digits);
        write_zeros(w, exponent + 1 - count);
        mse_write_text(w, ".0");
    } else {
        mse_write_format(w, "%.*s.%s", exponent + 1, digits, digits + exponent + 1);
    }
}

/*
 * As Python prints its values: a space for 'T', microseconds in full or not at all (what is finer
 * is cut off), and UTC as "+00:00".
 */
static void write_datetime(struct mse_writer *w, const char *text)
{
    static const char zeros[] = "000000";
    size_t len = strcspn(text, ".");
    const char *rest = text + len;
    size_t digits;

    if (*rest == '\0') { /* no fraction: an offset, if any, is not a date's '-' */
        len = strcspn(text, "Z+");
        if (text[len] == '\0' && len > 19 && text[19] == '-')
            len = 19;
        rest = text + len;
    }
    for (size_t i = 0; i < len; i++)
        mse_write_u8(w, text[i] == 'T' ? (uint8_t)' ' : (uint8_t)text[i]);
    if (*rest == '.') {
        rest++;
        digits = strspn(rest, "0123456789");
        if (strspn(rest, "0") < (digits < 6 ? digits : 6)) {
            mse_write_u8(w, '.');
            mse_write_bytes(w, rest, digits < 6 ? digits : 6);
            mse_write_text(w, zeros + (digits < 6 ? digits : 6));
        }
        rest += digits;
    }
    mse_write_text(w, strcmp(rest, "Z") == 0 || strcmp(rest, "-00:00") == 0 ? "+00:00" : rest);
}

/* ---- values ---- */

static void write_value(struct mse_writer *w, const struct mse_toml_value *v, unsigned level);

static void write_inline_table(struct mse_writer *w, const struct mse_toml_value *table)
{
    if (table->count == 0) {
        mse_write_text(w, "{}");
        return;
    }
    for (size_t i = 0; i < table->count && mse_writer_ok(w); i++) {
        mse_write_text(w, i == 0 ? "{ " : ", ");
        write_key(w, table->children[i]);
        mse_write_text(w, " = ");
        write_value(w, table->children[i], 0); /* an array in here is indented anew */
    }
    mse_write_text(w, " }");
}

static void write_array(struct mse_writer *w, const struct mse_toml_value *array, unsigned level)
{
    if (array->count == 0) {
        mse_write_text(w, "[]");
        return;
    }
    mse_write_text(w, "[\n");
    for (size_t i = 0; i < array->count && mse_writer_ok(w); i++) {
        for (unsigned n = 0; n <= level; n++)
            mse_write_text(w, INDENT);
        write_value(w, array->children[i], level + 1);
        mse_write_text(w, ",\n");
    }
    for (unsigned n = 0; n < level; n++)
        mse_write_text(w, INDENT);
    mse_write_u8(w, ']');
}

static void write_value(struct mse_writer *w, const struct mse_toml_value *v, unsigned level)
{
    switch (v->type) {
    case MSE_TOML_STRING:
        write_string(w, v->text, v->text_len);
        return;
    case MSE_TOML_INTEGER:
        mse_write_format(w, "%" PRId64, v->integer);
        return;
    case MSE_TOML_FLOAT:
        write_float(w, v->real);
        return;
    case MSE_TOML_BOOLEAN:
        mse_write_text(w, v->boolean ? "true" : "false");
        return;
    case MSE_TOML_DATETIME:
        write_datetime(w, v->text);
        return;
    case MSE_TOML_ARRAY:
        write_array(w, v, level);
        return;
    case MSE_TOML_TABLE:
        write_inline_table(w, v);
        return;
    }
    w->failed = true;
}

/* ---- tables ---- */

struct text_form {
    struct mse_writer *to;
    struct mse_writer name;    /* of the table at hand, dotted, as headers have it */
    struct mse_writer attempt; /* an element of an array on one line */
};

/* Does "    { ... }," have 100 characters at most, and no line end? */
static bool fits_on_a_line(struct text_form *f, const struct mse_toml_value *table)
{
    size_t characters = 0;

    f->attempt.len = 0;
    f->attempt.failed = false;
    mse_write_text(&f->attempt, INDENT);
    write_inline_table(&f->attempt, table);
    mse_write_u8(&f->attempt, ',');
    if (f->attempt.failed) /* over its cap; it never asks for memory */
        return false;
    for (size_t i = 0; i < f->attempt.len; i++) {
        if (f->attempt.data[i] == '\n')
            return false;
        characters += (f->attempt.data[i] & 0xc0) != 0x80;
    }
    return characters <= LINE_MAX_CHARACTERS;
}

/* An array that is written as [[name]] tables. */
static bool is_blocks(struct text_form *f, const struct mse_toml_value *v)
{
    bool all_fit = true;

    if (v->type != MSE_TOML_ARRAY || v->count == 0)
        return false;
    for (size_t i = 0; i < v->count; i++) {
        if (v->children[i]->type != MSE_TOML_TABLE)
            return false;
    }
    for (size_t i = 0; i < v->count && all_fit; i++)
        all_fit = fits_on_a_line(f, v->children[i]);
    return !all_fit;
}

static void write_table(struct text_form *f, const struct mse_toml_value *table, bool is_element);

/* One empty line, unless nothing of the table around it stands yet; then the table. */
static void write_below(struct text_form *f, const struct mse_toml_value *table, bool is_element,
                        bool *any)
{
    if (*any)
        mse_write_text(f->to, "\n");
    *any = true;
    write_table(f, table, is_element);
}

/* Of each member whether it has tables of its own: 'v' value, 't' table, 'b' blocks. */
static char *sort_members(struct text_form *f, const struct mse_toml_value *table, size_t *literals)
{
    char *kinds = malloc(table->count + 1);

    *literals = 0;
    for (size_t i = 0; i < table->count && kinds != NULL; i++) {
        if (table->children[i]->type == MSE_TOML_TABLE)
            kinds[i] = 't';
        else if (is_blocks(f, table->children[i]))
            kinds[i] = 'b';
        else
            kinds[i] = 'v';
        *literals += kinds[i] == 'v';
    }
    return kinds;
}

static void write_literals(struct mse_writer *w, const struct mse_toml_value *table,
                           const char *kinds)
{
    for (size_t i = 0; i < table->count && mse_writer_ok(w); i++) {
        if (kinds[i] != 'v')
            continue;
        write_key(w, table->children[i]);
        mse_write_text(w, " = ");
        write_value(w, table->children[i], 0);
        mse_write_u8(w, '\n');
    }
}

static void write_sections(struct text_form *f, const struct mse_toml_value *table,
                           const char *kinds, bool any)
{
    size_t outer = f->name.len;

    for (size_t i = 0; i < table->count && mse_writer_ok(f->to); i++) {
        const struct mse_toml_value *member = table->children[i];

        if (kinds[i] == 'v')
            continue;
        if (outer > 0)
            mse_write_u8(&f->name, '.');
        write_key(&f->name, member);
        if (kinds[i] == 't')
            write_below(f, member, false, &any);
        for (size_t n = 0; n < member->count && kinds[i] == 'b' && mse_writer_ok(f->to); n++)
            write_below(f, member->children[n], true, &any);
        f->name.len = outer;
    }
}

static void write_table(struct text_form *f, const struct mse_toml_value *table, bool is_element)
{
    size_t literals;
    char *kinds = sort_members(f, table, &literals);
    /* A table that holds only tables needs no header of its own; the root has none. */
    bool header = is_element || (f->name.len > 0 && (literals > 0 || table->count == 0));

    if (kinds == NULL || !mse_writer_ok(&f->name)) {
        f->to->failed = true;
        free(kinds);
        return;
    }
    if (header) {
        mse_write_text(f->to, is_element ? "[[" : "[");
        mse_write_bytes(f->to, f->name.data, f->name.len);
        mse_write_text(f->to, is_element ? "]]\n" : "]\n");
    }
    write_literals(f->to, table, kinds);
    write_sections(f, table, kinds, header || literals > 0);
    free(kinds);
}

void mse_manifest_write(const struct mse_manifest *manifest, struct mse_writer *out)
{
    static const char blank[LINE_MAX_BYTES] = { 0 };
    struct text_form f = { .to = out, .attempt = { .cap = LINE_MAX_BYTES } };

    /* All the room it may ever use: failing then means that a line is too long, nothing else. */
    mse_write_bytes(&f.attempt, blank, sizeof(blank));
    if (mse_writer_ok(&f.attempt))
        write_table(&f, manifest->root, false);
    else
        out->failed = true;
    mse_writer_cleanup(&f.name);
    mse_writer_cleanup(&f.attempt);
}
