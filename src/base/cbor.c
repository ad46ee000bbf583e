/* SPDX-License-Identifier: Apache-2.0 */
/* CBOR (RFC 8949): heads in their shortest form, definite lengths, no floats. */
#include "base/cbor.h"

#include "base/utf8.h"

enum major { UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE };

/* RFC 8949, 3: the low five bits of the first byte. */
enum { INFO_1_BYTE = 24, INFO_8_BYTES = 27, INFO_INDEFINITE = 31 };

/* RFC 8949, 3.3: the simple values of the subset. */
enum { SIMPLE_FALSE = 20, SIMPLE_NULL = 22 };

struct head {
    unsigned major;
    uint64_t value;
};

/* Records a failure at the item that begins at 'start'. */
static void fail_at(struct mse_reader *r, const uint8_t *start, enum mse_err_code code,
                    const char *field)
{
    (void)mse_fail(r->err, code, (size_t)(start - r->origin), field);
}

static uint64_t read_argument(struct mse_reader *r, unsigned info, const char *field)
{
    switch (info) {
    case INFO_1_BYTE:
        return mse_read_u8(r, field);
    case INFO_1_BYTE + 1:
        return mse_read_u16be(r, field);
    case INFO_1_BYTE + 2:
        return mse_read_u32be(r, field);
    default:
        return mse_read_u64be(r, field);
    }
}

/* RFC 8949, 4.2.1: the smallest value that needs each width. */
static bool is_shortest(unsigned info, uint64_t value)
{
    static const uint64_t smallest[] = { 24, UINT64_C(1) << 8, UINT64_C(1) << 16,
                                         UINT64_C(1) << 32 };

    return value >= smallest[info - INFO_1_BYTE];
}

/* All zero after a failure, which is an unsigned zero: the caller looks at mse_read_ok(). */
static struct head read_head(struct mse_reader *r, bool any_width, const char *field)
{
    const uint8_t *start = r->at;
    uint8_t first = mse_read_u8(r, field);
    unsigned info = first & 31;
    struct head head = { first >> 5, info };

    if (info >= INFO_1_BYTE && info <= INFO_8_BYTES && head.major != SIMPLE) {
        head.value = read_argument(r, info, field);
        if (mse_read_ok(r) && !any_width && !is_shortest(info, head.value))
            fail_at(r, start, MSE_ERR_FORMAT, field);
    } else if (info >= INFO_1_BYTE) {
        /* Floats, long simple values and indefinite lengths exist, but not here; 28..30 do not. */
        bool exists = info <= INFO_8_BYTES || info == INFO_INDEFINITE;

        fail_at(r, start, exists ? MSE_ERR_UNSUPPORTED : MSE_ERR_FORMAT, field);
    }
    return mse_read_ok(r) ? head : (struct head){ 0 };
}

/* The argument of an item that must be of this major type; 0 after a failure. */
static uint64_t read_value(struct mse_reader *r, unsigned major, bool any_width, const char *field)
{
    const uint8_t *start = r->at;
    struct head head = read_head(r, any_width, field);

    if (mse_read_ok(r) && head.major != major)
        fail_at(r, start, MSE_ERR_VALUE, field);
    return mse_read_ok(r) ? head.value : 0;
}

uint64_t mse_cbor_read_unsigned(struct mse_reader *r, const char *field)
{
    return read_value(r, UNSIGNED, false, field);
}

uint64_t mse_cbor_read_unsigned_any(struct mse_reader *r, const char *field)
{
    return read_value(r, UNSIGNED, true, field);
}

uint64_t mse_cbor_read_tag(struct mse_reader *r, const char *field)
{
    return read_value(r, TAG, false, field);
}

static struct mse_bytes read_string(struct mse_reader *r, uint64_t len, const char *field)
{
#if SIZE_MAX < UINT64_MAX
    if (len > SIZE_MAX)
        len = SIZE_MAX; /* more than any input has: truncated */
#endif
    return mse_read_bytes(r, (size_t)len, field);
}

struct mse_bytes mse_cbor_read_bytes(struct mse_reader *r, const char *field)
{
    return read_string(r, read_value(r, BYTES, false, field), field);
}

static void check_text(struct mse_reader *r, struct mse_bytes text, const char *field)
{
    if (mse_read_ok(r) && !mse_utf8_is_valid(text))
        fail_at(r, text.data, MSE_ERR_FORMAT, field);
}

struct mse_bytes mse_cbor_read_text(struct mse_reader *r, const char *field)
{
    struct mse_bytes text = read_string(r, read_value(r, TEXT, false, field), field);

    check_text(r, text, field);
    return mse_read_ok(r) ? text : (struct mse_bytes){ 0 };
}

/* Each element has one byte at least, so a count that cannot be true is refused before a loop. */
static uint64_t check_count(struct mse_reader *r, uint64_t count, size_t bytes_each,
                            const char *field)
{
    if (mse_read_ok(r) && count > mse_reader_left(r) / bytes_each)
        (void)mse_reader_fail(r, MSE_ERR_TRUNCATED, field);
    return mse_read_ok(r) ? count : 0;
}

uint64_t mse_cbor_read_array(struct mse_reader *r, const char *field)
{
    return check_count(r, read_value(r, ARRAY, false, field), 1, field);
}

uint64_t mse_cbor_read_map(struct mse_reader *r, const char *field)
{
    return check_count(r, read_value(r, MAP, false, field), 2, field);
}

int mse_cbor_next_major(const struct mse_reader *r)
{
    return mse_read_ok(r) && r->at < r->end ? *r->at >> 5 : -1;
}

/* ---- skipping ---- */

/* Reads one item without its children; returns how many of them follow. */
static uint64_t skip_one(struct mse_reader *r, const char *field)
{
    const uint8_t *start = r->at;
    struct head head = read_head(r, false, field);

    switch ((enum major)head.major) {
    case UNSIGNED:
    case NEGATIVE:
        return 0;
    case BYTES:
        (void)read_string(r, head.value, field);
        return 0;
    case TEXT:
        check_text(r, read_string(r, head.value, field), field);
        return 0;
    case ARRAY:
        return check_count(r, head.value, 1, field);
    case MAP: /* no overflow: a pair has two bytes at least */
        return check_count(r, head.value, 2, field) * 2;
    case TAG:
        return 1;
    case SIMPLE:
        if (head.value < SIMPLE_FALSE || head.value > SIMPLE_NULL)
            fail_at(r, start, MSE_ERR_UNSUPPORTED, field);
        return 0;
    }
    return 0;
}

void mse_cbor_skip(struct mse_reader *r, const char *field)
{
    uint64_t open[MSE_CBOR_DEPTH]; /* items that are still to come, outermost first */
    unsigned depth = 0;

    do {
        const uint8_t *start = r->at;
        uint64_t children = skip_one(r, field);

        if (!mse_read_ok(r))
            return;
        if (children > 0 && depth == MSE_CBOR_DEPTH) {
            fail_at(r, start, MSE_ERR_LIMIT, field);
            return;
        }
        if (children > 0) {
            open[depth++] = children;
            continue;
        }
        while (depth > 0 && --open[depth - 1] == 0)
            depth--;
    } while (depth > 0);
}

/* ---- writing ---- */

void mse_cbor_write_head(struct mse_writer *w, unsigned major, uint64_t value)
{
    uint8_t type = (uint8_t)(major << 5);

    if (value < INFO_1_BYTE) {
        mse_write_u8(w, (uint8_t)(type | value));
    } else if (value <= UINT8_MAX) {
        mse_write_u8(w, type | INFO_1_BYTE);
        mse_write_u8(w, (uint8_t)value);
    } else if (value <= UINT16_MAX) {
        mse_write_u8(w, type | (INFO_1_BYTE + 1));
        mse_write_u16be(w, (uint16_t)value);
    } else if (value <= UINT32_MAX) {
        mse_write_u8(w, type | (INFO_1_BYTE + 2));
        mse_write_u32be(w, (uint32_t)value);
    } else {
        mse_write_u8(w, type | INFO_8_BYTES);
        mse_write_u32be(w, (uint32_t)(value >> 32));
        mse_write_u32be(w, (uint32_t)value);
    }
}

void mse_cbor_write_bytes(struct mse_writer *w, struct mse_bytes data)
{
    mse_cbor_write_head(w, BYTES, data.len);
    mse_write_bytes(w, data.data, data.len);
}

void mse_cbor_write_text(struct mse_writer *w, const char *text)
{
    mse_cbor_write_head(w, TEXT, strlen(text));
    mse_write_text(w, text);
}
