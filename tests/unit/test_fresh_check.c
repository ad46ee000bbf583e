/* SPDX-License-Identifier: Apache-2.0 */
/* How what is found about fresh evidence counts, and when two pieces are of one enclave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "verdict/fresh.h"
#include "verdict/verdict.h"

/* Every check that evidence has. */
static const enum mse_check of_evidence[] = {
    MSE_CHECK_EVIDENCE,    MSE_CHECK_CHAIN,      MSE_CHECK_REVOCATION,  MSE_CHECK_SIGNATURE,
    MSE_CHECK_QE_IDENTITY, MSE_CHECK_COLLATERAL, MSE_CHECK_TCB,         MSE_CHECK_ATTRIBUTES,
    MSE_CHECK_MACHINE,     MSE_CHECK_SIGNER,     MSE_CHECK_FINGERPRINT,
};
#define COUNT (sizeof(of_evidence) / sizeof(of_evidence[0]))

static struct mse_checks all_passed(void)
{
    struct mse_checks checks = { 0 };

    for (size_t i = 0; i < MSE_CHECK_COUNT; i++)
        mse_check_pass(&checks, (enum mse_check)i);
    return checks;
}

static struct mse_checks evidence_passed(void)
{
    struct mse_checks checks = { 0 };

    for (size_t i = 0; i < COUNT; i++)
        mse_check_pass(&checks, of_evidence[i]);
    return checks;
}

static void what_passed_twice_has_passed(void **state)
{
    struct mse_checks checks = all_passed(), own = evidence_passed();

    (void)state;
    mse_fresh_merge(&own, &checks);
    assert_int_equal(mse_verdict_of(&checks), MSE_VERDICT_PASS);
}

/* With an owner's certificate there is nothing before it. */
static void alone_it_decides(void **state)
{
    struct mse_checks checks = { 0 }, own = evidence_passed();

    (void)state;
    mse_fresh_merge(&own, &checks);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(checks.of[of_evidence[i]].outcome, MSE_OUTCOME_PASSED);
    assert_int_equal(mse_verdict_of(&checks), MSE_VERDICT_FAIL); /* the others did not run */
}

static void a_check_that_did_not_run_is_none_of_the_certificates(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        struct mse_checks checks = all_passed(), own = evidence_passed();

        own.of[of_evidence[i]] = (struct mse_check_result){ 0 };
        checks.of[MSE_CHECK_LEVEL] = (struct mse_check_result){ 0 };
        mse_fresh_merge(&own, &checks);
        assert_int_equal(checks.of[MSE_CHECK_LEVEL].outcome, MSE_OUTCOME_FAILED);
        assert_int_equal(mse_verdict_of(&checks), MSE_VERDICT_FAIL);
    }
}

static void each_failure_counts_and_says_whose_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        struct mse_checks checks = all_passed(), own = { 0 };

        (void)mse_check_fail_bytes(&own, of_evidence[i], MSE_CSTR_BYTES("a"), MSE_CSTR_BYTES("b"),
                                   "wrong");
        mse_fresh_merge(&own, &checks);
        assert_int_equal(mse_verdict_of(&checks), MSE_VERDICT_FAIL);
        assert_string_equal(checks.of[of_evidence[i]].reason, "fresh evidence: wrong");
        assert_string_equal(checks.of[of_evidence[i]].expected, "61");
        assert_string_equal(checks.of[of_evidence[i]].actual, "62");
        assert_int_equal(checks.of[MSE_CHECK_LEVEL].outcome, MSE_OUTCOME_PASSED);
    }
}

static void what_cannot_be_told_is_unknown(void **state)
{
    struct mse_checks checks = all_passed(), own = evidence_passed();

    (void)state;
    (void)mse_check_unknown(&own, MSE_CHECK_TCB, MSE_ERR_MISSING, "no TCB info");
    mse_fresh_merge(&own, &checks);
    assert_int_equal(mse_verdict_of(&checks), MSE_VERDICT_UNKNOWN);
    assert_string_equal(checks.of[MSE_CHECK_TCB].reason, "fresh evidence: no TCB info");
}

/* ---- one enclave ---- */

static const uint8_t zeros[64], other[64] = { 1 };

static struct mse_appraisal appraisal_of(enum mse_tee tee)
{
    struct mse_appraisal a = { .tee = tee };

    a.quote.sgx.mrenclave = a.quote.sgx.mrsigner = a.quote.sgx.attributes = zeros;
    a.quote.sgx.report_data = zeros;
    a.quote.td.mrtd = zeros;
    for (size_t i = 0; i < 4; i++)
        a.quote.td.rtmr[i] = zeros;
    a.snp.measurement = a.snp.host_data = a.snp.id_key_digest = a.snp.author_key_digest = zeros;
    return a;
}

static void enclaves_differ_in_each_of_these(void **state)
{
    static const enum mse_tee tees[] = { MSE_TEE_SGX, MSE_TEE_TDX, MSE_TEE_SNP };
    struct mse_appraisal b;
    const uint8_t **const fields[] = {
        &b.quote.sgx.mrenclave, &b.quote.sgx.mrsigner, &b.quote.sgx.attributes,
        &b.quote.td.mrtd,       &b.quote.td.rtmr[0],   &b.quote.td.rtmr[1],
        &b.quote.td.rtmr[2],    &b.quote.td.rtmr[3],   &b.snp.measurement,
        &b.snp.host_data,       &b.snp.id_key_digest,  &b.snp.author_key_digest,
    };
    static const size_t first[] = { 0, 3, 8, 12 }; /* of each kind */

    (void)state;
    for (size_t t = 0; t < 3; t++) {
        struct mse_appraisal a = appraisal_of(tees[t]);

        b = a;
        assert_true(mse_same_enclave(&a, &b));
        for (size_t i = 0; i < 12; i++) {
            b = a;
            *fields[i] = other;
            assert_int_equal(mse_same_enclave(&a, &b), i < first[t] || i >= first[t + 1]);
        }
        b = a;
        b.tee = tees[(t + 1) % 3];
        assert_false(mse_same_enclave(&a, &b));
    }
}

static void numbers_differ_too_and_report_data_may(void **state)
{
    struct mse_appraisal a = appraisal_of(MSE_TEE_SGX), b = a;

    (void)state;
    b.quote.sgx.isv_prod_id = 1;
    assert_false(mse_same_enclave(&a, &b));
    b = a;
    b.quote.sgx.isv_svn = 1;
    assert_false(mse_same_enclave(&a, &b));
    b = a;
    b.quote.sgx.report_data = other;
    assert_true(mse_same_enclave(&a, &b));
    a = b = appraisal_of(MSE_TEE_TDX);
    b.quote.td.td_attributes = 1;
    assert_false(mse_same_enclave(&a, &b));
    a = b = appraisal_of(MSE_TEE_SNP);
    b.snp.policy = 1;
    assert_false(mse_same_enclave(&a, &b));
}

static void what_cannot_be_read_is_of_no_enclave(void **state)
{
    struct mse_appraisal a = { .tee = MSE_TEE_NONE }, b = a;

    (void)state;
    assert_false(mse_same_enclave(&a, &b));
}

/* ---- requests ---- */

static void a_request_that_cannot_be_judged_is_wrong_usage(void **state)
{
    uint8_t byte = 0;
    struct mse_bytes one = { &byte, 1 };
    const struct {
        struct mse_bytes certificate, evidence;
        enum mse_level level;
    } rows[] = {
        { { NULL, 0 }, one, MSE_LEVEL_FRESH }, /* bare evidence is of no connection */
        { one, { NULL, 0 }, MSE_LEVEL_CERTIFICATE },
        { one, { NULL, 0 }, MSE_LEVEL_NONE },
    };
    struct mse_verifier_options options = { 0 };
    struct mse_verifier *verifier = NULL;
    struct mse_policy *policy = NULL;
    struct mse_error err = { 0 };

    (void)state;
    assert_true(mse_verifier_new(&options, &verifier, &err));
    assert_true(mse_policy_new(&policy, &err));
    assert_true(mse_policy_set(policy, "fingerprint",
                               "00000000000000000000000000000000"
                               "00000000000000000000000000000000",
                               &err));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mse_fresh fresh = { .level = rows[i].level };
        struct mse_request request = { .certificate = rows[i].certificate,
                                       .evidence = rows[i].evidence,
                                       .fresh = &fresh };
        struct mse_report *report = NULL;

        err = (struct mse_error){ 0 };
        assert_false(mse_verify(verifier, NULL, policy, &request, &report, &err));
        assert_int_equal(err.code, MSE_ERR_USAGE);
        assert_null(report);
    }
    mse_policy_free(policy);
    mse_verifier_free(verifier);
}

static void configurations_are_told_in_words(void **state)
{
    static const struct {
        enum mse_configuration_state state;
        const char *part;
    } rows[] = {
        { MSE_CONFIGURATION_SIGNED, "configured by 0101" },
        { MSE_CONFIGURATION_SIGNED, ", epoch 18446744073709551615, configuration 0202" },
        { MSE_CONFIGURATION_UNCHECKED, "by whom was not checked" },
        { MSE_CONFIGURATION_UNSIGNED, "configured without a signature" },
        { MSE_CONFIGURATION_UNCONFIGURED, "not configured" },
        { MSE_CONFIGURATION_NOT_TOLD, "not known" },
    };
    char text[MSE_CONFIGURATION_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mse_configuration c = { .state = rows[i].state, .epoch = UINT64_MAX };

        memset(c.owner, 1, sizeof(c.owner));
        memset(c.digest, 2, sizeof(c.digest));
        assert_non_null(strstr(mse_configuration_text(&c, text), rows[i].part));
        assert_true(strlen(text) < sizeof(text) - 1); /* nothing was cut */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_passed_twice_has_passed),
        cmocka_unit_test(alone_it_decides),
        cmocka_unit_test(a_check_that_did_not_run_is_none_of_the_certificates),
        cmocka_unit_test(each_failure_counts_and_says_whose_it_is),
        cmocka_unit_test(what_cannot_be_told_is_unknown),
        cmocka_unit_test(enclaves_differ_in_each_of_these),
        cmocka_unit_test(numbers_differ_too_and_report_data_may),
        cmocka_unit_test(what_cannot_be_read_is_of_no_enclave),
        cmocka_unit_test(a_request_that_cannot_be_judged_is_wrong_usage),
        cmocka_unit_test(configurations_are_told_in_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
