/* SPDX-License-Identifier: Apache-2.0 */
/* Ed25519 keys and signatures in minisign's file format (jedisct1/minisign, "Signature format"). */
#ifndef MSE_RELEASE_MINISIGN_H
#define MSE_RELEASE_MINISIGN_H

#include "base/bytes.h"

#define MSE_MINISIGN_COMMENT_MAX 1024
#define MSE_MINISIGN_FILE_MAX 8192

struct mse_minisign_public {
    uint8_t id[8];
    uint8_t key[32]; /* Ed25519 */
};
/* A key file (comment line and base64 line), or the base64 alone. */
MSE_MUST_CHECK bool mse_minisign_public_read(struct mse_bytes in, struct mse_minisign_public *out,
                                             struct mse_error *err);
/* The base64 line, NUL-terminated: 56 characters. */
void mse_minisign_public_text(const struct mse_minisign_public *key, char out[static 57]);
/* The whole file. */
void mse_minisign_public_write(const struct mse_minisign_public *key, struct mse_writer *out);

struct mse_minisign_secret; /* wiped when freed */
MSE_MUST_CHECK bool mse_minisign_secret_generate(struct mse_minisign_secret **out,
                                                 struct mse_error *err);
/* password NULL: the file must be unencrypted (MSE_ERR_USAGE if it is not). A wrong password is
 * MSE_ERR_MISMATCH. */
MSE_MUST_CHECK bool mse_minisign_secret_read(struct mse_bytes in, const char *password,
                                             struct mse_minisign_secret **out,
                                             struct mse_error *err);
MSE_MUST_CHECK bool mse_minisign_secret_is_encrypted(struct mse_bytes in, bool *out,
                                                     struct mse_error *err);
/* password NULL: unencrypted. */
MSE_MUST_CHECK bool mse_minisign_secret_write(const struct mse_minisign_secret *key,
                                              const char *password, struct mse_writer *out,
                                              struct mse_error *err);
void mse_minisign_secret_free(struct mse_minisign_secret *key);
void mse_minisign_secret_public(const struct mse_minisign_secret *key,
                                struct mse_minisign_public *out);

/* Prehashed signature file ("ED"): untrusted comment, signature, trusted comment, its signature. */
MSE_MUST_CHECK bool mse_minisign_sign(const struct mse_minisign_secret *key, struct mse_bytes data,
                                      const char *trusted_comment, struct mse_writer *out,
                                      struct mse_error *err);
/* Any of the keys may have signed; *which is its index. Legacy "Ed" signatures are refused.
 * Both the signature and the trusted comment's must hold. Strict: nothing behind the fourth line.
 */
MSE_MUST_CHECK bool mse_minisign_verify(const struct mse_minisign_public *keys, size_t key_count,
                                        struct mse_bytes data, struct mse_bytes signature_file,
                                        size_t *which, struct mse_error *err);

#endif
