/* SPDX-License-Identifier: Apache-2.0 */
/* MSE fingerprint, version 1: the manifest template, and the value per kind of TEE. */
#include "measure/fingerprint.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"
#include "crypto/hash.h"

static const char runtime_program[] = "mse-enclave";
static const char libos[] = "libsysdb.so";

/*
 * The template (docs/fingerprint.md, "Manifest"). What depends on app and runtime is put in place
 * of the empty values; all that Gramine's tools would add is there already, so that they leave the
 * result as it is. Files of the host are seen under the paths that the description has; what the
 * host may bring along is the instance file and the package, and both are checked by the runtime.
 */
static const char template_text[] =
    "[libos]\n"
    "entrypoint = \"\"\n"
    "[loader]\n"
    "log_level = \"error\"\n"
    "argv = []\n"
    "[loader.entrypoint]\n"
    "uri = \"\"\n"
    "sha256 = \"\"\n"
    "[loader.env]\n"
    "HOME = \"/tmp\"\n"
    "LANG = \"C.UTF-8\"\n"
    "LD_LIBRARY_PATH = \"/usr/lib/x86_64-linux-gnu/gramine/runtime/glibc:"
    "/usr/local/lib/x86_64-linux-gnu/gramine/runtime/glibc:/usr/local/lib:"
    "/usr/lib/x86_64-linux-gnu:/lib/x86_64-linux-gnu\"\n"
    "MALLOC_ARENA_MAX = \"1\"\n"
    "PATH = \"/usr/local/bin:/usr/bin:/bin\"\n"
    "PYTHONDONTWRITEBYTECODE = \"1\"\n"
    "[fs]\n"
    "start_dir = \"/\"\n"
    "[[fs.mounts]]\n"
    "type = \"tmpfs\"\n"
    "path = \"/tmp\"\n"
    "[[fs.mounts]]\n"
    "type = \"encrypted\"\n"
    "path = \"/mse-app\"\n"
    "uri = \"file:/mse/app\"\n"
    "key_name = \"_sgx_mrenclave\"\n"
    "[[fs.mounts]]\n"
    "type = \"encrypted\"\n"
    "path = \"/mse-state\"\n"
    "uri = \"file:/mse/state\"\n"
    "key_name = \"_sgx_mrenclave\"\n"
    "[fs.root]\n"
    "type = \"chroot\"\n"
    "uri = \"file:/\"\n"
    "[sys]\n"
    "enable_extra_runtime_domain_names_conf = true\n"
    "enable_sigterm_injection = true\n"
    "[sgx]\n"
    "trusted_files = []\n"
    "allowed_files = [\"file:/mse/instance.json\", \"file:/mse/package.tar\"]\n"
    "max_threads = 1\n"
    "isvprodid = 1\n"
    "isvsvn = 1\n"
    "remote_attestation = \"dcap\"\n"
    "debug = false\n"
    "enable_stats = false\n"
    "edmm_enable = false\n"
    "enclave_size = \"\"\n"
    "use_exinfo = false\n"
    "[sgx.cpu_features]\n"
    "avx = \"unspecified\"\n"
    "avx512 = \"unspecified\"\n"
    "amx = \"unspecified\"\n"
    "mpx = \"disabled\"\n"
    "pkru = \"disabled\"\n";

/* ---- the template's values ---- */

static bool put_file(struct mse_toml_value *table, const struct mse_runtime_file *file)
{
    char uri[sizeof("file:") + MSE_RUNTIME_MAX_PATH], hex[65];

    (void)snprintf(uri, sizeof(uri), "file:%s", file->path);
    mse_hex_write(file->sha256, sizeof(file->sha256), hex);
    return table != NULL && mse_manifest_put_text(table, "uri", uri) != NULL &&
           mse_manifest_put_text(table, "sha256", hex) != NULL;
}

static bool put_arguments(struct mse_toml_value *loader, const struct mse_app_manifest *app,
                          struct mse_error *err)
{
    struct mse_toml_value *argv = mse_manifest_put_array(loader, "argv");
    struct mse_writer words = { 0 };
    bool ok = mse_app_manifest_write(app, &words, err);

    for (size_t at = 0; ok && at < words.len;) {
        const char *word = (const char *)words.data + at;

        ok = (argv != NULL && mse_manifest_append_text(argv, word) != NULL) || mse_fail_memory(err);
        at += strlen(word) + 1;
    }
    mse_writer_cleanup(&words);
    return ok;
}

static bool put_sgx(struct mse_toml_value *sgx, const struct mse_runtime *runtime,
                    const struct mse_app_manifest *app)
{
    struct mse_toml_value *files = mse_manifest_put_array(sgx, "trusted_files");
    char size[16];

    (void)snprintf(size, sizeof(size), "%uM", app->memory);
    if (files == NULL || mse_manifest_put_text(sgx, "enclave_size", size) == NULL ||
        mse_manifest_put_integer(sgx, "max_threads", app->threads) == NULL)
        return false;
    for (size_t i = 0; i < runtime->count; i++) {
        if (!put_file(mse_manifest_append_table(files), &runtime->files[i]))
            return false;
    }
    return true;
}

static int compare_files(const void *a, const void *b)
{
    const struct mse_runtime_file *x = a, *y = b;

    return strcmp(x->path, y->path);
}

static bool is_listed(const struct mse_runtime *runtime, const struct mse_runtime_file *file)
{
    return runtime->count > 0 && bsearch(file, runtime->files, runtime->count,
                                         sizeof(runtime->files[0]), compare_files) != NULL;
}

/* Which of the runtime's files are the program, and what the loader starts first. */
static bool find_entries(const struct mse_runtime *runtime, const struct mse_runtime_file **program,
                         const struct mse_runtime_file **first, struct mse_error *err)
{
    switch (runtime->tee) {
    case MSE_RUNTIME_SIM: /* no library OS: the runtime's program is its own loader */
        *program = *first = &runtime->loader;
        return is_listed(runtime, &runtime->loader) ||
               mse_fail_text(err, MSE_ERR_MISSING, runtime->loader.path,
                             "is the loader, but not one of the runtime's files");
    case MSE_RUNTIME_SGX:
        *program = mse_runtime_find(runtime, runtime_program);
        *first = mse_runtime_find(runtime, libos);
        if (*program != NULL && *first != NULL)
            return true;
        return mse_fail_text(err, MSE_ERR_MISSING, *program == NULL ? runtime_program : libos,
                             "is not one of the runtime's files");
    case MSE_RUNTIME_TDX:
    case MSE_RUNTIME_SNP:
        break;
    }
    return mse_fail_text(err, MSE_ERR_UNSUPPORTED, mse_runtime_tee_name(runtime->tee),
                         "has no manifest: only sim and sgx do");
}

static bool check_pair(const struct mse_runtime *runtime, const struct mse_app_manifest *app,
                       struct mse_error *err)
{
    if (memcmp(runtime->sha256, app->runtime, sizeof(app->runtime)) != 0)
        return mse_fail_text(err, MSE_ERR_MISMATCH, "runtime",
                             "the description's digest is not the one in the app manifest");
    /* A child of a process in Gramine is another enclave: nothing separates app and runtime. */
    if (runtime->tee == MSE_RUNTIME_SGX && app->isolation != MSE_APP_ISOLATION_NONE)
        return mse_fail_text(err, MSE_ERR_VALUE, "isolation",
                             "must be none on sgx: there the app shares the enclave");
    return true;
}

static bool fill_in(struct mse_manifest *manifest, const struct mse_runtime *runtime,
                    const struct mse_app_manifest *app, struct mse_error *err)
{
    struct mse_toml_value *loader = mse_manifest_member(manifest->root, "loader");
    const struct mse_runtime_file *program = NULL, *first = NULL;

    if (!find_entries(runtime, &program, &first, err) || !put_arguments(loader, app, err))
        return false;
    return (mse_manifest_put_text(mse_manifest_member(manifest->root, "libos"), "entrypoint",
                                  program->path) != NULL &&
            put_file(mse_manifest_member(loader, "entrypoint"), first) &&
            put_sgx(mse_manifest_member(manifest->root, "sgx"), runtime, app)) ||
           mse_fail_memory(err);
}

static bool make_manifest(const struct mse_runtime *runtime, const struct mse_app_manifest *app,
                          struct mse_manifest *out, struct mse_error *err)
{
    return check_pair(runtime, app, err) &&
           mse_manifest_parse(MSE_CSTR_BYTES(template_text), MSE_GRAMINE_1_9, out, err) &&
           fill_in(out, runtime, app, err);
}

static bool write_manifest(const struct mse_manifest *manifest, struct mse_writer *out,
                           struct mse_error *err)
{
    mse_manifest_write(manifest, out);
    return mse_writer_ok(out) || mse_fail_memory(err);
}

bool mse_fingerprint_manifest(const struct mse_runtime *runtime, const struct mse_app_manifest *app,
                              struct mse_writer *out, struct mse_error *err)
{
    struct mse_manifest manifest = { 0 };
    bool ok = make_manifest(runtime, app, &manifest, err) && write_manifest(&manifest, out, err);

    mse_manifest_cleanup(&manifest);
    return ok;
}

/* ---- SGX and simulation ---- */

static bool check_loader(const struct mse_runtime *runtime, struct mse_bytes loader,
                         struct mse_error *err)
{
    uint8_t digest[32];

    mse_sha256(loader, digest);
    return memcmp(digest, runtime->loader.sha256, sizeof(digest)) == 0 ||
           mse_fail_text(err, MSE_ERR_MISMATCH, "loader",
                         "is not the file that the runtime description has as %s",
                         runtime->loader.path);
}

static bool measure(const struct mse_manifest *manifest, struct mse_bytes loader,
                    struct mse_bytes text, uint8_t out[static 32],
                    struct mse_enclave_layout *layout, struct mse_error *err)
{
    struct mse_enclave_settings settings;
    struct mse_pal *pal = malloc(sizeof(*pal));
    bool ok = pal != NULL || mse_fail_memory(err);

    ok = ok && mse_manifest_settings(manifest, &settings, err) && mse_pal_parse(loader, pal, err) &&
         mse_enclave_measure(text, pal, &settings, out, layout, err);
    free(pal);
    return ok;
}

bool mse_fingerprint_sgx(const struct mse_runtime *runtime, struct mse_bytes loader,
                         const struct mse_app_manifest *app, uint8_t out[static 32],
                         struct mse_writer *manifest, struct mse_enclave_layout *layout,
                         struct mse_error *err)
{
    struct mse_manifest made = { 0 };
    struct mse_writer own = { 0 };
    struct mse_writer *text = manifest != NULL ? manifest : &own;
    size_t start = text->len;
    bool ok;

    memset(out, 0, 32);
    if (layout != NULL)
        *layout = (struct mse_enclave_layout){ 0 };
    ok = check_loader(runtime, loader, err) && make_manifest(runtime, app, &made, err) &&
         write_manifest(&made, text, err) &&
         measure(&made, loader, (struct mse_bytes){ text->data + start, text->len - start }, out,
                 layout, err);
    mse_manifest_cleanup(&made);
    mse_writer_cleanup(&own);
    if (!ok)
        memset(out, 0, 32);
    return ok;
}

/* ---- TDX and SNP ---- */

bool mse_fingerprint_rtmr3(const struct mse_app_manifest *app, uint8_t out[static 48],
                           struct mse_error *err)
{
    struct mse_writer input = { 0 };
    uint8_t extension[2 * MSE_SHA384_SIZE] = { 0 }; /* the register's old value, then the event */
    bool ok = mse_app_digest_input(app, &input, err);

    memset(out, 0, MSE_SHA384_SIZE);
    if (ok) {
        mse_sha384(mse_writer_bytes(&input), extension + MSE_SHA384_SIZE);
        mse_sha384(MSE_BYTES(extension), out);
    }
    mse_writer_cleanup(&input);
    return ok;
}

/* H("mse-fingerprint-v1\n" || name of the TEE || 00 || what was measured || app digest). */
static bool combine(const char *tee, struct mse_bytes first, struct mse_bytes second,
                    const uint8_t app_digest[static 32], uint8_t out[static 32],
                    struct mse_error *err)
{
    struct mse_writer input = { 0 };
    bool ok;

    memset(out, 0, 32);
    mse_write_text(&input, "mse-fingerprint-v1\n");
    mse_write_text(&input, tee);
    mse_write_u8(&input, 0);
    mse_write_bytes(&input, first.data, first.len);
    mse_write_bytes(&input, second.data, second.len);
    mse_write_bytes(&input, app_digest, 32);
    ok = mse_writer_ok(&input) || mse_fail_memory(err);
    if (ok)
        mse_sha256(mse_writer_bytes(&input), out);
    mse_writer_cleanup(&input);
    return ok;
}

bool mse_fingerprint_tdx(const uint8_t mrtd[static 48], const uint8_t rtmr[static 3 * 48],
                         const uint8_t app_digest[static 32], uint8_t out[static 32],
                         struct mse_error *err)
{
    return combine("tdx", (struct mse_bytes){ mrtd, 48 }, (struct mse_bytes){ rtmr, 3 * 48 },
                   app_digest, out, err);
}

bool mse_fingerprint_snp(const uint8_t measurement[static 48], const uint8_t app_digest[static 32],
                         uint8_t out[static 32], struct mse_error *err)
{
    return combine("snp", (struct mse_bytes){ measurement, 48 }, (struct mse_bytes){ NULL, 0 },
                   app_digest, out, err);
}
