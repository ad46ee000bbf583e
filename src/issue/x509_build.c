/* SPDX-License-Identifier: Apache-2.0 */
/* Steps that every certificate and CRL of the simulation takes. */
#include "issue/x509_build.h"

#include <openssl/x509v3.h>

#include "issue/der_write.h"
#include "issue/key.h"

#define SERIAL_SIZE 16

void mse_issue_x509_cleanup(X509 **cert)
{
    X509_free(*cert);
    *cert = NULL;
}

bool mse_issue_asn1_time(int64_t t, ASN1_TIME **out, struct mse_error *err)
{
    /* RFC 5280, 4.1.2.5: UTCTime to 2049, GeneralizedTime from 2050 on, as this call does. */
    *out = ASN1_TIME_set(NULL, (time_t)t);
    return *out != NULL || mse_issue_fail_openssl(err, "time");
}

static bool set_dates(X509 *cert, int64_t not_before, int64_t not_after, struct mse_error *err)
{
    ASN1_TIME *from = NULL;
    ASN1_TIME *until = NULL;
    bool ok = mse_issue_asn1_time(not_before, &from, err) &&
              mse_issue_asn1_time(not_after, &until, err);

    if (ok && (X509_set1_notBefore(cert, from) != 1 || X509_set1_notAfter(cert, until) != 1))
        ok = mse_issue_fail_openssl(err, "validity");
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    return ok;
}

/* Positive, never zero, without a sign octet: 16 octets whatever the dice say. */
static bool set_serial(X509 *cert, struct mse_error *err)
{
    uint8_t bytes[SERIAL_SIZE];
    BIGNUM *number;
    bool ok;

    if (!mse_issue_random(bytes, sizeof(bytes), err))
        return false;
    bytes[0] = (uint8_t)((bytes[0] & 0x3f) | 0x40);
    number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    ok = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
    BN_free(number);
    return ok || mse_issue_fail_openssl(err, "serial number");
}

bool mse_issue_x509_begin(EVP_PKEY *key, int64_t not_before, int64_t not_after, X509 **out,
                          struct mse_error *err)
{
    *out = X509_new();
    if (*out == NULL || X509_set_version(*out, X509_VERSION_3) != 1 ||
        X509_set_pubkey(*out, key) != 1)
        (void)mse_issue_fail_openssl(err, "certificate");
    else if (set_serial(*out, err) && set_dates(*out, not_before, not_after, err))
        return true;
    mse_issue_x509_cleanup(out);
    return false;
}

bool mse_issue_rdn_add(X509_NAME *name, const char *attribute, const char *value,
                       struct mse_error *err)
{
    if (X509_NAME_add_entry_by_txt(name, attribute, MBSTRING_UTF8, (const uint8_t *)value, -1, -1,
                                   0) == 1)
        return true;
    return mse_issue_fail_openssl(err, "subject");
}

bool mse_issue_x509_standard(X509 *cert, X509 *issuer, int nid, const char *value,
                             struct mse_error *err)
{
    X509_EXTENSION *extension;
    X509V3_CTX context;
    bool ok;

    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509V3_set_ctx_nodb(&context);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    ok = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return ok || mse_issue_fail_openssl(err, "extension");
}

/* The library reads OIDs of any arc size from DER, but not all of them from text. */
static ASN1_OBJECT *object_of(struct mse_bytes oid)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer der = { 0 };
    const uint8_t *at;

    mse_issue_der_put(&der, MSE_ISSUE_DER_OID, oid);
    if (!mse_writer_ok(&der))
        return NULL;
    at = der.data;
    return d2i_ASN1_OBJECT(NULL, &at, (long)der.len);
}

bool mse_issue_x509_extension(X509 *cert, struct mse_bytes oid, bool critical,
                              const struct mse_writer *payload, struct mse_error *err)
{
    ASN1_OBJECT *object = NULL;
    ASN1_OCTET_STRING *data = NULL;
    X509_EXTENSION *extension = NULL;
    bool ok;

    if (!mse_writer_ok(payload))
        return mse_fail_memory(err);
    object = object_of(oid);
    data = ASN1_OCTET_STRING_new();
    ok = object != NULL && data != NULL && payload->len <= INT32_MAX &&
         ASN1_OCTET_STRING_set(data, payload->data, (int)payload->len) == 1;
    if (ok)
        extension = X509_EXTENSION_create_by_OBJ(NULL, object, critical ? 1 : 0, data);
    ok = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(data);
    ASN1_OBJECT_free(object);
    return ok || mse_issue_fail_openssl(err, "extension");
}
