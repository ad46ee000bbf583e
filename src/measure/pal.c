/* SPDX-License-Identifier: Apache-2.0 */
/* The ELF file that is loaded into an enclave first, as far as it is measured: PT_LOAD segments. */
#include <inttypes.h>

#include "measure/enclave.h"
#include "measure/layout.h"

#define ELF_CLASS_64 2
#define ELF_LITTLE_ENDIAN 1
#define ELF_VERSION 1
#define ELF_TYPE_EXEC 2
#define ELF_TYPE_DYN 3
#define ELF_MACHINE_X86_64 62
#define ELF_PROGRAM_HEADER_SIZE 56
#define ELF_MANY_PROGRAM_HEADERS 0xffff /* PN_XNUM: the count is elsewhere */
#define PT_LOAD 1

/* System V ABI, "ELF Header"; what is not checked here is not used either. */
struct elf_header {
    uint64_t entry, program_headers;
    uint16_t count;
};

static bool parse_header(struct mse_bytes elf, struct elf_header *out, struct mse_error *err)
{
    static const uint8_t ident[] = { 0x7f,       'E', 'L', 'F', ELF_CLASS_64, ELF_LITTLE_ENDIAN,
                                     ELF_VERSION };
    struct mse_reader r = mse_reader_init(elf, err);
    uint16_t type, machine, size;

    if (elf.len < sizeof(ident) || memcmp(elf.data, ident, sizeof(ident)) != 0)
        return mse_fail_text(err, MSE_ERR_FORMAT, "libpal",
                             "not an ELF file of 64 bits, little-endian");
    (void)mse_read_array(&r, 16, "e_ident");
    type = mse_read_u16le(&r, "e_type");
    machine = mse_read_u16le(&r, "e_machine");
    (void)mse_read_u32le(&r, "e_version");
    out->entry = mse_read_u64le(&r, "e_entry");
    out->program_headers = mse_read_u64le(&r, "e_phoff");
    (void)mse_read_u64le(&r, "e_shoff");
    (void)mse_read_u32le(&r, "e_flags");
    (void)mse_read_u16le(&r, "e_ehsize");
    size = mse_read_u16le(&r, "e_phentsize");
    out->count = mse_read_u16le(&r, "e_phnum");
    if (!mse_read_ok(&r))
        return false;
    if ((type != ELF_TYPE_DYN && type != ELF_TYPE_EXEC) || machine != ELF_MACHINE_X86_64)
        return mse_fail_text_at(err, MSE_ERR_UNSUPPORTED, 16, "libpal",
                                "neither a program nor a shared object for x86-64");
    if (size != ELF_PROGRAM_HEADER_SIZE && out->count != 0)
        return mse_fail_text_at(err, MSE_ERR_VALUE, 54, "e_phentsize", "%u, should be %u", size,
                                ELF_PROGRAM_HEADER_SIZE);
    if (out->count == ELF_MANY_PROGRAM_HEADERS)
        return mse_fail(err, MSE_ERR_LIMIT, 56, "e_phnum");
    return true;
}

static uint64_t first_page(const struct mse_pal_segment *s)
{
    return mse_page_down(s->vaddr);
}

static uint64_t end_page(const struct mse_pal_segment *s)
{
    return mse_page_up(s->vaddr + s->memsz);
}

/* After this no sum of two of these fields wraps. at: the header's place in the file. */
static bool check_segment(const struct mse_pal_segment *s, size_t file_size, size_t at,
                          struct mse_error *err)
{
    if (s->vaddr > MSE_ENCLAVE_MAX_SIZE || s->memsz > MSE_ENCLAVE_MAX_SIZE - s->vaddr)
        return mse_fail_text_at(err, MSE_ERR_LIMIT, at, "PT_LOAD",
                                "address and size in memory do not fit into any enclave");
    if (s->filesz > s->memsz)
        return mse_fail_text_at(err, MSE_ERR_VALUE, at, "PT_LOAD",
                                "larger in the file than in memory");
    if (s->filesz == 0)
        return true;
    if (s->offset > file_size || s->filesz > file_size - s->offset)
        return mse_fail_text_at(err, MSE_ERR_TRUNCATED, at, "PT_LOAD", "the file ends before it");
    if ((s->offset ^ s->vaddr) % MSE_PAGE_SIZE != 0)
        return mse_fail_text_at(err, MSE_ERR_VALUE, at, "PT_LOAD",
                                "its address and its place in the file differ within a page");
    return true;
}

static bool add_segment(struct mse_pal *pal, const struct mse_pal_segment *s, size_t at,
                        struct mse_error *err)
{
    if (!check_segment(s, pal->file.len, at, err))
        return false;
    for (size_t i = 0; i < pal->segment_count; i++) {
        const struct mse_pal_segment *other = &pal->segments[i];

        if (first_page(s) < end_page(other) && first_page(other) < end_page(s))
            return mse_fail_text_at(err, MSE_ERR_VALUE, at, "PT_LOAD",
                                    "shares a page with segment %zu", i);
    }
    if (pal->segment_count == MSE_PAL_MAX_SEGMENTS)
        return mse_fail_text_at(err, MSE_ERR_LIMIT, at, "PT_LOAD", "more than %d segments",
                                MSE_PAL_MAX_SEGMENTS);
    pal->segments[pal->segment_count++] = *s;
    return true;
}

static bool parse_segments(struct mse_pal *pal, const struct elf_header *header,
                           struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(pal->file, err);

    if (header->program_headers > pal->file.len)
        return mse_fail_text_at(err, MSE_ERR_TRUNCATED, 32, "e_phoff", "behind the end");
    (void)mse_read_array(&r, (size_t)header->program_headers, "e_phoff");
    for (unsigned i = 0; i < header->count; i++) {
        size_t at = mse_reader_offset(&r);
        uint32_t type = mse_read_u32le(&r, "p_type");
        struct mse_pal_segment s = { 0 };

        s.flags = mse_read_u32le(&r, "p_flags");
        s.offset = mse_read_u64le(&r, "p_offset");
        s.vaddr = mse_read_u64le(&r, "p_vaddr");
        (void)mse_read_u64le(&r, "p_paddr");
        s.filesz = mse_read_u64le(&r, "p_filesz");
        s.memsz = mse_read_u64le(&r, "p_memsz");
        (void)mse_read_u64le(&r, "p_align");
        if (!mse_read_ok(&r) || (type == PT_LOAD && !add_segment(pal, &s, at, err)))
            return false;
    }
    return true;
}

void mse_pal_span(const struct mse_pal *pal, uint64_t *low, uint64_t *size)
{
    uint64_t high = 0;

    *low = UINT64_MAX;
    for (size_t i = 0; i < pal->segment_count; i++) {
        uint64_t first = first_page(&pal->segments[i]);
        uint64_t end = end_page(&pal->segments[i]);

        *low = first < *low ? first : *low;
        high = end > high ? end : high;
    }
    *size = pal->segment_count > 0 ? high - *low : 0;
}

bool mse_pal_parse(struct mse_bytes elf, struct mse_pal *out, struct mse_error *err)
{
    struct mse_pal pal = { .file = elf };
    struct elf_header header = { 0 };
    uint64_t low, size;

    memset(out, 0, sizeof(*out));
    if (elf.len > MSE_PAL_MAX_SIZE)
        return mse_fail_text(err, MSE_ERR_LIMIT, "libpal", "longer than %u bytes",
                             MSE_PAL_MAX_SIZE);
    if (!parse_header(elf, &header, err) || !parse_segments(&pal, &header, err))
        return false;
    mse_pal_span(&pal, &low, &size);
    if (size == 0)
        return mse_fail_text(err, MSE_ERR_MISSING, "libpal", "has no PT_LOAD segment");
    if (size > MSE_PAL_MAX_SPAN)
        return mse_fail_text(err, MSE_ERR_LIMIT, "libpal", "spans 0x%" PRIx64 " bytes of memory",
                             size);
    pal.entry = header.entry;
    *out = pal;
    return true;
}
