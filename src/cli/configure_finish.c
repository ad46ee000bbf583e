/* SPDX-License-Identifier: Apache-2.0 */
/* After the configuration: waiting for the app, and how to call it. */
#include <inttypes.h>
#include <stdlib.h>

#include <openssl/pem.h>

#include "base/json.h"
#include "cli/configure_job.h"
#include "client/ready.h"
#include "crypto/hash.h"

static const char *health_of(const struct configure_job *job)
{
    if (job->health != NULL)
        return job->health;
    return job->files.has_context && job->files.context.health != NULL ? job->files.context.health
                                                                       : "/";
}

static const char *output_of(const struct configure_job *job)
{
    return job->output != NULL ? job->output : "./cert.pem";
}

/* ---- waiting ---- */

/* The owner's certificate is what the app shows from now on. */
static bool pin_owners(const char *pem, uint8_t out[static 32])
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *certificate = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    unsigned char *der = NULL;
    int len = certificate != NULL ? i2d_X509(certificate, &der) : -1;

    if (len > 0)
        mse_sha256((struct mse_bytes){ der, (size_t)len }, out);
    OPENSSL_free(der);
    X509_free(certificate);
    BIO_free(bio);
    return len > 0;
}

static bool wait_for_app(struct configure_job *job, struct mse_error *err)
{
    struct mse_deadline deadline = mse_deadline_in(job->wait_ms);
    struct mse_ready_options options = {
        .to = &job->p.connect_to,
        .proxy = job->p.use_proxy ? &job->p.proxy : NULL,
        .sni = job->p.named.is_address ? NULL : job->p.named.host,
        .host = job->host,
        .path = health_of(job),
        .pin_count = 1,
    };

    memcpy(options.pins[0], job->certificate_sha256, 32);
    if (job->files.ssl_certificate != NULL &&
        pin_owners(job->files.ssl_certificate, options.pins[1]))
        options.pin_count = 2;
    return mse_ready_wait(&options, &deadline, err);
}

/* ---- how to call it ---- */

/* One word of a shell's command line. */
static void write_word(struct mse_writer *to, const char *word)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               "-_./:@%+=,[]";

    if (word[0] != '\0' && word[strspn(word, safe)] == '\0' && strchr(word, '[') == NULL) {
        mse_write_text(to, word);
        return;
    }
    mse_write_text(to, "'");
    for (const char *p = word; *p != '\0'; p++) {
        if (*p == '\'')
            mse_write_text(to, "'\\''");
        else
            mse_write_u8(to, (uint8_t)*p);
    }
    mse_write_text(to, "'");
}

static void write_host(struct mse_writer *to, const char *host)
{
    bool v6 = strchr(host, ':') != NULL;

    mse_write_format(to, "%s%s%s", v6 ? "[" : "", host, v6 ? "]" : "");
}

/* Who is called: with the owner's certificate the app's own name, if that is known. */
static const char *called(const struct configure_job *job)
{
    const struct configure_files *f = &job->files;

    return f->ssl_certificate != NULL && f->has_context && f->context.domain_name != NULL
               ? f->context.domain_name
               : job->p.named.host;
}

static char *url_of(const struct configure_job *job)
{
    struct mse_writer url = { 0 };

    mse_write_text(&url, "https://");
    write_host(&url, called(job));
    if (strcmp(job->p.target.port, "443") != 0)
        mse_write_format(&url, ":%s", job->p.target.port);
    mse_write_text(&url, health_of(job));
    return mse_writer_take_text(&url);
}

/* HOST1:PORT1:HOST2:PORT2 of curl's --connect-to. */
static char *detour_of(const struct configure_job *job)
{
    struct mse_writer to = { 0 };

    write_host(&to, called(job));
    mse_write_format(&to, ":%s:", job->p.target.port);
    write_host(&to, job->p.connect_to.host);
    mse_write_format(&to, ":%s", job->p.connect_to.port);
    return mse_writer_take_text(&to);
}

static bool write_curl(const struct configure_job *job, const char *url, struct mse_writer *to)
{
    char *detour = NULL;

    mse_write_text(to, "curl");
    if (job->files.ssl_certificate == NULL) {
        mse_write_text(to, " --cacert ");
        write_word(to, output_of(job));
    }
    if (job->p.connect != NULL) {
        detour = detour_of(job);
        mse_write_text(to, " --connect-to ");
        write_word(to, detour != NULL ? detour : "");
        free(detour);
    }
    mse_write_text(to, " ");
    write_word(to, url);
    return mse_writer_ok(to);
}

static void write_text(const struct configure_job *job, bool ready, const char *url,
                       struct mse_writer *to)
{
    if (job->signed_statement)
        mse_write_format(to, "Configured: instance %s, epoch %" PRIu64 "\n", job->files.uuid,
                         job->statement.epoch);
    else
        mse_write_format(to, "Configured: instance %s, without a signature\n", job->files.uuid);
    if (job->saved)
        mse_write_format(to, "The verified certificate has been saved at: %s\n", output_of(job));
    if (!ready)
        return;
    mse_write_text(to, "The app is ready:\n    ");
    (void)write_curl(job, url, to);
    mse_write_text(to, "\n");
}

static void write_json(const struct configure_job *job, bool ready, const char *url,
                       struct mse_writer *to)
{
    struct mse_json_writer w = mse_json_writer_init(to, 2);

    mse_json_open_object(&w, NULL);
    mse_json_put_text(&w, "schema", "mse-configure-v1");
    mse_json_put_text(&w, "uuid", job->files.uuid);
    mse_json_put_bool(&w, "signed", job->signed_statement);
    if (job->signed_statement)
        mse_json_put_unsigned(&w, "epoch", job->statement.epoch);
    mse_json_put_hex(&w, "certificate_sha256", job->certificate_sha256, 32);
    if (job->saved)
        mse_json_put_bytes_text(&w, "certificate", MSE_CSTR_BYTES(output_of(job)));
    mse_json_put_bool(&w, "ready", ready);
    mse_json_put_text(&w, "url", url);
    mse_json_close_object(&w);
    mse_write_text(to, "\n");
}

static bool print(const struct configure_job *job, bool ready, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer to = { 0 };
    char *url = url_of(job);

    if (url == NULL)
        return mse_fail_memory(err);
    if (job->v.json)
        write_json(job, ready, url, &to);
    else
        write_text(job, ready, url, &to);
    free(url);
    if (!mse_writer_ok(&to))
        return mse_fail_memory(err);
    cli_put(job->cli, &to);
    return true;
}

enum exit_code configure_finish(struct configure_job *job)
{
    struct mse_error err = { 0 }, not_ready = { 0 };
    bool ready = job->wait_ms > 0 && wait_for_app(job, &not_ready);

    if (!print(job, ready, &err))
        return cli_fail(job->cli, &err);
    if (ready || job->wait_ms == 0)
        return EXIT_YES;
    job->cli->json_errors = NULL; /* the result says it already */
    return cli_fail(job->cli, &not_ready);
}
