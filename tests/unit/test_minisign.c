/* SPDX-License-Identifier: Apache-2.0 */
/*
 * minisign's formats. Signatures were made by minisign 0.11, encrypted keys with Python's
 * hashlib.scrypt; the key pair is that of RFC 8032, 7.1, test 1, with the ID 01 02 ... 08.
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

#define PUBLIC "RWQBAgMEBQYHCNdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
#define OTHER_PUBLIC "RWR9sXpwxpp6Ab+3kRyOgBoDpS4BadrCBWREw9pU+t9KACirtaCD89Ml"
#define UNTRUSTED "untrusted comment: not signed\n"
#define TRUSTED "trusted comment: timestamp:1\tfile:data\thashed\n"
#define OVER_DATA                                                                                  \
    "RUQBAgMEBQYHCDo8mGromHjtJrY9dfEBjcCfcGXWk9X65Ws6UU1kgwp9rUno0oJTdAtEI5u7GcBgujmf5p+zzUXxFHEE" \
    "97W7yQ4=\n"
#define OVER_COMMENT                                                                               \
    "NS+YWXegOfq6niUgkzXUBfoVz2FJcHZCmRezcHjtezOs5EO3RfVUZYFGOkZtWk//rAEwUlyNacNw/sME3c4VAw==\n"
#define LEGACY                                                                                     \
    "untrusted comment: signature from minisign secret key\n"                                      \
    "RWQBAgMEBQYHCI0YS2rgdHT4jAz/JapqKOW6jrF/YCqHtMx3+RJkVxWOJQRDpK9nlwE01+c6ksTnWK13pyThIn8eNI69" \
    "0PekNwg=\n"                                                                                   \
    "trusted comment: old\n"                                                                       \
    "wZNhZAywI0tdrxIGKxNuuehDaPzQH+o046U8LK2h8KYzZPY6yUFpS0BW3y/W0Vf6CGXiCIqyz0wr8K9oXmIdAw==\n"
#define GOOD UNTRUSTED OVER_DATA TRUSTED OVER_COMMENT
#define DATA "release bytes\n"

static struct mse_minisign_public public_key(const char *text)
{
    struct mse_minisign_public key;
    struct mse_error err = { 0 };

    if (!mse_minisign_public_read(MSE_CSTR_BYTES(text), &key, &err))
        abort();
    return key;
}

/* ---- public keys ---- */

static void a_public_key_is_read_with_and_without_its_comment(void **state)
{
    static const char *const forms[] = {
        PUBLIC,
        (PUBLIC "\n"),
        ("untrusted comment: minisign public key 0807060504030201\n" PUBLIC "\n"),
        ("untrusted comment: \n" PUBLIC),
    };
    static const uint8_t id[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    uint8_t want[32];

    (void)state;
    assert_true(mse_hex_read("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", 64,
                             want, 32));
    for (size_t i = 0; i < LEN(forms); i++) {
        struct mse_minisign_public key = public_key(forms[i]);

        assert_memory_equal(key.id, id, sizeof(id));
        assert_memory_equal(key.key, want, sizeof(want));
    }
}

static void a_public_key_is_written_as_minisign_does(void **state)
{
    struct mse_minisign_public key = public_key(PUBLIC);
    struct mse_writer w = { 0 };
    char text[57];

    (void)state;
    mse_minisign_public_text(&key, text);
    assert_string_equal(text, PUBLIC);
    mse_minisign_public_write(&key, &w);
    assert_true(mse_bytes_equal_text(
        mse_writer_bytes(&w),
        "untrusted comment: minisign public key 0807060504030201\n" PUBLIC "\n"));
    mse_writer_cleanup(&w);
}

static void what_is_no_public_key_is_refused(void **state)
{
    /* clang-format off */
    static const struct { const char *name, *in; enum mse_err_code want; } rows[] = {
        { "nothing",            "", MSE_ERR_TRUNCATED },
        { "comment only",       "untrusted comment: x\n", MSE_ERR_TRUNCATED },
        { "another comment",    "comment: x\n" PUBLIC "\n", MSE_ERR_FORMAT },
        { "a digit too few",    "RWQBAgMEBQYHCNdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1E",
          MSE_ERR_FORMAT },
        { "no base64",          "RWQBAgMEBQYHCNdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1E!",
          MSE_ERR_FORMAT },
        { "padded",             "RWQBAgMEBQYHCNdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1E=",
          MSE_ERR_FORMAT },
        { "space behind",       PUBLIC " \n", MSE_ERR_FORMAT },
        { "carriage return",    PUBLIC "\r\n", MSE_ERR_FORMAT },
        { "a line too many",    PUBLIC "\n\n", MSE_ERR_TRAILING },
        { "two keys",           PUBLIC "\n" PUBLIC "\n", MSE_ERR_TRAILING },
        { "another algorithm",  "RUQBAgMEBQYHCNdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea",
          MSE_ERR_UNSUPPORTED },
        { "escape in comment",  "untrusted comment: \x1b[2J\n" PUBLIC "\n", MSE_ERR_FORMAT },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        struct mse_bytes in = exact_copy(MSE_CSTR_BYTES(rows[i].in), strlen(rows[i].in));
        struct mse_minisign_public key;
        struct mse_error err = { 0 };

        print_message("%s\n", rows[i].name);
        assert_false(mse_minisign_public_read(in, &key, &err));
        assert_int_equal(err.code, rows[i].want);
        assert_true(mse_is_zero((const uint8_t *)&key, sizeof(key)));
        exact_free(in);
    }
}

/* ---- signatures ---- */

static bool verify(const char *signature, const char *data, struct mse_error *err)
{
    struct mse_minisign_public key = public_key(PUBLIC);
    struct mse_bytes in = exact_copy(MSE_CSTR_BYTES(signature), strlen(signature));
    size_t which = 99;
    bool ok = mse_minisign_verify(&key, 1, MSE_CSTR_BYTES(data), in, &which, err);

    assert_int_equal(which, 0);
    exact_free(in);
    return ok;
}

static void a_signature_by_minisign_holds(void **state)
{
    struct mse_error err = { 0 };

    (void)state;
    assert_true(verify(GOOD, DATA, &err));
    assert_int_equal(err.code, MSE_ERR_NONE);
    /* The untrusted comment is anybody's; a line feed at the end may be missing. */
    assert_true(verify("untrusted comment: \n" OVER_DATA TRUSTED OVER_COMMENT, DATA, &err));
    err = (struct mse_error){ 0 };
}

/* clang-format off */
static const struct { const char *name, *in; enum mse_err_code want; size_t at; } refused[] = {
    { "legacy",                  LEGACY, MSE_ERR_UNSUPPORTED, 0 },
    { "nothing",                 "", MSE_ERR_TRUNCATED, 0 },
    { "no untrusted comment",    OVER_DATA TRUSTED OVER_COMMENT, MSE_ERR_FORMAT, 0 },
    { "no trusted comment",      UNTRUSTED OVER_DATA OVER_COMMENT, MSE_ERR_FORMAT, 131 },
    { "trusted comment changed", UNTRUSTED OVER_DATA "trusted comment: timestamp:2\tfile:data\thashed\n"
                                 OVER_COMMENT, MSE_ERR_SIGNATURE, 0 },
    { "trusted comment longer",  UNTRUSTED OVER_DATA "trusted comment: timestamp:1\tfile:data\thashed \n"
                                 OVER_COMMENT, MSE_ERR_SIGNATURE, 0 },
    { "trusted comment empty",   UNTRUSTED OVER_DATA "trusted comment: \n" OVER_COMMENT,
                                 MSE_ERR_SIGNATURE, 0 },
    { "escape in a comment",     UNTRUSTED OVER_DATA "trusted comment: \x1b[1m\n" OVER_COMMENT,
                                 MSE_ERR_FORMAT, 131 },
    { "delete in a comment",     "untrusted comment: \x7f\n" OVER_DATA TRUSTED OVER_COMMENT,
                                 MSE_ERR_FORMAT, 0 },
    { "carriage returns",        "untrusted comment: x\r\n" OVER_DATA TRUSTED OVER_COMMENT,
                                 MSE_ERR_FORMAT, 0 },
    { "a fifth line",            GOOD "\n", MSE_ERR_TRAILING, 266 },
    { "a second signature",      GOOD GOOD, MSE_ERR_TRAILING, 266 },
    { "comment's only",          UNTRUSTED TRUSTED OVER_COMMENT, MSE_ERR_FORMAT, 30 },
    { "signatures exchanged",    UNTRUSTED OVER_COMMENT TRUSTED OVER_DATA, MSE_ERR_FORMAT, 30 },
    { "unknown algorithm",
      UNTRUSTED
      "RUUBAgMEBQYHCDo8mGromHjtJrY9dfEBjcCfcGXWk9X65Ws6UU1kgwp9rUno0oJTdAtEI5u7GcBgujmf5p+zzUXxFHEE"
      "97W7yQ4=\n" TRUSTED OVER_COMMENT, MSE_ERR_UNSUPPORTED, 0 },
    { "another key's ID",
      UNTRUSTED
      "RUQCAgMEBQYHCDo8mGromHjtJrY9dfEBjcCfcGXWk9X65Ws6UU1kgwp9rUno0oJTdAtEI5u7GcBgujmf5p+zzUXxFHEE"
      "97W7yQ4=\n" TRUSTED OVER_COMMENT, MSE_ERR_SIGNATURE, 0 },
    { "signature changed",
      UNTRUSTED
      "RUQBAgMEBQYHCDo8mGromHjtJrY9dfEBjcCfcGXWk9X65Ws6UU1kgwp9rUno0oJTdAtEI5u7GcBgujmf5p+zzUXxFHEF"
      "97W7yQ4=\n" TRUSTED OVER_COMMENT, MSE_ERR_SIGNATURE, 0 },
    { "comment's signature changed", UNTRUSTED OVER_DATA TRUSTED
      "NS+YWXegOfq6niUgkzXUBfoVz2FJcHZCmRezcHjtezOs5EO3RfVUZYFGOkZtWk//rAEwUlyNacNw/sME3c4VBA==\n",
                                 MSE_ERR_SIGNATURE, 0 },
};
/* clang-format on */

static void every_other_signature_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < LEN(refused); i++) {
        struct mse_error err = { 0 };

        print_message("%s\n", refused[i].name);
        assert_false(verify(refused[i].in, DATA, &err));
        assert_int_equal(err.code, refused[i].want);
        assert_int_equal(err.offset, refused[i].at);
    }
}

static void other_data_is_refused(void **state)
{
    static const char *const others[] = { "", "release bytes", "release bytes\n\n",
                                          "Release bytes\n" };

    (void)state;
    for (size_t i = 0; i < LEN(others); i++) {
        struct mse_error err = { 0 };

        assert_false(verify(GOOD, others[i], &err));
        assert_int_equal(err.code, MSE_ERR_SIGNATURE);
    }
}

static void every_prefix_of_a_signature_is_refused(void **state)
{
    struct mse_minisign_public key = public_key(PUBLIC);
    struct mse_bytes all = MSE_CSTR_BYTES(GOOD);

    (void)state;
    for (size_t n = 0; n <= all.len; n++) {
        struct mse_bytes cut = exact_copy(all, n);
        struct mse_error err = { 0 };
        size_t which;

        /* The last line's end is not part of it. */
        assert_int_equal(mse_minisign_verify(&key, 1, MSE_CSTR_BYTES(DATA), cut, &which, &err),
                         n + 1 >= all.len);
        exact_free(cut);
    }
}

static void long_comments_and_files_are_refused(void **state)
{
    char text[MSE_MINISIGN_FILE_MAX + 300];
    struct mse_error err = { 0 };
    int n = snprintf(text, sizeof(text), "untrusted comment: %01024d\n%s", 0,
                     OVER_DATA TRUSTED OVER_COMMENT);

    (void)state;
    assert_true(n > 0 && (size_t)n < sizeof(text));
    assert_true(verify(text, DATA, &err));
    n = snprintf(text, sizeof(text), "untrusted comment: %01025d\n%s", 0,
                 OVER_DATA TRUSTED OVER_COMMENT);
    assert_true(n > 0 && (size_t)n < sizeof(text));
    assert_false(verify(text, DATA, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    err = (struct mse_error){ 0 };
    memset(text, '\n', MSE_MINISIGN_FILE_MAX + 1);
    text[MSE_MINISIGN_FILE_MAX + 1] = '\0';
    assert_false(verify(text, DATA, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
}

static void one_of_several_keys_is_named(void **state)
{
    struct mse_minisign_public keys[3] = { public_key(OTHER_PUBLIC), public_key(OTHER_PUBLIC),
                                           public_key(PUBLIC) };
    struct mse_error err = { 0 };
    size_t which = 0;

    (void)state;
    /* The same ID on another key: the ID proves nothing, and hides nothing. */
    memcpy(keys[1].id, keys[2].id, sizeof(keys[1].id));
    assert_true(
        mse_minisign_verify(keys, 3, MSE_CSTR_BYTES(DATA), MSE_CSTR_BYTES(GOOD), &which, &err));
    assert_int_equal(which, 2);
    assert_false(
        mse_minisign_verify(keys, 2, MSE_CSTR_BYTES(DATA), MSE_CSTR_BYTES(GOOD), &which, &err));
    assert_int_equal(err.code, MSE_ERR_SIGNATURE);
    assert_int_equal(which, 0);
    err = (struct mse_error){ 0 };
    assert_false(
        mse_minisign_verify(keys, 1, MSE_CSTR_BYTES(DATA), MSE_CSTR_BYTES(GOOD), &which, &err));
    assert_non_null(strstr(err.text, "0807060504030201"));
    err = (struct mse_error){ 0 };
    assert_false(
        mse_minisign_verify(keys, 0, MSE_CSTR_BYTES(DATA), MSE_CSTR_BYTES(GOOD), &which, &err));
    assert_int_equal(err.code, MSE_ERR_SIGNATURE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_public_key_is_read_with_and_without_its_comment),
        cmocka_unit_test(a_public_key_is_written_as_minisign_does),
        cmocka_unit_test(what_is_no_public_key_is_refused),
        cmocka_unit_test(a_signature_by_minisign_holds),
        cmocka_unit_test(every_other_signature_is_refused),
        cmocka_unit_test(other_data_is_refused),
        cmocka_unit_test(every_prefix_of_a_signature_is_refused),
        cmocka_unit_test(long_comments_and_files_are_refused),
        cmocka_unit_test(one_of_several_keys_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
