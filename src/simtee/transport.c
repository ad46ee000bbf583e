/* SPDX-License-Identifier: Apache-2.0 */
/* One non-blocking connection, plain or TLS, behind the same four calls. */
#include "simtee/transport.h"

#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

bool mse_sim_transport_take(int fd, SSL_CTX *context, struct mse_sim_transport *out)
{
    *out = (struct mse_sim_transport){ .fd = fd, .events = POLLIN };
    if (context == NULL)
        return true;
    out->tls = SSL_new(context);
    if (out->tls != NULL && SSL_set_fd(out->tls, fd) == 1) {
        SSL_set_accept_state(out->tls);
        return true;
    }
    ERR_clear_error();
    mse_sim_transport_cleanup(out);
    return false;
}

/* What a TLS call that did not succeed means for the loop. */
static enum mse_sim_io tls_result(struct mse_sim_transport *t, int result)
{
    switch (SSL_get_error(t->tls, result)) {
    case SSL_ERROR_WANT_READ:
        t->events = POLLIN;
        return MSE_SIM_IO_BLOCKED;
    case SSL_ERROR_WANT_WRITE:
        t->events = POLLOUT;
        return MSE_SIM_IO_BLOCKED;
    default:
        ERR_clear_error();
        return MSE_SIM_IO_ENDED;
    }
}

static enum mse_sim_io plain_result(struct mse_sim_transport *t, short events)
{
    if (errno != EAGAIN && errno != EINTR)
        return MSE_SIM_IO_ENDED;
    t->events = events;
    return MSE_SIM_IO_BLOCKED;
}

enum mse_sim_io mse_sim_transport_handshake(struct mse_sim_transport *t)
{
    int result;

    if (t->tls == NULL)
        return MSE_SIM_IO_DONE;
    ERR_clear_error();
    result = SSL_do_handshake(t->tls);
    return result == 1 ? MSE_SIM_IO_DONE : tls_result(t, result);
}

enum mse_sim_io mse_sim_transport_read(struct mse_sim_transport *t, uint8_t *out, size_t room,
                                       size_t *got)
{
    ssize_t n;
    int result;

    *got = 0;
    if (t->tls != NULL) {
        ERR_clear_error();
        result = SSL_read_ex(t->tls, out, room, got);
        return result == 1 ? MSE_SIM_IO_DONE : tls_result(t, result);
    }
    n = recv(t->fd, out, room, 0);
    if (n == 0)
        return MSE_SIM_IO_ENDED;
    if (n == -1)
        return plain_result(t, POLLIN);
    *got = (size_t)n;
    return MSE_SIM_IO_DONE;
}

enum mse_sim_io mse_sim_transport_write(struct mse_sim_transport *t, struct mse_bytes data,
                                        size_t *done)
{
    ssize_t n;
    int result;

    *done = 0;
    if (t->tls != NULL) {
        ERR_clear_error();
        result = SSL_write_ex(t->tls, data.data, data.len, done);
        return result == 1 ? MSE_SIM_IO_DONE : tls_result(t, result);
    }
    n = send(t->fd, data.data, data.len, MSG_NOSIGNAL);
    if (n == -1)
        return plain_result(t, POLLOUT);
    *done = (size_t)n;
    return MSE_SIM_IO_DONE;
}

void mse_sim_transport_finish(struct mse_sim_transport *t)
{
    if (t->tls != NULL && SSL_is_init_finished(t->tls)) {
        ERR_clear_error();
        (void)SSL_shutdown(t->tls);
    }
    ERR_clear_error();
    (void)shutdown(t->fd, SHUT_WR);
    t->events = POLLIN;
}

/* Below TLS on purpose: nobody reads what is thrown away. */
enum mse_sim_io mse_sim_transport_discard(struct mse_sim_transport *t)
{
    uint8_t waste[4096];
    ssize_t n = recv(t->fd, waste, sizeof(waste), 0);

    if (n == 0)
        return MSE_SIM_IO_ENDED;
    return n == -1 ? plain_result(t, POLLIN) : MSE_SIM_IO_DONE;
}

void mse_sim_transport_cleanup(struct mse_sim_transport *t)
{
    SSL_free(t->tls);
    t->tls = NULL;
    if (t->fd != -1)
        (void)close(t->fd);
    t->fd = -1;
}
