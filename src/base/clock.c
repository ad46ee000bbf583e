/* SPDX-License-Identifier: Apache-2.0 */
/* Civil time in UTC to and from seconds since 1970; proleptic Gregorian calendar, years 0 to 9999.
 */
#include "base/clock.h"

#include <stdio.h>

#define DAY 86400

/* 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z: what RFC 3339 can write. */
#define TIME_MIN (-INT64_C(62167219200))
#define TIME_MAX INT64_C(253402300799)

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in_month(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/*
 * Days from 0000-03-01. Years are counted from March, so that the leap day comes last, and 153 days
 * are five months in a row from March on.
 */
static int64_t days_from_march(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t m = month <= 2 ? month + 9 : month - 3;
    int64_t leaps = y < 0 ? -1
                          : y / 4 - y / 100 + y / 400; /* y is -1 at least: a leap year begins */

    return y * 365 + leaps + (153 * m + 2) / 5 + day - 1;
}

#define EPOCH_FROM_MARCH 719468 /* days from 0000-03-01 to 1970-01-01 */

bool mse_time_from_civil(int year, int month, int day, int hour, int minute, int second,
                         int64_t *out)
{
    *out = 0;
    if (year < 0 || year > 9999 || month < 1 || month > 12 || day < 1 ||
        day > days_in_month(year, month))
        return false;
    /* No leap second: POSIX time has none, and certificates may not name one (RFC 5280, 4.1.2.5).
     */
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
        return false;
    *out = (days_from_march(year, month, day) - EPOCH_FROM_MARCH) * DAY + hour * 3600 +
           minute * 60 + second;
    return true;
}

/* The number that 'width' digits write, or -1. */
static int digits(const char *text, int width)
{
    int v = 0;

    for (int i = 0; i < width; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        v = v * 10 + (text[i] - '0');
    }
    return v;
}

bool mse_time_read(const char *text, size_t len, int64_t *out)
{
    int hour = 0;
    int minute = 0;
    int second = 0;

    *out = 0;
    if ((len != 10 && len != 20) || text[4] != '-' || text[7] != '-')
        return false;
    if (len == 20) {
        if (text[10] != 'T' || text[13] != ':' || text[16] != ':' || text[19] != 'Z')
            return false;
        hour = digits(text + 11, 2);
        minute = digits(text + 14, 2);
        second = digits(text + 17, 2);
    }
    return mse_time_from_civil(digits(text, 4), digits(text + 5, 2), digits(text + 8, 2), hour,
                               minute, second, out);
}

const char *mse_time_write(int64_t t, char *out)
{
    int64_t clamped = t < TIME_MIN ? TIME_MIN : t > TIME_MAX ? TIME_MAX : t;
    int64_t since = clamped - TIME_MIN;
    int64_t day = since / DAY; /* from 0000-01-01 */
    unsigned rest = (unsigned)(since % DAY);
    int year = (int)(day / 366); /* never too late, a few years early at most */
    int month = 1;

    day -= days_from_march(year, 1, 1) - days_from_march(0, 1, 1);
    while (day >= 365 + is_leap(year)) {
        day -= 365 + is_leap(year);
        year++;
    }
    while (day >= days_in_month(year, month)) {
        day -= days_in_month(year, month);
        month++;
    }
    (void)snprintf(out, MSE_TIME_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02uZ",
                   (unsigned)year % 10000, (unsigned)month % 100, (unsigned)(day + 1) % 100,
                   rest / 3600 % 100, rest / 60 % 60, rest % 60);
    return out;
}
