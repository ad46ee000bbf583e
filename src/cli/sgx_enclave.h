/* SPDX-License-Identifier: Apache-2.0 */
/* What the mse sgx commands share: a manifest and a PAL from files, and their measurement. */
#ifndef MSE_CLI_SGX_ENCLAVE_H
#define MSE_CLI_SGX_ENCLAVE_H

#include "cli/cli.h"
#include "measure/enclave.h"

struct sgx_enclave {
    struct mse_enclave_settings settings;
    uint8_t mrenclave[32];
    struct mse_enclave_layout layout;
};
/*
 * manifest: the bytes of a finished manifest, measured as they are; name is for messages. libpal: a
 * file's name.
 */
MSE_MUST_CHECK bool sgx_enclave_measure(const char *name, struct mse_bytes manifest,
                                        enum mse_gramine rules, const char *libpal,
                                        struct sgx_enclave *out, struct mse_error *err);
void sgx_enclave_cleanup(struct sgx_enclave *enclave);

#endif
