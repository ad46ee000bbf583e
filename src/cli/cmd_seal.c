/* SPDX-License-Identifier: Apache-2.0 */
/* mse cloud seal: secrets that only one verified enclave can open. */
#include <stdlib.h>

#include <mse/tls.h>
#include <openssl/crypto.h>

#include "base/file.h"
#include "base/json.h"
#include "cli/expect_args.h"
#include "cli/peer_args.h"
#include "cli/seal_for.h"

#define COMMAND "cloud seal"
#define SECRETS_MAX (512U << 10) /* sealed and in base64 it still fits into a configuration */

struct seal {
    struct cli *cli;
    struct verify_args v;
    struct peer_args p;
    struct expect_args e;
    const char *secrets_file, *output;
    bool force;
    uint8_t *secrets; /* owned; wiped */
    size_t secrets_len;
};

static void add_rows(struct seal *s)
{
    const struct option_row rows[] = {
        { "--secrets", "FILE", "JSON object with the secrets", OPTION_TEXT, &s->secrets_file, NULL,
          false },
        { "--output", "FILE", "where the sealed secrets go", OPTION_TEXT, &s->output, NULL, false },
        { "--force", NULL, "replace a different existing file", OPTION_FLAG, &s->force, NULL,
          false },
    };

    verify_args_init(&s->v);
    peer_args_init(&s->p, s->cli, &s->v);
    s->p.fresh = PEER_FRESH;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        verify_args_add_row(&s->v, rows[i]);
    peer_args_add_rows(&s->p);
    expect_args_add_rows(&s->v, &s->e, true);
    verify_args_add_source_rows(&s->v);
    verify_args_add_policy_rows(&s->v);
}

static bool load_secrets(struct seal *s, struct mse_error *err)
{
    struct mse_json json = { 0 };
    bool ok;

    if (!mse_file_read(s->secrets_file, SECRETS_MAX, &s->secrets, &s->secrets_len, err))
        return mse_fail_in(err, "--secrets");
    ok = mse_json_parse((struct mse_bytes){ s->secrets, s->secrets_len }, &json, err) &&
         (json.values[0].type == MSE_JSON_OBJECT ||
          mse_fail_text(err, MSE_ERR_FORMAT, "", "not a JSON object"));
    mse_json_cleanup(&json);
    if (ok)
        return true;
    if (err->code != MSE_ERR_MEMORY)
        err->code = MSE_ERR_USAGE;
    return mse_fail_in(err, "%s", s->secrets_file);
}

static bool prepare(struct seal *s, const char *domain, struct mse_error *err)
{
    if (s->secrets_file == NULL || s->output == NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, COMMAND, "--secrets and --output are needed");
    if (strcmp(s->output, "-") == 0)
        return mse_fail_text(err, MSE_ERR_USAGE, "--output", "wants a file");
    return expect_args_check(&s->e, &s->v, err) && peer_args_check(&s->p, domain, err) &&
           verify_args_finish(s->cli, &s->v, err) && load_secrets(s, err) &&
           expect_args_finish(s->cli, &s->e, &s->v, s->p.named.host, err) &&
           peer_args_operator(&s->p, s->e.context != NULL, err) &&
           peer_args_demand_code(&s->p, COMMAND, err);
}

static bool save(struct seal *s, const struct mse_report *report, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer sealed = { 0 };

    if (!seal_for(s->cli, report, (struct mse_bytes){ s->secrets, s->secrets_len }, &sealed, err))
        return false;
    mse_write_text(&sealed, "\n");
    if (!mse_writer_ok(&sealed))
        return mse_fail_memory(err);
    return mse_file_write(s->output, mse_writer_bytes(&sealed), 0644,
                          s->force ? MSE_FILE_REPLACE : MSE_FILE_KEEP, err);
}

static enum exit_code run(struct seal *s)
{
    struct mse_error err = { 0 };
    struct mse_deadline deadline;
    struct peer peer;
    enum exit_code code = EXIT_YES;

    if (!peer_open(&s->p, &deadline, &peer, &err))
        code = cli_fail(s->cli, &err);
    else if (!mse_tls_proven(peer.ssl))
        code = peer_refuse(&s->p, mse_tls_report(peer.ssl), "nothing was sealed");
    else if (!save(s, mse_tls_report(peer.ssl), &err))
        code = cli_fail(s->cli, &err);
    else
        cli_note(s->cli, "sealed for this enclave until its key is replaced: %s", s->output);
    peer_close(&peer);
    return code;
}

enum exit_code cmd_seal(struct cli *cli, int argc, char **argv)
{
    struct seal s = { .cli = cli };
    struct mse_error err = { 0 };
    const char *domain = NULL;
    bool helped = false;
    size_t count = 0;
    enum exit_code code = EXIT_YES;

    add_rows(&s);
    cli->json_errors = &s.v.json;
    if (!options_read(cli, COMMAND, s.v.rows, s.v.row_count, argc, argv, &domain, 1, &count,
                      &helped, &err)) {
        code = cli_fail(cli, &err);
    } else if (!helped && count == 0) {
        cli_note(cli, "mse: cloud seal wants a domain name (see --help)");
        code = EXIT_USAGE;
    } else if (!helped && !prepare(&s, domain, &err)) {
        code = cli_fail(cli, &err);
    } else if (!helped) {
        if (s.v.simulation_root != NULL)
            cli_note(cli, "warning: simulated evidence is accepted: it proves nothing about "
                          "hardware");
        if (s.v.at_text != NULL)
            cli_note(cli, "warning: judged as of %s, not as of now", s.v.at_text);
        expect_args_print(cli, &s.e, s.p.named.host);
        code = run(&s);
    }
    cli->json_errors = NULL;
    if (s.secrets != NULL)
        OPENSSL_cleanse(s.secrets, s.secrets_len);
    free(s.secrets);
    expect_args_cleanup(&s.e);
    verify_args_cleanup(&s.v);
    return code;
}
