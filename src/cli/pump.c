/* SPDX-License-Identifier: Apache-2.0 */
/* The two directions of a connection, each with one buffer and an end of its own. */
#include "cli/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>

#define CHUNK 16384

struct pump {
    SSL *ssl;
    int in, out;
    char to_peer[CHUNK]; /* filled to at */
    int len, at;
    bool in_ended;   /* nothing more to read */
    bool told;       /* and the peer knows */
    bool peer_ended; /* close_notify came */
    bool gone;       /* and it takes nothing any more */
    bool read_wants_write, write_wants_read;
    struct mse_error *err;
};

/* After an orderly end of its own a peer may go at any time. */
static bool tls_failed(struct pump *p, int why)
{
    char text[256] = "the peer cut the connection";

    if (why == SSL_ERROR_SSL &&
        ERR_GET_REASON(ERR_peek_last_error()) != SSL_R_UNEXPECTED_EOF_WHILE_READING)
        ERR_error_string_n(ERR_peek_last_error(), text, sizeof(text));
    ERR_clear_error();
    p->gone = true;
    return p->peer_ended || mse_fail_text(p->err, MSE_ERR_TLS, "connection", "%s", text);
}

static bool write_out(struct pump *p, const char *data, int len)
{
    while (len > 0) {
        ssize_t n = write(p->out, data, (size_t)len);

        if (n > 0) {
            data += n;
            len -= (int)n;
        } else if (errno == EAGAIN) {
            struct pollfd wait = { p->out, POLLOUT, 0 };

            (void)poll(&wait, 1, -1); /* as long as whoever reads it takes */
        } else if (errno != EINTR) {
            return mse_fail_errno(p->err, "standard output", "cannot be written", errno);
        }
    }
    return true;
}

/* Whoever reads it sees the end; the number stays taken. */
static bool close_out(struct pump *p)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    bool ok = null != -1 && dup2(null, p->out) != -1;

    if (null != -1)
        (void)close(null);
    return ok || mse_fail_errno(p->err, "standard output", "cannot be closed", errno);
}

/* All that is there. */
static bool from_peer(struct pump *p)
{
    char data[CHUNK];

    p->read_wants_write = false;
    while (!p->peer_ended) {
        int n, why;

        ERR_clear_error();
        n = SSL_read(p->ssl, data, sizeof(data));
        if (n > 0) {
            if (!write_out(p, data, n))
                return false;
            continue;
        }
        why = SSL_get_error(p->ssl, n);
        if (why == SSL_ERROR_WANT_READ)
            return true;
        if (why == SSL_ERROR_WANT_WRITE) {
            p->read_wants_write = true;
            return true;
        }
        if (why != SSL_ERROR_ZERO_RETURN)
            return tls_failed(p, why);
        p->peer_ended = true;
        return close_out(p);
    }
    return true;
}

static bool end_of_input(struct pump *p)
{
    int n;

    ERR_clear_error();
    n = SSL_shutdown(p->ssl);
    if (n < 0) {
        int why = SSL_get_error(p->ssl, n);

        if (why != SSL_ERROR_WANT_WRITE && why != SSL_ERROR_WANT_READ)
            return tls_failed(p, why);
        p->write_wants_read = why == SSL_ERROR_WANT_READ;
        return true;
    }
    p->told = true;
    return true;
}

/* What has been read from in, then its end. */
static bool to_peer(struct pump *p)
{
    p->write_wants_read = false;
    while (p->at < p->len) {
        int n, why;

        ERR_clear_error();
        n = SSL_write(p->ssl, p->to_peer + p->at, p->len - p->at);
        if (n > 0) {
            p->at += n;
            continue;
        }
        why = SSL_get_error(p->ssl, n);
        if (why != SSL_ERROR_WANT_WRITE && why != SSL_ERROR_WANT_READ)
            return tls_failed(p, why);
        p->write_wants_read = why == SSL_ERROR_WANT_READ;
        return true;
    }
    return !p->in_ended || p->told || end_of_input(p);
}

static bool from_in(struct pump *p)
{
    ssize_t n = read(p->in, p->to_peer, sizeof(p->to_peer));

    if (n < 0 && errno != EAGAIN && errno != EINTR)
        return mse_fail_errno(p->err, "standard input", "cannot be read", errno);
    p->in_ended = n == 0;
    p->at = 0;
    p->len = n > 0 ? (int)n : 0;
    return to_peer(p);
}

static bool has_to_send(const struct pump *p)
{
    return p->at < p->len || (p->in_ended && !p->told);
}

static bool turn(struct pump *p)
{
    bool sends = has_to_send(p);
    short events = p->peer_ended ? 0 : POLLIN;
    struct pollfd wait[2];

    if ((sends && !p->write_wants_read) || p->read_wants_write)
        events |= POLLOUT;
    wait[0] = (struct pollfd){ SSL_get_fd(p->ssl), events, 0 };
    wait[1] = (struct pollfd){ sends || p->in_ended ? -1 : p->in, POLLIN, 0 };
    if (poll(wait, 2, -1) < 0)
        return errno == EINTR ||
               mse_fail_errno(p->err, "connection", "cannot be waited for", errno);
    if (p->peer_ended && (wait[0].revents & (POLLERR | POLLHUP)) != 0)
        p->gone = true;
    if (wait[0].revents != 0 && (!from_peer(p) || (sends && !to_peer(p))))
        return false;
    return p->gone || wait[1].revents == 0 || from_in(p);
}

bool pump(SSL *ssl, int in, int out, struct mse_error *err)
{
    struct pump p = { .ssl = ssl, .in = in, .out = out, .err = err };
    struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
    bool ok;

    /* A peer or a reader that goes away is an error of that call, not the end of the program. */
    if (sigaction(SIGPIPE, &ignore, &before) != 0)
        return mse_fail_errno(err, "connection", "cannot be set up", errno);
    (void)SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    ok = from_peer(&p);
    while (ok && !p.gone && !(p.peer_ended && p.told))
        ok = turn(&p);
    (void)sigaction(SIGPIPE, &before, NULL);
    return ok;
}
