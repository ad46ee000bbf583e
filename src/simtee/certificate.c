/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate of a simulated enclave. */
#include "simtee/certificate.h"

#include "simtee/statement.h"

/* SHA-256(point) || X25519 public key. */
static bool make_report_data(const struct mse_sim_attested *attested, bool other_key,
                             uint8_t out[static 64], struct mse_error *err)
{
    MSE_CLEANUP(mse_issue_key_cleanup) EVP_PKEY *other = NULL;
    uint8_t point[65];

    if (other_key && !mse_issue_key_make(MSE_ISSUE_KEY_P256, &other, err))
        return false;
    return mse_issue_key_point(other_key ? other : attested->key, point, err) &&
           mse_issue_sha256(MSE_BYTES(point), out, err) &&
           mse_issue_key_raw(attested->seal_key, out + 32, err);
}

static bool make_statement(const struct mse_sim_platform *platform,
                           const struct mse_sim_certificate_options *options,
                           struct mse_writer *out, struct mse_error *err)
{
    uint8_t owner[32];
    struct mse_sim_statement statement = {
        .name = options->names[0].text,
        .config_name = options->config_name,
        .fingerprint = options->enclave.mrenclave,
        .owner = owner,
        .not_after = options->not_after,
    };

    return options->no_statement ||
           (mse_issue_key_raw(platform->owner, owner, err) &&
            mse_sim_statement_make(&statement, platform->instance, out, err));
}

static bool build(const struct mse_sim_platform *platform,
                  const struct mse_sim_certificate_options *options, struct mse_sim_attested *out,
                  struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer quote = { 0 }, statement = { 0 };
    struct mse_issue_extension extensions[2] = { { mse_issue_oid_quote, { NULL, 0 } },
                                                 { mse_issue_oid_statement, { NULL, 0 } } };
    struct mse_issue_certificate spec = {
        .names = options->names,
        .name_count = options->name_count,
        .organization = "mse-simtee (simulated)",
        .not_before = options->not_before,
        .not_after = options->not_after,
        .extensions = extensions,
        .extension_count = options->no_statement ? 1 : 2,
    };
    uint8_t report_data[64];

    if (!mse_issue_key_make(MSE_ISSUE_KEY_P256, &out->key, err) ||
        !mse_issue_key_make(MSE_ISSUE_KEY_X25519, &out->seal_key, err) ||
        !make_report_data(out, options->other_key, report_data, err) ||
        !mse_sim_quote_make(platform, &options->enclave, report_data, &quote, err) ||
        !make_statement(platform, options, &statement, err))
        return false;
    extensions[0].payload = mse_writer_bytes(&quote);
    extensions[1].payload = mse_writer_bytes(&statement);
    return mse_issue_certificate_make(&spec, out->key, &out->cert, err);
}

bool mse_sim_certificate_make(const struct mse_sim_platform *platform,
                              const struct mse_sim_certificate_options *options,
                              struct mse_sim_attested *out, struct mse_error *err)
{
    memset(out, 0, sizeof(*out));
    if (build(platform, options, out, err))
        return true;
    mse_sim_attested_cleanup(out);
    return false;
}

void mse_sim_attested_cleanup(struct mse_sim_attested *attested)
{
    mse_issue_x509_cleanup(&attested->cert);
    mse_issue_key_cleanup(&attested->key);
    mse_issue_key_cleanup(&attested->seal_key);
}
