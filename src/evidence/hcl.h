/* SPDX-License-Identifier: Apache-2.0 */
/* Azure HCL report from the vTPM's NV index 0x01400001, with its runtime JSON. */
#ifndef MSE_EVIDENCE_HCL_H
#define MSE_EVIDENCE_HCL_H

#include "base/json.h"

#define MSE_HCL_HW_REPORT_OFFSET 0x20
#define MSE_HCL_HW_REPORT_SIZE 1184
#define MSE_HCL_MAX_SIZE (64U << 10)

enum mse_hcl_type { MSE_HCL_SNP = 2, MSE_HCL_TDX = 4 };

/* Views lie inside the input. */
struct mse_hcl {
    enum mse_hcl_type type;
    struct mse_bytes hw_report; /* SNP: 1184 bytes, signed. TDX: TDREPORT, 1024 bytes, MACed only */
    const uint8_t *report_data; /* 64, of the hardware report */
    uint32_t hash_type;         /* 1: SHA-256 (the only one read) */
    struct mse_bytes runtime;   /* the exact JSON bytes; REPORTDATA[0:32] is their SHA-256 */
    struct mse_bytes ak_modulus;  /* "HCLAkPub".n, base64url text as it stands */
    struct mse_bytes ak_exponent; /* "HCLAkPub".e likewise */
    struct mse_bytes user_data;   /* "user-data" hex text; empty if absent */
};

/* Zero bytes may follow (NV index of fixed size); others not. The hash is compared here. */
MSE_MUST_CHECK bool mse_hcl_parse(struct mse_bytes in, struct mse_hcl *out, struct mse_error *err);

#endif
