/* SPDX-License-Identifier: Apache-2.0 */
/* Claims of each kind of TEE filled in by hand, and what one check says about them. */
#ifndef MSE_TEST_CLAIMS_H
#define MSE_TEST_CLAIMS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "verdict/policy_check.h"

enum { PASSED = MSE_OUTCOME_PASSED, FAILED = MSE_OUTCOME_FAILED, WAIVED = MSE_OUTCOME_WAIVED };

/* Values whose bytes are all the same; of[n] has bytes n. Wrong ones differ in the last byte. */
static uint8_t of[32][64], wrong[32][64], zeros[64] __attribute__((unused));

static inline int fill(void **state)
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

static inline struct mse_value_list one(uint8_t *value)
{
    return (struct mse_value_list){ value, 1 };
}

static inline struct mse_policy fresh(void)
{
    struct mse_policy *p = NULL, copy;
    struct mse_error err = { 0 };

    assert_true(mse_policy_new(&p, &err));
    copy = *p; /* owns no list yet */
    mse_policy_free(p);
    return copy;
}

static inline struct mse_appraisal sgx(void)
{
    struct mse_appraisal a = { .tee = MSE_TEE_SGX };

    a.quote.sgx.mrenclave = of[0];
    a.quote.sgx.mrsigner = of[1];
    a.quote.sgx.isv_prod_id = 7;
    a.quote.sgx.isv_svn = 3;
    a.quote.sgx.flags = MSE_SGX_INIT | MSE_SGX_MODE64;
    return a;
}

static inline struct mse_appraisal tdx(void)
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

static inline struct mse_appraisal snp(void)
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

static inline const struct mse_check_result *run(check_function *function, enum mse_check which,
                                                 const struct mse_policy *p,
                                                 const struct mse_appraisal *a)
{
    static struct mse_checks checks;

    memset(&checks, 0, sizeof(checks));
    function(p, a, &checks);
    for (unsigned i = 0; i < MSE_CHECK_COUNT; i++)
        assert_true(i == (unsigned)which || checks.of[i].outcome == MSE_OUTCOME_NOT_RUN);
    return &checks.of[which];
}

#endif
