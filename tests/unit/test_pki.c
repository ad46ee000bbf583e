/* SPDX-License-Identifier: Apache-2.0 */
/* Makes vendor-like certificates, CRLs and signed replies with OpenSSL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "test_pki.h"

#define DEFAULT_FROM 1577836800  /* 2020-01-01T00:00:00Z */
#define DEFAULT_UNTIL 1893456000 /* 2030-01-01T00:00:00Z */

void test_blob_free(struct test_blob *blob)
{
    free(blob->data);
    *blob = (struct test_blob){ 0 };
}

struct test_blob test_copy(struct mse_bytes in)
{
    struct test_blob blob = { malloc(in.len > 0 ? in.len : 1), in.len };

    assert_non_null(blob.data);
    if (in.len > 0)
        memcpy(blob.data, in.data, in.len);
    return blob;
}

/* ---- DER ---- */

void test_der_raw(struct test_der *to, const void *data, size_t len)
{
    assert_true(len <= sizeof(to->data) - to->len);
    if (len > 0)
        memcpy(to->data + to->len, data, len);
    to->len += len;
}

void test_der_put(struct test_der *to, uint8_t tag, const void *data, size_t len)
{
    uint8_t head[4] = { tag };
    size_t n = 1;

    if (len > 0xff)
        head[n++] = 0x82;
    else if (len > 0x7f)
        head[n++] = 0x81;
    if (len > 0xff)
        head[n++] = (uint8_t)(len >> 8);
    head[n++] = (uint8_t)len;
    test_der_raw(to, head, n);
    test_der_raw(to, data, len);
}

void test_der_wrap(struct test_der *to, uint8_t tag, const struct test_der *content)
{
    test_der_put(to, tag, content->data, content->len);
}

void test_der_oid(struct test_der *to, const char *dotted)
{
    ASN1_OBJECT *oid = OBJ_txt2obj(dotted, 1);

    assert_non_null(oid);
    test_der_put(to, 0x06, OBJ_get0_data(oid), OBJ_length(oid));
    ASN1_OBJECT_free(oid);
}

void test_der_unsigned(struct test_der *to, unsigned value)
{
    uint8_t b[5];
    size_t n = 5;

    do {
        b[--n] = (uint8_t)value;
        value >>= 8;
    } while (value != 0);
    if (b[n] >= 0x80)
        b[--n] = 0;
    test_der_put(to, 0x02, b + n, 5 - n);
}

/* ---- keys ---- */

EVP_PKEY *test_key_p256(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");

    assert_non_null(key);
    return key;
}

EVP_PKEY *test_key_p384(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-384");

    assert_non_null(key);
    return key;
}

EVP_PKEY *test_key_rsa(void)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);

    assert_non_null(key);
    return key;
}

EVP_PKEY *test_key_public(const uint8_t *bits, size_t len, bool rsa)
{
    static const uint8_t p256_head[] = {
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
        0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
    };
    const uint8_t *at = bits;
    struct test_der spki = { 0 };
    EVP_PKEY *key;

    if (rsa) {
        key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)len);
    } else {
        test_der_raw(&spki, p256_head, sizeof(p256_head));
        test_der_raw(&spki, bits, len);
        at = spki.data;
        key = d2i_PUBKEY(NULL, &at, (long)spki.len);
    }
    assert_non_null(key);
    return key;
}

/* ---- certificates ---- */

/* The order in which AMD and Intel write their names differs; what matters is that it is stable. */
static X509_NAME *make_name(const char *common_name)
{
    X509_NAME *name = X509_NAME_new();

    assert_non_null(name);
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                                (const unsigned char *)common_name, -1, -1, 0),
                     1);
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC,
                                                (const unsigned char *)"Test", -1, -1, 0),
                     1);
    return name;
}

static void start_signing(EVP_MD_CTX *ctx, EVP_PKEY *key, const char *digest, bool pss)
{
    const EVP_MD *md = EVP_get_digestbyname(digest != NULL ? digest : "SHA256");
    EVP_PKEY_CTX *pctx = NULL;

    assert_int_equal(EVP_DigestSignInit(ctx, &pctx, md, NULL, key), 1);
    if (!pss)
        return;
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST), 1);
}

static void add_raw_extension(X509 *x, const struct test_extension *e)
{
    ASN1_OBJECT *oid = OBJ_txt2obj(e->oid, 1);
    ASN1_OCTET_STRING *payload = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension;

    assert_int_equal(ASN1_OCTET_STRING_set(payload, e->payload, (int)e->len), 1);
    extension = X509_EXTENSION_create_by_OBJ(NULL, oid, e->critical, payload);
    assert_int_equal(X509_add_ext(x, extension, -1), 1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(payload);
    ASN1_OBJECT_free(oid);
}

static void add_extensions(X509 *x, const struct test_cert *cert)
{
    BASIC_CONSTRAINTS *bc = BASIC_CONSTRAINTS_new();
    X509_EXTENSION *extension;

    bc->ca = cert->ca ? 0xff : 0;
    if (cert->ca && cert->path_len >= 0) {
        bc->pathlen = ASN1_INTEGER_new();
        assert_int_equal(ASN1_INTEGER_set(bc->pathlen, cert->path_len), 1);
    }
    if (cert->has_basic_constraints || cert->ca)
        assert_int_equal(X509_add1_ext_i2d(x, NID_basic_constraints, bc, 1, X509V3_ADD_APPEND), 1);
    BASIC_CONSTRAINTS_free(bc);
    if (cert->key_usage != NULL) {
        extension = X509V3_EXT_conf_nid(NULL, NULL, NID_key_usage, cert->key_usage);
        assert_non_null(extension);
        assert_int_equal(X509_add_ext(x, extension, -1), 1);
        X509_EXTENSION_free(extension);
    }
    for (size_t i = 0; i < sizeof(cert->extensions) / sizeof(cert->extensions[0]); i++) {
        if (cert->extensions[i].oid != NULL)
            add_raw_extension(x, &cert->extensions[i]);
    }
}

static struct test_blob take_der(unsigned char *der, int len)
{
    struct test_blob blob;

    assert_true(len > 0);
    blob = test_copy((struct mse_bytes){ der, (size_t)len });
    OPENSSL_free(der);
    return blob;
}

struct test_blob test_cert_make(const struct test_cert *cert)
{
    X509 *x = X509_new();
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    X509_NAME *subject = make_name(cert->subject);
    X509_NAME *issuer = make_name(cert->issuer);
    unsigned char *der = NULL;
    int len;

    assert_int_equal(X509_set_version(x, 2), 1);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), cert->serial != 0 ? cert->serial : 1);
    X509_set_subject_name(x, subject);
    X509_set_issuer_name(x, issuer);
    ASN1_TIME_set(X509_getm_notBefore(x), cert->not_before != 0 ? cert->not_before : DEFAULT_FROM);
    ASN1_TIME_set(X509_getm_notAfter(x), cert->not_after != 0 ? cert->not_after : DEFAULT_UNTIL);
    assert_int_equal(X509_set_pubkey(x, cert->key), 1);
    add_extensions(x, cert);
    start_signing(ctx, cert->issuer_key, cert->digest, cert->pss);
    assert_true(X509_sign_ctx(x, ctx) > 0);
    len = i2d_X509(x, &der);
    X509_NAME_free(subject);
    X509_NAME_free(issuer);
    EVP_MD_CTX_free(ctx);
    X509_free(x);
    return take_der(der, len);
}

static void add_revoked(X509_CRL *x, unsigned long serial)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    ASN1_TIME *when = ASN1_TIME_set(NULL, DEFAULT_FROM);

    ASN1_INTEGER_set_uint64(number, serial);
    assert_int_equal(X509_REVOKED_set_serialNumber(entry, number), 1);
    assert_int_equal(X509_REVOKED_set_revocationDate(entry, when), 1);
    assert_int_equal(X509_CRL_add0_revoked(x, entry), 1);
    ASN1_INTEGER_free(number);
    ASN1_TIME_free(when);
}

struct test_blob test_crl_make(const struct test_crl *crl)
{
    X509_CRL *x = X509_CRL_new();
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    X509_NAME *issuer = make_name(crl->issuer);
    ASN1_TIME *from = ASN1_TIME_set(NULL, crl->this_update != 0 ? crl->this_update : DEFAULT_FROM);
    ASN1_TIME *to = ASN1_TIME_set(NULL, crl->next_update != 0 ? crl->next_update : DEFAULT_UNTIL);
    unsigned char *der = NULL;
    int len;

    assert_int_equal(X509_CRL_set_version(x, 1), 1);
    X509_CRL_set_issuer_name(x, issuer);
    X509_CRL_set1_lastUpdate(x, from);
    if (!crl->no_next_update)
        X509_CRL_set1_nextUpdate(x, to);
    for (size_t i = 0; i < sizeof(crl->revoked) / sizeof(crl->revoked[0]); i++) {
        if (crl->revoked[i] != 0)
            add_revoked(x, crl->revoked[i]);
    }
    start_signing(ctx, crl->issuer_key, crl->digest, crl->pss);
    assert_true(X509_CRL_sign_ctx(x, ctx) > 0);
    len = i2d_X509_CRL(x, &der);
    X509_NAME_free(issuer);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    EVP_MD_CTX_free(ctx);
    X509_CRL_free(x);
    return take_der(der, len);
}

/* ---- signed JSON ---- */

void test_sign_raw(EVP_PKEY *key, struct mse_bytes data, uint8_t out[static 64])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t der[80];
    const uint8_t *at = der;
    size_t len = sizeof(der);
    ECDSA_SIG *sig;

    assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestSign(ctx, der, &len, data.data, data.len), 1);
    sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
    assert_non_null(sig);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, 32), 32);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + 32, 32), 32);
    ECDSA_SIG_free(sig);
    EVP_MD_CTX_free(ctx);
}

char *test_reply_make(const char *name, const char *body, EVP_PKEY *key)
{
    uint8_t sig[64];
    char hex[129];
    char *out = NULL;

    test_sign_raw(key, MSE_CSTR_BYTES(body), sig);
    for (size_t i = 0; i < sizeof(sig); i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", sig[i]);
    assert_true(asprintf(&out, "{\"%s\":%s,\"signature\":\"%s\"}", name, body, hex) > 0);
    return out;
}

#define FOUR_SVNS "{\"svn\":1},{\"svn\":1},{\"svn\":1},{\"svn\":1}"
#define SVNS FOUR_SVNS "," FOUR_SVNS "," FOUR_SVNS "," FOUR_SVNS
#define ZEROS48                                                                                    \
    "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"   \
    "000000"

char *test_tcb_info_text(const char *id, const char *fmspc, unsigned eval, const char *from,
                         const char *until)
{
    bool tdx = strcmp(id, "TDX") == 0;
    char *out = NULL;

    assert_true(asprintf(&out,
                         "{\"id\":\"%s\",\"version\":3,\"issueDate\":\"%s\",\"nextUpdate\":\"%s\","
                         "\"fmspc\":\"%s\",\"pceId\":\"0000\",\"tcbType\":0,"
                         "\"tcbEvaluationDataNumber\":%u,%s\"tcbLevels\":[{\"tcb\":{"
                         "\"sgxtcbcomponents\":[" SVNS "],\"pcesvn\":1%s},"
                         "\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"UpToDate\"}]}",
                         id, from, until, fmspc, eval,
                         tdx ? "\"tdxModule\":{\"mrsigner\":\"" ZEROS48
                               "\",\"attributes\":\"0000000000000000\",\"attributesMask\":"
                               "\"FFFFFFFFFFFFFFFF\"},"
                             : "",
                         tdx ? ",\"tdxtcbcomponents\":[" SVNS "]" : "") > 0);
    return out;
}

char *test_qe_identity_text(const char *id, unsigned eval, const char *from, const char *until)
{
    char *out = NULL;

    assert_true(asprintf(&out,
                         "{\"id\":\"%s\",\"version\":2,\"issueDate\":\"%s\",\"nextUpdate\":\"%s\","
                         "\"tcbEvaluationDataNumber\":%u,\"miscselect\":\"00000000\","
                         "\"miscselectMask\":\"FFFFFFFF\",\"attributes\":"
                         "\"11000000000000000000000000000000\",\"attributesMask\":"
                         "\"FBFFFFFFFFFFFFFF0000000000000000\",\"mrsigner\":"
                         "\"%.64s\",\"isvprodid\":1,\"tcbLevels\":[{\"tcb\":{\"isvsvn\":8},"
                         "\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"UpToDate\"}]}",
                         id, from, until, eval, ZEROS48) > 0);
    return out;
}

char *test_replace(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    char *out = NULL;

    assert_non_null(at);
    assert_null(strstr(at + 1, from));
    assert_true(asprintf(&out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) >= 0);
    return out;
}

/* ---- SGX extension ---- */

static void put_member(struct test_der *to, const char *oid, const struct test_der *value)
{
    struct test_der member = { 0 };

    test_der_oid(&member, oid);
    test_der_raw(&member, value->data, value->len);
    test_der_wrap(to, 0x30, &member);
}

static void put_octets(struct test_der *to, const char *oid, const void *data, size_t len)
{
    struct test_der value = { 0 };

    test_der_put(&value, 0x04, data, len);
    put_member(to, oid, &value);
}

static void put_unsigned(struct test_der *to, const char *oid, unsigned v)
{
    struct test_der value = { 0 };

    test_der_unsigned(&value, v);
    put_member(to, oid, &value);
}

void test_sgx_extension(struct test_der *out, const struct test_sgx *sgx)
{
    static const uint8_t zeros[16] = { 0 };
    static const uint8_t scalable[] = { 0x0a, 0x01, 0x01 };
    struct test_der all = { 0 }, tcb = { 0 }, tcb_value = { 0 }, type = { 0 };
    char oid[64];

    put_octets(&all, "1.2.840.113741.1.13.1.1", zeros, 16);
    for (unsigned i = 0; i < 16; i++) {
        (void)snprintf(oid, sizeof(oid), "1.2.840.113741.1.13.1.2.%u", i + 1);
        put_unsigned(&tcb, oid, sgx->comp_svn[i]);
    }
    put_unsigned(&tcb, "1.2.840.113741.1.13.1.2.17", sgx->pce_svn);
    put_octets(&tcb, "1.2.840.113741.1.13.1.2.18", sgx->comp_svn, 16);
    test_der_wrap(&tcb_value, 0x30, &tcb);
    put_member(&all, "1.2.840.113741.1.13.1.2", &tcb_value);
    put_octets(&all, "1.2.840.113741.1.13.1.3", zeros, 2);
    put_octets(&all, "1.2.840.113741.1.13.1.4", sgx->fmspc, 6);
    test_der_raw(&type, scalable, sizeof(scalable));
    put_member(&all, "1.2.840.113741.1.13.1.5", &type);
    *out = (struct test_der){ 0 };
    test_der_wrap(out, 0x30, &all);
}
