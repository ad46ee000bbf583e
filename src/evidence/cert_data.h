/* SPDX-License-Identifier: Apache-2.0 */
/* QE Certification Data (Intel ECDSA Quote Library Reference, "QE Certification Data"). */
#ifndef MSE_EVIDENCE_CERT_DATA_H
#define MSE_EVIDENCE_CERT_DATA_H

#include "base/bytes.h"

enum mse_cert_data_type {
    MSE_CERT_DATA_PPID_PLAIN = 1,
    MSE_CERT_DATA_PPID_RSA2048 = 2,
    MSE_CERT_DATA_PPID_RSA3072 = 3,
    MSE_CERT_DATA_PCK_LEAF = 4,
    MSE_CERT_DATA_PCK_CHAIN = 5,
    MSE_CERT_DATA_QE_REPORT = 6,
    MSE_CERT_DATA_PLATFORM_MANIFEST = 7
};

struct mse_cert_data {
    enum mse_cert_data_type type; /* one of the above */
    struct mse_bytes body;        /* borrowed from the input */
};

/* Reads type, size and body from r; a type outside 1..7 is MSE_ERR_UNSUPPORTED. */
void mse_cert_data_read(struct mse_reader *r, struct mse_cert_data *out);

#endif
