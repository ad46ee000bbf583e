/* SPDX-License-Identifier: Apache-2.0 */
/* The front as a whole: its listener, the caps on what it takes, and its end. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "enclave/stream.h"

#define BACKLOG 4096
/* How long a peer may take to read the last bytes once they are sent. */
#define LINGER_MS 2000

const struct mse_front_limits mse_front_default_limits = {
    .hello_ms = 8000,
    .handshake_ms = 10000,
    .idle_ms = 3600000,
    .half_close_ms = 60000,
    .drain_ms = 30000,
    .connect_ms = 5000,
    .connections = 16384,
    .connections_per_peer = 4096,
    .handshakes = 2048,
    .buffer = 256U << 10,
};

static struct mse_stream *first_of(const struct mse_link *list, size_t member)
{
    return mse_list_is_empty(list) ? NULL
                                   : (struct mse_stream *)(void *)((char *)list->next - member);
}

/* ---- caps ----------------------------------------------------------------------------------- */

bool mse_front_drop_oldest(struct mse_front *front, const struct mse_stream *but)
{
    struct mse_stream *oldest = first_of(&front->half_open, offsetof(struct mse_stream, half_open));

    if (oldest == NULL || oldest == but)
        return false;
    mse_stream_refuse(oldest);
    return true;
}

bool mse_front_has_descriptor(struct mse_front *front, const struct mse_stream *but)
{
    unsigned limit = front->options.limits.descriptors;

    return limit == 0 || front->counts.open + front->relays <= limit ||
           mse_front_drop_oldest(front, but);
}

/* A peer that is at its limit loses its own oldest half-open connection, nobody else's. */
bool mse_front_count_peer(struct mse_stream *stream, const struct sockaddr_storage *address)
{
    struct mse_front *front = stream->front;
    struct mse_stream *oldest;

    stream->peer = mse_peers_take(front->peers, address);
    if (stream->peer == NULL)
        return false;
    if (stream->peer->connections > front->options.limits.connections_per_peer) {
        oldest = first_of(&stream->peer->half_open, offsetof(struct mse_stream, of_peer));
        if (oldest == NULL)
            return false;
        mse_stream_refuse(oldest);
    }
    mse_list_insert(&stream->peer->half_open, &stream->of_peer);
    return true;
}

void mse_front_enter_tls(struct mse_stream *stream)
{
    struct mse_front *front = stream->front;
    struct mse_deadline *oldest;

    if (front->tls >= front->options.limits.handshakes) {
        oldest = mse_deadlines_first(&front->deadlines, MSE_DEADLINE_HANDSHAKE);
        if (oldest != NULL)
            mse_stream_refuse(MSE_HOLDER(oldest, struct mse_stream, deadline));
    }
    stream->phase = MSE_STREAM_HANDSHAKE;
    front->tls++;
}

void mse_front_leave_half_open(struct mse_stream *stream, bool done)
{
    struct mse_front *front = stream->front;

    if (!mse_stream_is_half_open(stream))
        return;
    mse_list_remove(&stream->half_open);
    mse_list_remove(&stream->of_peer);
    front->counts.handshaking--;
    if (stream->phase != MSE_STREAM_HANDSHAKE)
        return;
    front->tls--;
    if (done)
        front->counts.handshakes++;
    else
        front->counts.failed_handshakes++;
}

/* ---- arrivals ------------------------------------------------------------------------------- */

static struct mse_stream *new_stream(struct mse_front *front)
{
    struct mse_stream *stream = calloc(1, sizeof(*stream));

    if (stream == NULL)
        return NULL;
    if (!mse_socket_init(&stream->socket, front->options.loop, &mse_stream_socket_events,
                         front->wire)) {
        free(stream);
        return NULL;
    }
    stream->front = front;
    stream->io.out = &front->out;
    mse_deadline_init(&stream->deadline);
    mse_list_init(&stream->of_peer);
    mse_list_insert(&front->streams, &stream->all);
    mse_list_insert(&front->half_open, &stream->half_open);
    front->objects++;
    front->counts.open++;
    front->counts.handshaking++;
    return stream;
}

void mse_front_forget(struct mse_stream *stream)
{
    struct mse_front *front = stream->front;

    mse_list_remove(&stream->all);
    mse_peers_give_back(front->peers, stream->peer);
    stream->peer = NULL;
    front->counts.open--;
}

/* Who it is, and whether there is room. */
static bool admit(struct mse_stream *stream)
{
    struct mse_front *front = stream->front;
    struct sockaddr_storage peer = { 0 };
    int len = sizeof(peer);

    if (front->counts.open > front->options.limits.connections &&
        !mse_front_drop_oldest(front, stream))
        return false;
    if (!mse_front_has_descriptor(front, stream))
        return false;
    if (uv_tcp_getpeername(&stream->socket.tcp, (struct sockaddr *)&peer, &len) != 0)
        return false;
    stream->from_edge = front->options.instance->edge_count > 0 &&
                        mse_instance_file_is_edge(front->options.instance,
                                                  (const struct sockaddr *)&peer);
    return stream->from_edge || mse_front_count_peer(stream, &peer);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct mse_front *front = MSE_HOLDER(listener, struct mse_front, listener);
    struct mse_stream *stream;

    if (status != 0) {
        front->counts.refused++; /* no descriptor is left; libuv has closed it */
        return;
    }
    stream = new_stream(front);
    front->stalled = stream == NULL;
    if (stream == NULL)
        return;
    if (uv_accept(listener, (uv_stream_t *)&stream->socket.tcp) != 0) {
        mse_stream_abort(stream);
        return;
    }
    front->counts.accepted++;
    if (!admit(stream)) {
        mse_stream_refuse(stream);
        return;
    }
    mse_stream_arrive(stream);
}

/* ---- beginning ------------------------------------------------------------------------------ */

/* "ADDRESS:PORT" or "[ADDRESS]:PORT"; only numbers, so nothing is looked up. */
static bool read_address(const char *text, struct sockaddr_storage *out, struct mse_error *err)
{
    const char *colon = strrchr(text, ':');
    char host[INET6_ADDRSTRLEN + 2];
    size_t len = colon != NULL ? (size_t)(colon - text) : 0;
    bool v6 = len > 2 && text[0] == '[' && text[len - 1] == ']';
    char *end = NULL;
    unsigned long port;
    int status;

    if (v6) {
        text++;
        len -= 2;
    }
    port = colon != NULL && colon[1] >= '0' && colon[1] <= '9' ? strtoul(colon + 1, &end, 10) : 0;
    if (end == NULL || *end != '\0' || port > UINT16_MAX || len >= sizeof(host))
        return mse_fail_text(err, MSE_ERR_VALUE, "listen", "not ADDRESS:PORT: %s", text);
    memcpy(host, text, len);
    host[len] = '\0';
    status = v6 ? uv_ip6_addr(host, (int)port, (struct sockaddr_in6 *)out)
                : uv_ip4_addr(host, (int)port, (struct sockaddr_in *)out);
    if (status != 0)
        return mse_fail_text(err, MSE_ERR_VALUE, "listen", "not ADDRESS:PORT: %s", text);
    return true;
}

static bool write_address(struct mse_front *front)
{
    struct sockaddr_storage own = { 0 };
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&own;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&own;
    int len = sizeof(own);
    char host[INET6_ADDRSTRLEN] = "";

    if (uv_tcp_getsockname(&front->listener, (struct sockaddr *)&own, &len) != 0)
        return false;
    if (own.ss_family == AF_INET6) {
        (void)uv_ip6_name(v6, host, sizeof(host));
        (void)snprintf(front->address, sizeof(front->address), "[%s]:%u", host,
                       (unsigned)ntohs(v6->sin6_port));
    } else {
        (void)uv_ip4_name(v4, host, sizeof(host));
        (void)snprintf(front->address, sizeof(front->address), "%s:%u", host,
                       (unsigned)ntohs(v4->sin_port));
    }
    return true;
}

static void default_to(unsigned *limit, unsigned value)
{
    if (*limit == 0)
        *limit = value;
}

static void fill_limits(struct mse_front_limits *l)
{
    const struct mse_front_limits *d = &mse_front_default_limits;

    default_to(&l->hello_ms, d->hello_ms);
    default_to(&l->handshake_ms, d->handshake_ms);
    default_to(&l->idle_ms, d->idle_ms);
    default_to(&l->half_close_ms, d->half_close_ms);
    default_to(&l->drain_ms, d->drain_ms);
    default_to(&l->connect_ms, d->connect_ms);
    default_to(&l->connections, d->connections);
    default_to(&l->connections_per_peer, d->connections_per_peer);
    default_to(&l->handshakes, d->handshakes);
    if (l->buffer == 0)
        l->buffer = d->buffer;
}

static void start_deadlines(struct mse_front *front)
{
    const struct mse_front_limits *l = &front->options.limits;
    struct mse_deadlines *d = &front->deadlines;

    d->ms[MSE_DEADLINE_HELLO] = l->hello_ms;
    d->ms[MSE_DEADLINE_HANDSHAKE] = l->handshake_ms;
    d->ms[MSE_DEADLINE_CONNECT] = l->connect_ms;
    d->ms[MSE_DEADLINE_IDLE] = l->idle_ms;
    d->ms[MSE_DEADLINE_HALF_CLOSE] = l->half_close_ms;
    d->ms[MSE_DEADLINE_LINGER] = LINGER_MS < l->half_close_ms ? LINGER_MS : l->half_close_ms;
    d->expired = mse_stream_expired;
    mse_deadlines_init(d, front->options.loop);
}

static void on_failed_closed(uv_handle_t *handle)
{
    struct mse_front *front = handle->data;

    if (--front->handles == 0)
        mse_front_free(front);
}

static bool listen_fails(struct mse_front *front, int status, struct mse_error *err)
{
    front->listener.data = front->deadlines.timer.data = front->drain_timer.data = front;
    uv_close((uv_handle_t *)&front->listener, on_failed_closed);
    uv_close((uv_handle_t *)&front->deadlines.timer, on_failed_closed);
    uv_close((uv_handle_t *)&front->drain_timer, on_failed_closed);
    return mse_fail_text(err, MSE_ERR_NETWORK, front->options.instance->listen,
                         "cannot listen there: %s", uv_strerror(status));
}

static bool make_parts(struct mse_front *front, struct mse_error *err)
{
    front->bio = mse_tls_bio_method();
    if (front->bio == NULL)
        return mse_fail_memory(err);
    return mse_peers_new(front->options.limits.connections, &front->peers, err);
}

bool mse_front_new(const struct mse_front_options *options, struct mse_front **out,
                   struct mse_error *err)
{
    struct sockaddr_storage address = { 0 };
    struct mse_front *front;
    int status;

    *out = NULL;
    if (!read_address(options->instance->listen, &address, err))
        return false;
    front = calloc(1, sizeof(*front));
    if (front == NULL)
        return mse_fail_memory(err);
    front->options = *options;
    fill_limits(&front->options.limits);
    front->out.send = mse_stream_out;
    mse_list_init(&front->streams);
    mse_list_init(&front->half_open);
    if (!make_parts(front, err) || uv_tcp_init(options->loop, &front->listener) != 0) {
        mse_front_free(front);
        return mse_fail_memory(err);
    }
    start_deadlines(front);
    (void)uv_timer_init(options->loop, &front->drain_timer);
    front->handles = 3;
    status = uv_tcp_bind(&front->listener, (const struct sockaddr *)&address, 0);
    if (status == 0) /* tcp(7): each connection has this from its listener */
        status = uv_tcp_nodelay(&front->listener, 1);
    if (status == 0)
        status = uv_listen((uv_stream_t *)&front->listener, BACKLOG, on_connection);
    if (status == 0 && !write_address(front))
        status = UV_EADDRNOTAVAIL;
    if (status != 0)
        return listen_fails(front, status, err);
    *out = front;
    return true;
}

const char *mse_front_address(const struct mse_front *front)
{
    return front->address;
}

struct mse_front_counts mse_front_count(const struct mse_front *front)
{
    return front->counts;
}

/* ---- end ------------------------------------------------------------------------------------ */

static void on_drained_closed(uv_handle_t *handle)
{
    struct mse_front *front = handle->data;

    if (--front->handles == 0 && front->drained != NULL)
        front->drained(front->drained_arg);
}

static void end_if_empty(struct mse_front *front)
{
    if (!front->draining || front->objects > 0 || uv_is_closing((uv_handle_t *)&front->drain_timer))
        return;
    front->deadlines.timer.data = front->drain_timer.data = front;
    uv_close((uv_handle_t *)&front->deadlines.timer, on_drained_closed);
    uv_close((uv_handle_t *)&front->drain_timer, on_drained_closed);
}

void mse_front_freed(struct mse_front *front)
{
    front->objects--;
    end_if_empty(front);
    if (front->stalled && !front->draining)
        on_connection((uv_stream_t *)&front->listener, 0);
}

static void on_drain_timer(uv_timer_t *timer)
{
    struct mse_front *front = MSE_HOLDER(timer, struct mse_front, drain_timer);
    struct mse_stream *stream;

    while ((stream = first_of(&front->streams, offsetof(struct mse_stream, all))) != NULL)
        mse_stream_abort(stream);
}

void mse_front_drain(struct mse_front *front, void (*done)(void *arg), void *arg)
{
    struct mse_link *at, *next;

    front->draining = true;
    front->drained = done;
    front->drained_arg = arg;
    front->listener.data = front;
    uv_close((uv_handle_t *)&front->listener, on_drained_closed);
    for (at = front->half_open.next; at != &front->half_open; at = next) {
        struct mse_stream *stream = MSE_HOLDER(at, struct mse_stream, half_open);

        next = at->next;
        if (stream->phase == MSE_STREAM_ARRIVING)
            mse_stream_refuse(stream);
    }
    (void)uv_timer_start(&front->drain_timer, on_drain_timer, front->options.limits.drain_ms, 0);
    end_if_empty(front);
}

void mse_front_free(struct mse_front *front)
{
    if (front == NULL)
        return;
    mse_peers_free(front->peers);
    BIO_meth_free(front->bio);
    free(front);
}
