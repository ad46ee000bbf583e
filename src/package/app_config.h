/* SPDX-License-Identifier: Apache-2.0 */
/* mse.toml: what an owner says about an app (docs/mse-toml.md). */
#ifndef MSE_PACKAGE_APP_CONFIG_H
#define MSE_PACKAGE_APP_CONFIG_H

#include "measure/app_manifest.h"

#define MSE_APP_CONFIG_MAX_SIZE (1U << 20)
#define MSE_APP_MAX_REQUIREMENTS 256

/* Strings are owned by the configuration. Paths are made absolute or relative to the file's
 * directory as they are to be opened. NULL or 0 where not given. */
struct mse_app_config {
    char *name, *health;
    char *python; /* or command */
    char *command[MSE_APP_MAX_ARGS];
    size_t command_count;
    uint32_t memory;  /* MiB; a power of two; default 1024 */
    uint32_t threads; /* default 64 */
    char *tests_cmd;
    char *tests_requirements[MSE_APP_MAX_REQUIREMENTS];
    size_t tests_requirement_count;
    bool has_cloud;
    char *code, *tests, *docker, *project, *hardware, *secrets;
    bool has_expiration;
    int64_t expiration; /* seconds since 1970 */
    bool dev_mode;      /* ignored when it comes from the file */
    bool has_ssl;
    char *ssl_domain, *ssl_private_key, *ssl_certificate; /* the latter two: paths */
};

/* Each warning is one line, "FILE:LINE:COLUMN: text", with the nearest known key. */
typedef void mse_app_config_warn(void *context, const char *line);

/*
 * file_name is for messages and the base of relative paths. now and zone_offset (seconds east of
 * UTC) are for expiration_date. Errors: field is "FILE:LINE:COLUMN".
 */
MSE_MUST_CHECK bool mse_app_config_parse(struct mse_bytes in, const char *file_name, int64_t now,
                                         int zone_offset, mse_app_config_warn *warn, void *context,
                                         struct mse_app_config *out, struct mse_error *err);
void mse_app_config_cleanup(struct mse_app_config *config);

#endif
