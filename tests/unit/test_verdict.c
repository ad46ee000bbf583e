/* SPDX-License-Identifier: Apache-2.0 */
/* From outcomes to verdict, exhaustively: every check in every outcome among passed ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "verdict/verdict.h"

static struct mse_checks all_passed(void)
{
    struct mse_checks c = { 0 };

    for (size_t i = 0; i < MSE_CHECK_COUNT; i++)
        c.of[i].outcome = MSE_OUTCOME_PASSED;
    return c;
}

static void untouched_memory_is_a_failure(void **state)
{
    struct mse_checks c = { 0 };

    (void)state;
    assert_int_equal(mse_verdict_of(&c), MSE_VERDICT_FAIL);
}

static void every_check_passed_is_a_pass(void **state)
{
    struct mse_checks c = all_passed();

    (void)state;
    assert_int_equal(mse_verdict_of(&c), MSE_VERDICT_PASS);
}

static void one_check_not_run_or_failed_fails_whatever_check_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < MSE_CHECK_COUNT; i++) {
        struct mse_checks c = all_passed();

        c.of[i].outcome = MSE_OUTCOME_NOT_RUN;
        assert_int_equal(mse_verdict_of(&c), MSE_VERDICT_FAIL);
        c.of[i].outcome = MSE_OUTCOME_FAILED;
        assert_int_equal(mse_verdict_of(&c), MSE_VERDICT_FAIL);
        c.of[i].outcome = (enum mse_outcome)99;
        assert_int_equal(mse_verdict_of(&c), MSE_VERDICT_FAIL);
    }
}

static void one_unknown_check_makes_it_unknown_and_a_failure_beats_that(void **state)
{
    (void)state;
    for (size_t i = 0; i < MSE_CHECK_COUNT; i++) {
        struct mse_checks c = all_passed();

        c.of[i].outcome = MSE_OUTCOME_UNKNOWN;
        assert_int_equal(mse_verdict_of(&c), MSE_VERDICT_UNKNOWN);
        c.of[(i + 1) % MSE_CHECK_COUNT].outcome = MSE_OUTCOME_FAILED;
        assert_int_equal(mse_verdict_of(&c), MSE_VERDICT_FAIL);
    }
}

/* From docs/threat-model.md and mse-policy(5), not from the table in verdict.c. */
static const struct {
    enum mse_check check;
    enum mse_verdict waived, not_applicable;
} expected[] = {
    { MSE_CHECK_EVIDENCE, MSE_VERDICT_FAIL, MSE_VERDICT_FAIL },
    { MSE_CHECK_CHAIN, MSE_VERDICT_FAIL, MSE_VERDICT_FAIL },
    { MSE_CHECK_REVOCATION, MSE_VERDICT_FAIL, MSE_VERDICT_FAIL },
    { MSE_CHECK_SIGNATURE, MSE_VERDICT_FAIL, MSE_VERDICT_FAIL },
    { MSE_CHECK_QE_IDENTITY, MSE_VERDICT_FAIL, MSE_VERDICT_PASS },
    { MSE_CHECK_COLLATERAL, MSE_VERDICT_FAIL, MSE_VERDICT_FAIL },
    { MSE_CHECK_TCB, MSE_VERDICT_INCOMPLETE, MSE_VERDICT_FAIL },
    { MSE_CHECK_ATTRIBUTES, MSE_VERDICT_FAIL, MSE_VERDICT_FAIL },
    { MSE_CHECK_MACHINE, MSE_VERDICT_FAIL, MSE_VERDICT_PASS },
    { MSE_CHECK_BINDING, MSE_VERDICT_INCOMPLETE, MSE_VERDICT_FAIL },
    { MSE_CHECK_CERTIFICATE, MSE_VERDICT_FAIL, MSE_VERDICT_PASS },
    { MSE_CHECK_NAME, MSE_VERDICT_INCOMPLETE, MSE_VERDICT_PASS },
    { MSE_CHECK_SIGNER, MSE_VERDICT_INCOMPLETE, MSE_VERDICT_PASS },
    { MSE_CHECK_INSTANCE, MSE_VERDICT_INCOMPLETE, MSE_VERDICT_PASS },
    { MSE_CHECK_RELEASE, MSE_VERDICT_FAIL, MSE_VERDICT_PASS },
    { MSE_CHECK_RUNTIME, MSE_VERDICT_FAIL, MSE_VERDICT_PASS },
    { MSE_CHECK_FINGERPRINT, MSE_VERDICT_INCOMPLETE, MSE_VERDICT_FAIL },
    { MSE_CHECK_AGE, MSE_VERDICT_FAIL, MSE_VERDICT_PASS },
    { MSE_CHECK_LEVEL, MSE_VERDICT_PASS, MSE_VERDICT_FAIL },
};

static void only_listed_checks_can_be_left_out(void **state)
{
    (void)state;
    assert_int_equal(sizeof(expected) / sizeof(expected[0]), MSE_CHECK_COUNT);
    for (size_t i = 0; i < MSE_CHECK_COUNT; i++) {
        struct mse_checks c = all_passed();

        c.of[expected[i].check].outcome = MSE_OUTCOME_WAIVED;
        assert_int_equal(mse_verdict_of(&c), expected[i].waived);
        c.of[expected[i].check].outcome = MSE_OUTCOME_NOT_APPLICABLE;
        assert_int_equal(mse_verdict_of(&c), expected[i].not_applicable);
    }
}

static void strict_turns_what_was_left_out_into_a_failure(void **state)
{
    struct mse_checks c = all_passed();

    (void)state;
    c.of[MSE_CHECK_LEVEL].outcome = MSE_OUTCOME_WAIVED;
    mse_verdict_refuse_waived(&c);
    assert_int_equal(mse_verdict_of(&c), MSE_VERDICT_PASS);
    c.of[MSE_CHECK_FINGERPRINT].outcome = MSE_OUTCOME_WAIVED;
    mse_verdict_refuse_waived(&c);
    assert_int_equal(mse_verdict_of(&c), MSE_VERDICT_FAIL);
}

static void names_are_stable_and_distinct(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MSE_CHECK_COUNT; i++) {
        for (unsigned k = 0; k < i; k++)
            assert_string_not_equal(mse_check_name((enum mse_check)i),
                                    mse_check_name((enum mse_check)k));
    }
    assert_string_equal(mse_check_name(MSE_CHECK_QE_IDENTITY), "qe-identity");
    assert_string_equal(mse_check_name(MSE_CHECK_COUNT), "?");
    assert_string_equal(mse_verdict_name(MSE_VERDICT_INCOMPLETE), "incomplete");
    assert_string_equal(mse_outcome_name(MSE_OUTCOME_NOT_RUN), "not run");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(untouched_memory_is_a_failure),
        cmocka_unit_test(every_check_passed_is_a_pass),
        cmocka_unit_test(one_check_not_run_or_failed_fails_whatever_check_it_is),
        cmocka_unit_test(one_unknown_check_makes_it_unknown_and_a_failure_beats_that),
        cmocka_unit_test(only_listed_checks_can_be_left_out),
        cmocka_unit_test(strict_turns_what_was_left_out_into_a_failure),
        cmocka_unit_test(names_are_stable_and_distinct),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
