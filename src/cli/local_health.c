/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP/1.1 request at a time (RFC 9112), of whose answer only the status counts. */
#include "cli/local_health.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MS 5000U /* for one request */
#define REST_MS 200U    /* for the rest of a good answer: hanging up earlier looks like an error */
#define PAUSE_MS 100U   /* between two requests */
#define READS 16        /* at once: an answer may have no end */

void local_health_init(struct local_health *out, unsigned port, const char *path)
{
    *out = (struct local_health){ .port = port, .path = path, .fd = -1 };
    out->until = mse_deadline_in(0);
}

static void hang_up(struct local_health *health)
{
    if (health->fd != -1)
        (void)close(health->fd);
    health->fd = -1;
    health->reply_len = 0;
    health->has_status = false;
    health->until = mse_deadline_in(PAUSE_MS);
}

void local_health_cleanup(struct local_health *health)
{
    hang_up(health);
}

/* On the loopback a connection is there or refused at once, but for a full queue. */
static bool ask(struct local_health *health)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)health->port) };
    char request[2300]; /* a path has 2048 characters at most (docs/mse-toml.md) */
    struct timeval wait = { .tv_sec = 1 };
    int n = snprintf(request, sizeof(request),
                     "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: mse\r\nAccept: */*\r\n"
                     "Connection: close\r\n\r\n",
                     health->path, health->port);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    health->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (health->fd == -1 || n < 0 || (size_t)n >= sizeof(request))
        return false;
    if (setsockopt(health->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) != 0 ||
        connect(health->fd, (struct sockaddr *)&to, sizeof(to)) != 0 ||
        send(health->fd, request, (size_t)n, MSG_NOSIGNAL) != n)
        return false;
    health->until = mse_deadline_in(ANSWER_MS);
    return true;
}

/* "HTTP/1.1 204": the status, or 0. */
static int status_of(const struct local_health *health)
{
    const char *at = health->reply + strlen("HTTP/1.1 ");
    int status = 0;

    if (health->reply_len < strlen("HTTP/1.1 200") || memcmp(health->reply, "HTTP/1.", 7) != 0 ||
        health->reply[8] != ' ')
        return 0;
    for (int i = 0; i < 3; i++) {
        if (at[i] < '0' || at[i] > '9')
            return 0;
        status = status * 10 + (at[i] - '0');
    }
    return status;
}

static bool is_good(int status)
{
    return status >= 200 && status <= 299;
}

/* True when the answer is over. */
static bool read_answer(struct local_health *health)
{
    for (int i = 0; i < READS; i++) {
        char rest[4096];
        size_t room = sizeof(health->reply) - health->reply_len;
        ssize_t n = recv(health->fd, rest, sizeof(rest), MSG_DONTWAIT);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return false;
        if (n <= 0)
            return true;
        room = room < (size_t)n ? room : (size_t)n;
        memcpy(health->reply + health->reply_len, rest, room);
        health->reply_len += (unsigned)room;
    }
    return false;
}

bool local_health_step(struct local_health *health)
{
    const bool late = mse_deadline_left(&health->until) == 0;
    bool over;
    int status;

    if (health->fd == -1) {
        if (late && !ask(health))
            hang_up(health);
        return false;
    }
    over = read_answer(health);
    status = status_of(health);
    if (status != 0 && !health->has_status && !late)
        health->until = mse_deadline_in(REST_MS);
    if (status != 0)
        health->answer = status;
    health->has_status = status != 0;
    if (!over && !late)
        return false;
    hang_up(health);
    return is_good(status);
}
