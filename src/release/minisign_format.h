/* SPDX-License-Identifier: Apache-2.0 */
/* What minisign's three files share: lines, algorithm names, base64 of a fixed size. */
#ifndef MSE_RELEASE_MINISIGN_FORMAT_H
#define MSE_RELEASE_MINISIGN_FORMAT_H

#include "release/minisign.h"

#define MSE_MINISIGN_UNTRUSTED "untrusted comment: "
#define MSE_MINISIGN_TRUSTED "trusted comment: "

#define MSE_MINISIGN_ID_SIZE 8
#define MSE_MINISIGN_PUBLIC_SIZE 42    /* "Ed" | id 8 | key 32 */
#define MSE_MINISIGN_SIGNATURE_SIZE 74 /* "ED" | id 8 | signature 64 */
#define MSE_MINISIGN_KEY_ID_TEXT 17

/* The next line without its end; the last line may lack one. False at the end of the input. */
bool mse_minisign_line(struct mse_reader *r, struct mse_bytes *line);
/* A comment line: begins so, is not too long, has no control characters but tabs. */
MSE_MUST_CHECK bool mse_minisign_comment(struct mse_reader *r, const char *begin,
                                         struct mse_bytes *comment, const char *field);
/* A line that is exactly the base64 of len bytes. */
MSE_MUST_CHECK bool mse_minisign_base64(struct mse_reader *r, uint8_t *out, size_t len,
                                        const char *field);
/* A key ID as minisign shows it: 16 capital hex digits, last byte first. Returns out. */
const char *mse_minisign_id_text(const uint8_t id[static MSE_MINISIGN_ID_SIZE],
                                 char out[static MSE_MINISIGN_KEY_ID_TEXT]);

#endif
