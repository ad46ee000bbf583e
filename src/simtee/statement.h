/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's instance statement: which app an instance is (docs/formats.md). */
#ifndef MSE_SIMTEE_STATEMENT_H
#define MSE_SIMTEE_STATEMENT_H

#include "issue/key.h"

struct mse_sim_statement {
    const char *name, *config_name;
    const uint8_t *fingerprint; /* 32 */
    const uint8_t *owner;       /* 32: Ed25519 public key */
    int64_t not_after;
    const char *uuid; /* NULL: a random one */
};

#define MSE_SIM_UUID_SIZE 37
MSE_MUST_CHECK bool mse_sim_uuid_make(char out[static MSE_SIM_UUID_SIZE], struct mse_error *err);
/* 36 lower-case hex digits and dashes; MSE_ERR_USAGE otherwise. */
MSE_MUST_CHECK bool mse_sim_uuid_check(const char *uuid, struct mse_error *err);

/* DER SEQUENCE { statement OCTET STRING, signature OCTET STRING }. */
MSE_MUST_CHECK bool mse_sim_statement_make(const struct mse_sim_statement *statement, EVP_PKEY *key,
                                           struct mse_writer *out, struct mse_error *err);

#endif
