/* SPDX-License-Identifier: Apache-2.0 */
/* Signs quotes, reports and collateral like a platform and its vendor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include "base/encode.h"
#include "test_quote_maker.h"

static const uint8_t fmspc_default[6] = { 0x00, 0x90, 0x6e, 0xd5, 0x00, 0x00 };

static const char zero48[] = "000000000000000000000000000000000000000000000000000000000000000000000"
                             "000000000000000000000000000";

static void default_certs(struct test_intel *t)
{
    t->root = (struct test_cert){ .subject = "Intel SGX Root CA",
                                  .issuer = "Intel SGX Root CA",
                                  .key = t->root_key,
                                  .issuer_key = t->root_key,
                                  .ca = true,
                                  .path_len = 1,
                                  .key_usage = "critical,keyCertSign,cRLSign",
                                  .serial = 1 };
    t->ca = (struct test_cert){ .subject = "Intel SGX PCK Processor CA",
                                .issuer = "Intel SGX Root CA",
                                .key = t->ca_key,
                                .issuer_key = t->root_key,
                                .ca = true,
                                .path_len = 0,
                                .key_usage = "critical,keyCertSign,cRLSign",
                                .serial = 2 };
    t->pck = (struct test_cert){ .subject = "Intel SGX PCK Certificate",
                                 .issuer = "Intel SGX PCK Processor CA",
                                 .key = t->pck_key,
                                 .issuer_key = t->ca_key,
                                 .has_basic_constraints = true,
                                 .key_usage = "critical,digitalSignature",
                                 .serial = 3 };
    t->tcb = (struct test_cert){ .subject = "Intel SGX TCB Signing",
                                 .issuer = "Intel SGX Root CA",
                                 .key = t->tcb_key,
                                 .issuer_key = t->root_key,
                                 .has_basic_constraints = true,
                                 .key_usage = "critical,digitalSignature",
                                 .serial = 4 };
    t->root_crl = (struct test_crl){ .issuer = "Intel SGX Root CA", .issuer_key = t->root_key };
    t->ca_crl = (struct test_crl){ .issuer = "Intel SGX PCK Processor CA",
                                   .issuer_key = t->ca_key };
}

static void default_collateral(struct test_intel *t)
{
    t->fmspc = "00906ED50000";
    t->pce_id = "0000";
    t->tcb_issued = t->qe_issued = "2025-06-01T00:00:00Z";
    t->tcb_next = t->qe_next = "2025-07-01T00:00:00Z";
    t->tcb_eval = 17;
    t->qe_eval = 18;
    t->level_count = 2;
    t->levels[0] = (struct test_level){ .pce_svn = 13, .status = "UpToDate" };
    t->levels[1] =
        (struct test_level){ .pce_svn = 5, .status = "OutOfDate", .advisory = "INTEL-SA-00001" };
    memset(t->levels[0].sgx, 4, 16);
    memset(t->levels[1].sgx, 2, 16);
    memset(t->levels[0].tdx, 3, 16);
    memset(t->levels[1].tdx, 1, 16);
    t->qe_level_count = 2;
    t->qe_levels[0] = (struct test_level){ .pce_svn = 6, .status = "UpToDate" };
    t->qe_levels[1] =
        (struct test_level){ .pce_svn = 5, .status = "OutOfDate", .advisory = "INTEL-SA-00002" };
    t->module_id = "TDX_01";
    t->module_signer = zero48;
    t->module_level_count = 2;
    t->module_levels[0] = (struct test_level){ .pce_svn = 5, .status = "UpToDate" };
    t->module_levels[1] =
        (struct test_level){ .pce_svn = 4, .status = "OutOfDate", .advisory = "INTEL-SA-00003" };
    t->qe_product = t->tdx ? 2 : 1;
    memset(t->qe_signer_id, 0x8c, sizeof(t->qe_signer_id));
}

/* Offsets: Intel SDM vol. 3D, REPORT; Intel TDX DCAP Quoting Library API, TD report body. */
static void default_quote(struct test_intel *t)
{
    t->version = t->tdx ? 4 : 3;
    t->body = t->tdx ? MSE_QUOTE_BODY_TD10 : MSE_QUOTE_BODY_SGX;
    t->cert_type = 5;
    memcpy(t->vendor, mse_qe_vendor_simulated, 16);
    for (size_t i = 0; i < sizeof(t->auth); i++)
        t->auth[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof(t->report); i++)
        t->report[i] = (uint8_t)(i * 7);
    if (t->tdx) {
        memset(t->report, 3, 16); /* TEE_TCB_SVN */
        t->report[0] = 5;
        t->report[1] = 1;
        memset(t->report + 64, 0, 56); /* MRSIGNERSEAM, SEAMATTRIBUTES */
        memset(t->report + 120, 0, 8); /* TDATTRIBUTES */
    } else {
        memset(t->report + 48, 0, 16); /* ATTRIBUTES: INIT, MODE64 */
        t->report[48] = 0x05;
    }
    t->qe_report[48] = 0x15; /* INIT, MODE64, PROVISION_KEY */
    t->qe_report[56] = 0xe7;
    memcpy(t->qe_report + 128, t->qe_signer_id, 32);
    t->qe_report[256] = (uint8_t)t->qe_product;
    t->qe_report[258] = 6;
}

struct test_intel *test_intel_new(bool tdx)
{
    struct test_intel *t = calloc(1, sizeof(*t));

    assert_non_null(t);
    t->tdx = tdx;
    t->root_key = test_key_p256();
    t->ca_key = test_key_p256();
    t->pck_key = test_key_p256();
    t->tcb_key = test_key_p256();
    t->att_key = test_key_p256();
    memcpy(t->sgx.fmspc, fmspc_default, 6);
    memset(t->sgx.comp_svn, 4, 16);
    t->sgx.pce_svn = 13;
    default_certs(t);
    default_collateral(t);
    default_quote(t);
    return t;
}

/* ---- certificates ---- */

char *test_pem(const struct test_blob *const *certs, size_t count)
{
    struct mse_writer w = { 0 };

    for (size_t i = 0; i < count; i++)
        mse_pem_write(&w, "CERTIFICATE", test_bytes(certs[i]));
    return mse_writer_take_text(&w);
}

void test_intel_make_certs(struct test_intel *t)
{
    struct mse_error err = { 0 };
    const struct test_blob *root = &t->root_der;
    char *pem;

    if (t->pck.extensions[0].oid == NULL) {
        test_sgx_extension(&t->sgx_extension, &t->sgx);
        t->pck.extensions[0] = (struct test_extension){ "1.2.840.113741.1.13.1",
                                                        t->sgx_extension.data, t->sgx_extension.len,
                                                        false };
    }
    t->root_der = test_cert_make(&t->root);
    t->ca_der = test_cert_make(&t->ca);
    t->pck_der = test_cert_make(&t->pck);
    t->tcb_der = test_cert_make(&t->tcb);
    pem = test_pem(&root, 1);
    assert_true(mse_roots_simulated(MSE_CSTR_BYTES(pem), &t->roots, &err));
    free(pem);
}

/* ---- quote ---- */

/* X || Y, behind the octet that says that the point is not compressed. */
static void put_point(EVP_PKEY *key, uint8_t out[static 64])
{
    uint8_t point[65];
    size_t len = 0;

    assert_int_equal(EVP_PKEY_get_octet_string_param(key, "pub", point, sizeof(point), &len), 1);
    assert_int_equal(len, sizeof(point));
    memcpy(out, point + 1, 64);
}

static void write_signed_part(struct mse_writer *w, const struct test_intel *t)
{
    static const size_t body_sizes[] = { 0, MSE_SGX_BODY_SIZE, MSE_TD10_BODY_SIZE,
                                         MSE_TD15_BODY_SIZE };
    static const uint8_t zeros[20] = { 0 };
    size_t size = body_sizes[t->body];

    mse_write_u16le(w, t->version);
    mse_write_u16le(w, 2);
    mse_write_u32le(w, t->tdx ? MSE_TEE_TYPE_TDX : MSE_TEE_TYPE_SGX);
    mse_write_u32le(w, 0);
    mse_write_bytes(w, t->vendor, 16);
    mse_write_bytes(w, zeros, 20);
    if (t->version == 5) {
        mse_write_u16le(w, (uint16_t)t->body);
        mse_write_u32le(w, (uint32_t)size);
    }
    mse_write_bytes(w, t->report, size);
}

static void write_cert_data(struct mse_writer *w, const struct test_intel *t)
{
    const struct test_blob *chain[] = { &t->pck_der, &t->ca_der, &t->root_der };
    char *pem = t->cert_data == NULL ? test_pem(chain, 3) : NULL;
    const char *data = pem != NULL ? pem : t->cert_data;
    size_t len = pem != NULL ? strlen(pem) : t->cert_data_len;

    mse_write_u16le(w, t->cert_type);
    mse_write_u32le(w, (uint32_t)len);
    mse_write_bytes(w, data, len);
    free(pem);
}

static void write_qe_part(struct mse_writer *w, struct test_intel *t, const uint8_t point[64])
{
    uint8_t bound[96], signature[64];

    memcpy(bound, point, 64);
    memcpy(bound + 64, t->auth, 32);
    if (!t->qe_report_data_set)
        SHA256(bound, sizeof(bound), t->qe_report + 320);
    test_sign_raw(t->qe_signer != NULL ? t->qe_signer : t->pck_key, MSE_BYTES(t->qe_report),
                  signature);
    mse_write_bytes(w, t->qe_report, sizeof(t->qe_report));
    mse_write_bytes(w, signature, 64);
    mse_write_u16le(w, sizeof(t->auth));
    mse_write_bytes(w, t->auth, sizeof(t->auth));
    write_cert_data(w, t);
}

void test_intel_make_quote(struct test_intel *t)
{
    struct mse_writer w = { 0 }, qe = { 0 };
    uint8_t point[64], signature[64];

    put_point(t->att_key, point);
    write_qe_part(&qe, t, point);
    write_signed_part(&w, t);
    test_sign_raw(t->quote_signer != NULL ? t->quote_signer : t->att_key, mse_writer_bytes(&w),
                  signature);
    mse_write_u32le(&w, (uint32_t)(128 + qe.len + (t->version > 3 ? 6 : 0)));
    mse_write_bytes(&w, signature, 64);
    mse_write_bytes(&w, point, 64);
    if (t->version > 3) {
        mse_write_u16le(&w, 6);
        mse_write_u32le(&w, (uint32_t)qe.len);
    }
    mse_write_bytes(&w, qe.data, qe.len);
    test_blob_free(&t->quote);
    t->quote = test_copy(mse_writer_bytes(&w));
    mse_writer_cleanup(&w);
    mse_writer_cleanup(&qe);
}

/* ---- collateral ---- */

/* The vendor names the first few components only. */
static void write_components(struct mse_writer *w, const char *name, const uint8_t svn[16])
{
    mse_write_format(w, "\"%s\":[", name);
    for (unsigned i = 0; i < 16; i++) {
        mse_write_format(w, "%s{\"svn\":%u", i > 0 ? "," : "", svn[i]);
        if (i < 4)
            mse_write_format(w, ",\"category\":\"BIOS\",\"type\":\"Type of component %u\"", i);
        mse_write_text(w, "}");
    }
    mse_write_text(w, "]");
}

static void write_level_end(struct mse_writer *w, const struct test_level *level)
{
    mse_write_format(w, ",\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"%s\"",
                     level->status);
    if (level->advisory != NULL)
        mse_write_format(w, ",\"advisoryIDs\":[\"%s\",\"INTEL-SA-00615\"]", level->advisory);
    mse_write_text(w, "}");
}

static void write_isv_levels(struct mse_writer *w, const struct test_level *levels, size_t count)
{
    mse_write_text(w, "\"tcbLevels\":[");
    for (size_t i = 0; i < count; i++) {
        mse_write_format(w, "%s{\"tcb\":{\"isvsvn\":%u}", i > 0 ? "," : "", levels[i].pce_svn);
        write_level_end(w, &levels[i]);
    }
    mse_write_text(w, "]");
}

static void write_module(struct mse_writer *w, const struct test_intel *t)
{
    mse_write_format(w,
                     ",\"tdxModule\":{\"mrsigner\":\"%s\",\"attributes\":\"0000000000000000\","
                     "\"attributesMask\":\"FFFFFFFFFFFFFFFF\"},\"tdxModuleIdentities\":[{\"id\":"
                     "\"%s\",\"mrsigner\":\"%s\",\"attributes\":\"0000000000000000\","
                     "\"attributesMask\":\"FFFFFFFFFFFFFFFF\",",
                     t->module_signer, t->module_id, t->module_signer);
    write_isv_levels(w, t->module_levels, t->module_level_count);
    mse_write_text(w, "}]");
}

static char *tcb_info_body(const struct test_intel *t, const struct test_level *levels,
                           size_t count, unsigned eval)
{
    struct mse_writer w = { 0 };

    mse_write_format(&w,
                     "{\"id\":\"%s\",\"version\":3,\"issueDate\":\"%s\",\"nextUpdate\":\"%s\","
                     "\"fmspc\":\"%s\",\"pceId\":\"%s\",\"tcbType\":0,"
                     "\"tcbEvaluationDataNumber\":%u",
                     t->tdx ? "TDX" : "SGX", t->tcb_issued, t->tcb_next, t->fmspc, t->pce_id, eval);
    if (t->tdx)
        write_module(&w, t);
    mse_write_text(&w, ",\"tcbLevels\":[");
    for (size_t i = 0; i < count; i++) {
        mse_write_text(&w, i > 0 ? ",{\"tcb\":{" : "{\"tcb\":{");
        write_components(&w, "sgxtcbcomponents", levels[i].sgx);
        mse_write_format(&w, ",\"pcesvn\":%u", levels[i].pce_svn);
        if (t->tdx) {
            mse_write_text(&w, ",");
            write_components(&w, "tdxtcbcomponents", levels[i].tdx);
        }
        mse_write_text(&w, "}");
        write_level_end(&w, &levels[i]);
    }
    mse_write_text(&w, "]}");
    return mse_writer_take_text(&w);
}

static char *qe_identity_body(const struct test_intel *t)
{
    struct mse_writer w = { 0 };
    const char *id = t->qe_id != NULL ? t->qe_id : t->tdx ? "TD_QE" : "QE";
    char signer[65];

    mse_hex_write(t->qe_signer_id, 32, signer);
    mse_write_format(&w,
                     "{\"id\":\"%s\",\"version\":2,\"issueDate\":\"%s\",\"nextUpdate\":\"%s\","
                     "\"tcbEvaluationDataNumber\":%u,\"miscselect\":\"00000000\","
                     "\"miscselectMask\":\"FFFFFFFF\","
                     "\"attributes\":\"11000000000000000000000000000000\","
                     "\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\","
                     "\"mrsigner\":\"%s\",\"isvprodid\":%u,",
                     id, t->qe_issued, t->qe_next, t->qe_eval, signer, t->qe_product);
    write_isv_levels(&w, t->qe_levels, t->qe_level_count);
    mse_write_text(&w, "}");
    return mse_writer_take_text(&w);
}

static void add(struct mse_collateral *c, enum mse_item_kind kind, struct mse_bytes bytes,
                const char *name, bool early)
{
    struct mse_error err = { 0 };

    assert_true(mse_collateral_add_item(c, kind, bytes, name, early, &err));
}

/* Takes body. */
static void add_reply(const struct test_intel *t, enum mse_item_kind kind, const char *member,
                      char *body, bool spoil, bool early)
{
    char *reply = test_reply_make(member, body, t->tcb_key);

    if (spoil) /* the last hex digit of the signature */
        reply[strlen(reply) - 3] = reply[strlen(reply) - 3] == '0' ? '1' : '0';
    add(t->collateral, kind, MSE_CSTR_BYTES(reply), member, early);
    free(reply);
    free(body);
}

static void add_crl(struct mse_collateral *c, const struct test_crl *crl, const char *name)
{
    struct test_blob der = test_crl_make(crl);

    add(c, MSE_ITEM_CRL, test_bytes(&der), name, false);
    test_blob_free(&der);
}

void test_intel_make_collateral(struct test_intel *t, bool authenticate)
{
    struct mse_error err = { 0 };

    mse_collateral_free(t->collateral);
    assert_true(mse_collateral_new(&t->collateral, &err));
    if (!t->no_root)
        add(t->collateral, MSE_ITEM_CERT, test_bytes(&t->root_der), "root", false);
    if (!t->no_ca)
        add(t->collateral, MSE_ITEM_CERT, test_bytes(&t->ca_der), "ca", false);
    if (!t->no_tcb)
        add(t->collateral, MSE_ITEM_CERT, test_bytes(&t->tcb_der), "tcb signing", false);
    if (!t->no_root_crl)
        add_crl(t->collateral, &t->root_crl, "root crl");
    if (!t->no_ca_crl && t->ca_crl_der.data != NULL)
        add(t->collateral, MSE_ITEM_CRL, test_bytes(&t->ca_crl_der), "ca crl", false);
    else if (!t->no_ca_crl)
        add_crl(t->collateral, &t->ca_crl, "ca crl");
    if (!t->no_tcb_info)
        add_reply(t, MSE_ITEM_TCB_INFO, "tcbInfo",
                  tcb_info_body(t, t->levels, t->level_count, t->tcb_eval), t->spoil_tcb_info,
                  false);
    if (!t->no_qe_identity)
        add_reply(t, MSE_ITEM_QE_IDENTITY, "enclaveIdentity", qe_identity_body(t),
                  t->spoil_qe_identity, false);
    if (t->early)
        add_reply(t, MSE_ITEM_TCB_INFO, "tcbInfo",
                  tcb_info_body(t, &t->early_level, 1, t->tcb_eval + 1), false, true);
    if (authenticate)
        assert_true(mse_collateral_authenticate(t->collateral, &t->roots, &err));
}

void test_intel_make(struct test_intel *t)
{
    test_intel_make_certs(t);
    test_intel_make_quote(t);
    test_intel_make_collateral(t, true);
}

void test_intel_free(struct test_intel *t)
{
    EVP_PKEY_free(t->root_key);
    EVP_PKEY_free(t->ca_key);
    EVP_PKEY_free(t->pck_key);
    EVP_PKEY_free(t->tcb_key);
    EVP_PKEY_free(t->att_key);
    test_blob_free(&t->root_der);
    test_blob_free(&t->ca_der);
    test_blob_free(&t->pck_der);
    test_blob_free(&t->tcb_der);
    test_blob_free(&t->ca_crl_der);
    test_blob_free(&t->quote);
    mse_roots_cleanup(&t->roots);
    mse_collateral_free(t->collateral);
    free(t->cert_data);
    free(t);
}
