/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation: which list speaks for an issuer, and who is on it (RFC 5280, 6.3). */
#include "appraisal/revocation.h"

#include "appraisal/known_cert.h"

/* Lists of a root are found by its key: its certificate may be nowhere at hand. */
static bool is_list_of_root(const struct mse_revocation *r, const struct mse_item *item,
                            const struct mse_root *root)
{
    const struct mse_item *issuer = item->issuer;

    if (issuer != NULL && issuer->role != MSE_ROLE_INTEL_ROOT && issuer->role != MSE_ROLE_ARK)
        return false;
    return mse_known_root_of(r->roots, item) == root;
}

static bool is_in_date(const struct mse_item *item, int64_t at)
{
    return mse_window_judge(item->valid_from, item->valid_until, at) == MSE_ERR_NONE;
}

static const struct mse_item *find_list_of_root(const struct mse_revocation *r,
                                                const struct mse_root *root)
{
    const struct mse_item *best = NULL;

    for (size_t i = 0; i < r->collateral->count; i++) {
        const struct mse_item *item = r->collateral->items[i];

        if (item->kind != MSE_ITEM_CRL || !item->authenticated || !is_list_of_root(r, item, root))
            continue;
        if (best == NULL || is_in_date(item, r->at) > is_in_date(best, r->at) ||
            (is_in_date(item, r->at) == is_in_date(best, r->at) &&
             item->crl.this_update > best->crl.this_update))
            best = item;
    }
    return best;
}

static bool is_signed_by(const struct mse_crl *crl, const struct mse_crl_issuer *issuer)
{
    struct mse_error ignored = { 0 };

    if (issuer->ca != NULL)
        return mse_crl_check_signed_by(crl, issuer->ca, issuer->ca_key, &ignored);
    return mse_key_check(issuer->root->key, crl->signature_type, crl->tbs, crl->signature, "crl",
                         &ignored);
}

static void judge_list(const struct mse_revocation *r, const struct mse_crl_issuer *issuer,
                       const struct mse_crl *crl, int64_t from, int64_t until,
                       const struct mse_crl_subject *subjects, size_t count)
{
    enum mse_err_code code = mse_window_judge(from, until, r->at);
    char text[MSE_WINDOW_TEXT_SIZE];

    mse_window_add(r->window, from, until);
    for (size_t i = 0; i < count; i++) {
        if (subjects[i].cert != NULL && mse_crl_lists(crl, subjects[i].cert->serial))
            mse_check_fail(r->checks, MSE_CHECK_REVOCATION, MSE_ERR_REVOKED, "the %s is revoked",
                           subjects[i].name);
    }
    if (code != MSE_ERR_NONE)
        mse_check_unknown(r->checks, MSE_CHECK_REVOCATION, code,
                          "the revocation list of the %s is %s", issuer->name,
                          mse_window_text(code, from, until, text));
}

/* A list that nobody authenticated before: parsed and checked here. False: it is no use. */
static bool judge_foreign_list(const struct mse_revocation *r, const struct mse_crl_issuer *issuer,
                               struct mse_bytes der, const struct mse_crl_subject *subjects,
                               size_t count)
{
    struct mse_error ignored = { 0 };
    struct mse_crl crl;
    bool good;

    if (!mse_crl_parse(der, &crl, &ignored))
        return false;
    good = is_signed_by(&crl, issuer);
    if (good)
        judge_list(r, issuer, &crl, crl.this_update, crl.next_update, subjects, count);
    mse_crl_cleanup(&crl);
    return good;
}

/*
 * A set without the CA's certificate cannot authenticate the CA's list; the chain can. Real sets
 * are like that: the quote brings the certificate. The list in date is looked for first.
 */
static bool judge_orphan_list(const struct mse_revocation *r, const struct mse_crl_issuer *issuer,
                              const struct mse_crl_subject *subjects, size_t count)
{
    for (size_t i = 0; i < r->collateral->count; i++) {
        const struct mse_item *item = r->collateral->items[i];

        if (item->kind == MSE_ITEM_CRL && !item->authenticated &&
            item->why_not.code == MSE_ERR_MISSING &&
            judge_foreign_list(r, issuer, item->bytes, subjects, count))
            return true;
    }
    return false;
}

static void report_missing(const struct mse_revocation *r, const struct mse_crl_issuer *issuer)
{
    char why[256];

    for (size_t i = 0; r->collateral != NULL && i < r->collateral->count; i++) {
        const struct mse_item *item = r->collateral->items[i];

        if (item->kind != MSE_ITEM_CRL || item->authenticated ||
            item->why_not.code == MSE_ERR_MISSING)
            continue;
        mse_check_fail(r->checks, MSE_CHECK_REVOCATION, item->why_not.code,
                       "the revocation list %s is not genuine: %s", item->name,
                       mse_error_describe(&item->why_not, why, sizeof(why)));
        return;
    }
    mse_check_unknown(r->checks, MSE_CHECK_REVOCATION, MSE_ERR_MISSING,
                      "no revocation list of the %s", issuer->name);
}

void mse_revocation_judge(const struct mse_revocation *revocation,
                          const struct mse_crl_issuer *issuer,
                          const struct mse_crl_subject *subjects, size_t count)
{
    const struct mse_revocation *r = revocation;
    const struct mse_item *item = NULL;

    if (r->collateral != NULL)
        item = issuer->ca != NULL ? mse_collateral_crl(r->collateral, issuer->ca, r->at)
                                  : find_list_of_root(r, issuer->root);
    if (item != NULL) {
        judge_list(r, issuer, &item->crl, item->valid_from, item->valid_until, subjects, count);
        return;
    }
    if (r->collateral != NULL && issuer->ca != NULL &&
        judge_orphan_list(r, issuer, subjects, count))
        return;
    if (r->brought.len > 0 && judge_foreign_list(r, issuer, r->brought, subjects, count))
        return;
    report_missing(r, issuer);
}
