/* SPDX-License-Identifier: Apache-2.0 */
/* mse keygen: an owner's signing key, in minisign's format. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/file.h"
#include "cli/options.h"
#include "cli/password.h"
#include "cli/same_file.h"
#include "release/minisign.h"

#define DEFAULT_OUTPUT "./mse-owner.key"
#define PATH_SIZE 4096
#define OLD_PUBLIC_MAX (64U << 10)

struct keygen {
    const char *output, *public, *password_file;
    bool no_password, force;
    char public_path[PATH_SIZE];
};

static bool check(const struct cli *cli, struct keygen *k, struct mse_error *err)
{
    int n;

    if (!cli_check_output("--output", k->output, err) ||
        !cli_check_output("--public", k->public, err))
        return false;
    if (k->output == NULL)
        k->output = DEFAULT_OUTPUT;
    n = snprintf(k->public_path, sizeof(k->public_path), "%s%s",
                 k->public != NULL ? k->public : k->output, k->public != NULL ? "" : ".pub");
    if (n < 0 || (size_t)n >= sizeof(k->public_path))
        return mse_fail_text(err, MSE_ERR_USAGE, "--output", "too long a path");
    if (cli_same_file(k->public_path, k->output))
        return mse_fail_text(err, MSE_ERR_USAGE, "--public",
                             "names the same file as the secret key");
    if (k->password_file != NULL && (cli_same_file(k->password_file, k->output) ||
                                     cli_same_file(k->password_file, k->public_path)))
        return mse_fail_text(err, MSE_ERR_USAGE, "--password-file",
                             "names a file that a key would be written to");
    if (k->no_password && k->password_file != NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "keygen",
                             "--no-password and --password-file exclude each other");
    if (!k->no_password && k->password_file == NULL && !cli->is_terminal)
        return mse_fail_text(err, MSE_ERR_USAGE, "keygen",
                             "nobody can be asked for a password here: give --password-file FILE, "
                             "or --no-password");
    return true;
}

/* A key that is gone cannot be made again. */
static bool check_absent(const char *path, struct mse_error *err)
{
    struct stat st;

    return lstat(path, &st) == -1 ||
           mse_fail_text(err, MSE_ERR_EXISTS, path,
                         "is there already: name another file, or replace it with --force");
}

static bool password(struct cli *cli, const struct keygen *k, struct password *out,
                     struct mse_error *err)
{
    if (k->no_password)
        return true;
    return k->password_file != NULL ? password_load(k->password_file, out, err)
                                    : password_ask(cli, true, out, err);
}

/* As it was before. */
static void undo(const char *path, bool existed, struct mse_bytes before)
{
    struct mse_error ignored = { 0 };

    if (!existed || !mse_file_write(path, before, 0644, MSE_FILE_REPLACE, &ignored))
        (void)unlink(path);
}

/* Both or none. The public key goes first: it can be made again from the secret one. */
static bool save(const struct keygen *k, struct mse_bytes secret, struct mse_bytes public,
                 struct mse_error *err)
{
    enum mse_file_exists exists = k->force ? MSE_FILE_REPLACE : MSE_FILE_KEEP;

    uint8_t *before = NULL;
    size_t len = 0;
    bool existed = access(k->public_path, F_OK) == 0, ok;

    if (existed && !mse_file_read(k->public_path, OLD_PUBLIC_MAX, &before, &len, err))
        return false;
    ok = mse_file_write(k->public_path, public, 0644, exists, err);
    if (ok && !mse_file_write(k->output, secret, 0600, exists, err)) {
        undo(k->public_path, existed, (struct mse_bytes){ before, len });
        ok = false;
    }
    free(before);
    return ok;
}

static void writer_wipe(struct mse_writer *w)
{
    if (w->data != NULL)
        OPENSSL_cleanse(w->data, w->size);
    mse_writer_cleanup(w);
}

static void secret_cleanup(struct mse_minisign_secret **key)
{
    mse_minisign_secret_free(*key);
}

static bool generate(struct cli *cli, const struct keygen *k, struct mse_error *err)
{
    MSE_CLEANUP(secret_cleanup) struct mse_minisign_secret *key = NULL;
    MSE_CLEANUP(writer_wipe) struct mse_writer secret = { 0 };
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer file = { 0 };
    MSE_CLEANUP(password_wipe) struct password word = { { 0 } };
    struct mse_minisign_public public;
    char text[57];

    if (!k->force && (!check_absent(k->output, err) || !check_absent(k->public_path, err)))
        return false;
    if (!password(cli, k, &word, err) || !mse_minisign_secret_generate(&key, err) ||
        !mse_minisign_secret_write(key, k->no_password ? NULL : word.text, &secret, err))
        return false;
    mse_minisign_secret_public(key, &public);
    mse_minisign_public_write(&public, &file);
    if (!mse_writer_ok(&file))
        return mse_fail_memory(err);
    if (!save(k, mse_writer_bytes(&secret), mse_writer_bytes(&file), err))
        return false;
    mse_minisign_public_text(&public, text);
    (void)fprintf(cli->out, "%s\n", text);
    return true;
}

enum exit_code cmd_keygen(struct cli *cli, int argc, char **argv)
{
    struct keygen k = { 0 };
    struct option_row rows[] = {
        { "--output", "FILE", "where the secret key goes (" DEFAULT_OUTPUT ")", OPTION_TEXT,
          &k.output, NULL, false },
        { "--public", "FILE", "where the public key goes (that name with .pub)", OPTION_TEXT,
          &k.public, NULL, false },
        { "--no-password", NULL, "do not encrypt the secret key", OPTION_FLAG, &k.no_password, NULL,
          false },
        { "--password-file", "FILE", "encrypt it with the password in this file", OPTION_TEXT,
          &k.password_file, NULL, false },
        { "--force", NULL, "replace existing files", OPTION_FLAG, &k.force, NULL, false },
    };
    struct mse_error err = { 0 };
    bool helped = false;
    size_t count = 0;

    if (!options_read(cli, "keygen", rows, sizeof(rows) / sizeof(rows[0]), argc, argv, NULL, 0,
                      &count, &helped, &err))
        return cli_fail(cli, &err);
    if (helped)
        return EXIT_YES;
    if (!check(cli, &k, &err) || !generate(cli, &k, &err))
        return cli_fail(cli, &err);
    cli_note(cli, "secret key: %s (keep a copy: it cannot be made again)", k.output);
    cli_note(cli, "public key: %s", k.public_path);
    return EXIT_YES;
}
