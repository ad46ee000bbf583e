/* SPDX-License-Identifier: Apache-2.0 */
/* mse sgx show: what a SIGSTRUCT says, and whether its signature holds. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/file.h"
#include "cli/options.h"
#include "measure/sigstruct.h"
#include "verdict/claims.h"

#define COMMAND "sgx show"
#define SCHEMA "mse-sigstruct-v1"

static void hex64(struct mse_field_sink *s, const char *name, uint64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "0x%016" PRIx64, value);
    s->text(s, name, text);
}

static void fields(const struct mse_sigstruct *g, struct mse_field_sink *s)
{
    char date[40];

    (void)snprintf(date, sizeof(date), "%04u-%02u-%02u", g->year, g->month, g->day);
    s->hex(s, "mrenclave", g->mrenclave, sizeof(g->mrenclave));
    s->hex(s, "mrsigner", g->mrsigner, sizeof(g->mrsigner));
    s->text(s, "date", date);
    s->number(s, "isv_prod_id", g->isv_prod_id);
    s->number(s, "isv_svn", g->isv_svn);
    s->flag(s, "debug", (g->flags & 0x2) != 0);
    hex64(s, "attributes", g->flags);
    hex64(s, "attribute_mask", g->flags_mask);
    hex64(s, "xfrm", g->xfrm);
    hex64(s, "xfrm_mask", g->xfrm_mask);
    hex64(s, "misc_select", g->misc_select);
    hex64(s, "misc_mask", g->misc_mask);
    hex64(s, "vendor", g->vendor);
}

static void write_all(const struct mse_sigstruct *g, const char *reason, bool json,
                      struct mse_writer *to)
{
    struct mse_json_writer w = mse_json_writer_init(to, 2);
    struct mse_json_sink json_sink = mse_json_sink_init(&w);
    struct mse_text_sink text_sink = mse_text_sink_init(to, true);
    struct mse_field_sink *s = json ? &json_sink.sink : &text_sink.sink;

    if (json) {
        mse_json_open_object(&w, NULL);
        mse_json_put_text(&w, "schema", SCHEMA);
    }
    fields(g, s);
    s->flag(s, "holds", reason[0] == '\0');
    if (reason[0] != '\0')
        s->text(s, "reason", reason);
    if (json) {
        mse_json_close_object(&w);
        mse_write_text(to, "\n");
    }
}

/* *holds is about the signature; false is returned if there is nothing to show. */
static bool show(struct cli *cli, const char *path, bool json, bool *holds, struct mse_error *err)
{
    struct mse_error why = { 0 };
    struct mse_writer to = { 0 };
    struct mse_sigstruct g;
    uint8_t *data = NULL;
    size_t len = 0;
    char reason[512] = "";
    bool ok = mse_file_read(path, MSE_SIGSTRUCT_SIZE, &data, &len, err);

    if (ok && !mse_sigstruct_parse((struct mse_bytes){ data, len }, &g, err))
        ok = mse_fail_in(err, "%s", path);
    free(data);
    if (!ok)
        return false;
    *holds = mse_sigstruct_check(&g, &why);
    if (!*holds)
        (void)mse_error_describe(&why, reason, sizeof(reason));
    write_all(&g, reason, json, &to);
    if (mse_writer_ok(&to))
        cli_put(cli, &to);
    else
        (void)mse_fail_memory(err);
    mse_writer_cleanup(&to);
    return err->code == MSE_ERR_NONE;
}

enum exit_code cmd_sgx_show(struct cli *cli, int argc, char **argv)
{
    bool json = false, helped = false, holds = false, ok;
    struct option_row rows[] = {
        { "--json", NULL, "print JSON", OPTION_FLAG, &json, NULL, false },
    };
    struct mse_error err = { 0 };
    const char *path = NULL;
    size_t count = 0;
    enum exit_code code = EXIT_YES;

    cli->json_errors = &json;
    ok = options_read(cli, COMMAND, rows, sizeof(rows) / sizeof(rows[0]), argc, argv, &path, 1,
                      &count, &helped, &err);
    if (ok && !helped && count == 0)
        ok = mse_fail_text(&err, MSE_ERR_USAGE, COMMAND, "wants a .sig file");
    if (!ok || (!helped && !show(cli, path, json, &holds, &err)))
        code = cli_fail(cli, &err);
    else if (!helped && !holds)
        code = EXIT_NO;
    cli->json_errors = NULL;
    return code;
}
