/* SPDX-License-Identifier: Apache-2.0 */
/* Instants as seconds since 1970-01-01T00:00:00Z, read from and written to RFC 3339 text. */
#ifndef MSE_BASE_CLOCK_H
#define MSE_BASE_CLOCK_H

#include "base/bytes.h"

#define MSE_TIME_TEXT_SIZE 24

/* "2026-01-31T23:59:59Z" exactly; a date alone ("2026-01-31") is its first second. */
MSE_MUST_CHECK bool mse_time_read(const char *text, size_t len, int64_t *out);
/* From civil fields in UTC; refuses impossible dates. month and day count from 1. */
MSE_MUST_CHECK bool mse_time_from_civil(int year, int month, int day, int hour, int minute,
                                        int second, int64_t *out);
/* Writes RFC 3339 text; out has MSE_TIME_TEXT_SIZE bytes. Returns out. */
const char *mse_time_write(int64_t t, char *out);

#endif
