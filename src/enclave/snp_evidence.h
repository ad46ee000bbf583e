/* SPDX-License-Identifier: Apache-2.0 */
/* An SNP report and its certificates in the container that certificates carry (docs/formats.md,
 * "Certificates beside an SNP report"). */
#ifndef MSE_ENCLAVE_SNP_EVIDENCE_H
#define MSE_ENCLAVE_SNP_EVIDENCE_H

#include "base/bytes.h"

#define MSE_SNP_EVIDENCE_REPORT 1184
#define MSE_SNP_EVIDENCE_MAX_TABLE (256U << 10) /* that the host may hand over */

/*
 * table: what the host gave beside the report, entries {GUID, u32le offset, u32le length} up to one
 * of zeros (AMD 56421, "SNP Extended Guest Request"); may be empty. Endorsement keys and their CAs
 * are taken over, whatever else is in there is not.
 */
MSE_MUST_CHECK bool mse_snp_evidence_write(struct mse_bytes report, struct mse_bytes table,
                                           struct mse_writer *out, struct mse_error *err);

/* What the runtime needs to know of its own report (AMD 56860, "ATTESTATION_REPORT"). */
struct mse_snp_own {
    uint8_t host_data[32];
    uint8_t chip_id[64]; /* zero if the host hides it */
    bool by_vcek;        /* signed by the key of this one chip */
};
MSE_MUST_CHECK bool mse_snp_own_read(struct mse_bytes report, struct mse_snp_own *out,
                                     struct mse_error *err);

#endif
