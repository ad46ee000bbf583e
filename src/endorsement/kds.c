/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to AMD's Key Distribution Service (AMD 57230, "VCEK Certificate and KDS Interface"). */
#include <stdio.h>

#include "base/encode.h"
#include "endorsement/fetch_request.h"

#define TURIN_HWID_SIZE 8

static struct mse_fetch_request *next(struct mse_fetch_plan *plan, enum mse_item_kind kind,
                                      enum mse_snp_product product, enum mse_cert_role role)
{
    struct mse_fetch_request *request = &plan->of[plan->count++];

    request->kind = kind;
    request->product = product;
    request->role = role;
    return request;
}

/* From Turin on the hardware id is 8 bytes long and the TCB has an FMC version, in front. */
static void plan_vcek(struct mse_fetch_plan *plan, const char *base, const struct mse_need *need,
                      enum mse_snp_product product)
{
    struct mse_fetch_request *request = next(plan, MSE_ITEM_CERT, product, MSE_ROLE_VCEK);
    bool turin = product == MSE_SNP_TURIN;
    char hwid[2 * sizeof(need->chip_id) + 1];
    char fmc[16] = "";

    mse_hex_write(need->chip_id, turin ? TURIN_HWID_SIZE : sizeof(need->chip_id), hwid);
    if (turin)
        (void)snprintf(fmc, sizeof(fmc), "fmcSPL=%02u&", need->tcb.fmc);
    (void)snprintf(request->url, sizeof(request->url),
                   "%s/vcek/v1/%s/%s?%sblSPL=%02u&teeSPL=%02u&snpSPL=%02u&ucodeSPL=%02u", base,
                   mse_snp_product_name(product), hwid, fmc, need->tcb.bl, need->tcb.tee,
                   need->tcb.snp, need->tcb.ucode);
    memcpy(request->chip_id, need->chip_id, sizeof(request->chip_id));
    request->tcb = need->tcb;
}

static void plan_crl(struct mse_fetch_plan *plan, const char *base, const char *service,
                     enum mse_snp_product product)
{
    struct mse_fetch_request *request = next(plan, MSE_ITEM_CRL, product, MSE_ROLE_ARK);

    (void)snprintf(request->url, sizeof(request->url), "%s/%s/v1/%s/crl", base, service,
                   mse_snp_product_name(product));
}

bool mse_kds_plan(const char *kds_url, const struct mse_need *need, enum mse_snp_product product,
                  struct mse_fetch_plan *out, struct mse_error *err)
{
    static const char *const suffixes[] = { "/vcek/v1", "/vlek/v1", NULL };
    char base[MSE_FETCH_MAX_BASE];
    struct mse_fetch_request *request;

    *out = (struct mse_fetch_plan){ 0 };
    if (!mse_fetch_base(kds_url, suffixes, base, err))
        return false;
    request = next(out, MSE_ITEM_CERT, product, need->vlek ? MSE_ROLE_ASVK : MSE_ROLE_ASK);
    (void)snprintf(request->url, sizeof(request->url), "%s/%s/v1/%s/cert_chain", base,
                   need->vlek ? "vlek" : "vcek", mse_snp_product_name(product));
    /* The ARK signs two lists; that of an ASVK's distribution point is the VLEK service's. */
    if (need->vlek)
        plan_crl(out, base, "vlek", product);
    plan_crl(out, base, "vcek", product);
    /* A VLEK is the cloud provider's: the service hands it to nobody else. */
    if (need->need_vek && !need->vlek)
        plan_vcek(out, base, need, product);
    return true;
}
