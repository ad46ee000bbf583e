/* SPDX-License-Identifier: Apache-2.0 */
/* A TEE platform for tests: its certificates, collateral, and quotes or reports that it signs. */
#ifndef MSE_TEST_QUOTE_MAKER_H
#define MSE_TEST_QUOTE_MAKER_H

#include "endorsement/collateral.h"
#include "evidence/quote.h"
#include "evidence/snp.h"
#include "test_pki.h"

#define TEST_NOW 1750000000 /* 2025-06-15, inside every default window */

/* ---- Intel -------------------------------------------------------------------------------- */

struct test_level {
    uint8_t sgx[16], tdx[16];
    uint16_t pce_svn; /* of a module or QE level: isvsvn */
    const char *status;
    const char *advisory; /* NULL: none */
};

#define TEST_MAX_LEVELS 128

struct test_intel {
    EVP_PKEY *root_key, *ca_key, *pck_key, *tcb_key, *att_key;
    /* Everything below has good defaults; tests change it before test_intel_make. */
    struct test_cert root, ca, pck, tcb;
    struct test_sgx sgx;
    bool tdx;
    uint16_t version;
    enum mse_quote_body body;
    uint8_t vendor[16];
    uint8_t report[MSE_TD15_BODY_SIZE]; /* of the enclave or TD */
    uint8_t qe_report[MSE_SGX_BODY_SIZE];
    bool qe_report_data_set; /* REPORTDATA of the QE is as the test wants it */
    uint8_t auth[32];
    uint16_t cert_type;
    char *cert_data; /* NULL: PEM of PCK certificate, CA and root */
    size_t cert_data_len;
    EVP_PKEY *qe_signer, *quote_signer; /* NULL: the right ones */

    struct test_crl root_crl, ca_crl;
    struct test_blob ca_crl_der; /* if set: instead of ca_crl */
    const char *fmspc, *pce_id;  /* hex, in the TCB info */
    const char *tcb_issued, *tcb_next, *qe_issued, *qe_next;
    unsigned tcb_eval, qe_eval;
    struct test_level levels[TEST_MAX_LEVELS];
    size_t level_count;
    struct test_level module_levels[4], qe_levels[4];
    size_t module_level_count, qe_level_count;
    const char *module_id;     /* "TDX_01" */
    const char *module_signer; /* hex */
    const char *qe_id;         /* NULL: the right one */
    uint8_t qe_signer_id[32];
    unsigned qe_product;
    bool spoil_tcb_info, spoil_qe_identity; /* a byte behind the signature is changed */
    bool no_ca, no_root, no_tcb, no_ca_crl, no_root_crl, no_tcb_info, no_qe_identity;
    bool early; /* levels_early makes an early TCB info */
    struct test_level early_level;

    /* Results */
    struct test_blob root_der, ca_der, pck_der, tcb_der, quote;
    struct mse_roots roots;
    struct mse_collateral *collateral;
    struct test_der sgx_extension;
};

/* One platform with its keys; the TEE is SGX, quote version 3, unless tdx is asked for (4). */
struct test_intel *test_intel_new(bool tdx);
/* Certificates and roots; then the quote; then the collateral, authenticated. */
void test_intel_make(struct test_intel *t);
void test_intel_make_certs(struct test_intel *t);
void test_intel_make_quote(struct test_intel *t);
void test_intel_make_collateral(struct test_intel *t, bool authenticate);
void test_intel_free(struct test_intel *t);
/* PEM of the certificates one behind the other; owned text. */
char *test_pem(const struct test_blob *const *certs, size_t count);

/* ---- AMD ---------------------------------------------------------------------------------- */

struct test_amd {
    EVP_PKEY *ark_key, *ask_key, *vek_key;
    bool vlek;
    const char *product;     /* "Milan" */
    const char *vek_product; /* "Milan-B0" */
    struct test_cert ark, ask, vek;
    struct mse_snp_tcb tcb; /* of the certificate */
    uint8_t hwid[64];
    size_t hwid_len; /* 0: no such extension */
    uint8_t report[MSE_SNP_REPORT_SIZE];
    struct test_crl crl;
    bool no_crl, no_ask, no_vek, no_ark; /* left out of the collateral */

    struct test_blob ark_der, ask_der, vek_der, crl_der;
    struct mse_roots roots;
    struct mse_collateral *collateral;
    struct test_der extension[10];
    char *ark_name, *ask_name;
};

/* rsa_bits: 2048 is quick, 4096 is what the vendor has. */
struct test_amd *test_amd_new(bool vlek, unsigned rsa_bits);
void test_amd_make(struct test_amd *t);
void test_amd_make_certs(struct test_amd *t);
void test_amd_sign_report(struct test_amd *t);
void test_amd_make_collateral(struct test_amd *t, bool authenticate);
void test_amd_free(struct test_amd *t);

#endif
