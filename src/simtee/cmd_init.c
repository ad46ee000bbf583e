/* SPDX-License-Identifier: Apache-2.0 */
/* init: a new platform with its root, keys, operator's file and first collateral. */
#include "simtee/cli.h"
#include "simtee/collateral.h"
#include "simtee/operator.h"

#define DAY INT64_C(86400)

/* "SimTEE": no machine of a vendor has this family. */
static const uint8_t default_fmspc[6] = { 0x53, 0x69, 0x6d, 0x54, 0x45, 0x45 };
/* Components as a current server has them: the first two are the ones that updates raise. */
static const uint8_t default_svn[16] = { 12, 12, 3, 3, 255, 255, 1 };
#define DEFAULT_PCE_SVN 13

static bool describe(const struct mse_sim_options *options, struct mse_sim_machine *out,
                     struct mse_error *err)
{
    bool given = options->given[MSE_SIM_OPT_FMSPC];

    *out = (struct mse_sim_machine){
        .pce_svn = DEFAULT_PCE_SVN,
        .processor = options->given[MSE_SIM_OPT_PROCESSOR],
    };
    memcpy(out->fmspc, given ? options->bytes[MSE_SIM_OPT_FMSPC] : default_fmspc,
           sizeof(out->fmspc));
    memcpy(out->svn, default_svn, sizeof(out->svn));
    return mse_issue_random(out->ppid, sizeof(out->ppid), err) &&
           mse_issue_random(out->instance, sizeof(out->instance), err);
}

static bool save_collateral(const struct mse_sim_options *options, int64_t at,
                            const struct mse_sim_platform *platform, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer bundle = { 0 };
    struct mse_sim_collateral_options state = {
        .tcb_status = options->given[MSE_SIM_OPT_TCB_STATUS] ? options->text[MSE_SIM_OPT_TCB_STATUS]
                                                             : mse_sim_tcb_statuses[0],
        .qe_status = mse_sim_tcb_statuses[0],
        .issued = at,
        .next_update = at + MSE_SIM_DEFAULT_DAYS * DAY,
        .eval = MSE_SIM_DEFAULT_EVAL,
    };

    return mse_sim_collateral_make(platform, &state, &bundle, err) &&
           mse_sim_store_put(options->dir, MSE_SIM_COLLATERAL_FILE, &bundle, err);
}

static bool save_operator(const char *dir, const struct mse_sim_platform *platform,
                          struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer text = { 0 };

    return mse_sim_operator_write(platform, &text, err) &&
           mse_sim_store_put(dir, MSE_SIM_OPERATOR_FILE, &text, err);
}

bool mse_sim_cmd_init(const struct mse_sim_cli *cli, const struct mse_sim_options *options,
                      struct mse_error *err)
{
    MSE_CLEANUP(mse_sim_platform_cleanup) struct mse_sim_platform platform = { 0 };
    int64_t at = mse_sim_instant(cli, options);
    struct mse_sim_machine machine;

    if (!mse_sim_store_create(options->dir, err) || !describe(options, &machine, err) ||
        !mse_sim_platform_make(&machine, at, &platform, err) ||
        !save_collateral(options, at, &platform, err) ||
        !save_operator(options->dir, &platform, err) ||
        !mse_sim_store_save(options->dir, &platform, err))
        return false;
    (void)fprintf(cli->out, "root %s/%s\noperator %s/%s\ncollateral %s/%s\n", options->dir,
                  MSE_SIM_ROOT_FILE, options->dir, MSE_SIM_OPERATOR_FILE, options->dir,
                  MSE_SIM_COLLATERAL_FILE);
    return true;
}
