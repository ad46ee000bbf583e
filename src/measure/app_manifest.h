/* SPDX-License-Identifier: Apache-2.0 */
/* The app manifest: the argument vector that is measured, and its digest (docs/fingerprint.md). */
#ifndef MSE_MEASURE_APP_MANIFEST_H
#define MSE_MEASURE_APP_MANIFEST_H

#include "base/bytes.h"

#define MSE_APP_MAX_ARGS 256
#define MSE_APP_MAX_ARG 4096 /* bytes of one */
#define MSE_APP_MAX_MEMORY (UINT32_C(1) << 26)
#define MSE_APP_MAX_THREADS 4096

enum mse_app_cert { MSE_APP_CERT_SELF, MSE_APP_CERT_OWNER, MSE_APP_CERT_OPERATOR };
enum mse_app_isolation { MSE_APP_ISOLATION_PROCESS, MSE_APP_ISOLATION_NONE };

/* Strings are borrowed. */
struct mse_app_manifest {
    uint8_t tree[32];
    uint8_t owner[32]; /* Ed25519 public key */
    enum mse_app_cert cert;
    const char *health; /* "/PATH", visible ASCII */
    uint32_t memory;    /* MiB; a power of two */
    uint32_t threads;
    bool unsigned_config;
    enum mse_app_isolation isolation;
    uint8_t runtime[32];
    const char *python; /* "module:variable", or NULL: command */
    const char *command[MSE_APP_MAX_ARGS];
    size_t command_count;
};

/* The arguments in their one order, each with a final NUL, one after the other. */
MSE_MUST_CHECK bool mse_app_manifest_write(const struct mse_app_manifest *app,
                                           struct mse_writer *out, struct mse_error *err);
/* Strict reading of what mse_app_manifest_write makes (NUL-terminated strings). The result borrows
 * from argv. */
MSE_MUST_CHECK bool mse_app_manifest_read(const char *const *argv, size_t argc,
                                          struct mse_app_manifest *out, struct mse_error *err);
/* What is hashed for the digest: "mse-app-v1\n", then each argument but the first, with its length.
 */
MSE_MUST_CHECK bool mse_app_digest_input(const struct mse_app_manifest *app, struct mse_writer *out,
                                         struct mse_error *err);
MSE_MUST_CHECK bool mse_app_digest(const struct mse_app_manifest *app, uint8_t out[static 32],
                                   struct mse_error *err);
const char *mse_app_cert_name(enum mse_app_cert cert); /* "self", "owner", "operator" */
MSE_MUST_CHECK bool mse_app_cert_read(const char *name, enum mse_app_cert *out);

#endif
