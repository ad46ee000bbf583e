/* SPDX-License-Identifier: Apache-2.0 */
/* X.509 certificates: the fields, and the checks between a certificate and its issuer. */
#include "crypto/cert.h"

#include "base/clock.h"
#include "crypto/algorithm.h"
#include "crypto/extension.h"

#define PATH_LEN_MAX 255
#define UNIQUE_ID_ISSUER MSE_DER_CONTEXT(1)
#define UNIQUE_ID_SUBJECT MSE_DER_CONTEXT(2)

static const struct mse_bytes oid_key_usage = { (const uint8_t *)"\x55\x1d\x0f", 3 };
static const struct mse_bytes oid_basic_constraints = { (const uint8_t *)"\x55\x1d\x13", 3 };

/* RFC 5280, 4.1.2.1. The default, version 1, is not encoded (X.690, 11.5). */
static unsigned read_version(struct mse_reader *tbs)
{
    struct mse_reader start = *tbs;
    struct mse_reader body;
    uint64_t version;

    if (!mse_der_next_is(tbs, MSE_DER_CONTEXT_CONSTRUCTED(0)))
        return 1;
    body = mse_der_enter(tbs, MSE_DER_CONTEXT_CONSTRUCTED(0), "version");
    version = mse_der_read_unsigned(&body, "version");
    if (!mse_read_done(&body, "version"))
        return 0;
    if (version != 1 && version != 2) {
        mse_reader_fail(&start, MSE_ERR_VALUE, "version");
        return 0;
    }
    return (unsigned)version + 1;
}

static void read_validity(struct mse_reader *tbs, struct mse_cert *cert)
{
    struct mse_reader body = mse_der_enter(tbs, MSE_DER_SEQUENCE, "validity");

    cert->not_before = mse_der_read_time(&body, "notBefore");
    cert->not_after = mse_der_read_time(&body, "notAfter");
    if (!mse_read_done(&body, "validity"))
        return;
}

/* RFC 5280, 4.2.1.9. An empty SEQUENCE is the default: no CA. */
static void read_basic_constraints(struct mse_reader *in, struct mse_cert *cert)
{
    struct mse_reader body = mse_der_enter(in, MSE_DER_SEQUENCE, "basicConstraints");
    struct mse_reader start;
    uint64_t path_len;

    if (mse_der_next_is(&body, MSE_DER_BOOLEAN))
        cert->is_ca = mse_der_read_true(&body, "basicConstraints.cA");
    start = body;
    if (mse_read_ok(&body) && mse_reader_left(&body) > 0) {
        path_len = mse_der_read_unsigned(&body, "basicConstraints.pathLenConstraint");
        if (path_len > PATH_LEN_MAX)
            mse_reader_fail(&start, MSE_ERR_LIMIT, "basicConstraints.pathLenConstraint");
        else
            cert->path_len = (int)path_len;
    }
    if (!mse_read_done(&body, "basicConstraints") || !mse_read_done(in, "basicConstraints"))
        return;
}

/* RFC 5280, 4.2.1.3: bits 0 to 8, at least one of them set; the first bit is the highest.
 * Zero bits behind the last one, which X.690, 11.2.2 forbids, are tolerated: older releases of Mbed
 * TLS write a fixed width. */
static void read_key_usage(struct mse_reader *in, struct mse_cert *cert)
{
    struct mse_reader start = *in;
    struct mse_bytes v = mse_der_read(in, MSE_DER_BIT_STRING, "keyUsage");
    uint32_t usage = 0;

    if (!mse_read_done(in, "keyUsage"))
        return;
    if (v.len < 2 || v.len > 3 || v.data[0] > 7) {
        mse_reader_fail(&start, MSE_ERR_VALUE, "keyUsage");
        return;
    }
    for (unsigned bit = 0; bit < 8 * (v.len - 1); bit++) {
        if ((v.data[1 + bit / 8] & (0x80U >> (bit % 8))) != 0)
            usage |= 1U << bit;
    }
    if (usage == 0 || usage >> (8 * (v.len - 1) - v.data[0]) != 0)
        mse_reader_fail(&start, MSE_ERR_VALUE, "keyUsage");
    cert->key_usage = usage;
}

static void decode_extensions(const struct mse_reader *tbs, struct mse_cert *cert)
{
    const struct mse_extension *usage = mse_cert_extension(cert, oid_key_usage);
    const struct mse_extension *constraints = mse_cert_extension(cert, oid_basic_constraints);
    struct mse_reader payload;

    if (usage != NULL) {
        payload = mse_der_over(tbs, usage->payload);
        cert->has_key_usage = true;
        read_key_usage(&payload, cert);
    }
    if (constraints != NULL) {
        payload = mse_der_over(tbs, constraints->payload);
        cert->has_basic_constraints = true;
        cert->basic_constraints_critical = constraints->critical;
        read_basic_constraints(&payload, cert);
    }
}

/* RFC 5280, 4.1: unique identifiers since version 2, extensions since version 3. */
static void read_optional_fields(struct mse_reader *tbs, struct mse_cert *cert)
{
    struct mse_reader wrapper;

    if (cert->version >= 2 && mse_der_next_is(tbs, UNIQUE_ID_ISSUER))
        mse_der_read(tbs, UNIQUE_ID_ISSUER, "issuerUniqueID");
    if (cert->version >= 2 && mse_der_next_is(tbs, UNIQUE_ID_SUBJECT))
        mse_der_read(tbs, UNIQUE_ID_SUBJECT, "subjectUniqueID");
    if (cert->version < 3 || !mse_der_next_is(tbs, MSE_DER_CONTEXT_CONSTRUCTED(3)))
        return;
    wrapper = mse_der_enter(tbs, MSE_DER_CONTEXT_CONSTRUCTED(3), "extensions");
    mse_extensions_read(&wrapper, cert->extensions, MSE_CERT_MAX_EXTENSIONS, &cert->extension_count,
                        "extensions");
    if (!mse_read_done(&wrapper, "extensions"))
        return;
    decode_extensions(tbs, cert);
}

/* RFC 5280, 4.1.2: TBSCertificate. Returns the algorithm that it names. */
static struct mse_bytes read_tbs(struct mse_reader *outer, struct mse_cert *cert)
{
    const uint8_t *start = outer->at;
    struct mse_reader tbs = mse_der_enter(outer, MSE_DER_SEQUENCE, "tbsCertificate");
    enum mse_signature_type inner_type;
    struct mse_bytes algorithm;

    cert->tbs = (struct mse_bytes){ start, (size_t)(outer->at - start) };
    cert->version = read_version(&tbs);
    cert->serial = mse_der_read_serial(&tbs, "serialNumber");
    algorithm = mse_algorithm_read_signature(&tbs, &inner_type, "signature");
    cert->issuer = mse_der_read_whole(&tbs, MSE_DER_SEQUENCE, "issuer");
    read_validity(&tbs, cert);
    cert->subject = mse_der_read_whole(&tbs, MSE_DER_SEQUENCE, "subject");
    cert->spki = mse_algorithm_read_spki(&tbs, &cert->key_type, &cert->key_bits,
                                         "subjectPublicKeyInfo");
    read_optional_fields(&tbs, cert);
    if (!mse_read_done(&tbs, "tbsCertificate"))
        return (struct mse_bytes){ NULL, 0 };
    return algorithm;
}

static bool parse(struct mse_bytes der, struct mse_cert *cert, struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(der, err);
    struct mse_reader outer = mse_der_enter(&r, MSE_DER_SEQUENCE, "certificate");
    struct mse_bytes inner = read_tbs(&outer, cert);
    struct mse_reader start = outer;
    struct mse_bytes algorithm = mse_algorithm_read_signature(&outer, &cert->signature_type,
                                                              "signatureAlgorithm");

    cert->signature = mse_der_read_bits(&outer, "signatureValue");
    if (!mse_read_done(&outer, "certificate") || !mse_read_done(&r, "certificate"))
        return false;
    /* RFC 5280, 4.1.1.2: what is signed names the algorithm that signs it. */
    if (!mse_bytes_equal(inner, algorithm))
        return mse_reader_fail(&start, MSE_ERR_MISMATCH, "signatureAlgorithm");
    cert->der = der;
    return true;
}

bool mse_cert_parse(struct mse_bytes der, struct mse_cert *out, struct mse_error *err)
{
    memset(out, 0, sizeof(*out));
    out->path_len = -1;
    if (der.len > MSE_CERT_MAX_SIZE)
        return mse_fail(err, MSE_ERR_LIMIT, 0, "certificate");
    if (parse(der, out, err))
        return true;
    memset(out, 0, sizeof(*out));
    return false;
}

const struct mse_extension *mse_cert_extension(const struct mse_cert *cert, struct mse_bytes oid)
{
    for (size_t i = 0; i < cert->extension_count; i++) {
        if (mse_bytes_equal(cert->extensions[i].oid, oid))
            return &cert->extensions[i];
    }
    return NULL;
}

bool mse_cert_check_signed_by(const struct mse_cert *cert, const struct mse_cert *issuer,
                              const struct mse_key *issuer_key, struct mse_error *err)
{
    /* RFC 5280, 6.1.3 (a) (4): names are compared as encoded, which is stricter than 7.1. */
    if (!mse_bytes_equal(cert->issuer, issuer->subject))
        return mse_fail_text(err, MSE_ERR_CHAIN, "issuer",
                             "the issuer's name is not the subject of the next certificate");
    /* RFC 5280, 6.1.4 (k) and (n). Only basicConstraints of version 3 can set is_ca. */
    if (!issuer->is_ca)
        return mse_fail_text(err, MSE_ERR_CHAIN, "basicConstraints",
                             "the issuer's certificate is not one of a CA");
    if (issuer->has_key_usage && (issuer->key_usage & MSE_KEY_USAGE_CERT_SIGN) == 0)
        return mse_fail_text(err, MSE_ERR_CHAIN, "keyUsage",
                             "the issuer's key may not sign certificates");
    return mse_key_check(issuer_key, cert->signature_type, cert->tbs, cert->signature,
                         "certificate signature", err);
}

bool mse_cert_check_self_signed(const struct mse_cert *cert, struct mse_error *err)
{
    MSE_CLEANUP(mse_key_cleanup) struct mse_key *key = NULL;

    if (!mse_bytes_equal(cert->issuer, cert->subject))
        return mse_fail_text(err, MSE_ERR_CHAIN, "issuer", "the certificate names another issuer");
    if (!mse_key_new(cert->key_type, cert->key_bits, &key, err))
        return false;
    return mse_key_check(key, cert->signature_type, cert->tbs, cert->signature,
                         "certificate signature", err);
}

bool mse_cert_check_dates(const struct mse_cert *cert, int64_t at, const char *field,
                          struct mse_error *err)
{
    char limit[MSE_TIME_TEXT_SIZE];

    if (at < cert->not_before)
        return mse_fail_text(err, MSE_ERR_NOT_YET_VALID, field, "valid from %s",
                             mse_time_write(cert->not_before, limit));
    if (at > cert->not_after)
        return mse_fail_text(err, MSE_ERR_EXPIRED, field, "valid until %s",
                             mse_time_write(cert->not_after, limit));
    return true;
}
