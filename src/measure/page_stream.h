/* SPDX-License-Identifier: Apache-2.0 */
/* The stream of 64-byte records whose SHA-256 is MRENCLAVE (Intel SDM vol. 3D, ECREATE, EADD). */
#ifndef MSE_MEASURE_PAGE_STREAM_H
#define MSE_MEASURE_PAGE_STREAM_H

#include "base/bytes.h"

#define MSE_PAGE_R 0x1U
#define MSE_PAGE_W 0x2U
#define MSE_PAGE_X 0x4U
#define MSE_PAGE_TCS 0x100U
#define MSE_PAGE_REG 0x200U

/* Failures are kept until the digest is asked for. */
struct mse_page_stream;

/* Begins with ECREATE. Takes about 200 KiB, whatever is added. */
MSE_MUST_CHECK bool mse_page_stream_new(uint64_t enclave_size, uint32_t ssa_frame_pages,
                                        struct mse_page_stream **out, struct mse_error *err);
void mse_page_stream_free(struct mse_page_stream *s);
void mse_page_stream_cleanup(struct mse_page_stream **s);
/* EADD and EEXTEND of the whole page; NULL stands for a page of zeroes. */
void mse_page_stream_add(struct mse_page_stream *s, uint64_t offset, uint64_t flags,
                         const uint8_t *page);
/* EADD alone, of every page from start on. */
void mse_page_stream_add_unmeasured(struct mse_page_stream *s, uint64_t start, uint64_t pages,
                                    uint64_t flags);
/* The digest if the stream ended here; it may go on. */
MSE_MUST_CHECK bool mse_page_stream_digest(struct mse_page_stream *s, uint8_t out[static 32],
                                           struct mse_error *err);
uint64_t mse_page_stream_added(const struct mse_page_stream *s);
uint64_t mse_page_stream_measured(const struct mse_page_stream *s);
/* Records so far, each data block of an EEXTEND counted as four. */
uint64_t mse_page_stream_blocks(const struct mse_page_stream *s);

#endif
