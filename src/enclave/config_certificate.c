/* SPDX-License-Identifier: Apache-2.0 */
/* The owner's own key and certificate chain, for apps with cert=owner. */
#include "enclave/config_certificate.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "base/encode.h"
#include "issue/names.h"

#define KEY "ssl_private_key"
#define CHAIN "ssl_certificate"
#define RSA_MIN_BITS 2048
#define RSA_MAX_BITS 8192

static void bio_cleanup(BIO **bio)
{
    BIO_free(*bio);
}

/* Without it OpenSSL asks the terminal for the password of an encrypted key. */
static int no_password(char *out, int size, int writing, void *context)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

static bool is_known_curve(EVP_PKEY *key)
{
    char group[32];
    size_t len;
    int explicit_curve = 0;

    return EVP_PKEY_get_group_name(key, group, sizeof(group), &len) == 1 &&
           (strcmp(group, "prime256v1") == 0 || strcmp(group, "secp384r1") == 0) &&
           (EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                                   &explicit_curve) != 1 ||
            explicit_curve == 0);
}

/* What TLS 1.2 and 1.3 clients take (RFC 8446, 9.1), and nothing that is too slow to sign with. */
static bool is_usable(EVP_PKEY *key)
{
    int bits = EVP_PKEY_get_bits(key);

    if (EVP_PKEY_is_a(key, "EC"))
        return is_known_curve(key);
    return EVP_PKEY_is_a(key, "RSA") && bits >= RSA_MIN_BITS && bits <= RSA_MAX_BITS;
}

static bool only_space_follows(BIO *in)
{
    char c;

    while (BIO_read(in, &c, 1) == 1) {
        if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
            return false;
    }
    return true;
}

bool mse_config_key_read(const char *pem, EVP_PKEY **out, struct mse_error *err)
{
    MSE_CLEANUP(bio_cleanup) BIO *in = BIO_new_mem_buf(pem, -1);
    bool ok = false;

    *out = in != NULL ? PEM_read_bio_PrivateKey(in, NULL, no_password, NULL) : NULL;
    if (*out == NULL)
        (void)mse_fail_text(err, MSE_ERR_FORMAT, KEY, "not a private key in PEM without password");
    else if (!only_space_follows(in))
        (void)mse_fail_text(err, MSE_ERR_TRAILING, KEY, "something follows the key");
    else if (!is_usable(*out))
        (void)mse_fail_text(err, MSE_ERR_UNSUPPORTED, KEY,
                            "neither P-256, P-384 nor RSA of %d to %d bits", RSA_MIN_BITS,
                            RSA_MAX_BITS);
    else
        ok = true;
    ERR_clear_error();
    if (!ok) {
        EVP_PKEY_free(*out);
        *out = NULL;
    }
    return ok;
}

/* ---- chain ---- */

static size_t count_blocks(const char *pem)
{
    size_t count = 0;

    while ((pem = strstr(pem, "-----BEGIN ")) != NULL) {
        count++;
        pem++;
    }
    return count;
}

/* The next one; false without a failure when there is none. */
static bool next_certificate(struct mse_bytes pem, size_t *at, uint8_t *der, X509 **out,
                             struct mse_error *err)
{
    size_t len = pem.len;
    const uint8_t *end = der;

    if (!mse_pem_next(pem, at, "CERTIFICATE", der, &len, err)) {
        if (err->code != MSE_ERR_NONE)
            (void)mse_fail_in(err, CHAIN);
        return false;
    }
    *out = len <= INT32_MAX ? d2i_X509(NULL, &end, (long)len) : NULL;
    ERR_clear_error();
    if (*out != NULL && end == der + len)
        return true;
    X509_free(*out);
    *out = NULL;
    return mse_fail_text(err, MSE_ERR_FORMAT, CHAIN, "a certificate is not DER inside");
}

static bool read_chain(struct mse_bytes pem, uint8_t *der, X509 **out, size_t max, size_t *count,
                       struct mse_error *err)
{
    size_t blocks = count_blocks((const char *)pem.data);
    size_t at = 0;

    if (blocks > max)
        return mse_fail_text(err, MSE_ERR_LIMIT, CHAIN, "more than %zu certificates", max);
    while (*count < blocks && next_certificate(pem, &at, der, &out[*count], err))
        (*count)++;
    if (err->code != MSE_ERR_NONE)
        return false;
    if (*count == 0)
        return mse_fail_text(err, MSE_ERR_FORMAT, CHAIN, "no certificate in PEM");
    return *count == blocks ||
           mse_fail_text(err, MSE_ERR_VALUE, CHAIN, "holds something besides certificates");
}

bool mse_config_chain_read(const char *pem, X509 **out, size_t max, size_t *count,
                           struct mse_error *err)
{
    struct mse_bytes in = MSE_CSTR_BYTES(pem);
    uint8_t *der = malloc(in.len + 1);
    bool ok;

    *count = 0;
    if (der == NULL)
        return mse_fail_memory(err);
    ok = read_chain(in, der, out, max, count, err);
    free(der);
    while (!ok && *count > 0)
        X509_free(out[--*count]);
    return ok;
}

/* RFC 9525, 6.3: the subject does not count, and a wildcard stands for one whole label. */
static bool is_for_name(X509 *leaf, const char *name)
{
    struct mse_error ignored = { 0 };
    struct mse_issue_name parsed;

    if (!mse_issue_name_read(name, "name", &parsed, &ignored))
        return false;
    if (parsed.address_len != 0)
        return X509_check_ip(leaf, parsed.address, parsed.address_len, 0) == 1;
    return X509_check_host(leaf, name, 0,
                           X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
                               X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
                           NULL) == 1;
}

static bool check_leaf(X509 *leaf, EVP_PKEY *key, const char *name, struct mse_error *err)
{
    if ((X509_get_extension_flags(leaf) & EXFLAG_INVALID) != 0)
        return mse_fail_text(err, MSE_ERR_FORMAT, CHAIN, "malformed extensions in the first one");
    if (X509_check_private_key(leaf, key) != 1)
        return mse_fail_text(err, MSE_ERR_MISMATCH, KEY,
                             "not the key of the first certificate in " CHAIN);
    if (!is_for_name(leaf, name))
        return mse_fail_text(err, MSE_ERR_MISMATCH, CHAIN, "the first one is not for '%s'", name);
    /* Both say "all" where there is no such extension. */
    if ((X509_get_extended_key_usage(leaf) & XKU_SSL_SERVER) == 0 ||
        (X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE) == 0)
        return mse_fail_text(err, MSE_ERR_CHAIN, CHAIN, "the first one is not for TLS servers");
    return true;
}

static bool check_dates(X509 *cert, size_t place, int64_t now, struct mse_error *err)
{
    time_t at = (time_t)now;

    if (X509_cmp_time(X509_get0_notBefore(cert), &at) != -1)
        return mse_fail_text(err, MSE_ERR_NOT_YET_VALID, CHAIN, "number %zu is not valid yet",
                             place);
    if (X509_cmp_time(X509_get0_notAfter(cert), &at) != 1)
        return mse_fail_text(err, MSE_ERR_EXPIRED, CHAIN, "number %zu has expired", place);
    return true;
}

static bool check_link(X509 *cert, X509 *issuer, size_t place, struct mse_error *err)
{
    if (X509_check_issued(issuer, cert) == X509_V_OK && X509_check_ca(issuer) > 0 &&
        X509_verify(cert, X509_get0_pubkey(issuer)) == 1)
        return true;
    return mse_fail_text(err, MSE_ERR_CHAIN, CHAIN, "number %zu is not signed by number %zu", place,
                         place + 1);
}

bool mse_config_chain_check(X509 *const *chain, size_t count, EVP_PKEY *key, const char *name,
                            int64_t now, struct mse_error *err)
{
    bool ok = count > 0 ? check_leaf(chain[0], key, name, err)
                        : mse_fail(err, MSE_ERR_MISSING, 0, CHAIN);

    for (size_t i = 0; ok && i < count; i++)
        ok = check_dates(chain[i], i + 1, now, err) &&
             (i + 1 == count || check_link(chain[i], chain[i + 1], i + 1, err));
    ERR_clear_error();
    return ok;
}
