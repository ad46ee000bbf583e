/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts: what is read of the three formats, what is refused, and what never leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "exact.h"
#include "package/context.h"
#include "package/values.h"

#define ID "d17a9cbd-e2ff-4f77-ba03-e9d8ea58ca2e"
#define KEY "00112233445566778899aabbccddeeff0f1e2d3c4b5a69788796a5b4c3d2e1f0"
#define NONCE_A "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7"
#define NONCE_B "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7"
#define CERTIFICATE "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

#define OLD_BODY(origin)                                                                           \
    "[config]\nname = \"helloworld\"\nproject = \"default\"\ndocker = \"image:20230228\"\n"        \
    "python_application = \"app:app\"\ntests = \"/home/me/app/tests\"\ntests_cmd = \"pytest\"\n"   \
    "tests_requirements = [\"pytest==7.2.0\"]\ncode_secret_key = \"" KEY "\"\n"                    \
    "unknown = [1, 2]\n"                                                                           \
    "[instance]\nid = \"" ID "\"\nconfig_domain_name = \"" ID ".config.example\"\n"                \
    "enclave_size = 4096\nexpires_at = 2023-06-10T12:34:56.123456+00:00\n" origin " = \"owner\"\n" \
    "[instance.nonces]\n\"tests/b.py\" = \"" NONCE_B "\"\n\"app.py\" = \"" NONCE_A "\"\n"

static const char old_1_0[] = "version = \"1.0\"\n" OLD_BODY("ssl_secret_origin");
static const char old_2_0[] = "version = \"2.0\"\n" OLD_BODY("ssl_certificate_origin");

/* Tree digest and hashes of files made with Python's hashlib. */
#define TREE "0bb694766f6a9109c7c2f68009d6b97c5ffc196e3a1dea7c1eabe6168d22e02b"
#define LIST                                                                                       \
    "x a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf run\n"                     \
    "f 9e26bf369911c45c243c684147b23fc9e1dcfcf257d299a1c632016a6fcd33f4 "                          \
    "sub/q\\\"\\\\\xc3\xa9.py\n"                                                                   \
    "l acba25512100f80b56fc3ccd14c65be55d94800cda77585c5f41a887e398f9be z\n"
#define OWNER "1111111111111111111111111111111111111111111111111111111111111111"
#define RUNTIME "2222222222222222222222222222222222222222222222222222222222222222"

#define NEW_CONFIG                                                                                 \
    "version = \"3.0\"\n\n[config]\nname = \"hello \xc3\xa9\"\n"                                   \
    "command = [\"./run\", \"a b\", \"\"]\nhealthcheck_endpoint = \"/health\"\n"                   \
    "memory = 2048\nthreads = 16\nowner = \"" OWNER "\"\nisolation = \"none\"\n"                   \
    "unsigned = true\nruntime = \"" RUNTIME "\"\ntree = \"" TREE "\"\n"                            \
    "ssl_certificate = \"\"\"\n" CERTIFICATE "\"\"\"\n"
#define NEW_INSTANCE                                                                               \
    "\n[instance]\nid = \"" ID "\"\ndomain_name = \"a.example\"\n"                                 \
    "config_domain_name = \"c.example\"\nssl_certificate_origin = \"operator\"\n"                  \
    "expires_at = 2027-01-02T03:04:05Z\ncreated_at = 2026-01-02T03:04:05Z\n"
#define NEW_FILES "\n[files]\nlist = \"\"\"\n" LIST "\"\"\"\n"
#define NEW_LOCAL                                                                                  \
    "\n[local]\ndocker = \"private.registry/image\"\nproject = \"secret-project\"\n"               \
    "tests = \"/home/me/tests\"\ntests_cmd = \"pytest\"\ntests_requirements = [\"x\"]\n"
#define NEW_SECRET                                                                                 \
    "\n[secret]\ncode_secret_key = \"" KEY "\"\n\n[secret.nonces]\n\"run\" = \"" NONCE_A "\"\n"    \
    "\"sub/q\\\"\\\\\xc3\xa9.py\" = \"" NONCE_B "\"\n"

static const char new_3_0[] = NEW_CONFIG NEW_INSTANCE NEW_FILES NEW_LOCAL NEW_SECRET;
static const char least_3_0[] =
    "version = \"3.0\"\n[config]\nname = \"a\"\npython_application = \"a:b\"\n"
    "isolation = \"process\"\nunsigned = false\n"
    "[instance]\nid = \"" ID "\"\nssl_certificate_origin = \"self\"\n";

static bool parse(const char *text, struct mse_context *out, struct mse_error *err)
{
    return mse_context_parse(MSE_CSTR_BYTES(text), "c.toml", out, err);
}

static void must_parse(struct mse_bytes in, struct mse_context *out)
{
    struct mse_error err = { 0 };

    if (!mse_context_parse(in, "c.toml", out, &err))
        fail_msg("%s: %s", err.field, err.text);
}

static void assert_hex(const uint8_t *data, size_t len, const char *want)
{
    for (size_t i = 0; i < len; i++) {
        char digits[3];

        (void)snprintf(digits, sizeof(digits), "%02x", data[i]);
        assert_memory_equal(digits, want + 2 * i, 2);
    }
}

static void check_old(const struct mse_context *c)
{
    assert_string_equal(c->name, "helloworld");
    assert_string_equal(c->python, "app:app");
    assert_string_equal(c->id, ID);
    assert_string_equal(c->config_domain_name, ID ".config.example");
    assert_int_equal(c->enclave_size, 4096);
    assert_int_equal(c->expires_at, 1686400496);
    assert_int_equal(c->created_at, 0);
    assert_int_equal(c->origin, MSE_APP_CERT_OWNER);
}

static void check_old_secrets(const struct mse_context *c)
{
    assert_string_equal(c->docker, "image:20230228");
    assert_string_equal(c->project, "default");
    assert_string_equal(c->tests, "/home/me/app/tests");
    assert_string_equal(c->tests_cmd, "pytest");
    assert_int_equal(c->tests_requirement_count, 1);
    assert_string_equal(c->tests_requirements[0], "pytest==7.2.0");
    assert_true(c->has_code_key);
    assert_hex(c->code_key, 32, KEY);
    assert_int_equal(c->nonces.count, 2);
    assert_string_equal(c->nonces.of[0].path, "app.py"); /* sorted */
    assert_hex(mse_nonces_find(&c->nonces, "app.py"), 24, NONCE_A);
    assert_hex(mse_nonces_find(&c->nonces, "tests/b.py"), 24, NONCE_B);
    assert_null(mse_nonces_find(&c->nonces, "tests/c.py"));
}

static void the_original_formats_are_read_and_written_as_2_0(void **state)
{
    const char *const texts[] = { old_1_0, old_2_0 };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct mse_writer w = { 0 };
        struct mse_error err = { 0 };
        struct mse_context c, again;

        must_parse(MSE_CSTR_BYTES(texts[i]), &c);
        assert_int_equal(c.format, i == 0 ? MSE_CONTEXT_1_0 : MSE_CONTEXT_2_0);
        check_old(&c);
        check_old_secrets(&c);
        assert_true(mse_context_write(&c, MSE_CONTEXT_SECRET, &w, &err));
        must_parse(mse_writer_bytes(&w), &again);
        assert_int_equal(again.format, MSE_CONTEXT_2_0);
        check_old(&again);
        check_old_secrets(&again);
        mse_context_cleanup(&again);
        mse_writer_cleanup(&w);
        assert_true(mse_context_write(&c, MSE_CONTEXT_PUBLIC, &w, &err));
        must_parse(mse_writer_bytes(&w), &again);
        assert_null(again.docker);
        assert_null(again.project);
        mse_context_cleanup(&c);
        mse_context_cleanup(&again);
        mse_writer_cleanup(&w);
    }
}

static void check_new(const struct mse_context *c)
{
    assert_int_equal(c->format, MSE_CONTEXT_3_0);
    assert_string_equal(c->name, "hello \xc3\xa9");
    assert_null(c->python);
    assert_int_equal(c->command_count, 3);
    assert_string_equal(c->command[1], "a b");
    assert_string_equal(c->command[2], "");
    assert_string_equal(c->health, "/health");
    assert_int_equal(c->memory, 2048);
    assert_int_equal(c->threads, 16);
    assert_hex(c->owner, 32, OWNER);
    assert_hex(c->runtime, 32, RUNTIME);
    assert_hex(c->tree, 32, TREE);
    assert_int_equal(c->isolation, MSE_APP_ISOLATION_NONE);
    assert_true(c->unsigned_config);
    assert_string_equal(c->domain_name, "a.example");
    assert_string_equal(c->config_domain_name, "c.example");
    assert_int_equal(c->origin, MSE_APP_CERT_OPERATOR);
    assert_int_equal(c->expires_at, 1798859045);
    assert_int_equal(c->created_at, 1767323045);
    assert_non_null(strstr(c->files, " sub/q\"\\\xc3\xa9.py\n"));
    assert_non_null(strstr(c->ssl_certificate, "MIIB"));
}

static void ours_is_read_and_written_byte_for_byte(void **state)
{
    struct mse_writer w = { 0 };
    struct mse_error err = { 0 };
    struct mse_context c;

    (void)state;
    must_parse(MSE_CSTR_BYTES(new_3_0), &c);
    check_new(&c);
    assert_string_equal(c.project, "secret-project");
    assert_string_equal(c.docker, "private.registry/image");
    assert_string_equal(c.tests, "/home/me/tests");
    assert_hex(c.code_key, 32, KEY);
    assert_hex(mse_nonces_find(&c.nonces, "sub/q\"\\\xc3\xa9.py"), 24, NONCE_B);
    assert_true(mse_context_write(&c, MSE_CONTEXT_SECRET, &w, &err));
    mse_write_u8(&w, 0);
    assert_string_equal((const char *)w.data, new_3_0);
    mse_context_cleanup(&c);
    mse_writer_cleanup(&w);
}

/* ---- what is public ---- */

static bool holds(const struct mse_writer *w, const void *what, size_t len)
{
    return memmem(w->data, w->len, what, len) != NULL;
}

/* Raw, hex of either case and base64, of 12 bytes from the middle of a secret. */
static void assert_absent(const struct mse_writer *w, const char *hex, const char *base64)
{
    char upper[65] = { 0 };
    uint8_t raw[32];
    size_t digits = strlen(hex);

    for (size_t i = 0; i < digits; i++)
        upper[i] = (char)(hex[i] >= 'a' ? hex[i] - 32 : hex[i]);
    for (size_t i = 0; i < digits / 2; i++) {
        unsigned byte = 0;

        assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
        raw[i] = (uint8_t)byte;
    }
    assert_false(holds(w, raw + 8, 12));
    assert_false(holds(w, hex + 16, 24));
    assert_false(holds(w, upper + 16, 24));
    assert_false(holds(w, base64, 16)); /* of the bytes from the beginning */
}

static void the_public_form_has_no_secret_in_it(void **state)
{
    static const char *const texts[] = { old_1_0, old_2_0, new_3_0 };
    static const char *const words[] = { "secret",  "nonce", "code_",   "tests",
                                         "pytest",  "/home", "project", "private.registry",
                                         "unknown", "image:" };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct mse_writer w = { 0 };
        struct mse_error err = { 0 };
        struct mse_context c, again;

        must_parse(MSE_CSTR_BYTES(texts[i]), &c);
        assert_true(mse_context_write(&c, MSE_CONTEXT_PUBLIC, &w, &err));
        assert_absent(&w, KEY, "ABEiM0RVZneImaq7");
        assert_absent(&w, NONCE_A, "oKGio6SlpqeoqaqrrK2ur7");
        assert_absent(&w, NONCE_B, "wMHCw8TFxsfIycrLzM3Oz9");
        for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++) {
            if (holds(&w, words[k], strlen(words[k])))
                fail_msg("format %zu holds \"%s\"", i, words[k]);
        }
        must_parse(mse_writer_bytes(&w), &again);
        assert_false(again.has_code_key);
        assert_int_equal(again.nonces.count, 0);
        if (i < 2)
            check_old(&again);
        else
            check_new(&again);
        mse_context_cleanup(&c);
        mse_context_cleanup(&again);
        mse_writer_cleanup(&w);
    }
}

static void text_around_certificates_is_not_published(void **state)
{
    static const char text[] = "version = \"3.0\"\n[config]\nname = \"a\"\ncommand = [\"a\"]\n"
                               "isolation = \"process\"\nunsigned = false\n"
                               "ssl_certificate = \"\"\"MARK\n" CERTIFICATE "MARK\n" CERTIFICATE
                               "\"\"\"\n"
                               "[instance]\nid = \"" ID "\"\nssl_certificate_origin = \"owner\"\n";
    struct mse_writer w = { 0 };
    struct mse_error err = { 0 };
    struct mse_context c;

    (void)state;
    must_parse(MSE_CSTR_BYTES(text), &c);
    assert_true(mse_context_write(&c, MSE_CONTEXT_PUBLIC, &w, &err));
    assert_false(holds(&w, "MARK", 4));
    mse_context_cleanup(&c);
    must_parse(mse_writer_bytes(&w), &c);
    assert_non_null(strstr(strstr(c.ssl_certificate, "MIIB") + 1, "MIIB"));
    mse_context_cleanup(&c);
    mse_writer_cleanup(&w);
}

static void what_a_terminal_obeys_is_written_escaped(void **state)
{
    struct mse_writer w = { 0 };
    struct mse_error err = { 0 };
    struct mse_context c;
    char *text;

    (void)state;
    mse_write_text(&w, "version = \"2.0\"\n[config]\nname = \"\\u001b[2J\\u009b1m\\u007f\"\n"
                       "python_application = \"a:b\"\n[instance]\nid = \"" ID "\"\n"
                       "ssl_certificate_origin = \"self\"\n");
    text = mse_writer_take_text(&w);
    must_parse(MSE_CSTR_BYTES(text), &c);
    assert_true(mse_context_write(&c, MSE_CONTEXT_PUBLIC, &w, &err));
    assert_true(holds(&w, "name = \"\\u001b[2J\\u009b1m\\u007f\"\n", 33));
    mse_context_cleanup(&c);
    mse_writer_cleanup(&w);
    free(text);
}

static void what_the_reader_would_refuse_is_not_written(void **state)
{
    struct mse_writer w = { 0 };
    struct mse_error err = { 0 };
    struct mse_context c;

    (void)state;
    must_parse(MSE_CSTR_BYTES(least_3_0), &c);
    c.memory = 65;
    assert_false(mse_context_write(&c, MSE_CONTEXT_PUBLIC, &w, &err));
    assert_int_equal(err.code, MSE_ERR_VALUE);
    assert_int_equal(w.len, 0);
    mse_context_cleanup(&c);
    mse_writer_cleanup(&w);
}

/* ---- what is refused ---- */

#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X253 X50 X50 X50 X50 X50 "xxx"

/* In which text, what is replaced by what. */
static const struct {
    const char *text, *what, *with;
    enum mse_err_code want;
} changes[] = {
    { new_3_0, "3.0", "3.1", MSE_ERR_UNSUPPORTED },
    { new_3_0, "\"3.0\"", "3.0", MSE_ERR_UNSUPPORTED },
    { new_3_0, NONCE_B, NONCE_A, MSE_ERR_DUPLICATE },
    { old_2_0, NONCE_B, NONCE_A, MSE_ERR_DUPLICATE },
    { new_3_0, "version", "revision", MSE_ERR_FORMAT },
    { new_3_0, "name =", "nmae =", MSE_ERR_UNKNOWN_KEY },
    { new_3_0, "[local]", "[locals]", MSE_ERR_UNKNOWN_KEY },
    { new_3_0, "[local]", "[config.more]", MSE_ERR_UNKNOWN_KEY },
    { new_3_0, "name = \"hello", "name = \"\\u001b", MSE_ERR_VALUE },
    { new_3_0, "isolation = \"none\"", "", MSE_ERR_MISSING },
    { new_3_0, "isolation = \"none\"", "isolation = \"None\"", MSE_ERR_VALUE },
    { new_3_0, "unsigned = true", "", MSE_ERR_MISSING },
    { new_3_0, "unsigned = true", "unsigned = 1", MSE_ERR_VALUE },
    { new_3_0, "memory = 2048", "memory = 2049", MSE_ERR_VALUE },
    { new_3_0, "memory = 2048", "", MSE_ERR_NONE },
    { new_3_0, "threads = 16", "threads = 0", MSE_ERR_VALUE },
    { new_3_0, "\"/health\"", "\"health\"", MSE_ERR_VALUE },
    { new_3_0, "owner = \"11", "owner = \"1", MSE_ERR_VALUE },
    { new_3_0, "owner = \"11", "owner = \"111", MSE_ERR_VALUE },
    { new_3_0, "owner = \"11", "owner = \"g1", MSE_ERR_VALUE },
    { new_3_0, OWNER, "0000000000000000000000000000000000000000000000000000000000000000",
      MSE_ERR_VALUE },
    { new_3_0, "command = [\"./run\", \"a b\", \"\"]", "command = []", MSE_ERR_VALUE },
    { new_3_0, "command = [\"./run\", \"a b\", \"\"]", "", MSE_ERR_VALUE },
    { new_3_0, "command = [\"./run\"", "python_application = \"a:b\"\ncommand = [\"./run\"",
      MSE_ERR_VALUE },
    { new_3_0, "\"a b\"", "\"a\\nb\"", MSE_ERR_VALUE },
    { new_3_0, "BEGIN CERTIFICATE", "BEGIN PRIVATE KEY", MSE_ERR_VALUE },
    { new_3_0, "BEGIN CERTIFICATE", "BEGIN CERTIFICATES", MSE_ERR_VALUE },
    { new_3_0, "BEGIN CERTIFICATE", "START CERTIFICATE", MSE_ERR_VALUE },
    { new_3_0, "END CERTIFICATE", "STOP CERTIFICATE", MSE_ERR_VALUE },
    { new_3_0, "END CERTIFICATE-----\n",
      "END CERTIFICATE-----\n-----BEGIN EC PRIVATE KEY-----\nMIIB\n-----END EC PRIVATE KEY-----\n",
      MSE_ERR_VALUE },
    { new_3_0, "id = \"d17a", "id = \"D17A", MSE_ERR_VALUE },
    { new_3_0, "id = \"" ID, "id = \"d17a9cbde2ff4f77ba03e9d8ea58ca2e", MSE_ERR_VALUE },
    { new_3_0, "id = \"" ID, "id = \"../../x", MSE_ERR_VALUE },
    { new_3_0, "id = \"" ID "\"", "", MSE_ERR_MISSING },
    { new_3_0, "origin = \"operator\"", "origin = \"other\"", MSE_ERR_VALUE },
    { new_3_0, "2027-01-02T03:04:05Z", "2027-01-02T03:04:05+00:00", MSE_ERR_VALUE },
    { new_3_0, "2027-01-02T03:04:05Z", "2027-01-02T03:04:05", MSE_ERR_VALUE },
    { new_3_0, "2027-01-02T03:04:05Z", "2027-01-02", MSE_ERR_VALUE },
    { new_3_0, "2027-01-02T03:04:05Z", "\"2027-01-02T03:04:05Z\"", MSE_ERR_VALUE },
    { new_3_0, "[files]\n", "[files]\nmore = 1\n", MSE_ERR_UNKNOWN_KEY },
    { new_3_0, "l acba25", "l acba26", MSE_ERR_MISMATCH },
    { new_3_0, "tree = \"0b", "tree = \"0c", MSE_ERR_MISMATCH },
    { new_3_0, "l acba25", "d acba25", MSE_ERR_VALUE },
    { new_3_0, "l acba25", "l  acba25", MSE_ERR_VALUE },
    { new_3_0, "l acba25", "l ACBA2", MSE_ERR_VALUE },
    { new_3_0, " z\n", " a\n", MSE_ERR_VALUE },
    { new_3_0, " z\n", " run/../z\n", MSE_ERR_VALUE },
    { new_3_0, " z\n", " z", MSE_ERR_VALUE },
    { new_3_0, "[secret]\ncode_secret_key = \"" KEY "\"\n", "", MSE_ERR_MISSING },
    { new_3_0, "code_secret_key = \"00", "code_secret_key = \"0", MSE_ERR_VALUE },
    { new_3_0, "\"run\" = \"a0", "\"run\" = \"a", MSE_ERR_VALUE },
    { new_3_0, "\"run\" = \"a0", "\"/run\" = \"a0", MSE_ERR_VALUE },
    { new_3_0, "\"run\" = \"a0", "\"../run\" = \"a0", MSE_ERR_VALUE },
    { new_3_0, "\"run\" = \"a0", "\"a//run\" = \"a0", MSE_ERR_VALUE },
    { new_3_0, "\"run\" = \"a0", "\"a/./run\" = \"a0", MSE_ERR_VALUE },
    { new_3_0, "\"run\" = \"a0", "\"run/\" = \"a0", MSE_ERR_VALUE },
    { new_3_0, "\"run\" = \"a0", "\"\" = \"a0", MSE_ERR_VALUE },
    { new_3_0, "\"run\" = \"a0", "\"a\\nb\" = \"a0", MSE_ERR_VALUE },
    { new_3_0, "\"run\" = \"a0", "\"..run\" = \"a0", MSE_ERR_NONE },
    { least_3_0, "\"a:b\"", "\"a:" X253 "\"", MSE_ERR_NONE },
    { least_3_0, "\"a:b\"", "\"a:x" X253 "\"", MSE_ERR_VALUE },
    { least_3_0, "name = \"a\"", "name = \"xx" X253 "\"", MSE_ERR_NONE },
    { least_3_0, "name = \"a\"", "name = \"xxx" X253 "\"", MSE_ERR_VALUE },
    { old_2_0, "version", "more = 1\nversion", MSE_ERR_NONE },
    { old_2_0, "name = \"helloworld\"", "", MSE_ERR_MISSING },
    { old_2_0, "[config]", "[configuration]", MSE_ERR_MISSING },
    { old_2_0, "ssl_certificate_origin", "ssl_secret_origin", MSE_ERR_MISSING },
    { old_1_0, "ssl_secret_origin", "ssl_certificate_origin", MSE_ERR_NONE },
    { old_1_0, "ssl_secret_origin", "ssl_origin", MSE_ERR_MISSING },
    { old_2_0, "id = \"" ID, "id = \"D17A9CBDE2FF4F77BA03E9D8EA58CA2E", MSE_ERR_NONE },
    { old_2_0, "id = \"" ID, "id = \"D17A9CBDE2FF4F77BA03E9D8EA58CA2", MSE_ERR_VALUE },
    { old_2_0, "2023-06-10T12:34:56.123456+00:00", "\"2023-06-10T12:34:56Z\"", MSE_ERR_NONE },
    { old_2_0, "2023-06-10T12:34:56.123456+00:00", "1686400496", MSE_ERR_VALUE },
    { old_2_0, "enclave_size = 4096", "enclave_size = -1", MSE_ERR_VALUE },
    { old_2_0, "code_secret_key", "code_hidden_key", MSE_ERR_NONE },
    { old_2_0, "code_secret_key = \"00", "code_secret_key = \"", MSE_ERR_VALUE },
    { old_2_0, "\"app.py\" = ", "\"../app.py\" = ", MSE_ERR_VALUE },
    { old_2_0, "= [1, 2]", "= [1, 2", MSE_ERR_FORMAT },
};

static char *replaced(const char *text, const char *what, const char *with)
{
    const char *at = strstr(text, what);
    struct mse_writer w = { 0 };

    assert_non_null(at);
    mse_write_bytes(&w, text, (size_t)(at - text));
    mse_write_text(&w, with);
    mse_write_text(&w, at + strlen(what));
    return mse_writer_take_text(&w);
}

static void each_wrong_value_is_refused_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        char *text = replaced(changes[i].text, changes[i].what, changes[i].with);
        struct mse_error err = { 0 };
        struct mse_context c;
        bool ok = parse(text, &c, &err);

        if (err.code != changes[i].want || ok != (changes[i].want == MSE_ERR_NONE))
            fail_msg("row %zu, %s: %s %s %s", i, changes[i].with, mse_err_name(err.code), err.field,
                     err.text);
        if (!ok) {
            assert_memory_equal(err.field, "c.toml:", 7);
            assert_null(c.name);
            assert_false(c.has_code_key);
        }
        mse_context_cleanup(&c);
        free(text);
    }
}

static void no_message_quotes_a_secret(void **state)
{
    char *text = replaced(new_3_0, KEY, KEY "0");
    struct mse_error err = { 0 };
    struct mse_context c;

    (void)state;
    assert_false(parse(text, &c, &err));
    assert_null(strstr(err.text, "0011"));
    assert_string_equal(err.field, "c.toml:43:1");
    free(text);
}

static void every_prefix_is_read_or_refused_with_a_reason(void **state)
{
    static const char *const texts[] = { old_1_0, old_2_0, new_3_0 };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct mse_bytes whole = MSE_CSTR_BYTES(texts[i]);

        for (size_t n = 0; n <= whole.len; n++) {
            struct mse_bytes cut = exact_copy(whole, n);
            struct mse_error err = { 0 };
            struct mse_context c;

            if (mse_context_parse(cut, "c.toml", &c, &err)) {
                assert_string_equal(c.id, ID);
            } else {
                assert_int_not_equal(err.code, MSE_ERR_NONE);
                assert_true(n < whole.len);
                assert_null(c.nonces.of);
            }
            mse_context_cleanup(&c);
            exact_free(cut);
        }
    }
}

/* ---- the app manifest ---- */

static void the_app_manifest_is_what_the_context_says(void **state)
{
    const uint8_t tree[32] = { 7 };
    struct mse_error err = { 0 };
    struct mse_app_manifest app;
    struct mse_context c;

    (void)state;
    must_parse(MSE_CSTR_BYTES(new_3_0), &c);
    assert_true(mse_context_app(&c, tree, &app, &err));
    assert_memory_equal(app.tree, tree, 32);
    assert_hex(app.owner, 32, OWNER);
    assert_hex(app.runtime, 32, RUNTIME);
    assert_int_equal(app.cert, MSE_APP_CERT_OPERATOR);
    assert_string_equal(app.health, "/health");
    assert_int_equal(app.memory, 2048);
    assert_int_equal(app.threads, 16);
    assert_true(app.unsigned_config);
    assert_int_equal(app.isolation, MSE_APP_ISOLATION_NONE);
    assert_null(app.python);
    assert_int_equal(app.command_count, 3);
    assert_string_equal(app.command[1], "a b");
    mse_context_cleanup(&c);
}

static void what_is_not_known_yet_makes_no_app_manifest(void **state)
{
    static const char *const lines[] = { "healthcheck_endpoint = \"/health\"\n", "memory = 2048\n",
                                         "threads = 16\n", "owner = \"" OWNER "\"\n",
                                         "runtime = \"" RUNTIME "\"\n" };
    const uint8_t tree[32] = { 7 };
    struct mse_app_manifest app;
    struct mse_context c;

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char *text = replaced(new_3_0, lines[i], "");
        struct mse_error err = { 0 };

        must_parse(MSE_CSTR_BYTES(text), &c);
        assert_false(mse_context_app(&c, tree, &app, &err));
        assert_int_equal(err.code, MSE_ERR_MISSING);
        mse_context_cleanup(&c);
        free(text);
    }
}

static void the_original_formats_make_no_app_manifest(void **state)
{
    const uint8_t tree[32] = { 7 };
    struct mse_error err = { 0 };
    struct mse_app_manifest app;
    struct mse_context c;

    (void)state;
    must_parse(MSE_CSTR_BYTES(old_2_0), &c);
    assert_false(mse_context_app(&c, tree, &app, &err));
    assert_int_equal(err.code, MSE_ERR_UNSUPPORTED);
    mse_context_cleanup(&c);
}

static void a_uuid_has_many_forms_and_one_name(void **state)
{
    static const struct {
        const char *text;
        bool ok;
    } rows[] = {
        { ID, true },
        { "D17A9CBD-E2FF-4F77-BA03-E9D8EA58CA2E", true },
        { "d17a9cbde2ff4f77ba03e9d8ea58ca2e", true },
        { "{" ID "}", true },
        { "urn:uuid:" ID, true },
        { "URN:UUID:" ID, true },
        { "{" ID, false },
        { ID "}", false },
        { ID "0", false },
        { " " ID, false },
        { ID " ", false },
        { "", false },
        { "d17a9cbd-e2ff4f77ba03e9d8ea58ca2e", false },
        { "d17a9cbde-2ff-4f77-ba03-e9d8ea58ca2e", false },
        { "d17a9cbd-e2ff-4f77-ba03-e9d8ea58ca2", false },
        { "d17a9cbd-e2ff-4f77-ba03-e9d8ea58ca2g", false },
        { "../../../../../../../../../../../etc", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mse_bytes exact = exact_copy(
            (struct mse_bytes){ (const uint8_t *)rows[i].text, strlen(rows[i].text) + 1 },
            strlen(rows[i].text) + 1);
        char id[37];

        assert_int_equal(mse_value_uuid((const char *)exact.data, id), rows[i].ok);
        assert_string_equal(id, rows[i].ok ? ID : "");
        exact_free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_original_formats_are_read_and_written_as_2_0),
        cmocka_unit_test(ours_is_read_and_written_byte_for_byte),
        cmocka_unit_test(the_public_form_has_no_secret_in_it),
        cmocka_unit_test(text_around_certificates_is_not_published),
        cmocka_unit_test(what_a_terminal_obeys_is_written_escaped),
        cmocka_unit_test(what_the_reader_would_refuse_is_not_written),
        cmocka_unit_test(each_wrong_value_is_refused_with_its_place),
        cmocka_unit_test(no_message_quotes_a_secret),
        cmocka_unit_test(every_prefix_is_read_or_refused_with_a_reason),
        cmocka_unit_test(the_app_manifest_is_what_the_context_says),
        cmocka_unit_test(what_is_not_known_yet_makes_no_app_manifest),
        cmocka_unit_test(the_original_formats_make_no_app_manifest),
        cmocka_unit_test(a_uuid_has_many_forms_and_one_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
