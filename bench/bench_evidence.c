/* SPDX-License-Identifier: Apache-2.0 */
/* Makes evidence of real sizes and the yardsticks. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "bench_evidence.h"

#include <stdlib.h>

#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#define RSA_BITS 4096

/* ---- evidence ---- */

struct test_intel *bench_intel(bool tdx, unsigned version, size_t levels)
{
    struct test_intel *t = test_intel_new(tdx);

    t->version = (uint16_t)version;
    if (version == 5)
        t->body = tdx ? MSE_QUOTE_BODY_TD15 : MSE_QUOTE_BODY_SGX;
    t->level_count = levels;
    for (size_t i = 0; i < levels; i++) {
        t->levels[i] = (struct test_level){ .pce_svn = 13, .status = "UpToDate" };
        if (i > 0)
            t->levels[i].advisory = "INTEL-SA-00828";
        memset(t->levels[i].sgx, 4, 16);
        memset(t->levels[i].tdx, 3, 16);
        /* Only the last is reached, so that all are looked at. */
        if (i + 1 < levels)
            t->levels[i].sgx[15] = 5;
    }
    test_intel_make_certs(t);
    test_intel_make_quote(t);
    return t;
}

struct test_blob bench_crl(const struct test_intel *t, size_t entries)
{
    struct test_blob small = test_crl_make(&t->ca_crl), blob;
    const uint8_t *at = small.data;
    X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)small.len);
    ASN1_TIME *when = ASN1_TIME_set(NULL, TEST_NOW - 1000);
    ASN1_INTEGER *serial = ASN1_INTEGER_new();
    unsigned char *der = NULL;
    int len;

    for (size_t i = 0; i < entries; i++) {
        X509_REVOKED *entry = X509_REVOKED_new();
        uint8_t number[20] = { 0x40 };

        for (size_t j = 0; j < 8; j++)
            number[1 + j] = (uint8_t)((i * UINT64_C(0x9e3779b97f4a7c15)) >> (8 * j));
        ASN1_STRING_set(serial, number, sizeof(number));
        X509_REVOKED_set_serialNumber(entry, serial);
        X509_REVOKED_set_revocationDate(entry, when);
        X509_CRL_add0_revoked(crl, entry);
    }
    X509_CRL_sign(crl, t->ca_key, EVP_sha256());
    len = i2d_X509_CRL(crl, &der);
    blob = test_copy((struct mse_bytes){ der, (size_t)len });
    OPENSSL_free(der);
    ASN1_INTEGER_free(serial);
    ASN1_TIME_free(when);
    X509_CRL_free(crl);
    test_blob_free(&small);
    return blob;
}

struct test_amd *bench_amd(bool vlek)
{
    struct test_amd *t = test_amd_new(vlek, RSA_BITS);

    test_amd_make_certs(t);
    test_amd_sign_report(t);
    return t;
}

/* ---- yardsticks ---- */

#define SIGNATURES 8 /* the time of a check depends on the signature a little */

struct ec_check {
    EC_KEY *key;
    uint8_t digest[48];
    int digest_len;
    ECDSA_SIG *signatures[SIGNATURES];
    size_t next;
};

static bool run_ec(void *arg)
{
    struct ec_check *c = arg;

    return ECDSA_do_verify(c->digest, c->digest_len, c->signatures[c->next++ % SIGNATURES],
                           c->key) == 1;
}

static void init_ec(struct ec_check *c, int curve, int digest_len)
{
    c->key = EC_KEY_new_by_curve_name(curve);
    EC_KEY_generate_key(c->key);
    c->digest_len = digest_len;
    memset(c->digest, 0x5a, sizeof(c->digest));
    for (size_t i = 0; i < SIGNATURES; i++)
        c->signatures[i] = ECDSA_do_sign(c->digest, digest_len, c->key);
}

struct bench_job bench_p256(void)
{
    static struct ec_check c;

    if (c.key == NULL)
        init_ec(&c, NID_X9_62_prime256v1, 32);
    return (struct bench_job){ run_ec, &c };
}

struct bench_job bench_p384(void)
{
    static struct ec_check c;

    if (c.key == NULL)
        init_ec(&c, NID_secp384r1, 48);
    return (struct bench_job){ run_ec, &c };
}

struct rsa_check {
    RSA *key;
    uint8_t digest[48];
    uint8_t signature[RSA_BITS / 8];
};

static void init_rsa(struct rsa_check *c)
{
    EVP_PKEY *key = EVP_RSA_gen(RSA_BITS);
    uint8_t padded[RSA_BITS / 8];

    c->key = EVP_PKEY_get1_RSA(key);
    EVP_PKEY_free(key);
    memset(c->digest, 0x5a, sizeof(c->digest));
    RSA_padding_add_PKCS1_PSS_mgf1(c->key, padded, c->digest, EVP_sha384(), EVP_sha384(), 48);
    RSA_private_encrypt(sizeof(padded), padded, c->signature, c->key, RSA_NO_PADDING);
}

static bool run_rsa(const struct rsa_check *c)
{
    uint8_t padded[RSA_BITS / 8];

    return RSA_public_decrypt(sizeof(c->signature), c->signature, padded, c->key, RSA_NO_PADDING) ==
               (int)sizeof(padded) &&
           RSA_verify_PKCS1_PSS_mgf1(c->key, c->digest, EVP_sha384(), EVP_sha384(), padded, 48) ==
               1;
}

static bool run_snp_floor(void *arg)
{
    struct bench_job p384 = bench_p384();

    return run_rsa(arg) && run_rsa(arg) && p384.run(p384.arg);
}

struct bench_job bench_snp_floor(void)
{
    static struct rsa_check c;

    if (c.key == NULL)
        init_rsa(&c);
    return (struct bench_job){ run_snp_floor, &c };
}
