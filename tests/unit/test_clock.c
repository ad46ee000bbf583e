/* SPDX-License-Identifier: Apache-2.0 */
/* Instants: expected values are those of the C library's timegm() and of date(1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "exact.h"

/* clang-format off */
static const struct { const char *text; int64_t t; } known[] = { /* date -u -d TEXT +%s */
    { "1970-01-01T00:00:00Z", 0 },
    { "1969-12-31T23:59:59Z", -1 },
    { "2000-02-29T12:34:56Z", INT64_C(951827696) },
    { "2038-01-19T03:14:08Z", INT64_C(2147483648) },
    { "1900-03-01T00:00:00Z", INT64_C(-2203891200) },
    { "0000-01-01T00:00:00Z", INT64_C(-62167219200) },
    { "0000-02-29T00:00:00Z", INT64_C(-62162121600) },
    { "0001-01-01T00:00:00Z", INT64_C(-62135596800) },
    { "9999-12-31T23:59:59Z", INT64_C(253402300799) },
};
/* clang-format on */

static void known_instants_go_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        char out[MSE_TIME_TEXT_SIZE];
        int64_t t;

        assert_true(mse_time_read(known[i].text, strlen(known[i].text), &t));
        assert_true(t == known[i].t);
        assert_string_equal(mse_time_write(known[i].t, out), known[i].text);
    }
}

/* A step that is no multiple of a day meets every weekday, month and leap year. */
static void agrees_with_the_c_library(void **state)
{
    (void)state;
    for (int64_t t = INT64_C(-62167219200); t <= INT64_C(253402300799); t += 7919 * 101) {
        char out[MSE_TIME_TEXT_SIZE];
        char want[64];
        struct tm tm;
        time_t clock = (time_t)t;
        int64_t back;

        assert_non_null(gmtime_r(&clock, &tm));
        (void)snprintf(want, sizeof(want), "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
                       tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        if (strcmp(mse_time_write(t, out), want) != 0)
            fail_msg("%lld: %s, want %s", (long long)t, out, want);
        if (!mse_time_read(want, strlen(want), &back) || back != t)
            fail_msg("%s: not %lld", want, (long long)t);
    }
}

static void date_alone_is_its_first_second(void **state)
{
    int64_t t;

    (void)state;
    assert_true(mse_time_read("2026-01-31", 10, &t));
    assert_true(t == INT64_C(1769817600));
}

static void anything_else_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "2026",
        "2026-01-3",
        "2026-1-31T00:00:00Z",
        "2026-01-31T00:00:00",
        "2026-01-31T00:00:00z",
        "2026-01-31t00:00:00Z",
        "2026-01-31 00:00:00Z",
        "2026-01-31T00:00:00+00:00",
        "2026-01-31T00:00:00.0Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T23:60:00Z",
        "2026-01-31T23:59:60Z",
        "2026-02-29T00:00:00Z",
        "2026-02-29",
        "1900-02-29",
        "2026-00-01",
        "2026-13-01",
        "2026-01-00",
        "2026-04-31",
        "2026/01/31",
        "+026-01-31",
        "2026-01-3x",
        "2026-01--1",
        " 2026-01-31",
        "2026-01-31T0x:00:00Z",
        "2026-01-31T00-00:00Z",
        "2026-01-31T00:00-00Z",
        "2026-01-31T00:00: 0Z",
        "2026x01-31T00:00:00Z",
        "-001-01-31",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct mse_bytes in = exact_copy(MSE_CSTR_BYTES(bad[i]), strlen(bad[i]));
        int64_t t = 1;

        print_message("%s\n", bad[i]);
        assert_false(mse_time_read((const char *)in.data, in.len, &t));
        assert_true(t == 0);
        exact_free(in);
    }
}

static void impossible_civil_fields_are_refused(void **state)
{
    static const int bad[][6] = {
        { -1, 1, 1, 0, 0, 0 },           { 10000, 1, 1, 0, 0, 0 }, { 2026, 0, 1, 0, 0, 0 },
        { 2026, 13, 1, 0, 0, 0 },        { 2026, 1, 0, 0, 0, 0 },  { 2026, 1, 32, 0, 0, 0 },
        { 2026, 2, 29, 0, 0, 0 },        { 2100, 2, 29, 0, 0, 0 }, { 2026, 1, 1, -1, 0, 0 },
        { 2026, 1, 1, 24, 0, 0 },        { 2026, 1, 1, 0, -1, 0 }, { 2026, 1, 1, 0, 60, 0 },
        { 2026, 1, 1, 0, 0, -1 },        { 2026, 1, 1, 0, 0, 60 }, { INT32_MIN, 1, 1, 0, 0, 0 },
        { 2026, INT32_MAX, 1, 0, 0, 0 },
    };
    int64_t t;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(mse_time_from_civil(bad[i][0], bad[i][1], bad[i][2], bad[i][3], bad[i][4],
                                         bad[i][5], &t));
    assert_true(mse_time_from_civil(2000, 2, 29, 23, 59, 59, &t));
    assert_true(t == INT64_C(951868799));
}

static void instants_beyond_the_calendar_are_written_as_its_ends(void **state)
{
    char out[MSE_TIME_TEXT_SIZE];

    (void)state;
    assert_string_equal(mse_time_write(INT64_MAX, out), "9999-12-31T23:59:59Z");
    assert_string_equal(mse_time_write(INT64_MIN, out), "0000-01-01T00:00:00Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_instants_go_both_ways),
        cmocka_unit_test(agrees_with_the_c_library),
        cmocka_unit_test(date_alone_is_its_first_second),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(impossible_civil_fields_are_refused),
        cmocka_unit_test(instants_beyond_the_calendar_are_written_as_its_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
