/* SPDX-License-Identifier: Apache-2.0 */
/* mse sgx manifest: a template becomes a manifest, as gramine-manifest does it. */
#include <limits.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/file.h"
#include "cli/options.h"
#include "cli/same_file.h"
#include "measure/trusted_files.h"

struct request {
    const char *template_file, *output; /* output NULL: standard output */
    enum mse_gramine rules;
    const char *chroot, *libos, *pkglibdir, *runtimedir, *python_stdlib;
    struct option_list defines;
    bool no_hash, force;
};

/* ---- what the template may refer to ---- */

struct names {
    struct mse_template_variable variables[OPTION_LIST_MAX];
    char *texts[OPTION_LIST_MAX]; /* owned: "NAME\0VALUE" */
    size_t count;
    char *libos, *runtimedir; /* owned; NULL: not known */
};

static void names_cleanup(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->texts[i]);
    free(names->libos);
    free(names->runtimedir);
}

static bool add_define(struct names *names, const char *define, struct mse_error *err)
{
    const char *equals = strchr(define, '=');
    char *text;
    char shown[80];

    if (equals == NULL || equals == define)
        return mse_fail_text(err, MSE_ERR_USAGE, "--define", "wants NAME=VALUE, not \"%s\"",
                             mse_escape(MSE_CSTR_BYTES(define), shown, sizeof(shown)));
    text = strdup(define);
    if (text == NULL)
        return mse_fail_memory(err);
    text[equals - define] = '\0';
    names->texts[names->count] = text;
    names->variables[names->count].name = text;
    names->variables[names->count++].value = text + (equals - define) + 1;
    return true;
}

/* What was given, else its place below the package's directory, if that was given. */
static bool place(const char *given, const char *pkglibdir, const char *below, char **out,
                  struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer path = { 0 };

    *out = NULL;
    if (given == NULL && pkglibdir == NULL)
        return true;
    mse_write_text(&path, given != NULL ? given : pkglibdir);
    if (given == NULL)
        mse_write_text(&path, below);
    *out = mse_writer_take_text(&path);
    return *out != NULL || mse_fail_memory(err);
}

/* gramine.runtimedir() is the directory that links lead to; one that is not there stays as it is.
 */
static bool place_runtime(const struct request *request, char **out, struct mse_error *err)
{
    char *resolved;

    if (!place(request->runtimedir, request->pkglibdir, "/runtime/glibc", out, err))
        return false;
    resolved = request->runtimedir == NULL && *out != NULL ? realpath(*out, NULL) : NULL;
    if (resolved != NULL) {
        free(*out);
        *out = resolved;
    }
    return true;
}

static bool collect_names(const struct request *request, struct names *names, struct mse_error *err)
{
    for (size_t i = 0; i < request->defines.count; i++) {
        if (!add_define(names, request->defines.of[i], err))
            return false;
    }
    return place(request->libos, request->pkglibdir, "/libsysdb.so", &names->libos, err) &&
           place_runtime(request, &names->runtimedir, err);
}

static const char *look_up(const void *context, const char *name)
{
    const struct cli *cli = context;

    return cli->variable(name);
}

/* ---- from template to text ---- */

static bool render(struct cli *cli, const struct request *request, const struct names *names,
                   struct mse_bytes in, struct mse_writer *out, struct mse_error *err)
{
    struct mse_template_environment environment = {
        .variables = names->variables,
        .variable_count = names->count,
        .libos = names->libos,
        .pkglibdir = request->pkglibdir,
        .runtimedir = names->runtimedir,
        .python_stdlib = request->python_stdlib,
        .env = look_up,
        .env_context = cli,
    };

    return mse_template_render(in, &environment, out, err);
}

/* 1.5 left directories and hashes to the program that signs. */
static bool expand(const struct request *request, struct mse_manifest *manifest,
                   struct mse_error *err)
{
    struct mse_directory_source source;
    bool ok;

    if (request->no_hash || request->rules == MSE_GRAMINE_1_5)
        return true;
    if (!mse_directory_source_open(".", request->chroot, &source, err))
        return false;
    ok = mse_trusted_files_expand(manifest, &source.source, 0, err);
    mse_directory_source_close(&source);
    return ok;
}

static bool make(const struct request *request, const struct names *names, struct mse_bytes toml,
                 struct mse_writer *out, struct mse_error *err)
{
    MSE_CLEANUP(mse_manifest_cleanup) struct mse_manifest manifest = { 0 };

    if (!mse_manifest_parse(toml, request->rules, &manifest, err) ||
        !mse_manifest_add_defaults(&manifest, names->libos, err) ||
        !expand(request, &manifest, err))
        return false;
    mse_manifest_write(&manifest, out);
    if (!mse_writer_ok(out))
        return mse_fail_text(err, MSE_ERR_LIMIT, "manifest", "needs more than %u MiB",
                             MSE_MANIFEST_MAX_SIZE >> 20);
    return true;
}

static bool deliver(struct cli *cli, const struct request *request, const struct mse_writer *text,
                    struct mse_error *err)
{
    if (request->output != NULL && strcmp(request->output, "-") != 0)
        return mse_file_write(request->output, mse_writer_bytes(text), 0644,
                              request->force ? MSE_FILE_REPLACE : MSE_FILE_KEEP, err);
    cli_put(cli, text);
    return true;
}

static bool run(struct cli *cli, const struct request *request, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer toml = { 0 };
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer text = { .cap = MSE_MANIFEST_MAX_SIZE };
    MSE_CLEANUP(names_cleanup) struct names names = { 0 };
    uint8_t *data = NULL;
    size_t len = 0;
    bool ok;

    if (!collect_names(request, &names, err) ||
        !mse_file_read(request->template_file, MSE_TOML_MAX_SIZE, &data, &len, err))
        return false;
    ok = (render(cli, request, &names, (struct mse_bytes){ data, len }, &toml, err) &&
          make(request, &names, mse_writer_bytes(&toml), &text, err)) ||
         mse_fail_in(err, "%s", request->template_file);
    free(data);
    return ok && deliver(cli, request, &text, err);
}

/* ---- options ---- */

static bool read_rules(const char *name, enum mse_gramine *out, struct mse_error *err)
{
    char shown[40];

    *out = MSE_GRAMINE_1_9;
    if (name == NULL || strcmp(name, "1.9") == 0)
        return true;
    *out = MSE_GRAMINE_1_5;
    if (strcmp(name, "1.5") == 0)
        return true;
    return mse_fail_text(err, MSE_ERR_USAGE, "--gramine", "is 1.9 or 1.5, not \"%s\"",
                         mse_escape(MSE_CSTR_BYTES(name), shown, sizeof(shown)));
}

/* "-DNAME=VALUE", as compilers and gramine-manifest take it, in two words. */
static char **split_defines(int argc, char **argv, int *count)
{
    static char option[] = "-D";
    char **words = calloc((size_t)argc * 2 + 1, sizeof(*words));
    bool options = true;

    *count = 0;
    for (int i = 0; i < argc && words != NULL; i++) {
        options = options && strcmp(argv[i], "--") != 0;
        if (options && strncmp(argv[i], "-D", 2) == 0 && argv[i][2] != '\0') {
            words[(*count)++] = option;
            words[(*count)++] = argv[i] + 2;
        } else {
            words[(*count)++] = argv[i];
        }
    }
    return words;
}

static bool read_options(struct cli *cli, int argc, char **argv, struct request *request,
                         bool *helped, struct mse_error *err)
{
    const char *gramine = NULL, *args[2] = { NULL, NULL };
    size_t count = 0;
    /* clang-format off */
    struct option_row rows[] = {
        { "--define", "NAME=VALUE", "a variable of the template; -DNAME=VALUE is the same", OPTION_LIST, &request->defines, NULL, false },
        { "-D", "NAME=VALUE", "the same", OPTION_LIST, &request->defines, NULL, false },
        { "--gramine", "1.9|1.5", "whose rules (1.9)", OPTION_TEXT, &gramine, NULL, false },
        { "--chroot", "DIR", "where absolute paths of trusted files begin", OPTION_TEXT, &request->chroot, NULL, false },
        { "--libos", "FILE", "Gramine's libsysdb.so", OPTION_TEXT, &request->libos, NULL, false },
        { "--pkglibdir", "DIR", "Gramine's own directory, with libsysdb.so and runtime/", OPTION_TEXT, &request->pkglibdir, NULL, false },
        { "--runtimedir", "DIR", "what gramine.runtimedir() stands for", OPTION_TEXT, &request->runtimedir, NULL, false },
        { "--python-stdlib", "DIR", "what python.stdlib stands for", OPTION_TEXT, &request->python_stdlib, NULL, false },
        { "--no-hash", NULL, "leave trusted files as they are written", OPTION_FLAG, &request->no_hash, NULL, false },
        { "--force", NULL, "replace a different existing file", OPTION_FLAG, &request->force, NULL, false },
    };
    /* clang-format on */

    if (!options_read(cli, "sgx manifest", rows, sizeof(rows) / sizeof(rows[0]), argc, argv, args,
                      2, &count, helped, err))
        return false;
    request->template_file = args[0];
    request->output = args[1];
    if (*helped)
        return true;
    if (count == 0)
        return mse_fail_text(err, MSE_ERR_USAGE, "sgx manifest", "wants a template");
    if (request->output != NULL && strcmp(request->output, "-") != 0 &&
        (cli_same_file(request->template_file, request->output) ||
         (request->libos != NULL && cli_same_file(request->libos, request->output))))
        return mse_fail_text(err, MSE_ERR_USAGE, request->output,
                             "would be written over an input: choose another name");
    if (!read_rules(gramine, &request->rules, err))
        return false;
    if (request->rules == MSE_GRAMINE_1_5 && request->chroot != NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "--chroot", "is not known to the rules of 1.5");
    return true;
}

enum exit_code cmd_sgx_manifest(struct cli *cli, int argc, char **argv)
{
    struct request request = { 0 };
    struct mse_error err = { 0 };
    bool helped = false, ok;
    int count;
    char **words = split_defines(argc, argv, &count);

    ok = words != NULL ? read_options(cli, count, words, &request, &helped, &err) &&
                             (helped || run(cli, &request, &err))
                       : mse_fail_memory(&err);
    free(words);
    return ok ? EXIT_YES : cli_fail(cli, &err);
}
