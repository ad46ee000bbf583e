/* SPDX-License-Identifier: Apache-2.0 */
/* Machine, attributes and security level: claims filled in by hand against what is accepted. */
#include "test_claims.h"

#define AT 1793534400 /* 2026-11-01 12:00 UTC */

static void machines_are_those_listed(void **state)
{
    enum { NONE = 0, CHIP = 1, PPID = 2, INSTANCE = 4, OTHER_CHIP = 8, OTHER_ID = 16 };
    static const struct {
        enum mse_tee tee;
        bool has_pck, has_instance;
        unsigned listed;
        int want;
    } cases[] = {
        { MSE_TEE_SGX, true, true, NONE, MSE_OUTCOME_NOT_APPLICABLE },
        { MSE_TEE_SNP, false, false, NONE, MSE_OUTCOME_NOT_APPLICABLE },
        { MSE_TEE_SGX, true, true, PPID, PASSED },
        { MSE_TEE_SGX, true, true, INSTANCE, PASSED },
        { MSE_TEE_SGX, true, false, PPID, PASSED },
        { MSE_TEE_SGX, true, false, INSTANCE, FAILED }, /* not stated, whatever memory holds */
        { MSE_TEE_SGX, false, true, PPID, FAILED },     /* no PCK was read */
        { MSE_TEE_SGX, false, true, INSTANCE, FAILED },
        { MSE_TEE_SGX, true, true, OTHER_ID, FAILED },
        { MSE_TEE_SGX, true, true, CHIP, FAILED },
        { MSE_TEE_TDX, true, true, PPID, PASSED },
        { MSE_TEE_TDX, true, true, OTHER_ID, FAILED },
        { MSE_TEE_SNP, false, false, CHIP, PASSED },
        { MSE_TEE_SNP, false, false, OTHER_CHIP, FAILED },
        { MSE_TEE_SNP, true, true, PPID, FAILED },
        { MSE_TEE_SNP, false, false, CHIP | OTHER_ID, PASSED },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned listed = cases[i].listed;
        struct mse_appraisal a = cases[i].tee == MSE_TEE_SGX   ? sgx()
                                 : cases[i].tee == MSE_TEE_TDX ? tdx()
                                                               : snp();
        struct mse_policy p = fresh();
        const struct mse_check_result *r;

        a.has_pck = cases[i].has_pck;
        memcpy(a.pck.ppid, of[11], 16);
        a.pck.has_platform_instance = cases[i].has_instance;
        memcpy(a.pck.platform_instance, of[12], 16);
        if ((listed & (CHIP | OTHER_CHIP)) != 0)
            p.machine = one((listed & CHIP) != 0 ? of[10] : off(10, 64));
        if ((listed & (PPID | INSTANCE | OTHER_ID)) != 0)
            p.machine_id = one((listed & PPID) != 0       ? of[11]
                               : (listed & INSTANCE) != 0 ? of[12]
                                                          : off(11, 16));
        r = run(mse_policy_check_machine, MSE_CHECK_MACHINE, &p, &a);
        if ((int)r->outcome != cases[i].want)
            fail_msg("row %zu: %d %s", i, (int)r->outcome, r->reason);
    }
}

/* A masked chip id is the same for every machine. */
static void a_masked_chip_is_no_machine(void **state)
{
    struct mse_appraisal a = snp();
    struct mse_policy p = fresh();

    (void)state;
    a.snp.chip_id = zeros;
    p.machine = one(zeros);
    assert_int_equal(run(mse_policy_check_machine, MSE_CHECK_MACHINE, &p, &a)->outcome, FAILED);
}

/* ---- attributes ---- */

static const struct mse_check_result *attributes_of(const struct mse_policy *p,
                                                    const struct mse_appraisal *a)
{
    return run(mse_policy_check_attributes, MSE_CHECK_ATTRIBUTES, p, a);
}

static bool *const *allow_flags(struct mse_policy *p, size_t *count)
{
    static bool *flags[7];

    flags[0] = &p->allow_debug;
    flags[1] = &p->allow_provision_key;
    flags[2] = &p->allow_einittoken_key;
    flags[3] = &p->allow_sept_ve;
    flags[4] = &p->allow_migratable;
    flags[5] = &p->allow_migration_agent;
    flags[6] = &p->allow_no_instance;
    *count = 7;
    return flags;
}

enum { HARMLESS = -1, NEVER = -2 };

/* What this evidence is refused for is allowed by exactly one flag (its number), or by none. */
static void expect_allowed_by(const struct mse_appraisal *a, int flag, unsigned bit)
{
    struct mse_policy p = fresh();
    const struct mse_check_result *r = attributes_of(&p, a);
    size_t count;
    bool *const *flags = allow_flags(&p, &count);

    if ((r->outcome == MSE_OUTCOME_PASSED) != (flag == HARMLESS))
        fail_msg("TEE %d, bit %u: %d %s", (int)a->tee, bit, (int)r->outcome, r->reason);
    if (flag != HARMLESS)
        assert_int_equal(r->code, MSE_ERR_POLICY);
    for (size_t i = 0; i < count; i++) {
        bool want = flag == HARMLESS || flag == (int)i;

        *flags[i] = true;
        r = attributes_of(&p, a);
        if ((r->outcome == MSE_OUTCOME_PASSED) != want)
            fail_msg("TEE %d, bit %u, flag %zu: %d %s", (int)a->tee, bit, i, (int)r->outcome,
                     r->reason);
        *flags[i] = false;
    }
    /* all others together do not either */
    for (size_t i = 0; i < count; i++)
        *flags[i] = (int)i != flag;
    assert_int_equal(attributes_of(&p, a)->outcome == MSE_OUTCOME_PASSED, flag == HARMLESS);
}

/* Intel SDM volume 3D, ATTRIBUTES: each of the 64 bits turned over. */
static void each_sgx_attribute_bit(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        struct mse_appraisal a = sgx();
        int flag = bit == 1                            ? 0
                   : bit == 4                          ? 1
                   : bit == 5                          ? 2
                   : bit == 6 || bit == 7 || bit == 10 ? HARMLESS /* CET, KSS, AEX-Notify */
                                                       : NEVER;

        a.quote.sgx.flags ^= 1ULL << bit;
        expect_allowed_by(&a, flag, bit);
    }
}

/* Intel TDX Module ABI, ATTRIBUTES */
static void each_td_attribute_bit(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        struct mse_appraisal a = tdx();
        bool harmless = bit == 27 || bit == 30 || bit == 31 || bit == 62 || bit == 63;
        int flag = bit == 0 ? 0 : bit == 28 ? 3 : bit == 29 ? 4 : harmless ? HARMLESS : NEVER;

        a.quote.td.td_attributes ^= 1ULL << bit;
        expect_allowed_by(&a, flag, bit);
    }
}

/* AMD 56860, GUEST_POLICY: version and other rules narrow the guest down, two bits open it. */
static void each_snp_policy_bit(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 26; bit++) {
        struct mse_appraisal a = snp();
        int flag = bit == 17 ? NEVER : bit == 18 ? 5 : bit == 19 ? 0 : HARMLESS;

        a.snp.policy ^= 1ULL << bit;
        expect_allowed_by(&a, flag, bit);
    }
}

static void two_refused_bits_need_both_permissions(void **state)
{
    struct mse_appraisal a = sgx();
    struct mse_policy p = fresh();

    (void)state;
    a.quote.sgx.flags |= MSE_SGX_DEBUG | MSE_SGX_PROVISION_KEY;
    p.allow_debug = true;
    assert_int_equal(attributes_of(&p, &a)->outcome, FAILED);
    p.allow_provision_key = true;
    assert_int_equal(attributes_of(&p, &a)->outcome, PASSED);
}

static void vmpl_and_signing_key(void **state)
{
    static const struct {
        uint32_t vmpl, signing_key;
        int64_t max_vmpl, expected_key;
        int want;
    } cases[] = {
        { 0, MSE_SNP_VCEK, 0, MSE_NOT_SET, PASSED },
        { 1, MSE_SNP_VCEK, 0, MSE_NOT_SET, FAILED },
        { 1, MSE_SNP_VCEK, 1, MSE_NOT_SET, PASSED },
        { 3, MSE_SNP_VCEK, 2, MSE_NOT_SET, FAILED },
        { UINT32_MAX, MSE_SNP_VCEK, 3, MSE_NOT_SET, FAILED }, /* asked for by the host */
        { 0, MSE_SNP_VLEK, 0, MSE_NOT_SET, PASSED },
        { 0, MSE_SNP_VLEK, 0, MSE_SNP_VLEK, PASSED },
        { 0, MSE_SNP_VCEK, 0, MSE_SNP_VLEK, FAILED },
        { 0, MSE_SNP_VLEK, 0, MSE_SNP_VCEK, FAILED },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_appraisal a = snp();
        struct mse_policy p = fresh();

        a.snp.vmpl = cases[i].vmpl;
        a.snp.signing_key = cases[i].signing_key;
        p.max_vmpl = cases[i].max_vmpl;
        p.snp_signing_key = cases[i].expected_key;
        if ((int)attributes_of(&p, &a)->outcome != cases[i].want)
            fail_msg("row %zu: %s", i, attributes_of(&p, &a)->reason);
    }
}

/* ---- security level ---- */

static const struct mse_check_result *
level_of(const struct mse_policy *p, const struct mse_appraisal *a, int64_t at, int64_t *until)
{
    static struct mse_checks checks;

    memset(&checks, 0, sizeof(checks));
    *until = INT64_MAX;
    mse_policy_check_tcb(p, a, at, until, &checks);
    return &checks.of[MSE_CHECK_TCB];
}

/* Every status against every permission. By default the first two positive ones are fine. */
static void each_tcb_status_needs_its_own_permission(void **state)
{
    (void)state;
    for (int status = 0; status < MSE_TCB_STATUS_COUNT + 1; status++) {
        for (int allowed = -1; allowed < MSE_TCB_STATUS_COUNT; allowed++) {
            bool never = status == MSE_TCB_NO_MATCH || status >= MSE_TCB_REVOKED;
            bool fine = !never && (status == MSE_TCB_UP_TO_DATE ||
                                   status == MSE_TCB_SW_HARDENING_NEEDED || status == allowed);

            for (int tee = MSE_TEE_SGX; tee <= MSE_TEE_TDX; tee++) {
                struct mse_appraisal a = tee == MSE_TEE_SGX ? sgx() : tdx();
                struct mse_policy p = fresh();
                int64_t until;

                a.tcb.evaluated = true;
                a.tcb.status = (enum mse_tcb_status)status;
                a.tcb.tcb_eval = 1000;
                if (allowed >= 0) {
                    p.tcb_allowed[allowed] = true;
                    p.tcb_allowed_until[allowed] = INT64_MAX;
                }
                assert_int_equal(level_of(&p, &a, AT, &until)->outcome, fine ? PASSED : FAILED);
                assert_int_equal(level_of(&p, &a, AT, &until)->code,
                                 fine ? MSE_ERR_NONE : MSE_ERR_TCB);
            }
        }
    }
}

static void a_permission_ends_and_the_verdict_with_it(void **state)
{
    struct mse_appraisal a = sgx();
    struct mse_policy p = fresh();
    int64_t until;

    (void)state;
    a.tcb.evaluated = true;
    a.tcb.status = MSE_TCB_OUT_OF_DATE;
    a.tcb.tcb_eval = 1000;
    p.tcb_allowed[MSE_TCB_OUT_OF_DATE] = true;
    p.tcb_allowed_until[MSE_TCB_OUT_OF_DATE] = AT;
    assert_int_equal(level_of(&p, &a, AT, &until)->outcome, PASSED);
    assert_int_equal(until, AT);
    assert_int_equal(level_of(&p, &a, AT + 1, &until)->outcome, FAILED);
    assert_int_equal(until, INT64_MAX);
}

static void what_was_not_evaluated_is_unknown(void **state)
{
    struct mse_appraisal a = sgx();
    struct mse_policy p = fresh();
    int64_t until;

    (void)state;
    a.tcb.status = MSE_TCB_UP_TO_DATE;
    a.tcb.tcb_eval = 1000;
    assert_int_equal(level_of(&p, &a, AT, &until)->outcome, MSE_OUTCOME_UNKNOWN);
}

/* docs/policy.md: floors of tcbEvaluationDataNumber by date, unless the caller sets one. */
static void old_collateral_is_below_the_floor(void **state)
{
    static const struct {
        int64_t at, min;
        uint32_t have;
        int want;
    } cases[] = {
        { 1696118399, MSE_NOT_SET, 0, PASSED },
        { 1696118400, MSE_NOT_SET, 12, FAILED },
        { 1696118400, MSE_NOT_SET, 13, PASSED },
        { 1735689599, MSE_NOT_SET, 13, PASSED },
        { 1735689600, MSE_NOT_SET, 15, FAILED },
        { 1735689600, MSE_NOT_SET, 16, PASSED },
        { 1767225600, MSE_NOT_SET, 16, FAILED },
        { 1767225600, MSE_NOT_SET, 17, PASSED },
        { 1788220799, MSE_NOT_SET, 17, PASSED },
        { 1788220800, MSE_NOT_SET, 17, FAILED },
        { 1788220800, MSE_NOT_SET, 18, PASSED },
        { AT, 19, 18, FAILED },
        { AT, 19, 19, PASSED },
        { AT, 0, 0, PASSED },
        { AT, 5, 5, PASSED },
        { AT, 5, 4, FAILED },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_appraisal a = sgx();
        struct mse_policy p = fresh();
        int64_t until;

        a.tcb.evaluated = true;
        a.tcb.status = MSE_TCB_UP_TO_DATE;
        a.tcb.tcb_eval = cases[i].have;
        p.min_tcb_eval = cases[i].min;
        if ((int)level_of(&p, &a, cases[i].at, &until)->outcome != cases[i].want)
            fail_msg("row %zu: %s", i, level_of(&p, &a, cases[i].at, &until)->reason);
    }
}

/* The early set foretells; it decides nothing yet. */
static void an_early_set_that_will_refuse_is_told(void **state)
{
    struct mse_appraisal a = sgx();
    struct mse_policy p = fresh();
    int64_t until;

    (void)state;
    a.tcb.evaluated = a.early.evaluated = true;
    a.tcb.status = MSE_TCB_UP_TO_DATE;
    a.early.status = MSE_TCB_OUT_OF_DATE;
    a.tcb.tcb_eval = a.early.tcb_eval = 1000;
    assert_int_equal(level_of(&p, &a, AT, &until)->outcome, PASSED);
    assert_non_null(strstr(level_of(&p, &a, AT, &until)->reason, "early set"));
    a.early.status = MSE_TCB_UP_TO_DATE;
    assert_null(strstr(level_of(&p, &a, AT, &until)->reason, "early set"));
}

/* Each of the five parts of each of the three floors, one below it, on it. */
static void snp_floors(void **state)
{
    (void)state;
    for (size_t which = 0; which < 3; which++) {
        for (size_t part = 0; part < 5; part++) {
            for (int have = 9; have <= 11; have++) {
                struct mse_appraisal a = snp();
                struct mse_policy p = fresh();
                struct mse_snp_floor *floors[] = { &p.min_reported_tcb, &p.min_committed_tcb,
                                                   &p.min_launch_tcb };
                struct mse_snp_tcb *tcbs[] = { &a.reported_tcb, &a.committed_tcb, &a.launch_tcb };
                struct mse_snp_tcb ten = { 10, 10, 10, 10, 10 };
                uint8_t *parts[] = { &ten.fmc, &ten.bl, &ten.tee, &ten.snp, &ten.ucode };
                struct mse_snp_floor none = { MSE_NOT_SET, MSE_NOT_SET, MSE_NOT_SET,
                                              MSE_NOT_SET, MSE_NOT_SET, true };
                int *wants[] = { &none.fmc, &none.bl, &none.tee, &none.snp, &none.ucode };
                int64_t until;
                int good = which == 0 ? PASSED : WAIVED;

                *parts[part] = (uint8_t)have;
                *tcbs[which] = ten;
                *wants[part] = 10;
                *floors[which] = none;
                assert_int_equal(level_of(&p, &a, AT, &until)->outcome, have < 10 ? FAILED : good);
                assert_int_equal(level_of(&p, &a, AT, &until)->code,
                                 have < 10 ? MSE_ERR_TCB : MSE_ERR_NONE);
                floors[which]->set = false;
                assert_int_equal(level_of(&p, &a, AT, &until)->outcome, WAIVED);
            }
        }
    }
}

static void no_kind_of_tee_passes_nothing(void **state)
{
    static const struct mse_appraisal nothing;
    struct mse_policy p = fresh();
    int64_t until;

    (void)state;
    assert_int_equal(attributes_of(&p, &nothing)->outcome, FAILED);
    assert_int_equal(level_of(&p, &nothing, AT, &until)->outcome, FAILED);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(machines_are_those_listed),
        cmocka_unit_test(a_masked_chip_is_no_machine),
        cmocka_unit_test(each_sgx_attribute_bit),
        cmocka_unit_test(each_td_attribute_bit),
        cmocka_unit_test(each_snp_policy_bit),
        cmocka_unit_test(two_refused_bits_need_both_permissions),
        cmocka_unit_test(vmpl_and_signing_key),
        cmocka_unit_test(each_tcb_status_needs_its_own_permission),
        cmocka_unit_test(a_permission_ends_and_the_verdict_with_it),
        cmocka_unit_test(what_was_not_evaluated_is_unknown),
        cmocka_unit_test(old_collateral_is_below_the_floor),
        cmocka_unit_test(an_early_set_that_will_refuse_is_told),
        cmocka_unit_test(snp_floors),
        cmocka_unit_test(no_kind_of_tee_passes_nothing),
    };

    return cmocka_run_group_tests(tests, fill, NULL);
}
