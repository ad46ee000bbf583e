/* SPDX-License-Identifier: Apache-2.0 */
/* Where everything lies in an enclave; what pal.c, layout.c and mrenclave.c share. */
#ifndef MSE_MEASURE_LAYOUT_H
#define MSE_MEASURE_LAYOUT_H

#include "measure/enclave.h"

#define MSE_PAGE_SIZE UINT64_C(4096)
#define MSE_HEAP_START UINT64_C(0x10000) /* nothing lies below */
#define MSE_SSA_FRAME_SIZE UINT64_C(0x4000)
#define MSE_SSA_FRAMES 2U
#define MSE_SSA_SIZE (MSE_SSA_FRAMES * MSE_SSA_FRAME_SIZE) /* of one thread */
#define MSE_STACK_SIZE UINT64_C(0x40000)
#define MSE_SIGNAL_STACK_SIZE UINT64_C(0x10000)

static inline uint64_t mse_page_down(uint64_t v)
{
    return v & ~(MSE_PAGE_SIZE - 1);
}

/* v at most 2^64 - 4096. */
static inline uint64_t mse_page_up(uint64_t v)
{
    return mse_page_down(v + MSE_PAGE_SIZE - 1);
}

/* Lowest page of a PAL and the bytes from there to the end of its highest one. */
void mse_pal_span(const struct mse_pal *pal, uint64_t *low, uint64_t *size);

struct mse_enclave_region {
    uint64_t start, size;
};

/* Offsets in the enclave. Of several stacks the first thread's is the highest. */
struct mse_enclave_plan {
    uint64_t size;
    uint32_t threads;
    uint64_t manifest_size; /* with the final NUL */
    struct mse_enclave_region manifest, ssa, tcs, tls, stacks, signal_stacks, pal;
    struct mse_enclave_region free[2]; /* from the top down */
    size_t free_count;
};
MSE_MUST_CHECK bool mse_enclave_plan_make(size_t manifest_len, const struct mse_pal *pal,
                                          const struct mse_enclave_settings *settings,
                                          struct mse_enclave_plan *out, struct mse_error *err);
static inline uint64_t mse_enclave_stack(const struct mse_enclave_plan *plan, uint32_t thread)
{
    return plan->stacks.start + (plan->threads - 1 - thread) * MSE_STACK_SIZE;
}
static inline uint64_t mse_enclave_signal_stack(const struct mse_enclave_plan *plan,
                                                uint32_t thread)
{
    return plan->signal_stacks.start + (plan->threads - 1 - thread) * MSE_SIGNAL_STACK_SIZE;
}

#endif
