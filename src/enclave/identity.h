/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that an instance makes for itself, and the certificate over them. */
#ifndef MSE_ENCLAVE_IDENTITY_H
#define MSE_ENCLAVE_IDENTITY_H

#include "enclave/instance_file.h"
#include "enclave/tee.h"
#include "issue/certificate.h"

struct mse_identity {
    EVP_PKEY *key; /* P-256, in OpenSSL's secure heap */
    X509 *cert;
    uint8_t *der; /* of the certificate */
    size_t der_len;
    uint8_t cert_sha256[32], spki_sha256[32];
    uint8_t x25519_secret[32], x25519_public[32]; /* sealed secrets are opened with it */
};

/*
 * Makes keys, asks the TEE for evidence (REPORTDATA: SHA-256 of the uncompressed point, then the
 * X25519 public key), issues the certificate (docs/formats.md, "Certificate"): SAN is the app's
 * name for cert=self, the config name for the others.
 */
MSE_MUST_CHECK bool mse_identity_make(struct mse_tee *tee, const struct mse_instance_file *file,
                                      enum mse_app_cert cert, int64_t now, struct mse_identity *out,
                                      struct mse_error *err);
void mse_identity_cleanup(struct mse_identity *identity);
/* For the sealed state; the bytes are secret. */
MSE_MUST_CHECK bool mse_identity_write(const struct mse_identity *identity, struct mse_writer *out,
                                       struct mse_error *err);
MSE_MUST_CHECK bool mse_identity_parse(struct mse_bytes in, struct mse_identity *out,
                                       struct mse_error *err);
/* False if the host now says another name, lifetime or statement than the certificate has, or its
 * time is over: then a new key has to be made. */
bool mse_identity_fits(const struct mse_identity *identity, const struct mse_instance_file *file,
                       enum mse_app_cert cert, int64_t now);

#endif
