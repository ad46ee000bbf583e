/* SPDX-License-Identifier: Apache-2.0 */
/* ELF files for tests; no byte outside the headers is zero, so that what is left out shows. */
#ifndef MSE_TESTS_ELF_MAKER_H
#define MSE_TESTS_ELF_MAKER_H

#include <stdlib.h>

#include "base/bytes.h"

#define ELF_NOTE 4U
#define ELF_LOAD 1U
#define ELF_R 4U
#define ELF_W 2U
#define ELF_X 1U
#define ELF_MAX_SEGMENTS 4

struct elf_segment {
    uint32_t type, flags;
    uint64_t offset, vaddr, filesz, memsz;
};

struct elf_file {
    const char *name;
    size_t size;
    uint64_t entry;
    size_t count;
    struct elf_segment segments[ELF_MAX_SEGMENTS];
};

static inline void elf_put(uint8_t *at, uint64_t value, size_t width)
{
    for (size_t i = 0; i < width; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

/* Owned by the caller: free. */
static inline uint8_t *elf_make(const struct elf_file *file)
{
    uint8_t *out = malloc(file->size);

    if (out == NULL)
        abort();
    for (size_t i = 0; i < file->size; i++)
        out[i] = (uint8_t)(i * 7 + 3);
    memset(out, 0, 64);
    memcpy(out, "\177ELF\2\1\1", 7);
    elf_put(out + 16, 3, 2);  /* a shared object */
    elf_put(out + 18, 62, 2); /* for x86-64 */
    elf_put(out + 20, 1, 4);
    elf_put(out + 24, file->entry, 8);
    elf_put(out + 32, 64, 8);
    elf_put(out + 52, 64, 2);
    elf_put(out + 54, 56, 2);
    elf_put(out + 56, file->count, 2);
    for (size_t i = 0; i < file->count; i++) {
        const struct elf_segment *s = &file->segments[i];
        uint8_t *at = out + 64 + 56 * i;

        elf_put(at, s->type, 4);
        elf_put(at + 4, s->flags, 4);
        elf_put(at + 8, s->offset, 8);
        elf_put(at + 16, s->vaddr, 8);
        elf_put(at + 24, s->vaddr, 8);
        elf_put(at + 32, s->filesz, 8);
        elf_put(at + 40, s->memsz, 8);
        elf_put(at + 48, 4096, 8);
    }
    return out;
}

#endif
