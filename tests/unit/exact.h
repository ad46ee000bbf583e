/* SPDX-License-Identifier: Apache-2.0 */
/* A copy in a block that ends where the input does, so that a sanitizer sees an over-read. */
#ifndef MSE_TESTS_EXACT_H
#define MSE_TESTS_EXACT_H

#include <stdlib.h>

#include "base/bytes.h"

static inline struct mse_bytes exact_copy(struct mse_bytes in, size_t len)
{
    /* A block of one byte for an empty view, which then ends where that byte does. */
    uint8_t *block = malloc(len > 0 ? len : 1);

    if (block == NULL)
        abort();
    if (len > 0)
        memcpy(block, in.data, len);
    return (struct mse_bytes){ len > 0 ? block : block + 1, len };
}

static inline void exact_free(struct mse_bytes copy)
{
    free((void *)(copy.len > 0 ? copy.data : copy.data - 1));
}

#endif
