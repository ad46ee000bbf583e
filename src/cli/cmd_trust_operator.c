/* SPDX-License-Identifier: Apache-2.0 */
/* mse cloud trust-operator: the one first step; shows whose keys they are before it stores them. */
#include <stdlib.h>
#include <strings.h>

#include "base/encode.h"
#include "base/file.h"
#include "cli/config.h"
#include "cli/verify_args.h"

static bool fetch_url(struct cli *cli, struct verify_args *v, const char *url, uint8_t **data,
                      size_t *len, struct mse_error *err)
{
    struct mse_http_reply reply = { 0 };
    struct mse_sources sources;
    bool ok;

    if (strncasecmp(url, "https://", 8) != 0)
        return mse_fail_text(err, MSE_ERR_USAGE, "trust-operator",
                             "keys are fetched over https only");
    ok = verify_args_sources(cli, v, true, &sources, err) &&
         sources.fetcher->get(sources.fetcher->arg, url, CONFIG_MAX_SIZE, &reply, err);
    if (ok && reply.status != 200)
        ok = mse_fail_text(err, MSE_ERR_HTTP, url, "answered %ld", reply.status);
    if (ok) {
        *data = reply.body;
        *len = reply.body_len;
        reply.body = NULL;
    }
    mse_http_reply_cleanup(&reply);
    return ok;
}

static void show(struct cli *cli, const struct operator_entry *e)
{
    char hex[65];

    (void)fprintf(cli->out, "Operator: %s\n", e->name);
    mse_hex_write(e->mrsigner, 32, hex);
    (void)fprintf(cli->out, "  enclave signer  %.16s (MRSIGNER %s)\n", hex, hex);
    (void)fprintf(cli->out, "  product %lld, security version %lld or newer\n",
                  (long long)e->isv_prod_id, (long long)e->min_isv_svn);
    mse_hex_write(e->instance_key, 32, hex);
    (void)fprintf(cli->out, "  instance key    %.16s (Ed25519 %s)\n", hex, hex);
    for (size_t i = 0; i < e->runtime_key_count; i++)
        (void)fprintf(cli->out, "  runtime key     %s\n", e->runtime_keys[i]);
    (void)fflush(cli->out);
}

static bool confirmed(struct cli *cli)
{
    char answer[16];

    (void)fputs(
        "Expect enclaves of this operator from now on, and believe its runtime keys? [y/N] ",
        cli->err);
    (void)fflush(cli->err);
    return fgets(answer, sizeof(answer), cli->in) != NULL &&
           (strcasecmp(answer, "y\n") == 0 || strcasecmp(answer, "yes\n") == 0);
}

static enum exit_code store(struct cli *cli, const struct operator_entry *e, bool yes, bool force)
{
    struct mse_error err = { 0 };
    char path[4300];

    show(cli, e);
    if (!yes && !cli->is_terminal) {
        cli_note(cli, "mse: not asked on a terminal: compare the keys, then give --yes");
        return EXIT_USAGE;
    }
    if (!yes && !confirmed(cli)) {
        cli_note(cli, "mse: nothing stored");
        return EXIT_NO;
    }
    if (!config_store_operator(cli, e, force, path, sizeof(path), &err))
        return cli_fail(cli, &err);
    (void)fprintf(cli->out, "Stored in %s\n", path);
    return EXIT_YES;
}

enum exit_code cmd_trust_operator(struct cli *cli, int argc, char **argv)
{
    struct mse_error err = { 0 };
    struct operator_entry entry;
    struct verify_args v;
    bool yes = false, force = false, helped = false, ok;
    const char *where = NULL;
    uint8_t *data = NULL;
    size_t count = 0, len = 0;
    enum exit_code code;

    verify_args_init(&v);
    verify_args_add_row(
        &v, (struct option_row){ "--yes", NULL, "do not ask", OPTION_FLAG, &yes, NULL, false });
    verify_args_add_row(&v,
                        (struct option_row){ "--force", NULL, "replace other keys of the same name",
                                             OPTION_FLAG, &force, NULL, false });
    if (!options_read(cli, "cloud trust-operator", v.rows, v.row_count, argc, argv, &where, 1,
                      &count, &helped, &err))
        return cli_fail(cli, &err);
    if (helped)
        return EXIT_YES;
    if (count == 0) {
        cli_note(cli, "mse: cloud trust-operator wants a file or https URL");
        return EXIT_USAGE;
    }
    ok = strstr(where, "://") != NULL ? fetch_url(cli, &v, where, &data, &len, &err)
                                      : mse_file_read(where, CONFIG_MAX_SIZE, &data, &len, &err);
    ok = ok && (operator_parse((struct mse_bytes){ data, len }, &entry, &err) ||
                mse_fail_in(&err, "%s", where));
    code = ok ? store(cli, &entry, yes, force) : cli_fail(cli, &err);
    free(data);
    verify_args_cleanup(&v);
    return code;
}
