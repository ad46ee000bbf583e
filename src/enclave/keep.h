/* SPDX-License-Identifier: Apache-2.0 */
/* What an instance keeps over a restart: the sealed state, its key, and the TEE's counter. */
#ifndef MSE_ENCLAVE_KEEP_H
#define MSE_ENCLAVE_KEEP_H

#include "enclave/identity.h"
#include "enclave/state.h"
#include "enclave/tee.h"

struct mse_keep {
    struct mse_tee *tee; /* borrowed */
    bool can_seal, can_count;
    uint8_t key[32];
    struct mse_state state; /* as it is on the disk, or would be where nothing can be sealed */
    uint64_t counter;
};

/*
 * Loads the state of this platform and app, if there is one. A state that this platform or this
 * fingerprint cannot open, or one that is older than the TEE's counter says, is an error: to begin
 * anew, the operator removes it, and the owner sees a new key.
 */
MSE_MUST_CHECK bool mse_keep_open(struct mse_tee *tee, const struct mse_app_manifest *app,
                                  struct mse_keep *out, struct mse_error *err);
void mse_keep_cleanup(struct mse_keep *keep);
/* Wipes the configuration in memory; what is on the disk stays. Nothing can be kept afterwards. */
void mse_keep_forget_config(struct mse_keep *keep);

/* The identity of the state, if it still fits what the host says; else a new one, without a
 * configuration: the owner approves each key, name and lifetime. */
MSE_MUST_CHECK bool mse_keep_identity(struct mse_keep *keep, const struct mse_instance_file *file,
                                      const struct mse_app_manifest *app, int64_t now,
                                      struct mse_identity *out, struct mse_error *err);

/* What the next configuration has to be signed for: above all that this TEE has ever accepted,
 * where it can count. */
uint64_t mse_keep_next_epoch(const struct mse_keep *keep);

struct mse_keep_config {
    struct mse_bytes body;
    uint64_t epoch;
    const uint8_t *statement; /* MSE_CONFIG_STATEMENT_SIZE bytes, or NULL */
};
/* Makes it part of the state: on success it is on the disk, on failure nothing changed. */
MSE_MUST_CHECK bool mse_keep_configure(struct mse_keep *keep, const struct mse_keep_config *config,
                                       struct mse_error *err);

#endif
