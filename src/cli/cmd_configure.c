/* SPDX-License-Identifier: Apache-2.0 */
/* mse cloud configure: the owner tells a verified instance its code key, secrets and certificate.
 */
#include <stdlib.h>

#include <mse/tls.h>

#include "base/encode.h"
#include "base/file.h"
#include "cli/configure_job.h"
#include "package/values.h"
#include "verdict/policy.h"

#define COMMAND "cloud configure"
#define DEFAULT_WAIT_S 120
#define MAX_WAIT_S 3600

static void add_rows(struct configure_job *job)
{
    struct configure_files *f = &job->files;
    const struct option_row rows[] = {
        { "--key", "FILE", "the owner's secret key", OPTION_TEXT, &f->key, NULL, false },
        { "--password-file", "FILE", "its password is in this file", OPTION_TEXT, &f->password_file,
          NULL, false },
        { "--context", "FILE", "context of the deployment, with its code key", OPTION_TEXT,
          &f->context_file, NULL, false },
        { "--code", "DIR", "the plain code: its fingerprint is computed with --context",
          OPTION_TEXT, &job->e.code, NULL, false },
        { "--loader", "FILE", "the runtime's loader, if not beside its description", OPTION_TEXT,
          &job->e.loader, NULL, false },
        { "--runtime", "FILE|HEX", "accept this runtime description, or the one with this digest",
          OPTION_LIST, &job->e.runtimes, NULL, false },
        { "--release", "FILE", "the owner's release lists the fingerprints; FILE.minisig signs it",
          OPTION_TEXT, &job->e.release, NULL, false },
        { "--uuid", "UUID", "which instance it is, without --context", OPTION_TEXT, &f->uuid_text,
          NULL, false },
        { "--secrets", "FILE", "JSON that the app finds as its secrets", OPTION_TEXT,
          &f->secrets_file, NULL, false },
        { "--sealed-secrets", "FILE",
          "JSON object that is sealed to the enclave, or a box sealed before", OPTION_TEXT,
          &f->sealed_file, NULL, false },
        { "--ssl-private-key", "FILE", "key of the owner's certificate (PEM)", OPTION_TEXT,
          &f->ssl_key_file, NULL, false },
        { "--ssl-certificate", "FILE", "the owner's certificate chain (PEM), if not the context's",
          OPTION_TEXT, &f->ssl_certificate_file, NULL, false },
        { "--accept-older-epoch", NULL, "configure an instance whose state went back", OPTION_FLAG,
          &job->older_epoch, NULL, false },
        { "--output", "FILE", "where to save the certificate (default ./cert.pem)", OPTION_TEXT,
          &job->output, NULL, false },
        { "--force", NULL, "replace a different existing file", OPTION_FLAG, &job->force, NULL,
          false },
        { "--wait", "SECONDS", "for the app to answer (default 120; 0: do not wait)", OPTION_TEXT,
          &job->wait, NULL, false },
        { "--health", "PATH", "of its health endpoint, if not the context's", OPTION_TEXT,
          &job->health, NULL, false },
    };

    verify_args_init(&job->v);
    peer_args_init(&job->p, job->cli, &job->v);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        verify_args_add_row(&job->v, rows[i]);
    peer_args_add_rows(&job->p);
    verify_args_add_source_rows(&job->v);
    verify_args_add_policy_rows(&job->v);
}

/* ---- command line ---- */

static bool read_wait(struct configure_job *job, struct mse_error *err)
{
    unsigned long v = DEFAULT_WAIT_S;
    char *end = NULL;

    if (job->wait != NULL) {
        v = strtoul(job->wait, &end, 10);
        if (job->wait[0] < '0' || job->wait[0] > '9' || *end != '\0' || v > MAX_WAIT_S)
            return mse_fail_text(err, MSE_ERR_USAGE, "--wait", "wants 0 to %d seconds", MAX_WAIT_S);
    }
    job->wait_ms = (unsigned)v * 1000;
    return true;
}

/* The owner whose release counts is the one that signs here. */
static bool expect(struct configure_job *job, struct mse_error *err)
{
    char text[57];
    bool ok;

    job->e.any_origin = true;
    mse_minisign_public_text(&job->files.owner_public, text);
    if (job->e.release != NULL)
        job->e.owners = (struct option_list){ .of = { text }, .count = 1 };
    if (job->e.code != NULL)
        job->e.context = job->files.context_file;
    ok = expect_args_check(&job->e, &job->v, err) &&
         expect_args_finish(job->cli, &job->e, &job->v, job->p.named.host, err);
    job->e.owners.count = 0; /* text ends here */
    return ok;
}

static bool check_usage(struct configure_job *job, const char *domain, struct mse_error *err)
{
    const struct configure_files *f = &job->files;

    if (f->key == NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "--key", "is needed");
    if (job->output != NULL && strcmp(job->output, "-") == 0)
        return mse_fail_text(err, MSE_ERR_USAGE, "--output", "wants a file: results go to stdout");
    if (job->health != NULL && !mse_value_is_health(job->health))
        return mse_fail_text(err, MSE_ERR_USAGE, "--health", "wants a path that begins with '/'");
    if (job->e.code != NULL && f->context_file == NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "--code", "needs --context");
    return peer_args_check(&job->p, domain, err) && read_wait(job, err) &&
           verify_args_finish(job->cli, &job->v, err);
}

/* RFC 9110, 7.2; a port of its own is told to the app by nobody else. */
static void name_host(struct configure_job *job)
{
    const char *host = job->p.named.host, *port = job->p.target.port;
    bool v6 = strchr(host, ':') != NULL, usual = strcmp(port, "443") == 0;

    (void)snprintf(job->host, sizeof(job->host), "%s%s%s%s%s", v6 ? "[" : "", host, v6 ? "]" : "",
                   usual ? "" : ":", usual ? "" : port);
}

/* A key can be stolen out of an enclave that was accepted once: so it is this connection's. */
static void demand_level(struct configure_job *job)
{
    struct mse_policy *policy = job->v.policy;

    job->p.protocol = "http/1.1";
    job->p.fresh = policy->min_level == MSE_LEVEL_CERTIFICATE ? PEER_CERTIFICATE : PEER_CONNECTION;
    if (job->p.fresh == PEER_CONNECTION)
        policy->min_level = MSE_LEVEL_CONNECTION;
    else
        cli_note(job->cli, "warning: no fresh evidence is asked for (--min-level 1): a stolen key "
                           "would do");
}

static bool prepare(struct configure_job *job, const char *domain, struct mse_error *err)
{
    if (!check_usage(job, domain, err) || !configure_files_load(job->cli, &job->files, err) ||
        !expect(job, err) || !peer_args_operator(&job->p, job->e.code != NULL, err) ||
        !peer_args_demand_code(&job->p, COMMAND, err))
        return false;
    demand_level(job);
    name_host(job);
    return true;
}

/* ---- what is done ---- */

/* For clients that pin it, and only if importing it could not do harm. */
static bool save(struct configure_job *job, const struct mse_report *report, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer pem = { 0 };
    const char *path = job->output != NULL ? job->output : "./cert.pem";

    if (report->shape != MSE_SHAPE_CONSTRAINED && report->shape != MSE_SHAPE_LEAF) {
        cli_note(job->cli, "note: the certificate is not saved: %s", report->shape_reason);
        return true;
    }
    mse_pem_write(&pem, "CERTIFICATE", report->certificate.der);
    if (!mse_writer_ok(&pem))
        return mse_fail_memory(err);
    job->saved = mse_file_write(path, mse_writer_bytes(&pem), 0644,
                                job->force ? MSE_FILE_REPLACE : MSE_FILE_KEEP, err);
    if (!job->saved && err->code == MSE_ERR_EXISTS)
        cli_note(job->cli, "mse: --force replaces it, --output names another file");
    return job->saved;
}

static enum exit_code run(struct configure_job *job)
{
    struct mse_error err = { 0 };
    struct mse_deadline deadline;
    struct peer peer;
    const struct mse_report *report;
    enum exit_code code = EXIT_YES;

    if (!peer_open(&job->p, &deadline, &peer, &err)) {
        code = cli_fail(job->cli, &err);
    } else if (!mse_tls_proven(peer.ssl)) {
        report = mse_tls_report(peer.ssl);
        code = peer_refuse(&job->p, report, "nothing was sent");
    } else {
        report = mse_tls_report(peer.ssl);
        if (!save(job, report, &err) || !configure_send(job, &peer, &deadline, &err))
            code = cli_fail(job->cli, &err);
    }
    peer_close(&peer);
    return code == EXIT_YES ? configure_finish(job) : code;
}

static void warn(const struct configure_job *job)
{
    if (job->v.simulation_root != NULL)
        cli_note(job->cli, "warning: simulated evidence is accepted: it proves nothing about "
                           "hardware");
    if (job->v.at_text != NULL)
        cli_note(job->cli, "warning: judged as of %s, not as of now", job->v.at_text);
    expect_args_print(job->cli, &job->e, NULL);
}

enum exit_code cmd_configure(struct cli *cli, int argc, char **argv)
{
    struct configure_job job = { .cli = cli };
    struct mse_error err = { 0 };
    const char *domain = NULL;
    bool helped = false;
    size_t count = 0;
    enum exit_code code = EXIT_YES;

    add_rows(&job);
    cli->json_errors = &job.v.json;
    if (!options_read(cli, COMMAND, job.v.rows, job.v.row_count, argc, argv, &domain, 1, &count,
                      &helped, &err)) {
        code = cli_fail(cli, &err);
    } else if (!helped && count == 0) {
        cli_note(cli, "mse: cloud configure wants a domain name (see --help)");
        code = EXIT_USAGE;
    } else if (!helped && !prepare(&job, domain, &err)) {
        code = cli_fail(cli, &err);
    } else if (!helped) {
        warn(&job);
        code = run(&job);
    }
    cli->json_errors = NULL;
    configure_files_cleanup(&job.files);
    expect_args_cleanup(&job.e);
    verify_args_cleanup(&job.v);
    return code;
}
