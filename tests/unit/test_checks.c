/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "appraisal/checks.h"

static const enum mse_check any = MSE_CHECK_CHAIN;

static void set(struct mse_checks *checks, enum mse_outcome outcome, const char *text)
{
    switch (outcome) {
    case MSE_OUTCOME_FAILED:
        assert_false(mse_check_fail(checks, any, MSE_ERR_CHAIN, "%s", text));
        break;
    case MSE_OUTCOME_UNKNOWN:
        assert_false(mse_check_unknown(checks, any, MSE_ERR_MISSING, "%s", text));
        break;
    case MSE_OUTCOME_WAIVED:
        mse_check_waive(checks, any, "%s", text);
        break;
    case MSE_OUTCOME_PASSED:
        mse_check_pass_text(checks, any, "%s", text);
        break;
    case MSE_OUTCOME_NOT_RUN:
    case MSE_OUTCOME_NOT_APPLICABLE:
        break;
    }
}

static void untouched_memory_is_no_pass(void **state)
{
    struct mse_checks checks = { 0 };

    (void)state;
    assert_int_equal(checks.of[any].outcome, MSE_OUTCOME_NOT_RUN);
    assert_int_not_equal(MSE_OUTCOME_PASSED, 0);
}

/* Every pair: who is left. */
static void outcomes_only_get_worse(void **state)
{
    /* clang-format off */
    static const struct { enum mse_outcome first, second; bool second_stays; } cases[] = {
        { MSE_OUTCOME_NOT_RUN, MSE_OUTCOME_PASSED,  true },
        { MSE_OUTCOME_NOT_RUN, MSE_OUTCOME_WAIVED,  true },
        { MSE_OUTCOME_NOT_RUN, MSE_OUTCOME_UNKNOWN, true },
        { MSE_OUTCOME_NOT_RUN, MSE_OUTCOME_FAILED,  true },
        { MSE_OUTCOME_PASSED,  MSE_OUTCOME_PASSED,  false },
        { MSE_OUTCOME_PASSED,  MSE_OUTCOME_WAIVED,  false },
        { MSE_OUTCOME_PASSED,  MSE_OUTCOME_UNKNOWN, true },
        { MSE_OUTCOME_PASSED,  MSE_OUTCOME_FAILED,  true },
        { MSE_OUTCOME_WAIVED,  MSE_OUTCOME_PASSED,  false },
        { MSE_OUTCOME_WAIVED,  MSE_OUTCOME_WAIVED,  false },
        { MSE_OUTCOME_WAIVED,  MSE_OUTCOME_UNKNOWN, true },
        { MSE_OUTCOME_WAIVED,  MSE_OUTCOME_FAILED,  true },
        { MSE_OUTCOME_UNKNOWN, MSE_OUTCOME_PASSED,  false },
        { MSE_OUTCOME_UNKNOWN, MSE_OUTCOME_WAIVED,  false },
        { MSE_OUTCOME_UNKNOWN, MSE_OUTCOME_UNKNOWN, false },
        { MSE_OUTCOME_UNKNOWN, MSE_OUTCOME_FAILED,  true },
        { MSE_OUTCOME_FAILED,  MSE_OUTCOME_PASSED,  false },
        { MSE_OUTCOME_FAILED,  MSE_OUTCOME_WAIVED,  false },
        { MSE_OUTCOME_FAILED,  MSE_OUTCOME_UNKNOWN, false },
        { MSE_OUTCOME_FAILED,  MSE_OUTCOME_FAILED,  false },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_checks checks = { 0 };

        set(&checks, cases[i].first, "first");
        set(&checks, cases[i].second, "second");
        assert_int_equal(checks.of[any].outcome,
                         cases[i].second_stays ? cases[i].second : cases[i].first);
        assert_string_equal(checks.of[any].reason, cases[i].second_stays ? "second" : "first");
    }
}

static void a_worse_outcome_leaves_nothing_of_the_better_one(void **state)
{
    static const uint8_t a[] = { 0xab, 0xcd }, b[] = { 0x01 };
    struct mse_checks checks = { 0 };

    (void)state;
    mse_check_unknown(&checks, any, MSE_ERR_EXPIRED, "old");
    mse_check_fail_bytes(&checks, any, MSE_BYTES(a), MSE_BYTES(b), "number %d", 7);
    assert_int_equal(checks.of[any].code, MSE_ERR_MISMATCH);
    assert_string_equal(checks.of[any].reason, "number 7");
    assert_string_equal(checks.of[any].expected, "abcd");
    assert_string_equal(checks.of[any].actual, "01");
    assert_int_equal(checks.of[MSE_CHECK_TCB].outcome, MSE_OUTCOME_NOT_RUN);
}

static void long_values_are_cut_not_overrun(void **state)
{
    uint8_t many[200];
    struct mse_checks checks = { 0 };
    char text[600];

    (void)state;
    memset(many, 0x5a, sizeof(many));
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    mse_check_fail_bytes(&checks, any, MSE_BYTES(many), MSE_BYTES(many), "%s", text);
    assert_int_equal(strlen(checks.of[any].expected), 190);
    assert_int_equal(strlen(checks.of[any].reason), sizeof(checks.of[any].reason) - 1);
}

static void an_error_becomes_the_reason(void **state)
{
    struct mse_checks checks = { 0 };
    struct mse_error err = { .code = MSE_ERR_SIGNATURE, .field = "quote" };

    (void)state;
    mse_check_fail_error(&checks, any, &err);
    assert_int_equal(checks.of[any].outcome, MSE_OUTCOME_FAILED);
    assert_int_equal(checks.of[any].code, MSE_ERR_SIGNATURE);
    assert_non_null(strstr(checks.of[any].reason, "quote"));
}

static void not_applicable_can_only_fail_or_become_unknown(void **state)
{
    struct mse_checks checks = { 0 };

    (void)state;
    checks.of[any].outcome = MSE_OUTCOME_NOT_APPLICABLE;
    mse_check_pass(&checks, any);
    assert_int_equal(checks.of[any].outcome, MSE_OUTCOME_NOT_APPLICABLE);
    mse_check_unknown(&checks, any, MSE_ERR_MISSING, "gone");
    assert_int_equal(checks.of[any].outcome, MSE_OUTCOME_UNKNOWN);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(untouched_memory_is_no_pass),
        cmocka_unit_test(outcomes_only_get_worse),
        cmocka_unit_test(a_worse_outcome_leaves_nothing_of_the_better_one),
        cmocka_unit_test(long_values_are_cut_not_overrun),
        cmocka_unit_test(an_error_becomes_the_reason),
        cmocka_unit_test(not_applicable_can_only_fail_or_become_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
