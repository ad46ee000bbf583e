/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small TEE vendors for tests: an Intel tree with its collateral, an AMD product, and what their
 * services reply.
 */
#ifndef MSE_TEST_VENDOR_H
#define MSE_TEST_VENDOR_H

#include "endorsement/bundle.h"
#include "test_pki.h"

#define VENDOR_DAY 86400
#define VENDOR_AT 1767225600 /* 2026-01-01T00:00:00Z */
#define VENDOR_FMSPC "00906ea10000"

/* NUL-terminated behind len. */
struct vendor_text {
    char *data;
    size_t len;
};
void vendor_text_free(struct vendor_text *text);
static inline struct mse_bytes vendor_bytes(const struct vendor_text *text)
{
    return (struct mse_bytes){ (const uint8_t *)text->data, text->len };
}
struct vendor_text vendor_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
struct vendor_text vendor_hex(struct mse_bytes in);
struct vendor_text vendor_base64(struct mse_bytes in);
/* PEM with this label; more than one block by concatenation. */
struct vendor_text vendor_pem(const char *label, struct mse_bytes der);

struct vendor_signer {
    const char *name; /* common name */
    EVP_PKEY *key;
    struct test_blob cert;
};

struct vendor {
    struct vendor_signer root, platform, processor, tcb, leaf;
    struct vendor_signer stranger;             /* calls itself Intel's root, with another key */
    struct vendor_signer ark, ask, asvk, vcek; /* AMD, if there is one */
    char ark_name[32], ask_name[32], asvk_name[32];
    uint8_t chip_id[64];
};

extern const struct mse_snp_tcb vendor_tcb;

void vendor_init_intel(struct vendor *vendor);
/* hwid_len: 64, or 8 as Turin has it. */
void vendor_init_amd(struct vendor *vendor, const char *product, size_t hwid_len);
void vendor_cleanup(struct vendor *vendor);
/* Its roots as simulation roots. */
void vendor_roots(const struct vendor *vendor, struct mse_roots *out);

/* PEM of a, then of b unless it is NULL. */
struct vendor_text vendor_chain(const struct vendor_signer *a, const struct vendor_signer *b);
struct test_blob vendor_crl(const struct vendor_signer *issuer, int64_t from, int64_t until);

/* The signed objects alone, and whole replies; body is freed. */
struct vendor_text vendor_tcb_info_body(bool tdx, const char *fmspc, int64_t from, int64_t until);
struct vendor_text vendor_qe_identity_body(bool tdx, int64_t from, int64_t until);
struct vendor_text vendor_reply(const char *object, struct vendor_text body, EVP_PKEY *key);
/* r || s in hex. */
void vendor_sign(EVP_PKEY *key, const char *body, char hex[static 129]);

struct mse_collateral *vendor_set(void);
size_t vendor_count(const struct mse_collateral *set, enum mse_item_kind kind, bool authenticated);

#endif
