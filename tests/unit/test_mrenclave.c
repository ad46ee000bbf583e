/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MRENCLAVE and the layout behind it. The values were computed by tests/e2e/sgx_oracle.py, which
 * shares nothing with the code under test, for the same files as are made here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "elf_maker.h"
#include "measure/layout.h"

#define MIB (UINT64_C(1) << 20)
#define MAX_MANIFEST 9000

static const struct elf_file files[] = {
    { "two",
      0x2400,
      0x1000,
      3,
      { { ELF_NOTE, ELF_R, 0x100, 0x100, 0x20, 0x20 },
        { ELF_LOAD, ELF_R | ELF_X, 0, 0, 0x1234, 0x1234 },
        { ELF_LOAD, ELF_R | ELF_W, 0x1e38, 0x2e38, 0x3a8, 0x1548 } } },
    /* Gaps, a segment that ends in the next page, and one that is nowhere in the file. */
    { "odd",
      0x3400,
      0x3010,
      4,
      { { ELF_LOAD, ELF_R, 0, 0, 0x300, 0x300 },
        { ELF_LOAD, ELF_R | ELF_X, 0x1000, 0x3000, 0x1001, 0x1001 },
        { ELF_LOAD, ELF_R | ELF_W, 0x2ff0, 0x6ff0, 0x10, 0x10 },
        { ELF_LOAD, ELF_W, 0x9999999, 0x9001, 0, 0x2345 } } },
    { "based",
      0x2000,
      0x40,
      2,
      { { ELF_LOAD, ELF_R | ELF_X, 0, 0x20000, 0x1345, 0x1345 },
        { ELF_LOAD, ELF_R | ELF_W, 0x1800, 0x22800, 0x100, 0x900 } } },
    /* Ends where the stacks of an enclave of 1 MiB and one thread begin. */
    { "touching", 0x2000, 0x40, 1, { { ELF_LOAD, ELF_R | ELF_X, 0, 0xa3000, 0x1345, 0x2000 } } },
    { "descending",
      0x2000,
      0x40,
      2,
      { { ELF_LOAD, ELF_R | ELF_W, 0x1010, 0x5010, 0x20, 0x20 },
        { ELF_LOAD, ELF_R | ELF_X, 0, 0, 0x1000, 0x1000 } } },
};

static const struct measure_case {
    const char *file;
    size_t manifest_len;
    uint64_t size;
    uint32_t threads;
    bool edmm;
    const char *after_tls, *mrenclave; /* SHA-256 */
} cases[] = {
    { "two", 100, 0x100000, 1, false,
      "6c3fea31374e36ac3dc8604f77182f0d08d703e0c9da8282a2e4cdc440ce1d7d",
      "adf6f3a0814447b57c8e08e5faa812e6b2327f6ca9ce0f3eb396fe4caf062377" },
    { "two", 0, 0x100000, 1, false,
      "5b6bab8f093d29ededc746b96b574d43dcaec7ca05383c99665ba878753532b8",
      "3de856105e655daa854780896c5a68f5306fda97a7629e58016f56a8510f1b52" },
    { "odd", 4095, 0x200000, 3, false,
      "23ccc5ca33ac3de6799c21fbe2b9a4c49a844fcd19591074d2e27b646226883e",
      "14fda65134343c2f92d130b2f8750a6e0c8e96b28f500bedad8edf70e6b17402" },
    { "odd", 4096, 0x200000, 3, false,
      "c0f45551fb4788883b9f9eee2714bd585c505be4e7a4f3172e125752c1bc2e6c",
      "a61f5eaf6f0a493b67ad7485fb04faa8c897ae09ace8851f6970641f32a8dc0a" },
    { "odd", 4096, 0x200000, 3, true,
      "c0f45551fb4788883b9f9eee2714bd585c505be4e7a4f3172e125752c1bc2e6c",
      "48c1549d5e3c0d5625c6f801593a227395a2068850f49c570bcaff43b8ee4b96" },
    { "based", 100, 0x100000, 1, false,
      "d8e656fe560058a7e81f898973dbd8109672f2332210ff7d255aa9db0209d318",
      "6a385b83bcb26ce6d3ba2aa951bca2f83b50623e5dd34cbe03198b07cf00ffc7" },
    { "based", 100, 0x100000, 1, true,
      "d8e656fe560058a7e81f898973dbd8109672f2332210ff7d255aa9db0209d318",
      "8c2367ef5bb9bbadd253aae5308c4a47753b75106b4f81cb02232f60a4ecf002" },
    { "touching", 100, 0x100000, 1, false,
      "e4273bb66f266d362953ea9b3ddc7798b6ac2e3c6250200164f508e8ec456143",
      "e48b1bf456020f6585105e5175ed8b2730ad385e87b955e489519448b525a8db" },
    { "descending", 9000, 0x400000, 2, false,
      "bf38113d75dc34dd45c5dd1991996db02ba59de488bb65317ad68cdee5cf6dd4",
      "27317eebeb222df4fe628234c691ee1965a75077fac86b40726d3ef1b597efe6" },
    { "two", 100, 0x2000000, 33, false,
      "00fdac82a22e26db996cd7f6e482e793cb556a6843c50c19d6968786258f8b95",
      "7ad55bf112e371da3e88d14b13386bc1737e2f0c292b2276e712068145a4d359" },
};

static void fill_manifest(uint8_t manifest[MAX_MANIFEST])
{
    for (size_t i = 0; i < MAX_MANIFEST; i++)
        manifest[i] = (uint8_t)(i * 13 + 5);
}

static const struct elf_file *find_file(const char *name)
{
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (strcmp(files[i].name, name) == 0)
            return &files[i];
    }
    fail_msg("no file %s", name);
    return NULL;
}

/* The result's file is owned by the caller: free. */
static uint8_t *load_pal(const char *name, struct mse_pal *pal)
{
    const struct elf_file *file = find_file(name);
    uint8_t *data = elf_make(file);
    struct mse_error err = { 0 };

    assert_true(mse_pal_parse((struct mse_bytes){ data, file->size }, pal, &err));
    return data;
}

static bool measure(const struct measure_case *c, uint8_t mrenclave[32],
                    struct mse_enclave_layout *layout)
{
    struct mse_enclave_settings settings = { .size = c->size,
                                             .max_threads = c->threads,
                                             .edmm = c->edmm };
    struct mse_error err = { 0 };
    uint8_t manifest[MAX_MANIFEST];
    struct mse_pal pal;
    uint8_t *data = load_pal(c->file, &pal);
    bool ok;

    fill_manifest(manifest);
    ok = mse_enclave_measure((struct mse_bytes){ manifest, c->manifest_len }, &pal, &settings,
                             mrenclave, layout, &err);
    free(data);
    return ok;
}

static void assert_hex(const uint8_t digest[32], const char *want)
{
    char text[65];

    mse_hex_write(digest, 32, text);
    assert_string_equal(text, want);
}

static void mrenclave_is_what_a_plain_computation_gives(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t mrenclave[32];

        assert_true(measure(&cases[i], mrenclave, NULL));
        assert_hex(mrenclave, cases[i].mrenclave);
    }
}

static void the_digest_after_each_area_is_that_of_the_stream(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_enclave_layout layout = { 0 };
        uint8_t mrenclave[32];

        assert_true(measure(&cases[i], mrenclave, &layout));
        assert_hex(mrenclave, cases[i].mrenclave);
        assert_string_equal(layout.areas[3].name, "tls");
        assert_hex(layout.areas[3].digest_after, cases[i].after_tls);
        assert_hex(layout.areas[layout.count - 1].digest_after, cases[i].mrenclave);
        mse_enclave_layout_cleanup(&layout);
        assert_null(layout.areas);
    }
}

/* An enclave of 1 MiB with one thread; addresses by hand from the sizes of the areas. */
static const struct {
    const char *name;
    uint64_t start, size, flags;
    bool measured;
} areas[] = {
    { "manifest", 0xff000, 0x1000, 0x201, true }, { "ssa", 0xf7000, 0x8000, 0x203, true },
    { "tcs", 0xf6000, 0x1000, 0x100, true },      { "tls", 0xf5000, 0x1000, 0x203, true },
    { "stack", 0xb5000, 0x40000, 0x203, true },   { "sig_stack", 0xa5000, 0x10000, 0x203, true },
    { "pal:code", 0x20000, 0x2000, 0x205, true }, { "pal:data", 0x22000, 0x2000, 0x203, true },
    { "free", 0x24000, 0x81000, 0x207, false },   { "free", 0x10000, 0x10000, 0x207, false },
};

static void areas_lie_one_below_the_other(void **state)
{
    const struct measure_case c = { "based", 100, MIB, 1, false, NULL, NULL };
    struct mse_enclave_layout layout = { 0 };
    uint8_t mrenclave[32];

    (void)state;
    assert_true(measure(&c, mrenclave, &layout));
    assert_int_equal(layout.count, sizeof(areas) / sizeof(areas[0]));
    for (size_t i = 0; i < layout.count; i++) {
        assert_string_equal(layout.areas[i].name, areas[i].name);
        assert_int_equal(layout.areas[i].start, areas[i].start);
        assert_int_equal(layout.areas[i].size, areas[i].size);
        assert_int_equal(layout.areas[i].flags, areas[i].flags);
        assert_int_equal(layout.areas[i].measured, areas[i].measured);
    }
    assert_int_equal(layout.pages_measured, 95);
    assert_int_equal(layout.pages_added, 256 - 16);
    assert_int_equal(layout.blocks, 1 + 81 * 95 + (240 - 95));
    mse_enclave_layout_cleanup(&layout);
}

/* All that the enclave's report or its signature has besides is no part of MRENCLAVE. */
static void other_settings_do_not_matter(void **state)
{
    struct mse_enclave_settings settings = { .size = MIB,
                                             .max_threads = 1,
                                             .debug = true,
                                             .use_exinfo = true,
                                             .isv_prod_id = 1,
                                             .isv_svn = 2,
                                             .avx = MSE_CPU_REQUIRED,
                                             .pkru = MSE_CPU_REQUIRED };
    struct mse_error err = { 0 };
    uint8_t manifest[MAX_MANIFEST], mrenclave[32];
    struct mse_pal pal;
    uint8_t *data = load_pal("two", &pal);

    (void)state;
    fill_manifest(manifest);
    assert_true(mse_enclave_measure((struct mse_bytes){ manifest, 100 }, &pal, &settings, mrenclave,
                                    NULL, &err));
    assert_hex(mrenclave, cases[0].mrenclave);
    free(data);
}

static const struct {
    const char *name, *file;
    size_t manifest_len;
    uint64_t size;
    uint32_t threads;
    enum mse_err_code want;
    const char *field;
} refusals[] = {
    { "no size", "two", 1, 0, 1, MSE_ERR_VALUE, "sgx.enclave_size" },
    { "no power of two", "two", 1, 3 * MIB, 1, MSE_ERR_VALUE, "sgx.enclave_size" },
    { "one off a power of two", "two", 1, MIB + 1, 1, MSE_ERR_VALUE, "sgx.enclave_size" },
    { "larger than any", "two", 1, UINT64_C(1) << 47, 1, MSE_ERR_LIMIT, "sgx.enclave_size" },
    { "largest number", "two", 1, UINT64_C(1) << 63, 1, MSE_ERR_LIMIT, "sgx.enclave_size" },
    { "no threads", "two", 1, MIB, 0, MSE_ERR_VALUE, "sgx.max_threads" },
    { "a thread too many", "two", 1, UINT64_C(1) << 40, 4097, MSE_ERR_VALUE, "sgx.max_threads" },
    { "all numbers of threads", "two", 1, UINT64_C(1) << 40, UINT32_MAX, MSE_ERR_VALUE,
      "sgx.max_threads" },
    { "a byte", "two", 1, 1, 1, MSE_ERR_VALUE, "sgx.enclave_size" },
    { "no room for the manifest", "two", 1, 0x10000, 1, MSE_ERR_VALUE, "sgx.enclave_size" },
    { "no room for the second thread's stack", "two", 1, MIB, 3, MSE_ERR_VALUE,
      "sgx.enclave_size" },
    { "no room for 4096 threads", "two", 1, UINT64_C(1) << 30, 4096, MSE_ERR_VALUE,
      "sgx.enclave_size" },
    { "manifest too long", "two", MSE_MANIFEST_MAX_SIZE + 1, UINT64_C(1) << 40, 1, MSE_ERR_LIMIT,
      "manifest" },
    { "PAL over the stacks", "touching", 5000, MIB, 1, MSE_ERR_VALUE, "libpal" },
    { "PAL above the enclave", "touching", 1, MIB / 2, 1, MSE_ERR_VALUE, "libpal" },
};

static void what_does_not_fit_is_refused_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        struct mse_enclave_settings settings = { .size = refusals[i].size,
                                                 .max_threads = refusals[i].threads };
        struct mse_enclave_layout layout = { 0 };
        struct mse_error err = { 0 };
        uint8_t manifest[MAX_MANIFEST] = { 0 };
        uint8_t mrenclave[32] = { 1 };
        struct mse_pal pal;
        uint8_t *data = load_pal(refusals[i].file, &pal);

        if (mse_enclave_measure((struct mse_bytes){ manifest, refusals[i].manifest_len }, &pal,
                                &settings, mrenclave, &layout, &err) ||
            err.code != refusals[i].want || strcmp(err.field, refusals[i].field) != 0)
            fail_msg("%s: %s, %s: %s", refusals[i].name, mse_err_name(err.code), err.field,
                     err.text);
        assert_true(mse_is_zero(mrenclave, sizeof(mrenclave)));
        assert_null(layout.areas);
        assert_int_equal(layout.count, 0);
        free(data);
    }
}

/* A PAL with one page at this place. */
static enum mse_err_code place(uint64_t vaddr, uint64_t memsz, uint64_t entry, uint64_t size)
{
    struct mse_enclave_settings settings = { .size = size, .max_threads = 1 };
    struct mse_pal pal = { .entry = entry, .segment_count = 1 };
    struct mse_enclave_plan plan;
    struct mse_error err = { 0 };

    pal.segments[0] = (struct mse_pal_segment){ .vaddr = vaddr, .memsz = memsz };
    if (!mse_enclave_plan_make(100, &pal, &settings, &plan, &err))
        assert_int_equal(plan.size, 0);
    return err.code;
}

static void a_pal_has_to_lie_between_heap_start_and_stacks(void **state)
{
    (void)state;
    assert_int_equal(place(0, 0x95000, 0, MIB), MSE_ERR_NONE); /* down to the lowest address */
    assert_int_equal(place(0, 0x95001, 0, MIB), MSE_ERR_VALUE);
    assert_int_equal(place(0x10000, 0x95000, 0, MIB), MSE_ERR_NONE);
    assert_int_equal(place(0x10000, 0x95001, 0, MIB), MSE_ERR_VALUE);
    assert_int_equal(place(0xf000, 1, 0, MIB), MSE_ERR_VALUE);
    assert_int_equal(place(0xa4fff, 1, 0, MIB), MSE_ERR_NONE);
    assert_int_equal(place(0xa5000, 1, 0, MIB), MSE_ERR_VALUE);
    assert_int_equal(place(MSE_ENCLAVE_MAX_SIZE, 0, 0, MIB), MSE_ERR_VALUE);
}

static void the_entry_point_has_to_be_in_the_enclave(void **state)
{
    (void)state;
    assert_int_equal(place(0x10000, 1, MIB - 0x10001, MIB), MSE_ERR_NONE);
    assert_int_equal(place(0x10000, 1, MIB - 0x10000, MIB), MSE_ERR_VALUE);
    assert_int_equal(place(0x10000, 1, UINT64_MAX, MIB), MSE_ERR_VALUE);
    assert_int_equal(place(0, 1, UINT64_MAX - 0xfff, MIB), MSE_ERR_VALUE);
}

static void the_smallest_enclave_has_no_free_memory(void **state)
{
    struct mse_enclave_settings settings = { .size = MIB, .max_threads = 1 };
    struct mse_pal pal = { .segment_count = 1 };
    struct mse_enclave_layout layout = { 0 };
    struct mse_error err = { 0 };
    uint8_t mrenclave[32];

    (void)state;
    pal.segments[0] = (struct mse_pal_segment){ .memsz = 0x95000 };
    assert_true(mse_enclave_measure((struct mse_bytes){ NULL, 0 }, &pal, &settings, mrenclave,
                                    &layout, &err));
    assert_string_equal(layout.areas[layout.count - 1].name, "pal:data");
    assert_int_equal(layout.areas[layout.count - 1].start, 0x10000);
    assert_int_equal(layout.pages_added, layout.pages_measured);
    mse_enclave_layout_cleanup(&layout);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mrenclave_is_what_a_plain_computation_gives),
        cmocka_unit_test(the_digest_after_each_area_is_that_of_the_stream),
        cmocka_unit_test(areas_lie_one_below_the_other),
        cmocka_unit_test(other_settings_do_not_matter),
        cmocka_unit_test(what_does_not_fit_is_refused_by_name),
        cmocka_unit_test(a_pal_has_to_lie_between_heap_start_and_stacks),
        cmocka_unit_test(the_entry_point_has_to_be_in_the_enclave),
        cmocka_unit_test(the_smallest_enclave_has_no_free_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
