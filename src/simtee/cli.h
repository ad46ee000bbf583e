/* SPDX-License-Identifier: Apache-2.0 */
/* What a command gets from main(), and the commands. */
#ifndef MSE_SIMTEE_CLI_H
#define MSE_SIMTEE_CLI_H

#include "simtee/certificate.h"
#include "simtee/options.h"

#define MSE_SIM_ROOT_FILE "root.pem"
#define MSE_SIM_COLLATERAL_FILE "collateral.json"
#define MSE_SIM_OPERATOR_FILE "operator.json"

struct mse_sim_cli {
    FILE *out, *err;
    int64_t now;             /* read once */
    int64_t (*now_ms)(void); /* never goes back; for deadlines */
    int *status;             /* exit status of a command that passes another program's on */
};

/* Each fills in the error and returns false; MSE_ERR_USAGE is wrong usage, all else is local. */
typedef bool mse_sim_command(const struct mse_sim_cli *cli, const struct mse_sim_options *options,
                             struct mse_error *err);

mse_sim_command mse_sim_cmd_init;
mse_sim_command mse_sim_cmd_collateral;
mse_sim_command mse_sim_cmd_quote;
mse_sim_command mse_sim_cmd_certificate;
mse_sim_command mse_sim_cmd_serve;
mse_sim_command mse_sim_cmd_pcs;
mse_sim_command mse_sim_cmd_run;

/* --at, or the clock. */
static inline int64_t mse_sim_instant(const struct mse_sim_cli *cli,
                                      const struct mse_sim_options *options)
{
    return options->given[MSE_SIM_OPT_AT] ? options->number[MSE_SIM_OPT_AT] : cli->now;
}

/* --mrenclave, --debug, --isv-svn. */
MSE_MUST_CHECK bool mse_sim_enclave_of(const struct mse_sim_options *options,
                                       struct mse_sim_enclave *out, struct mse_error *err);
/* --config-name, or "config." before the app's name. */
MSE_MUST_CHECK bool mse_sim_config_name_of(const struct mse_sim_options *options, char *out,
                                           size_t size, struct mse_error *err);
/* --days of a certificate. */
MSE_MUST_CHECK bool mse_sim_days_of(const struct mse_sim_options *options, int64_t *out,
                                    struct mse_error *err);
/* All that the certificate command and serve have in common. */
MSE_MUST_CHECK bool mse_sim_certificate_of(const struct mse_sim_cli *cli,
                                           const struct mse_sim_options *options,
                                           const struct mse_sim_platform *platform,
                                           struct mse_sim_attested *out, struct mse_error *err);

#endif
