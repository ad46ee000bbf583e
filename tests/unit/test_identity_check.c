/* SPDX-License-Identifier: Apache-2.0 */
/* Claims filled in by hand against policies: code, signer, machine, attributes, security level. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "verdict/policy_check.h"

#define AT 1793534400 /* 2026-11-01 12:00 UTC */

enum { PASSED = MSE_OUTCOME_PASSED, FAILED = MSE_OUTCOME_FAILED, WAIVED = MSE_OUTCOME_WAIVED };

/* Values whose bytes are all the same; of[n] has bytes n. Wrong ones differ in the last byte. */
static uint8_t of[32][64], wrong[32][64], zeros[64];

static int fill(void **state)
{
    (void)state;
    for (size_t i = 0; i < 32; i++) {
        memset(of[i], (int)i + 1, 64);
        memset(wrong[i], (int)i + 1, 64);
    }
    return 0;
}

/* Byte at the end of a value of this size is another one. */
static uint8_t *off(size_t i, size_t size)
{
    memset(wrong[i], (int)i + 1, 64);
    wrong[i][size - 1] ^= 1;
    return wrong[i];
}

static struct mse_value_list one(uint8_t *value)
{
    return (struct mse_value_list){ value, 1 };
}

static struct mse_policy fresh(void)
{
    struct mse_policy *p = NULL, copy;
    struct mse_error err = { 0 };

    assert_true(mse_policy_new(&p, &err));
    copy = *p; /* owns no list yet */
    mse_policy_free(p);
    return copy;
}

static struct mse_appraisal sgx(void)
{
    struct mse_appraisal a = { .tee = MSE_TEE_SGX };

    a.quote.sgx.mrenclave = of[0];
    a.quote.sgx.mrsigner = of[1];
    a.quote.sgx.isv_prod_id = 7;
    a.quote.sgx.isv_svn = 3;
    a.quote.sgx.flags = MSE_SGX_INIT | MSE_SGX_MODE64;
    return a;
}

static struct mse_appraisal tdx(void)
{
    struct mse_appraisal a = { .tee = MSE_TEE_TDX };
    struct mse_td_body *b = &a.quote.td;

    b->mrtd = of[MSE_TD_MRTD];
    for (size_t i = 0; i < 4; i++)
        b->rtmr[i] = of[MSE_TD_RTMR0 + i];
    b->mrseam = of[MSE_TD_MRSEAM];
    b->mrconfigid = of[MSE_TD_MRCONFIGID];
    b->mrowner = of[MSE_TD_MROWNER];
    b->mrownerconfig = of[MSE_TD_MROWNERCONFIG];
    b->td_attributes = MSE_TD_SEPT_VE_DISABLE;
    return a;
}

static struct mse_appraisal snp(void)
{
    struct mse_appraisal a = { .tee = MSE_TEE_SNP };
    struct mse_snp_report *b = &a.snp;

    b->measurement = of[MSE_SNP_MEASUREMENT];
    b->host_data = of[MSE_SNP_HOST_DATA];
    b->id_key_digest = of[MSE_SNP_ID_KEY_DIGEST];
    b->author_key_digest = of[MSE_SNP_AUTHOR_KEY_DIGEST];
    b->family_id = of[MSE_SNP_FAMILY_ID];
    b->image_id = of[MSE_SNP_IMAGE_ID];
    b->chip_id = of[10];
    b->author_key_en = true;
    b->policy = 1ULL << 17;
    return a;
}

typedef void check_function(const struct mse_policy *, const struct mse_appraisal *,
                            struct mse_checks *);

static const struct mse_check_result *run(check_function *function, enum mse_check which,
                                          const struct mse_policy *p, const struct mse_appraisal *a)
{
    static struct mse_checks checks;

    memset(&checks, 0, sizeof(checks));
    function(p, a, &checks);
    for (unsigned i = 0; i < MSE_CHECK_COUNT; i++)
        assert_true(i == (unsigned)which || checks.of[i].outcome == MSE_OUTCOME_NOT_RUN);
    return &checks.of[which];
}

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

static const struct mse_check_result *attributes_of(const struct mse_policy *p,
                                                    const struct mse_appraisal *a)
{
    return run(mse_policy_check_attributes, MSE_CHECK_ATTRIBUTES, p, a);
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
    p.fingerprint = one(zeros);
    assert_int_equal(code_of(&p, &nothing)->outcome, MSE_OUTCOME_UNKNOWN);
    assert_int_equal(signer_of(&p, &nothing)->outcome, FAILED);
    assert_int_equal(attributes_of(&p, &nothing)->outcome, FAILED);
    assert_int_equal(level_of(&p, &nothing, AT, &until)->outcome, FAILED);
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
