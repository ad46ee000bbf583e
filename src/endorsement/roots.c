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
