/* SPDX-License-Identifier: Apache-2.0 */
/* The sealed state: read as another implementation wrote it, written so that it can be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "base/encode.h"
#include "enclave/state.h"
#include "exact.h"
#include "state_vectors.h"
#include "work_dir.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))
#define HEAD_LEN 93
#define NONCE_LEN 12
#define TAG_LEN 16

static uint8_t sealing[32], app[32], machine[32];

static struct mse_bytes from_hex(const char *hex)
{
    size_t len = strlen(hex) / 2;
    uint8_t *data = malloc(len);

    if (data == NULL || !mse_hex_read(hex, 2 * len, data, len))
        abort();
    return (struct mse_bytes){ data, len };
}

static int prepare(void **state)
{
    for (uint8_t i = 0; i < 32; i++) {
        sealing[i] = (uint8_t)(0x20 + i);
        app[i] = (uint8_t)(0x60 + i);
        machine[i] = (uint8_t)(0x80 + i);
    }
    return work_make(state);
}

static void open_into(const char *hex, struct mse_state *out, struct mse_error *err)
{
    struct mse_bytes in = from_hex(hex);

    *err = (struct mse_error){ 0 };
    (void)!mse_state_open(in, sealing, app, machine, out, err);
    exact_free(in);
}

static struct mse_state full_state(void)
{
    struct mse_state state = {
        .epoch = 3, .counter = 7, .configured = true, .has_statement = true
    };

    memcpy(state.app_digest, app, 32);
    memcpy(state.platform, machine, 32);
    state.identity = (uint8_t *)strdup("identity");
    state.identity_len = 8;
    state.config = (uint8_t *)strdup("{\"c\":1}");
    state.config_len = 7;
    for (unsigned i = 0; i < sizeof(state.statement); i++)
        state.statement[i] = (uint8_t)(i * 7);
    return state;
}

static void assert_states_equal(const struct mse_state *a, const struct mse_state *b)
{
    assert_memory_equal(a->app_digest, b->app_digest, 32);
    assert_memory_equal(a->platform, b->platform, 32);
    assert_int_equal(a->epoch, b->epoch);
    assert_int_equal(a->counter, b->counter);
    assert_int_equal(a->identity_len, b->identity_len);
    assert_memory_equal(a->identity, b->identity, a->identity_len);
    assert_int_equal(a->configured, b->configured);
    assert_int_equal(a->config_len, b->config_len);
    if (a->config_len > 0)
        assert_memory_equal(a->config, b->config, a->config_len);
    assert_int_equal(a->has_statement, b->has_statement);
    assert_memory_equal(a->statement, b->statement, sizeof(a->statement));
}

static void a_state_sealed_by_another_implementation_opens(void **state)
{
    struct mse_state want = full_state();
    struct mse_state got;
    struct mse_error err;

    (void)state;
    open_into(STATE_FILE, &got, &err);
    assert_int_equal(err.code, MSE_ERR_NONE);
    assert_states_equal(&got, &want);
    mse_state_cleanup(&got);
    mse_state_cleanup(&want);
    assert_null(want.identity);
}

static void states_of_the_other_kinds_open(void **state)
{
    struct mse_state got;
    struct mse_error err;

    (void)state;
    open_into(STATE_FRESH, &got, &err);
    assert_int_equal(err.code, MSE_ERR_NONE);
    assert_false(got.configured || got.has_statement);
    assert_int_equal(got.epoch, 0);
    assert_null(got.config);
    mse_state_cleanup(&got);
    open_into(STATE_UNSIGNED, &got, &err);
    assert_int_equal(err.code, MSE_ERR_NONE);
    assert_true(got.configured && !got.has_statement);
    mse_state_cleanup(&got);
}

/* OpenSSL opens it with the key that Python derived. */
static void assert_plain(struct mse_bytes sealed, const char *head, const char *body)
{
    struct mse_bytes key = from_hex(STATE_KEY);
    struct mse_bytes want_head = from_hex(head);
    struct mse_bytes want = from_hex(body);
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    uint8_t *plain = malloc(want.len);
    uint8_t tag[TAG_LEN];
    int len;

    assert_int_equal(sealed.len, HEAD_LEN + NONCE_LEN + want.len + TAG_LEN);
    assert_memory_equal(sealed.data, want_head.data, HEAD_LEN);
    memcpy(tag, sealed.data + sealed.len - TAG_LEN, TAG_LEN);
    assert_int_equal(
        EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, key.data, sealed.data + HEAD_LEN), 1);
    assert_int_equal(EVP_DecryptUpdate(c, NULL, &len, sealed.data, HEAD_LEN), 1);
    assert_int_equal(
        EVP_DecryptUpdate(c, plain, &len, sealed.data + HEAD_LEN + NONCE_LEN, (int)want.len), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag), 1);
    assert_int_equal(EVP_DecryptFinal_ex(c, plain + len, &len), 1);
    assert_memory_equal(plain, want.data, want.len);
    free(plain);
    exact_free(want);
    exact_free(want_head);
    exact_free(key);
    EVP_CIPHER_CTX_free(c);
}

static void what_is_sealed_is_what_the_document_says(void **state)
{
    struct mse_state full = full_state();
    struct mse_writer one = { 0 };
    struct mse_writer two = { 0 };
    struct mse_error err = { 0 };

    (void)state;
    assert_true(mse_state_seal(&full, sealing, &one, &err));
    assert_true(mse_state_seal(&full, sealing, &two, &err));
    assert_plain(mse_writer_bytes(&one), STATE_HEAD, STATE_BODY);
    assert_memory_not_equal(one.data + HEAD_LEN, two.data + HEAD_LEN, NONCE_LEN);
    mse_writer_cleanup(&one);
    mse_writer_cleanup(&two);
    mse_state_cleanup(&full);
}

static void every_prefix_is_refused(void **state)
{
    struct mse_bytes whole = from_hex(STATE_FILE);
    struct mse_state got;

    (void)state;
    for (size_t n = 0; n < whole.len; n++) {
        struct mse_bytes cut = exact_copy(whole, n);
        struct mse_error err = { 0 };

        assert_false(mse_state_open(cut, sealing, app, machine, &got, &err));
        assert_int_equal(err.code, n < HEAD_LEN + NONCE_LEN + TAG_LEN ? MSE_ERR_TRUNCATED
                                                                      : MSE_ERR_SIGNATURE);
        assert_null(got.identity);
        exact_free(cut);
    }
    exact_free(whole);
}

static void every_changed_byte_is_seen(void **state)
{
    struct mse_bytes whole = from_hex(STATE_FILE);
    struct mse_state got;

    (void)state;
    for (size_t i = 0; i < whole.len; i++) {
        struct mse_bytes changed = exact_copy(whole, whole.len);
        struct mse_error err = { 0 };

        ((uint8_t *)changed.data)[i] ^= 0x10;
        assert_false(mse_state_open(changed, sealing, app, machine, &got, &err));
        /* magic, app and platform are told apart; epoch and counter are only authenticated */
        assert_int_equal(err.code, i < 13 + 64 ? MSE_ERR_VALUE : MSE_ERR_SIGNATURE);
        exact_free(changed);
    }
    exact_free(whole);
}

static void another_platform_app_or_key_does_not_open_it(void **state)
{
    struct mse_bytes whole = from_hex(STATE_FILE);
    const struct {
        const uint8_t *key, *app, *machine;
        enum mse_err_code want;
        const char *field;
    } cases[] = {
        { app, app, machine, MSE_ERR_SIGNATURE, "state" },
        { sealing, machine, machine, MSE_ERR_VALUE, "state.app_digest" },
        { sealing, app, app, MSE_ERR_VALUE, "state.platform" },
    };

    (void)state;
    for (size_t i = 0; i < LEN(cases); i++) {
        struct mse_state got;
        struct mse_error err = { 0 };

        assert_false(
            mse_state_open(whole, cases[i].key, cases[i].app, cases[i].machine, &got, &err));
        assert_int_equal(err.code, cases[i].want);
        assert_string_equal(err.field, cases[i].field);
    }
    exact_free(whole);
}

/* clang-format off */ /* well sealed, by whoever has the key, but not a state */
static const struct { const char *name; const char *hex; enum mse_err_code want; } bodies[] = {
    { "unknown flag",           STATE_FLAG,            MSE_ERR_VALUE },
    { "no identity",            STATE_NO_IDENTITY,     MSE_ERR_VALUE },
    { "configured at epoch 0",  STATE_EPOCH_0,         MSE_ERR_VALUE },
    { "configured with nothing", STATE_NO_CONFIG,      MSE_ERR_VALUE },
    { "configuration alone",    STATE_CONFIG_ALONE,    MSE_ERR_VALUE },
    { "statement alone",        STATE_STATEMENT_ALONE, MSE_ERR_VALUE },
    { "trailing",               STATE_TRAILING,        MSE_ERR_TRAILING },
    { "cut",                    STATE_CUT,             MSE_ERR_TRUNCATED },
    { "length past the end",    STATE_LONG_LENGTH,     MSE_ERR_TRUNCATED },
    { "empty body",             STATE_EMPTY,           MSE_ERR_TRUNCATED },
};
/* clang-format on */

static void a_sealed_body_is_still_checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < LEN(bodies); i++) {
        struct mse_state got;
        struct mse_error err;

        open_into(bodies[i].hex, &got, &err);
        if (err.code != bodies[i].want)
            fail_msg("%s: %s %s", bodies[i].name, mse_err_name(err.code), err.field);
        assert_null(got.identity);
        assert_int_equal(got.epoch, 0);
    }
}

static void what_cannot_be_read_back_is_not_sealed(void **state)
{
    struct mse_state full = full_state();
    struct mse_writer out = { 0 };
    struct mse_error err = { 0 };

    (void)state;
    full.epoch = 0;
    assert_false(mse_state_seal(&full, sealing, &out, &err));
    assert_int_equal(err.code, MSE_ERR_VALUE);
    full.epoch = 1;
    free(full.config);
    full.config = calloc(1, MSE_STATE_MAX_SIZE);
    full.config_len = MSE_STATE_MAX_SIZE - HEAD_LEN - NONCE_LEN - TAG_LEN - 9 - 8 - 185;
    err = (struct mse_error){ 0 };
    assert_true(mse_state_seal(&full, sealing, &out, &err));
    assert_int_equal(out.len, MSE_STATE_MAX_SIZE);
    mse_writer_cleanup(&out);
    full.config_len++;
    assert_false(mse_state_seal(&full, sealing, &out, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    assert_int_equal(out.len, 0);
    mse_state_cleanup(&full);
}

/* ---- files ---- */

static bool load(struct mse_state *out, bool *found, struct mse_error *err)
{
    *err = (struct mse_error){ 0 };
    return mse_state_load(work_dir, sealing, app, machine, out, found, err);
}

static void a_saved_state_is_loaded(void **state)
{
    struct mse_state full = full_state();
    struct mse_state got;
    struct mse_error err = { 0 };
    struct stat st;
    bool found = true;

    (void)state;
    assert_true(load(&got, &found, &err));
    assert_false(found);
    assert_true(mse_state_save(work_dir, &full, sealing, &err));
    assert_int_equal(stat(in_work(MSE_STATE_FILE), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_true(load(&got, &found, &err));
    assert_true(found);
    assert_states_equal(&got, &full);
    mse_state_cleanup(&got);
    full.epoch = 4;
    assert_true(mse_state_save(work_dir, &full, sealing, &err));
    assert_true(load(&got, &found, &err));
    assert_int_equal(got.epoch, 4);
    mse_state_cleanup(&got);
    mse_state_cleanup(&full);
}

static void what_a_killed_process_left_is_removed(void **state)
{
    struct mse_state full = full_state();
    struct mse_state got;
    struct mse_error err = { 0 };
    bool found;

    (void)state;
    assert_true(mse_state_save(work_dir, &full, sealing, &err));
    work_put("state/.mse-a1B2c3", "half", 4, 0600);
    work_put("state/other", "kept", 4, 0600);
    assert_true(load(&got, &found, &err));
    assert_true(found);
    assert_int_equal(access(in_work("state/.mse-a1B2c3"), F_OK), -1);
    assert_int_equal(access(in_work("state/other"), F_OK), 0);
    mse_state_cleanup(&got);
    mse_state_cleanup(&full);
}

static void a_file_that_is_no_state_is_an_error_and_stays(void **state)
{
    struct mse_state got;
    struct mse_error err;
    bool found;
    size_t len;
    char *content;

    (void)state;
    work_mkdir("state");
    work_put(MSE_STATE_FILE, "garbage, not a state", 20, 0600);
    assert_false(load(&got, &found, &err));
    assert_int_equal(err.code, MSE_ERR_VALUE);
    assert_non_null(strstr(err.field, MSE_STATE_FILE));
    content = work_get(MSE_STATE_FILE, &len);
    assert_int_equal(len, 20);
    free(content);
    assert_int_equal(unlink(in_work(MSE_STATE_FILE)), 0);
    work_mkdir(MSE_STATE_FILE);
    assert_false(load(&got, &found, &err));
    assert_int_equal(err.code, MSE_ERR_IO);
}

static void a_state_that_cannot_be_written_leaves_the_old_one(void **state)
{
    struct mse_state full = full_state();
    struct mse_error err = { 0 };

    (void)state;
    work_put("state", "a file where the directory should be", 36, 0600);
    assert_false(mse_state_save(work_dir, &full, sealing, &err));
    assert_int_equal(err.code, MSE_ERR_IO);
    assert_int_equal(work_count(), 1);
    mse_state_cleanup(&full);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, prepare, work_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_state_sealed_by_another_implementation_opens),
        TEST(states_of_the_other_kinds_open),
        TEST(what_is_sealed_is_what_the_document_says),
        TEST(every_prefix_is_refused),
        TEST(every_changed_byte_is_seen),
        TEST(another_platform_app_or_key_does_not_open_it),
        TEST(a_sealed_body_is_still_checked),
        TEST(what_cannot_be_read_back_is_not_sealed),
        TEST(a_saved_state_is_loaded),
        TEST(what_a_killed_process_left_is_removed),
        TEST(a_file_that_is_no_state_is_an_error_and_stays),
        TEST(a_state_that_cannot_be_written_leaves_the_old_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
