/* SPDX-License-Identifier: Apache-2.0 */
/* SIGSTRUCT, the signed identity of an SGX enclave (Intel SDM vol. 3D, 38.13). */
#ifndef MSE_MEASURE_SIGSTRUCT_H
#define MSE_MEASURE_SIGSTRUCT_H

#include "measure/manifest.h"

#define MSE_SIGSTRUCT_SIZE 1808
#define MSE_ENCLAVE_KEY_BITS 3072
#define MSE_ENCLAVE_KEY_BYTES (MSE_ENCLAVE_KEY_BITS / 8)
#define MSE_ENCLAVE_KEY_EXPONENT 3
#define MSE_ENCLAVE_KEY_MAX_PEM (64U << 10)
#define MSE_SIGSTRUCT_NO_DATE INT64_MIN /* 0000-00-00 */

struct mse_sigstruct {
    uint8_t raw[MSE_SIGSTRUCT_SIZE];
    uint32_t vendor, misc_select, misc_mask;
    unsigned year, month, day; /* 0, 0, 0 is legal */
    uint64_t flags, xfrm, flags_mask, xfrm_mask;
    uint8_t mrenclave[32], mrsigner[32];
    uint16_t isv_prod_id, isv_svn;
};

/* Structure only: headers, reserved bytes, exponent, date in BCD. */
MSE_MUST_CHECK bool mse_sigstruct_parse(struct mse_bytes in, struct mse_sigstruct *out,
                                        struct mse_error *err);
/* RSA-3072 signature over the signed fields, and Q1 and Q2. */
MSE_MUST_CHECK bool mse_sigstruct_check(const struct mse_sigstruct *s, struct mse_error *err);

/* An RSA-3072 private key with exponent 3; every other key is refused. */
struct mse_enclave_key;
MSE_MUST_CHECK bool mse_enclave_key_read(struct mse_bytes pem, struct mse_enclave_key **out,
                                         struct mse_error *err);
MSE_MUST_CHECK bool mse_enclave_key_generate(struct mse_enclave_key **out, struct mse_error *err);
/* PKCS#1 PEM. */
MSE_MUST_CHECK bool mse_enclave_key_write(const struct mse_enclave_key *key, struct mse_writer *out,
                                          struct mse_error *err);
void mse_enclave_key_free(struct mse_enclave_key *key);
void mse_enclave_key_cleanup(struct mse_enclave_key **key);
void mse_enclave_key_mrsigner(const struct mse_enclave_key *key, uint8_t out[static 32]);
/* Little-endian, as SIGSTRUCT has it. */
const uint8_t *mse_enclave_key_modulus(const struct mse_enclave_key *key);
/* RSASSA-PKCS1-v1_5 with SHA-256; the signature is little-endian. */
MSE_MUST_CHECK bool mse_enclave_key_sign(const struct mse_enclave_key *key, struct mse_bytes data,
                                         uint8_t out[static MSE_ENCLAVE_KEY_BYTES],
                                         struct mse_error *err);

/* date: seconds since 1970, its day in UTC; or MSE_SIGSTRUCT_NO_DATE. */
MSE_MUST_CHECK bool mse_sigstruct_make(const uint8_t mrenclave[static 32],
                                       const struct mse_enclave_settings *settings,
                                       const struct mse_enclave_key *key, int64_t date,
                                       struct mse_sigstruct *out, struct mse_error *err);

#endif
