/* SPDX-License-Identifier: Apache-2.0 */
/* The one loop: listeners, their connections, deadlines, an orderly end. */
#include "simtee/server.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "simtee/connection.h"
#include "simtee/listen.h"

#define DRAIN_MS 5000
/* Connections taken before those that are there get their turn. */
#define ACCEPT_BURST 16
/* After running out of descriptors: long enough to save the processor, short enough for people. */
#define ACCEPT_PAUSE_MS 100

struct listener {
    int fd; /* -1: no longer listening */
    struct mse_sim_service service;
    int64_t pause_until;
    struct mse_sim_connection connections[MSE_SIM_MAX_CONNECTIONS];
};

struct mse_sim_server {
    int64_t (*now_ms)(void);
    struct listener listeners[MSE_SIM_MAX_LISTENERS];
    size_t count;
    bool draining;
    int64_t drain_until;
};

/* One slot for each thing to wait for, in a fixed order. */
#define SLOTS (1 + MSE_SIM_MAX_LISTENERS * (1 + MSE_SIM_MAX_CONNECTIONS))

bool mse_sim_server_new(int64_t (*now_ms)(void), struct mse_sim_server **out, struct mse_error *err)
{
    *out = calloc(1, sizeof(**out));
    if (*out == NULL)
        return mse_fail_memory(err);
    (*out)->now_ms = now_ms;
    return true;
}

static void stop_listening(struct listener *listener)
{
    if (listener->fd != -1)
        (void)close(listener->fd);
    listener->fd = -1;
}

void mse_sim_server_free(struct mse_sim_server *server)
{
    if (server == NULL)
        return;
    for (size_t i = 0; i < server->count; i++) {
        struct listener *listener = &server->listeners[i];

        stop_listening(listener);
        for (size_t k = 0; k < MSE_SIM_MAX_CONNECTIONS; k++) {
            if (listener->connections[k].state != MSE_SIM_STATE_FREE)
                mse_sim_connection_close(&listener->connections[k]);
        }
    }
    free(server);
}

bool mse_sim_server_listen(struct mse_sim_server *server, const char *where,
                           const struct mse_sim_service *service,
                           char bound[static MSE_SIM_ADDRESS_SIZE], struct mse_error *err)
{
    struct listener *listener;

    bound[0] = '\0';
    if (server->count == MSE_SIM_MAX_LISTENERS)
        return mse_fail(err, MSE_ERR_LIMIT, 0, "listeners");
    listener = &server->listeners[server->count];
    listener->service = *service;
    if (!mse_sim_listen(where, &listener->fd, bound, err))
        return false;
    server->count++;
    return true;
}

/*
 * With a full house the one that has waited longest for its peer goes. Who talks is done within
 * milliseconds, so this meets those who only hold a place.
 */
static struct mse_sim_connection *find_place(struct listener *listener)
{
    struct mse_sim_connection *oldest = NULL;

    for (size_t i = 0; i < MSE_SIM_MAX_CONNECTIONS; i++) {
        struct mse_sim_connection *c = &listener->connections[i];

        if (c->state == MSE_SIM_STATE_FREE)
            return c;
        if (c->state != MSE_SIM_STATE_WRITING && (oldest == NULL || c->deadline < oldest->deadline))
            oldest = c;
    }
    if (oldest != NULL)
        mse_sim_connection_close(oldest);
    return oldest;
}

static void accept_some(struct listener *listener, int64_t now)
{
    for (unsigned i = 0; i < ACCEPT_BURST; i++) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        struct mse_sim_connection *place;

        if (fd == -1) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                listener->pause_until = now + ACCEPT_PAUSE_MS;
            return;
        }
        place = find_place(listener);
        if (place == NULL)
            (void)close(fd);
        else
            mse_sim_connection_take(place, fd, &listener->service, now);
    }
}

/* ---- waiting ------------------------------------------------------------------------------ */

static void sooner(int64_t *timeout, int64_t ms)
{
    if (ms < 0)
        ms = 0;
    if (*timeout == -1 || ms < *timeout)
        *timeout = ms;
}

static void prepare_listener(const struct listener *listener, int64_t now, struct pollfd *slots,
                             int64_t *timeout)
{
    bool paused = listener->pause_until > now;

    slots[0] = (struct pollfd){ .fd = paused ? -1 : listener->fd, .events = POLLIN };
    if (paused)
        sooner(timeout, listener->pause_until - now);
    for (size_t i = 0; i < MSE_SIM_MAX_CONNECTIONS; i++) {
        const struct mse_sim_connection *c = &listener->connections[i];

        slots[1 + i] = (struct pollfd){ .fd = -1 };
        if (c->state == MSE_SIM_STATE_FREE)
            continue;
        slots[1 + i] = (struct pollfd){ .fd = c->transport.fd, .events = c->transport.events };
        sooner(timeout, c->ready ? 0 : c->deadline - now);
    }
}

/* Returns the time to wait in milliseconds, -1 without end. */
static int64_t prepare(const struct mse_sim_server *server, int stop_fd, int64_t now,
                       struct pollfd slots[static SLOTS], size_t *used)
{
    int64_t timeout = -1;

    slots[0] = (struct pollfd){ .fd = server->draining ? -1 : stop_fd, .events = POLLIN };
    *used = 1;
    if (server->draining)
        sooner(&timeout, server->drain_until - now);
    for (size_t i = 0; i < server->count; i++) {
        prepare_listener(&server->listeners[i], now, slots + *used, &timeout);
        *used += 1 + MSE_SIM_MAX_CONNECTIONS;
    }
    return timeout;
}

/* ---- working ------------------------------------------------------------------------------ */

static void serve_listener(struct mse_sim_server *server, struct listener *listener,
                           const struct pollfd *slots, int64_t now)
{
    for (size_t i = 0; i < MSE_SIM_MAX_CONNECTIONS; i++) {
        struct mse_sim_connection *c = &listener->connections[i];

        if (c->state == MSE_SIM_STATE_FREE)
            continue;
        if (slots[1 + i].revents != 0 || c->ready)
            mse_sim_connection_step(c, &listener->service, now, server->draining);
        if (c->state != MSE_SIM_STATE_FREE && c->deadline <= now)
            mse_sim_connection_close(c);
    }
    if (listener->fd != -1 && slots[0].revents != 0)
        accept_some(listener, now);
}

/* Nothing new is taken; who has sent nothing since the last reply has nothing under way. */
static void start_draining(struct mse_sim_server *server, int64_t now)
{
    server->draining = true;
    server->drain_until = now + DRAIN_MS;
    for (size_t i = 0; i < server->count; i++) {
        struct listener *listener = &server->listeners[i];

        stop_listening(listener);
        for (size_t k = 0; k < MSE_SIM_MAX_CONNECTIONS; k++) {
            struct mse_sim_connection *c = &listener->connections[k];

            if (c->state == MSE_SIM_STATE_HANDSHAKE ||
                (c->state == MSE_SIM_STATE_READING && c->in_len == 0))
                mse_sim_connection_close(c);
        }
    }
}

static bool has_connections(const struct mse_sim_server *server)
{
    for (size_t i = 0; i < server->count; i++) {
        for (size_t k = 0; k < MSE_SIM_MAX_CONNECTIONS; k++) {
            if (server->listeners[i].connections[k].state != MSE_SIM_STATE_FREE)
                return true;
        }
    }
    return false;
}

bool mse_sim_server_run(struct mse_sim_server *server, int stop_fd, struct mse_error *err)
{
    struct pollfd slots[SLOTS];
    int64_t now = server->now_ms();

    while (!server->draining || (has_connections(server) && now < server->drain_until)) {
        size_t used;
        int64_t timeout = prepare(server, stop_fd, now, slots, &used);

        if (poll(slots, used, timeout > INT32_MAX ? INT32_MAX : (int)timeout) == -1) {
            if (errno != EINTR)
                return mse_fail_text(err, MSE_ERR_IO, "poll", "cannot wait for connections");
            now = server->now_ms();
            continue;
        }
        now = server->now_ms();
        for (size_t i = 0; i < server->count; i++)
            serve_listener(server, &server->listeners[i],
                           slots + 1 + i * (1 + MSE_SIM_MAX_CONNECTIONS), now);
        if (!server->draining && slots[0].revents != 0)
            start_draining(server, now);
    }
    return true;
}
