/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP through libcurl, in a module of its own (libmse-fetch.so), so that a program without need
 * for it starts without libcurl: client/fetch_load.h loads it.
 */
#ifndef MSE_FETCH_CURL_FETCH_H
#define MSE_FETCH_CURL_FETCH_H

#include "endorsement/fetch.h"

#define MSE_CURL_FETCHER_SYMBOL "mse_curl_fetcher_new"
#define MSE_CURL_DEADLINE_MS 20000U
#define MSE_CURL_CONNECT_MS 10000U

struct mse_curl_options {
    const char *version;  /* MSE_VERSION of the caller; a module of another one refuses */
    unsigned deadline_ms; /* of one get, redirects and retries included; 0: MSE_CURL_DEADLINE_MS */
    unsigned connect_ms;  /* 0: MSE_CURL_CONNECT_MS */
    const char *ca_file;  /* PEM of roots for https; NULL: the system's. Used in the call only */
};

/* One thread at a time. Connections are kept between calls. */
struct mse_curl_fetcher {
    struct mse_fetcher fetcher;
    void (*free)(struct mse_curl_fetcher *self);
};

/* The module's only symbol. On success *out is owned by the caller: (*out)->free(*out). */
MSE_API MSE_MUST_CHECK bool mse_curl_fetcher_new(const struct mse_curl_options *options,
                                                 struct mse_curl_fetcher **out,
                                                 struct mse_error *err);

#endif
