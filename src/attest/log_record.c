/* SPDX-License-Identifier: Apache-2.0 */
/* Framing of log records, and the layout inside their boxes. */
#include "attest/log_record.h"

static const uint8_t tag[] = { 'm', 's', 'e', '-', 'l', 'o', 'g', '-', 'v', '1', '\n' };

_Static_assert(sizeof(tag) + 3 * 8 == MSE_LOG_ENTRY_HEAD, "layout");

static void write_u64be(struct mse_writer *to, uint64_t v)
{
    mse_write_u32be(to, (uint32_t)(v >> 32));
    mse_write_u32be(to, (uint32_t)v);
}

static bool sequence_ok(struct mse_reader *r, uint64_t sequence)
{
    return (sequence > 0 && sequence <= MSE_LOG_MAX_SEQUENCE) ||
           mse_reader_fail(r, MSE_ERR_VALUE, "sequence");
}

bool mse_log_record_parse(struct mse_bytes in, struct mse_log_record *out, size_t *used,
                          struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(in, err);
    uint32_t len = mse_read_u32be(&r, "length");

    *used = 0;
    if (mse_read_ok(&r) && (len < MSE_LOG_MIN_BOX || len > MSE_LOG_MAX_BOX))
        return mse_reader_fail(&r, MSE_ERR_VALUE, "length");
    out->sequence = mse_read_u64be(&r, "sequence");
    if (mse_read_ok(&r) && !sequence_ok(&r, out->sequence))
        return false;
    out->box = mse_read_bytes(&r, len, "box");
    if (!mse_read_ok(&r))
        return false;
    *used = mse_reader_offset(&r);
    return true;
}

void mse_log_record_write(const struct mse_log_record *record, struct mse_writer *out)
{
    mse_write_u32be(out, (uint32_t)record->box.len);
    write_u64be(out, record->sequence);
    mse_write_bytes(out, record->box.data, record->box.len);
}

bool mse_log_entry_parse(struct mse_bytes in, struct mse_log_entry *out, struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(in, err);
    uint64_t time_ms;

    mse_read_expect(&r, MSE_BYTES(tag), "tag");
    out->sequence = mse_read_u64be(&r, "sequence");
    time_ms = mse_read_u64be(&r, "time");
    out->lost = mse_read_u64be(&r, "lost");
    out->text = mse_read_rest(&r); /* the box ends where the text does */
    if (!mse_read_ok(&r) || !sequence_ok(&r, out->sequence))
        return false;
    if (time_ms > INT64_MAX)
        return mse_reader_fail(&r, MSE_ERR_VALUE, "time");
    if (out->text.len > MSE_LOG_MAX_TEXT)
        return mse_reader_fail(&r, MSE_ERR_LIMIT, "text");
    out->time_ms = (int64_t)time_ms;
    return true;
}

void mse_log_entry_write(const struct mse_log_entry *entry, struct mse_writer *out)
{
    mse_write_bytes(out, tag, sizeof(tag));
    write_u64be(out, entry->sequence);
    write_u64be(out, entry->time_ms > 0 ? (uint64_t)entry->time_ms : 0);
    write_u64be(out, entry->lost);
    mse_write_bytes(out, entry->text.data, entry->text.len);
}
