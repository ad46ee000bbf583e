/* SPDX-License-Identifier: Apache-2.0 */
/* Appraises the quote of a test platform and looks at the outcomes. */
#ifndef MSE_TEST_APPRAISE_H
#define MSE_TEST_APPRAISE_H

#include "appraisal/appraisal.h"
#include "test_quote_maker.h"

#define PASSED MSE_OUTCOME_PASSED
#define FAILED MSE_OUTCOME_FAILED
#define UNKNOWN MSE_OUTCOME_UNKNOWN

struct result {
    struct mse_checks checks;
    struct mse_appraisal appraisal;
    struct mse_quote quote;
};

/* cache may be NULL. */
static inline struct result appraise_with(struct mse_trust_cache *cache, const struct test_intel *t,
                                          int64_t at)
{
    struct result r = { 0 };
    struct mse_error err = { 0 };

    assert_true(mse_quote_parse(test_bytes(&t->quote), MSE_PADDING_NONE, &r.quote, &err));
    assert_true(mse_dcap_appraise(cache, &t->roots, t->collateral, &r.quote, at, &r.checks,
                                  &r.appraisal, &err));
    assert_int_equal(err.code, MSE_ERR_NONE);
    return r;
}

static inline struct result appraise_at(const struct test_intel *t, int64_t at)
{
    return appraise_with(NULL, t, at);
}

static inline struct result appraise(const struct test_intel *t)
{
    return appraise_at(t, TEST_NOW);
}

static inline void expect(const struct result *r, enum mse_check check, enum mse_outcome outcome,
                          enum mse_err_code code)
{
    const struct mse_check_result *c = &r->checks.of[check];

    if (c->outcome != outcome || c->code != code)
        fail_msg("check %d: outcome %d, wanted %d; code %d, wanted %d: %s", (int)check,
                 (int)c->outcome, (int)outcome, (int)c->code, (int)code, c->reason);
}

static inline void expect_all_passed(const struct result *r)
{
    static const enum mse_check all[] = { MSE_CHECK_CHAIN, MSE_CHECK_REVOCATION,
                                          MSE_CHECK_SIGNATURE, MSE_CHECK_QE_IDENTITY,
                                          MSE_CHECK_COLLATERAL };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        expect(r, all[i], PASSED, MSE_ERR_NONE);
}

/* Nothing that rests on the chain may pass once it failed. */
static inline void expect_chain_failed(const struct result *r, enum mse_err_code code)
{
    static const enum mse_check above[] = { MSE_CHECK_REVOCATION, MSE_CHECK_SIGNATURE,
                                            MSE_CHECK_QE_IDENTITY, MSE_CHECK_COLLATERAL };

    expect(r, MSE_CHECK_CHAIN, FAILED, code);
    for (size_t i = 0; i < sizeof(above) / sizeof(above[0]); i++)
        assert_true(r->checks.of[above[i]].outcome == FAILED ||
                    r->checks.of[above[i]].outcome == UNKNOWN);
    assert_false(r->appraisal.tcb.evaluated);
    assert_false(r->appraisal.early.evaluated);
}

#endif
