/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to Intel's Provisioning Certification Service, version 4, or a PCCS that caches it. */
#include <stdio.h>
#include <strings.h>

#include "base/encode.h"
#include "endorsement/fetch_request.h"

/* A PCCS serves the root CRL itself; Intel's service leaves it to this distribution point. */
#define INTEL_HOST "api.trustedservices.intel.com"
#define INTEL_ROOT_CRL "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"

#define V4 "certification/v4"

static bool is_intel_host(const char *base)
{
    const char *host = strstr(base, "://") + 3;
    size_t len = strcspn(host, ":/");

    return len == strlen(INTEL_HOST) && strncasecmp(host, INTEL_HOST, len) == 0;
}

static struct mse_fetch_request *next(struct mse_fetch_plan *plan, enum mse_item_kind kind)
{
    struct mse_fetch_request *request = &plan->of[plan->count++];

    request->kind = kind;
    return request;
}

static void plan_pck_crl(struct mse_fetch_plan *plan, const char *base, bool platform)
{
    struct mse_fetch_request *request = next(plan, MSE_ITEM_CRL);

    (void)snprintf(request->url, sizeof(request->url), "%s/sgx/" V4 "/pckcrl?ca=%s&encoding=der",
                   base, platform ? "platform" : "processor");
    request->role = platform ? MSE_ROLE_PCK_PLATFORM_CA : MSE_ROLE_PCK_PROCESSOR_CA;
    request->chain_headers[0] = "sgx-pck-crl-issuer-chain";
}

static void plan_tcb_info(struct mse_fetch_plan *plan, const char *base, bool tdx, bool early,
                          const uint8_t fmspc[static 6])
{
    struct mse_fetch_request *request = next(plan, MSE_ITEM_TCB_INFO);
    char hex[13];

    mse_hex_write(fmspc, 6, hex);
    (void)snprintf(request->url, sizeof(request->url), "%s/%s/" V4 "/tcb?fmspc=%s%s", base,
                   tdx ? "tdx" : "sgx", hex, early ? "&update=early" : "");
    request->tdx = tdx;
    request->early = early;
    memcpy(request->fmspc, fmspc, 6);
    request->chain_headers[0] = "tcb-info-issuer-chain";
    request->chain_headers[1] = "sgx-tcb-info-issuer-chain"; /* name up to version 3 */
}

static void plan_qe_identity(struct mse_fetch_plan *plan, const char *base, bool tdx, bool early)
{
    struct mse_fetch_request *request = next(plan, MSE_ITEM_QE_IDENTITY);

    (void)snprintf(request->url, sizeof(request->url), "%s/%s/" V4 "/qe/identity%s", base,
                   tdx ? "tdx" : "sgx", early ? "?update=early" : "");
    request->tdx = tdx;
    request->early = early;
    request->chain_headers[0] = "sgx-enclave-identity-issuer-chain";
}

static void plan_root_crl(struct mse_fetch_plan *plan, const char *base)
{
    struct mse_fetch_request *request = next(plan, MSE_ITEM_CRL);

    if (is_intel_host(base))
        (void)snprintf(request->url, sizeof(request->url), INTEL_ROOT_CRL);
    else
        (void)snprintf(request->url, sizeof(request->url), "%s/sgx/" V4 "/rootcacrl", base);
    request->role = MSE_ROLE_INTEL_ROOT;
}

/* The root CRL comes last: its reply brings no issuer chain, the others do. */
bool mse_pcs_plan(const char *pcs_url, const struct mse_need *need, struct mse_fetch_plan *out,
                  struct mse_error *err)
{
    static const char *const suffixes[] = { "/sgx/" V4, "/tdx/" V4, NULL };
    char base[MSE_FETCH_MAX_BASE];

    *out = (struct mse_fetch_plan){ 0 };
    if (!mse_fetch_base(pcs_url, suffixes, base, err))
        return false;
    plan_pck_crl(out, base, need->platform_ca);
    for (int early = 0; early <= (need->early ? 1 : 0); early++) {
        for (int tdx = 0; tdx <= 1; tdx++) {
            if (tdx == 1 ? !need->tdx : !need->sgx)
                continue;
            plan_tcb_info(out, base, tdx == 1, early == 1, need->fmspc);
            plan_qe_identity(out, base, tdx == 1, early == 1);
        }
    }
    plan_root_crl(out, base);
    return true;
}
