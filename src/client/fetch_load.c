/* SPDX-License-Identifier: Apache-2.0 */
/* dlopen of libmse-fetch.so. */
#include <dlfcn.h>
#include <stdlib.h>

#include "client/fetch_load.h"

#ifndef MSE_LIBDIR /* the build sets it */
#define MSE_LIBDIR "/usr/local/lib"
#endif
#define MODULE_PATH MSE_LIBDIR "/mse/libmse-fetch.so"

typedef bool make_fetcher(const struct mse_curl_options *options, struct mse_curl_fetcher **out,
                          struct mse_error *err);

struct mse_fetch_module {
    void *handle;
    struct mse_curl_fetcher *fetcher;
};

static bool look_up(void *handle, make_fetcher **out, struct mse_error *err)
{
    void *symbol = dlsym(handle, MSE_CURL_FETCHER_SYMBOL);

    if (symbol == NULL)
        return mse_fail_text(err, MSE_ERR_IO, "libmse-fetch", "lacks " MSE_CURL_FETCHER_SYMBOL);
    /* POSIX gives a function as void *, C has no conversion for it. */
    memcpy(out, &symbol, sizeof(*out));
    return true;
}

bool mse_fetch_load(const char *path, const struct mse_curl_options *options,
                    struct mse_fetch_module **out, struct mse_error *err)
{
    struct mse_curl_options with_version = *options;
    struct mse_fetch_module *module;
    make_fetcher *make = NULL;

    *out = NULL;
    with_version.version = MSE_VERSION;
    if (path == NULL)
        path = MODULE_PATH;
    /* A bare name would be searched for along LD_LIBRARY_PATH. */
    if (strchr(path, '/') == NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "libmse-fetch", "%s: needs a slash", path);
    module = calloc(1, sizeof(*module));
    if (module == NULL)
        return mse_fail_memory(err);
    module->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (module->handle == NULL)
        (void)mse_fail_text(err, MSE_ERR_IO, "libmse-fetch", "%s", dlerror());
    else if (look_up(module->handle, &make, err) && make(&with_version, &module->fetcher, err)) {
        *out = module;
        return true;
    }
    mse_fetch_unload(module);
    return false;
}

const struct mse_fetcher *mse_fetch_module_fetcher(const struct mse_fetch_module *module)
{
    return &module->fetcher->fetcher;
}

void mse_fetch_unload(struct mse_fetch_module *module)
{
    if (module == NULL)
        return;
    if (module->fetcher != NULL)
        module->fetcher->free(module->fetcher);
    if (module->handle != NULL)
        (void)dlclose(module->handle);
    free(module);
}
