/* SPDX-License-Identifier: Apache-2.0 */
/* App manifest: the words in their order, the digest, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "measure/app_manifest.h"

#define HEX_11 "1111111111111111111111111111111111111111111111111111111111111111"
#define HEX_22 "2222222222222222222222222222222222222222222222222222222222222222"
#define HEX_33 "3333333333333333333333333333333333333333333333333333333333333333"

static const char *const python_words[] = {
    "mse-enclave", "format=1",          "tree=" HEX_11,    "owner=" HEX_22,
    "cert=self",   "health=/up",        "memory=1024",     "threads=64",
    "unsigned=no", "isolation=process", "runtime=" HEX_33, "python=app:app",
};
#define WORDS (sizeof(python_words) / sizeof(python_words[0]))

static const char *const command_words[] = {
    "mse-enclave",     "format=1", "tree=" HEX_11, "owner=" HEX_22, "cert=operator",
    "health=/",        "memory=1", "threads=4096", "unsigned=yes",  "isolation=none",
    "runtime=" HEX_33, "command",  "arg=/bin/sh",  "arg=",          "arg=a=\"b\" \\ \xc3\xa9",
};
#define COMMAND_WORDS (sizeof(command_words) / sizeof(command_words[0]))

static struct mse_app_manifest make_app(void)
{
    struct mse_app_manifest app = { .health = "/up", .memory = 1024, .threads = 64 };

    memset(app.tree, 0x11, 32);
    memset(app.owner, 0x22, 32);
    memset(app.runtime, 0x33, 32);
    app.python = "app:app";
    return app;
}

static void assert_writes(const struct mse_app_manifest *app, const char *const *words,
                          size_t count)
{
    struct mse_writer out = { 0 };
    struct mse_error err = { 0 };
    size_t at = 0;

    assert_true(mse_app_manifest_write(app, &out, &err));
    for (size_t i = 0; i < count; i++) {
        assert_true(at < out.len);
        assert_string_equal((const char *)out.data + at, words[i]);
        at += strlen(words[i]) + 1;
    }
    assert_int_equal(at, out.len);
    mse_writer_cleanup(&out);
}

static void words_come_in_their_one_order(void **state)
{
    struct mse_app_manifest app = make_app();

    (void)state;
    assert_writes(&app, python_words, WORDS);
    app.python = NULL;
    app.cert = MSE_APP_CERT_OPERATOR;
    app.health = "/";
    app.memory = 1;
    app.threads = 4096;
    app.unsigned_config = true;
    app.isolation = MSE_APP_ISOLATION_NONE;
    app.command[0] = "/bin/sh";
    app.command[1] = "";
    app.command[2] = "a=\"b\" \\ \xc3\xa9";
    app.command_count = 3;
    assert_writes(&app, command_words, COMMAND_WORDS);
}

static void what_is_written_reads_the_same(void **state)
{
    struct mse_app_manifest app;
    struct mse_error err = { 0 };

    (void)state;
    assert_true(mse_app_manifest_read(python_words, WORDS, &app, &err));
    assert_writes(&app, python_words, WORDS);
    assert_true(mse_app_manifest_read(command_words, COMMAND_WORDS, &app, &err));
    assert_writes(&app, command_words, COMMAND_WORDS);
    assert_int_equal(app.command_count, 3);
    assert_null(app.python);
    assert_true(app.unsigned_config);
}

/* Digests: hashlib of Python over the layout in docs/fingerprint.md. */
static void assert_digest(const char *const *words, size_t count, const char *want)
{
    struct mse_app_manifest app;
    struct mse_error err = { 0 };
    uint8_t digest[32];
    char hex[65];

    assert_true(mse_app_manifest_read(words, count, &app, &err));
    assert_true(mse_app_digest(&app, digest, &err));
    mse_hex_write(digest, 32, hex);
    assert_string_equal(hex, want);
}

static void digest_is_of_the_words_with_their_lengths(void **state)
{
    (void)state;
    assert_digest(python_words, WORDS,
                  "783a888453f3a3ae23ecdc3b60c389b0d9232f9fe95889da84e18cf985ec2fb5");
    assert_digest(command_words, COMMAND_WORDS,
                  "de801339ce6547987a3de11191b266efaa1bdd1cd39850d0ca2e8abc823aab5f");
}

/* clang-format off */
static const struct { const char *name; size_t at; const char *word; enum mse_err_code want; }
bad_words[] = {
    { "another program",       0, "mse",               MSE_ERR_VALUE },
    { "another format",        1, "format=2",          MSE_ERR_VALUE },
    { "another order",         2, "owner=" HEX_22,     MSE_ERR_VALUE },
    { "upper-case hex",        2, "tree=" "AA111111111111111111111111111111"
                                  "11111111111111111111111111111111", MSE_ERR_VALUE },
    { "hex too short",         3, "owner=22",          MSE_ERR_VALUE },
    { "hex too long",          3, "owner=" HEX_22 "2", MSE_ERR_VALUE },
    { "unknown certificate",   4, "cert=other",        MSE_ERR_VALUE },
    { "certificate in capitals", 4, "cert=Self",       MSE_ERR_VALUE },
    { "health without slash",  5, "health=up",         MSE_ERR_VALUE },
    { "empty health",          5, "health=",           MSE_ERR_VALUE },
    { "space in health",       5, "health=/a b",       MSE_ERR_VALUE },
    { "health not ASCII",      5, "health=/\xc3\xa9",  MSE_ERR_VALUE },
    { "no memory",             6, "memory=0",          MSE_ERR_VALUE },
    { "memory no power of two", 6, "memory=1000",      MSE_ERR_VALUE },
    { "too much memory",       6, "memory=134217728",  MSE_ERR_VALUE },
    { "leading zero",          6, "memory=01024",      MSE_ERR_VALUE },
    { "a sign",                6, "memory=+1024",      MSE_ERR_VALUE },
    { "a unit",                6, "memory=1024M",      MSE_ERR_VALUE },
    { "a number past 32 bits", 6, "memory=4294968320", MSE_ERR_VALUE },
    { "no threads",            7, "threads=0",         MSE_ERR_VALUE },
    { "too many threads",      7, "threads=4097",      MSE_ERR_VALUE },
    { "empty number",          7, "threads=",          MSE_ERR_VALUE },
    { "unsigned is a word",    8, "unsigned=1",        MSE_ERR_VALUE },
    { "unknown isolation",     9, "isolation=vm",      MSE_ERR_VALUE },
    { "empty runtime",        10, "runtime=",          MSE_ERR_VALUE },
    { "no colon",             11, "python=app",        MSE_ERR_VALUE },
    { "no module",            11, "python=:app",       MSE_ERR_VALUE },
    { "no variable",          11, "python=app:",       MSE_ERR_VALUE },
    { "two colons",           11, "python=a:b:c",      MSE_ERR_VALUE },
    { "control character",    11, "python=a:\x01",     MSE_ERR_VALUE },
    { "delete character",     11, "python=a:\x7f",     MSE_ERR_VALUE },
    { "control of C1", 11, "python=a:\xc2\x9f", MSE_ERR_VALUE },
    { "not UTF-8",            11, "python=a:\xff",     MSE_ERR_FORMAT },
    { "neither of both",      11, "arg=x",             MSE_ERR_VALUE },
    { "command without words", 11, "command",          MSE_ERR_MISSING },
    { "command with a value", 11, "command=x",         MSE_ERR_VALUE },
};
/* clang-format on */

static void a_wrong_word_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad_words) / sizeof(bad_words[0]); i++) {
        const char *words[WORDS];
        struct mse_app_manifest app;
        struct mse_error err = { 0 };

        memcpy(words, python_words, sizeof(words));
        words[bad_words[i].at] = bad_words[i].word;
        if (mse_app_manifest_read(words, WORDS, &app, &err) || err.code != bad_words[i].want)
            fail_msg("%s: %s", bad_words[i].name, mse_err_name(err.code));
        assert_null(app.health);
        assert_int_equal(app.memory, 0);
    }
}

static void every_shorter_vector_is_refused(void **state)
{
    (void)state;
    for (size_t n = 0; n < WORDS; n++) {
        const char **words = malloc((n > 0 ? n : 1) * sizeof(words[0]));
        struct mse_app_manifest app;
        struct mse_error err = { 0 };

        assert_non_null(words);
        memcpy(words, python_words, n * sizeof(words[0]));
        assert_false(mse_app_manifest_read(words, n, &app, &err));
        assert_int_equal(err.code, MSE_ERR_MISSING);
        free(words);
    }
}

static void nothing_may_follow(void **state)
{
    const char *words[WORDS + 1];
    struct mse_app_manifest app;
    struct mse_error err = { 0 };

    (void)state;
    memcpy(words, python_words, sizeof(python_words));
    words[WORDS] = "arg=x";
    assert_false(mse_app_manifest_read(words, WORDS + 1, &app, &err));
    assert_int_equal(err.code, MSE_ERR_TRAILING);
    err = (struct mse_error){ 0 };
    memcpy(words, command_words, WORDS * sizeof(words[0]));
    words[12] = "x";
    assert_false(mse_app_manifest_read(words, WORDS + 1, &app, &err));
    assert_int_equal(err.code, MSE_ERR_VALUE);
}

static void a_command_has_256_words_at_most(void **state)
{
    const char *words[11 + 1 + MSE_APP_MAX_ARGS + 1];
    struct mse_app_manifest app;
    struct mse_error err = { 0 };
    size_t count = sizeof(words) / sizeof(words[0]);

    (void)state;
    memcpy(words, command_words, 12 * sizeof(words[0]));
    for (size_t i = 12; i < count; i++)
        words[i] = "arg=x";
    assert_true(mse_app_manifest_read(words, count - 1, &app, &err));
    assert_false(mse_app_manifest_read(words, count, &app, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
}

static void a_word_has_4096_bytes_at_most(void **state)
{
    char word[MSE_APP_MAX_ARG + 2];
    struct mse_app_manifest app = make_app();
    struct mse_error err = { 0 };
    uint8_t digest[32];

    (void)state;
    memset(word, 'a', sizeof(word));
    word[1] = ':';
    word[MSE_APP_MAX_ARG - strlen("python=")] = '\0';
    app.python = word;
    assert_true(mse_app_digest(&app, digest, &err));
    word[MSE_APP_MAX_ARG - strlen("python=")] = 'a';
    word[MSE_APP_MAX_ARG - strlen("python=") + 1] = '\0';
    assert_false(mse_app_digest(&app, digest, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    assert_true(mse_is_zero(digest, 32));
}

static void what_could_not_be_read_again_is_not_written(void **state)
{
    struct mse_app_manifest app = make_app();
    struct mse_writer out = { 0 };
    struct mse_error err = { 0 };

    (void)state;
    app.command[0] = "x";
    app.command_count = 1; /* beside python */
    assert_false(mse_app_manifest_write(&app, &out, &err));
    assert_int_equal(err.code, MSE_ERR_VALUE);
    err = (struct mse_error){ 0 };
    app.python = NULL;
    app.command[0] = "";
    assert_false(mse_app_manifest_write(&app, &out, &err));
    assert_int_equal(err.code, MSE_ERR_VALUE);
    err = (struct mse_error){ 0 };
    app = make_app();
    app.health = NULL;
    assert_false(mse_app_manifest_write(&app, &out, &err));
    assert_int_equal(err.code, MSE_ERR_MISSING);
    err = (struct mse_error){ 0 };
    app = make_app();
    app.cert = (enum mse_app_cert)3;
    assert_false(mse_app_manifest_write(&app, &out, &err));
    assert_int_equal(err.code, MSE_ERR_VALUE);
    assert_int_equal(out.len, 0);
    mse_writer_cleanup(&out);
}

static void names_of_certificates_go_both_ways(void **state)
{
    enum mse_app_cert cert;

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_true(mse_app_cert_read(mse_app_cert_name((enum mse_app_cert)i), &cert));
        assert_int_equal(cert, i);
    }
    assert_false(mse_app_cert_read("", &cert));
    assert_string_equal(mse_app_cert_name((enum mse_app_cert)3), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_come_in_their_one_order),
        cmocka_unit_test(what_is_written_reads_the_same),
        cmocka_unit_test(digest_is_of_the_words_with_their_lengths),
        cmocka_unit_test(a_wrong_word_is_refused),
        cmocka_unit_test(every_shorter_vector_is_refused),
        cmocka_unit_test(nothing_may_follow),
        cmocka_unit_test(a_command_has_256_words_at_most),
        cmocka_unit_test(a_word_has_4096_bytes_at_most),
        cmocka_unit_test(what_could_not_be_read_again_is_not_written),
        cmocka_unit_test(names_of_certificates_go_both_ways),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
