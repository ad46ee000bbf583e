/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mse-enclave: the runtime inside the TEE. Its arguments are the app's manifest, which is measured
 * (docs/fingerprint.md, "App manifest"); it takes no others. Status lines go to stdout.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "attest/sim_socket.h"
#include "enclave/harden.h"
#include "enclave/runtime.h"

enum exit_code { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_WRONG_USAGE = 2, EXIT_LOCAL = 4 };

struct program {
    uv_loop_t loop;
    struct mse_app_manifest app;
    struct mse_tee *tee;
    struct mse_app_keeper *keeper;
    struct mse_runtime *runtime;
    enum exit_code result;
    uv_signal_t term, interrupt, report;
};

static int64_t now_ms(void *arg)
{
    struct timespec t = { 0 };

    (void)arg;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Nobody may be reading: a line that would have to wait is lost, the service goes on. A pipe that
 * is ready takes PIPE_BUF bytes (pipe(7)), which is more than a line has. */
static void say(int fd, const void *line, size_t len)
{
    struct pollfd ready = { .fd = fd, .events = POLLOUT };

    if (poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) != 0)
        (void)!write(fd, line, len);
}

static void show_status(void *arg, const struct mse_status *status)
{
    struct mse_writer line = { 0 };

    (void)arg;
    mse_status_write(status, &line);
    if (mse_writer_ok(&line))
        say(STDOUT_FILENO, line.data, line.len);
    mse_writer_cleanup(&line);
}

static void show_problem(void *arg, const struct mse_error *err)
{
    char text[640], line[700];
    int len = snprintf(line, sizeof(line), "mse-enclave: %s\n",
                       mse_error_describe(err, text, sizeof(text)));

    (void)arg;
    if (len > 0 && len < (int)sizeof(line))
        say(STDERR_FILENO, line, (size_t)len);
}

/* What the host or the owner has to change, or what this machine lacks. */
static enum exit_code code_of(enum mse_err_code code)
{
    switch ((int)code) {
    case MSE_ERR_USAGE:
        return EXIT_WRONG_USAGE;
    case MSE_ERR_IO:
    case MSE_ERR_MEMORY:
    case MSE_ERR_CRYPTO:
    case MSE_ERR_NETWORK:
    case MSE_ERR_TIMEOUT:
        return EXIT_LOCAL;
    default:
        return EXIT_REFUSED;
    }
}

static void on_stopped(void *arg)
{
    struct program *p = arg;

    uv_close((uv_handle_t *)&p->term, NULL);
    uv_close((uv_handle_t *)&p->interrupt, NULL);
    uv_close((uv_handle_t *)&p->report, NULL);
}

static void on_failed(void *arg, enum mse_err_code code)
{
    struct program *p = arg;

    p->result = code_of(code);
    mse_runtime_stop(p->runtime, on_stopped, p);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct program *p = handle->data;

    if (number == SIGUSR1)
        mse_runtime_report(p->runtime);
    else
        mse_runtime_stop(p->runtime, on_stopped, p);
}

static bool catch_signals(struct program *p, struct mse_error *err)
{
    const struct {
        uv_signal_t *handle;
        int number;
    } all[] = { { &p->term, SIGTERM }, { &p->interrupt, SIGINT }, { &p->report, SIGUSR1 } };

    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return mse_fail_text(err, MSE_ERR_IO, "signals", "cannot be caught");
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        all[i].handle->data = p;
        if (uv_signal_init(&p->loop, all[i].handle) != 0 ||
            uv_signal_start(all[i].handle, on_signal, all[i].number) != 0)
            return mse_fail_text(err, MSE_ERR_IO, "signals", "cannot be caught");
    }
    return true;
}

static bool read_arguments(struct program *p, int argc, char **argv, struct mse_error *err)
{
    if (argc < 2)
        return mse_fail_text(err, MSE_ERR_USAGE, "arguments",
                             "this program is started by a TEE, with the app's manifest as its "
                             "arguments (in the simulation: mse-simtee run)");
    if (mse_app_manifest_read((const char *const *)argv, (size_t)argc, &p->app, err))
        return true;
    err->code = MSE_ERR_USAGE;
    return mse_fail_in(err, "arguments");
}

/* The keeper is forked while there is neither a thread nor a secret; the TEE's first act comes
 * before both. */
static bool begin(struct program *p, int argc, char **argv, struct mse_error *err)
{
    struct mse_tee_place place = { .root = "", .sim_fd = MSE_SIM_SOCKET_FD };
    struct mse_app_keeper_options keeper = { .app = &p->app };
    struct mse_runtime_options options = { .loop = &p->loop,
                                           .app = &p->app,
                                           .arg = p,
                                           .now_ms = now_ms,
                                           .status = show_status,
                                           .problem = show_problem,
                                           .failed = on_failed };

    if (!read_arguments(p, argc, argv, err) || !mse_harden_memory(err) ||
        !mse_tee_open(&place, &p->tee, err) || !mse_tee_start(p->tee, &p->app, err))
        return false;
    keeper.isolate = mse_tee_has_isolation(p->tee);
    if (keeper.isolate != (p->app.isolation == MSE_APP_ISOLATION_PROCESS))
        return mse_fail_text(err, MSE_ERR_VALUE, "isolation",
                             "the manifest says '%s', this TEE has the other kind",
                             keeper.isolate ? "none" : "process");
    if (!mse_app_keeper_new(&keeper, &p->keeper, err) || !mse_harden_privileges(err))
        return false;
    if (uv_loop_init(&p->loop) != 0)
        return mse_fail_memory(err);
    options.tee = p->tee;
    options.keeper = p->keeper;
    return catch_signals(p, err) && mse_runtime_new(&options, &p->runtime, err);
}

static void end(struct program *p)
{
    mse_runtime_free(p->runtime);
    (void)uv_run(&p->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&p->loop);
    /* Ends the worker threads now: OpenSSL frees what it has for a thread when that ends, and
     * only before its own end. */
    uv_library_shutdown();
    mse_app_keeper_free(p->keeper);
    mse_tee_free(p->tee);
}

int main(int argc, char **argv)
{
    struct program p = { 0 };
    struct mse_error err = { 0 };

    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return printf("mse-enclave %s\n", MSE_VERSION) > 0 ? EXIT_DONE : EXIT_LOCAL;
    if (!begin(&p, argc, argv, &err)) {
        show_problem(NULL, &err);
        if (p.keeper != NULL)
            mse_app_keeper_free(p.keeper);
        /* Parts of the loop may stand half: the process ends here, and all that it had. */
        _Exit((int)code_of(err.code));
    }
    (void)uv_run(&p.loop, UV_RUN_DEFAULT);
    end(&p);
    return (int)p.result;
}
