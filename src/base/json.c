/* SPDX-License-Identifier: Apache-2.0 */
/* Strict JSON (RFC 8259) into a flat array of values; one pass, no recursion. */
#include "base/json.h"

#include <endian.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/json_text.h"
#include "base/utf8.h"

/* Members of an object up to which comparing all pairs is cheaper than sorting. */
#define FEW_MEMBERS 32

struct parser {
    const uint8_t *data;
    uint32_t len;
    uint32_t at;
    struct mse_json json;           /* what was read so far */
    size_t size;                    /* room in json.values */
    uint32_t stack[MSE_JSON_DEPTH]; /* open containers, outermost first */
    uint32_t depth;
    struct mse_error *err;
};

static bool refuse(struct parser *p, enum mse_err_code code, size_t at, const char *text)
{
    return mse_fail_text_at(p->err, code, at, "json", "%s", text);
}

/* What is wrong at p->at: the input ends there, or something else than expected follows. */
static bool unexpected(struct parser *p, const char *text)
{
    return refuse(p, p->at >= p->len ? MSE_ERR_TRUNCATED : MSE_ERR_FORMAT, p->at, text);
}

static inline void skip_space(struct parser *p)
{
    while (p->at < p->len) {
        uint8_t c = p->data[p->at];

        if (c > ' ' || (c != ' ' && c != '\n' && c != '\r' && c != '\t'))
            return;
        p->at++;
    }
}

/* ---- strings ---- */

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))
#define HIGH_BITS EACH_BYTE(0x80)

/*
 * High bit set in bytes of v that are '"', '\\', below 0x20 or above 0x7f. Borrows make bytes
 * behind the first such byte unreliable; the first is exact.
 */
static inline uint64_t special_bytes(uint64_t v)
{
    uint64_t quote = v ^ EACH_BYTE('"');
    uint64_t slash = v ^ EACH_BYTE('\\');

    return (((quote - EACH_BYTE(1)) & ~quote) | ((slash - EACH_BYTE(1)) & ~slash) |
            (v - EACH_BYTE(0x20)) | v) &
           HIGH_BITS;
}

/* Moves over plain ASCII to the next byte that needs a look, eight at a time. */
static inline void skip_plain(struct parser *p)
{
    while (p->len - p->at >= 8) {
        uint64_t v;
        uint64_t special;

        memcpy(&v, p->data + p->at, 8);
        special = special_bytes(le64toh(v));
        if (special != 0) {
            p->at += (uint32_t)__builtin_ctzll(special) / 8;
            return;
        }
        p->at += 8;
    }
    while (p->at < p->len && p->data[p->at] >= 0x20 && p->data[p->at] < 0x80 &&
           p->data[p->at] != '"' && p->data[p->at] != '\\')
        p->at++;
}

/* At a backslash. */
static bool skip_escape(struct parser *p)
{
    uint32_t character;
    size_t len;

    switch (mse_json_escape_read(p->data + p->at, p->len - p->at, &character, &len)) {
    case MSE_JSON_ESCAPE_OK:
        p->at += (uint32_t)len;
        return true;
    case MSE_JSON_ESCAPE_CUT:
        return refuse(p, MSE_ERR_TRUNCATED, p->at, "the input ends inside an escape");
    case MSE_JSON_ESCAPE_BAD:
        break;
    }
    return refuse(p, MSE_ERR_FORMAT, p->at, "an invalid escape or a lone surrogate");
}

/* At a byte above 0x7f. */
static bool skip_utf8(struct parser *p)
{
    size_t n = mse_utf8_length(p->data + p->at, p->len - p->at);

    if (n == 0)
        return refuse(p,
                      mse_utf8_is_cut(p->data + p->at, p->len - p->at) ? MSE_ERR_TRUNCATED
                                                                       : MSE_ERR_FORMAT,
                      p->at, "invalid UTF-8");
    p->at += (uint32_t)n;
    return true;
}

/* At the opening quote; afterwards behind the closing one. */
static bool parse_string(struct parser *p, uint32_t *start, uint32_t *end, bool *escaped)
{
    *start = ++p->at;
    for (;;) {
        uint8_t c;

        skip_plain(p);
        if (p->at >= p->len)
            return unexpected(p, "a string has no end");
        c = p->data[p->at];
        if (c == '"') {
            *end = p->at++;
            return true;
        }
        if (c < 0x20)
            return unexpected(p, "a control character in a string");
        if (c == '\\') {
            *escaped = true;
            if (!skip_escape(p))
                return false;
        } else if (!skip_utf8(p)) {
            return false;
        }
    }
}

/* ---- scalars ---- */

static inline bool is_digit_at(const struct parser *p)
{
    return p->at < p->len && p->data[p->at] >= '0' && p->data[p->at] <= '9';
}

static bool skip_digits(struct parser *p)
{
    if (!is_digit_at(p))
        return unexpected(p, "a digit is missing");
    while (is_digit_at(p))
        p->at++;
    return true;
}

/* RFC 8259, 6. */
static bool parse_number(struct parser *p, struct mse_json_value *v)
{
    v->type = MSE_JSON_INTEGER;
    v->start = p->at;
    if (p->data[p->at] == '-')
        p->at++;
    if (p->at < p->len && p->data[p->at] == '0')
        p->at++; /* no leading zeros: what follows cannot be a digit */
    else if (!skip_digits(p))
        return false;
    if (p->at < p->len && p->data[p->at] == '.') {
        v->type = MSE_JSON_REAL;
        p->at++;
        if (!skip_digits(p))
            return false;
    }
    if (p->at < p->len && (p->data[p->at] | 0x20) == 'e') {
        v->type = MSE_JSON_REAL;
        p->at++;
        if (p->at < p->len && (p->data[p->at] == '+' || p->data[p->at] == '-'))
            p->at++;
        if (!skip_digits(p))
            return false;
    }
    v->end = p->at;
    return true;
}

static bool parse_word(struct parser *p, struct mse_json_value *v, enum mse_json_type type,
                       const char *word)
{
    v->type = type;
    v->start = p->at;
    for (; *word != '\0'; word++, p->at++) {
        if (p->at >= p->len || p->data[p->at] != (uint8_t)*word)
            return unexpected(p, "not a JSON value");
    }
    v->end = p->at;
    return true;
}

/* ---- duplicate members ---- */

static struct mse_json_text key_text(const struct mse_json *json, const struct mse_json_value *v)
{
    return (struct mse_json_text){ mse_json_key(json, v), v->key_escaped };
}

static int compare_members(const void *a, const void *b, void *context)
{
    const struct mse_json *json = context;

    return mse_json_text_compare(key_text(json, &json->values[*(const uint32_t *)a]),
                                 key_text(json, &json->values[*(const uint32_t *)b]));
}

static bool refuse_duplicate(struct parser *p, const struct mse_json_value *v)
{
    char shown[64];

    return mse_fail_text_at(p->err, MSE_ERR_DUPLICATE, v->key_start, "json",
                            "the member \"%s\" is there twice",
                            mse_escape(mse_json_key(&p->json, v), shown, sizeof(shown)));
}

/* A filter only: equal keys without escapes have equal marks. */
static uint64_t key_mark(struct mse_bytes key)
{
    uint64_t head = 0;
    uint64_t tail = 0;

    if (key.len >= 8) {
        memcpy(&head, key.data, 8);
        memcpy(&tail, key.data + key.len - 8, 8);
        return head * UINT64_C(0x9e3779b97f4a7c15) + tail + key.len;
    }
    for (size_t i = 0; i < key.len; i++)
        head = head << 8 | key.data[i];
    return head << 8 | key.len;
}

static bool check_few_members(struct parser *p, const struct mse_json_value *object)
{
    uint64_t marks[FEW_MEMBERS];
    const struct mse_json_value *seen[FEW_MEMBERS];
    const struct mse_json_value *v = object + 1;
    bool escaped = false;

    for (uint32_t i = 0; i < object->count; i++) {
        struct mse_json_text key = key_text(&p->json, v);

        seen[i] = v;
        marks[i] = key_mark(key.raw);
        escaped |= key.escaped;
        for (uint32_t j = 0; j < i; j++) {
            if ((marks[i] == marks[j] || escaped) &&
                mse_json_text_compare(key, key_text(&p->json, seen[j])) == 0)
                return refuse_duplicate(p, v);
        }
        v = p->json.values + v->next;
    }
    return true;
}

/* Sorted, so that no choice of keys makes it quadratic. */
static bool check_many_members(struct parser *p, const struct mse_json_value *object)
{
    uint32_t *sorted = malloc(object->count * sizeof(*sorted));
    uint32_t index = (uint32_t)(object - p->json.values) + 1;
    bool ok = true;

    if (sorted == NULL)
        return mse_fail_memory(p->err);
    for (uint32_t i = 0; i < object->count; i++) {
        sorted[i] = index;
        index = p->json.values[index].next;
    }
    qsort_r(sorted, object->count, sizeof(*sorted), compare_members, &p->json);
    for (uint32_t i = 1; ok && i < object->count; i++) {
        uint32_t later = sorted[i] > sorted[i - 1] ? sorted[i] : sorted[i - 1];

        if (compare_members(&sorted[i - 1], &sorted[i], &p->json) == 0)
            ok = refuse_duplicate(p, &p->json.values[later]);
    }
    free(sorted);
    return ok;
}

/* ---- structure ---- */

static bool grow(struct parser *p)
{
    /* What vendors send has a value in six to twenty bytes. */
    size_t size = p->size != 0 ? p->size * 2 : 16 + p->len / 12;
    struct mse_json_value *values;

    if (p->json.count >= MSE_JSON_MAX_VALUES)
        return refuse(p, MSE_ERR_LIMIT, p->at, "too many values");
    if (size > MSE_JSON_MAX_VALUES)
        size = MSE_JSON_MAX_VALUES;
    values = realloc(p->json.values, size * sizeof(*values));
    if (values == NULL)
        return mse_fail_memory(p->err);
    p->json.values = values;
    p->size = size;
    return true;
}

static bool open_container(struct parser *p, struct mse_json_value *v, enum mse_json_type type)
{
    if (p->depth == MSE_JSON_DEPTH)
        return refuse(p, MSE_ERR_LIMIT, p->at, "nested too deeply");
    v->type = type;
    v->start = p->at++;
    p->stack[p->depth++] = (uint32_t)(v - p->json.values);
    return true;
}

/* At the closing bracket of the innermost container. */
static bool close_container(struct parser *p)
{
    struct mse_json_value *v = &p->json.values[p->stack[--p->depth]];

    v->end = ++p->at;
    v->next = (uint32_t)p->json.count;
    if (v->type == MSE_JSON_ARRAY || v->count < 2)
        return true;
    return v->count <= FEW_MEMBERS ? check_few_members(p, v) : check_many_members(p, v);
}

/* A scalar, or the opening bracket of a container. */
static bool parse_value(struct parser *p, struct mse_json_value *v)
{
    if (p->at >= p->len)
        return unexpected(p, "a value is missing");
    switch (p->data[p->at]) {
    case '{':
        return open_container(p, v, MSE_JSON_OBJECT);
    case '[':
        return open_container(p, v, MSE_JSON_ARRAY);
    case '"':
        v->type = MSE_JSON_STRING;
        return parse_string(p, &v->start, &v->end, &v->escaped);
    case 't':
        return parse_word(p, v, MSE_JSON_TRUE, "true");
    case 'f':
        return parse_word(p, v, MSE_JSON_FALSE, "false");
    case 'n':
        return parse_word(p, v, MSE_JSON_NULL, "null");
    default:
        if (p->data[p->at] == '-' || is_digit_at(p))
            return parse_number(p, v);
        return unexpected(p, "not a JSON value");
    }
}

static bool parse_key(struct parser *p, struct mse_json_value *v)
{
    if (p->at >= p->len || p->data[p->at] != '"')
        return unexpected(p, "the name of a member is missing");
    if (!parse_string(p, &v->key_start, &v->key_end, &v->key_escaped))
        return false;
    skip_space(p);
    if (p->at >= p->len || p->data[p->at] != ':')
        return unexpected(p, "a colon is missing");
    p->at++;
    return true;
}

/* One value with its key, or the beginning of one; *opened if it is a container. */
static bool parse_element(struct parser *p, bool *opened)
{
    struct mse_json_value *v;
    uint32_t depth = p->depth;

    if (p->json.count == p->size && !grow(p))
        return false;
    v = &p->json.values[p->json.count++];
    *v = (struct mse_json_value){ .next = (uint32_t)p->json.count };
    skip_space(p);
    if (depth > 0) {
        struct mse_json_value *container = &p->json.values[p->stack[depth - 1]];

        container->count++;
        if (container->type == MSE_JSON_OBJECT && !parse_key(p, v))
            return false;
        skip_space(p);
    }
    if (!parse_value(p, v))
        return false;
    *opened = p->depth > depth;
    return true;
}

/* Behind an element: closes what ends here; *more if another element follows. */
static bool parse_between(struct parser *p, bool opened, bool *more)
{
    *more = false;
    while (p->depth > 0) {
        enum mse_json_type type = p->json.values[p->stack[p->depth - 1]].type;

        skip_space(p);
        if (p->at >= p->len)
            return unexpected(p, "a bracket is not closed");
        if (p->data[p->at] == (type == MSE_JSON_OBJECT ? '}' : ']')) {
            if (!close_container(p))
                return false;
            opened = false;
            continue;
        }
        if (!opened && p->data[p->at] != ',')
            return unexpected(p, "a comma or closing bracket is missing");
        p->at += opened ? 0 : 1;
        *more = true;
        return true;
    }
    return true;
}

static bool parse_document(struct parser *p)
{
    bool opened = false;
    bool more;

    do {
        if (!parse_element(p, &opened) || !parse_between(p, opened, &more))
            return false;
    } while (more);
    skip_space(p);
    if (p->at != p->len)
        return refuse(p, MSE_ERR_TRAILING, p->at, "something follows the value");
    return true;
}

bool mse_json_parse(struct mse_bytes in, struct mse_json *out, struct mse_error *err)
{
    struct parser p = {
        .data = in.data, .len = (uint32_t)in.len, .json = { .in = in }, .err = err
    };

    *out = (struct mse_json){ 0 };
    if (in.len > INT32_MAX)
        return mse_fail_text(err, MSE_ERR_LIMIT, "json", "more than 2 GiB");
    if (!parse_document(&p)) {
        free(p.json.values);
        return false;
    }
    *out = p.json;
    return true;
}

void mse_json_cleanup(struct mse_json *json)
{
    free(json->values);
    *json = (struct mse_json){ 0 };
}
