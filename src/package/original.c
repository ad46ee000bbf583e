/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments, manifest and measurement, as mse-run and Gramine 1.5 make them in the image. */
#include "package/original.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/hash.h"
#include "measure/trusted_files.h"
#include "package/original_image.h"

#define TEMPLATE_MAX MSE_TOML_MAX_SIZE
#define ARCH_LIBDIR "/lib/x86_64-linux-gnu"
#define CERTIFICATE "fullchain.pem"

/* ---- settings ---- */

static const char *or_default(const char *given, const char *otherwise)
{
    return given != NULL ? given : otherwise;
}

static bool is_digits(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static bool is_log_level(const char *text)
{
    static const char *const levels[] = { "none", "error", "warning", "debug", "trace", "all" };

    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strcmp(text, levels[i]) == 0)
            return true;
    }
    return false;
}

/* mse-run refuses empty ones; two are words of a shell, and three stand between quotes of TOML. */
static bool check_settings(const struct mse_original_settings *s, struct mse_error *err)
{
    uint64_t size;

    if (s->id[0] == '\0' || s->application[0] == '\0' || s->san[0] == '\0')
        return mse_fail_text(err, MSE_ERR_VALUE, "arguments",
                             "id, application and name must not be empty");
    if (s->timeout != NULL && !is_digits(s->timeout))
        return mse_fail_text(err, MSE_ERR_VALUE, "timeout", "must be a number of seconds");
    if (s->log_level != NULL && !is_log_level(s->log_level))
        return mse_fail_text(err, MSE_ERR_VALUE, "log level",
                             "must be none, error, warning, debug, trace or all");
    if (s->certificate == NULL && s->expires_at <= 0)
        return mse_fail_text(err, MSE_ERR_MISSING, "expires_at",
                             "the day when the certificate ends is measured, and is not known");
    return mse_manifest_size_read(s->size, &size, err) || mse_fail_in(err, "size");
}

static bool check_app_dir(const char *path, struct mse_error *err)
{
    bool ok = path[0] == '/' && path[1] != '\0' && path[strlen(path) - 1] != '/' &&
              strstr(path, "//") == NULL && strstr(path, "/.") == NULL;

    for (const char *p = path; *p != '\0'; p++)
        ok = ok && (unsigned char)*p > 0x20 && *p != '"' && *p != '\\' && *p != 0x7f;
    return ok ||
           mse_fail_text(err, MSE_ERR_VALUE, "app directory", "must be a plain absolute path");
}

static bool copy_text(char **out, const char *text, struct mse_error *err)
{
    *out = strdup(text);
    return *out != NULL || mse_fail_memory(err);
}

static bool take_found(struct original_image *found, const struct mse_original_settings *s,
                       struct mse_original *out, struct mse_error *err)
{
    const char *subject = or_default(s->subject, found->subject);
    const char *app_dir = or_default(or_default(s->app_dir, found->app_dir), MSE_ORIGINAL_APP_DIR);

    if (subject == NULL)
        return mse_fail_text(err, MSE_ERR_MISSING, "subject",
                             "is needed: the image's mse-run names none");
    return check_app_dir(app_dir, err) && copy_text(&out->subject, subject, err) &&
           copy_text(&out->app_dir, app_dir, err) &&
           copy_text(&out->directory, found->directory, err) &&
           copy_text(&out->entrypoint, found->entrypoint, err) &&
           copy_text(&out->gramine, found->gramine, err);
}

/* ---- arguments ---- */

static void put(struct mse_writer *w, const char *text)
{
    mse_write_bytes(w, text, strlen(text) + 1);
}

static void put_option(struct mse_writer *w, const char *name, const char *value)
{
    put(w, name);
    put(w, value);
}

/* What gramine-argv-serializer makes of mse-run's command line (docs/original.md). */
static bool write_arguments(const struct mse_original_settings *s, struct mse_original *out,
                            struct mse_error *err)
{
    struct mse_writer *w = &out->arguments;
    char expiry[24];

    put(w, "/usr/bin/python3");
    put(w, "-S");
    put(w, "/usr/local/bin/mse-bootstrap");
    if (s->certificate != NULL) {
        put(w, "--certificate");
        mse_write_format(w, "%s/" CERTIFICATE, out->app_dir);
        mse_write_u8(w, 0);
    } else {
        (void)snprintf(expiry, sizeof(expiry), "%" PRId64, s->expires_at);
        put_option(w, "--ratls", expiry);
    }
    put_option(w, "--host", or_default(s->host, "0.0.0.0"));
    put_option(w, "--port", or_default(s->port, "443"));
    put_option(w, "--app-dir", out->app_dir);
    put_option(w, "--subject", out->subject);
    put_option(w, "--san", s->san);
    put_option(w, "--id", s->id);
    if (s->timeout != NULL)
        put_option(w, "--timeout", s->timeout);
    put(w, s->application);
    return mse_writer_ok(w) || mse_fail_memory(err);
}

/* ---- the container's files ---- */

static bool put_file(struct mse_image *image, const char *directory, const char *name,
                     const uint8_t sha256[static 32], uint64_t size, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer path = { 0 };

    mse_write_format(&path, "%s/%s", directory, name);
    mse_write_u8(&path, 0);
    return (mse_writer_ok(&path) || mse_fail_memory(err)) &&
           mse_image_put(image, (const char *)path.data, sha256, size, err);
}

static bool put_text(struct mse_image *image, const char *directory, const char *name,
                     struct mse_bytes text, struct mse_error *err)
{
    uint8_t digest[32];

    mse_sha256(text, digest);
    return put_file(image, directory, name, digest, text.len, err);
}

/* pip, on the host, before anything is measured: what it installs depends on the day. */
static bool check_requirements(const struct mse_image *image, const char *app_dir,
                               struct mse_error *err)
{
    const struct mse_file_source *source = mse_image_source(image);
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer path = { 0 };
    enum mse_node_type type = MSE_NODE_ABSENT;
    bool is_link = false;

    mse_write_format(&path, "%s/" MSE_ORIGINAL_REQUIREMENTS, app_dir);
    mse_write_u8(&path, 0);
    if (!mse_writer_ok(&path))
        return mse_fail_memory(err);
    if (!source->look(source, (const char *)path.data, &type, &is_link, err))
        return false;
    return type == MSE_NODE_ABSENT ||
           mse_fail_text(err, MSE_ERR_UNSUPPORTED, MSE_ORIGINAL_REQUIREMENTS,
                         "is in the code: the image installs what it lists with pip when it "
                         "starts, and measures the result, which nobody can reproduce");
}

static bool is_below_input(const char *app_dir)
{
    const size_t len = sizeof(MSE_ORIGINAL_INPUT_DIR) - 1;

    return strncmp(app_dir, MSE_ORIGINAL_INPUT_DIR, len) == 0 &&
           (app_dir[len] == '/' || app_dir[len] == '\0');
}

static bool fill_image(struct mse_image *image, const struct mse_original_files *files,
                       const struct mse_original_settings *s, const struct mse_original *o,
                       struct mse_error *err)
{
    if (is_below_input(o->app_dir) && !mse_image_clear(image, MSE_ORIGINAL_INPUT_DIR, err))
        return false;
    for (size_t i = 0; i < files->count; i++) {
        const struct mse_original_file *file = &files->of[i];

        if (!file->hidden &&
            !put_file(image, o->app_dir, file->name, file->sha256, file->size, err))
            return false;
    }
    return check_requirements(image, o->app_dir, err) &&
           (s->certificate == NULL ||
            put_text(image, o->app_dir, CERTIFICATE, MSE_CSTR_BYTES(s->certificate), err)) &&
           put_text(image, o->directory, "args", mse_writer_bytes(&o->arguments), err);
}

/* ---- manifest ---- */

static const char *image_variable(const void *context, const char *name)
{
    return mse_image_env(context, name);
}

static bool render(const struct mse_image *image, const struct original_image *found,
                   const struct mse_original_settings *s, const struct mse_original *o,
                   struct mse_writer *out, struct mse_error *err)
{
    const struct mse_template_variable variables[] = {
        { "entrypoint", found->entrypoint },
        { "log_level", or_default(s->log_level, "error") },
        { "arch_libdir", ARCH_LIBDIR },
        { "app_dir", o->app_dir },
        { "home_dir", "home" },
        { "key_dir", "key" },
        { "code_dir", "code" },
        { "enclave_size", s->size },
    };
    const struct mse_template_environment environment = {
        .variables = variables,
        .variable_count = sizeof(variables) / sizeof(variables[0]),
        .libos = found->libos,
        .pkglibdir = found->gramine,
        .runtimedir = found->runtimedir,
        .python_stdlib = found->stdlib,
        .env = image_variable,
        .env_context = image,
    };
    uint8_t *data = NULL;
    size_t len = 0;
    bool ok = mse_image_read(image, MSE_ORIGINAL_TEMPLATE, TEMPLATE_MAX, &data, &len, err) &&
              mse_template_render((struct mse_bytes){ data, len }, &environment, out, err);

    free(data);
    return ok;
}

static bool expand(const struct mse_image *image, struct mse_bytes toml, struct mse_original *out,
                   struct mse_error *err)
{
    struct mse_manifest manifest = { 0 };
    bool ok = (mse_manifest_parse(toml, MSE_GRAMINE_1_5, &manifest, err) &&
               mse_manifest_add_defaults(&manifest, NULL, err)) ||
              mse_fail_in(err, MSE_ORIGINAL_TEMPLATE);

    out->manifest.cap = out->manifest_sgx.cap = MSE_MANIFEST_MAX_SIZE;
    if (ok)
        mse_manifest_write(&manifest, &out->manifest);
    ok = ok && mse_trusted_files_expand(&manifest, mse_image_source(image), 1, err);
    if (ok)
        mse_manifest_write(&manifest, &out->manifest_sgx);
    if (ok && (!mse_writer_ok(&out->manifest) || !mse_writer_ok(&out->manifest_sgx)))
        ok = mse_fail_text(err, MSE_ERR_LIMIT, "manifest", "needs more than %u MiB",
                           MSE_MANIFEST_MAX_SIZE >> 20);
    ok = ok && mse_manifest_settings(&manifest, &out->settings, err);
    mse_manifest_cleanup(&manifest);
    return ok;
}

/* ---- all of it ---- */

static bool measure(const struct mse_image *image, const char *libpal, bool with_layout,
                    struct mse_original *out, struct mse_error *err)
{
    uint8_t *data = NULL;
    size_t len = 0;
    struct mse_pal pal;
    bool ok = mse_image_read(image, libpal, MSE_PAL_MAX_SIZE, &data, &len, err) &&
              (mse_pal_parse((struct mse_bytes){ data, len }, &pal, err) ||
               mse_fail_in(err, "libpal.so")) &&
              mse_enclave_measure(mse_writer_bytes(&out->manifest_sgx), &pal, &out->settings,
                                  out->mrenclave, with_layout ? &out->layout : NULL, err);

    free(data);
    return ok;
}

bool mse_original_measure(struct mse_image *image, const struct mse_original_files *files,
                          const struct mse_original_settings *settings, bool with_layout,
                          struct mse_original *out, struct mse_error *err)
{
    MSE_CLEANUP(original_image_cleanup) struct original_image found = { 0 };
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer toml = { .cap = MSE_MANIFEST_MAX_SIZE };

    *out = (struct mse_original){ 0 };
    if (check_settings(settings, err) && original_image_find(image, &found, err) &&
        take_found(&found, settings, out, err) && write_arguments(settings, out, err) &&
        fill_image(image, files, settings, out, err) &&
        render(image, &found, settings, out, &toml, err) &&
        expand(image, mse_writer_bytes(&toml), out, err) &&
        measure(image, found.libpal, with_layout, out, err))
        return true;
    mse_original_cleanup(out);
    return false;
}

void mse_original_cleanup(struct mse_original *original)
{
    free(original->app_dir);
    free(original->subject);
    free(original->directory);
    free(original->entrypoint);
    free(original->gramine);
    mse_writer_cleanup(&original->arguments);
    mse_writer_cleanup(&original->manifest);
    mse_writer_cleanup(&original->manifest_sgx);
    mse_enclave_layout_cleanup(&original->layout);
    *original = (struct mse_original){ 0 };
}
