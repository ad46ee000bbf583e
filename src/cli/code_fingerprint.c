/* SPDX-License-Identifier: Apache-2.0 */
/* The fingerprint that a context, plain code and a runtime give: for `mse cloud verify`. */
#include "cli/code.h"
#include "cli/fingerprint_input.h"

#include "base/encode.h"

/* Of the descriptions given the one that the context names by its digest. */
static bool find_runtime(const struct code_fingerprint_request *request,
                         const struct mse_context *context, struct code_runtime *out,
                         struct mse_error *err)
{
    char hex[65];

    for (size_t i = 0; i < request->runtime_file_count; i++) {
        if (!code_runtime_load(request->runtime_files[i], out, err))
            return false;
        if (memcmp(out->description.sha256, context->runtime, 32) == 0)
            return true;
        code_runtime_cleanup(out);
    }
    mse_hex_write(context->runtime, 32, hex);
    if (request->runtime_file_count == 0)
        return mse_fail_text(err, MSE_ERR_USAGE, "--runtime",
                             "a file with the description of the runtime %s is needed: none was "
                             "named, none is beside the context (runtime.json) or in the "
                             "configuration directory (runtimes/DIGEST.json)",
                             hex);
    return mse_fail_text(err, MSE_ERR_MISMATCH, "--runtime",
                         "names no description of the runtime that the context has, %s", hex);
}

/* The words of a command, quoted where one could be read as two. */
static void describe_start(const struct mse_app_manifest *app, char *out, size_t size)
{
    char word[300];
    size_t at;

    if (app->python != NULL) {
        (void)snprintf(out, size, "python %s",
                       mse_escape(MSE_CSTR_BYTES(app->python), word, sizeof(word)));
        return;
    }
    at = (size_t)snprintf(out, size, "command");
    for (size_t i = 0; i < app->command_count && at < size; i++)
        at += (size_t)snprintf(out + at, size - at, " \"%s\"",
                               mse_escape(MSE_CSTR_BYTES(app->command[i]), word, sizeof(word)));
}

static void describe(const struct mse_context *context, const struct mse_app_manifest *app,
                     const struct mse_runtime *runtime, struct code_fingerprint *out)
{
    char name[80], version[72];

    describe_start(app, out->start, sizeof(out->start));
    (void)snprintf(out->runtime_name, sizeof(out->runtime_name), "%s %s",
                   mse_escape(MSE_CSTR_BYTES(runtime->name), name, sizeof(name)),
                   mse_escape(MSE_CSTR_BYTES(runtime->version), version, sizeof(version)));
    if (context->domain_name != NULL)
        (void)snprintf(out->domain_name, sizeof(out->domain_name), "%s", context->domain_name);
    memcpy(out->owner, app->owner, sizeof(out->owner));
    out->unsigned_config = app->unsigned_config;
    out->no_isolation = app->isolation == MSE_APP_ISOLATION_NONE;
}

static bool compute(const struct mse_context *context, const struct code_tree *code,
                    const struct code_runtime *runtime, struct code_fingerprint *out,
                    struct mse_error *err)
{
    const struct mse_runtime *description = &runtime->description;
    struct mse_app_manifest app;

    if (description->tee != MSE_RUNTIME_SIM && description->tee != MSE_RUNTIME_SGX)
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, runtime->file,
                             "is a runtime for %s: its fingerprint needs the platform's "
                             "measurement; compute it with mse fingerprint and give --fingerprint",
                             mse_runtime_tee_name(description->tee));
    if (!mse_context_app(context, code->digest, &app, err) ||
        !mse_fingerprint_sgx(description,
                             (struct mse_bytes){ runtime->loader, runtime->loader_len }, &app,
                             out->value, NULL, NULL, err))
        return false;
    out->tee = description->tee == MSE_RUNTIME_SGX ? CODE_TEE_SGX : CODE_TEE_SIM;
    memcpy(out->runtime, description->sha256, sizeof(out->runtime));
    describe(context, &app, description, out);
    (void)snprintf(out->runtime_file, sizeof(out->runtime_file), "%s", runtime->file);
    return true;
}

bool mse_code_context_fingerprint(const struct code_fingerprint_request *request,
                                  struct code_fingerprint *out, struct mse_error *err)
{
    struct mse_context context = { 0 };
    struct code_tree code = { 0 };
    struct code_runtime runtime = { 0 };
    bool ok;

    memset(out, 0, sizeof(*out));
    ok = code_context_load(request->context_file, &context, err) &&
         find_runtime(request, &context, &runtime, err) &&
         code_runtime_load_loader(&runtime, request->loader_file, err) &&
         code_tree_load(request->code_dir, &code, err) &&
         code_context_check(&context, &code, request->code_dir, NULL, err) &&
         compute(&context, &code, &runtime, out, err);
    if (ok)
        code_tree_ignored(&code, request->code_dir, out->ignored);
    code_runtime_cleanup(&runtime);
    code_tree_cleanup(&code);
    mse_context_cleanup(&context);
    if (!ok)
        memset(out, 0, sizeof(*out));
    return ok;
}
