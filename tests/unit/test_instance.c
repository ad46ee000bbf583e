/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's statement inside a certificate (docs/formats.md), signed with OpenSSL's Ed25519.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "test_pki.h"
#include "verdict/instance.h"

#define OID "1.2.840.113741.1337.32"
#define TAG "mse-instance-v1\n"
#define HEX_F "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HEX_O "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
#define UUID "01234567-89ab-cdef-0123-456789abcdef"
#define GOOD                                                                                       \
    "{\"config_name\":\"app.example\",\"fingerprint\":\"" HEX_F                                    \
    "\",\"name\":\"i1.app.example\",\"not_after\":1893456000,\"owner\":\"" HEX_O                   \
    "\",\"uuid\":\"" UUID "\"}"

static EVP_PKEY *cert_key, *operator_key, *other_key;

static void sign(EVP_PKEY *key, const char *tag, struct mse_bytes statement, uint8_t out[64])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    struct mse_writer message = { 0 };
    size_t len = 64;

    mse_write_text(&message, tag);
    mse_write_bytes(&message, statement.data, statement.len);
    assert_int_equal(EVP_DigestSignInit(ctx, NULL, NULL, NULL, key), 1);
    assert_int_equal(EVP_DigestSign(ctx, out, &len, message.data, message.len), 1);
    mse_writer_cleanup(&message);
    EVP_MD_CTX_free(ctx);
}

/* SEQUENCE { statement, signature } and behind. */
struct wrapping {
    size_t signature_len; /* 64 where 0 */
    const char *inside, *behind;
    uint8_t statement_tag; /* 0x04 where 0 */
};

static struct test_blob make(struct mse_bytes statement, const uint8_t signature[64],
                             const struct wrapping *w)
{
    static struct test_der content, payload; /* large */
    struct test_cert cert = {
        .subject = "a", .issuer = "a", .key = cert_key, .issuer_key = cert_key
    };
    struct test_blob der;

    content.len = payload.len = 0;
    test_der_put(&content, w->statement_tag != 0 ? w->statement_tag : 0x04, statement.data,
                 statement.len);
    test_der_put(&content, 0x04, signature, w->signature_len != 0 ? w->signature_len : 64);
    if (w->inside != NULL)
        test_der_raw(&content, w->inside, strlen(w->inside));
    test_der_wrap(&payload, 0x30, &content);
    if (w->behind != NULL)
        test_der_raw(&payload, w->behind, strlen(w->behind));
    cert.extensions[0] = (struct test_extension){ OID, payload.data, payload.len, false };
    der = test_cert_make(&cert);
    return der;
}

static void key_list(struct mse_value_list *list, uint8_t values[64], EVP_PKEY *a, EVP_PKEY *b)
{
    size_t len = 32;

    *list = (struct mse_value_list){ values, b != NULL ? 2 : 1 };
    assert_int_equal(EVP_PKEY_get_raw_public_key(a, values, &len), 1);
    if (b != NULL)
        assert_int_equal(EVP_PKEY_get_raw_public_key(b, values + 32, &len), 1);
}

static enum mse_err_code read_from(const struct test_blob *der, const struct mse_value_list *keys,
                                   struct mse_instance *out)
{
    static const struct mse_instance empty;
    struct mse_error err = { 0 };
    struct mse_cert cert;

    memset(out, 0x5a, sizeof(*out));
    assert_true(mse_cert_parse(test_bytes(der), &cert, &err));
    if (mse_instance_read(&cert, keys, out, &err)) {
        assert_int_equal(err.code, MSE_ERR_NONE);
    } else {
        assert_int_not_equal(err.code, MSE_ERR_NONE);
        assert_memory_equal(out, &empty, sizeof(empty)); /* emptied on failure */
    }
    return err.code;
}

/* Signed by the operator and read by who trusts only this key. */
static enum mse_err_code read_statement(struct mse_bytes statement, struct mse_instance *out)
{
    static const struct wrapping plain;
    struct mse_value_list keys;
    uint8_t values[64], signature[64];
    struct test_blob der;
    enum mse_err_code code;

    sign(operator_key, TAG, statement, signature);
    der = make(statement, signature, &plain);
    key_list(&keys, values, operator_key, NULL);
    code = read_from(&der, &keys, out);
    test_blob_free(&der);
    return code;
}

static void a_right_statement_is_read(void **state)
{
    uint8_t fingerprint[32], owner[32];
    struct mse_instance i;

    (void)state;
    for (size_t k = 0; k < 32; k++) {
        fingerprint[k] = (uint8_t)(0x11 * (k % 16));
        owner[k] = (uint8_t)(0xff - 0x11 * (k % 16));
    }
    assert_int_equal(read_statement(MSE_CSTR_BYTES(GOOD), &i), MSE_ERR_NONE);
    assert_string_equal(i.config_name, "app.example");
    assert_string_equal(i.name, "i1.app.example");
    assert_string_equal(i.uuid, UUID);
    assert_memory_equal(i.fingerprint, fingerprint, 32);
    assert_memory_equal(i.owner, owner, 32);
    assert_int_equal(i.not_after, 1893456000);
}

static void only_a_trusted_key_over_exactly_these_bytes_counts(void **state)
{
    static const struct wrapping plain;
    const struct mse_bytes good = MSE_CSTR_BYTES(GOOD);
    const struct {
        EVP_PKEY *signer, *first, *second;
        const char *tag;
        size_t flip; /* bit of statement or (behind it) signature; SIZE_MAX: none */
        enum mse_err_code want;
    } cases[] = {
        { operator_key, operator_key, NULL, TAG, SIZE_MAX, MSE_ERR_NONE },
        { operator_key, other_key, operator_key, TAG, SIZE_MAX, MSE_ERR_NONE },
        { operator_key, operator_key, other_key, TAG, SIZE_MAX, MSE_ERR_NONE },
        { operator_key, other_key, NULL, TAG, SIZE_MAX, MSE_ERR_SIGNATURE },
        { other_key, operator_key, NULL, TAG, SIZE_MAX, MSE_ERR_SIGNATURE },
        { operator_key, operator_key, NULL, "", SIZE_MAX, MSE_ERR_SIGNATURE },
        { operator_key, operator_key, NULL, "mse-instance-v2\n", SIZE_MAX, MSE_ERR_SIGNATURE },
        { operator_key, operator_key, NULL, TAG, 0, MSE_ERR_SIGNATURE },
        { operator_key, operator_key, NULL, TAG, 20, MSE_ERR_SIGNATURE },
        { operator_key, operator_key, NULL, TAG, sizeof(GOOD) - 2, MSE_ERR_SIGNATURE },
        { operator_key, operator_key, NULL, TAG, sizeof(GOOD) - 1, MSE_ERR_SIGNATURE },
        { operator_key, operator_key, NULL, TAG, sizeof(GOOD) - 1 + 63, MSE_ERR_SIGNATURE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t message[sizeof(GOOD) - 1 + 64], values[64];
        struct mse_bytes statement = { message, sizeof(GOOD) - 1 };
        struct mse_value_list keys;
        struct mse_instance out;
        struct test_blob der;

        memcpy(message, good.data, good.len);
        sign(cases[i].signer, cases[i].tag, good, message + good.len);
        if (cases[i].flip != SIZE_MAX)
            message[cases[i].flip] ^= 1;
        der = make(statement, message + good.len, &plain);
        key_list(&keys, values, cases[i].first, cases[i].second);
        if (read_from(&der, &keys, &out) != cases[i].want)
            fail_msg("row %zu", i);
        test_blob_free(&der);
    }
}

static void no_key_trusts_nothing(void **state)
{
    static const struct wrapping plain;
    const struct mse_value_list none = { NULL, 0 };
    uint8_t signature[64];
    struct mse_instance out;
    struct test_blob der;

    (void)state;
    sign(operator_key, TAG, MSE_CSTR_BYTES(GOOD), signature);
    der = make(MSE_CSTR_BYTES(GOOD), signature, &plain);
    assert_int_equal(read_from(&der, &none, &out), MSE_ERR_SIGNATURE);
    test_blob_free(&der);
}

static void a_certificate_without_a_statement_is_missing_it(void **state)
{
    struct test_cert cert = {
        .subject = "a", .issuer = "a", .key = cert_key, .issuer_key = cert_key
    };
    struct test_blob der = test_cert_make(&cert);
    struct mse_value_list keys;
    struct mse_instance out;
    uint8_t values[64];

    (void)state;
    key_list(&keys, values, operator_key, NULL);
    assert_int_equal(read_from(&der, &keys, &out), MSE_ERR_MISSING);
    test_blob_free(&der);
}

static void the_wrapping_is_exact(void **state)
{
    static const struct {
        struct wrapping w;
        enum mse_err_code want;
    } cases[] = {
        { { 0, NULL, NULL, 0 }, MSE_ERR_NONE },
        { { 0, NULL, "x", 0 }, MSE_ERR_TRAILING },
        { { 0, NULL, "\x05", 0 }, MSE_ERR_TRAILING },
        { { 0, "\x04\x01x", NULL, 0 }, MSE_ERR_TRAILING },
        { { 0, NULL, NULL, 0x0c }, MSE_ERR_FORMAT },
        { { 63, NULL, NULL, 0 }, MSE_ERR_SIGNATURE },
        { { 1, NULL, NULL, 0 }, MSE_ERR_SIGNATURE },
    };
    uint8_t values[64], signature[64];
    struct mse_value_list keys;

    (void)state;
    key_list(&keys, values, operator_key, NULL);
    sign(operator_key, TAG, MSE_CSTR_BYTES(GOOD), signature);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_blob der = make(MSE_CSTR_BYTES(GOOD), signature, &cases[i].w);
        struct mse_instance out;

        assert_int_equal(read_from(&der, &keys, &out), cases[i].want);
        test_blob_free(&der);
    }
}

/* Each properly signed: the operator's key does not make nonsense right. */
static void members_are_exactly_the_six_in_their_forms(void **state)
{
#define HIGH_NAME "0123456789012345678901234567890123456789012345678901234567890123"
#define NAME256 HIGH_NAME HIGH_NAME HIGH_NAME HIGH_NAME
    static const struct {
        const char *from, *to;
        enum mse_err_code want;
    } cases[] = {
        { "i1.app.example", "i2.app.example", MSE_ERR_NONE },
        { "i1.app.example", "2001:db8::1", MSE_ERR_NONE },
        { ",\"uuid\":\"" UUID "\"", "", MSE_ERR_UNKNOWN_KEY },
        { ",\"owner\":\"" HEX_O "\"", "", MSE_ERR_UNKNOWN_KEY },
        { "\"uuid\":\"" UUID "\"", "\"uuid\":\"" UUID "\",\"x\":1", MSE_ERR_UNKNOWN_KEY },
        { "\"owner\"", "\"owners\"", MSE_ERR_MISSING },
        { "\"config_name\"", "\"Config_name\"", MSE_ERR_MISSING },
        { "\"not_after\"", "\"notAfter\"", MSE_ERR_MISSING },
        { "\"name\":\"i1", "\"nam\":\"i1", MSE_ERR_MISSING },
        { "\"uuid\":\"", "\"uid\":\"", MSE_ERR_MISSING },
        { "{\"config_name\"", "{\"name\":\"b.example\",\"config_name\"", MSE_ERR_DUPLICATE },
        { "\"owner\":\"" HEX_O "\"", "\"name\":\"b.example\"", MSE_ERR_DUPLICATE },
        { "1893456000", "-1", MSE_ERR_VALUE },
        { "1893456000", "1893456000.5", MSE_ERR_VALUE },
        { "1893456000", "\"1893456000\"", MSE_ERR_VALUE },
        { "1893456000", "253402300799", MSE_ERR_NONE },
        { "1893456000", "253402300800", MSE_ERR_VALUE },
        { "1893456000", "99999999999999999999", MSE_ERR_VALUE },
        { "\"i1.app.example\"", "7", MSE_ERR_VALUE },
        { "i1.app.example", "", MSE_ERR_VALUE },
        { "i1.app.example", "i1\\u0000.app.example", MSE_ERR_VALUE },
        { "i1.app.example", "i1\\u001b[31m", MSE_ERR_VALUE },
        { "i1.app.example", "i1\\n.app.example", MSE_ERR_VALUE },
        { "i1.app.example", "i1 app.example", MSE_ERR_VALUE },
        { "i1.app.example", "i1\x7f.example", MSE_ERR_VALUE },
        { "i1.app.example", "*.app.example", MSE_ERR_VALUE },
        { "i1.app.example", "i1/app", MSE_ERR_VALUE },
        { "i1.app.example", "\xc3\xa4.example", MSE_ERR_VALUE },
        { "i1.app.example", "\xe2\x80\xae.example", MSE_ERR_VALUE },
        { "i1.app.example", "\xff", MSE_ERR_FORMAT },
        { "\"app.example\"", "\"\"", MSE_ERR_VALUE },
        { "\"app.example\"", "\"app\\texample\"", MSE_ERR_VALUE },
        { "\"app.example\"", "\"app;example\"", MSE_ERR_VALUE },
        { "i1.app.example", HIGH_NAME HIGH_NAME HIGH_NAME ".x", MSE_ERR_NONE },
        { "i1.app.example", NAME256, MSE_ERR_LIMIT },
        { UUID, "", MSE_ERR_VALUE },
        { UUID, "01234567-89ab-cdef-0123-456789abcde", MSE_ERR_VALUE },
        { UUID, "01234567-89ab-cdef-0123-456789abcdef0", MSE_ERR_VALUE },
        { UUID, "01234567-89AB-cdef-0123-456789abcdef", MSE_ERR_VALUE },
        { UUID, "01234567-89ab-cdef-0123-456789abcdeg", MSE_ERR_VALUE },
        { UUID, NAME256, MSE_ERR_LIMIT },
        { HEX_F, "00", MSE_ERR_VALUE },
        { HEX_F, "g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
          MSE_ERR_VALUE },
        { HEX_O, HEX_O "00", MSE_ERR_VALUE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *text = test_replace(GOOD, cases[i].from, cases[i].to);
        struct mse_instance out;
        enum mse_err_code code = read_statement(MSE_CSTR_BYTES(text), &out);

        if (code != cases[i].want)
            fail_msg("row %zu: %d: %s", i, (int)code, text);
        free(text);
    }
}

static void what_is_no_json_object_is_refused(void **state)
{
    static const char *const texts[] = { "",      " ",      "null",    "[1,2,3,4,5,6]",
                                         "\"x\"", GOOD "x", GOOD GOOD, "{}" };
    struct mse_instance out;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_not_equal(read_statement(MSE_CSTR_BYTES(texts[i]), &out), MSE_ERR_NONE);
    for (size_t len = 0; len < sizeof(GOOD) - 1; len++)
        assert_int_not_equal(read_statement((struct mse_bytes){ (const uint8_t *)GOOD, len }, &out),
                             MSE_ERR_NONE);
}

/* Refused for its size, before anything is hashed or parsed. */
static void a_statement_has_at_most_4096_bytes(void **state)
{
    static uint8_t text[4097];
    struct test_cert cert = {
        .subject = "a", .issuer = "a", .key = cert_key, .issuer_key = cert_key
    };
    uint8_t head[] = { 0x30, 0x82, 0, 0, 0x04, 0x82, 0, 0 };
    uint8_t values[64], whole[sizeof(head) + sizeof(text) + 66];
    struct mse_value_list keys;
    struct mse_instance out;

    (void)state;
    key_list(&keys, values, operator_key, NULL);
    memset(text, ' ', sizeof(text));
    memcpy(text, GOOD, sizeof(GOOD) - 1);
    for (size_t len = 4096; len <= 4097; len++) {
        uint8_t *p = whole + sizeof(head);
        size_t inner = 4 + len + 66;
        struct test_blob der;

        head[2] = (uint8_t)(inner >> 8);
        head[3] = (uint8_t)inner;
        head[6] = (uint8_t)(len >> 8);
        head[7] = (uint8_t)len;
        memcpy(whole, head, sizeof(head));
        memcpy(p, text, len);
        memcpy(p + len, "\x04\x40", 2);
        sign(operator_key, TAG, (struct mse_bytes){ text, len }, p + len + 2);
        cert.extensions[0] = (struct test_extension){ OID, whole, 4 + inner, false };
        der = test_cert_make(&cert);
        assert_int_equal(read_from(&der, &keys, &out), len == 4096 ? MSE_ERR_NONE : MSE_ERR_LIMIT);
        test_blob_free(&der);
    }
}

static int make_keys(void **state)
{
    (void)state;
    cert_key = test_key_p256();
    operator_key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    other_key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    return cert_key != NULL && operator_key != NULL && other_key != NULL ? 0 : -1;
}

static int free_keys(void **state)
{
    (void)state;
    EVP_PKEY_free(cert_key);
    EVP_PKEY_free(operator_key);
    EVP_PKEY_free(other_key);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_right_statement_is_read),
        cmocka_unit_test(only_a_trusted_key_over_exactly_these_bytes_counts),
        cmocka_unit_test(no_key_trusts_nothing),
        cmocka_unit_test(a_certificate_without_a_statement_is_missing_it),
        cmocka_unit_test(the_wrapping_is_exact),
        cmocka_unit_test(members_are_exactly_the_six_in_their_forms),
        cmocka_unit_test(what_is_no_json_object_is_refused),
        cmocka_unit_test(a_statement_has_at_most_4096_bytes),
    };

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
