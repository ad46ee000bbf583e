/* SPDX-License-Identifier: Apache-2.0 */
/* mse release sign: makes and signs a release, or signs any other file. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/file.h"
#include "cli/options.h"
#include "cli/release_args.h"
#include "cli/same_file.h"
#include "measure/runtime.h"

#define SIGNED_FILE_MAX (64U << 20)
#define DEFAULT_LIFETIME (INT64_C(90) * 86400)

struct sign {
    const char *key, *password_file, *file;
    const char *app, *runtime, *serial, *previous, *min_tcb_eval, *not_before, *not_after, *output;
    struct option_list names, fingerprints;
    struct mse_release release; /* what is going to be signed; names are borrowed */
    struct mse_release_fingerprint of[MSE_RELEASE_MAX_FINGERPRINTS];
    char app_text[256];
    char signature_path[RELEASE_PATH_SIZE];
};

/* ---- command line ---- */

static bool needs(const char *value, const char *option, struct mse_error *err)
{
    return value != NULL || mse_fail_text(err, MSE_ERR_USAGE, option,
                                          "is needed for a release (--file FILE signs another "
                                          "file as it is)");
}

static bool read_number(const char *text, const char *option, uint64_t *out, struct mse_error *err)
{
    char *end = NULL;

    errno = 0;
    *out = strtoull(text, &end, 10);
    return (text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *out <= INT64_MAX) ||
           mse_fail_text(err, MSE_ERR_USAGE, option, "is no number");
}

static bool read_time(const char *text, const char *option, int64_t *out, struct mse_error *err)
{
    return mse_time_read(text, strlen(text), out) ||
           mse_fail_text(err, MSE_ERR_USAGE, option,
                         "is no time: write 2026-01-31 or 2026-01-31T23:59:59Z");
}

/* TEE:HEX */
static bool read_fingerprints(struct sign *s, struct mse_error *err)
{
    for (size_t i = 0; i < s->fingerprints.count; i++) {
        const char *text = s->fingerprints.of[i];
        const char *colon = strchr(text, ':');
        struct mse_bytes tee = { (const uint8_t *)text,
                                 colon != NULL ? (size_t)(colon - text) : 0 };

        if (colon == NULL || !mse_release_tee_read(tee, &s->of[i].tee) ||
            !mse_hex_read(colon + 1, strlen(colon + 1), s->of[i].value, 32))
            return mse_fail_text(err, MSE_ERR_USAGE, "--fingerprint",
                                 "is not sim, sgx, tdx or snp, a colon and 64 hex digits");
    }
    s->release.fingerprints = s->of;
    s->release.fingerprint_count = s->fingerprints.count;
    return true;
}

/* A digest, or the description itself: then it must be one that others can read. */
static bool read_runtime(struct sign *s, struct mse_error *err)
{
    struct mse_runtime runtime = { 0 };
    uint8_t *data = NULL;
    size_t len = 0;
    bool ok;

    if (mse_hex_read(s->runtime, strlen(s->runtime), s->release.runtime, 32))
        return true;
    ok = mse_file_read(s->runtime, MSE_RUNTIME_MAX_SIZE, &data, &len, err) &&
         (mse_runtime_parse((struct mse_bytes){ data, len }, &runtime, err) ||
          mse_fail_in(err, "%s", s->runtime));
    if (ok)
        memcpy(s->release.runtime, runtime.sha256, 32);
    mse_runtime_cleanup(&runtime);
    free(data);
    return ok || mse_fail_in(err, "--runtime");
}

static bool read_dates(const struct cli *cli, struct sign *s, struct mse_error *err)
{
    s->release.not_before = cli->now;
    if (s->not_before != NULL &&
        !read_time(s->not_before, "--not-before", &s->release.not_before, err))
        return false;
    s->release.not_after = s->release.not_before + DEFAULT_LIFETIME;
    return s->not_after == NULL ||
           read_time(s->not_after, "--not-after", &s->release.not_after, err);
}

static bool read_numbers(struct sign *s, struct mse_error *err)
{
    uint64_t tcb_eval = 0;

    s->release.serial = 1;
    if ((s->serial != NULL && !read_number(s->serial, "--serial", &s->release.serial, err)) ||
        (s->min_tcb_eval != NULL &&
         !read_number(s->min_tcb_eval, "--min-tcb-eval", &tcb_eval, err)))
        return false;
    s->release.min_tcb_eval = (int64_t)tcb_eval;
    return true;
}

/* What the format forbids is wrong usage here: found before any key is touched. */
static bool check_form(const struct sign *s, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer ignored = { 0 };

    if (mse_release_write(&s->release, &ignored, err))
        return true;
    if (err->code != MSE_ERR_MEMORY)
        err->code = MSE_ERR_USAGE;
    return false;
}

static bool read_release(const struct cli *cli, struct sign *s, struct mse_error *err)
{
    if (!needs(s->app, "--app", err) || !needs(s->runtime, "--runtime", err) ||
        !needs(s->output, "--output", err))
        return false;
    s->release.app = s->app_text;
    if ((size_t)snprintf(s->app_text, sizeof(s->app_text), "%s", s->app) >= sizeof(s->app_text))
        return mse_fail_text(err, MSE_ERR_USAGE, "--app", "too long");
    s->release.names = (char **)(uintptr_t)s->names.of;
    s->release.name_count = s->names.count;
    return read_fingerprints(s, err) && read_numbers(s, err) && read_dates(cli, s, err) &&
           read_runtime(s, err) && check_form(s, err) &&
           release_signature_path(s->output, s->signature_path, err);
}

static bool check(const struct cli *cli, struct sign *s, struct mse_error *err)
{
    bool of_release = s->app != NULL || s->runtime != NULL || s->serial != NULL ||
                      s->previous != NULL || s->min_tcb_eval != NULL || s->not_before != NULL ||
                      s->not_after != NULL || s->output != NULL || s->names.count > 0 ||
                      s->fingerprints.count > 0;

    if (s->key == NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "--key", "is needed");
    if (!cli_check_output("--output", s->output, err) || !cli_check_output("--file", s->file, err))
        return false;
    if (s->file == NULL)
        return read_release(cli, s, err);
    if (of_release)
        return mse_fail_text(err, MSE_ERR_USAGE, "--file",
                             "signs that file as it is: only --key and --password-file go with it");
    return release_signature_path(s->file, s->signature_path, err);
}

/* ---- signing ---- */

/* As minisign has it, so that its users find what they know. */
static bool sign_bytes(const struct cli *cli, const struct mse_minisign_secret *key,
                       const char *path, struct mse_bytes data, struct mse_writer *out,
                       struct mse_error *err)
{
    const char *slash = strrchr(path, '/');
    char comment[MSE_MINISIGN_COMMENT_MAX];

    (void)snprintf(comment, sizeof(comment), "timestamp:%" PRId64 "\tfile:%s\thashed", cli->now,
                   slash != NULL ? slash + 1 : path);
    return mse_minisign_sign(key, data, comment, out, err) || mse_fail_in(err, "%s", path);
}

static bool check_absent(const char *path, struct mse_error *err)
{
    struct stat st;

    return lstat(path, &st) == -1 ||
           mse_fail_text(err, MSE_ERR_EXISTS, path, "is there already: it is not replaced");
}

/* The release before this one must be of the same owner and app, and older. */
static bool follow(const struct mse_minisign_secret *key, struct sign *s, struct mse_error *err)
{
    MSE_CLEANUP(release_files_cleanup) struct release_files files = { 0 };
    MSE_CLEANUP(mse_release_cleanup) struct mse_release before = { 0 };
    struct mse_minisign_public public;

    if (s->previous == NULL)
        return true;
    mse_minisign_secret_public(key, &public);
    if (!release_files_load(s->previous, &files, err))
        return false;
    if (!release_files_open(&files, &public, &before, err))
        return mse_fail_in(err, "%s", s->previous);
    if (strcmp(before.app, s->app) != 0)
        return mse_fail_text(err, MSE_ERR_USAGE, "--previous", "is of another app, %s", before.app);
    if (s->serial == NULL)
        s->release.serial = before.serial + 1;
    if (s->release.serial <= before.serial)
        return mse_fail_text(err, MSE_ERR_USAGE, "--serial",
                             "must be over %" PRIu64 ", that of the previous release",
                             before.serial);
    s->release.has_previous = true;
    memcpy(s->release.previous, before.sha256, sizeof(before.sha256));
    return true;
}

/* Both or none. The signature goes first: alone it is good for nothing. */
static bool save(const struct sign *s, struct mse_bytes release, struct mse_bytes signature,
                 struct mse_error *err)
{
    if (!mse_file_write(s->signature_path, signature, 0644, MSE_FILE_KEEP, err))
        return false;
    if (mse_file_write(s->output, release, 0644, MSE_FILE_KEEP, err))
        return true;
    (void)unlink(s->signature_path);
    return false;
}

static bool sign_release(struct cli *cli, struct sign *s, const struct mse_minisign_secret *key,
                         struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer release = { 0 };
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer signature = { 0 };
    char time[MSE_TIME_TEXT_SIZE];

    if (!follow(key, s, err) || !mse_release_write(&s->release, &release, err) ||
        !sign_bytes(cli, key, s->output, mse_writer_bytes(&release), &signature, err) ||
        !save(s, mse_writer_bytes(&release), mse_writer_bytes(&signature), err))
        return false;
    cli_note(cli, "release %" PRIu64 " of %s, valid until %s: %s and %s", s->release.serial,
             s->release.app, mse_time_write(s->release.not_after, time), s->output,
             s->signature_path);
    return true;
}

static bool sign_file(struct cli *cli, const struct sign *s, const struct mse_minisign_secret *key,
                      struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer signature = { 0 };
    uint8_t *data = NULL;
    size_t len = 0;
    bool ok = mse_file_read(s->file, SIGNED_FILE_MAX, &data, &len, err) &&
              sign_bytes(cli, key, s->file, (struct mse_bytes){ data, len }, &signature, err) &&
              mse_file_write(s->signature_path, mse_writer_bytes(&signature), 0644, MSE_FILE_KEEP,
                             err);

    free(data);
    if (ok)
        cli_note(cli, "signature: %s", s->signature_path);
    return ok;
}

static bool sign(struct cli *cli, struct sign *s, struct mse_error *err)
{
    struct mse_minisign_secret *key = NULL;
    bool ok = (s->file != NULL || check_absent(s->output, err)) &&
              check_absent(s->signature_path, err) &&
              release_key_load(cli, s->key, s->password_file, &key, err) &&
              (s->file != NULL ? sign_file(cli, s, key, err) : sign_release(cli, s, key, err));

    mse_minisign_secret_free(key);
    return ok;
}

enum exit_code cmd_release_sign(struct cli *cli, int argc, char **argv)
{
    struct sign s = { 0 };
    struct option_row rows[] = {
        { "--key", "FILE", "the owner's secret key", OPTION_TEXT, &s.key, NULL, false },
        { "--password-file", "FILE", "its password is in this file", OPTION_TEXT, &s.password_file,
          NULL, false },
        { "--app", "NAME", "which app it is", OPTION_TEXT, &s.app, NULL, false },
        { "--name", "DNS", "a name the app may be called by", OPTION_LIST, &s.names, NULL, false },
        { "--fingerprint", "TEE:HEX", "a fingerprint it may have; TEE: sim, sgx, tdx, snp",
          OPTION_LIST, &s.fingerprints, NULL, false },
        { "--runtime", "HEX|FILE", "its runtime description, or the SHA-256 of that", OPTION_TEXT,
          &s.runtime, NULL, false },
        { "--serial", "N", "number of the release (that of --previous plus 1, else 1)", OPTION_TEXT,
          &s.serial, NULL, false },
        { "--previous", "FILE", "the release before this one", OPTION_TEXT, &s.previous, NULL,
          false },
        { "--min-tcb-eval", "N", "least TCB evaluation data number (0)", OPTION_TEXT,
          &s.min_tcb_eval, NULL, false },
        { "--not-before", "TIME", "from when it counts (now)", OPTION_TEXT, &s.not_before, NULL,
          false },
        { "--not-after", "TIME", "until when it counts (90 days later)", OPTION_TEXT, &s.not_after,
          NULL, false },
        { "--output", "FILE", "where the release goes; FILE.minisig is its signature", OPTION_TEXT,
          &s.output, NULL, false },
        { "--file", "FILE", "sign this file as it is, instead of a release", OPTION_TEXT, &s.file,
          NULL, false },
    };
    struct mse_error err = { 0 };
    bool helped = false;
    size_t count = 0;

    if (!options_read(cli, "release sign", rows, sizeof(rows) / sizeof(rows[0]), argc, argv, NULL,
                      0, &count, &helped, &err))
        return cli_fail(cli, &err);
    if (helped)
        return EXIT_YES;
    if (!check(cli, &s, &err) || !sign(cli, &s, &err))
        return cli_fail(cli, &err);
    return EXIT_YES;
}
