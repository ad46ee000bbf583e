/* SPDX-License-Identifier: Apache-2.0 */
/* TOML 1.0: "Integer" and "Float". */
#include <locale.h>
#include <math.h>
#include <stdlib.h>

#include "base/toml_parser.h"

static int digit_value(int c)
{
    if (mse_toml_is_digit(c))
        return c - '0';
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : 99;
}

/* Digits with single underscores between them. Copies the digits; fails if there is none. */
static bool read_digits(struct mse_toml_parser *p, int base, struct mse_writer *to)
{
    if (digit_value(mse_toml_peek(p, 0)) >= base)
        return mse_toml_fail_here(p, "a digit is expected");
    for (;;) {
        int c = mse_toml_peek(p, 0);

        if (c == '_')
            c = mse_toml_peek(p, 1);
        if (digit_value(c) >= base) {
            if (mse_toml_peek(p, 0) == '_')
                return mse_toml_fail_here(p, "an underscore must be between digits");
            return true;
        }
        p->at += mse_toml_peek(p, 0) == '_' ? 2 : 1;
        mse_write_u8(to, (uint8_t)c);
    }
}

/* Integers that 64 bits cannot hold are an error, by the specification. */
static bool convert_integer(struct mse_toml_parser *p, const char *digits, int base, bool negative,
                            size_t at, int64_t *out)
{
    uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    uint64_t v = 0;

    for (; *digits != '\0'; digits++) {
        uint64_t digit = (uint64_t)digit_value(*digits);

        if (v > (limit - digit) / (uint64_t)base)
            return mse_toml_fail(p, MSE_ERR_FORMAT, at, "the integer needs more than 64 bits");
        v = v * (uint64_t)base + digit;
    }
    *out = negative ? (int64_t)(~v + 1) : (int64_t)v;
    return true;
}

static bool convert_float(struct mse_toml_parser *p, const char *text, double *out)
{
    /* The program may have set a locale in which the decimal point is a comma. */
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);

    if (c_locale == (locale_t)0)
        return mse_fail_memory(p->err);
    *out = strtod_l(text, NULL, c_locale);
    freelocale(c_locale);
    return true;
}

/* Behind the integer part. */
static bool read_fraction(struct mse_toml_parser *p, struct mse_writer *to)
{
    if (mse_toml_peek(p, 0) == '.') {
        mse_write_u8(to, '.');
        p->at++;
        if (!read_digits(p, 10, to))
            return false;
    }
    if ((mse_toml_peek(p, 0) | 0x20) == 'e') {
        mse_write_u8(to, 'e');
        p->at++;
        if (mse_toml_peek(p, 0) == '-' || mse_toml_peek(p, 0) == '+') {
            mse_write_u8(to, (uint8_t)mse_toml_peek(p, 0));
            p->at++;
        }
        return read_digits(p, 10, to);
    }
    return true;
}

/* inf and nan, behind the sign. */
static bool read_special(struct mse_toml_parser *p, bool negative, struct mse_toml_value *out)
{
    bool infinite = mse_toml_peek(p, 0) == 'i';
    const char *word = infinite ? "inf" : "nan";

    for (size_t i = 0; i < 3; i++) {
        if (mse_toml_peek(p, i) != word[i])
            return mse_toml_fail_here(p, "not a value");
    }
    p->at += 3;
    out->type = MSE_TOML_FLOAT;
    out->real = infinite ? (double)INFINITY : (double)NAN;
    if (negative)
        out->real = -out->real;
    return true;
}

/* 0x, 0o or 0b: no sign, lower case. Returns 0 if it is none of them. */
static int prefix_base(const struct mse_toml_parser *p)
{
    if (mse_toml_peek(p, 0) != '0')
        return 0;
    switch (mse_toml_peek(p, 1)) {
    case 'x':
        return 16;
    case 'o':
        return 8;
    case 'b':
        return 2;
    default:
        return 0;
    }
}

static bool read_based(struct mse_toml_parser *p, int base, struct mse_writer *to,
                       struct mse_toml_value *out)
{
    size_t at = p->at;

    p->at += 2;
    if (!read_digits(p, base, to))
        return false;
    mse_write_u8(to, '\0');
    if (!mse_writer_ok(to))
        return mse_fail_memory(p->err);
    return convert_integer(p, (const char *)to->data, base, false, at, &out->integer);
}

static bool read_decimal(struct mse_toml_parser *p, bool negative, struct mse_writer *to,
                         struct mse_toml_value *out)
{
    size_t at = p->at;
    int next;

    if (mse_toml_peek(p, 0) == '0' &&
        (mse_toml_is_digit(mse_toml_peek(p, 1)) || mse_toml_peek(p, 1) == '_'))
        return mse_toml_fail_here(p, "leading zeros are not allowed");
    if (!read_digits(p, 10, to))
        return false;
    next = mse_toml_peek(p, 0);
    if (next == '.' || next == 'e' || next == 'E')
        out->type = MSE_TOML_FLOAT;
    if (!read_fraction(p, to))
        return false;
    mse_write_u8(to, '\0');
    if (!mse_writer_ok(to))
        return mse_fail_memory(p->err);
    if (out->type == MSE_TOML_INTEGER)
        return convert_integer(p, (const char *)to->data, 10, negative, at, &out->integer);
    if (!convert_float(p, (const char *)to->data, &out->real))
        return false;
    if (negative)
        out->real = -out->real;
    return true;
}

bool mse_toml_read_number(struct mse_toml_parser *p, struct mse_toml_value *out)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer text = { 0 };
    bool negative = mse_toml_peek(p, 0) == '-';
    bool sign = negative || mse_toml_peek(p, 0) == '+';
    int base;

    out->type = MSE_TOML_INTEGER;
    if (sign)
        p->at++;
    if (mse_toml_peek(p, 0) == 'i' || mse_toml_peek(p, 0) == 'n')
        return read_special(p, negative, out);
    base = prefix_base(p);
    if (base != 0 && sign)
        return mse_toml_fail_here(p, "a hexadecimal, octal or binary integer has no sign");
    if (base != 0)
        return read_based(p, base, &text, out);
    return read_decimal(p, negative, &text, out);
}
