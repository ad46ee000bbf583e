/* SPDX-License-Identifier: Apache-2.0 */
/* What a quote or a report needs from its vendor's service. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "endorsement/fetch.h"
#include "test_vendor.h"

static struct vendor vendor; /* Intel, Milan */
static struct vendor genoa;

static int set_up(void **state)
{
    (void)state;
    vendor_init_intel(&vendor);
    vendor_init_amd(&vendor, "Milan", 64);
    vendor_init_amd(&genoa, "Genoa", 64);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    vendor_cleanup(&vendor);
    vendor_cleanup(&genoa);
    return 0;
}

static struct mse_quote quote_with(struct mse_bytes chain, uint32_t tee)
{
    return (struct mse_quote){ .version = 4,
                               .tee_type = tee,
                               .cert_data = { MSE_CERT_DATA_PCK_CHAIN, chain } };
}

static void a_quote_tells_fmspc_ca_and_tee(void **state)
{
    struct vendor_text chain = vendor_chain(&vendor.leaf, &vendor.platform);
    struct vendor_text turned = vendor_chain(&vendor.platform, &vendor.leaf);
    const struct vendor_text *chains[] = { &chain, &turned };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct mse_quote quote = quote_with(vendor_bytes(chains[i]), MSE_TEE_TYPE_TDX);
        struct mse_error err = { 0 };
        struct mse_need need;

        assert_true(mse_need_of_quote(&quote, &need, &err));
        assert_true(need.intel && need.tdx && need.platform_ca);
        assert_false(need.amd || need.sgx || need.early);
        assert_memory_equal(need.fmspc, ((const uint8_t[]){ 0x00, 0x90, 0x6e, 0xa1, 0, 0 }), 6);
        quote.tee_type = MSE_TEE_TYPE_SGX;
        assert_true(mse_need_of_quote(&quote, &need, &err));
        assert_true(need.sgx && !need.tdx);
    }
    vendor_text_free(&chain);
    vendor_text_free(&turned);
}

static void a_quote_without_pck_certificate_is_refused(void **state)
{
    struct vendor_text chain = vendor_chain(&vendor.platform, &vendor.root);
    struct mse_quote quote = quote_with(vendor_bytes(&chain), MSE_TEE_TYPE_SGX);
    struct mse_error err = { 0 };
    struct mse_need need;

    (void)state;
    assert_false(mse_need_of_quote(&quote, &need, &err));
    assert_int_equal(err.code, MSE_ERR_MISSING);
    assert_false(need.intel);
    err = (struct mse_error){ 0 };
    quote.cert_data.type = MSE_CERT_DATA_PPID_RSA3072;
    assert_false(mse_need_of_quote(&quote, &need, &err));
    assert_int_equal(err.code, MSE_ERR_UNSUPPORTED);
    vendor_text_free(&chain);
}

/* CPUID of Genoa: family 0x19, model 0x11 (AMD 55803); TCB of Milan and Genoa: bl tee . . snp uc */
static struct mse_snp_report report_of(const struct vendor *v, uint32_t version)
{
    static const uint8_t tcb[8] = { 3, 0, 0, 0, 0, 0, 8, 115 };

    return (struct mse_snp_report){ .version = version,
                                    .has_cpuid = version >= 3,
                                    .cpuid_family = 0x19,
                                    .cpuid_model = 0x11,
                                    .reported_tcb = tcb,
                                    .chip_id = v->chip_id };
}

static void a_report_tells_product_chip_and_reported_tcb(void **state)
{
    struct mse_snp_report report = report_of(&genoa, 3);
    struct mse_error err = { 0 };
    struct mse_need need;

    (void)state;
    assert_true(mse_need_of_snp(&report, NULL, &need, &err));
    assert_true(need.amd && need.need_vek && !need.vlek && !need.intel);
    assert_int_equal(need.product, MSE_SNP_GENOA);
    assert_int_equal(need.tcb.bl, 3);
    assert_int_equal(need.tcb.snp, 8);
    assert_int_equal(need.tcb.ucode, 115);
    assert_memory_equal(need.chip_id, genoa.chip_id, 64);
    report.cpuid_family = 0x1b; /* of a processor that is not known */
    assert_false(mse_need_of_snp(&report, NULL, &need, &err));
    assert_int_equal(err.code, MSE_ERR_UNSUPPORTED);
    assert_false(need.amd);
}

static void certificates_that_came_along_tell_the_product_of_an_old_report(void **state)
{
    struct mse_snp_report report = report_of(&vendor, 2);
    struct mse_snp_certs certs = {
        .of = { { MSE_SNP_CERT_ASK, test_bytes(&vendor.ask.cert) },
                { MSE_SNP_CERT_VCEK, test_bytes(&vendor.vcek.cert) } },
        .count = 2,
    };
    struct mse_error err = { 0 };
    struct mse_need need;

    (void)state;
    assert_true(mse_need_of_snp(&report, NULL, &need, &err));
    assert_int_equal(need.product, MSE_SNP_UNKNOWN);
    assert_true(need.need_vek);
    assert_int_equal(need.tcb.bl, 3);
    assert_int_equal(need.tcb.snp, 8);
    assert_true(mse_need_of_snp(&report, &certs, &need, &err));
    assert_int_equal(need.product, MSE_SNP_MILAN);
    assert_false(need.need_vek);
    report.signing_key = MSE_SNP_VLEK; /* then a VCEK does not serve */
    assert_true(mse_need_of_snp(&report, &certs, &need, &err));
    assert_true(need.vlek && need.need_vek);
    report.signing_key = MSE_SNP_NO_KEY;
    assert_false(mse_need_of_snp(&report, &certs, &need, &err));
    assert_int_equal(err.code, MSE_ERR_UNSUPPORTED);
    assert_false(need.amd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quote_tells_fmspc_ca_and_tee),
        cmocka_unit_test(a_quote_without_pck_certificate_is_refused),
        cmocka_unit_test(a_report_tells_product_chip_and_reported_tcb),
        cmocka_unit_test(certificates_that_came_along_tell_the_product_of_an_old_report),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
