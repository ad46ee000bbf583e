/* SPDX-License-Identifier: Apache-2.0 */
/* All that outlives a restart: one sealed file (docs/formats.md, "State"). */
#ifndef MSE_ENCLAVE_STATE_H
#define MSE_ENCLAVE_STATE_H

#include "attest/config_statement.h"
#include "base/bytes.h"

#define MSE_STATE_DIR "state"
#define MSE_STATE_FILE "state/sealed"
#define MSE_STATE_MAX_SIZE (4U << 20)

struct mse_state {
    uint8_t app_digest[32], platform[32];
    uint64_t epoch;    /* of the configuration; 0: none yet */
    uint64_t counter;  /* the TEE's, when this was written; 0 where it has none */
    uint8_t *identity; /* owned: mse_identity_write */
    size_t identity_len;
    bool configured;
    uint8_t *config; /* owned: exact body of the accepted request */
    size_t config_len;
    bool has_statement; /* not with unsigned=yes */
    uint8_t statement[MSE_CONFIG_STATEMENT_SIZE];
};
void mse_state_cleanup(struct mse_state *state); /* wipes */

/* AES-256-GCM under HKDF(sealing key, "mse-state-v1"); the header is authenticated. */
MSE_MUST_CHECK bool mse_state_seal(const struct mse_state *state, const uint8_t key[static 32],
                                   struct mse_writer *out, struct mse_error *err);
/*
 * MSE_ERR_SIGNATURE if the key is not the one (another platform, another fingerprint) or the file
 * was changed; MSE_ERR_VALUE if it is another app's or platform's by its header.
 */
MSE_MUST_CHECK bool mse_state_open(struct mse_bytes in, const uint8_t key[static 32],
                                   const uint8_t app_digest[static 32],
                                   const uint8_t platform[static 32], struct mse_state *out,
                                   struct mse_error *err);
/* Below host_dir. Atomic: the file is either the old or the new one. Load: *found says if there is
 * one. */
MSE_MUST_CHECK bool mse_state_save(const char *host_dir, const struct mse_state *state,
                                   const uint8_t key[static 32], struct mse_error *err);
MSE_MUST_CHECK bool mse_state_load(const char *host_dir, const uint8_t key[static 32],
                                   const uint8_t app_digest[static 32],
                                   const uint8_t platform[static 32], struct mse_state *out,
                                   bool *found, struct mse_error *err);

#endif
