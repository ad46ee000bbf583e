/* SPDX-License-Identifier: Apache-2.0 */
/* Loads the HTTP module when a command first needs the network; libcurl is not there before. */
#ifndef MSE_CLIENT_FETCH_LOAD_H
#define MSE_CLIENT_FETCH_LOAD_H

#include "fetch/curl_fetch.h"

struct mse_fetch_module;

/*
 * path: file of the module, with a slash in it; NULL: the installed one, MSE_LIBDIR
 * "/mse/libmse-fetch.so". options->version is filled in here. MSE_ERR_IO if it cannot be loaded.
 */
MSE_MUST_CHECK bool mse_fetch_load(const char *path, const struct mse_curl_options *options,
                                   struct mse_fetch_module **out, struct mse_error *err);
/* Valid until the module is unloaded. */
const struct mse_fetcher *mse_fetch_module_fetcher(const struct mse_fetch_module *module);
void mse_fetch_unload(struct mse_fetch_module *module);

#endif
