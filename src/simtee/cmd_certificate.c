/* SPDX-License-Identifier: Apache-2.0 */
/* certificate: the certificate of a simulated enclave, with its key. */
#include "base/file.h"
#include "simtee/cli.h"

#define DAY INT64_C(86400)
#define DEFAULT_DAYS 90
#define DEFAULT_CONFIG_PREFIX "config."

static bool read_names(const struct mse_sim_options *options,
                       struct mse_issue_name out[static MSE_ISSUE_MAX_NAMES], struct mse_error *err)
{
    for (size_t i = 0; i < options->name_count; i++) {
        if (!mse_issue_name_read(options->names[i], "name", &out[i], err))
            return false;
    }
    return true;
}

/* By default "config." before the app's name. */
bool mse_sim_config_name_of(const struct mse_sim_options *options, char *out, size_t size,
                            struct mse_error *err)
{
    bool given = options->given[MSE_SIM_OPT_CONFIG_NAME];
    struct mse_issue_name name;
    int len = snprintf(out, size, "%s%s", given ? "" : DEFAULT_CONFIG_PREFIX,
                       given ? options->text[MSE_SIM_OPT_CONFIG_NAME] : options->names[0]);

    if (len < 0 || (size_t)len >= size)
        return mse_fail_text(err, MSE_ERR_USAGE, "config-name", "longer than %d bytes",
                             MSE_ISSUE_DNS_NAME_MAX);
    return !given || mse_issue_name_read(out, "config-name", &name, err);
}

bool mse_sim_days_of(const struct mse_sim_options *options, int64_t *out, struct mse_error *err)
{
    bool given = options->given[MSE_SIM_OPT_DAYS];

    *out = given ? options->number[MSE_SIM_OPT_DAYS] : DEFAULT_DAYS;
    return *out <= MSE_ISSUE_MAX_DAYS ||
           mse_fail_text(err, MSE_ERR_USAGE, "days", "a certificate is valid for at most %d days",
                         MSE_ISSUE_MAX_DAYS);
}

bool mse_sim_certificate_of(const struct mse_sim_cli *cli, const struct mse_sim_options *options,
                            const struct mse_sim_platform *platform, struct mse_sim_attested *out,
                            struct mse_error *err)
{
    struct mse_issue_name names[MSE_ISSUE_MAX_NAMES];
    char config_name[MSE_ISSUE_DNS_NAME_MAX + 1];
    struct mse_sim_certificate_options made = {
        .names = names,
        .name_count = options->name_count,
        .config_name = config_name,
        .not_before = mse_sim_instant(cli, options),
        .other_key = options->given[MSE_SIM_OPT_OTHER_KEY],
        .no_statement = options->given[MSE_SIM_OPT_NO_STATEMENT],
    };
    int64_t days;

    memset(out, 0, sizeof(*out));
    if (!read_names(options, names, err) ||
        !mse_sim_config_name_of(options, config_name, sizeof(config_name), err) ||
        !mse_sim_days_of(options, &days, err) || !mse_sim_enclave_of(options, &made.enclave, err))
        return false;
    made.not_after = made.not_before + days * DAY;
    return mse_sim_certificate_make(platform, &made, out, err);
}

static bool save_key(const char *path, EVP_PKEY *key, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer pem = { 0 };

    return mse_issue_key_write(key, &pem, err) &&
           mse_file_write(path, mse_writer_bytes(&pem), 0600, MSE_FILE_REPLACE, err);
}

bool mse_sim_cmd_certificate(const struct mse_sim_cli *cli, const struct mse_sim_options *options,
                             struct mse_error *err)
{
    MSE_CLEANUP(mse_sim_platform_cleanup) struct mse_sim_platform platform = { 0 };
    MSE_CLEANUP(mse_sim_attested_cleanup) struct mse_sim_attested attested = { 0 };
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer pem = { 0 };

    return mse_sim_store_load(options->dir, &platform, err) &&
           mse_sim_certificate_of(cli, options, &platform, &attested, err) &&
           mse_sim_cert_write(attested.cert, &pem, err) &&
           save_key(options->text[MSE_SIM_OPT_KEY], attested.key, err) &&
           (!options->given[MSE_SIM_OPT_SEAL_KEY] ||
            save_key(options->text[MSE_SIM_OPT_SEAL_KEY], attested.seal_key, err)) &&
           mse_file_write(options->text[MSE_SIM_OPT_OUTPUT], mse_writer_bytes(&pem), 0644,
                          MSE_FILE_REPLACE, err);
}
