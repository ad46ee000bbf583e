/* SPDX-License-Identifier: Apache-2.0 */
/* Open Enclave endorsement buffers: what is taken out of one lies in it, or is refused. */
#include <stdlib.h>

#include "endorsement/bundle_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mse_bytes file = { data, size };
    struct mse_collateral *set = NULL;
    struct mse_error err = { 0 };
    bool is_one = mse_bundle_is_open_enclave(file);
    bool read;

    check(mse_collateral_new(&set, &err));
    read = mse_bundle_read_open_enclave(file, "input", set, &err);
    check(read == (err.code == MSE_ERR_NONE));
    check(is_one || !read);
    check(is_one || err.code == MSE_ERR_FORMAT);
    for (size_t i = 0; i < set->count; i++) {
        const struct mse_item *item = set->items[i];

        check(item->bytes.len <= size);
        /* Replies are there as they are; certificates and CRLs were decoded. */
        if (item->kind == MSE_ITEM_TCB_INFO && item->bytes.len > 0)
            check(memmem(data, size, item->bytes.data, item->bytes.len) != NULL);
    }
    mse_collateral_free(set);
    return 0;
}
