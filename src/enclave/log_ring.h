/* SPDX-License-Identifier: Apache-2.0 */
/* The app's output for its owner: sealed to the owner's key, in two files of bounded size. */
#ifndef MSE_ENCLAVE_LOG_RING_H
#define MSE_ENCLAVE_LOG_RING_H

#include "attest/log_record.h"

#define MSE_LOG_FILE "log" /* below the host directory; the older half is MSE_LOG_FILE ".1" */
#define MSE_LOG_MAX_FILE (1U << 20)
#define MSE_LOG_MAX_RECORD MSE_LOG_MAX_TEXT /* of plain text */
#define MSE_LOG_MAX_PENDING (256U << 10) /* gathered until the next flush; what is over is lost */

/*
 * Records, one after the other: u32be length of the box, u64be sequence number, then a sealed box
 * (X25519, XSalsa20-Poly1305) to the X25519 form of the owner's Ed25519 key over: "mse-log-v1\n",
 * u64be sequence number, u64be milliseconds since 1970, u64be bytes lost before, text
 * (docs/formats.md, "Log"; attest/log_record.h).
 */
struct mse_log_ring;
/*
 * Goes on behind the records that are there; what a killed writer left unfinished is cut off. A
 * directory that cannot be written to is no error: then output is lost until it can be.
 * MSE_ERR_VALUE if owner is no key.
 */
MSE_MUST_CHECK bool mse_log_ring_new(const char *host_dir, const uint8_t owner[static 32],
                                     struct mse_log_ring **out, struct mse_error *err);
/* Gathers output; whole lines, or MSE_LOG_MAX_RECORD bytes, become a record when flushed. */
void mse_log_ring_add(struct mse_log_ring *ring, struct mse_bytes text);
/*
 * Writes what was gathered. A line without its end waits for one more flush: to be called twice
 * before the end. A full disk loses records, and the next one says how many bytes.
 */
void mse_log_ring_flush(struct mse_log_ring *ring, int64_t now_ms);
/* Bytes of output that were lost since the start, for the operator. */
uint64_t mse_log_ring_lost(const struct mse_log_ring *ring);
void mse_log_ring_free(struct mse_log_ring *ring);

#endif
