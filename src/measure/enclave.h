/* SPDX-License-Identifier: Apache-2.0 */
/* Layout of a Gramine enclave and its MRENCLAVE, without building it (Intel SDM vol. 3D, 39.2). */
#ifndef MSE_MEASURE_ENCLAVE_H
#define MSE_MEASURE_ENCLAVE_H

#include "measure/manifest.h"

#define MSE_PAL_MAX_SIZE (64U << 20)
#define MSE_PAL_MAX_SEGMENTS 64
/* Memory that its segments may span, in bytes: bounds the time that a hostile file can take. */
#define MSE_PAL_MAX_SPAN (UINT64_C(1) << 30)
#define MSE_ENCLAVE_MAX_SIZE (UINT64_C(1) << 46)
#define MSE_ENCLAVE_MAX_THREADS 4096

struct mse_pal_segment {
    uint64_t vaddr, memsz, filesz, offset;
    uint32_t flags; /* p_flags */
};
/*
 * The loadable segments of an ELF64 x86-64 file, in the order of its program headers; everything
 * else in it is not measured. Segments that share a page are refused, since no page can be added
 * to an enclave twice.
 */
struct mse_pal {
    struct mse_bytes file; /* borrowed */
    uint64_t entry;
    struct mse_pal_segment segments[MSE_PAL_MAX_SEGMENTS];
    size_t segment_count;
};
MSE_MUST_CHECK bool mse_pal_parse(struct mse_bytes elf, struct mse_pal *out, struct mse_error *err);

/* What --explain and `mse sgx show` print: one row an area, in the order of the hash stream. */
struct mse_enclave_area {
    const char *name;     /* static */
    uint64_t start, size; /* bytes; stacks of all threads are one area */
    uint64_t flags;       /* SECINFO: bits 0 to 2 R, W, X; bits 8 to 15 the page type */
    bool measured;
    uint8_t digest_after[32]; /* of the stream if it ended here */
};
struct mse_enclave_layout {
    struct mse_enclave_area *areas; /* owned */
    size_t count;
    uint64_t pages_added, pages_measured;
    uint64_t blocks; /* of SHA-256, without the padding: the stream has 64 times as many bytes */
};
void mse_enclave_layout_cleanup(struct mse_enclave_layout *layout);

/*
 * MRENCLAVE of exactly these manifest bytes and this PAL. layout may be NULL (then no digest per
 * area is made). Memory does not grow with the enclave.
 */
MSE_MUST_CHECK bool mse_enclave_measure(struct mse_bytes manifest, const struct mse_pal *pal,
                                        const struct mse_enclave_settings *settings,
                                        uint8_t mrenclave[static 32],
                                        struct mse_enclave_layout *layout, struct mse_error *err);

#endif
