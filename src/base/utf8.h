/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 (RFC 3629): shortest forms only, no surrogates, nothing above U+10FFFF. */
#ifndef MSE_BASE_UTF8_H
#define MSE_BASE_UTF8_H

#include "base/bytes.h"

/* Bytes of the character at p, 1 to 4; 0 if there is no whole valid one in len bytes. */
size_t mse_utf8_length(const uint8_t *p, size_t len);
/* True if len bytes (1 at least) begin a valid character that more bytes would complete. */
bool mse_utf8_is_cut(const uint8_t *p, size_t len);
bool mse_utf8_is_valid(struct mse_bytes text);
/* c is a Unicode scalar value: no surrogate, 0x10ffff at most. Returns the bytes written. */
size_t mse_utf8_put(uint32_t c, uint8_t out[static 4]);

#endif
