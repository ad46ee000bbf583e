/* SPDX-License-Identifier: Apache-2.0 */
/* The owner's configuration: body of the POST, and who may send it (docs/formats.md). */
#ifndef MSE_ENCLAVE_CONFIG_H
#define MSE_ENCLAVE_CONFIG_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "attest/config_statement.h"
#include "enclave/identity.h"

#define MSE_CONFIG_MAX_BODY (1U << 20)
#define MSE_CONFIG_MAX_CHAIN 8

/* Everything that a valid body says; secrets, wiped by the cleanup. */
struct mse_config {
    uint8_t *secrets; /* owned: exact JSON text of app_secrets; NULL if not given */
    size_t secrets_len;
    uint8_t *sealed_secrets; /* owned: JSON text that the box held; NULL if not given */
    size_t sealed_secrets_len;
    bool has_code_key;
    uint8_t code_key[32];              /* from code_secret_key, or out of the sealed secrets */
    EVP_PKEY *tls_key;                 /* cert=owner only */
    X509 *chain[MSE_CONFIG_MAX_CHAIN]; /* cert=owner only; the leaf first */
    size_t chain_count;
    uint8_t digest[32]; /* config_digest */
};
void mse_config_cleanup(struct mse_config *config);

/*
 * Parses and checks a body as far as it can be judged alone: strict JSON, uuid of this instance,
 * blind (64 hex digits; with unsigned configuration it may be missing), key lengths, the sealed box
 * opens, the owner's key fits the certificate and that is for the instance's name and in date;
 * without cert=owner there is neither. The message says what was wrong.
 */
MSE_MUST_CHECK bool mse_config_parse(struct mse_bytes body, const struct mse_app_manifest *app,
                                     const struct mse_instance_file *file,
                                     const struct mse_identity *identity, int64_t now,
                                     struct mse_config *out, struct mse_error *err);
/*
 * base64 of the owner's Ed25519 signature (header Mse-Signature) over nonce, certificate, digest of
 * the body and epoch. MSE_ERR_SIGNATURE if it is not; out is then untouched.
 */
MSE_MUST_CHECK bool mse_config_authenticate(struct mse_bytes signature, struct mse_bytes body,
                                            const uint8_t owner[static 32],
                                            const uint8_t nonce[static 32],
                                            const struct mse_identity *identity, uint64_t epoch,
                                            uint8_t statement[static MSE_CONFIG_STATEMENT_SIZE],
                                            struct mse_error *err);

#endif
