/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream socket on the loop: read into a buffer that all share, written at once; only what the
 * kernel does not take is copied and waits.
 */
#ifndef MSE_ENCLAVE_SOCKET_H
#define MSE_ENCLAVE_SOCKET_H

#include <uv.h>

#include "base/bytes.h"

/* One read: four TLS records' worth, so one write makes four (docs/architecture.md). */
#define MSE_SOCKET_READ_SIZE (64U << 10)

struct mse_socket;

struct mse_socket_events {
    void (*data)(struct mse_socket *socket, struct mse_bytes data);
    /* No more comes: status is 0 at the peer's end, or libuv's error. */
    void (*end)(struct mse_socket *socket, int status);
    /* Some of what waited was written, or (status) never will be. */
    void (*written)(struct mse_socket *socket, int status);
    /* The last call. */
    void (*closed)(struct mse_socket *socket);
};

struct mse_socket {
    uv_tcp_t tcp;
    const struct mse_socket_events *events;
    uint8_t *room;  /* MSE_SOCKET_READ_SIZE bytes, valid during one call of data */
    size_t waiting; /* bytes, with what it costs to keep them */
    bool reading, read_ended, write_failed, shut;
};

/* Ready for uv_accept or uv_tcp_open. False without memory. */
MSE_MUST_CHECK bool mse_socket_init(struct mse_socket *socket, uv_loop_t *loop,
                                    const struct mse_socket_events *events, uint8_t *room);
/* Starts or stops reading; costs nothing if that is as it was. */
void mse_socket_read(struct mse_socket *socket, bool on);
/* Copies what cannot be written now. False if the peer is gone or there is no memory. */
MSE_MUST_CHECK bool mse_socket_send(struct mse_socket *socket, struct mse_bytes data);
/* The peer reads the end after what was sent. Nothing may wait. */
void mse_socket_shut(struct mse_socket *socket);
/* reset: the peer is to see that this is not the end that was meant. May be called twice. */
void mse_socket_close(struct mse_socket *socket, bool reset);
bool mse_socket_is_closing(const struct mse_socket *socket);

/* Whether one more read would take what waits above the limit. */
static inline bool mse_socket_is_full(const struct mse_socket *socket, size_t limit)
{
    return socket->waiting > 0 && socket->waiting + MSE_SOCKET_READ_SIZE > limit;
}
/* Whether it is time to go on after that. Not at once: stopping and starting cost system calls. */
static inline bool mse_socket_has_room(const struct mse_socket *socket, size_t limit)
{
    return socket->waiting <= limit / 4 && !mse_socket_is_full(socket, limit);
}

#endif
