/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of the simulated platform: made, kept as PEM, used to sign. */
#ifndef MSE_ISSUE_KEY_H
#define MSE_ISSUE_KEY_H

#include <openssl/evp.h>

#include "base/bytes.h"

enum mse_issue_key_kind {
    MSE_ISSUE_KEY_P256,
    MSE_ISSUE_KEY_ED25519,
    MSE_ISSUE_KEY_X25519,
    MSE_ISSUE_KEY_RSA
};

/* Why the crypto library failed, from its error queue. Always returns false. */
bool mse_issue_fail_openssl(struct mse_error *err, const char *what);

void mse_issue_key_cleanup(EVP_PKEY **key);

/* A fresh key; RSA is 3072 bits with exponent 3. *out is owned by the caller, NULL on failure. */
MSE_MUST_CHECK bool mse_issue_key_make(enum mse_issue_key_kind kind, EVP_PKEY **out,
                                       struct mse_error *err);
/* PKCS#8 in PEM; the text is a secret. */
MSE_MUST_CHECK bool mse_issue_key_write(EVP_PKEY *key, struct mse_writer *out,
                                        struct mse_error *err);
MSE_MUST_CHECK bool mse_issue_key_read(struct mse_bytes pem, enum mse_issue_key_kind kind,
                                       EVP_PKEY **out, struct mse_error *err);
MSE_MUST_CHECK bool mse_issue_key_write_public(EVP_PKEY *key, struct mse_writer *out,
                                               struct mse_error *err);

/* P-256: uncompressed point, 04 || X || Y. */
MSE_MUST_CHECK bool mse_issue_key_point(EVP_PKEY *key, uint8_t out[static 65],
                                        struct mse_error *err);
/* Ed25519, X25519: the public key. */
MSE_MUST_CHECK bool mse_issue_key_raw(EVP_PKEY *key, uint8_t out[static 32], struct mse_error *err);
/* RSA: MRSIGNER, SHA-256 of the modulus as 384 bytes, little-endian (Intel SDM, SIGSTRUCT). */
MSE_MUST_CHECK bool mse_issue_key_mrsigner(EVP_PKEY *key, uint8_t out[static 32],
                                           struct mse_error *err);

/* ECDSA P-256 with SHA-256 as r || s, each big-endian in 32 bytes. */
MSE_MUST_CHECK bool mse_issue_sign_ecdsa(EVP_PKEY *key, struct mse_bytes message,
                                         uint8_t out[static 64], struct mse_error *err);
MSE_MUST_CHECK bool mse_issue_sign_ed25519(EVP_PKEY *key, struct mse_bytes message,
                                           uint8_t out[static 64], struct mse_error *err);

MSE_MUST_CHECK bool mse_issue_sha256(struct mse_bytes in, uint8_t out[static 32],
                                     struct mse_error *err);
MSE_MUST_CHECK bool mse_issue_random(uint8_t *out, size_t len, struct mse_error *err);

#endif
