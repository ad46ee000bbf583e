/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the keeper and an app over a package, as the runtime does, without TLS and evidence: what
 * tests/e2e/test_app_process.py drives. Commands come by lines from standard input, events go by
 * lines to standard output, what the app writes goes to standard error.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <seccomp.h>

#include "base/encode.h"
#include "enclave/app.h"
#include "enclave/code.h"
#include "enclave/harden.h"

#define MAX_LINE 8192

struct host {
    uv_loop_t loop;
    struct mse_app_manifest manifest;
    struct mse_app_keeper *keeper;
    struct mse_app *app;
    uv_pipe_t commands;
    char line[MAX_LINE];
    size_t length;
    const char *package, *secrets, *sealed;
    const uint8_t *key;
    uint8_t key_bytes[32];
    uint64_t tmp_bytes, code_bytes;
    unsigned health_timeout_ms;
    bool plain;
};

static void fail(const struct mse_error *err)
{
    char text[640];

    (void)fprintf(stderr, "app_host: %s\n", mse_error_describe(err, text, sizeof(text)));
    exit(1);
}

static void fail_usage(const char *what)
{
    (void)fprintf(stderr, "app_host: %s\n", what);
    exit(2);
}

/* ---- requests to the app ---- */

struct request {
    uv_tcp_t stream;
    uv_write_t write;
    char *text;
    char piece[65536];
};

static void request_closed(uv_handle_t *handle)
{
    struct request *r = handle->data;

    free(r->text);
    free(r);
}

static void alloc_piece(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct request *r = handle->data;

    (void)suggested;
    *out = uv_buf_init(r->piece, sizeof(r->piece));
}

static void reply_came(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    if (n < 0) {
        (void)printf("\nreply-end\n");
        uv_close((uv_handle_t *)stream, request_closed);
    } else
        (void)fwrite(buffer->base, 1, (size_t)n, stdout);
    (void)fflush(stdout);
}

static void connected(void *context, int fd)
{
    struct request *r = context;
    uv_buf_t part;

    if (fd == -1) {
        (void)printf("refused\n");
        (void)fflush(stdout);
        uv_close((uv_handle_t *)&r->stream, request_closed);
        return;
    }
    part = uv_buf_init(r->text, (unsigned)strlen(r->text));
    (void)printf("connected\n");
    if (uv_tcp_open(&r->stream, fd) != 0 ||
        uv_write(&r->write, (uv_stream_t *)&r->stream, &part, 1, NULL) != 0 ||
        uv_read_start((uv_stream_t *)&r->stream, alloc_piece, reply_came) != 0)
        abort();
}

static void get(struct host *host, const char *path)
{
    struct request *r = calloc(1, sizeof(*r));

    if (r == NULL ||
        asprintf(&r->text, "GET %s HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n", path) ==
            -1 ||
        uv_tcp_init(&host->loop, &r->stream) != 0)
        abort();
    r->stream.data = r;
    mse_app_connect(host->app, connected, r);
}

static void held(void *context, int fd)
{
    (void)context; /* the connection stays open for good */
    (void)printf("held %d\n", fd != -1);
    (void)fflush(stdout);
}

/* ---- the app ---- */

static void changed(void *arg, enum mse_app_status status, int exit_status)
{
    struct host *host = arg;

    (void)printf("status %s exit=%d restarts=%llu h2=%d\n", mse_app_status_name(status),
                 exit_status,
                 (unsigned long long)(host->app != NULL ? mse_app_restarts(host->app) : 0),
                 host->app != NULL && mse_app_takes_h2(host->app));
    (void)fflush(stdout);
}

static void output(void *arg, struct mse_bytes data)
{
    (void)arg;
    (void)!write(STDERR_FILENO, data.data, data.len);
}

static void stopped(void *arg)
{
    struct host *host = arg;

    mse_app_free(host->app);
    host->app = NULL;
    uv_close((uv_handle_t *)&host->commands, NULL);
}

/* ---- commands ---- */

static void obey(struct host *host, const char *line)
{
    if (strncmp(line, "get ", 4) == 0)
        get(host, line + 4);
    else if (strncmp(line, "hold ", 5) == 0)
        for (long n = strtol(line + 5, NULL, 10); n > 0; n--)
            mse_app_connect(host->app, held, NULL);
    else if (strncmp(line, "stop ", 5) == 0)
        mse_app_stop(host->app, (unsigned)strtoul(line + 5, NULL, 10), stopped, host);
    else
        fail_usage("no such command");
}

static void alloc_line(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct host *host = handle->data;

    (void)suggested;
    *out = uv_buf_init(host->line + host->length, (unsigned)(sizeof(host->line) - host->length));
}

static void command_came(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct host *host = stream->data;
    char *end;

    (void)buffer;
    if (n < 0) {
        (void)uv_read_stop(stream);
        return;
    }
    host->length += (size_t)n;
    while ((end = memchr(host->line, '\n', host->length)) != NULL) {
        *end = '\0';
        obey(host, host->line);
        host->length -= (size_t)(end + 1 - host->line);
        memmove(host->line, end + 1, host->length);
    }
}

/* ---- start ---- */

/* What a kernel or a container may refuse. */
static void deny(const char *what)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    const struct scmp_arg_cmp new_user = { 0, SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER };
    bool ok = filter != NULL;

    if (strcmp(what, "pivot_root") == 0)
        ok = ok && seccomp_rule_add(filter, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(pivot_root), 0) == 0;
    else if (strcmp(what, "user-namespace") == 0)
        ok = ok && seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(unshare), 1,
                                          &new_user) == 0;
    else if (strcmp(what, "namespaces") == 0)
        ok = ok && seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(unshare), 0) == 0;
    else
        fail_usage("--deny: no such thing");
    if (!ok || seccomp_load(filter) != 0)
        fail_usage("--deny: cannot");
    seccomp_release(filter);
}

enum { HEALTH = 1, TIMEOUT, MEMORY, TMP, CODE, SECRETS, SEALED, KEY, TREE, PYTHON, PLAIN, DENY };

static const struct option options[] = {
    { "health", 1, NULL, HEALTH }, { "health-timeout", 1, NULL, TIMEOUT },
    { "memory", 1, NULL, MEMORY }, { "tmp", 1, NULL, TMP },
    { "code", 1, NULL, CODE },     { "secrets", 1, NULL, SECRETS },
    { "sealed", 1, NULL, SEALED }, { "key", 1, NULL, KEY },
    { "tree", 1, NULL, TREE },     { "python", 1, NULL, PYTHON },
    { "plain", 0, NULL, PLAIN },   { "deny", 1, NULL, DENY },
    { NULL, 0, NULL, 0 },
};

static void read_hex(const char *text, uint8_t out[static 32])
{
    if (!mse_hex_read(text, strlen(text), out, 32))
        fail_usage("not 64 hex digits");
}

static void take_option(struct host *host, int option, const char *value)
{
    switch (option) {
    case HEALTH:
        host->manifest.health = value;
        return;
    case TIMEOUT:
        host->health_timeout_ms = (unsigned)strtoul(value, NULL, 10);
        return;
    case MEMORY:
        host->manifest.memory = (uint32_t)strtoul(value, NULL, 10);
        return;
    case TMP:
        host->tmp_bytes = strtoull(value, NULL, 10);
        return;
    case CODE:
        host->code_bytes = strtoull(value, NULL, 10);
        return;
    case SECRETS:
        host->secrets = value;
        return;
    case SEALED:
        host->sealed = value;
        return;
    case KEY:
        read_hex(value, host->key_bytes);
        host->key = host->key_bytes;
        return;
    case TREE:
        read_hex(value, host->manifest.tree);
        return;
    case PYTHON:
        host->manifest.python = value;
        return;
    case PLAIN:
        host->plain = true;
        return;
    case DENY:
        deny(value);
        return;
    default:
        fail_usage("[options] PACKAGE WORD...");
    }
}

static void read_options(struct host *host, int argc, char **argv)
{
    int option;

    host->manifest.health = "/health";
    host->manifest.memory = 256;
    host->manifest.threads = 16;
    while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1)
        take_option(host, option, optarg);
    if (optind == argc)
        fail_usage("no package");
    host->package = argv[optind++];
    while (optind < argc && host->manifest.command_count < MSE_APP_MAX_ARGS)
        host->manifest.command[host->manifest.command_count++] = argv[optind++];
}

static void open_code(struct host *host)
{
    const struct mse_code_limits limits = { 1U << 20, UINT64_C(1) << 32 };
    const int package = open(host->package, O_RDONLY | O_CLOEXEC);
    const int dir = mse_app_keeper_code_dir(host->keeper);
    struct mse_error err = { 0 };

    if (package == -1)
        fail_usage("cannot open the package");
    if (!mse_code_clear(dir, &err) ||
        !mse_code_open(package, dir, host->key, &limits, host->manifest.tree, &err))
        fail(&err);
    (void)close(package);
}

static void start_app(struct host *host)
{
    const struct mse_app_options app = {
        .loop = &host->loop,
        .keeper = host->keeper,
        .app = &host->manifest,
        .secrets = MSE_CSTR_BYTES(host->secrets != NULL ? host->secrets : ""),
        .sealed_secrets = MSE_CSTR_BYTES(host->sealed != NULL ? host->sealed : ""),
        .health_timeout_ms = host->health_timeout_ms,
        .arg = host,
        .changed = changed,
        .output = output,
    };
    struct mse_error err = { 0 };

    if (!mse_app_start(&app, &host->app, &err))
        fail(&err);
}

int main(int argc, char **argv)
{
    static struct host host;
    struct mse_app_keeper_options keeper = { .app = &host.manifest };
    struct mse_error err = { 0 };

    (void)signal(SIGPIPE, SIG_IGN);
    read_options(&host, argc, argv);
    keeper.isolate = !host.plain;
    keeper.tmp_bytes = host.tmp_bytes;
    keeper.code_bytes = host.code_bytes;
    if (!mse_harden_memory(&err) || !mse_app_keeper_new(&keeper, &host.keeper, &err) ||
        !mse_harden_privileges(&err))
        fail(&err);
    (void)printf("keeper\n");
    (void)fflush(stdout);
    open_code(&host);
    if (uv_loop_init(&host.loop) != 0 || uv_pipe_init(&host.loop, &host.commands, 0) != 0 ||
        uv_pipe_open(&host.commands, STDIN_FILENO) != 0)
        abort();
    host.commands.data = &host;
    (void)uv_read_start((uv_stream_t *)&host.commands, alloc_line, command_came);
    start_app(&host);
    (void)uv_run(&host.loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&host.loop) != 0)
        fail_usage("handles are left over");
    mse_app_keeper_free(host.keeper);
    (void)printf("over\n");
    return 0;
}
