/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a context that nobody but the owner may see. No other file writes these members. */
#include "base/encode.h"
#include "package/context_parts.h"

static void put_key(const struct mse_context *context, struct mse_writer *w)
{
    char hex[65];

    if (!context->has_code_key)
        return;
    mse_hex_write(context->code_key, 32, hex);
    mse_context_put_text(w, "code_secret_key", hex);
    explicit_bzero(hex, sizeof(hex));
}

static void put_local(const struct mse_context *context, struct mse_writer *w)
{
    mse_context_put_text(w, "docker", context->docker);
    mse_context_put_text(w, "project", context->project);
    mse_context_put_text(w, "tests", context->tests);
    mse_context_put_text(w, "tests_cmd", context->tests_cmd);
    mse_context_put_words(w, "tests_requirements", context->tests_requirements,
                          context->tests_requirement_count);
}

void mse_context_secret_config(const struct mse_context *context, struct mse_writer *w)
{
    put_local(context, w);
    put_key(context, w);
}

void mse_context_secret_nonces(const struct mse_context *context, const char *table,
                               struct mse_writer *w)
{
    char hex[2 * MSE_BOX_NONCE + 1];

    if (context->nonces.count == 0)
        return;
    mse_write_format(w, "\n[%s]\n", table);
    for (size_t i = 0; i < context->nonces.count; i++) {
        const struct mse_nonce *nonce = &context->nonces.of[i];

        mse_hex_write(nonce->nonce, sizeof(nonce->nonce), hex);
        mse_write_text(w, "\"");
        mse_context_escape(w, nonce->path, false);
        mse_write_format(w, "\" = \"%s\"\n", hex);
    }
}

void mse_context_secret_tables(const struct mse_context *context, struct mse_writer *w)
{
    if (context->project != NULL || context->docker != NULL || context->tests != NULL ||
        context->tests_cmd != NULL || context->tests_requirement_count > 0) {
        mse_write_text(w, "\n[local]\n");
        put_local(context, w);
    }
    if (!context->has_code_key && context->nonces.count == 0)
        return;
    mse_write_text(w, "\n[secret]\n");
    put_key(context, w);
    mse_context_secret_nonces(context, "secret.nonces", w);
}
