/* SPDX-License-Identifier: Apache-2.0 */
/* Writing DER for tests: objects that no library would make. */
#ifndef MSE_TESTS_DER_BUILD_H
#define MSE_TESTS_DER_BUILD_H

#include "base/bytes.h"

#define B(s)                                                                                       \
    {                                                                                              \
        (const uint8_t *)(s), sizeof(s) - 1                                                        \
    }

/* Tag and shortest length in front of what w holds from start on. */
static inline void der_wrap(struct mse_writer *w, size_t start, uint8_t tag)
{
    struct mse_writer whole = { 0 };
    size_t len = w->len - start;

    mse_write_bytes(&whole, w->data, start);
    mse_write_u8(&whole, tag);
    if (len >= 0x10000) {
        mse_write_u8(&whole, 0x83);
        mse_write_u8(&whole, (uint8_t)(len >> 16));
        mse_write_u16be(&whole, (uint16_t)len);
    } else if (len >= 0x100) {
        mse_write_u8(&whole, 0x82);
        mse_write_u16be(&whole, (uint16_t)len);
    } else {
        if (len >= 0x80)
            mse_write_u8(&whole, 0x81);
        mse_write_u8(&whole, (uint8_t)len);
    }
    if (len > 0)
        mse_write_bytes(&whole, w->data + start, len);
    mse_writer_cleanup(w);
    *w = whole;
}

static inline void der_put(struct mse_writer *w, uint8_t tag, struct mse_bytes content)
{
    size_t start = w->len;

    if (content.len > 0)
        mse_write_bytes(w, content.data, content.len);
    der_wrap(w, start, tag);
}

#endif
