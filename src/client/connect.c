/* SPDX-License-Identifier: Apache-2.0 */
/* TCP connection with a deadline over all of it: name look-up, each address, the proxy's answer. */
#include "client/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROXY_REPLY_MAX 8192

/* getaddrinfo has no deadline of its own: it runs beside us, and is abandoned when time is up. */
struct lookup {
    struct gaicb request;
    struct gaicb *list[1];
    struct addrinfo hints;
    struct mse_target target;
};

static bool resolve(const struct mse_target *target, const struct mse_deadline *deadline,
                    struct addrinfo **out, struct mse_error *err)
{
    struct lookup *l = calloc(1, sizeof(*l));
    struct timespec left;
    int status;

    *out = NULL;
    if (l == NULL)
        return mse_fail_memory(err);
    l->target = *target;
    l->hints.ai_socktype = SOCK_STREAM;
    l->hints.ai_flags = target->is_address ? AI_NUMERICHOST : 0;
    l->request.ar_name = l->target.host;
    l->request.ar_service = l->target.port;
    l->request.ar_request = &l->hints;
    l->list[0] = &l->request;
    status = getaddrinfo_a(GAI_NOWAIT, l->list, 1, NULL);
    if (status == 0) {
        for (;;) {
            int ms = mse_deadline_left(deadline);

            left = (struct timespec){ ms / 1000, ms % 1000 * 1000000L };
            status = gai_error(&l->request);
            if (status != EAI_INPROGRESS || ms == 0)
                break;
            (void)gai_suspend((const struct gaicb *const *)l->list, 1, &left);
        }
    }
    if (status == EAI_INPROGRESS) {
        /* The resolver's thread may still write to *l, unless it can be called off. */
        if (gai_cancel(&l->request) == EAI_CANCELED)
            free(l);
        return mse_fail_text(err, MSE_ERR_TIMEOUT, target->host, "name look-up timed out");
    }
    *out = l->request.ar_result;
    free(l);
    if (status != 0)
        return mse_fail_text(err, MSE_ERR_NETWORK, target->host, "%s", gai_strerror(status));
    return true;
}

/* Waits for events. False with MSE_ERR_TIMEOUT when the deadline passes first. */
static bool wait_for(int fd, short events, const struct mse_deadline *deadline, const char *what,
                     struct mse_error *err)
{
    for (;;) {
        struct pollfd p = { fd, events, 0 };
        int left = mse_deadline_left(deadline);
        int n = left > 0 ? poll(&p, 1, left) : 0;

        if (n > 0)
            return true;
        if (n == 0)
            return mse_fail_text(err, MSE_ERR_TIMEOUT, what, "timed out");
        if (errno != EINTR)
            return mse_fail_text(err, MSE_ERR_NETWORK, what, "%s", strerror(errno));
    }
}

static int connect_one(const struct addrinfo *a, const struct mse_deadline *deadline,
                       const char *what, struct mse_error *err)
{
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int status = 0, one = 1;
    socklen_t len = sizeof(status);

    if (fd == -1) {
        (void)mse_fail_text(err, MSE_ERR_NETWORK, what, "%s", strerror(errno));
        return -1;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
        return fd;
    if (errno != EINPROGRESS)
        status = errno;
    else if (!wait_for(fd, POLLOUT, deadline, what, err) ||
             getsockopt(fd, SOL_SOCKET, SO_ERROR, &status, &len) != 0)
        status = status != 0 ? status : ETIMEDOUT;
    if (status == 0)
        return fd;
    (void)mse_fail_text(err, MSE_ERR_NETWORK, what, "%s", strerror(status));
    (void)close(fd);
    return -1;
}

static bool send_all(int fd, const char *text, size_t len, const struct mse_deadline *deadline,
                     struct mse_error *err)
{
    while (len > 0) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

        if (n > 0) {
            text += n;
            len -= (size_t)n;
        } else if (errno == EAGAIN) {
            if (!wait_for(fd, POLLOUT, deadline, "proxy", err))
                return false;
        } else if (errno != EINTR) {
            return mse_fail_text(err, MSE_ERR_NETWORK, "proxy", "%s", strerror(errno));
        }
    }
    return true;
}

/* Reads up to the empty line, one byte at a time: what follows it belongs to TLS. */
static bool read_reply(int fd, char *reply, const struct mse_deadline *deadline,
                       struct mse_error *err)
{
    size_t len = 0;

    while (len < 4 || memcmp(reply + len - 4, "\r\n\r\n", 4) != 0) {
        ssize_t n;

        if (len + 1 >= PROXY_REPLY_MAX)
            return mse_fail_text(err, MSE_ERR_NETWORK, "proxy", "answer too long");
        n = recv(fd, reply + len, 1, 0);
        if (n == 1) {
            len++;
        } else if (n == 0) {
            return mse_fail_text(err, MSE_ERR_NETWORK, "proxy", "closed the connection");
        } else if (errno == EAGAIN) {
            if (!wait_for(fd, POLLIN, deadline, "proxy", err))
                return false;
        } else if (errno != EINTR) {
            return mse_fail_text(err, MSE_ERR_NETWORK, "proxy", "%s", strerror(errno));
        }
    }
    reply[len] = '\0';
    return true;
}

static bool proxy_connect(int fd, const struct mse_target *target,
                          const struct mse_deadline *deadline, struct mse_error *err)
{
    char text[PROXY_REPLY_MAX];
    bool v6 = strchr(target->host, ':') != NULL;
    char where[280];
    int n;

    (void)snprintf(where, sizeof(where), v6 ? "[%s]:%s" : "%s:%s", target->host, target->port);
    n = snprintf(text, sizeof(text), "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", where, where);
    if (!send_all(fd, text, (size_t)n, deadline, err) || !read_reply(fd, text, deadline, err))
        return false;
    if (strncmp(text, "HTTP/1.", 7) != 0 || strncmp(text + 8, " 2", 2) != 0 ||
        strspn(text + 9, "0123456789") != 3)
        return mse_fail_text(err, MSE_ERR_NETWORK, "proxy", "refused to connect to %s: %.40s",
                             where, text);
    return true;
}

bool mse_tcp_connect(const struct mse_target *target, const struct mse_target *proxy,
                     const struct mse_deadline *deadline, int *fd, struct mse_error *err)
{
    const struct mse_target *first = proxy != NULL ? proxy : target;
    struct mse_error attempt = { 0 };
    struct addrinfo *list = NULL;
    unsigned addresses = 0;

    *fd = -1;
    if (!resolve(first, deadline, &list, err))
        return false;
    for (const struct addrinfo *a = list; a != NULL; a = a->ai_next)
        addresses++;
    /* An address that does not answer leaves time for the next. */
    for (const struct addrinfo *a = list; a != NULL && *fd == -1; a = a->ai_next) {
        struct mse_deadline share = mse_deadline_share(deadline, addresses--);

        *fd = connect_one(a, &share, first->host, &attempt);
    }
    freeaddrinfo(list);
    if (*fd == -1) {
        *err = attempt;
        return mse_fail_text(err, MSE_ERR_NETWORK, first->host, "has no address");
    }
    if (proxy == NULL || proxy_connect(*fd, target, deadline, err))
        return true;
    (void)close(*fd);
    *fd = -1;
    return false;
}
