/* SPDX-License-Identifier: Apache-2.0 */
/* What is inside the quotes of a JSON string: escapes, comparison. Used by the reader only. */
#ifndef MSE_BASE_JSON_TEXT_H
#define MSE_BASE_JSON_TEXT_H

#include "base/bytes.h"

enum mse_json_escape { MSE_JSON_ESCAPE_OK, MSE_JSON_ESCAPE_BAD, MSE_JSON_ESCAPE_CUT };

/*
 * text[at] is a backslash. Gives the character and the length of the escape, which for two
 * surrogates is that of both. A lone surrogate is BAD; CUT means that more bytes could mend it.
 */
enum mse_json_escape mse_json_escape_read(const uint8_t *text, size_t len, uint32_t *character,
                                          size_t *escape_len);

/* Inside of a string that was checked before. */
struct mse_json_text {
    struct mse_bytes raw;
    bool escaped; /* false: a backslash, if there is one, stands for itself */
};

/* Order of the unescaped bytes as memcmp has it, a prefix first; 0 if equal. */
int mse_json_text_compare(struct mse_json_text a, struct mse_json_text b);
/* Unescapes into out, which has raw.len bytes; returns the length. */
size_t mse_json_text_write(struct mse_json_text text, uint8_t *out);

#endif
