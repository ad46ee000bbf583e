/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts: what is read can be written and read again; the public form holds no secret. */
#include <stdlib.h>

#include "base/encode.h"
#include "package/context.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        abort();
}

static bool holds(const struct mse_writer *w, const char *hex, size_t len)
{
    return memmem(w->data, w->len, hex, len) != NULL;
}

/* A key that is also a public value would be found there, so these are not looked at. */
static void check_public(const struct mse_context *c)
{
    struct mse_writer w = { 0 };
    struct mse_error err = { 0 };
    struct mse_context again;
    char hex[65];

    require(mse_context_write(c, MSE_CONTEXT_PUBLIC, &w, &err));
    require(mse_context_parse(mse_writer_bytes(&w), "public", &again, &err));
    require(!again.has_code_key && again.nonces.count == 0 && again.tests == NULL);
    mse_hex_write(c->code_key, 32, hex);
    require(!c->has_code_key || !holds(&w, hex, 64) || memcmp(c->code_key, c->owner, 32) == 0 ||
            memcmp(c->code_key, c->runtime, 32) == 0 || memcmp(c->code_key, c->tree, 32) == 0 ||
            c->files != NULL || strstr(c->name, hex) != NULL);
    mse_context_cleanup(&again);
    mse_writer_cleanup(&w);
}

static void check_secret(const struct mse_context *c)
{
    struct mse_writer first = { 0 }, second = { 0 };
    struct mse_error err = { 0 };
    struct mse_context again;

    require(mse_context_write(c, MSE_CONTEXT_SECRET, &first, &err));
    require(mse_context_parse(mse_writer_bytes(&first), "secret", &again, &err));
    require(again.has_code_key == c->has_code_key && again.nonces.count == c->nonces.count);
    require(memcmp(again.code_key, c->code_key, 32) == 0);
    require(mse_context_write(&again, MSE_CONTEXT_SECRET, &second, &err));
    require(mse_bytes_equal(mse_writer_bytes(&first), mse_writer_bytes(&second)));
    mse_context_cleanup(&again);
    mse_writer_cleanup(&first);
    mse_writer_cleanup(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mse_error err = { 0 };
    struct mse_context c;

    if (!mse_context_parse((struct mse_bytes){ data, size }, "input", &c, &err)) {
        require(err.code != MSE_ERR_NONE && c.name == NULL && !c.has_code_key);
        return 0;
    }
    require(strlen(c.id) == 36);
    for (size_t i = 0; i < c.nonces.count; i++)
        require(mse_nonces_find(&c.nonces, c.nonces.of[i].path) == c.nonces.of[i].nonce);
    check_public(&c);
    check_secret(&c);
    mse_context_cleanup(&c);
    return 0;
}
