/* SPDX-License-Identifier: Apache-2.0 */
/*
 * minisign's secret keys. Those here were made with Python's hashlib (scrypt, BLAKE2b) around the
 * key pair of RFC 8032, 7.1, test 1; the signature expected was made by minisign 0.11.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "exact.h"
#include "release/minisign.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

#define COMMENT "untrusted comment: x\n"
#define PASSWORD "correct horse"
#define PUBLIC "RWQBAgMEBQYHCNdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
#define NO_KDF                                                                                     \
    "AEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQIDBAUGBwidYbGd7/1a"
#define SEED "YLqESvSS7CzEREnFaXsyaRlwO6wDHK5/YNdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
#define OTHER_PAIR "YLqESvSS7CzEREnFaXsyaRlwO6wDHK5/YNZamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
#define PLAIN COMMENT "RWQA" NO_KDF SEED "snti+28UCxR4s44CIMHgVQLxV3yjCRorwu2dsQ2VcXg=\n"
/* Salt 00 01 ... 1f; the algorithm and the limits stand before and behind it. */
#define SALT "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define BY_OPERATIONS                                                                              \
    "HqM3jFGHjZbT8YZNrrWN+0KKrThaeUjd3R5nzvhhRpnNADtuxYv6pLgtBUvYR+7wQxHK7VdzOVDB9Uc0FLcV6zMfVFpb" \
    "3RIxMbGk7fdRXPPMV2rcbN3m3vCdRPtFDBgXBalBFVF+yLM=\n"

/* clang-format off */
static const struct { const char *name, *in, *password; } accepted[] = {
    { "no password",             PLAIN, NULL },
    { "no password needed",      PLAIN, "whatever" },
    { "without a checksum, as minisign writes it",
      COMMENT "RWQA" NO_KDF SEED "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", NULL },
    { "no line end", COMMENT "RWQA" NO_KDF SEED "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", NULL },
    { "few operations, much memory: N = 1024, p = 1",
      COMMENT "RWRTY0Iy" SALT "AgAAAAAAAAAAAAAEAAAAA" BY_OPERATIONS, PASSWORD },
    { "fewer operations than the least", COMMENT "RWRTY0Iy" SALT "BAAAAAAAAAAAAAAEAAAAA" BY_OPERATIONS,
      PASSWORD },
    { "many operations, little memory: N = 1024, p = 32",
      COMMENT
      "RWRTY0IyAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8AABAAAAAAAAAAEAAAAAAAFhbIe3xsavprklWaoy5j"
      "OKXbYfB4+hBRENpzZZV4TS+LIKl6atatdHd0cMnLprG1u8CkcwWWE+P4qtYzv659p8LOosrG2FJHju0j/IZJRzFcabhY"
      "SLFHLa63ollkw2tV1as1Ma33w2I=\n", PASSWORD },
};
static const struct { const char *name, *in, *password; enum mse_err_code want; } refused[] = {
    { "wrong password",   COMMENT "RWRTY0Iy" SALT "AgAAAAAAAAAAAAAEAAAAA" BY_OPERATIONS,
      "correct horsE", MSE_ERR_MISMATCH },
    { "no password given", COMMENT "RWRTY0Iy" SALT "AgAAAAAAAAAAAAAEAAAAA" BY_OPERATIONS,
      NULL, MSE_ERR_USAGE },
    { "too many operations", COMMENT "RWRTY0Iy" SALT "AgAAAAEAAAAAAAAEAAAAA" BY_OPERATIONS,
      PASSWORD, MSE_ERR_LIMIT },
    { "too much memory",  COMMENT "RWRTY0Iy" SALT "AgAAAAAAAAAAAAAEAAQAA" BY_OPERATIONS,
      PASSWORD, MSE_ERR_LIMIT },
    { "unknown KDF",      COMMENT "RWRTYUIy" SALT "AgAAAAAAAAAAAAAEAAAAA" BY_OPERATIONS,
      PASSWORD, MSE_ERR_UNSUPPORTED },
    { "unknown checksum", COMMENT "RWRTY0Iz" SALT "AgAAAAAAAAAAAAAEAAAAA" BY_OPERATIONS,
      PASSWORD, MSE_ERR_UNSUPPORTED },
    { "unknown algorithm", COMMENT "RURTY0Iy" SALT "AgAAAAAAAAAAAAAEAAAAA" BY_OPERATIONS,
      PASSWORD, MSE_ERR_UNSUPPORTED },
    { "damaged checksum", COMMENT "RWQA" NO_KDF SEED "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=\n",
      NULL, MSE_ERR_VALUE },
    { "another key's public half",
      COMMENT "RWQA" NO_KDF OTHER_PAIR "KnEXYe9a3zG6FEe6SMhHM7W67/49yGjpunFPq+LYot0=\n",
      NULL, MSE_ERR_VALUE },
    { "the same without a checksum",
      COMMENT "RWQA" NO_KDF OTHER_PAIR "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
      NULL, MSE_ERR_VALUE },
    { "a public key",     COMMENT PUBLIC "\n", NULL, MSE_ERR_FORMAT },
    { "no comment",       "RWQA" NO_KDF SEED "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
      NULL, MSE_ERR_FORMAT },
    { "a line too many",  PLAIN "\n", NULL, MSE_ERR_TRAILING },
};
/* clang-format on */

static struct mse_minisign_secret *read_key(const char *text, const char *password,
                                            struct mse_error *err)
{
    struct mse_bytes in = exact_copy(MSE_CSTR_BYTES(text), strlen(text));
    struct mse_minisign_secret *key = (struct mse_minisign_secret *)1;

    bool ok = mse_minisign_secret_read(in, password, &key, err);

    assert_int_equal(ok, key != NULL);
    exact_free(in);
    return key;
}

static void assert_is_the_key(const struct mse_minisign_secret *key)
{
    struct mse_minisign_public public;
    char text[57];

    mse_minisign_secret_public(key, &public);
    mse_minisign_public_text(&public, text);
    assert_string_equal(text, PUBLIC);
}

static void keys_of_others_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < LEN(accepted); i++) {
        struct mse_error err = { 0 };
        struct mse_minisign_secret *key;

        print_message("%s\n", accepted[i].name);
        key = read_key(accepted[i].in, accepted[i].password, &err);
        assert_non_null(key);
        assert_is_the_key(key);
        mse_minisign_secret_free(key);
    }
}

static void what_is_no_good_key_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < LEN(refused); i++) {
        struct mse_error err = { 0 };

        print_message("%s\n", refused[i].name);
        assert_null(read_key(refused[i].in, refused[i].password, &err));
        assert_int_equal(err.code, refused[i].want);
    }
}

static void encryption_is_seen_without_the_password(void **state)
{
    struct mse_error err = { 0 };
    bool encrypted = true;

    (void)state;
    assert_true(mse_minisign_secret_is_encrypted(MSE_CSTR_BYTES(PLAIN), &encrypted, &err));
    assert_false(encrypted);
    assert_true(mse_minisign_secret_is_encrypted(MSE_CSTR_BYTES(accepted[4].in), &encrypted, &err));
    assert_true(encrypted);
    assert_false(mse_minisign_secret_is_encrypted(MSE_CSTR_BYTES(""), &encrypted, &err));
    assert_false(encrypted);
}

static void every_prefix_of_a_key_is_refused(void **state)
{
    struct mse_bytes all = MSE_CSTR_BYTES(PLAIN);

    (void)state;
    for (size_t n = 0; n <= all.len; n++) {
        struct mse_bytes cut = exact_copy(all, n);
        struct mse_minisign_secret *key;
        struct mse_error err = { 0 };

        /* The last line's end is not part of it. */
        assert_int_equal(mse_minisign_secret_read(cut, NULL, &key, &err), n + 1 >= all.len);
        assert_int_equal(key != NULL, n + 1 >= all.len);
        mse_minisign_secret_free(key);
        exact_free(cut);
    }
}

static void a_signature_is_byte_for_byte_that_of_minisign(void **state)
{
    struct mse_error err = { 0 };
    struct mse_minisign_secret *key = read_key(PLAIN, NULL, &err);
    struct mse_writer w = { 0 };

    (void)state;
    assert_non_null(key);
    assert_true(mse_minisign_sign(key, MSE_CSTR_BYTES("release bytes\n"),
                                  "timestamp:1\tfile:data\thashed", &w, &err));
    assert_true(mse_bytes_equal_text(
        mse_writer_bytes(&w),
        "untrusted comment: signature from minisign secret key 0807060504030201\n"
        "RUQBAgMEBQYHCDo8mGromHjtJrY9dfEBjcCfcGXWk9X65Ws6UU1kgwp9rUno0oJTdAtEI5u7GcBgujmf5p+zzUXx"
        "FHEE97W7yQ4=\n"
        "trusted comment: timestamp:1\tfile:data\thashed\n"
        "NS+YWXegOfq6niUgkzXUBfoVz2FJcHZCmRezcHjtezOs5EO3RfVUZYFGOkZtWk//rAEwUlyNacNw/sME3c4VAw=="
        "\n"));
    mse_writer_cleanup(&w);
    mse_minisign_secret_free(key);
}

static void comments_that_could_not_be_verified_are_not_signed(void **state)
{
    static const struct {
        const char *comment;
        enum mse_err_code want;
    } rows[] = {
        { "two\nlines", MSE_ERR_VALUE },
        { "\x1b[2J", MSE_ERR_VALUE },
        { "\r", MSE_ERR_VALUE },
        { "\x7f", MSE_ERR_VALUE },
    };
    char text[MSE_MINISIGN_COMMENT_MAX + 2];
    struct mse_error err = { 0 };
    struct mse_minisign_secret *key = read_key(PLAIN, NULL, &err);
    struct mse_writer w = { 0 };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        err = (struct mse_error){ 0 };
        assert_false(mse_minisign_sign(key, MSE_CSTR_BYTES(""), rows[i].comment, &w, &err));
        assert_int_equal(err.code, rows[i].want);
    }
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    err = (struct mse_error){ 0 };
    assert_false(mse_minisign_sign(key, MSE_CSTR_BYTES(""), text, &w, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    assert_int_equal(w.len, 0);
    err = (struct mse_error){ 0 };
    assert_true(mse_minisign_sign(key, MSE_CSTR_BYTES(""), text + 1, &w, &err));
    mse_writer_cleanup(&w);
    mse_minisign_secret_free(key);
}

/* Whether minisign reads what is written here is an end-to-end test. */
static void a_new_key_signs_and_goes_through_its_file(void **state)
{
    struct mse_minisign_secret *key = NULL, *again, *other = NULL;
    struct mse_minisign_public public, public_again, public_other;
    struct mse_writer file = { 0 }, signature = { 0 };
    struct mse_error err = { 0 };
    size_t which;

    (void)state;
    assert_true(mse_minisign_secret_generate(&key, &err));
    assert_true(mse_minisign_secret_generate(&other, &err));
    assert_true(mse_minisign_secret_write(key, NULL, &file, &err));
    assert_true(mse_minisign_secret_read(mse_writer_bytes(&file), NULL, &again, &err));
    mse_minisign_secret_public(key, &public);
    mse_minisign_secret_public(again, &public_again);
    mse_minisign_secret_public(other, &public_other);
    assert_memory_equal(&public, &public_again, sizeof(public));
    assert_memory_not_equal(public.key, public_other.key, sizeof(public.key));
    assert_memory_not_equal(public.id, public_other.id, sizeof(public.id));
    assert_true(mse_minisign_sign(again, MSE_CSTR_BYTES("x"), "", &signature, &err));
    assert_true(mse_minisign_verify(&public, 1, MSE_CSTR_BYTES("x"), mse_writer_bytes(&signature),
                                    &which, &err));
    mse_writer_cleanup(&file);
    mse_writer_cleanup(&signature);
    mse_minisign_secret_free(key);
    mse_minisign_secret_free(again);
    mse_minisign_secret_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_others_are_read),
        cmocka_unit_test(what_is_no_good_key_is_refused),
        cmocka_unit_test(encryption_is_seen_without_the_password),
        cmocka_unit_test(every_prefix_of_a_key_is_refused),
        cmocka_unit_test(a_signature_is_byte_for_byte_that_of_minisign),
        cmocka_unit_test(comments_that_could_not_be_verified_are_not_signed),
        cmocka_unit_test(a_new_key_signs_and_goes_through_its_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
