/* SPDX-License-Identifier: Apache-2.0 */
/* What is judged: a certificate, or a file of bare evidence whose kind the content decides. */
#ifndef MSE_VERDICT_SUBJECT_H
#define MSE_VERDICT_SUBJECT_H

#include "verdict/report.h"

struct mse_subject {
    enum mse_evidence_kind kind;
    struct mse_bytes evidence;  /* quote (zero bytes may follow) or SNP report of 1184 bytes */
    struct mse_snp_certs certs; /* that follow an SNP report: kernel table or tee-tools list */
    bool is_hcl;
    struct mse_hcl hcl;
};

/* Quote; Open Enclave report; SNP report, alone or with a certificate table; HCL report. */
MSE_MUST_CHECK bool mse_subject_open(struct mse_bytes in, struct mse_subject *out,
                                     struct mse_error *err);
/* DER of a certificate given as DER or PEM (the first one in it). *len is room, then length. */
MSE_MUST_CHECK bool mse_subject_certificate_der(struct mse_bytes in, uint8_t *out, size_t *len,
                                                struct mse_error *err);
/* Decides CERTIFICATE and NAME and fills in the shape. */
void mse_subject_check_certificate(const struct mse_request *request, struct mse_report *r);

#endif
