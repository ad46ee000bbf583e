/* SPDX-License-Identifier: Apache-2.0 */
/* mse verify: judge a file; the same report and exit statuses as over the network. */
#include <stdlib.h>

#include "base/file.h"
#include "cli/expect_args.h"
#include "client/collect.h"
#include "endorsement/bundle.h"
#include "verdict/policy.h"
#include "verdict/report.h"
#include "verdict/subject.h"

struct run {
    struct cli *cli;
    struct verify_args v;
    struct expect_args e;
    const char *certificate, *quote, *report, *evidence, *name;
    bool fetch;
    uint8_t *data; /* the file, or the certificate out of evidence.json */
    size_t len;
    bool is_certificate;
};

static void add_rows(struct run *r)
{
    const struct option_row rows[] = {
        { "--certificate", "FILE", "an attested certificate, PEM or DER", OPTION_TEXT,
          &r->certificate, NULL, false },
        { "--quote", "FILE", "an SGX or TDX quote", OPTION_TEXT, &r->quote, NULL, false },
        { "--report", "FILE", "an SNP report (certificates may follow), or an HCL report",
          OPTION_TEXT, &r->report, NULL, false },
        { "--evidence", "FILE", "an evidence.json: certificate and collateral in one file",
          OPTION_TEXT, &r->evidence, NULL, false },
        { "--name", "NAME", "name the certificate must be for", OPTION_TEXT, &r->name, NULL,
          false },
        { "--fetch", NULL, "ask vendors for collateral that is not at hand", OPTION_FLAG, &r->fetch,
          NULL, false },
    };

    verify_args_init(&r->v);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        verify_args_add_row(&r->v, rows[i]);
    expect_args_add_rows(&r->v, &r->e, true);
    verify_args_add_source_rows(&r->v);
    verify_args_add_policy_rows(&r->v);
}

static bool open_evidence(struct run *r, struct mse_error *err)
{
    struct mse_bytes file = { r->data, r->len };
    char *pem = NULL;

    if (!mse_bundle_evidence_certificate(file, &pem, err) ||
        !mse_collateral_add(r->v.collateral, file, r->evidence, err)) {
        free(pem);
        return false;
    }
    free(r->data);
    r->data = (uint8_t *)pem;
    r->len = strlen(pem);
    return true;
}

/* --quote and --report say what the caller thinks it is; better an error than a surprise. */
static bool check_kind(const struct run *r, const char *path, struct mse_error *err)
{
    struct mse_subject subject;
    struct mse_error unreadable = { 0 };
    bool is_quote;

    if (!mse_subject_open((struct mse_bytes){ r->data, r->len }, &subject, &unreadable))
        return true; /* judging says what is wrong with it */
    is_quote = subject.kind == MSE_EVIDENCE_QUOTE;
    if (is_quote == (r->quote != NULL))
        return true;
    return mse_fail_text(err, MSE_ERR_FORMAT, path, "is %s: give it with %s",
                         is_quote ? "a quote" : "an SNP or HCL report",
                         is_quote ? "--quote" : "--report");
}

static bool read_input(struct run *r, struct mse_error *err)
{
    const char *const paths[] = { r->certificate, r->quote, r->report, r->evidence };
    const char *path = NULL;
    size_t given = 0;

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (paths[i] != NULL) {
            path = paths[i];
            given++;
        }
    }
    if (given != 1)
        return mse_fail_text(err, MSE_ERR_USAGE, "verify",
                             "wants exactly one of --certificate, --quote, --report, --evidence");
    if (r->fetch && r->v.offline)
        return mse_fail_text(err, MSE_ERR_USAGE, "verify",
                             "--fetch and --offline exclude each other");
    r->is_certificate = r->certificate != NULL || r->evidence != NULL;
    if (!r->is_certificate && r->name != NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "--name", "only a certificate has names");
    if (!expect_args_check(&r->e, &r->v, err) || !verify_args_finish(r->cli, &r->v, err) ||
        !expect_args_finish(r->cli, &r->e, &r->v, r->name, err))
        return false;
    if (!mse_policy_expects_somebody(r->v.policy))
        return mse_fail_text(err, MSE_ERR_USAGE, "verify",
                             "nobody is expected, so any enclave would pass: give --fingerprint, "
                             "--owner, --mrsigner, --mrtd, --measurement or a --policy file");
    return mse_file_read(path, VERIFY_FILE_MAX, &r->data, &r->len, err) &&
           (r->len > 0 || mse_fail_text(err, MSE_ERR_TRUNCATED, path, "is empty")) &&
           (r->evidence == NULL || open_evidence(r, err)) &&
           (r->is_certificate || check_kind(r, path, err));
}

static bool collect(struct run *r, struct mse_error *err)
{
    struct mse_bytes in = { r->data, r->len };
    struct mse_sources sources;
    struct mse_error missing = { 0 };
    bool ok;

    if (!verify_args_sources(r->cli, &r->v, r->fetch, &sources, err))
        return false;
    ok = r->is_certificate
             ? mse_collect_for_certificate(&sources, in, r->v.early, r->v.collateral, &missing)
             : mse_collect_for_evidence(&sources, in, r->v.early, r->v.collateral, &missing);
    /* Offline the cache may simply not have it: the verdict says what is missing. */
    if (!ok && r->fetch) {
        char line[1024];

        cli_note(r->cli, "note: collateral: %s", mse_error_describe(&missing, line, sizeof(line)));
    }
    return true;
}

static bool judge(struct run *r, struct mse_report **report, struct mse_error *err)
{
    struct mse_bytes in = { r->data, r->len };
    struct mse_request request = { .at = r->v.at, .name = r->name };

    if (r->is_certificate)
        request.certificate = in;
    else
        request.evidence = in;
    if (!mse_collateral_prepare(r->v.collateral, r->v.verifier, err))
        return false;
    return mse_verify(r->v.verifier, r->v.collateral, r->v.policy, &request, report, err);
}

/* Everything is in the files more often than not: the cache is asked only when they do not do. */
static bool judge_with_cache(struct run *r, struct mse_report **report, struct mse_error *err)
{
    struct mse_collateral *files = r->v.collateral;
    bool ok;

    if (!judge(r, report, err))
        return false;
    if (mse_report_verdict(*report) != MSE_VERDICT_UNKNOWN)
        return true;
    mse_report_free(*report);
    *report = NULL;
    if (!verify_args_collateral(&r->v, &r->v.collateral, err)) {
        r->v.collateral = files;
        return false;
    }
    mse_collateral_free(files);
    ok = r->evidence == NULL;
    if (!ok) { /* its collateral came along with it */
        uint8_t *data = NULL;
        size_t len = 0;

        ok = mse_file_read(r->evidence, VERIFY_FILE_MAX, &data, &len, err) &&
             mse_collateral_add(r->v.collateral, (struct mse_bytes){ data, len }, r->evidence, err);
        free(data);
    }
    return ok && collect(r, err) && judge(r, report, err);
}

static enum exit_code print(struct run *r, const struct mse_report *report)
{
    struct mse_error err = { 0 };
    char *text = NULL;
    bool ok = r->v.json ? mse_report_write_json(report, &text, &err)
                        : mse_report_write_text(report, r->v.verbose, &text, &err);

    if (!ok)
        return cli_fail(r->cli, &err);
    (void)fputs(text, r->cli->out);
    free(text);
    return verdict_code(mse_report_verdict(report));
}

enum exit_code cmd_verify(struct cli *cli, int argc, char **argv)
{
    struct run r = { .cli = cli };
    struct mse_report *report = NULL;
    struct mse_error err = { 0 };
    bool helped = false;
    size_t count = 0;
    enum exit_code code;

    add_rows(&r);
    cli->json_errors = &r.v.json;
    if (!options_read(cli, "verify", r.v.rows, r.v.row_count, argc, argv, NULL, 0, &count, &helped,
                      &err)) {
        code = cli_fail(cli, &err);
    } else if (helped) {
        code = EXIT_YES;
    } else if (!read_input(&r, &err)) {
        code = cli_fail(cli, &err);
    } else {
        if (r.v.simulation_root != NULL)
            cli_note(cli, "warning: simulated evidence is accepted: it proves nothing about "
                          "hardware");
        expect_args_print(cli, &r.e, r.name);
        code = judge_with_cache(&r, &report, &err) ? print(&r, report) : cli_fail(cli, &err);
    }
    cli->json_errors = NULL;
    mse_report_free(report);
    free(r.data);
    expect_args_cleanup(&r.e);
    verify_args_cleanup(&r.v);
    return code;
}
