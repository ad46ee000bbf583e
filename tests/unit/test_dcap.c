/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "test_appraise.h"

/* ---- good evidence ---- */

static void good_quotes_of_every_version_pass(void **state)
{
    static const struct {
        bool tdx;
        uint16_t version;
        enum mse_quote_body body;
    } cases[] = {
        { false, 3, MSE_QUOTE_BODY_SGX }, { false, 4, MSE_QUOTE_BODY_SGX },
        { false, 5, MSE_QUOTE_BODY_SGX }, { true, 4, MSE_QUOTE_BODY_TD10 },
        { true, 5, MSE_QUOTE_BODY_TD10 }, { true, 5, MSE_QUOTE_BODY_TD15 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_intel *t = test_intel_new(cases[i].tdx);
        struct result r;

        t->version = cases[i].version;
        t->body = cases[i].body;
        test_intel_make(t);
        r = appraise(t);
        expect_all_passed(&r);
        assert_int_equal(r.appraisal.tee, cases[i].tdx ? MSE_TEE_TDX : MSE_TEE_SGX);
        assert_int_equal(r.appraisal.tcb.status, MSE_TCB_UP_TO_DATE);
        assert_int_equal(r.appraisal.tcb.has_module, cases[i].tdx);
        test_intel_free(t);
    }
}

static void claims_are_those_of_the_evidence(void **state)
{
    struct test_intel *t = test_intel_new(false);
    struct result r;

    (void)state;
    test_intel_make(t);
    r = appraise(t);
    assert_true(r.appraisal.simulated);
    assert_true(r.appraisal.has_pck);
    assert_false(r.appraisal.platform_ca);
    assert_string_equal(r.appraisal.pck_serial, "03");
    assert_memory_equal(r.appraisal.pck.fmspc, t->sgx.fmspc, 6);
    assert_int_equal(r.appraisal.tcb.tcb_eval, 17);
    assert_false(r.appraisal.early.evaluated);
    /* 2025-06-01 and 2025-07-01 */
    assert_int_equal(r.appraisal.valid_from, 1748736000);
    assert_int_equal(r.appraisal.valid_until, 1751328000);
    assert_int_equal(r.appraisal.issued, 1748736000);
    test_intel_free(t);
}

static void a_platform_ca_serves_as_well(void **state)
{
    struct test_intel *t = test_intel_new(false);
    struct result r;

    (void)state;
    t->ca.subject = t->pck.issuer = t->ca_crl.issuer = "Intel SGX PCK Platform CA";
    test_intel_make(t);
    r = appraise(t);
    expect_all_passed(&r);
    assert_true(r.appraisal.platform_ca);
    test_intel_free(t);
}

static void statuses_and_advisories_of_all_levels_are_merged(void **state)
{
    struct test_intel *t = test_intel_new(true);
    struct result r;

    (void)state;
    memset(t->sgx.comp_svn, 2, 16);
    t->report[0] = 4;      /* TDX module */
    t->qe_report[258] = 5; /* quoting enclave */
    test_intel_make(t);
    r = appraise(t);
    expect_all_passed(&r);
    assert_int_equal(r.appraisal.tcb.status, MSE_TCB_OUT_OF_DATE);
    assert_int_equal(r.appraisal.tcb.module_status, MSE_TCB_OUT_OF_DATE);
    assert_int_equal(r.appraisal.tcb.qe_status, MSE_TCB_OUT_OF_DATE);
    assert_int_equal(r.appraisal.tcb.advisory_count, 4);
    assert_true(mse_bytes_equal_text(r.appraisal.tcb.advisories[0], "INTEL-SA-00001"));
    assert_true(mse_bytes_equal_text(r.appraisal.tcb.advisories[1], "INTEL-SA-00615"));
    assert_true(mse_bytes_equal_text(r.appraisal.tcb.advisories[2], "INTEL-SA-00003"));
    assert_true(mse_bytes_equal_text(r.appraisal.tcb.advisories[3], "INTEL-SA-00002"));
    test_intel_free(t);
}

static void the_early_set_is_evaluated_beside_the_standard(void **state)
{
    struct test_intel *t = test_intel_new(false);
    struct result r;

    (void)state;
    t->early = true;
    t->early_level = (struct test_level){ .pce_svn = 14, .status = "UpToDate" };
    test_intel_make(t);
    r = appraise(t);
    expect_all_passed(&r);
    assert_int_equal(r.appraisal.tcb.status, MSE_TCB_UP_TO_DATE);
    assert_true(r.appraisal.early.evaluated);
    assert_int_equal(r.appraisal.early.status, MSE_TCB_NO_MATCH);
    test_intel_free(t);
}

/* ---- chain ---- */

static void both_worlds_refuse_each_others_evidence(void **state)
{
    struct test_intel *t = test_intel_new(false);
    struct result r;

    (void)state;
    test_intel_make(t);
    t->roots.simulated = false;
    r = appraise(t);
    expect_chain_failed(&r, MSE_ERR_SIMULATED);
    memcpy(t->vendor, mse_qe_vendor_intel, 16);
    test_intel_make_quote(t);
    r = appraise(t);
    expect_all_passed(&r);
    t->roots.simulated = true;
    r = appraise(t);
    expect_chain_failed(&r, MSE_ERR_SIMULATED);
    t->vendor[0] ^= 1;
    test_intel_make_quote(t);
    r = appraise(t);
    expect_chain_failed(&r, MSE_ERR_UNSUPPORTED);
    test_intel_free(t);
}

static void a_chain_to_another_root_fails(void **state)
{
    struct test_intel *t = test_intel_new(false), *forger = test_intel_new(false);
    struct result r;

    (void)state;
    test_intel_make(t);
    test_intel_make(forger);
    test_blob_free(&t->quote);
    t->quote = test_copy(test_bytes(&forger->quote));
    r = appraise(t);
    expect_chain_failed(&r, MSE_ERR_ROOT);
    assert_false(r.appraisal.has_pck);
    test_intel_free(t);
    test_intel_free(forger);
}

static void a_leaf_that_the_ca_did_not_sign_fails(void **state)
{
    struct test_intel *t = test_intel_new(false);
    struct result r;

    (void)state;
    t->pck.issuer_key = t->tcb_key;
    test_intel_make(t);
    r = appraise(t);
    expect_chain_failed(&r, MSE_ERR_SIGNATURE);
    test_intel_free(t);
}

static void a_ca_that_the_root_did_not_sign_fails(void **state)
{
    struct test_intel *t = test_intel_new(false);
    struct result r;

    (void)state;
    t->ca.issuer_key = t->tcb_key;
    test_intel_make(t);
    r = appraise(t);
    expect_chain_failed(&r, MSE_ERR_SIGNATURE);
    test_intel_free(t);
}

static void another_role_is_no_pck_certificate(void **state)
{
    static const char *const subjects[] = { "Intel SGX TCB Signing", "Somebody" };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct test_intel *t = test_intel_new(false);
        struct result r;

        t->pck.subject = subjects[i];
        test_intel_make(t);
        r = appraise(t);
        expect_chain_failed(&r, MSE_ERR_CHAIN);
        test_intel_free(t);
    }
}

static void a_leaf_without_the_sgx_extension_fails(void **state)
{
    struct test_intel *t = test_intel_new(false);
    struct result r;

    (void)state;
    t->pck.extensions[0] = (struct test_extension){ "1.2.3.4", "x", 1, false };
    test_intel_make(t);
    r = appraise(t);
    expect_chain_failed(&r, MSE_ERR_CHAIN);
    test_intel_free(t);
}

static void certificates_out_of_date_fail_the_chain(void **state)
{
    struct test_intel *t = test_intel_new(false);
    struct result r;

    (void)state;
    t->pck.not_after = TEST_NOW;
    t->ca.not_before = TEST_NOW - 10;
    t->ca.not_after = TEST_NOW + 10;
    test_intel_make(t);
    r = appraise_at(t, TEST_NOW);
    expect_all_passed(&r);
    r = appraise_at(t, TEST_NOW + 1);
    expect_chain_failed(&r, MSE_ERR_EXPIRED);
    r = appraise_at(t, TEST_NOW - 10);
    expect_all_passed(&r);
    r = appraise_at(t, TEST_NOW - 11);
    expect_chain_failed(&r, MSE_ERR_NOT_YET_VALID);
    test_intel_free(t);
}

/* ---- certification data ---- */

/* Parts by letter: l(eaf) c(a) r(oot) t(cb signing). */
static void put_chain(struct test_intel *t, const char *parts, const char *tail, size_t tail_len)
{
    const struct test_blob *certs[8];
    size_t count = 0, len;
    char *pem;

    for (const char *p = parts; *p != '\0'; p++)
        certs[count++] = *p == 'l'   ? &t->pck_der
                         : *p == 'c' ? &t->ca_der
                         : *p == 'r' ? &t->root_der
                                     : &t->tcb_der;
    pem = test_pem(certs, count);
    len = strlen(pem);
    free(t->cert_data);
    t->cert_data = malloc(len + tail_len + 1);
    memcpy(t->cert_data, pem, len);
    memcpy(t->cert_data + len, tail, tail_len);
    t->cert_data_len = len + tail_len;
    free(pem);
    test_intel_make_quote(t);
}

static void chains_are_taken_as_real_quotes_bring_them(void **state)
{
    /* clang-format off */
    static const struct { const char *parts, *tail; size_t tail_len; enum mse_outcome want; }
    cases[] = {
        { "lcr",   "",         0, PASSED },
        { "lrc",   "",         0, PASSED },
        { "rcl",   "",         0, PASSED },
        { "lc",    "",         0, PASSED },
        { "lcrr",  "",         0, PASSED },
        { "lccr",  "",         0, PASSED },
        { "lcr",   "\0",       1, PASSED },
        { "lcr",   "\r\n\0\0", 4, PASSED },
        { "l",     "",         0, FAILED }, /* type 5 is a chain */
        { "cr",    "",         0, FAILED },
        { "lcrrr", "",         0, FAILED }, /* five */
        { "lcrt",  "",         0, FAILED }, /* one without a place */
        { "lcr",   "x",        1, FAILED },
        { "lcr",   "\0x",      2, FAILED },
        { "lcr",   " ",        1, FAILED },
        { "lcr",   "-----BEGIN CERTIFICATE-----\n", 28, FAILED },
        { "",      "",         0, FAILED },
    };
    /* clang-format on */
    struct test_intel *t = test_intel_new(false);

    (void)state;
    test_intel_make(t);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct result r;

        put_chain(t, cases[i].parts, cases[i].tail, cases[i].tail_len);
        r = appraise(t);
        if (r.checks.of[MSE_CHECK_CHAIN].outcome != cases[i].want)
            fail_msg("%zu: %s: %s", i, cases[i].parts, r.checks.of[MSE_CHECK_CHAIN].reason);
    }
    test_intel_free(t);
}

static void lines_may_end_in_cr_lf(void **state)
{
    struct test_intel *t = test_intel_new(false);
    struct result r;
    char *crlf;
    size_t n = 0;

    (void)state;
    test_intel_make(t);
    put_chain(t, "lcr", "", 0);
    crlf = malloc(2 * t->cert_data_len);
    for (size_t i = 0; i < t->cert_data_len; i++) {
        if (t->cert_data[i] == '\n')
            crlf[n++] = '\r';
        crlf[n++] = t->cert_data[i];
    }
    free(t->cert_data);
    t->cert_data = crlf;
    t->cert_data_len = n;
    test_intel_make_quote(t);
    r = appraise(t);
    expect_all_passed(&r);
    test_intel_free(t);
}

/* The set may not know the CA: then the root's key itself is asked. */
static void a_chain_stands_without_any_certificate_in_the_set(void **state)
{
    struct test_intel *t = test_intel_new(false);
    struct result r;

    (void)state;
    t->no_ca = t->no_root = true;
    test_intel_make(t);
    r = appraise(t);
    expect_all_passed(&r);
    put_chain(t, "lc", "", 0);
    r = appraise(t);
    expect_all_passed(&r);
    test_intel_free(t);
}

static void a_damaged_copy_of_the_root_fails(void **state)
{
    struct test_intel *t = test_intel_new(false);
    struct result r;

    (void)state;
    test_intel_make(t);
    t->root_der.data[t->root_der.len - 1] ^= 1; /* in its signature */
    test_intel_make_quote(t);
    r = appraise(t);
    expect_chain_failed(&r, MSE_ERR_SIGNATURE);
    test_intel_free(t);
}

/* Vendors issue roots anew: another certificate of the pinned key is as good. */
static void a_root_issued_again_is_taken(void **state)
{
    struct test_intel *t = test_intel_new(false);
    struct result r;

    (void)state;
    test_intel_make(t);
    t->root.not_after = 2500000000;
    test_blob_free(&t->root_der);
    t->root_der = test_cert_make(&t->root);
    test_intel_make_quote(t);
    r = appraise(t);
    expect_all_passed(&r);
    test_intel_free(t);
}

static void two_leaves_fail(void **state)
{
    struct test_intel *t = test_intel_new(false);
    struct test_blob first;
    const struct test_blob *certs[4];
    struct result r;

    (void)state;
    test_intel_make(t);
    first = test_copy(test_bytes(&t->pck_der));
    test_blob_free(&t->pck_der);
    t->pck.serial = 77;
    t->pck_der = test_cert_make(&t->pck);
    certs[0] = &first;
    certs[1] = &t->pck_der;
    certs[2] = &t->ca_der;
    t->cert_data = test_pem(certs, 3);
    t->cert_data_len = strlen(t->cert_data);
    test_intel_make_quote(t);
    r = appraise(t);
    expect_chain_failed(&r, MSE_ERR_CHAIN);
    test_blob_free(&first);
    test_intel_free(t);
}

static void a_leaf_alone_needs_the_ca_of_the_set(void **state)
{
    struct test_intel *t = test_intel_new(false);
    struct result r;

    (void)state;
    test_intel_make(t);
    t->cert_type = 4;
    put_chain(t, "l", "", 0);
    r = appraise(t);
    expect_all_passed(&r);
    put_chain(t, "lc", "", 0);
    r = appraise(t);
    expect_chain_failed(&r, MSE_ERR_LIMIT);
    put_chain(t, "l", "", 0);
    t->no_ca = true;
    test_intel_make_collateral(t, true);
    r = appraise(t);
    expect(&r, MSE_CHECK_CHAIN, UNKNOWN, MSE_ERR_MISSING);
    expect(&r, MSE_CHECK_SIGNATURE, UNKNOWN, MSE_ERR_CHAIN);
    test_intel_free(t);
}

/* Types 1 to 3 name the platform; its certificate is in the set or nowhere. */
static void a_platform_id_finds_its_leaf_in_the_set(void **state)
{
    struct test_intel *t = test_intel_new(false);
    struct mse_error err = { 0 };
    struct result r;

    (void)state;
    test_intel_make(t);
    t->cert_type = 1;
    t->cert_data = calloc(1, 36);
    t->cert_data_len = 36;
    test_intel_make_quote(t);
    r = appraise(t);
    expect(&r, MSE_CHECK_CHAIN, UNKNOWN, MSE_ERR_MISSING);
    test_intel_make_collateral(t, false);
    assert_true(mse_collateral_add_item(t->collateral, MSE_ITEM_CERT, test_bytes(&t->pck_der),
                                        "pck", false, &err));
    assert_true(mse_collateral_authenticate(t->collateral, &t->roots, &err));
    r = appraise(t);
    expect_all_passed(&r);
    t->cert_data[0] = 1; /* another PPID */
    test_intel_make_quote(t);
    r = appraise(t);
    expect(&r, MSE_CHECK_CHAIN, UNKNOWN, MSE_ERR_MISSING);
    t->cert_type = 3;
    test_intel_make_quote(t);
    r = appraise(t);
    expect_all_passed(&r);
    t->cert_data[35] = 1; /* another PCEID */
    test_intel_make_quote(t);
    r = appraise(t);
    expect(&r, MSE_CHECK_CHAIN, UNKNOWN, MSE_ERR_MISSING);
    test_intel_free(t);
}

/* ---- signatures ---- */

static void a_forged_qe_report_signature_fails(void **state)
{
    struct test_intel *t = test_intel_new(false);
    struct result r;

    (void)state;
    t->qe_signer = t->tcb_key;
    test_intel_make(t);
    r = appraise(t);
    expect(&r, MSE_CHECK_CHAIN, PASSED, MSE_ERR_NONE);
    expect(&r, MSE_CHECK_SIGNATURE, FAILED, MSE_ERR_SIGNATURE);
    expect(&r, MSE_CHECK_QE_IDENTITY, UNKNOWN, MSE_ERR_SIGNATURE);
    assert_false(r.appraisal.tcb.evaluated);
    test_intel_free(t);
}

static void a_forged_quote_signature_fails(void **state)
{
    struct test_intel *t = test_intel_new(true);
    struct result r;

    (void)state;
    t->quote_signer = t->tcb_key;
    test_intel_make(t);
    r = appraise(t);
    expect(&r, MSE_CHECK_SIGNATURE, FAILED, MSE_ERR_SIGNATURE);
    assert_false(r.appraisal.tcb.evaluated);
    test_intel_free(t);
}

static void an_attestation_key_the_qe_did_not_name_fails(void **state)
{
    static const size_t wrong[] = { 320, 351, 352, 383 }; /* digest, then what must be zero */

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct test_intel *t = test_intel_new(false);
        struct result r;

        test_intel_make(t);
        t->qe_report_data_set = true;
        t->qe_report[wrong[i]] ^= 1;
        test_intel_make_quote(t);
        r = appraise(t);
        expect(&r, MSE_CHECK_SIGNATURE, FAILED, MSE_ERR_MISMATCH);
        assert_string_not_equal(r.checks.of[MSE_CHECK_SIGNATURE].expected,
                                r.checks.of[MSE_CHECK_SIGNATURE].actual);
        test_intel_free(t);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_quotes_of_every_version_pass),
        cmocka_unit_test(claims_are_those_of_the_evidence),
        cmocka_unit_test(a_platform_ca_serves_as_well),
        cmocka_unit_test(statuses_and_advisories_of_all_levels_are_merged),
        cmocka_unit_test(the_early_set_is_evaluated_beside_the_standard),
        cmocka_unit_test(both_worlds_refuse_each_others_evidence),
        cmocka_unit_test(a_chain_to_another_root_fails),
        cmocka_unit_test(a_leaf_that_the_ca_did_not_sign_fails),
        cmocka_unit_test(a_ca_that_the_root_did_not_sign_fails),
        cmocka_unit_test(another_role_is_no_pck_certificate),
        cmocka_unit_test(a_leaf_without_the_sgx_extension_fails),
        cmocka_unit_test(certificates_out_of_date_fail_the_chain),
        cmocka_unit_test(chains_are_taken_as_real_quotes_bring_them),
        cmocka_unit_test(lines_may_end_in_cr_lf),
        cmocka_unit_test(a_chain_stands_without_any_certificate_in_the_set),
        cmocka_unit_test(a_damaged_copy_of_the_root_fails),
        cmocka_unit_test(a_root_issued_again_is_taken),
        cmocka_unit_test(two_leaves_fail),
        cmocka_unit_test(a_leaf_alone_needs_the_ca_of_the_set),
        cmocka_unit_test(a_platform_id_finds_its_leaf_in_the_set),
        cmocka_unit_test(a_forged_qe_report_signature_fails),
        cmocka_unit_test(a_forged_quote_signature_fails),
        cmocka_unit_test(an_attestation_key_the_qe_did_not_name_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
