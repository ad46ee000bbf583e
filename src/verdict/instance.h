/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's instance statement inside a certificate: which app this very instance is.
 * docs/formats.md, "Instance statement".
 */
#ifndef MSE_VERDICT_INSTANCE_H
#define MSE_VERDICT_INSTANCE_H

#include "crypto/cert.h"
#include "verdict/policy.h"

/* 1.2.840.113741.1337.32 */
extern const struct mse_bytes mse_oid_instance;

struct mse_instance {
    char config_name[256];
    char name[256];
    char uuid[40];
    uint8_t fingerprint[32];
    uint8_t owner[32]; /* Ed25519 */
    int64_t not_after;
};

/* MSE_ERR_MISSING if the certificate has none. Nothing is parsed before a signature matched. */
MSE_MUST_CHECK bool mse_instance_read(const struct mse_cert *cert,
                                      const struct mse_value_list *instance_keys,
                                      struct mse_instance *out, struct mse_error *err);

#endif
