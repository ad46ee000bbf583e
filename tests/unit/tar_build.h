/* SPDX-License-Identifier: Apache-2.0 */
/* Tar archives field by field, as any program might write them. */
#ifndef MSE_TESTS_TAR_BUILD_H
#define MSE_TESTS_TAR_BUILD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

struct tar_entry {
    char type;
    const char *name, *link, *prefix;
    unsigned mode;           /* 0: 0644 */
    const char *content;     /* NULL: none */
    size_t content_len;      /* 0: of the text */
    unsigned long long size; /* 0: of the content */
    bool is_gnu;             /* magic of GNU tar */
};

static inline void tar_put(uint8_t *block, size_t at, const char *text, size_t len)
{
    if (text != NULL)
        memcpy(block + at, text, strnlen(text, len));
}

static inline void tar_checksum(uint8_t *block)
{
    unsigned sum = 0;
    char text[8];

    memset(block + 148, ' ', 8);
    for (size_t i = 0; i < 512; i++)
        sum += block[i];
    (void)snprintf(text, sizeof(text), "%06o", sum & 0777777);
    memcpy(block + 148, text, 7);
}

/* The header alone. */
static inline void tar_block(const struct tar_entry *entry, uint8_t block[512])
{
    char number[24];
    size_t len = entry->content_len;

    memset(block, 0, 512);
    if (len == 0 && entry->content != NULL)
        len = strlen(entry->content);
    tar_put(block, 0, entry->name, 100);
    (void)snprintf(number, sizeof(number), "%07o", entry->mode != 0 ? entry->mode : 0644U);
    tar_put(block, 100, number, 8);
    tar_put(block, 108, "0001750", 8); /* an owner and a time, as programs write them */
    tar_put(block, 116, "0001750", 8);
    (void)snprintf(number, sizeof(number), "%011llo", entry->size != 0 ? entry->size : len);
    tar_put(block, 124, number, 12);
    tar_put(block, 136, "14371265434", 12);
    block[156] = (uint8_t)entry->type;
    tar_put(block, 157, entry->link, 100);
    memcpy(block + 257, entry->is_gnu ? "ustar  " : "ustar\00000", 8);
    tar_put(block, 265, "user", 32);
    tar_put(block, 297, "group", 32);
    tar_put(block, 345, entry->prefix, 155);
    tar_checksum(block);
}

static inline void tar_zeros(struct mse_writer *out, size_t len)
{
    for (; len > 0; len--)
        mse_write_u8(out, 0);
}

static inline void tar_add(struct mse_writer *out, const struct tar_entry *entry)
{
    uint8_t block[512];
    size_t len = entry->content_len;

    if (len == 0 && entry->content != NULL)
        len = strlen(entry->content);
    tar_block(entry, block);
    mse_write_bytes(out, block, sizeof(block));
    if (len > 0)
        mse_write_bytes(out, entry->content, len);
    tar_zeros(out, (512 - len % 512) % 512);
}

#endif
