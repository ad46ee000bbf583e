/* SPDX-License-Identifier: Apache-2.0 */
/* What an image's configuration says about the programs that are started in it. */
#ifndef MSE_PACKAGE_IMAGE_CONFIG_H
#define MSE_PACKAGE_IMAGE_CONFIG_H

#include "base/json.h"

#define IMAGE_MAX_ENV 1024

struct image_config {
    char **env; /* owned: "NAME=VALUE" each */
    size_t env_count;
    char *directory; /* owned; NULL: none */
};

/* root: of the configuration (OCI image specification, config.md). On failure out is empty. */
MSE_MUST_CHECK bool image_config_read(const struct mse_json *json,
                                      const struct mse_json_value *root, struct image_config *out,
                                      struct mse_error *err);
void image_config_cleanup(struct image_config *config);
/* NULL where it is unset. Of two settings the last counts. */
const char *image_config_env(const struct image_config *config, const char *name);

#endif
