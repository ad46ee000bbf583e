/* SPDX-License-Identifier: Apache-2.0 */
/* From a service's reply to a bundle, and whether a bundle is an authentic answer. */
#include <stdlib.h>

#include "endorsement/bundle.h"
#include "endorsement/chain.h"
#include "endorsement/fetch_request.h"

#define MAX_CHAIN (64U << 10)

static void collateral_cleanup(struct mse_collateral **collateral)
{
    mse_collateral_free(*collateral);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Percent encoding of RFC 3986, 2.1. A plus is a plus: base64 has it. */
static bool url_decode(const char *in, struct mse_writer *out, struct mse_error *err)
{
    for (size_t i = 0; in[i] != '\0'; i++) {
        int high;
        int low;

        if (in[i] != '%') {
            mse_write_u8(out, (uint8_t)in[i]);
            continue;
        }
        high = hex_digit(in[i + 1]);
        low = high >= 0 ? hex_digit(in[i + 2]) : -1;
        if (low < 0)
            return mse_fail(err, MSE_ERR_VALUE, i, "issuer chain");
        mse_write_u8(out, (uint8_t)(high << 4 | low));
        i += 2;
    }
    return mse_writer_ok(out) || mse_fail(err, MSE_ERR_LIMIT, 0, "issuer chain");
}

static bool add_chain(const struct mse_fetch_request *request, const struct mse_http_reply *reply,
                      struct mse_collateral *collateral, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer pem = { .cap = MAX_CHAIN };
    const char *value = NULL;

    for (size_t i = 0; i < 2 && value == NULL; i++) {
        if (request->chain_headers[i] != NULL)
            value = mse_http_reply_header(reply, request->chain_headers[i]);
    }
    if (value == NULL)
        return true;
    return url_decode(value, &pem, err) &&
           mse_collateral_add_certs(collateral, mse_writer_bytes(&pem), request->url, err);
}

static bool add_body(const struct mse_fetch_request *request, struct mse_bytes body,
                     struct mse_collateral *collateral, struct mse_error *err)
{
    switch (request->kind) {
    case MSE_ITEM_CERT:
        return mse_collateral_add_certs(collateral, body, request->url, err);
    case MSE_ITEM_CRL:
        return mse_collateral_add_crl(collateral, body, request->url, err);
    case MSE_ITEM_TCB_INFO:
    case MSE_ITEM_QE_IDENTITY:
        return mse_collateral_add_item(collateral, request->kind, body, request->url,
                                       request->early, err);
    }
    return mse_fail(err, MSE_ERR_USAGE, 0, "request");
}

bool mse_fetch_reply_bundle(const struct mse_fetch_request *request,
                            const struct mse_http_reply *reply, struct mse_writer *bundle,
                            struct mse_error *err)
{
    MSE_CLEANUP(collateral_cleanup) struct mse_collateral *items = NULL;
    struct mse_bytes body = { reply->body, reply->body_len };

    if (body.len == 0)
        return mse_fail(err, MSE_ERR_MISSING, 0, "body");
    return mse_collateral_new(&items, err) && add_body(request, body, items, err) &&
           add_chain(request, reply, items, err) && mse_bundle_write(items, bundle, err);
}

/* ---- judging ------------------------------------------------------------------------------ */

static bool is_vcek_wanted(const struct mse_fetch_request *request, const struct mse_cert *cert)
{
    const struct mse_snp_tcb *want = &request->tcb;
    struct mse_error ignored = { 0 };
    struct mse_vek vek;

    if (!mse_vek_parse(cert, &vek, &ignored) || !vek.has_hwid)
        return false;
    return vek.product == request->product &&
           memcmp(vek.hwid, request->chip_id, vek.hwid_len) == 0 && vek.tcb.fmc == want->fmc &&
           vek.tcb.bl == want->bl && vek.tcb.tee == want->tee && vek.tcb.snp == want->snp &&
           vek.tcb.ucode == want->ucode;
}

/* A CRL under a root whose certificate is not at hand: the key tells which root. */
static bool is_root_wanted(const struct mse_fetch_request *request, const struct mse_item *crl,
                           const struct mse_roots *roots)
{
    for (size_t i = 0; i < roots->count; i++) {
        const struct mse_root *root = &roots->of[i];

        if (memcmp(roots->key_digest[i], crl->root_key_digest, sizeof(crl->root_key_digest)) != 0)
            continue;
        if (request->role == MSE_ROLE_ARK)
            return root->kind == MSE_ROOT_AMD && root->product == request->product;
        return request->role == MSE_ROLE_INTEL_ROOT && root->kind == MSE_ROOT_INTEL;
    }
    return false;
}

static bool is_wanted(const struct mse_fetch_request *request, const struct mse_item *item,
                      const struct mse_roots *roots)
{
    const struct mse_item *signer = item->kind == MSE_ITEM_CRL ? item->issuer : item;

    if (item->kind != request->kind || !item->authenticated)
        return false;
    if (signer == NULL)
        return is_root_wanted(request, item, roots);
    if (signer->role != request->role)
        return false;
    if (request->role == MSE_ROLE_VCEK)
        return is_vcek_wanted(request, &item->cert);
    return mse_cert_product(&signer->cert) == request->product; /* unknown for Intel */
}

/* CRLs and certificates: the one that is valid longest. */
static const struct mse_item *find_x509(const struct mse_fetch_request *request,
                                        const struct mse_collateral *set,
                                        const struct mse_roots *roots)
{
    const struct mse_item *best = NULL;

    for (size_t i = 0; i < set->count; i++) {
        if (is_wanted(request, set->items[i], roots) &&
            (best == NULL || set->items[i]->valid_until > best->valid_until))
            best = set->items[i];
    }
    return best;
}

static const struct mse_item *find_answer(const struct mse_fetch_request *request,
                                          const struct mse_collateral *set,
                                          const struct mse_roots *roots, int64_t at)
{
    switch (request->kind) {
    case MSE_ITEM_CERT:
    case MSE_ITEM_CRL:
        return find_x509(request, set, roots);
    case MSE_ITEM_TCB_INFO:
        return mse_collateral_tcb_info(set, request->tdx, request->fmspc, request->early, at);
    case MSE_ITEM_QE_IDENTITY:
        return mse_collateral_qe_identity(set, request->tdx ? MSE_QE_TDX : MSE_QE_SGX,
                                          request->early, at);
    }
    return NULL;
}

static bool add_known(struct mse_collateral *set, const struct mse_collateral *known,
                      struct mse_error *err)
{
    for (size_t i = 0; i < known->count; i++) {
        const struct mse_item *item = known->items[i];

        if (item->kind == MSE_ITEM_CERT &&
            !mse_collateral_add_item(set, MSE_ITEM_CERT, item->bytes, item->name, false, err))
            return false;
    }
    return true;
}

/* That the chain ends in a strange root says more than that an issuer is missing. */
static const struct mse_error *why_rejected(const struct mse_collateral *set,
                                            enum mse_item_kind kind)
{
    const struct mse_item *rejected = mse_collateral_rejected(set, kind);

    if (rejected == NULL)
        return NULL;
    for (size_t i = 0; rejected->why_not.code == MSE_ERR_MISSING && i < set->count; i++) {
        if (set->items[i]->why_not.code == MSE_ERR_ROOT)
            return &set->items[i]->why_not;
    }
    return &rejected->why_not;
}

static bool fail_unanswered(const struct mse_fetch_request *request,
                            const struct mse_collateral *set, struct mse_error *err)
{
    const struct mse_error *why = why_rejected(set, request->kind);

    if (why != NULL)
        *err = *why;
    return mse_fail_text(err, MSE_ERR_MISMATCH, "reply",
                         "authentic, but not about what was asked for");
}

static uint32_t tcb_eval_of(const struct mse_item *item)
{
    if (item->kind == MSE_ITEM_TCB_INFO)
        return item->tcb_info.tcb_eval;
    return item->kind == MSE_ITEM_QE_IDENTITY ? item->qe_identity.tcb_eval : 0;
}

static bool judge(const struct mse_fetch_request *request, struct mse_bytes bundle,
                  const struct mse_collateral *known, const struct mse_roots *roots, int64_t at,
                  struct mse_fetch_answer *out, struct mse_error *err)
{
    MSE_CLEANUP(collateral_cleanup) struct mse_collateral *set = NULL;
    const struct mse_item *answer;

    if (!mse_collateral_new(&set, err) || !mse_bundle_read(bundle, request->url, set, err))
        return false;
    if (known != NULL && !add_known(set, known, err))
        return false;
    if (!mse_collateral_authenticate(set, roots, err))
        return false;
    answer = find_answer(request, set, roots, at);
    if (answer == NULL)
        return fail_unanswered(request, set, err);
    *out = (struct mse_fetch_answer){
        .authentic = true,
        .valid = answer->valid_from <= at && at <= answer->valid_until,
        .valid_until = answer->valid_until,
        .tcb_eval = tcb_eval_of(answer),
    };
    return true;
}

bool mse_fetch_judge(const struct mse_fetch_request *request, struct mse_bytes bundle,
                     const struct mse_collateral *known, const struct mse_roots *roots, int64_t at,
                     struct mse_fetch_answer *out, struct mse_error *err)
{
    struct mse_error alone = { 0 };

    *out = (struct mse_fetch_answer){ 0 };
    if (judge(request, bundle, NULL, roots, at, out, &alone))
        return true;
    /* A root CRL or a VCEK comes without its issuer, which an earlier reply brought. */
    return judge(request, bundle, known, roots, at, out, err);
}
