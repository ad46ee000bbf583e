/* SPDX-License-Identifier: Apache-2.0 */
/* Makes attested certificates for tests with OpenSSL. */
#include "test_attested_cert.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

void buffer_free(struct buffer *b)
{
    free(b->data);
    *b = (struct buffer){ 0 };
}

void put(struct buffer *b, const void *data, size_t len)
{
    b->data = realloc(b->data, b->len + len + 1);
    if (b->data == NULL)
        abort();
    if (len > 0)
        memcpy(b->data + b->len, data, len);
    b->len += len;
}

void put_byte(struct buffer *b, uint8_t byte, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put(b, &byte, 1);
}

void put_le(struct buffer *b, uint64_t value, size_t width)
{
    for (size_t i = 0; i < width; i++)
        put_byte(b, (uint8_t)(value >> (8 * i)), 1);
}

void put_hex(struct buffer *b, const char *hex)
{
    for (; *hex != 0; hex++) {
        if (*hex == ' ')
            continue;
        assert_true(OPENSSL_hexchar2int((unsigned char)hex[0]) >= 0 &&
                    OPENSSL_hexchar2int((unsigned char)hex[1]) >= 0);
        put_byte(b,
                 (uint8_t)(OPENSSL_hexchar2int((unsigned char)hex[0]) * 16 +
                           OPENSSL_hexchar2int((unsigned char)hex[1])),
                 1);
        hex++;
    }
}

void put_buffer(struct buffer *b, const struct buffer *more)
{
    put(b, more->data, more->len);
}

void put_der(struct buffer *b, uint8_t tag, const void *data, size_t len)
{
    put_byte(b, tag, 1);
    if (len < 0x80) {
        put_byte(b, (uint8_t)len, 1);
    } else if (len < 0x100) {
        put_byte(b, 0x81, 1);
        put_byte(b, (uint8_t)len, 1);
    } else {
        assert_true(len < 0x10000);
        put_byte(b, 0x82, 1);
        put_byte(b, (uint8_t)(len >> 8), 1);
        put_byte(b, (uint8_t)len, 1);
    }
    put(b, data, len);
}

void put_cbor(struct buffer *b, unsigned major, uint64_t value)
{
    unsigned width = value < 24 ? 0 : value < 0x100 ? 1 : value < 0x10000 ? 2 : 4;
    unsigned extra = width == 0 ? (unsigned)value : width == 1 ? 24 : width == 2 ? 25 : 26;

    put_byte(b, (uint8_t)(major << 5 | extra), 1);
    while (width-- > 0)
        put_byte(b, (uint8_t)(value >> (8 * width)), 1);
}

void put_cbor_bytes(struct buffer *b, const void *data, size_t len)
{
    put_cbor(b, 2, len);
    put(b, data, len);
}

void put_cbor_text(struct buffer *b, const char *text)
{
    put_cbor(b, 3, strlen(text));
    put(b, text, strlen(text));
}

uint8_t *exact(const void *data, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);

    if (copy == NULL)
        abort();
    if (len > 0)
        memcpy(copy, data, len);
    return copy;
}

static EVP_PKEY *generate(enum mse_key_type type)
{
    if (type == MSE_KEY_RSA)
        return EVP_RSA_gen(2048);
    return EVP_EC_gen(type == MSE_KEY_P384 ? "P-384" : "P-256");
}

static void read_encodings(struct test_key *key)
{
    unsigned char *der = NULL;
    const unsigned char *bits;
    int der_len = i2d_PUBKEY(key->pkey, &der), bits_len;
    const unsigned char *at = der;
    X509_PUBKEY *spki = d2i_X509_PUBKEY(NULL, &at, der_len);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    long text_len;

    assert_true(der_len > 0 && spki != NULL && bio != NULL);
    put(&key->spki, der, (size_t)der_len);
    assert_int_equal(X509_PUBKEY_get0_param(NULL, &bits, &bits_len, NULL, spki), 1);
    put(&key->bits, bits, (size_t)bits_len);
    assert_int_equal(PEM_write_bio_PUBKEY(bio, key->pkey), 1);
    text_len = BIO_get_mem_data(bio, &text);
    put(&key->pem_nul, text, (size_t)text_len);
    put_byte(&key->pem_nul, 0, 1);
    BIO_free(bio);
    X509_PUBKEY_free(spki);
    OPENSSL_free(der);
}

struct test_key *test_key_new(enum mse_key_type type)
{
    struct test_key *key = calloc(1, sizeof(*key));

    assert_non_null(key);
    key->pkey = generate(type);
    assert_non_null(key->pkey);
    read_encodings(key);
    return key;
}

void test_key_free(struct test_key *key)
{
    EVP_PKEY_free(key->pkey);
    buffer_free(&key->spki);
    buffer_free(&key->bits);
    buffer_free(&key->pem_nul);
    free(key);
}

void digest64(const char *name, const struct buffer *a, const struct buffer *b, uint8_t out[64])
{
    struct buffer all = { 0 };
    size_t len;

    put_buffer(&all, a);
    if (b != NULL)
        put_buffer(&all, b);
    memset(out, 0, 64);
    assert_int_equal(EVP_Q_digest(NULL, name, NULL, all.data, all.len, out, &len), 1);
    buffer_free(&all);
}

/* Signature, attestation key, then QE report, its signature, authentication data, a PEM chain. */
static void put_qe_part(struct buffer *b)
{
    put_byte(b, 0x51, 384);
    put_byte(b, 0x52, 64);
    put_le(b, 32, 2);
    put_byte(b, 0x53, 32);
    put_le(b, 5, 2);
    put_le(b, 10, 4);
    put(b, "-----BEGIN", 10);
}

static void put_header(struct buffer *b, unsigned version, uint32_t tee_type)
{
    put_le(b, version, 2);
    put_le(b, 2, 2);
    put_le(b, tee_type, 4);
    put_le(b, 0, 4);
    put_hex(b, "939a7233f79c4ca9940a0db3957f0607");
    put_byte(b, 0x11, 20);
}

void put_sgx_quote(struct buffer *b, const uint8_t report_data[64])
{
    put_header(b, 3, 0);
    put_byte(b, 0x21, 320);
    put(b, report_data, 64);
    put_le(b, 64 + 64 + 384 + 64 + 2 + 32 + 6 + 10, 4);
    put_byte(b, 0x31, 128);
    put_qe_part(b);
}

void put_tdx_quote(struct buffer *b, const uint8_t report_data[64])
{
    const size_t inner = 384 + 64 + 2 + 32 + 6 + 10;

    put_header(b, 4, 0x81);
    put_byte(b, 0x22, 520);
    put(b, report_data, 64);
    put_le(b, 128 + 6 + inner, 4);
    put_byte(b, 0x31, 128);
    put_le(b, 6, 2);
    put_le(b, inner, 4);
    put_qe_part(b);
}

void put_snp_report(struct buffer *b, const uint8_t report_data[64])
{
    size_t start = b->len;

    put_byte(b, 0, 1184);
    b->data[start] = 2;        /* version */
    b->data[start + 0x34] = 1; /* ECDSA P-384 with SHA-384 */
    memcpy(b->data + start + 0x50, report_data, 64);
    memset(b->data + start + 0x90, 0x41, 48);
    memset(b->data + start + 0x2a0, 0x42, 47);      /* r */
    memset(b->data + start + 0x2a0 + 72, 0x43, 47); /* s */
}

static void add_extension(X509 *x509, const struct test_extension *extension)
{
    ASN1_OBJECT *oid = OBJ_txt2obj(extension->oid, 1);
    ASN1_OCTET_STRING *payload = ASN1_OCTET_STRING_new();
    X509_EXTENSION *made;

    assert_non_null(oid);
    assert_int_equal(
        ASN1_OCTET_STRING_set(payload, extension->payload.data, (int)extension->payload.len), 1);
    made = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, payload);
    assert_int_equal(X509_add_ext(x509, made, -1), 1);
    X509_EXTENSION_free(made);
    ASN1_OCTET_STRING_free(payload);
    ASN1_OBJECT_free(oid);
}

void put_certificate(struct buffer *b, const struct test_key *key, const char *common_name,
                     const struct test_extension *extensions, size_t count)
{
    X509 *x509 = X509_new();
    X509_NAME *name = X509_NAME_new();
    unsigned char *der = NULL;
    int len;

    assert_true(X509_set_version(x509, 2) == 1 &&
                ASN1_INTEGER_set(X509_get_serialNumber(x509), 1) == 1);
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                                (const unsigned char *)common_name, -1, -1, 0),
                     1);
    assert_true(X509_set_subject_name(x509, name) == 1 && X509_set_issuer_name(x509, name) == 1);
    ASN1_TIME_set_string(X509_getm_notBefore(x509), "20260101000000Z");
    ASN1_TIME_set_string(X509_getm_notAfter(x509), "20270101000000Z");
    assert_int_equal(X509_set_pubkey(x509, key->pkey), 1);
    for (size_t i = 0; i < count; i++)
        add_extension(x509, &extensions[i]);
    assert_true(X509_sign(x509, key->pkey, EVP_sha256()) > 0);
    len = i2d_X509(x509, &der);
    assert_true(len > 0);
    put(b, der, (size_t)len);
    OPENSSL_free(der);
    X509_NAME_free(name);
    X509_free(x509);
}

void make_cert(const struct test_key *key, const struct test_extension *extensions, size_t count,
               struct buffer *der, struct mse_cert *cert)
{
    struct mse_error err = { 0 };

    *der = (struct buffer){ 0 };
    put_certificate(der, key, "test", extensions, count);
    if (!mse_cert_parse((struct mse_bytes){ der->data, der->len }, cert, &err))
        fail_msg("certificate: %s at %zu", err.field, err.offset);
}
