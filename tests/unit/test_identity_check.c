/* SPDX-License-Identifier: Apache-2.0 */
/* Who it is: claims filled in by hand against expected code and signers. */
#include "test_claims.h"

static const struct mse_check_result *code_of(const struct mse_policy *p,
                                              const struct mse_appraisal *a)
{
    return run(mse_policy_check_fingerprint, MSE_CHECK_FINGERPRINT, p, a);
}

static const struct mse_check_result *signer_of(const struct mse_policy *p,
                                                const struct mse_appraisal *a)
{
    return run(mse_policy_check_signer, MSE_CHECK_SIGNER, p, a);
}

/* The same policy with require_fingerprint: what was waived fails, the rest stays. */
static void expect_code(const struct mse_policy *policy, const struct mse_appraisal *a, int want,
                        enum mse_err_code code, int line)
{
    struct mse_policy p = *policy;

    for (int required = 0; required < 2; required++) {
        const struct mse_check_result *r;
        int wanted = required != 0 && want == WAIVED ? FAILED : want;
        enum mse_err_code wanted_code = required != 0 && want == WAIVED ? MSE_ERR_POLICY : code;

        p.require_fingerprint = required != 0;
        r = code_of(&p, a);
        if ((int)r->outcome != wanted || r->code != wanted_code)
            fail_msg("line %d, required %d: outcome %d, code %d, %s", line, required,
                     (int)r->outcome, (int)r->code, r->reason);
        assert_int_equal(r->reason[0] == '\0', wanted == PASSED);
    }
}
#define EXPECT_CODE(p, a, want, code) expect_code(p, a, want, code, __LINE__)

static void sgx_code_is_mrenclave(void **state)
{
    struct mse_appraisal a = sgx();
    struct mse_policy p = fresh();
    uint8_t two[64];

    (void)state;
    EXPECT_CODE(&p, &a, WAIVED, MSE_ERR_NONE);
    p.fingerprint = one(of[0]);
    EXPECT_CODE(&p, &a, PASSED, MSE_ERR_NONE);
    p.fingerprint = one(off(0, 32));
    EXPECT_CODE(&p, &a, FAILED, MSE_ERR_MISMATCH);
    memcpy(two, off(0, 32), 32);
    memcpy(two + 32, of[0], 32);
    p.fingerprint = (struct mse_value_list){ two, 2 };
    EXPECT_CODE(&p, &a, PASSED, MSE_ERR_NONE);
    p.fingerprint.count = 1;
    EXPECT_CODE(&p, &a, FAILED, MSE_ERR_MISMATCH);
    /* the same bytes, but of the signer */
    p.fingerprint = one(of[1]);
    EXPECT_CODE(&p, &a, FAILED, MSE_ERR_MISMATCH);
    /* what is expected of other kinds of TEE is not looked at */
    p = fresh();
    p.td[MSE_TD_MRTD] = one(off(MSE_TD_MRTD, 48));
    p.snp[MSE_SNP_MEASUREMENT] = one(off(MSE_SNP_MEASUREMENT, 48));
    EXPECT_CODE(&p, &a, WAIVED, MSE_ERR_NONE);
}

static void a_mismatch_shows_both_values(void **state)
{
    struct mse_appraisal a = sgx();
    struct mse_policy p = fresh();
    const struct mse_check_result *r;

    (void)state;
    p.fingerprint = one(off(0, 32));
    r = code_of(&p, &a);
    assert_string_equal(r->actual,
                        "0101010101010101010101010101010101010101010101010101010101010101");
    assert_string_equal(r->expected,
                        "0101010101010101010101010101010101010101010101010101010101010100");
}

/* MRTD is the firmware, which every guest of a cloud has: the rest is in RTMR0 to RTMR3. */
static void tdx_code_is_mrtd_and_all_four_rtmrs(void **state)
{
    struct mse_appraisal a = tdx();
    struct mse_policy p = fresh();

    (void)state;
    EXPECT_CODE(&p, &a, WAIVED, MSE_ERR_NONE);
    p.td[MSE_TD_MRTD] = one(of[MSE_TD_MRTD]);
    EXPECT_CODE(&p, &a, WAIVED, MSE_ERR_NONE);
    assert_non_null(strstr(code_of(&p, &a)->reason, "not all of rtmr0 to rtmr3"));
    for (size_t i = MSE_TD_RTMR0; i <= MSE_TD_RTMR3; i++) {
        EXPECT_CODE(&p, &a, WAIVED, MSE_ERR_NONE);
        p.td[i] = one(of[i]);
    }
    EXPECT_CODE(&p, &a, PASSED, MSE_ERR_NONE);
    for (size_t i = MSE_TD_RTMR0; i <= MSE_TD_RTMR3; i++) {
        p.td[i].count = 0;
        EXPECT_CODE(&p, &a, WAIVED, MSE_ERR_NONE);
        p.td[i].count = 1;
    }
    p.td[MSE_TD_MRTD].count = 0;
    EXPECT_CODE(&p, &a, FAILED, MSE_ERR_POLICY);
}

static void each_td_register_is_compared_whole(void **state)
{
    struct mse_appraisal a = tdx();

    (void)state;
    for (size_t i = 0; i < MSE_TD_REGISTER_COUNT; i++) {
        struct mse_policy p = fresh();

        for (size_t k = MSE_TD_MRTD; k <= MSE_TD_RTMR3; k++)
            p.td[k] = one(of[k]);
        p.td[i] = one(of[i]);
        EXPECT_CODE(&p, &a, PASSED, MSE_ERR_NONE);
        p.td[i] = one(off(i, 48));
        EXPECT_CODE(&p, &a, FAILED, MSE_ERR_MISMATCH);
        p.td[i] = one(of[(i + 1) % MSE_TD_REGISTER_COUNT]);
        EXPECT_CODE(&p, &a, FAILED, MSE_ERR_MISMATCH);
        /* alone, without mrtd: nothing that it could rest on */
        p = fresh();
        p.td[i] = one(of[i]);
        if (i != MSE_TD_MRTD)
            EXPECT_CODE(&p, &a, FAILED, MSE_ERR_POLICY);
    }
}

static void a_td_has_no_fingerprint_to_compare(void **state)
{
    struct mse_appraisal a = tdx();
    struct mse_policy p = fresh();
    uint8_t out[32];

    (void)state;
    memset(out, 1, sizeof(out));
    assert_false(mse_fingerprint_of(&a, out));
    assert_memory_equal(out, zeros, 32);
    p.fingerprint = one(of[0]);
    EXPECT_CODE(&p, &a, MSE_OUTCOME_UNKNOWN, MSE_ERR_UNSUPPORTED);
    /* beside mrtd it is for evidence of the other kinds, and replaces no register */
    p.td[MSE_TD_MRTD] = one(of[MSE_TD_MRTD]);
    EXPECT_CODE(&p, &a, WAIVED, MSE_ERR_NONE);
}

static void snp_code_is_measurement_and_host_data(void **state)
{
    struct mse_appraisal a = snp();
    struct mse_policy p = fresh();

    (void)state;
    EXPECT_CODE(&p, &a, WAIVED, MSE_ERR_NONE);
    p.snp[MSE_SNP_MEASUREMENT] = one(of[MSE_SNP_MEASUREMENT]);
    EXPECT_CODE(&p, &a, WAIVED, MSE_ERR_NONE);
    assert_non_null(strstr(code_of(&p, &a)->reason, "host_data, which is not empty"));
    a.snp.host_data = zeros;
    EXPECT_CODE(&p, &a, PASSED, MSE_ERR_NONE);
    p.snp[MSE_SNP_HOST_DATA] = one(zeros);
    EXPECT_CODE(&p, &a, PASSED, MSE_ERR_NONE);
    a.snp.host_data = of[MSE_SNP_HOST_DATA];
    EXPECT_CODE(&p, &a, FAILED, MSE_ERR_MISMATCH);
    p.snp[MSE_SNP_HOST_DATA] = one(of[MSE_SNP_HOST_DATA]);
    EXPECT_CODE(&p, &a, PASSED, MSE_ERR_NONE);
    p.snp[MSE_SNP_HOST_DATA] = one(off(MSE_SNP_HOST_DATA, 32));
    EXPECT_CODE(&p, &a, FAILED, MSE_ERR_MISMATCH);
    p.snp[MSE_SNP_HOST_DATA] = one(of[MSE_SNP_HOST_DATA]);
    p.snp[MSE_SNP_MEASUREMENT] = one(off(MSE_SNP_MEASUREMENT, 48));
    EXPECT_CODE(&p, &a, FAILED, MSE_ERR_MISMATCH);
    p.snp[MSE_SNP_MEASUREMENT].count = 0;
    EXPECT_CODE(&p, &a, FAILED, MSE_ERR_POLICY);
}

/* python3: sha256(b"mse-fingerprint-v1\nsnp\0" + 48 * b"\1" + 32 * b"\2") */
static void the_snp_fingerprint_covers_both(void **state)
{
    static const uint8_t want[32] = { 0xee, 0x54, 0xfb, 0x51, 0x8f, 0xa7, 0x48, 0x15,
                                      0x7d, 0x2f, 0xf7, 0x26, 0xcf, 0x8e, 0xd1, 0x45,
                                      0x5a, 0x00, 0x65, 0x02, 0xea, 0xfa, 0xb8, 0x37,
                                      0x95, 0xb1, 0x9b, 0xcd, 0x72, 0x5d, 0xbe, 0xcf };
    struct mse_appraisal a = snp();
    struct mse_policy p = fresh();
    uint8_t out[32], copy[32];

    (void)state;
    assert_true(mse_fingerprint_of(&a, out));
    assert_memory_equal(out, want, 32);
    memcpy(copy, want, 32);
    p.fingerprint = one(copy);
    EXPECT_CODE(&p, &a, PASSED, MSE_ERR_NONE);
    a.snp.host_data = zeros;
    EXPECT_CODE(&p, &a, FAILED, MSE_ERR_MISMATCH);
    a = snp();
    a.snp.measurement = off(MSE_SNP_MEASUREMENT, 48);
    EXPECT_CODE(&p, &a, FAILED, MSE_ERR_MISMATCH);
}

static void a_policy_applies_where_it_names_somebody(void **state)
{
    const struct mse_appraisal all[] = { sgx(), tdx(), snp(), { .tee = MSE_TEE_NONE } };
    const struct {
        size_t at; /* of the list in struct mse_policy */
        bool applies[4];
    } cases[] = {
        { offsetof(struct mse_policy, fingerprint), { true, true, true, false } },
        { offsetof(struct mse_policy, mrsigner), { true, false, false, false } },
        { offsetof(struct mse_policy, td[MSE_TD_MRTD]), { false, true, false, false } },
        { offsetof(struct mse_policy, td[MSE_TD_RTMR3]), { false } },
        { offsetof(struct mse_policy, td[MSE_TD_MROWNER]), { false } },
        { offsetof(struct mse_policy, snp[MSE_SNP_MEASUREMENT]), { false, false, true, false } },
        { offsetof(struct mse_policy, snp[MSE_SNP_ID_KEY_DIGEST]), { false, false, true, false } },
        { offsetof(struct mse_policy, snp[MSE_SNP_AUTHOR_KEY_DIGEST]),
          { false, false, true, false } },
        { offsetof(struct mse_policy, snp[MSE_SNP_HOST_DATA]), { false } },
        { offsetof(struct mse_policy, snp[MSE_SNP_FAMILY_ID]), { false } },
        { offsetof(struct mse_policy, machine), { false } },
        { offsetof(struct mse_policy, machine_id), { false } },
        { offsetof(struct mse_policy, instance_key), { false } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_policy p = fresh();
        struct mse_value_list list = one(of[0]);

        memcpy((uint8_t *)&p + cases[i].at, &list, sizeof(list));
        for (size_t k = 0; k < 4; k++)
            assert_int_equal(mse_policy_applies(&p, &all[k]), cases[i].applies[k]);
    }
}

static void sgx_signer_product_and_version(void **state)
{
    static const struct {
        int signer; /* 0: none expected, 1: the right one, 2: another */
        int64_t prod_id, min_svn;
        int want;
    } cases[] = {
        { 0, MSE_NOT_SET, MSE_NOT_SET, WAIVED },
        { 1, MSE_NOT_SET, MSE_NOT_SET, PASSED },
        { 2, MSE_NOT_SET, MSE_NOT_SET, FAILED },
        { 1, 7, MSE_NOT_SET, PASSED },
        { 1, 6, MSE_NOT_SET, FAILED },
        { 1, 8, MSE_NOT_SET, FAILED },
        { 1, 0, MSE_NOT_SET, FAILED },
        { 1, MSE_NOT_SET, 0, PASSED },
        { 1, MSE_NOT_SET, 2, PASSED },
        { 1, MSE_NOT_SET, 3, PASSED },
        { 1, MSE_NOT_SET, 4, FAILED },
        { 1, 7, 3, PASSED },
        { 1, 7, 4, FAILED },
        { 1, 8, 3, FAILED },
        { 2, 7, 3, FAILED },
        { 0, 7, 3, WAIVED },
        { 0, 8, 3, FAILED },
        { 0, 7, 4, FAILED },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_appraisal a = sgx();
        struct mse_policy p = fresh();
        const struct mse_check_result *r;

        if (cases[i].signer != 0)
            p.mrsigner = one(cases[i].signer == 1 ? of[1] : off(1, 32));
        p.isv_prod_id = cases[i].prod_id;
        p.min_isv_svn = cases[i].min_svn;
        r = signer_of(&p, &a);
        if ((int)r->outcome != cases[i].want)
            fail_msg("row %zu: %d %s", i, (int)r->outcome, r->reason);
        assert_int_equal(r->code, cases[i].want == FAILED ? MSE_ERR_MISMATCH : MSE_ERR_NONE);
    }
}

static void snp_signers(void **state)
{
    static const struct {
        enum mse_snp_register expected;
        bool right, id_key_zero, author_key_en;
        int want;
    } cases[] = {
        { MSE_SNP_ID_KEY_DIGEST, true, false, true, PASSED },
        { MSE_SNP_ID_KEY_DIGEST, true, false, false, PASSED },
        { MSE_SNP_ID_KEY_DIGEST, false, false, true, FAILED },
        { MSE_SNP_ID_KEY_DIGEST, true, true, true, FAILED }, /* zeros expected, no identity block */
        { MSE_SNP_AUTHOR_KEY_DIGEST, true, false, true, PASSED },
        { MSE_SNP_AUTHOR_KEY_DIGEST, true, false, false, FAILED }, /* left over, not in use */
        { MSE_SNP_AUTHOR_KEY_DIGEST, false, false, true, FAILED },
        { MSE_SNP_FAMILY_ID, true, false, true, WAIVED }, /* the host may choose these */
        { MSE_SNP_FAMILY_ID, false, false, true, FAILED },
        { MSE_SNP_IMAGE_ID, true, false, true, WAIVED },
        { MSE_SNP_IMAGE_ID, false, false, true, FAILED },
        { MSE_SNP_REGISTER_COUNT, true, false, true, WAIVED },
    };
    static const size_t sizes[MSE_SNP_REGISTER_COUNT] = { 48, 32, 48, 48, 16, 16 };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum mse_snp_register e = cases[i].expected;
        struct mse_appraisal a = snp();
        struct mse_policy p = fresh();
        const struct mse_check_result *r;

        a.snp.author_key_en = cases[i].author_key_en;
        if (e != MSE_SNP_REGISTER_COUNT)
            p.snp[e] = one(cases[i].right ? of[e] : off(e, sizes[e]));
        if (cases[i].id_key_zero) {
            a.snp.id_key_digest = zeros;
            p.snp[e] = one(zeros);
        }
        r = signer_of(&p, &a);
        if ((int)r->outcome != cases[i].want)
            fail_msg("row %zu: %d %s", i, (int)r->outcome, r->reason);
    }
}

static void a_td_has_no_signer(void **state)
{
    struct mse_appraisal a = tdx();
    struct mse_policy p = fresh();

    (void)state;
    assert_int_equal(signer_of(&p, &a)->outcome, MSE_OUTCOME_NOT_APPLICABLE);
}

static void no_kind_of_tee_has_no_code_and_no_signer(void **state)
{
    static const struct mse_appraisal nothing;
    struct mse_policy p = fresh();

    (void)state;
    p.fingerprint = one(zeros);
    assert_int_equal(code_of(&p, &nothing)->outcome, MSE_OUTCOME_UNKNOWN);
    assert_int_equal(signer_of(&p, &nothing)->outcome, FAILED);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(sgx_code_is_mrenclave),
        cmocka_unit_test(a_mismatch_shows_both_values),
        cmocka_unit_test(tdx_code_is_mrtd_and_all_four_rtmrs),
        cmocka_unit_test(each_td_register_is_compared_whole),
        cmocka_unit_test(a_td_has_no_fingerprint_to_compare),
        cmocka_unit_test(snp_code_is_measurement_and_host_data),
        cmocka_unit_test(the_snp_fingerprint_covers_both),
        cmocka_unit_test(a_policy_applies_where_it_names_somebody),
        cmocka_unit_test(sgx_signer_product_and_version),
        cmocka_unit_test(snp_signers),
        cmocka_unit_test(a_td_has_no_signer),
        cmocka_unit_test(no_kind_of_tee_has_no_code_and_no_signer),
    };

    return cmocka_run_group_tests(tests, fill, NULL);
}
