/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate revocation list (RFC 5280, 5) with an index over its serial numbers. */
#ifndef MSE_CRYPTO_CRL_H
#define MSE_CRYPTO_CRL_H

#include "crypto/cert.h"

#define MSE_CRL_MAX_SIZE (16U << 20)

/* Views lie inside der; index is owned. */
struct mse_crl {
    struct mse_bytes der;
    struct mse_bytes tbs;
    struct mse_bytes issuer; /* Name, whole TLV */
    int64_t this_update;
    int64_t next_update; /* mandatory for us: without it a CRL never ends */
    bool has_number;
    struct mse_bytes number; /* cRLNumber content octets */
    enum mse_signature_type signature_type;
    struct mse_bytes signature;
    struct mse_bytes *serials; /* without sign octets; sorted by length, then bytes */
    size_t serial_count;
};

/*
 * Parses DER. Unknown critical extensions of the list or of an entry are refused, and those of
 * delta, partial and indirect lists whatever they say of themselves.
 */
MSE_MUST_CHECK bool mse_crl_parse(struct mse_bytes der, struct mse_crl *out, struct mse_error *err);
void mse_crl_cleanup(struct mse_crl *crl);
/* serial is struct mse_cert's: without sign octet. */
bool mse_crl_lists(const struct mse_crl *crl, struct mse_bytes serial);
/* Issued by this certificate: name, cRLSign if it has keyUsage, signature. */
MSE_MUST_CHECK bool mse_crl_check_signed_by(const struct mse_crl *crl,
                                            const struct mse_cert *issuer,
                                            const struct mse_key *issuer_key,
                                            struct mse_error *err);

#endif
