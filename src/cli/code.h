/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands that read code trees live in libmse-code.so, which is loaded when one of them is run: it
 * needs libgit2, libsodium and libarchive, and mse itself shall stay light.
 */
#ifndef MSE_CLI_CODE_H
#define MSE_CLI_CODE_H

#include "cli/cli.h"
#include "package/stop.h"

#define CODE_EXPORT __attribute__((visibility("default")))

/* Exported by the module; src/cli/code.map lists them. */
CODE_EXPORT const char *mse_code_version(void);
CODE_EXPORT enum exit_code mse_code_fingerprint(struct cli *cli, int argc, char **argv);
CODE_EXPORT enum exit_code mse_code_package(struct cli *cli, int argc, char **argv);
CODE_EXPORT enum exit_code mse_code_unpack(struct cli *cli, int argc, char **argv);
CODE_EXPORT enum exit_code mse_code_runtime_describe(struct cli *cli, int argc, char **argv);
CODE_EXPORT enum exit_code mse_code_runtime_diff(struct cli *cli, int argc, char **argv);

/* What `mse cloud verify --context FILE --code DIR` needs of it. */
struct code_fingerprint_request {
    const char *context_file, *code_dir;
    const char *const *runtime_files; /* --runtime FILE */
    size_t runtime_file_count;
    const char *loader_file; /* NULL: beside the runtime description */
};
struct code_fingerprint {
    uint8_t value[32];
    uint8_t runtime[32];     /* SHA-256 of the runtime description that was used */
    char runtime_file[4096]; /* where it came from */
    char ignored[512];       /* what .mseignore leaves out, for people to read; "": nothing */
    /* What the context says besides the code, for whoever reads it: it is as much part of the app.
     */
    char start[1024];       /* "python MODULE:VARIABLE", or "command" and its words; escaped */
    char runtime_name[160]; /* name and version, escaped */
    char domain_name[256];  /* "" if the context has none */
    uint8_t owner[32];
    bool unsigned_config, no_isolation;
    enum { CODE_TEE_SIM, CODE_TEE_SGX, CODE_TEE_TDX, CODE_TEE_SNP } tee;
};
CODE_EXPORT bool mse_code_context_fingerprint(const struct code_fingerprint_request *request,
                                              struct code_fingerprint *out, struct mse_error *err);

/*
 * What `mse localtest` needs of it: the files of code_dir as they come out of their package, in the
 * new directory to; without what .mseignore leaves out. stop may be NULL.
 */
CODE_EXPORT bool mse_code_copy(const char *code_dir, const char *to, const struct mse_stop *stop,
                               struct mse_error *err);

/* In mse: loads the module and calls it. A module that is not there is MSE_ERR_IO. */
MSE_MUST_CHECK bool code_copy(struct cli *cli, const char *code_dir, const char *to,
                              const struct mse_stop *stop, struct mse_error *err);
MSE_MUST_CHECK bool code_context_fingerprint(struct cli *cli,
                                             const struct code_fingerprint_request *request,
                                             struct code_fingerprint *out, struct mse_error *err);

/*
 * A sealed box to an X25519 key; and what a box to an owner's Ed25519 key (seed, then public key)
 * holds: MSE_ERR_SIGNATURE if it is for another. Both append.
 */
CODE_EXPORT bool mse_code_seal(const uint8_t recipient[static 32], struct mse_bytes in,
                               struct mse_writer *out, struct mse_error *err);
CODE_EXPORT bool mse_code_unseal(const uint8_t owner_secret[static 64], struct mse_bytes box,
                                 struct mse_writer *out, struct mse_error *err);

MSE_MUST_CHECK bool code_seal(struct cli *cli, const uint8_t recipient[static 32],
                              struct mse_bytes in, struct mse_writer *out, struct mse_error *err);
MSE_MUST_CHECK bool code_unseal(struct cli *cli, const uint8_t owner_secret[static 64],
                                struct mse_bytes box, struct mse_writer *out,
                                struct mse_error *err);

#endif
