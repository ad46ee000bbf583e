/* SPDX-License-Identifier: Apache-2.0 */
/* mse connect: standard input and output over a connection whose other end is the enclave itself.
 */
#include <mse/tls.h>

#include "attest/message.h"
#include "cli/expect_args.h"
#include "cli/peer_args.h"
#include "cli/pump.h"
#include "verdict/policy.h"
#include "verdict/report.h"

struct run {
    struct cli *cli;
    struct verify_args v;
    struct peer_args p;
    struct expect_args e;
    const char *protocol;
};

static void add_rows(struct run *r)
{
    verify_args_init(&r->v);
    peer_args_init(&r->p, r->cli, &r->v);
    r->p.fresh = PEER_CONNECTION;
    verify_args_add_row(&r->v,
                        (struct option_row){ "--protocol", "NAME",
                                             "what is spoken with the app (default http/1.1)",
                                             OPTION_TEXT, &r->protocol, NULL, false });
    peer_args_add_rows(&r->p);
    expect_args_add_rows(&r->v, &r->e, true);
    verify_args_add_source_rows(&r->v);
    verify_args_add_policy_rows(&r->v);
}

static bool check_usage(struct run *r, const char *domain, struct mse_error *err)
{
    size_t len;

    r->p.protocol = r->protocol != NULL ? r->protocol : "http/1.1";
    len = strlen(r->p.protocol);
    if (len < 1 || len > MSE_ATTEST_MAX_INNER)
        return mse_fail_text(err, MSE_ERR_USAGE, "--protocol", "wants 1 to %d bytes",
                             MSE_ATTEST_MAX_INNER);
    if (r->v.json)
        return mse_fail_text(err, MSE_ERR_USAGE, "--json",
                             "has no place here: standard output is the connection's");
    if (!expect_args_check(&r->e, &r->v, err) || !peer_args_check(&r->p, domain, err) ||
        !verify_args_finish(r->cli, &r->v, err) ||
        !expect_args_finish(r->cli, &r->e, &r->v, r->p.named.host, err) ||
        !peer_args_operator(&r->p, r->e.context != NULL, err))
        return false;
    if (!mse_policy_expects_somebody(r->v.policy))
        return mse_fail_text(err, MSE_ERR_USAGE, "connect",
                             "nobody is expected, so any enclave would pass: store the operator "
                             "(mse cloud trust-operator), or give --fingerprint, --context with "
                             "--code, --owner or --mrsigner");
    r->v.policy->min_level = MSE_LEVEL_CONNECTION;
    return true;
}

static void print_notes(struct run *r, const struct mse_report *report)
{
    char text[MSE_CONFIGURATION_TEXT_SIZE];

    for (unsigned i = 0; i < MSE_CHECK_COUNT; i++) {
        const struct mse_check_result *c = mse_report_result(report, (enum mse_check)i);

        if (c->outcome == MSE_OUTCOME_WAIVED)
            cli_note(r->cli, "note: %s not checked: %s", mse_check_name((enum mse_check)i),
                     c->reason);
    }
    if (r->v.verbose)
        cli_note(r->cli, "note: %s", mse_report_reason(report, MSE_CHECK_LEVEL));
    if (r->v.verbose)
        cli_note(r->cli, "note: %s", mse_configuration_text(&report->configuration, text));
}

static enum exit_code connect_and_pump(struct run *r)
{
    struct mse_error err = { 0 };
    struct mse_deadline deadline;
    struct peer peer;
    enum exit_code code = EXIT_YES;

    if (!peer_open(&r->p, &deadline, &peer, &err)) {
        code = cli_fail(r->cli, &err);
    } else if (!mse_tls_proven(peer.ssl)) {
        code = peer_refuse(&r->p, mse_tls_report(peer.ssl), "nothing was sent");
    } else {
        print_notes(r, mse_tls_report(peer.ssl));
        if (!pump(peer.ssl, fileno(r->cli->in), fileno(r->cli->out), &err))
            code = cli_fail(r->cli, &err);
    }
    peer_close(&peer);
    return code;
}

enum exit_code cmd_connect(struct cli *cli, int argc, char **argv)
{
    struct run r = { .cli = cli };
    struct mse_error err = { 0 };
    const char *domain = NULL;
    bool helped = false;
    size_t count = 0;
    enum exit_code code = EXIT_YES;

    add_rows(&r);
    if (!options_read(cli, "connect", r.v.rows, r.v.row_count, argc, argv, &domain, 1, &count,
                      &helped, &err)) {
        code = cli_fail(cli, &err);
    } else if (!helped && count == 0) {
        cli_note(cli, "mse: connect wants a domain name (see --help)");
        code = EXIT_USAGE;
    } else if (!helped && !check_usage(&r, domain, &err)) {
        code = cli_fail(cli, &err);
    } else if (!helped) {
        if (r.v.simulation_root != NULL)
            cli_note(cli, "warning: simulated evidence is accepted: it proves nothing about "
                          "hardware");
        if (r.v.at_text != NULL)
            cli_note(cli, "warning: judged as of %s, not as of now", r.v.at_text);
        expect_args_print(cli, &r.e, r.p.named.host);
        code = connect_and_pump(&r);
    }
    expect_args_cleanup(&r.e);
    verify_args_cleanup(&r.v);
    return code;
}
