/* SPDX-License-Identifier: Apache-2.0 */
/* Getting collateral: what a piece of evidence needs, and asking the vendors' services for it. */
#ifndef MSE_ENDORSEMENT_FETCH_H
#define MSE_ENDORSEMENT_FETCH_H

#include "endorsement/collateral.h"
#include "evidence/quote.h"

#define MSE_PCS_DEFAULT_URL "https://api.trustedservices.intel.com"
#define MSE_KDS_DEFAULT_URL "https://kdsintf.amd.com"
#define MSE_FETCH_MAX_BODY (16U << 20)

struct mse_http_header {
    char *name; /* lower case */
    char *value;
};
/* Owned: mse_http_reply_cleanup. */
struct mse_http_reply {
    long status;
    uint8_t *body;
    size_t body_len;
    struct mse_http_header *headers;
    size_t header_count;
};
void mse_http_reply_cleanup(struct mse_http_reply *reply);
const char *mse_http_reply_header(const struct mse_http_reply *reply, const char *name);

/*
 * One GET. True with the reply whatever its status; false (MSE_ERR_NETWORK, MSE_ERR_TIMEOUT,
 * MSE_ERR_LIMIT, ...) if there is none. libmse has no network: the program brings this.
 */
struct mse_fetcher {
    bool (*get)(void *arg, const char *url, size_t cap, struct mse_http_reply *out,
                struct mse_error *err);
    void *arg;
};

/* What must be asked for. */
struct mse_need {
    bool intel, amd;
    /* Intel */
    bool tdx, sgx;
    uint8_t fmspc[6];
    bool platform_ca;
    bool early; /* also the early update set */
    /* AMD */
    enum mse_snp_product product;
    bool vlek;
    bool need_vek; /* false if the VCEK came with the evidence */
    uint8_t chip_id[64];
    struct mse_snp_tcb tcb;
};
/* From a quote or report, as far as it can tell without being believed. */
MSE_MUST_CHECK bool mse_need_of_quote(const struct mse_quote *quote, struct mse_need *out,
                                      struct mse_error *err);
MSE_MUST_CHECK bool mse_need_of_snp(const struct mse_snp_report *report,
                                    const struct mse_snp_certs *certs, struct mse_need *out,
                                    struct mse_error *err);

struct mse_disk_cache; /* cache.h */

struct mse_sources {
    const char *pcs_url; /* base, without /sgx/...; a PCCS or Intel's service */
    const char *kds_url;
    const struct mse_fetcher *fetcher; /* NULL: offline, the cache alone */
    struct mse_disk_cache *cache;      /* NULL: none */
    const struct mse_roots *roots;     /* cached replies are authenticated with these before use */
    int64_t at;                        /* replies that are not valid then are asked for anew */
};
/*
 * Adds what is needed to the set. Cached and still valid replies serve without traffic; a source
 * that is down is an error only if what the cache has does not do. Several failures: the first.
 */
MSE_MUST_CHECK bool mse_fetch_needed(const struct mse_sources *sources, const struct mse_need *need,
                                     struct mse_collateral *collateral, struct mse_error *err);

#endif
