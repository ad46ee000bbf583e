/* SPDX-License-Identifier: Apache-2.0 */
/* mse runtime describe, diff: what runs around an app's own code. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/code.h"
#include "cli/options.h"
#include "measure/runtime.h"
#include "measure/source_root.h"
#include "package/image.h"

/* ---- describe ---- */

struct describe {
    const char *root, *name, *version, *tee_name, *loader, *reference, *output;
    struct option_list paths;
    bool json, force, helped;
    enum mse_runtime_tee tee;
};

/* A file is an archive; a directory with this file in it is an OCI image layout. */
static bool is_image(const char *path, bool *out, struct mse_error *err)
{
    char marker[4096 + sizeof("/oci-layout")];
    struct stat st;

    *out = false;
    if (stat(path, &st) != 0) {
        const char *reason = strerrordesc_np(errno);

        return mse_fail_text(err, MSE_ERR_IO, path, "%s", reason != NULL ? reason : "unreadable");
    }
    if (strlen(path) > 4096)
        return mse_fail_text(err, MSE_ERR_USAGE, "ROOT", "is too long a path");
    (void)snprintf(marker, sizeof(marker), "%s/oci-layout", path);
    if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
        return mse_fail_text(err, MSE_ERR_IO, path, "is neither a directory nor a regular file");
    *out = !S_ISDIR(st.st_mode) || access(marker, F_OK) == 0;
    return true;
}

static bool describe_source(const struct describe *d, const struct mse_file_source *source,
                            struct mse_runtime *out, struct mse_error *err)
{
    return mse_runtime_describe(source, d->name, d->version, d->tee, d->loader, d->paths.of,
                                d->paths.count, out, err);
}

static bool describe_image(const struct describe *d, struct mse_runtime *out, struct mse_error *err)
{
    struct mse_image *image = NULL;
    bool ok = mse_image_open(d->root, d->reference, NULL, &image, err) &&
              describe_source(d, mse_image_source(image), out, err);

    mse_image_free(image);
    return ok || mse_fail_in(err, "%s", d->root);
}

static bool describe_directory(const struct describe *d, struct mse_runtime *out,
                               struct mse_error *err)
{
    struct mse_root_source root;
    bool ok;

    if (d->reference != NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "--image-reference",
                             "is for images; %s is a directory", d->root);
    if (!mse_root_source_open(d->root, &root, err))
        return false;
    ok = describe_source(d, &root.source, out, err);
    mse_root_source_close(&root);
    return ok;
}

static void put_described(struct mse_writer *to, const struct describe *d,
                          const struct mse_runtime *runtime)
{
    struct mse_json_writer w = mse_json_writer_init(to, 2);

    mse_json_open_object(&w, NULL);
    mse_json_put_text(&w, "schema", "mse-runtime-described-v1");
    mse_json_put_text(&w, "name", runtime->name);
    mse_json_put_text(&w, "version", runtime->version);
    mse_json_put_text(&w, "tee", mse_runtime_tee_name(runtime->tee));
    mse_json_put_unsigned(&w, "files", runtime->count);
    mse_json_put_hex(&w, "sha256", runtime->sha256, sizeof(runtime->sha256));
    mse_json_put_bytes_text(&w, "output", MSE_CSTR_BYTES(d->output));
    mse_json_close_object(&w);
    mse_write_text(to, "\n");
}

static bool print(struct cli *cli, const struct mse_writer *to, struct mse_error *err)
{
    if (!mse_writer_ok(to))
        return mse_fail_memory(err);
    cli_put(cli, to);
    return true;
}

/* The description itself, or where it was saved and its digest. */
static bool give(struct cli *cli, const struct describe *d, struct mse_runtime *runtime,
                 struct mse_error *err)
{
    struct mse_writer description = { 0 }, result = { 0 };
    char hex[65];
    bool ok = mse_runtime_write(runtime, &description, err);

    if (ok && d->output == NULL) {
        ok = print(cli, &description, err);
    } else if (ok) {
        ok = mse_file_write(d->output, mse_writer_bytes(&description), 0644,
                            d->force ? MSE_FILE_REPLACE : MSE_FILE_KEEP, err);
        mse_hex_write(runtime->sha256, sizeof(runtime->sha256), hex);
        if (d->json)
            put_described(&result, d, runtime);
        else
            mse_write_format(&result, "%s\n", hex);
        ok = ok && print(cli, &result, err);
        if (ok)
            cli_note(cli, "%zu file%s described in: %s", runtime->count,
                     runtime->count == 1 ? "" : "s", d->output);
    }
    mse_writer_cleanup(&description);
    mse_writer_cleanup(&result);
    return ok;
}

/* "/usr/lib/" names the same as "/usr/lib", and "/" the root. */
static bool check_path(const char *path, struct mse_error *err)
{
    char bare[MSE_RUNTIME_MAX_PATH + 2];
    size_t len = strlen(path);

    while (len > 0 && path[len - 1] == '/')
        len--;
    if (len == 0 && path[0] == '/')
        return true;
    (void)snprintf(bare, sizeof(bare), "%.*s", (int)(len < sizeof(bare) ? len : sizeof(bare)),
                   path);
    return mse_runtime_check_path(bare, err);
}

/* What a description cannot hold is wrong usage: found before anything is read. */
static bool check_values(const struct describe *d, struct mse_error *err)
{
    static const char *const options[] = { "--name", "--version" };
    const char *const values[] = { d->name, d->version };
    bool ok = true;

    for (size_t i = 0; ok && i < 2; i++)
        ok = mse_runtime_check_name(values[i], err) || mse_fail_in(err, "%s", options[i]);
    ok = ok && (mse_runtime_check_path(d->loader, err) || mse_fail_in(err, "--loader"));
    for (size_t i = 0; ok && i < d->paths.count; i++)
        ok = check_path(d->paths.of[i], err) || mse_fail_in(err, "--path");
    if (!ok && err->code != MSE_ERR_MEMORY)
        err->code = MSE_ERR_USAGE;
    return ok;
}

static bool read_describe(struct cli *cli, int argc, char **argv, struct describe *d,
                          struct mse_error *err)
{
    struct option_row rows[] = {
        { "--name", "NAME", "name of the runtime", OPTION_TEXT, &d->name, NULL, false },
        { "--version", "VERSION", "its version", OPTION_TEXT, &d->version, NULL, false },
        { "--tee", "sim|sgx|tdx|snp", "kind of TEE it is for", OPTION_TEXT, &d->tee_name, NULL,
          false },
        { "--loader", "PATH", "path, inside ROOT, of what is measured first", OPTION_TEXT,
          &d->loader, NULL, false },
        { "--path", "PATH", "list what is here, inside ROOT (default: everything); repeatable",
          OPTION_LIST, &d->paths, NULL, false },
        { "--image-reference", "REF", "tag or digest, if ROOT is an archive of several images",
          OPTION_TEXT, &d->reference, NULL, false },
        { "--output", "FILE", "save the description here", OPTION_TEXT, &d->output, NULL, false },
        { "--force", NULL, "replace a different existing file", OPTION_FLAG, &d->force, NULL,
          false },
        { "--json", NULL, "print the result as JSON (with --output)", OPTION_FLAG, &d->json, NULL,
          false },
    };
    size_t count = 0;

    if (!options_read(cli, "runtime describe", rows, sizeof(rows) / sizeof(rows[0]), argc, argv,
                      &d->root, 1, &count, &d->helped, err))
        return false;
    if (d->helped)
        return true;
    if (count == 0 || d->name == NULL || d->version == NULL || d->tee_name == NULL ||
        d->loader == NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "runtime describe",
                             "wants ROOT, --name, --version, --tee and --loader");
    if (!check_values(d, err))
        return false;
    if (!mse_runtime_tee_read(d->tee_name, &d->tee))
        return mse_fail_text(err, MSE_ERR_USAGE, "--tee", "must be sim, sgx, tdx or snp");
    if (d->json && d->output == NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "--json",
                             "needs --output: the description itself is JSON already");
    return true;
}

enum exit_code mse_code_runtime_describe(struct cli *cli, int argc, char **argv)
{
    struct describe d = { 0 };
    struct mse_runtime runtime = { 0 };
    struct mse_error err = { 0 };
    enum exit_code code = EXIT_YES;
    bool image = false, ok = read_describe(cli, argc, argv, &d, &err);

    if (ok && d.helped)
        return EXIT_YES;
    cli->json_errors = &d.json;
    ok = ok && is_image(d.root, &image, &err) &&
         (image ? describe_image(&d, &runtime, &err) : describe_directory(&d, &runtime, &err)) &&
         give(cli, &d, &runtime, &err);
    if (!ok)
        code = cli_fail(cli, &err);
    cli->json_errors = NULL;
    mse_runtime_cleanup(&runtime);
    return code;
}

/* ---- diff ---- */

struct diff {
    struct mse_writer text;
    struct mse_json_writer json;
    bool is_json;
};

static void seen(void *context, char kind, const char *path)
{
    struct diff *diff = context;

    if (!diff->is_json) {
        char shown[4 * MSE_RUNTIME_MAX_PATH + 1];

        mse_write_format(&diff->text, "%c %s\n", kind,
                         mse_escape(MSE_CSTR_BYTES(path), shown, sizeof(shown)));
        return;
    }
    mse_json_open_object(&diff->json, NULL);
    mse_json_put_text(&diff->json, "change",
                      kind == '+'   ? "added"
                      : kind == '-' ? "removed"
                                    : "changed");
    mse_json_put_text(&diff->json, "path", path);
    mse_json_close_object(&diff->json);
}

static void put_value(struct diff *diff, const char *name, const char *a, const char *b)
{
    if (strcmp(a, b) == 0)
        return;
    if (!diff->is_json) {
        char shown_a[1024], shown_b[1024];

        mse_write_format(&diff->text, "%s: %s -> %s\n", name,
                         mse_escape(MSE_CSTR_BYTES(a), shown_a, sizeof(shown_a)),
                         mse_escape(MSE_CSTR_BYTES(b), shown_b, sizeof(shown_b)));
        return;
    }
    mse_json_open_object(&diff->json, name);
    mse_json_put_text(&diff->json, "a", a);
    mse_json_put_text(&diff->json, "b", b);
    mse_json_close_object(&diff->json);
}

static void put_hash(struct diff *diff, const char *name, const uint8_t a[static 32],
                     const uint8_t b[static 32])
{
    char hex_a[65], hex_b[65];

    mse_hex_write(a, 32, hex_a);
    mse_hex_write(b, 32, hex_b);
    put_value(diff, name, hex_a, hex_b);
}

static void put_diff(struct diff *diff, const struct mse_runtime *a, const struct mse_runtime *b)
{
    diff->json = mse_json_writer_init(&diff->text, 2);
    if (diff->is_json) {
        mse_json_open_object(&diff->json, NULL);
        mse_json_put_text(&diff->json, "schema", "mse-runtime-diff-v1");
        mse_json_put_bool(&diff->json, "same", memcmp(a->sha256, b->sha256, 32) == 0);
    }
    put_value(diff, "name", a->name, b->name);
    put_value(diff, "version", a->version, b->version);
    put_value(diff, "tee", mse_runtime_tee_name(a->tee), mse_runtime_tee_name(b->tee));
    put_value(diff, "loader", a->loader.path, b->loader.path);
    put_hash(diff, "loader_sha256", a->loader.sha256, b->loader.sha256);
    if (diff->is_json)
        mse_json_open_array(&diff->json, "files");
    (void)mse_runtime_diff(a, b, seen, diff);
    if (diff->is_json) {
        mse_json_close_array(&diff->json);
        mse_json_close_object(&diff->json);
        mse_write_text(&diff->text, "\n");
    }
}

static bool load(const char *path, struct mse_runtime *out, struct mse_error *err)
{
    uint8_t *data = NULL;
    size_t len = 0;
    bool ok = mse_file_read(path, MSE_RUNTIME_MAX_SIZE, &data, &len, err) &&
              (mse_runtime_parse((struct mse_bytes){ data, len }, out, err) ||
               mse_fail_in(err, "%s", path));

    free(data);
    return ok;
}

enum exit_code mse_code_runtime_diff(struct cli *cli, int argc, char **argv)
{
    struct diff diff = { 0 };
    struct option_row rows[] = {
        { "--json", NULL, "print JSON instead of text", OPTION_FLAG, &diff.is_json, NULL, false },
    };
    const char *files[2] = { NULL, NULL };
    struct mse_runtime a = { 0 }, b = { 0 };
    struct mse_error err = { 0 };
    enum exit_code code = EXIT_YES;
    bool helped = false, ok;
    size_t count = 0;

    ok = options_read(cli, "runtime diff", rows, 1, argc, argv, files, 2, &count, &helped, &err);
    if (ok && helped)
        return EXIT_YES;
    cli->json_errors = &diff.is_json;
    if (ok && count != 2)
        ok = mse_fail_text(&err, MSE_ERR_USAGE, "runtime diff", "wants two descriptions");
    ok = ok && load(files[0], &a, &err) && load(files[1], &b, &err);
    if (ok) {
        put_diff(&diff, &a, &b);
        ok = print(cli, &diff.text, &err) &&
             (fflush(cli->out) == 0 ||
              mse_fail_text(&err, MSE_ERR_IO, "output", "cannot be written"));
        code = memcmp(a.sha256, b.sha256, 32) == 0 ? EXIT_YES : EXIT_NO;
    }
    if (!ok)
        code = cli_fail(cli, &err);
    cli->json_errors = NULL;
    mse_writer_cleanup(&diff.text);
    mse_runtime_cleanup(&a);
    mse_runtime_cleanup(&b);
    return code;
}
