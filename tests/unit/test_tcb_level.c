/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "appraisal/tcb_level.h"

#define UTD MSE_TCB_UP_TO_DATE
#define SWH MSE_TCB_SW_HARDENING_NEEDED
#define CFG MSE_TCB_CONFIGURATION_NEEDED
#define CSW MSE_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED
#define OOD MSE_TCB_OUT_OF_DATE
#define OOC MSE_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED
#define REV MSE_TCB_REVOKED
#define NOM MSE_TCB_NO_MATCH

/* A platform at the newest level; tests change one thing. */
struct setup {
    struct mse_tcb_level levels[8];
    struct mse_tcb_info info;
    struct mse_qe_identity identity;
    struct mse_quote quote;
    struct mse_pck pck;
    uint8_t tee_tcb_svn[16], mrsignerseam[48], seam_attributes[8];
    uint8_t qe_attributes[16], qe_mrsigner[32];
};

static void fill(uint8_t *svn, uint8_t value)
{
    memset(svn, value, 16);
}

static void set_modules(struct setup *s)
{
    struct mse_tcb_info *info = &s->info;

    info->is_tdx = info->has_tdx_module = true;
    info->module_count = 2;
    strcpy(info->modules[0].id, "TDX_03");
    info->modules[0].first_level = 3;
    info->modules[0].level_count = 1;
    s->levels[3] = (struct mse_tcb_level){ .isv_svn = 5, .status = UTD };
    strcpy(info->modules[1].id, "TDX_01");
    info->modules[1].first_level = 4;
    info->modules[1].level_count = 2;
    s->levels[4] = (struct mse_tcb_level){ .isv_svn = 5, .status = UTD };
    s->levels[5] = (struct mse_tcb_level){ .isv_svn = 4, .status = OOD };
    memset(info->module.attributes_mask, 0xff, 8);
    memset(info->modules[0].attributes_mask, 0xff, 8);
    memset(info->modules[1].attributes_mask, 0xff, 8);
    info->level_count = 6;
}

static void init(struct setup *s, bool tdx)
{
    *s = (struct setup){ 0 };
    s->info.levels = s->levels;
    s->info.platform_level_count = s->info.level_count = 3;
    s->levels[0] = (struct mse_tcb_level){ .pce_svn = 13, .status = UTD, .tcb_date = 300 };
    s->levels[1] = (struct mse_tcb_level){ .pce_svn = 11, .status = SWH, .tcb_date = 200 };
    s->levels[2] = (struct mse_tcb_level){ .pce_svn = 5, .status = OOD, .tcb_date = 100 };
    for (unsigned i = 0; i < 3; i++) {
        fill(s->levels[i].sgx_svn, (uint8_t)(6 - 2 * i));
        fill(s->levels[i].tdx_svn, (uint8_t)(6 - 2 * i));
    }
    fill(s->pck.comp_svn, 6);
    s->pck.pce_svn = 13;
    s->info.tcb_eval = 17;
    s->info.next_update = 2000;
    s->identity.tcb_eval = 16;
    s->identity.next_update = 1000;
    s->identity.id = tdx ? MSE_QE_TDX : MSE_QE_SGX;
    s->identity.level_count = 2;
    s->identity.levels[0] = (struct mse_tcb_level){ .isv_svn = 6, .status = UTD };
    s->identity.levels[1] = (struct mse_tcb_level){ .isv_svn = 5, .status = OOD };
    s->identity.misc_select_mask = 0xffffffff;
    memset(s->identity.attributes_mask, 0xff, 16);
    s->quote.tee_type = tdx ? MSE_TEE_TYPE_TDX : MSE_TEE_TYPE_SGX;
    s->quote.qe_report.isv_svn = 6;
    s->quote.qe_report.attributes = s->qe_attributes;
    s->quote.qe_report.mrsigner = s->qe_mrsigner;
    s->quote.td.tee_tcb_svn = s->tee_tcb_svn;
    s->quote.td.mrsignerseam = s->mrsignerseam;
    s->quote.td.seam_attributes = s->seam_attributes;
    fill(s->tee_tcb_svn, 6);
    if (tdx) {
        set_modules(s);
        s->tee_tcb_svn[0] = 5;
        s->tee_tcb_svn[1] = 1;
    }
}

static struct mse_tcb_result evaluate(const struct setup *s, enum mse_err_code want)
{
    struct mse_tcb_result result;
    struct mse_error err = { 0 };

    assert_int_equal(mse_tcb_evaluate(&s->info, &s->identity, &s->quote, &s->pck, &result, &err),
                     want == MSE_ERR_NONE);
    assert_int_equal(err.code, want);
    assert_int_equal(result.evaluated, want == MSE_ERR_NONE);
    return result;
}

/* Intel PCS API v4, "Get TCB Info": all components and PCESVN must be reached, first level wins. */
static void sgx_takes_the_first_level_that_is_reached(void **state)
{
    /* clang-format off */
    static const struct { const char *name; uint8_t all, changed, value; uint16_t pce; int want; }
    cases[] = {
        { "newest",                  6, 0,  6, 13, 0 },
        { "above the newest",        9, 15, 9, 99, 0 },
        { "PCESVN one short",        6, 0,  6, 12, 1 },
        { "first component short",   6, 0,  5, 13, 1 },
        { "last component short",    6, 15, 5, 13, 1 },
        { "exactly the second",      4, 0,  4, 11, 1 },
        { "second, PCESVN short",    4, 0,  4, 10, 2 },
        { "one component at third",  6, 7,  2, 13, 2 },
        { "below all, components",   6, 7,  1, 13, -1 },
        { "below all, PCESVN",       6, 0,  6, 4,  -1 },
    };
    /* clang-format on */
    struct setup s;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct mse_tcb_level *got;

        init(&s, false);
        fill(s.pck.comp_svn, cases[i].all);
        s.pck.comp_svn[cases[i].changed] = cases[i].value;
        s.pck.pce_svn = cases[i].pce;
        got = mse_tcb_level_platform(&s.info, &s.pck, NULL);
        if (got != (cases[i].want < 0 ? NULL : &s.levels[cases[i].want]))
            fail_msg("%s", cases[i].name);
    }
}

static void tdx_components_count_too(void **state)
{
    /* clang-format off */
    static const struct { const char *name; uint8_t module, changed, value; int want; } cases[] = {
        { "all reached",                            1, 2,  6, 0 },
        { "component 2 short",                      1, 2,  5, 1 },
        { "component 15 short",                     1, 15, 3, 2 },
        { "below all",                              1, 15, 1, -1 },
        { "component 0 is the module's own level",  1, 0,  0, 0 },
        { "component 0 counts without own level",   0, 0,  0, -1 },
        { "component 1 counts without own level",   0, 0,  6, -1 },
    };
    /* clang-format on */
    struct setup s;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct mse_tcb_level *got;

        init(&s, true);
        s.tee_tcb_svn[1] = cases[i].module;
        s.tee_tcb_svn[cases[i].changed] = cases[i].value;
        got = mse_tcb_level_platform(&s.info, &s.pck, &s.quote.td);
        if (got != (cases[i].want < 0 ? NULL : &s.levels[cases[i].want]))
            fail_msg("%s", cases[i].name);
    }
    init(&s, true);
    s.tee_tcb_svn[1] = 0;
    for (unsigned i = 0; i < 3; i++)
        s.levels[i].tdx_svn[1] = 0;
    assert_ptr_equal(mse_tcb_level_platform(&s.info, &s.pck, &s.quote.td), &s.levels[1]);
}

static void an_enclave_level_is_reached_not_passed(void **state)
{
    static const struct mse_tcb_level levels[] = { { .isv_svn = 6, .status = UTD },
                                                   { .isv_svn = 5, .status = OOD } };

    (void)state;
    assert_ptr_equal(mse_tcb_level_isv(levels, 2, 7), &levels[0]);
    assert_ptr_equal(mse_tcb_level_isv(levels, 2, 6), &levels[0]);
    assert_ptr_equal(mse_tcb_level_isv(levels, 2, 5), &levels[1]);
    assert_null(mse_tcb_level_isv(levels, 2, 4));
    assert_null(mse_tcb_level_isv(levels, 0, 9));
}

/* Convergence as Intel's quote verification library documents it, completed for other pairs. */
static void statuses_converge(void **state)
{
    static const struct {
        enum mse_tcb_status a, b, want;
    } cases[] = {
        { UTD, UTD, UTD }, { SWH, UTD, SWH }, { CFG, UTD, CFG }, { CSW, UTD, CSW },
        { OOD, UTD, OOD }, { OOC, UTD, OOC }, { REV, UTD, REV }, { NOM, UTD, NOM },
        { UTD, OOD, OOD }, { SWH, OOD, OOD }, { CFG, OOD, OOC }, { CSW, OOD, OOC },
        { OOD, OOD, OOD }, { OOC, OOD, OOC }, { REV, OOD, REV }, { NOM, OOD, NOM },
        { UTD, REV, REV }, { OOC, REV, REV }, { NOM, REV, NOM }, { REV, REV, REV },
        { UTD, NOM, NOM }, { REV, NOM, NOM }, { UTD, SWH, SWH }, { CFG, SWH, CSW },
        { UTD, CFG, CFG }, { OOD, CFG, OOC }, { UTD, OOC, OOC }, { SWH, CSW, CSW },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(mse_tcb_status_merge(cases[i].a, cases[i].b), cases[i].want);
        assert_int_equal(mse_tcb_status_merge(cases[i].b, cases[i].a), cases[i].want);
    }
}

static void an_evaluation_merges_platform_and_quoting_enclave(void **state)
{
    struct mse_tcb_result r;
    struct setup s;

    (void)state;
    init(&s, false);
    r = evaluate(&s, MSE_ERR_NONE);
    assert_int_equal(r.status, UTD);
    assert_true(r.qe_matches);
    assert_false(r.has_module);
    assert_int_equal(r.tcb_eval, 16);
    assert_int_equal(r.next_update, 1000);
    assert_int_equal(r.tcb_date, 300);
    assert_string_equal(r.shortfall, "");
    s.quote.qe_report.isv_svn = 5;
    r = evaluate(&s, MSE_ERR_NONE);
    assert_int_equal(r.platform_status, UTD);
    assert_int_equal(r.qe_status, OOD);
    assert_int_equal(r.status, OOD);
    s.quote.qe_report.isv_svn = 4;
    r = evaluate(&s, MSE_ERR_NONE);
    assert_int_equal(r.qe_status, NOM);
    assert_int_equal(r.status, NOM);
    s.info.tcb_eval = 3;
    s.info.next_update = 50;
    r = evaluate(&s, MSE_ERR_NONE);
    assert_int_equal(r.tcb_eval, 3);
    assert_int_equal(r.next_update, 50);
}

static void an_evaluation_merges_the_tdx_module(void **state)
{
    struct mse_tcb_result r;
    struct setup s;

    (void)state;
    init(&s, true);
    r = evaluate(&s, MSE_ERR_NONE);
    assert_true(r.has_module);
    assert_int_equal(r.module_status, UTD);
    assert_int_equal(r.status, UTD);
    s.tee_tcb_svn[0] = 4;
    r = evaluate(&s, MSE_ERR_NONE);
    assert_int_equal(r.platform_status, UTD);
    assert_int_equal(r.module_status, OOD);
    assert_int_equal(r.status, OOD);
    s.tee_tcb_svn[0] = 3;
    r = evaluate(&s, MSE_ERR_NONE);
    assert_int_equal(r.module_status, NOM);
    assert_int_equal(r.status, NOM);
    s.tee_tcb_svn[1] = 0;
    s.tee_tcb_svn[0] = 6;
    r = evaluate(&s, MSE_ERR_NONE);
    assert_false(r.has_module);
    s.tee_tcb_svn[1] = 3;
    s.tee_tcb_svn[0] = 5;
    assert_int_equal(evaluate(&s, MSE_ERR_NONE).module_status, UTD);
}

/* The vendor names modules by two hex digits. */
static void a_module_is_found_by_its_hex_name(void **state)
{
    struct setup s;

    (void)state;
    init(&s, true);
    s.tee_tcb_svn[1] = 0x1a;
    evaluate(&s, MSE_ERR_MISMATCH);
    strcpy(s.info.modules[0].id, "TDX_1A");
    assert_int_equal(evaluate(&s, MSE_ERR_NONE).module_status, UTD);
    strcpy(s.info.modules[0].id, "TDX_1a");
    assert_int_equal(evaluate(&s, MSE_ERR_NONE).module_status, UTD);
    strcpy(s.info.modules[0].id, "TDX_26");
    evaluate(&s, MSE_ERR_MISMATCH);
}

static void unfit_statements_are_refused(void **state)
{
    struct setup s;

    (void)state;
    init(&s, false);
    s.info.pce_id[1] = 1;
    evaluate(&s, MSE_ERR_MISMATCH);
    init(&s, false);
    s.info.fmspc[0] = 1;
    evaluate(&s, MSE_ERR_MISMATCH);
    init(&s, false);
    s.info.is_tdx = true;
    evaluate(&s, MSE_ERR_MISMATCH);
    init(&s, true);
    s.info.is_tdx = false;
    evaluate(&s, MSE_ERR_MISMATCH);
    init(&s, false);
    s.identity.id = MSE_QE_TDX;
    evaluate(&s, MSE_ERR_MISMATCH);
    init(&s, true);
    s.identity.id = MSE_QE_SGX;
    evaluate(&s, MSE_ERR_MISMATCH);
    init(&s, false);
    s.identity.id = MSE_QE_QVE;
    evaluate(&s, MSE_ERR_MISMATCH);
    init(&s, false);
    s.info.tcb_type = 1;
    evaluate(&s, MSE_ERR_UNSUPPORTED);
}

static void a_module_must_be_the_vendors(void **state)
{
    struct setup s;

    (void)state;
    for (unsigned major = 0; major < 2; major++) {
        init(&s, true);
        s.tee_tcb_svn[1] = (uint8_t)major;
        s.mrsignerseam[47] = 1;
        evaluate(&s, MSE_ERR_MISMATCH);
        init(&s, true);
        s.tee_tcb_svn[1] = (uint8_t)major;
        s.seam_attributes[0] = 1;
        evaluate(&s, MSE_ERR_MISMATCH);
        s.info.module.attributes_mask[0] = 0xfe;
        s.info.modules[1].attributes_mask[0] = 0xfe;
        evaluate(&s, MSE_ERR_NONE);
    }
    init(&s, true);
    s.tee_tcb_svn[1] = 0;
    s.info.has_tdx_module = false;
    evaluate(&s, MSE_ERR_MISSING);
}

static const char *misfit(const struct setup *s)
{
    const char *field = mse_qe_identity_misfit(&s->identity, &s->quote.qe_report);

    assert_int_equal(evaluate(s, MSE_ERR_NONE).qe_matches, field == NULL);
    return field;
}

static void a_quoting_enclave_must_be_the_vendors(void **state)
{
    struct setup s;

    (void)state;
    init(&s, false);
    assert_null(misfit(&s));
    s.quote.qe_report.misc_select = 1;
    assert_string_equal(misfit(&s), "miscselect");
    s.identity.misc_select_mask = 0xfffffffe;
    assert_null(misfit(&s));
    s.qe_attributes[15] = 0x80;
    assert_string_equal(misfit(&s), "attributes");
    s.identity.attributes_mask[15] = 0x7f;
    assert_null(misfit(&s));
    s.qe_mrsigner[31] = 1;
    assert_string_equal(misfit(&s), "mrsigner");
    s.identity.mrsigner[31] = 1;
    assert_null(misfit(&s));
    s.quote.qe_report.isv_prod_id = 0x100;
    assert_string_equal(misfit(&s), "isvprodid");
}

static void a_shortfall_names_what_is_short_and_what_mends_it(void **state)
{
    struct mse_tcb_result r;
    struct setup s;

    (void)state;
    init(&s, false);
    s.pck.comp_svn[1] = 5;
    s.info.sgx_component_type[1] = MSE_CSTR_BYTES("Early Microcode Update");
    r = evaluate(&s, MSE_ERR_NONE);
    assert_string_equal(r.shortfall, "SGX component 2 (Early Microcode Update) is 5, needs 6: "
                                     "BIOS or microcode update, software hardening (see "
                                     "advisories)");
    init(&s, false);
    s.pck.pce_svn = 5;
    s.quote.qe_report.isv_svn = 5;
    r = evaluate(&s, MSE_ERR_NONE);
    assert_string_equal(r.shortfall, "PCESVN is 5, needs 13, quoting enclave is 5, needs 6: "
                                     "PCE update, QE update");
    init(&s, true);
    s.tee_tcb_svn[0] = 4;
    r = evaluate(&s, MSE_ERR_NONE);
    assert_string_equal(r.shortfall, "TDX module is 4, needs 5: TDX module update");
    init(&s, false);
    s.levels[0].status = CFG;
    r = evaluate(&s, MSE_ERR_NONE);
    assert_string_equal(r.shortfall, "configuration (see advisories)");
}

static void a_long_shortfall_is_counted_not_cut(void **state)
{
    struct mse_tcb_result r;
    struct setup s;

    (void)state;
    init(&s, true);
    fill(s.pck.comp_svn, 0);
    fill(s.tee_tcb_svn, 0);
    s.tee_tcb_svn[1] = 1;
    s.pck.pce_svn = 0;
    s.quote.qe_report.isv_svn = 0;
    r = evaluate(&s, MSE_ERR_NONE);
    assert_true(strlen(r.shortfall) < sizeof(r.shortfall) - 1);
    assert_non_null(strstr(r.shortfall, "SGX component 1 is 0, needs 6"));
    assert_non_null(strstr(r.shortfall, " more: BIOS or microcode update, PCE update, QE update, "
                                        "TDX module update"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(sgx_takes_the_first_level_that_is_reached),
        cmocka_unit_test(tdx_components_count_too),
        cmocka_unit_test(an_enclave_level_is_reached_not_passed),
        cmocka_unit_test(statuses_converge),
        cmocka_unit_test(an_evaluation_merges_platform_and_quoting_enclave),
        cmocka_unit_test(an_evaluation_merges_the_tdx_module),
        cmocka_unit_test(a_module_is_found_by_its_hex_name),
        cmocka_unit_test(unfit_statements_are_refused),
        cmocka_unit_test(a_module_must_be_the_vendors),
        cmocka_unit_test(a_quoting_enclave_must_be_the_vendors),
        cmocka_unit_test(a_shortfall_names_what_is_short_and_what_mends_it),
        cmocka_unit_test(a_long_shortfall_is_counted_not_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
