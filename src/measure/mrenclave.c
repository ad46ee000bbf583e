/* SPDX-License-Identifier: Apache-2.0 */
/* MRENCLAVE: what is on every page, in the order in which Gramine's loader adds them. */
#include <stdlib.h>

#include "measure/layout.h"
#include "measure/page_stream.h"

#define SSA_FRAME_PAGES ((uint32_t)(MSE_SSA_FRAME_SIZE / MSE_PAGE_SIZE))
#define GPR_AREA_SIZE 184U /* at the end of an SSA frame */
#define STACK_CANARY UINT64_C(0x0000badbadbadbad)
#define SEGMENT_LIMIT 0xfffU
#define RW (MSE_PAGE_R | MSE_PAGE_W)
#define FIXED_AREAS 8U /* all but the segments of the PAL */

/* One measurement under way. */
struct measurement {
    const struct mse_enclave_plan *plan;
    const struct mse_pal *pal;
    struct mse_bytes manifest;
    struct mse_page_stream *stream;
    struct mse_enclave_layout *layout; /* NULL: not wanted */
};

static void put(uint8_t *at, uint64_t value, size_t width)
{
    for (size_t i = 0; i < width; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

/* Closes an area: its row, and the digest up to here. */
static bool end_area(struct measurement *m, const char *name, struct mse_enclave_region region,
                     uint64_t flags, bool measured, struct mse_error *err)
{
    struct mse_enclave_area *area;

    if (m->layout == NULL)
        return true;
    area = &m->layout->areas[m->layout->count++];
    *area = (struct mse_enclave_area){ .name = name,
                                       .start = region.start,
                                       .size = region.size,
                                       .flags = flags,
                                       .measured = measured };
    return mse_page_stream_digest(m->stream, area->digest_after, err);
}

/* Pages of file[from..], of which the bytes outside [first, end) count as zero: all if that is
 * empty, whatever the numbers. */
static void add_bytes(struct measurement *m, uint64_t start, uint64_t pages, uint64_t flags,
                      struct mse_bytes file, uint64_t from, uint64_t first, uint64_t end)
{
    uint8_t page[MSE_PAGE_SIZE];

    for (uint64_t i = 0; i < pages; i++) {
        uint64_t at = from + i * MSE_PAGE_SIZE;
        uint64_t low = at > first ? at : first;
        uint64_t high = at + MSE_PAGE_SIZE < end ? at + MSE_PAGE_SIZE : end;

        if (low < high) {
            memset(page, 0, sizeof(page));
            memcpy(page + (low - at), file.data + low, (size_t)(high - low));
        }
        mse_page_stream_add(m->stream, start + i * MSE_PAGE_SIZE, flags, low < high ? page : NULL);
    }
}

static void add_zero(struct measurement *m, uint64_t start, uint64_t size, uint64_t flags)
{
    for (uint64_t at = 0; at < size; at += MSE_PAGE_SIZE)
        mse_page_stream_add(m->stream, start + at, flags, NULL);
}

static uint64_t ssa_of(const struct mse_enclave_plan *plan, uint32_t thread)
{
    return plan->ssa.start + thread * MSE_SSA_SIZE;
}

/* Thread control structure: Intel SDM vol. 3D, "Thread Control Structure (TCS)". */
static void fill_tcs(const struct measurement *m, uint32_t thread, uint8_t page[MSE_PAGE_SIZE])
{
    const struct mse_enclave_plan *plan = m->plan;

    put(page + 0x10, ssa_of(plan, thread), 8);                     /* OSSA */
    put(page + 0x1c, MSE_SSA_FRAMES, 4);                           /* NSSA */
    put(page + 0x20, plan->pal.start + m->pal->entry, 8);          /* OENTRY */
    put(page + 0x38, plan->tls.start + thread * MSE_PAGE_SIZE, 8); /* OGSBASE */
    put(page + 0x40, SEGMENT_LIMIT, 4);                            /* FSLIMIT */
    put(page + 0x44, SEGMENT_LIMIT, 4);                            /* GSLIMIT */
}

/* The fields of Gramine's thread-local block that its signer fills in. */
static void fill_tls(const struct measurement *m, uint32_t thread, uint8_t page[MSE_PAGE_SIZE])
{
    const struct mse_enclave_plan *plan = m->plan;
    uint64_t ssa = ssa_of(plan, thread);
    uint64_t signal_stack = mse_enclave_signal_stack(plan, thread);

    put(page + 0x000, plan->tls.start + thread * MSE_PAGE_SIZE, 8);
    put(page + 0x008, STACK_CANARY, 8);
    put(page + 0x110, plan->size, 8);
    put(page + 0x118, plan->tcs.start + thread * MSE_PAGE_SIZE, 8);
    put(page + 0x120, mse_enclave_stack(plan, thread) + MSE_STACK_SIZE, 8); /* grows down */
    put(page + 0x130, signal_stack, 8);
    put(page + 0x138, signal_stack + MSE_SIGNAL_STACK_SIZE, 8);
    put(page + 0x148, ssa, 8);
    put(page + 0x150, ssa + MSE_SSA_FRAME_SIZE - GPR_AREA_SIZE, 8);
    put(page + 0x1a0, plan->manifest_size, 8);
    put(page + 0x1a8, MSE_HEAP_START, 8);
    put(page + 0x1b0, plan->pal.start, 8);
}

static void add_thread_pages(struct measurement *m, uint64_t start, uint64_t flags,
                             void (*fill)(const struct measurement *, uint32_t, uint8_t *))
{
    for (uint32_t thread = 0; thread < m->plan->threads; thread++) {
        uint8_t page[MSE_PAGE_SIZE] = { 0 };

        fill(m, thread, page);
        mse_page_stream_add(m->stream, start + thread * MSE_PAGE_SIZE, flags, page);
    }
}

/* In the order of the threads, which is that of falling addresses. */
static void add_stacks(struct measurement *m, uint64_t size,
                       uint64_t (*stack)(const struct mse_enclave_plan *, uint32_t))
{
    for (uint32_t thread = 0; thread < m->plan->threads; thread++)
        add_zero(m, stack(m->plan, thread), size, MSE_PAGE_REG | RW);
}

static bool add_pal(struct measurement *m, struct mse_error *err)
{
    uint64_t low, size;

    mse_pal_span(m->pal, &low, &size);
    for (size_t i = 0; i < m->pal->segment_count; i++) {
        const struct mse_pal_segment *s = &m->pal->segments[i];
        uint64_t first = mse_page_down(s->vaddr);
        struct mse_enclave_region region = { m->plan->pal.start + (first - low),
                                             mse_page_up(s->vaddr + s->memsz) - first };
        uint64_t flags = MSE_PAGE_REG;

        flags |= (s->flags & 4U) != 0 ? MSE_PAGE_R : 0U; /* PF_R, PF_W, PF_X */
        flags |= (s->flags & 2U) != 0 ? MSE_PAGE_W : 0U;
        flags |= (s->flags & 1U) != 0 ? MSE_PAGE_X : 0U;
        add_bytes(m, region.start, region.size / MSE_PAGE_SIZE, flags, m->pal->file,
                  mse_page_down(s->offset), s->offset, s->offset + s->filesz);
        if (!end_area(m, (flags & MSE_PAGE_X) != 0 ? "pal:code" : "pal:data", region, flags, true,
                      err))
            return false;
    }
    return true;
}

static bool add_free(struct measurement *m, struct mse_error *err)
{
    const uint64_t flags = MSE_PAGE_REG | RW | MSE_PAGE_X;

    for (size_t i = 0; i < m->plan->free_count; i++) {
        const struct mse_enclave_region *free_area = &m->plan->free[i];

        mse_page_stream_add_unmeasured(m->stream, free_area->start, free_area->size / MSE_PAGE_SIZE,
                                       flags);
        if (!end_area(m, "free", *free_area, flags, false, err))
            return false;
    }
    return true;
}

static bool add_all(struct measurement *m, struct mse_error *err)
{
    const struct mse_enclave_plan *plan = m->plan;

    add_bytes(m, plan->manifest.start, plan->manifest.size / MSE_PAGE_SIZE,
              MSE_PAGE_REG | MSE_PAGE_R, m->manifest, 0, 0, m->manifest.len);
    if (!end_area(m, "manifest", plan->manifest, MSE_PAGE_REG | MSE_PAGE_R, true, err))
        return false;
    add_zero(m, plan->ssa.start, plan->ssa.size, MSE_PAGE_REG | RW);
    if (!end_area(m, "ssa", plan->ssa, MSE_PAGE_REG | RW, true, err))
        return false;
    add_thread_pages(m, plan->tcs.start, MSE_PAGE_TCS, fill_tcs);
    if (!end_area(m, "tcs", plan->tcs, MSE_PAGE_TCS, true, err))
        return false;
    add_thread_pages(m, plan->tls.start, MSE_PAGE_REG | RW, fill_tls);
    if (!end_area(m, "tls", plan->tls, MSE_PAGE_REG | RW, true, err))
        return false;
    add_stacks(m, MSE_STACK_SIZE, mse_enclave_stack);
    if (!end_area(m, "stack", plan->stacks, MSE_PAGE_REG | RW, true, err))
        return false;
    add_stacks(m, MSE_SIGNAL_STACK_SIZE, mse_enclave_signal_stack);
    return end_area(m, "sig_stack", plan->signal_stacks, MSE_PAGE_REG | RW, true, err) &&
           add_pal(m, err) && add_free(m, err);
}

void mse_enclave_layout_cleanup(struct mse_enclave_layout *layout)
{
    free(layout->areas);
    memset(layout, 0, sizeof(*layout));
}

static bool start_layout(struct mse_enclave_layout *layout, const struct mse_pal *pal,
                         struct mse_error *err)
{
    if (layout == NULL)
        return true;
    memset(layout, 0, sizeof(*layout));
    layout->areas = calloc(FIXED_AREAS + pal->segment_count, sizeof(layout->areas[0]));
    return layout->areas != NULL || mse_fail_memory(err);
}

static void count_pages(struct mse_enclave_layout *layout, const struct mse_page_stream *stream)
{
    layout->pages_added = mse_page_stream_added(stream);
    layout->pages_measured = mse_page_stream_measured(stream);
    layout->blocks = mse_page_stream_blocks(stream);
}

bool mse_enclave_measure(struct mse_bytes manifest, const struct mse_pal *pal,
                         const struct mse_enclave_settings *settings, uint8_t mrenclave[static 32],
                         struct mse_enclave_layout *layout, struct mse_error *err)
{
    MSE_CLEANUP(mse_page_stream_cleanup) struct mse_page_stream *stream = NULL;
    struct mse_enclave_plan plan;
    struct measurement m = { &plan, pal, manifest, NULL, layout };

    memset(mrenclave, 0, 32);
    if (!start_layout(layout, pal, err))
        return false;
    if (!mse_enclave_plan_make(manifest.len, pal, settings, &plan, err) ||
        !mse_page_stream_new(plan.size, SSA_FRAME_PAGES, &stream, err)) {
        if (layout != NULL)
            mse_enclave_layout_cleanup(layout);
        return false;
    }
    m.stream = stream;
    if (!add_all(&m, err) || !mse_page_stream_digest(stream, mrenclave, err)) {
        memset(mrenclave, 0, 32);
        if (layout != NULL)
            mse_enclave_layout_cleanup(layout);
        return false;
    }
    if (layout != NULL)
        count_pages(layout, stream);
    return true;
}
