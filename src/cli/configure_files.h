/* SPDX-License-Identifier: Apache-2.0 */
/* What an owner sends to an instance, out of files; all of it is secret. */
#ifndef MSE_CLI_CONFIGURE_FILES_H
#define MSE_CLI_CONFIGURE_FILES_H

#include "cli/cli.h"
#include "package/context.h"
#include "release/minisign.h"

struct configure_files {
    /* options */
    const char *key, *password_file, *context_file, *uuid_text;
    const char *secrets_file, *sealed_file, *ssl_key_file, *ssl_certificate_file;
    /* made of them */
    struct mse_minisign_secret *owner;
    struct mse_minisign_public owner_public;
    bool has_context;
    struct mse_context context;
    char uuid[37];                    /* "" if neither option nor context names one */
    struct mse_bytes secrets, sealed; /* owned; data NULL where not given */
    bool sealed_is_plain; /* JSON that is sealed when the key is known; else base64url of a box */
    char *ssl_key, *ssl_certificate; /* owned; PEM */
};

/* Reads and checks all of it; there is no traffic. Errors are wrong usage. */
MSE_MUST_CHECK bool configure_files_load(struct cli *cli, struct configure_files *f,
                                         struct mse_error *err);
/* A file with a JSON object or a sealed box in base64url, without the line end behind it. */
MSE_MUST_CHECK bool configure_files_sealed(struct configure_files *f, struct mse_error *err);
void configure_files_cleanup(struct configure_files *f); /* wiped */

#endif
