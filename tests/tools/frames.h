/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds many small documents to a reader in one process. Standard input holds frames: the length in
 * decimal, a newline, that many bytes. One line goes to standard output for each: "ok " and the
 * value as JSON, or "refused " and the error.
 */
#ifndef MSE_TESTS_TOOLS_FRAMES_H
#define MSE_TESTS_TOOLS_FRAMES_H

#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"

/* Reads one frame into a block of exactly its size, so that a sanitizer sees an over-read. */
static inline bool next_frame(uint8_t **data, size_t *len)
{
    if (scanf("%zu", len) != 1 || getchar() != '\n')
        return false;
    *data = malloc(*len);
    if ((*data == NULL && *len > 0) || fread(*data, 1, *len, stdin) != *len)
        abort();
    return true;
}

/* text is NULL for a refusal. */
static inline void answer(char *text, const struct mse_error *err)
{
    char line[600];

    if (text != NULL)
        printf("ok %s\n", text);
    else
        printf("refused %s\n", mse_error_describe(err, line, sizeof(line)));
    free(text);
}

#endif
