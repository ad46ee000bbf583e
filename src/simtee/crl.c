/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists of the simulated platform (RFC 5280, 5; Intel's profile specification, 1.4). */
#include <openssl/x509v3.h>

#include "simtee/pki.h"
#include "issue/x509_build.h"

static bool set_dates(X509_CRL *crl, const ASN1_TIME *this_update, const ASN1_TIME *next_update)
{
    return X509_CRL_set1_lastUpdate(crl, this_update) == 1 &&
           X509_CRL_set1_nextUpdate(crl, next_update) == 1;
}

static bool add_entry(X509_CRL *crl, X509 *cert, ASN1_TIME *when)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
    bool ok = entry != NULL && reason != NULL &&
              ASN1_ENUMERATED_set(reason, CRL_REASON_KEY_COMPROMISE) == 1 &&
              X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(cert)) == 1 &&
              X509_REVOKED_set_revocationDate(entry, when) == 1 &&
              X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, reason, 0, 0) == 1 &&
              X509_CRL_add0_revoked(crl, entry) == 1;

    ASN1_ENUMERATED_free(reason);
    if (!ok)
        X509_REVOKED_free(entry);
    return ok;
}

/* The number must grow with each list of an issuer; the time of issue does. */
static bool add_number(X509_CRL *crl, int64_t number)
{
    ASN1_INTEGER *value = ASN1_INTEGER_new();
    bool ok = value != NULL && ASN1_INTEGER_set_int64(value, number) == 1 &&
              X509_CRL_add1_ext_i2d(crl, NID_crl_number, value, 0, 0) == 1;

    ASN1_INTEGER_free(value);
    return ok;
}

static bool add_authority(X509_CRL *crl, X509 *issuer)
{
    X509_EXTENSION *extension;
    X509V3_CTX context;
    bool ok;

    X509V3_set_ctx(&context, issuer, NULL, NULL, crl, 0);
    X509V3_set_ctx_nodb(&context);
    extension = X509V3_EXT_conf_nid(NULL, &context, NID_authority_key_identifier, "keyid:always");
    ok = extension != NULL && X509_CRL_add_ext(crl, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return ok;
}

static bool build(X509_CRL *crl, const struct mse_sim_cert *issuer,
                  const struct mse_sim_cert *revoked, int64_t number, ASN1_TIME *this_update,
                  ASN1_TIME *next_update)
{
    return X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
           X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->cert)) == 1 &&
           set_dates(crl, this_update, next_update) &&
           (revoked == NULL || add_entry(crl, revoked->cert, this_update)) &&
           add_number(crl, number) && add_authority(crl, issuer->cert) &&
           X509_CRL_sign(crl, issuer->key, EVP_sha256()) > 0;
}

static bool write_der(X509_CRL *crl, struct mse_writer *out)
{
    uint8_t *der = NULL;
    int len = i2d_X509_CRL(crl, &der);

    if (len <= 0)
        return false;
    mse_write_bytes(out, der, (size_t)len);
    OPENSSL_free(der);
    return mse_writer_ok(out);
}

bool mse_sim_crl_make(const struct mse_sim_cert *issuer, const struct mse_sim_cert *revoked,
                      int64_t this_update, int64_t next_update, struct mse_writer *out,
                      struct mse_error *err)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *from = NULL;
    ASN1_TIME *until = NULL;
    bool ok = crl != NULL && mse_issue_asn1_time(this_update, &from, err) &&
              mse_issue_asn1_time(next_update, &until, err) &&
              build(crl, issuer, revoked, this_update, from, until) && write_der(crl, out);

    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    X509_CRL_free(crl);
    return ok || mse_issue_fail_openssl(err, "CRL");
}
