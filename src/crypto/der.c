/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded DER reading: tags, lengths and the few primitive types that certificates use. */
#include "crypto/der.h"

#include "base/clock.h"

#define LONG_FORM 0x80
#define HIGH_TAG_NUMBER 0x1f
#define SERIAL_MAX_SIZE 20

bool mse_der_next_is(const struct mse_reader *r, uint8_t tag)
{
    return mse_read_ok(r) && r->at < r->end && *r->at == tag;
}

/* X.690, 8.1.3 with 10.1: definite form, as short as possible. */
static size_t read_length(struct mse_reader *r, const char *field)
{
    struct mse_reader start = *r;
    uint8_t first = mse_read_u8(r, field);
    size_t count = first & 0x7f;
    size_t len = 0;

    if ((first & LONG_FORM) == 0)
        return first;
    /* 0x80 is the indefinite form; four octets are more than any cap of ours. */
    if (count == 0 || count > 4) {
        mse_reader_fail(&start, MSE_ERR_FORMAT, field);
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        len = len << 8 | mse_read_u8(r, field);
    if (mse_read_ok(r) && (len < LONG_FORM || len >> (8 * (count - 1)) == 0))
        mse_reader_fail(&start, MSE_ERR_FORMAT, field);
    return len;
}

struct mse_bytes mse_der_read_any(struct mse_reader *r, uint8_t *tag, struct mse_bytes *whole,
                                  const char *field)
{
    struct mse_reader start = *r;
    struct mse_bytes content;
    size_t len;

    *tag = 0;
    if (whole != NULL)
        *whole = (struct mse_bytes){ NULL, 0 };
    uint8_t seen = mse_read_u8(r, field);
    if (mse_read_ok(r) && (seen & HIGH_TAG_NUMBER) == HIGH_TAG_NUMBER)
        mse_reader_fail(&start, MSE_ERR_FORMAT, field);
    len = read_length(r, field);
    content = mse_read_bytes(r, len, field);
    if (!mse_read_ok(r))
        return (struct mse_bytes){ NULL, 0 };
    *tag = seen;
    if (whole != NULL)
        *whole = (struct mse_bytes){ start.at, (size_t)(r->at - start.at) };
    return content;
}

static struct mse_bytes read_tagged(struct mse_reader *r, uint8_t want, struct mse_bytes *whole,
                                    const char *field)
{
    uint8_t tag;

    /* The wrong type is the message, not what is inside an element nobody expected. */
    if (mse_read_ok(r) && r->at < r->end && *r->at != want)
        mse_reader_fail(r, MSE_ERR_FORMAT, field);
    return mse_der_read_any(r, &tag, whole, field);
}

struct mse_bytes mse_der_read(struct mse_reader *r, uint8_t tag, const char *field)
{
    return read_tagged(r, tag, NULL, field);
}

struct mse_bytes mse_der_read_whole(struct mse_reader *r, uint8_t tag, const char *field)
{
    struct mse_bytes whole;

    read_tagged(r, tag, &whole, field);
    return whole;
}

struct mse_reader mse_der_over(const struct mse_reader *r, struct mse_bytes content)
{
    struct mse_reader child = *r;

    child.at = content.data != NULL ? content.data : r->at;
    child.end = child.at + content.len;
    return child;
}

struct mse_reader mse_der_enter(struct mse_reader *r, uint8_t tag, const char *field)
{
    return mse_der_over(r, mse_der_read(r, tag, field));
}

/* Records a failure at a view's first octet. */
static void fail_at(const struct mse_reader *r, struct mse_bytes content, enum mse_err_code code,
                    const char *field)
{
    struct mse_reader at = mse_der_over(r, content);

    mse_reader_fail(&at, code, field);
}

/* X.690, 8.3.2: at least one octet, and no nine equal leading bits. */
static bool integer_is_minimal(struct mse_bytes v)
{
    if (v.len == 0)
        return false;
    if (v.len == 1)
        return true;
    return !(v.data[0] == 0 && (v.data[1] & 0x80) == 0) &&
           !(v.data[0] == 0xff && (v.data[1] & 0x80) != 0);
}

static struct mse_bytes strip_sign(struct mse_bytes v)
{
    if (v.len > 1 && v.data[0] == 0) {
        v.data++;
        v.len--;
    }
    return v;
}

struct mse_bytes mse_der_read_big(struct mse_reader *r, const char *field)
{
    struct mse_bytes v = mse_der_read(r, MSE_DER_INTEGER, field);

    if (!mse_read_ok(r))
        return v;
    if (!integer_is_minimal(v))
        fail_at(r, v, MSE_ERR_FORMAT, field);
    else if ((v.data[0] & 0x80) != 0)
        fail_at(r, v, MSE_ERR_VALUE, field);
    if (!mse_read_ok(r))
        return (struct mse_bytes){ NULL, 0 };
    return strip_sign(v);
}

struct mse_bytes mse_der_read_serial(struct mse_reader *r, const char *field)
{
    struct mse_bytes v = mse_der_read(r, MSE_DER_INTEGER, field);
    struct mse_bytes number = strip_sign(v);

    if (!mse_read_ok(r))
        return v;
    if (!integer_is_minimal(v))
        fail_at(r, v, MSE_ERR_FORMAT, field);
    else if (number.len > SERIAL_MAX_SIZE)
        fail_at(r, v, MSE_ERR_LIMIT, field);
    if (!mse_read_ok(r))
        return (struct mse_bytes){ NULL, 0 };
    return number;
}

uint64_t mse_der_read_unsigned(struct mse_reader *r, const char *field)
{
    struct mse_bytes v = mse_der_read_big(r, field);
    uint64_t value = 0;

    if (v.len > sizeof(value)) {
        fail_at(r, v, MSE_ERR_LIMIT, field);
        return 0;
    }
    for (size_t i = 0; i < v.len; i++)
        value = value << 8 | v.data[i];
    return value;
}

/* X.690, 11.1: TRUE is FF. */
bool mse_der_read_boolean(struct mse_reader *r, const char *field)
{
    struct mse_bytes v = mse_der_read(r, MSE_DER_BOOLEAN, field);

    if (!mse_read_ok(r))
        return false;
    if (v.len != 1 || (v.data[0] != 0 && v.data[0] != 0xff)) {
        fail_at(r, v, MSE_ERR_FORMAT, field);
        return false;
    }
    return v.data[0] == 0xff;
}

bool mse_der_read_true(struct mse_reader *r, const char *field)
{
    struct mse_reader start = *r;
    bool value = mse_der_read_boolean(r, field);

    if (mse_read_ok(r) && !value)
        mse_reader_fail(&start, MSE_ERR_FORMAT, field);
    return value;
}

struct mse_bytes mse_der_read_bits(struct mse_reader *r, const char *field)
{
    struct mse_bytes v = mse_der_read(r, MSE_DER_BIT_STRING, field);

    if (!mse_read_ok(r))
        return v;
    if (v.len == 0 || v.data[0] != 0) {
        fail_at(r, v, MSE_ERR_FORMAT, field);
        return (struct mse_bytes){ NULL, 0 };
    }
    return (struct mse_bytes){ v.data + 1, v.len - 1 };
}

static bool two_digits(const uint8_t *p, int *value)
{
    if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
        return false;
    *value = (p[0] - '0') * 10 + (p[1] - '0');
    return true;
}

/* RFC 5280, 4.1.2.5: seconds are always there, the zone is Z, no fractions. */
static bool decode_time(uint8_t tag, struct mse_bytes text, int64_t *seconds)
{
    int part[6]; /* year within the century, month, day, hour, minute, second */
    const uint8_t *p = text.data;
    int century = 0;

    if (text.len != (tag == MSE_DER_UTC_TIME ? 13 : 15) || p[text.len - 1] != 'Z')
        return false;
    if (tag == MSE_DER_GENERALIZED_TIME) {
        if (!two_digits(p, &century))
            return false;
        p += 2;
    }
    for (size_t i = 0; i < 6; i++) {
        if (!two_digits(p + 2 * i, &part[i]))
            return false;
    }
    if (tag == MSE_DER_UTC_TIME)
        century = part[0] >= 50 ? 19 : 20;
    return mse_time_from_civil(century * 100 + part[0], part[1], part[2], part[3], part[4], part[5],
                               seconds);
}

int64_t mse_der_read_time(struct mse_reader *r, const char *field)
{
    int64_t seconds = 0;
    uint8_t tag = MSE_DER_UTC_TIME;
    struct mse_bytes text;

    if (mse_der_next_is(r, MSE_DER_GENERALIZED_TIME))
        tag = MSE_DER_GENERALIZED_TIME;
    text = mse_der_read(r, tag, field);
    if (!mse_read_ok(r))
        return 0;
    if (!decode_time(tag, text, &seconds)) {
        fail_at(r, text, MSE_ERR_VALUE, field);
        return 0;
    }
    return seconds;
}
