/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests: template, defaults, text; what is written reads as itself, with nothing to add. */
#include <stdlib.h>

#include "measure/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        abort();
}

static const char *get(const void *context, const char *name)
{
    return name[0] == 'H' ? context : NULL;
}

static bool render(struct mse_bytes in, struct mse_writer *out)
{
    static const struct mse_template_variable variables[] = { { "a", "1" }, { "log_level", "x" } };
    static const struct mse_template_environment environment = {
        .variables = variables,
        .variable_count = 2,
        .libos = "/l",
        .pkglibdir = "/p",
        .runtimedir = "/r",
        .python_stdlib = "/s",
        .env = get,
        .env_context = "home",
    };
    struct mse_error err = { 0 };
    bool ok = mse_template_render(in, &environment, out, &err);

    require(ok == (err.code == MSE_ERR_NONE));
    require(ok || (out->len == 0 && err.offset <= in.len));
    return ok;
}

/* The text of in with its defaults; false if it is refused. */
static bool complete(struct mse_bytes in, enum mse_gramine rules, struct mse_writer *out)
{
    struct mse_error err = { 0 };
    struct mse_manifest manifest;
    struct mse_enclave_settings settings;
    bool ok = mse_manifest_parse(in, rules, &manifest, &err);

    require(ok == (manifest.root != NULL));
    ok = ok && mse_manifest_add_defaults(&manifest, "/l", &err);
    require(ok == (err.code == MSE_ERR_NONE));
    if (ok) {
        mse_manifest_write(&manifest, out);
        if (mse_manifest_settings(&manifest, &settings, &err))
            require(settings.size != 0 && settings.max_threads != 0);
        else
            require(settings.size == 0 && err.code != MSE_ERR_NONE);
    }
    mse_manifest_cleanup(&manifest);
    return ok;
}

static void check(struct mse_bytes toml, enum mse_gramine rules)
{
    struct mse_writer once = { 0 }, twice = { 0 };

    if (complete(toml, rules, &once) && mse_writer_ok(&once) && once.len <= MSE_TOML_MAX_SIZE) {
        require(once.len > 0 && once.data[once.len - 1] == '\n');
        require(complete(mse_writer_bytes(&once), rules, &twice));
        require(mse_bytes_equal(mse_writer_bytes(&once), mse_writer_bytes(&twice)));
    }
    mse_writer_cleanup(&once);
    mse_writer_cleanup(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mse_writer toml = { 0 };

    if (render((struct mse_bytes){ data, size }, &toml)) {
        check(mse_writer_bytes(&toml), MSE_GRAMINE_1_9);
        check(mse_writer_bytes(&toml), MSE_GRAMINE_1_5);
    }
    mse_writer_cleanup(&toml);
    return 0;
}
