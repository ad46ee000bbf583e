/* SPDX-License-Identifier: Apache-2.0 */
/* Log records: what is read is written back the same, and nothing is read beyond it. */
#include <stdint.h>
#include <stdlib.h>

#include "attest/log_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t read_record(struct mse_bytes in)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer again = { 0 };
    struct mse_error err = { 0 };
    struct mse_log_record record;
    size_t used;

    if (!mse_log_record_parse(in, &record, &used, &err)) {
        if (err.code == MSE_ERR_NONE || used != 0)
            abort();
        return 0;
    }
    if (used > in.len || used != MSE_LOG_HEAD + record.box.len || record.sequence == 0 ||
        record.sequence > MSE_LOG_MAX_SEQUENCE || record.box.len > MSE_LOG_MAX_BOX)
        abort();
    mse_log_record_write(&record, &again);
    if (!mse_writer_ok(&again) || again.len != used || memcmp(again.data, in.data, used) != 0)
        abort();
    return used;
}

static void read_entry(struct mse_bytes in)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer again = { 0 };
    struct mse_error err = { 0 };
    struct mse_log_entry entry;

    if (!mse_log_entry_parse(in, &entry, &err)) {
        if (err.code == MSE_ERR_NONE)
            abort();
        return;
    }
    if (entry.time_ms < 0 || entry.text.len > MSE_LOG_MAX_TEXT)
        abort();
    mse_log_entry_write(&entry, &again);
    if (!mse_writer_ok(&again) || !mse_bytes_equal(mse_writer_bytes(&again), in))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mse_bytes rest = { data, size };

    read_entry(rest);
    for (size_t used; rest.len > 0 && (used = read_record(rest)) > 0;) {
        rest.data += used;
        rest.len -= used;
    }
    return 0;
}
