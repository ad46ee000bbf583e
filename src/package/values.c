/* SPDX-License-Identifier: Apache-2.0 */
/* What mse.toml and contexts share: messages with a place, and what their values may be. */
#include "package/values.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "measure/tree.h"

/* ---- places ---- */

#define PLACE_SIZE sizeof(((struct mse_error *)NULL)->field)

static void write_place(char out[static PLACE_SIZE], const char *file_name, unsigned line,
                        unsigned column)
{
    char numbers[32];
    size_t len = strlen(file_name), room;
    bool cut;

    (void)snprintf(numbers, sizeof(numbers), ":%u:%u", line, column);
    room = PLACE_SIZE - 1 - strlen(numbers);
    cut = len > room;
    (void)snprintf(out, PLACE_SIZE, "%s%s%s", cut ? "..." : "",
                   cut ? file_name + (len - (room - 3)) : file_name, numbers);
}

bool mse_value_fail(struct mse_error *err, enum mse_err_code code, const char *file_name,
                    const struct mse_toml_value *at, const char *format, ...)
{
    char place[PLACE_SIZE], text[sizeof(err->text)];
    va_list args;

    write_place(place, file_name, at->line, at->column);
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return mse_fail_text(err, code, place, "%s", text);
}

/* Line and column of a byte, as the reader counts them: characters. */
static struct mse_toml_value place_of(struct mse_bytes in, size_t offset)
{
    struct mse_toml_value at = { .line = 1, .column = 1 };

    for (size_t i = 0; i < offset && i < in.len; i++) {
        if (in.data[i] == '\n') {
            at.line++;
            at.column = 1;
        } else if ((in.data[i] & 0xc0) != 0x80) {
            at.column++;
        }
    }
    return at;
}

bool mse_value_parse(struct mse_bytes in, const char *file_name, size_t max_size,
                     struct mse_toml_value **out, struct mse_error *err)
{
    struct mse_error why = { 0 };
    struct mse_toml_value at;
    const char *text;

    *out = NULL;
    if (in.len > max_size)
        return mse_fail_text(err, MSE_ERR_LIMIT, file_name, "larger than %zu bytes", max_size);
    if (mse_toml_parse(in, out, &why))
        return true;
    if (why.code != MSE_ERR_FORMAT && why.code != MSE_ERR_DUPLICATE) {
        (void)mse_fail_in(&why, "%s", file_name);
        return mse_fail_text(err, why.code, why.field, "%s", why.text);
    }
    /* The reader's text begins with "line L, column C: ", which the place says already. */
    at = place_of(in, why.offset);
    text = strstr(why.text, ": ");
    return mse_value_fail(err, why.code, file_name, &at, "%s", text != NULL ? text + 2 : why.text);
}

/* ---- texts ---- */

size_t mse_value_characters(const char *text)
{
    size_t count = 0;

    for (; *text != '\0'; text++)
        count += (*text & 0xc0) != 0x80;
    return count;
}

static bool is_control(char c)
{
    return (c >= 0 && c < 0x20) || c == 0x7f;
}

bool mse_value_has_control(const char *text)
{
    for (; *text != '\0'; text++) {
        if (is_control(*text))
            return true;
    }
    return false;
}

static bool has_blank(const char *text)
{
    return strchr(text, ' ') != NULL || mse_value_has_control(text);
}

bool mse_value_is_python(const char *text)
{
    const char *colon = strchr(text, ':');

    return colon != NULL && colon != text && colon[1] != '\0' && strchr(colon + 1, ':') == NULL &&
           !has_blank(text) && mse_value_characters(text) <= 255;
}

bool mse_value_is_health(const char *text)
{
    if (text[0] != '/' || strlen(text) > MSE_VALUE_MAX_HEALTH)
        return false;
    for (; *text != '\0'; text++) {
        if (*text <= 0x20 || *text >= 0x7f || *text == '?' || *text == '#')
            return false;
    }
    return true;
}

bool mse_value_is_memory(int64_t mib)
{
    return mib >= MSE_VALUE_MIN_MEMORY && mib <= MSE_VALUE_MAX_MEMORY && (mib & (mib - 1)) == 0;
}

bool mse_value_is_threads(int64_t count)
{
    return count >= 1 && count <= MSE_VALUE_MAX_THREADS;
}

bool mse_value_is_tree_path(const char *path)
{
    size_t len = strlen(path);

    if (len == 0 || len > MSE_TREE_MAX_PATH || mse_value_has_control(path) ||
        !mse_utf8_is_valid(MSE_CSTR_BYTES(path)))
        return false;
    for (;;) {
        size_t part = strcspn(path, "/");

        if (part == 0 || (part == 1 && path[0] == '.') ||
            (part == 2 && path[0] == '.' && path[1] == '.'))
            return false;
        if (path[part] == '\0')
            return true;
        path += part + 1;
    }
}

/* ---- instants ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The two digits at text, or -1. */
static int two(const char *text)
{
    return is_digit(text[0]) && is_digit(text[1]) ? (text[0] - '0') * 10 + (text[1] - '0') : -1;
}

/* What is behind the seconds: "", "Z", "+hh:mm". */
static bool read_offset(const char *text, int zone_offset, int *out)
{
    int hours, minutes;

    *out = zone_offset;
    if (text[0] == '\0')
        return true;
    *out = 0;
    if (text[0] == 'Z' || text[0] == 'z')
        return text[1] == '\0';
    if ((text[0] != '+' && text[0] != '-') || strlen(text) != 6 || text[3] != ':')
        return false;
    hours = two(text + 1);
    minutes = two(text + 4);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return false;
    *out = (hours * 3600 + minutes * 60) * (text[0] == '-' ? -1 : 1);
    return true;
}

bool mse_value_instant(const char *text, int zone_offset, int64_t *out)
{
    char utc[21];
    int offset = 0;

    *out = 0;
    if (strlen(text) < 19 || strchr("Tt ", text[10]) == NULL)
        return false;
    memcpy(utc, text, 19);
    memcpy(utc + 19, "Z", 2);
    utc[10] = 'T';
    text += 19;
    if (text[0] == '.') {
        if (!is_digit(text[1]))
            return false;
        for (text++; is_digit(*text); text++)
            ;
    }
    if (!read_offset(text, zone_offset, &offset) || !mse_time_read(utc, 20, out)) {
        *out = 0;
        return false;
    }
    *out -= offset;
    return true;
}

/* ---- identifiers ---- */

static char lower_hex(char c)
{
    if (is_digit(c) || (c >= 'a' && c <= 'f'))
        return c;
    return c >= 'A' && c <= 'F' ? (char)(c + ('a' - 'A')) : '\0';
}

bool mse_value_uuid(const char *text, char out[static 37])
{
    bool hyphens, brace;
    size_t at = 0;

    out[0] = '\0';
    if (strncasecmp(text, "urn:uuid:", 9) == 0)
        text += 9;
    brace = text[0] == '{';
    text += brace;
    hyphens = strnlen(text, 9) == 9 && text[8] == '-';
    for (; at < 36; at++) {
        if (at == 8 || at == 13 || at == 18 || at == 23) {
            if (hyphens && *text++ != '-')
                break;
            out[at] = '-';
        } else if ((out[at] = lower_hex(*text++)) == '\0') {
            break;
        }
    }
    if (at == 36 && strcmp(text, brace ? "}" : "") == 0) {
        out[36] = '\0';
        return true;
    }
    out[0] = '\0';
    return false;
}
