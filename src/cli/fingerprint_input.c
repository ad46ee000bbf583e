/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what a fingerprint is computed from. */
#include "cli/fingerprint_input.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/file.h"
#include "package/ignore_git.h"

/* ---- code ---- */

static bool read_tree(const char *directory, const struct mse_ignore_git *ignore,
                      struct code_tree *out, struct mse_error *err)
{
    return mse_tree_read(directory, mse_ignore_git_of(ignore), &out->tree, err) &&
           mse_tree_hash(out->tree, 0, err) && mse_tree_digest(out->tree, out->digest, err);
}

bool code_tree_load(const char *directory, struct code_tree *out, struct mse_error *err)
{
    struct mse_ignore_git *ignore = NULL;
    bool ok;

    *out = (struct code_tree){ 0 };
    ok = mse_ignore_git_open(directory, &ignore, err) && read_tree(directory, ignore, out, err);
    mse_ignore_git_free(ignore);
    if (!ok)
        code_tree_cleanup(out);
    return ok;
}

void code_tree_cleanup(struct code_tree *tree)
{
    mse_tree_free(tree->tree);
    *tree = (struct code_tree){ 0 };
}

void code_tree_ignored(const struct code_tree *tree, const char *directory, char out[static 512])
{
    size_t count = mse_tree_ignored_count(tree->tree), used, shown = 0;
    char name[96];
    const char *path;

    out[0] = '\0';
    if (count == 0)
        return;
    used = (size_t)snprintf(out, 512, "note: %zu path%s of %.*s %s left out by " MSE_IGNORE_FILE,
                            count, count == 1 ? "" : "s", (int)sizeof(name) - 1,
                            mse_escape(MSE_CSTR_BYTES(directory), name, sizeof(name)),
                            count == 1 ? "is" : "are");
    for (; (path = mse_tree_ignored_at(tree->tree, shown)) != NULL; shown++) {
        (void)mse_escape(MSE_CSTR_BYTES(path), name, 64);
        used += (size_t)snprintf(out + used, 512 - used, "%s %s", shown == 0 ? ":" : ",", name);
    }
    if (shown < count)
        (void)snprintf(out + used, 512 - used, ", ...");
}

/* ---- differences ---- */

const char *code_change_name(enum mse_tree_change change)
{
    switch (change) {
    case MSE_TREE_MISSING:
        return "missing";
    case MSE_TREE_EXTRA:
        return "extra";
    case MSE_TREE_CONTENT:
        return "differs";
    case MSE_TREE_TYPE:
        return "type";
    }
    return "";
}

static void keep(void *context, enum mse_tree_change change, const char *path)
{
    struct code_differences *all = context;
    char *copy = strdup(path);

    if (!all->failed && copy != NULL && all->count == all->room) {
        size_t room = all->room > 0 ? 2 * all->room : 16;
        struct code_difference *grown = realloc(all->of, room * sizeof(grown[0]));

        all->failed = grown == NULL;
        if (grown != NULL) {
            all->of = grown;
            all->room = room;
        }
    }
    if (copy == NULL || all->failed) {
        all->failed = true;
        free(copy);
        return;
    }
    all->of[all->count++] = (struct code_difference){ change, copy };
}

bool code_compare(const struct mse_tree *tree, struct mse_bytes list, struct code_differences *out,
                  struct mse_error *err)
{
    size_t count = 0;
    bool ok;

    *out = (struct code_differences){ 0 };
    ok = mse_tree_list_compare(tree, list, keep, out, &count, err) &&
         (!out->failed || mse_fail_memory(err));
    /* What was not kept may not look like "the same". */
    ok = ok && (count == out->count || mse_fail(err, MSE_ERR_MISMATCH, 0, "list of files"));
    if (!ok)
        code_differences_cleanup(out);
    return ok;
}

void code_differences_cleanup(struct code_differences *differences)
{
    for (size_t i = 0; i < differences->count; i++)
        free(differences->of[i].path);
    free(differences->of);
    *differences = (struct code_differences){ 0 };
}

/* ---- context ---- */

bool code_context_load(const char *file, struct mse_context *out, struct mse_error *err)
{
    uint8_t *data = NULL;
    size_t len = 0;
    bool ok = mse_file_read(file, MSE_CONTEXT_MAX_SIZE, &data, &len, err) &&
              mse_context_parse((struct mse_bytes){ data, len }, file, out, err);

    if (data != NULL)
        explicit_bzero(data, len); /* may hold the code key */
    free(data);
    if (!ok)
        return false;
    if (out->format != MSE_CONTEXT_3_0)
        ok = mse_fail_text(err, MSE_ERR_UNSUPPORTED, file,
                           "is a context of format %s: this fingerprint is computed from format "
                           "3.0 only (see mse fingerprint --original)",
                           out->format == MSE_CONTEXT_1_0 ? "1.0" : "2.0");
    else if (out->origin != MSE_APP_CERT_SELF)
        /* Then TLS ends on a certificate that somebody else has the key of. */
        ok = mse_fail_text(err, MSE_ERR_USAGE, file,
                           "is of an app whose certificate comes from its %s: only what the app "
                           "makes itself (origin self) can be verified by a fingerprint",
                           mse_app_cert_name(out->origin));
    if (!ok)
        mse_context_cleanup(out);
    return ok;
}

static bool fail_difference(const struct code_differences *all, const char *directory,
                            struct mse_error *err)
{
    char shown[160];
    const char *path = all->of[0].path;

    (void)mse_escape(MSE_CSTR_BYTES(path), shown, sizeof(shown));
    return mse_fail_text(
        err, MSE_ERR_MISMATCH, directory, "is not the code that the context was made from: %s %s%s",
        code_change_name(all->of[0].change), shown, all->count > 1 ? ", and more" : "");
}

bool code_context_check(const struct mse_context *context, const struct code_tree *code,
                        const char *directory, struct code_differences *differences,
                        struct mse_error *err)
{
    struct code_differences own = { 0 };
    struct code_differences *all = differences != NULL ? differences : &own;
    bool ok = true;

    *all = (struct code_differences){ 0 };
    if (context->files != NULL)
        ok = code_compare(code->tree, MSE_CSTR_BYTES(context->files), all, err) ||
             mse_fail_in(err, "files of the context");
    if (ok && all->count > 0)
        ok = fail_difference(all, directory, err);
    /* Zeros stand for a context without it; no tree has that digest. */
    if (ok && !mse_is_zero(context->tree, sizeof(context->tree)) &&
        memcmp(context->tree, code->digest, sizeof(code->digest)) != 0)
        ok = mse_fail_text(err, MSE_ERR_MISMATCH, directory,
                           "is not the code that the context was made from: its tree digest is "
                           "another");
    code_differences_cleanup(&own);
    return ok;
}

/* ---- runtime ---- */

bool code_runtime_load(const char *file, struct code_runtime *out, struct mse_error *err)
{
    uint8_t *data = NULL;
    size_t len = 0;
    bool ok;

    *out = (struct code_runtime){ 0 };
    if ((size_t)snprintf(out->file, sizeof(out->file), "%s", file) >= sizeof(out->file))
        return mse_fail_text(err, MSE_ERR_USAGE, "--runtime", "is too long a path");
    ok = mse_file_read(file, MSE_RUNTIME_MAX_SIZE, &data, &len, err) &&
         (mse_runtime_parse((struct mse_bytes){ data, len }, &out->description, err) ||
          mse_fail_in(err, "%s", file));
    free(data);
    return ok;
}

/* The description's directory and the last part of the loader's path in it. */
static bool beside(const struct code_runtime *runtime, char *out, size_t size,
                   struct mse_error *err)
{
    const char *slash = strrchr(runtime->file, '/');
    const char *name = strrchr(runtime->description.loader.path, '/');
    int directory = slash != NULL ? (int)(slash + 1 - runtime->file) : 0;

    if (strcmp(runtime->file, "-") == 0)
        return mse_fail_text(err, MSE_ERR_USAGE, "--loader",
                             "is needed when the runtime description comes from standard input");
    if (name == NULL ||
        (size_t)snprintf(out, size, "%.*s%s", directory, runtime->file, name + 1) >= size)
        return mse_fail_text(err, MSE_ERR_USAGE, "--loader", "is needed: the path is too long");
    return true;
}

bool code_runtime_load_loader(struct code_runtime *runtime, const char *loader_file,
                              struct mse_error *err)
{
    char path[2 * sizeof(runtime->file)];

    if (runtime->description.tee != MSE_RUNTIME_SIM && runtime->description.tee != MSE_RUNTIME_SGX)
        return true;
    if (loader_file == NULL && !beside(runtime, path, sizeof(path), err))
        return false;
    if (!mse_file_read(loader_file != NULL ? loader_file : path, MSE_PAL_MAX_SIZE, &runtime->loader,
                       &runtime->loader_len, err))
        return mse_fail_in(err, "loader%s", loader_file != NULL ? "" : " (see --loader)");
    return true;
}

void code_runtime_cleanup(struct code_runtime *runtime)
{
    mse_runtime_cleanup(&runtime->description);
    free(runtime->loader);
    *runtime = (struct code_runtime){ 0 };
}
