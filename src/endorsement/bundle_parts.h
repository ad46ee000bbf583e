/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of the collateral containers share; nobody outside bundle*.c includes it. */
#ifndef MSE_ENDORSEMENT_BUNDLE_PARTS_H
#define MSE_ENDORSEMENT_BUNDLE_PARTS_H

#include "base/json.h"
#include "endorsement/bundle.h"

#define MSE_BUNDLE_FORMAT "mse-collateral-v1"

/* Caps per container, against files that only cost memory: a PCK CRL has a few 100 kB at most. */
#define MSE_BUNDLE_MAX_FILE (96U << 20) /* 64 MiB of items in base64 */
#define MSE_BUNDLE_MAX_EVIDENCE (48U << 20)
#define MSE_BUNDLE_MAX_DCAP_QVL (64U << 20)
#define MSE_BUNDLE_MAX_OPEN_ENCLAVE (48U << 20)
#define MSE_BUNDLE_MAX_REPLY (4U << 20)
#define MSE_BUNDLE_MAX_CERTS (8U << 20)

/* Owned bytes: mse_blob_cleanup. */
struct mse_blob {
    uint8_t *data;
    size_t len;
};
void mse_blob_cleanup(struct mse_blob *blob);
static inline struct mse_bytes mse_blob_bytes(const struct mse_blob *blob)
{
    return (struct mse_bytes){ blob->data, blob->len };
}
void mse_text_cleanup(char **text);

/* A string member as owned text; MSE_ERR_MISSING or MSE_ERR_VALUE with its offset. */
MSE_MUST_CHECK bool mse_bundle_text(const struct mse_json *json,
                                    const struct mse_json_value *object, const char *name,
                                    char **out, struct mse_error *err);
/* The same, decoded from base64. */
MSE_MUST_CHECK bool mse_bundle_base64(const struct mse_json *json,
                                      const struct mse_json_value *object, const char *name,
                                      struct mse_blob *out, struct mse_error *err);
/* Exactly the hex digits of in, white space around them allowed. */
MSE_MUST_CHECK bool mse_bundle_unhex(struct mse_bytes in, struct mse_blob *out,
                                     struct mse_error *err);
/* The part of in between the first and the last of these texts, both included; else empty. */
struct mse_bytes mse_bundle_between(struct mse_bytes in, const char *first, const char *last);

/* CRLs and certificates in DER, PEM (any number, mixed) or hex. */
MSE_MUST_CHECK bool mse_bundle_add_x509(struct mse_collateral *collateral, struct mse_bytes in,
                                        const char *name, struct mse_error *err);

MSE_MUST_CHECK bool mse_bundle_read_mse(const struct mse_json *json, const char *name,
                                        struct mse_collateral *collateral, struct mse_error *err);
MSE_MUST_CHECK bool mse_bundle_read_evidence(const struct mse_json *json, const char *name,
                                             struct mse_collateral *collateral,
                                             struct mse_error *err);
MSE_MUST_CHECK bool mse_bundle_read_dcap_qvl(const struct mse_json *json, const char *name,
                                             struct mse_collateral *collateral,
                                             struct mse_error *err);
bool mse_bundle_is_open_enclave(struct mse_bytes file);
MSE_MUST_CHECK bool mse_bundle_read_open_enclave(struct mse_bytes file, const char *name,
                                                 struct mse_collateral *collateral,
                                                 struct mse_error *err);

#endif
