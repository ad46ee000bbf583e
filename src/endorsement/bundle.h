/* SPDX-License-Identifier: Apache-2.0 */
/* Collateral in files: MSE's bundle, and the containers of others, recognised by content. */
#ifndef MSE_ENDORSEMENT_BUNDLE_H
#define MSE_ENDORSEMENT_BUNDLE_H

#include "endorsement/collateral.h"

enum mse_bundle_kind {
    MSE_BUNDLE_UNKNOWN,
    MSE_BUNDLE_MSE,          /* {"format":"mse-collateral-v1","items":[...]} */
    MSE_BUNDLE_MSE_EVIDENCE, /* the original product's evidence.json */
    MSE_BUNDLE_DCAP_QVL,     /* {"tcb_info":..., "tcb_info_signature":..., ...} */
    MSE_BUNDLE_OPEN_ENCLAVE, /* endorsement buffer, with or without attestation header */
    MSE_BUNDLE_TCB_INFO,     /* one reply as received */
    MSE_BUNDLE_QE_IDENTITY,
    MSE_BUNDLE_CRL,
    MSE_BUNDLE_CERTS
};
const char *mse_bundle_kind_name(enum mse_bundle_kind kind);
enum mse_bundle_kind mse_bundle_guess(struct mse_bytes file);
/*
 * Adds all items; name is for messages. MSE_BUNDLE_UNKNOWN is MSE_ERR_FORMAT. What was read before
 * a failure stays in the set: each item is believed for its own signature only.
 */
MSE_MUST_CHECK bool mse_bundle_read(struct mse_bytes file, const char *name,
                                    struct mse_collateral *collateral, struct mse_error *err);
/* All items of the set as an MSE bundle, deterministic order. */
MSE_MUST_CHECK bool mse_bundle_write(const struct mse_collateral *collateral,
                                     struct mse_writer *out, struct mse_error *err);
/* The PEM certificate inside an evidence.json (owned text), or MSE_ERR_MISSING. */
MSE_MUST_CHECK bool mse_bundle_evidence_certificate(struct mse_bytes file, char **pem,
                                                    struct mse_error *err);

#endif
