/* SPDX-License-Identifier: Apache-2.0 */
/* MSE fingerprint, version 1, per kind of TEE (docs/fingerprint.md). */
#ifndef MSE_MEASURE_FINGERPRINT_H
#define MSE_MEASURE_FINGERPRINT_H

#include "measure/app_manifest.h"
#include "measure/enclave.h"
#include "measure/runtime.h"

/*
 * The manifest in Gramine's form, out of the one template; its bytes are measured. For sim and sgx
 * only. app->runtime must be runtime->sha256.
 */
MSE_MUST_CHECK bool mse_fingerprint_manifest(const struct mse_runtime *runtime,
                                             const struct mse_app_manifest *app,
                                             struct mse_writer *out, struct mse_error *err);
/*
 * SGX and simulation: MRENCLAVE. loader holds the bytes of the runtime's loader; their hash must be
 * the description's. app->runtime must be runtime->sha256. manifest and layout may be NULL.
 */
MSE_MUST_CHECK bool mse_fingerprint_sgx(const struct mse_runtime *runtime, struct mse_bytes loader,
                                        const struct mse_app_manifest *app, uint8_t out[static 32],
                                        struct mse_writer *manifest,
                                        struct mse_enclave_layout *layout, struct mse_error *err);
/* RTMR3 after the runtime's first act. */
MSE_MUST_CHECK bool mse_fingerprint_rtmr3(const struct mse_app_manifest *app,
                                          uint8_t out[static 48], struct mse_error *err);
/* rtmr: RTMR0, RTMR1 and RTMR2, one after the other. */
MSE_MUST_CHECK bool mse_fingerprint_tdx(const uint8_t mrtd[static 48],
                                        const uint8_t rtmr[static 3 * 48],
                                        const uint8_t app_digest[static 32], uint8_t out[static 32],
                                        struct mse_error *err);
MSE_MUST_CHECK bool mse_fingerprint_snp(const uint8_t measurement[static 48],
                                        const uint8_t app_digest[static 32], uint8_t out[static 32],
                                        struct mse_error *err);

#endif
