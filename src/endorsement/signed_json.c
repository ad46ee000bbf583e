/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the signed object in a reply without reading what nobody has vouched for yet. */
#include "endorsement/signed_json.h"

#include "base/encode.h"
#include "base/json.h"

/* Real replies have two members. */
#define MAX_MEMBERS 16

struct member {
    struct mse_bytes key; /* without quotes */
    struct mse_bytes value;
};

static void skip_space(struct mse_reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
        r->at++;
}

static bool next_is(const struct mse_reader *r, uint8_t c)
{
    return mse_read_ok(r) && r->at < r->end && *r->at == c;
}

static void expect(struct mse_reader *r, uint8_t c, const char *field)
{
    skip_space(r);
    if (mse_read_u8(r, field) != c && mse_read_ok(r)) {
        r->at--; /* the message points at the byte that is wrong */
        mse_reader_fail(r, MSE_ERR_FORMAT, field);
    }
}

/* Behind the closing quote of a string whose opening quote is before p; NULL if it has no end. */
static const uint8_t *string_end(const uint8_t *p, const uint8_t *end)
{
    while (p < end) {
        const uint8_t *quote = memchr(p, '"', (size_t)(end - p));
        size_t slashes = 0;

        if (quote == NULL)
            return NULL;
        while (quote - slashes > p && quote[-1 - (ptrdiff_t)slashes] == '\\')
            slashes++;
        if (slashes % 2 == 0)
            return quote + 1;
        p = quote + 1; /* it was an escaped one */
    }
    return NULL;
}

/* The same for the object or array at p. Kinds of brackets are not told apart. */
static const uint8_t *container_end(const uint8_t *p, const uint8_t *end)
{
    size_t depth = 0;

    while (p < end) {
        switch (*p++) {
        case '"':
            p = string_end(p, end);
            if (p == NULL)
                return NULL;
            break;
        case '{':
        case '[':
            depth++;
            break;
        case '}':
        case ']':
            if (--depth == 0)
                return p;
            break;
        default:
            break;
        }
    }
    return NULL;
}

/* Moves to what one of these functions found. */
static void move_to(struct mse_reader *r, const uint8_t *to, const char *field)
{
    if (to != NULL)
        (void)mse_read_bytes(r, (size_t)(to - r->at), field);
    else
        (void)mse_read_bytes(r, mse_reader_left(r) + 1, field); /* fails: it has no end */
}

static struct mse_bytes read_key(struct mse_reader *r)
{
    const uint8_t *start;
    struct mse_bytes key = { 0 };

    expect(r, '"', "reply: key");
    start = r->at;
    if (mse_read_ok(r))
        move_to(r, string_end(r->at, r->end), "reply: key");
    if (!mse_read_ok(r))
        return key;
    key = (struct mse_bytes){ start, (size_t)(r->at - start) - 1 };
    /* An escaped key may equal another one, and no vendor writes any. */
    if (memchr(key.data, '\\', key.len) != NULL)
        mse_reader_fail(r, MSE_ERR_VALUE, "reply: key");
    return key;
}

static struct mse_bytes read_value(struct mse_reader *r)
{
    const uint8_t *start;

    skip_space(r);
    start = r->at;
    if (next_is(r, '{') || next_is(r, '[')) {
        move_to(r, container_end(r->at, r->end), "reply: value");
    } else if (next_is(r, '"')) {
        move_to(r, string_end(r->at + 1, r->end), "reply: value");
    } else if (mse_read_ok(r)) {
        while (r->at < r->end && strchr(",}] \t\r\n", *r->at) == NULL)
            r->at++;
        if (r->at == start)
            mse_reader_fail(r, start == r->end ? MSE_ERR_TRUNCATED : MSE_ERR_FORMAT,
                            "reply: value");
    }
    if (!mse_read_ok(r))
        return (struct mse_bytes){ 0 };
    return (struct mse_bytes){ start, (size_t)(r->at - start) };
}

static size_t read_members(struct mse_reader *r, struct member out[static MAX_MEMBERS])
{
    size_t count = 0;

    expect(r, '{', "reply");
    skip_space(r);
    while (mse_read_ok(r) && !(count == 0 && next_is(r, '}'))) {
        if (count == MAX_MEMBERS) {
            mse_reader_fail(r, MSE_ERR_LIMIT, "reply");
            return 0;
        }
        skip_space(r);
        out[count].key = read_key(r);
        for (size_t i = 0; mse_read_ok(r) && i < count; i++) {
            if (mse_bytes_equal(out[i].key, out[count].key))
                mse_reader_fail(r, MSE_ERR_DUPLICATE, "reply: key");
        }
        expect(r, ':', "reply");
        out[count].value = read_value(r);
        count++;
        skip_space(r);
        if (!next_is(r, ','))
            break;
        mse_read_u8(r, "reply");
    }
    expect(r, '}', "reply");
    skip_space(r);
    return mse_read_done(r, "reply") ? count : 0;
}

static bool check_signature_text(struct mse_bytes reply, struct mse_bytes value,
                                 uint8_t signature[static 64], struct mse_error *err)
{
    const char *text = (const char *)value.data;

    if (value.len != 130 || text[0] != '"' || !mse_hex_read(text + 1, 128, signature, 64)) {
        memset(signature, 0, 64);
        return mse_fail_text(err, MSE_ERR_VALUE, "signature",
                             "not a text of 128 hex digits (at byte %zu of the reply)",
                             (size_t)(value.data - reply.data));
    }
    return true;
}

/* The members that are neither body nor signature must at least be JSON. */
static bool check_other(struct mse_bytes value, struct mse_error *err)
{
    struct mse_json json = { 0 };

    if (!mse_json_parse(value, &json, err))
        return mse_fail_in(err, "reply");
    mse_json_cleanup(&json);
    return true;
}

bool mse_signed_json_split(struct mse_bytes reply, const char *name, struct mse_bytes *body,
                           uint8_t signature[static 64], struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(reply, err);
    struct member members[MAX_MEMBERS];
    struct mse_bytes found = { 0 };
    bool has_signature = false;
    size_t count = read_members(&r, members);

    *body = found;
    memset(signature, 0, 64);
    if (!mse_read_ok(&r))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (mse_bytes_equal_text(members[i].key, name)) {
            found = members[i].value;
        } else if (mse_bytes_equal_text(members[i].key, "signature")) {
            if (!check_signature_text(reply, members[i].value, signature, err))
                return false;
            has_signature = true;
        } else if (!check_other(members[i].value, err)) {
            memset(signature, 0, 64);
            return false;
        }
    }
    if (found.len == 0 || !has_signature) {
        memset(signature, 0, 64);
        return mse_fail(err, MSE_ERR_MISSING, 0, has_signature ? name : "signature");
    }
    if (found.data[0] != '{') {
        memset(signature, 0, 64);
        return mse_fail(err, MSE_ERR_VALUE, (size_t)(found.data - reply.data), name);
    }
    *body = found;
    return true;
}
