/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout that Gramine gives an enclave at address 0: areas one below the other from the top,
 * the rest free memory (docs/gramine.md, "Measurement").
 */
#include "measure/layout.h"

#include <inttypes.h>

static bool check_settings(const struct mse_enclave_settings *settings, struct mse_error *err)
{
    uint64_t size = settings->size;

    /* ECREATE takes powers of two only (Intel SDM vol. 3D, "ECREATE"). */
    if (size == 0 || (size & (size - 1)) != 0)
        return mse_fail_text(err, MSE_ERR_VALUE, "sgx.enclave_size",
                             "0x%" PRIx64 " bytes: an enclave's size is a power of two", size);
    if (size > MSE_ENCLAVE_MAX_SIZE)
        return mse_fail_text(err, MSE_ERR_LIMIT, "sgx.enclave_size",
                             "0x%" PRIx64 " bytes: more than 2^46", size);
    if (settings->max_threads == 0 || settings->max_threads > MSE_ENCLAVE_MAX_THREADS)
        return mse_fail_text(err, MSE_ERR_VALUE, "sgx.max_threads", "%u: should be 1 to %u",
                             settings->max_threads, MSE_ENCLAVE_MAX_THREADS);
    return true;
}

/* Takes so much below *at, which moves down. */
static bool take(uint64_t *at, uint64_t size, const char *what, const struct mse_enclave_plan *plan,
                 struct mse_enclave_region *out, struct mse_error *err)
{
    if (*at < MSE_HEAP_START || size > *at - MSE_HEAP_START)
        return mse_fail_text(err, MSE_ERR_VALUE, "sgx.enclave_size",
                             "0x%" PRIx64 " bytes: not large enough, no room for %s (0x%" PRIx64
                             " bytes)",
                             plan->size, what, size);
    *at -= size;
    *out = (struct mse_enclave_region){ *at, size };
    return true;
}

static void add_free(struct mse_enclave_plan *plan, uint64_t start, uint64_t end)
{
    if (start < end)
        plan->free[plan->free_count++] = (struct mse_enclave_region){ start, end - start };
}

/* A PAL whose lowest address is not 0 stays there, with free memory on both sides of it. */
static bool place_pal(struct mse_enclave_plan *plan, const struct mse_pal *pal, uint64_t at,
                      bool free_pages, struct mse_error *err)
{
    uint64_t low, size;

    mse_pal_span(pal, &low, &size);
    if (low == 0) {
        if (!take(&at, size, "the PAL", plan, &plan->pal, err))
            return false;
    } else if (low < MSE_HEAP_START || at < low || size > at - low) {
        return mse_fail_text(err, MSE_ERR_VALUE, "libpal",
                             "does not fit into the enclave at its fixed address 0x%" PRIx64, low);
    } else {
        plan->pal = (struct mse_enclave_region){ low, size };
    }
    if (pal->entry >= plan->size - plan->pal.start)
        return mse_fail_text(err, MSE_ERR_VALUE, "libpal", "its entry point is not in the enclave");
    if (free_pages) {
        if (low != 0)
            add_free(plan, low + size, at);
        add_free(plan, MSE_HEAP_START, plan->pal.start);
    }
    return true;
}

bool mse_enclave_plan_make(size_t manifest_len, const struct mse_pal *pal,
                           const struct mse_enclave_settings *settings,
                           struct mse_enclave_plan *out, struct mse_error *err)
{
    uint64_t threads = settings->max_threads;
    struct mse_enclave_plan plan = { .size = settings->size, .threads = settings->max_threads };
    uint64_t at = settings->size;

    memset(out, 0, sizeof(*out));
    if (manifest_len > MSE_MANIFEST_MAX_SIZE)
        return mse_fail_text(err, MSE_ERR_LIMIT, "manifest", "longer than %u bytes",
                             MSE_MANIFEST_MAX_SIZE);
    plan.manifest_size = (uint64_t)manifest_len + 1;
    if (!check_settings(settings, err) ||
        !take(&at, mse_page_up(plan.manifest_size), "the manifest", &plan, &plan.manifest, err) ||
        !take(&at, threads * MSE_SSA_SIZE, "the SSA frames", &plan, &plan.ssa, err) ||
        !take(&at, threads * MSE_PAGE_SIZE, "the TCS pages", &plan, &plan.tcs, err) ||
        !take(&at, threads * MSE_PAGE_SIZE, "the TLS pages", &plan, &plan.tls, err) ||
        !take(&at, threads * MSE_STACK_SIZE, "the stacks", &plan, &plan.stacks, err) ||
        !take(&at, threads * MSE_SIGNAL_STACK_SIZE, "the signal stacks", &plan, &plan.signal_stacks,
              err) ||
        !place_pal(&plan, pal, at, !settings->edmm, err))
        return false;
    *out = plan;
    return true;
}
