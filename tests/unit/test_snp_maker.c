/* SPDX-License-Identifier: Apache-2.0 */
/* Signs SNP reports and the certificates that vouch for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <openssl/ecdsa.h>
#include <openssl/rsa.h>

#include "test_quote_maker.h"

#define AMD "1.3.6.1.4.1.3704.1."

static char *name_of(const char *prefix, const char *product)
{
    char *out = NULL;

    assert_true(asprintf(&out, "%s%s", prefix, product) > 0);
    return out;
}

/* Offsets: AMD 56860, ATTESTATION_REPORT. Milan: family 19h, model 1. */
static void default_report(struct test_amd *t)
{
    uint8_t *r = t->report;
    static const uint8_t tcb[8] = { 3, 0, 0, 0, 0, 0, 10, 115 };

    for (size_t i = 0; i < 0x1f8; i++)
        r[i] = (uint8_t)(i * 5);
    memset(r, 0, 4);
    r[0] = 3;
    memset(r + 0x30, 0, 8);
    r[0x34] = 1;
    memset(r + 0x48, 0, 8);
    r[0x48] = t->vlek ? 1 << 2 : 0;
    memcpy(r + 0x38, tcb, 8);
    memcpy(r + 0x180, tcb, 8);
    memcpy(r + 0x1e0, tcb, 8);
    memcpy(r + 0x1f0, tcb, 8);
    memset(r + 0x188, 0, 24);
    r[0x188] = 0x19;
    r[0x189] = 0x01;
    r[0x18a] = 0x01;
    if (t->vlek)
        memset(r + 0x1a0, 0, 64);
    else
        memcpy(r + 0x1a0, t->hwid, 64);
}

struct test_amd *test_amd_new(bool vlek, unsigned rsa_bits)
{
    struct test_amd *t = calloc(1, sizeof(*t));

    assert_non_null(t);
    t->vlek = vlek;
    t->product = "Milan";
    t->vek_product = "Milan-B0";
    t->ark_key = EVP_RSA_gen(rsa_bits);
    t->ask_key = EVP_RSA_gen(rsa_bits);
    t->vek_key = test_key_p384();
    assert_non_null(t->ark_key);
    assert_non_null(t->ask_key);
    t->ark = (struct test_cert){ .key = t->ark_key,
                                 .issuer_key = t->ark_key,
                                 .digest = "SHA384",
                                 .pss = true,
                                 .ca = true,
                                 .path_len = TEST_NO_PATH_LEN,
                                 .key_usage = "critical,keyCertSign,cRLSign",
                                 .serial = 1 };
    t->ask = t->ark;
    t->ask.key = t->ask_key;
    t->ask.path_len = 0;
    t->ask.serial = 2;
    t->vek = (struct test_cert){
        .key = t->vek_key, .issuer_key = t->ask_key, .digest = "SHA384", .pss = true, .serial = 5
    };
    t->crl = (struct test_crl){ .issuer_key = t->ark_key, .digest = "SHA384", .pss = true };
    t->tcb = (struct mse_snp_tcb){ .bl = 3, .tee = 0, .snp = 10, .ucode = 115 };
    t->hwid_len = vlek ? 0 : 64;
    for (size_t i = 0; i < 64; i++)
        t->hwid[i] = (uint8_t)(0x40 + i);
    default_report(t);
    return t;
}

static void put_svn(struct test_amd *t, size_t i, const char *oid, uint8_t value)
{
    test_der_unsigned(&t->extension[i], value);
    t->vek.extensions[i] = (struct test_extension){ oid, t->extension[i].data, t->extension[i].len,
                                                    false };
}

static void put_extensions(struct test_amd *t)
{
    static const char csp[] = "Test Cloud";

    if (t->vek.extensions[0].oid != NULL)
        return;
    put_svn(t, 0, AMD "1", 1);
    test_der_put(&t->extension[1], 0x16, t->vek_product, strlen(t->vek_product));
    t->vek.extensions[1] = (struct test_extension){ AMD "2", t->extension[1].data,
                                                    t->extension[1].len, false };
    put_svn(t, 2, AMD "3.1", t->tcb.bl);
    put_svn(t, 3, AMD "3.2", t->tcb.tee);
    put_svn(t, 4, AMD "3.3", t->tcb.snp);
    put_svn(t, 5, AMD "3.8", t->tcb.ucode);
    if (strcmp(t->product, "Turin") == 0)
        put_svn(t, 6, AMD "3.9", t->tcb.fmc);
    if (t->hwid_len > 0)
        t->vek.extensions[7] = (struct test_extension){ AMD "4", t->hwid, t->hwid_len, false };
    if (t->vlek) {
        test_der_put(&t->extension[8], 0x16, csp, sizeof(csp) - 1);
        t->vek.extensions[8] = (struct test_extension){ AMD "5", t->extension[8].data,
                                                        t->extension[8].len, false };
    }
}

void test_amd_make_certs(struct test_amd *t)
{
    const struct test_blob *root = &t->ark_der;
    struct mse_error err = { 0 };
    char *pem;

    put_extensions(t);
    t->ark_name = name_of("ARK-", t->product);
    t->ask_name = name_of(t->vlek ? "SEV-VLEK-" : "SEV-", t->product);
    t->ark.subject = t->ark.issuer = t->crl.issuer = t->ark_name;
    if (t->ask.subject == NULL)
        t->ask.subject = t->ask_name;
    if (t->ask.issuer == NULL)
        t->ask.issuer = t->ark_name;
    if (t->vek.subject == NULL)
        t->vek.subject = t->vlek ? "SEV-VLEK" : "SEV-VCEK";
    if (t->vek.issuer == NULL)
        t->vek.issuer = t->ask_name;
    t->ark_der = test_cert_make(&t->ark);
    t->ask_der = test_cert_make(&t->ask);
    t->vek_der = test_cert_make(&t->vek);
    t->crl_der = test_crl_make(&t->crl);
    pem = test_pem(&root, 1);
    assert_true(mse_roots_simulated(MSE_CSTR_BYTES(pem), &t->roots, &err));
    free(pem);
}

/* R and S are little-endian in 72 bytes each at 0x2a0. */
void test_amd_sign_report(struct test_amd *t)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t der[128];
    const uint8_t *at = der;
    size_t len = sizeof(der);
    ECDSA_SIG *sig;

    assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha384(), NULL, t->vek_key), 1);
    assert_int_equal(EVP_DigestSign(ctx, der, &len, t->report, MSE_SNP_SIGNED_SIZE), 1);
    sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
    assert_non_null(sig);
    memset(t->report + 0x2a0, 0, sizeof(t->report) - 0x2a0);
    assert_int_equal(BN_bn2lebinpad(ECDSA_SIG_get0_r(sig), t->report + 0x2a0, 72), 72);
    assert_int_equal(BN_bn2lebinpad(ECDSA_SIG_get0_s(sig), t->report + 0x2a0 + 72, 72), 72);
    ECDSA_SIG_free(sig);
    EVP_MD_CTX_free(ctx);
}

static void add(struct test_amd *t, enum mse_item_kind kind, const struct test_blob *blob,
                const char *name, bool left_out)
{
    struct mse_error err = { 0 };

    if (!left_out)
        assert_true(
            mse_collateral_add_item(t->collateral, kind, test_bytes(blob), name, false, &err));
}

void test_amd_make_collateral(struct test_amd *t, bool authenticate)
{
    struct mse_error err = { 0 };

    mse_collateral_free(t->collateral);
    assert_true(mse_collateral_new(&t->collateral, &err));
    add(t, MSE_ITEM_CERT, &t->ark_der, "ark", t->no_ark);
    add(t, MSE_ITEM_CERT, &t->ask_der, "ask", t->no_ask);
    add(t, MSE_ITEM_CERT, &t->vek_der, "vek", t->no_vek);
    add(t, MSE_ITEM_CRL, &t->crl_der, "crl", t->no_crl);
    if (authenticate)
        assert_true(mse_collateral_authenticate(t->collateral, &t->roots, &err));
}

void test_amd_make(struct test_amd *t)
{
    test_amd_make_certs(t);
    test_amd_sign_report(t);
    test_amd_make_collateral(t, true);
}

void test_amd_free(struct test_amd *t)
{
    EVP_PKEY_free(t->ark_key);
    EVP_PKEY_free(t->ask_key);
    EVP_PKEY_free(t->vek_key);
    test_blob_free(&t->ark_der);
    test_blob_free(&t->ask_der);
    test_blob_free(&t->vek_der);
    test_blob_free(&t->crl_der);
    mse_roots_cleanup(&t->roots);
    mse_collateral_free(t->collateral);
    free(t->ark_name);
    free(t->ask_name);
    free(t);
}
