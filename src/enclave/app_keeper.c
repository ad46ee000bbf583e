/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper: a process that makes the app's namespaces, and waits for the one in them. It is
 * forked first of all, so there is nothing in its memory that an app may not have.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "enclave/app_private.h"

#define SOCKET 3       /* where the keeper has its socket; all above is closed */
#define PLAIN_OUTPUT 4 /* not isolated: and what the app writes to */
#define SET_UP_MS 20000
#define END_MS 5000
/* Not isolated: the code directory is the only writable place that all processes share. */
#define PLAIN_HOME MSE_APP_CODE_DIR "/.home"

#define NAMESPACES (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)

/* ---- in the keeper ---- */

static void refuse(int socket, const struct mse_error *err)
{
    const struct mse_wire message = { .kind = MSE_WIRE_REFUSED, .err = *err };

    (void)!mse_wire_send(socket, &message, 0);
}

/* Standard streams lead nowhere: what they are in the runtime is the host's. */
static bool keep_only(int socket, int output)
{
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null == -1)
        return false;
    /* Out of the way of the places that are filled below. */
    socket = fcntl(socket, F_DUPFD_CLOEXEC, 16);
    output = output != -1 ? fcntl(output, F_DUPFD_CLOEXEC, 16) : null;
    if (socket == -1 || output == -1)
        return false;
    for (int fd = 0; fd <= STDERR_FILENO; fd++) {
        if (dup2(null, fd) == -1)
            return false;
    }
    if (dup3(socket, SOCKET, O_CLOEXEC) == -1 || dup3(output, PLAIN_OUTPUT, O_CLOEXEC) == -1)
        return false;
    /* A kernel, or Gramine, without the call: all that was open so far closes by exec at least. */
    return close_range(PLAIN_OUTPUT + 1, ~0U, 0) == 0 || errno == ENOSYS;
}

static bool write_line(const char *path, const char *text, struct mse_error *err)
{
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok;

    if (fd == -1)
        return mse_fail_errno(err, path, "cannot open", errno);
    ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ||
         mse_fail_errno(err, path, "cannot write", errno);
    (void)close(fd);
    return ok;
}

/* A user who is not root may name himself only, once: as the app's user (user_namespaces(7)). */
static bool enter_user_namespace(struct mse_error *err)
{
    const uid_t uid = geteuid();
    const gid_t gid = getegid();
    char users[40], groups[40];
    bool ok;

    if (unshare(CLONE_NEWUSER) == -1)
        return mse_fail_text(err, MSE_ERR_IO, "user namespace",
                             "this is not root, and the kernel allows no user namespace (%s); "
                             "start as root, or set user.max_user_namespaces",
                             strerror(errno));
    (void)snprintf(users, sizeof(users), "%u %u 1\n", MSE_APP_UID, uid);
    (void)snprintf(groups, sizeof(groups), "%u %u 1\n", MSE_APP_UID, gid);
    /* What is not dumpable, as the runtime is not, cannot write its own files in /proc. */
    ok = prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0 &&
         write_line("/proc/self/setgroups", "deny", err) &&
         write_line("/proc/self/uid_map", users, err) &&
         write_line("/proc/self/gid_map", groups, err);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    return ok || mse_fail(err, MSE_ERR_IO, 0, "user namespace");
}

static bool raise_loopback(struct mse_error *err)
{
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq lo = { .ifr_name = "lo" };
    bool ok;

    if (fd == -1)
        return mse_fail_errno(err, "lo", "cannot make a socket", errno);
    ok = ioctl(fd, SIOCGIFFLAGS, &lo) == 0;
    lo.ifr_flags |= IFF_UP;
    ok = ok && ioctl(fd, SIOCSIFFLAGS, &lo) == 0;
    if (!ok)
        (void)mse_fail_errno(err, "lo", "cannot bring up", errno);
    (void)close(fd);
    return ok;
}

static bool enter_namespaces(struct mse_app_launch *launch, struct mse_error *err)
{
    launch->own_user = geteuid() != 0;
    if (launch->own_user && !enter_user_namespace(err))
        return false;
    if (unshare(NAMESPACES) == -1)
        return mse_fail_text(err, MSE_ERR_IO, "namespaces",
                             "the app cannot be isolated: unshare: %s; this needs CAP_SYS_ADMIN",
                             strerror(errno));
    return sethostname("app", 3) == 0 || mse_fail_errno(err, "host name", "cannot set", errno);
}

/* In the first process of the new pid namespace. */
_Noreturn static void run_init(struct mse_app_launch *launch)
{
    struct mse_wire message = { .kind = MSE_WIRE_STANDS, .fd_count = 1 };
    struct mse_error err = { 0 };
    bool ok;

    (void)setsid();
    /* Of the runtime's memory it shares what it had at the fork: nothing, but nobody looks. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == -1 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
        _exit(1);
    ok = raise_loopback(&err) && mse_app_root_build(launch, &message.fds[0], &err);
    if (!ok) {
        refuse(SOCKET, &err);
        _exit(1);
    }
    ok = mse_wire_send(SOCKET, &message, 0);
    mse_wire_cleanup(&message);
    if (ok)
        mse_app_serve(launch, SOCKET);
    _exit(0);
}

/* Ends with the first process of the namespace, or with the runtime, which SIGTERM stands for. */
static void wait_for(pid_t init, const sigset_t *signals)
{
    int number;

    while (waitpid(init, NULL, WNOHANG) == 0) {
        if (sigwait(signals, &number) == 0 && number == SIGTERM) {
            (void)kill(init, SIGKILL);
            (void)waitpid(init, NULL, 0);
            return;
        }
    }
}

static void keep_isolated(struct mse_app_launch *launch, const sigset_t *signals)
{
    struct mse_app_cgroups cgroups;
    struct mse_error err = { 0 };
    pid_t init;

    mse_app_cgroups_make(launch, &cgroups);
    if (!enter_namespaces(launch, &err)) {
        refuse(SOCKET, &err);
        mse_app_cgroups_remove(&cgroups);
        return;
    }
    init = fork();
    if (init == 0)
        run_init(launch);
    if (init == -1) {
        (void)mse_fail_errno(&err, "app", "cannot make its first process", errno);
        refuse(SOCKET, &err);
    } else {
        (void)close(SOCKET); /* or its other end would not notice */
        wait_for(init, signals);
    }
    mse_app_cgroups_remove(&cgroups);
}

static void keep_plain(struct mse_app_launch *launch)
{
    const struct mse_wire message = { .kind = MSE_WIRE_STANDS };

    launch->output = PLAIN_OUTPUT;
    if (mse_wire_send(SOCKET, &message, 0))
        mse_app_serve(launch, SOCKET);
}

/* The signals are waited for, so that neither is lost. */
static void block_signals(sigset_t *signals)
{
    (void)sigemptyset(signals);
    (void)sigaddset(signals, SIGCHLD);
    (void)sigaddset(signals, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, signals, NULL);
}

_Noreturn static void run_keeper(struct mse_app_launch *launch, pid_t runtime, int socket,
                                 int output)
{
    sigset_t signals;

    for (int number = 1; number < NSIG; number++)
        (void)signal(number, SIG_DFL);
    block_signals(&signals);
    /* Gramine does not have it; there the end of the socket says the same. */
    (void)prctl(PR_SET_PDEATHSIG, launch->isolate ? SIGTERM : SIGKILL, 0, 0, 0);
    if ((launch->isolate && getppid() != runtime) || !keep_only(socket, output))
        _exit(1);
    (void)setsid();
    if (launch->isolate)
        keep_isolated(launch, &signals);
    else
        keep_plain(launch);
    _exit(0);
}

/* ---- in the runtime ---- */

static const struct mse_app_places isolated_places = { MSE_APP_HOME, MSE_APP_TMP, MSE_APP_CODE_DIR,
                                                       MSE_APP_SECRETS, MSE_APP_SEALED_SECRETS };
static const struct mse_app_places plain_places = { PLAIN_HOME, MSE_APP_TMP, MSE_APP_CODE_DIR,
                                                    PLAIN_HOME "/" MSE_APP_SECRETS_IN_HOME,
                                                    PLAIN_HOME "/" MSE_APP_SEALED_SECRETS_IN_HOME };

static bool make_launch(const struct mse_app_keeper_options *options, struct mse_app_launch *out,
                        struct mse_error *err)
{
    const uint64_t memory = (uint64_t)options->app->memory << 20;

    out->isolate = options->isolate;
    out->memory_bytes = memory;
    out->tmp_bytes = options->tmp_bytes != 0 ? options->tmp_bytes : memory / 8;
    out->code_bytes = options->code_bytes != 0 ? options->code_bytes : memory / 2;
    out->places = options->isolate ? isolated_places : plain_places;
    out->output = -1;
    for (size_t i = 0; i < MSE_APP_MAX_CGROUPS; i++)
        out->cgroups[i] = -1;
    return mse_app_command(options->app, MSE_APP_PORT, true, &out->command, err) &&
           mse_app_environment(options->app, MSE_APP_PORT, &out->places, &out->environment, err);
}

static bool open_plain_code(struct mse_app_keeper *keeper, struct mse_error *err)
{
    if (mkdir(MSE_APP_CODE_DIR, 0755) == -1 && errno != EEXIST)
        return mse_fail_errno(err, MSE_APP_CODE_DIR, "cannot make", errno);
    keeper->code_dir = open(MSE_APP_CODE_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return keeper->code_dir != -1 || mse_fail_errno(err, MSE_APP_CODE_DIR, "cannot open", errno);
}

/* The keeper's first word: all stands, or what is missing. */
static bool wait_for_word(struct mse_app_keeper *keeper, struct mse_error *err)
{
    struct pollfd waiting = { .fd = keeper->socket, .events = POLLIN };
    struct mse_wire message = { 0 };
    int n;

    do
        n = poll(&waiting, 1, SET_UP_MS);
    while (n == -1 && errno == EINTR);
    if (n == 0)
        return mse_fail_text(err, MSE_ERR_TIMEOUT, "app", "the keeper did not get ready in 20 s");
    if (mse_wire_receive(keeper->socket, &message, 0) != MSE_WIRE_GOT)
        return mse_fail_text(err, MSE_ERR_IO, "app", "the keeper ended while it was set up");
    if (message.kind == MSE_WIRE_STANDS && message.fd_count == (keeper->launch.isolate ? 1 : 0)) {
        if (keeper->launch.isolate)
            keeper->code_dir = message.fds[0];
        return true;
    }
    mse_wire_cleanup(&message);
    if (message.kind == MSE_WIRE_REFUSED && message.err.code != MSE_ERR_NONE) {
        *err = message.err;
        return mse_fail_in(err, "app");
    }
    return mse_fail(err, MSE_ERR_VALUE, 0, "app.keeper");
}

/* Gramine has no packets, and passes no descriptors; messages are of one size. */
static bool fork_keeper(struct mse_app_keeper *keeper, struct mse_error *err)
{
    const int type = keeper->launch.isolate ? SOCK_SEQPACKET : SOCK_STREAM;
    const pid_t runtime = getpid();
    int sockets[2], output[2] = { -1, -1 };

    if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, sockets) == -1)
        return mse_fail_errno(err, "app", "cannot make the keeper's socket", errno);
    keeper->socket = sockets[0];
    if (!keeper->launch.isolate && pipe2(output, O_CLOEXEC) == -1) {
        (void)close(sockets[1]);
        return mse_fail_errno(err, "app", "cannot make the pipe of its output", errno);
    }
    keeper->output = output[0];
    keeper->pid = fork();
    if (keeper->pid == 0)
        run_keeper(&keeper->launch, runtime, sockets[1], output[1]);
    (void)close(sockets[1]);
    if (output[1] != -1)
        (void)close(output[1]);
    return keeper->pid != -1 || mse_fail_errno(err, "app", "cannot fork the keeper", errno);
}

bool mse_app_keeper_new(const struct mse_app_keeper_options *options, struct mse_app_keeper **out,
                        struct mse_error *err)
{
    struct mse_app_keeper *keeper = calloc(1, sizeof(*keeper));

    *out = NULL;
    if (keeper == NULL)
        return mse_fail_memory(err);
    keeper->pid = -1;
    keeper->socket = keeper->code_dir = keeper->output = -1;
    if (!make_launch(options, &keeper->launch, err) ||
        (!options->isolate && !open_plain_code(keeper, err)) || !fork_keeper(keeper, err) ||
        !wait_for_word(keeper, err)) {
        mse_app_keeper_free(keeper);
        return false;
    }
    *out = keeper;
    return true;
}

/* By itself, as it does when its socket ends; or else by force. */
static void end_keeper(pid_t pid)
{
    const int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd waiting = { .fd = fd, .events = POLLIN };

    if (fd == -1 || poll(&waiting, 1, END_MS) != 1)
        (void)kill(pid, SIGKILL);
    if (fd != -1)
        (void)close(fd);
    while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
        continue;
}

static void close_fd(int fd)
{
    if (fd != -1)
        (void)close(fd);
}

void mse_app_keeper_free(struct mse_app_keeper *keeper)
{
    if (keeper == NULL)
        return;
    close_fd(keeper->socket);
    if (keeper->pid > 0)
        end_keeper(keeper->pid);
    close_fd(keeper->code_dir);
    close_fd(keeper->output);
    mse_app_environment_cleanup(&keeper->launch.environment);
    free(keeper);
}

int mse_app_keeper_code_dir(const struct mse_app_keeper *keeper)
{
    return keeper->code_dir;
}
