/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate of a simulated enclave. */
#include "simtee/certificate.h"

#include <openssl/x509v3.h>

#include "simtee/statement.h"
#include "simtee/x509_build.h"

/* 1.2.840.113741.1337.6: the payload is the bare quote. */
static const uint8_t oid_quote[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x8a, 0x39, 0x06 };
static const uint8_t oid_san[] = { 0x55, 0x1d, 0x11 };              /* 2.5.29.17 */
static const uint8_t oid_name_constraints[] = { 0x55, 0x1d, 0x1e }; /* 2.5.29.30 */

#define COMMON_NAME_MAX 64 /* RFC 5280, Appendix A.1: ub-common-name */

/* The common name repeats the app's name where it fits; addresses and long names have none. */
static bool set_names(X509 *cert, const struct mse_sim_name *first, struct mse_error *err)
{
    X509_NAME *name = X509_get_subject_name(cert);

    if (first->address_len == 0 && strlen(first->text) <= COMMON_NAME_MAX &&
        !mse_sim_name_add(name, "CN", first->text, err))
        return false;
    if (!mse_sim_name_add(name, "O", "mse-simtee (simulated)", err))
        return false;
    return X509_set_issuer_name(cert, name) == 1 || mse_sim_fail_openssl(err, "issuer");
}

static bool add_names(X509 *cert, const struct mse_sim_certificate_options *options,
                      struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer san = { 0 };

    mse_sim_names_write_san(options->names, options->name_count, &san);
    return mse_sim_x509_extension(cert, MSE_BYTES(oid_san), false, &san, err);
}

/* Not critical, although RFC 5280 wants it so for CAs: clients that cannot read critical ones
 * refuse the certificate, and all that enforce constraints do so either way. */
static bool add_constraints(X509 *cert, const struct mse_sim_certificate_options *options,
                            struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer constraints = { 0 };

    mse_sim_names_write_constraints(options->names, options->name_count, &constraints);
    return mse_sim_x509_extension(cert, MSE_BYTES(oid_name_constraints), false, &constraints, err);
}

/* SHA-256(point) || X25519 public key. */
static bool make_report_data(const struct mse_sim_attested *attested, bool other_key,
                             uint8_t out[static 64], struct mse_error *err)
{
    MSE_CLEANUP(mse_sim_key_cleanup) EVP_PKEY *other = NULL;
    uint8_t point[65];

    if (other_key && !mse_sim_key_make(MSE_SIM_KEY_P256, &other, err))
        return false;
    return mse_sim_key_point(other_key ? other : attested->key, point, err) &&
           mse_sim_sha256(MSE_BYTES(point), out, err) &&
           mse_sim_key_raw(attested->seal_key, out + 32, err);
}

static bool add_evidence(const struct mse_sim_platform *platform,
                         const struct mse_sim_certificate_options *options,
                         struct mse_sim_attested *out, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer quote = { 0 };
    uint8_t report_data[64];

    return make_report_data(out, options->other_key, report_data, err) &&
           mse_sim_quote_make(platform, &options->enclave, report_data, &quote, err) &&
           mse_sim_x509_extension(out->cert, MSE_BYTES(oid_quote), false, &quote, err);
}

static bool add_statement(const struct mse_sim_platform *platform,
                          const struct mse_sim_certificate_options *options, X509 *cert,
                          struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer payload = { 0 };
    uint8_t owner[32];
    struct mse_sim_statement statement = {
        .name = options->names[0].text,
        .config_name = options->config_name,
        .fingerprint = options->enclave.mrenclave,
        .owner = owner,
        .not_after = options->not_after,
    };

    if (options->no_statement)
        return true;
    return mse_sim_key_raw(platform->owner, owner, err) &&
           mse_sim_statement_make(&statement, platform->instance, &payload, err) &&
           mse_sim_x509_extension(cert, mse_sim_oid_statement, false, &payload, err);
}

static bool build(const struct mse_sim_platform *platform,
                  const struct mse_sim_certificate_options *options, struct mse_sim_attested *out,
                  struct mse_error *err)
{
    if (!mse_sim_key_make(MSE_SIM_KEY_P256, &out->key, err) ||
        !mse_sim_key_make(MSE_SIM_KEY_X25519, &out->seal_key, err) ||
        !mse_sim_x509_begin(out->key, options->not_before, options->not_after, &out->cert, err) ||
        !set_names(out->cert, &options->names[0], err))
        return false;
    if (!mse_sim_x509_standard(out->cert, out->cert, NID_basic_constraints, "critical,CA:FALSE",
                               err) ||
        !mse_sim_x509_standard(out->cert, out->cert, NID_key_usage, "critical,digitalSignature",
                               err) ||
        !mse_sim_x509_standard(out->cert, out->cert, NID_ext_key_usage, "serverAuth", err) ||
        !add_names(out->cert, options, err) ||
        !mse_sim_x509_standard(out->cert, out->cert, NID_subject_key_identifier, "hash", err) ||
        !mse_sim_x509_standard(out->cert, out->cert, NID_authority_key_identifier, "keyid:always",
                               err) ||
        !add_constraints(out->cert, options, err) || !add_evidence(platform, options, out, err) ||
        !add_statement(platform, options, out->cert, err))
        return false;
    return X509_sign(out->cert, out->key, EVP_sha256()) > 0 ||
           mse_sim_fail_openssl(err, "certificate");
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
    mse_sim_x509_cleanup(&attested->cert);
    mse_sim_key_cleanup(&attested->key);
    mse_sim_key_cleanup(&attested->seal_key);
}
