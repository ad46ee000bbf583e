/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests: defaults of both rule sets, and changes to their tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "exact.h"
#include "measure/manifest.h"

static char *written(const struct mse_manifest *manifest)
{
    struct mse_writer w = { 0 };
    char *text;

    mse_manifest_write(manifest, &w);
    text = mse_writer_take_text(&w);
    assert_non_null(text);
    return text;
}

#define FEATURES_1_9                                                                               \
    "[sgx.cpu_features]\navx = \"unspecified\"\navx512 = \"unspecified\"\n"                        \
    "amx = \"unspecified\"\nmpx = \"disabled\"\npkru = \"disabled\"\n"
#define ENTRYPOINT "[loader.entrypoint]\nuri = \"file:/g/libsysdb.so\"\n"

/* clang-format off */
static const struct { enum mse_gramine rules; const char *in, *want; } defaults[] = {
    { MSE_GRAMINE_1_9, "",
      "[sgx]\ntrusted_files = []\nmax_threads = 4\nisvprodid = 0\nisvsvn = 0\n"
      "remote_attestation = \"none\"\ndebug = false\nenable_stats = false\nedmm_enable = false\n"
      "enclave_size = \"256M\"\nuse_exinfo = false\n\n" FEATURES_1_9 "\n" ENTRYPOINT },
    { MSE_GRAMINE_1_5, "",
      "[sgx]\ntrusted_files = []\nmax_threads = 4\nisvprodid = 0\nisvsvn = 0\n"
      "remote_attestation = \"none\"\ndebug = false\nrequire_avx = false\nrequire_avx512 = false\n"
      "require_mpx = false\nrequire_pkru = false\nrequire_amx = false\nrequire_exinfo = false\n"
      "enable_stats = false\nedmm_enable = false\nenclave_size = \"256M\"\n" },
    /* what is there keeps its place and its value, whatever that is */
    { MSE_GRAMINE_1_9,
      "loader.log_level = 'error'\nsgx.cpu_features.pkru = 'required'\nsgx.other = 1\n"
      "sgx.debug = true\nsgx.isvsvn = 'x'\n",
      "[loader]\nlog_level = \"error\"\n\n" ENTRYPOINT "\n"
      "[sgx]\nother = 1\ndebug = true\nisvsvn = \"x\"\ntrusted_files = []\nmax_threads = 4\n"
      "isvprodid = 0\nremote_attestation = \"none\"\nenable_stats = false\nedmm_enable = false\n"
      "enclave_size = \"256M\"\nuse_exinfo = false\n\n[sgx.cpu_features]\npkru = \"required\"\n"
      "avx = \"unspecified\"\navx512 = \"unspecified\"\namx = \"unspecified\"\n"
      "mpx = \"disabled\"\n" },
    /* strings in trusted_files become tables */
    { MSE_GRAMINE_1_5,
      "loader.entrypoint = 'file:libsysdb.so'\nsgx.nonpie_binary = true\n"
      "sgx.trusted_files = ['file:a', { uri = 'file:b', sha256 = 'x' }, 'file:c/']\n"
      "sgx.edmm_enable = true\n",
      "[loader]\nentrypoint = \"file:libsysdb.so\"\n\n[sgx]\nnonpie_binary = true\n"
      "trusted_files = [\n    { uri = \"file:a\" },\n    { uri = \"file:b\", sha256 = \"x\" },\n"
      "    { uri = \"file:c/\" },\n]\nedmm_enable = true\nmax_threads = 4\nisvprodid = 0\n"
      "isvsvn = 0\nremote_attestation = \"none\"\ndebug = false\nrequire_avx = false\n"
      "require_avx512 = false\nrequire_mpx = false\nrequire_pkru = false\nrequire_amx = false\n"
      "require_exinfo = false\nenable_stats = false\nenclave_size = \"1024G\"\n" },
    { MSE_GRAMINE_1_9,
      "sgx.edmm_enable = true\nsgx.enclave_size = '1G'\nsgx.trusted_files = []\n"
      "sgx.max_threads = 1\nsgx.isvprodid = 1\nsgx.isvsvn = 1\nsgx.remote_attestation = 'dcap'\n"
      "sgx.debug = false\nsgx.enable_stats = true\nsgx.use_exinfo = true\n"
      "loader.entrypoint = { sha256 = 'y' }\n",
      "[sgx]\nedmm_enable = true\nenclave_size = \"1G\"\ntrusted_files = []\nmax_threads = 1\n"
      "isvprodid = 1\nisvsvn = 1\nremote_attestation = \"dcap\"\ndebug = false\n"
      "enable_stats = true\nuse_exinfo = true\n\n" FEATURES_1_9 "\n[loader.entrypoint]\n"
      "sha256 = \"y\"\nuri = \"file:/g/libsysdb.so\"\n" },
};
/* clang-format on */

static void defaults_are_appended_in_their_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
        for (int pass = 0; pass < 2; pass++) { /* the second changes nothing */
            struct mse_manifest manifest;
            struct mse_error err = { 0 };
            const char *in = pass == 0 ? defaults[i].in : defaults[i].want;
            char *text;

            assert_true(mse_manifest_parse(MSE_CSTR_BYTES(in), defaults[i].rules, &manifest, &err));
            assert_true(mse_manifest_add_defaults(&manifest, "/g/libsysdb.so", &err));
            text = written(&manifest);
            assert_string_equal(text, defaults[i].want);
            free(text);
            mse_manifest_cleanup(&manifest);
        }
    }
}

/* clang-format off */
static const struct { enum mse_gramine rules; const char *in; enum mse_err_code code; } refused[] = {
    { MSE_GRAMINE_1_9, "sgx = 1", MSE_ERR_VALUE },
    { MSE_GRAMINE_1_9, "sgx = [{}]", MSE_ERR_VALUE },
    { MSE_GRAMINE_1_9, "loader = 1", MSE_ERR_VALUE },
    { MSE_GRAMINE_1_9, "loader.entrypoint = 'file:x'", MSE_ERR_VALUE },
    { MSE_GRAMINE_1_9, "sgx.cpu_features = 1", MSE_ERR_VALUE },
    { MSE_GRAMINE_1_9, "sgx.edmm_enable = 1", MSE_ERR_VALUE },
    { MSE_GRAMINE_1_9, "sgx.trusted_files = 'file:x'", MSE_ERR_VALUE },
    { MSE_GRAMINE_1_9, "sgx.trusted_files.x = 'file:x'", MSE_ERR_VALUE },
    { MSE_GRAMINE_1_5, "sgx.trusted_files = [1]", MSE_ERR_VALUE },
    { MSE_GRAMINE_1_5, "sgx.trusted_files = [{}]", MSE_ERR_VALUE },
    { MSE_GRAMINE_1_5, "sgx.trusted_files = [{ uri = 1 }]", MSE_ERR_VALUE },
    { MSE_GRAMINE_1_5, "sgx.trusted_files = [['file:x']]", MSE_ERR_VALUE },
    { MSE_GRAMINE_1_9, "", MSE_ERR_MISSING }, /* where is libsysdb.so? */
};
/* clang-format on */

static void wrong_types_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct mse_manifest manifest;
        struct mse_error err = { 0 };
        const char *libos = refused[i].code == MSE_ERR_MISSING ? NULL : "/g/libsysdb.so";

        assert_true(
            mse_manifest_parse(MSE_CSTR_BYTES(refused[i].in), refused[i].rules, &manifest, &err));
        if (mse_manifest_add_defaults(&manifest, libos, &err) || err.code != refused[i].code)
            fail_msg("%s: %d", refused[i].in, (int)err.code);
        mse_manifest_cleanup(&manifest);
    }
}

static void without_a_path_the_text_must_name_the_entrypoint(void **state)
{
    struct mse_manifest manifest;
    struct mse_error err = { 0 };

    (void)state;
    assert_true(mse_manifest_parse(MSE_CSTR_BYTES("loader.entrypoint.uri = 'file:x'"),
                                   MSE_GRAMINE_1_9, &manifest, &err));
    assert_true(mse_manifest_add_defaults(&manifest, NULL, &err));
    mse_manifest_cleanup(&manifest);
    assert_true(mse_manifest_parse(MSE_CSTR_BYTES(""), MSE_GRAMINE_1_5, &manifest, &err));
    assert_true(mse_manifest_add_defaults(&manifest, NULL, &err));
    mse_manifest_cleanup(&manifest);
}

static void members_are_appended_or_replaced_in_place(void **state)
{
    struct mse_manifest manifest;
    struct mse_error err = { 0 };
    struct mse_toml_value *root, *array;
    char *text;

    (void)state;
    assert_true(mse_manifest_parse(MSE_CSTR_BYTES("a = 1\nb = [1, 2]\nc = 'x'\n[t]\nu = {}\n"),
                                   MSE_GRAMINE_1_9, &manifest, &err));
    root = manifest.root;
    assert_non_null(mse_manifest_put_text(root, "b", "two\n\"quoted\""));
    assert_non_null(mse_manifest_put_integer(root, "c", -3));
    assert_non_null(mse_manifest_put_boolean(root, "d e", true));
    assert_non_null(mse_manifest_put_boolean(mse_manifest_table(root, "t"), "v", false));
    assert_non_null(mse_manifest_table(mse_manifest_table(root, "t"), "w"));
    array = mse_manifest_put_array(root, "a");
    assert_non_null(mse_manifest_append_text(array, "x"));
    assert_non_null(mse_manifest_put_text(mse_manifest_append_table(array), "uri", "file:y"));
    assert_non_null(mse_manifest_table(root, "c")); /* what is no table becomes one */
    text = written(&manifest);
    assert_string_equal(text, "a = [\n    \"x\",\n    { uri = \"file:y\" },\n]\n"
                              "b = \"two\\n\\\"quoted\\\"\"\n\"d e\" = true\n\n"
                              "[c]\n\n[t]\nv = false\n\n[t.u]\n\n[t.w]\n");
    free(text);
    assert_ptr_equal(mse_manifest_member(root, "a"), array);
    assert_ptr_equal(mse_toml_member(root, "d e"), mse_manifest_member(root, "d e"));
    assert_null(mse_manifest_member(root, "missing"));
    assert_null(mse_manifest_member(array, "x"));
    mse_manifest_cleanup(&manifest);
}

/* Long lists are made and looked through without a walk for each: this ends at once. */
static void many_members_are_found_by_name(void **state)
{
    enum { COUNT = 50000 };
    struct mse_manifest manifest;
    struct mse_error err = { 0 };
    struct mse_toml_value *table, *array;
    char name[32];

    (void)state;
    assert_true(mse_manifest_parse(MSE_CSTR_BYTES(""), MSE_GRAMINE_1_9, &manifest, &err));
    table = mse_manifest_table(manifest.root, "t");
    array = mse_manifest_put_array(manifest.root, "a");
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(name, sizeof(name), "key %d", i);
        assert_non_null(mse_manifest_put_integer(table, name, i));
        assert_non_null(mse_manifest_append_text(array, name));
    }
    assert_int_equal(table->count, COUNT);
    assert_int_equal(array->count, COUNT);
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(name, sizeof(name), "key %d", i);
        assert_int_equal(mse_toml_member(table, name)->integer, i);
    }
    mse_manifest_cleanup(&manifest);
}

static void a_manifest_can_be_deep_only_as_its_reader_allows(void **state)
{
    struct mse_manifest manifest;
    struct mse_error err = { 0 };
    struct mse_toml_value *table;
    size_t depth = 0;
    char *text;

    (void)state;
    assert_true(mse_manifest_parse(MSE_CSTR_BYTES(""), MSE_GRAMINE_1_9, &manifest, &err));
    for (table = manifest.root; table != NULL; depth++)
        table = mse_manifest_table(table, "x");
    assert_int_equal(depth, MSE_TOML_DEPTH + 1);
    text = written(&manifest);
    mse_manifest_cleanup(&manifest);
    assert_true(mse_manifest_parse(MSE_CSTR_BYTES(text), MSE_GRAMINE_1_9, &manifest, &err));
    mse_manifest_cleanup(&manifest);
    free(text);
}

static void every_prefix_is_read_or_refused(void **state)
{
    static const char whole[] =
        "sgx.trusted_files = ['file:a', { uri = 'b' }]\n[loader]\nx = 1.5\n";

    (void)state;
    for (size_t n = 0; n < sizeof(whole); n++) {
        struct mse_bytes in = exact_copy(MSE_CSTR_BYTES(whole), n);
        struct mse_manifest manifest;
        struct mse_error err = { 0 };

        if (mse_manifest_parse(in, MSE_GRAMINE_1_9, &manifest, &err)) {
            if (mse_manifest_add_defaults(&manifest, "/g/libsysdb.so", &err))
                free(written(&manifest));
        } else {
            assert_null(manifest.root);
            assert_int_equal(err.code, MSE_ERR_FORMAT);
        }
        mse_manifest_cleanup(&manifest);
        exact_free(in);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_appended_in_their_order),
        cmocka_unit_test(wrong_types_are_refused),
        cmocka_unit_test(without_a_path_the_text_must_name_the_entrypoint),
        cmocka_unit_test(members_are_appended_or_replaced_in_place),
        cmocka_unit_test(many_members_are_found_by_name),
        cmocka_unit_test(a_manifest_can_be_deep_only_as_its_reader_allows),
        cmocka_unit_test(every_prefix_is_read_or_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
