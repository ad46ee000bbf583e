/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that an instance makes for itself, and the certificate over them. */
#include "enclave/identity.h"

#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "crypto/hash.h"

/* 1.2.840.113741.1337.7 and .8: evidence of SNP and TDX (docs/formats.md, "Evidence"). */
static const uint8_t oid_snp[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x8a, 0x39, 0x07 };
static const uint8_t oid_tdx[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x8a, 0x39, 0x08 };

/* An identity that was written down: keys are small, a certificate has its evidence in it. */
#define MAX_KEY 1024
#define MAX_CERTIFICATE (64U << 10)

static struct mse_bytes oid_of(enum mse_attest_tee kind)
{
    switch (kind) {
    case MSE_ATTEST_SNP:
        return MSE_BYTES(oid_snp);
    case MSE_ATTEST_TDX:
        return MSE_BYTES(oid_tdx);
    case MSE_ATTEST_SIM:
    case MSE_ATTEST_SGX:
        break;
    }
    return mse_issue_oid_quote;
}

/* ---- names ---- */

struct names {
    struct mse_issue_name of[1];
    size_t count;
};

/*
 * One name: the app's, if users verify this certificate; else that of the configuration, since the
 * public name has somebody else's certificate and this one is for the owner alone.
 */
static bool read_names(const struct mse_instance_file *file, enum mse_app_cert cert,
                       struct names *out, struct mse_error *err)
{
    bool is_self = cert == MSE_APP_CERT_SELF;

    out->count = 1;
    return mse_issue_name_read(is_self ? file->name : file->config_name,
                               is_self ? "name" : "config_name", &out->of[0], err);
}

/* ---- making ---- */

static bool make_keys(struct mse_identity *out, struct mse_error *err)
{
    MSE_CLEANUP(mse_issue_key_cleanup) EVP_PKEY *x25519 = NULL;
    size_t len = sizeof(out->x25519_secret);

    if (!mse_issue_key_make(MSE_ISSUE_KEY_P256, &out->key, err) ||
        !mse_issue_key_make(MSE_ISSUE_KEY_X25519, &x25519, err) ||
        !mse_issue_key_raw(x25519, out->x25519_public, err))
        return false;
    return (EVP_PKEY_get_raw_private_key(x25519, out->x25519_secret, &len) == 1 &&
            len == sizeof(out->x25519_secret)) ||
           mse_issue_fail_openssl(err, "X25519 key");
}

/* SHA-256 of the uncompressed point, then the X25519 public key. */
static bool make_evidence(struct mse_tee *tee, const struct mse_identity *identity,
                          struct mse_writer *out, struct mse_error *err)
{
    uint8_t report_data[64], point[65];

    if (!mse_issue_key_point(identity->key, point, err))
        return false;
    mse_sha256(MSE_BYTES(point), report_data);
    memcpy(report_data + 32, identity->x25519_public, 32);
    return mse_tee_quote(tee, report_data, out, err);
}

static bool issue(struct mse_tee *tee, const struct mse_instance_file *file,
                  const struct names *names, int64_t now, struct mse_identity *out,
                  struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer evidence = { 0 };
    struct mse_issue_extension extensions[2] = {
        { oid_of(mse_tee_kind(tee)), { NULL, 0 } },
        { mse_issue_oid_statement, { file->statement, file->statement_len } },
    };
    struct mse_issue_certificate spec = {
        .names = names->of,
        .name_count = names->count,
        .organization = file->organization,
        .not_before = now,
        .not_after = file->not_after,
        .extensions = extensions,
        .extension_count = file->statement != NULL ? 2 : 1,
    };

    if (!make_evidence(tee, out, &evidence, err))
        return false;
    extensions[0].payload = mse_writer_bytes(&evidence);
    return mse_issue_certificate_make(&spec, out->key, &out->cert, err);
}

/* DER of the certificate and what is derived from it. */
static bool describe(struct mse_identity *out, struct mse_error *err)
{
    uint8_t *der = NULL, *spki = NULL;
    int der_len = i2d_X509(out->cert, &der);
    int spki_len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(out->cert), &spki);
    bool ok = der_len > 0 && spki_len > 0;

    if (ok) {
        mse_sha256((struct mse_bytes){ der, (size_t)der_len }, out->cert_sha256);
        mse_sha256((struct mse_bytes){ spki, (size_t)spki_len }, out->spki_sha256);
        out->der = malloc((size_t)der_len); /* the library's own memory has another free() */
        out->der_len = (size_t)der_len;
        if (out->der != NULL)
            memcpy(out->der, der, (size_t)der_len);
    }
    OPENSSL_free(der);
    OPENSSL_free(spki);
    if (!ok)
        return mse_issue_fail_openssl(err, "certificate");
    return out->der != NULL || mse_fail_memory(err);
}

bool mse_identity_make(struct mse_tee *tee, const struct mse_instance_file *file,
                       enum mse_app_cert cert, int64_t now, struct mse_identity *out,
                       struct mse_error *err)
{
    struct names names;

    *out = (struct mse_identity){ 0 };
    if (read_names(file, cert, &names, err) && make_keys(out, err) &&
        issue(tee, file, &names, now, out, err) && describe(out, err))
        return true;
    mse_identity_cleanup(out);
    return false;
}

void mse_identity_cleanup(struct mse_identity *identity)
{
    EVP_PKEY_free(identity->key); /* wipes */
    X509_free(identity->cert);
    free(identity->der);
    OPENSSL_cleanse(identity, sizeof(*identity));
    *identity = (struct mse_identity){ 0 };
}

/* ---- as bytes ---- */

/* PKCS#8 in the secure heap, where there is one. */
static BIO *write_key(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_secmem());

    if (bio != NULL && i2d_PKCS8PrivateKey_bio(bio, key, NULL, NULL, 0, NULL, NULL) == 1)
        return bio;
    BIO_free(bio);
    return NULL;
}

/* The secrets go to the end, in one piece: a writer that grows leaves behind what it held before.
 */
bool mse_identity_write(const struct mse_identity *identity, struct mse_writer *out,
                        struct mse_error *err)
{
    BIO *bio = write_key(identity->key);
    uint8_t secrets[MAX_KEY + 32];
    char *data = NULL;
    long len = bio != NULL ? BIO_get_mem_data(bio, &data) : 0;

    if (len <= 0 || len > MAX_KEY) {
        BIO_free(bio);
        return mse_issue_fail_openssl(err, "private key");
    }
    memcpy(secrets, identity->x25519_secret, 32);
    memcpy(secrets + 32, data, (size_t)len);
    BIO_free(bio);
    mse_write_u32be(out, (uint32_t)identity->der_len);
    mse_write_bytes(out, identity->der, identity->der_len);
    mse_write_u32be(out, (uint32_t)len);
    mse_write_bytes(out, secrets, 32 + (size_t)len);
    OPENSSL_cleanse(secrets, sizeof(secrets));
    return mse_writer_ok(out) || mse_fail_memory(err);
}

static bool read_key(struct mse_bytes der, EVP_PKEY **out, struct mse_error *err)
{
    const uint8_t *at = der.data;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)der.len);
    char group[16] = "";

    if (info != NULL && at == der.data + der.len)
        *out = EVP_PKCS82PKEY(info);
    PKCS8_PRIV_KEY_INFO_free(info); /* wipes */
    if (*out == NULL)
        return mse_issue_fail_openssl(err, "identity: private key");
    if (EVP_PKEY_get_base_id(*out) == EVP_PKEY_EC &&
        EVP_PKEY_get_group_name(*out, group, sizeof(group), NULL) == 1 &&
        strcmp(group, SN_X9_62_prime256v1) == 0)
        return true;
    return mse_fail_text(err, MSE_ERR_VALUE, "identity: private key", "is not of P-256");
}

static bool read_certificate(struct mse_bytes der, X509 **out, struct mse_error *err)
{
    const uint8_t *at = der.data;

    *out = d2i_X509(NULL, &at, (long)der.len);
    if (*out == NULL)
        return mse_issue_fail_openssl(err, "identity: certificate");
    return at == der.data + der.len || mse_fail(err, MSE_ERR_TRAILING, 0, "identity: certificate");
}

static bool read_x25519(const uint8_t *secret, struct mse_identity *out, struct mse_error *err)
{
    MSE_CLEANUP(mse_issue_key_cleanup) EVP_PKEY *key = NULL;

    memcpy(out->x25519_secret, secret, sizeof(out->x25519_secret));
    key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, sizeof(out->x25519_secret));
    if (key == NULL)
        return mse_issue_fail_openssl(err, "identity: X25519 key");
    return mse_issue_key_raw(key, out->x25519_public, err);
}

static bool parse(struct mse_bytes in, struct mse_identity *out, struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(in, err);
    uint32_t cert_len = mse_read_u32be(&r, "identity: certificate");
    struct mse_bytes cert = mse_read_bytes(&r, cert_len, "identity: certificate");
    uint32_t key_len = mse_read_u32be(&r, "identity: private key");
    const uint8_t *secret = mse_read_array(&r, 32, "identity: X25519 key");
    struct mse_bytes key = mse_read_bytes(&r, key_len, "identity: private key");

    if (!mse_read_done(&r, "identity"))
        return false;
    if (key.len > MAX_KEY || cert.len > MAX_CERTIFICATE)
        return mse_fail(err, MSE_ERR_LIMIT, 0, "identity");
    if (!read_key(key, &out->key, err) || !read_certificate(cert, &out->cert, err) ||
        !read_x25519(secret, out, err))
        return false;
    if (X509_check_private_key(out->cert, out->key) != 1)
        return mse_fail_text(err, MSE_ERR_MISMATCH, "identity", "the key is not the certificate's");
    return describe(out, err);
}

bool mse_identity_parse(struct mse_bytes in, struct mse_identity *out, struct mse_error *err)
{
    *out = (struct mse_identity){ 0 };
    if (err->code == MSE_ERR_NONE && parse(in, out, err))
        return true;
    ERR_clear_error();
    mse_identity_cleanup(out);
    return false;
}

/* ---- does it still fit ---- */

/* Payload of the extension, or an empty view. */
static struct mse_bytes payload_at(const X509 *cert, int at)
{
    const ASN1_OCTET_STRING *data;

    if (at < 0)
        return (struct mse_bytes){ NULL, 0 };
    data = X509_EXTENSION_get_data(X509_get_ext(cert, at));
    return (struct mse_bytes){ ASN1_STRING_get0_data(data), (size_t)ASN1_STRING_length(data) };
}

static int find_statement(const X509 *cert)
{
    for (int i = 0; i < X509_get_ext_count(cert); i++) {
        const ASN1_OBJECT *oid = X509_EXTENSION_get_object(X509_get_ext(cert, i));

        if (mse_bytes_equal((struct mse_bytes){ OBJ_get0_data(oid), OBJ_length(oid) },
                            mse_issue_oid_statement))
            return i;
    }
    return -1;
}

static bool has_names(const X509 *cert, const struct names *names)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer san = { 0 };

    mse_issue_names_write_san(names->of, names->count, &san);
    return mse_writer_ok(&san) &&
           mse_bytes_equal(mse_writer_bytes(&san),
                           payload_at(cert, X509_get_ext_by_NID(cert, NID_subject_alt_name, -1)));
}

static void asn1_time_cleanup(ASN1_TIME **t)
{
    ASN1_TIME_free(*t);
}

static bool ends_at(const X509 *cert, int64_t not_after)
{
    MSE_CLEANUP(asn1_time_cleanup) ASN1_TIME *want = NULL;
    struct mse_error err = { 0 };

    return mse_issue_asn1_time(not_after, &want, &err) &&
           ASN1_TIME_compare(X509_get0_notAfter(cert), want) == 0;
}

bool mse_identity_fits(const struct mse_identity *identity, const struct mse_instance_file *file,
                       enum mse_app_cert cert, int64_t now)
{
    struct mse_error err = { 0 };
    struct names names;

    return file->not_after > now && read_names(file, cert, &names, &err) &&
           has_names(identity->cert, &names) && ends_at(identity->cert, file->not_after) &&
           mse_bytes_equal(payload_at(identity->cert, find_statement(identity->cert)),
                           (struct mse_bytes){ file->statement, file->statement_len });
}
