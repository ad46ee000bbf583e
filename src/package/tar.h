/* SPDX-License-Identifier: Apache-2.0 */
/* Our own canonical tar (POSIX ustar with pax paths): the same input gives the same bytes. */
#ifndef MSE_PACKAGE_TAR_H
#define MSE_PACKAGE_TAR_H

#include "base/bytes.h"

#define MSE_TAR_BLOCK 512
#define MSE_TAR_END 1024      /* the archive ends with so many zeros */
#define MSE_TAR_MAX_PATH 4100 /* MSE_TREE_MAX_PATH and the suffix of a sealed file */
#define MSE_TAR_MAX_FILE ((UINT64_C(1) << 33) - 1)
/* Longest content of a header that only describes the next one, such as pax records. */
#define MSE_TAR_MAX_EXTRA (32U << 10)
/* No header with what describes it is longer: one global, one pax, two of GNU, and its block. */
#define MSE_TAR_MAX_HEADER (4U * (MSE_TAR_BLOCK + MSE_TAR_MAX_EXTRA) + MSE_TAR_BLOCK)

enum mse_tar_type { MSE_TAR_FILE, MSE_TAR_EXECUTABLE, MSE_TAR_LINK };

struct mse_tar_header {
    enum mse_tar_type type;
    char path[MSE_TAR_MAX_PATH + 1];   /* relative, UTF-8, no "." or ".." part */
    char target[MSE_TAR_MAX_PATH + 1]; /* LINK: UTF-8 without control characters; else "" */
    uint64_t size;                     /* content that follows, in bytes; of a LINK 0 */
};

/*
 * Header bytes of an entry (whole blocks): mode 0644, 0755 or (LINK) 0777, owner 0, time 0, no
 * names. A path that is not ASCII or does not fit ustar gets one pax header with nothing but "path"
 * and "linkpath" in it. The content follows, then zeros up to a whole block; after the last entry
 * MSE_TAR_END zeros.
 */
MSE_MUST_CHECK bool mse_tar_header_write(const struct mse_tar_header *header,
                                         struct mse_writer *out, struct mse_error *err);
/* Bytes of padding behind a content of this size. */
unsigned mse_tar_padding(uint64_t size);

/*
 * Reads a header at the beginning of in. *used is what it took (pax header included), 0 at the
 * end-of-archive mark. MSE_ERR_TRUNCATED asks for more input; MSE_TAR_MAX_HEADER bytes are always
 * enough. lenient also takes what other programs write (directories are skipped by the caller:
 * *is_directory, of the archive's root with an empty path; times, owners, GNU long names); strict
 * takes exactly what mse_tar_header_write makes. Hard links, devices, FIFOs, sparse files, absolute
 * paths and ".." are refused with the path in err.
 */
MSE_MUST_CHECK bool mse_tar_header_read(struct mse_bytes in, bool lenient,
                                        struct mse_tar_header *out, bool *is_directory,
                                        size_t *used, struct mse_error *err);

#endif
