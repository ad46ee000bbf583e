/* SPDX-License-Identifier: Apache-2.0 */
/* mse sgx sign: .manifest to .manifest.sgx and .sig, as gramine-sgx-sign does. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/file.h"
#include "cli/options.h"
#include "cli/same_file.h"
#include "cli/sgx_enclave.h"
#include "measure/sigstruct.h"
#include "measure/trusted_files.h"
#include "verdict/claims.h"

#define COMMAND "sgx sign"
#define SCHEMA "mse-sgx-sign-v1"
#define NO_DATE "0000-00-00"
#define DATE_LEN 10U

struct sign {
    const char *manifest, *libpal, *key, *output, *sig, *date, *gramine, *chroot, *libos;
    bool json, force;
    /* what follows from them */
    enum mse_gramine rules;
    int64_t when;
    char *sig_path; /* owned */
};

static void sign_cleanup(struct sign *s)
{
    free(s->sig_path);
}

static void manifest_cleanup(struct mse_manifest *manifest)
{
    mse_manifest_cleanup(manifest);
}

/* ---- options ---- */

/* APP.manifest gives APP.sig; any other name gets .sig behind it. */
static bool choose_sig_path(struct sign *s, struct mse_error *err)
{
    static const char suffix[] = ".manifest";
    size_t len = strlen(s->manifest);

    if (s->sig != NULL) {
        s->sig_path = strdup(s->sig);
        return s->sig_path != NULL || mse_fail_memory(err);
    }
    if (len >= sizeof(suffix) - 1 && strcmp(s->manifest + len - (sizeof(suffix) - 1), suffix) == 0)
        len -= sizeof(suffix) - 1;
    if (asprintf(&s->sig_path, "%.*s.sig", (int)len, s->manifest) == -1) {
        s->sig_path = NULL;
        return mse_fail_memory(err);
    }
    return true;
}

static bool read_date(const struct cli *cli, struct sign *s, struct mse_error *err)
{
    s->when = cli->now;
    if (s->date == NULL)
        return true;
    if (strcmp(s->date, NO_DATE) == 0) {
        s->when = MSE_SIGSTRUCT_NO_DATE;
        return true;
    }
    return (strlen(s->date) == DATE_LEN && mse_time_read(s->date, DATE_LEN, &s->when)) ||
           mse_fail_text(err, MSE_ERR_USAGE, "--date", "wants a day: YYYY-MM-DD");
}

static bool read_rules(struct sign *s, struct mse_error *err)
{
    s->rules = MSE_GRAMINE_1_9;
    if (s->gramine == NULL || strcmp(s->gramine, "1.9") == 0)
        return true;
    s->rules = MSE_GRAMINE_1_5;
    if (strcmp(s->gramine, "1.5") != 0)
        return mse_fail_text(err, MSE_ERR_USAGE, "--gramine", "wants 1.9 or 1.5");
    return s->chroot == NULL ||
           mse_fail_text(err, MSE_ERR_USAGE, "--chroot", "Gramine 1.5 has nothing like it");
}

/* A slip in the command line must not cost a key or a template. */
static bool check_outputs(const struct sign *s, struct mse_error *err)
{
    const char *const inputs[] = { s->manifest, s->libpal, s->key, s->libos };
    const char *const outputs[] = { s->output, s->sig_path };

    for (size_t o = 0; o < 2; o++) {
        for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
            if (inputs[i] != NULL && cli_same_file(outputs[o], inputs[i]))
                return mse_fail_text(err, MSE_ERR_USAGE, outputs[o],
                                     "would be written over an input: choose another name");
        }
    }
    return !cli_same_file(s->output, s->sig_path) ||
           mse_fail_text(err, MSE_ERR_USAGE, s->output,
                         "cannot be manifest and signature at once: choose another --sig");
}

static bool finish_options(const struct cli *cli, struct sign *s, struct mse_error *err)
{
    if (s->manifest == NULL || s->libpal == NULL || s->key == NULL || s->output == NULL)
        return mse_fail_text(
            err, MSE_ERR_USAGE, COMMAND,
            "wants a manifest, --libpal FILE, --key FILE and --output APP.manifest.sgx");
    return read_date(cli, s, err) && read_rules(s, err) && choose_sig_path(s, err) &&
           check_outputs(s, err);
}

/* ---- manifest ---- */

static bool expand(const struct sign *s, struct mse_manifest *manifest, struct mse_error *err)
{
    struct mse_directory_source source;
    bool ok;

    if (!mse_directory_source_open(".", s->chroot, &source, err))
        return false;
    ok = mse_trusted_files_expand(manifest, &source.source, 0, err);
    mse_directory_source_close(&source);
    return ok;
}

/* Parse, defaults, expansion: a manifest that went through this before stays as it is. */
static bool finish_manifest(const struct sign *s, struct mse_writer *out, struct mse_error *err)
{
    MSE_CLEANUP(manifest_cleanup) struct mse_manifest manifest = { 0 };
    struct mse_enclave_settings early;
    uint8_t *data = NULL;
    size_t len = 0;
    bool ok;

    if (!mse_file_read(s->manifest, MSE_MANIFEST_MAX_SIZE, &data, &len, err))
        return false;
    ok = mse_manifest_parse((struct mse_bytes){ data, len }, s->rules, &manifest, err);
    free(data);
    /* Settings are read again from the result; here a refusal can name the line, and is early. */
    if (!ok || !mse_manifest_add_defaults(&manifest, s->libos, err) ||
        !mse_manifest_settings(&manifest, &early, err))
        return mse_fail_in(err, "%s", s->manifest);
    if (!expand(s, &manifest, err))
        return false;
    mse_manifest_write(&manifest, out);
    return mse_writer_ok(out) || mse_fail_memory(err);
}

/* ---- signature ---- */

static bool load_key(const char *path, struct mse_enclave_key **out, struct mse_error *err)
{
    uint8_t *pem = NULL;
    size_t len = 0;
    bool ok;

    if (!mse_file_read(path, MSE_ENCLAVE_KEY_MAX_PEM, &pem, &len, err))
        return false;
    ok = mse_enclave_key_read((struct mse_bytes){ pem, len }, out, err);
    OPENSSL_cleanse(pem, len);
    free(pem);
    return ok || mse_fail_in(err, "%s", path);
}

/* Puts back what was there before. */
static void undo(const char *path, bool existed, struct mse_bytes before)
{
    struct mse_error ignored = { 0 };

    if (!existed)
        (void)unlink(path);
    else if (!mse_file_write(path, before, 0644, MSE_FILE_REPLACE, &ignored))
        (void)unlink(path); /* rather no manifest than one that goes with no signature */
}

/* Both files or neither: of one alone the loader would say that it does not fit. */
static bool write_files(const struct sign *s, struct mse_bytes manifest,
                        const struct mse_sigstruct *sig, struct mse_error *err)
{
    struct mse_error ignored = { 0 };
    uint8_t *before = NULL;
    size_t len = 0;
    bool existed = access(s->output, F_OK) == 0 &&
                   mse_file_read(s->output, MSE_MANIFEST_MAX_SIZE, &before, &len, &ignored);
    enum mse_file_exists exists = s->force ? MSE_FILE_REPLACE : MSE_FILE_KEEP;
    bool ok = mse_file_write(s->output, manifest, 0644, exists, err);

    if (ok && !mse_file_write(s->sig_path, MSE_BYTES(sig->raw), 0644, exists, err)) {
        undo(s->output, existed, (struct mse_bytes){ before, len });
        ok = false;
    }
    free(before);
    return ok;
}

/* ---- the command ---- */

static void fields(const struct sign *s, const struct mse_sigstruct *sig, struct mse_field_sink *to)
{
    to->hex(to, "mrenclave", sig->mrenclave, sizeof(sig->mrenclave));
    to->hex(to, "mrsigner", sig->mrsigner, sizeof(sig->mrsigner));
    to->text(to, "manifest", s->output);
    to->text(to, "sigstruct", s->sig_path);
}

static bool print(struct cli *cli, const struct sign *s, const struct mse_sigstruct *sig,
                  struct mse_error *err)
{
    struct mse_writer to = { 0 };
    struct mse_json_writer w = mse_json_writer_init(&to, 2);
    struct mse_json_sink json = mse_json_sink_init(&w);
    struct mse_text_sink text = mse_text_sink_init(&to, true);

    if (s->json) {
        mse_json_open_object(&w, NULL);
        mse_json_put_text(&w, "schema", SCHEMA);
        fields(s, sig, &json.sink);
        mse_json_close_object(&w);
        mse_write_text(&to, "\n");
    } else {
        fields(s, sig, &text.sink);
    }
    if (mse_writer_ok(&to))
        cli_put(cli, &to);
    else
        (void)mse_fail_memory(err);
    mse_writer_cleanup(&to);
    return err->code == MSE_ERR_NONE;
}

static bool sign(struct cli *cli, struct sign *s, struct mse_error *err)
{
    MSE_CLEANUP(mse_enclave_key_cleanup) struct mse_enclave_key *key = NULL;
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer manifest = { .cap = MSE_MANIFEST_MAX_SIZE };
    MSE_CLEANUP(sgx_enclave_cleanup) struct sgx_enclave enclave = { 0 };
    struct mse_sigstruct sig;

    /* A key that cannot be used is known before the long part of the work. */
    return finish_options(cli, s, err) && load_key(s->key, &key, err) &&
           finish_manifest(s, &manifest, err) &&
           sgx_enclave_measure(s->output, mse_writer_bytes(&manifest), s->rules, s->libpal,
                               &enclave, err) &&
           mse_sigstruct_make(enclave.mrenclave, &enclave.settings, key, s->when, &sig, err) &&
           write_files(s, mse_writer_bytes(&manifest), &sig, err) && print(cli, s, &sig, err);
}

enum exit_code cmd_sgx_sign(struct cli *cli, int argc, char **argv)
{
    MSE_CLEANUP(sign_cleanup) struct sign s = { 0 };
    struct option_row rows[] = {
        { "--libpal", "FILE", "Gramine's libpal.so for SGX", OPTION_TEXT, &s.libpal, NULL, false },
        { "--key", "FILE", "RSA-3072 key with exponent 3, in PEM", OPTION_TEXT, &s.key, NULL,
          false },
        { "--output", "FILE", "where to write APP.manifest.sgx", OPTION_TEXT, &s.output, NULL,
          false },
        { "--sig", "FILE", "where to write APP.sig, if not beside the manifest", OPTION_TEXT,
          &s.sig, NULL, false },
        { "--date", "YYYY-MM-DD", "date in the signature; today if not given", OPTION_TEXT, &s.date,
          NULL, false },
        { "--gramine", "1.9|1.5", "whose rules to follow; 1.9 if not given", OPTION_TEXT,
          &s.gramine, NULL, false },
        { "--chroot", "DIR", "where absolute paths of trusted files begin", OPTION_TEXT, &s.chroot,
          NULL, false },
        { "--libos", "FILE", "Gramine's libsysdb.so", OPTION_TEXT, &s.libos, NULL, false },
        { "--force", NULL, "replace different existing files", OPTION_FLAG, &s.force, NULL, false },
        { "--json", NULL, "print JSON", OPTION_FLAG, &s.json, NULL, false },
    };
    struct mse_error err = { 0 };
    enum exit_code code = EXIT_YES;
    bool helped = false, ok;
    size_t count = 0;

    cli->json_errors = &s.json;
    ok = options_read(cli, COMMAND, rows, sizeof(rows) / sizeof(rows[0]), argc, argv, &s.manifest,
                      1, &count, &helped, &err);
    if (!ok || (!helped && !sign(cli, &s, &err)))
        code = cli_fail(cli, &err);
    cli->json_errors = NULL;
    return code;
}
