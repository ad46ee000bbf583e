/* SPDX-License-Identifier: Apache-2.0 */
/* The owner's word on one configuration of one key (docs/formats.md, "Configuration"). */
#ifndef MSE_ATTEST_CONFIG_STATEMENT_H
#define MSE_ATTEST_CONFIG_STATEMENT_H

#include "base/bytes.h"

#define MSE_CONFIG_STATEMENT_TEXT (17 + 32 + 32 + 32 + 8)
#define MSE_CONFIG_STATEMENT_SIZE (MSE_CONFIG_STATEMENT_TEXT + 64)

struct mse_config_statement {
    uint8_t nonce[32];              /* the runtime's */
    uint8_t certificate_sha256[32]; /* of the DER that the owner saw */
    uint8_t config_digest[32];
    uint64_t epoch;
    uint8_t signature[64]; /* Ed25519 of the owner over the rest */
};
/* H("mse-config-v1\n" || body). */
void mse_config_digest(struct mse_bytes body, uint8_t out[static 32]);
/* What is signed: MSE_CONFIG_STATEMENT_TEXT bytes. */
void mse_config_statement_text(const struct mse_config_statement *statement,
                               uint8_t out[static MSE_CONFIG_STATEMENT_TEXT]);
/* Text and signature. */
void mse_config_statement_write(const struct mse_config_statement *statement,
                                uint8_t out[static MSE_CONFIG_STATEMENT_SIZE]);
MSE_MUST_CHECK bool mse_config_statement_parse(struct mse_bytes in,
                                               struct mse_config_statement *out,
                                               struct mse_error *err);
/* MSE_ERR_SIGNATURE unless this owner signed it. */
MSE_MUST_CHECK bool mse_config_statement_check(const struct mse_config_statement *statement,
                                               const uint8_t owner[static 32],
                                               struct mse_error *err);

/* What a reply of mse-attest/1 says about the configuration; all of it but the statement's nonce,
 * certificate and signature is in the leaf too. */
enum mse_config_kind {
    MSE_CONFIG_NONE,     /* no bytes: not configured, digest and epoch are zeros */
    MSE_CONFIG_UNSIGNED, /* digest(32) || u64be epoch: accepted without a signature (unsigned=yes)
                          */
    MSE_CONFIG_SIGNED    /* a statement */
};
#define MSE_CONFIG_UNSIGNED_SIZE (32 + 8)

struct mse_config_claim {
    enum mse_config_kind kind;
    uint8_t config_digest[32];
    uint64_t epoch;
    struct mse_config_statement statement; /* only if signed */
};
MSE_MUST_CHECK bool mse_config_claim_parse(struct mse_bytes in, struct mse_config_claim *out,
                                           struct mse_error *err);
void mse_config_claim_write(const struct mse_config_claim *claim, struct mse_writer *out);

#endif
