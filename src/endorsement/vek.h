/* SPDX-License-Identifier: Apache-2.0 */
/* AMD's extensions of VCEK and VLEK certificates, arc 1.3.6.1.4.1.3704.1 (AMD 57230, VCEK). */
#ifndef MSE_ENDORSEMENT_VEK_H
#define MSE_ENDORSEMENT_VEK_H

#include "crypto/cert.h"
#include "evidence/snp.h"

struct mse_vek {
    bool is_vlek; /* subject CN SEV-VLEK; else SEV-VCEK */
    enum mse_snp_product product;
    char product_name[32];
    struct mse_snp_tcb tcb;
    bool has_hwid; /* mandatory for VCEK */
    uint8_t hwid[64];
    size_t hwid_len; /* 64; 8 on Turin, where the report's chip id has zeros behind it */
    char csp_id[64]; /* VLEK */
};

/* Every security version must be there (fmc only on Turin); DER integers of 0..255. */
MSE_MUST_CHECK bool mse_vek_parse(const struct mse_cert *cert, struct mse_vek *out,
                                  struct mse_error *err);

#endif
