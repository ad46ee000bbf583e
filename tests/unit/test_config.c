/* SPDX-License-Identifier: Apache-2.0 */
/* The owner's configuration: signature, members, sealed box, certificate; one row per refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/encode.h"
#include "config_vectors.h"
#include "enclave/config.h"
#include "exact.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))
#define NOW INT64_C(1782864000) /* 2026-07-01T00:00:00Z */
#define ID "01234567-89ab-cdef-0123-456789abcdef"
#define H8 "5a5a5a5a"
#define H64 H8 H8 H8 H8 H8 H8 H8 H8
#define UUID "\"uuid\":\"" ID "\""
#define BLIND "\"blind\":\"" H64 "\""
#define BASE UUID "," BLIND
#define WITH(more) ("{" BASE "," more "}")
#define BOX(text) WITH("\"app_sealed_secrets\":\"" text "\"")
#define KEY_HEX "00112233445566778899aabbccddeeffffeeddccbbaa99887766554433221100"
#define TLS(key, chain) WITH("\"ssl_private_key\":\"" key "\",\"ssl_certificate\":\"" chain "\"")

static void hex(const char *text, uint8_t *out, size_t len)
{
    if (!mse_hex_read(text, strlen(text), out, len))
        abort();
}

static struct mse_identity make_identity(void)
{
    struct mse_identity identity = { 0 };

    for (uint8_t i = 0; i < 32; i++)
        identity.x25519_secret[i] = (uint8_t)(101 + i);
    hex(BOX_PUBLIC, identity.x25519_public, 32);
    hex(CERT_SHA256, identity.cert_sha256, 32);
    return identity;
}

struct setting {
    bool unsigned_config;
    enum mse_app_cert cert;
    const char *name; /* of the instance; NULL: app.example */
};

static bool parse(const char *text, struct setting setting, struct mse_config *out,
                  struct mse_error *err)
{
    char name[] = "app.example";
    const struct mse_app_manifest app = { .cert = setting.cert,
                                          .unsigned_config = setting.unsigned_config };
    struct mse_instance_file file = { .name = setting.name != NULL ? (char *)(uintptr_t)setting.name
                                                                   : name,
                                      .uuid = ID };
    struct mse_identity identity = make_identity();
    struct mse_bytes body = exact_copy(MSE_CSTR_BYTES(text), strlen(text));
    bool ok;

    *err = (struct mse_error){ 0 };
    ok = mse_config_parse(body, &app, &file, &identity, NOW, out, err);
    exact_free(body);
    return ok;
}

static void good(const char *text, struct setting setting, struct mse_config *out)
{
    struct mse_error err;

    if (!parse(text, setting, out, &err))
        fail_msg("%s: %s: %s", mse_err_name(err.code), err.field, err.text);
}

static void assert_text(const uint8_t *data, size_t len, const char *want)
{
    assert_int_equal(len, strlen(want));
    assert_memory_equal(data, want, len);
}

/* ---- members ---- */

static void uuid_and_blind_are_enough(void **state)
{
    struct mse_config config;

    (void)state;
    good("{" BASE "}", (struct setting){ 0 }, &config);
    assert_null(config.secrets);
    assert_null(config.sealed_secrets);
    assert_false(config.has_code_key);
    assert_int_equal(config.chain_count, 0);
    mse_config_cleanup(&config);
}

static void app_secrets_keep_their_exact_text(void **state)
{
    static const char *const values[] = {
        "{\"a\": [1, 2.50]}", "[ ]", "\"te\\u0078t\"", "null", "-1e5", "true", "\"\""
    };

    (void)state;
    for (size_t i = 0; i < LEN(values); i++) {
        struct mse_config config;
        char text[512];

        (void)snprintf(text, sizeof(text), "{" BASE ", \"app_secrets\" : %s }", values[i]);
        good(text, (struct setting){ 0 }, &config);
        assert_text(config.secrets, config.secrets_len, values[i]);
        mse_config_cleanup(&config);
    }
}

static void the_digest_is_that_of_the_signed_body(void **state)
{
    struct mse_config config;
    uint8_t want[32];

    (void)state;
    hex(SIGNED_DIGEST, want, 32);
    good("{" BASE ",\"app_secrets\":{\"a\":[1,\"\xc3\xa9\"]}}", (struct setting){ 0 }, &config);
    assert_memory_equal(config.digest, want, 32);
    mse_config_cleanup(&config);
}

static void clients_of_the_original_need_no_blind(void **state)
{
    static const char *const ids[] = { ID, "0123456789ABCDEF0123456789abcdef", ("{" ID "}"),
                                       ("urn:uuid:" ID) };

    (void)state;
    for (size_t i = 0; i < LEN(ids); i++) {
        struct mse_config config;
        struct mse_error err;
        char text[256];

        (void)snprintf(text, sizeof(text), "{\"uuid\":\"%s\"}", ids[i]);
        good(text, (struct setting){ .unsigned_config = true }, &config);
        mse_config_cleanup(&config);
        assert_false(parse(text, (struct setting){ 0 }, &config, &err));
        assert_int_equal(err.code, MSE_ERR_MISSING);
        assert_string_equal(err.field, "blind");
    }
}

static void the_code_key_is_read(void **state)
{
    struct mse_config config;
    uint8_t want[32];

    (void)state;
    hex(KEY_HEX, want, 32);
    good(WITH("\"code_secret_key\":\"" KEY_HEX "\""), (struct setting){ 0 }, &config);
    assert_true(config.has_code_key);
    assert_memory_equal(config.code_key, want, 32);
    mse_config_cleanup(&config);
    assert_true(mse_is_zero(config.code_key, 32));
}

/* ---- sealed secrets ---- */

static void a_box_sealed_by_nacl_opens(void **state)
{
    struct mse_config config;

    (void)state;
    good(BOX(BOX_OBJECT), (struct setting){ 0 }, &config);
    assert_text(config.sealed_secrets, config.sealed_secrets_len,
                "{ \"api\" : \"\\u00e9{\", \"n\": [1, {}] }");
    assert_false(config.has_code_key);
    mse_config_cleanup(&config);
    good(BOX(BOX_UNPADDED), (struct setting){ 0 }, &config);
    assert_text(config.sealed_secrets, config.sealed_secrets_len, "{}");
    mse_config_cleanup(&config);
}

static void a_code_key_in_the_box_counts_and_stays_with_the_runtime(void **state)
{
    /* clang-format off */
    static const struct { const char *body; const char *left; } cases[] = {
        { BOX(BOX_KEY_FIRST), "{\"a\":\"x\",\"b\":{\"c\": 1}}" },
        { BOX(BOX_KEY_LAST),  "{\"a\":\"x\"}" },
        { BOX(BOX_KEY_ALONE), "{}" },
    };
    /* clang-format on */
    uint8_t want[32];

    (void)state;
    hex(KEY_HEX, want, 32);
    for (size_t i = 0; i < LEN(cases); i++) {
        struct mse_config config;

        good(cases[i].body, (struct setting){ 0 }, &config);
        assert_true(config.has_code_key);
        assert_memory_equal(config.code_key, want, 32);
        assert_text(config.sealed_secrets, config.sealed_secrets_len, cases[i].left);
        mse_config_cleanup(&config);
    }
}

static void the_code_key_of_the_body_goes_first(void **state)
{
    struct mse_config config;
    uint8_t want[32];

    (void)state;
    memset(want, 0x5a, 32);
    good(WITH("\"app_sealed_secrets\":\"" BOX_KEY_FIRST "\",\"code_secret_key\":\"" H64 "\""),
         (struct setting){ 0 }, &config);
    assert_memory_equal(config.code_key, want, 32);
    assert_text(config.sealed_secrets, config.sealed_secrets_len, "{\"a\":\"x\",\"b\":{\"c\": 1}}");
    mse_config_cleanup(&config);
}

/* ---- owner's certificate ---- */

/* clang-format off */
static const struct { const char *name; const char *body; const char *instance; size_t count; }
certificates[] = {
    { "whole chain",       TLS(KEY_LEAF, LEAF CERT_INTER CERT_ROOT),     NULL, 3 },
    { "without root",      TLS(KEY_LEAF, LEAF CERT_INTER),               NULL, 2 },
    { "leaf alone",        TLS(KEY_LEAF, LEAF_PLAIN),                    NULL, 1 },
    { "text between",      TLS(KEY_LEAF, "subject=a\\n" LEAF "\\n\\n" CERT_INTER), NULL, 2 },
    { "SEC 1 key",         TLS(KEY_LEAF_SEC1, LEAF),                     NULL, 1 },
    { "P-384",             TLS(KEY_384, LEAF_384 CERT_INTER),            NULL, 2 },
    { "RSA",               TLS(KEY_RSA, LEAF_RSA CERT_INTER),            NULL, 2 },
    { "wildcard",          TLS(KEY_LEAF, LEAF_WILD_OK),                  "a1.svc.app.example", 1 },
    { "address",           TLS(KEY_LEAF, LEAF_ADDRESS),                  "192.0.2.7", 1 },
};
/* clang-format on */

static void chains_that_fit_are_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < LEN(certificates); i++) {
        const struct setting setting = { .cert = MSE_APP_CERT_OWNER,
                                         .name = certificates[i].instance };
        struct mse_config config;
        struct mse_error err;

        if (!parse(certificates[i].body, setting, &config, &err))
            fail_msg("%s: %s: %s", certificates[i].name, err.field, err.text);
        assert_non_null(config.tls_key);
        assert_int_equal(config.chain_count, certificates[i].count);
        assert_int_equal(X509_check_private_key(config.chain[0], config.tls_key), 1);
        mse_config_cleanup(&config);
        assert_null(config.tls_key);
    }
}

static bool parse_chain_of(unsigned count, struct mse_config *out, struct mse_error *err)
{
    char text[16384] = "{" BASE ",\"ssl_private_key\":\"" KEY_LEAF
                       "\",\"ssl_certificate\":\"" LEAF CERT_INTER;

    for (unsigned i = 2; i < count; i++)
        (void)strcat(text, CERT_ROOT);
    return parse(strcat(text, "\"}"), (struct setting){ .cert = MSE_APP_CERT_OWNER }, out, err);
}

static void a_chain_has_eight_certificates_at_most(void **state)
{
    struct mse_config config;
    struct mse_error err;

    (void)state;
    assert_true(parse_chain_of(8, &config, &err));
    assert_int_equal(config.chain_count, 8);
    mse_config_cleanup(&config);
    assert_false(parse_chain_of(9, &config, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    assert_string_equal(err.field, "ssl_certificate");
}

/* ---- refusals ---- */

#define OWNER                                                                                      \
    {                                                                                              \
        .cert = MSE_APP_CERT_OWNER                                                                 \
    }
#define SELF                                                                                       \
    {                                                                                              \
        .cert = MSE_APP_CERT_SELF                                                                  \
    }
#define AT(host)                                                                                   \
    {                                                                                              \
        .cert = MSE_APP_CERT_OWNER, .name = host                                                   \
    }

/* clang-format off */
static const struct { const char *name; const char *body; struct setting setting; enum mse_err_code want; const char *field; }
bad[] = {
    { "empty",               "",                                             SELF, MSE_ERR_TRUNCATED, "configuration" },
    { "an array",            "[]",                                           SELF, MSE_ERR_FORMAT, "json" },
    { "trailing",            "{" BASE "}}",                                  SELF, MSE_ERR_TRAILING, "configuration" },
    { "twice",               WITH(UUID),                                     SELF, MSE_ERR_DUPLICATE, "configuration" },
    { "unknown",             WITH("\"secrets\":{}"),                         SELF, MSE_ERR_UNKNOWN_KEY, "secrets" },
    { "no uuid",             "{" BLIND "}",                                  SELF, MSE_ERR_MISSING, "uuid" },
    { "uuid is null",        "{\"uuid\":null," BLIND "}",                    SELF, MSE_ERR_VALUE, "uuid" },
    { "uuid is none",        "{\"uuid\":\"x\"," BLIND "}",                   SELF, MSE_ERR_VALUE, "uuid" },
    { "uuid of another",     "{\"uuid\":\"11234567-89ab-cdef-0123-456789abcdef\"," BLIND "}", SELF, MSE_ERR_MISMATCH, "uuid" },
    { "no blind",            "{" UUID "}",                                   SELF, MSE_ERR_MISSING, "blind" },
    { "short blind",         "{" UUID ",\"blind\":\"00\"}",                  SELF, MSE_ERR_VALUE, "blind" },
    { "optional, but wrong", "{" UUID ",\"blind\":\"00\"}", { .unsigned_config = true }, MSE_ERR_VALUE, "blind" },
    { "code key of 31 bytes", WITH("\"code_secret_key\":\"" H8 H8 H8 H8 H8 H8 H8 "5a5a5a\""), SELF, MSE_ERR_VALUE, "code_secret_key" },
    { "code key of 33 bytes", WITH("\"code_secret_key\":\"" H64 "5a\""),     SELF, MSE_ERR_VALUE, "code_secret_key" },
    { "code key is a number", WITH("\"code_secret_key\":1"),                 SELF, MSE_ERR_VALUE, "code_secret_key" },
    { "box is an object",    WITH("\"app_sealed_secrets\":{}"),              SELF, MSE_ERR_VALUE, "app_sealed_secrets" },
    { "box is empty",        BOX(""),                                        SELF, MSE_ERR_SIGNATURE, "app_sealed_secrets" },
    { "box is too short",    BOX(BOX_SHORT),                                 SELF, MSE_ERR_SIGNATURE, "app_sealed_secrets" },
    { "box in plain base64", BOX("+/+/"),                                    SELF, MSE_ERR_VALUE, "app_sealed_secrets" },
    { "box with a space",    BOX("AAAA AAAA"),                               SELF, MSE_ERR_VALUE, "app_sealed_secrets" },
    { "padding too short",   BOX("AA="),                                     SELF, MSE_ERR_VALUE, "app_sealed_secrets" },
    { "bits behind the end", BOX("AB"),                                      SELF, MSE_ERR_VALUE, "app_sealed_secrets" },
    { "box was changed",     BOX(BOX_CHANGED),                               SELF, MSE_ERR_SIGNATURE, "app_sealed_secrets" },
    { "box for another",     BOX(BOX_OTHER_KEY),                             SELF, MSE_ERR_SIGNATURE, "app_sealed_secrets" },
    { "box of nothing",      BOX(BOX_EMPTY),                                 SELF, MSE_ERR_TRUNCATED, "app_sealed_secrets" },
    { "box of no JSON",      BOX(BOX_NOT_JSON),                              SELF, MSE_ERR_TRUNCATED, "app_sealed_secrets" },
    { "box with doubles",    BOX(BOX_TWICE),                                 SELF, MSE_ERR_DUPLICATE, "app_sealed_secrets" },
    { "box of an array",     BOX(BOX_ARRAY),                                 SELF, MSE_ERR_FORMAT, "app_sealed_secrets" },
    { "box with a bad key",  BOX(BOX_BAD_KEY),                               SELF, MSE_ERR_VALUE, "app_sealed_secrets: code_secret_key" },
    { "key for self",        WITH("\"ssl_private_key\":\"" KEY_LEAF "\""),   SELF, MSE_ERR_POLICY, "ssl_private_key" },
    { "chain for operator",  WITH("\"ssl_certificate\":\"" LEAF "\""), { .cert = MSE_APP_CERT_OPERATOR }, MSE_ERR_POLICY, "ssl_certificate" },
    { "owner without both",  "{" BASE "}",                                   OWNER, MSE_ERR_MISSING, "ssl_private_key" },
    { "owner without chain", WITH("\"ssl_private_key\":\"" KEY_LEAF "\""),   OWNER, MSE_ERR_MISSING, "ssl_certificate" },
    { "owner without key",   WITH("\"ssl_certificate\":\"" LEAF "\""),       OWNER, MSE_ERR_MISSING, "ssl_private_key" },
    { "key is a number",     WITH("\"ssl_private_key\":1,\"ssl_certificate\":\"\""), OWNER, MSE_ERR_VALUE, "ssl_private_key" },
    { "key with a NUL",      TLS("\\u0000", LEAF),                           OWNER, MSE_ERR_VALUE, "ssl_private_key" },
    { "no key",              TLS("", LEAF),                                  OWNER, MSE_ERR_FORMAT, "ssl_private_key" },
    { "chain as key",        TLS(LEAF, LEAF),                                OWNER, MSE_ERR_FORMAT, "ssl_private_key" },
    { "key with a password", TLS(KEY_ENCRYPTED, LEAF),                       OWNER, MSE_ERR_FORMAT, "ssl_private_key" },
    { "two keys",            TLS(KEY_LEAF KEY_OTHER, LEAF),                  OWNER, MSE_ERR_TRAILING, "ssl_private_key" },
    { "RSA 1024",            TLS(KEY_RSA_1024, LEAF_RSA_1024),               OWNER, MSE_ERR_UNSUPPORTED, "ssl_private_key" },
    { "P-521",               TLS(KEY_521, LEAF_521),                         OWNER, MSE_ERR_UNSUPPORTED, "ssl_private_key" },
    { "Ed25519",             TLS(KEY_ED25519, LEAF),                         OWNER, MSE_ERR_UNSUPPORTED, "ssl_private_key" },
    { "another key",         TLS(KEY_OTHER, LEAF),                           OWNER, MSE_ERR_MISMATCH, "ssl_private_key" },
    { "no certificate",      TLS(KEY_LEAF, ""),                              OWNER, MSE_ERR_FORMAT, "ssl_certificate" },
    { "a key in the chain",  TLS(KEY_LEAF, LEAF KEY_LEAF),                   OWNER, MSE_ERR_VALUE, "ssl_certificate" },
    { "broken base64",       TLS(KEY_LEAF, "-----BEGIN CERTIFICATE-----\\n?\\n-----END CERTIFICATE-----\\n"), OWNER, MSE_ERR_FORMAT, "ssl_certificate" },
    { "no DER",              TLS(KEY_LEAF, "-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n"), OWNER, MSE_ERR_FORMAT, "ssl_certificate" },
    { "no end",              TLS(KEY_LEAF, LEAF "-----BEGIN CERTIFICATE-----\\nAAAA"), OWNER, MSE_ERR_TRUNCATED, "ssl_certificate" },
    { "for another name",    TLS(KEY_LEAF, LEAF_OTHER),                      OWNER, MSE_ERR_MISMATCH, "ssl_certificate" },
    { "no name at all",      TLS(KEY_LEAF, LEAF_NO_SAN),                     OWNER, MSE_ERR_MISMATCH, "ssl_certificate" },
    { "only a common name",  TLS(KEY_LEAF, LEAF_CN),                         OWNER, MSE_ERR_MISMATCH, "ssl_certificate" },
    { "wildcard of two",     TLS(KEY_LEAF, LEAF_WILD_DEEP),     AT("a1.svc.app.example"), MSE_ERR_MISMATCH, "ssl_certificate" },
    { "wildcard of none",    TLS(KEY_LEAF, LEAF_WILD_OK),          AT("svc.app.example"), MSE_ERR_MISMATCH, "ssl_certificate" },
    { "part of a label",     TLS(KEY_LEAF, LEAF_PARTIAL),       AT("a1.svc.app.example"), MSE_ERR_MISMATCH, "ssl_certificate" },
    { "another address",     TLS(KEY_LEAF, LEAF_ADDRESS),                AT("192.0.2.8"), MSE_ERR_MISMATCH, "ssl_certificate" },
    { "for clients",         TLS(KEY_LEAF, LEAF_CLIENT),                     OWNER, MSE_ERR_CHAIN, "ssl_certificate" },
    { "may not sign",        TLS(KEY_LEAF, LEAF_ENCIPHER),                   OWNER, MSE_ERR_CHAIN, "ssl_certificate" },
    { "expired",             TLS(KEY_LEAF, LEAF_OLD),                        OWNER, MSE_ERR_EXPIRED, "ssl_certificate" },
    { "not yet",             TLS(KEY_LEAF, LEAF_EARLY),                      OWNER, MSE_ERR_NOT_YET_VALID, "ssl_certificate" },
    { "issuer expired",      TLS(KEY_LEAF, LEAF CERT_INTER_OLD),             OWNER, MSE_ERR_EXPIRED, "ssl_certificate" },
    { "signed by another",   TLS(KEY_LEAF, LEAF CERT_INTER_FAKE),            OWNER, MSE_ERR_CHAIN, "ssl_certificate" },
    { "link left out",       TLS(KEY_LEAF, LEAF CERT_ROOT),                  OWNER, MSE_ERR_CHAIN, "ssl_certificate" },
    { "issuer is no CA",     TLS(KEY_LEAF, LEAF CERT_INTER_NO_CA),           OWNER, MSE_ERR_CHAIN, "ssl_certificate" },
    { "root first",          TLS(KEY_LEAF, CERT_ROOT LEAF),                  OWNER, MSE_ERR_MISMATCH, "ssl_private_key" },
};
/* clang-format on */

static void each_wrong_configuration_is_refused_for_its_reason(void **state)
{
    const struct mse_config nothing = { 0 };

    (void)state;
    for (size_t i = 0; i < LEN(bad); i++) {
        struct mse_config config;
        struct mse_error err;

        if (parse(bad[i].body, bad[i].setting, &config, &err) || err.code != bad[i].want ||
            strstr(err.field, bad[i].field) == NULL)
            fail_msg("%s: %s %s: %s", bad[i].name, mse_err_name(err.code), err.field, err.text);
        assert_memory_equal(&config, &nothing, sizeof(config));
    }
}

static void every_prefix_is_cut_short(void **state)
{
    static const char text[] = "{" BASE ",\"app_sealed_secrets\":\"" BOX_KEY_FIRST
                               "\",\"app_secrets\":{\"a\":[1,\"\xc3\xa9\"]}}";
    struct mse_config config;
    struct mse_error err;

    (void)state;
    good(text, (struct setting){ 0 }, &config);
    mse_config_cleanup(&config);
    for (size_t n = 0; n < sizeof(text) - 1; n++) {
        char *cut = strndup(text, n);

        assert_false(parse(cut, (struct setting){ 0 }, &config, &err));
        assert_int_equal(err.code, MSE_ERR_TRUNCATED);
        free(cut);
    }
}

static void every_prefix_of_a_chain_is_refused(void **state)
{
    static const char tail[] = LEAF CERT_INTER "\"}";
    const struct setting owner = { .cert = MSE_APP_CERT_OWNER };
    char text[16384];

    (void)state;
    for (size_t n = 0; n + 1 < sizeof(LEAF) - 3; n++) {
        struct mse_config config;
        struct mse_error err;

        (void)snprintf(text, sizeof(text),
                       "{" BASE ",\"ssl_private_key\":\"" KEY_LEAF
                       "\",\"ssl_certificate\":\"%.*s\"}",
                       (int)n, tail);
        assert_false(parse(text, owner, &config, &err));
        assert_null(config.tls_key);
    }
}

static void a_body_larger_than_1_mib_is_not_read(void **state)
{
    size_t len = MSE_CONFIG_MAX_BODY;
    char *text = malloc(len + 2);
    struct mse_config config;
    struct mse_error err;

    (void)state;
    assert_non_null(text);
    memset(text, ' ', len + 1);
    memcpy(text, "{" BASE "}", strlen("{" BASE "}"));
    text[len] = '\0';
    good(text, (struct setting){ 0 }, &config);
    mse_config_cleanup(&config);
    text[len] = ' ';
    text[len + 1] = '\0';
    assert_false(parse(text, (struct setting){ 0 }, &config, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    free(text);
}

/* ---- signature ---- */

#define SIGNED_BODY "{" BASE ",\"app_secrets\":{\"a\":[1,\"\xc3\xa9\"]}}"

struct attempt {
    const char *signature, *body;
    unsigned change; /* 1 nonce, 2 certificate, 3 owner */
    uint64_t epoch;
};

static bool authenticate(const struct attempt *a, uint8_t statement[MSE_CONFIG_STATEMENT_SIZE],
                         struct mse_error *err)
{
    struct mse_identity identity = make_identity();
    uint8_t owner[32], nonce[32];

    hex(OWNER_PUBLIC, owner, 32);
    for (uint8_t i = 0; i < 32; i++)
        nonce[i] = (uint8_t)(0x40 + i);
    nonce[31] ^= a->change == 1;
    identity.cert_sha256[0] ^= a->change == 2;
    owner[0] ^= a->change == 3;
    *err = (struct mse_error){ 0 };
    return mse_config_authenticate(MSE_CSTR_BYTES(a->signature), MSE_CSTR_BYTES(a->body), owner,
                                   nonce, &identity, a->epoch, statement, err);
}

static void a_signature_by_nacl_counts_and_gives_the_statement(void **state)
{
    const struct attempt a = { SIGNED_SIGNATURE, SIGNED_BODY, 0, 0x0102030405060708 };
    uint8_t got[MSE_CONFIG_STATEMENT_SIZE], want[MSE_CONFIG_STATEMENT_SIZE];
    struct mse_error err;

    (void)state;
    hex(SIGNED_STATEMENT, want, sizeof(want));
    assert_true(authenticate(&a, got, &err));
    assert_memory_equal(got, want, sizeof(want));
}

static void no_other_signature_counts(void **state)
{
    /* clang-format off */
    static const struct attempt attempts[] = {
        { SIGNED_SIGNATURE,          SIGNED_BODY " ",  0, 0x0102030405060708 },
        { SIGNED_SIGNATURE,          "",               0, 0x0102030405060708 },
        { SIGNED_SIGNATURE,          SIGNED_BODY,      1, 0x0102030405060708 },
        { SIGNED_SIGNATURE,          SIGNED_BODY,      2, 0x0102030405060708 },
        { SIGNED_SIGNATURE,          SIGNED_BODY,      3, 0x0102030405060708 },
        { SIGNED_SIGNATURE,          SIGNED_BODY,      0, 0x0102030405060709 },
        { OTHER_SIGNATURE,           SIGNED_BODY,      0, 0x0102030405060708 },
        { "",                        SIGNED_BODY,      0, 0x0102030405060708 },
        { SIGNED_SIGNATURE "=",      SIGNED_BODY,      0, 0x0102030405060708 },
        { SIGNED_SIGNATURE "AAAA",   SIGNED_BODY,      0, 0x0102030405060708 },
        { "AAAA" ,                   SIGNED_BODY,      0, 0x0102030405060708 },
        { "????????????????????????????????????????????????????????????????????????????????????????",
                                     SIGNED_BODY,      0, 0x0102030405060708 },
        { "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                     SIGNED_BODY,      0, 0x0102030405060708 },
    };
    /* clang-format on */
    uint8_t untouched[MSE_CONFIG_STATEMENT_SIZE] = { 0 };

    (void)state;
    for (size_t i = 0; i < LEN(attempts); i++) {
        struct mse_error err;

        if (authenticate(&attempts[i], untouched, &err))
            fail_msg("attempt %zu counts", i);
        assert_int_equal(err.code, MSE_ERR_SIGNATURE);
        assert_true(mse_is_zero(untouched, sizeof(untouched)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uuid_and_blind_are_enough),
        cmocka_unit_test(app_secrets_keep_their_exact_text),
        cmocka_unit_test(the_digest_is_that_of_the_signed_body),
        cmocka_unit_test(clients_of_the_original_need_no_blind),
        cmocka_unit_test(the_code_key_is_read),
        cmocka_unit_test(a_box_sealed_by_nacl_opens),
        cmocka_unit_test(a_code_key_in_the_box_counts_and_stays_with_the_runtime),
        cmocka_unit_test(the_code_key_of_the_body_goes_first),
        cmocka_unit_test(chains_that_fit_are_taken),
        cmocka_unit_test(a_chain_has_eight_certificates_at_most),
        cmocka_unit_test(each_wrong_configuration_is_refused_for_its_reason),
        cmocka_unit_test(every_prefix_is_cut_short),
        cmocka_unit_test(every_prefix_of_a_chain_is_refused),
        cmocka_unit_test(a_body_larger_than_1_mib_is_not_read),
        cmocka_unit_test(a_signature_by_nacl_counts_and_gives_the_statement),
        cmocka_unit_test(no_other_signature_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
