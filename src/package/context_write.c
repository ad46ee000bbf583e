/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts as TOML. This file writes what is public; context_secret.c has the rest. */
#include <inttypes.h>

#include "base/clock.h"
#include "base/encode.h"
#include "package/context_parts.h"

static void put_hex(struct mse_writer *w, const char *key, const uint8_t value[static 32])
{
    char hex[65];

    if (mse_is_zero(value, 32))
        return;
    mse_hex_write(value, 32, hex);
    mse_context_put_text(w, key, hex);
}

static void put_number(struct mse_writer *w, const char *key, uint64_t value)
{
    if (value != 0)
        mse_write_format(w, "%s = %" PRIu64 "\n", key, value);
}

static void put_instant(struct mse_writer *w, const char *key, int64_t t)
{
    char text[MSE_TIME_TEXT_SIZE];

    if (t != 0)
        mse_write_format(w, "%s = %s\n", key, mse_time_write(t, text));
}

/* Of a file that may have more around them, the certificates. */
static bool put_chain(struct mse_writer *w, const char *key, const char *pem, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer chain = { 0 };

    if (pem == NULL)
        return true;
    if (!mse_context_chain_write(pem, &chain, err))
        return false;
    mse_write_u8(&chain, '\0');
    if (!mse_writer_ok(&chain))
        return mse_fail_memory(err);
    mse_write_format(w, "%s = \"\"\"\n", key);
    mse_context_escape(w, (const char *)chain.data, true);
    mse_write_text(w, "\"\"\"\n");
    return true;
}

/* ---- 2.0, as the original writes it ---- */

static bool old_config(const struct mse_context *context, struct mse_writer *w,
                       struct mse_error *err)
{
    mse_write_text(w, "version = \"2.0\"\n\n[config]\n");
    mse_context_put_text(w, "name", context->name);
    mse_context_put_text(w, "python_application", context->python);
    mse_context_put_text(w, "healthcheck_endpoint", context->health);
    return put_chain(w, "ssl_app_certificate", context->ssl_certificate, err);
}

static void old_instance(const struct mse_context *context, struct mse_writer *w)
{
    mse_write_text(w, "\n[instance]\n");
    mse_context_put_text(w, "id", context->id);
    mse_context_put_text(w, "config_domain_name", context->config_domain_name);
    put_number(w, "enclave_size", context->enclave_size);
    put_instant(w, "expires_at", context->expires_at);
    mse_context_put_text(w, "ssl_certificate_origin", mse_app_cert_name(context->origin));
}

/* ---- 3.0 ---- */

static bool new_config(const struct mse_context *context, struct mse_writer *w,
                       struct mse_error *err)
{
    mse_write_text(w, "version = \"3.0\"\n\n[config]\n");
    mse_context_put_text(w, "name", context->name);
    mse_context_put_text(w, "python_application", context->python);
    mse_context_put_words(w, "command", context->command, context->command_count);
    mse_context_put_text(w, "healthcheck_endpoint", context->health);
    put_number(w, "memory", context->memory);
    put_number(w, "threads", context->threads);
    put_hex(w, "owner", context->owner);
    mse_context_put_text(w, "isolation", mse_context_isolation_name(context->isolation));
    mse_write_format(w, "unsigned = %s\n", context->unsigned_config ? "true" : "false");
    put_hex(w, "runtime", context->runtime);
    put_hex(w, "tree", context->tree);
    return put_chain(w, "ssl_certificate", context->ssl_certificate, err);
}

static void new_instance(const struct mse_context *context, struct mse_writer *w)
{
    mse_write_text(w, "\n[instance]\n");
    mse_context_put_text(w, "id", context->id);
    mse_context_put_text(w, "domain_name", context->domain_name);
    mse_context_put_text(w, "config_domain_name", context->config_domain_name);
    mse_context_put_text(w, "ssl_certificate_origin", mse_app_cert_name(context->origin));
    put_instant(w, "expires_at", context->expires_at);
    put_instant(w, "created_at", context->created_at);
    if (context->files == NULL)
        return;
    mse_write_text(w, "\n[files]\nlist = \"\"\"\n");
    mse_context_escape(w, context->files, true);
    mse_write_text(w, "\"\"\"\n");
}

/* ---- forms ---- */

static bool write_public(const struct mse_context *context, struct mse_writer *w,
                         struct mse_error *err)
{
    if (context->format == MSE_CONTEXT_3_0) {
        if (!new_config(context, w, err))
            return false;
        new_instance(context, w);
        return true;
    }
    if (!old_config(context, w, err))
        return false;
    old_instance(context, w);
    return true;
}

static bool write_secret(const struct mse_context *context, struct mse_writer *w,
                         struct mse_error *err)
{
    if (context->format == MSE_CONTEXT_3_0) {
        if (!write_public(context, w, err))
            return false;
        mse_context_secret_tables(context, w);
        return true;
    }
    if (!old_config(context, w, err))
        return false;
    mse_context_secret_config(context, w);
    old_instance(context, w);
    mse_context_secret_nonces(context, "instance.nonces", w);
    return true;
}

/* What is written can be read, and says no more than it should. */
static bool check(struct mse_bytes text, enum mse_context_form form, struct mse_error *err)
{
    struct mse_context again;
    bool ok = mse_context_parse(text, "context", &again, err);

    if (ok && form == MSE_CONTEXT_PUBLIC && (again.has_code_key || again.nonces.count > 0))
        ok = mse_fail_text(err, MSE_ERR_VALUE, "context", "the public form would have secrets");
    mse_context_cleanup(&again);
    return ok;
}

bool mse_context_write(const struct mse_context *context, enum mse_context_form form,
                       struct mse_writer *out, struct mse_error *err)
{
    struct mse_writer w = { .cap = MSE_CONTEXT_MAX_SIZE };
    bool ok = form == MSE_CONTEXT_SECRET ? write_secret(context, &w, err)
                                         : write_public(context, &w, err);

    if (ok && !mse_writer_ok(&w))
        ok = mse_fail_text(err, MSE_ERR_LIMIT, "context",
                           "does not fit into memory, or into the %u bytes of a context",
                           MSE_CONTEXT_MAX_SIZE);
    ok = ok && check(mse_writer_bytes(&w), form, err);
    if (ok)
        mse_write_bytes(out, w.data, w.len);
    if (w.data != NULL)
        explicit_bzero(w.data, w.size);
    mse_writer_cleanup(&w);
    return ok && (mse_writer_ok(out) || mse_fail_memory(err));
}

/* ---- the app manifest ---- */

static bool missing(struct mse_error *err, const char *what)
{
    return mse_fail_text(err, MSE_ERR_MISSING, "context", "does not say the %s yet", what);
}

bool mse_context_app(const struct mse_context *context, const uint8_t tree[static 32],
                     struct mse_app_manifest *out, struct mse_error *err)
{
    *out = (struct mse_app_manifest){ 0 };
    if (context->format != MSE_CONTEXT_3_0)
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "context",
                             "is of format %s: only of 3.0 a fingerprint of this program's kind "
                             "can be computed",
                             context->format == MSE_CONTEXT_1_0 ? "1.0" : "2.0");
    if (context->health == NULL)
        return missing(err, "health check endpoint");
    if (context->memory == 0 || context->threads == 0)
        return missing(err, context->memory == 0 ? "memory" : "number of threads");
    if (mse_is_zero(context->owner, 32) || mse_is_zero(context->runtime, 32))
        return missing(err, mse_is_zero(context->owner, 32) ? "owner's key" : "runtime");
    if (context->python == NULL && context->command_count == 0)
        return missing(err, "application");
    memcpy(out->tree, tree, 32);
    memcpy(out->owner, context->owner, 32);
    memcpy(out->runtime, context->runtime, 32);
    out->cert = context->origin;
    out->health = context->health;
    out->memory = context->memory;
    out->threads = context->threads;
    out->unsigned_config = context->unsigned_config;
    out->isolation = context->isolation;
    out->python = context->python;
    for (size_t i = 0; i < context->command_count; i++)
        out->command[i] = context->command[i];
    out->command_count = context->command_count;
    return true;
}
