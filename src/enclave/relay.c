/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream's way to the app and back, byte by byte. Either direction may end alone; what is no
 * proper end on one side is none on the other.
 */
#include <stdlib.h>
#include <unistd.h>

#include "enclave/stream.h"

struct mse_relay {
    struct mse_socket app;
    struct mse_stream *stream;  /* NULL: gone */
    struct connecting *pending; /* the connection that was asked for */
    struct mse_writer first;    /* what the app is to read first, before there is a connection */
    bool connected;             /* the handle is the loop's */
    bool client_ended, app_ended;
};

/* Outlives the relay if that ends before the answer. */
struct connecting {
    struct mse_relay *relay;
};

/* What all relays may hold in one direction before each gets less; one read's worth at least. */
#define SHARED_BUFFER ((size_t)128 << 20)

static size_t limit_of(const struct mse_relay *relay)
{
    const struct mse_front *front = relay->stream->front;
    size_t share = SHARED_BUFFER / (front->relays + 1);

    return share < front->options.limits.buffer ? share : front->options.limits.buffer;
}

/* ---- from the client to the app ------------------------------------------------------------- */

/* Data for an app that reads no more is thrown away, as a socket would. What it still has to say is
 * passed on; how its side then ends decides about the client's. */
static void to_app(struct mse_relay *relay, struct mse_bytes data)
{
    if (!mse_socket_send(&relay->app, data)) {
        if (relay->app_ended)
            mse_stream_finish(relay->stream);
        return;
    }
    if (mse_socket_is_full(&relay->app, limit_of(relay)))
        mse_stream_pause(relay->stream, true);
}

/* Once all is written that the client sent. */
static void pass_end(struct mse_relay *relay)
{
    if (relay->connected && relay->client_ended && !relay->app_ended && relay->app.waiting == 0)
        mse_socket_shut(&relay->app);
}

static void on_client_data(void *context, struct mse_stream *stream, struct mse_bytes data)
{
    struct mse_relay *relay = context;

    (void)stream;
    if (relay->connected)
        to_app(relay, data);
    else
        mse_write_bytes(&relay->first, data.data, data.len);
}

static void on_client_end(void *context, struct mse_stream *stream)
{
    struct mse_relay *relay = context;

    relay->client_ended = true;
    pass_end(relay);
    if (relay->app_ended)
        mse_stream_break(stream); /* both have ended properly: what is sent, is sent */
}

/* ---- from the app to the client ------------------------------------------------------------- */

static void on_app_data(struct mse_socket *app, struct mse_bytes data)
{
    struct mse_relay *relay = MSE_HOLDER(app, struct mse_relay, app);
    struct mse_stream *stream = relay->stream;

    mse_stream_touch(stream);
    mse_stream_send(stream, data);
    if (stream->phase != MSE_STREAM_OPEN || mse_socket_is_full(&stream->socket, limit_of(relay)))
        mse_socket_read(app, false);
}

static void on_app_end(struct mse_socket *app, int status)
{
    struct mse_relay *relay = MSE_HOLDER(app, struct mse_relay, app);

    /* A reset that a write has met already is read as an end. */
    if (status != 0 || app->write_failed) {
        mse_stream_break(relay->stream);
        return;
    }
    relay->app_ended = true;
    mse_stream_end(relay->stream);
}

void mse_relay_written(struct mse_relay *relay)
{
    if (relay->connected && mse_socket_has_room(&relay->stream->socket, limit_of(relay)))
        mse_socket_read(&relay->app, true);
}

static void on_app_written(struct mse_socket *app, int status)
{
    struct mse_relay *relay = MSE_HOLDER(app, struct mse_relay, app);

    mse_stream_touch(relay->stream);
    if (status != 0 && relay->app_ended) {
        mse_stream_finish(relay->stream);
        return;
    }
    if (status != 0 || mse_socket_has_room(app, limit_of(relay)))
        mse_stream_pause(relay->stream, false);
    pass_end(relay);
}

static void free_relay(struct mse_relay *relay)
{
    mse_writer_cleanup(&relay->first);
    free(relay);
}

static void on_app_closed(struct mse_socket *app)
{
    struct mse_relay *relay = MSE_HOLDER(app, struct mse_relay, app);

    relay->connected = false;
    if (relay->stream == NULL)
        free_relay(relay);
}

static const struct mse_socket_events app_events = {
    .data = on_app_data, .end = on_app_end, .written = on_app_written, .closed = on_app_closed
};

/* ---- beginning and end ---------------------------------------------------------------------- */

void mse_relay_stop(struct mse_relay *relay)
{
    bool proper = relay->client_ended && relay->app_ended && relay->app.waiting == 0;

    if (relay->connected)
        mse_socket_close(&relay->app, !proper);
}

static void on_stream_closed(void *context)
{
    struct mse_relay *relay = context;

    relay->stream->front->relays--;
    relay->stream = NULL;
    if (relay->pending != NULL)
        relay->pending->relay = NULL;
    if (!relay->connected) /* else its handle is closed, but not gone yet */
        free_relay(relay);
}

static const struct mse_stream_handler to_the_app = { .data = on_client_data,
                                                      .end = on_client_end,
                                                      .closed = on_stream_closed };

bool mse_relay_is_connecting(const struct mse_relay *relay)
{
    return relay->pending != NULL;
}

/* The edge's word, else what the kernel says. */
static void write_proxy_header(const struct mse_stream *stream, struct mse_writer *out)
{
    struct mse_proxy_addresses own = { 0 };
    int source_len = sizeof(own.source), destination_len = sizeof(own.destination);

    if (stream->address == NULL) {
        own.known = uv_tcp_getpeername(&stream->socket.tcp, (struct sockaddr *)&own.source,
                                       &source_len) == 0 &&
                    uv_tcp_getsockname(&stream->socket.tcp, (struct sockaddr *)&own.destination,
                                       &destination_len) == 0;
    }
    mse_proxy_header_write(stream->address != NULL ? stream->address : &own, out);
}

/* Header and data in one write. */
static void send_first(struct mse_relay *relay)
{
    struct mse_stream *stream = relay->stream;
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer all = { 0 };

    if (stream->front->options.instance->proxy_to_app) {
        write_proxy_header(stream, &all);
        mse_write_bytes(&all, relay->first.data, relay->first.len);
        mse_writer_cleanup(&relay->first);
        relay->first = all;
        all = (struct mse_writer){ 0 };
    }
    if (!mse_writer_ok(&relay->first)) {
        mse_stream_abort(stream);
        return;
    }
    mse_stream_pause(stream, false);
    if (relay->first.len > 0)
        to_app(relay, mse_writer_bytes(&relay->first));
    mse_writer_cleanup(&relay->first);
}

static bool open_app(struct mse_relay *relay, int fd)
{
    struct mse_front *front = relay->stream->front;

    relay->connected = mse_socket_init(&relay->app, front->options.loop, &app_events, front->wire);
    if (!relay->connected || uv_tcp_open(&relay->app.tcp, fd) != 0) {
        (void)close(fd);
        return false;
    }
    (void)uv_tcp_nodelay(&relay->app.tcp, 1); /* a unix socket has no such thing */
    return true;
}

static void on_connected(void *context, int fd)
{
    struct connecting *connecting = context;
    struct mse_relay *relay = connecting->relay;

    free(connecting);
    if (relay == NULL || relay->stream->phase != MSE_STREAM_OPEN) {
        if (fd != -1)
            (void)close(fd);
        if (relay != NULL)
            relay->pending = NULL;
        return;
    }
    relay->pending = NULL;
    if (fd == -1) {
        mse_stream_finish(relay->stream);
        return;
    }
    if (!open_app(relay, fd)) {
        mse_stream_abort(relay->stream);
        return;
    }
    mse_stream_set_deadline(relay->stream, 0);
    send_first(relay);
    pass_end(relay);
    mse_socket_read(&relay->app, true);
}

void mse_stream_relay(struct mse_stream *stream, struct mse_bytes first)
{
    struct mse_front *front = stream->front;
    struct mse_relay *relay;
    struct connecting *connecting;

    if (stream->phase != MSE_STREAM_OPEN)
        return;
    relay = calloc(1, sizeof(*relay));
    connecting = calloc(1, sizeof(*connecting));
    if (relay == NULL || connecting == NULL) {
        free(relay);
        free(connecting);
        mse_stream_abort(stream);
        return;
    }
    front->relays++;
    connecting->relay = relay;
    relay->pending = connecting;
    relay->stream = stream;
    relay->client_ended = stream->peer_ended;
    mse_write_bytes(&relay->first, first.data, first.len);
    mse_stream_set_handler(stream, &to_the_app, relay);
    stream->relay = relay;
    mse_deadline_set(&front->deadlines, &stream->deadline, MSE_DEADLINE_CONNECT);
    if (mse_front_has_descriptor(front, stream))
        front->options.connect_app(front->options.arg, on_connected, connecting);
    else
        on_connected(connecting, -1);
    if (relay->pending != NULL) /* it was not there at once */
        mse_stream_pause(stream, true);
}
