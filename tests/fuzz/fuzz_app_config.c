/* SPDX-License-Identifier: Apache-2.0 */
/* mse.toml: every value is within its limits, every message has its place. */
#include <stdlib.h>

#include "package/app_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void hear(void *context, const char *line)
{
    (void)context;
    require(strncmp(line, "d/mse.toml:", 11) == 0);
    for (; *line != '\0'; line++)
        require(*line >= 0x20 && *line < 0x7f); /* as it is printed */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mse_error err = { 0 };
    struct mse_app_config c;

    if (!mse_app_config_parse((struct mse_bytes){ data, size }, "d/mse.toml", 0, 3600, hear, NULL,
                              &c, &err)) {
        require(err.code != MSE_ERR_NONE && c.name == NULL);
        require(err.code == MSE_ERR_MEMORY || strncmp(err.field, "d/mse.toml", 10) == 0);
        return 0;
    }
    require(c.name != NULL && c.name[0] != '\0' && c.health != NULL && c.health[0] == '/');
    require((c.python != NULL) != (c.command_count > 0));
    require(c.memory >= 64 && (c.memory & (c.memory - 1)) == 0);
    require(c.threads >= 1 && c.threads <= 4096);
    require(!c.has_cloud || c.code != NULL);
    require(!c.has_expiration || c.expiration > 0);
    mse_app_config_cleanup(&c);
    return 0;
}
