/* SPDX-License-Identifier: Apache-2.0 */
/* collateral: the platform's collateral again, in any state. */
#include "base/file.h"
#include "simtee/cli.h"
#include "simtee/collateral.h"

#define DAY INT64_C(86400)

static const char *word(const struct mse_sim_options *options, enum mse_sim_option option,
                        const char *otherwise)
{
    return options->given[option] ? options->text[option] : otherwise;
}

static int64_t number(const struct mse_sim_options *options, enum mse_sim_option option,
                      int64_t otherwise)
{
    return options->given[option] ? options->number[option] : otherwise;
}

static struct mse_sim_collateral_options state_of(const struct mse_sim_cli *cli,
                                                  const struct mse_sim_options *options)
{
    int64_t issued = number(options, MSE_SIM_OPT_ISSUED, mse_sim_instant(cli, options));
    const char *revoke = word(options, MSE_SIM_OPT_REVOKE, "");
    struct mse_sim_collateral_options state = {
        .tcb_status = word(options, MSE_SIM_OPT_TCB_STATUS, mse_sim_tcb_statuses[0]),
        .qe_status = word(options, MSE_SIM_OPT_QE_STATUS, mse_sim_tcb_statuses[0]),
        .issued = issued,
        .next_update = issued + number(options, MSE_SIM_OPT_DAYS, MSE_SIM_DEFAULT_DAYS) * DAY,
        .eval = (uint32_t)number(options, MSE_SIM_OPT_EVAL, MSE_SIM_DEFAULT_EVAL),
    };

    if (strcmp(revoke, "pck") == 0)
        state.revoke = MSE_SIM_REVOKE_PCK;
    else if (strcmp(revoke, "ca") == 0)
        state.revoke = MSE_SIM_REVOKE_CA;
    return state;
}

bool mse_sim_cmd_collateral(const struct mse_sim_cli *cli, const struct mse_sim_options *options,
                            struct mse_error *err)
{
    MSE_CLEANUP(mse_sim_platform_cleanup) struct mse_sim_platform platform = { 0 };
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer bundle = { 0 };
    struct mse_sim_collateral_options state = state_of(cli, options);

    return mse_sim_store_load(options->dir, &platform, err) &&
           mse_sim_collateral_make(&platform, &state, &bundle, err) &&
           mse_file_write(options->text[MSE_SIM_OPT_OUTPUT], mse_writer_bytes(&bundle), 0644,
                          MSE_FILE_REPLACE, err);
}
