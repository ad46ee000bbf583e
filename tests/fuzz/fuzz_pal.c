/* SPDX-License-Identifier: Apache-2.0 */
/* ELF files of PALs: what is accepted can be measured, and nothing outside of the file is read. */
#include <stdint.h>
#include <stdlib.h>

#include "measure/enclave.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Larger PALs take longer than a run of the fuzzer may. */
#define MAX_MEMORY (UINT64_C(1) << 22)
#define PAGE 4096U

static uint64_t check_segments(const struct mse_pal *pal)
{
    uint64_t memory = 0;

    if (pal->segment_count == 0 || pal->segment_count > MSE_PAL_MAX_SEGMENTS)
        abort();
    for (size_t i = 0; i < pal->segment_count; i++) {
        const struct mse_pal_segment *s = &pal->segments[i];

        if (s->filesz > s->memsz || s->memsz > MSE_PAL_MAX_SPAN)
            abort();
        if (s->filesz > 0 && (s->offset > pal->file.len || s->filesz > pal->file.len - s->offset))
            abort();
        memory += s->memsz + (uint64_t)2 * PAGE;
    }
    return memory;
}

static void check_layout(const struct mse_enclave_layout *layout, uint64_t enclave_size,
                         const uint8_t mrenclave[32])
{
    uint64_t pages = 0;

    if (memcmp(layout->areas[layout->count - 1].digest_after, mrenclave, 32) != 0)
        abort();
    for (size_t i = 0; i < layout->count; i++) {
        const struct mse_enclave_area *area = &layout->areas[i];

        if (area->start > enclave_size || area->size > enclave_size - area->start ||
            area->start % PAGE != 0 || area->size % PAGE != 0)
            abort();
        pages += area->size / PAGE;
    }
    if (pages != layout->pages_added || pages > enclave_size / PAGE)
        abort();
}

/* The same with and without the rows, and nothing left behind by a refusal. */
static void measure(const struct mse_pal *pal, bool edmm)
{
    struct mse_enclave_settings settings = { .size = 8U << 20, .max_threads = 1, .edmm = edmm };
    struct mse_enclave_layout layout = { 0 };
    struct mse_error err = { 0 }, other_err = { 0 };
    uint8_t mrenclave[32], other[32];
    struct mse_bytes manifest = { (const uint8_t *)"a = 1\n", 6 };
    bool ok = mse_enclave_measure(manifest, pal, &settings, mrenclave, &layout, &err);

    if (mse_enclave_measure(manifest, pal, &settings, other, NULL, &other_err) != ok ||
        memcmp(mrenclave, other, sizeof(other)) != 0 || err.code != other_err.code)
        abort();
    if (!ok) {
        if (err.code == MSE_ERR_NONE || layout.areas != NULL || !mse_is_zero(mrenclave, 32))
            abort();
        return;
    }
    check_layout(&layout, settings.size, mrenclave);
    mse_enclave_layout_cleanup(&layout);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mse_error err = { 0 };
    struct mse_pal pal;

    if (!mse_pal_parse((struct mse_bytes){ data, size }, &pal, &err)) {
        if (err.code == MSE_ERR_NONE || pal.segment_count != 0)
            abort();
        return 0;
    }
    if (check_segments(&pal) <= MAX_MEMORY) {
        measure(&pal, false);
        measure(&pal, true);
    }
    return 0;
}
