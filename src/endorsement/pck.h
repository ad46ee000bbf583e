/* SPDX-License-Identifier: Apache-2.0 */
/* Intel's SGX extension of PCK certificates, OID 1.2.840.113741.1.13.1 (PCK Certificate and CRL
 * Profile Specification, 1.3.5). */
#ifndef MSE_ENDORSEMENT_PCK_H
#define MSE_ENDORSEMENT_PCK_H

#include "crypto/cert.h"

struct mse_pck {
    uint8_t ppid[16];
    uint8_t comp_svn[16];
    uint16_t pce_svn;
    uint8_t cpu_svn[16];
    uint8_t pce_id[2];
    uint8_t fmspc[6];
    unsigned sgx_type; /* 0 standard, 1 scalable, 2 scalable with integrity */
    bool has_platform_instance;
    uint8_t platform_instance[16];
    bool has_configuration;
    bool dynamic_platform, cached_keys, smt_enabled; /* false where absent */
};

/* MSE_ERR_MISSING if the certificate has no such extension; a member twice is MSE_ERR_DUPLICATE. */
MSE_MUST_CHECK bool mse_pck_parse(const struct mse_cert *cert, struct mse_pck *out,
                                  struct mse_error *err);

#endif
