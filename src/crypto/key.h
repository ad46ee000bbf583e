/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys and signature checks: ECDSA over P-256 and P-384, RSA PKCS#1 v1.5 and PSS. */
#ifndef MSE_CRYPTO_KEY_H
#define MSE_CRYPTO_KEY_H

#include "base/bytes.h"

enum mse_key_type { MSE_KEY_OTHER, MSE_KEY_P256, MSE_KEY_P384, MSE_KEY_RSA, MSE_KEY_ED25519 };

enum mse_signature_type {
    MSE_SIGNATURE_OTHER,
    MSE_SIGNATURE_ECDSA_SHA256,
    MSE_SIGNATURE_ECDSA_SHA384,
    MSE_SIGNATURE_RSA_SHA256,
    MSE_SIGNATURE_RSA_SHA384,
    MSE_SIGNATURE_RSA_PSS_SHA256,
    MSE_SIGNATURE_RSA_PSS_SHA384,
    MSE_SIGNATURE_ED25519
};

/* An imported public key; immutable, so threads may share it. Reference counted. */
struct mse_key;

/*
 * From the fields of a SubjectPublicKeyInfo: bits is the BIT STRING's content, that is the
 * uncompressed point (0x04 X Y) or PKCS#1's RSAPublicKey. Points off the curve, RSA moduli outside
 * 2048..8192 bits and even exponents are refused.
 */
MSE_MUST_CHECK bool mse_key_new(enum mse_key_type type, struct mse_bytes bits, struct mse_key **out,
                                struct mse_error *err);
/* P-256 from X || Y, 64 bytes, as quotes carry it. */
MSE_MUST_CHECK bool mse_key_new_p256_raw(const uint8_t xy[static 64], struct mse_key **out,
                                         struct mse_error *err);
struct mse_key *mse_key_share(struct mse_key *key);
void mse_key_free(struct mse_key *key);
void mse_key_cleanup(struct mse_key **key);
enum mse_key_type mse_key_type_of(const struct mse_key *key);

/* Signature as X.509 has it (DER for ECDSA). False with MSE_ERR_SIGNATURE if it does not verify. */
MSE_MUST_CHECK bool mse_key_check(const struct mse_key *key, enum mse_signature_type type,
                                  struct mse_bytes data, struct mse_bytes signature,
                                  const char *field, struct mse_error *err);
/* P-256 with SHA-256, signature r || s of 64 bytes, big-endian (quotes, collateral JSON). */
MSE_MUST_CHECK bool mse_key_check_raw_p256(const struct mse_key *key, struct mse_bytes data,
                                           const uint8_t signature[static 64], const char *field,
                                           struct mse_error *err);
/* P-384 with SHA-384, signature r || s of 96 bytes, big-endian (SNP, after byte reversal). */
MSE_MUST_CHECK bool mse_key_check_raw_p384(const struct mse_key *key, struct mse_bytes data,
                                           const uint8_t signature[static 96], const char *field,
                                           struct mse_error *err);

#endif
