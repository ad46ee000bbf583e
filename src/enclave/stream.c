/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's connection with TLS on it. Each call of OpenSSL is followed by sending what it wrote,
 * before anybody else is called; and whoever is called may have ended the stream on return.
 */
#include <stdlib.h>

#include <openssl/err.h>

#include "enclave/stream.h"

/* SSL_get_error looks at the queue: what lies there is another connection's. Clearing it costs more
 * than looking. */
static void forget_errors(void)
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

static void gone(struct mse_stream *stream)
{
    if (stream->phase == MSE_STREAM_GONE)
        return;
    mse_front_leave_half_open(stream, false);
    stream->phase = MSE_STREAM_GONE;
    mse_deadline_clear(&stream->deadline);
    mse_tls_out_forget(&stream->front->out, &stream->io);
    mse_front_forget(stream);
    mse_socket_close(&stream->socket, false);
    if (stream->relay != NULL)
        mse_relay_stop(stream->relay);
}

/* The handler's last call waits while one of its other calls is on the stack. */
static void retire_handler(struct mse_stream *stream)
{
    const struct mse_stream_handler *handler = stream->handler;
    void *context = stream->context;

    stream->handler = NULL;
    stream->relay = NULL;
    if (handler == NULL)
        return;
    if (stream->dispatching > 0 && stream->retired == NULL) {
        stream->retired = handler;
        stream->retired_context = context;
    } else {
        handler->closed(context);
    }
}

static void dispatch_done(struct mse_stream *stream)
{
    const struct mse_stream_handler *handler = stream->retired;

    if (--stream->dispatching > 0 || handler == NULL)
        return;
    stream->retired = NULL;
    handler->closed(stream->retired_context);
}

static void on_closed(struct mse_socket *socket)
{
    struct mse_stream *stream = MSE_HOLDER(socket, struct mse_stream, socket);
    struct mse_front *front = stream->front;

    retire_handler(stream);
    SSL_free(stream->ssl);
    free(stream->protocol);
    free(stream->address);
    mse_arrival_free(stream);
    free(stream);
    mse_front_freed(front);
}

/* ---- deadlines ------------------------------------------------------------------------------ */

static enum mse_deadline_kind deadline_of(const struct mse_stream *stream)
{
    switch (stream->phase) {
    case MSE_STREAM_ARRIVING:
        return MSE_DEADLINE_HELLO;
    case MSE_STREAM_HANDSHAKE:
        return MSE_DEADLINE_HANDSHAKE;
    case MSE_STREAM_OPEN:
        return stream->ended || stream->peer_ended ? MSE_DEADLINE_HALF_CLOSE : MSE_DEADLINE_IDLE;
    case MSE_STREAM_FLUSHING:
        return MSE_DEADLINE_HALF_CLOSE;
    case MSE_STREAM_LINGERING:
        return MSE_DEADLINE_LINGER;
    case MSE_STREAM_GONE:
        break;
    }
    return MSE_DEADLINE_NONE;
}

static void set_deadline(struct mse_stream *stream)
{
    mse_deadline_set(&stream->front->deadlines, &stream->deadline, deadline_of(stream));
}

void mse_stream_touch(struct mse_stream *stream)
{
    enum mse_deadline_kind kind = stream->deadline.kind;

    if (kind == MSE_DEADLINE_IDLE || kind == MSE_DEADLINE_HALF_CLOSE)
        set_deadline(stream);
}

void mse_stream_set_deadline(struct mse_stream *stream, unsigned ms)
{
    if (stream->phase != MSE_STREAM_OPEN)
        return;
    if (ms == 0)
        set_deadline(stream);
    else
        mse_deadline_set_own(&stream->front->deadlines, &stream->deadline, ms);
}

void mse_stream_arrive(struct mse_stream *stream)
{
    set_deadline(stream);
    mse_socket_read(&stream->socket, true);
}

void mse_stream_expired(struct mse_deadline *deadline)
{
    struct mse_stream *stream = MSE_HOLDER(deadline, struct mse_stream, deadline);

    /* An app that cannot be reached: the platform has no answer of its own, but a proper end. */
    if (stream->relay != NULL && mse_relay_is_connecting(stream->relay))
        mse_stream_finish(stream);
    else
        gone(stream);
}

/* ---- the end -------------------------------------------------------------------------------- */

static void update_reading(struct mse_stream *stream)
{
    /* A peer that makes OpenSSL answer (key updates) and reads no answers is not heard either. */
    bool stuck = stream->socket.waiting / 2 > stream->front->options.limits.buffer;

    mse_socket_read(&stream->socket,
                    stream->phase != MSE_STREAM_OPEN || !(stream->paused || stuck));
}

/*
 * Everything is sent. A socket that is closed with the peer's bytes unread resets the connection,
 * and the peer may lose what it has not read yet; so its bytes are read until it closes, too.
 */
static void flushed(struct mse_stream *stream)
{
    if (stream->phase == MSE_STREAM_FLUSHING && stream->socket.waiting == 0) {
        if (stream->socket.read_ended || (stream->ended && stream->peer_ended)) {
            gone(stream);
            return;
        }
        stream->phase = MSE_STREAM_LINGERING;
        set_deadline(stream);
        mse_socket_shut(&stream->socket);
    }
}

static void last_bytes(struct mse_stream *stream)
{
    if (stream->phase >= MSE_STREAM_FLUSHING)
        return;
    mse_front_leave_half_open(stream, false);
    stream->phase = MSE_STREAM_FLUSHING;
    set_deadline(stream);
    update_reading(stream);
    flushed(stream);
}

static void send_close_notify(struct mse_stream *stream)
{
    if (stream->ended)
        return;
    stream->ended = true;
    forget_errors();
    (void)SSL_shutdown(stream->ssl);
    mse_tls_out_flush(&stream->front->out);
}

void mse_stream_end(struct mse_stream *stream)
{
    if (stream->phase != MSE_STREAM_OPEN || stream->ended)
        return;
    send_close_notify(stream);
    if (stream->phase != MSE_STREAM_OPEN)
        return;
    if (stream->peer_ended)
        last_bytes(stream);
    else
        set_deadline(stream);
}

void mse_stream_finish(struct mse_stream *stream)
{
    if (stream->phase != MSE_STREAM_OPEN)
        return;
    send_close_notify(stream);
    last_bytes(stream);
}

void mse_stream_break(struct mse_stream *stream)
{
    last_bytes(stream);
}

void mse_stream_abort(struct mse_stream *stream)
{
    gone(stream);
}

void mse_stream_refuse(struct mse_stream *stream)
{
    if (stream->phase != MSE_STREAM_GONE)
        stream->front->counts.refused++;
    gone(stream);
}

void mse_stream_alert(struct mse_stream *stream, uint8_t description)
{
    /* RFC 8446, 5.1 and 6: alert, TLS 1.2, two bytes, fatal. */
    const uint8_t record[7] = { 21, 3, 3, 0, 2, 2, description };

    stream->front->counts.refused++;
    if (mse_socket_send(&stream->socket, MSE_BYTES(record)))
        last_bytes(stream);
    else
        gone(stream);
}

/* ---- sending -------------------------------------------------------------------------------- */

void mse_stream_out(struct mse_tls_io *io, struct mse_bytes data)
{
    struct mse_stream *stream = MSE_HOLDER(io, struct mse_stream, io);

    /* After the end OpenSSL may still answer a key update; nobody waits for that. */
    if (!stream->socket.shut && !mse_socket_send(&stream->socket, data))
        gone(stream);
}

static void on_written(struct mse_socket *socket, int status)
{
    struct mse_stream *stream = MSE_HOLDER(socket, struct mse_stream, socket);

    if (status != 0) {
        gone(stream);
        return;
    }
    mse_stream_touch(stream);
    flushed(stream);
    if (stream->phase != MSE_STREAM_OPEN)
        return;
    update_reading(stream);
    if (stream->relay != NULL)
        mse_relay_written(stream->relay);
}

/* TLS 1.3's ticket goes out with the first data, not in a write of its own before it. */
static bool make_ticket(struct mse_stream *stream)
{
    if (!stream->ticket_due || stream->phase != MSE_STREAM_OPEN)
        return false;
    stream->ticket_due = false;
    return SSL_version(stream->ssl) == TLS1_3_VERSION && SSL_new_session_ticket(stream->ssl) == 1;
}

void mse_stream_send(struct mse_stream *stream, struct mse_bytes data)
{
    bool with_ticket = data.len > 0 && make_ticket(stream);

    while (data.len > 0 && stream->phase == MSE_STREAM_OPEN && !stream->ended) {
        size_t part = data.len < MSE_SOCKET_READ_SIZE ? data.len : MSE_SOCKET_READ_SIZE;
        size_t written = 0;

        forget_errors();
        if (SSL_write_ex(stream->ssl, data.data, part, &written) != 1) {
            /* The BIO takes everything: only a broken TLS state refuses. */
            gone(stream);
            return;
        }
        mse_tls_out_flush(&stream->front->out);
        data.data += written;
        data.len -= written;
    }
    /* Making the ticket was a handshake to OpenSSL, for which it got its buffers again. */
    if (with_ticket && stream->phase == MSE_STREAM_OPEN)
        (void)SSL_free_buffers(stream->ssl);
}

void mse_stream_write(struct mse_stream *stream, struct mse_bytes data)
{
    size_t limit = stream->front->options.limits.buffer;

    if (stream->socket.waiting > limit || data.len > limit - stream->socket.waiting) {
        gone(stream);
        return;
    }
    mse_stream_touch(stream);
    mse_stream_send(stream, data);
}

/* ---- receiving ------------------------------------------------------------------------------ */

void mse_stream_pause(struct mse_stream *stream, bool paused)
{
    stream->paused = paused;
    if (stream->phase == MSE_STREAM_OPEN)
        update_reading(stream);
}

static void dispatch_data(struct mse_stream *stream, struct mse_bytes data)
{
    stream->dispatching++;
    stream->handler->data(stream->context, stream, data);
    dispatch_done(stream);
}

static void dispatch_end(struct mse_stream *stream)
{
    stream->peer_ended = true;
    mse_stream_touch(stream);
    stream->dispatching++;
    stream->handler->end(stream->context, stream);
    dispatch_done(stream);
}

/* As much as fits; why says what SSL_read ended with, SSL_ERROR_NONE if there may be more. */
static size_t decrypt(struct mse_stream *stream, int *why)
{
    uint8_t *plain = stream->front->plain;
    size_t len = 0, n = 0;

    *why = SSL_ERROR_NONE;
    forget_errors();
    while (len < sizeof(stream->front->plain)) {
        if (SSL_read_ex(stream->ssl, plain + len, sizeof(stream->front->plain) - len, &n) != 1) {
            *why = SSL_get_error(stream->ssl, 0);
            break;
        }
        len += n;
        if (stream->io.in.len == 0 && SSL_pending(stream->ssl) == 0) {
            *why = SSL_ERROR_WANT_READ; /* which one more call would say after some work */
            break;
        }
    }
    mse_tls_out_flush(&stream->front->out);
    return len;
}

static void receive(struct mse_stream *stream)
{
    int why = SSL_ERROR_NONE;

    while (why == SSL_ERROR_NONE && stream->phase == MSE_STREAM_OPEN && !stream->peer_ended) {
        size_t len = decrypt(stream, &why);

        if (stream->phase == MSE_STREAM_OPEN && len > 0)
            dispatch_data(stream, (struct mse_bytes){ stream->front->plain, len });
        if (stream->phase != MSE_STREAM_OPEN)
            return;
        if (why == SSL_ERROR_ZERO_RETURN)
            dispatch_end(stream);
        else if (why != SSL_ERROR_NONE && why != SSL_ERROR_WANT_READ)
            last_bytes(stream); /* the alert; the handler learns that this was no end */
    }
}

static bool keep_protocol(struct mse_stream *stream)
{
    const unsigned char *name = NULL;
    unsigned len = 0;

    SSL_get0_alpn_selected(stream->ssl, &name, &len);
    if (len == 0)
        return true;
    stream->protocol = strndup((const char *)name, len);
    return stream->protocol != NULL;
}

static void established(struct mse_stream *stream)
{
    struct mse_front *front = stream->front;

    if (!keep_protocol(stream)) {
        gone(stream);
        return;
    }
    mse_front_leave_half_open(stream, true);
    stream->phase = MSE_STREAM_OPEN;
    set_deadline(stream);
    front->options.accepted(front->options.arg, stream);
    if (stream->phase == MSE_STREAM_OPEN && stream->handler == NULL)
        mse_stream_relay(stream, (struct mse_bytes){ NULL, 0 });
}

static void shake_hands(struct mse_stream *stream)
{
    int result, why;

    forget_errors();
    result = SSL_do_handshake(stream->ssl);
    why = result == 1 ? SSL_ERROR_NONE : SSL_get_error(stream->ssl, result);
    mse_tls_out_flush(&stream->front->out);
    if (stream->phase != MSE_STREAM_HANDSHAKE)
        return;
    if (why == SSL_ERROR_NONE) {
        established(stream);
    } else if (why != SSL_ERROR_WANT_READ) {
        last_bytes(stream); /* OpenSSL has sent the alert; what it holds is not needed for it */
        SSL_free(stream->ssl);
        stream->ssl = NULL;
    }
}

/* Takes all of these bytes: what is not a whole record yet is in OpenSSL's own buffer then. */
static void take(struct mse_stream *stream, struct mse_bytes data)
{
    stream->io.in = data;
    if (stream->phase == MSE_STREAM_HANDSHAKE)
        shake_hands(stream);
    if (stream->phase == MSE_STREAM_OPEN)
        receive(stream);
    stream->io.in = (struct mse_bytes){ NULL, 0 };
    if (stream->phase == MSE_STREAM_OPEN)
        update_reading(stream);
}

void mse_stream_handshake(struct mse_stream *stream, SSL_CTX *ctx, struct mse_bytes hello)
{
    struct mse_front *front = stream->front;
    BIO *bio = mse_tls_bio_new(front->bio, &stream->io);
    SSL *ssl = SSL_new(ctx);

    if (bio == NULL || ssl == NULL) {
        BIO_free(bio);
        SSL_free(ssl);
        mse_stream_refuse(stream);
        return;
    }
    SSL_set_bio(ssl, bio, bio);
    SSL_set_accept_state(ssl);
    stream->ssl = ssl;
    stream->ticket_due = SSL_get_num_tickets(ssl) > 0 && SSL_set_num_tickets(ssl, 0) == 1;
    mse_front_enter_tls(stream);
    set_deadline(stream);
    take(stream, hello);
}

static void on_data(struct mse_socket *socket, struct mse_bytes data)
{
    struct mse_stream *stream = MSE_HOLDER(socket, struct mse_stream, socket);

    if (stream->phase == MSE_STREAM_ARRIVING) {
        mse_arrival_data(stream, data);
    } else if (stream->phase < MSE_STREAM_FLUSHING) {
        mse_stream_touch(stream);
        take(stream, data);
    }
}

/* An end without close_notify may be an attacker's: it is no end that a handler is told of. */
static void on_end(struct mse_socket *socket, int status)
{
    struct mse_stream *stream = MSE_HOLDER(socket, struct mse_stream, socket);
    bool meant = status == 0 && stream->phase == MSE_STREAM_OPEN && stream->peer_ended;

    if (meant || (status == 0 && stream->phase == MSE_STREAM_FLUSHING))
        return;
    gone(stream);
}

const struct mse_socket_events mse_stream_socket_events = {
    .data = on_data, .end = on_end, .written = on_written, .closed = on_closed
};

/* ---- what handlers ask ---------------------------------------------------------------------- */

void mse_stream_set_handler(struct mse_stream *stream, const struct mse_stream_handler *handler,
                            void *context)
{
    retire_handler(stream);
    stream->handler = handler;
    stream->context = context;
    stream->paused = false;
    if (stream->phase == MSE_STREAM_OPEN)
        set_deadline(stream);
}

SSL *mse_stream_ssl(const struct mse_stream *stream)
{
    return stream->ssl;
}

const char *mse_stream_protocol(const struct mse_stream *stream)
{
    return stream->protocol != NULL ? stream->protocol : "";
}
