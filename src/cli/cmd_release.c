/* SPDX-License-Identifier: Apache-2.0 */
/* mse release show, verify: what a release states, and whether it counts. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/file.h"
#include "cli/options.h"
#include "cli/places.h"
#include "cli/owner_key.h"
#include "cli/release_args.h"
#include "release/rollback.h"

#define SCHEMA "mse-release-v1"
#define UNCHECKED "nothing was checked: neither signature nor dates nor order"

/* What both commands print; verified is NULL where nothing was checked. */
struct verified {
    const struct mse_minisign_public *owner;
    const char *name; /* NULL: not asked */
    int64_t at;
};

static void print_text(const struct mse_release *release, const struct verified *v,
                       struct mse_writer *to)
{
    char owner[57], time[MSE_TIME_TEXT_SIZE];

    if (v == NULL) {
        mse_write_text(to, "NOT CHECKED   " UNCHECKED "\n");
        release_print_text(release, to);
        return;
    }
    mse_minisign_public_text(v->owner, owner);
    mse_write_format(to, "VERIFIED      signature, dates, order%s\n",
                     v->name != NULL ? ", name" : "");
    mse_write_format(to, "owner         %s\n", owner);
    mse_write_format(to, "as of         %s\n", mse_time_write(v->at, time));
    if (v->name == NULL)
        mse_write_text(to, "for the name  not checked: give --name DNS\n");
    release_print_text(release, to);
}

static void print_json(const struct mse_release *release, const struct verified *v,
                       struct mse_writer *to)
{
    struct mse_json_writer w = mse_json_writer_init(to, 2);
    char owner[57];

    mse_json_open_object(&w, NULL);
    mse_json_put_text(&w, "schema", SCHEMA);
    mse_json_put_bool(&w, "checked", v != NULL);
    if (v != NULL) {
        mse_minisign_public_text(v->owner, owner);
        mse_json_put_text(&w, "owner", owner);
        mse_json_put_time(&w, "at", v->at);
        if (v->name != NULL)
            mse_json_put_bytes_text(&w, "name", MSE_CSTR_BYTES(v->name));
        else
            mse_json_put_null(&w, "name");
    }
    release_print_json(release, &w);
    mse_json_close_object(&w);
    mse_write_text(to, "\n");
}

static bool print(struct cli *cli, const struct mse_release *release, const struct verified *v,
                  bool json, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer to = { 0 };

    if (json)
        print_json(release, v, &to);
    else
        print_text(release, v, &to);
    if (!mse_writer_ok(&to))
        return mse_fail_memory(err);
    cli_put(cli, &to);
    return true;
}

/* ---- show ---- */

static bool show(struct cli *cli, const char *path, bool json, struct mse_error *err)
{
    MSE_CLEANUP(mse_release_cleanup) struct mse_release release = { 0 };
    uint8_t *data = NULL;
    size_t len = 0;
    bool ok = mse_file_read(path, MSE_RELEASE_MAX_SIZE, &data, &len, err) &&
              (mse_release_parse((struct mse_bytes){ data, len }, &release, err) ||
               mse_fail_in(err, "%s", path));

    free(data);
    return ok && print(cli, &release, NULL, json, err);
}

enum exit_code cmd_release_show(struct cli *cli, int argc, char **argv)
{
    bool json = false, helped = false, ok;
    struct option_row rows[] = {
        { "--json", NULL, "print JSON instead of text", OPTION_FLAG, &json, NULL, false },
    };
    const char *path = NULL;
    struct mse_error err = { 0 };
    size_t count = 0;
    enum exit_code code = EXIT_YES;

    cli->json_errors = &json;
    ok = options_read(cli, "release show", rows, sizeof(rows) / sizeof(rows[0]), argc, argv, &path,
                      1, &count, &helped, &err);
    if (ok && !helped && count == 0)
        ok = mse_fail_text(&err, MSE_ERR_USAGE, "release show", "wants a file");
    if (!ok || (!helped && !show(cli, path, json, &err)))
        code = cli_fail(cli, &err);
    else if (!helped)
        cli_note(cli, "note: " UNCHECKED);
    cli->json_errors = NULL;
    return code;
}

/* ---- verify ---- */

struct verify {
    const char *path, *owner, *name, *at_text;
    bool json;
    int64_t at;
    struct mse_minisign_public key;
    char directory[RELEASE_PATH_SIZE];
};

static bool find_directory(const struct cli *cli, struct verify *v, struct mse_error *err)
{
    char state[RELEASE_PATH_SIZE];
    int n;

    if (!places_state(cli, state, sizeof(state)))
        return mse_fail_text(err, MSE_ERR_USAGE, "state directory",
                             "set HOME or XDG_STATE_HOME: the releases seen are remembered there");
    n = snprintf(v->directory, sizeof(v->directory), "%s/releases", state);
    return (n > 0 && (size_t)n < sizeof(v->directory)) ||
           mse_fail_text(err, MSE_ERR_USAGE, "state directory", "too long a path");
}

static bool check(const struct cli *cli, struct verify *v, struct mse_error *err)
{
    if (v->path == NULL || v->owner == NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "release verify", "wants a file and --owner KEY");
    v->at = cli->now;
    if (v->at_text != NULL && !mse_time_read(v->at_text, strlen(v->at_text), &v->at))
        return mse_fail_text(err, MSE_ERR_USAGE, "--at",
                             "is no time: write 2026-01-31 or 2026-01-31T23:59:59Z");
    return find_directory(cli, v, err) && owner_key_read(v->owner, &v->key, err);
}

static bool verify(struct cli *cli, const struct verify *v, struct mse_error *err)
{
    MSE_CLEANUP(mse_release_cleanup) struct mse_release release = { 0 };
    MSE_CLEANUP(release_files_cleanup) struct release_files files = { 0 };
    struct verified said = { &v->key, v->name, v->at };

    if (!release_files_load(v->path, &files, err))
        return false;
    if (!release_files_open(&files, &v->key, &release, err) ||
        !mse_release_check(&release, v->name, v->at, err))
        return mse_fail_in(err, "%s", v->path);
    /* Checks the order under the same lock. */
    if (!mse_rollback_store(v->directory, &v->key, &release,
                            (struct mse_bytes){ files.content, files.content_len },
                            (struct mse_bytes){ files.signature, files.signature_len }, err))
        return false;
    return print(cli, &release, &said, v->json, err);
}

enum exit_code cmd_release_verify(struct cli *cli, int argc, char **argv)
{
    struct verify v = { 0 };
    struct option_row rows[] = {
        { "--owner", "KEY", "the owner's public key, or a file with it", OPTION_TEXT, &v.owner,
          NULL, false },
        { "--name", "DNS", "the name that the app is called by", OPTION_TEXT, &v.name, NULL,
          false },
        { "--at", "TIME", "judge as of this instant instead of now", OPTION_TEXT, &v.at_text, NULL,
          false },
        { "--json", NULL, "print JSON instead of text", OPTION_FLAG, &v.json, NULL, false },
    };
    struct mse_error err = { 0 };
    bool helped = false, ok;
    size_t count = 0;
    enum exit_code code = EXIT_YES;

    cli->json_errors = &v.json;
    ok = options_read(cli, "release verify", rows, sizeof(rows) / sizeof(rows[0]), argc, argv,
                      &v.path, 1, &count, &helped, &err);
    if (!ok || (!helped && (!check(cli, &v, &err) || !verify(cli, &v, &err))))
        code = cli_fail(cli, &err);
    else if (!helped && v.at_text != NULL)
        cli_note(cli, "warning: judged as of %s, not as of now", v.at_text);
    cli->json_errors = NULL;
    return code;
}
