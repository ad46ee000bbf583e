/* SPDX-License-Identifier: Apache-2.0 */
/* Records of an app's log, as the runtime writes and the owner reads them (docs/formats.md). */
#ifndef MSE_ATTEST_LOG_RECORD_H
#define MSE_ATTEST_LOG_RECORD_H

#include "base/bytes.h"

#define MSE_LOG_HEAD 12                     /* before the box: its length and the sequence number */
#define MSE_LOG_ENTRY_HEAD (11 + 8 + 8 + 8) /* before the text inside the box */
#define MSE_LOG_BOX_OVERHEAD 48             /* of a sealed box: key and tag */
#define MSE_LOG_MAX_TEXT (16U << 10)
#define MSE_LOG_MIN_BOX (MSE_LOG_BOX_OVERHEAD + MSE_LOG_ENTRY_HEAD)
#define MSE_LOG_MAX_BOX (MSE_LOG_MIN_BOX + MSE_LOG_MAX_TEXT)
/* Nobody writes so many: a number over it was made up. */
#define MSE_LOG_MAX_SEQUENCE (UINT64_C(1) << 53)

/* In clear: what a runtime that starts again goes on from. */
struct mse_log_record {
    uint64_t sequence;    /* 1 to MSE_LOG_MAX_SEQUENCE */
    struct mse_bytes box; /* borrowed */
};
/* The first record of in; *used bytes long. MSE_ERR_TRUNCATED if only the end of it is missing. */
MSE_MUST_CHECK bool mse_log_record_parse(struct mse_bytes in, struct mse_log_record *out,
                                         size_t *used, struct mse_error *err);
void mse_log_record_write(const struct mse_log_record *record, struct mse_writer *out);

/* Inside the box. */
struct mse_log_entry {
    uint64_t sequence;     /* the same once more: the one in clear is the host's to change */
    int64_t time_ms;       /* since 1970 */
    uint64_t lost;         /* bytes of output that were lost before this text */
    struct mse_bytes text; /* borrowed */
};
MSE_MUST_CHECK bool mse_log_entry_parse(struct mse_bytes in, struct mse_log_entry *out,
                                        struct mse_error *err);
void mse_log_entry_write(const struct mse_log_entry *entry, struct mse_writer *out);

#endif
