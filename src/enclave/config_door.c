/* SPDX-License-Identifier: Apache-2.0 */
/* Who may configure the instance, and when. */
#include "enclave/config_door.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "issue/key.h"

#define NONCE_LEN 32
#define DETAIL_SIZE 640

/* What is said to whoever cannot sign: all of these cases look the same. */
#define NOT_AUTHENTIC "no signature of the owner over this body, the present nonce and epoch"

struct mse_config_door {
    struct mse_config_door_options options;
    uint8_t nonce[NONCE_LEN];
    bool configured, closed;
    /* The candidate; body is NULL while there is none. */
    bool deciding;
    uint8_t *body;
    struct mse_config config;
    uint8_t statement[MSE_CONFIG_STATEMENT_SIZE];
    struct mse_config_candidate candidate;
    mse_config_answered *answered; /* whoever waits for the decision, or NULL */
    void *context;
};

bool mse_config_door_new(const struct mse_config_door_options *options,
                         struct mse_config_door **out, struct mse_error *err)
{
    struct mse_config_door *door = calloc(1, sizeof(*door));

    *out = NULL;
    if (door == NULL)
        return mse_fail_memory(err);
    door->options = *options;
    if (!mse_issue_random(door->nonce, sizeof(door->nonce), err)) {
        free(door);
        return false;
    }
    *out = door;
    return true;
}

static void drop_candidate(struct mse_config_door *door)
{
    if (door->body != NULL)
        OPENSSL_cleanse(door->body, door->candidate.body.len);
    free(door->body);
    door->body = NULL;
    mse_config_cleanup(&door->config);
    door->candidate = (struct mse_config_candidate){ 0 };
}

void mse_config_door_free(struct mse_config_door *door)
{
    if (door == NULL)
        return;
    door->closed = true;
    door->answered = NULL;
    if (door->deciding)
        return; /* the decision still reads the candidate: it frees the door */
    drop_candidate(door);
    free(door);
}

bool mse_config_door_is_bare(const struct mse_config_door *door)
{
    return door->options.app->unsigned_config;
}

void mse_config_door_describe(const struct mse_config_door *door, struct mse_config_reply *reply)
{
    reply->state = door->configured ? "Configured" : "Waiting";
    reply->epoch = door->options.next_epoch;
    reply->nonce = door->configured ? NULL : door->nonce;
}

/* ---- answers ---- */

static void answer(const struct mse_config_door *door, mse_config_answered *answered, void *context,
                   struct mse_config_reply reply)
{
    mse_config_door_describe(door, &reply);
    if (mse_config_door_is_bare(door)) {
        reply.status = reply.status == 200 ? 200 : 401;
        reply.bare = true;
    }
    if (answered != NULL)
        answered(context, &reply);
}

/* Statuses of failures behind the authentication. */
static unsigned status_of(enum mse_err_code code)
{
    return code == MSE_ERR_MEMORY || code == MSE_ERR_IO || code == MSE_ERR_CRYPTO ? 500 : 422;
}

static void answer_failure(const struct mse_config_door *door, mse_config_answered *answered,
                           void *context, unsigned status, const struct mse_error *err)
{
    char detail[DETAIL_SIZE];

    answer(door, answered, context,
           (struct mse_config_reply){
               .status = status,
               .code = mse_err_name(err->code),
               .text = mse_error_describe(err, detail, sizeof(detail)),
           });
}

/* ---- decision ---- */

static void decided(void *context, const struct mse_error *err)
{
    struct mse_config_door *door = context;
    mse_config_answered *answered = door->answered;
    void *waiting = door->context;
    bool committed = err == NULL;

    door->deciding = false;
    door->answered = NULL;
    drop_candidate(door);
    if (door->closed) {
        free(door);
        return;
    }
    if (!committed) {
        answer_failure(door, answered, waiting, status_of(err->code), err);
        return;
    }
    door->configured = true;
    answer(door, answered, waiting,
           (struct mse_config_reply){ .status = 200, .close = true, .text = "Configured.\n" });
    door->options.configured(door->options.arg); /* the last word: it may free the door */
}

static void decide(struct mse_config_door *door, const struct mse_config_post *post,
                   bool has_statement, mse_config_answered *answered, void *context)
{
    door->deciding = true;
    door->body = post->body;
    door->answered = answered;
    door->context = context;
    door->candidate = (struct mse_config_candidate){
        .body = { post->body, post->len },
        .config = &door->config,
        .epoch = door->options.next_epoch,
        .has_statement = has_statement,
        .statement = door->statement,
    };
    door->options.decide(door->options.arg, &door->candidate, decided, door);
}

void mse_config_door_forget(struct mse_config_door *door, const void *context)
{
    if (door->answered != NULL && door->context == context)
        door->answered = NULL;
}

/* ---- requests ---- */

/*
 * With unsigned=yes a signature may be missing, never wrong. Whoever shows a valid one gets a new
 * nonce, so that nothing can be sent twice, also what is refused for another reason.
 */
static bool authenticate(struct mse_config_door *door, const struct mse_config_post *post,
                         uint8_t statement[static MSE_CONFIG_STATEMENT_SIZE], struct mse_error *err)
{
    const struct mse_config_door_options *o = &door->options;

    if (!post->has_signature && o->app->unsigned_config)
        return true;
    return mse_config_authenticate(post->signature, (struct mse_bytes){ post->body, post->len },
                                   o->app->owner, door->nonce, o->identity, o->next_epoch,
                                   statement, err) &&
           mse_issue_random(door->nonce, sizeof(door->nonce), err);
}

static bool is_busy(struct mse_config_door *door, mse_config_answered *answered, void *context)
{
    const char *text = door->configured ? "this instance is configured already"
                                        : "another configuration is being decided";

    if (!door->configured && !door->deciding)
        return false;
    answer(door, answered, context,
           (struct mse_config_reply){
               .status = 409, .retry_s = 1, .code = mse_err_name(MSE_ERR_EXISTS), .text = text });
    return true;
}

/* True if the body was taken over. */
static bool consider(struct mse_config_door *door, const struct mse_config_post *post,
                     mse_config_answered *answered, void *context)
{
    const struct mse_config_door_options *o = &door->options;
    uint8_t statement[MSE_CONFIG_STATEMENT_SIZE] = { 0 };
    struct mse_error err = { 0 };

    if (!authenticate(door, post, statement, &err)) {
        answer(door, answered, context,
               (struct mse_config_reply){
                   .status = 401, .code = mse_err_name(MSE_ERR_SIGNATURE), .text = NOT_AUTHENTIC });
        return false;
    }
    if (is_busy(door, answered, context))
        return false;
    if (!mse_config_parse((struct mse_bytes){ post->body, post->len }, o->app, o->instance,
                          o->identity, o->now(o->arg), &door->config, &err)) {
        answer_failure(door, answered, context, status_of(err.code), &err);
        return false;
    }
    memcpy(door->statement, statement, sizeof(statement));
    decide(door, post, post->has_signature, answered, context);
    return true;
}

void mse_config_door_post(struct mse_config_door *door, const struct mse_config_post *post,
                          mse_config_answered *answered, void *context)
{
    if (consider(door, post, answered, context))
        return;
    if (post->body != NULL)
        OPENSSL_cleanse(post->body, post->len);
    free(post->body);
}
