/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate of an enclave: one shape, whoever issues it. */
#include "issue/certificate.h"

#include <openssl/x509v3.h>

static const uint8_t oid_quote[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x8a, 0x39, 0x06 };
static const uint8_t oid_statement[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x8a, 0x39, 0x20 };
static const uint8_t oid_san[] = { 0x55, 0x1d, 0x11 };              /* 2.5.29.17 */
static const uint8_t oid_name_constraints[] = { 0x55, 0x1d, 0x1e }; /* 2.5.29.30 */

const struct mse_bytes mse_issue_oid_quote = { oid_quote, sizeof(oid_quote) };
const struct mse_bytes mse_issue_oid_statement = { oid_statement, sizeof(oid_statement) };

#define COMMON_NAME_MAX 64 /* RFC 5280, Appendix A.1: ub-common-name */

/* The common name repeats the app's name where it fits; addresses and long names have none. */
static bool set_names(X509 *cert, const struct mse_issue_certificate *spec, struct mse_error *err)
{
    X509_NAME *name = X509_get_subject_name(cert);
    const struct mse_issue_name *first = &spec->names[0];

    if (first->address_len == 0 && strlen(first->text) <= COMMON_NAME_MAX &&
        !mse_issue_rdn_add(name, "CN", first->text, err))
        return false;
    if (spec->organization != NULL && !mse_issue_rdn_add(name, "O", spec->organization, err))
        return false;
    return X509_set_issuer_name(cert, name) == 1 || mse_issue_fail_openssl(err, "issuer");
}

static bool add_san(X509 *cert, const struct mse_issue_certificate *spec, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer san = { 0 };

    mse_issue_names_write_san(spec->names, spec->name_count, &san);
    return mse_issue_x509_extension(cert, MSE_BYTES(oid_san), false, &san, err);
}

/* Not critical, although RFC 5280 wants it so for CAs: clients that cannot read critical ones
 * refuse the certificate, and all that enforce constraints do so either way. */
static bool add_constraints(X509 *cert, const struct mse_issue_certificate *spec,
                            struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer constraints = { 0 };

    mse_issue_names_write_constraints(spec->names, spec->name_count, &constraints);
    return mse_issue_x509_extension(cert, MSE_BYTES(oid_name_constraints), false, &constraints,
                                    err);
}

/* CA:FALSE is said: some clients take silence for "may sign". */
static bool add_standard(X509 *cert, const struct mse_issue_certificate *spec,
                         struct mse_error *err)
{
    return mse_issue_x509_standard(cert, cert, NID_basic_constraints, "critical,CA:FALSE", err) &&
           mse_issue_x509_standard(cert, cert, NID_key_usage, "critical,digitalSignature", err) &&
           mse_issue_x509_standard(cert, cert, NID_ext_key_usage, "serverAuth", err) &&
           add_san(cert, spec, err) &&
           mse_issue_x509_standard(cert, cert, NID_subject_key_identifier, "hash", err) &&
           mse_issue_x509_standard(cert, cert, NID_authority_key_identifier, "keyid:always", err) &&
           add_constraints(cert, spec, err);
}

static bool add_extension(X509 *cert, const struct mse_issue_extension *extension,
                          struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer payload = { 0 };

    mse_write_bytes(&payload, extension->payload.data, extension->payload.len);
    return mse_issue_x509_extension(cert, extension->oid, false, &payload, err);
}

static bool build(const struct mse_issue_certificate *spec, EVP_PKEY *key, X509 **out,
                  struct mse_error *err)
{
    if (!mse_issue_x509_begin(key, spec->not_before, spec->not_after, out, err) ||
        !set_names(*out, spec, err) || !add_standard(*out, spec, err))
        return false;
    for (size_t i = 0; i < spec->extension_count; i++) {
        if (!add_extension(*out, &spec->extensions[i], err))
            return false;
    }
    return X509_sign(*out, key, EVP_sha256()) > 0 || mse_issue_fail_openssl(err, "certificate");
}

bool mse_issue_certificate_make(const struct mse_issue_certificate *certificate, EVP_PKEY *key,
                                X509 **out, struct mse_error *err)
{
    *out = NULL;
    if (build(certificate, key, out, err))
        return true;
    mse_issue_x509_cleanup(out);
    return false;
}
