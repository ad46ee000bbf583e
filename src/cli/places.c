/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration and cache directories. */
#include "cli/places.h"

static bool place(const char *xdg, const char *home, const char *below_home, char *out, size_t size)
{
    int n;

    /* The specification has relative paths ignored. */
    if (xdg[0] == '/')
        n = snprintf(out, size, "%s/mse", xdg);
    else if (home[0] == '/')
        n = snprintf(out, size, "%s/%s/mse", home, below_home);
    else
        return false;
    return n > 0 && (size_t)n < size;
}

bool places_cache(const struct cli *cli, char *out, size_t size)
{
    return place(cli->cache_home, cli->home, ".cache", out, size);
}

bool places_config(const struct cli *cli, char *out, size_t size)
{
    return place(cli->config_home, cli->home, ".config", out, size);
}

bool places_state(const struct cli *cli, char *out, size_t size)
{
    return place(cli->state_home, cli->home, ".local/state", out, size);
}
