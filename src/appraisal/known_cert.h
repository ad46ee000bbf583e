/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates that an authenticated set already vouches for, and roots that evidence brings. */
#ifndef MSE_APPRAISAL_KNOWN_CERT_H
#define MSE_APPRAISAL_KNOWN_CERT_H

#include "endorsement/collateral.h"

/* The authenticated certificate with exactly these bytes, or NULL. collateral may be NULL. */
const struct mse_item *mse_known_cert(const struct mse_collateral *collateral,
                                      struct mse_bytes der);
/* First authenticated certificate of this role whose subject is name, behind after; or NULL. */
const struct mse_item *mse_known_cert_named(const struct mse_collateral *collateral,
                                            enum mse_cert_role role, struct mse_bytes name,
                                            const struct mse_item *after);
/*
 * The pinned root whose certificate this is. The key alone decides what is trusted; that the rest
 * is intact is checked too, so that evidence with a damaged copy is refused. NULL: MSE_ERR_ROOT or
 * what is wrong with the signature.
 */
const struct mse_root *mse_known_root(const struct mse_roots *roots, const struct mse_cert *cert,
                                      enum mse_root_kind kind, struct mse_error *err);
/* The pinned root with this digest of its key, or NULL. */
const struct mse_root *mse_known_root_digest(const struct mse_roots *roots,
                                             const uint8_t digest[static 32]);
/* The pinned root that an authenticated item rests on, or NULL. */
const struct mse_root *mse_known_root_of(const struct mse_roots *roots,
                                         const struct mse_item *item);
/* Digest of the key of a root of the set. */
const uint8_t *mse_known_digest_of(const struct mse_roots *roots, const struct mse_root *root);
/* True for errors that say nothing about the input. */
bool mse_error_is_fatal(const struct mse_error *err);

#endif
