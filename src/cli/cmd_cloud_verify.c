/* SPDX-License-Identifier: Apache-2.0 */
/* mse cloud verify: get the certificate, prove or refuse, and save only what was proven. */
#include <mse/tls.h>

#include <stdlib.h>

#include "base/encode.h"
#include "base/file.h"
#include "cli/expect_args.h"
#include "cli/peer_args.h"
#include "verdict/policy.h"
#include "verdict/report.h"

struct run {
    struct cli *cli;
    struct verify_args v;
    struct peer_args p;
    struct expect_args e;
    /* options */
    const char *output;
    bool force, unsafe_shape, fresh;
    struct option_list also_names;
};

static void add_rows(struct run *r)
{
    const struct option_row rows[] = {
        { "--output", "FILE", "where to save the certificate (default ./cert.pem)", OPTION_TEXT,
          &r->output, NULL, false },
        { "--force", NULL, "replace a different existing file", OPTION_FLAG, &r->force, NULL,
          false },
        { "--unsafe-shape", NULL,
          "save a certificate that must not be imported (pin it in your own client)", OPTION_FLAG,
          &r->unsafe_shape, NULL, false },
        { "--fresh", NULL, "demand fresh evidence: the key has to be in the enclave now",
          OPTION_FLAG, &r->fresh, NULL, false },
        { "--also-name", "NAME", "the certificate may be for this name too (may be repeated)",
          OPTION_LIST, &r->also_names, NULL, false },
    };

    verify_args_init(&r->v);
    peer_args_init(&r->p, r->cli, &r->v);
    r->p.fresh = PEER_FRESH;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        verify_args_add_row(&r->v, rows[i]);
    peer_args_add_rows(&r->p);
    expect_args_add_rows(&r->v, &r->e, true);
    verify_args_add_source_rows(&r->v);
    verify_args_add_policy_rows(&r->v);
}

static bool check_usage(struct run *r, const char *domain, struct mse_error *err)
{
    if (r->output != NULL && strcmp(r->output, "-") == 0)
        return mse_fail_text(err, MSE_ERR_USAGE, "--output", "wants a file: results go to stdout");
    if (!expect_args_check(&r->e, &r->v, err))
        return false;
    if (!peer_args_check(&r->p, domain, err) || !verify_args_finish(r->cli, &r->v, err) ||
        !expect_args_finish(r->cli, &r->e, &r->v, r->p.named.host, err) ||
        !peer_args_operator(&r->p, r->e.context != NULL, err))
        return false;
    if (!mse_policy_expects_somebody(r->v.policy))
        return mse_fail_text(err, MSE_ERR_USAGE, "cloud verify",
                             "nobody is expected, so any enclave would pass: store the operator "
                             "(mse cloud trust-operator), or give --fingerprint, --context with "
                             "--code, --owner or --mrsigner");
    if (r->fresh && r->v.policy->min_level < MSE_LEVEL_FRESH)
        r->v.policy->min_level = MSE_LEVEL_FRESH;
    return true;
}

static bool certificate_pem(const struct mse_report *report, struct mse_writer *out,
                            struct mse_error *err)
{
    mse_pem_write(out, "CERTIFICATE", report->certificate.der);
    return mse_writer_ok(out) || mse_fail_memory(err);
}

/* Whoever imports the certificate lets its key holder speak for every name in it. */
static bool check_names(struct run *r, const struct mse_report *report)
{
    const char *names[OPTION_LIST_MAX + 3];
    size_t count = 0;
    char other[280];

    names[count++] = report->name;
    if (report->has_instance) {
        names[count++] = report->instance.name;
        names[count++] = report->instance.config_name;
    }
    for (size_t i = 0; i < r->also_names.count; i++)
        names[count++] = r->also_names.of[i];
    if (mse_shape_names_are(&report->certificate, names, count, other, sizeof(other)))
        return true;
    if (r->unsafe_shape) {
        cli_note(r->cli, "warning: the certificate is for %s too", other);
        return true;
    }
    cli_note(
        r->cli,
        "mse: the certificate was verified, but it is not saved: it is for %s too, and its key "
        "holder could serve that name to whoever imports it. --also-name accepts that name.",
        other);
    return false;
}

static bool check_shape(struct run *r, const struct mse_report *report)
{
    if (!check_names(r, report))
        return false;
    if (report->shape == MSE_SHAPE_CONSTRAINED)
        return true;
    if (report->shape == MSE_SHAPE_LEAF) {
        cli_note(r->cli, "note: %s", report->shape_reason);
        return true;
    }
    if (r->unsafe_shape) {
        cli_note(r->cli,
                 "warning: do NOT import this certificate: %s. Pin it in your own client, or use "
                 "the NSS flag P,, and nothing else.",
                 report->shape_reason);
        return true;
    }
    cli_note(r->cli,
             "mse: the certificate was verified, but it is not saved: %s. --unsafe-shape saves it "
             "for clients that pin.",
             report->shape_reason);
    return false;
}

static void print_notes(struct cli *cli, const struct mse_report *report)
{
    char text[MSE_CONFIGURATION_TEXT_SIZE];

    for (unsigned i = 0; i < MSE_CHECK_COUNT; i++) {
        const struct mse_check_result *c = mse_report_result(report, (enum mse_check)i);

        if (i == MSE_CHECK_LEVEL)
            cli_note(cli, "note: %s", c->reason);
        else if (c->outcome == MSE_OUTCOME_WAIVED && i != MSE_CHECK_FINGERPRINT)
            cli_note(cli, "note: %s not checked: %s", mse_check_name((enum mse_check)i), c->reason);
        if (i == MSE_CHECK_TCB && c->outcome == MSE_OUTCOME_PASSED)
            cli_note(cli, "note: platform is %s", c->reason);
    }
    for (size_t i = 0; i < report->judged_count; i++) {
        for (size_t k = 0; k < report->judged[i].advisory_count; k++)
            cli_note(cli, "note: advisory %s", report->judged[i].advisories[k]);
    }
    if (report->configuration.state != MSE_CONFIGURATION_NOT_TOLD)
        cli_note(cli, "note: %s", mse_configuration_text(&report->configuration, text));
}

/* What was computed from the code, for whoever compares it with the owner's word. */
static void print_fingerprint(const struct run *r)
{
    char hex[65];

    if (!r->e.has_fingerprint)
        return;
    mse_hex_write(r->e.computed->value, 32, hex);
    (void)fprintf(r->cli->out, "Code fingerprint: %s\n", hex);
}

static enum exit_code save(struct run *r, const struct mse_report *report)
{
    const char *path = r->output != NULL ? r->output : "./cert.pem";
    struct mse_writer pem = { 0 };
    struct mse_error err = { 0 };
    char *json = NULL;
    enum exit_code code = EXIT_YES;

    if (!check_shape(r, report))
        return EXIT_NO;
    if (!certificate_pem(report, &pem, &err) ||
        (r->v.json && !mse_report_write_json(report, &json, &err)) ||
        !mse_file_write(path, mse_writer_bytes(&pem), 0644,
                        r->force ? MSE_FILE_REPLACE : MSE_FILE_KEEP, &err)) {
        code = cli_fail(r->cli, &err);
        if (err.code == MSE_ERR_EXISTS)
            cli_note(r->cli, "mse: --force replaces it, --output names another file");
    } else if (r->v.json) {
        (void)fputs(json, r->cli->out);
    } else {
        print_fingerprint(r);
        if (report->checks.of[MSE_CHECK_FINGERPRINT].outcome == MSE_OUTCOME_WAIVED)
            (void)fputs("Code fingerprint check skipped!\n", r->cli->out);
        print_notes(r->cli, report);
        (void)fprintf(r->cli->out,
                      "Verification: success\nThe verified certificate has been saved at: %s\n",
                      path);
    }
    free(json);
    mse_writer_cleanup(&pem);
    return code;
}

static enum exit_code connect_and_judge(struct run *r)
{
    struct mse_error err = { 0 };
    struct mse_deadline deadline;
    struct peer peer;
    enum exit_code code;

    if (!peer_open(&r->p, &deadline, &peer, &err))
        code = cli_fail(r->cli, &err);
    else if (mse_tls_proven(peer.ssl))
        code = save(r, mse_tls_report(peer.ssl));
    else
        code = peer_refuse(&r->p, mse_tls_report(peer.ssl), "no certificate was saved");
    peer_close(&peer);
    return code;
}

enum exit_code cmd_cloud_verify(struct cli *cli, int argc, char **argv)
{
    struct run r = { .cli = cli };
    struct mse_error err = { 0 };
    const char *domain = NULL;
    bool helped = false;
    size_t count = 0;
    enum exit_code code = EXIT_YES;

    add_rows(&r);
    cli->json_errors = &r.v.json;
    if (!options_read(cli, "cloud verify", r.v.rows, r.v.row_count, argc, argv, &domain, 1, &count,
                      &helped, &err)) {
        code = cli_fail(cli, &err);
    } else if (helped) {
        code = EXIT_YES;
    } else if (count == 0) {
        cli_note(cli, "mse: cloud verify wants a domain name (see --help)");
        code = EXIT_USAGE;
    } else if (!check_usage(&r, domain, &err)) {
        code = cli_fail(cli, &err);
    } else {
        if (r.v.simulation_root != NULL)
            cli_note(cli, "warning: simulated evidence is accepted: it proves nothing about "
                          "hardware");
        if (r.v.at_text != NULL)
            cli_note(cli, "warning: judged as of %s, not as of now", r.v.at_text);
        expect_args_print(cli, &r.e, r.p.named.host);
        if (!r.v.json) {
            (void)fputs("Checking your app...\n", cli->out);
            (void)fflush(cli->out);
        }
        code = connect_and_judge(&r);
    }
    cli->json_errors = NULL;
    expect_args_cleanup(&r.e);
    verify_args_cleanup(&r.v);
    return code;
}
