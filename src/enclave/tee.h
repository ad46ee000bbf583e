/* SPDX-License-Identifier: Apache-2.0 */
/* What the runtime asks of a TEE, whichever it is: one small interface, one file per back end. */
#ifndef MSE_ENCLAVE_TEE_H
#define MSE_ENCLAVE_TEE_H

#include "attest/message.h"
#include "measure/app_manifest.h"

#define MSE_TEE_MAX_EVIDENCE (32U << 10)

struct mse_tee;

struct mse_tee_place {
    const char *root; /* "" on a real machine; a prepared tree in tests */
    int sim_fd;       /* socket to the simulated platform, or -1 */
    /* ioctl(2), or another function for /dev/sev-guest in tests; NULL: ioctl(2) */
    int (*control)(int fd, unsigned long request, void *argument);
};
/*
 * Finds the TEE: the simulated platform's socket, ROOT/dev/attestation (Gramine),
 * ROOT/sys/kernel/config/tsm/report (TDX, SNP). MSE_ERR_MISSING if there is none. *out is owned by
 * the caller.
 */
MSE_MUST_CHECK bool mse_tee_open(const struct mse_tee_place *place, struct mse_tee **out,
                                 struct mse_error *err);
void mse_tee_free(struct mse_tee *tee);

enum mse_attest_tee mse_tee_kind(const struct mse_tee *tee);
const char *mse_tee_name(const struct mse_tee *tee); /* "sim", "gramine", "tdx", "snp" */
/* Where the host puts the instance file and the package, and state is kept: "/mse", or "." in the
 * simulation. */
const char *mse_tee_host_dir(const struct mse_tee *tee);
/* True where a process of another user is kept from this one's memory and the TEE (not Gramine). */
bool mse_tee_has_isolation(const struct mse_tee *tee);

/*
 * The first act: makes the app's manifest part of what is measured where it is not yet. TDX extends
 * RTMR3 with it; SNP compares HOST_DATA with its digest; the others did it at launch. A failure
 * ends the runtime.
 */
MSE_MUST_CHECK bool mse_tee_start(struct mse_tee *tee, const struct mse_app_manifest *app,
                                  struct mse_error *err);
/* Evidence over these 64 bytes. Takes its time: called from one worker thread at a time. */
MSE_MUST_CHECK bool mse_tee_quote(struct mse_tee *tee, const uint8_t report_data[static 64],
                                  struct mse_writer *out, struct mse_error *err);
/* Secret of this platform and this measurement. MSE_ERR_UNSUPPORTED where the TEE has none (TDX):
 * nothing is kept over a restart there. */
MSE_MUST_CHECK bool mse_tee_sealing_key(struct mse_tee *tee, uint8_t out[static 32],
                                        struct mse_error *err);
/* Names the platform as far as it can be told; zeros where it cannot. */
MSE_MUST_CHECK bool mse_tee_platform_id(struct mse_tee *tee, uint8_t out[static 32],
                                        struct mse_error *err);
/* A counter that never goes back, where there is one (simulation): MSE_ERR_UNSUPPORTED elsewhere.
 */
MSE_MUST_CHECK bool mse_tee_counter(struct mse_tee *tee, uint64_t *out, struct mse_error *err);
MSE_MUST_CHECK bool mse_tee_advance(struct mse_tee *tee, uint64_t to, struct mse_error *err);

/* ---- for the back ends -------------------------------------------------------------------- */

struct mse_tee_backend {
    enum mse_attest_tee kind;
    const char *name, *host_dir;
    bool has_isolation;
    bool (*start)(struct mse_tee *, const struct mse_app_manifest *, struct mse_error *);
    bool (*quote)(struct mse_tee *, const uint8_t report_data[static 64], struct mse_writer *,
                  struct mse_error *);
    bool (*sealing_key)(struct mse_tee *, uint8_t out[static 32], struct mse_error *);
    bool (*platform_id)(struct mse_tee *, uint8_t out[static 32], struct mse_error *);
    bool (*counter)(struct mse_tee *, uint64_t *, struct mse_error *);
    bool (*advance)(struct mse_tee *, uint64_t, struct mse_error *);
    void (*free)(struct mse_tee *);
};
/* First member of each back end's own struct. */
struct mse_tee {
    const struct mse_tee_backend *backend;
};
/* Each returns false with MSE_ERR_MISSING if this TEE is not there. */
MSE_MUST_CHECK bool mse_tee_sim_open(int fd, struct mse_tee **out, struct mse_error *err);
MSE_MUST_CHECK bool mse_tee_gramine_open(const char *root, struct mse_tee **out,
                                         struct mse_error *err);
MSE_MUST_CHECK bool mse_tee_tsm_open(const struct mse_tee_place *place, struct mse_tee **out,
                                     struct mse_error *err);

#endif
