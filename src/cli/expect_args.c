/* SPDX-License-Identifier: Apache-2.0 */
/* What code is expected, read into the policy: nothing here is judged, but roll-back. */
#include "cli/expect_args.h"

#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/file.h"
#include "cli/code.h"
#include "cli/owner_key.h"
#include "cli/places.h"
#include "crypto/hash.h"
#include "package/context.h"
#include "release/rollback.h"
#include "verdict/policy.h"

#define MAX_CANDIDATES (OPTION_LIST_MAX + 2)

void expect_args_add_rows(struct verify_args *v, struct expect_args *e, bool with_context)
{
    const struct option_row rows[] = {
        { "--owner", "KEY", "owner of the app: minisign public key, or a file with it", OPTION_LIST,
          &e->owners, NULL, false },
        { "--release", "FILE", "the owner's release; FILE.minisig is its signature", OPTION_TEXT,
          &e->release, NULL, false },
        { "--runtime", "FILE|HEX", "accept this runtime description, or the one with this digest",
          OPTION_LIST, &e->runtimes, NULL, false },
        { "--context", "FILE", "owner's context: compute the fingerprint, with --code", OPTION_TEXT,
          &e->context, NULL, false },
        { "--code", "DIR", "owner's plain code, with --context", OPTION_TEXT, &e->code, NULL,
          false },
        { "--loader", "FILE", "the runtime's loader, if not beside its description", OPTION_TEXT,
          &e->loader, NULL, false },
    };
    size_t count = with_context ? sizeof(rows) / sizeof(rows[0]) : 3;

    for (size_t i = 0; i < count; i++)
        verify_args_add_row(v, rows[i]);
}

static bool is_pending(const struct verify_args *v, const char *key)
{
    for (size_t i = 0; i < v->pending.count; i++) {
        if (strcmp(v->pending.of[i].row->policy_key, key) == 0)
            return true;
    }
    return false;
}

bool expect_args_check(const struct expect_args *e, const struct verify_args *v,
                       struct mse_error *err)
{
    if ((e->context == NULL) != (e->code == NULL))
        return mse_fail_text(err, MSE_ERR_USAGE, "options", "--context and --code go together");
    if (e->context != NULL && is_pending(v, "fingerprint"))
        return mse_fail_text(err, MSE_ERR_USAGE, "options",
                             "--fingerprint and --context exclude each other");
    if (e->loader != NULL && e->context == NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "--loader", "needs --context and --code");
    return true;
}

static bool add_owner(struct verify_args *v, const char *value, struct mse_error *err)
{
    struct mse_minisign_public key;
    char text[57];

    if (!owner_key_read(value, &key, err))
        return false;
    mse_minisign_public_text(&key, text);
    return mse_policy_set(v->policy, "owner_key", text, err);
}

/* ---- release ------------------------------------------------------------------------------ */

static bool releases_directory(const struct cli *cli, char *out, size_t size, struct mse_error *err)
{
    char state[4096];

    if (!places_state(cli, state, sizeof(state)) ||
        snprintf(out, size, "%s/releases", state) >= (int)size)
        return mse_fail_text(err, MSE_ERR_USAGE, "state directory",
                             "neither XDG_STATE_HOME nor HOME names one, so releases cannot be "
                             "remembered");
    return true;
}

static bool owner_at(const struct verify_args *v, size_t i, struct mse_minisign_public *out)
{
    if (i >= v->policy->owner_key.count)
        return false;
    memcpy(out, v->policy->owner_key.values + i * sizeof(*out), sizeof(*out));
    return true;
}

/*
 * What does not authenticate is left to the verdict; what does must not be older than before.
 * Judging as of another instant leaves the memory alone, and one before now asks it nothing: what
 * was released since then does not count there.
 */
static bool check_order(struct cli *cli, const struct verify_args *v, const char *directory,
                        const char *name, struct mse_error *err)
{
    const struct mse_signed_file *file = &v->policy->release;
    struct mse_minisign_public owner;
    struct mse_release release = { 0 };
    bool ok = true;

    if (v->at_text != NULL && v->at < cli->now)
        return true;
    for (size_t i = 0; owner_at(v, i, &owner); i++) {
        struct mse_error inner = { 0 };

        if (!mse_release_open(&owner, file->content, file->signature, &release, &inner))
            continue;
        ok = mse_rollback_check(directory, &owner, &release, err);
        if (ok && v->at_text == NULL && mse_release_check(&release, name, v->at, &inner))
            ok = mse_rollback_store(directory, &owner, &release, file->content, file->signature,
                                    err);
        mse_release_cleanup(&release);
        break;
    }
    return ok;
}

static bool load_signed(const char *path, size_t max, struct mse_bytes *content,
                        struct mse_bytes *signature, bool signature_needed, struct mse_error *err)
{
    char signature_path[4096 + 16];
    uint8_t *data = NULL, *signature_data = NULL;
    size_t len = 0, signature_len = 0;

    if (snprintf(signature_path, sizeof(signature_path), "%s.minisig", path) >=
        (int)sizeof(signature_path))
        return mse_fail_text(err, MSE_ERR_USAGE, path, "is too long a path");
    if (!mse_file_read(path, max, &data, &len, err))
        return false;
    if ((signature_needed || access(signature_path, F_OK) == 0) &&
        !mse_file_read(signature_path, MSE_MINISIGN_FILE_MAX, &signature_data, &signature_len,
                       err)) {
        free(data);
        return false;
    }
    *content = (struct mse_bytes){ data, len };
    *signature = (struct mse_bytes){ signature_data, signature_len };
    return true;
}

static void free_bytes(struct mse_bytes bytes)
{
    free((void *)(uintptr_t)bytes.data);
}

static bool holds(const struct mse_minisign_public *owner, const struct mse_writer *content,
                  const struct mse_writer *signature, const char *name, int64_t at)
{
    struct mse_release release = { 0 };
    struct mse_error err = { 0 };
    bool ok = mse_release_open(owner, mse_writer_bytes(content), mse_writer_bytes(signature),
                               &release, &err) &&
              mse_release_check(&release, name, at, &err);

    mse_release_cleanup(&release);
    return ok;
}

/* Of several owners' remembered releases the first that holds; else the first, whose fault is
 * named. */
static bool take_remembered(struct verify_args *v, const char *directory, const char *name,
                            struct mse_error *err)
{
    struct mse_minisign_public owner;
    bool any = false, ok = true;

    for (unsigned round = 0; round < 2 && name != NULL; round++) {
        for (size_t i = 0; owner_at(v, i, &owner); i++) {
            struct mse_writer content = { 0 }, signature = { 0 };
            bool found = false, take;

            ok = mse_rollback_find(directory, &owner, name, &found, &content, &signature, err);
            any = any || found;
            take = ok && found && (round > 0 || holds(&owner, &content, &signature, name, v->at));
            if (take)
                ok = mse_policy_add_release(v->policy, mse_writer_bytes(&content),
                                            mse_writer_bytes(&signature), err);
            mse_writer_cleanup(&content);
            mse_writer_cleanup(&signature);
            if (!ok || take)
                return ok;
        }
        if (!any)
            break;
    }
    return mse_fail_text(err, MSE_ERR_USAGE, "--owner",
                         "no release of this owner for %s was seen before: give one with --release",
                         name != NULL ? name : "any name");
}

static bool load_release(struct cli *cli, struct expect_args *e, struct verify_args *v,
                         const char *name, struct mse_error *err)
{
    struct mse_signed_file file = { 0 };
    char directory[4096 + 16];
    bool ok;

    if (v->policy->owner_key.count == 0) {
        if (e->release != NULL)
            return mse_fail_text(err, MSE_ERR_USAGE, "--release",
                                 "needs the owner's key: --owner KEY");
        return true;
    }
    if (!releases_directory(cli, directory, sizeof(directory), err))
        return false;
    if (e->release != NULL) {
        ok = load_signed(e->release, MSE_RELEASE_MAX_SIZE, &file.content, &file.signature, true,
                         err) &&
             mse_policy_add_release(v->policy, file.content, file.signature, err) &&
             check_order(cli, v, directory, name, err);
        mse_signed_file_cleanup(&file);
        return ok;
    }
    return take_remembered(v, directory, name, err);
}

/* ---- runtime ------------------------------------------------------------------------------ */

static bool is_digest(const char *value, uint8_t out[static 32])
{
    return mse_hex_read(value, strlen(value), out, 32);
}

static bool add_runtime(struct verify_args *v, const char *value, struct mse_error *err)
{
    uint8_t digest[32];
    uint8_t *data = NULL;
    size_t len = 0;
    char hex[65];

    if (!is_digest(value, digest)) {
        if (!mse_file_read(value, MSE_POLICY_MAX_RUNTIME, &data, &len, err))
            return mse_fail_in(err, "--runtime");
        mse_sha256((struct mse_bytes){ data, len }, digest);
        free(data);
    }
    mse_hex_write(digest, 32, hex);
    return mse_policy_set(v->policy, "runtime_digest", hex, err);
}

/* ---- context ------------------------------------------------------------------------------ */

struct candidates {
    char beside[4096 + 16], stored[4096 + 128];
    const char *of[MAX_CANDIDATES];
    size_t count;
};

/* Descriptions that may be the context's: named ones, one beside it, one among the user's own. */
static void find_candidates(const struct cli *cli, const struct expect_args *e,
                            const struct mse_context *context, struct candidates *c)
{
    const char *slash = strrchr(e->context, '/');
    char config[4096], hex[65];
    uint8_t digest[32];

    for (size_t i = 0; i < e->runtimes.count; i++) {
        if (!is_digest(e->runtimes.of[i], digest))
            c->of[c->count++] = e->runtimes.of[i];
    }
    if (snprintf(c->beside, sizeof(c->beside), "%.*sruntime.json",
                 slash != NULL ? (int)(slash + 1 - e->context) : 0,
                 e->context) < (int)sizeof(c->beside) &&
        access(c->beside, R_OK) == 0)
        c->of[c->count++] = c->beside;
    mse_hex_write(context->runtime, 32, hex);
    if (!places_config(cli, config, sizeof(config)))
        return;
    (void)snprintf(c->stored, sizeof(c->stored), "%s/runtimes/%s.json", config, hex);
    if (access(c->stored, R_OK) == 0)
        c->of[c->count++] = c->stored;
}

/* The file is read anew for its bytes; it must be the one that went into the fingerprint. */
static bool take_runtime(struct verify_args *v, const struct code_fingerprint *computed,
                         struct mse_error *err)
{
    struct mse_bytes content = { 0 }, signature = { 0 };
    uint8_t digest[32];
    bool ok = load_signed(computed->runtime_file, MSE_POLICY_MAX_RUNTIME, &content, &signature,
                          false, err);

    if (ok) {
        mse_sha256(content, digest);
        ok = memcmp(digest, computed->runtime, 32) == 0 ||
             mse_fail_text(err, MSE_ERR_IO, computed->runtime_file, "changed while it was read");
    }
    ok = ok && mse_policy_add_runtime(v->policy, content, signature, err);
    free_bytes(content);
    free_bytes(signature);
    return ok;
}

/* An owner who is expected must be the one that the context has measured in. */
static bool check_owner(const struct verify_args *v, const struct code_fingerprint *computed,
                        struct mse_error *err)
{
    struct mse_minisign_public owner;

    for (size_t i = 0; owner_at(v, i, &owner); i++) {
        if (memcmp(owner.key, computed->owner, 32) == 0)
            return true;
    }
    return v->policy->owner_key.count == 0 ||
           mse_fail_text(err, MSE_ERR_MISMATCH, "--context",
                         "is of another owner than the one expected");
}

static bool compute(struct cli *cli, struct expect_args *e, struct verify_args *v,
                    const struct mse_context *context, struct mse_error *err)
{
    struct candidates *c = calloc(1, sizeof(*c));
    struct code_fingerprint_request request = { .context_file = e->context,
                                                .code_dir = e->code,
                                                .loader_file = e->loader };
    char hex[65];
    bool ok;

    e->computed = calloc(1, sizeof(*e->computed));
    if (c == NULL || e->computed == NULL) {
        free(c);
        return mse_fail_memory(err);
    }
    find_candidates(cli, e, context, c);
    request.runtime_files = c->of;
    request.runtime_file_count = c->count;
    ok = code_context_fingerprint(cli, &request, e->computed, err);
    mse_hex_write(e->computed->value, 32, hex);
    ok = ok && check_owner(v, e->computed, err) &&
         mse_policy_set(v->policy, "fingerprint", hex, err) && take_runtime(v, e->computed, err);
    e->has_fingerprint = ok;
    free(c);
    return ok;
}

/* Only the certificate of zero trust carries evidence that a user can check (docs/context.md). */
static bool load_context(struct cli *cli, struct expect_args *e, struct verify_args *v,
                         struct mse_error *err)
{
    struct mse_context context = { 0 };
    uint8_t *data = NULL;
    size_t len = 0;
    bool ok;

    if (strcmp(e->context, "-") == 0)
        return mse_fail_text(err, MSE_ERR_USAGE, "--context", "wants a file");
    if (v->policy->fingerprint.count > 0)
        return mse_fail_text(err, MSE_ERR_USAGE, "--context",
                             "the policy file names a fingerprint already: only one of the two can "
                             "be what is expected");
    if (!mse_file_read(e->context, MSE_CONTEXT_MAX_SIZE, &data, &len, err))
        return false;
    ok = mse_context_parse((struct mse_bytes){ data, len }, e->context, &context, err);
    if (!ok)
        err->code = err->code == MSE_ERR_MEMORY ? MSE_ERR_MEMORY : MSE_ERR_USAGE;
    else if (context.origin != MSE_APP_CERT_SELF && !e->any_origin)
        ok = mse_fail_text(err, MSE_ERR_USAGE, "--context",
                           "the certificate of this app comes from its %s, not from the enclave: "
                           "there is no evidence in it to verify",
                           mse_app_cert_name(context.origin));
    else
        ok = compute(cli, e, v, &context, err);
    mse_context_cleanup(&context);
    free(data);
    return ok;
}

bool expect_args_finish(struct cli *cli, struct expect_args *e, struct verify_args *v,
                        const char *name, struct mse_error *err)
{
    for (size_t i = 0; i < e->owners.count; i++) {
        if (!add_owner(v, e->owners.of[i], err))
            return false;
    }
    for (size_t i = 0; i < e->runtimes.count; i++) {
        if (!add_runtime(v, e->runtimes.of[i], err))
            return false;
    }
    if (e->context != NULL && !load_context(cli, e, v, err))
        return false;
    return load_release(cli, e, v, name, err);
}

void expect_args_cleanup(struct expect_args *e)
{
    free(e->computed);
    e->computed = NULL;
}

void expect_args_print(struct cli *cli, const struct expect_args *e, const char *name)
{
    const struct code_fingerprint *c = e->computed;
    char owner[65], shown[300];

    if (!e->has_fingerprint)
        return;
    mse_hex_write(c->owner, 32, owner);
    cli_note(cli, "note: the context has it started by: %s", c->start);
    cli_note(cli, "note: the context has it owned by key %s, in runtime %s", owner,
             c->runtime_name);
    if (c->ignored[0] != '\0')
        cli_note(cli, "%s", c->ignored);
    if (c->unsigned_config)
        cli_note(cli, "warning: anybody may configure this app: the owner signs nothing "
                      "(unsigned = true)");
    if (c->no_isolation)
        cli_note(cli, "warning: the app shares the enclave with its keys (isolation = \"none\")");
    if (name != NULL && c->domain_name[0] != '\0' && strcasecmp(name, c->domain_name) != 0)
        cli_note(cli, "note: the context is of %s",
                 mse_escape(MSE_CSTR_BYTES(c->domain_name), shown, sizeof(shown)));
}
