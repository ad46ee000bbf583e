/* SPDX-License-Identifier: Apache-2.0 */
/* Vendors for tests of bundles and fetching. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "test_vendor.h"

#define CA_USAGE "critical,keyCertSign,cRLSign"
#define LEAF_USAGE "critical,digitalSignature"
#define MAX_TEXT 65536
#define ZEROS16 "00000000000000000000000000000000"
#define AMD_ARC "1.3.6.1.4.1.3704.1."

const struct mse_snp_tcb vendor_tcb = { .fmc = 2, .bl = 3, .tee = 0, .snp = 8, .ucode = 115 };

/* ---- texts -------------------------------------------------------------------------------- */

void vendor_text_free(struct vendor_text *text)
{
    free(text->data);
    *text = (struct vendor_text){ 0 };
}

struct vendor_text vendor_print(const char *format, ...)
{
    struct vendor_text out = { calloc(1, MAX_TEXT), 0 };
    va_list args;

    assert_non_null(out.data);
    va_start(args, format);
    out.len = (size_t)vsnprintf(out.data, MAX_TEXT, format, args);
    va_end(args);
    assert_true(out.len < MAX_TEXT);
    return out;
}

struct vendor_text vendor_hex(struct mse_bytes in)
{
    struct vendor_text out = { calloc(1, 2 * in.len + 1), 2 * in.len };

    assert_non_null(out.data);
    for (size_t i = 0; i < in.len; i++)
        (void)snprintf(out.data + 2 * i, 3, "%02x", in.data[i]);
    return out;
}

struct vendor_text vendor_base64(struct mse_bytes in)
{
    struct vendor_text out = { calloc(1, 4 * ((in.len + 2) / 3) + 1), 0 };

    assert_non_null(out.data);
    out.len = (size_t)EVP_EncodeBlock((unsigned char *)out.data, in.data, (int)in.len);
    return out;
}

/* RFC 7468, 2: lines of 64 digits. */
struct vendor_text vendor_pem(const char *label, struct mse_bytes der)
{
    struct vendor_text digits = vendor_base64(der);
    struct mse_writer w = { 0 };
    struct vendor_text out;

    mse_write_format(&w, "-----BEGIN %s-----\n", label);
    for (size_t i = 0; i < digits.len; i += 64)
        mse_write_format(&w, "%.64s\n", digits.data + i);
    mse_write_format(&w, "-----END %s-----\n", label);
    out.len = w.len;
    out.data = mse_writer_take_text(&w);
    assert_non_null(out.data);
    vendor_text_free(&digits);
    return out;
}

static const char *iso(int64_t t, char out[static 32])
{
    time_t when = (time_t)t;
    struct tm tm;

    assert_non_null(gmtime_r(&when, &tm));
    (void)strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return out;
}

/* ---- signers ------------------------------------------------------------------------------ */

static struct vendor_signer new_signer(const char *name, EVP_PKEY *key,
                                       const struct vendor_signer *issuer, bool ca, bool amd)
{
    struct vendor_signer out = { name, key, { 0 } };
    struct test_cert cert = {
        .subject = name,
        .issuer = issuer != NULL ? issuer->name : name,
        .key = key,
        .issuer_key = issuer != NULL ? issuer->key : key,
        .digest = amd ? "SHA384" : NULL,
        .pss = amd,
        .has_basic_constraints = true,
        .ca = ca,
        .path_len = TEST_NO_PATH_LEN,
        .key_usage = ca ? CA_USAGE : LEAF_USAGE,
    };

    out.cert = test_cert_make(&cert);
    return out;
}

static struct vendor_signer new_leaf(const struct vendor_signer *issuer)
{
    static const struct test_sgx sgx = { { 0x00, 0x90, 0x6e, 0xa1, 0x00, 0x00 }, { 1 }, 5 };
    struct vendor_signer out = { "Intel SGX PCK Certificate", test_key_p256(), { 0 } };
    struct test_der ext = { 0 };
    struct test_cert cert = {
        .subject = out.name,
        .issuer = issuer->name,
        .key = out.key,
        .issuer_key = issuer->key,
        .has_basic_constraints = true,
        .path_len = TEST_NO_PATH_LEN,
        .key_usage = LEAF_USAGE,
    };

    test_sgx_extension(&ext, &sgx);
    cert.extensions[0] = (struct test_extension){ "1.2.840.113741.1.13.1", ext.data, ext.len,
                                                  false };
    out.cert = test_cert_make(&cert);
    return out;
}

/* Extensions of AMD 57230, "VCEK Certificate"; struct version 1 and FMC from Turin on. */
static struct vendor_signer new_vcek(const struct vendor *v, const char *product, size_t hwid_len)
{
    bool turin = hwid_len == 8;
    struct vendor_signer out = { "SEV-VCEK", test_key_p384(), { 0 } };
    uint8_t svns[6][3] = {
        { 2, 1, turin },          { 2, 1, vendor_tcb.bl },    { 2, 1, vendor_tcb.tee },
        { 2, 1, vendor_tcb.snp }, { 2, 1, vendor_tcb.ucode }, { 2, 1, vendor_tcb.fmc }
    };
    struct test_der name = { 0 };
    struct test_cert cert = {
        .subject = out.name,
        .issuer = v->ask.name,
        .key = out.key,
        .issuer_key = v->ask.key,
        .digest = "SHA384",
        .pss = true,
        .extensions = { { AMD_ARC "1", svns[0], 3, false },
                        { AMD_ARC "3.1", svns[1], 3, false },
                        { AMD_ARC "3.2", svns[2], 3, false },
                        { AMD_ARC "3.3", svns[3], 3, false },
                        { AMD_ARC "3.8", svns[4], 3, false },
                        { AMD_ARC "4", v->chip_id, hwid_len, false } },
    };

    test_der_put(&name, 0x16, product, strlen(product));
    cert.extensions[6] = (struct test_extension){ AMD_ARC "2", name.data, name.len, false };
    if (turin)
        cert.extensions[7] = (struct test_extension){ AMD_ARC "3.9", svns[5], 3, false };
    out.cert = test_cert_make(&cert);
    return out;
}

void vendor_init_intel(struct vendor *v)
{
    v->root = new_signer("Intel SGX Root CA", test_key_p256(), NULL, true, false);
    v->stranger = new_signer("Intel SGX Root CA", test_key_p256(), NULL, true, false);
    v->platform = new_signer("Intel SGX PCK Platform CA", test_key_p256(), &v->root, true, false);
    v->processor = new_signer("Intel SGX PCK Processor CA", test_key_p256(), &v->root, true, false);
    v->tcb = new_signer("Intel SGX TCB Signing", test_key_p256(), &v->root, false, false);
    v->leaf = new_leaf(&v->platform);
}

void vendor_init_amd(struct vendor *v, const char *product, size_t hwid_len)
{
    (void)snprintf(v->ark_name, sizeof(v->ark_name), "ARK-%s", product);
    (void)snprintf(v->ask_name, sizeof(v->ask_name), "SEV-%s", product);
    (void)snprintf(v->asvk_name, sizeof(v->asvk_name), "SEV-VLEK-%s", product);
    memset(v->chip_id, 0, sizeof(v->chip_id));
    memset(v->chip_id, 0xc1, hwid_len);
    v->ark = new_signer(v->ark_name, test_key_rsa(), NULL, true, true);
    v->ask = new_signer(v->ask_name, test_key_rsa(), &v->ark, true, true);
    v->asvk = new_signer(v->asvk_name, test_key_rsa(), &v->ark, true, true);
    v->vcek = new_vcek(v, product, hwid_len);
}

void vendor_cleanup(struct vendor *v)
{
    struct vendor_signer *all[] = { &v->root,     &v->platform, &v->processor, &v->tcb,  &v->leaf,
                                    &v->stranger, &v->ark,      &v->ask,       &v->asvk, &v->vcek };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        EVP_PKEY_free(all[i]->key);
        test_blob_free(&all[i]->cert);
    }
    *v = (struct vendor){ 0 };
}

struct vendor_text vendor_chain(const struct vendor_signer *a, const struct vendor_signer *b)
{
    struct vendor_text first = vendor_pem("CERTIFICATE", test_bytes(&a->cert));
    struct vendor_text second = { 0 };
    struct vendor_text out;

    if (b != NULL)
        second = vendor_pem("CERTIFICATE", test_bytes(&b->cert));
    out = vendor_print("%s%s", first.data, b != NULL ? second.data : "");
    vendor_text_free(&first);
    vendor_text_free(&second);
    return out;
}

void vendor_roots(const struct vendor *v, struct mse_roots *out)
{
    struct vendor_text pem = vendor_chain(&v->root, v->ark.key != NULL ? &v->ark : NULL);
    struct mse_error err = { 0 };

    assert_true(mse_roots_simulated(vendor_bytes(&pem), out, &err));
    vendor_text_free(&pem);
}

/* ---- statements --------------------------------------------------------------------------- */

struct test_blob vendor_crl(const struct vendor_signer *issuer, int64_t from, int64_t until)
{
    bool amd = EVP_PKEY_get_base_id(issuer->key) == EVP_PKEY_RSA;
    struct test_crl crl = {
        .issuer = issuer->name,
        .issuer_key = issuer->key,
        .digest = amd ? "SHA384" : NULL,
        .pss = amd,
        .this_update = from,
        .next_update = until,
        .revoked = { 4711 },
    };

    return test_crl_make(&crl);
}

static void components(char *out)
{
    strcpy(out, "[");
    for (int i = 0; i < 16; i++)
        strcat(out, i == 0 ? "{\"svn\":1}" : ",{\"svn\":1}");
    strcat(out, "]");
}

/* Intel PCS API, version 4, "Get TCB Info". */
struct vendor_text vendor_tcb_info_body(bool tdx, const char *fmspc, int64_t from, int64_t until)
{
    static const char module[] = "\"tdxModule\":{\"mrsigner\":\"" ZEROS16 ZEROS16 ZEROS16
                                 "\",\"attributes\":\"0000000000000000\",\"attributesMask\":"
                                 "\"ffffffffffffffff\"},";
    char svns[512];
    char tdx_svns[600] = "";
    char a[32];
    char b[32];

    components(svns);
    if (tdx)
        (void)snprintf(tdx_svns, sizeof(tdx_svns), ",\"tdxtcbcomponents\":%s", svns);
    return vendor_print("{\"id\":\"%s\",\"version\":3,\"issueDate\":\"%s\",\"nextUpdate\":\"%s\","
                        "\"fmspc\":\"%s\",\"pceId\":\"0000\",\"tcbType\":0,"
                        "\"tcbEvaluationDataNumber\":17,%s\"tcbLevels\":[{\"tcb\":{"
                        "\"sgxtcbcomponents\":%s,\"pcesvn\":5%s},"
                        "\"tcbDate\":\"2025-01-01T00:00:00Z\",\"tcbStatus\":\"UpToDate\"}]}",
                        tdx ? "TDX" : "SGX", iso(from, a), iso(until, b), fmspc, tdx ? module : "",
                        svns, tdx_svns);
}

struct vendor_text vendor_qe_identity_body(bool tdx, int64_t from, int64_t until)
{
    char a[32];
    char b[32];

    return vendor_print("{\"id\":\"%s\",\"version\":2,\"issueDate\":\"%s\",\"nextUpdate\":\"%s\","
                        "\"tcbEvaluationDataNumber\":17,\"miscselect\":\"00000000\","
                        "\"miscselectMask\":\"ffffffff\",\"attributes\":\"" ZEROS16
                        "\",\"attributesMask\":\"" ZEROS16 "\",\"mrsigner\":\"" ZEROS16 ZEROS16
                        "\",\"isvprodid\":1,\"tcbLevels\":[{\"tcb\":{\"isvsvn\":4},"
                        "\"tcbDate\":\"2025-01-01T00:00:00Z\",\"tcbStatus\":\"UpToDate\"}]}",
                        tdx ? "TD_QE" : "QE", iso(from, a), iso(until, b));
}

struct vendor_text vendor_reply(const char *object, struct vendor_text body, EVP_PKEY *key)
{
    char *reply = test_reply_make(object, body.data, key);

    vendor_text_free(&body);
    return (struct vendor_text){ reply, strlen(reply) };
}

void vendor_sign(EVP_PKEY *key, const char *body, char hex[static 129])
{
    uint8_t raw[64];

    test_sign_raw(key, MSE_CSTR_BYTES(body), raw);
    for (size_t i = 0; i < sizeof(raw); i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", raw[i]);
}

/* ---- sets --------------------------------------------------------------------------------- */

struct mse_collateral *vendor_set(void)
{
    struct mse_error err = { 0 };
    struct mse_collateral *set;

    assert_true(mse_collateral_new(&set, &err));
    return set;
}

size_t vendor_count(const struct mse_collateral *set, enum mse_item_kind kind, bool authenticated)
{
    size_t n = 0;

    for (size_t i = 0; i < set->count; i++)
        n += set->items[i]->kind == kind && set->items[i]->authenticated == authenticated;
    return n;
}
