/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets by numeric address. */
#include "simtee/listen.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 128

/* "ADDRESS:PORT" or "[ADDRESS]:PORT". */
static bool split(const char *where, char host[static MSE_SIM_ADDRESS_SIZE], const char **port)
{
    const char *colon = strrchr(where, ':');
    size_t len = colon != NULL ? (size_t)(colon - where) : 0;
    bool bracketed = len >= 2 && where[0] == '[' && where[len - 1] == ']';

    if (len == 0 || len >= MSE_SIM_ADDRESS_SIZE || (!bracketed && memchr(where, ':', len) != NULL))
        return false;
    *port = colon + 1;
    if (**port == '\0' || strlen(*port) > 5 || strspn(*port, "0123456789") != strlen(*port))
        return false;
    (void)snprintf(host, MSE_SIM_ADDRESS_SIZE, "%.*s", (int)(bracketed ? len - 2 : len),
                   where + (bracketed ? 1 : 0));
    return true;
}

static bool resolve(const char *where, struct addrinfo **out, struct mse_error *err)
{
    const struct addrinfo hints = {
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
    };
    char host[MSE_SIM_ADDRESS_SIZE];
    const char *port;

    *out = NULL;
    if (split(where, host, &port) && getaddrinfo(host, port, &hints, out) == 0)
        return true;
    return mse_fail_text(err, MSE_ERR_USAGE, "address", "'%s' is not of the form ADDRESS:PORT",
                         where);
}

static bool name_of(int fd, char bound[static MSE_SIM_ADDRESS_SIZE])
{
    struct sockaddr_storage address = { 0 };
    socklen_t len = sizeof(address);
    char host[48], port[8];

    if (getsockname(fd, (struct sockaddr *)&address, &len) == -1 ||
        getnameinfo((struct sockaddr *)&address, len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return false;
    (void)snprintf(bound, MSE_SIM_ADDRESS_SIZE, address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s",
                   host, port);
    return true;
}

static bool open_socket(const struct addrinfo *address, int *fd)
{
    const int yes = 1;

    *fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return *fd != -1 && setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
           bind(*fd, address->ai_addr, address->ai_addrlen) == 0 && listen(*fd, BACKLOG) == 0;
}

bool mse_sim_listen(const char *where, int *fd, char bound[static MSE_SIM_ADDRESS_SIZE],
                    struct mse_error *err)
{
    struct addrinfo *address;
    const char *reason;
    bool ok;

    *fd = -1;
    bound[0] = '\0';
    if (!resolve(where, &address, err))
        return false;
    ok = open_socket(address, fd) && name_of(*fd, bound);
    reason = ok ? NULL : strerrordesc_np(errno);
    freeaddrinfo(address);
    if (ok)
        return true;
    if (*fd != -1)
        (void)close(*fd);
    *fd = -1;
    bound[0] = '\0';
    return mse_fail_text(err, MSE_ERR_IO, where, "cannot listen: %s",
                         reason != NULL ? reason : "unknown error");
}
