/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "test_appraise.h"

/* ---- quoting enclave ---- */

static void a_strangers_quoting_enclave_fails(void **state)
{
    /* clang-format off */
    static const struct { size_t at; uint8_t flip; enum mse_err_code want; } cases[] = {
        { 16,  1, MSE_ERR_MISMATCH },  /* MISCSELECT */
        { 48,  2, MSE_ERR_POLICY },    /* DEBUG */
        { 48, 16, MSE_ERR_MISMATCH },  /* PROVISION_KEY */
        { 128, 1, MSE_ERR_MISMATCH },  /* MRSIGNER */
        { 256, 3, MSE_ERR_MISMATCH },  /* ISVPRODID */
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_intel *t = test_intel_new(false);
        struct result r;

        t->qe_report[cases[i].at] ^= cases[i].flip;
        test_intel_make(t);
        r = appraise(t);
        expect(&r, MSE_CHECK_SIGNATURE, PASSED, MSE_ERR_NONE);
        expect(&r, MSE_CHECK_QE_IDENTITY, FAILED, cases[i].want);
        assert_false(r.appraisal.tcb.qe_matches && cases[i].want == MSE_ERR_MISMATCH);
        test_intel_free(t);
    }
}

static void a_missing_identity_is_unknown(void **state)
{
    struct test_intel *t = test_intel_new(true);
    struct result r;

    (void)state;
    t->qe_id = "QE"; /* of the other kind of TEE */
    test_intel_make(t);
    r = appraise(t);
    expect(&r, MSE_CHECK_COLLATERAL, UNKNOWN, MSE_ERR_MISSING);
    expect(&r, MSE_CHECK_QE_IDENTITY, UNKNOWN, MSE_ERR_MISSING);
    assert_false(r.appraisal.tcb.evaluated);
    test_intel_free(t);
}

/* ---- collateral ---- */

static void collateral_of_others_is_unknown_or_fails(void **state)
{
    struct test_intel *t;
    struct result r;

    (void)state;
    t = test_intel_new(false);
    t->fmspc = "00906ED50001";
    test_intel_make(t);
    r = appraise(t);
    expect(&r, MSE_CHECK_COLLATERAL, UNKNOWN, MSE_ERR_MISSING);
    expect(&r, MSE_CHECK_QE_IDENTITY, PASSED, MSE_ERR_NONE);
    test_intel_free(t);

    t = test_intel_new(false);
    t->pce_id = "0001";
    test_intel_make(t);
    r = appraise(t);
    expect(&r, MSE_CHECK_COLLATERAL, FAILED, MSE_ERR_MISMATCH);
    assert_false(r.appraisal.tcb.evaluated);
    test_intel_free(t);

    t = test_intel_new(true);
    t->report[64] = 1; /* MRSIGNERSEAM */
    test_intel_make(t);
    r = appraise(t);
    expect(&r, MSE_CHECK_COLLATERAL, FAILED, MSE_ERR_MISMATCH);
    test_intel_free(t);

    t = test_intel_new(true);
    t->module_id = "TDX_03";
    test_intel_make(t);
    r = appraise(t);
    expect(&r, MSE_CHECK_COLLATERAL, FAILED, MSE_ERR_MISMATCH);
    test_intel_free(t);
}

static void no_collateral_at_all_is_unknown(void **state)
{
    struct test_intel *t = test_intel_new(false);
    struct result r;

    (void)state;
    test_intel_make(t);
    mse_collateral_free(t->collateral);
    t->collateral = NULL;
    r = appraise(t);
    expect(&r, MSE_CHECK_CHAIN, PASSED, MSE_ERR_NONE);
    expect(&r, MSE_CHECK_SIGNATURE, PASSED, MSE_ERR_NONE);
    expect(&r, MSE_CHECK_COLLATERAL, UNKNOWN, MSE_ERR_MISSING);
    expect(&r, MSE_CHECK_REVOCATION, UNKNOWN, MSE_ERR_MISSING);
    expect(&r, MSE_CHECK_QE_IDENTITY, UNKNOWN, MSE_ERR_MISSING);
    test_intel_free(t);
}

static void collateral_that_is_not_genuine_fails(void **state)
{
    struct test_intel *t = test_intel_new(false);
    struct result r;

    (void)state;
    t->spoil_tcb_info = true;
    test_intel_make(t);
    r = appraise(t);
    expect(&r, MSE_CHECK_COLLATERAL, FAILED, MSE_ERR_SIGNATURE);
    t->spoil_tcb_info = false;
    t->spoil_qe_identity = true;
    test_intel_make_collateral(t, true);
    r = appraise(t);
    expect(&r, MSE_CHECK_COLLATERAL, FAILED, MSE_ERR_SIGNATURE);
    assert_int_not_equal(r.checks.of[MSE_CHECK_QE_IDENTITY].outcome, PASSED);
    test_intel_free(t);
}

/* Both ends of every window are inside; one second further is not. */
static void collateral_out_of_date_is_unknown(void **state)
{
    /* clang-format off */
    static const struct { const char *tcb_from, *tcb_to, *qe_from, *qe_to; int64_t at;
                          enum mse_err_code want; }
    cases[] = {
#define WIDE "2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"
#define NARROW "2025-06-01T00:00:00Z", "2025-07-01T00:00:00Z"
        { NARROW, WIDE, 1748736000,     MSE_ERR_NONE },
        { NARROW, WIDE, 1748736000 - 1, MSE_ERR_NOT_YET_VALID },
        { NARROW, WIDE, 1751328000,     MSE_ERR_NONE },
        { NARROW, WIDE, 1751328000 + 1, MSE_ERR_EXPIRED },
        { WIDE, NARROW, 1748736000,     MSE_ERR_NONE },
        { WIDE, NARROW, 1748736000 - 1, MSE_ERR_NOT_YET_VALID },
        { WIDE, NARROW, 1751328000,     MSE_ERR_NONE },
        { WIDE, NARROW, 1751328000 + 1, MSE_ERR_EXPIRED },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_intel *t = test_intel_new(false);
        struct result r;

        t->tcb_issued = cases[i].tcb_from;
        t->tcb_next = cases[i].tcb_to;
        t->qe_issued = cases[i].qe_from;
        t->qe_next = cases[i].qe_to;
        test_intel_make(t);
        r = appraise_at(t, cases[i].at);
        expect(&r, MSE_CHECK_COLLATERAL, cases[i].want == MSE_ERR_NONE ? PASSED : UNKNOWN,
               cases[i].want);
        assert_int_equal(r.appraisal.tcb.evaluated, cases[i].want == MSE_ERR_NONE);
        test_intel_free(t);
    }
}

/* ---- revocation ---- */

static void revoked_certificates_fail(void **state)
{
    /* clang-format off */
    static const struct { unsigned long root, ca; enum mse_outcome want; } cases[] = {
        { 0, 0, PASSED },
        { 0, 3, FAILED }, /* the leaf, on its CA's list */
        { 2, 0, FAILED }, /* the CA, on the root's list */
        { 4, 0, FAILED }, /* the TCB signing certificate */
        { 3, 0, PASSED }, /* the leaf's number on a list that is not about it */
        { 0, 2, PASSED },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_intel *t = test_intel_new(false);
        struct result r;

        t->root_crl.revoked[0] = cases[i].root;
        t->ca_crl.revoked[0] = cases[i].ca;
        test_intel_make(t);
        r = appraise(t);
        expect(&r, MSE_CHECK_REVOCATION, cases[i].want,
               cases[i].want == FAILED ? MSE_ERR_REVOKED : MSE_ERR_NONE);
        test_intel_free(t);
    }
}

static void missing_or_old_revocation_lists_are_unknown(void **state)
{
    for (int i = 0; i < 6; i++) {
        struct test_intel *t = test_intel_new(false);
        enum mse_err_code want = MSE_ERR_MISSING;
        struct test_crl *crl = i % 2 == 0 ? &t->root_crl : &t->ca_crl;
        struct result r;

        t->no_root_crl = i == 0;
        t->no_ca_crl = i == 1;
        if (i >= 4) {
            crl->this_update = TEST_NOW + 1;
            crl->next_update = TEST_NOW + 2;
            want = MSE_ERR_NOT_YET_VALID;
        } else if (i >= 2) {
            crl->next_update = TEST_NOW - 1;
            want = MSE_ERR_EXPIRED;
        }
        test_intel_make(t);
        r = appraise(t);
        expect(&r, MSE_CHECK_REVOCATION, UNKNOWN, want);
        expect(&r, MSE_CHECK_COLLATERAL, PASSED, MSE_ERR_NONE);
        test_intel_free(t);
    }
    (void)state;
}

static void who_is_on_an_old_list_stays_revoked(void **state)
{
    struct test_intel *t = test_intel_new(false);
    struct result r;

    (void)state;
    t->ca_crl.next_update = TEST_NOW - 1;
    t->ca_crl.revoked[0] = 3;
    test_intel_make(t);
    r = appraise(t);
    expect(&r, MSE_CHECK_REVOCATION, FAILED, MSE_ERR_REVOKED);
    test_intel_free(t);
}

static void a_forged_revocation_list_fails(void **state)
{
    struct test_intel *t = test_intel_new(false);
    struct result r;

    (void)state;
    t->ca_crl.issuer_key = t->tcb_key;
    test_intel_make(t);
    r = appraise(t);
    expect(&r, MSE_CHECK_REVOCATION, FAILED, MSE_ERR_SIGNATURE);
    test_intel_free(t);
}

/* The CA's list without the CA in the set: the quote's CA authenticates it. */
static void a_list_of_the_ca_is_judged_by_the_quotes_chain(void **state)
{
    struct test_intel *t = test_intel_new(false);
    struct result r;

    (void)state;
    t->no_ca = true;
    t->ca_crl.revoked[0] = 3;
    test_intel_make(t);
    r = appraise(t);
    expect(&r, MSE_CHECK_REVOCATION, FAILED, MSE_ERR_REVOKED);
    t->ca_crl.issuer_key = t->tcb_key;
    test_intel_make_collateral(t, true);
    r = appraise(t);
    expect(&r, MSE_CHECK_REVOCATION, UNKNOWN, MSE_ERR_MISSING);
    test_intel_free(t);
}

/* ---- cache ---- */

static void the_cache_changes_no_judgement(void **state)
{
    struct test_intel *t = test_intel_new(false);
    struct mse_trust_cache *cache;
    struct mse_error err = { 0 };
    struct result r;

    (void)state;
    assert_true(mse_trust_cache_new(4, &cache, &err));
    test_intel_make(t);
    for (int i = 0; i < 3; i++) {
        r = appraise_with(cache, t, TEST_NOW);
        expect_all_passed(&r);
        assert_string_equal(r.appraisal.pck_serial, "03");
    }
    /* What is judged each time. */
    r = appraise_with(cache, t, 1900000000);
    expect_chain_failed(&r, MSE_ERR_EXPIRED);
    t->ca_crl.revoked[0] = 3;
    test_intel_make_collateral(t, true);
    r = appraise_with(cache, t, TEST_NOW);
    expect(&r, MSE_CHECK_REVOCATION, FAILED, MSE_ERR_REVOKED);
    t->qe_signer_id[0] ^= 1;
    test_intel_make_collateral(t, true);
    r = appraise_with(cache, t, TEST_NOW);
    expect(&r, MSE_CHECK_QE_IDENTITY, FAILED, MSE_ERR_MISMATCH);
    /* What is remembered is compared completely. */
    t->qe_report[300] ^= 1;
    t->qe_signer = t->tcb_key;
    test_intel_make_quote(t);
    r = appraise_with(cache, t, TEST_NOW);
    expect(&r, MSE_CHECK_SIGNATURE, FAILED, MSE_ERR_SIGNATURE);
    t->qe_signer = NULL;
    t->quote_signer = t->tcb_key;
    test_intel_make_quote(t);
    r = appraise_with(cache, t, TEST_NOW);
    expect(&r, MSE_CHECK_SIGNATURE, FAILED, MSE_ERR_SIGNATURE);
    mse_trust_cache_free(cache);
    test_intel_free(t);
}

#define SIGNATURE_DATA (432 + 4) /* version 3 */
#define CERT_DATA (SIGNATURE_DATA + 64 + 64 + 384 + 64 + 2 + 32)

/* Every byte between the quote's signature and its certificates counts, each by itself. */
static void a_known_quoting_enclave_is_known_to_the_last_byte(void **state)
{
    struct test_intel *t = test_intel_new(false);
    struct mse_trust_cache *cache;
    struct mse_error err = { 0 };
    struct result r;

    (void)state;
    assert_true(mse_trust_cache_new(4, &cache, &err));
    test_intel_make(t);
    r = appraise_with(cache, t, TEST_NOW);
    expect_all_passed(&r);
    for (size_t i = SIGNATURE_DATA; i < CERT_DATA; i++) {
        if (i == CERT_DATA - 34 || i == CERT_DATA - 33)
            continue; /* length of the auth data: no quote then */
        t->quote.data[i] ^= 1;
        r = appraise_with(cache, t, TEST_NOW);
        assert_int_equal(r.checks.of[MSE_CHECK_SIGNATURE].outcome, FAILED);
        t->quote.data[i] ^= 1;
    }
    mse_trust_cache_free(cache);
    test_intel_free(t);
}

/* All of one quote but its certificates, which are another's. */
static struct test_blob splice(const struct test_blob *quote, const struct test_blob *certs)
{
    size_t len = certs->len, body = len - SIGNATURE_DATA;
    struct test_blob out = { malloc(len), len };

    assert_non_null(out.data);
    memcpy(out.data, quote->data, CERT_DATA);
    memcpy(out.data + CERT_DATA, certs->data + CERT_DATA, certs->len - CERT_DATA);
    for (size_t i = 0; i < 4; i++)
        out.data[432 + i] = (uint8_t)(body >> (8 * i));
    return out;
}

/* What one platform's key vouched for is nothing under another's, though the CA is the same. */
static void a_known_quoting_enclave_belongs_to_its_platform(void **state)
{
    struct test_intel *t = test_intel_new(false);
    struct test_blob own, mixed;
    struct mse_trust_cache *cache;
    struct mse_error err = { 0 };
    struct result r;

    (void)state;
    assert_true(mse_trust_cache_new(4, &cache, &err));
    test_intel_make(t);
    own = test_copy(test_bytes(&t->quote));
    r = appraise_with(cache, t, TEST_NOW);
    expect_all_passed(&r);
    t->pck.key = t->qe_signer = t->tcb_key;
    t->pck.serial = 99;
    test_blob_free(&t->pck_der);
    t->pck_der = test_cert_make(&t->pck);
    test_intel_make_quote(t);
    r = appraise_with(cache, t, TEST_NOW);
    expect_all_passed(&r);
    /* Now both chains and both QE reports are known, but not in this combination. */
    mixed = splice(&own, &t->quote);
    test_blob_free(&t->quote);
    t->quote = mixed;
    r = appraise_with(cache, t, TEST_NOW);
    expect(&r, MSE_CHECK_CHAIN, PASSED, MSE_ERR_NONE);
    expect(&r, MSE_CHECK_SIGNATURE, FAILED, MSE_ERR_SIGNATURE);
    test_blob_free(&own);
    mse_trust_cache_free(cache);
    test_intel_free(t);
}

/* A vendor key that a cache learned under other roots is nobody's. */
static void a_cache_belongs_to_its_roots(void **state)
{
    struct test_intel *t = test_intel_new(false), *other = test_intel_new(false);
    struct mse_trust_cache *cache;
    struct mse_error err = { 0 };
    struct mse_roots keep;
    struct result r;

    (void)state;
    assert_true(mse_trust_cache_new(4, &cache, &err));
    test_intel_make(t);
    test_intel_make(other);
    r = appraise_with(cache, t, TEST_NOW);
    expect_all_passed(&r);
    keep = t->roots;
    t->roots = other->roots;
    r = appraise_with(cache, t, TEST_NOW);
    expect(&r, MSE_CHECK_CHAIN, FAILED, MSE_ERR_ROOT);
    t->roots = keep;
    mse_trust_cache_free(cache);
    test_intel_free(t);
    test_intel_free(other);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_strangers_quoting_enclave_fails),
        cmocka_unit_test(a_missing_identity_is_unknown),
        cmocka_unit_test(collateral_of_others_is_unknown_or_fails),
        cmocka_unit_test(no_collateral_at_all_is_unknown),
        cmocka_unit_test(collateral_that_is_not_genuine_fails),
        cmocka_unit_test(collateral_out_of_date_is_unknown),
        cmocka_unit_test(revoked_certificates_fail),
        cmocka_unit_test(missing_or_old_revocation_lists_are_unknown),
        cmocka_unit_test(who_is_on_an_old_list_stays_revoked),
        cmocka_unit_test(a_forged_revocation_list_fails),
        cmocka_unit_test(a_list_of_the_ca_is_judged_by_the_quotes_chain),
        cmocka_unit_test(the_cache_changes_no_judgement),
        cmocka_unit_test(a_known_quoting_enclave_is_known_to_the_last_byte),
        cmocka_unit_test(a_known_quoting_enclave_belongs_to_its_platform),
        cmocka_unit_test(a_cache_belongs_to_its_roots),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
