/* SPDX-License-Identifier: Apache-2.0 */
/* TOML 1.0: offset date-time, local date-time, local date and local time (RFC 3339). */
#include <stdlib.h>

#include "base/clock.h"
#include "base/toml_parser.h"

static bool is_date(const struct mse_toml_parser *p)
{
    for (size_t i = 0; i < 4; i++) {
        if (!mse_toml_is_digit(mse_toml_peek(p, i)))
            return false;
    }
    return mse_toml_peek(p, 4) == '-';
}

static bool is_time(const struct mse_toml_parser *p, size_t ahead)
{
    return mse_toml_is_digit(mse_toml_peek(p, ahead)) &&
           mse_toml_is_digit(mse_toml_peek(p, ahead + 1)) && mse_toml_peek(p, ahead + 2) == ':';
}

bool mse_toml_is_datetime(const struct mse_toml_parser *p)
{
    return is_date(p) || is_time(p, 0);
}

/* Exactly so many digits, as a number. */
static bool read_field(struct mse_toml_parser *p, unsigned digits, int *out)
{
    int v = 0;

    for (unsigned i = 0; i < digits; i++) {
        int c = mse_toml_peek(p, 0);

        if (!mse_toml_is_digit(c))
            return mse_toml_fail_here(p, "a digit of a date or time is expected");
        v = v * 10 + (c - '0');
        p->at++;
    }
    *out = v;
    return true;
}

static bool skip_mark(struct mse_toml_parser *p, int mark)
{
    if (mse_toml_peek(p, 0) != mark)
        return mse_toml_fail_here(p, "not a date or time");
    p->at++;
    return true;
}

static bool read_date(struct mse_toml_parser *p)
{
    size_t start = p->at;
    int year = 0;
    int month = 0;
    int day = 0;
    int64_t ignored;

    if (!read_field(p, 4, &year) || !skip_mark(p, '-') || !read_field(p, 2, &month) ||
        !skip_mark(p, '-') || !read_field(p, 2, &day))
        return false;
    if (!mse_time_from_civil(year, month, day, 0, 0, 0, &ignored))
        return mse_toml_fail(p, MSE_ERR_FORMAT, start, "there is no such day");
    return true;
}

/* Hours, minutes, seconds and a fraction of any length. */
static bool read_time(struct mse_toml_parser *p)
{
    size_t start = p->at;
    int hour = 0;
    int minute = 0;
    int second = 0;
    int digit = 0;

    if (!read_field(p, 2, &hour) || !skip_mark(p, ':') || !read_field(p, 2, &minute) ||
        !skip_mark(p, ':') || !read_field(p, 2, &second))
        return false;
    if (hour > 23 || minute > 59 || second > 59)
        return mse_toml_fail(p, MSE_ERR_FORMAT, start, "there is no such time");
    if (mse_toml_peek(p, 0) != '.')
        return true;
    p->at++;
    do {
        if (!read_field(p, 1, &digit))
            return false;
    } while (mse_toml_is_digit(mse_toml_peek(p, 0)));
    return true;
}

/* "Z", "+hh:mm" or nothing. */
static bool read_offset(struct mse_toml_parser *p)
{
    size_t start = p->at;
    int c = mse_toml_peek(p, 0);
    int hour = 0;
    int minute = 0;

    if (c == 'Z' || c == 'z') {
        p->at++;
        return true;
    }
    if (c != '+' && c != '-')
        return true;
    p->at++;
    if (!read_field(p, 2, &hour) || !skip_mark(p, ':') || !read_field(p, 2, &minute))
        return false;
    if (hour > 23 || minute > 59)
        return mse_toml_fail(p, MSE_ERR_FORMAT, start, "there is no such offset");
    return true;
}

/* RFC 3339 lets a space stand for 'T', and 't' and 'z' for the capitals. */
static void normalise(char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == 't' || *text == ' ')
            *text = 'T';
        else if (*text == 'z')
            *text = 'Z';
    }
}

static bool read_date_and_more(struct mse_toml_parser *p)
{
    int c;

    if (!read_date(p))
        return false;
    c = mse_toml_peek(p, 0);
    if (c != 'T' && c != 't' && !(c == ' ' && is_time(p, 1)))
        return true;
    p->at++;
    return read_time(p) && read_offset(p);
}

bool mse_toml_read_datetime(struct mse_toml_parser *p, struct mse_toml_value *out)
{
    size_t start = p->at;

    out->type = MSE_TOML_DATETIME;
    if (!(is_date(p) ? read_date_and_more(p) : read_time(p)))
        return false;
    out->text = strndup((const char *)p->data + start, p->at - start);
    if (out->text == NULL)
        return mse_fail_memory(p->err);
    out->text_len = p->at - start;
    normalise(out->text);
    return true;
}
