/* SPDX-License-Identifier: Apache-2.0 */
/* Hex, base64, PEM armour and escaping of text from outside. */
#ifndef MSE_BASE_ENCODE_H
#define MSE_BASE_ENCODE_H

#include "base/bytes.h"

/* Lower-case hex with a final NUL; out has room for 2 * len + 1 bytes. */
void mse_hex_write(const uint8_t *data, size_t len, char *out);
/* Exactly len bytes from 2 * len hex digits of either case; anything else is an error. */
MSE_MUST_CHECK bool mse_hex_read(const char *text, size_t text_len, uint8_t *out, size_t len);

/* Standard alphabet, '=' padding; out has room for 4 * ((len + 2) / 3) + 1. Returns the length. */
size_t mse_base64_write(const uint8_t *data, size_t len, char *out);
/*
 * Strict RFC 4648 section 4; with_space also takes CR, LF, space and tab between digits (PEM).
 * *out_len is room on entry and length on return; 3 * (text_len / 4) is always enough.
 */
MSE_MUST_CHECK bool mse_base64_read(const char *text, size_t text_len, bool with_space,
                                    uint8_t *out, size_t *out_len);

/*
 * Finds the next PEM block with this label (RFC 7468) at or after *at, decodes it into out and
 * moves *at behind it. Returns false with err untouched and *out_len 0 if there is none, false with
 * err set if it is malformed. *out_len is room on entry.
 */
MSE_MUST_CHECK bool mse_pem_next(struct mse_bytes in, size_t *at, const char *label, uint8_t *out,
                                 size_t *out_len, struct mse_error *err);
void mse_pem_write(struct mse_writer *w, const char *label, struct mse_bytes der);

/* Printable form of bytes from outside: controls and non-ASCII as \xNN; cut with "..." to fit. */
const char *mse_escape(struct mse_bytes in, char *out, size_t size);

#endif
