/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate revocation lists: one pass over the entries, an index to search in. */
#include "crypto/crl.h"

#include <stdlib.h>

#include "crypto/algorithm.h"
#include "crypto/extension.h"

#define LIST_EXTENSIONS_MAX 16
#define ENTRY_EXTENSIONS_MAX 8
/* SEQUENCE, a serial number of one octet, a UTCTime: no entry is shorter. */
#define ENTRY_MIN_SIZE (2 + 3 + 15)

static const struct mse_bytes oid_crl_number = { (const uint8_t *)"\x55\x1d\x14", 3 };
static const struct mse_bytes oid_reason_code = { (const uint8_t *)"\x55\x1d\x15", 3 };
static const struct mse_bytes oid_authority_key_id = { (const uint8_t *)"\x55\x1d\x23", 3 };
static const struct mse_bytes oid_delta_indicator = { (const uint8_t *)"\x55\x1d\x1b", 3 };
static const struct mse_bytes oid_distribution_point = { (const uint8_t *)"\x55\x1d\x1c", 3 };
static const struct mse_bytes oid_certificate_issuer = { (const uint8_t *)"\x55\x1d\x1d", 3 };

static int compare(struct mse_bytes a, struct mse_bytes b)
{
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return a.len == 0 ? 0 : memcmp(a.data, b.data, a.len);
}

static int compare_entries(const void *a, const void *b)
{
    return compare(*(const struct mse_bytes *)a, *(const struct mse_bytes *)b);
}

/*
 * RFC 5280, 5.3: an entry with a critical extension that is not understood makes the whole list
 * unusable. certificateIssuer does so always: the entry would be about another issuer's number.
 */
static void read_entry_extensions(struct mse_reader *entry)
{
    struct mse_extension extensions[ENTRY_EXTENSIONS_MAX];
    size_t count;

    mse_extensions_read(entry, extensions, ENTRY_EXTENSIONS_MAX, &count, "crlEntryExtensions");
    for (size_t i = 0; i < count; i++) {
        if (mse_bytes_equal(extensions[i].oid, oid_certificate_issuer) ||
            (extensions[i].critical && !mse_bytes_equal(extensions[i].oid, oid_reason_code)))
            mse_extension_refuse(entry, &extensions[i], "crlEntryExtensions");
    }
}

/* RFC 5280, 5.1.2.6. */
static struct mse_bytes read_entry(struct mse_reader *entries, unsigned version)
{
    struct mse_reader entry = mse_der_enter(entries, MSE_DER_SEQUENCE, "revokedCertificate");
    struct mse_bytes serial = mse_der_read_serial(&entry, "userCertificate");

    (void)mse_der_read_time(&entry, "revocationDate");
    if (version == 2 && mse_read_ok(&entry) && mse_reader_left(&entry) > 0)
        read_entry_extensions(&entry);
    if (!mse_read_done(&entry, "revokedCertificate"))
        return (struct mse_bytes){ NULL, 0 };
    return serial;
}

static void read_entries(struct mse_reader *tbs, unsigned version, struct mse_crl *crl)
{
    struct mse_reader entries = mse_der_enter(tbs, MSE_DER_SEQUENCE, "revokedCertificates");
    size_t room = mse_reader_left(&entries) / ENTRY_MIN_SIZE;
    bool sorted = true;

    if (!mse_read_ok(&entries) || mse_reader_left(&entries) == 0)
        return;
    /* Each entry that is read without failure takes ENTRY_MIN_SIZE at least. */
    crl->serials = calloc(room + 1, sizeof(*crl->serials));
    if (crl->serials == NULL) {
        (void)mse_fail_memory(tbs->err);
        return;
    }
    while (mse_reader_left(&entries) > 0) {
        struct mse_bytes serial = read_entry(&entries, version);

        if (!mse_read_ok(&entries))
            return;
        if (crl->serial_count > 0 && compare(crl->serials[crl->serial_count - 1], serial) > 0)
            sorted = false;
        crl->serials[crl->serial_count++] = serial;
    }
    if (!sorted)
        qsort(crl->serials, crl->serial_count, sizeof(*crl->serials), compare_entries);
}

/*
 * Delta lists and partial ones say so in an extension (RFC 5280, 5.2.4 and 5.2.5). It should be
 * critical; where it is not, the list still does not name everybody who is revoked.
 */
static bool is_partial(const struct mse_extension *extension)
{
    return mse_bytes_equal(extension->oid, oid_delta_indicator) ||
           mse_bytes_equal(extension->oid, oid_distribution_point);
}

/* RFC 5280, 5.2. */
static void read_list_extensions(struct mse_reader *tbs, struct mse_crl *crl)
{
    struct mse_extension extensions[LIST_EXTENSIONS_MAX];
    struct mse_reader wrapper = mse_der_enter(tbs, MSE_DER_CONTEXT_CONSTRUCTED(0), "crlExtensions");
    size_t count;

    mse_extensions_read(&wrapper, extensions, LIST_EXTENSIONS_MAX, &count, "crlExtensions");
    if (!mse_read_done(&wrapper, "crlExtensions"))
        return;
    for (size_t i = 0; i < count; i++) {
        if (mse_bytes_equal(extensions[i].oid, oid_crl_number)) {
            struct mse_reader payload = mse_der_over(tbs, extensions[i].payload);

            crl->has_number = true;
            crl->number = mse_der_read_big(&payload, "cRLNumber");
            if (!mse_read_done(&payload, "cRLNumber"))
                return;
        } else if (is_partial(&extensions[i]) ||
                   (extensions[i].critical &&
                    !mse_bytes_equal(extensions[i].oid, oid_authority_key_id))) {
            mse_extension_refuse(tbs, &extensions[i], "crlExtensions");
        }
    }
}

/* RFC 5280, 5.1.2.1: version 1 is not encoded, version 2 is 1. */
static unsigned read_version(struct mse_reader *tbs)
{
    struct mse_reader start = *tbs;

    if (!mse_der_next_is(tbs, MSE_DER_INTEGER))
        return 1;
    if (mse_der_read_unsigned(tbs, "version") != 1)
        mse_reader_fail(&start, MSE_ERR_VALUE, "version");
    return 2;
}

static bool is_time(const struct mse_reader *r)
{
    return mse_der_next_is(r, MSE_DER_UTC_TIME) || mse_der_next_is(r, MSE_DER_GENERALIZED_TIME);
}

/* RFC 5280, 5.1.2: TBSCertList. Returns the algorithm that it names. */
static struct mse_bytes read_tbs(struct mse_reader *outer, struct mse_crl *crl)
{
    const uint8_t *start = outer->at;
    struct mse_reader tbs = mse_der_enter(outer, MSE_DER_SEQUENCE, "tbsCertList");
    enum mse_signature_type inner_type;
    struct mse_bytes algorithm;
    unsigned version;

    crl->tbs = (struct mse_bytes){ start, (size_t)(outer->at - start) };
    version = read_version(&tbs);
    algorithm = mse_algorithm_read_signature(&tbs, &inner_type, "signature");
    crl->issuer = mse_der_read_whole(&tbs, MSE_DER_SEQUENCE, "issuer");
    crl->this_update = mse_der_read_time(&tbs, "thisUpdate");
    if (mse_read_ok(&tbs) && !is_time(&tbs))
        mse_reader_fail(&tbs, MSE_ERR_MISSING, "nextUpdate");
    crl->next_update = mse_der_read_time(&tbs, "nextUpdate");
    if (mse_der_next_is(&tbs, MSE_DER_SEQUENCE))
        read_entries(&tbs, version, crl);
    if (version == 2 && mse_der_next_is(&tbs, MSE_DER_CONTEXT_CONSTRUCTED(0)))
        read_list_extensions(&tbs, crl);
    if (!mse_read_done(&tbs, "tbsCertList"))
        return (struct mse_bytes){ NULL, 0 };
    return algorithm;
}

static bool parse(struct mse_bytes der, struct mse_crl *crl, struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(der, err);
    struct mse_reader outer = mse_der_enter(&r, MSE_DER_SEQUENCE, "CRL");
    struct mse_bytes inner = read_tbs(&outer, crl);
    struct mse_reader start = outer;
    struct mse_bytes algorithm = mse_algorithm_read_signature(&outer, &crl->signature_type,
                                                              "signatureAlgorithm");

    crl->signature = mse_der_read_bits(&outer, "signatureValue");
    if (!mse_read_done(&outer, "CRL") || !mse_read_done(&r, "CRL"))
        return false;
    /* RFC 5280, 5.1.1.2: what is signed names the algorithm that signs it. */
    if (!mse_bytes_equal(inner, algorithm))
        return mse_reader_fail(&start, MSE_ERR_MISMATCH, "signatureAlgorithm");
    crl->der = der;
    return true;
}

bool mse_crl_parse(struct mse_bytes der, struct mse_crl *out, struct mse_error *err)
{
    memset(out, 0, sizeof(*out));
    if (der.len > MSE_CRL_MAX_SIZE)
        return mse_fail(err, MSE_ERR_LIMIT, 0, "CRL");
    if (parse(der, out, err))
        return true;
    mse_crl_cleanup(out);
    return false;
}

void mse_crl_cleanup(struct mse_crl *crl)
{
    free(crl->serials);
    memset(crl, 0, sizeof(*crl));
}

bool mse_crl_lists(const struct mse_crl *crl, struct mse_bytes serial)
{
    return crl->serial_count > 0 && bsearch(&serial, crl->serials, crl->serial_count,
                                            sizeof(*crl->serials), compare_entries) != NULL;
}

bool mse_crl_check_signed_by(const struct mse_crl *crl, const struct mse_cert *issuer,
                             const struct mse_key *issuer_key, struct mse_error *err)
{
    /* RFC 5280, 6.3.3 (b) (1) and (f). */
    if (!mse_bytes_equal(crl->issuer, issuer->subject))
        return mse_fail_text(err, MSE_ERR_CHAIN, "CRL issuer",
                             "the list's issuer is not the subject of the certificate");
    if (issuer->has_key_usage && (issuer->key_usage & MSE_KEY_USAGE_CRL_SIGN) == 0)
        return mse_fail_text(err, MSE_ERR_CHAIN, "keyUsage",
                             "the issuer's key may not sign revocation lists");
    return mse_key_check(issuer_key, crl->signature_type, crl->tbs, crl->signature, "CRL signature",
                         err);
}
