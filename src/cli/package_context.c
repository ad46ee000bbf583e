/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts of `mse package`: one written with what is known, and nonces out of an earlier one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/package_job.h"
#include "cli/owner_key.h"
#include "measure/runtime.h"
#include "release/minisign.h"

#define MAX_CHAIN (1U << 20)

static void wipe_free(uint8_t *data, size_t len)
{
    if (data != NULL)
        explicit_bzero(data, len);
    free(data);
}

/* ---- nonces ---- */

static bool take_nonces(struct package_job *job, struct mse_context *context, struct mse_error *err)
{
    if (context->format != MSE_CONTEXT_3_0)
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, job->nonces_file,
                             "does not say of which code its nonces are: wants format 3.0");
    if (!context->has_code_key || context->nonces.count == 0)
        return mse_fail_text(err, MSE_ERR_MISSING, job->nonces_file,
                             "has no code key and nonces: wants the secret form");
    /* Two contents under one key and nonce can both be read by whoever sees the two packages. */
    if (memcmp(context->tree, job->digest, sizeof(job->digest)) != 0)
        return mse_fail_text(err, MSE_ERR_MISMATCH, job->nonces_file,
                             "is of other code: its nonces cannot be used again");
    memcpy(job->key, context->code_key, sizeof(job->key));
    job->nonces = context->nonces;
    context->nonces = (struct mse_nonces){ 0 }; /* moved */
    return true;
}

bool package_load_nonces(struct package_job *job, struct mse_error *err)
{
    struct mse_context context = { 0 };
    uint8_t *data = NULL;
    size_t len = 0;
    bool ok = mse_file_read(job->nonces_file, MSE_CONTEXT_MAX_SIZE, &data, &len, err) &&
              mse_context_parse((struct mse_bytes){ data, len }, job->nonces_file, &context, err) &&
              take_nonces(job, &context, err);

    mse_context_cleanup(&context);
    wipe_free(data, len);
    return ok;
}

/* ---- what is known ---- */

static bool copy_text(const char *from, char **to, struct mse_error *err)
{
    if (from == NULL)
        return true;
    *to = strdup(from);
    return *to != NULL || mse_fail_memory(err);
}

static bool take_config(const struct mse_app_config *config, struct mse_context *to,
                        struct mse_error *err)
{
    to->memory = config->memory;
    to->threads = config->threads;
    to->origin = config->has_ssl ? MSE_APP_CERT_OWNER : MSE_APP_CERT_SELF;
    for (size_t i = 0; i < config->command_count; i++) {
        if (!copy_text(config->command[i], &to->command[i], err))
            return false;
        to->command_count++;
    }
    return copy_text(config->name, &to->name, err) && copy_text(config->python, &to->python, err) &&
           copy_text(config->health, &to->health, err) &&
           copy_text(config->project, &to->project, err) &&
           copy_text(config->docker, &to->docker, err) &&
           copy_text(config->tests_cmd, &to->tests_cmd, err);
}

static bool take_chain(const struct mse_app_config *config, struct mse_context *to,
                       struct mse_error *err)
{
    uint8_t *data = NULL;
    size_t len = 0;
    bool ok;

    if (!config->has_ssl || config->ssl_certificate == NULL)
        return true;
    ok = mse_file_read(config->ssl_certificate, MAX_CHAIN, &data, &len, err) &&
         copy_text((const char *)data, &to->ssl_certificate, err);
    free(data);
    return ok;
}

/* A file of that name, or the key itself. */
static bool take_owner(const char *text, struct mse_context *to, struct mse_error *err)
{
    struct mse_minisign_public key;

    if (text == NULL)
        return true;
    if (!owner_key_read(text, &key, err))
        return false;
    memcpy(to->owner, key.key, sizeof(to->owner));
    return true;
}

/* SGX has no isolation of processes; everywhere else the runtime does it. */
static bool take_runtime(const char *file, struct mse_context *to, struct mse_error *err)
{
    struct mse_runtime runtime = { 0 };
    uint8_t *data = NULL;
    size_t len = 0;
    bool ok;

    if (file == NULL)
        return true;
    ok = mse_file_read(file, MSE_RUNTIME_MAX_SIZE, &data, &len, err) &&
         (mse_runtime_parse((struct mse_bytes){ data, len }, &runtime, err) ||
          mse_fail_in(err, "%s", file));
    if (ok) {
        memcpy(to->runtime, runtime.sha256, sizeof(to->runtime));
        to->isolation = runtime.tee == MSE_RUNTIME_SGX ? MSE_APP_ISOLATION_NONE
                                                       : MSE_APP_ISOLATION_PROCESS;
    }
    mse_runtime_cleanup(&runtime);
    free(data);
    return ok;
}

/* A random UUID (RFC 9562, version 4): a context has a name of its own before it is deployed. */
static bool make_id(char out[static 37], struct mse_error *err)
{
    uint8_t b[16];

    if (!mse_box_random(b, sizeof(b), err))
        return false;
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    (void)snprintf(out, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                   b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
                   b[13], b[14], b[15]);
    return true;
}

static bool take_list(const struct package_job *job, struct mse_context *to, struct mse_error *err)
{
    struct mse_writer list = { .cap = MSE_CONTEXT_MAX_SIZE };

    mse_tree_list_write(job->tree, &list);
    if (!mse_writer_ok(&list))
        (void)mse_fail_text(err, MSE_ERR_LIMIT, "context", "the list of files is too long");
    to->files = mse_writer_take_text(&list);
    mse_writer_cleanup(&list);
    return to->files != NULL || mse_fail_memory(err);
}

/* nonces are lent for the writing. */
static void take_secrets(const struct package_job *job, struct mse_context *to)
{
    if (job->plain)
        return;
    to->has_code_key = true;
    memcpy(to->code_key, job->key, sizeof(to->code_key));
    to->nonces = job->nonces;
}

bool package_make_context(struct cli *cli, struct package_job *job, struct mse_error *err)
{
    struct mse_context context = { .format = MSE_CONTEXT_3_0, .created_at = cli->now };
    bool ok;

    memcpy(context.tree, job->digest, sizeof(context.tree));
    ok = take_config(&job->config, &context, err) && take_chain(&job->config, &context, err) &&
         take_owner(job->owner, &context, err) && take_runtime(job->runtime_file, &context, err) &&
         make_id(context.id, err) && take_list(job, &context, err);
    if (ok) {
        take_secrets(job, &context);
        job->context_text.cap = MSE_CONTEXT_MAX_SIZE;
        ok = mse_context_write(&context, MSE_CONTEXT_SECRET, &job->context_text, err);
        context.nonces = (struct mse_nonces){ 0 };
    }
    mse_context_cleanup(&context);
    return ok;
}

/* ---- the file ---- */

bool package_write_context(struct package_job *job, struct mse_error *err)
{
    const struct mse_writer *text = &job->context_text;
    size_t at = 0;

    if (!new_file_open(job->context_file, job->force, &job->context, err))
        return false;
    while (at < text->len) {
        ssize_t n = write(job->context.fd, text->data + at, text->len - at);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return mse_fail_text(err, MSE_ERR_IO, job->context_file, "cannot write: %s",
                                 strerrordesc_np(errno));
        at += (size_t)n;
    }
    return true;
}

void package_context_cleanup(struct package_job *job)
{
    if (job->context_text.data != NULL)
        explicit_bzero(job->context_text.data, job->context_text.size);
    mse_writer_cleanup(&job->context_text);
    new_file_cleanup(&job->context);
}
