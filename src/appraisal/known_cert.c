/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups of certificates by bytes and by name in an authenticated set. */
#include "appraisal/known_cert.h"

const struct mse_item *mse_known_cert(const struct mse_collateral *collateral, struct mse_bytes der)
{
    if (collateral == NULL)
        return NULL;
    for (size_t i = 0; i < collateral->count; i++) {
        const struct mse_item *item = collateral->items[i];

        if (item->kind == MSE_ITEM_CERT && item->authenticated &&
            mse_bytes_equal(item->cert.der, der))
            return item;
    }
    return NULL;
}

const struct mse_item *mse_known_cert_named(const struct mse_collateral *collateral,
                                            enum mse_cert_role role, struct mse_bytes name,
                                            const struct mse_item *after)
{
    const struct mse_item *item = after;

    if (collateral == NULL)
        return NULL;
    while ((item = mse_collateral_cert(collateral, role, item)) != NULL) {
        if (item->authenticated && mse_bytes_equal(item->cert.subject, name))
            return item;
    }
    return NULL;
}

const struct mse_root *mse_known_root(const struct mse_roots *roots, const struct mse_cert *cert,
                                      enum mse_root_kind kind, struct mse_error *err)
{
    const struct mse_root *root = mse_roots_find(roots, cert);

    if (root == NULL || root->kind != kind) {
        mse_fail_text(err, MSE_ERR_ROOT, "root", "the chain ends in a root that is not pinned");
        return NULL;
    }
    return mse_roots_check_intact(roots, root, cert, err) ? root : NULL;
}

const struct mse_root *mse_known_root_digest(const struct mse_roots *roots,
                                             const uint8_t digest[static 32])
{
    for (size_t i = 0; i < roots->count; i++) {
        if (memcmp(roots->key_digest[i], digest, sizeof(roots->key_digest[i])) == 0)
            return &roots->of[i];
    }
    return NULL;
}

const struct mse_root *mse_known_root_of(const struct mse_roots *roots, const struct mse_item *item)
{
    while (item->issuer != NULL)
        item = item->issuer;
    if (item->role == MSE_ROLE_INTEL_ROOT || item->role == MSE_ROLE_ARK)
        return mse_roots_find(roots, &item->cert);
    /* The root's own certificate is not in the set. */
    return mse_known_root_digest(roots, item->root_key_digest);
}

const uint8_t *mse_known_digest_of(const struct mse_roots *roots, const struct mse_root *root)
{
    return roots->key_digest[root - roots->of];
}

bool mse_error_is_fatal(const struct mse_error *err)
{
    return err->code == MSE_ERR_MEMORY || err->code == MSE_ERR_CRYPTO;
}
