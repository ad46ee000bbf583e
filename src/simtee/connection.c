/* SPDX-License-Identifier: Apache-2.0 */
/* The life of one connection: handshake, request, reply, and again. */
#include "simtee/connection.h"

/* A client on the same machine needs milliseconds; people with a debugger need seconds. */
#define HANDSHAKE_MS 10000
#define READING_MS 10000 /* for the whole head, and between two requests */
#define WRITING_MS 30000
#define LINGERING_MS 1000

/* Steps before others get their turn: a client that pipelines may not hold the loop. */
#define TURNS 32

void mse_sim_connection_take(struct mse_sim_connection *c, int fd,
                             const struct mse_sim_service *service, int64_t now)
{
    memset(c, 0, sizeof(*c));
    if (!mse_sim_transport_take(fd, service->tls, &c->transport))
        return;
    c->state = MSE_SIM_STATE_HANDSHAKE;
    c->deadline = now + HANDSHAKE_MS;
    c->ready = true;
}

void mse_sim_connection_close(struct mse_sim_connection *c)
{
    mse_sim_transport_cleanup(&c->transport);
    mse_writer_cleanup(&c->out);
    c->state = MSE_SIM_STATE_FREE;
    c->ready = false;
}

static void start_reading(struct mse_sim_connection *c, int64_t now)
{
    c->state = MSE_SIM_STATE_READING;
    c->deadline = now + READING_MS;
}

static void start_lingering(struct mse_sim_connection *c, int64_t now)
{
    mse_sim_transport_finish(&c->transport);
    c->state = MSE_SIM_STATE_LINGERING;
    c->deadline = now + LINGERING_MS;
}

/* Out of memory while a reply is put together: the connection ends without one. */
static void start_writing(struct mse_sim_connection *c, int64_t now)
{
    if (!mse_writer_ok(&c->out)) {
        mse_sim_connection_close(c);
        return;
    }
    c->state = MSE_SIM_STATE_WRITING;
    c->deadline = now + WRITING_MS;
    c->out_at = 0;
}

static void refuse(struct mse_sim_connection *c, unsigned status, int64_t now)
{
    MSE_CLEANUP(mse_sim_reply_cleanup) struct mse_sim_reply reply = { 0 };

    mse_sim_reply_error(&reply, status);
    c->close_after = true;
    mse_sim_reply_write(&reply, true, false, &c->out);
    start_writing(c, now);
}

static void answer(struct mse_sim_connection *c, const struct mse_sim_service *service,
                   const struct mse_sim_request *request, bool last, int64_t now)
{
    MSE_CLEANUP(mse_sim_reply_cleanup) struct mse_sim_reply reply = { 0 };
    bool head = mse_bytes_equal_text(request->method, "HEAD");

    if (mse_bytes_equal_text(request->method, "GET") ||
        (head && strstr(service->methods, "HEAD") != NULL)) {
        service->answer(service->context, request, &reply);
    } else {
        mse_sim_reply_error(&reply, 405);
        mse_write_format(&reply.headers, "Allow: %s\r\n", service->methods);
    }
    c->close_after = last || !request->keep_alive;
    if (!mse_writer_ok(&reply.headers) || !mse_writer_ok(&reply.body))
        c->out.failed = true;
    mse_sim_reply_write(&reply, !head, !c->close_after, &c->out);
    start_writing(c, now);
}

/* A request in the buffer is answered; without one, more is read. */
static enum mse_sim_io read_request(struct mse_sim_connection *c,
                                    const struct mse_sim_service *service, bool last, int64_t now)
{
    struct mse_sim_request request;
    enum mse_sim_io io;
    size_t used, got;

    switch (mse_sim_request_parse((struct mse_bytes){ c->in, c->in_len }, &request, &used)) {
    case MSE_SIM_PARSE_DONE:
        answer(c, service, &request, last, now);
        memmove(c->in, c->in + used, c->in_len - used);
        c->in_len -= used;
        return MSE_SIM_IO_DONE;
    case MSE_SIM_PARSE_BAD:
        refuse(c, 400, now);
        return MSE_SIM_IO_DONE;
    case MSE_SIM_PARSE_MORE:
        break;
    }
    if (c->in_len == sizeof(c->in)) {
        refuse(c, 431, now);
        return MSE_SIM_IO_DONE;
    }
    io = mse_sim_transport_read(&c->transport, c->in + c->in_len, sizeof(c->in) - c->in_len, &got);
    c->in_len += got;
    return io;
}

static enum mse_sim_io write_reply(struct mse_sim_connection *c, int64_t now)
{
    struct mse_bytes rest = { c->out.data + c->out_at, c->out.len - c->out_at };
    enum mse_sim_io io;
    size_t done;

    io = mse_sim_transport_write(&c->transport, rest, &done);
    c->out_at += done;
    if (io != MSE_SIM_IO_DONE || c->out_at < c->out.len)
        return io;
    mse_writer_cleanup(&c->out);
    c->out = (struct mse_writer){ 0 };
    if (c->close_after)
        start_lingering(c, now);
    else
        start_reading(c, now);
    return MSE_SIM_IO_DONE;
}

static enum mse_sim_io handshake(struct mse_sim_connection *c, int64_t now)
{
    enum mse_sim_io io = mse_sim_transport_handshake(&c->transport);

    if (io == MSE_SIM_IO_DONE)
        start_reading(c, now);
    if (io == MSE_SIM_IO_ENDED)
        start_lingering(c, now); /* an alert is on its way */
    return io == MSE_SIM_IO_BLOCKED ? io : MSE_SIM_IO_DONE;
}

static enum mse_sim_io one_turn(struct mse_sim_connection *c, const struct mse_sim_service *service,
                                int64_t now, bool last)
{
    switch (c->state) {
    case MSE_SIM_STATE_HANDSHAKE:
        return handshake(c, now);
    case MSE_SIM_STATE_READING:
        return read_request(c, service, last, now);
    case MSE_SIM_STATE_WRITING:
        return write_reply(c, now);
    case MSE_SIM_STATE_LINGERING:
        return mse_sim_transport_discard(&c->transport);
    case MSE_SIM_STATE_FREE:
        break;
    }
    return MSE_SIM_IO_BLOCKED;
}

void mse_sim_connection_step(struct mse_sim_connection *c, const struct mse_sim_service *service,
                             int64_t now, bool last)
{
    c->ready = false;
    for (unsigned turn = 0; turn < TURNS && c->state != MSE_SIM_STATE_FREE; turn++) {
        enum mse_sim_io io = one_turn(c, service, now, last);

        if (io == MSE_SIM_IO_BLOCKED)
            return;
        if (io == MSE_SIM_IO_ENDED)
            mse_sim_connection_close(c);
    }
    c->ready = c->state != MSE_SIM_STATE_FREE;
}
