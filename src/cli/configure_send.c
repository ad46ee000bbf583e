/* SPDX-License-Identifier: Apache-2.0 */
/* What happens on a verified connection: nothing is told before its epoch and owner were checked.
 */
#include <inttypes.h>
#include <stdlib.h>

#include <mse/tls.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/encode.h"
#include "cli/configure_job.h"
#include "cli/places.h"
#include "cli/seal_for.h"
#include "client/epoch_memory.h"
#include "package/values.h"
#include "release/minisign_secret.h"

static void secret_cleanup(struct mse_writer *w)
{
    if (w->data != NULL)
        OPENSSL_cleanse(w->data, w->size);
    mse_writer_cleanup(w);
}

/* ---- which instance ---- */

/* The operator's word may not contradict the owner's, and stands in for it where there is none. */
static bool check_instance(struct configure_job *job, const struct mse_report *report,
                           struct mse_error *err)
{
    struct configure_files *f = &job->files;
    const struct mse_instance *instance = &report->instance;
    char uuid[37];

    if (!report->has_instance)
        return f->uuid[0] != '\0' ||
               mse_fail_text(err, MSE_ERR_USAGE, "--uuid",
                             "is needed, or --context: no instance statement tells which instance "
                             "this is");
    if (memcmp(instance->owner, job->files.owner_public.key, 32) != 0)
        return mse_fail_text(err, MSE_ERR_MISMATCH, "instance statement",
                             "the operator runs this instance for another owner");
    if (!mse_value_uuid(instance->uuid, uuid))
        return mse_fail_text(err, MSE_ERR_VALUE, "instance statement", "has no UUID");
    if (f->uuid[0] != '\0' && strcmp(f->uuid, uuid) != 0)
        return mse_fail_text(err, MSE_ERR_MISMATCH, "instance statement",
                             "this is instance %s, not %s", uuid, f->uuid);
    memcpy(f->uuid, uuid, sizeof(uuid));
    return true;
}

/* ---- epoch ---- */

static bool epochs_directory(const struct cli *cli, char *out, size_t size, struct mse_error *err)
{
    char state[4096];

    return (places_state(cli, state, sizeof(state)) &&
            snprintf(out, size, "%s/epochs", state) < (int)size) ||
           mse_fail_text(err, MSE_ERR_USAGE, "state directory",
                         "neither XDG_STATE_HOME nor HOME names one, so epochs cannot be "
                         "remembered");
}

static bool check_epoch(const struct configure_job *job, uint64_t epoch, struct mse_error *err)
{
    char directory[4096 + 16];
    uint64_t known;

    if (job->older_epoch)
        return true;
    if (!epochs_directory(job->cli, directory, sizeof(directory), err) ||
        !mse_epoch_load(directory, job->files.owner_public.key, job->files.uuid, &known, err))
        return false;
    return epoch > known ||
           mse_fail_text(err, MSE_ERR_VALUE, "epoch",
                         "older epoch: it asks for a configuration of epoch %" PRIu64
                         ", and epoch %" PRIu64 " was configured already. The operator restored "
                         "an old state, or the instance lost its own. --accept-older-epoch "
                         "configures it again",
                         epoch, known);
}

/* Only what the instance accepted counts: a refused epoch will be asked for again. */
static bool remember_epoch(const struct configure_job *job, struct mse_error *err)
{
    char directory[4096 + 16];

    return !job->signed_statement ||
           (epochs_directory(job->cli, directory, sizeof(directory), err) &&
            mse_epoch_store(directory, job->files.owner_public.key, job->files.uuid,
                            &job->statement, job->older_epoch, err));
}

/* ---- body ---- */

static bool make_body(struct configure_job *job, const struct mse_report *report,
                      struct mse_writer *out, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer sealed = { 0 };
    const struct configure_files *f = &job->files;
    struct mse_configure_input input = {
        .uuid = f->uuid,
        .secrets = f->secrets,
        .sealed_secrets = f->sealed,
        .ssl_private_key = f->ssl_key,
        .ssl_certificate = f->ssl_certificate,
    };
    bool ok;

    if (f->has_context && f->context.has_code_key)
        input.code_key = MSE_BYTES(f->context.code_key);
    if (f->sealed_is_plain) {
        if (!seal_for(job->cli, report, f->sealed, &sealed, err))
            return false;
        input.sealed_secrets = mse_writer_bytes(&sealed);
    }
    if (RAND_bytes(input.blind, sizeof(input.blind)) != 1)
        return mse_fail_text(err, MSE_ERR_CRYPTO, "random numbers", "cannot be had");
    ok = mse_configure_body(&input, out, err);
    OPENSSL_cleanse(&input, sizeof(input));
    return ok;
}

/* ---- all ---- */

static bool sign(struct configure_job *job, const struct peer *peer,
                 const struct mse_configure_offer *offer, struct mse_bytes body,
                 struct mse_error *err)
{
    uint8_t text[MSE_CONFIG_STATEMENT_TEXT];

    if (!mse_configure_statement(peer->ssl, offer, body, &job->statement, err))
        return false;
    memcpy(job->certificate_sha256, job->statement.certificate_sha256, 32);
    job->signed_statement = offer->has_nonce;
    if (!offer->has_nonce)
        return (job->files.has_context && job->files.context.unsigned_config) ||
               mse_fail_text(err, MSE_ERR_POLICY, "instance",
                             "it asks for no signature: whoever reaches it may configure it. Only "
                             "a context that says so (unsigned = true) allows that");
    mse_config_statement_text(&job->statement, text);
    return mse_minisign_secret_sign(job->files.owner, MSE_BYTES(text), job->statement.signature,
                                    err);
}

static bool unclear(struct mse_error *err)
{
    if (cli_code_of(err->code) != EXIT_UNKNOWN)
        return false;
    return mse_fail_in(err, "the configuration was sent, and may have been taken or not");
}

bool configure_send(struct configure_job *job, struct peer *peer,
                    const struct mse_deadline *deadline, struct mse_error *err)
{
    MSE_CLEANUP(secret_cleanup) struct mse_writer body = { 0 };
    const struct mse_report *report = mse_tls_report(peer->ssl);
    struct mse_configure_offer offer;
    struct mse_deadline answer_by;

    if (!check_instance(job, report, err) ||
        !mse_configure_ask(peer->ssl, job->host, deadline, &offer, err) ||
        (offer.has_nonce && !check_epoch(job, offer.epoch, err)) ||
        !make_body(job, report, &body, err) ||
        !sign(job, peer, &offer, mse_writer_bytes(&body), err))
        return false;
    /* It opens and checks the code before it answers. */
    answer_by = mse_deadline_in(job->p.timeout_ms);
    if (!mse_configure_send(peer->ssl, job->host, mse_writer_bytes(&body),
                            job->signed_statement ? &job->statement : NULL, &answer_by, err))
        return unclear(err);
    return remember_epoch(job, err);
}
