/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificate of a simulated enclave: self-signed, importable without vouching for anything
 * else, with evidence about its key (docs/formats.md, "Certificate").
 */
#ifndef MSE_SIMTEE_CERTIFICATE_H
#define MSE_SIMTEE_CERTIFICATE_H

#include "issue/certificate.h"
#include "simtee/quote.h"

struct mse_sim_certificate_options {
    const struct mse_issue_name *names;
    size_t name_count; /* 1 at least; the first is the app's name */
    const char *config_name;
    struct mse_sim_enclave enclave;
    int64_t not_before, not_after;
    bool other_key;    /* the evidence is about a key that is not this one */
    bool no_statement; /* without the operator's instance statement */
};

struct mse_sim_attested {
    X509 *cert;
    EVP_PKEY *key;      /* P-256: TLS */
    EVP_PKEY *seal_key; /* X25519: the second half of REPORTDATA is its public key */
};

MSE_MUST_CHECK bool mse_sim_certificate_make(const struct mse_sim_platform *platform,
                                             const struct mse_sim_certificate_options *options,
                                             struct mse_sim_attested *out, struct mse_error *err);
void mse_sim_attested_cleanup(struct mse_sim_attested *attested);

#endif
