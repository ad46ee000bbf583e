/* SPDX-License-Identifier: Apache-2.0 */
/* Access to parsed JSON: members, typed members, text. */
#include "base/json.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/json_text.h"

static struct mse_bytes view(const struct mse_json *json, uint32_t start, uint32_t end)
{
    return (struct mse_bytes){ json->in.data + start, end - start };
}

struct mse_bytes mse_json_span(const struct mse_json *json, const struct mse_json_value *v)
{
    return view(json, v->start, v->end);
}

struct mse_bytes mse_json_key(const struct mse_json *json, const struct mse_json_value *v)
{
    return view(json, v->key_start, v->key_end);
}

static bool is_container(const struct mse_json_value *v)
{
    return v != NULL && (v->type == MSE_JSON_OBJECT || v->type == MSE_JSON_ARRAY);
}

const struct mse_json_value *mse_json_first(const struct mse_json *json,
                                            const struct mse_json_value *container)
{
    (void)json;
    return is_container(container) && container->count > 0 ? container + 1 : NULL;
}

const struct mse_json_value *mse_json_next(const struct mse_json *json,
                                           const struct mse_json_value *container,
                                           const struct mse_json_value *child)
{
    return child->next < container->next ? json->values + child->next : NULL;
}

const struct mse_json_value *mse_json_member(const struct mse_json *json,
                                             const struct mse_json_value *object, const char *name)
{
    struct mse_bytes want = MSE_CSTR_BYTES(name);
    const struct mse_json_value *v;

    if (object == NULL || object->type != MSE_JSON_OBJECT)
        return NULL;
    for (v = mse_json_first(json, object); v != NULL; v = mse_json_next(json, object, v)) {
        struct mse_bytes key = mse_json_key(json, v);

        if (!v->key_escaped) {
            if (key.len == want.len && memcmp(key.data, want.data, want.len) == 0)
                return v;
        } else if (mse_json_text_compare((struct mse_json_text){ key, true },
                                         (struct mse_json_text){ want, false }) == 0) {
            return v;
        }
    }
    return NULL;
}

/* ---- typed members ---- */

static bool get(const struct mse_json *json, const struct mse_json_value *object, const char *name,
                const struct mse_json_value **out, struct mse_error *err)
{
    *out = mse_json_member(json, object, name);
    if (*out == NULL)
        return mse_fail(err, MSE_ERR_MISSING, object != NULL ? object->start : 0, name);
    return true;
}

static bool get_typed(const struct mse_json *json, const struct mse_json_value *object,
                      const char *name, enum mse_json_type type, const char *what,
                      const struct mse_json_value **out, struct mse_error *err)
{
    const struct mse_json_value *v;

    *out = NULL;
    if (!get(json, object, name, &v, err))
        return false;
    if (v->type != type)
        return mse_fail_text_at(err, MSE_ERR_VALUE, v->start, name, "not %s", what);
    *out = v;
    return true;
}

bool mse_json_get_object(const struct mse_json *json, const struct mse_json_value *object,
                         const char *name, const struct mse_json_value **out, struct mse_error *err)
{
    return get_typed(json, object, name, MSE_JSON_OBJECT, "an object", out, err);
}

bool mse_json_get_array(const struct mse_json *json, const struct mse_json_value *object,
                        const char *name, const struct mse_json_value **out, struct mse_error *err)
{
    return get_typed(json, object, name, MSE_JSON_ARRAY, "an array", out, err);
}

/* The parser has checked the form; what is left is the range. */
static bool read_integer(struct mse_bytes digits, int64_t *out)
{
    bool negative = digits.len > 0 && digits.data[0] == '-';
    uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    uint64_t v = 0;

    for (size_t i = negative ? 1 : 0; i < digits.len; i++) {
        uint64_t digit = (uint64_t)(digits.data[i] - '0');

        if (v > (limit - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *out = negative ? (int64_t)(~v + 1) : (int64_t)v;
    return true;
}

/* field names the value in messages. */
static bool value_integer(const struct mse_json *json, const struct mse_json_value *v,
                          const char *field, int64_t min, int64_t max, int64_t *out,
                          struct mse_error *err)
{
    int64_t value;

    *out = 0;
    if (v->type != MSE_JSON_INTEGER)
        return mse_fail_text_at(err, MSE_ERR_VALUE, v->start, field, "not an integer");
    if (!read_integer(mse_json_span(json, v), &value) || value < min || value > max)
        return mse_fail_text_at(err, MSE_ERR_VALUE, v->start, field, "not between %lld and %lld",
                                (long long)min, (long long)max);
    *out = value;
    return true;
}

bool mse_json_value_integer(const struct mse_json *json, const struct mse_json_value *v,
                            int64_t min, int64_t max, int64_t *out, struct mse_error *err)
{
    return value_integer(json, v, "json", min, max, out, err);
}

bool mse_json_get_integer(const struct mse_json *json, const struct mse_json_value *object,
                          const char *name, int64_t min, int64_t max, int64_t *out,
                          struct mse_error *err)
{
    const struct mse_json_value *v;

    *out = 0;
    return get(json, object, name, &v, err) && value_integer(json, v, name, min, max, out, err);
}

bool mse_json_get_plain(const struct mse_json *json, const struct mse_json_value *object,
                        const char *name, struct mse_bytes *out, struct mse_error *err)
{
    const struct mse_json_value *v;

    *out = (struct mse_bytes){ 0 };
    if (!get_typed(json, object, name, MSE_JSON_STRING, "a string", &v, err))
        return false;
    if (v->escaped)
        return mse_fail_text_at(err, MSE_ERR_VALUE, v->start, name,
                                "escapes are not accepted here");
    *out = mse_json_span(json, v);
    return true;
}

bool mse_json_get_hex(const struct mse_json *json, const struct mse_json_value *object,
                      const char *name, uint8_t *out, size_t len, struct mse_error *err)
{
    struct mse_bytes text;

    memset(out, 0, len);
    if (!mse_json_get_plain(json, object, name, &text, err))
        return false;
    if (!mse_hex_read((const char *)text.data, text.len, out, len))
        return mse_fail_text_at(err, MSE_ERR_VALUE, (size_t)(text.data - json->in.data), name,
                                "not %zu bytes of hex", len);
    return true;
}

bool mse_json_get_time(const struct mse_json *json, const struct mse_json_value *object,
                       const char *name, int64_t *out, struct mse_error *err)
{
    struct mse_bytes text;

    *out = 0;
    if (!mse_json_get_plain(json, object, name, &text, err))
        return false;
    if (!mse_time_read((const char *)text.data, text.len, out))
        return mse_fail_text_at(err, MSE_ERR_VALUE, (size_t)(text.data - json->in.data), name,
                                "not a time such as 2026-01-31T23:59:59Z");
    return true;
}

bool mse_json_value_text(const struct mse_json *json, const struct mse_json_value *v, char **out,
                         struct mse_error *err)
{
    struct mse_bytes raw = mse_json_span(json, v);
    char *text;
    size_t len;

    *out = NULL;
    if (v->type != MSE_JSON_STRING)
        return mse_fail_text_at(err, MSE_ERR_VALUE, v->start, "json", "not a string");
    text = malloc(raw.len + 1);
    if (text == NULL)
        return mse_fail_memory(err);
    len = mse_json_text_write((struct mse_json_text){ raw, v->escaped }, (uint8_t *)text);
    text[len] = '\0';
    if (strlen(text) != len) {
        free(text);
        return mse_fail_text_at(err, MSE_ERR_VALUE, v->start, "json", "a NUL character");
    }
    *out = text;
    return true;
}
