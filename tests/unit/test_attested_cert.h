/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attested certificates for tests, made with OpenSSL and nothing of what they test: keys, evidence
 * of the right shape whose signatures are worth nothing, containers, certificates.
 */
#ifndef MSE_TEST_ATTESTED_CERT_H
#define MSE_TEST_ATTESTED_CERT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ratls/ratls.h"

/* A growing buffer; running out of memory ends the test program. */
struct buffer {
    uint8_t *data;
    size_t len;
};

void buffer_free(struct buffer *b);
void put(struct buffer *b, const void *data, size_t len);
void put_byte(struct buffer *b, uint8_t byte, size_t count);
void put_le(struct buffer *b, uint64_t value, size_t width);
void put_hex(struct buffer *b, const char *hex); /* blanks between bytes are skipped */
void put_buffer(struct buffer *b, const struct buffer *more);
/* tag, DER length and content. */
void put_der(struct buffer *b, uint8_t tag, const void *data, size_t len);
/* CBOR head (shortest form), byte string, text string. */
void put_cbor(struct buffer *b, unsigned major, uint64_t value);
void put_cbor_bytes(struct buffer *b, const void *data, size_t len);
void put_cbor_text(struct buffer *b, const char *text);
/* The same bytes in a block that ends where they do; freed by the caller. */
uint8_t *exact(const void *data, size_t len);

struct test_key {
    void *pkey; /* EVP_PKEY */
    struct buffer spki;
    struct buffer bits;    /* content of the BIT STRING: point or RSAPublicKey */
    struct buffer pem_nul; /* PEM text and a NUL */
};

/* type is MSE_KEY_P256, MSE_KEY_P384 or MSE_KEY_RSA. */
struct test_key *test_key_new(enum mse_key_type type);
void test_key_free(struct test_key *key);

/* Digest by OpenSSL's name of it ("SHA256"), zero-filled to 64 bytes, of a || b. */
void digest64(const char *name, const struct buffer *a, const struct buffer *b, uint8_t out[64]);

void put_sgx_quote(struct buffer *b, const uint8_t report_data[64]);
void put_tdx_quote(struct buffer *b, const uint8_t report_data[64]);
void put_snp_report(struct buffer *b, const uint8_t report_data[64]);

struct test_extension {
    const char *oid; /* dotted */
    struct buffer payload;
};

/* A self-signed certificate for key with these extensions in this order. */
void put_certificate(struct buffer *b, const struct test_key *key, const char *common_name,
                     const struct test_extension *extensions, size_t count);

/* Certificate around one extension, parsed; the buffer owns what cert points into. */
void make_cert(const struct test_key *key, const struct test_extension *extensions, size_t count,
               struct buffer *der, struct mse_cert *cert);

#endif
