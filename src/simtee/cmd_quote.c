/* SPDX-License-Identifier: Apache-2.0 */
/* quote: bare evidence about any 64 bytes. */
#include "base/file.h"
#include "simtee/cli.h"

bool mse_sim_enclave_of(const struct mse_sim_options *options, struct mse_sim_enclave *out,
                        struct mse_error *err)
{
    if (!mse_sim_enclave_demo(out, err))
        return false;
    if (options->given[MSE_SIM_OPT_MRENCLAVE])
        memcpy(out->mrenclave, options->bytes[MSE_SIM_OPT_MRENCLAVE], sizeof(out->mrenclave));
    if (options->given[MSE_SIM_OPT_ISV_SVN])
        out->isv_svn = (uint16_t)options->number[MSE_SIM_OPT_ISV_SVN];
    out->debug = options->given[MSE_SIM_OPT_DEBUG];
    return true;
}

bool mse_sim_cmd_quote(const struct mse_sim_cli *cli, const struct mse_sim_options *options,
                       struct mse_error *err)
{
    MSE_CLEANUP(mse_sim_platform_cleanup) struct mse_sim_platform platform = { 0 };
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer quote = { 0 };
    struct mse_sim_enclave enclave;

    (void)cli;
    return mse_sim_enclave_of(options, &enclave, err) &&
           mse_sim_store_load(options->dir, &platform, err) &&
           mse_sim_quote_make(&platform, &enclave, options->bytes[MSE_SIM_OPT_REPORT_DATA], &quote,
                              err) &&
           mse_file_write(options->text[MSE_SIM_OPT_OUTPUT], mse_writer_bytes(&quote), 0644,
                          MSE_FILE_REPLACE, err);
}
