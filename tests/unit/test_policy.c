/* SPDX-License-Identifier: Apache-2.0 */
/* Policy keys and files: what is read, and that nothing wrong is read as less. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exact.h"
#include "verdict/policy.h"

#define HEX32 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HEX48 HEX32 "202122232425262728292a2b2c2d2e2f"

static struct mse_policy *fresh(void)
{
    struct mse_policy *p = NULL;
    struct mse_error err = { 0 };

    assert_true(mse_policy_new(&p, &err));
    return p;
}

/* Options: each refusal with its code. */
static const struct {
    const char *key, *value;
    enum mse_err_code want;
} settings[] = {
    { "fingerprint", HEX32, MSE_ERR_NONE },
    { "fingerprint", "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
      MSE_ERR_NONE },
    { "fingerprint", "", MSE_ERR_USAGE },
    { "fingerprint", "xyz", MSE_ERR_USAGE },
    { "fingerprint", "00010203", MSE_ERR_USAGE },
    { "fingerprint", HEX32 "00", MSE_ERR_USAGE },
    { "fingerprint", " " HEX32, MSE_ERR_USAGE },
    { "mrsigner", HEX32, MSE_ERR_NONE },
    { "mrtd", HEX48, MSE_ERR_NONE },
    { "mrtd", HEX32, MSE_ERR_USAGE },
    { "signer_key", "no pem", MSE_ERR_USAGE },
    { "isv_prod_id", "65535", MSE_ERR_NONE },
    { "isv_prod_id", "65536", MSE_ERR_USAGE },
    { "isv_prod_id", "-1", MSE_ERR_USAGE },
    { "isv_prod_id", "01", MSE_ERR_USAGE },
    { "isv_prod_id", "", MSE_ERR_USAGE },
    { "isv_prod_id", "99999999999999999999", MSE_ERR_USAGE },
    { "max_vmpl", "4", MSE_ERR_USAGE },
    { "machine", HEX32 HEX32, MSE_ERR_NONE },
    { "machine", HEX32, MSE_ERR_USAGE },
    { "allow_tcb", "OutOfDate", MSE_ERR_NONE },
    { "allow_tcb", "OutOfDate@2026-12-31", MSE_ERR_NONE },
    { "allow_tcb", "OutOfDate@", MSE_ERR_USAGE },
    { "allow_tcb", "OutOfDate@tomorrow", MSE_ERR_USAGE },
    { "allow_tcb", "outofdate", MSE_ERR_USAGE },
    { "allow_tcb", "Revoked", MSE_ERR_USAGE },
    { "allow_tcb", "NoMatchingLevel", MSE_ERR_USAGE },
    { "min_reported_tcb", "bl=4,tee=0,snp=23,ucode=213", MSE_ERR_NONE },
    { "min_reported_tcb", "snp=23", MSE_ERR_NONE },
    { "min_reported_tcb", "snp=256", MSE_ERR_USAGE },
    { "min_reported_tcb", "snp=1,snp=2", MSE_ERR_USAGE },
    { "min_reported_tcb", "snp", MSE_ERR_USAGE },
    { "min_reported_tcb", "snp=1,", MSE_ERR_USAGE },
    { "allow_debug", "true", MSE_ERR_NONE },
    { "allow_debug", "yes", MSE_ERR_USAGE },
    { "max_age", "30d", MSE_ERR_NONE },
    { "max_age", "30", MSE_ERR_NONE },
    { "max_age", "d", MSE_ERR_USAGE },
    { "max_age", "1w", MSE_ERR_USAGE },
    { "max_age", "-1d", MSE_ERR_USAGE },
    { "max_age", "3660d", MSE_ERR_NONE },
    { "max_age", "3661d", MSE_ERR_USAGE },
    { "min_level", "0", MSE_ERR_USAGE },
    { "min_level", "1", MSE_ERR_NONE },
    { "profile", "nonsense", MSE_ERR_USAGE },
    { "profile", "mse", MSE_ERR_NONE },
    { "signing_key", "vlek", MSE_ERR_NONE },
    { "signing_key", "VLEK", MSE_ERR_USAGE },
    { "profile", "", MSE_ERR_USAGE },
    { "no_such_key", "1", MSE_ERR_UNKNOWN_KEY },
};

static void each_setting_is_read_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        struct mse_policy *p = fresh();
        struct mse_error err = { 0 };
        bool ok = mse_policy_set(p, settings[i].key, settings[i].value, &err);

        if (err.code != settings[i].want || ok != (settings[i].want == MSE_ERR_NONE))
            fail_msg("%s = \"%s\": %s", settings[i].key, settings[i].value, mse_err_name(err.code));
        mse_policy_free(p);
    }
}

static void values_arrive_where_they_are_used(void **state)
{
    struct mse_policy *p = fresh();
    struct mse_error err = { 0 };

    (void)state;
    assert_true(mse_policy_set(p, "fingerprint", HEX32, &err));
    assert_true(mse_policy_set(p, "fingerprint", HEX32, &err)); /* again: still one */
    assert_int_equal(p->fingerprint.count, 1);
    assert_int_equal(p->fingerprint.values[31], 0x1f);
    assert_true(mse_policy_set(p, "max_age", "2h", &err));
    assert_int_equal(p->max_age, 7200);
    assert_true(mse_policy_set(p, "allow_tcb", "OutOfDate@1970-01-02", &err));
    assert_int_equal(p->tcb_allowed_until[MSE_TCB_OUT_OF_DATE], 2 * 86400 - 1);
    assert_true(mse_policy_set(p, "allow_tcb", "OutOfDate@1970-01-02T00:00:00Z", &err));
    assert_int_equal(p->tcb_allowed_until[MSE_TCB_OUT_OF_DATE], 86400);
    assert_true(mse_policy_set(p, "min_launch_tcb", "snp=23", &err));
    assert_int_equal(p->min_launch_tcb.snp, 23);
    assert_int_equal(p->min_launch_tcb.bl, MSE_NOT_SET);
    mse_policy_free(p);
}

static void by_default_only_two_statuses_are_accepted(void **state)
{
    struct mse_policy *p = fresh();

    (void)state;
    for (size_t i = 0; i < MSE_TCB_STATUS_COUNT; i++)
        assert_int_equal(p->tcb_allowed[i],
                         i == MSE_TCB_UP_TO_DATE || i == MSE_TCB_SW_HARDENING_NEEDED);
    mse_policy_free(p);
}

static void each_allowance_enables_exactly_one_status(void **state)
{
    (void)state;
    for (size_t i = MSE_TCB_CONFIGURATION_NEEDED; i < MSE_TCB_REVOKED; i++) {
        struct mse_policy *p = fresh();
        struct mse_error err = { 0 };
        size_t allowed = 0;

        assert_true(
            mse_policy_set(p, "allow_tcb", mse_tcb_status_name((enum mse_tcb_status)i), &err));
        for (size_t k = 0; k < MSE_TCB_STATUS_COUNT; k++)
            allowed += p->tcb_allowed[k];
        assert_int_equal(allowed, 3);
        assert_true(p->tcb_allowed[i]);
        mse_policy_free(p);
    }
}

static const struct {
    const char *name, *text;
    enum mse_err_code want;
    const char *position; /* that the message must hold */
} files[] = {
    { "toml", "fingerprint = [\"" HEX32 "\"]\nstrict = true\n", MSE_ERR_NONE, "" },
    { "json", " {\"fingerprint\":\"" HEX32 "\",\"min_isv_svn\":3,\"strict\":true}", MSE_ERR_NONE,
      "" },
    { "empty", "", MSE_ERR_NONE, "" },
    { "unknown key, toml", "strict = true\nfingerprnt = \"x\"\n", MSE_ERR_UNKNOWN_KEY, "line 2" },
    { "unknown key, json", "{\"fingerprnt\":1}", MSE_ERR_UNKNOWN_KEY, "byte 2" },
    { "repeated, toml", "strict = true\nstrict = true\n", MSE_ERR_DUPLICATE, "line 2" },
    { "repeated, json", "{\"strict\":true,\"strict\":true}", MSE_ERR_DUPLICATE, "" },
    { "empty list, toml", "fingerprint = []\n", MSE_ERR_USAGE, "line 1" },
    { "empty list, json", "{\"fingerprint\":[]}", MSE_ERR_USAGE, "" },
    { "list for one value", "strict = [true]\n", MSE_ERR_USAGE, "line 1" },
    { "table", "[fingerprint]\na = 1\n", MSE_ERR_USAGE, "" },
    { "wrong type", "fingerprint = 1.5\n", MSE_ERR_USAGE, "line 1" },
    { "null", "{\"fingerprint\":null}", MSE_ERR_USAGE, "" },
    { "NUL in a value", "{\"profile\":\"a\\u0000b\"}", MSE_ERR_VALUE, "" },
    { "escaped key", "{\"str\\u0069ct\":true}", MSE_ERR_UNKNOWN_KEY, "" },
    { "a table of TOML, no array of JSON", "[1]", MSE_ERR_USAGE, "line 1" },
    { "Revoked", "allow_tcb = \"Revoked\"\n", MSE_ERR_USAGE, "line 1" },
};

static void each_file_is_read_or_refused_with_its_position(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct mse_policy *p = fresh();
        struct mse_error err = { 0 };
        struct mse_bytes in = MSE_CSTR_BYTES(files[i].text);
        struct mse_bytes copy = exact_copy(in, in.len);
        bool ok = mse_policy_load(p, copy, "policy", &err);
        char line[600];

        (void)mse_error_describe(&err, line, sizeof(line));
        if (err.code != files[i].want || ok != (files[i].want == MSE_ERR_NONE) ||
            (!ok && strstr(line, files[i].position) == NULL))
            fail_msg("%s: %s", files[i].name, line);
        exact_free(copy);
        mse_policy_free(p);
    }
}

static void somebody_must_be_named(void **state)
{
    static const char *const enough[] = { "fingerprint", "mrsigner",      "mrtd",
                                          "measurement", "id_key_digest", "author_key_digest" };
    static const char *const not_enough[] = { "host_data", "rtmr3", "mrseam", "mrconfigid" };
    struct mse_error err = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(enough) / sizeof(enough[0]); i++) {
        struct mse_policy *p = fresh();

        assert_false(mse_policy_expects_somebody(p));
        assert_true(mse_policy_set(p, enough[i], i < 2 ? HEX32 : HEX48, &err));
        assert_true(mse_policy_expects_somebody(p));
        mse_policy_free(p);
    }
    for (size_t i = 0; i < sizeof(not_enough) / sizeof(not_enough[0]); i++) {
        struct mse_policy *p = fresh();

        assert_true(mse_policy_set(p, not_enough[i], i == 0 ? HEX32 : HEX48, &err));
        assert_false(mse_policy_expects_somebody(p));
        mse_policy_free(p);
    }
}

static void the_evaluation_floor_rises_with_the_instant_judged_at(void **state)
{
    struct mse_policy *p = fresh();
    struct mse_error err = { 0 };

    (void)state;
    /* docs/policy.md; the instants are from date -u -d ... +%s */
    assert_int_equal(mse_policy_tcb_floor(p, 1788220800), 18);
    assert_int_equal(mse_policy_tcb_floor(p, 1788220799), 17);
    assert_int_equal(mse_policy_tcb_floor(p, 1735689600), 16);
    assert_int_equal(mse_policy_tcb_floor(p, 1696118399), 0);
    assert_true(mse_policy_set(p, "min_tcb_eval", "3", &err));
    assert_int_equal(mse_policy_tcb_floor(p, 1788220800), 3);
    mse_policy_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_setting_is_read_or_refused),
        cmocka_unit_test(values_arrive_where_they_are_used),
        cmocka_unit_test(by_default_only_two_statuses_are_accepted),
        cmocka_unit_test(each_allowance_enables_exactly_one_status),
        cmocka_unit_test(each_file_is_read_or_refused_with_its_position),
        cmocka_unit_test(somebody_must_be_named),
        cmocka_unit_test(the_evaluation_floor_rises_with_the_instant_judged_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
