/* SPDX-License-Identifier: Apache-2.0 */
/* Vendor-like certificates, CRLs and signed replies for tests, made with OpenSSL. */
#ifndef MSE_TEST_PKI_H
#define MSE_TEST_PKI_H

#include <openssl/evp.h>

#include "base/bytes.h"

/* Allocated to exactly its length, so that ASan sees any read behind it. */
struct test_blob {
    uint8_t *data;
    size_t len;
};
void test_blob_free(struct test_blob *blob);
static inline struct mse_bytes test_bytes(const struct test_blob *blob)
{
    return (struct mse_bytes){ blob->data, blob->len };
}
/* The first len bytes in a block of their own. */
struct test_blob test_copy(struct mse_bytes in);

/* A DER element built piece by piece: tag, contents one behind the other. */
struct test_der {
    uint8_t data[4096];
    size_t len;
};
void test_der_raw(struct test_der *to, const void *data, size_t len);
void test_der_put(struct test_der *to, uint8_t tag, const void *data, size_t len);
void test_der_wrap(struct test_der *to, uint8_t tag, const struct test_der *content);
void test_der_oid(struct test_der *to, const char *dotted);
void test_der_unsigned(struct test_der *to, unsigned value);

EVP_PKEY *test_key_p256(void);
EVP_PKEY *test_key_p384(void);
EVP_PKEY *test_key_rsa(void);
/* A public key without its private half: P-256 point or PKCS#1. */
EVP_PKEY *test_key_public(const uint8_t *bits, size_t len, bool rsa);

#define TEST_NO_PATH_LEN (-1)

struct test_extension {
    const char *oid;
    const void *payload;
    size_t len;
    bool critical;
};

/* Zero is a certificate that is no CA, without keyUsage, valid 2020-01-01 to 2030-01-01. */
struct test_cert {
    const char *subject; /* common name */
    const char *issuer;
    EVP_PKEY *key;
    EVP_PKEY *issuer_key;
    const char *digest; /* "SHA256" where NULL */
    bool pss;
    bool has_basic_constraints, ca;
    int path_len;
    const char *key_usage; /* as openssl.cnf has it: "critical,keyCertSign" */
    int64_t not_before, not_after;
    unsigned long serial; /* 1 where 0 */
    struct test_extension extensions[12];
};
struct test_blob test_cert_make(const struct test_cert *cert);

/* Zero dates as in struct test_cert. */
struct test_crl {
    const char *issuer;
    EVP_PKEY *issuer_key;
    const char *digest;
    bool pss;
    int64_t this_update, next_update;
    bool no_next_update;
    unsigned long revoked[4];
};
struct test_blob test_crl_make(const struct test_crl *crl);

/* Signed objects with one level, as the vendor writes them; owned text. Dates are RFC 3339. */
char *test_tcb_info_text(const char *id, const char *fmspc, unsigned eval, const char *from,
                         const char *until);
char *test_qe_identity_text(const char *id, unsigned eval, const char *from, const char *until);
/* {"NAME":body,"signature":"hex"}, owned text. */
char *test_reply_make(const char *name, const char *body, EVP_PKEY *key);
void test_sign_raw(EVP_PKEY *key, struct mse_bytes data, uint8_t out[static 64]);

/* Content of a PCK certificate's SGX extension, all members there. */
struct test_sgx {
    uint8_t fmspc[6];
    uint8_t comp_svn[16];
    uint16_t pce_svn;
};
void test_sgx_extension(struct test_der *out, const struct test_sgx *sgx);

/* Replaces the only occurrence of from; owned text. Fails the test if it is not there. */
char *test_replace(const char *text, const char *from, const char *to);

#endif
