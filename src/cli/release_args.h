/* SPDX-License-Identifier: Apache-2.0 */
/* What the release commands share: keys, files with their signatures, showing a release. */
#ifndef MSE_CLI_RELEASE_ARGS_H
#define MSE_CLI_RELEASE_ARGS_H

#include "base/json.h"
#include "cli/cli.h"
#include "release/release.h"

#define RELEASE_PATH_SIZE 4096

/* Secret key; its password comes from the file, or from the terminal if there is one. */
MSE_MUST_CHECK bool release_key_load(struct cli *cli, const char *path, const char *password_file,
                                     struct mse_minisign_secret **out, struct mse_error *err);
/* FILE.minisig */
MSE_MUST_CHECK bool release_signature_path(const char *path, char out[static RELEASE_PATH_SIZE],
                                           struct mse_error *err);

/* A release and its signature as they are on the disk. */
struct release_files {
    uint8_t *content, *signature; /* owned */
    size_t content_len, signature_len;
};
MSE_MUST_CHECK bool release_files_load(const char *path, struct release_files *out,
                                       struct mse_error *err);
void release_files_cleanup(struct release_files *files);
/* Reads, checks the signature, then parses. */
MSE_MUST_CHECK bool release_files_open(const struct release_files *files,
                                       const struct mse_minisign_public *owner,
                                       struct mse_release *out, struct mse_error *err);

/* What it states: lines for people, or members of an object. */
void release_print_text(const struct mse_release *release, struct mse_writer *to);
void release_print_json(const struct mse_release *release, struct mse_json_writer *w);

#endif
