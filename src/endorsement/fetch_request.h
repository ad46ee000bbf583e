/* SPDX-License-Identifier: Apache-2.0 */
/* One question to a vendor's service, and what its answer has to be about. */
#ifndef MSE_ENDORSEMENT_FETCH_REQUEST_H
#define MSE_ENDORSEMENT_FETCH_REQUEST_H

#include "endorsement/fetch.h"

#define MSE_FETCH_MAX_REQUESTS 12
#define MSE_FETCH_MAX_URL 640
#define MSE_FETCH_MAX_BASE 256

struct mse_fetch_request {
    char url[MSE_FETCH_MAX_URL];
    enum mse_item_kind kind;      /* of the answer */
    const char *chain_headers[2]; /* lower-case names of HTTP headers with the issuers; or NULL */
    /* TCB info, QE identity */
    bool tdx, early;
    uint8_t fmspc[6];
    /* Of the certificate, or of the CRL's issuer. */
    enum mse_cert_role role;
    enum mse_snp_product product; /* AMD: what the certificate or the issuer is for */
    /* MSE_ROLE_VCEK */
    uint8_t chip_id[64];
    struct mse_snp_tcb tcb;
};

struct mse_fetch_plan {
    struct mse_fetch_request of[MSE_FETCH_MAX_REQUESTS];
    size_t count;
};

/* Checks that base is an http or https URL without query; cuts slashes and suffix off its end. */
MSE_MUST_CHECK bool mse_fetch_base(const char *base, const char *const *suffixes,
                                   char out[static MSE_FETCH_MAX_BASE], struct mse_error *err);

/* The requests that a need stands for; issuers come before what they sign. */
MSE_MUST_CHECK bool mse_pcs_plan(const char *pcs_url, const struct mse_need *need,
                                 struct mse_fetch_plan *out, struct mse_error *err);
MSE_MUST_CHECK bool mse_kds_plan(const char *kds_url, const struct mse_need *need,
                                 enum mse_snp_product product, struct mse_fetch_plan *out,
                                 struct mse_error *err);

/* The reply's items and issuers as an MSE bundle. */
MSE_MUST_CHECK bool mse_fetch_reply_bundle(const struct mse_fetch_request *request,
                                           const struct mse_http_reply *reply,
                                           struct mse_writer *bundle, struct mse_error *err);

/* What a bundle is worth as the answer to a request. */
struct mse_fetch_answer {
    bool authentic; /* it answers the request, under a pinned root */
    bool valid;     /* and is valid at the instant asked for */
    int64_t valid_until;
    uint32_t tcb_eval; /* TCB info, QE identity */
};
/*
 * Fails if the bundle is no authentic answer. known: a set whose certificates may serve as issuers,
 * if those in the bundle do not suffice.
 */
MSE_MUST_CHECK bool mse_fetch_judge(const struct mse_fetch_request *request,
                                    struct mse_bytes bundle, const struct mse_collateral *known,
                                    const struct mse_roots *roots, int64_t at,
                                    struct mse_fetch_answer *out, struct mse_error *err);

#endif
