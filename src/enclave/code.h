/* SPDX-License-Identifier: Apache-2.0 */
/* The app's code: opened, written where only the app can read it, and compared with what was
 * measured before anything of it runs. */
#ifndef MSE_ENCLAVE_CODE_H
#define MSE_ENCLAVE_CODE_H

#include "base/bytes.h"

#define MSE_CODE_FILE "package.tar"

struct mse_code_limits {
    uint64_t entries, bytes;
};
/*
 * Reads our own canonical tar from package, opens each file with key (NULL: the package is plain),
 * writes it below the directory dir (an open descriptor of an empty directory), and compares the
 * tree digest (docs/fingerprint.md) of what was written. MSE_ERR_SIGNATURE: wrong key or changed
 * file, named; MSE_ERR_VALUE: another tree than the measured one, or a package that is sealed where
 * no key was given. After a failure the directory is empty again. Blocks: for a worker thread.
 */
MSE_MUST_CHECK bool mse_code_open(int package, int dir, const uint8_t *key,
                                  const struct mse_code_limits *limits,
                                  const uint8_t tree[static 32], struct mse_error *err);
/* Removes everything below the directory. */
MSE_MUST_CHECK bool mse_code_clear(int dir, struct mse_error *err);

#endif
