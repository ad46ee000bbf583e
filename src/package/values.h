/* SPDX-License-Identifier: Apache-2.0 */
/* What mse.toml and contexts share: messages with a place, and what their values may be. */
#ifndef MSE_PACKAGE_VALUES_H
#define MSE_PACKAGE_VALUES_H

#include "base/toml.h"

/* Measured arguments are "health=" and "arg=" with the value: docs/fingerprint.md has the limit. */
#define MSE_VALUE_MAX_HEALTH 2048
#define MSE_VALUE_MAX_TEXT 4092
#define MSE_VALUE_MIN_MEMORY 64 /* MiB */
#define MSE_VALUE_MAX_MEMORY 1048576
#define MSE_VALUE_MAX_THREADS 4096

/* Like mse_toml_parse, with "FILE:LINE:COLUMN" as field of every error. */
MSE_MUST_CHECK bool mse_value_parse(struct mse_bytes in, const char *file_name, size_t max_size,
                                    struct mse_toml_value **out, struct mse_error *err);
/* Field "FILE:LINE:COLUMN"; a long file name loses its beginning, never the place. Always false. */
bool mse_value_fail(struct mse_error *err, enum mse_err_code code, const char *file_name,
                    const struct mse_toml_value *at, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* In characters; text is UTF-8. */
size_t mse_value_characters(const char *text);
bool mse_value_has_control(const char *text);
/* "module:variable": exactly one colon, something on both sides, no blanks, 255 at most. */
bool mse_value_is_python(const char *text);
/* "/PATH" in visible ASCII, without query or fragment. */
bool mse_value_is_health(const char *text);
bool mse_value_is_memory(int64_t mib); /* a power of two within the limits */
bool mse_value_is_threads(int64_t count);
/* Relative, joined by '/', no empty, "." or ".." part, no control characters. */
bool mse_value_is_tree_path(const char *path);
/*
 * RFC 3339 date and time, with ' ' for 'T' allowed and any fraction, which is cut off. Without
 * an offset it is local time, zone_offset seconds east of UTC.
 */
MSE_MUST_CHECK bool mse_value_instant(const char *text, int zone_offset, int64_t *out);
/*
 * Any textual form of a UUID: with or without hyphens, in braces, with "urn:uuid:" before it, in
 * capitals. out gets the usual one, in lower case: it is safe as a file name.
 */
MSE_MUST_CHECK bool mse_value_uuid(const char *text, char out[static 37]);

#endif
