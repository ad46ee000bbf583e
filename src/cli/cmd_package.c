/* SPDX-License-Identifier: Apache-2.0 */
/* mse package: an app's code in one file, sealed for the enclave. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/code.h"
#include "cli/code_key.h"
#include "cli/interrupt.h"
#include "cli/new_file.h"
#include "cli/package_job.h"
#include "cli/same_file.h"
#include "package/secrets.h"

static void cleanup(struct package_job *job)
{
    mse_tree_free(job->tree);
    mse_ignore_git_free(job->ignore);
    mse_nonces_cleanup(&job->nonces);
    mse_app_config_cleanup(&job->config);
    package_context_cleanup(job);
    free(job->own_key_file);
    explicit_bzero(job, sizeof(*job));
    free(job);
}

/* ---- options ---- */

static bool choose_key_file(struct package_job *job, struct mse_error *err)
{
    if (job->plain || job->nonces_file != NULL || job->key_file != NULL)
        return true;
    if (asprintf(&job->own_key_file, "%s.key", job->output) == -1) {
        job->own_key_file = NULL;
        return mse_fail_memory(err);
    }
    job->key_file = job->own_key_file;
    return true;
}

static bool check_options(struct package_job *job, struct mse_error *err)
{
    const bool writes = job->output != NULL || job->key_file != NULL || job->nonces_file != NULL ||
                        job->context_file != NULL || job->plain || job->force;

    if (job->list && writes)
        return mse_fail_text(err, MSE_ERR_USAGE, "--list",
                             "writes nothing, and takes no option that says what to write");
    if (job->plain && (job->key_file != NULL || job->nonces_file != NULL))
        return mse_fail_text(err, MSE_ERR_USAGE, "--plain", "seals nothing: no key, no nonces");
    if (job->nonces_file != NULL && job->key_file != NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "--nonces", "has the key that belongs to them");
    if (job->context_file == NULL && (job->owner != NULL || job->runtime_file != NULL))
        return mse_fail_text(err, MSE_ERR_USAGE, "--context",
                             "is where owner and runtime are written");
    if (job->output == NULL)
        job->output = "app.tar";
    if (job->key_file != NULL && job->key_file[0] == '\0')
        return mse_fail_text(err, MSE_ERR_USAGE, "--key", "is empty: wants the name of a file");
    return cli_check_output("--output", job->output, err) &&
           cli_check_output("--context", job->context_file, err) && choose_key_file(job, err);
}

static bool read_options(struct cli *cli, int argc, char **argv, struct package_job *job,
                         struct mse_error *err)
{
    /* clang-format off */
    struct option_row rows[] = {
        { "--path", "FILE", "the app's mse.toml (default: ./mse.toml)", OPTION_TEXT, &job->path, NULL, false },
        { "--code", "DIR", "the code (default: as mse.toml says)", OPTION_TEXT, &job->code, NULL, false },
        { "--output", "FILE", "the package (default: app.tar)", OPTION_TEXT, &job->output, NULL, false },
        { "--force", NULL, "replace an existing package or context", OPTION_FLAG, &job->force, NULL, false },
        { "--list", NULL, "print what goes in, and write nothing", OPTION_FLAG, &job->list, NULL, false },
        { "--key", "FILE", "code key, made if there is none (default: OUTPUT.key)", OPTION_TEXT, &job->key_file, NULL, false },
        { "--nonces", "CONTEXT", "seal the same code again, to the same bytes", OPTION_TEXT, &job->nonces_file, NULL, false },
        { "--plain", NULL, "seal nothing: anyone can read the package", OPTION_FLAG, &job->plain, NULL, false },
        { "--allow-secret", "PATH", "take this file although it looks like a secret", OPTION_LIST, &job->allowed, NULL, false },
        { "--context", "FILE", "also write a context with key and nonces", OPTION_TEXT, &job->context_file, NULL, false },
        { "--owner", "KEY", "for the context: owner's minisign public key", OPTION_TEXT, &job->owner, NULL, false },
        { "--runtime", "FILE", "for the context: description of the runtime", OPTION_TEXT, &job->runtime_file, NULL, false },
        { "--json", NULL, "print JSON instead of text", OPTION_FLAG, &job->json, NULL, false },
    };
    /* clang-format on */
    size_t count = 0;

    if (!options_read(cli, "package", rows, sizeof(rows) / sizeof(rows[0]), argc, argv, NULL, 0,
                      &count, &job->helped, err))
        return false;
    if (job->helped) {
        (void)fputs("\nFiles are sealed with the code key (NaCl secretbox). What stays in clear:\n"
                    "their paths, their sizes, which are executable, and links.\n",
                    cli->out);
        return true;
    }
    return check_options(job, err);
}

/* ---- the code ---- */

static void warn(void *context, const char *line)
{
    cli_note(context, "%s", line);
}

static bool load_config(struct cli *cli, struct package_job *job, struct mse_error *err)
{
    const char *path = job->path != NULL ? job->path : "mse.toml";
    uint8_t *data = NULL;
    size_t len = 0;
    bool ok;

    /* A directory of code is enough, but for a context, which names the app. */
    if (job->path == NULL && job->code != NULL && job->context_file == NULL)
        return true;
    /* Instant and zone are for the expiry date, which does not matter here. */
    ok = mse_file_read(path, MSE_APP_CONFIG_MAX_SIZE, &data, &len, err) &&
         mse_app_config_parse((struct mse_bytes){ data, len }, path, INT64_MIN, 0, warn, cli,
                              &job->config, err);
    free(data);
    if (!ok)
        return false;
    if (job->code == NULL)
        job->code = job->config.code;
    return job->code != NULL || mse_fail_text(err, MSE_ERR_USAGE, "--code",
                                              "is needed: %s does not name the code", path);
}

static bool is_allowed(const struct package_job *job, const char *path)
{
    for (size_t i = 0; i < job->allowed.count; i++) {
        if (strcmp(job->allowed.of[i], path) == 0)
            return true;
    }
    return false;
}

/* All of them are named; the first one is the error. */
static bool check_secrets(struct cli *cli, const struct package_job *job, struct mse_error *err)
{
    struct mse_error found = { 0 };

    for (size_t i = 0; i < mse_tree_count(job->tree); i++) {
        const struct mse_tree_entry *entry = mse_tree_at(job->tree, i);
        const char *what = NULL;

        if (!mse_secret_look(job->tree, i, &what, err))
            return false;
        if (what == NULL || is_allowed(job, entry->path))
            continue;
        if (found.code != MSE_ERR_NONE)
            cli_note(cli, "mse: %s: looks like a secret too: %s", entry->path, what);
        (void)mse_fail_text(&found, MSE_ERR_POLICY, entry->path,
                            "looks like a secret (%s): leave it out by a line in %s, or take it "
                            "with --allow-secret",
                            what, MSE_IGNORE_FILE);
    }
    if (found.code != MSE_ERR_NONE)
        *err = found;
    return found.code == MSE_ERR_NONE;
}

static bool load_code(struct cli *cli, struct package_job *job, struct mse_error *err)
{
    return load_config(cli, job, err) && package_check_files(job, err) &&
           mse_ignore_git_open(job->code, &job->ignore, err) &&
           mse_tree_read(job->code, mse_ignore_git_of(job->ignore), &job->tree, err);
}

/* ---- what is written ---- */

/* *rest: path below directory, "" if it is not below it. Both exist but for path's last part. */
static bool path_below(const char *directory, const char *path, char **rest, struct mse_error *err)
{
    const char *slash = strrchr(path, '/');
    char *parent = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash + 1 - path));
    char *above = realpath(directory, NULL), *real = parent != NULL ? realpath(parent, NULL) : NULL;
    size_t len = above != NULL ? strlen(above) : 0;
    bool ok = above != NULL && real != NULL;

    *rest = NULL;
    if (!ok)
        (void)mse_fail_text(err, MSE_ERR_IO, path, "cannot find its directory");
    else if (strncmp(real, above, len) != 0 || (real[len] != '/' && real[len] != '\0'))
        *rest = strdup("");
    else if (asprintf(rest, "%s%s%s", real[len] == '/' ? real + len + 1 : "",
                      real[len] == '/' ? "/" : "", slash != NULL ? slash + 1 : path) == -1)
        *rest = NULL;
    free(parent);
    free(above);
    free(real);
    return ok && (*rest != NULL || mse_fail_memory(err));
}

static bool is_left_out(const struct package_job *job, char *path, bool *out, struct mse_error *err)
{
    const struct mse_ignore *ignore = mse_ignore_git_of(job->ignore);

    *out = false;
    for (char *p = path; *p != '\0' && !*out; p++) {
        bool ok = true;

        if (*p == '/') {
            *p = '\0';
            ok = ignore->is_ignored(ignore, path, true, out, err);
            *p = '/';
        }
        if (!ok)
            return false;
    }
    return *out || ignore->is_ignored(ignore, path, false, out, err);
}

/* A package, key or context in the code itself would be in the next package. */
static bool check_place(const struct package_job *job, const char *path, struct mse_error *err)
{
    char *rest = NULL;
    bool left_out = true, ok;

    if (path == NULL || strcmp(path, "-") == 0) /* a key only */
        return true;
    ok = path_below(job->code, path, &rest, err) &&
         (rest[0] == '\0' || is_left_out(job, rest, &left_out, err));
    free(rest);
    if (!ok)
        return false;
    return left_out || mse_fail_text(err, MSE_ERR_USAGE, path,
                                     "would lie in the code, and so in its next package: choose "
                                     "another place, or leave it out in %s",
                                     MSE_IGNORE_FILE);
}

/* Key and nonces, given ones or new ones, before anything is written. */
static bool prepare_seal(struct package_job *job, struct mse_error *err)
{
    if (job->plain)
        return true;
    if (job->nonces_file != NULL)
        return package_load_nonces(job, err);
    return check_place(job, job->key_file, err) &&
           code_key_load_or_make(job->key_file, job->key, &job->key_is_new, err) &&
           mse_nonces_make(job->tree, &job->nonces, err);
}

static bool save_key(struct package_job *job, struct mse_error *err)
{
    if (!job->key_is_new)
        return true;
    if (!code_key_save(job->key_file, job->key, err))
        return false;
    job->new_key_file = job->key_file;
    return true;
}

static bool write_package(struct package_job *job, const struct mse_stop *stop,
                          struct mse_error *err)
{
    const struct mse_package_options options = {
        .key = job->plain ? NULL : job->key,
        .nonces = &job->nonces,
        .stop = stop,
    };
    struct new_file file = { .fd = -1 };
    bool ok = new_file_open(job->output, job->force, &file, err) &&
              (mse_package_write(job->tree, &options, file.fd, &job->size, err) ||
               mse_fail_in(err, "%s", job->output)) &&
              new_file_keep(&file, err);

    new_file_cleanup(&file);
    return ok;
}

/* All of it or nothing, but for a context that cannot be given its name at last. */
static bool write_files(struct cli *cli, struct package_job *job, struct mse_error *err)
{
    struct interrupt interrupt;
    bool ok;

    interrupt_hold(&interrupt);
    ok = save_key(job, err) && (job->context_file == NULL || package_write_context(job, err)) &&
         write_package(job, &interrupt.stop, err);
    if (!ok && job->new_key_file != NULL)
        (void)unlink(job->new_key_file);
    else if (ok && job->new_key_file != NULL)
        cli_note(cli, "new code key saved at: %s", job->new_key_file);
    if (ok && job->context_file != NULL && !new_file_keep(&job->context, err)) {
        cli_note(cli, "mse: the package %s is complete; its context was not written", job->output);
        ok = false;
    }
    if (!ok)
        package_context_cleanup(job);
    interrupt_release(&interrupt);
    return ok;
}

static bool make(struct cli *cli, struct package_job *job, struct mse_error *err)
{
    return check_place(job, job->output, err) && check_place(job, job->context_file, err) &&
           mse_tree_hash(job->tree, 0, err) && mse_tree_digest(job->tree, job->digest, err) &&
           prepare_seal(job, err) &&
           (job->context_file == NULL || package_make_context(cli, job, err)) &&
           write_files(cli, job, err);
}

/* ---- result ---- */

static void print(struct cli *cli, const struct package_job *job)
{
    struct mse_writer to = { 0 };
    struct mse_json_writer w = mse_json_writer_init(&to, 2);
    const size_t count = mse_tree_count(job->tree);
    char hex[65];

    mse_hex_write(job->digest, sizeof(job->digest), hex);
    if (!job->json) {
        (void)fprintf(cli->out, "%s: %zu %s, %llu bytes, tree %s%s\n", job->output, count,
                      count == 1 ? "entry" : "entries", (unsigned long long)job->size, hex,
                      job->plain ? ", NOT SEALED" : "");
        return;
    }
    mse_json_open_object(&w, NULL);
    mse_json_put_text(&w, "schema", "mse-package-v1");
    mse_json_put_bytes_text(&w, "path", MSE_CSTR_BYTES(job->output));
    mse_json_put_unsigned(&w, "entries", count);
    mse_json_put_unsigned(&w, "bytes", job->size);
    mse_json_put_text(&w, "tree", hex);
    mse_json_put_bool(&w, "sealed", !job->plain);
    if (job->key_file != NULL)
        mse_json_put_bytes_text(&w, "key_file", MSE_CSTR_BYTES(job->key_file));
    mse_json_close_object(&w);
    mse_write_text(&to, "\n");
    if (mse_writer_ok(&to))
        (void)fwrite(to.data, 1, to.len, cli->out);
    mse_writer_cleanup(&to);
}

static bool run(struct cli *cli, struct package_job *job, struct mse_error *err)
{
    if (!load_code(cli, job, err) || (job->list && !package_list(cli, job, err)) ||
        !check_secrets(cli, job, err))
        return false;
    if (job->list)
        return true;
    if (!make(cli, job, err))
        return false;
    print(cli, job);
    return true;
}

enum exit_code mse_code_package(struct cli *cli, int argc, char **argv)
{
    struct package_job *job = calloc(1, sizeof(*job));
    struct mse_error err = { 0 };
    enum exit_code code = EXIT_YES;

    if (job == NULL) {
        (void)mse_fail_memory(&err);
        return cli_fail(cli, &err);
    }
    job->context.fd = -1;
    cli->json_errors = &job->json;
    if (!read_options(cli, argc, argv, job, &err) || (!job->helped && !run(cli, job, &err)))
        code = cli_fail(cli, &err);
    cli->json_errors = NULL;
    cleanup(job);
    return code;
}
