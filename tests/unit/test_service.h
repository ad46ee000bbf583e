/* SPDX-License-Identifier: Apache-2.0 */
/* Vendors' services in memory: answers the URLs of a PCCS and of the KDS, and keeps count. */
#ifndef MSE_TEST_SERVICE_H
#define MSE_TEST_SERVICE_H

#include "endorsement/fetch_request.h"
#include "test_vendor.h"

/* Hosts that begin like this are the KDS; all others are a PCCS. */
#define SERVICE_KDS "https://kds.example"
#define SERVICE_MAX_ASKED 32

/* The texts are parts of URLs; NULL fits none. */
struct service {
    const struct vendor *intel;
    char asked[SERVICE_MAX_ASKED][MSE_FETCH_MAX_URL];
    size_t count;
    const char *down;      /* URLs with this text get no answer */
    const char *not_found; /* 404 */
    const char *forged;    /* signed by strangers */
    const char *fmspc;     /* of TCB infos */
    int64_t from, until;   /* of TCB infos, identities, CRLs */
    unsigned eval;         /* tcbEvaluationDataNumber of TCB infos, identities; 17 where 0 */
    bool hex_root_crl;
    bool no_chain; /* no issuer headers */
    const struct vendor *amd;
    const struct vendor_signer *vcek; /* other than amd's */
};

/* get of struct mse_fetcher; arg is the service. */
bool service_get(void *arg, const char *url, size_t cap, struct mse_http_reply *out,
                 struct mse_error *err);
/* part may be NULL: false. */
bool service_has(const char *text, const char *part);

#endif
