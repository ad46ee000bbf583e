/* SPDX-License-Identifier: Apache-2.0 */
/* Environment and directory out of an image's configuration (OCI image specification, config.md).
 */
#include "package/image_config.h"

#include <stdlib.h>

static bool read_env(const struct mse_json *json, const struct mse_json_value *list,
                     struct image_config *out, struct mse_error *err)
{
    if (list == NULL || list->type == MSE_JSON_NULL)
        return true;
    if (list->type != MSE_JSON_ARRAY)
        return mse_fail_text(err, MSE_ERR_VALUE, "image", "Env of its configuration is no list");
    if (list->count > IMAGE_MAX_ENV)
        return mse_fail_text(err, MSE_ERR_LIMIT, "image", "more than %d variables in its Env",
                             IMAGE_MAX_ENV);
    out->env = calloc(list->count > 0 ? list->count : 1, sizeof(*out->env));
    if (out->env == NULL)
        return mse_fail_memory(err);
    for (const struct mse_json_value *v = mse_json_first(json, list); v != NULL;
         v = mse_json_next(json, list, v)) {
        if (v->type != MSE_JSON_STRING)
            return mse_fail_text(err, MSE_ERR_VALUE, "image",
                                 "Env of its configuration must hold "
                                 "texts only");
        if (!mse_json_value_text(json, v, &out->env[out->env_count], err))
            return false;
        out->env_count++;
    }
    return true;
}

static bool read_directory(const struct mse_json *json, const struct mse_json_value *v,
                           struct image_config *out, struct mse_error *err)
{
    if (v == NULL || v->type == MSE_JSON_NULL || (v->type == MSE_JSON_STRING && v->start == v->end))
        return true;
    return v->type == MSE_JSON_STRING ? mse_json_value_text(json, v, &out->directory, err)
                                      : mse_fail_text(err, MSE_ERR_VALUE, "image",
                                                      "WorkingDir of its configuration is no text");
}

bool image_config_read(const struct mse_json *json, const struct mse_json_value *root,
                       struct image_config *out, struct mse_error *err)
{
    const struct mse_json_value *config = mse_json_member(json, root, "config");

    *out = (struct image_config){ 0 };
    if (read_env(json, mse_json_member(json, config, "Env"), out, err) &&
        read_directory(json, mse_json_member(json, config, "WorkingDir"), out, err))
        return true;
    image_config_cleanup(out);
    return false;
}

void image_config_cleanup(struct image_config *config)
{
    for (size_t i = 0; i < config->env_count; i++)
        free(config->env[i]);
    free(config->env);
    free(config->directory);
    *config = (struct image_config){ 0 };
}

const char *image_config_env(const struct image_config *config, const char *name)
{
    const size_t len = strlen(name);
    const char *value = NULL;

    for (size_t i = 0; i < config->env_count; i++) {
        if (strncmp(config->env[i], name, len) == 0 && config->env[i][len] == '=')
            value = config->env[i] + len + 1;
    }
    return value;
}
