/* SPDX-License-Identifier: Apache-2.0 */
/* Private to this folder: the profile objects and what several of their files share. */
#ifndef MSE_RATLS_PROFILES_H
#define MSE_RATLS_PROFILES_H

#include "ratls/ratls.h"

/* Caps on what a profile reads; certificates of real systems stay below 24 KiB. */
#define MSE_RATLS_MAX_QUOTE MSE_QUOTE_MAX_SIZE
#define MSE_RATLS_MAX_DOCUMENT (256U << 10)

extern const struct mse_profile mse_profile_mse;
extern const struct mse_profile mse_profile_tee_tools;
extern const struct mse_profile mse_profile_dice;
extern const struct mse_profile mse_profile_rats_tls;
extern const struct mse_profile mse_profile_gramine;
extern const struct mse_profile mse_profile_sgx_sdk;
extern const struct mse_profile mse_profile_openenclave;
extern const struct mse_profile mse_profile_ego;
extern const struct mse_profile mse_profile_dstack;
extern const struct mse_profile mse_profile_c8s;
extern const struct mse_profile mse_profile_contrast;
extern const struct mse_profile mse_profile_constellation;

/* MSE_ERR_LIMIT if payload is larger than max. */
MSE_MUST_CHECK bool mse_payload_fits(struct mse_bytes payload, size_t max, struct mse_error *err);
/* True for keys on P-256 and P-384. */
bool mse_key_is_ec(const struct mse_cert *cert);
/* Sets what REPORTDATA must begin with; digest_len is at most 64. */
void mse_attestation_expect(struct mse_attestation *a, const uint8_t *digest, size_t digest_len,
                            enum mse_tail tail);
/* Sets an SNP report as evidence; certificates and expectation are set apart. */
void mse_attestation_set_snp(struct mse_attestation *a, struct mse_bytes report);

/* Opens the containers of 1.2.840.113741.1337.7 and .8 (tee_tools.c; MSE has the same). */
MSE_MUST_CHECK bool mse_tee_tools_open(const struct mse_cert *cert,
                                       const struct mse_extension *extension, enum mse_tail tail,
                                       struct mse_attestation *out, struct mse_error *err);
/*
 * Reads {u32 version 1, u32 type 2, u64 size} and the quote behind it, as Open Enclave's reports
 * have it (openenclave.c; EGo uses the same container).
 */
MSE_MUST_CHECK bool mse_oe_report_read(struct mse_bytes payload, struct mse_bytes *quote,
                                       struct mse_error *err);

/* Adds one DER certificate; its common name decides the kind (a hint: chains are checked later). */
MSE_MUST_CHECK bool mse_snp_certs_add(struct mse_snp_certs *certs, struct mse_bytes der,
                                      struct mse_error *err);
/*
 * Adds every certificate of a blob: DER ones behind one another, or PEM text. Decoded PEM is
 * appended to owned, which has room for the blob's length; *used counts its bytes in use.
 */
MSE_MUST_CHECK bool mse_snp_certs_add_blob(struct mse_snp_certs *certs, struct mse_bytes blob,
                                           uint8_t *owned, size_t *used, struct mse_error *err);

#endif
