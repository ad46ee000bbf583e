/* SPDX-License-Identifier: Apache-2.0 */
/* Collateral containers: what is read out of each, what is refused, and reading what was written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "test_vendor.h"

static struct vendor vendor;
static struct mse_roots roots;

/* The collateral that the containers are filled with. */
static struct {
    struct vendor_text tcb_pem, platform_pem, leaf_pem;
    struct test_blob root_crl, pck_crl;
    struct vendor_text root_crl_hex, pck_crl_hex;
    struct vendor_text tcb_body, qe_body, tcb_reply, qe_reply;
    char tcb_signature[129], qe_signature[129];
} c;

#define FROM (VENDOR_AT - VENDOR_DAY)
#define UNTIL (VENDOR_AT + 30 * VENDOR_DAY)

static int set_up(void **state)
{
    (void)state;
    vendor_init_intel(&vendor);
    vendor_roots(&vendor, &roots);
    c.tcb_pem = vendor_chain(&vendor.tcb, &vendor.root);
    c.platform_pem = vendor_chain(&vendor.platform, &vendor.root);
    c.leaf_pem = vendor_chain(&vendor.leaf, &vendor.platform);
    c.root_crl = vendor_crl(&vendor.root, FROM, UNTIL);
    c.pck_crl = vendor_crl(&vendor.platform, FROM, UNTIL);
    c.root_crl_hex = vendor_hex(test_bytes(&c.root_crl));
    c.pck_crl_hex = vendor_hex(test_bytes(&c.pck_crl));
    c.tcb_body = vendor_tcb_info_body(false, VENDOR_FMSPC, FROM, UNTIL);
    c.qe_body = vendor_qe_identity_body(false, FROM, UNTIL);
    vendor_sign(vendor.tcb.key, c.tcb_body.data, c.tcb_signature);
    vendor_sign(vendor.tcb.key, c.qe_body.data, c.qe_signature);
    c.tcb_reply = vendor_print("{\"tcbInfo\":%s,\"signature\":\"%s\"}", c.tcb_body.data,
                               c.tcb_signature);
    c.qe_reply = vendor_print("{\"enclaveIdentity\":%s,\"signature\":\"%s\"}", c.qe_body.data,
                              c.qe_signature);
    return 0;
}

static int tear_down(void **state)
{
    struct vendor_text *all[] = { &c.tcb_pem,      &c.platform_pem, &c.leaf_pem,
                                  &c.root_crl_hex, &c.pck_crl_hex,  &c.tcb_body,
                                  &c.qe_body,      &c.tcb_reply,    &c.qe_reply };

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        vendor_text_free(all[i]);
    test_blob_free(&c.root_crl);
    test_blob_free(&c.pck_crl);
    mse_roots_cleanup(&roots);
    vendor_cleanup(&vendor);
    return 0;
}

static struct vendor_text json_text(struct vendor_text in)
{
    struct vendor_text out = { calloc(1, 2 * in.len + 1), 0 };

    for (size_t i = 0; i < in.len; i++) {
        char ch = in.data[i];

        if (ch == '\n' || ch == '"')
            out.data[out.len++] = '\\';
        out.data[out.len++] = ch == '\n' ? 'n' : ch;
    }
    return out;
}

static void expect_read(struct mse_bytes file, enum mse_bundle_kind kind, size_t certs, size_t crls,
                        size_t tcb_infos, size_t qe_identities)
{
    struct mse_collateral *set = vendor_set();
    struct mse_error err = { 0 };
    char text[512];

    assert_int_equal(mse_bundle_guess(file), kind);
    if (!mse_bundle_read(file, "file", set, &err))
        fail_msg("%s", mse_error_describe(&err, text, sizeof(text)));
    assert_true(mse_collateral_authenticate(set, &roots, &err));
    assert_int_equal(vendor_count(set, MSE_ITEM_CERT, true), certs);
    assert_int_equal(vendor_count(set, MSE_ITEM_CRL, true), crls);
    assert_int_equal(vendor_count(set, MSE_ITEM_TCB_INFO, true), tcb_infos);
    assert_int_equal(vendor_count(set, MSE_ITEM_QE_IDENTITY, true), qe_identities);
    assert_int_equal(set->count, certs + crls + tcb_infos + qe_identities);
    mse_collateral_free(set);
}

static void expect_refused(struct mse_bytes file, enum mse_err_code want)
{
    struct mse_collateral *set = vendor_set();
    struct mse_error err = { 0 };
    char text[512];

    assert_false(mse_bundle_read(file, "file", set, &err));
    if (err.code != want)
        fail_msg("wanted %s: %s", mse_err_name(want), mse_error_describe(&err, text, sizeof(text)));
    mse_collateral_free(set);
}

/* ---- MSE bundle --------------------------------------------------------------------------- */

static struct vendor_text mse_bundle(void)
{
    struct vendor_text chain = json_text(c.tcb_pem);
    struct vendor_text pck_chain = json_text(c.platform_pem);
    struct vendor_text tcb = vendor_base64(vendor_bytes(&c.tcb_reply));
    struct vendor_text qe = vendor_base64(vendor_bytes(&c.qe_reply));
    struct vendor_text crl = vendor_base64(test_bytes(&c.pck_crl));
    struct vendor_text certs = vendor_base64(vendor_bytes(&c.platform_pem));
    struct vendor_text out = vendor_print(
        "{\"format\":\"mse-collateral-v1\",\"items\":["
        "{\"kind\":\"tcb_info\",\"data\":\"%s\",\"chain\":\"%s\",\"source\":\"https://a/b\"},"
        "{\"kind\":\"tcb_info\",\"data\":\"%s\",\"update\":\"early\"},"
        "{\"kind\":\"qe_identity\",\"data\":\"%s\",\"update\":\"standard\"},"
        "{\"kind\":\"crl\",\"data\":\"%s\"},"
        "{\"kind\":\"certificates\",\"data\":\"%s\"},"
        "{\"kind\":\"certificates\",\"pem\":\"%s\"}]}",
        tcb.data, chain.data, tcb.data, qe.data, crl.data, certs.data, pck_chain.data);

    free(chain.data);
    free(pck_chain.data);
    free(tcb.data);
    free(qe.data);
    free(crl.data);
    free(certs.data);
    return out;
}

static void an_mse_bundle_gives_all_its_items(void **state)
{
    struct vendor_text file = mse_bundle();

    (void)state;
    expect_read(vendor_bytes(&file), MSE_BUNDLE_MSE, 3, 1, 2, 1);
    free(file.data);
}

static void an_mse_bundle_keeps_update_set_and_source(void **state)
{
    struct vendor_text file = mse_bundle();
    struct mse_collateral *set = vendor_set();
    struct mse_error err = { 0 };
    const struct mse_item *item;

    (void)state;
    assert_true(mse_bundle_read(vendor_bytes(&file), "file", set, &err));
    assert_true(mse_collateral_authenticate(set, &roots, &err));
    item = mse_collateral_tcb_info(set, false, (const uint8_t[]){ 0, 0x90, 0x6e, 0xa1, 0, 0 },
                                   false, VENDOR_AT);
    assert_non_null(item);
    assert_string_equal(item->name, "https://a/b");
    item = mse_collateral_tcb_info(set, false, (const uint8_t[]){ 0, 0x90, 0x6e, 0xa1, 0, 0 }, true,
                                   VENDOR_AT);
    assert_non_null(item);
    assert_string_equal(item->name, "file");
    mse_collateral_free(set);
    free(file.data);
}

#define BUNDLE(items) "{\"format\":\"mse-collateral-v1\",\"items\":[" items "]}"

static void a_bundle_that_says_something_unknown_is_refused(void **state)
{
    static const struct {
        const char *file;
        enum mse_err_code want;
        size_t at;
    } cases[] = {
        { "{\"format\":\"mse-collateral-v2\",\"items\":[]}", MSE_ERR_UNSUPPORTED, 11 },
        { "{\"format\":1,\"items\":[]}", MSE_ERR_VALUE, 10 },
        { "{\"format\":\"mse-collateral-v1\"}", MSE_ERR_MISSING, 0 },
        { "{\"format\":\"mse-collateral-v1\",\"items\":{}}", MSE_ERR_VALUE, 38 },
        { "{\"format\":\"mse-collateral-v1\",\"items\":[],\"x\":1}", MSE_ERR_UNKNOWN_KEY, 42 },
        { BUNDLE("1"), MSE_ERR_VALUE, 39 },
        { BUNDLE("{}"), MSE_ERR_MISSING, 39 },
        { BUNDLE("{\"kind\":\"crls\",\"data\":\"AAAA\"}"), MSE_ERR_UNSUPPORTED, 48 },
        { BUNDLE("{\"kind\":\"crl\"}"), MSE_ERR_MISSING, 39 },
        { BUNDLE("{\"kind\":\"crl\",\"data\":1}"), MSE_ERR_VALUE, 60 },
        { BUNDLE("{\"kind\":\"crl\",\"data\":\"AAA\"}"), MSE_ERR_VALUE, 0 },
        { BUNDLE("{\"kind\":\"crl\",\"data\":\"\"}"), MSE_ERR_VALUE, 0 },
        { BUNDLE("{\"kind\":\"tcb_info\",\"pem\":\"x\"}"), MSE_ERR_VALUE, 65 },
        { BUNDLE("{\"kind\":\"tcb_info\",\"date\":\"AAAA\"}"), MSE_ERR_UNKNOWN_KEY, 59 },
        { BUNDLE("{\"kind\":\"tcb_info\",\"data\":\"AAAA\",\"update\":\"late\"}"), MSE_ERR_VALUE,
          82 },
        { BUNDLE("{\"kind\":\"crl\",\"data\":\"AAAA\",\"update\":\"early\"}"), MSE_ERR_VALUE, 77 },
        { BUNDLE("{\"kind\":\"tcb_info\",\"data\":\"AAAA\",\"chain\":\"\"}"), MSE_ERR_MISSING, 0 },
        { BUNDLE("{\"kind\":\"tcb_info\",\"data\":\"AAAA\",\"source\":1}"), MSE_ERR_VALUE, 81 },
        { BUNDLE("{\"kind\":\"certificates\",\"pem\":\"\"}"), MSE_ERR_MISSING, 0 },
        { BUNDLE("{\"kind\":\"certificates\"}"), MSE_ERR_MISSING, 39 },
        { BUNDLE("{\"kind\":\"certificates\",\"pem\":\"x\",\"data\":\"AAAA\"}"), MSE_ERR_DUPLICATE,
          69 },
        { BUNDLE("{\"kind\":\"crl\",\"kind\":\"crl\"}"), MSE_ERR_DUPLICATE, 54 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_collateral *set = vendor_set();
        struct mse_error err = { 0 };
        char text[512];

        assert_false(mse_bundle_read(MSE_CSTR_BYTES(cases[i].file), "f", set, &err));
        if (err.code != cases[i].want || err.offset != cases[i].at)
            fail_msg("case %zu: wanted %s at %zu, got %zu: %s", i, mse_err_name(cases[i].want),
                     cases[i].at, err.offset, mse_error_describe(&err, text, sizeof(text)));
        mse_collateral_free(set);
    }
}

static void a_refusal_names_file_and_item(void **state)
{
    struct mse_collateral *set = vendor_set();
    struct mse_error err = { 0 };

    (void)state;
    assert_false(mse_bundle_read(
        MSE_CSTR_BYTES(BUNDLE("{\"kind\":\"tcb_info\",\"data\":\"AAAA\"},{\"kind\":\"crl\"}")),
        "some.json", set, &err));
    assert_string_equal(err.field, "some.json: items[1]: data");
    mse_collateral_free(set);
}

static void every_prefix_of_a_bundle_is_refused(void **state)
{
    struct vendor_text file = mse_bundle();

    (void)state;
    for (size_t n = 0; n < file.len; n += n < 300 || file.len - n < 300 ? 1 : 97) {
        struct mse_collateral *set = vendor_set();
        struct mse_error err = { 0 };
        uint8_t *cut = malloc(n + 1);

        memcpy(cut + 1, file.data, n);
        assert_false(mse_bundle_read((struct mse_bytes){ cut + 1, n }, "f", set, &err));
        assert_int_not_equal(err.code, MSE_ERR_NONE);
        assert_int_equal(set->count, 0);
        free(cut);
        mse_collateral_free(set);
    }
    free(file.data);
}

static struct vendor_text write_out(const struct mse_collateral *set)
{
    struct mse_writer w = { 0 };
    struct mse_error err = { 0 };
    struct vendor_text out;

    assert_true(mse_bundle_write(set, &w, &err));
    out.len = w.len;
    out.data = mse_writer_take_text(&w);
    assert_non_null(out.data);
    return out;
}

static void a_written_bundle_reads_back_to_the_same_items(void **state)
{
    struct vendor_text file = mse_bundle();
    struct mse_collateral *set = vendor_set();
    struct mse_collateral *again = vendor_set();
    struct mse_error err = { 0 };
    struct vendor_text first;
    struct vendor_text second;

    (void)state;
    assert_true(mse_bundle_read(vendor_bytes(&file), "file", set, &err));
    first = write_out(set);
    expect_read(vendor_bytes(&first), MSE_BUNDLE_MSE, 3, 1, 2, 1);
    assert_true(mse_bundle_read(vendor_bytes(&first), "other", again, &err));
    second = write_out(again);
    assert_string_equal(first.data, second.data);
    assert_non_null(strstr(first.data, "\"source\": \"https://a/b\""));
    assert_null(strstr(first.data, "\"file\"")); /* where a local file lay is nobody's business */
    free(first.data);
    free(second.data);
    mse_collateral_free(set);
    mse_collateral_free(again);
    free(file.data);
}

static void order_of_adding_does_not_show_in_a_written_bundle(void **state)
{
    struct mse_collateral *a = vendor_set();
    struct mse_collateral *b = vendor_set();
    struct mse_error err = { 0 };
    struct vendor_text first;
    struct vendor_text second;

    (void)state;
    assert_true(mse_collateral_add(a, vendor_bytes(&c.tcb_reply), "1", &err));
    assert_true(mse_collateral_add(a, vendor_bytes(&c.platform_pem), "2", &err));
    assert_true(mse_collateral_add(a, test_bytes(&c.pck_crl), "3", &err));
    assert_true(mse_collateral_add(b, test_bytes(&c.pck_crl), "4", &err));
    assert_true(mse_collateral_add(b, vendor_bytes(&c.platform_pem), "5", &err));
    assert_true(mse_collateral_add(b, vendor_bytes(&c.tcb_reply), "6", &err));
    first = write_out(a);
    second = write_out(b);
    assert_string_equal(first.data, second.data);
    free(first.data);
    free(second.data);
    mse_collateral_free(a);
    mse_collateral_free(b);
}

/* ---- single files ------------------------------------------------------------------------- */

static void single_files_are_recognised_by_content(void **state)
{
    struct vendor_text pem_crl = vendor_pem("X509 CRL", test_bytes(&c.root_crl));
    struct vendor_text both = vendor_print("%s%s", pem_crl.data, c.platform_pem.data);

    (void)state;
    assert_int_equal(mse_bundle_guess(vendor_bytes(&c.tcb_reply)), MSE_BUNDLE_TCB_INFO);
    assert_int_equal(mse_bundle_guess(vendor_bytes(&c.qe_reply)), MSE_BUNDLE_QE_IDENTITY);
    expect_read(test_bytes(&c.root_crl), MSE_BUNDLE_CRL, 0, 1, 0, 0);
    expect_read(vendor_bytes(&c.root_crl_hex), MSE_BUNDLE_CRL, 0, 1, 0, 0);
    expect_read(vendor_bytes(&pem_crl), MSE_BUNDLE_CRL, 0, 1, 0, 0);
    expect_read(test_bytes(&vendor.root.cert), MSE_BUNDLE_CERTS, 1, 0, 0, 0);
    expect_read(vendor_bytes(&c.platform_pem), MSE_BUNDLE_CERTS, 2, 0, 0, 0);
    expect_read(vendor_bytes(&both), MSE_BUNDLE_CERTS, 2, 1, 0, 0);
    free(pem_crl.data);
    free(both.data);
}

static void other_files_are_refused(void **state)
{
    static const struct {
        const char *file;
        enum mse_err_code want;
    } cases[] = {
        { "", MSE_ERR_FORMAT },
        { "hello", MSE_ERR_FORMAT },
        { "00", MSE_ERR_FORMAT },
        { "{}", MSE_ERR_FORMAT },
        { "{\"a\":1}", MSE_ERR_FORMAT },
        { "[]", MSE_ERR_FORMAT },
        { "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", MSE_ERR_FORMAT },
        { "# only a comment", MSE_ERR_FORMAT },
        { "# only a comment\n", MSE_ERR_FORMAT },
        { "\1-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", MSE_ERR_FORMAT },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(mse_bundle_guess(MSE_CSTR_BYTES(cases[i].file)), MSE_BUNDLE_UNKNOWN);
        expect_refused(MSE_CSTR_BYTES(cases[i].file), cases[i].want);
    }
    expect_refused((struct mse_bytes){ NULL, 0 }, MSE_ERR_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_mse_bundle_gives_all_its_items),
        cmocka_unit_test(an_mse_bundle_keeps_update_set_and_source),
        cmocka_unit_test(a_bundle_that_says_something_unknown_is_refused),
        cmocka_unit_test(a_refusal_names_file_and_item),
        cmocka_unit_test(every_prefix_of_a_bundle_is_refused),
        cmocka_unit_test(a_written_bundle_reads_back_to_the_same_items),
        cmocka_unit_test(order_of_adding_does_not_show_in_a_written_bundle),
        cmocka_unit_test(single_files_are_recognised_by_content),
        cmocka_unit_test(other_files_are_refused),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
