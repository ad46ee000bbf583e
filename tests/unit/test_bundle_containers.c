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

static struct vendor_text dcap_qvl(void)
{
    struct vendor_text pck_chain = json_text(c.platform_pem);
    struct vendor_text chain = json_text(c.tcb_pem);
    struct vendor_text tcb = json_text(c.tcb_body);
    struct vendor_text qe = json_text(c.qe_body);
    struct vendor_text out = vendor_print(
        "{\"pck_crl_issuer_chain\":\"%s\",\"root_ca_crl\":\"%s\","
        "\"pck_crl\":\"%s\",\"tcb_info_issuer_chain\":\"%s\","
        "\"tcb_info\":\"%s\",\"tcb_info_signature\":\"%s\","
        "\"qe_identity_issuer_chain\":\"%s\",\"qe_identity\":\"%s\","
        "\"qe_identity_signature\":\"%s\"}",
        pck_chain.data, c.root_crl_hex.data, c.pck_crl_hex.data, chain.data, tcb.data,
        c.tcb_signature, chain.data, qe.data, c.qe_signature);

    free(pck_chain.data);
    free(chain.data);
    free(tcb.data);
    free(qe.data);
    return out;
}

static void a_dcap_qvl_file_gives_all_its_items(void **state)
{
    struct vendor_text file = dcap_qvl();

    (void)state;
    expect_read(vendor_bytes(&file), MSE_BUNDLE_DCAP_QVL, 3, 2, 1, 1);
    free(file.data);
}

/* Renames one member. */
static void without(struct vendor_text *file, const char *member)
{
    char *at = strstr(file->data, member);

    assert_non_null(at);
    at[0] = 'X';
}

static void a_dcap_qvl_file_without_a_member_is_refused(void **state)
{
    static const char *const members[] = { "pck_crl_issuer_chain\"",
                                           "root_ca_crl\"",
                                           "pck_crl\"",
                                           "tcb_info\"",
                                           "tcb_info_issuer_chain\"",
                                           "qe_identity_issuer_chain\"",
                                           "qe_identity\"",
                                           "qe_identity_signature\"" };

    (void)state;
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        struct vendor_text file = dcap_qvl();

        without(&file, members[i]);
        expect_refused(vendor_bytes(&file), MSE_ERR_MISSING);
        free(file.data);
    }
}

/* An attested certificate as far as it matters: bytes with the PEM chain where a quote would be. */
static struct vendor_text attested(void)
{
    EVP_PKEY *key = test_key_p256();
    struct test_cert cert = {
        .subject = "app",
        .issuer = "app",
        .key = key,
        .issuer_key = key,
        .path_len = TEST_NO_PATH_LEN,
        .extensions = { { "1.2.840.113741.1337.6", c.leaf_pem.data, c.leaf_pem.len, false } },
    };
    struct test_blob der = test_cert_make(&cert);
    struct vendor_text out = vendor_pem("CERTIFICATE", test_bytes(&der));

    test_blob_free(&der);
    EVP_PKEY_free(key);
    return out;
}

/* json_text of something that is freed. */
static struct vendor_text json_of(struct vendor_text in)
{
    struct vendor_text out = json_text(in);

    vendor_text_free(&in);
    return out;
}

/* hex: the TCB info as base64 of hex with a line end, as the product stored it. */
static struct vendor_text evidence(bool hex)
{
    struct vendor_text tcb_hex = vendor_hex(vendor_bytes(&c.tcb_reply));
    struct vendor_text line = vendor_print("%s\n", tcb_hex.data);
    struct vendor_text parts[] = {
        json_of(attested()),
        json_of(vendor_pem("X509 CRL", test_bytes(&c.root_crl))),
        json_of(vendor_pem("X509 CRL", test_bytes(&c.pck_crl))),
        vendor_base64(vendor_bytes(hex ? &line : &c.tcb_reply)),
        vendor_base64(vendor_bytes(&c.qe_reply)),
        json_of(vendor_chain(&vendor.tcb, NULL)),
    };
    struct vendor_text out = vendor_print(
        "{\"input_args\":{\"size\":4096},\"ratls_certificate\":\"%s\",\"root_ca_crl\":\"%s\","
        "\"pck_platform_crl\":\"%s\",\"tcb_info\":\"%s\",\"qe_identity\":\"%s\","
        "\"tcb_cert\":\"%s\"}",
        parts[0].data, parts[1].data, parts[2].data, parts[3].data, parts[4].data, parts[5].data);

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        vendor_text_free(&parts[i]);
    vendor_text_free(&tcb_hex);
    vendor_text_free(&line);
    return out;
}

static void evidence_json_gives_collateral_and_chain_of_the_quote(void **state)
{
    struct vendor_text with_hex = evidence(true);
    struct vendor_text plain = evidence(false);

    (void)state;
    /* leaf and platform CA from the quote, TCB signing certificate from the file */
    expect_read(vendor_bytes(&with_hex), MSE_BUNDLE_MSE_EVIDENCE, 3, 2, 1, 1);
    expect_read(vendor_bytes(&plain), MSE_BUNDLE_MSE_EVIDENCE, 3, 2, 1, 1);
    free(with_hex.data);
    free(plain.data);
}

static void evidence_json_hands_out_its_certificate(void **state)
{
    struct vendor_text file = evidence(true);
    struct mse_error err = { 0 };
    char *pem = NULL;

    (void)state;
    assert_true(mse_bundle_evidence_certificate(vendor_bytes(&file), &pem, &err));
    assert_int_equal(strncmp(pem, "-----BEGIN CERTIFICATE-----\n", 28), 0);
    free(pem);
    assert_false(mse_bundle_evidence_certificate(MSE_CSTR_BYTES("{}"), &pem, &err));
    assert_int_equal(err.code, MSE_ERR_MISSING);
    assert_null(pem);
    free(file.data);
}

static void evidence_json_without_a_member_is_refused(void **state)
{
    static const char *const members[] = { "root_ca_crl\"", "pck_platform_crl\"", "tcb_info\"",
                                           "qe_identity\"", "tcb_cert\"" };

    (void)state;
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        struct vendor_text file = evidence(true);

        without(&file, members[i]);
        expect_refused(vendor_bytes(&file), MSE_ERR_MISSING);
        free(file.data);
    }
}

/* ---- Open Enclave ------------------------------------------------------------------------- */

#define OE_COUNT 9

/* oe_endorsements_t with the NUL that ends each text; comment and header as wanted. */
static struct mse_writer open_enclave(const char *before, bool with_header)
{
    static const uint8_t uuid[16] = { 0xa3, 0xa2, 0x1e, 0x87, 0x1b, 0x4d, 0x40, 0x14,
                                      0xb7, 0x0a, 0xa1, 0x25, 0xd2, 0xfb, 0xcd, 0x8c };
    static const char when[] = "2026-01-01T00:00:00Z";
    struct mse_bytes parts[OE_COUNT] = {
        { (const uint8_t *)"\1\0\0\0", 4 },
        { (const uint8_t *)c.tcb_reply.data, c.tcb_reply.len + 1 },
        { (const uint8_t *)c.tcb_pem.data, c.tcb_pem.len + 1 },
        { (const uint8_t *)c.pck_crl.data, c.pck_crl.len },
        { (const uint8_t *)c.root_crl_hex.data, c.root_crl_hex.len + 1 },
        { (const uint8_t *)c.platform_pem.data, c.platform_pem.len + 1 },
        { (const uint8_t *)c.qe_reply.data, c.qe_reply.len + 1 },
        { (const uint8_t *)c.tcb_pem.data, c.tcb_pem.len + 1 },
        { (const uint8_t *)when, sizeof(when) },
    };
    struct mse_writer w = { 0 };
    uint32_t total = 4 * OE_COUNT;
    uint32_t offset = 0;

    for (size_t i = 0; i < OE_COUNT; i++)
        total += (uint32_t)parts[i].len;
    mse_write_text(&w, before);
    if (with_header) {
        mse_write_u32le(&w, 3);
        mse_write_bytes(&w, uuid, sizeof(uuid));
        mse_write_u32le(&w, 0);
        mse_write_u64le(&w, total + 16);
    }
    mse_write_u32le(&w, 1);
    mse_write_u32le(&w, 2);
    mse_write_u32le(&w, total);
    mse_write_u32le(&w, OE_COUNT);
    for (size_t i = 0; i < OE_COUNT; i++) {
        mse_write_u32le(&w, offset);
        offset += (uint32_t)parts[i].len;
    }
    for (size_t i = 0; i < OE_COUNT; i++)
        mse_write_bytes(&w, parts[i].data, parts[i].len);
    assert_true(mse_writer_ok(&w));
    return w;
}

static void open_enclave_endorsements_give_all_their_items(void **state)
{
    static const struct {
        const char *before;
        bool with_header;
    } cases[] = { { "", false }, { "", true }, { "# two lines\n# of comment\n", false } };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_writer w = open_enclave(cases[i].before, cases[i].with_header);

        expect_read(mse_writer_bytes(&w), MSE_BUNDLE_OPEN_ENCLAVE, 3, 2, 1, 1);
        mse_writer_cleanup(&w);
    }
}

static void set_u32(struct mse_writer *w, size_t at, uint32_t v)
{
    for (size_t i = 0; i < 4; i++)
        w->data[at + i] = (uint8_t)(v >> 8 * i);
}

static void open_enclave_endorsements_with_lying_numbers_are_refused(void **state)
{
    static const struct {
        size_t at;
        uint32_t v;
        enum mse_err_code want;
        size_t offset;
    } cases[] = {
        { 0, 2, MSE_ERR_FORMAT, 0 },              /* version */
        { 4, 3, MSE_ERR_UNSUPPORTED, 8 },         /* enclave type */
        { 8, 1, MSE_ERR_FORMAT, 0 },              /* buffer size */
        { 12, 7, MSE_ERR_FORMAT, 0 },             /* elements */
        { 12, 10, MSE_ERR_FORMAT, 0 },            /* elements */
        { 16, 1, MSE_ERR_VALUE, 20 },             /* first offset */
        { 24, 3, MSE_ERR_VALUE, 28 },             /* third before second */
        { 48, 0xffffffff, MSE_ERR_TRUNCATED, 0 }, /* last past the end */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_writer w = open_enclave("", false);
        struct mse_collateral *set = vendor_set();
        struct mse_error err = { 0 };

        set_u32(&w, cases[i].at, cases[i].v);
        assert_false(mse_bundle_read(mse_writer_bytes(&w), "f", set, &err));
        assert_int_equal(err.code, cases[i].want);
        if (cases[i].want != MSE_ERR_TRUNCATED)
            assert_int_equal(err.offset, cases[i].offset);
        mse_collateral_free(set);
        mse_writer_cleanup(&w);
    }
}

static void every_prefix_of_open_enclave_endorsements_is_refused(void **state)
{
    struct mse_writer w = open_enclave("", false);

    (void)state;
    for (size_t n = 0; n < w.len; n++) {
        struct mse_collateral *set = vendor_set();
        struct mse_error err = { 0 };
        uint8_t *cut = malloc(n + 1);

        memcpy(cut + 1, w.data, n);
        assert_false(mse_bundle_read((struct mse_bytes){ cut + 1, n }, "f", set, &err));
        free(cut);
        mse_collateral_free(set);
    }
    mse_writer_cleanup(&w);
}

/* sgx_ql_qve_collateral_t as a program wrote it out, pointers and all. */
static struct mse_writer intel_dump(uint16_t major, uint32_t tee)
{
    const struct vendor_text *parts[7] = { &c.platform_pem, &c.root_crl_hex, &c.pck_crl_hex,
                                           &c.tcb_pem,      &c.tcb_reply,    &c.tcb_pem,
                                           &c.qe_reply };
    struct mse_writer w = { 0 };

    mse_write_u16le(&w, major);
    mse_write_u16le(&w, 0);
    mse_write_u32le(&w, tee);
    for (size_t i = 0; i < 7; i++) {
        mse_write_u64le(&w, 0x00007f1234567890U);
        mse_write_u64le(&w, parts[i]->len + 1);
    }
    for (size_t i = 0; i < 7; i++)
        mse_write_bytes(&w, parts[i]->data, parts[i]->len + 1);
    assert_true(mse_writer_ok(&w));
    return w;
}

static void intels_collateral_structure_gives_all_its_items(void **state)
{
    struct mse_writer w = intel_dump(4, 0x81);

    (void)state;
    expect_read(mse_writer_bytes(&w), MSE_BUNDLE_OPEN_ENCLAVE, 3, 2, 1, 1);
    mse_writer_cleanup(&w);
    w = intel_dump(3, 0);
    expect_read(mse_writer_bytes(&w), MSE_BUNDLE_OPEN_ENCLAVE, 3, 2, 1, 1);
    mse_writer_cleanup(&w);
    w = intel_dump(5, 0);
    expect_refused(mse_writer_bytes(&w), MSE_ERR_FORMAT);
    mse_writer_cleanup(&w);
    w = intel_dump(4, 0x82);
    expect_refused(mse_writer_bytes(&w), MSE_ERR_FORMAT);
    mse_writer_cleanup(&w);
    w = intel_dump(4, 0);
    mse_write_u8(&w, 0);
    expect_refused(mse_writer_bytes(&w), MSE_ERR_FORMAT);
    mse_writer_cleanup(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dcap_qvl_file_gives_all_its_items),
        cmocka_unit_test(a_dcap_qvl_file_without_a_member_is_refused),
        cmocka_unit_test(evidence_json_gives_collateral_and_chain_of_the_quote),
        cmocka_unit_test(evidence_json_hands_out_its_certificate),
        cmocka_unit_test(evidence_json_without_a_member_is_refused),
        cmocka_unit_test(open_enclave_endorsements_give_all_their_items),
        cmocka_unit_test(open_enclave_endorsements_with_lying_numbers_are_refused),
        cmocka_unit_test(every_prefix_of_open_enclave_endorsements_is_refused),
        cmocka_unit_test(intels_collateral_structure_gives_all_its_items),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
