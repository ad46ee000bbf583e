/* SPDX-License-Identifier: Apache-2.0 */
/* Pinned vendor roots, compared by public key, never by certificate bytes. */
#ifndef MSE_ENDORSEMENT_ROOTS_H
#define MSE_ENDORSEMENT_ROOTS_H

#include "crypto/cert.h"
#include "evidence/snp.h"

enum mse_root_kind { MSE_ROOT_NONE, MSE_ROOT_INTEL, MSE_ROOT_AMD };

struct mse_root {
    enum mse_root_kind kind;
    enum mse_snp_product product; /* AMD */
    struct mse_key *key;
};

#define MSE_ROOTS_MAX 16
struct mse_roots {
    struct mse_root of[MSE_ROOTS_MAX];
    uint8_t key_digest[MSE_ROOTS_MAX][32]; /* SHA-256 of the BIT STRING content */
    size_t count;
    /* SHA-256 of whole root certificates that are known to be intact: the vendors' published ones,
     * or those of the simulation's file, checked when it was read. */
    uint8_t intact[MSE_ROOTS_MAX][32];
    size_t intact_count;
    bool simulated;
};

/* The vendors' roots that are compiled in: Intel SGX Root CA; ARK Milan, Genoa, Turin. */
MSE_MUST_CHECK bool mse_roots_vendor(struct mse_roots *out, struct mse_error *err);
/*
 * Roots of a simulated TEE from PEM certificates: a P-256 key plays Intel's root, an RSA key an ARK
 * whose product is read from its subject ("ARK-Milan"...). A vendor's real key is refused.
 */
MSE_MUST_CHECK bool mse_roots_simulated(struct mse_bytes pem, struct mse_roots *out,
                                        struct mse_error *err);
void mse_roots_cleanup(struct mse_roots *roots);
/*
 * A certificate with a pinned key that is intact: a published one, recognised by its bytes, or one
 * whose self-signature the pinned key made. Nothing but the key of another may be believed.
 */
MSE_MUST_CHECK bool mse_roots_check_intact(const struct mse_roots *roots,
                                           const struct mse_root *root, const struct mse_cert *cert,
                                           struct mse_error *err);
/* The root with exactly this key, or NULL. */
const struct mse_root *mse_roots_find(const struct mse_roots *roots, const struct mse_cert *cert);

#endif
