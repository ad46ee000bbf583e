/* SPDX-License-Identifier: Apache-2.0 */
/* run: measures an enclave, launches it and plays its hardware until it ends. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attest/sim_socket.h"
#include "base/encode.h"
#include "base/file.h"
#include "simtee/cli.h"
#include "simtee/enclave_program.h"
#include "simtee/instance.h"
#include "simtee/platform_socket.h"
#include "simtee/statement.h"

#define DAY INT64_C(86400)
#define ANY_PORT "127.0.0.1:0"
#define NO_QUOTE (-1)

/* A running enclave and what it asks. */
struct running {
    const struct mse_sim_cli *cli;
    const struct mse_sim_session *session;
    int64_t quote_ms;
    pid_t child;
    int socket, signals;
    int64_t quote_at; /* when the quote that was asked for is done; NO_QUOTE: none was */
    uint8_t request[MSE_SIM_SOCKET_MAX];
    size_t request_len;
};

static void fd_cleanup(int *fd)
{
    if (*fd != -1)
        (void)close(*fd);
}

static void text_cleanup(char **text)
{
    free(*text);
}

static void session_cleanup(struct mse_sim_session *session)
{
    mse_sim_counter_close(&session->counter);
    OPENSSL_cleanse(session->secret, sizeof(session->secret));
}

/* ---- instance file ---- */

static bool write_instance(const struct mse_sim_cli *cli, const struct mse_sim_options *options,
                           const struct mse_sim_platform *platform,
                           const struct mse_sim_program *program, const char *path,
                           struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer text = { 0 };
    char config_name[MSE_ISSUE_DNS_NAME_MAX + 1];
    struct mse_issue_name name;
    int64_t days = 0;
    struct mse_sim_instance instance = {
        .name = options->names[0],
        .config_name = config_name,
        .listen = options->given[MSE_SIM_OPT_LISTEN] ? options->text[MSE_SIM_OPT_LISTEN] : ANY_PORT,
        .uuid = options->given[MSE_SIM_OPT_UUID] ? options->text[MSE_SIM_OPT_UUID] : NULL,
        .edges = options->edges,
        .edge_count = options->edge_count,
        .fingerprint = program->mrenclave,
        .owner = program->app.owner,
    };

    if (!mse_issue_name_read(options->names[0], "name", &name, err) ||
        !mse_sim_config_name_of(options, config_name, sizeof(config_name), err) ||
        !mse_sim_days_of(options, &days, err) ||
        (instance.uuid != NULL && !mse_sim_uuid_check(instance.uuid, err)))
        return false;
    instance.not_after = cli->now + days * DAY;
    return mse_sim_instance_write(&instance, platform->instance, &text, err) &&
           mse_file_write(path, mse_writer_bytes(&text), 0644, MSE_FILE_KEEP, err);
}

/* One that is there already is used as it is. */
static bool make_instance(const struct mse_sim_cli *cli, const struct mse_sim_options *options,
                          const struct mse_sim_platform *platform,
                          const struct mse_sim_program *program, struct mse_error *err)
{
    const char *dir = options->text[MSE_SIM_OPT_DIR];
    MSE_CLEANUP(text_cleanup) char *path = mse_sim_store_path(dir, MSE_SIM_INSTANCE_FILE);

    if (path == NULL)
        return mse_fail_memory(err);
    if (access(path, F_OK) == 0)
        return true;
    if (options->name_count == 0)
        return mse_fail_text(err, MSE_ERR_MISSING, path,
                             "there is no such file: --name NAME makes one");
    return mse_dir_make(dir, err) && write_instance(cli, options, platform, program, path, err);
}

/* ---- serving ---- */

static bool catch_signals(int *fd, struct mse_error *err)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGUSR1); /* asks the enclave for its state */
    (void)sigaddset(&set, SIGCHLD);
    /* Ignored, as whoever started us may have it, nobody could be waited for. */
    if (signal(SIGCHLD, SIG_DFL) != SIG_ERR && sigprocmask(SIG_BLOCK, &set, NULL) == 0)
        *fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return *fd != -1 || mse_fail_text(err, MSE_ERR_IO, "signals", "cannot be caught");
}

/* What others send us is for the enclave. */
static void pass_signals_on(const struct running *r)
{
    struct signalfd_siginfo info;

    while (read(r->signals, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo != SIGCHLD)
            (void)kill(r->child, (int)info.ssi_signo);
    }
}

static bool answer(struct running *r, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer reply = { 0 };
    struct mse_bytes request = { r->request, r->request_len };
    ssize_t n;

    if (!mse_sim_session_answer(r->session, request, &reply, err))
        return false;
    do
        n = send(r->socket, reply.data, reply.len, MSG_NOSIGNAL);
    while (n == -1 && errno == EINTR);
    OPENSSL_cleanse(reply.data, reply.len);
    return true; /* an enclave that does not want to know has ended, or will */
}

static bool take_request(struct running *r, struct mse_error *err)
{
    ssize_t n = recv(r->socket, r->request, sizeof(r->request), MSG_DONTWAIT);

    if (n == -1 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n <= 0) { /* closed: it may go on without us */
        fd_cleanup(&r->socket);
        r->socket = -1;
        return true;
    }
    r->request_len = (size_t)n;
    if (r->quote_ms == 0 ||
        !mse_sim_is_quote_request((struct mse_bytes){ r->request, r->request_len }))
        return answer(r, err);
    r->quote_at = r->cli->now_ms() + r->quote_ms;
    return true;
}

static int time_left(const struct running *r)
{
    int64_t left;

    if (r->quote_at == NO_QUOTE)
        return -1;
    left = r->quote_at - r->cli->now_ms();
    return left > 0 ? (int)left : 0;
}

/* One request at a time: a real machine makes one quote at a time, too. */
static bool step(struct running *r, struct mse_error *err)
{
    struct pollfd fds[2] = {
        { .fd = r->signals, .events = POLLIN },
        { .fd = r->quote_at == NO_QUOTE ? r->socket : -1, .events = POLLIN },
    };

    if (poll(fds, 2, time_left(r)) == -1 && errno != EINTR)
        return mse_fail_errno(err, "enclave", "cannot wait for it", errno);
    pass_signals_on(r);
    if (r->quote_at != NO_QUOTE) {
        if (time_left(r) > 0)
            return true;
        r->quote_at = NO_QUOTE;
        return answer(r, err);
    }
    return fds[1].revents == 0 || take_request(r, err);
}

/* *status as a shell has it. */
static bool serve(struct running *r, int *status, struct mse_error *err)
{
    int how = 0;

    for (;;) {
        pid_t ended = waitpid(r->child, &how, WNOHANG);

        if (ended == r->child)
            break;
        if (ended == -1 && errno != EINTR)
            return mse_fail_errno(err, "enclave", "cannot wait for it", errno);
        if (!step(r, err))
            return false;
    }
    *status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
    return true;
}

/* ---- all of it ---- */

static bool say_measured(const struct mse_sim_cli *cli, const uint8_t mrenclave[static 32],
                         struct mse_error *err)
{
    char hex[65];

    mse_hex_write(mrenclave, 32, hex);
    (void)fprintf(cli->out, "measured %s\n", hex);
    /* Before the enclave writes to the same place. */
    return (fflush(cli->out) == 0 && ferror(cli->out) == 0) ||
           mse_fail_text(err, MSE_ERR_IO, "standard output", "cannot be written");
}

static bool make_session(const struct mse_sim_options *options,
                         const struct mse_sim_platform *platform,
                         const struct mse_sim_program *program, struct mse_sim_session *out,
                         struct mse_error *err)
{
    char instance[PATH_MAX];
    const char *dir = options->text[MSE_SIM_OPT_DIR];

    out->platform = platform;
    out->enclave = (struct mse_sim_enclave){
        .isv_svn = options->given[MSE_SIM_OPT_ISV_SVN]
                       ? (uint16_t)options->number[MSE_SIM_OPT_ISV_SVN]
                       : 1,
        .debug = options->given[MSE_SIM_OPT_DEBUG],
    };
    memcpy(out->enclave.mrenclave, program->mrenclave, sizeof(out->enclave.mrenclave));
    if (realpath(dir, instance) == NULL)
        return mse_fail_errno(err, dir, "cannot use as working directory", errno);
    return mse_sim_secret_load(options->dir, out->secret, err) &&
           mse_sim_counter_open(options->dir, program->mrenclave, instance, &out->counter, err);
}

static bool launch(const struct mse_sim_cli *cli, const struct mse_sim_options *options,
                   const struct mse_sim_session *session, const struct mse_sim_program *program,
                   struct mse_error *err)
{
    struct running *r = calloc(1, sizeof(*r));
    bool ok;

    if (r == NULL)
        return mse_fail_memory(err);
    *r = (struct running){
        .cli = cli,
        .session = session,
        .quote_ms = options->number[MSE_SIM_OPT_QUOTE_MS],
        .child = -1,
        .socket = -1,
        .signals = -1,
        .quote_at = NO_QUOTE,
    };
    ok = catch_signals(&r->signals, err) && say_measured(cli, program->mrenclave, err) &&
         mse_sim_program_start(program, options->rest, options->rest_count,
                               options->text[MSE_SIM_OPT_DIR], &r->socket, &r->child, err) &&
         serve(r, cli->status, err);
    if (!ok && r->child != -1) {
        (void)kill(r->child, SIGKILL);
        (void)waitpid(r->child, NULL, 0);
    }
    fd_cleanup(&r->socket);
    fd_cleanup(&r->signals);
    free(r);
    return ok;
}

bool mse_sim_cmd_run(const struct mse_sim_cli *cli, const struct mse_sim_options *options,
                     struct mse_error *err)
{
    MSE_CLEANUP(mse_sim_platform_cleanup) struct mse_sim_platform platform = { 0 };
    MSE_CLEANUP(mse_sim_program_cleanup) struct mse_sim_program program = { 0 };
    MSE_CLEANUP(session_cleanup) struct mse_sim_session session = { .counter = { .dir_fd = -1 } };
    const char *root = options->given[MSE_SIM_OPT_ROOT] ? options->text[MSE_SIM_OPT_ROOT] : "/";

    if (options->name_count > 1)
        return mse_fail_text(err, MSE_ERR_USAGE, "name", "an instance has one name");
    return mse_sim_store_load(options->dir, &platform, err) &&
           mse_sim_program_load(options->text[MSE_SIM_OPT_RUNTIME], root, options->rest,
                                options->rest_count, &program, err) &&
           make_instance(cli, options, &platform, &program, err) &&
           make_session(options, &platform, &program, &session, err) &&
           launch(cli, options, &session, &program, err);
}
