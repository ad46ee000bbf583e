/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and files of the release commands. */
#include "cli/release_args.h"

#include <inttypes.h>
#include <stdlib.h>

#include <openssl/crypto.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/file.h"
#include "cli/password.h"

/* ---- keys ---- */

static bool open_key(struct cli *cli, struct mse_bytes file, const char *password_file,
                     struct mse_minisign_secret **out, struct mse_error *err)
{
    MSE_CLEANUP(password_wipe) struct password word = { { 0 } };
    bool encrypted;

    if (!mse_minisign_secret_is_encrypted(file, &encrypted, err))
        return false;
    if (!encrypted)
        return mse_minisign_secret_read(file, NULL, out, err);
    if (password_file == NULL && !cli->is_terminal)
        return mse_fail_text(err, MSE_ERR_USAGE, "secret key",
                             "encrypted, and nobody can be asked for its password here: give "
                             "--password-file FILE");
    if (!(password_file != NULL ? password_load(password_file, &word, err)
                                : password_ask(cli, false, &word, err)))
        return false;
    return mse_minisign_secret_read(file, word.text, out, err);
}

bool release_key_load(struct cli *cli, const char *path, const char *password_file,
                      struct mse_minisign_secret **out, struct mse_error *err)
{
    uint8_t *data = NULL;
    size_t len = 0;
    bool ok;

    *out = NULL;
    if (!mse_file_read(path, MSE_MINISIGN_FILE_MAX, &data, &len, err))
        return mse_fail_in(err, "--key");
    ok = open_key(cli, (struct mse_bytes){ data, len }, password_file, out, err);
    OPENSSL_cleanse(data, len);
    free(data);
    if (ok)
        return true;
    /* Nothing was judged: a wrong password, or a file that is no key, is a wrong command line. */
    if (cli_code_of(err->code) == EXIT_NO)
        err->code = MSE_ERR_USAGE;
    return mse_fail_in(err, "%s", path);
}

/* ---- files ---- */

bool release_signature_path(const char *path, char out[static RELEASE_PATH_SIZE],
                            struct mse_error *err)
{
    int n = snprintf(out, RELEASE_PATH_SIZE, "%s.minisig", path);

    return (n > 0 && n < RELEASE_PATH_SIZE) ||
           mse_fail_text(err, MSE_ERR_USAGE, path, "too long a path");
}

void release_files_cleanup(struct release_files *files)
{
    free(files->content);
    free(files->signature);
    memset(files, 0, sizeof(*files));
}

bool release_files_load(const char *path, struct release_files *out, struct mse_error *err)
{
    char signature_path[RELEASE_PATH_SIZE];

    memset(out, 0, sizeof(*out));
    if (release_signature_path(path, signature_path, err) &&
        mse_file_read(path, MSE_RELEASE_MAX_SIZE, &out->content, &out->content_len, err) &&
        mse_file_read(signature_path, MSE_MINISIGN_FILE_MAX, &out->signature, &out->signature_len,
                      err))
        return true;
    release_files_cleanup(out);
    return false;
}

bool release_files_open(const struct release_files *files, const struct mse_minisign_public *owner,
                        struct mse_release *out, struct mse_error *err)
{
    return mse_release_open(owner, (struct mse_bytes){ files->content, files->content_len },
                            (struct mse_bytes){ files->signature, files->signature_len }, out, err);
}

/* ---- showing ---- */

void release_print_text(const struct mse_release *release, struct mse_writer *to)
{
    char hex[65], time[MSE_TIME_TEXT_SIZE];

    mse_write_format(to, "app           %s\n", release->app);
    mse_write_format(to, "serial        %" PRIu64 "\n", release->serial);
    mse_write_format(to, "valid from    %s\n", mse_time_write(release->not_before, time));
    mse_write_format(to, "valid until   %s\n", mse_time_write(release->not_after, time));
    for (size_t i = 0; i < release->name_count; i++)
        mse_write_format(to, "name          %s\n", release->names[i]);
    for (size_t i = 0; i < release->fingerprint_count; i++) {
        mse_hex_write(release->fingerprints[i].value, 32, hex);
        mse_write_format(to, "fingerprint   %s %s\n",
                         mse_release_tee_name(release->fingerprints[i].tee), hex);
    }
    mse_hex_write(release->runtime, 32, hex);
    mse_write_format(to, "runtime       %s\n", hex);
    mse_write_format(to, "min tcb eval  %" PRId64 "\n", release->min_tcb_eval);
    mse_hex_write(release->previous, 32, hex);
    mse_write_format(to, "previous      %s\n", release->has_previous ? hex : "none");
    mse_hex_write(release->sha256, 32, hex);
    mse_write_format(to, "SHA-256       %s\n", hex);
}

void release_print_json(const struct mse_release *release, struct mse_json_writer *w)
{
    mse_json_put_text(w, "app", release->app);
    mse_json_put_unsigned(w, "serial", release->serial);
    mse_json_put_time(w, "not_before", release->not_before);
    mse_json_put_time(w, "not_after", release->not_after);
    mse_json_open_array(w, "names");
    for (size_t i = 0; i < release->name_count; i++)
        mse_json_put_text(w, NULL, release->names[i]);
    mse_json_close_array(w);
    mse_json_open_array(w, "fingerprints");
    for (size_t i = 0; i < release->fingerprint_count; i++) {
        mse_json_open_object(w, NULL);
        mse_json_put_text(w, "tee", mse_release_tee_name(release->fingerprints[i].tee));
        mse_json_put_hex(w, "hex", release->fingerprints[i].value, 32);
        mse_json_close_object(w);
    }
    mse_json_close_array(w);
    mse_json_put_hex(w, "runtime", release->runtime, 32);
    mse_json_put_integer(w, "min_tcb_eval", release->min_tcb_eval);
    if (release->has_previous)
        mse_json_put_hex(w, "previous", release->previous, 32);
    else
        mse_json_put_null(w, "previous");
    mse_json_put_hex(w, "sha256", release->sha256, 32);
}
