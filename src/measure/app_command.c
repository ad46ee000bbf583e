/* SPDX-License-Identifier: Apache-2.0 */
/* Argument vector and environment of an app (docs/app.md). */
#include "measure/app_command.h"

#include <stdio.h>
#include <stdlib.h>

#include "measure/app_python.h" /* made of app_python.py: APP_PYTHON */

/* Longer than what every C compiler must take; these two take it. */
#pragma GCC diagnostic ignored "-Woverlength-strings"
static const char python_program[] = APP_PYTHON;

static void add(struct mse_app_command *out, const char *word)
{
    out->argv[out->argc++] = word;
}

static bool check_port(unsigned port, struct mse_error *err)
{
    return (port >= 1 && port <= 65535) ||
           mse_fail_text(err, MSE_ERR_VALUE, "port", "is %u: must be 1 to 65535", port);
}

bool mse_app_command(const struct mse_app_manifest *app, unsigned port, bool behind_tls,
                     struct mse_app_command *out, struct mse_error *err)
{
    *out = (struct mse_app_command){ 0 };
    if (!check_port(port, err))
        return false;
    if (app->python == NULL && (app->command_count == 0 || app->command_count > MSE_APP_MAX_ARGS))
        return mse_fail_text(err, MSE_ERR_VALUE, "command", "has %zu words: must be 1 to %d",
                             app->command_count, MSE_APP_MAX_ARGS);
    (void)snprintf(out->port, sizeof(out->port), "%u", port);
    for (size_t i = 0; app->python == NULL && i < app->command_count; i++)
        add(out, app->command[i]);
    if (app->python == NULL)
        return true;
    add(out, "python3");
    add(out, "-u"); /* what it prints is there even if it is killed */
    add(out, "-c");
    add(out, python_program);
    add(out, behind_tls ? "https" : "http");
    add(out, out->port);
    add(out, app->python);
    return true;
}

/* ---- environment ---- */

static bool set(struct mse_app_environment *out, const char *name, const char *value,
                struct mse_error *err)
{
    char **variable = &out->envp[out->count];

    if (asprintf(variable, "%s=%s", name, value) == -1) {
        *variable = NULL;
        return mse_fail_memory(err);
    }
    out->count++;
    return true;
}

static bool set_all(const struct mse_app_manifest *app, unsigned port,
                    const struct mse_app_places *places, struct mse_app_environment *out,
                    struct mse_error *err)
{
    char number[12];

    (void)snprintf(number, sizeof(number), "%u", port);
    return set(out, "PORT", number, err) && set(out, "HOME", places->home, err) &&
           set(out, "TMP_PATH", places->tmp, err) && set(out, "MODULE_PATH", places->code, err) &&
           set(out, "SECRETS_PATH", places->secrets, err) &&
           set(out, "SEALED_SECRETS_PATH", places->sealed_secrets, err) &&
           set(out, "PATH", MSE_APP_PATH, err) && set(out, "LANG", "C.UTF-8", err) &&
           set(out, "PYTHONDONTWRITEBYTECODE", "1", err) &&
           (app->python == NULL || set(out, "PYTHONPATH", places->code, err));
}

bool mse_app_environment(const struct mse_app_manifest *app, unsigned port,
                         const struct mse_app_places *places, struct mse_app_environment *out,
                         struct mse_error *err)
{
    *out = (struct mse_app_environment){ 0 };
    if (check_port(port, err) && set_all(app, port, places, out, err))
        return true;
    mse_app_environment_cleanup(out);
    return false;
}

void mse_app_environment_cleanup(struct mse_app_environment *environment)
{
    for (size_t i = 0; i < environment->count; i++)
        free(environment->envp[i]);
    *environment = (struct mse_app_environment){ 0 };
}
