/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to the app: sockets that the keeper made in its network namespace, kept in stock. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "enclave/app_private.h"

#define LOW 16            /* fewer than these: new ones are asked for */
#define MAX_WAITING 16384 /* for a socket; more than the front has connections */
#define CONNECT_MS 10000  /* an app that accepts nothing has a full queue */

struct mse_app_waiting {
    struct mse_app_waiting *next;
    void (*done)(void *context, int fd);
    void *context;
};

/* A connection that was not there at once. */
struct mse_app_under_way {
    struct mse_app_under_way *next, **at; /* in the pool's list */
    uv_poll_t poll;
    uv_timer_t deadline;
    int fd, open_handles;
    void (*done)(void *context, int fd);
    void *context;
};

static int take_stock(struct mse_app_pool *pool)
{
    return pool->count > 0 ? pool->fds[--pool->count] : -1;
}

/* ---- connect ---- */

static void handle_closed(uv_handle_t *handle)
{
    struct mse_app_under_way *c = handle->data;

    if (--c->open_handles > 0)
        return;
    free(c);
}

/* The socket may be closed or used by another as soon as its poll handle is stopped. */
static void finish(struct mse_app_under_way *c, bool ok)
{
    const int fd = c->fd;
    void (*const done)(void *context, int fd) = c->done;
    void *const context = c->context;

    *c->at = c->next;
    if (c->next != NULL)
        c->next->at = c->at;
    (void)uv_poll_stop(&c->poll);
    uv_close((uv_handle_t *)&c->poll, handle_closed);
    uv_close((uv_handle_t *)&c->deadline, handle_closed);
    if (!ok)
        (void)close(fd);
    done(context, ok ? fd : -1);
}

static void is_writable(uv_poll_t *poll, int status, int events)
{
    struct mse_app_under_way *c = poll->data;
    int error = 0;
    socklen_t len = sizeof(error);

    (void)events;
    finish(c,
           status == 0 && getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0);
}

static void is_late(uv_timer_t *timer)
{
    finish(timer->data, false);
}

static bool watch(struct mse_app_pool *pool, int fd, void (*done)(void *context, int fd),
                  void *context)
{
    struct mse_app_under_way *c = calloc(1, sizeof(*c));

    if (c == NULL || uv_poll_init(pool->loop, &c->poll, fd) != 0) {
        free(c);
        return false;
    }
    c->next = pool->under_way;
    c->at = &pool->under_way;
    if (c->next != NULL)
        c->next->at = &c->next;
    pool->under_way = c;
    c->fd = fd;
    c->done = done;
    c->context = context;
    c->open_handles = 2;
    c->poll.data = c->deadline.data = c;
    (void)uv_timer_init(pool->loop, &c->deadline);
    (void)uv_timer_start(&c->deadline, is_late, CONNECT_MS, 0);
    (void)uv_poll_start(&c->poll, UV_WRITABLE, is_writable);
    return true;
}

/* On loopback the handshake is over when connect returns, only that it says otherwise: the second
 * call hears the result. */
static int try_connect(int fd)
{
    const struct sockaddr_in to = { .sin_family = AF_INET,
                                    .sin_port = htons(MSE_APP_PORT),
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

    if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return errno;
    return connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0 ? 0 : errno;
}

static void connect_with(struct mse_app_pool *pool, int fd, void (*done)(void *context, int fd),
                         void *context)
{
    const int error = try_connect(fd);

    if (error == 0) {
        done(context, fd);
        return;
    }
    if ((error == EALREADY || error == EINPROGRESS) && watch(pool, fd, done, context))
        return;
    (void)close(fd);
    done(context, -1);
}

/* ---- stock ---- */

void mse_app_pool_init(struct mse_app_pool *pool, uv_loop_t *loop, struct mse_app_keeper *keeper)
{
    *pool = (struct mse_app_pool){ .loop = loop, .keeper = keeper };
    pool->last = &pool->first;
}

static struct mse_app_waiting *next_waiting(struct mse_app_pool *pool)
{
    struct mse_app_waiting *w = pool->first;

    if (w == NULL)
        return NULL;
    pool->first = w->next;
    if (pool->first == NULL)
        pool->last = &pool->first;
    pool->waiting--;
    return w;
}

static void refuse_waiting(struct mse_app_pool *pool)
{
    struct mse_app_waiting *w;

    while ((w = next_waiting(pool)) != NULL) {
        w->done(w->context, -1);
        free(w);
    }
}

void mse_app_pool_cleanup(struct mse_app_pool *pool)
{
    int fd;

    refuse_waiting(pool);
    while (pool->under_way != NULL)
        finish(pool->under_way, false);
    while ((fd = take_stock(pool)) != -1)
        (void)close(fd);
}

void mse_app_pool_refill(struct mse_app_pool *pool)
{
    const struct mse_wire message = { .kind = MSE_WIRE_CONNECT, .value = MSE_APP_REFILL };

    if (pool->asked || pool->count >= LOW || !pool->keeper->launch.isolate || pool->keeper->gone)
        return;
    pool->asked = mse_wire_send(pool->keeper->socket, &message, MSG_DONTWAIT);
}

void mse_app_pool_add(struct mse_app_pool *pool, struct mse_wire *message)
{
    struct mse_app_waiting *w;
    const unsigned came = message->fd_count;

    pool->asked = false;
    for (unsigned i = 0; i < message->fd_count && pool->count < MSE_APP_POOL; i++) {
        pool->fds[pool->count++] = message->fds[i];
        message->fds[i] = -1;
    }
    mse_wire_cleanup(message);
    if (came == 0)
        refuse_waiting(pool); /* the keeper has no descriptors left */
    while (pool->count > 0 && (w = next_waiting(pool)) != NULL) {
        connect_with(pool, take_stock(pool), w->done, w->context);
        free(w);
    }
    if (pool->first != NULL)
        mse_app_pool_refill(pool);
}

static bool wait_for_socket(struct mse_app_pool *pool, void (*done)(void *context, int fd),
                            void *context)
{
    struct mse_app_waiting *w;

    if (!pool->asked || pool->waiting >= MAX_WAITING)
        return false;
    w = calloc(1, sizeof(*w));
    if (w == NULL)
        return false;
    w->done = done;
    w->context = context;
    *pool->last = w;
    pool->last = &w->next;
    pool->waiting++;
    return true;
}

/* Not isolated: the runtime shares the app's network. */
static int own_socket(void)
{
    const int yes = 1;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd != -1)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    return fd;
}

void mse_app_pool_connect(struct mse_app_pool *pool, void (*done)(void *context, int fd),
                          void *context)
{
    const int fd = pool->keeper->launch.isolate ? take_stock(pool) : own_socket();

    mse_app_pool_refill(pool);
    if (fd != -1)
        connect_with(pool, fd, done, context);
    else if (!wait_for_socket(pool, done, context))
        done(context, -1);
}
