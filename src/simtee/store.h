/* SPDX-License-Identifier: Apache-2.0 */
/* A simulated platform with all its keys, and the directory that holds it. */
#ifndef MSE_SIMTEE_STORE_H
#define MSE_SIMTEE_STORE_H

#include "simtee/pki.h"

struct mse_sim_platform {
    struct mse_sim_machine machine;
    struct mse_sim_pki pki;
    EVP_PKEY *attestation; /* P-256: the quoting enclave's, signs quotes */
    EVP_PKEY *signer;      /* RSA: the operator's, whose enclaves these are */
    EVP_PKEY *instance;    /* Ed25519: the operator's, signs instance statements */
    EVP_PKEY *owner;       /* Ed25519: the app owner's */
};

MSE_MUST_CHECK bool mse_sim_platform_make(const struct mse_sim_machine *machine, int64_t at,
                                          struct mse_sim_platform *out, struct mse_error *err);
void mse_sim_platform_cleanup(struct mse_sim_platform *platform);

/* DIR/NAME, owned by the caller (free); NULL when memory is out. */
char *mse_sim_store_path(const char *dir, const char *name);
/* Makes the directory, or takes an empty one, and gives it mode 0700. MSE_ERR_EXISTS otherwise. */
MSE_MUST_CHECK bool mse_sim_store_create(const char *dir, struct mse_error *err);
/* Keys have mode 0600. The file that marks a platform as complete is written last. */
MSE_MUST_CHECK bool mse_sim_store_save(const char *dir, const struct mse_sim_platform *platform,
                                       struct mse_error *err);
MSE_MUST_CHECK bool mse_sim_store_load(const char *dir, struct mse_sim_platform *out,
                                       struct mse_error *err);
/* One more public file of the directory. */
MSE_MUST_CHECK bool mse_sim_store_put(const char *dir, const char *name,
                                      const struct mse_writer *content, struct mse_error *err);

#endif
