/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "appraisal/appraisal.h"
#include "test_quote_maker.h"

#define PASSED MSE_OUTCOME_PASSED
#define FAILED MSE_OUTCOME_FAILED
#define UNKNOWN MSE_OUTCOME_UNKNOWN

struct result {
    struct mse_checks checks;
    struct mse_appraisal appraisal;
    struct mse_snp_report report;
};

static struct mse_trust_cache *cache;

static struct result appraise_with(const struct test_amd *t, const struct mse_snp_certs *certs,
                                   int64_t at)
{
    struct result r = { 0 };
    struct mse_error err = { 0 };

    assert_true(mse_snp_report_parse(MSE_BYTES(t->report), &r.report, &err));
    assert_true(mse_snp_appraise(cache, &t->roots, t->collateral, &r.report, certs, at, &r.checks,
                                 &r.appraisal, &err));
    assert_int_equal(err.code, MSE_ERR_NONE);
    return r;
}

static struct result appraise(const struct test_amd *t)
{
    return appraise_with(t, NULL, TEST_NOW);
}

static void expect(const struct result *r, enum mse_check check, enum mse_outcome outcome,
                   enum mse_err_code code)
{
    const struct mse_check_result *c = &r->checks.of[check];

    if (c->outcome != outcome || c->code != code)
        fail_msg("check %d: outcome %d, wanted %d; code %d, wanted %d: %s", (int)check,
                 (int)c->outcome, (int)outcome, (int)c->code, (int)code, c->reason);
}

static void expect_all_passed(const struct result *r)
{
    expect(r, MSE_CHECK_CHAIN, PASSED, MSE_ERR_NONE);
    expect(r, MSE_CHECK_REVOCATION, PASSED, MSE_ERR_NONE);
    expect(r, MSE_CHECK_SIGNATURE, PASSED, MSE_ERR_NONE);
    expect(r, MSE_CHECK_COLLATERAL, PASSED, MSE_ERR_NONE);
    expect(r, MSE_CHECK_QE_IDENTITY, MSE_OUTCOME_NOT_APPLICABLE, MSE_ERR_NONE);
}

static void expect_chain(const struct result *r, enum mse_outcome outcome, enum mse_err_code code)
{
    static const enum mse_check above[] = { MSE_CHECK_REVOCATION, MSE_CHECK_SIGNATURE,
                                            MSE_CHECK_COLLATERAL };

    expect(r, MSE_CHECK_CHAIN, outcome, code);
    for (size_t i = 0; i < sizeof(above) / sizeof(above[0]); i++)
        assert_true(r->checks.of[above[i]].outcome == FAILED ||
                    r->checks.of[above[i]].outcome == UNKNOWN);
}

static void good_reports_of_both_keys_pass(void **state)
{
    (void)state;
    for (int vlek = 0; vlek < 2; vlek++) {
        struct test_amd *t = test_amd_new(vlek, 2048);
        struct result r;

        test_amd_make(t);
        r = appraise(t);
        expect_all_passed(&r);
        assert_int_equal(r.appraisal.tee, MSE_TEE_SNP);
        assert_true(r.appraisal.has_vek);
        assert_int_equal(r.appraisal.vek.is_vlek, vlek);
        assert_int_equal(r.appraisal.product, MSE_SNP_MILAN);
        assert_int_equal(r.appraisal.reported_tcb.ucode, 115);
        assert_int_equal(r.appraisal.valid_from, 1577836800);
        assert_int_equal(r.appraisal.valid_until, 1893456000);
        assert_false(r.appraisal.tcb.evaluated);
        test_amd_free(t);
    }
}

/* Version 2 does not say what processor it comes from: the certificate does. */
static void a_version_2_report_has_the_product_of_its_signer(void **state)
{
    struct test_amd *t = test_amd_new(false, 2048);
    struct result r;

    (void)state;
    t->report[0] = 2;
    memset(t->report + 0x188, 0, 3);
    test_amd_make(t);
    r = appraise(t);
    expect_all_passed(&r);
    assert_int_equal(r.appraisal.product, MSE_SNP_MILAN);
    test_amd_free(t);
}

/* Turin has another byte order, a fifth version and chip ids of 8 bytes. */
static void turin_is_read_in_its_own_order(void **state)
{
    static const uint8_t tcb[8] = { 1, 2, 3, 4, 0, 0, 0, 77 };
    struct test_amd *t = test_amd_new(false, 2048);
    struct result r;

    (void)state;
    t->product = "Turin";
    t->vek_product = "Turin-B1";
    t->tcb = (struct mse_snp_tcb){ .fmc = 1, .bl = 2, .tee = 3, .snp = 4, .ucode = 77 };
    t->hwid_len = 8;
    t->report[0x188] = 0x1a;
    t->report[0x189] = 0x02;
    memcpy(t->report + 0x180, tcb, 8);
    memset(t->report + 0x1a8, 0, 56);
    test_amd_make(t);
    r = appraise(t);
    expect_all_passed(&r);
    assert_int_equal(r.appraisal.reported_tcb.fmc, 1);
    t->report[0x1a8] = 1; /* behind the eight bytes */
    test_amd_sign_report(t);
    r = appraise(t);
    expect(&r, MSE_CHECK_CHAIN, UNKNOWN, MSE_ERR_MISSING);
    t->report[0x1a8] = 0;
    t->report[0x180] = 2; /* fmc */
    test_amd_sign_report(t);
    r = appraise(t);
    expect(&r, MSE_CHECK_CHAIN, UNKNOWN, MSE_ERR_MISSING);
    test_amd_free(t);
}

/* ---- certificates that come with the evidence ---- */

static struct mse_snp_certs bring(const struct test_amd *t)
{
    struct mse_snp_certs certs = { .count = 3 };

    certs.of[0].kind = t->vlek ? MSE_SNP_CERT_VLEK : MSE_SNP_CERT_VCEK;
    certs.of[0].der = test_bytes(&t->vek_der);
    certs.of[1].kind = MSE_SNP_CERT_ASK;
    certs.of[1].der = test_bytes(&t->ask_der);
    certs.of[2].kind = MSE_SNP_CERT_ARK;
    certs.of[2].der = test_bytes(&t->ark_der);
    return certs;
}

static struct test_amd *new_bare(bool vlek)
{
    struct test_amd *t = test_amd_new(vlek, 2048);

    t->no_ark = t->no_ask = t->no_vek = true;
    return t;
}

static void evidence_may_bring_its_chain(void **state)
{
    (void)state;
    for (int vlek = 0; vlek < 2; vlek++) {
        struct test_amd *t = new_bare(vlek);
        struct mse_snp_certs certs;
        struct result r;

        test_amd_make(t);
        certs = bring(t);
        r = appraise_with(t, &certs, TEST_NOW);
        expect_all_passed(&r);
        certs.count = 2; /* the root's key is pinned: its certificate is not needed */
        r = appraise_with(t, &certs, TEST_NOW);
        expect_all_passed(&r);
        certs.of[0].kind = certs.of[1].kind = MSE_SNP_CERT_OTHER;
        r = appraise_with(t, &certs, TEST_NOW);
        expect_all_passed(&r);
        certs.count = 1;
        r = appraise_with(t, &certs, TEST_NOW);
        expect_chain(&r, UNKNOWN, MSE_ERR_MISSING);
        r = appraise(t);
        expect_chain(&r, UNKNOWN, MSE_ERR_MISSING);
        test_amd_free(t);
    }
}

static void evidence_may_bring_the_revocation_list(void **state)
{
    struct test_amd *t = new_bare(false);
    struct mse_snp_certs certs;
    struct result r;

    (void)state;
    t->no_crl = true;
    test_amd_make(t);
    certs = bring(t);
    r = appraise_with(t, &certs, TEST_NOW);
    expect(&r, MSE_CHECK_REVOCATION, UNKNOWN, MSE_ERR_MISSING);
    certs.of[3].kind = MSE_SNP_CERT_CRL;
    certs.of[3].der = test_bytes(&t->crl_der);
    certs.count = 4;
    r = appraise_with(t, &certs, TEST_NOW);
    expect_all_passed(&r);
    t->crl_der.data[t->crl_der.len - 1] ^= 1;
    r = appraise_with(t, &certs, TEST_NOW);
    expect(&r, MSE_CHECK_REVOCATION, UNKNOWN, MSE_ERR_MISSING);
    test_amd_free(t);
}

static void a_forged_chain_fails(void **state)
{
    struct test_amd *t = test_amd_new(false, 2048), *forger = test_amd_new(false, 2048);
    struct mse_snp_certs certs;
    struct result r;

    (void)state;
    test_amd_make(t);
    test_amd_make(forger);
    memcpy(t->report, forger->report, sizeof(t->report));
    certs = bring(forger);
    t->no_vek = true;
    test_amd_make_collateral(t, true);
    r = appraise_with(t, &certs, TEST_NOW);
    expect_chain(&r, FAILED, MSE_ERR_ROOT);
    certs.count = 2;
    r = appraise_with(t, &certs, TEST_NOW);
    expect_chain(&r, FAILED, MSE_ERR_SIGNATURE);
    certs.count = 1; /* the genuine ASK of the set did not sign it */
    r = appraise_with(t, &certs, TEST_NOW);
    expect_chain(&r, FAILED, MSE_ERR_SIGNATURE);
    test_amd_free(t);
    test_amd_free(forger);
}

static void damaged_certificates_fail(void **state)
{
    struct test_amd *t = new_bare(false);
    struct mse_snp_certs certs;
    struct result r;

    (void)state;
    test_amd_make(t);
    certs = bring(t);
    for (size_t i = 0; i < 3; i++) {
        uint8_t *last = (uint8_t *)certs.of[i].der.data + certs.of[i].der.len - 1;

        *last ^= 1;
        r = appraise_with(t, &certs, TEST_NOW);
        expect_chain(&r, FAILED, MSE_ERR_SIGNATURE);
        *last ^= 1;
        certs.of[i].der.len--;
        r = appraise_with(t, &certs, TEST_NOW);
        expect_chain(&r, FAILED, MSE_ERR_TRUNCATED);
        certs.of[i].der.len++;
    }
    test_amd_free(t);
}

static void a_certificate_under_a_wrong_label_fails(void **state)
{
    struct test_amd *t = new_bare(false);
    struct mse_snp_certs certs;
    struct result r;

    (void)state;
    test_amd_make(t);
    certs = bring(t);
    certs.of[0].kind = MSE_SNP_CERT_VLEK;
    r = appraise_with(t, &certs, TEST_NOW);
    expect_chain(&r, FAILED, MSE_ERR_CHAIN);
    test_amd_free(t);
}

/* ---- roles ---- */

static void the_report_says_which_key_signed(void **state)
{
    struct test_amd *t = test_amd_new(false, 2048);
    struct result r;

    (void)state;
    test_amd_make(t);
    t->report[0x48] = 1 << 2; /* VLEK, but there is a VCEK only */
    test_amd_sign_report(t);
    r = appraise(t);
    expect_chain(&r, UNKNOWN, MSE_ERR_MISSING);
    for (unsigned key = 2; key < 8; key++) {
        t->report[0x48] = (uint8_t)(key << 2);
        test_amd_sign_report(t);
        r = appraise(t);
        expect_chain(&r, FAILED, MSE_ERR_UNSUPPORTED);
        expect(&r, MSE_CHECK_SIGNATURE, FAILED, MSE_ERR_SIGNATURE);
    }
    test_amd_free(t);
}

static void an_ask_does_not_sign_vleks_nor_an_asvk_vceks(void **state)
{
    (void)state;
    for (int vlek = 0; vlek < 2; vlek++) {
        struct test_amd *t = new_bare(vlek);
        struct mse_snp_certs certs;
        struct result r;

        t->ask.subject = t->vek.issuer = vlek ? "SEV-Milan" : "SEV-VLEK-Milan";
        test_amd_make(t);
        certs = bring(t);
        r = appraise_with(t, &certs, TEST_NOW);
        expect_chain(&r, UNKNOWN, MSE_ERR_MISSING);
        test_amd_free(t);
    }
}

static void products_must_agree_everywhere(void **state)
{
    struct test_amd *t;
    struct mse_snp_certs certs;
    struct result r;

    (void)state;
    t = new_bare(false); /* certificate of another product under this product's ASK */
    t->vek_product = "Genoa-B0";
    test_amd_make(t);
    certs = bring(t);
    r = appraise_with(t, &certs, TEST_NOW);
    expect_chain(&r, FAILED, MSE_ERR_CHAIN);
    test_amd_free(t);

    t = new_bare(false); /* ASK of another product under this product's ARK */
    t->ask.subject = t->vek.issuer = "SEV-Genoa";
    test_amd_make(t);
    certs = bring(t);
    r = appraise_with(t, &certs, TEST_NOW);
    expect_chain(&r, FAILED, MSE_ERR_ROOT);
    test_amd_free(t);

    t = test_amd_new(false, 2048); /* report of a Genoa processor */
    t->report[0x189] = 0x11;
    test_amd_make(t);
    r = appraise(t);
    expect_chain(&r, FAILED, MSE_ERR_MISMATCH);
    t->report[0x188] = 0x15; /* of none that is known */
    test_amd_sign_report(t);
    r = appraise(t);
    expect_chain(&r, FAILED, MSE_ERR_UNSUPPORTED);
    test_amd_free(t);
}

static void certificates_out_of_date_fail_the_chain(void **state)
{
    struct test_amd *t = test_amd_new(false, 2048);
    struct result r;

    (void)state;
    t->vek.not_after = TEST_NOW;
    t->ask.not_before = TEST_NOW - 5;
    test_amd_make(t);
    r = appraise_with(t, NULL, TEST_NOW);
    expect_all_passed(&r);
    r = appraise_with(t, NULL, TEST_NOW + 1);
    expect_chain(&r, FAILED, MSE_ERR_EXPIRED);
    r = appraise_with(t, NULL, TEST_NOW - 6);
    expect_chain(&r, FAILED, MSE_ERR_NOT_YET_VALID);
    test_amd_free(t);
}

/* ---- machine ---- */

static void a_vcek_of_another_chip_fails(void **state)
{
    struct test_amd *t = new_bare(false);
    struct mse_snp_certs certs;
    struct result r;

    (void)state;
    t->report[0x1a0 + 63] ^= 1;
    test_amd_make(t);
    certs = bring(t);
    r = appraise_with(t, &certs, TEST_NOW);
    expect(&r, MSE_CHECK_CHAIN, PASSED, MSE_ERR_NONE);
    expect(&r, MSE_CHECK_SIGNATURE, PASSED, MSE_ERR_NONE);
    expect(&r, MSE_CHECK_COLLATERAL, FAILED, MSE_ERR_MISMATCH);
    test_amd_free(t);
}

static void a_masked_chip_cannot_be_tied_to_a_machine(void **state)
{
    struct test_amd *t = new_bare(false);
    struct mse_snp_certs certs;
    struct result r;

    (void)state;
    t->report[0x48] = 1 << 1; /* MASK_CHIP_KEY */
    test_amd_make(t);
    certs = bring(t);
    r = appraise_with(t, &certs, TEST_NOW);
    expect(&r, MSE_CHECK_COLLATERAL, FAILED, MSE_ERR_MISMATCH);
    t->report[0x48] = 0;
    memset(t->report + 0x1a0, 0, 64);
    test_amd_sign_report(t);
    r = appraise_with(t, &certs, TEST_NOW);
    expect(&r, MSE_CHECK_COLLATERAL, FAILED, MSE_ERR_MISMATCH);
    test_amd_free(t);
}

static void every_security_version_must_be_the_certificates(void **state)
{
    static const size_t parts[] = { 0, 1, 6, 7 }; /* bl, tee, snp, ucode on Milan */

    (void)state;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        struct test_amd *t = new_bare(i % 2 == 1);
        struct mse_snp_certs certs;
        struct result r;

        t->report[0x180 + parts[i]] ^= 1;
        test_amd_make(t);
        certs = bring(t);
        r = appraise_with(t, &certs, TEST_NOW);
        expect(&r, MSE_CHECK_COLLATERAL, FAILED, MSE_ERR_MISMATCH);
        test_amd_free(t);
    }
}

/* A host may hand out the certificate of an older TCB: the set's fitting one serves. */
static void a_fitting_certificate_of_the_set_beats_an_unfit_one(void **state)
{
    struct test_amd *t = test_amd_new(false, 2048);
    struct mse_error err = { 0 };
    struct mse_snp_certs certs;
    struct test_blob old;
    struct result r;

    (void)state;
    test_amd_make(t);
    t->vek.extensions[5].payload = "\x02\x01\x05";
    t->vek.extensions[5].len = 3;
    t->vek.subject = "SEV-VCEK";
    old = test_cert_make(&t->vek);
    certs = bring(t);
    certs.of[0].der = test_bytes(&old);
    r = appraise_with(t, &certs, TEST_NOW);
    expect_all_passed(&r);
    /* Also when the unfit one is known from before. */
    assert_true(mse_trust_cache_new(2, &cache, &err));
    t->no_vek = true;
    test_amd_make_collateral(t, true);
    r = appraise_with(t, &certs, TEST_NOW);
    expect(&r, MSE_CHECK_COLLATERAL, FAILED, MSE_ERR_MISMATCH);
    t->no_vek = false;
    test_amd_make_collateral(t, true);
    for (int i = 0; i < 2; i++) {
        r = appraise_with(t, &certs, TEST_NOW);
        expect_all_passed(&r);
    }
    mse_trust_cache_free(cache);
    cache = NULL;
    test_blob_free(&old);
    test_amd_free(t);
}

/* ---- signature and revocation ---- */

static void a_changed_report_fails(void **state)
{
    static const size_t changed[] = { 0x50, 0x90, 0x29f };

    (void)state;
    for (size_t i = 0; i < sizeof(changed) / sizeof(changed[0]); i++) {
        struct test_amd *t = test_amd_new(false, 2048);
        struct result r;

        test_amd_make(t);
        t->report[changed[i]] ^= 1;
        r = appraise(t);
        expect(&r, MSE_CHECK_CHAIN, PASSED, MSE_ERR_NONE);
        expect(&r, MSE_CHECK_SIGNATURE, FAILED, MSE_ERR_SIGNATURE);
        test_amd_free(t);
    }
}

static void revocation_is_judged(void **state)
{
    /* clang-format off */
    static const struct { unsigned long serial; int64_t next; enum mse_outcome want;
                          enum mse_err_code code; }
    cases[] = {
        { 9, 0,            PASSED,  MSE_ERR_NONE },
        { 2, 0,            FAILED,  MSE_ERR_REVOKED }, /* the ASK */
        { 5, 0,            PASSED,  MSE_ERR_NONE },    /* the leaf's number: not this issuer's */
        { 9, TEST_NOW - 1, UNKNOWN, MSE_ERR_EXPIRED },
        { 2, TEST_NOW - 1, FAILED,  MSE_ERR_REVOKED },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_amd *t = test_amd_new(i % 2 == 1, 2048);
        struct result r;

        t->crl.revoked[0] = cases[i].serial;
        t->crl.next_update = cases[i].next;
        t->no_ark = i == 1;
        test_amd_make(t);
        r = appraise(t);
        expect(&r, MSE_CHECK_REVOCATION, cases[i].want, cases[i].code);
        test_amd_free(t);
    }
}

static void a_forged_revocation_list_fails(void **state)
{
    struct test_amd *t = test_amd_new(false, 2048);
    struct result r;

    (void)state;
    t->crl.issuer_key = t->ask_key;
    test_amd_make(t);
    r = appraise(t);
    expect(&r, MSE_CHECK_REVOCATION, FAILED, MSE_ERR_SIGNATURE);
    test_amd_free(t);
}

static void the_cache_changes_no_judgement(void **state)
{
    struct test_amd *t = new_bare(false);
    struct mse_error err = { 0 };
    struct mse_snp_certs certs;
    struct result r;

    (void)state;
    assert_true(mse_trust_cache_new(2, &cache, &err));
    test_amd_make(t);
    certs = bring(t);
    for (int i = 0; i < 3; i++) {
        r = appraise_with(t, &certs, TEST_NOW);
        expect_all_passed(&r);
    }
    r = appraise_with(t, &certs, 1900000000);
    expect_chain(&r, FAILED, MSE_ERR_EXPIRED);
    t->report[0x90] ^= 1;
    r = appraise_with(t, &certs, TEST_NOW);
    expect(&r, MSE_CHECK_SIGNATURE, FAILED, MSE_ERR_SIGNATURE);
    mse_trust_cache_free(cache);
    cache = NULL;
    test_amd_free(t);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_reports_of_both_keys_pass),
        cmocka_unit_test(a_version_2_report_has_the_product_of_its_signer),
        cmocka_unit_test(turin_is_read_in_its_own_order),
        cmocka_unit_test(evidence_may_bring_its_chain),
        cmocka_unit_test(evidence_may_bring_the_revocation_list),
        cmocka_unit_test(a_forged_chain_fails),
        cmocka_unit_test(damaged_certificates_fail),
        cmocka_unit_test(a_certificate_under_a_wrong_label_fails),
        cmocka_unit_test(the_report_says_which_key_signed),
        cmocka_unit_test(an_ask_does_not_sign_vleks_nor_an_asvk_vceks),
        cmocka_unit_test(products_must_agree_everywhere),
        cmocka_unit_test(certificates_out_of_date_fail_the_chain),
        cmocka_unit_test(a_vcek_of_another_chip_fails),
        cmocka_unit_test(a_masked_chip_cannot_be_tied_to_a_machine),
        cmocka_unit_test(every_security_version_must_be_the_certificates),
        cmocka_unit_test(a_fitting_certificate_of_the_set_beats_an_unfit_one),
        cmocka_unit_test(a_changed_report_fails),
        cmocka_unit_test(revocation_is_judged),
        cmocka_unit_test(a_forged_revocation_list_fails),
        cmocka_unit_test(the_cache_changes_no_judgement),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
