/* SPDX-License-Identifier: Apache-2.0 */
/* mse fingerprint: the fingerprint of an app from its plain code. */
#include <stdlib.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/file.h"
#include "cli/code.h"
#include "cli/owner_key.h"
#include "cli/fingerprint_original.h"
#include "cli/fingerprint_print.h"
#include "cli/options.h"
#include "package/app_config.h"
#include "release/minisign.h"

#define LIST_MAX_SIZE (64U << 20)
#define REGISTER_COUNT 4 /* MRTD, RTMR0, RTMR1, RTMR2 */

/* Options, and what was read of the files that they name. */
struct job {
    const char *tee_name, *path, *code_dir, *context_file, *runtime_file, *loader_file;
    const char *owner_text, *cert_name, *compare_file;
    const char *measurement_hex, *register_hex[REGISTER_COUNT];
    bool list, explain, json, argv, original, helped;
    uint8_t measurement[48], registers[REGISTER_COUNT * 48];
    enum mse_app_cert cert;
    enum mse_runtime_tee tee;
    struct mse_app_config config;
    struct mse_context context;
    struct code_tree code;
    struct code_differences differences;
    struct code_runtime runtime;
    struct mse_app_manifest app;
    struct mse_enclave_layout layout;
};

static const char *const register_options[REGISTER_COUNT] = { "--mrtd", "--rtmr0", "--rtmr1",
                                                              "--rtmr2" };

static void job_cleanup(struct job *job)
{
    mse_enclave_layout_cleanup(&job->layout);
    code_runtime_cleanup(&job->runtime);
    code_differences_cleanup(&job->differences);
    code_tree_cleanup(&job->code);
    mse_context_cleanup(&job->context);
    mse_app_config_cleanup(&job->config);
    free(job);
}

/* ---- options ---- */

static bool read_register(const char *option, const char *hex, uint8_t out[static 48],
                          struct mse_error *err)
{
    return hex == NULL || mse_hex_read(hex, strlen(hex), out, 48) ||
           mse_fail_text(err, MSE_ERR_USAGE, option, "must be 96 hex digits");
}

static bool check_combination(const struct job *job, struct mse_error *err)
{
    if (job->context_file != NULL && job->code_dir == NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "--context", "needs --code, the plain code");
    if (job->context_file != NULL && (job->path != NULL || job->cert_name != NULL))
        return mse_fail_text(err, MSE_ERR_USAGE, job->path != NULL ? "--path" : "--cert",
                             "is known from the context");
    if (job->context_file != NULL && job->compare_file != NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "--compare",
                             "is not for --context, which has its own list");
    if (job->list && (job->compare_file != NULL || job->context_file != NULL || job->explain ||
                      job->runtime_file != NULL))
        return mse_fail_text(err, MSE_ERR_USAGE, "--list", "prints the files of the code alone");
    if (job->argv && (job->list || job->compare_file != NULL || job->explain || job->json))
        return mse_fail_text(err, MSE_ERR_USAGE, "--argv", "prints the app manifest alone");
    if (job->runtime_file == NULL && !job->list && job->compare_file == NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "--runtime",
                             "is needed: the description of what runs around the code");
    if (job->runtime_file != NULL && job->context_file == NULL && job->owner_text == NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "--owner",
                             "is needed: the owner's key is part of the fingerprint");
    return true;
}

static bool check_options(struct job *job, struct mse_error *err)
{
    for (size_t i = 0; i < REGISTER_COUNT; i++) {
        if (!read_register(register_options[i], job->register_hex[i], job->registers + i * 48, err))
            return false;
    }
    if (!read_register("--measurement", job->measurement_hex, job->measurement, err))
        return false;
    if (job->tee_name != NULL && !mse_runtime_tee_read(job->tee_name, &job->tee))
        return mse_fail_text(err, MSE_ERR_USAGE, "--tee", "must be sim, sgx, tdx or snp");
    if (job->cert_name != NULL && !mse_app_cert_read(job->cert_name, &job->cert))
        return mse_fail_text(err, MSE_ERR_USAGE, "--cert", "must be self, owner or operator");
    return check_combination(job, err);
}

static bool read_options(struct cli *cli, int argc, char **argv, struct job *job,
                         struct mse_error *err)
{
    /* clang-format off */
    struct option_row rows[] = {
        { "--code", "DIR", "plain code (default: as mse.toml says)", OPTION_TEXT, &job->code_dir, NULL, false },
        { "--path", "FILE", "the app's mse.toml (default: ./mse.toml)", OPTION_TEXT, &job->path, NULL, false },
        { "--context", "FILE", "take owner and settings from a deployment's context", OPTION_TEXT, &job->context_file, NULL, false },
        { "--runtime", "FILE", "description of the runtime", OPTION_TEXT, &job->runtime_file, NULL, false },
        { "--loader", "FILE", "its loader (default: beside the description)", OPTION_TEXT, &job->loader_file, NULL, false },
        { "--tee", "sim|sgx|tdx|snp", "refuse a runtime for another kind of TEE", OPTION_TEXT, &job->tee_name, NULL, false },
        { "--owner", "KEY", "owner's minisign public key: file or base64", OPTION_TEXT, &job->owner_text, NULL, false },
        { "--cert", "self|owner|operator", "whose certificate the app presents", OPTION_TEXT, &job->cert_name, NULL, false },
        { "--measurement", "HEX", "SNP: the platform's launch measurement", OPTION_TEXT, &job->measurement_hex, NULL, false },
        { "--mrtd", "HEX", "TDX: the platform's MRTD", OPTION_TEXT, &job->register_hex[0], NULL, false },
        { "--rtmr0", "HEX", "TDX: its RTMR0", OPTION_TEXT, &job->register_hex[1], NULL, false },
        { "--rtmr1", "HEX", "TDX: its RTMR1", OPTION_TEXT, &job->register_hex[2], NULL, false },
        { "--rtmr2", "HEX", "TDX: its RTMR2", OPTION_TEXT, &job->register_hex[3], NULL, false },
        { "--list", NULL, "print the list of the code's files", OPTION_FLAG, &job->list, NULL, false },
        { "--compare", "FILE", "name the files that differ from such a list", OPTION_TEXT, &job->compare_file, NULL, false },
        { "--original", NULL, "of Cosmian MSE's enclave; --original --help has the options", OPTION_FLAG, &job->original, NULL, false },
        { "--argv", NULL, "print the app manifest, an argument a line, as mse-enclave takes it", OPTION_FLAG, &job->argv, NULL, false },
        { "--explain", NULL, "print all that goes into the fingerprint", OPTION_FLAG, &job->explain, NULL, false },
        { "--json", NULL, "print JSON instead of text", OPTION_FLAG, &job->json, NULL, false },
    };
    /* clang-format on */
    size_t count = 0;

    if (!options_read(cli, "fingerprint", rows, sizeof(rows) / sizeof(rows[0]), argc, argv, NULL, 0,
                      &count, &job->helped, err))
        return false;
    return job->helped || check_options(job, err);
}

/* ---- what is known of the app ---- */

static void warn(void *context, const char *line)
{
    cli_note(context, "%s", line);
}

static bool load_config(struct cli *cli, struct job *job, struct mse_error *err)
{
    const char *path = job->path != NULL ? job->path : "mse.toml";
    uint8_t *data = NULL;
    size_t len = 0;
    /* Instant and zone are for the expiry date, which is not measured. */
    bool ok = mse_file_read(path, MSE_APP_CONFIG_MAX_SIZE, &data, &len, err) &&
              mse_app_config_parse((struct mse_bytes){ data, len }, path, INT64_MIN, 0, warn, cli,
                                   &job->config, err);

    free(data);
    if (!ok)
        return false;
    if (job->code_dir == NULL)
        job->code_dir = job->config.code;
    if (job->cert_name == NULL)
        job->cert = job->config.has_ssl ? MSE_APP_CERT_OWNER : MSE_APP_CERT_SELF;
    return job->code_dir != NULL || mse_fail_text(err, MSE_ERR_USAGE, "--code",
                                                  "is needed: %s does not name the code", path);
}

static bool read_owner(const char *text, uint8_t out[static 32], struct mse_error *err)
{
    struct mse_minisign_public key;

    if (!owner_key_read(text, &key, err))
        return false;
    memcpy(out, key.key, sizeof(key.key));
    return true;
}

static bool app_of_config(struct job *job, struct mse_error *err)
{
    const struct mse_app_config *config = &job->config;
    struct mse_app_manifest *app = &job->app;

    memcpy(app->tree, job->code.digest, sizeof(app->tree));
    memcpy(app->runtime, job->runtime.description.sha256, sizeof(app->runtime));
    app->cert = job->cert;
    app->health = config->health;
    app->memory = config->memory;
    app->threads = config->threads;
    app->isolation = job->runtime.description.tee == MSE_RUNTIME_SGX ? MSE_APP_ISOLATION_NONE
                                                                     : MSE_APP_ISOLATION_PROCESS;
    app->python = config->python;
    for (size_t i = 0; i < config->command_count; i++)
        app->command[i] = config->command[i];
    app->command_count = config->command_count;
    return read_owner(job->owner_text, app->owner, err);
}

static bool app_of_context(struct job *job, struct mse_error *err)
{
    uint8_t owner[32];

    if (memcmp(job->context.runtime, job->runtime.description.sha256, 32) != 0)
        return mse_fail_text(err, MSE_ERR_MISMATCH, job->runtime_file,
                             "is not the runtime that the context was made with");
    if (!mse_context_app(&job->context, job->code.digest, &job->app, err))
        return false;
    if (job->owner_text == NULL)
        return true;
    if (!read_owner(job->owner_text, owner, err))
        return false;
    return memcmp(owner, job->context.owner, sizeof(owner)) == 0 ||
           mse_fail_text(err, MSE_ERR_MISMATCH, "--owner", "is not the owner in the context");
}

/* ---- the runtime ---- */

static bool check_platform_values(const struct job *job, struct mse_error *err)
{
    enum mse_runtime_tee tee = job->runtime.description.tee;
    bool is_tdx = tee == MSE_RUNTIME_TDX, is_snp = tee == MSE_RUNTIME_SNP;

    /* The manifest is the same on every platform. */
    if (job->argv)
        is_tdx = is_snp = false;
    for (size_t i = 0; i < REGISTER_COUNT; i++) {
        if ((job->register_hex[i] != NULL) != is_tdx)
            return mse_fail_text(err, MSE_ERR_USAGE, register_options[i],
                                 is_tdx ? "is needed for a tdx runtime"
                                        : "is for tdx runtimes only");
    }
    if ((job->measurement_hex != NULL) != is_snp)
        return mse_fail_text(err, MSE_ERR_USAGE, "--measurement",
                             is_snp ? "is needed for an snp runtime" : "is for snp runtimes only");
    return true;
}

static bool load_runtime(struct job *job, struct mse_error *err)
{
    enum mse_runtime_tee tee;

    if (!code_runtime_load(job->runtime_file, &job->runtime, err))
        return false;
    tee = job->runtime.description.tee;
    if (job->tee_name != NULL && tee != job->tee)
        return mse_fail_text(err, MSE_ERR_USAGE, "--tee", "is %s, but the runtime is for %s",
                             job->tee_name, mse_runtime_tee_name(tee));
    return check_platform_values(job, err) &&
           code_runtime_load_loader(&job->runtime, job->loader_file, err);
}

static bool compute(struct job *job, struct fingerprint_result *result, struct mse_error *err)
{
    struct code_runtime *runtime = &job->runtime;

    if (!(job->context_file != NULL ? app_of_context(job, err) : app_of_config(job, err)) ||
        !mse_app_digest(&job->app, result->app_digest, err))
        return false;
    result->runtime = runtime;
    result->app = &job->app;
    if (job->argv)
        return true;
    switch (runtime->description.tee) {
    case MSE_RUNTIME_SIM:
    case MSE_RUNTIME_SGX:
        result->layout = job->explain ? &job->layout : NULL;
        return mse_fingerprint_sgx(
            &runtime->description, (struct mse_bytes){ runtime->loader, runtime->loader_len },
            &job->app, result->value, NULL, job->explain ? &job->layout : NULL, err);
    case MSE_RUNTIME_TDX:
        return mse_fingerprint_rtmr3(&job->app, result->rtmr3, err) &&
               mse_fingerprint_tdx(job->registers, job->registers + 48, result->app_digest,
                                   result->value, err);
    case MSE_RUNTIME_SNP:
        return mse_fingerprint_snp(job->measurement, result->app_digest, result->value, err);
    }
    return mse_fail(err, MSE_ERR_UNSUPPORTED, 0, "tee");
}

/* ---- all of it ---- */

static bool compare_with_file(struct job *job, struct mse_error *err)
{
    uint8_t *data = NULL;
    size_t len = 0;
    bool ok = mse_file_read(job->compare_file, LIST_MAX_SIZE, &data, &len, err) &&
              (code_compare(job->code.tree, (struct mse_bytes){ data, len }, &job->differences,
                            err) ||
               mse_fail_in(err, "%s", job->compare_file));

    free(data);
    return ok;
}

/* *same false: the differences are the result. */
static bool compare(struct job *job, struct fingerprint_result *result, bool *same,
                    struct mse_error *err)
{
    bool ok = true;

    *same = true;
    if (job->compare_file != NULL)
        ok = compare_with_file(job, err);
    else if (job->context_file != NULL)
        ok = code_context_check(&job->context, &job->code, job->code_dir, &job->differences, err);
    if (job->compare_file != NULL || (job->context_file != NULL && job->context.files != NULL))
        result->differences = &job->differences;
    if (job->differences.count > 0) {
        *err = (struct mse_error){ 0 };
        *same = false;
        return true;
    }
    return ok;
}

static void note_ignored(struct cli *cli, const struct job *job)
{
    char note[512];

    code_tree_ignored(&job->code, job->code_dir, note);
    if (note[0] != '\0')
        cli_note(cli, "%s", note);
}

static bool load_all(struct cli *cli, struct job *job, struct mse_error *err)
{
    bool needs_config = job->context_file == NULL &&
                        (job->runtime_file != NULL || job->code_dir == NULL);

    return (job->context_file == NULL ||
            code_context_load(job->context_file, &job->context, err)) &&
           (!needs_config || load_config(cli, job, err)) &&
           (job->runtime_file == NULL || load_runtime(job, err)) &&
           code_tree_load(job->code_dir, &job->code, err);
}

static bool run(struct cli *cli, struct job *job, bool *same, struct mse_error *err)
{
    struct fingerprint_result result = { .code = &job->code };
    struct mse_writer out = { 0 };
    bool ok = load_all(cli, job, err) && (job->list || compare(job, &result, same, err)) &&
              (!*same || job->runtime_file == NULL || compute(job, &result, err));

    if (ok && job->list)
        fingerprint_print_list(&job->code, job->json, &out);
    else if (ok && job->argv && *same)
        ok = fingerprint_print_argv(&job->app, &out, err);
    else if (ok && job->json)
        fingerprint_print_json(&result, job->explain, &out);
    else if (ok)
        fingerprint_print_text(&result, job->explain, &out);
    ok = ok && (mse_writer_ok(&out) || mse_fail_memory(err));
    if (ok)
        cli_put(cli, &out);
    /* Differences that could not be printed are no answer. */
    ok = ok && (*same || fflush(cli->out) == 0 ||
                mse_fail_text(err, MSE_ERR_IO, "output", "cannot be written"));
    if (ok)
        note_ignored(cli, job);
    if (ok && !*same)
        cli_note(cli, "mse: %zu file%s of %s differ%s from the list%s", job->differences.count,
                 job->differences.count == 1 ? "" : "s", job->code_dir,
                 job->differences.count == 1 ? "s" : "",
                 job->context_file != NULL ? " in the context" : "");
    mse_writer_cleanup(&out);
    return ok;
}

static enum exit_code fingerprint(struct cli *cli, int argc, char **argv)
{
    struct job *job = calloc(1, sizeof(*job));
    struct mse_error err = { 0 };
    enum exit_code code = EXIT_YES;
    bool same = true, ok;

    if (job == NULL) {
        (void)mse_fail_memory(&err);
        return cli_fail(cli, &err);
    }
    cli->json_errors = &job->json;
    ok = read_options(cli, argc, argv, job, &err) && (job->helped || run(cli, job, &same, &err));
    if (!ok)
        code = cli_fail(cli, &err);
    else if (!same)
        code = EXIT_NO;
    cli->json_errors = NULL;
    job_cleanup(job);
    return code;
}

enum exit_code mse_code_fingerprint(struct cli *cli, int argc, char **argv)
{
    return (fingerprint_is_original(argc, argv) ? fingerprint_original : fingerprint)(cli, argc,
                                                                                      argv);
}
