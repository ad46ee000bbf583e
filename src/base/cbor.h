/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CBOR (RFC 8949) in the strict subset that attestation formats use: definite lengths in their
 * shortest form, no floats, bounded depth. Reads on a mse_reader, so nothing is copied.
 *
 * Errors: MSE_ERR_VALUE for another type than asked for, MSE_ERR_FORMAT for a head that is longer
 * than needed or reserved and for invalid UTF-8, MSE_ERR_UNSUPPORTED for floats, indefinite lengths
 * and simple values but false, true and null, MSE_ERR_TRUNCATED for a length or count that the
 * input cannot hold, MSE_ERR_LIMIT for too many levels. Offsets are those of the item.
 */
#ifndef MSE_BASE_CBOR_H
#define MSE_BASE_CBOR_H

#include "base/bytes.h"

#define MSE_CBOR_DEPTH 16

uint64_t mse_cbor_read_unsigned(struct mse_reader *r, const char *field);
uint64_t mse_cbor_read_tag(struct mse_reader *r, const char *field);
struct mse_bytes mse_cbor_read_bytes(struct mse_reader *r, const char *field);
struct mse_bytes mse_cbor_read_text(struct mse_reader *r, const char *field); /* UTF-8 checked */
uint64_t mse_cbor_read_array(struct mse_reader *r, const char *field); /* number of elements */
uint64_t mse_cbor_read_map(struct mse_reader *r, const char *field);   /* number of pairs */
/* Same with any length form of unsigned integers allowed, for writers that fix the width. */
uint64_t mse_cbor_read_unsigned_any(struct mse_reader *r, const char *field);
/* Skips one item of any kind that the subset has. */
void mse_cbor_skip(struct mse_reader *r, const char *field);
/* Major type of the next item, 0..7, or -1 at the end or after a failure. */
int mse_cbor_next_major(const struct mse_reader *r);

void mse_cbor_write_head(struct mse_writer *w, unsigned major, uint64_t value);
void mse_cbor_write_bytes(struct mse_writer *w, struct mse_bytes data);
void mse_cbor_write_text(struct mse_writer *w, const char *text);

#endif
