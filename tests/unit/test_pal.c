/* SPDX-License-Identifier: Apache-2.0 */
/* The PAL's ELF file: what is read of it, and what is refused. Layout: System V ABI, chapter 4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "elf_maker.h"
#include "exact.h"
#include "measure/enclave.h"

#define FIRST_HEADER 64

static const struct elf_file plain = {
    .size = 0x2400,
    .entry = 0x1000,
    .count = 3,
    .segments = {
        { ELF_NOTE, ELF_R, 0x100, 0x100, 0x20, 0x20 },
        { ELF_LOAD, ELF_R | ELF_X, 0, 0, 0x1234, 0x1234 },
        { ELF_LOAD, ELF_R | ELF_W, 0x1e38, 0x2e38, 0x3a8, 0x1548 },
    },
};

static void loadable_segments_are_read_in_their_order(void **state)
{
    struct mse_error err = { 0 };
    struct mse_pal pal;
    uint8_t *data = elf_make(&plain);

    (void)state;
    assert_true(mse_pal_parse((struct mse_bytes){ data, plain.size }, &pal, &err));
    assert_int_equal(err.code, MSE_ERR_NONE);
    assert_int_equal(pal.segment_count, 2);
    assert_ptr_equal(pal.file.data, data);
    assert_int_equal(pal.entry, 0x1000);
    for (size_t i = 0; i < 2; i++) {
        const struct elf_segment *want = &plain.segments[i + 1];
        const struct mse_pal_segment *got = &pal.segments[i];

        assert_int_equal(got->flags, want->flags);
        assert_int_equal(got->vaddr, want->vaddr);
        assert_int_equal(got->memsz, want->memsz);
        assert_int_equal(got->filesz, want->filesz);
        assert_int_equal(got->offset, want->offset);
    }
    free(data);
}

/* No more of the file is needed than up to the last byte of the last segment. */
static void every_prefix_is_refused(void **state)
{
    const size_t needed = 0x1e38 + 0x3a8;
    uint8_t *data = elf_make(&plain);

    (void)state;
    for (size_t n = 0; n <= needed; n++) {
        struct mse_bytes cut = exact_copy((struct mse_bytes){ data, plain.size }, n);
        struct mse_error err = { 0 };
        struct mse_pal pal;

        assert_int_equal(mse_pal_parse(cut, &pal, &err), n == needed);
        if (n < needed) {
            assert_int_equal(err.code, n < 7 ? MSE_ERR_FORMAT : MSE_ERR_TRUNCATED);
            assert_int_equal(pal.segment_count, 0);
            assert_null(pal.file.data);
        }
        exact_free(cut);
    }
    free(data);
}

/* Sets a field of the header to a value. */
static const struct {
    const char *name;
    size_t at, width;
    uint64_t value;
    enum mse_err_code want;
    size_t offset;
} header_cases[] = {
    { "magic", 1, 1, 'e', MSE_ERR_FORMAT, 0 },
    { "32 bits", 4, 1, 1, MSE_ERR_FORMAT, 0 },
    { "big-endian", 5, 1, 2, MSE_ERR_FORMAT, 0 },
    { "version of the identification", 6, 1, 0, MSE_ERR_FORMAT, 0 },
    { "a program at a fixed place", 16, 2, 2, MSE_ERR_NONE, 0 },
    { "an object file", 16, 2, 1, MSE_ERR_UNSUPPORTED, 16 },
    { "a core file", 16, 2, 4, MSE_ERR_UNSUPPORTED, 16 },
    { "for another machine", 18, 2, 183, MSE_ERR_UNSUPPORTED, 16 },
    { "size of a program header", 54, 2, 64, MSE_ERR_VALUE, 54 },
    { "no program headers", 56, 2, 0, MSE_ERR_MISSING, 0 },
    { "only a note", 56, 2, 1, MSE_ERR_MISSING, 0 },
    { "more program headers than the field can say", 56, 2, 0xffff, MSE_ERR_LIMIT, 56 },
    { "more program headers than the file has room for", 56, 2, 1000, MSE_ERR_TRUNCATED, 9216 },
    { "program headers behind the end", 32, 8, 0x2401, MSE_ERR_TRUNCATED, 32 },
    { "program headers at the end", 32, 8, 0x2400, MSE_ERR_TRUNCATED, 0x2400 },
    { "program headers whose end wraps", 32, 8, UINT64_MAX - 8, MSE_ERR_TRUNCATED, 32 },
};

static void a_header_that_lies_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(header_cases) / sizeof(header_cases[0]); i++) {
        uint8_t *data = elf_make(&plain);
        struct mse_bytes in;
        struct mse_error err = { 0 };
        struct mse_pal pal;

        /* Bytes behind the headers that look like a note: what follows is not what is tested. */
        for (size_t at = FIRST_HEADER + 3 * 56; at + 56 <= plain.size; at += 56)
            elf_put(data + at, ELF_NOTE, 4);
        elf_put(data + header_cases[i].at, header_cases[i].value, header_cases[i].width);
        in = exact_copy((struct mse_bytes){ data, plain.size }, plain.size);
        if (mse_pal_parse(in, &pal, &err) != (header_cases[i].want == MSE_ERR_NONE) ||
            err.code != header_cases[i].want || err.offset != header_cases[i].offset)
            fail_msg("%s: %s at %zu", header_cases[i].name, mse_err_name(err.code), err.offset);
        exact_free(in);
        free(data);
    }
}

#define FAR (UINT64_C(1) << 46)
#define L ELF_LOAD, ELF_R
static const struct {
    const char *name;
    struct elf_segment segments[3];
    size_t count;
    enum mse_err_code want;
    size_t index; /* of the program header that the message points to */
} segment_cases[] = {
    { "size in the file larger than in memory",
      { { L, 0, 0, 0x101, 0x100 } },
      1,
      MSE_ERR_VALUE,
      0 },
    { "to the last byte of the file", { { L, 0x1000, 0, 0x1000, 0x1000 } }, 1, MSE_ERR_NONE, 0 },
    { "a byte past the end of the file",
      { { L, 0x1000, 0, 0x1001, 0x1001 } },
      1,
      MSE_ERR_TRUNCATED,
      0 },
    { "offset behind the end", { { L, 0x3000, 0, 1, 1 } }, 1, MSE_ERR_TRUNCATED, 0 },
    { "offset and size wrap",
      { { L, UINT64_MAX - 0xfff, 0, 0x1000, 0x1000 } },
      1,
      MSE_ERR_TRUNCATED,
      0 },
    { "size in the file wraps", { { L, 0x1000, 0, UINT64_MAX, UINT64_MAX } }, 1, MSE_ERR_LIMIT, 0 },
    { "offset behind the end, but nothing there", { { L, 0x3456, 0, 0, 1 } }, 1, MSE_ERR_NONE, 0 },
    { "place in the page differs", { { L, 0x10, 0x20, 0x100, 0x100 } }, 1, MSE_ERR_VALUE, 0 },
    { "memory larger than any PAL",
      { { L, 0, 0, 0, (UINT64_C(1) << 30) + 1 } },
      1,
      MSE_ERR_LIMIT,
      SIZE_MAX },
    { "memory as large as a PAL may be",
      { { L, 0, 0, 0, UINT64_C(1) << 30 } },
      1,
      MSE_ERR_NONE,
      0 },
    { "addresses far apart",
      { { L, 0, 0, 1, 1 }, { L, 0, FAR - 0x1000, 1, 1 } },
      2,
      MSE_ERR_LIMIT,
      SIZE_MAX },
    { "address beyond any enclave", { { L, 0, FAR + 1, 0, 0 } }, 1, MSE_ERR_LIMIT, 0 },
    { "address and memory wrap",
      { { L, 0, UINT64_MAX - 0xfff, 0x1000, 0x2000 } },
      1,
      MSE_ERR_LIMIT,
      0 },
    { "memory wraps", { { L, 0, 0x1000, 0x1000, UINT64_MAX - 0x100 } }, 1, MSE_ERR_LIMIT, 0 },
    { "the same page twice",
      { { L, 0, 0, 0x800, 0x800 }, { L, 0x800, 0x800, 1, 1 } },
      2,
      MSE_ERR_VALUE,
      1 },
    { "overlap by memory only",
      { { L, 0, 0, 1, 0x1001 }, { L, 0, 0x1000, 1, 1 } },
      2,
      MSE_ERR_VALUE,
      1 },
    { "overlap in falling order",
      { { L, 0, 0x1000, 1, 1 }, { L, 0, 0, 1, 0x1001 } },
      2,
      MSE_ERR_VALUE,
      1 },
    { "one within another",
      { { L, 0, 0, 1, 0x9000 }, { L, 0, 0x4000, 1, 1 } },
      2,
      MSE_ERR_VALUE,
      1 },
    { "side by side", { { L, 0, 0, 1, 0x1000 }, { L, 0, 0x1000, 1, 1 } }, 2, MSE_ERR_NONE, 0 },
    { "falling order", { { L, 0, 0x1000, 1, 1 }, { L, 0, 0, 1, 1 } }, 2, MSE_ERR_NONE, 0 },
    { "empty at the start of a page", { { L, 0, 0, 0, 0 } }, 1, MSE_ERR_MISSING, SIZE_MAX },
};

static void a_segment_that_lies_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(segment_cases) / sizeof(segment_cases[0]); i++) {
        struct elf_file file = { .size = 0x2000, .count = segment_cases[i].count };
        size_t at = segment_cases[i].want == MSE_ERR_NONE || segment_cases[i].index == SIZE_MAX
                        ? 0
                        : FIRST_HEADER + 56 * segment_cases[i].index;
        struct mse_error err = { 0 };
        struct mse_pal pal;
        struct mse_bytes in;
        uint8_t *data;

        memcpy(file.segments, segment_cases[i].segments, sizeof(segment_cases[i].segments));
        data = elf_make(&file);
        in = exact_copy((struct mse_bytes){ data, file.size }, file.size);
        if (mse_pal_parse(in, &pal, &err) != (segment_cases[i].want == MSE_ERR_NONE) ||
            err.code != segment_cases[i].want || err.offset != at)
            fail_msg("%s: %s at %zu", segment_cases[i].name, mse_err_name(err.code), err.offset);
        if (segment_cases[i].want != MSE_ERR_NONE)
            assert_int_equal(pal.segment_count, 0);
        exact_free(in);
        free(data);
    }
}

/* Many program headers, every one a page of its own. */
static uint8_t *many_segments(size_t count, size_t *size)
{
    uint8_t *data;

    *size = 64 + 56 * count;
    data = elf_make(&(struct elf_file){ .size = *size });
    elf_put(data + 56, count, 2);
    for (size_t i = 0; i < count; i++) {
        memset(data + 64 + 56 * i, 0, 56);
        elf_put(data + 64 + 56 * i, ELF_LOAD, 4);
        elf_put(data + 64 + 56 * i + 16, i * 4096, 8);
        elf_put(data + 64 + 56 * i + 40, 1, 8);
    }
    return data;
}

static void the_count_of_segments_has_a_limit(void **state)
{
    (void)state;
    for (size_t count = MSE_PAL_MAX_SEGMENTS; count <= MSE_PAL_MAX_SEGMENTS + 1; count++) {
        struct mse_error err = { 0 };
        struct mse_pal pal;
        size_t size;
        uint8_t *data = many_segments(count, &size);
        bool ok = mse_pal_parse((struct mse_bytes){ data, size }, &pal, &err);

        assert_int_equal(ok, count == MSE_PAL_MAX_SEGMENTS);
        assert_int_equal(err.code, ok ? MSE_ERR_NONE : MSE_ERR_LIMIT);
        free(data);
    }
}

static void a_file_that_is_too_long_is_not_looked_at(void **state)
{
    struct mse_error err = { 0 };
    struct mse_pal pal;
    uint8_t byte = 0;

    (void)state;
    assert_false(mse_pal_parse((struct mse_bytes){ &byte, MSE_PAL_MAX_SIZE + 1 }, &pal, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loadable_segments_are_read_in_their_order),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(a_header_that_lies_is_refused),
        cmocka_unit_test(a_segment_that_lies_is_refused),
        cmocka_unit_test(the_count_of_segments_has_a_limit),
        cmocka_unit_test(a_file_that_is_too_long_is_not_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
