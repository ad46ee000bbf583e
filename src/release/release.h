/* SPDX-License-Identifier: Apache-2.0 */
/* Owner's release: a signed statement that lists fingerprints (docs/formats.md, "Release"). */
#ifndef MSE_RELEASE_RELEASE_H
#define MSE_RELEASE_RELEASE_H

#include "release/minisign.h"

#define MSE_RELEASE_MAX_SIZE (256U << 10)
#define MSE_RELEASE_MAX_FINGERPRINTS 256
#define MSE_RELEASE_MAX_NAMES 256
#define MSE_RELEASE_MAX_DAYS 398

enum mse_release_tee { MSE_RELEASE_SIM, MSE_RELEASE_SGX, MSE_RELEASE_TDX, MSE_RELEASE_SNP };

const char *mse_release_tee_name(enum mse_release_tee tee); /* "sim", "sgx", "tdx", "snp" */
MSE_MUST_CHECK bool mse_release_tee_read(struct mse_bytes name, enum mse_release_tee *out);

struct mse_release_fingerprint {
    enum mse_release_tee tee;
    uint8_t value[32];
};
struct mse_release {
    char *app;                                    /* owned */
    struct mse_release_fingerprint *fingerprints; /* owned */
    size_t fingerprint_count;
    int64_t min_tcb_eval;
    char **names; /* owned; lower-case DNS names */
    size_t name_count;
    int64_t not_before, not_after; /* seconds since 1970 */
    bool has_previous;
    uint8_t previous[32]; /* SHA-256 of the release before, or absent (null) */
    uint8_t runtime[32];
    uint64_t serial;
    uint8_t sha256[32]; /* of the canonical bytes */
};
void mse_release_cleanup(struct mse_release *release);
/* Canonical JSON; what is not exactly in canonical form is refused. Call only on signed bytes. */
MSE_MUST_CHECK bool mse_release_parse(struct mse_bytes in, struct mse_release *out,
                                      struct mse_error *err);
MSE_MUST_CHECK bool mse_release_write(const struct mse_release *release, struct mse_writer *out,
                                      struct mse_error *err);
/* Signature first, then parse. Dates and name are checked by mse_release_check. */
MSE_MUST_CHECK bool mse_release_open(const struct mse_minisign_public *owner, struct mse_bytes file,
                                     struct mse_bytes signature_file, struct mse_release *out,
                                     struct mse_error *err);
/* Case and a final dot do not matter. */
bool mse_release_lists_name(const struct mse_release *release, const char *name);
/* MSE_ERR_EXPIRED, MSE_ERR_NOT_YET_VALID, MSE_ERR_MISMATCH (name not listed). name may be NULL. */
MSE_MUST_CHECK bool mse_release_check(const struct mse_release *release, const char *name,
                                      int64_t at, struct mse_error *err);

#endif
