/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing on libuv's streams: uv_tcp_t takes any stream socket, a unix one as well. */
#include <stdlib.h>

#include <sys/socket.h>

#include "enclave/list.h"
#include "enclave/socket.h"

/* What the kernel did not take. */
struct block {
    uv_write_t request;
    size_t cost; /* of memory */
    uint8_t data[];
};

static struct mse_socket *of_handle(void *handle)
{
    return MSE_HOLDER(handle, struct mse_socket, tcp);
}

bool mse_socket_init(struct mse_socket *socket, uv_loop_t *loop,
                     const struct mse_socket_events *events, uint8_t *room)
{
    socket->events = events;
    socket->room = room;
    socket->waiting = 0;
    socket->reading = socket->read_ended = socket->write_failed = socket->shut = false;
    return uv_tcp_init(loop, &socket->tcp) == 0;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    *buf = uv_buf_init((char *)of_handle(handle)->room, MSE_SOCKET_READ_SIZE);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct mse_socket *socket = of_handle(stream);

    (void)buf;
    if (n > 0) {
        socket->events->data(socket, (struct mse_bytes){ socket->room, (size_t)n });
    } else if (n < 0) {
        mse_socket_read(socket, false);
        socket->read_ended = true;
        socket->events->end(socket, n == UV_EOF ? 0 : (int)n);
    }
}

void mse_socket_read(struct mse_socket *socket, bool on)
{
    if (socket->reading == on || socket->read_ended || mse_socket_is_closing(socket))
        return;
    socket->reading = on;
    if (!on)
        (void)uv_read_stop((uv_stream_t *)&socket->tcp);
    else if (uv_read_start((uv_stream_t *)&socket->tcp, on_alloc, on_read) != 0)
        socket->reading = false; /* not connected any more: writing will find out */
}

static void on_written(uv_write_t *request, int status)
{
    struct block *block = MSE_HOLDER(request, struct block, request);
    struct mse_socket *socket = of_handle(request->handle);

    socket->waiting -= block->cost;
    free(block);
    if (mse_socket_is_closing(socket))
        return;
    if (status != 0 && socket->write_failed)
        return; /* said already, for the block before */
    socket->write_failed = status != 0;
    socket->events->written(socket, status);
}

static bool wait_with(struct mse_socket *socket, struct mse_bytes rest)
{
    struct block *block = malloc(sizeof(*block) + rest.len);
    uv_buf_t buf;

    if (block == NULL)
        return false;
    block->cost = sizeof(*block) + rest.len;
    memcpy(block->data, rest.data, rest.len);
    buf = uv_buf_init((char *)block->data, (unsigned)rest.len);
    if (uv_write(&block->request, (uv_stream_t *)&socket->tcp, &buf, 1, on_written) != 0) {
        free(block);
        return false;
    }
    socket->waiting += block->cost;
    return true;
}

bool mse_socket_send(struct mse_socket *socket, struct mse_bytes data)
{
    if (socket->write_failed || socket->shut || mse_socket_is_closing(socket))
        return false;
    if (socket->waiting == 0 && data.len > 0) {
        uv_buf_t buf = uv_buf_init((char *)data.data, (unsigned)data.len);
        int n = uv_try_write((uv_stream_t *)&socket->tcp, &buf, 1);

        if (n < 0 && n != UV_EAGAIN) {
            socket->write_failed = true;
            return false;
        }
        if (n > 0) {
            data.data += n;
            data.len -= (size_t)n;
        }
    }
    if (data.len > 0 && !wait_with(socket, data)) {
        socket->write_failed = true;
        return false;
    }
    return true;
}

void mse_socket_shut(struct mse_socket *socket)
{
    uv_os_fd_t fd;

    if (socket->shut || mse_socket_is_closing(socket))
        return;
    socket->shut = true;
    if (uv_fileno((uv_handle_t *)&socket->tcp, &fd) == 0)
        (void)shutdown(fd, SHUT_WR);
}

static void on_closed(uv_handle_t *handle)
{
    struct mse_socket *socket = of_handle(handle);

    socket->events->closed(socket);
}

void mse_socket_close(struct mse_socket *socket, bool reset)
{
    if (mse_socket_is_closing(socket))
        return;
    /* Without a connection there is nothing to reset, and it fails. */
    if (!reset || uv_tcp_close_reset(&socket->tcp, on_closed) != 0)
        uv_close((uv_handle_t *)&socket->tcp, on_closed);
}

bool mse_socket_is_closing(const struct mse_socket *socket)
{
    return uv_is_closing((const uv_handle_t *)&socket->tcp) != 0;
}
