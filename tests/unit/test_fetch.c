/* SPDX-License-Identifier: Apache-2.0 */
/* Fetching: what is asked of whom, when the cache serves, and what is not believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "endorsement/cache.h"
#include "test_service.h"

#define PCS "https://pcs.example"
#define KDS SERVICE_KDS
#define V4 PCS "/sgx/certification/v4"
#define V4_TDX PCS "/tdx/certification/v4"
#define TCB V4 "/tcb?fmspc=" VENDOR_FMSPC
#define QE V4 "/qe/identity"
#define PCK_CRL V4 "/pckcrl?ca=platform&encoding=der"
#define ROOT_CRL V4 "/rootcacrl"
#define FROM (VENDOR_AT - VENDOR_DAY)
#define UNTIL (VENDOR_AT + 30 * VENDOR_DAY)

static struct vendor vendor; /* Intel, Milan */
static struct vendor genoa;
static struct vendor turin;
static struct mse_roots roots;
static struct mse_roots genoa_roots;
static struct mse_roots turin_roots;

/* ---- fixture ------------------------------------------------------------------------------ */

struct fixture {
    char dir[64];
    struct service service;
    struct mse_fetcher fetcher;
    struct mse_sources sources;
    struct mse_need need;
};

static int set_up_vendors(void **state)
{
    (void)state;
    vendor_init_intel(&vendor);
    vendor_init_amd(&vendor, "Milan", 64);
    vendor_roots(&vendor, &roots);
    vendor_init_intel(&genoa);
    vendor_init_amd(&genoa, "Genoa", 64);
    vendor_roots(&genoa, &genoa_roots);
    vendor_init_intel(&turin);
    vendor_init_amd(&turin, "Turin", 8);
    vendor_roots(&turin, &turin_roots);
    return 0;
}

static int tear_down_vendors(void **state)
{
    (void)state;
    mse_roots_cleanup(&roots);
    mse_roots_cleanup(&genoa_roots);
    mse_roots_cleanup(&turin_roots);
    vendor_cleanup(&vendor);
    vendor_cleanup(&genoa);
    vendor_cleanup(&turin);
    return 0;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct mse_error err = { 0 };

    strcpy(f->dir, "/tmp/mse-test-fetch-XXXXXX");
    if (mkdtemp(f->dir) == NULL)
        return -1;
    f->service = (struct service){
        .intel = &vendor, .amd = &vendor, .fmspc = VENDOR_FMSPC, .from = FROM, .until = UNTIL
    };
    f->fetcher = (struct mse_fetcher){ service_get, &f->service };
    f->sources = (struct mse_sources){ PCS, KDS, &f->fetcher, NULL, &roots, VENDOR_AT };
    f->need = (struct mse_need){ .intel = true,
                                 .sgx = true,
                                 .fmspc = { 0x00, 0x90, 0x6e, 0xa1, 0x00, 0x00 },
                                 .platform_ca = true };
    *state = f;
    return mse_disk_cache_open(f->dir, &f->sources.cache, &err) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char sub[80];
    struct dirent *e;
    DIR *d;

    mse_disk_cache_close(f->sources.cache);
    (void)snprintf(sub, sizeof(sub), "%s/v1", f->dir);
    d = opendir(sub);
    while (d != NULL && (e = readdir(d)) != NULL)
        (void)unlinkat(dirfd(d), e->d_name, 0);
    if (d != NULL)
        closedir(d);
    (void)rmdir(sub);
    (void)rmdir(f->dir);
    free(f);
    return 0;
}

/* want: NULL-terminated, in order. */
static void expect_asked(struct fixture *f, const char *const *want)
{
    size_t n = 0;

    for (; want[n] != NULL; n++) {
        if (n >= f->service.count)
            fail_msg("was not asked: %s", want[n]);
        assert_string_equal(f->service.asked[n], want[n]);
    }
    if (f->service.count > n)
        fail_msg("was asked too: %s", f->service.asked[n]);
    f->service.count = 0;
}

/* Authenticated set of what was got; *err of the fetch. */
static struct mse_collateral *fetch(struct fixture *f, bool want, struct mse_error *err)
{
    struct mse_collateral *set = vendor_set();
    struct mse_error ignored = { 0 };
    char text[600];

    *err = (struct mse_error){ 0 };
    if (mse_fetch_needed(&f->sources, &f->need, set, err) != want)
        fail_msg("%s", want ? mse_error_describe(err, text, sizeof(text)) : "no failure");
    assert_int_equal(err->code == MSE_ERR_NONE, want);
    assert_true(mse_collateral_authenticate(set, f->sources.roots, &ignored));
    return set;
}

static void expect_fetch(struct fixture *f, size_t certs, size_t crls, size_t tcb_infos,
                         size_t qe_identities)
{
    struct mse_error err;
    struct mse_collateral *set = fetch(f, true, &err);

    assert_int_equal(vendor_count(set, MSE_ITEM_CERT, true), certs);
    assert_int_equal(vendor_count(set, MSE_ITEM_CRL, true), crls);
    assert_int_equal(vendor_count(set, MSE_ITEM_TCB_INFO, true), tcb_infos);
    assert_int_equal(vendor_count(set, MSE_ITEM_QE_IDENTITY, true), qe_identities);
    assert_int_equal(set->count, certs + crls + tcb_infos + qe_identities);
    mse_collateral_free(set);
}

static void expect_failure(struct fixture *f, enum mse_err_code code, const char *url,
                           size_t authenticated)
{
    struct mse_error err;
    struct mse_collateral *set = fetch(f, false, &err);
    size_t n = 0;
    char text[600];

    if (err.code != code || !service_has(err.field, url))
        fail_msg("wanted %s of %s: %s", mse_err_name(code), url,
                 mse_error_describe(&err, text, sizeof(text)));
    for (size_t i = 0; i < set->count; i++)
        n += set->items[i]->authenticated && set->items[i]->kind != MSE_ITEM_CERT;
    assert_int_equal(n, authenticated);
    mse_collateral_free(set);
}

static const char *const all_sgx[] = { PCK_CRL, TCB, QE, ROOT_CRL, NULL };
static const char *const nothing[] = { NULL };

/* ---- Intel -------------------------------------------------------------------------------- */

static void each_thing_is_asked_for_once_and_then_cached(void **state)
{
    struct fixture *f = *state;

    expect_fetch(f, 3, 2, 1, 1);
    expect_asked(f, all_sgx);
    expect_fetch(f, 3, 2, 1, 1);
    expect_asked(f, nothing);
}

static void without_a_cache_everything_is_asked_for_each_time(void **state)
{
    struct fixture *f = *state;
    struct mse_disk_cache *cache = f->sources.cache;

    f->sources.cache = NULL;
    expect_fetch(f, 3, 2, 1, 1);
    expect_asked(f, all_sgx);
    expect_fetch(f, 3, 2, 1, 1);
    expect_asked(f, all_sgx);
    f->sources.cache = cache;
}

static void tdx_and_the_processor_ca_have_their_own_urls(void **state)
{
    static const char *const want[] = { V4 "/pckcrl?ca=processor&encoding=der",
                                        V4_TDX "/tcb?fmspc=" VENDOR_FMSPC, V4_TDX "/qe/identity",
                                        ROOT_CRL, NULL };
    struct fixture *f = *state;

    f->need.sgx = false;
    f->need.tdx = true;
    f->need.platform_ca = false;
    f->service.hex_root_crl = true;
    expect_fetch(f, 3, 2, 1, 1);
    expect_asked(f, want);
}

static void the_early_set_is_asked_for_and_marked(void **state)
{
    static const char *const want[] = { PCK_CRL,  TCB, QE, TCB "&update=early", QE "?update=early",
                                        ROOT_CRL, NULL };
    struct fixture *f = *state;
    struct mse_error err;
    struct mse_collateral *set;

    f->need.early = true;
    for (int round = 0; round < 2; round++) {
        set = fetch(f, true, &err);
        assert_non_null(mse_collateral_tcb_info(set, false, f->need.fmspc, false, VENDOR_AT));
        assert_non_null(mse_collateral_tcb_info(set, false, f->need.fmspc, true, VENDOR_AT));
        assert_non_null(mse_collateral_qe_identity(set, MSE_QE_SGX, true, VENDOR_AT));
        mse_collateral_free(set);
        expect_asked(f, round == 0 ? want : nothing);
    }
}

static void what_went_out_of_date_is_asked_for_anew(void **state)
{
    struct fixture *f = *state;

    expect_fetch(f, 3, 2, 1, 1);
    f->service.count = 0;
    f->sources.at = UNTIL;
    expect_fetch(f, 3, 2, 1, 1);
    expect_asked(f, nothing);
    f->sources.at = UNTIL + 1;
    f->service.from = UNTIL;
    f->service.until = UNTIL + 30 * VENDOR_DAY;
    expect_fetch(f, 3, 2, 1, 1);
    expect_asked(f, all_sgx);
    expect_fetch(f, 3, 2, 1, 1);
    expect_asked(f, nothing);
}

static void a_service_that_is_down_does_not_matter_while_the_cache_does(void **state)
{
    struct fixture *f = *state;

    expect_fetch(f, 3, 2, 1, 1);
    f->service.down = PCS;
    expect_fetch(f, 3, 2, 1, 1);
    f->sources.fetcher = NULL;
    expect_fetch(f, 3, 2, 1, 1);
}

static void the_first_of_several_failures_is_told_and_the_rest_is_got(void **state)
{
    struct fixture *f = *state;

    f->service.not_found = "/qe/";
    expect_failure(f, MSE_ERR_HTTP, QE, 3);
    expect_asked(f, all_sgx);
    f->sources.fetcher = NULL;
    expect_failure(f, MSE_ERR_MISSING, QE, 3);
}

static void a_service_that_does_not_answer_is_not_waited_for_again(void **state)
{
    static const char *const up_to_it[] = { PCK_CRL, TCB, NULL };
    struct fixture *f = *state;

    f->service.down = "/tcb?";
    expect_failure(f, MSE_ERR_TIMEOUT, TCB, 1);
    expect_asked(f, up_to_it);
}

static void an_outdated_reply_is_kept_for_the_message_if_nothing_newer_comes(void **state)
{
    struct fixture *f = *state;

    expect_fetch(f, 3, 2, 1, 1);
    f->sources.at = UNTIL + 1;
    f->service.down = PCS;
    expect_failure(f, MSE_ERR_TIMEOUT, PCK_CRL, 4);
}

static void a_forged_reply_is_refused_and_never_cached(void **state)
{
    static const struct {
        const char *part;
        const char *url;
    } cases[] = {
        { "/tcb?", TCB }, { "/qe/", QE }, { "pckcrl", PCK_CRL }, { "rootcacrl", ROOT_CRL }
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_error err = { 0 };

        f->service.forged = cases[i].part;
        expect_failure(f, MSE_ERR_SIGNATURE, cases[i].url, 3);
        f->service.count = 0;
        f->service.forged = NULL;
        expect_fetch(f, 3, 2, 1, 1);
        assert_int_equal(f->service.count, 1);
        assert_string_equal(f->service.asked[0], cases[i].url);
        assert_true(mse_disk_cache_drop(f->sources.cache, cases[i < 3 ? i + 1 : 0].url, &err));
        f->service.count = 0;
    }
}

static void a_forged_cache_entry_is_asked_for_anew(void **state)
{
    struct fixture *f = *state;
    struct mse_error err = { 0 };
    struct mse_disk_cache *cache = f->sources.cache;
    struct mse_collateral *set = vendor_set();
    struct mse_writer w = { 0 };
    struct vendor_text reply = vendor_reply(
        "tcbInfo", vendor_tcb_info_body(false, VENDOR_FMSPC, FROM, UNTIL), vendor.stranger.key);

    expect_fetch(f, 3, 2, 1, 1);
    assert_true(mse_collateral_add(set, vendor_bytes(&reply), "x", &err));
    assert_true(mse_bundle_write(set, &w, &err));
    assert_true(mse_disk_cache_put(cache, TCB, mse_writer_bytes(&w), &err));
    assert_true(mse_disk_cache_put(cache, QE, MSE_CSTR_BYTES("rubbish"), &err));
    f->service.count = 0;
    expect_fetch(f, 3, 2, 1, 1);
    expect_asked(f, (const char *const[]){ TCB, QE, NULL });
    vendor_text_free(&reply);
    mse_writer_cleanup(&w);
    mse_collateral_free(set);
}

static void an_authentic_reply_about_something_else_is_refused(void **state)
{
    struct fixture *f = *state;

    f->service.fmspc = "00606a000000";
    expect_failure(f, MSE_ERR_MISMATCH, TCB, 3);
    f->service.count = 0;
    f->service.fmspc = VENDOR_FMSPC;
    expect_fetch(f, 3, 2, 1, 1);
    expect_asked(f, (const char *const[]){ TCB, NULL });
}

static void an_older_reply_does_not_displace_a_newer_one(void **state)
{
    struct fixture *f = *state;

    expect_fetch(f, 3, 2, 1, 1);
    f->service.count = 0;
    f->sources.at = FROM - VENDOR_DAY; /* before all that is cached */
    f->service.from = FROM - 20 * VENDOR_DAY;
    f->service.until = FROM - VENDOR_DAY;
    expect_fetch(f, 3, 4, 2, 2); /* and it stays in sight */
    expect_asked(f, all_sgx);
    f->sources.at = VENDOR_AT;
    expect_fetch(f, 3, 2, 1, 1);
    expect_asked(f, nothing);
}

/* The vendor knew more when it wrote the cached ones, although they are out of date now. */
static void a_lower_evaluation_number_neither_displaces_nor_hides_a_higher_one(void **state)
{
    struct fixture *f = *state;

    f->service.eval = 22;
    expect_fetch(f, 3, 2, 1, 1);
    f->sources.at = UNTIL + 1;
    f->service.eval = 18;
    f->service.from = UNTIL;
    f->service.until = UNTIL + 30 * VENDOR_DAY;
    for (size_t i = 0; i < 2; i++) {
        struct mse_error err;
        struct mse_collateral *set;
        const struct mse_item *info, *identity;
        uint32_t known;

        f->service.count = 0;
        set = fetch(f, true, &err);
        info = mse_collateral_tcb_info(set, false, f->need.fmspc, false, f->sources.at);
        identity = mse_collateral_qe_identity(set, MSE_QE_SGX, false, f->sources.at);
        assert_int_equal(info->tcb_info.tcb_eval, 18);
        assert_true(mse_collateral_newer_known(set, info, f->sources.at, &known));
        assert_int_equal(known, 22);
        assert_true(mse_collateral_newer_known(set, identity, f->sources.at, &known));
        assert_int_equal(known, 22);
        mse_collateral_free(set);
        if (i == 1) /* CRLs have no such number: the new ones were kept */
            expect_asked(f, (const char *const[]){ TCB, QE, NULL });
    }
    f->service.eval = 23;
    f->service.until = UNTIL + 10 * VENDOR_DAY; /* earlier than that of 18 */
    expect_fetch(f, 3, 2, 1, 1);
    f->service.count = 0;
    expect_fetch(f, 3, 2, 1, 1);
    expect_asked(f, nothing);
}

static void a_reply_without_issuers_uses_those_at_hand(void **state)
{
    struct fixture *f = *state;
    struct mse_error err = { 0 };
    struct mse_collateral *set = vendor_set();
    struct vendor_text chain = vendor_chain(&vendor.tcb, &vendor.platform);

    f->service.no_chain = true;
    expect_failure(f, MSE_ERR_MISSING, PCK_CRL, 1); /* the root CRL needs no certificate */
    assert_true(mse_collateral_add(set, vendor_bytes(&chain), "x", &err));
    assert_true(mse_fetch_needed(&f->sources, &f->need, set, &err));
    mse_collateral_free(set);
    vendor_text_free(&chain);
}

static void a_cache_that_cannot_be_written_takes_nothing_away(void **state)
{
    struct fixture *f = *state;
    char sub[80];
    int fd;

    (void)snprintf(sub, sizeof(sub), "%s/v1", f->dir);
    fd = open(sub, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    expect_fetch(f, 3, 2, 1, 1);
    assert_int_equal(unlink(sub), 0);
}

static void roots_of_others_do_not_authenticate_what_is_cached(void **state)
{
    struct fixture *f = *state;

    expect_fetch(f, 3, 2, 1, 1);
    f->service.count = 0;
    f->sources.roots = &genoa_roots;
    expect_failure(f, MSE_ERR_ROOT, PCK_CRL, 0);
    assert_int_equal(f->service.count, 4);
    f->sources.roots = &roots;
    f->service.count = 0;
    expect_fetch(f, 3, 2, 1, 1);
    expect_asked(f, nothing);
}

static void the_base_of_a_service_may_be_written_in_several_ways(void **state)
{
    static const char *const bases[] = { PCS,
                                         PCS "/",
                                         PCS "//",
                                         PCS "/sgx/certification/v4",
                                         PCS "/sgx/certification/v4/",
                                         PCS "/tdx/certification/v4/" };
    static const char *const bad[] = { "",           "pcs.example", "ftp://a",
                                       "https://",   "https:///",   "https://a?b",
                                       "https://a#", "https://a b", "https://a\n" };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
        struct mse_fetch_plan plan;
        struct mse_error err = { 0 };

        assert_true(mse_pcs_plan(bases[i], &f->need, &plan, &err));
        assert_int_equal(plan.count, 4);
        assert_string_equal(plan.of[1].url, TCB);
        assert_string_equal(plan.of[3].url, ROOT_CRL);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        f->sources.pcs_url = bad[i];
        expect_failure(f, MSE_ERR_USAGE, "url", 0);
    }
    expect_asked(f, nothing);
}

static void intels_own_service_has_the_root_crl_elsewhere(void **state)
{
    static const char *const bases[] = { MSE_PCS_DEFAULT_URL,
                                         "https://API.trustedservices.intel.com:443/" };
    static const char *const others[] = { "https://api.trustedservices.intel.com.example",
                                          "https://example/api.trustedservices.intel.com" };
    struct fixture *f = *state;
    struct mse_fetch_plan plan;
    struct mse_error err = { 0 };

    for (size_t i = 0; i < 2; i++) {
        assert_true(mse_pcs_plan(bases[i], &f->need, &plan, &err));
        assert_string_equal(plan.of[3].url,
                            "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der");
        assert_true(mse_pcs_plan(others[i], &f->need, &plan, &err));
        assert_true(service_has(plan.of[3].url, "/sgx/certification/v4/rootcacrl"));
    }
    f->sources.pcs_url = NULL;
    expect_fetch(f, 3, 2, 1, 1);
    assert_true(service_has(f->service.asked[0], "https://api.trustedservices.intel.com/sgx/"));
}

/* ---- AMD ---------------------------------------------------------------------------------- */

#define C1_8 "c1c1c1c1c1c1c1c1"
#define C1_64 C1_8 C1_8 C1_8 C1_8 C1_8 C1_8 C1_8 C1_8
#define MILAN_VCEK KDS "/vcek/v1/Milan/" C1_64 "?blSPL=03&teeSPL=00&snpSPL=08&ucodeSPL=115"

static void need_amd(struct fixture *f, const struct vendor *v, enum mse_snp_product product)
{
    f->need =
        (struct mse_need){ .amd = true, .need_vek = true, .product = product, .tcb = vendor_tcb };
    if (product != MSE_SNP_TURIN)
        f->need.tcb.fmc = 0;
    memcpy(f->need.chip_id, v->chip_id, sizeof(f->need.chip_id));
    f->service.amd = v;
}

static void milan_is_asked_for_chain_crl_and_vcek(void **state)
{
    struct fixture *f = *state;

    need_amd(f, &vendor, MSE_SNP_MILAN);
    expect_fetch(f, 3, 1, 0, 0);
    expect_asked(f, (const char *const[]){ KDS "/vcek/v1/Milan/cert_chain",
                                           KDS "/vcek/v1/Milan/crl", MILAN_VCEK, NULL });
    expect_fetch(f, 3, 1, 0, 0);
    expect_asked(f, nothing);
    f->sources.kds_url = KDS "/vcek/v1/";
    expect_fetch(f, 3, 1, 0, 0);
    expect_asked(f, nothing);
}

/* AMD 57230: Turin has an identifier of 8 bytes and an FMC version. */
static void turin_is_asked_with_its_short_id_and_fmc(void **state)
{
    struct fixture *f = *state;

    f->sources.roots = &turin_roots;
    need_amd(f, &turin, MSE_SNP_TURIN);
    expect_fetch(f, 3, 1, 0, 0);
    assert_string_equal(f->service.asked[2],
                        KDS "/vcek/v1/Turin/" C1_8
                            "?fmcSPL=02&blSPL=03&teeSPL=00&snpSPL=08&ucodeSPL=115");
}

static void a_vlek_has_its_own_chain_and_list_and_is_not_asked_for(void **state)
{
    struct fixture *f = *state;

    need_amd(f, &vendor, MSE_SNP_MILAN);
    f->need.vlek = true;
    expect_fetch(f, 2, 2, 0, 0);
    expect_asked(f,
                 (const char *const[]){ KDS "/vlek/v1/Milan/cert_chain", KDS "/vlek/v1/Milan/crl",
                                        KDS "/vcek/v1/Milan/crl", NULL });
    f->service.not_found = "/vlek/v1/Milan/crl";
    f->sources.at = UNTIL + 1; /* so that the cache does not serve */
    expect_failure(f, MSE_ERR_HTTP, KDS "/vlek/v1/Milan/crl", 2);
}

static void a_vcek_that_came_along_is_not_asked_for(void **state)
{
    struct fixture *f = *state;

    need_amd(f, &vendor, MSE_SNP_MILAN);
    f->need.need_vek = false;
    expect_fetch(f, 2, 1, 0, 0);
    assert_int_equal(f->service.count, 2);
}

static void the_vcek_of_another_chip_or_tcb_is_refused(void **state)
{
    struct fixture *f = *state;

    need_amd(f, &vendor, MSE_SNP_MILAN);
    f->need.chip_id[63] ^= 1;
    expect_failure(f, MSE_ERR_MISMATCH, "/vcek/v1/Milan/c1c1", 1);
    need_amd(f, &vendor, MSE_SNP_MILAN);
    f->need.tcb.snp++;
    expect_failure(f, MSE_ERR_MISMATCH, "/vcek/v1/Milan/c1c1", 1);
    need_amd(f, &vendor, MSE_SNP_MILAN);
    f->service.vcek = &vendor.ask;
    expect_failure(f, MSE_ERR_MISMATCH, "/vcek/v1/Milan/c1c1", 1);
}

static void the_chain_of_another_product_is_refused(void **state)
{
    struct fixture *f = *state;

    f->sources.roots = &genoa_roots;
    need_amd(f, &genoa, MSE_SNP_MILAN);
    expect_failure(f, MSE_ERR_MISMATCH, "/vcek/v1/Milan/cert_chain", 0);
}

static void a_masked_chip_id_gets_chain_and_crl_only(void **state)
{
    struct fixture *f = *state;

    need_amd(f, &vendor, MSE_SNP_MILAN);
    memset(f->need.chip_id, 0, sizeof(f->need.chip_id));
    expect_failure(f, MSE_ERR_MISSING, "chip_id", 1);
    assert_int_equal(f->service.count, 2);
}

static void an_unknown_product_is_found_by_asking(void **state)
{
    struct fixture *f = *state;

    need_amd(f, &vendor, MSE_SNP_UNKNOWN);
    expect_fetch(f, 3, 1, 0, 0);
    assert_int_equal(f->service.count, 3);
    f->service.count = 0;
    f->sources.roots = &genoa_roots;
    need_amd(f, &genoa, MSE_SNP_UNKNOWN);
    f->service.not_found = "/Milan/";
    expect_fetch(f, 3, 1, 0, 0);
    assert_int_equal(f->service.count, 6);
    f->service.not_found = "/vcek/";
    f->need.tcb.bl++;
    expect_failure(f, MSE_ERR_HTTP, "/vcek/v1/Milan/", 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(each_thing_is_asked_for_once_and_then_cached),
        TEST(without_a_cache_everything_is_asked_for_each_time),
        TEST(tdx_and_the_processor_ca_have_their_own_urls),
        TEST(the_early_set_is_asked_for_and_marked),
        TEST(what_went_out_of_date_is_asked_for_anew),
        TEST(a_service_that_is_down_does_not_matter_while_the_cache_does),
        TEST(the_first_of_several_failures_is_told_and_the_rest_is_got),
        TEST(a_service_that_does_not_answer_is_not_waited_for_again),
        TEST(an_outdated_reply_is_kept_for_the_message_if_nothing_newer_comes),
        TEST(a_forged_reply_is_refused_and_never_cached),
        TEST(a_forged_cache_entry_is_asked_for_anew),
        TEST(an_authentic_reply_about_something_else_is_refused),
        TEST(an_older_reply_does_not_displace_a_newer_one),
        TEST(a_lower_evaluation_number_neither_displaces_nor_hides_a_higher_one),
        TEST(a_reply_without_issuers_uses_those_at_hand),
        TEST(a_cache_that_cannot_be_written_takes_nothing_away),
        TEST(roots_of_others_do_not_authenticate_what_is_cached),
        TEST(the_base_of_a_service_may_be_written_in_several_ways),
        TEST(intels_own_service_has_the_root_crl_elsewhere),
        TEST(milan_is_asked_for_chain_crl_and_vcek),
        TEST(turin_is_asked_with_its_short_id_and_fmc),
        TEST(a_vlek_has_its_own_chain_and_list_and_is_not_asked_for),
        TEST(a_vcek_that_came_along_is_not_asked_for),
        TEST(the_vcek_of_another_chip_or_tcb_is_refused),
        TEST(the_chain_of_another_product_is_refused),
        TEST(a_masked_chip_id_gets_chain_and_crl_only),
        TEST(an_unknown_product_is_found_by_asking),
    };

    return cmocka_run_group_tests(tests, set_up_vendors, tear_down_vendors);
}
