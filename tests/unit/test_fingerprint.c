/* SPDX-License-Identifier: Apache-2.0 */
/* Fingerprints of all kinds of TEE. Expected values are those of a Python program with hashlib. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "crypto/hash.h"
#include "measure/fingerprint.h"

/* Two segments; what lies around them is not zero, so that measuring it would be seen. */
#define LOADER_SIZE 10496
static uint8_t loader[LOADER_SIZE];
static const uint8_t elf_header[] = {
    0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0,  0, 0,  0, 0, 0, 0, 0, 3, 0, 62, 0, 1, 0,
    0,    0,   64,  0,   0, 0, 0, 0, 0,  0, 64, 0, 0, 0, 0, 0, 0, 0, 0,  0, 0, 0,
    0,    0,   0,   0,   0, 0, 0, 0, 64, 0, 56, 0, 2, 0, 0, 0, 0, 0, 0,  0,
};
static const uint32_t program_headers[2][14] = {
    { 1, 5, 0x1000, 0, 0, 0, 0, 0, 0x180, 0, 0x200, 0, 0x1000, 0 },
    { 1, 6, 0x2000, 0, 0x1000, 0, 0x1000, 0, 0x900, 0, 0x1800, 0, 0x1000, 0 },
};
#define LOADER_HASH "368861a97131ea039ec6f133c05ba9cd3411dfa0b3e66400a12bd03fb08aa1c3"

static const char sim_json[] =
    "{\"files\":[{\"path\":\"/usr/bin/mse-enclave\",\"sha256\":\"" LOADER_HASH "\"},"
    "{\"path\":\"/usr/bin/python3\",\"sha256\":"
    "\"11a4a60b518bf24989d481468076e5d5982884626aed9faeb35b8576fcd223e1\"},"
    "{\"path\":\"/usr/lib/a \\\"b\\\" \\\\ \xc3\xa9.py\",\"sha256\":"
    "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}],"
    "\"format\":\"mse-runtime-v1\",\"loader\":{\"path\":\"/usr/bin/mse-enclave\",\"sha256\":"
    "\"" LOADER_HASH "\"},\"name\":\"debian-python\",\"tee\":\"sim\",\"version\":\"12.1\"}";
#define SIM_HASH "bb544d699c5d17109938161179067347b630c9bce81cfe092c708d4d51dcb750"

#define EF4 "efefefefefefefef"
#define CD4 "cdcdcdcdcdcdcdcd"
#define AB4 "abababababababab"
static const char sgx_json[] =
    "{\"files\":[{\"path\":\"/bin/x-mse-enclave\",\"sha256\":\"" EF4 EF4 EF4 EF4 "\"},"
    "{\"path\":\"/usr/bin/mse-enclave\",\"sha256\":\"" CD4 CD4 CD4 CD4 "\"},"
    "{\"path\":\"/usr/lib/gramine/libpal.so\",\"sha256\":\"" LOADER_HASH "\"},"
    "{\"path\":\"/usr/lib/gramine/libsysdb.so\",\"sha256\":\"" AB4 AB4 AB4 AB4 "\"}],"
    "\"format\":\"mse-runtime-v1\",\"loader\":{\"path\":\"/usr/lib/gramine/libpal.so\","
    "\"sha256\":\"" LOADER_HASH "\"},\"name\":\"gramine\",\"tee\":\"sgx\",\"version\":\"1.9\"}";

static const char sim_manifest[] =
    "[libos]\n"
    "entrypoint = \"/usr/bin/mse-enclave\"\n"
    "\n"
    "[loader]\n"
    "log_level = \"error\"\n"
    "argv = [\n"
    "    \"mse-enclave\",\n"
    "    \"format=1\",\n"
    "    \"tree=1111111111111111111111111111111111111111111111111111111111111111\",\n"
    "    \"owner=2222222222222222222222222222222222222222222222222222222222222222\",\n"
    "    \"cert=self\",\n"
    "    \"health=/health\",\n"
    "    \"memory=64\",\n"
    "    \"threads=4\",\n"
    "    \"unsigned=no\",\n"
    "    \"isolation=process\",\n"
    "    \"runtime=bb544d699c5d17109938161179067347b630c9bce81cfe092c708d4d51dcb750\",\n"
    "    \"python=app:app\",\n"
    "]\n"
    "\n"
    "[loader.entrypoint]\n"
    "uri = \"file:/usr/bin/mse-enclave\"\n"
    "sha256 = \"368861a97131ea039ec6f133c05ba9cd3411dfa0b3e66400a12bd03fb08aa1c3\"\n"
    "\n"
    "[loader.env]\n"
    "HOME = \"/tmp\"\n"
    "LANG = \"C.UTF-8\"\n"
    "LD_LIBRARY_PATH = \"/usr/lib/x86_64-linux-gnu/gramine/runtime/glibc:/usr/local/lib/x86_6"
    "4-linux-gnu/gramine/runtime/glibc:/usr/local/lib:/usr/lib/x86_64-linux-gnu:/lib/x86_64-l"
    "inux-gnu\"\n"
    "MALLOC_ARENA_MAX = \"1\"\n"
    "PATH = \"/usr/local/bin:/usr/bin:/bin\"\n"
    "PYTHONDONTWRITEBYTECODE = \"1\"\n"
    "\n"
    "[fs]\n"
    "start_dir = \"/\"\n"
    "\n"
    "[[fs.mounts]]\n"
    "type = \"tmpfs\"\n"
    "path = \"/tmp\"\n"
    "\n"
    "[[fs.mounts]]\n"
    "type = \"encrypted\"\n"
    "path = \"/mse-app\"\n"
    "uri = \"file:/mse/app\"\n"
    "key_name = \"_sgx_mrenclave\"\n"
    "\n"
    "[[fs.mounts]]\n"
    "type = \"encrypted\"\n"
    "path = \"/mse-state\"\n"
    "uri = \"file:/mse/state\"\n"
    "key_name = \"_sgx_mrenclave\"\n"
    "\n"
    "[fs.root]\n"
    "type = \"chroot\"\n"
    "uri = \"file:/\"\n"
    "\n"
    "[sys]\n"
    "enable_extra_runtime_domain_names_conf = true\n"
    "enable_sigterm_injection = true\n"
    "\n"
    "[sgx]\n"
    "allowed_files = [\n"
    "    \"file:/mse/instance.json\",\n"
    "    \"file:/mse/package.tar\",\n"
    "]\n"
    "max_threads = 4\n"
    "isvprodid = 1\n"
    "isvsvn = 1\n"
    "remote_attestation = \"dcap\"\n"
    "debug = false\n"
    "enable_stats = false\n"
    "edmm_enable = false\n"
    "enclave_size = \"64M\"\n"
    "use_exinfo = false\n"
    "\n"
    "[[sgx.trusted_files]]\n"
    "uri = \"file:/usr/bin/mse-enclave\"\n"
    "sha256 = \"368861a97131ea039ec6f133c05ba9cd3411dfa0b3e66400a12bd03fb08aa1c3\"\n"
    "\n"
    "[[sgx.trusted_files]]\n"
    "uri = \"file:/usr/bin/python3\"\n"
    "sha256 = \"11a4a60b518bf24989d481468076e5d5982884626aed9faeb35b8576fcd223e1\"\n"
    "\n"
    "[[sgx.trusted_files]]\n"
    "uri = \"file:/usr/lib/a \\\"b\\\" \\\\ \xc3\xa9.py\"\n"
    "sha256 = \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"\n"
    "\n"
    "[sgx.cpu_features]\n"
    "avx = \"unspecified\"\n"
    "avx512 = \"unspecified\"\n"
    "amx = \"unspecified\"\n"
    "mpx = \"disabled\"\n"
    "pkru = \"disabled\"\n";

static int make_loader(void **state)
{
    uint8_t *at = loader + sizeof(elf_header);

    (void)state;
    memset(loader, 0xee, sizeof(loader));
    memcpy(loader, elf_header, sizeof(elf_header));
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < 14; k++)
            for (size_t n = 0; n < 4; n++)
                *at++ = (uint8_t)(program_headers[i][k] >> (8 * n));
    }
    memset(loader + 0x1000, 0x55, 0x180);
    memset(loader + 0x2000, 0x66, 0x900);
    return 0;
}

static struct mse_runtime read_runtime(const char *json)
{
    struct mse_runtime runtime;
    struct mse_error err = { 0 };

    assert_true(mse_runtime_parse(MSE_CSTR_BYTES(json), &runtime, &err));
    return runtime;
}

static struct mse_app_manifest python_app(const struct mse_runtime *runtime)
{
    struct mse_app_manifest app = { .health = "/health", .memory = 64, .threads = 4 };

    memset(app.tree, 0x11, 32);
    memset(app.owner, 0x22, 32);
    memcpy(app.runtime, runtime->sha256, 32);
    app.python = "app:app";
    return app;
}

static struct mse_app_manifest command_app(const struct mse_runtime *runtime)
{
    struct mse_app_manifest app = python_app(runtime);

    app.cert = MSE_APP_CERT_OWNER;
    app.health = "/";
    app.threads = 1;
    app.unsigned_config = true;
    app.isolation = MSE_APP_ISOLATION_NONE;
    app.python = NULL;
    app.command[0] = "/usr/bin/env";
    app.command[1] = "";
    app.command[2] = "say \"hi\" \\ \xc3\xa9";
    app.command_count = 3;
    return app;
}

static void assert_hex(const uint8_t *data, size_t len, const char *want)
{
    char hex[97];

    mse_hex_write(data, len, hex);
    assert_string_equal(hex, want);
}

static void the_manifest_is_this_text(void **state)
{
    struct mse_runtime sim = read_runtime(sim_json), sgx = read_runtime(sgx_json);
    struct mse_app_manifest app = python_app(&sim);
    struct mse_writer out = { 0 };
    struct mse_error err = { 0 };
    uint8_t digest[32];

    (void)state;
    assert_hex(sim.sha256, 32, SIM_HASH);
    assert_true(mse_fingerprint_manifest(&sim, &app, &out, &err));
    assert_int_equal(out.len, strlen(sim_manifest));
    assert_memory_equal(out.data, sim_manifest, out.len);
    mse_writer_cleanup(&out);

    out = (struct mse_writer){ 0 };
    app = command_app(&sgx);
    assert_true(mse_fingerprint_manifest(&sgx, &app, &out, &err));
    mse_sha256(mse_writer_bytes(&out), digest);
    assert_hex(digest, 32, "462d6541d32811bdfb46ea7abe3b6d11e70c5d9660143fe6c3680bbbeca1eb2e");
    mse_writer_cleanup(&out);
    mse_runtime_cleanup(&sim);
    mse_runtime_cleanup(&sgx);
}

static void the_tools_of_gramine_leave_the_manifest_as_it_is(void **state)
{
    struct mse_runtime sgx = read_runtime(sgx_json);
    struct mse_app_manifest app = command_app(&sgx);
    struct mse_writer out = { 0 }, again = { 0 };
    struct mse_manifest manifest;
    struct mse_error err = { 0 };

    (void)state;
    assert_true(mse_fingerprint_manifest(&sgx, &app, &out, &err));
    assert_true(mse_manifest_parse(mse_writer_bytes(&out), MSE_GRAMINE_1_9, &manifest, &err));
    assert_true(mse_manifest_add_defaults(&manifest, "/somewhere/libsysdb.so", &err));
    mse_manifest_write(&manifest, &again);
    assert_true(mse_bytes_equal(mse_writer_bytes(&out), mse_writer_bytes(&again)));
    mse_manifest_cleanup(&manifest);
    mse_writer_cleanup(&out);
    mse_writer_cleanup(&again);
    mse_runtime_cleanup(&sgx);
}

static void mrenclave_is_of_manifest_and_loader(void **state)
{
    struct mse_runtime sim = read_runtime(sim_json), sgx = read_runtime(sgx_json);
    struct mse_app_manifest app = python_app(&sim);
    struct mse_enclave_layout layout;
    struct mse_writer manifest = { 0 };
    struct mse_error err = { 0 };
    uint8_t value[32];

    (void)state;
    assert_true(
        mse_fingerprint_sgx(&sim, MSE_BYTES(loader), &app, value, &manifest, &layout, &err));
    assert_hex(value, 32, "0376bce12507013e0558cfcaee8e3ecb5b71cea0825105745559b555afcbb7c2");
    assert_int_equal(manifest.len, strlen(sim_manifest));
    assert_memory_equal(manifest.data, sim_manifest, manifest.len);
    assert_true(layout.count >= 8);
    assert_memory_equal(layout.areas[layout.count - 1].digest_after, value, 32);
    mse_enclave_layout_cleanup(&layout);
    mse_writer_cleanup(&manifest);

    app = command_app(&sgx);
    assert_true(mse_fingerprint_sgx(&sgx, MSE_BYTES(loader), &app, value, NULL, NULL, &err));
    assert_hex(value, 32, "b740e238a4db9b269950ab7d7e9a816ab5888bed3423b465761f3e64bc241dd3");
    mse_runtime_cleanup(&sim);
    mse_runtime_cleanup(&sgx);
}

static void rtmr3_is_one_extension_of_zeros(void **state)
{
    struct mse_runtime sim = read_runtime(sim_json), sgx = read_runtime(sgx_json);
    struct mse_app_manifest app = python_app(&sim);
    struct mse_error err = { 0 };
    uint8_t value[48];

    (void)state;
    assert_true(mse_fingerprint_rtmr3(&app, value, &err));
    assert_hex(value, 48,
               "903820f15a5ad1718d8930cc4dcc5fc8fddc283757b009e67004a205f0b0507b"
               "c05adfe6274c543c1da795ccd27082a1");
    app = command_app(&sgx);
    assert_true(mse_fingerprint_rtmr3(&app, value, &err));
    assert_hex(value, 48,
               "b833265456cd7152f5b636709aacd61b006bda393695d540d665d8e08405e414"
               "5cd2c41a51dc308e3bdaf64feb0c1ce0");
    app.memory = 3;
    assert_false(mse_fingerprint_rtmr3(&app, value, &err));
    assert_int_equal(err.code, MSE_ERR_VALUE);
    assert_true(mse_is_zero(value, 48));
    mse_runtime_cleanup(&sim);
    mse_runtime_cleanup(&sgx);
}

static void tdx_and_snp_join_platform_and_app(void **state)
{
    struct mse_runtime sim = read_runtime(sim_json);
    struct mse_app_manifest app = python_app(&sim);
    struct mse_error err = { 0 };
    uint8_t registers[4 * 48], measurement[48], digest[32], value[32];

    (void)state;
    for (size_t i = 0; i < sizeof(registers); i++)
        registers[i] = (uint8_t)(1 + i / 48);
    memset(measurement, 5, sizeof(measurement));
    assert_true(mse_app_digest(&app, digest, &err));
    assert_true(mse_fingerprint_tdx(registers, registers + 48, digest, value, &err));
    assert_hex(value, 32, "31919239ede84e6c4ed83d76a53d190d96da668c33e0158d9d83ddfbbfbfe7b1");
    assert_true(mse_fingerprint_snp(measurement, digest, value, &err));
    assert_hex(value, 32, "1d3487781701f39d0ded253083d836bb2e204fa88cea947907c8980df5c9b043");
    mse_runtime_cleanup(&sim);
}

/* ---- refusals ---- */

static void assert_refused(const struct mse_runtime *runtime, const struct mse_app_manifest *app,
                           struct mse_bytes with, enum mse_err_code want)
{
    struct mse_enclave_layout layout;
    struct mse_error err = { 0 };
    uint8_t value[32];

    assert_false(mse_fingerprint_sgx(runtime, with, app, value, NULL, &layout, &err));
    assert_int_equal(err.code, want);
    assert_true(mse_is_zero(value, 32));
    assert_null(layout.areas);
}

static void what_does_not_fit_together_is_refused(void **state)
{
    struct mse_runtime sim = read_runtime(sim_json), sgx = read_runtime(sgx_json);
    struct mse_app_manifest app = python_app(&sim);

    (void)state;
    loader[0x1000] ^= 1;
    assert_refused(&sim, &app, MSE_BYTES(loader), MSE_ERR_MISMATCH);
    loader[0x1000] ^= 1;
    assert_refused(&sim, &app, (struct mse_bytes){ loader, LOADER_SIZE - 1 }, MSE_ERR_MISMATCH);
    assert_refused(&sgx, &app, MSE_BYTES(loader), MSE_ERR_MISMATCH); /* of another runtime */
    memcpy(app.runtime, sgx.sha256, 32);
    assert_refused(&sgx, &app, MSE_BYTES(loader), MSE_ERR_VALUE); /* isolation in Gramine */
    app = python_app(&sim);
    app.memory = 1; /* too small for its threads */
    assert_refused(&sim, &app, MSE_BYTES(loader), MSE_ERR_VALUE);
    sim.tee = MSE_RUNTIME_TDX;
    app = python_app(&sim);
    assert_refused(&sim, &app, MSE_BYTES(loader), MSE_ERR_UNSUPPORTED);
    mse_runtime_cleanup(&sim);
    mse_runtime_cleanup(&sgx);
}

static void a_runtime_needs_its_program_and_library_os(void **state)
{
    static const char *const names[] = { "/usr/bin/mse-enclave", "/usr/lib/gramine/libsysdb.so" };
    struct mse_runtime sim = read_runtime(sim_json);
    struct mse_app_manifest app;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct mse_runtime sgx = read_runtime(sgx_json);

        for (size_t k = 0; k < sgx.count; k++) {
            if (strcmp(sgx.files[k].path, names[i]) == 0)
                sgx.files[k].path[strlen(names[i]) - 1] = 'X';
        }
        app = command_app(&sgx);
        assert_refused(&sgx, &app, MSE_BYTES(loader), MSE_ERR_MISSING);
        mse_runtime_cleanup(&sgx);
    }
    sim.files[0].path[1] = 'b';
    app = python_app(&sim);
    assert_refused(&sim, &app, MSE_BYTES(loader), MSE_ERR_MISSING);
    mse_runtime_cleanup(&sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_manifest_is_this_text),
        cmocka_unit_test(the_tools_of_gramine_leave_the_manifest_as_it_is),
        cmocka_unit_test(mrenclave_is_of_manifest_and_loader),
        cmocka_unit_test(rtmr3_is_one_extension_of_zeros),
        cmocka_unit_test(tdx_and_snp_join_platform_and_app),
        cmocka_unit_test(what_does_not_fit_together_is_refused),
        cmocka_unit_test(a_runtime_needs_its_program_and_library_os),
    };

    return cmocka_run_group_tests(tests, make_loader, NULL);
}
