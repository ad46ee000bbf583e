/* SPDX-License-Identifier: Apache-2.0 */
/* mse cloud localtest: runs an app here, without a TEE, and its tests against it. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/code.h"
#include "cli/local_dir.h"
#include "cli/local_watch.h"
#include "cli/options.h"
#include "package/app_config.h"

#define COMMAND "cloud localtest"
#define TIMEOUT_S 60 /* as in the TEE */
#define TIMEOUT_MAX_S 3600
#define APP_GRACE_MS 5000
#define TESTS_GRACE_MS 2000

struct local_job {
    const char *path, *code, *secrets, *sealed_secrets, *port_text, *timeout_text;
    bool no_tests, helped;
    unsigned port, timeout_s;
    struct mse_app_config config;
    char *secrets_path, *sealed_path, *tests_dir; /* absolute; owned */
    struct local_dir dir;
    struct interrupt interrupt;
    struct local_child app, tests;
    struct local_output output;
    struct local_health health;
};

/* ---- options and settings ---- */

static bool read_number(const char *option, const char *text, unsigned max, const char *unit,
                        unsigned *out, struct mse_error *err)
{
    unsigned long v;
    char *end;

    if (text == NULL)
        return true;
    v = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || v == 0 || v > max)
        return mse_fail_text(err, MSE_ERR_USAGE, option, "wants 1 to %u%s", max, unit);
    *out = (unsigned)v;
    return true;
}

static bool read_options(struct cli *cli, int argc, char **argv, struct local_job *job,
                         struct mse_error *err)
{
    /* clang-format off */
    struct option_row rows[] = {
        { "--path", "FILE", "the app's mse.toml (default: ./mse.toml)", OPTION_TEXT, &job->path, NULL, false },
        { "--code", "DIR", "the code (default: as mse.toml says)", OPTION_TEXT, &job->code, NULL, false },
        { "--secrets", "FILE", "JSON for SECRETS_PATH (default: as mse.toml says)", OPTION_TEXT, &job->secrets, NULL, false },
        { "--sealed-secrets", "FILE", "plain JSON for SEALED_SECRETS_PATH", OPTION_TEXT, &job->sealed_secrets, NULL, false },
        { "--port", "N", "where the app listens (default: a free port)", OPTION_TEXT, &job->port_text, NULL, false },
        { "--timeout", "SECONDS", "how long the app may take to become healthy (default: 60)", OPTION_TEXT, &job->timeout_text, NULL, false },
        { "--no-tests", NULL, "run the app only, until Ctrl-C", OPTION_FLAG, &job->no_tests, NULL, false },
    };
    /* clang-format on */
    size_t count = 0;

    job->timeout_s = TIMEOUT_S;
    if (!options_read(cli, COMMAND, rows, sizeof(rows) / sizeof(rows[0]), argc, argv, NULL, 0,
                      &count, &job->helped, err))
        return false;
    if (job->path == NULL)
        job->path = "mse.toml";
    return job->helped || (read_number("--port", job->port_text, 65535, "", &job->port, err) &&
                           read_number("--timeout", job->timeout_text, TIMEOUT_MAX_S, " seconds",
                                       &job->timeout_s, err));
}

static void warn(void *context, const char *line)
{
    cli_note(context, "%s", line);
}

static bool load_config(struct cli *cli, struct local_job *job, struct mse_error *err)
{
    uint8_t *data = NULL;
    size_t len = 0;
    /* Instant and zone are for the expiry date, which does not matter here. */
    bool ok = mse_file_read(job->path, MSE_APP_CONFIG_MAX_SIZE, &data, &len, err) &&
              mse_app_config_parse((struct mse_bytes){ data, len }, job->path, INT64_MIN, 0, warn,
                                   cli, &job->config, err);

    free(data);
    if (!ok)
        return false;
    if (job->code == NULL)
        job->code = job->config.code;
    if (job->secrets == NULL)
        job->secrets = job->config.secrets;
    if (job->code == NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "--code", "is needed: %s does not name the code",
                             job->path);
    if (!job->no_tests && job->config.tests_cmd == NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, job->path,
                             "has no tests_cmd: add it, or run the app alone with --no-tests");
    return true;
}

/* Absolute, because the tests run elsewhere. */
static bool find_file(const char *path, char **out, struct mse_error *err)
{
    if (path == NULL || (*out = realpath(path, NULL)) != NULL)
        return true;
    return mse_fail_errno(err, path, "cannot be found", errno);
}

static bool find_tests(struct local_job *job, struct mse_error *err)
{
    const char *slash = strrchr(job->path, '/');
    struct stat st;

    if (job->no_tests)
        return true;
    if (job->config.tests != NULL)
        job->tests_dir = strdup(job->config.tests);
    else
        job->tests_dir = slash == NULL ? strdup(".")
                                       : strndup(job->path, (size_t)(slash + 1 - job->path));
    if (job->tests_dir == NULL)
        return mse_fail_memory(err);
    if (stat(job->tests_dir, &st) != 0)
        return mse_fail_errno(err, job->tests_dir, "the tests cannot be found", errno);
    return S_ISDIR(st.st_mode) ||
           mse_fail_text(err, MSE_ERR_IO, job->tests_dir, "is no directory: tests are run in one");
}

/* Finds a free port, or sees that this one is: another program's health would count as ours. */
static bool choose_port(struct local_job *job, struct mse_error *err)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)job->port) };
    socklen_t len = sizeof(at);
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ok = fd != -1 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
         bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 1) == 0 &&
         getsockname(fd, (struct sockaddr *)&at, &len) == 0;
    if (!ok) {
        char name[32];

        (void)snprintf(name, sizeof(name), "127.0.0.1:%u", job->port);
        (void)mse_fail_errno(err, name, "the app cannot listen there", errno);
    }
    if (fd != -1)
        (void)close(fd);
    job->port = ntohs(at.sin_port);
    return ok;
}

/* ---- the app ---- */

static bool prepare(struct cli *cli, struct local_job *job, struct mse_error *err)
{
    return local_dir_make(cli, &job->dir, err) &&
           (job->secrets_path == NULL ||
            local_dir_put_secrets(job->secrets_path, job->dir.secrets, err)) &&
           (job->sealed_path == NULL ||
            local_dir_put_secrets(job->sealed_path, job->dir.sealed_secrets, err)) &&
           code_copy(cli, job->code, job->dir.code, &job->interrupt.stop, err) &&
           local_dir_lock(&job->dir, err);
}

static struct mse_app_manifest manifest_of(const struct local_job *job)
{
    struct mse_app_manifest app = { .python = job->config.python,
                                    .command_count = job->config.command_count };

    for (size_t i = 0; i < app.command_count; i++)
        app.command[i] = job->config.command[i];
    return app;
}

static bool start_app(struct local_job *job, struct mse_error *err)
{
    const struct mse_app_manifest app = manifest_of(job);
    const struct mse_app_places places = local_dir_places(&job->dir);
    struct mse_app_command command;
    struct mse_app_environment environment = { 0 };
    int output = -1;
    bool ok = mse_app_command(&app, job->port, false, &command, err) &&
              mse_app_environment(&app, job->port, &places, &environment, err) &&
              (job->no_tests || local_output_open(&job->output, &output, err));

    if (ok) {
        struct local_child_options options = {
            .argv = command.argv,
            .envp = environment.envp,
            .directory = job->dir.code,
            .signals = &job->interrupt.before,
            /* Without tests standard output has the address, and nothing else. */
            .output = job->no_tests ? STDERR_FILENO : output,
        };

        ok = local_child_start(&options, &job->app, err);
    }
    if (output != -1)
        (void)close(output);
    mse_app_environment_cleanup(&environment);
    return ok;
}

static void describe(int status, char out[static 64])
{
    if (WIFSIGNALED(status))
        (void)snprintf(out, 64, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        (void)snprintf(out, 64, "exit status %d", WEXITSTATUS(status));
}

static void note_app_ended(struct cli *cli, int status, const char *when)
{
    char how[64];

    describe(status, how);
    cli_note(cli, "mse: the app ended %s: %s", when, how);
}

static void note_unhealthy(struct cli *cli, const struct local_job *job)
{
    if (job->health.answer != 0)
        cli_note(cli, "mse: the app is not healthy after %u s: GET %s answers %d, not 2xx",
                 job->timeout_s, job->health.path, job->health.answer);
    else
        cli_note(cli,
                 "mse: the app is not healthy after %u s: nothing answers GET %s on 127.0.0.1:%u, "
                 "where it must listen (PORT=%u)",
                 job->timeout_s, job->health.path, job->port, job->port);
}

static enum exit_code wait_for_health(struct cli *cli, struct local_job *job)
{
    struct mse_deadline deadline = mse_deadline_in(job->timeout_s * 1000);
    struct local_watch watch = { .interrupt = &job->interrupt,
                                 .app = &job->app,
                                 .output = &job->output,
                                 .health = &job->health,
                                 .deadline = &deadline };

    local_health_init(&job->health, job->port, job->config.health);
    switch (local_wait(&watch)) {
    case LOCAL_HEALTHY:
        return EXIT_YES;
    case LOCAL_APP_ENDED:
        note_app_ended(cli, watch.status, "before it was healthy");
        break;
    case LOCAL_TIMEOUT:
        note_unhealthy(cli, job);
        break;
    case LOCAL_TESTS_ENDED:
    case LOCAL_SIGNAL:
        break;
    }
    return EXIT_NO;
}

/* ---- without tests ---- */

static enum exit_code keep_running(struct cli *cli, struct local_job *job)
{
    struct local_watch watch = { .interrupt = &job->interrupt, .app = &job->app };

    (void)fprintf(cli->out, "http://127.0.0.1:%u/\n", job->port);
    (void)fflush(cli->out);
    if (local_wait(&watch) == LOCAL_SIGNAL) {
        interrupt_take(&job->interrupt); /* how it is meant to end */
        return EXIT_YES;
    }
    note_app_ended(cli, watch.status, "by itself");
    return EXIT_NO;
}

/* ---- tests ---- */

static bool start_tests(struct local_job *job, struct mse_error *err)
{
    char url[64];
    const char *const argv[] = { "sh", "-c", job->config.tests_cmd, NULL };
    const struct local_variable variables[] = {
        { "TEST_REMOTE_URL", url },
        { "TEST_SECRET_JSON", job->secrets_path },
        { "TEST_SEALED_SECRET_JSON", job->sealed_path },
    };
    const struct local_child_options options = {
        .argv = argv,
        .variables = variables,
        .variable_count = sizeof(variables) / sizeof(variables[0]),
        .directory = job->tests_dir,
        .signals = &job->interrupt.before,
        .output = -1,
    };

    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", job->port);
    return local_child_start(&options, &job->tests, err);
}

static void note_failed_tests(struct cli *cli, const struct local_job *job, int status)
{
    char how[64];

    describe(status, how);
    cli_note(cli, "mse: the tests failed: %s", how);
    if (job->config.tests_requirement_count > 0)
        cli_note(cli, "mse: note: nothing was installed for them; %s asks for %s%s", job->path,
                 job->config.tests_requirements[0],
                 job->config.tests_requirement_count > 1 ? " and more" : "");
}

static enum exit_code run_tests(struct cli *cli, struct local_job *job, struct mse_error *err)
{
    struct local_watch watch = {
        .interrupt = &job->interrupt, .app = &job->app, .tests = &job->tests, .output = &job->output
    };
    int status = 0;

    (void)fflush(cli->out);
    if (!start_tests(job, err))
        return EXIT_NO;
    switch (local_wait(&watch)) {
    case LOCAL_TESTS_ENDED:
        if (watch.status != 0) {
            note_failed_tests(cli, job, watch.status);
            return EXIT_NO;
        }
        if (!local_child_has_ended(&job->app, &status)) {
            (void)fputs("tests passed\n", cli->out);
            return EXIT_YES;
        }
        note_app_ended(cli, status, "during the tests");
        break;
    case LOCAL_APP_ENDED:
        note_app_ended(cli, watch.status, "during the tests");
        break;
    case LOCAL_HEALTHY:
    case LOCAL_TIMEOUT:
    case LOCAL_SIGNAL:
        break;
    }
    return EXIT_NO;
}

/* ---- all of it ---- */

static enum exit_code run_app(struct cli *cli, struct local_job *job, struct mse_error *err)
{
    enum exit_code code;

    if (!prepare(cli, job, err) || !start_app(job, err))
        return EXIT_LOCAL;
    code = wait_for_health(cli, job);
    if (code != EXIT_YES)
        return code;
    return job->no_tests ? keep_running(cli, job) : run_tests(cli, job, err);
}

static void print_output(struct cli *cli, struct local_job *job)
{
    struct mse_writer text = { 0 };

    local_output_drain(&job->output);
    local_output_write(&job->output, &text);
    if (job->output.total == 0)
        cli_note(cli, "mse: the app printed nothing");
    else
        cli_note(cli, "mse: the app's output%s:",
                 job->output.total > LOCAL_OUTPUT_MAX ? ", the end of it" : "");
    if (mse_writer_ok(&text) && text.len > 0)
        (void)fwrite(text.data, 1, text.len, cli->err);
    mse_writer_cleanup(&text);
}

static void end(struct local_job *job)
{
    local_child_stop(&job->tests, TESTS_GRACE_MS);
    local_child_stop(&job->app, APP_GRACE_MS);
    local_children_kill();
    local_health_cleanup(&job->health);
    local_dir_remove(&job->dir);
}

static enum exit_code run(struct cli *cli, struct local_job *job, struct mse_error *err)
{
    enum exit_code code;
    bool asked;

    if (!load_config(cli, job, err) || !find_file(job->secrets, &job->secrets_path, err) ||
        !find_file(job->sealed_secrets, &job->sealed_path, err) || !find_tests(job, err) ||
        !choose_port(job, err))
        return EXIT_LOCAL;
    local_children_adopt();
    interrupt_hold(&job->interrupt);
    code = run_app(cli, job, err);
    asked = job->interrupt.stop.is_asked(&job->interrupt.stop);
    if (asked && err->code == MSE_ERR_NONE)
        cli_note(cli, "mse: interrupted");
    end(job);
    if (code != EXIT_YES && !asked && !job->no_tests && err->code == MSE_ERR_NONE)
        print_output(cli, job);
    local_output_close(&job->output);
    interrupt_release(&job->interrupt);
    return code;
}

static void cleanup(struct local_job *job)
{
    mse_app_config_cleanup(&job->config);
    free(job->secrets_path);
    free(job->sealed_path);
    free(job->tests_dir);
    free(job);
}

enum exit_code cmd_localtest(struct cli *cli, int argc, char **argv)
{
    struct local_job *job = calloc(1, sizeof(*job));
    struct mse_error err = { 0 };
    enum exit_code code = EXIT_YES;

    if (job == NULL) {
        (void)mse_fail_memory(&err);
        return cli_fail(cli, &err);
    }
    job->app = job->tests = LOCAL_CHILD_NONE;
    job->output.fd = job->health.fd = -1;
    if (read_options(cli, argc, argv, job, &err) && !job->helped)
        code = run(cli, job, &err);
    if (err.code != MSE_ERR_NONE)
        code = cli_fail(cli, &err);
    cleanup(job);
    return code;
}
