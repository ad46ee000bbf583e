/* SPDX-License-Identifier: Apache-2.0 */
/* Waits for the owner's configuration: exchanges on streams of the front. */
#include "enclave/config_server.h"

#include <stdlib.h>

#include "enclave/config_exchange.h"

struct connection {
    struct mse_config_server *server; /* NULL once that is gone */
    struct mse_stream *stream;
    struct mse_config_exchange *exchange; /* NULL once the server is gone */
    struct connection *previous, *next;
};

struct mse_config_server {
    struct mse_config_server_options options;
    struct mse_config_exchanges *exchanges;
    struct connection *first;
    uv_timer_t later;
};

/* ---- what an exchange does to its stream ---- */

static void write_stream(void *context, struct mse_bytes data)
{
    const struct connection *c = context;

    mse_stream_write(c->stream, data);
}

static void finish_stream(void *context)
{
    const struct connection *c = context;

    mse_stream_finish(c->stream);
}

static void set_stream_deadline(void *context, unsigned ms)
{
    const struct connection *c = context;

    mse_stream_set_deadline(c->stream, ms);
}

static const struct mse_config_exchange_handler exchange_handler = {
    .write = write_stream,
    .finish = finish_stream,
    .deadline = set_stream_deadline,
};

/* ---- what a stream says ---- */

static void stream_data(void *context, struct mse_stream *stream, struct mse_bytes data)
{
    const struct connection *c = context;

    (void)stream;
    if (c->exchange != NULL)
        mse_config_exchange_data(c->exchange, data);
}

static void stream_end(void *context, struct mse_stream *stream)
{
    const struct connection *c = context;

    (void)stream;
    if (c->exchange != NULL)
        mse_config_exchange_end(c->exchange);
}

static void unlink_connection(struct connection *c)
{
    if (c->server == NULL)
        return;
    if (c->previous != NULL)
        c->previous->next = c->next;
    else
        c->server->first = c->next;
    if (c->next != NULL)
        c->next->previous = c->previous;
    c->server = NULL;
}

static void stream_closed(void *context)
{
    struct connection *c = context;

    unlink_connection(c);
    mse_config_exchange_free(c->exchange);
    free(c);
}

static const struct mse_stream_handler stream_handler = {
    .data = stream_data,
    .end = stream_end,
    .closed = stream_closed,
};

void mse_config_server_take(struct mse_config_server *server, struct mse_stream *stream,
                            struct mse_bytes first)
{
    struct connection *c = calloc(1, sizeof(*c));
    struct mse_error err = { 0 };

    if (c == NULL) {
        mse_stream_abort(stream);
        return;
    }
    c->server = server;
    c->stream = stream;
    c->next = server->first;
    if (c->next != NULL)
        c->next->previous = c;
    server->first = c;
    mse_stream_set_handler(stream, &stream_handler, c);
    if (!mse_config_exchange_new(server->exchanges, &exchange_handler, c, &c->exchange, &err))
        mse_stream_abort(stream);
    else if (first.len > 0)
        mse_config_exchange_data(c->exchange, first);
}

/* ---- the server ---- */

static int64_t now(void *arg)
{
    const struct mse_config_server *server = arg;

    return server->options.now(server->options.arg);
}

static void decide(void *arg, const struct mse_config_candidate *candidate,
                   mse_config_decided *done, void *context)
{
    const struct mse_config_server *server = arg;

    server->options.decide(server->options.arg, candidate, done, context);
}

static void say_configured(uv_timer_t *timer)
{
    const struct mse_config_server *server = timer->data;

    server->options.configured(server->options.arg);
}

/* Not at once: the caller is still inside an exchange, and the answer to this is to free all. */
static void configured(void *arg)
{
    struct mse_config_server *server = arg;

    (void)uv_timer_start(&server->later, say_configured, 0, 0);
}

bool mse_config_server_new(const struct mse_config_server_options *options,
                           struct mse_config_server **out, struct mse_error *err)
{
    struct mse_config_server *server = calloc(1, sizeof(*server));
    const struct mse_config_door_options door = {
        .app = options->app,
        .instance = options->instance,
        .identity = options->identity,
        .next_epoch = options->next_epoch,
        .arg = server,
        .now = now,
        .decide = decide,
        .configured = configured,
    };

    *out = NULL;
    if (server == NULL)
        return mse_fail_memory(err);
    server->options = *options;
    if (!mse_config_exchanges_new(&door, &server->exchanges, err)) {
        free(server);
        return false;
    }
    (void)uv_timer_init(options->loop, &server->later); /* never fails */
    server->later.data = server;
    *out = server;
    return true;
}

static void timer_closed(uv_handle_t *timer)
{
    free(timer->data);
}

static void let_go(struct connection *c)
{
    bool finished = c->exchange != NULL && mse_config_exchange_is_finished(c->exchange);

    unlink_connection(c);
    mse_config_exchange_free(c->exchange);
    c->exchange = NULL;
    if (!finished) /* else its reply is on the way, and the stream ends by itself */
        mse_stream_abort(c->stream);
}

void mse_config_server_free(struct mse_config_server *server)
{
    if (server == NULL)
        return;
    while (server->first != NULL)
        let_go(server->first);
    mse_config_exchanges_free(server->exchanges);
    uv_close((uv_handle_t *)&server->later, timer_closed);
}
