/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the services together: which stream goes where, what follows from what. */
#include "enclave/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "enclave/attest_service.h"
#include "enclave/config_server.h"
#include "enclave/log_ring.h"
#include "enclave/runtime_code.h"

#define TICKET_S 3600
#define LOG_FLUSH_MS 1000
#define APP_GRACE_MS 10000
/* For the state, the package, the log, the keeper, the stock of sockets of the app's network. */
#define OTHER_DESCRIPTORS 256

/* Wire format of ALPN (RFC 7301, 3.1), in order of preference. */
#define ALPN_ATTEST "\x0cmse-attest/1"
#define ALPN_H1 "\x08http/1.1"
#define ALPN_H2 "\x02h2"

struct mse_runtime {
    struct mse_runtime_options options;
    struct mse_instance_file instance;
    struct mse_keep keep;
    struct mse_identity identity;
    struct mse_config config; /* in force, once configured */
    uint64_t epoch;           /* of config, or of the one before: keep is a worker's meanwhile */
    bool configured, taking, stopping;
    SSL_CTX *own_context, *owner_context; /* self-made certificate; the owner's, once configured */
    struct mse_front *front;
    struct mse_config_server *config_server; /* NULL once configured */
    struct mse_attest_service *attest;
    struct mse_app *app;
    struct mse_log_ring *log;
    uv_timer_t flush;
    enum mse_run_state state;
    int exit_status;
    /* the candidate that is being taken */
    struct mse_config candidate;
    mse_config_decided *decided;
    void *decided_context;
    /* stopping */
    void (*stopped)(void *arg);
    void *stopped_arg;
};

static int64_t now_s(void *arg)
{
    const struct mse_runtime *r = arg;

    return r->options.now_ms(r->options.arg) / 1000;
}

static void problem(struct mse_runtime *r, const struct mse_error *err)
{
    r->options.problem(r->options.arg, err);
}

void mse_runtime_report(struct mse_runtime *r)
{
    struct mse_status status = {
        .state = r->state,
        .listen = mse_front_address(r->front),
        .tee = mse_tee_name(r->options.tee),
        .epoch = r->epoch,
        .restarts = r->app != NULL ? mse_app_restarts(r->app) : 0,
        .quotes = mse_attest_service_quotes(r->attest),
        .log_lost = mse_log_ring_lost(r->log),
        .exit_status = r->exit_status,
        .counts = mse_front_count(r->front),
    };

    r->options.status(r->options.arg, &status);
}

static void set_state(struct mse_runtime *r, enum mse_run_state state)
{
    if (r->stopping && state != MSE_RUN_DRAINING && state != MSE_RUN_STOPPED)
        return;
    r->state = state;
    mse_runtime_report(r);
}

/* ---- TLS contexts ------------------------------------------------------------------------- */

static struct mse_bytes alpn_of(const struct mse_runtime *r)
{
    static const char with_h2[] = ALPN_ATTEST ALPN_H2 ALPN_H1, without[] = ALPN_ATTEST ALPN_H1;

    if (r->app != NULL && mse_app_takes_h2(r->app))
        return (struct mse_bytes){ (const uint8_t *)with_h2, sizeof(with_h2) - 1 };
    return (struct mse_bytes){ (const uint8_t *)without, sizeof(without) - 1 };
}

/* Contexts are made anew when what they say changes; with them go the keys of their tickets. */
static bool make_contexts(struct mse_runtime *r, struct mse_error *err)
{
    SSL_CTX *own = NULL, *owner = NULL;
    struct mse_bytes alpn = alpn_of(r);

    if (!mse_front_context_new(&r->identity.cert, 1, r->identity.key, alpn, TICKET_S, &own, err) ||
        (r->configured && r->config.chain_count > 0 &&
         !mse_front_context_new(r->config.chain, r->config.chain_count, r->config.tls_key, alpn,
                                TICKET_S, &owner, err))) {
        SSL_CTX_free(own);
        return false;
    }
    SSL_CTX_free(r->own_context);
    SSL_CTX_free(r->owner_context);
    r->own_context = own;
    r->owner_context = owner;
    return true;
}

/* The owner's certificate is for the app's name; the config name always ends on the own one. */
static SSL_CTX *context_for(void *arg, const char *name)
{
    const struct mse_runtime *r = arg;

    if (name != NULL && strcasecmp(name, r->instance.config_name) == 0)
        return r->own_context;
    if (name != NULL && strcasecmp(name, r->instance.name) != 0)
        return NULL;
    if (r->options.app->cert == MSE_APP_CERT_SELF)
        return r->own_context;
    return r->owner_context != NULL ? r->owner_context : r->own_context;
}

/* ---- streams ------------------------------------------------------------------------------ */

static void serve(struct mse_runtime *r, struct mse_stream *stream, struct mse_bytes first)
{
    if (r->config_server != NULL && !r->configured)
        mse_config_server_take(r->config_server, stream, first);
    else
        mse_stream_relay(stream, first);
}

static void accepted(void *arg, struct mse_stream *stream)
{
    struct mse_runtime *r = arg;

    if (strcmp(mse_stream_protocol(stream), MSE_ATTEST_ALPN) == 0)
        mse_attest_service_take(r->attest, stream);
    else
        serve(r, stream, (struct mse_bytes){ NULL, 0 });
}

static bool has_inner(void *arg, struct mse_bytes inner)
{
    const struct mse_runtime *r = arg;

    return mse_bytes_equal_text(inner, "http/1.1") ||
           (mse_bytes_equal_text(inner, "h2") && r->app != NULL && mse_app_takes_h2(r->app));
}

static void go_on(void *arg, struct mse_stream *stream, struct mse_bytes inner,
                  struct mse_bytes first)
{
    (void)inner;
    serve(arg, stream, first);
}

static void connect_app(void *arg, mse_front_connected *done, void *context)
{
    struct mse_runtime *r = arg;

    if (r->app == NULL || r->stopping)
        done(context, -1);
    else
        mse_app_connect(r->app, done, context);
}

/* ---- the app ------------------------------------------------------------------------------ */

static void app_changed(void *arg, enum mse_app_status status, int exit_status)
{
    struct mse_runtime *r = arg;
    struct mse_error err = { 0 };

    r->exit_status = exit_status;
    switch (status) {
    case MSE_APP_STARTING:
        set_state(r, MSE_RUN_STARTING);
        break;
    case MSE_APP_READY:
        if (mse_app_takes_h2(r->app) && !make_contexts(r, &err))
            problem(r, &err);
        set_state(r, MSE_RUN_RUNNING);
        break;
    case MSE_APP_BACKING_OFF:
        set_state(r, MSE_RUN_BACKING_OFF);
        break;
    case MSE_APP_FAILED:
        set_state(r, MSE_RUN_FAILED);
        break;
    case MSE_APP_STOPPED:
        break;
    }
}

static void app_output(void *arg, struct mse_bytes data)
{
    mse_log_ring_add(((struct mse_runtime *)arg)->log, data);
}

static void flush_log(uv_timer_t *timer)
{
    struct mse_runtime *r = timer->data;

    mse_log_ring_flush(r->log, r->options.now_ms(r->options.arg));
}

static bool start_app(struct mse_runtime *r, struct mse_error *err)
{
    struct mse_app_options options = {
        .loop = r->options.loop,
        .keeper = r->options.keeper,
        .app = r->options.app,
        .secrets = { r->config.secrets, r->config.secrets_len },
        .sealed_secrets = { r->config.sealed_secrets, r->config.sealed_secrets_len },
        .arg = r,
        .changed = app_changed,
        .output = app_output,
    };

    return mse_app_start(&options, &r->app, err);
}

/* ---- configuration ------------------------------------------------------------------------ */

/* The app has its own copy, and a restart reads the sealed one: here nobody needs them again. */
static void forget_secrets(struct mse_runtime *r)
{
    struct mse_config *c = &r->config;

    if (c->secrets != NULL)
        OPENSSL_cleanse(c->secrets, c->secrets_len);
    if (c->sealed_secrets != NULL)
        OPENSSL_cleanse(c->sealed_secrets, c->sealed_secrets_len);
    OPENSSL_cleanse(c->code_key, sizeof(c->code_key));
    mse_keep_forget_config(&r->keep);
}

/* From here on the instance is configured; r->config is what holds. */
static bool put_in_force(struct mse_runtime *r, struct mse_error *err)
{
    const struct mse_state *state = &r->keep.state;
    bool ok;

    r->configured = true;
    r->epoch = state->epoch;
    mse_attest_service_configure(r->attest, r->config.digest, state->epoch,
                                 state->has_statement ? state->statement : NULL,
                                 (struct mse_bytes){ NULL, 0 });
    ok = make_contexts(r, err) && start_app(r, err);
    forget_secrets(r);
    if (ok && r->state != MSE_RUN_STARTING)
        set_state(r, MSE_RUN_STARTING);
    return ok;
}

static void candidate_taken(void *context, const struct mse_error *failure)
{
    struct mse_runtime *r = context;
    struct mse_error err = { 0 };

    r->taking = false;
    if (failure == NULL) {
        r->config = r->candidate;
        memset(&r->candidate, 0, sizeof(r->candidate));
        /* It is kept already: what fails from here on is for the operator, and a restart. The
         * services may be gone if it was told to stop meanwhile. */
        if (!r->stopping && !put_in_force(r, &err)) {
            problem(r, &err);
            set_state(r, MSE_RUN_FAILED);
        }
    } else {
        mse_config_cleanup(&r->candidate);
    }
    r->decided(r->decided_context, failure);
}

static void decide(void *arg, const struct mse_config_candidate *candidate,
                   mse_config_decided *decided, void *context)
{
    struct mse_runtime *r = arg;
    struct mse_error err = { 0 };
    struct mse_keep_config kept = { candidate->body, candidate->epoch,
                                    candidate->has_statement ? candidate->statement : NULL };
    struct mse_take_options options = {
        .loop = r->options.loop,
        .keep = &r->keep,
        .keeper = r->options.keeper,
        .app = r->options.app,
        .config = &r->candidate,
        .to_be_kept = &kept,
        .context = r,
        .done = candidate_taken,
    };

    /* The candidate's own structure goes away with its request: this one stays. */
    r->decided = decided;
    r->decided_context = context;
    if (r->taking || r->stopping) {
        mse_fail_text(&err, MSE_ERR_EXISTS, "configuration", "another one is being taken");
    } else if (mse_config_parse(candidate->body, r->options.app, &r->instance, &r->identity,
                                now_s(r), &r->candidate, &err)) {
        r->taking = mse_take_config(&options, &err);
        if (r->taking)
            return;
        mse_config_cleanup(&r->candidate);
    }
    decided(context, &err);
}

static void free_config_server(struct mse_runtime *r)
{
    if (r->config_server != NULL)
        mse_config_server_free(r->config_server);
    r->config_server = NULL;
}

static void on_configured(void *arg)
{
    free_config_server(arg);
}

static bool wait_for_owner(struct mse_runtime *r, struct mse_error *err)
{
    struct mse_config_server_options options = {
        .loop = r->options.loop,
        .app = r->options.app,
        .instance = &r->instance,
        .identity = &r->identity,
        .next_epoch = mse_keep_next_epoch(&r->keep),
        .arg = r,
        .now = now_s,
        .decide = decide,
        .configured = on_configured,
    };

    r->state = MSE_RUN_WAITING;
    return mse_config_server_new(&options, &r->config_server, err);
}

/* A kept configuration whose code does not open any more: the host changed the package. */
static void kept_taken(void *context, const struct mse_error *failure)
{
    struct mse_runtime *r = context;
    struct mse_error err = { 0 };

    r->taking = false;
    if (r->stopping)
        return;
    if (failure == NULL && put_in_force(r, &err))
        return;
    if (failure != NULL)
        err = *failure;
    problem(r, &err);
    set_state(r, MSE_RUN_FAILED);
    r->options.failed(r->options.arg, err.code);
}

static bool take_kept(struct mse_runtime *r, struct mse_error *err)
{
    struct mse_bytes body = { r->keep.state.config, r->keep.state.config_len };
    struct mse_take_options options = {
        .loop = r->options.loop,
        .keep = &r->keep,
        .keeper = r->options.keeper,
        .app = r->options.app,
        .config = &r->config,
        .context = r,
        .done = kept_taken,
    };

    r->state = MSE_RUN_STARTING;
    r->configured = true;
    if (!mse_config_parse(body, r->options.app, &r->instance, &r->identity, now_s(r), &r->config,
                          err))
        return mse_fail_in(err, "kept configuration");
    r->taking = mse_take_config(&options, err);
    return r->taking;
}

/* ---- beginning ---------------------------------------------------------------------------- */

static bool read_instance(struct mse_runtime *r, struct mse_error *err)
{
    char path[256];
    uint8_t *data = NULL;
    struct mse_bytes text = { NULL, 0 };
    bool ok;

    (void)snprintf(path, sizeof(path), "%s/" MSE_INSTANCE_FILE, mse_tee_host_dir(r->options.tee));
    ok = mse_file_read(path, MSE_INSTANCE_MAX_SIZE, &data, &text.len, err);
    text.data = data;
    ok = ok && (mse_instance_file_parse(text, now_s(r), &r->instance, err) ||
                mse_fail_in(err, "%s", path));
    free(data);
    return ok;
}

/* Better a connection less than none left for anything else. */
static struct mse_front_limits limits_here(void)
{
    struct mse_front_limits limits = mse_front_default_limits;
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur > UINT_MAX)
        return limits;
    limits.descriptors = files.rlim_cur > 2 * OTHER_DESCRIPTORS
                             ? (unsigned)files.rlim_cur - OTHER_DESCRIPTORS
                             : OTHER_DESCRIPTORS / 2;
    return limits;
}

static bool start_services(struct mse_runtime *r, struct mse_error *err)
{
    struct mse_attest_service_options attest = { .loop = r->options.loop,
                                                 .tee = r->options.tee,
                                                 .arg = r,
                                                 .go_on = go_on,
                                                 .has_inner = has_inner };
    struct mse_front_options front = { .loop = r->options.loop,
                                       .instance = &r->instance,
                                       .limits = limits_here(),
                                       .arg = r,
                                       .context = context_for,
                                       .accepted = accepted,
                                       .connect_app = connect_app };

    if (!mse_log_ring_new(mse_tee_host_dir(r->options.tee), r->options.app->owner, &r->log, err) ||
        !mse_attest_service_new(&attest, &r->attest, err) || !make_contexts(r, err) ||
        !mse_front_new(&front, &r->front, err))
        return false;
    (void)uv_timer_start(&r->flush, flush_log, LOG_FLUSH_MS, LOG_FLUSH_MS);
    uv_unref((uv_handle_t *)&r->flush);
    return r->keep.state.configured ? take_kept(r, err) : wait_for_owner(r, err);
}

bool mse_runtime_new(const struct mse_runtime_options *options, struct mse_runtime **out,
                     struct mse_error *err)
{
    struct mse_runtime *r = calloc(1, sizeof(*r));

    *out = r;
    if (r == NULL)
        return mse_fail_memory(err);
    r->options = *options;
    r->exit_status = -1;
    (void)uv_timer_init(options->loop, &r->flush);
    r->flush.data = r;
    if (!read_instance(r, err) || !mse_keep_open(options->tee, options->app, &r->keep, err) ||
        !mse_keep_identity(&r->keep, &r->instance, options->app, now_s(r), &r->identity, err) ||
        !start_services(r, err))
        return false;
    r->epoch = r->keep.state.epoch; /* a worker may read it already, but none writes */
    mse_runtime_report(r);
    return true;
}

/* ---- end ---------------------------------------------------------------------------------- */

static void free_services(struct mse_runtime *r)
{
    free_config_server(r);
    if (r->app != NULL)
        mse_app_free(r->app);
    if (r->attest != NULL)
        mse_attest_service_free(r->attest);
    if (r->front != NULL)
        mse_front_free(r->front);
    r->app = NULL;
    r->attest = NULL;
    r->front = NULL;
}

/* None of the services is below this on the stack. */
static void finish(uv_timer_t *timer)
{
    struct mse_runtime *r = timer->data;

    mse_log_ring_flush(r->log, r->options.now_ms(r->options.arg));
    mse_log_ring_flush(r->log, r->options.now_ms(r->options.arg));
    set_state(r, MSE_RUN_STOPPED);
    free_services(r);
    uv_close((uv_handle_t *)&r->flush, NULL);
    r->stopped(r->stopped_arg);
}

static void app_ended(void *arg)
{
    struct mse_runtime *r = arg;

    uv_ref((uv_handle_t *)&r->flush);
    (void)uv_timer_start(&r->flush, finish, 0, 0);
}

/* Requests under way are answered first, then the app has to go. */
static void drained(void *arg)
{
    struct mse_runtime *r = arg;

    if (r->app != NULL)
        mse_app_stop(r->app, APP_GRACE_MS, app_ended, r);
    else
        app_ended(r);
}

void mse_runtime_stop(struct mse_runtime *r, void (*done)(void *arg), void *arg)
{
    if (r->stopping)
        return;
    set_state(r, MSE_RUN_DRAINING);
    r->stopping = true;
    r->stopped = done;
    r->stopped_arg = arg;
    mse_front_drain(r->front, drained, r);
}

void mse_runtime_free(struct mse_runtime *r)
{
    if (r == NULL)
        return;
    free_services(r);
    mse_log_ring_free(r->log);
    SSL_CTX_free(r->own_context);
    SSL_CTX_free(r->owner_context);
    mse_config_cleanup(&r->config);
    mse_config_cleanup(&r->candidate);
    mse_identity_cleanup(&r->identity);
    mse_keep_cleanup(&r->keep);
    mse_instance_file_cleanup(&r->instance);
    free(r);
}
