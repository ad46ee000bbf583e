/* SPDX-License-Identifier: Apache-2.0 */
/* What is executed for an app, and its environment: one place for the runtime and for local runs
 * (docs/app.md). */
#ifndef MSE_MEASURE_APP_COMMAND_H
#define MSE_MEASURE_APP_COMMAND_H

#include "measure/app_manifest.h"

/* Where a first word without a slash is searched. */
#define MSE_APP_PATH "/usr/local/bin:/usr/bin:/bin"
/* Where Cosmian MSE has them too. */
#define MSE_APP_SECRETS_IN_HOME ".cache/mse/secrets.json"
#define MSE_APP_SEALED_SECRETS_IN_HOME ".cache/mse/sealed_secrets.json"

/* Holds what argv points to: do not copy it. */
struct mse_app_command {
    const char *argv[MSE_APP_MAX_ARGS + 1]; /* ends with NULL; borrows from the manifest */
    size_t argc;
    char port[6];
};

/*
 * A command is taken as it is. python is started by python3 and hypercorn; its program is part of
 * this one, so no further file has to be trusted. behind_tls: what reaches the app came over TLS,
 * and a Python app sees the scheme https.
 */
MSE_MUST_CHECK bool mse_app_command(const struct mse_app_manifest *app, unsigned port,
                                    bool behind_tls, struct mse_app_command *out,
                                    struct mse_error *err);

/* Paths as the app sees them, absolute. */
struct mse_app_places {
    const char *home, *tmp, *code, *secrets, *sealed_secrets;
};

#define MSE_APP_MAX_VARIABLES 10
struct mse_app_environment {
    char *envp[MSE_APP_MAX_VARIABLES + 1]; /* "NAME=value", owned; ends with NULL */
    size_t count;
};
/* All there is: an app inherits nothing else. On failure out is empty. */
MSE_MUST_CHECK bool mse_app_environment(const struct mse_app_manifest *app, unsigned port,
                                        const struct mse_app_places *places,
                                        struct mse_app_environment *out, struct mse_error *err);
void mse_app_environment_cleanup(struct mse_app_environment *environment);

#endif
