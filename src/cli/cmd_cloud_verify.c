/* SPDX-License-Identifier: Apache-2.0 */
/* mse cloud verify: get the certificate, prove or refuse, and save only what was proven. */
#include <mse/tls.h>

#include <stdlib.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/file.h"
#include "cli/config.h"
#include "cli/expect_args.h"
#include "client/collect.h"
#include "client/connect.h"
#include "verdict/policy.h"
#include "verdict/report.h"

#define DEFAULT_TIMEOUT_S 30
#define MAX_TIMEOUT_S 3600

struct run {
    struct cli *cli;
    struct verify_args v;
    struct expect_args e;
    /* options */
    const char *output, *connect, *timeout, *name, *operator_name;
    bool force, unsafe_shape;
    struct option_list also_names;
    /* made of them */
    struct mse_target target, named, connect_to,
        proxy; /* named: what the certificate must be for */
    bool use_proxy;
    unsigned timeout_ms;
    bool fetched;                 /* vendors were asked during the handshake */
    struct mse_error fetch_error; /* why more collateral could not be had */
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
        { "--operator", "NAME", "expect this stored operator", OPTION_TEXT, &r->operator_name, NULL,
          false },
        { "--name", "NAME", "name the certificate must be for, if not DOMAIN", OPTION_TEXT,
          &r->name, NULL, false },
        { "--also-name", "NAME", "the certificate may be for this name too (may be repeated)",
          OPTION_LIST, &r->also_names, NULL, false },
        { "--connect", "HOST:PORT", "connect there, with DOMAIN as the name", OPTION_TEXT,
          &r->connect, NULL, false },
        { "--timeout", "SECONDS",
          "for the exchange with the service (default 30); vendors have their own", OPTION_TEXT,
          &r->timeout, NULL, false },
    };

    verify_args_init(&r->v);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        verify_args_add_row(&r->v, rows[i]);
    expect_args_add_rows(&r->v, &r->e, true);
    verify_args_add_source_rows(&r->v);
    verify_args_add_policy_rows(&r->v);
}

static bool read_timeout(struct run *r, struct mse_error *err)
{
    unsigned long v = DEFAULT_TIMEOUT_S;
    char *end = NULL;

    if (r->timeout != NULL) {
        v = strtoul(r->timeout, &end, 10);
        if (r->timeout[0] < '0' || r->timeout[0] > '9' || *end != '\0' || v == 0 ||
            v > MAX_TIMEOUT_S)
            return mse_fail_text(err, MSE_ERR_USAGE, "--timeout", "wants 1 to %d seconds",
                                 MAX_TIMEOUT_S);
    }
    r->timeout_ms = (unsigned)v * 1000;
    return true;
}

/* Explicit expectations win; else the stored operator is the one expected. */
static bool apply_operator(struct run *r, struct mse_error *err)
{
    struct mse_policy *p = r->v.policy;
    struct operator_entry entry;
    bool found = false, ok;
    char hex[65], number[24];

    if (r->operator_name == NULL && (p->mrsigner.count > 0 || p->instance_key.count > 0))
        return true;
    if (!config_operator(r->cli, r->operator_name, &found, &entry, err)) {
        /* Several are stored and none is named: who runs it is open, a fingerprint still says what.
         */
        if (r->operator_name != NULL || (p->fingerprint.count == 0 && p->owner_key.count == 0) ||
            err->code != MSE_ERR_DUPLICATE) {
            if (err->code == MSE_ERR_MISSING || err->code == MSE_ERR_DUPLICATE)
                err->code = MSE_ERR_USAGE;
            return false;
        }
        cli_note(r->cli, "note: no operator is expected: %s", err->text);
        *err = (struct mse_error){ 0 };
        return true;
    }
    if (!found)
        return true;
    mse_hex_write(entry.mrsigner, 32, hex);
    ok = mse_policy_set(p, "mrsigner", hex, err);
    mse_hex_write(entry.instance_key, 32, hex);
    ok = ok && mse_policy_set(p, "instance_key", hex, err);
    /* They vouch for runtimes that fingerprints are computed with; nothing else asks for them. */
    for (size_t i = 0; ok && r->e.context != NULL && i < entry.runtime_key_count; i++)
        ok = mse_policy_set(p, "runtime_key", entry.runtime_keys[i], err);
    (void)snprintf(number, sizeof(number), "%lld", (long long)entry.isv_prod_id);
    if (p->isv_prod_id == MSE_NOT_SET)
        ok = ok && mse_policy_set(p, "isv_prod_id", number, err);
    (void)snprintf(number, sizeof(number), "%lld", (long long)entry.min_isv_svn);
    if (p->min_isv_svn == MSE_NOT_SET)
        ok = ok && mse_policy_set(p, "min_isv_svn", number, err);
    return ok;
}

static bool check_usage(struct run *r, const char *domain, struct mse_error *err)
{
    if (r->output != NULL && strcmp(r->output, "-") == 0)
        return mse_fail_text(err, MSE_ERR_USAGE, "--output", "wants a file: results go to stdout");
    if (!expect_args_check(&r->e, &r->v, err))
        return false;
    if (!mse_target_parse(domain, "443", &r->target, err) || !read_timeout(r, err))
        return false;
    if (r->connect != NULL && !mse_target_parse(r->connect, r->target.port, &r->connect_to, err))
        return mse_fail_in(err, "--connect");
    if (r->name != NULL && !mse_target_parse(r->name, "443", &r->named, err))
        return mse_fail_in(err, "--name");
    if (r->name == NULL)
        r->named = r->target;
    if (r->connect == NULL)
        r->connect_to = r->target;
    r->use_proxy = r->cli->https_proxy[0] != '\0' &&
                   !mse_no_proxy_has(r->cli->no_proxy, r->connect_to.host);
    if (r->use_proxy && !mse_proxy_parse(r->cli->https_proxy, &r->proxy, err))
        return false;
    if (!verify_args_finish(r->cli, &r->v, err) ||
        !expect_args_finish(r->cli, &r->e, &r->v, r->named.host, err) || !apply_operator(r, err))
        return false;
    if (!mse_policy_expects_somebody(r->v.policy))
        return mse_fail_text(err, MSE_ERR_USAGE, "cloud verify",
                             "nobody is expected, so any enclave would pass: store the operator "
                             "(mse cloud trust-operator), or give --fingerprint, --context with "
                             "--code, --owner or --mrsigner");
    return true;
}

static int64_t judge_at(void *arg)
{
    return ((const struct run *)arg)->v.at;
}

/* Called inside the handshake when the files at hand do not suffice. */
static struct mse_collateral *more_collateral(void *arg, struct mse_bytes certificate)
{
    struct run *r = arg;
    struct mse_collateral *set = NULL;
    struct mse_sources sources;
    struct mse_error err = { 0 };

    if (!verify_args_collateral(&r->v, &set, &err) ||
        !verify_args_sources(r->cli, &r->v, true, &sources, &err)) {
        r->fetch_error = err;
        mse_collateral_free(set);
        return NULL;
    }
    r->fetched = true;
    /* What was got before a failure may already do. */
    if (!mse_collect_for_certificate(&sources, certificate, r->v.early, set, &err))
        r->fetch_error = err;
    return set;
}

static bool make_context(struct run *r, SSL_CTX **out, struct mse_error *err)
{
    struct mse_tls_options options = {
        .verifier = r->v.verifier,
        .collateral = r->v.collateral,
        .policy = r->v.policy,
        .name = r->named.host,
        .now = judge_at,
        .more = more_collateral,
        .arg = r,
    };

    *out = SSL_CTX_new(TLS_client_method());
    if (*out == NULL)
        return mse_fail_memory(err);
    return mse_collateral_prepare(r->v.collateral, r->v.verifier, err) &&
           mse_tls_client_attach(*out, &options, err);
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
    for (unsigned i = 0; i < MSE_CHECK_COUNT; i++) {
        const struct mse_check_result *c = mse_report_result(report, (enum mse_check)i);

        if (c->outcome == MSE_OUTCOME_WAIVED && i == MSE_CHECK_LEVEL)
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

static enum exit_code refuse(struct run *r, const struct mse_report *report)
{
    struct mse_error err = { 0 };
    char line[1024];
    char *text = NULL;

    if (r->v.json ? mse_report_write_json(report, &text, &err)
                  : r->v.verbose && mse_report_write_text(report, true, &text, &err))
        (void)fputs(text, r->v.json ? r->cli->out : r->cli->err);
    free(text);
    cli_note(r->cli, mse_report_verdict(report) == MSE_VERDICT_UNKNOWN
                         ? "Verification: not possible, no certificate was saved"
                         : "Verification: failed, no certificate was saved");
    print_refusal(r->cli, report);
    if (r->fetch_error.code != MSE_ERR_NONE)
        cli_note(r->cli, "  collateral: %s",
                 mse_error_describe(&r->fetch_error, line, sizeof(line)));
    return verdict_code(mse_report_verdict(report));
}

/* One connection: handshake with the judgement inside it, then whatever follows from it. */
static enum exit_code attempt(struct run *r, SSL_CTX *ctx, const char *sni, bool *again)
{
    struct mse_deadline deadline = mse_deadline_in(r->timeout_ms);
    const struct mse_report *report = NULL;
    struct mse_error err = { 0 };
    SSL *ssl = NULL;
    int fd = -1;
    bool shaken;
    enum exit_code code;

    if (!mse_tcp_connect(&r->connect_to, r->use_proxy ? &r->proxy : NULL, &deadline, &fd, &err)) {
        *again = false;
        return cli_fail(r->cli, &err);
    }
    shaken = mse_tls_connect_keep(ctx, fd, sni, &deadline, &ssl, &err);
    report = ssl != NULL ? mse_tls_report(ssl) : NULL;
    /* The peer may not have waited while the vendors were asked. Their answers are cached now. */
    *again = *again && report == NULL && !shaken && r->fetched && err.code != MSE_ERR_BINDING;
    if (shaken && ssl != NULL && mse_tls_proven(ssl))
        code = save(r, report);
    else if (report != NULL)
        code = refuse(r, report);
    else
        code = *again ? EXIT_UNKNOWN : cli_fail(r->cli, &err);
    SSL_free(ssl);
    (void)close(fd);
    return code;
}

static enum exit_code connect_and_judge(struct run *r)
{
    const char *sni = r->named.is_address ? NULL : r->named.host;
    struct mse_error err = { 0 };
    SSL_CTX *ctx = NULL;
    bool again = true;
    enum exit_code code;

    if (!make_context(r, &ctx, &err)) {
        SSL_CTX_free(ctx);
        return cli_fail(r->cli, &err);
    }
    code = attempt(r, ctx, sni, &again);
    if (again) {
        again = false;
        code = attempt(r, ctx, sni, &again);
    }
    SSL_CTX_free(ctx);
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
        expect_args_print(cli, &r.e, r.named.host);
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
