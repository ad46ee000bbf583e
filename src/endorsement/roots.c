/* SPDX-License-Identifier: Apache-2.0 */
/* The set of pinned roots: the vendors' own, or those of one simulated TEE. */
#include "endorsement/roots.h"

#include <stdlib.h>

#include "base/encode.h"
#include "crypto/hash.h"
#include "endorsement/chain.h"
#include "endorsement/vendor_keys.h"

struct vendor_root {
    enum mse_root_kind kind;
    enum mse_snp_product product;
    enum mse_key_type type;
    struct mse_bytes bits;
};

static const struct vendor_root vendor_roots[] = {
    { MSE_ROOT_INTEL, MSE_SNP_UNKNOWN, MSE_KEY_P256, { mse_vendor_intel_root, 65 } },
    { MSE_ROOT_AMD, MSE_SNP_MILAN, MSE_KEY_RSA, { mse_vendor_ark_milan, 526 } },
    { MSE_ROOT_AMD, MSE_SNP_GENOA, MSE_KEY_RSA, { mse_vendor_ark_genoa, 526 } },
    { MSE_ROOT_AMD, MSE_SNP_TURIN, MSE_KEY_RSA, { mse_vendor_ark_turin, 526 } },
};
#define VENDOR_ROOT_COUNT (sizeof(vendor_roots) / sizeof(vendor_roots[0]))

/* SHA-256 of the root certificates as the vendors publish them. */
/* clang-format off */
static const uint8_t vendor_intact[][32] = {
    /* Intel SGX Root CA, until 2049 */
    { 0x44, 0xa0, 0x19, 0x6b, 0x2b, 0x99, 0xf8, 0x89, 0xb8, 0xe1, 0x49, 0xe9, 0x5b, 0x80, 0x7a, 0x35,
      0x0e, 0x74, 0x24, 0x96, 0x43, 0x99, 0xe8, 0x85, 0xa7, 0xcb, 0xb8, 0xcc, 0xfa, 0xb6, 0x74, 0xd3 },
    /* Intel SGX Root CA, until 2033 */
    { 0xfc, 0x64, 0xf8, 0x07, 0x6d, 0x79, 0xa4, 0xfe, 0xe9, 0xd1, 0xd4, 0x73, 0xd7, 0x4c, 0x89, 0xeb,
      0x8d, 0x8f, 0xd5, 0x5c, 0x5a, 0xba, 0xfe, 0xab, 0xeb, 0xa7, 0x36, 0x6d, 0x20, 0x42, 0x94, 0x04 },
    /* ARK-Turin */
    { 0x1f, 0x08, 0x41, 0x61, 0xa4, 0x4b, 0xb6, 0xd9, 0x37, 0x78, 0xa9, 0x04, 0x87, 0x7d, 0x48, 0x19,
      0xca, 0xfa, 0x5d, 0x05, 0xef, 0x41, 0x93, 0xb2, 0xde, 0xd9, 0xdd, 0x9c, 0x73, 0xdd, 0x3f, 0x6a },
    /* ARK-Genoa */
    { 0x4c, 0x65, 0x98, 0xd1, 0x9c, 0x18, 0x71, 0x9c, 0x5d, 0xfd, 0x4a, 0x7d, 0x33, 0x5f, 0x67, 0x4e,
      0x5b, 0xfe, 0x1d, 0x8f, 0x80, 0x0c, 0xea, 0x2c, 0xf2, 0x70, 0xc1, 0x0d, 0x10, 0x3d, 0xb2, 0xf1 },
    /* ARK-Milan */
    { 0x69, 0xd0, 0x63, 0xb4, 0x53, 0x44, 0xd2, 0x6a, 0x2e, 0x94, 0xe1, 0xf4, 0x21, 0x0d, 0xe4, 0x9e,
      0xf5, 0x55, 0x30, 0x82, 0x87, 0xd4, 0xc1, 0x74, 0x44, 0x5c, 0x95, 0x63, 0x9a, 0x54, 0x0b, 0xcd },
};
/* clang-format on */

bool mse_roots_check_intact(const struct mse_roots *roots, const struct mse_root *root,
                            const struct mse_cert *cert, struct mse_error *err)
{
    uint8_t digest[32];

    mse_sha256(cert->der, digest);
    for (size_t i = 0; i < roots->intact_count; i++) {
        if (memcmp(roots->intact[i], digest, sizeof(digest)) == 0)
            return true;
    }
    return mse_key_check(root->key, cert->signature_type, cert->tbs, cert->signature, "root", err);
}

static bool add_root(struct mse_roots *roots, const struct vendor_root *in, struct mse_error *err)
{
    struct mse_root *root = &roots->of[roots->count];

    if (!mse_key_new(in->type, in->bits, &root->key, err))
        return false;
    root->kind = in->kind;
    root->product = in->product;
    mse_sha256(in->bits, roots->key_digest[roots->count]);
    roots->count++;
    return true;
}

bool mse_roots_vendor(struct mse_roots *out, struct mse_error *err)
{
    memset(out, 0, sizeof(*out));
    memcpy(out->intact, vendor_intact, sizeof(vendor_intact));
    out->intact_count = sizeof(vendor_intact) / sizeof(vendor_intact[0]);
    for (size_t i = 0; i < VENDOR_ROOT_COUNT; i++) {
        if (!add_root(out, &vendor_roots[i], err)) {
            mse_roots_cleanup(out);
            return mse_fail_in(err, "pinned roots");
        }
    }
    return true;
}

static bool is_vendor_key(struct mse_bytes bits)
{
    for (size_t i = 0; i < VENDOR_ROOT_COUNT; i++) {
        if (mse_bytes_equal(vendor_roots[i].bits, bits))
            return true;
    }
    return false;
}

/* What a root of a simulated TEE stands in for. */
static bool simulated_root_of(const struct mse_cert *cert, struct vendor_root *out,
                              struct mse_error *err)
{
    char name[96];

    *out = (struct vendor_root){ .type = cert->key_type, .bits = cert->key_bits };
    if (is_vendor_key(cert->key_bits)) {
        return mse_fail_text(err, MSE_ERR_SIMULATED, "simulation root",
                             "this is the real root of a vendor: with it in the list, genuine "
                             "evidence would count as simulated");
    }
    if (cert->key_type == MSE_KEY_P256) {
        out->kind = MSE_ROOT_INTEL;
        return true;
    }
    if (cert->key_type != MSE_KEY_RSA) {
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "simulation root",
                             "neither P-256 (in place of Intel's) nor RSA (in place of AMD's)");
    }
    out->kind = MSE_ROOT_AMD;
    out->product = mse_cert_product(cert);
    if (mse_cert_role_guess(cert) != MSE_ROLE_ARK) {
        return mse_fail_text(err, MSE_ERR_VALUE, "simulation root",
                             "subject is %s, but an RSA root must be called ARK-Milan, ARK-Genoa "
                             "or ARK-Turin",
                             mse_cert_name_text(cert->subject, name, sizeof(name)));
    }
    return true;
}

static bool add_simulated(struct mse_roots *roots, struct mse_bytes der, struct mse_error *err)
{
    struct vendor_root root;
    struct mse_cert cert;

    if (!mse_cert_parse(der, &cert, err) || !simulated_root_of(&cert, &root, err))
        return false;
    if (!mse_cert_check_self_signed(&cert, err))
        return mse_fail_in(err, "simulation root");
    if (roots->intact_count < MSE_ROOTS_MAX)
        mse_sha256(cert.der, roots->intact[roots->intact_count++]);
    /* A vendor re-issues its root with the same key, so a simulation may too. */
    if (mse_roots_find(roots, &cert) != NULL)
        return true;
    if (roots->count == MSE_ROOTS_MAX) {
        return mse_fail_text(err, MSE_ERR_LIMIT, "simulation root", "more than %d roots",
                             MSE_ROOTS_MAX);
    }
    return add_root(roots, &root, err);
}

static bool read_simulated(struct mse_bytes pem, uint8_t *der, struct mse_roots *out,
                           struct mse_error *err)
{
    size_t at = 0;

    for (;;) {
        size_t len = pem.len;

        if (!mse_pem_next(pem, &at, "CERTIFICATE", der, &len, err)) {
            if (err->code != MSE_ERR_NONE)
                return false;
            break;
        }
        if (!add_simulated(out, (struct mse_bytes){ der, len }, err))
            return false;
    }
    if (out->count == 0)
        return mse_fail_text(err, MSE_ERR_MISSING, "simulation root", "no PEM certificate in it");
    return true;
}

bool mse_roots_simulated(struct mse_bytes pem, struct mse_roots *out, struct mse_error *err)
{
    uint8_t *der;
    bool done;

    memset(out, 0, sizeof(*out));
    out->simulated = true;
    if (pem.len > MSE_CERT_MAX_SIZE)
        return mse_fail(err, MSE_ERR_LIMIT, 0, "simulation root");
    der = malloc(pem.len + 1);
    if (der == NULL)
        return mse_fail_memory(err);
    done = read_simulated(pem, der, out, err);
    free(der);
    if (!done)
        mse_roots_cleanup(out);
    return done;
}

void mse_roots_cleanup(struct mse_roots *roots)
{
    for (size_t i = 0; i < roots->count; i++)
        mse_key_free(roots->of[i].key);
    memset(roots, 0, sizeof(*roots));
}

const struct mse_root *mse_roots_find(const struct mse_roots *roots, const struct mse_cert *cert)
{
    uint8_t digest[MSE_SHA256_SIZE];

    mse_sha256(cert->key_bits, digest);
    for (size_t i = 0; i < roots->count; i++) {
        if (memcmp(roots->key_digest[i], digest, sizeof(digest)) == 0 &&
            mse_key_type_of(roots->of[i].key) == cert->key_type)
            return &roots->of[i];
    }
    return NULL;
}
