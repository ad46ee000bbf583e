/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process above the app: starts it, reaps what it leaves behind, makes sockets in its network
 * namespace. Isolated it is the first process of the pid namespace: nothing of the app outlives it.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "enclave/app_launch.h"

struct init {
    const struct mse_app_launch *launch;
    int socket;
    pid_t app; /* 0: none runs */
};

static bool say(const struct init *init, enum mse_wire_kind kind, int value)
{
    const struct mse_wire message = { .kind = kind, .value = value };

    return mse_wire_send(init->socket, &message, 0);
}

/* ---- start ---- */

/* True once the app was executed, which closes the pipe. */
static bool was_executed(int status)
{
    char byte;
    ssize_t n;

    do
        n = read(status, &byte, 1);
    while (n == -1 && errno == EINTR);
    return n == 0;
}

static bool fork_app(struct init *init, int output, struct mse_error *err)
{
    int status[2];
    bool executed;

    if (pipe2(status, O_CLOEXEC) == -1)
        return mse_fail_errno(err, "pipe", "cannot make", errno);
    init->app = fork();
    if (init->app == 0)
        mse_app_exec(init->launch, output, status[1]);
    (void)close(status[1]);
    if (init->app == -1) {
        init->app = 0;
        (void)close(status[0]);
        return mse_fail_errno(err, "process", "cannot make", errno);
    }
    executed = was_executed(status[0]);
    (void)close(status[0]);
    if (executed)
        return true;
    /* It has said why. */
    (void)waitpid(init->app, NULL, 0);
    init->app = 0;
    return mse_fail(err, MSE_ERR_IO, 0, "app");
}

/* The file that comes along for this bit, or -1. */
static int file_of(const struct mse_wire *message, int bit)
{
    unsigned at = 1;

    if ((message->value & bit) == 0)
        return -1;
    if (bit == MSE_WIRE_SEALED_SECRETS && (message->value & MSE_WIRE_SECRETS) != 0)
        at++;
    return at < message->fd_count ? message->fds[at] : -1;
}

static bool start_isolated(struct init *init, const struct mse_wire *message, struct mse_error *err)
{
    return mse_app_root_refresh(init->launch, file_of(message, MSE_WIRE_SECRETS),
                                file_of(message, MSE_WIRE_SEALED_SECRETS), err) &&
           fork_app(init, message->fds[0], err);
}

static bool start(struct init *init, const struct mse_wire *message)
{
    const bool isolate = init->launch->isolate;
    struct mse_error err = { 0 };
    char text[640];
    int output;

    if (init->app != 0 || (isolate && message->fd_count == 0))
        return false;
    output = isolate ? message->fds[0] : init->launch->output;
    if (isolate ? start_isolated(init, message, &err) : fork_app(init, output, &err))
        return say(init, MSE_WIRE_STARTED, 0);
    if (strcmp(err.field, "app") != 0)
        (void)dprintf(output, "mse-enclave: the app cannot be started: %s\n",
                      mse_error_describe(&err, text, sizeof(text)));
    return say(init, MSE_WIRE_NOT_STARTED, 0);
}

/* ---- end ---- */

static void kill_all(const struct init *init)
{
    if (init->launch->isolate)
        (void)kill(-1, SIGKILL); /* all of the namespace but this process */
    else if (init->app != 0)
        (void)kill(-init->app, SIGKILL);
}

/* What the app left running ends with it. */
static bool app_ended(struct init *init, int status)
{
    kill_all(init);
    while (init->launch->isolate && (waitpid(-1, NULL, 0) != -1 || errno == EINTR))
        continue;
    init->app = 0;
    return say(init, MSE_WIRE_ENDED, status);
}

static bool reap(struct init *init)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == init->app)
            return app_ended(init, status);
    }
    return true;
}

/* ---- sockets ---- */

static int new_socket(void)
{
    const int yes = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd != -1)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    return fd;
}

/* As many as there can be; none tells the runtime that there are none. */
static bool send_sockets(const struct init *init, int count)
{
    struct mse_wire message = { .kind = MSE_WIRE_CONNECT };
    bool ok;

    while (message.fd_count < MSE_WIRE_MAX_FDS && (int)message.fd_count < count) {
        const int fd = new_socket();

        if (fd == -1)
            break;
        message.fds[message.fd_count++] = fd;
    }
    ok = mse_wire_send(init->socket, &message, 0);
    mse_wire_cleanup(&message);
    return ok;
}

/* ---- service ---- */

static bool answer(struct init *init, const struct mse_wire *message)
{
    switch (message->kind) {
    case MSE_WIRE_START:
        return start(init, message);
    case MSE_WIRE_TERMINATE:
        if (init->app != 0)
            (void)kill(init->app, SIGTERM);
        return true;
    case MSE_WIRE_KILL:
        kill_all(init);
        return true;
    case MSE_WIRE_CONNECT:
        return init->launch->isolate && send_sockets(init, message->value);
    case MSE_WIRE_STANDS:
    case MSE_WIRE_REFUSED:
    case MSE_WIRE_STARTED:
    case MSE_WIRE_NOT_STARTED:
    case MSE_WIRE_ENDED:
        break;
    }
    return false;
}

static bool read_message(struct init *init)
{
    struct mse_wire message;
    bool ok;

    switch (mse_wire_receive(init->socket, &message, MSG_DONTWAIT)) {
    case MSE_WIRE_GOT:
        ok = answer(init, &message);
        mse_wire_cleanup(&message);
        return ok;
    case MSE_WIRE_NOTHING:
        return true;
    case MSE_WIRE_END:
        break;
    }
    return false;
}

static void child_ended(int number)
{
    (void)number; /* only to end ppoll */
}

/* Children are noticed in ppoll alone: nothing else can be interrupted by them. */
static void catch_children(sigset_t *while_waiting)
{
    struct sigaction action = { .sa_handler = child_ended };
    sigset_t child;

    (void)sigemptyset(&child);
    (void)sigaddset(&child, SIGCHLD);
    (void)sigaction(SIGCHLD, &action, NULL);
    (void)sigprocmask(SIG_BLOCK, &child, while_waiting);
    (void)sigdelset(while_waiting, SIGCHLD);
}

void mse_app_serve(const struct mse_app_launch *launch, int socket)
{
    struct init init = { .launch = launch, .socket = socket };
    struct pollfd waiting = { .fd = socket, .events = POLLIN };
    sigset_t while_waiting;

    catch_children(&while_waiting);
    for (;;) {
        const int n = ppoll(&waiting, 1, NULL, &while_waiting);

        if ((n == -1 && errno != EINTR) || !reap(&init) || (n > 0 && !read_message(&init)))
            break;
    }
    kill_all(&init);
}
