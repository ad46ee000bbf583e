/* SPDX-License-Identifier: Apache-2.0 */
/* mse fingerprint --original: what Cosmian MSE measured, from context, code and image. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/json.h"
#include "cli/fingerprint_original.h"
#include "cli/options.h"
#include "package/context.h"
#include "package/original.h"
#include "package/values.h"

#define EVIDENCE_MAX (16U << 20)

/* Options, and what was read of the files that they name. */
struct job {
    const char *context_file, *code_dir, *package_file, *image_file, *reference, *evidence_file;
    const char *compare_file, *manifest_file;
    bool explain, json, helped, original;
    struct mse_original_settings settings;
    struct mse_context context;
    char *subject, *san, *application; /* owned; of the evidence */
    char id[37], size[24];
    struct mse_original_files files, package;
    struct original_difference *differences; /* owned */
    size_t difference_count;
    bool failed; /* memory, while differences were collected */
    struct mse_image *image;
    struct mse_original result;
};

static void job_cleanup(struct job *job)
{
    for (size_t i = 0; i < job->difference_count; i++)
        free(job->differences[i].path);
    free(job->differences);
    free(job->subject);
    free(job->san);
    free(job->application);
    mse_original_cleanup(&job->result);
    mse_image_free(job->image);
    mse_original_files_cleanup(&job->files);
    mse_original_files_cleanup(&job->package);
    mse_context_cleanup(&job->context);
    free(job);
}

/* ---- options ---- */

static bool check_options(const struct job *job, struct mse_error *err)
{
    const bool of_code = job->context_file != NULL || job->code_dir != NULL;

    if (job->image_file == NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "--image", "is needed: the archive of the image");
    if (of_code && job->package_file != NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "--package", "is instead of --context and --code");
    if (!of_code && job->package_file == NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "--context",
                             "and --code are needed, or --package and --evidence");
    if (of_code && (job->context_file == NULL || job->code_dir == NULL))
        return mse_fail_text(err, MSE_ERR_USAGE, job->context_file == NULL ? "--context" : "--code",
                             "is needed: the original's files are encrypted anew, with the "
                             "context's key");
    if (job->package_file != NULL && job->evidence_file == NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "--evidence",
                             "is needed with --package: it has the app's arguments");
    if (job->package_file != NULL && job->compare_file != NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "--compare", "is for --context and --code");
    return true;
}

static bool read_options(struct cli *cli, int argc, char **argv, struct job *job,
                         struct mse_error *err)
{
    struct mse_original_settings *s = &job->settings;
    /* clang-format off */
    struct option_row rows[] = {
        { "--original", NULL, "compute the fingerprint of an enclave of Cosmian MSE", OPTION_FLAG, &job->original, NULL, false },
        { "--context", "FILE", "the deployment's context, with its code key (format 1.0 or 2.0)", OPTION_TEXT, &job->context_file, NULL, false },
        { "--code", "DIR", "the plain code", OPTION_TEXT, &job->code_dir, NULL, false },
        { "--package", "FILE", "app.tar as it is, instead of context and code", OPTION_TEXT, &job->package_file, NULL, false },
        { "--evidence", "FILE", "evidence.json: take the app's arguments from there", OPTION_TEXT, &job->evidence_file, NULL, false },
        { "--image", "ARCHIVE", "the image: OCI layout, or archive of docker save", OPTION_TEXT, &job->image_file, NULL, false },
        { "--image-reference", "REF", "tag or digest, if several images are in it", OPTION_TEXT, &job->reference, NULL, false },
        { "--subject", "NAME", "subject of the certificate (default: as the image has it)", OPTION_TEXT, &s->subject, NULL, false },
        { "--san", "NAME", "name in the certificate (default: as the context has it)", OPTION_TEXT, &s->san, NULL, false },
        { "--host", "ADDRESS", "address that the app listens on (default: 0.0.0.0)", OPTION_TEXT, &s->host, NULL, false },
        { "--port", "PORT", "and its port (default: 443)", OPTION_TEXT, &s->port, NULL, false },
        { "--timeout", "SECONDS", "time for configuration, if one was set", OPTION_TEXT, &s->timeout, NULL, false },
        { "--size", "SIZE", "enclave size as it was typed, like 4096M", OPTION_TEXT, &s->size, NULL, false },
        { "--app-dir", "DIR", "where the image unpacks code (default: as the image has it)", OPTION_TEXT, &s->app_dir, NULL, false },
        { "--log-level", "LEVEL", "Gramine's log level (default: error)", OPTION_TEXT, &s->log_level, NULL, false },
        { "--compare", "FILE", "the deployment's app.tar: name the files that differ", OPTION_TEXT, &job->compare_file, NULL, false },
        { "--manifest", "FILE", "save the manifest that is measured", OPTION_TEXT, &job->manifest_file, NULL, false },
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

bool fingerprint_is_original(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--original") == 0)
            return true;
    }
    return false;
}

/* ---- the app's arguments ---- */

static void set_size(struct job *job, uint64_t mib)
{
    (void)snprintf(job->size, sizeof(job->size), "%" PRIu64 "M", mib);
    job->settings.size = job->size;
}

/* What the command line says counts; the evidence comes before the context. */
static void set_text(const char **slot, const char *text)
{
    if (*slot == NULL)
        *slot = text;
}

static bool evidence_text(const struct mse_json *json, const struct mse_json_value *args,
                          const char *name, char **out, struct mse_error *err)
{
    const struct mse_json_value *v = mse_json_member(json, args, name);

    if (v == NULL || v->type != MSE_JSON_STRING)
        return mse_fail_text(err, MSE_ERR_MISSING, name, "must be a text in \"input_args\"");
    return mse_json_value_text(json, v, out, err);
}

static bool read_evidence(struct job *job, struct mse_bytes in, struct mse_error *err)
{
    const struct mse_json_value *args;
    struct mse_json json = { 0 };
    char *id = NULL;
    int64_t size = 0, expiry = 0;
    bool ok = mse_json_parse(in, &json, err) &&
              mse_json_get_object(&json, &json.values[0], "input_args", &args, err) &&
              evidence_text(&json, args, "subject", &job->subject, err) &&
              evidence_text(&json, args, "subject_alternative_name", &job->san, err) &&
              evidence_text(&json, args, "application", &job->application, err) &&
              evidence_text(&json, args, "app_id", &id, err) &&
              mse_json_get_integer(&json, args, "size", 1, INT32_MAX, &size, err) &&
              mse_json_get_integer(&json, args, "expiration_date", 1, INT64_MAX, &expiry, err) &&
              (mse_value_uuid(id, job->id) ||
               mse_fail_text(err, MSE_ERR_VALUE, "app_id", "is no UUID"));

    free(id);
    mse_json_cleanup(&json);
    if (!ok)
        return false;
    set_text(&job->settings.subject, job->subject);
    set_text(&job->settings.san, job->san);
    job->settings.application = job->application;
    job->settings.id = job->id;
    job->settings.expires_at = expiry;
    if (job->settings.size == NULL)
        set_size(job, (uint64_t)size);
    return true;
}

static bool load_evidence(struct job *job, struct mse_error *err)
{
    uint8_t *data = NULL;
    size_t len = 0;
    bool ok = mse_file_read(job->evidence_file, EVIDENCE_MAX, &data, &len, err) &&
              (read_evidence(job, (struct mse_bytes){ data, len }, err) ||
               mse_fail_in(err, "%s", job->evidence_file));

    free(data);
    return ok;
}

static bool check_context(const struct job *job, struct mse_error *err)
{
    const struct mse_context *context = &job->context;

    if (context->format == MSE_CONTEXT_3_0)
        return mse_fail_text(err, MSE_ERR_USAGE, "--original",
                             "is for contexts of format 1.0 and 2.0; %s has 3.0",
                             job->context_file);
    if (!context->has_code_key)
        return mse_fail_text(err, MSE_ERR_MISSING, job->context_file,
                             "lacks the code key: the original measured encrypted files, and only "
                             "who has the key can make them again");
    if (context->origin == MSE_APP_CERT_OWNER && context->ssl_certificate == NULL)
        return mse_fail_text(err, MSE_ERR_MISSING, job->context_file,
                             "lacks the owner's certificate, which is measured");
    return true;
}

static bool load_context(struct cli *cli, struct job *job, struct mse_error *err)
{
    struct mse_context *context = &job->context;
    struct mse_original_settings *s = &job->settings;
    uint8_t *data = NULL;
    size_t len = 0;
    bool ok = mse_file_read(job->context_file, MSE_CONTEXT_MAX_SIZE, &data, &len, err) &&
              mse_context_parse((struct mse_bytes){ data, len }, job->context_file, context, err);

    if (data != NULL)
        explicit_bzero(data, len); /* the code key */
    free(data);
    if (!ok || !check_context(job, err))
        return false;
    if (context->origin != MSE_APP_CERT_SELF)
        cli_note(cli,
                 "mse: this app's certificate comes from its %s: a fingerprint does not say "
                 "who ends TLS there",
                 mse_app_cert_name(context->origin));
    if (context->origin == MSE_APP_CERT_OWNER)
        s->certificate = context->ssl_certificate;
    set_text(&s->san, context->config_domain_name);
    set_text(&s->application, context->python);
    set_text(&s->id, context->id);
    if (s->expires_at == 0)
        s->expires_at = context->expires_at;
    if (s->size == NULL && context->enclave_size > 0)
        set_size(job, context->enclave_size);
    return true;
}

static bool load_settings(struct cli *cli, struct job *job, struct mse_error *err)
{
    const struct mse_original_settings *s = &job->settings;

    if ((job->evidence_file != NULL && !load_evidence(job, err)) ||
        (job->context_file != NULL && !load_context(cli, job, err)))
        return false;
    if (s->san == NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "--san",
                             "is needed: the context does not have the name in the certificate");
    if (s->size == NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "--size",
                             "is needed: the context does not have the enclave's size");
    return true;
}

/* ---- the code ---- */

static void seen(void *context, enum mse_tree_change change, const char *path)
{
    struct job *job = context;
    struct original_difference *grown = realloc(job->differences,
                                                (job->difference_count + 1) * sizeof(*grown));

    if (grown == NULL) {
        job->failed = true;
        return;
    }
    job->differences = grown;
    grown[job->difference_count] = (struct original_difference){ change, strdup(path) };
    if (grown[job->difference_count].path == NULL)
        job->failed = true;
    else
        job->difference_count++;
}

/* What differs in name is known before anything is encrypted, what in content afterwards. */
static bool load_code(struct job *job, struct mse_error *err)
{
    const struct mse_context *context = &job->context;
    size_t count = 0;

    if (!mse_original_code_read(job->code_dir, &job->files, err) ||
        !mse_original_code_compare(&job->files, &context->nonces, seen, job, &count, err))
        return false;
    if (count > 0)
        return !job->failed || mse_fail_memory(err);
    if (!mse_original_code_seal(job->code_dir, context->code_key, &context->nonces, &job->files,
                                err))
        return false;
    if (job->compare_file == NULL)
        return true;
    if (!mse_original_package_read(job->compare_file, &job->package, err))
        return false;
    (void)mse_original_package_compare(&job->files, &job->package, seen, job);
    return !job->failed || mse_fail_memory(err);
}

/* ---- all of it ---- */

static bool compute(struct job *job, struct mse_error *err)
{
    if (!mse_image_open(job->image_file, job->reference, NULL, &job->image, err) ||
        !mse_original_measure(job->image, &job->files, &job->settings, job->explain, &job->result,
                              err))
        return false;
    return job->manifest_file == NULL ||
           mse_file_write(job->manifest_file, mse_writer_bytes(&job->result.manifest_sgx), 0644,
                          MSE_FILE_REPLACE, err);
}

static bool run(struct cli *cli, struct job *job, struct mse_error *err)
{
    struct original_report report = { .files = &job->files, .result = &job->result };
    struct mse_writer out = { 0 };
    bool ok = load_settings(cli, job, err) &&
              (job->package_file != NULL
                   ? mse_original_package_read(job->package_file, &job->files, err)
                   : load_code(job, err)) &&
              (job->difference_count > 0 || compute(job, err));

    if (ok) {
        report.size = job->settings.size;
        report.compared = job->context_file != NULL;
        report.differences = job->differences;
        report.difference_count = job->difference_count;
        (job->json ? original_print_json : original_print_text)(&report, job->explain, &out);
        ok = mse_writer_ok(&out) || mse_fail_memory(err);
    }
    if (ok)
        cli_put(cli, &out);
    if (ok && job->difference_count > 0)
        cli_note(cli, "mse: %s is not the code that was deployed: %zu differences", job->code_dir,
                 job->difference_count);
    mse_writer_cleanup(&out);
    return ok;
}

enum exit_code fingerprint_original(struct cli *cli, int argc, char **argv)
{
    struct job *job = calloc(1, sizeof(*job));
    struct mse_error err = { 0 };
    enum exit_code code = EXIT_YES;

    if (job == NULL) {
        (void)mse_fail_memory(&err);
        return cli_fail(cli, &err);
    }
    cli->json_errors = &job->json;
    if (!read_options(cli, argc, argv, job, &err) || (!job->helped && !run(cli, job, &err)))
        code = cli_fail(cli, &err);
    else if (job->difference_count > 0)
        code = EXIT_NO;
    cli->json_errors = NULL;
    job_cleanup(job);
    return code;
}
