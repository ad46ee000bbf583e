/* SPDX-License-Identifier: Apache-2.0 */
/* serve and pcs: the app behind a fresh certificate, and the collateral, until a signal comes. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/file.h"
#include "simtee/app_server.h"
#include "simtee/cli.h"
#include "simtee/pcs_server.h"

#define ANY_PORT "127.0.0.1:0"

static void fd_cleanup(int *fd)
{
    if (*fd != -1)
        (void)close(*fd);
}

static void server_cleanup(struct mse_sim_server **server)
{
    mse_sim_server_free(*server);
}

/* SIGTERM and SIGINT become readable; a peer that went away must not end the program. */
static bool catch_signals(int *fd, struct mse_error *err)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    *fd = -1;
    if (sigprocmask(SIG_BLOCK, &set, NULL) == 0 && signal(SIGPIPE, SIG_IGN) != SIG_ERR)
        *fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return *fd != -1 || mse_fail_text(err, MSE_ERR_IO, "signals", "cannot be caught");
}

static bool load_bundle(const char *dir, struct mse_sim_bundle *out, struct mse_error *err)
{
    char *path = mse_sim_store_path(dir, MSE_SIM_COLLATERAL_FILE);
    struct mse_bytes text = { NULL, 0 };
    uint8_t *data = NULL;
    bool ok;

    if (path == NULL)
        return mse_fail_memory(err);
    ok = mse_file_read(path, MSE_SIM_BUNDLE_CAP, &data, &text.len, err);
    text.data = data;
    ok = ok && (mse_sim_bundle_read(text, out, err) || mse_fail_in(err, "%s", path));
    free(data);
    free(path);
    return ok;
}

static const char *where(const struct mse_sim_options *options, enum mse_sim_option option)
{
    return options->given[option] ? options->text[option] : ANY_PORT;
}

/* The line that tests and scripts wait for. */
static bool say_ready(const struct mse_sim_cli *cli, const char *app, const char *pcs,
                      struct mse_error *err)
{
    if (app != NULL)
        (void)fprintf(cli->out, "ready https://%s pcs http://%s\n", app, pcs);
    else
        (void)fprintf(cli->out, "ready pcs http://%s\n", pcs);
    if (fflush(cli->out) == 0 && ferror(cli->out) == 0)
        return true;
    return mse_fail_text(err, MSE_ERR_IO, "standard output", "cannot be written");
}

/* app NULL: collateral only. */
static bool run(const struct mse_sim_cli *cli, const struct mse_sim_options *options,
                const struct mse_sim_platform *platform, struct mse_sim_app *app,
                const struct mse_sim_bundle *bundle, struct mse_error *err)
{
    MSE_CLEANUP(server_cleanup) struct mse_sim_server *server = NULL;
    MSE_CLEANUP(fd_cleanup) int stop = -1;
    char app_at[MSE_SIM_ADDRESS_SIZE], pcs_at[MSE_SIM_ADDRESS_SIZE];
    struct mse_sim_pcs context = { .bundle = bundle, .platform = platform };
    struct mse_sim_service pcs = mse_sim_pcs_service(&context);

    if (!catch_signals(&stop, err) || !mse_sim_server_new(cli->now_ms, &server, err))
        return false;
    if (app != NULL) {
        struct mse_sim_service service = mse_sim_app_service(app);

        if (!mse_sim_server_listen(server, where(options, MSE_SIM_OPT_LISTEN), &service, app_at,
                                   err))
            return false;
    }
    return mse_sim_server_listen(
               server, where(options, app != NULL ? MSE_SIM_OPT_PCS_LISTEN : MSE_SIM_OPT_LISTEN),
               &pcs, pcs_at, err) &&
           say_ready(cli, app != NULL ? app_at : NULL, pcs_at, err) &&
           mse_sim_server_run(server, stop, err);
}

bool mse_sim_cmd_serve(const struct mse_sim_cli *cli, const struct mse_sim_options *options,
                       struct mse_error *err)
{
    MSE_CLEANUP(mse_sim_platform_cleanup) struct mse_sim_platform platform = { 0 };
    MSE_CLEANUP(mse_sim_attested_cleanup) struct mse_sim_attested attested = { 0 };
    MSE_CLEANUP(mse_sim_bundle_cleanup) struct mse_sim_bundle bundle = { 0 };
    MSE_CLEANUP(mse_sim_app_cleanup) struct mse_sim_app app = { 0 };

    return mse_sim_store_load(options->dir, &platform, err) &&
           load_bundle(options->dir, &bundle, err) &&
           mse_sim_certificate_of(cli, options, &platform, &attested, err) &&
           mse_sim_app_init(options->names[0], &attested, &app, err) &&
           run(cli, options, &platform, &app, &bundle, err);
}

bool mse_sim_cmd_pcs(const struct mse_sim_cli *cli, const struct mse_sim_options *options,
                     struct mse_error *err)
{
    MSE_CLEANUP(mse_sim_platform_cleanup) struct mse_sim_platform platform = { 0 };
    MSE_CLEANUP(mse_sim_bundle_cleanup) struct mse_sim_bundle bundle = { 0 };

    return mse_sim_store_load(options->dir, &platform, err) &&
           load_bundle(options->dir, &bundle, err) &&
           run(cli, options, &platform, NULL, &bundle, err);
}
