/* SPDX-License-Identifier: Apache-2.0 */
/* The app's life as the runtime sees it: starting, healthy, ended, started again. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "enclave/app_private.h"

#define HEALTH_TIMEOUT_MS 60000
/* Between two questions for its health. */
#define FIRST_RETRY_MS 100
#define LAST_RETRY_MS 1000
/* Before it is started again; the delay doubles each time, and is forgotten once it was healthy
 * for so long. */
#define FIRST_DELAY_MS 500
#define LAST_DELAY_MS 60000
#define CALM_MS 60000

#define OUTPUT_PIECE (32U << 10)
/* Of what it wrote before it ended; a pipe holds no more. */
#define MAX_LAST_WORDS (1U << 20)

struct mse_app {
    struct mse_app_options options; /* without the secrets */
    struct mse_app_keeper *keeper;
    struct mse_app_pool pool;
    struct mse_app_probe *probe;
    enum mse_app_status status;
    bool runs; /* from a start until the keeper says that it ended */
    bool was_healthy, h2_asked, takes_h2;
    bool failing; /* is being ended because it does not become healthy */
    bool stopping;
    uint64_t restarts;
    unsigned retry_ms, delay_ms;
    struct mse_app_secret_files secrets;
    int output; /* what it writes, or -1 */
    uv_poll_t *output_poll;
    uv_timer_t timer;    /* next question, next start, or calm: as status says */
    uv_timer_t deadline; /* of becoming healthy, or of stopping */
    uv_poll_t keeper_poll;
    unsigned open_handles;
    void (*stopped)(void *arg);
    void *stopped_arg;
};

const char *mse_app_status_name(enum mse_app_status status)
{
    switch (status) {
    case MSE_APP_STOPPED:
        return "stopped";
    case MSE_APP_STARTING:
        return "starting";
    case MSE_APP_READY:
        return "ready";
    case MSE_APP_BACKING_OFF:
        return "backing off";
    case MSE_APP_FAILED:
        return "failed";
    }
    return "unknown";
}

static void set_status(struct mse_app *app, enum mse_app_status status, int exit_status)
{
    app->status = status;
    if (app->options.changed != NULL)
        app->options.changed(app->options.arg, status, exit_status);
}

static void tell_keeper(struct mse_app *app, enum mse_wire_kind kind)
{
    const struct mse_wire message = { .kind = kind };

    /* If it cannot be told, its socket ends, which is noticed there. */
    (void)!mse_wire_send(app->keeper->socket, &message, MSG_DONTWAIT);
}

/* ---- output ---- */

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

static void close_output(struct mse_app *app)
{
    if (app->output_poll != NULL)
        uv_close((uv_handle_t *)app->output_poll, free_handle);
    app->output_poll = NULL;
    if (app->output != -1 && app->output != app->keeper->output)
        (void)close(app->output);
    app->output = -1;
}

/* How much was read; 0 if there is nothing now, or ever. */
static size_t read_output(struct mse_app *app, bool *ended)
{
    uint8_t piece[OUTPUT_PIECE];
    ssize_t n;

    do
        n = read(app->output, piece, sizeof(piece));
    while (n == -1 && errno == EINTR);
    *ended = n == 0 || (n == -1 && errno != EAGAIN);
    if (n <= 0)
        return 0;
    if (app->options.output != NULL)
        app->options.output(app->options.arg, (struct mse_bytes){ piece, (size_t)n });
    return (size_t)n;
}

/* A piece at a time: an app that writes without end does not keep the loop from others. */
static void output_came(uv_poll_t *poll, int status, int events)
{
    struct mse_app *app = poll->data;
    bool ended = false;

    (void)events;
    if (status == 0)
        (void)read_output(app, &ended);
    if (status != 0 || ended)
        close_output(app);
}

/* Nobody writes any more: what is there is all. */
static void read_last_words(struct mse_app *app)
{
    size_t total = 0, n = 1;
    bool ended;

    while (app->output != -1 && n > 0 && total < MAX_LAST_WORDS) {
        n = read_output(app, &ended);
        total += n;
    }
    close_output(app);
}

static bool watch_output(struct mse_app *app)
{
    const int flags = fcntl(app->output, F_GETFL);

    if (flags == -1 || fcntl(app->output, F_SETFL, flags | O_NONBLOCK) == -1)
        return false;
    app->output_poll = calloc(1, sizeof(*app->output_poll));
    if (app->output_poll == NULL)
        return false;
    if (uv_poll_init(app->options.loop, app->output_poll, app->output) != 0) {
        free(app->output_poll);
        app->output_poll = NULL;
        return false;
    }
    app->output_poll->data = app;
    return uv_poll_start(app->output_poll, UV_READABLE, output_came) == 0;
}

/* ---- start ---- */

static void health_is_late(uv_timer_t *timer);

static bool send_start(struct mse_app *app, int write_end)
{
    struct mse_wire message = { .kind = MSE_WIRE_START };

    if (app->keeper->launch.isolate) {
        message.fds[message.fd_count++] = write_end;
        mse_app_secret_files_attach(&app->secrets, &message);
    }
    return !app->keeper->gone && mse_wire_send(app->keeper->socket, &message, MSG_DONTWAIT);
}

/* The app is on its way afterwards, or this says false. */
static bool launch(struct mse_app *app)
{
    int ends[2] = { app->keeper->output, -1 };
    bool ok;

    if (app->keeper->launch.isolate && pipe2(ends, O_CLOEXEC) == -1)
        return false;
    app->output = ends[0];
    app->failing = false;
    app->retry_ms = FIRST_RETRY_MS;
    ok = watch_output(app) && send_start(app, ends[1]);
    if (ends[1] != -1)
        (void)close(ends[1]);
    if (!ok) {
        close_output(app);
        return false;
    }
    app->runs = true;
    mse_app_pool_refill(&app->pool);
    return true;
}

/* Once it was healthy each start has a time of its own; before, all of them together. */
static void start_deadline(struct mse_app *app)
{
    const unsigned ms = app->options.health_timeout_ms;

    (void)uv_timer_start(&app->deadline, health_is_late, ms != 0 ? ms : HEALTH_TIMEOUT_MS, 0);
}

/* ---- ends ---- */

static void set_stopped(struct mse_app *app)
{
    void (*const stopped)(void *arg) = app->stopped;
    void *const arg = app->stopped_arg;

    (void)uv_timer_stop(&app->timer);
    (void)uv_timer_stop(&app->deadline);
    app->stopped = NULL;
    set_status(app, MSE_APP_STOPPED, -1);
    if (stopped != NULL)
        stopped(arg); /* may free the app */
}

static void set_failed(struct mse_app *app, int exit_status)
{
    (void)uv_timer_stop(&app->timer);
    (void)uv_timer_stop(&app->deadline);
    set_status(app, MSE_APP_FAILED, exit_status);
}

static void timer_fired(uv_timer_t *timer);

static void back_off(struct mse_app *app, int exit_status)
{
    const unsigned delay = app->delay_ms;

    app->delay_ms = 2 * delay < LAST_DELAY_MS ? 2 * delay : LAST_DELAY_MS;
    if (app->was_healthy)
        (void)uv_timer_stop(&app->deadline);
    (void)uv_timer_start(&app->timer, timer_fired, delay, 0);
    set_status(app, MSE_APP_BACKING_OFF, exit_status);
}

static void ended(struct mse_app *app, bool was_started, int exit_status)
{
    app->runs = false;
    mse_app_probe_cancel(app->probe);
    app->probe = NULL;
    (void)uv_timer_stop(&app->timer);
    read_last_words(app);
    if (app->stopping)
        set_stopped(app);
    else if (app->keeper->gone || app->failing || (!was_started && !app->was_healthy))
        set_failed(app, exit_status);
    else
        back_off(app, exit_status);
}

/* Killed or broken: nothing can be started any more, and what ran has ended with it. */
static void keeper_ended(struct mse_app *app)
{
    app->keeper->gone = true;
    (void)uv_poll_stop(&app->keeper_poll);
    mse_app_pool_cleanup(&app->pool);
    if (app->status != MSE_APP_STOPPED && app->status != MSE_APP_FAILED)
        ended(app, true, -1);
}

static void health_is_late(uv_timer_t *timer)
{
    struct mse_app *app = timer->data;

    app->failing = !app->was_healthy;
    if (app->runs)
        tell_keeper(app, MSE_WIRE_KILL);
    else if (app->failing)
        set_failed(app, -1);
}

/* ---- health ---- */

static void ask(struct mse_app *app, enum mse_app_question question);

static void set_ready(struct mse_app *app)
{
    app->was_healthy = true;
    (void)uv_timer_stop(&app->deadline);
    (void)uv_timer_start(&app->timer, timer_fired, CALM_MS, 0);
    set_status(app, MSE_APP_READY, -1);
}

static void ask_later(struct mse_app *app)
{
    (void)uv_timer_start(&app->timer, timer_fired, app->retry_ms, 0);
    app->retry_ms = app->retry_ms * 3 / 2 < LAST_RETRY_MS ? app->retry_ms * 3 / 2 : LAST_RETRY_MS;
}

static void health_answered(void *arg, bool yes)
{
    struct mse_app *app = arg;

    app->probe = NULL;
    if (!yes)
        ask_later(app);
    else if (app->h2_asked)
        set_ready(app);
    else
        ask(app, MSE_APP_H2);
}

/* Asked once: the code does not change. */
static void h2_answered(void *arg, bool yes)
{
    struct mse_app *app = arg;

    app->probe = NULL;
    app->h2_asked = true;
    app->takes_h2 = yes;
    set_ready(app);
}

static void ask(struct mse_app *app, enum mse_app_question question)
{
    struct mse_error err = { 0 };

    if (!mse_app_probe_new(&app->pool, question, app->options.app->health,
                           question == MSE_APP_H2 ? h2_answered : health_answered, app, &app->probe,
                           &err))
        ask_later(app);
}

static void timer_fired(uv_timer_t *timer)
{
    struct mse_app *app = timer->data;

    switch (app->status) {
    case MSE_APP_STARTING:
        ask(app, MSE_APP_HEALTH);
        return;
    case MSE_APP_READY:
        app->delay_ms = FIRST_DELAY_MS;
        return;
    case MSE_APP_BACKING_OFF:
        if (!launch(app)) {
            back_off(app, -1);
            return;
        }
        app->restarts++;
        if (app->was_healthy)
            start_deadline(app);
        set_status(app, MSE_APP_STARTING, -1);
        return;
    case MSE_APP_STOPPED:
    case MSE_APP_FAILED:
        break;
    }
}

/* ---- keeper's messages ---- */

static void answer(struct mse_app *app, struct mse_wire *message)
{
    switch (message->kind) {
    case MSE_WIRE_CONNECT:
        mse_app_pool_add(&app->pool, message);
        return;
    case MSE_WIRE_STARTED:
        if (app->runs && !app->stopping)
            ask(app, MSE_APP_HEALTH);
        return;
    case MSE_WIRE_NOT_STARTED:
        if (app->runs)
            ended(app, false, -1);
        return;
    case MSE_WIRE_ENDED:
        if (app->runs)
            ended(app, true, message->value);
        return;
    case MSE_WIRE_STANDS:
    case MSE_WIRE_REFUSED:
    case MSE_WIRE_START:
    case MSE_WIRE_TERMINATE:
    case MSE_WIRE_KILL:
        break;
    }
    keeper_ended(app);
}

/* One message: the callbacks of one may free the app. */
static void keeper_spoke(uv_poll_t *poll, int status, int events)
{
    struct mse_app *app = poll->data;
    struct mse_wire message = { 0 };

    (void)events;
    switch (status == 0 ? mse_wire_receive(app->keeper->socket, &message, MSG_DONTWAIT)
                        : MSE_WIRE_END) {
    case MSE_WIRE_GOT:
        answer(app, &message);
        mse_wire_cleanup(&message);
        return;
    case MSE_WIRE_NOTHING:
        return;
    case MSE_WIRE_END:
        break;
    }
    keeper_ended(app);
}

/* ---- contract ---- */

static bool init_handles(struct mse_app *app, struct mse_error *err)
{
    uv_loop_t *loop = app->options.loop;

    if (uv_poll_init(loop, &app->keeper_poll, app->keeper->socket) != 0)
        return mse_fail_text(err, MSE_ERR_IO, "app", "the keeper's socket cannot be watched");
    (void)uv_timer_init(loop, &app->timer);
    (void)uv_timer_init(loop, &app->deadline);
    app->open_handles = 3;
    app->keeper_poll.data = app->timer.data = app->deadline.data = app;
    (void)uv_poll_start(&app->keeper_poll, UV_READABLE, keeper_spoke);
    return true;
}

bool mse_app_start(const struct mse_app_options *options, struct mse_app **out,
                   struct mse_error *err)
{
    struct mse_app *app = calloc(1, sizeof(*app));

    *out = NULL;
    if (app == NULL)
        return mse_fail_memory(err);
    app->options = *options;
    app->options.secrets = app->options.sealed_secrets = (struct mse_bytes){ 0 };
    app->keeper = options->keeper;
    app->status = MSE_APP_STARTING;
    app->delay_ms = FIRST_DELAY_MS;
    app->output = -1;
    mse_app_pool_init(&app->pool, options->loop, options->keeper);
    if (!mse_app_secret_files_make(&app->keeper->launch, app->keeper->code_dir, options->secrets,
                                   options->sealed_secrets, &app->secrets, err) ||
        !init_handles(app, err)) {
        mse_app_free(app);
        return false;
    }
    start_deadline(app);
    if (!launch(app)) {
        mse_app_free(app);
        return mse_fail_text(err, MSE_ERR_IO, "app", "the keeper cannot be told to start it");
    }
    *out = app;
    return true;
}

enum mse_app_status mse_app_status(const struct mse_app *app)
{
    return app->status;
}

uint64_t mse_app_restarts(const struct mse_app *app)
{
    return app->restarts;
}

bool mse_app_takes_h2(const struct mse_app *app)
{
    return app->takes_h2;
}

void mse_app_connect(struct mse_app *app, void (*done)(void *context, int fd), void *context)
{
    if (app->status == MSE_APP_READY && !app->stopping)
        mse_app_pool_connect(&app->pool, done, context);
    else
        done(context, -1);
}

static void grace_is_over(uv_timer_t *timer)
{
    struct mse_app *app = timer->data;

    if (app->runs)
        tell_keeper(app, MSE_WIRE_KILL);
    else
        set_stopped(app);
}

void mse_app_stop(struct mse_app *app, unsigned grace_ms, void (*stopped)(void *arg), void *arg)
{
    app->stopping = true;
    app->stopped = stopped;
    app->stopped_arg = arg;
    mse_app_probe_cancel(app->probe);
    app->probe = NULL;
    (void)uv_timer_stop(&app->timer);
    if (app->runs)
        tell_keeper(app, MSE_WIRE_TERMINATE);
    (void)uv_timer_start(&app->deadline, grace_is_over, app->runs ? grace_ms : 0, 0);
}

static void handle_closed(uv_handle_t *handle)
{
    struct mse_app *app = handle->data;

    if (--app->open_handles == 0)
        free(app);
}

void mse_app_free(struct mse_app *app)
{
    if (app == NULL)
        return;
    mse_app_probe_cancel(app->probe);
    mse_app_pool_cleanup(&app->pool);
    close_output(app);
    mse_app_secret_files_cleanup(&app->secrets);
    if (app->open_handles == 0) { /* not even started */
        free(app);
        return;
    }
    uv_close((uv_handle_t *)&app->keeper_poll, handle_closed);
    uv_close((uv_handle_t *)&app->timer, handle_closed);
    uv_close((uv_handle_t *)&app->deadline, handle_closed);
}
