/* SPDX-License-Identifier: Apache-2.0 */
/* Releases: one canonical form (docs/formats.md, "Release"), and everything else refused. */
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
#include "release/release.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))
#define HEX_A "abababababababababababababababababababababababababababababababab"
#define HEX_B "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
#define FP_A "{\"hex\":\"" HEX_A "\",\"tee\":\"sgx\"}"
#define FP_B "{\"hex\":\"" HEX_B "\",\"tee\":\"snp\"}"

/* The members, each to be replaced alone. */
#define APP "\"app\":\"shop\","
#define FINGERPRINTS "\"fingerprints\":[" FP_A "," FP_B "],"
#define FORMAT "\"format\":1,"
#define TCB_EVAL "\"min_tcb_eval\":17,"
#define NAMES "\"names\":[\"shop.example\",\"www.shop.example\"],"
#define AFTER "\"not_after\":1803333641,"
#define BEFORE "\"not_before\":1795557641,"
#define PREVIOUS "\"previous\":\"" HEX_B "\","
#define RUNTIME "\"runtime\":\"" HEX_A "\","
#define SERIAL "\"serial\":7"
#define FRONT APP FINGERPRINTS FORMAT TCB_EVAL
#define BACK AFTER BEFORE PREVIOUS RUNTIME SERIAL
#define GOOD "{" FRONT NAMES BACK "}"
/* sha256sum of these bytes */
#define GOOD_SHA256 "30fd2d3110e879209c1988eeb961eb0fecb709fc46311f8338a13cc55e9e0d29"

static bool parse(const char *text, struct mse_release *out, struct mse_error *err)
{
    struct mse_bytes in = exact_copy(MSE_CSTR_BYTES(text), strlen(text));
    bool ok = mse_release_parse(in, out, err);

    exact_free(in);
    return ok;
}

static struct mse_release good(void)
{
    struct mse_release release;
    struct mse_error err = { 0 };

    if (!parse(GOOD, &release, &err))
        abort();
    return release;
}

static void every_member_is_read(void **state)
{
    struct mse_release r = good();
    uint8_t sha256[32];

    (void)state;
    assert_string_equal(r.app, "shop");
    assert_int_equal(r.fingerprint_count, 2);
    assert_int_equal(r.fingerprints[0].tee, MSE_RELEASE_SGX);
    assert_int_equal(r.fingerprints[0].value[0], 0xab);
    assert_int_equal(r.fingerprints[1].tee, MSE_RELEASE_SNP);
    assert_int_equal(r.fingerprints[1].value[31], 0xcd);
    assert_true(r.min_tcb_eval == 17);
    assert_int_equal(r.name_count, 2);
    assert_string_equal(r.names[1], "www.shop.example");
    assert_true(r.not_after == 1803333641 && r.not_before == 1795557641);
    assert_true(r.has_previous && r.previous[0] == 0xcd && r.runtime[31] == 0xab);
    assert_true(r.serial == 7);
    assert_true(mse_hex_read(GOOD_SHA256, 64, sha256, 32));
    assert_memory_equal(r.sha256, sha256, 32);
    mse_release_cleanup(&r);
}

/* clang-format off */
static const char *const accepted[] = {
    GOOD,
    "{" FRONT NAMES AFTER BEFORE "\"previous\":null," RUNTIME "\"serial\":1}",
    "{" FRONT "\"names\":[\"localhost\"]," BACK "}",
    "{" FRONT "\"names\":[\"1.a1-2.xn--bcher-kva.example\"]," BACK "}",
    "{" FRONT "\"names\":[\"abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz1.d\"]," BACK "}",
    "{" FRONT NAMES AFTER BEFORE PREVIOUS RUNTIME "\"serial\":9007199254740991}",
    "{" FRONT NAMES "\"not_after\":34387200,\"not_before\":0," PREVIOUS RUNTIME SERIAL "}",
    "{" FRONT NAMES "\"not_after\":253402300799,\"not_before\":253402300799," PREVIOUS RUNTIME SERIAL "}",
    "{" APP "\"fingerprints\":[{\"hex\":\"" HEX_A "\",\"tee\":\"tdx\"},{\"hex\":\"" HEX_A "\",\"tee\":\"sim\"}],"
    FORMAT "\"min_tcb_eval\":4294967295," NAMES BACK "}",
    "{\"app\":\"A1._-z\"," FINGERPRINTS FORMAT "\"min_tcb_eval\":0," NAMES BACK "}",
};
/* clang-format on */

static void what_is_read_is_written_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < LEN(accepted); i++) {
        struct mse_release release;
        struct mse_writer w = { 0 };
        struct mse_error err = { 0 };

        print_message("%s\n", accepted[i]);
        assert_true(parse(accepted[i], &release, &err));
        assert_true(mse_release_write(&release, &w, &err));
        assert_true(mse_bytes_equal_text(mse_writer_bytes(&w), accepted[i]));
        mse_writer_cleanup(&w);
        mse_release_cleanup(&release);
    }
}

#define NAMED(name) "{" FRONT "\"names\":[" name "]," BACK "}"
#define PRINTED(list) "{" APP "\"fingerprints\":" list "," FORMAT TCB_EVAL NAMES BACK "}"
#define DATED(after, before)                                                                       \
    "{" FRONT NAMES "\"not_after\":" after ",\"not_before\":" before "," PREVIOUS RUNTIME SERIAL "}"
#define APPED(app) "{\"app\":" app "," FINGERPRINTS FORMAT TCB_EVAL NAMES BACK "}"
#define X50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* clang-format off */
static const struct { const char *name, *in; enum mse_err_code want; } refused[] = {
    { "nothing",              "", MSE_ERR_TRUNCATED },
    { "an array",             "[]", MSE_ERR_FORMAT },
    { "no members",           "{}", MSE_ERR_MISSING },
    { "line end behind",      GOOD "\n", MSE_ERR_FORMAT },
    { "space in front",       " " GOOD, MSE_ERR_FORMAT },
    { "space within",         "{" FRONT NAMES AFTER BEFORE PREVIOUS RUNTIME "\"serial\": 7}", MSE_ERR_FORMAT },
    { "bytes behind",         GOOD "x", MSE_ERR_TRAILING },
    { "members exchanged",    "{" FRONT NAMES BEFORE AFTER PREVIOUS RUNTIME SERIAL "}", MSE_ERR_FORMAT },
    { "inner members exchanged", PRINTED("[{\"tee\":\"sgx\",\"hex\":\"" HEX_A "\"}]"), MSE_ERR_FORMAT },
    { "escape in a text",     APPED("\"sho\\u0070\""), MSE_ERR_FORMAT },
    { "escape in a name",     NAMED("\"a\\u002eb\""), MSE_ERR_FORMAT },
    { "escape in a key",      "{\"\\u0061pp\":\"shop\"," FINGERPRINTS FORMAT TCB_EVAL NAMES BACK "}", MSE_ERR_FORMAT },
    { "capital hex",          "{" FRONT NAMES AFTER BEFORE PREVIOUS "\"runtime\":\"AB"
      "ababababababababababababababababababababababababababababababab\"," SERIAL "}", MSE_ERR_FORMAT },
    { "number with a zero",   "{" FRONT NAMES AFTER BEFORE PREVIOUS RUNTIME "\"serial\":-0}", MSE_ERR_VALUE },
    { "unknown member",       "{" FRONT NAMES BACK ",\"x\":1}", MSE_ERR_UNKNOWN_KEY },
    { "member twice",         "{" APP APP FINGERPRINTS FORMAT TCB_EVAL NAMES BACK "}", MSE_ERR_DUPLICATE },
    { "no app",               "{" FINGERPRINTS FORMAT TCB_EVAL NAMES BACK "}", MSE_ERR_MISSING },
    { "no fingerprints",      "{" APP FORMAT TCB_EVAL NAMES BACK "}", MSE_ERR_MISSING },
    { "no format",            "{" APP FINGERPRINTS TCB_EVAL NAMES BACK "}", MSE_ERR_MISSING },
    { "no min_tcb_eval",      "{" APP FINGERPRINTS FORMAT NAMES BACK "}", MSE_ERR_MISSING },
    { "no names",             "{" FRONT BACK "}", MSE_ERR_MISSING },
    { "no not_after",         "{" FRONT NAMES BEFORE PREVIOUS RUNTIME SERIAL "}", MSE_ERR_MISSING },
    { "no not_before",        "{" FRONT NAMES AFTER PREVIOUS RUNTIME SERIAL "}", MSE_ERR_MISSING },
    { "no previous",          "{" FRONT NAMES AFTER BEFORE RUNTIME SERIAL "}", MSE_ERR_MISSING },
    { "no runtime",           "{" FRONT NAMES AFTER BEFORE PREVIOUS SERIAL "}", MSE_ERR_MISSING },
    { "no serial",            "{" FRONT NAMES AFTER BEFORE PREVIOUS "\"runtime\":\"" HEX_A "\"}", MSE_ERR_MISSING },
    { "format 2",             "{" APP FINGERPRINTS "\"format\":2," TCB_EVAL NAMES BACK "}", MSE_ERR_UNSUPPORTED },
    { "format as text",       "{" APP FINGERPRINTS "\"format\":\"1\"," TCB_EVAL NAMES BACK "}", MSE_ERR_VALUE },
    { "app: a number",        APPED("7"), MSE_ERR_VALUE },
    { "app: empty",           APPED("\"\""), MSE_ERR_VALUE },
    { "app: a path",          APPED("\"../x\""), MSE_ERR_VALUE },
    { "app: hidden",          APPED("\".x\""), MSE_ERR_VALUE },
    { "app: slash",           APPED("\"a/b\""), MSE_ERR_VALUE },
    { "app: not ASCII",       APPED("\"caf\xc3\xa9\""), MSE_ERR_VALUE },
    { "app: NUL",             APPED("\"a\\u0000b\""), MSE_ERR_VALUE },
    { "app: 65 bytes",        APPED("\"" X50 "aaaaaaaaaaaaaaa\""), MSE_ERR_VALUE },
    { "fingerprints: none",   PRINTED("[]"), MSE_ERR_MISSING },
    { "fingerprints: text",   PRINTED("\"" HEX_A "\""), MSE_ERR_VALUE },
    { "fingerprints: texts",  PRINTED("[\"" HEX_A "\"]"), MSE_ERR_VALUE },
    { "fingerprints: twice",  PRINTED("[" FP_A "," FP_B "," FP_A "]"), MSE_ERR_DUPLICATE },
    { "fingerprints: short",  PRINTED("[{\"hex\":\"abab\",\"tee\":\"sgx\"}]"), MSE_ERR_VALUE },
    { "fingerprints: TEE",    PRINTED("[{\"hex\":\"" HEX_A "\",\"tee\":\"SGX\"}]"), MSE_ERR_VALUE },
    { "fingerprints: no TEE", PRINTED("[{\"hex\":\"" HEX_A "\"}]"), MSE_ERR_VALUE },
    { "fingerprints: more",   PRINTED("[{\"a\":1,\"hex\":\"" HEX_A "\",\"tee\":\"sgx\"}]"), MSE_ERR_VALUE },
    { "fingerprints: other",  PRINTED("[{\"hex\":\"" HEX_A "\",\"tef\":\"sgx\"}]"), MSE_ERR_MISSING },
    { "fingerprints: zero",   PRINTED("[{\"hex\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"tee\":\"sgx\"}]"), MSE_ERR_VALUE },
    { "names: none",          NAMED(""), MSE_ERR_MISSING },
    { "names: a number",      NAMED("1"), MSE_ERR_VALUE },
    { "names: empty",         NAMED("\"\""), MSE_ERR_VALUE },
    { "names: capital",       NAMED("\"Shop.example\""), MSE_ERR_VALUE },
    { "names: final dot",     NAMED("\"shop.example.\""), MSE_ERR_VALUE },
    { "names: first dot",     NAMED("\".shop.example\""), MSE_ERR_VALUE },
    { "names: two dots",      NAMED("\"shop..example\""), MSE_ERR_VALUE },
    { "names: wildcard",      NAMED("\"*.example\""), MSE_ERR_VALUE },
    { "names: underscore",    NAMED("\"a_b.example\""), MSE_ERR_VALUE },
    { "names: first hyphen",  NAMED("\"-a.example\""), MSE_ERR_VALUE },
    { "names: last hyphen",   NAMED("\"a-.example\""), MSE_ERR_VALUE },
    { "names: address",       NAMED("\"192.0.2.1\""), MSE_ERR_VALUE },
    { "names: a number label", NAMED("\"a.1\""), MSE_ERR_VALUE },
    { "names: not ASCII",     NAMED("\"b\xc3\xbc" "cher.example\""), MSE_ERR_VALUE },
    { "names: port",          NAMED("\"a.example:443\""), MSE_ERR_VALUE },
    { "names: long label",    NAMED("\"" X50 "aaaaaaaaaaaaaa.example\""), MSE_ERR_VALUE },
    { "names: 254 bytes",     NAMED("\"" X50 "." X50 "." X50 "." X50 ".aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""), MSE_ERR_VALUE },
    { "names: twice",         NAMED("\"a.example\",\"b.example\",\"a.example\""), MSE_ERR_DUPLICATE },
    { "dates: text",          DATED("\"2027-01-01\"", "0"), MSE_ERR_VALUE },
    { "dates: negative",      DATED("1", "-1"), MSE_ERR_VALUE },
    { "dates: exchanged",     DATED("1795557641", "1795557642"), MSE_ERR_VALUE },
    { "dates: a second too long", DATED("34387201", "0"), MSE_ERR_VALUE },
    { "dates: year 10000",    DATED("253402300800", "253402300799"), MSE_ERR_VALUE },
    { "dates: fraction",      DATED("1.0", "0"), MSE_ERR_VALUE },
    { "min_tcb_eval: negative", "{" APP FINGERPRINTS FORMAT "\"min_tcb_eval\":-1," NAMES BACK "}", MSE_ERR_VALUE },
    { "min_tcb_eval: 33 bits", "{" APP FINGERPRINTS FORMAT "\"min_tcb_eval\":4294967296," NAMES BACK "}", MSE_ERR_VALUE },
    { "previous: empty",      "{" FRONT NAMES AFTER BEFORE "\"previous\":\"\"," RUNTIME SERIAL "}", MSE_ERR_VALUE },
    { "previous: false",      "{" FRONT NAMES AFTER BEFORE "\"previous\":false," RUNTIME SERIAL "}", MSE_ERR_VALUE },
    { "runtime: null",        "{" FRONT NAMES AFTER BEFORE PREVIOUS "\"runtime\":null," SERIAL "}", MSE_ERR_VALUE },
    { "serial: 0",            "{" FRONT NAMES AFTER BEFORE PREVIOUS RUNTIME "\"serial\":0}", MSE_ERR_VALUE },
    { "serial: 2^53",         "{" FRONT NAMES AFTER BEFORE PREVIOUS RUNTIME "\"serial\":9007199254740992}", MSE_ERR_VALUE },
    { "serial: 2^64 + 7",     "{" FRONT NAMES AFTER BEFORE PREVIOUS RUNTIME "\"serial\":18446744073709551623}", MSE_ERR_VALUE },
    { "serial: exponent",     "{" FRONT NAMES AFTER BEFORE PREVIOUS RUNTIME "\"serial\":7e0}", MSE_ERR_VALUE },
};
/* clang-format on */

static void everything_else_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < LEN(refused); i++) {
        struct mse_release release;
        struct mse_error err = { 0 };

        print_message("%s\n", refused[i].name);
        assert_false(parse(refused[i].in, &release, &err));
        assert_int_equal(err.code, refused[i].want);
        assert_true(mse_is_zero((const uint8_t *)&release, sizeof(release)));
    }
}

static void every_prefix_is_refused(void **state)
{
    (void)state;
    for (size_t n = 0; n < strlen(GOOD); n++) {
        struct mse_bytes cut = exact_copy(MSE_CSTR_BYTES(GOOD), n);
        struct mse_release release;
        struct mse_error err = { 0 };

        assert_false(mse_release_parse(cut, &release, &err));
        assert_int_equal(err.code, MSE_ERR_TRUNCATED);
        exact_free(cut);
    }
}

/* count elements made by the format from their number. */
static void many(struct mse_writer *w, bool names, unsigned count)
{
    mse_write_text(w, "{" APP "\"fingerprints\":[");
    for (unsigned i = 0; i < (names ? 1 : count); i++)
        mse_write_format(w, "%s{\"hex\":\"%064x\",\"tee\":\"sgx\"}", i > 0 ? "," : "", i + 1);
    mse_write_text(w, "]," FORMAT TCB_EVAL "\"names\":[");
    for (unsigned i = 0; i < (names ? count : 1); i++)
        mse_write_format(w, "%s\"n%u.example\"", i > 0 ? "," : "", i);
    mse_write_text(w, "]," BACK "}");
}

static void lists_have_a_limit(void **state)
{
    (void)state;
    for (int names = 0; names < 2; names++) {
        for (unsigned count = 256; count <= 257; count++) {
            struct mse_writer w = { 0 };
            struct mse_release release;
            struct mse_error err = { 0 };

            many(&w, names == 1, count);
            assert_int_equal(mse_release_parse(mse_writer_bytes(&w), &release, &err), count == 256);
            assert_int_equal(err.code, count == 256 ? MSE_ERR_NONE : MSE_ERR_LIMIT);
            mse_release_cleanup(&release);
            mse_writer_cleanup(&w);
        }
    }
}

static void size_has_a_limit(void **state)
{
    size_t len = MSE_RELEASE_MAX_SIZE + 1;
    uint8_t *big = malloc(len);
    struct mse_release release;
    struct mse_error err = { 0 };

    (void)state;
    assert_non_null(big);
    memset(big, ' ', len);
    assert_false(mse_release_parse((struct mse_bytes){ big, len }, &release, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    free(big);
}

static void what_would_be_refused_is_not_written(void **state)
{
    struct mse_release r = good();
    struct mse_writer w = { 0 };
    struct mse_error err = { 0 };
    char *app = r.app;

    (void)state;
    r.app = NULL;
    assert_false(mse_release_write(&r, &w, &err));
    assert_int_equal(err.code, MSE_ERR_VALUE);
    r.app = app;
    err = (struct mse_error){ 0 };
    r.serial = 0;
    assert_false(mse_release_write(&r, &w, &err));
    r.serial = 7;
    err = (struct mse_error){ 0 };
    r.not_after += INT64_C(400) * 86400;
    assert_false(mse_release_write(&r, &w, &err));
    assert_int_equal(w.len, 0);
    r.not_after -= INT64_C(400) * 86400;
    err = (struct mse_error){ 0 };
    assert_true(mse_release_write(&r, &w, &err));
    mse_writer_cleanup(&w);
    mse_release_cleanup(&r);
}

static void dates_and_name_decide_whether_it_counts(void **state)
{
    /* clang-format off */
    static const struct { const char *name; int64_t at; enum mse_err_code want; } rows[] = {
        { NULL,                1795557640, MSE_ERR_NOT_YET_VALID },
        { NULL,                1795557641, MSE_ERR_NONE },
        { NULL,                1803333641, MSE_ERR_NONE },
        { NULL,                1803333642, MSE_ERR_EXPIRED },
        { "shop.example",      1803333642, MSE_ERR_EXPIRED },
        { "shop.example",      1800000000, MSE_ERR_NONE },
        { "WWW.Shop.Example.", 1800000000, MSE_ERR_NONE },
        { "www.shop.example",  1800000000, MSE_ERR_NONE },
        { "shop.exampl",       1800000000, MSE_ERR_MISMATCH },
        { "shop.example.org",  1800000000, MSE_ERR_MISMATCH },
        { "a.shop.example",    1800000000, MSE_ERR_MISMATCH },
        { "shop.example..",    1800000000, MSE_ERR_MISMATCH },
        { "",                  1800000000, MSE_ERR_MISMATCH },
        { ".",                 1800000000, MSE_ERR_MISMATCH },
    };
    /* clang-format on */
    struct mse_release r = good();

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        struct mse_error err = { 0 };

        print_message("row %zu\n", i);
        assert_int_equal(mse_release_check(&r, rows[i].name, rows[i].at, &err),
                         rows[i].want == MSE_ERR_NONE);
        assert_int_equal(err.code, rows[i].want);
    }
    mse_release_cleanup(&r);
}

static void nothing_is_parsed_before_its_signature_was_checked(void **state)
{
    struct mse_minisign_secret *key = NULL;
    struct mse_minisign_public owner;
    struct mse_writer signature = { 0 }, of_rubbish = { 0 };
    struct mse_release release;
    struct mse_error err = { 0 };

    (void)state;
    assert_true(mse_minisign_secret_generate(&key, &err));
    mse_minisign_secret_public(key, &owner);
    assert_true(mse_minisign_sign(key, MSE_CSTR_BYTES(GOOD), "", &signature, &err));
    assert_true(mse_minisign_sign(key, MSE_CSTR_BYTES("rubbish"), "", &of_rubbish, &err));
    assert_true(mse_release_open(&owner, MSE_CSTR_BYTES(GOOD), mse_writer_bytes(&signature),
                                 &release, &err));
    assert_string_equal(release.app, "shop");
    mse_release_cleanup(&release);
    /* Unsigned rubbish is a matter of the signature, signed rubbish one of the format. */
    assert_false(mse_release_open(&owner, MSE_CSTR_BYTES("rubbish"), mse_writer_bytes(&signature),
                                  &release, &err));
    assert_int_equal(err.code, MSE_ERR_SIGNATURE);
    err = (struct mse_error){ 0 };
    assert_false(mse_release_open(&owner, MSE_CSTR_BYTES("rubbish"), mse_writer_bytes(&of_rubbish),
                                  &release, &err));
    assert_int_equal(err.code, MSE_ERR_FORMAT);
    owner.key[0] ^= 1;
    err = (struct mse_error){ 0 };
    assert_false(mse_release_open(&owner, MSE_CSTR_BYTES(GOOD), mse_writer_bytes(&signature),
                                  &release, &err));
    assert_int_equal(err.code, MSE_ERR_SIGNATURE);
    assert_null(release.app);
    mse_writer_cleanup(&signature);
    mse_writer_cleanup(&of_rubbish);
    mse_minisign_secret_free(key);
}

static void names_of_tees_go_both_ways(void **state)
{
    enum mse_release_tee tee;

    (void)state;
    for (int i = MSE_RELEASE_SIM; i <= MSE_RELEASE_SNP; i++) {
        const char *name = mse_release_tee_name((enum mse_release_tee)i);

        assert_true(mse_release_tee_read(MSE_CSTR_BYTES(name), &tee));
        assert_int_equal(tee, i);
    }
    assert_false(mse_release_tee_read(MSE_CSTR_BYTES("sg"), &tee));
    assert_false(mse_release_tee_read(MSE_CSTR_BYTES(""), &tee));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_is_read),
        cmocka_unit_test(what_is_read_is_written_again),
        cmocka_unit_test(everything_else_is_refused),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(lists_have_a_limit),
        cmocka_unit_test(size_has_a_limit),
        cmocka_unit_test(what_would_be_refused_is_not_written),
        cmocka_unit_test(dates_and_name_decide_whether_it_counts),
        cmocka_unit_test(nothing_is_parsed_before_its_signature_was_checked),
        cmocka_unit_test(names_of_tees_go_both_ways),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
