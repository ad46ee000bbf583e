/* SPDX-License-Identifier: Apache-2.0 */
/* Runtime description: what runs around the app's own code (docs/fingerprint.md). */
#ifndef MSE_MEASURE_RUNTIME_H
#define MSE_MEASURE_RUNTIME_H

#include "measure/trusted_files.h"

#define MSE_RUNTIME_MAX_SIZE (32U << 20)
#define MSE_RUNTIME_MAX_FILES (1U << 18)
#define MSE_RUNTIME_MAX_PATH 4096
#define MSE_RUNTIME_MAX_NAME 128 /* bytes of name and version */

enum mse_runtime_tee { MSE_RUNTIME_SIM, MSE_RUNTIME_SGX, MSE_RUNTIME_TDX, MSE_RUNTIME_SNP };
const char *mse_runtime_tee_name(enum mse_runtime_tee tee); /* "sim", "sgx", "tdx", "snp" */
MSE_MUST_CHECK bool mse_runtime_tee_read(const char *name, enum mse_runtime_tee *out);

struct mse_runtime_file {
    char *path; /* owned */
    uint8_t sha256[32];
};
struct mse_runtime {
    char *name, *version; /* owned */
    enum mse_runtime_tee tee;
    struct mse_runtime_file loader;
    struct mse_runtime_file *files; /* owned; sorted by the bytes of their paths */
    size_t count;
    uint8_t sha256[32]; /* of the canonical JSON */
};
/* Strict canonical JSON: bytes that are not what mse_runtime_write makes are refused. */
MSE_MUST_CHECK bool mse_runtime_parse(struct mse_bytes in, struct mse_runtime *out,
                                      struct mse_error *err);
/* Sorts the files, writes canonical JSON and sets sha256. */
MSE_MUST_CHECK bool mse_runtime_write(struct mse_runtime *runtime, struct mse_writer *out,
                                      struct mse_error *err);
void mse_runtime_cleanup(struct mse_runtime *runtime);
/* Absolute, UTF-8, no control characters, no empty part, no "." or "..", no '/' at the end. */
MSE_MUST_CHECK bool mse_runtime_check_name(const char *name, struct mse_error *err);
MSE_MUST_CHECK bool mse_runtime_check_path(const char *path, struct mse_error *err);
/* The first file (in the order of the paths) with this last part, or NULL. */
const struct mse_runtime_file *mse_runtime_find(const struct mse_runtime *runtime,
                                                const char *base_name);
/*
 * Every path under the paths given (none: "/") that opens as a regular file, from a source
 * (directory or image): a link to one is listed under its own path, with the content it leads to;
 * links to directories are not followed, but where they are one of the paths given. loader is one
 * of the source's files. Files are hashed on several threads. The result is sorted; its sha256 is
 * set.
 */
MSE_MUST_CHECK bool mse_runtime_describe(const struct mse_file_source *source, const char *name,
                                         const char *version, enum mse_runtime_tee tee,
                                         const char *loader, const char *const *paths,
                                         size_t path_count, struct mse_runtime *out,
                                         struct mse_error *err);
/* Files that only b has, only a has, and that have other content, in order of the paths. */
typedef void mse_runtime_change_seen(void *context, char kind, const char *path); /* '+' '-' '~' */
size_t mse_runtime_diff(const struct mse_runtime *a, const struct mse_runtime *b,
                        mse_runtime_change_seen *seen, void *context);

#endif
