/* SPDX-License-Identifier: Apache-2.0 */
/* mse collateral fetch, show, check: vendor statements as files. */
#include <stdlib.h>

#include "base/file.h"
#include "cli/show_bundle.h"
#include "cli/subject_file.h"
#include "cli/verify_args.h"
#include "client/collect.h"
#include "endorsement/bundle.h"

#define FETCH_TIMEOUT_MS 30000U

struct fetch {
    struct verify_args v;
    const char *output, *where;
    bool force;
};

static bool fetch(struct cli *cli, struct fetch *f, struct mse_error *err)
{
    struct mse_sources sources;
    struct mse_writer bundle = { 0 };
    uint8_t *data = NULL;
    size_t len = 0;
    bool from_network = false, ok;
    struct mse_bytes in;

    if (!verify_args_finish(cli, &f->v, err) ||
        !subject_load(cli, f->where, FETCH_TIMEOUT_MS, &data, &len, &from_network, err))
        return false;
    in = (struct mse_bytes){ data, len };
    ok = verify_args_sources(cli, &f->v, true, &sources, err) &&
         (subject_is_certificate(in)
              ? mse_collect_for_certificate(&sources, in, f->v.early, f->v.collateral, err)
              : mse_collect_for_evidence(&sources, in, f->v.early, f->v.collateral, err));
    if (ok && f->v.collateral->count == 0)
        ok = mse_fail_text(err, MSE_ERR_NO_EVIDENCE, f->where,
                           "carries no evidence that is bound to its key: nothing to fetch");
    ok = ok && mse_bundle_write(f->v.collateral, &bundle, err) &&
         mse_file_write(f->output, mse_writer_bytes(&bundle), 0644,
                        f->force ? MSE_FILE_REPLACE : MSE_FILE_KEEP, err);
    if (ok)
        cli_note(cli, "%zu items saved at: %s", f->v.collateral->count, f->output);
    mse_writer_cleanup(&bundle);
    free(data);
    return ok;
}

enum exit_code cmd_collateral_fetch(struct cli *cli, int argc, char **argv)
{
    struct fetch f = { 0 };
    struct mse_error err = { 0 };
    bool helped = false, ok;
    size_t count = 0;
    enum exit_code code = EXIT_YES;

    verify_args_init(&f.v);
    verify_args_add_row(&f.v, (struct option_row){ "--output", "FILE", "where to save the bundle",
                                                   OPTION_TEXT, &f.output, NULL, false });
    verify_args_add_row(&f.v,
                        (struct option_row){ "--force", NULL, "replace a different existing file",
                                             OPTION_FLAG, &f.force, NULL, false });
    verify_args_add_source_rows(&f.v);
    ok = options_read(cli, "collateral fetch", f.v.rows, f.v.row_count, argc, argv, &f.where, 1,
                      &count, &helped, &err);
    if (ok && !helped && (count == 0 || f.output == NULL))
        ok = mse_fail_text(&err, MSE_ERR_USAGE, "collateral fetch",
                           "wants a file or domain name, and --output FILE");
    if (!ok || (!helped && !fetch(cli, &f, &err)))
        code = cli_fail(cli, &err);
    verify_args_cleanup(&f.v);
    return code;
}

/* ---- show and check ---- */

static bool print_items(struct cli *cli, const struct verify_args *v, bool authenticated,
                        struct mse_error *err)
{
    struct mse_writer to = { 0 };
    struct mse_json_writer w = mse_json_writer_init(&to, 2);
    struct mse_json_sink json_sink = mse_json_sink_init(&w);
    struct mse_text_sink text_sink = mse_text_sink_init(&to, v->verbose);

    if (v->json) {
        mse_json_open_object(&w, NULL);
        mse_json_put_text(&w, "schema", "mse-collateral-list-v1");
        mse_json_put_bool(&w, "authenticated", authenticated);
        show_items(v->collateral, authenticated, v->at, &json_sink.sink);
        mse_json_close_object(&w);
        mse_write_text(&to, "\n");
    } else {
        show_items(v->collateral, authenticated, v->at, &text_sink.sink);
    }
    if (mse_writer_ok(&to))
        cli_put(cli, &to);
    else
        (void)mse_fail_memory(err);
    mse_writer_cleanup(&to);
    return err->code == MSE_ERR_NONE;
}

/* 1 if something is not authentic, 3 if all is but something is out of date. */
static enum exit_code code_of_items(const struct verify_args *v)
{
    enum exit_code code = EXIT_YES;

    for (size_t i = 0; i < v->collateral->count; i++) {
        const struct mse_item *item = v->collateral->items[i];

        if (!item->authenticated)
            return EXIT_NO;
        if (v->at < item->valid_from || v->at > item->valid_until)
            code = EXIT_UNKNOWN;
    }
    return code;
}

static enum exit_code list(struct cli *cli, int argc, char **argv, const char *command, bool check)
{
    struct verify_args v;
    struct mse_error err = { 0 };
    const char *files[OPTION_LIST_MAX];
    bool helped = false, ok;
    size_t count = 0;
    enum exit_code code = EXIT_YES;

    verify_args_init(&v);
    verify_args_add_source_rows(&v);
    ok = options_read(cli, command, v.rows, v.row_count, argc, argv, files, OPTION_LIST_MAX / 2,
                      &count, &helped, &err);
    if (ok && helped)
        return EXIT_YES;
    if (ok && count + v.collateral_files.count == 0)
        ok = mse_fail_text(&err, MSE_ERR_USAGE, command, "wants at least one file");
    for (size_t i = 0; ok && i < count; i++) {
        if (v.collateral_files.count < OPTION_LIST_MAX)
            v.collateral_files.of[v.collateral_files.count++] = files[i];
    }
    ok = ok && verify_args_finish(cli, &v, &err) &&
         (!check || mse_collateral_prepare(v.collateral, v.verifier, &err)) &&
         print_items(cli, &v, check, &err);
    if (!ok)
        code = cli_fail(cli, &err);
    else if (check)
        code = code_of_items(&v);
    verify_args_cleanup(&v);
    return code;
}

enum exit_code cmd_collateral_show(struct cli *cli, int argc, char **argv)
{
    return list(cli, argc, argv, "collateral show", false);
}

enum exit_code cmd_collateral_check(struct cli *cli, int argc, char **argv)
{
    return list(cli, argc, argv, "collateral check", true);
}
