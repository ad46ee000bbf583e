/* SPDX-License-Identifier: Apache-2.0 */
/* SGX report body: 384 bytes (Intel SDM vol. 3D, REPORT; DCAP ECDSA Quote Library Reference). */
#ifndef MSE_EVIDENCE_SGX_H
#define MSE_EVIDENCE_SGX_H

#include "base/bytes.h"

#define MSE_SGX_BODY_SIZE 384

/* ATTRIBUTES.FLAGS */
#define MSE_SGX_INIT (1ULL << 0)
#define MSE_SGX_DEBUG (1ULL << 1)
#define MSE_SGX_MODE64 (1ULL << 2)
#define MSE_SGX_PROVISION_KEY (1ULL << 4)
#define MSE_SGX_EINITTOKEN_KEY (1ULL << 5)
#define MSE_SGX_KSS (1ULL << 7)

/* Pointers lie inside the input. */
struct mse_sgx_body {
    struct mse_bytes raw;   /* all 384 bytes */
    const uint8_t *cpu_svn; /* 16 */
    uint32_t misc_select;
    const uint8_t *isv_ext_prod_id; /* 16 */
    const uint8_t *attributes;      /* 16: flags and xfrm as they are, for masks */
    uint64_t flags;
    uint64_t xfrm;
    const uint8_t *mrenclave; /* 32 */
    const uint8_t *mrsigner;  /* 32 */
    const uint8_t *config_id; /* 64 */
    uint16_t isv_prod_id;
    uint16_t isv_svn;
    uint16_t config_svn;
    const uint8_t *isv_family_id; /* 16 */
    const uint8_t *report_data;   /* 64 */
};

/* Reads exactly 384 bytes from r; reserved bytes are not judged (they are signed). */
void mse_sgx_body_read(struct mse_reader *r, struct mse_sgx_body *out);

#endif
