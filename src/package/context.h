/* SPDX-License-Identifier: Apache-2.0 */
/* Context of a deployment: what it takes to compute its fingerprint again (docs/context.md). */
#ifndef MSE_PACKAGE_CONTEXT_H
#define MSE_PACKAGE_CONTEXT_H

#include "measure/app_manifest.h"
#include "package/package.h"

#define MSE_CONTEXT_MAX_SIZE (64U << 20)
#define MSE_CONTEXT_MAX_REQUIREMENTS 256

enum mse_context_format { MSE_CONTEXT_1_0, MSE_CONTEXT_2_0, MSE_CONTEXT_3_0 };

struct mse_context {
    enum mse_context_format format;
    char *name, *project, *docker, *python; /* owned; NULL where not known */
    char *command[MSE_APP_MAX_ARGS];
    size_t command_count;
    char *health;
    char *tests, *tests_cmd;
    char *tests_requirements[MSE_CONTEXT_MAX_REQUIREMENTS];
    size_t tests_requirement_count;
    char *ssl_certificate; /* PEM chain of the owner, or NULL */
    /* 3.0: what is measured; zero where not known yet */
    uint8_t owner[32], runtime[32], tree[32];
    uint32_t memory, threads;
    bool unsigned_config;
    enum mse_app_isolation isolation;
    char *files; /* list of the tree (measure/tree.h), or NULL */
    /* instance */
    char id[37]; /* UUID, lower case */
    char *config_domain_name, *domain_name;
    uint64_t enclave_size; /* MiB; 1.0 and 2.0 */
    int64_t expires_at;    /* 0: not known */
    int64_t created_at;    /* 3.0; 0 otherwise */
    enum mse_app_cert origin;
    /* secrets: never in the public form */
    bool has_code_key;
    uint8_t code_key[32];
    struct mse_nonces nonces;
};
/* Any of the three formats. Errors: field is "FILE:LINE:COLUMN". Wiped by cleanup. */
MSE_MUST_CHECK bool mse_context_parse(struct mse_bytes in, const char *file_name,
                                      struct mse_context *out, struct mse_error *err);
void mse_context_cleanup(struct mse_context *context);
enum mse_context_form { MSE_CONTEXT_PUBLIC, MSE_CONTEXT_SECRET };
/*
 * Always format 3.0 for a 3.0 context; 1.0 and 2.0 are written as 2.0. The public form has neither
 * code key nor nonces, and nothing of the owner's machine. What the reader would refuse is not
 * written. The secret form in out is the caller's to wipe.
 */
MSE_MUST_CHECK bool mse_context_write(const struct mse_context *context, enum mse_context_form form,
                                      struct mse_writer *out, struct mse_error *err);
/* The app manifest of a 3.0 context and a tree digest; borrows from context. What is not known yet
 * is MSE_ERR_MISSING, the other formats are MSE_ERR_UNSUPPORTED. */
MSE_MUST_CHECK bool mse_context_app(const struct mse_context *context,
                                    const uint8_t tree[static 32], struct mse_app_manifest *out,
                                    struct mse_error *err);

#endif
