/* SPDX-License-Identifier: Apache-2.0 */
/* Gramine, TDX and SEV-SNP on prepared trees: sealing keys, platform ids, the entry of our own.
 * What leads to a certificate is in tests/e2e/test_tee_backends.py. */
#include <errno.h>
#include <linux/sev-guest.h>
#include <pthread.h>
#include <sys/ioctl.h>

#include "base/encode.h"
#include "enclave/tee.h"

#include "temp_tree.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ENTRY "sys/kernel/config/tsm/report/mse-enclave"
/* SHA-256 over the app manifest below, by Python's hashlib. */
#define APP_DIGEST "e9f31f05c49edef6834cfa9576e18ef027e7a9ecc70efe15135d6cefceed468f"

static void assert_hex(const uint8_t *data, size_t len, const char *want)
{
    char hex[129];

    mse_hex_write(data, len, hex);
    assert_string_equal(hex, want);
}

static struct mse_tee *open_tree(int (*control)(int, unsigned long, void *))
{
    struct mse_tee_place place = { .root = work_dir, .sim_fd = -1, .control = control };
    struct mse_tee *tee = NULL;
    struct mse_error err = { 0 };
    char text[640];

    if (!mse_tee_open(&place, &tee, &err))
        fail_msg("%s", mse_error_describe(&err, text, sizeof(text)));
    return tee;
}

static void refused_as(enum mse_err_code want)
{
    struct mse_tee_place place = { .root = work_dir, .sim_fd = -1 };
    struct mse_tee *tee = NULL;
    struct mse_error err = { 0 };

    assert_false(mse_tee_open(&place, &tee, &err));
    assert_null(tee);
    assert_int_equal(err.code, want);
}

/* ---- Gramine ---- */

static void put_gramine(const char *type)
{
    uint8_t key[16];

    for (unsigned i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)i;
    temp_put("dev/attestation/attestation_type", type);
    temp_put_bytes("dev/attestation/keys/_sgx_mrenclave", key, sizeof(key));
}

static void gramine_derives_its_key(void **state)
{
    struct mse_error err = { 0 };
    struct mse_tee *tee;
    uint8_t out[32];
    uint64_t counter;

    (void)state;
    put_gramine("dcap");
    tee = open_tree(NULL);
    assert_string_equal(mse_tee_name(tee), "gramine");
    assert_int_equal(mse_tee_kind(tee), MSE_ATTEST_SGX);
    assert_string_equal(mse_tee_host_dir(tee), "/mse");
    assert_false(mse_tee_has_isolation(tee));
    assert_true(mse_tee_start(tee, NULL, &err));
    assert_true(mse_tee_sealing_key(tee, out, &err));
    /* HKDF-SHA256 of 00..0f, by Python's hmac. */
    assert_hex(out, 32, "33e0385aab18a6aff37fe7b9bce5d0190199330e0332deabbcaf879cfcfdac6a");
    assert_true(mse_tee_platform_id(tee, out, &err));
    assert_true(mse_is_zero(out, 32));
    assert_false(mse_tee_counter(tee, &counter, &err));
    assert_int_equal(err.code, MSE_ERR_UNSUPPORTED);
    err = (struct mse_error){ 0 };
    assert_false(mse_tee_advance(tee, 1, &err));
    assert_int_equal(err.code, MSE_ERR_UNSUPPORTED);
    mse_tee_free(tee);
}

static void gramine_refuses_keys_that_are_none(void **state)
{
    static const uint8_t zeros[16], long_key[17] = { 1 };
    /* clang-format off */
    static const struct { const uint8_t *key; size_t len; enum mse_err_code want; } rows[] = {
        { zeros, 16, MSE_ERR_VALUE },
        { long_key, 17, MSE_ERR_LIMIT },
        { long_key, 15, MSE_ERR_FORMAT },
        { long_key, 0, MSE_ERR_FORMAT },
    };
    /* clang-format on */

    (void)state;
    put_gramine("dcap\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mse_tee *tee = open_tree(NULL);
        struct mse_error err = { 0 };
        uint8_t out[32] = { 1 };

        temp_put_bytes("dev/attestation/keys/_sgx_mrenclave", rows[i].key, rows[i].len);
        assert_false(mse_tee_sealing_key(tee, out, &err));
        assert_int_equal(err.code, rows[i].want);
        assert_true(mse_is_zero(out, 32));
        mse_tee_free(tee);
    }
}

static void gramine_without_evidence_is_refused(void **state)
{
    (void)state;
    put_gramine("none");
    refused_as(MSE_ERR_UNSUPPORTED);
    temp_put("dev/attestation/attestation_type", "");
    refused_as(MSE_ERR_FORMAT);
    temp_put("dev/attestation/attestation_type",
             "a word that is much longer than any that Gramine has for this");
    refused_as(MSE_ERR_LIMIT);
    assert_int_equal(unlink(in_work("dev/attestation/attestation_type")), 0);
    refused_as(MSE_ERR_UNSUPPORTED);
}

/* ---- our entry ---- */

static void the_entry_is_made_and_taken_away(void **state)
{
    struct mse_tee *tee;

    (void)state;
    refused_as(MSE_ERR_MISSING);
    temp_put(ENTRY "/provider", "tdx_guest\n");
    tee = open_tree(NULL);
    assert_string_equal(mse_tee_name(tee), "tdx");
    assert_string_equal(mse_tee_host_dir(tee), "/mse");
    assert_true(mse_tee_has_isolation(tee));
    mse_tee_free(tee);
    /* An empty one that was left behind: new, and without provider here. */
    assert_int_equal(unlink(in_work(ENTRY "/provider")), 0);
    refused_as(MSE_ERR_MISSING);
    assert_int_equal(access(in_work(ENTRY), F_OK), 0);
    temp_put(ENTRY "/provider", "other_guest\n");
    refused_as(MSE_ERR_UNSUPPORTED);
    temp_put(ENTRY "/provider", "sev_guest\n");
    temp_put(ENTRY "/privlevel_floor", "4\n");
    refused_as(MSE_ERR_VALUE);
    temp_put(ENTRY "/privlevel_floor", "two\n");
    refused_as(MSE_ERR_FORMAT);
}

static void tdx_has_no_sealing_key(void **state)
{
    struct mse_error err = { 0 };
    struct mse_tee *tee;
    uint8_t out[32] = { 1 };

    (void)state;
    temp_put(ENTRY "/provider", "tdx_guest\n");
    tee = open_tree(NULL);
    assert_int_equal(mse_tee_kind(tee), MSE_ATTEST_TDX);
    assert_false(mse_tee_sealing_key(tee, out, &err));
    assert_int_equal(err.code, MSE_ERR_UNSUPPORTED);
    assert_true(mse_is_zero(out, 32));
    err = (struct mse_error){ 0 };
    assert_true(mse_tee_platform_id(tee, out, &err));
    assert_true(mse_is_zero(out, 32));
    mse_tee_free(tee);
}

/* ---- SNP: one report, then the firmware ---- */

static uint8_t report[1184];

static void *give_report(void *context)
{
    uint8_t request[65];
    int in = open(in_work(ENTRY "/inblob"), O_RDONLY), out;
    ssize_t len = read(in, request, sizeof(request));

    (void)context;
    (void)close(in);
    if (len == 64)
        work_put(ENTRY "/generation", "4\n", 2, 0644);
    out = open(in_work(ENTRY "/outblob"), O_WRONLY);
    (void)!write(out, report, sizeof(report));
    (void)close(out);
    return NULL;
}

static const char *const arguments[] = {
    "mse-enclave",
    "format=1",
    "tree=1111111111111111111111111111111111111111111111111111111111111111",
    "owner=2222222222222222222222222222222222222222222222222222222222222222",
    "cert=self",
    "health=/health",
    "memory=1024",
    "threads=64",
    "unsigned=no",
    "isolation=process",
    "runtime=3333333333333333333333333333333333333333333333333333333333333333",
    "command",
    "arg=/bin/true",
};

static struct mse_tee *start_snp(int (*control)(int, unsigned long, void *))
{
    struct mse_app_manifest app;
    struct mse_error err = { 0 };
    struct mse_tee *tee;
    pthread_t thread;

    assert_true(
        mse_app_manifest_read(arguments, sizeof(arguments) / sizeof(arguments[0]), &app, &err));
    temp_put(ENTRY "/provider", "sev_guest\n");
    temp_put(ENTRY "/generation", "3\n");
    temp_put("dev/sev-guest", "");
    assert_int_equal(mkfifo(in_work(ENTRY "/inblob"), 0600), 0);
    assert_int_equal(mkfifo(in_work(ENTRY "/outblob"), 0600), 0);
    assert_true(mse_hex_read(APP_DIGEST, 64, report + 0xc0, 32));
    memset(report + 0x1a0, 0x77, 64);
    tee = open_tree(control);
    assert_int_equal(pthread_create(&thread, NULL, give_report, NULL), 0);
    assert_true(mse_tee_start(tee, &app, &err));
    (void)pthread_join(thread, NULL);
    return tee;
}

static struct snp_derived_key_req asked;
static uint32_t status;
static bool give_zeros;

static int firmware(int fd, unsigned long request, void *argument)
{
    struct snp_guest_request_ioctl *call = argument;
    uint8_t *answer = (uint8_t *)(uintptr_t)call->resp_data;

    assert_true(fd >= 0);
    assert_true(request == SNP_GET_DERIVED_KEY);
    assert_int_equal(call->msg_version, 1);
    memcpy(&asked, (const void *)(uintptr_t)call->req_data, sizeof(asked));
    answer[0] = (uint8_t)status;
    for (unsigned i = 0; i < 32; i++)
        answer[32 + i] = give_zeros ? 0 : (uint8_t)(0xa0 + i);
    return 0;
}

static int broken_firmware(int fd, unsigned long request, void *argument)
{
    struct snp_guest_request_ioctl *call = argument;

    (void)fd;
    (void)request;
    call->fw_error = 0x16;
    errno = EIO;
    return -1;
}

static void snp_derives_its_key_from_chip_measurement_policy_and_app(void **state)
{
    struct mse_error err = { 0 };
    struct mse_tee *tee;
    uint8_t out[32];

    (void)state;
    report[0x48] = 0;
    status = 0;
    give_zeros = false;
    tee = start_snp(firmware);
    assert_true(mse_tee_sealing_key(tee, out, &err));
    assert_hex(out, 32, "7cedbc9c6bb57014f67bf2705b4c4b6e1f83d348a31f2e9ab9119175c10e60bb");
    assert_int_equal(asked.root_key_select, 0);
    assert_int_equal(asked.guest_field_select, 1 << 0 | 1 << 3);
    assert_int_equal(asked.vmpl, 0);
    assert_true(mse_tee_platform_id(tee, out, &err));
    /* SHA-256("mse-snp-platform-v1\n" || 64 times 77), by Python's hashlib. */
    assert_hex(out, 32, "b950867962abba0932434e5e1ba85a7616142ad011f274fdd3a9479c0ea82053");
    mse_tee_free(tee);
}

/* A VLEK is shared by machines: the key has to come from the chip all the same. */
static void snp_with_a_vlek_asks_for_the_chips_key(void **state)
{
    struct mse_error err = { 0 };
    struct mse_tee *tee;
    uint8_t out[32];

    (void)state;
    report[0x48] = 1 << 2;
    temp_put(ENTRY "/privlevel_floor", "2\n");
    temp_put(ENTRY "/privlevel", "");
    tee = start_snp(firmware);
    report[0x48] = 0;
    assert_true(mse_tee_sealing_key(tee, out, &err));
    assert_int_equal(asked.root_key_select, 2);
    assert_int_equal(asked.vmpl, 2);
    mse_tee_free(tee);
}

static void snp_refuses_what_is_no_key(void **state)
{
    struct mse_error err = { 0 };
    uint8_t out[32] = { 1 };
    struct mse_tee *tee;

    (void)state;
    tee = start_snp(firmware);
    status = 0x16;
    assert_false(mse_tee_sealing_key(tee, out, &err));
    assert_int_equal(err.code, MSE_ERR_VALUE);
    status = 0;
    give_zeros = true;
    err = (struct mse_error){ 0 };
    assert_false(mse_tee_sealing_key(tee, out, &err));
    assert_int_equal(err.code, MSE_ERR_VALUE);
    give_zeros = false;
    assert_int_equal(unlink(in_work("dev/sev-guest")), 0);
    err = (struct mse_error){ 0 };
    assert_false(mse_tee_sealing_key(tee, out, &err));
    assert_int_equal(err.code, MSE_ERR_IO);
    assert_true(mse_is_zero(out, 32));
    mse_tee_free(tee);
}

static void snp_says_why_the_firmware_fails(void **state)
{
    struct mse_error err = { 0 };
    struct mse_tee *tee;
    uint8_t out[32];

    (void)state;
    tee = start_snp(broken_firmware);
    assert_false(mse_tee_sealing_key(tee, out, &err));
    assert_int_equal(err.code, MSE_ERR_IO);
    assert_non_null(strstr(err.text, "0x16"));
    mse_tee_free(tee);
}

static void snp_has_no_key_before_the_app_is_checked(void **state)
{
    struct mse_error err = { 0 };
    struct mse_tee *tee;
    uint8_t out[32];

    (void)state;
    temp_put(ENTRY "/provider", "sev_guest\n");
    tee = open_tree(firmware);
    assert_false(mse_tee_sealing_key(tee, out, &err));
    assert_int_equal(err.code, MSE_ERR_USAGE);
    err = (struct mse_error){ 0 };
    assert_false(mse_tee_platform_id(tee, out, &err));
    assert_int_equal(err.code, MSE_ERR_USAGE);
    mse_tee_free(tee);
}

#define TREE_TEST(f) cmocka_unit_test_setup_teardown(f, work_make, work_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TREE_TEST(gramine_derives_its_key),
        TREE_TEST(gramine_refuses_keys_that_are_none),
        TREE_TEST(gramine_without_evidence_is_refused),
        TREE_TEST(the_entry_is_made_and_taken_away),
        TREE_TEST(tdx_has_no_sealing_key),
        TREE_TEST(snp_derives_its_key_from_chip_measurement_policy_and_app),
        TREE_TEST(snp_with_a_vlek_asks_for_the_chips_key),
        TREE_TEST(snp_refuses_what_is_no_key),
        TREE_TEST(snp_says_why_the_firmware_fails),
        TREE_TEST(snp_has_no_key_before_the_app_is_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
