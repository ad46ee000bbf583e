/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's instance statement: which app an instance is (docs/formats.md). */
#ifndef MSE_SIMTEE_STATEMENT_H
#define MSE_SIMTEE_STATEMENT_H

#include "simtee/key.h"

struct mse_sim_statement {
    const char *name, *config_name;
    const uint8_t *fingerprint; /* 32 */
    const uint8_t *owner;       /* 32: Ed25519 public key */
    int64_t not_after;
};

/* 1.2.840.113741.1337.32, content octets. */
extern const struct mse_bytes mse_sim_oid_statement;

/* DER SEQUENCE { statement OCTET STRING, signature OCTET STRING }, with a random uuid. */
MSE_MUST_CHECK bool mse_sim_statement_make(const struct mse_sim_statement *statement, EVP_PKEY *key,
                                           struct mse_writer *out, struct mse_error *err);

#endif
