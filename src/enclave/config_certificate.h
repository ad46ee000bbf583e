/* SPDX-License-Identifier: Apache-2.0 */
/* The owner's own key and certificate chain, for apps with cert=owner. */
#ifndef MSE_ENCLAVE_CONFIG_CERTIFICATE_H
#define MSE_ENCLAVE_CONFIG_CERTIFICATE_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/bytes.h"

/*
 * One private key in PEM without password: P-256, P-384 or RSA of 2048 to 8192 bits. *out is owned
 * by the caller, NULL on failure.
 */
MSE_MUST_CHECK bool mse_config_key_read(const char *pem, EVP_PKEY **out, struct mse_error *err);
/* 1 to max certificates in PEM, each owned by the caller; *count is 0 on failure. */
MSE_MUST_CHECK bool mse_config_chain_read(const char *pem, X509 **out, size_t max, size_t *count,
                                          struct mse_error *err);
/*
 * The leaf (first) is for the name and for TLS servers and has this key; each certificate is in
 * date and signed by the next one. Whether clients trust the last one is theirs to judge.
 */
MSE_MUST_CHECK bool mse_config_chain_check(X509 *const *chain, size_t count, EVP_PKEY *key,
                                           const char *name, int64_t now, struct mse_error *err);

#endif
