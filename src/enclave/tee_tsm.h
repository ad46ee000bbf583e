/* SPDX-License-Identifier: Apache-2.0 */
/* What TDX and SEV-SNP have in common: evidence through Linux's configfs-tsm. Private to both. */
#ifndef MSE_ENCLAVE_TEE_TSM_H
#define MSE_ENCLAVE_TEE_TSM_H

#include <pthread.h>

#include "enclave/tee.h"
#include "enclave/tee_file.h"

struct mse_tee_tsm {
    struct mse_tee tee;
    pthread_mutex_t lock; /* a request and its answer belong together */
    char root[MSE_TEE_MAX_FILE_PATH];
    char entry[MSE_TEE_MAX_FILE_PATH]; /* our own directory below tsm/report */
    int (*control)(int fd, unsigned long request, void *argument);
    uint32_t privilege_level; /* SNP: VMPL */
    /* SNP, after the first act */
    bool is_started;
    uint8_t app_digest[32];
    uint8_t chip_id[64];
    bool by_vcek;
};

/* outblob and auxblob (NULL: not read) to one inblob, both of the same generation. */
MSE_MUST_CHECK bool mse_tee_tsm_report(struct mse_tee_tsm *tsm,
                                       const uint8_t report_data[static 64], struct mse_writer *out,
                                       struct mse_writer *aux, struct mse_error *err);
void mse_tee_tsm_free(struct mse_tee *tee);

extern const struct mse_tee_backend mse_tee_tdx_backend, mse_tee_snp_backend;

#endif
