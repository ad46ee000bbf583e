/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: what of a manifest steers the measurement and the signature. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "measure/manifest.h"

static bool read(const char *text, enum mse_gramine rules, struct mse_enclave_settings *out,
                 struct mse_error *err)
{
    struct mse_manifest manifest;
    bool ok;

    *err = (struct mse_error){ 0 };
    assert_true(mse_manifest_parse(MSE_CSTR_BYTES(text), rules, &manifest, err));
    ok = mse_manifest_settings(&manifest, out, err);
    mse_manifest_cleanup(&manifest);
    return ok;
}

/* clang-format off */
static const struct { const char *in; uint64_t want; } sizes[] = {
    { "0", 0 }, { "1", 1 }, { "8G", UINT64_C(8) << 30 }, { "8192M", UINT64_C(8) << 30 },
    { "64K", 65536 }, { "0x10000000", 0x10000000 }, { "0X1fK", 31 << 10 }, { "0b11", 3 },
    { "0o17M", 15 << 20 }, { "18446744073709551615", UINT64_MAX },
    { "17179869183G", UINT64_C(17179869183) << 30 },
};
static const struct { const char *in; enum mse_err_code code; } bad_sizes[] = {
    { "", MSE_ERR_VALUE }, { "G", MSE_ERR_VALUE }, { "8g", MSE_ERR_VALUE }, { "8 G", MSE_ERR_VALUE },
    { "8GG", MSE_ERR_VALUE }, { "8GB", MSE_ERR_VALUE }, { "-8G", MSE_ERR_VALUE },
    { "+8G", MSE_ERR_VALUE }, { "1.5G", MSE_ERR_VALUE }, { "010", MSE_ERR_VALUE },
    { "0x", MSE_ERR_VALUE }, { "0xG", MSE_ERR_VALUE }, { "x10", MSE_ERR_VALUE },
    { "8T", MSE_ERR_VALUE }, { "1a", MSE_ERR_VALUE }, { "0b12", MSE_ERR_VALUE },
    { "00", MSE_ERR_VALUE }, { " 8", MSE_ERR_VALUE }, { "8 ", MSE_ERR_VALUE },
    { "18446744073709551616", MSE_ERR_LIMIT }, { "17179869184G", MSE_ERR_LIMIT },
    { "99999999999999999999999999", MSE_ERR_LIMIT },
};
/* clang-format on */

static void sizes_are_integers_with_a_suffix_or_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct mse_error err = { 0 };
        uint64_t size = 99;

        assert_true(mse_manifest_size_read(sizes[i].in, &size, &err));
        assert_int_equal(size, sizes[i].want);
    }
    for (size_t i = 0; i < sizeof(bad_sizes) / sizeof(bad_sizes[0]); i++) {
        struct mse_error err = { 0 };
        uint64_t size = 99;

        if (mse_manifest_size_read(bad_sizes[i].in, &size, &err) || err.code != bad_sizes[i].code)
            fail_msg("%s: %d", bad_sizes[i].in, (int)err.code);
        assert_int_equal(size, 0);
    }
}

static void what_is_absent_has_its_default(void **state)
{
    struct mse_enclave_settings s;
    struct mse_error err;

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_true(read(i == 0 ? "" : "[sgx]", MSE_GRAMINE_1_9, &s, &err));
        assert_int_equal(s.size, UINT64_C(256) << 20);
        assert_int_equal(s.max_threads, 4);
        assert_false(s.edmm || s.debug || s.use_exinfo || s.fixed_xfrm_mask);
        assert_true(s.isv_prod_id == 0 && s.isv_svn == 0);
        assert_true(s.avx == MSE_CPU_UNSPECIFIED && s.avx512 == MSE_CPU_UNSPECIFIED &&
                    s.amx == MSE_CPU_UNSPECIFIED);
        assert_true(s.mpx == MSE_CPU_DISABLED && s.pkru == MSE_CPU_DISABLED);
    }
    assert_true(read("sgx.edmm_enable = true", MSE_GRAMINE_1_9, &s, &err));
    assert_int_equal(s.size, UINT64_C(1024) << 30);
    assert_true(s.edmm);
    assert_true(read("", MSE_GRAMINE_1_5, &s, &err));
    assert_true(s.fixed_xfrm_mask);
    assert_true(s.mpx == MSE_CPU_UNSPECIFIED && s.pkru == MSE_CPU_UNSPECIFIED);
}

static void what_is_there_is_read(void **state)
{
    struct mse_enclave_settings s;
    struct mse_error err;

    (void)state;
    assert_true(read("[sgx]\nenclave_size = '8G'\nmax_threads = 256\ndebug = true\n"
                     "isvprodid = 65535\nisvsvn = 10\nuse_exinfo = true\n[sgx.cpu_features]\n"
                     "avx = 'required'\navx512 = 'disabled'\namx = 'unspecified'\n"
                     "mpx = 'required'\npkru = 'disabled'\n",
                     MSE_GRAMINE_1_9, &s, &err));
    assert_int_equal(s.size, UINT64_C(8) << 30);
    assert_int_equal(s.max_threads, 256);
    assert_true(s.debug && s.use_exinfo && !s.edmm);
    assert_int_equal(s.isv_prod_id, 65535);
    assert_int_equal(s.isv_svn, 10);
    assert_true(s.avx == MSE_CPU_REQUIRED && s.avx512 == MSE_CPU_DISABLED &&
                s.amx == MSE_CPU_UNSPECIFIED && s.mpx == MSE_CPU_REQUIRED &&
                s.pkru == MSE_CPU_DISABLED);
    assert_true(read("[sgx]\nrequire_avx = true\nrequire_pkru = true\nrequire_exinfo = true\n"
                     "require_avx512 = false\n",
                     MSE_GRAMINE_1_5, &s, &err));
    assert_true(s.avx == MSE_CPU_REQUIRED && s.avx512 == MSE_CPU_UNSPECIFIED &&
                s.amx == MSE_CPU_UNSPECIFIED && s.mpx == MSE_CPU_UNSPECIFIED &&
                s.pkru == MSE_CPU_REQUIRED && s.use_exinfo);
    /* each rule set reads its own keys only */
    assert_true(
        read("[sgx]\nrequire_avx = true\nrequire_exinfo = true\n", MSE_GRAMINE_1_9, &s, &err));
    assert_true(s.avx == MSE_CPU_UNSPECIFIED && !s.use_exinfo);
}

/* clang-format off */
static const struct { enum mse_gramine rules; const char *in; const char *field; } refused[] = {
    { MSE_GRAMINE_1_9, "sgx = 1", "sgx" },
    { MSE_GRAMINE_1_9, "sgx.enclave_size = 1", "sgx: enclave_size" },
    { MSE_GRAMINE_1_9, "sgx.enclave_size = '3G'", "sgx: enclave_size" },
    { MSE_GRAMINE_1_9, "sgx.enclave_size = '0'", "sgx: enclave_size" },
    { MSE_GRAMINE_1_9, "sgx.enclave_size = '32K'", "sgx: enclave_size" },
    { MSE_GRAMINE_1_9, "sgx.enclave_size = '131072G'", "sgx: enclave_size" },
    { MSE_GRAMINE_1_9, "sgx.enclave_size = '8g'", "sgx.enclave_size: size" },
    { MSE_GRAMINE_1_9, "sgx.max_threads = 0", "sgx: max_threads" },
    { MSE_GRAMINE_1_9, "sgx.max_threads = -1", "sgx: max_threads" },
    { MSE_GRAMINE_1_9, "sgx.max_threads = 4097", "sgx: max_threads" },
    { MSE_GRAMINE_1_9, "sgx.max_threads = 4294967297", "sgx: max_threads" },
    { MSE_GRAMINE_1_9, "sgx.max_threads = '4'", "sgx: max_threads" },
    { MSE_GRAMINE_1_9, "sgx.isvprodid = 65536", "sgx: isvprodid" },
    { MSE_GRAMINE_1_9, "sgx.isvsvn = -1", "sgx: isvsvn" },
    { MSE_GRAMINE_1_9, "sgx.isvsvn = 1.0", "sgx: isvsvn" },
    { MSE_GRAMINE_1_9, "sgx.debug = 1", "sgx: debug" },
    { MSE_GRAMINE_1_9, "sgx.edmm_enable = 'true'", "sgx: edmm_enable" },
    { MSE_GRAMINE_1_9, "sgx.use_exinfo = 0", "sgx: use_exinfo" },
    { MSE_GRAMINE_1_9, "sgx.cpu_features = 1", "sgx: cpu_features" },
    { MSE_GRAMINE_1_9, "sgx.cpu_features.avx = true", "sgx.cpu_features: avx" },
    { MSE_GRAMINE_1_9, "sgx.cpu_features.amx = 'on'", "sgx.cpu_features: amx" },
    { MSE_GRAMINE_1_9, "sgx.cpu_features.mpx = 'unspecified'", "sgx.cpu_features: mpx" },
    { MSE_GRAMINE_1_5, "sgx.require_avx = 1", "sgx: require_avx" },
    { MSE_GRAMINE_1_5, "sgx.require_exinfo = 'x'", "sgx: require_exinfo" },
};
/* clang-format on */

static void what_cannot_be_is_refused(void **state)
{
    static const struct mse_enclave_settings zero = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct mse_enclave_settings s;
        struct mse_error err;

        memset(&s, 0xff, sizeof(s));
        if (read(refused[i].in, refused[i].rules, &s, &err) || err.code != MSE_ERR_VALUE ||
            strcmp(err.field, refused[i].field) != 0)
            fail_msg("%s: %d %s", refused[i].in, (int)err.code, err.field);
        assert_true(s.size == zero.size && s.max_threads == 0 && !s.debug);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_integers_with_a_suffix_or_none),
        cmocka_unit_test(what_is_absent_has_its_default),
        cmocka_unit_test(what_is_there_is_read),
        cmocka_unit_test(what_cannot_be_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
