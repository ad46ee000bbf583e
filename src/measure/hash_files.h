/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 of many files on several threads; each file is opened and read once. */
#ifndef MSE_MEASURE_HASH_FILES_H
#define MSE_MEASURE_HASH_FILES_H

#include "base/bytes.h"

/* Longest file that may be measured, in bytes: beyond it is MSE_ERR_LIMIT. */
#define MSE_MEASURE_MAX_FILE ((UINT64_C(1) << 32) - 1)
#define MSE_HASH_MAX_THREADS 8
#define MSE_HASH_NOTHING (-2)

/*
 * Opens file number index for reading; called from several threads at once. The descriptor is
 * closed by the caller of this function. Names the file in err.
 *
 * Open with O_NONBLOCK, so that a FIFO cannot hold the caller up before it is refused. Where there
 * is nothing to hash after all, *fd is MSE_HASH_NOTHING: out is zero there.
 */
typedef bool mse_hash_open(void *context, size_t index, int *fd, struct mse_error *err);
/*
 * Name of file number index for messages about reading it, valid until mse_hash_files_named
 * returns; called once at most, after all threads have ended. NULL in place of such a function:
 * "file INDEX".
 */
typedef const char *mse_hash_name(void *context, size_t index);

struct mse_file_hash {
    uint8_t sha256[32];
    uint64_t size; /* bytes that were hashed */
};

/*
 * Fills out[0..count-1]. threads 0 stands for one a core (8 at most). A file that is not regular,
 * changes its size while it is read or cannot be read is an error; of several the one with the
 * lowest index is reported, whatever the threads did. Needs less than 2 MiB besides out.
 */
MSE_MUST_CHECK bool mse_hash_files_named(size_t count, mse_hash_open *open, mse_hash_name *name,
                                         void *context, unsigned threads, struct mse_file_hash *out,
                                         struct mse_error *err);

#endif
