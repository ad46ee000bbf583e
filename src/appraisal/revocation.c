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

static bool is_signed_by(const struct mse_crl *crl, const struct mse_crl_issuer *issuer)
{
    struct mse_error ignored = { 0 };

    if (issuer->ca != NULL)
        return mse_crl_check_signed_by(crl, issuer->ca, issuer->ca_key, &ignored);
    return mse_key_check(issuer->root->key, crl->signature_type, crl->tbs, crl->signature, "crl",
                         &ignored);
}

/* The list whose dates count: in date before out of date, then the newest. */
struct best_list {
    bool found, in_date;
    int64_t from, until, this_update;
};

/*
 * One genuine list. Whoever is on it is revoked, however old the list is: a revocation is not
 * forgotten because an older list without it is still in date.
 */
static void hear_list(const struct mse_revocation *r, const struct mse_crl *crl, int64_t from,
                      int64_t until, const struct mse_crl_subject *subjects, size_t count,
                      struct best_list *best)
{
    bool in_date = mse_window_judge(from, until, r->at) == MSE_ERR_NONE;

    for (size_t i = 0; i < count; i++) {
        if (subjects[i].cert != NULL && mse_crl_lists(crl, subjects[i].cert->serial))
            mse_check_fail(r->checks, MSE_CHECK_REVOCATION, MSE_ERR_REVOKED, "the %s is revoked",
                           subjects[i].name);
    }
    if (best->found && (best->in_date > in_date ||
                        (best->in_date == in_date && best->this_update >= crl->this_update)))
        return;
    *best = (struct best_list){ true, in_date, from, until, crl->this_update };
}

/* A list that nobody authenticated before: parsed and checked here, or passed over. */
static void hear_foreign_list(const struct mse_revocation *r, const struct mse_crl_issuer *issuer,
                              struct mse_bytes der, const struct mse_crl_subject *subjects,
                              size_t count, struct best_list *best)
{
    struct mse_error ignored = { 0 };
    struct mse_crl crl;

    if (!mse_crl_parse(der, &crl, &ignored))
        return;
    if (is_signed_by(&crl, issuer))
        hear_list(r, &crl, crl.this_update, crl.next_update, subjects, count, best);
    mse_crl_cleanup(&crl);
}

static bool speaks_for(const struct mse_revocation *r, const struct mse_item *item,
                       const struct mse_crl_issuer *issuer)
{
    if (issuer->ca == NULL)
        return is_list_of_root(r, item, issuer->root);
    return item->issuer != NULL && item->issuer->kind == MSE_ITEM_CERT &&
           mse_bytes_equal(item->issuer->cert.subject, issuer->ca->subject) &&
           mse_bytes_equal(item->issuer->cert.key_bits, issuer->ca->key_bits);
}

/* A set without the CA's certificate cannot authenticate the CA's list; the chain can. Real sets
 * are like that: the quote brings the certificate. */
static bool is_orphan(const struct mse_item *item)
{
    return !item->authenticated && item->no_issuer;
}

static void report_missing(const struct mse_revocation *r, const struct mse_crl_issuer *issuer)
{
    char why[256];

    for (size_t i = 0; r->collateral != NULL && i < r->collateral->count; i++) {
        const struct mse_item *item = r->collateral->items[i];

        if (item->kind != MSE_ITEM_CRL || item->authenticated || item->no_issuer)
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
    struct best_list best = { 0 };
    char text[MSE_WINDOW_TEXT_SIZE];
    enum mse_err_code code;

    for (size_t i = 0; r->collateral != NULL && i < r->collateral->count; i++) {
        const struct mse_item *item = r->collateral->items[i];

        if (item->kind != MSE_ITEM_CRL)
            continue;
        if (item->authenticated && speaks_for(r, item, issuer))
            hear_list(r, &item->crl, item->valid_from, item->valid_until, subjects, count, &best);
        else if (is_orphan(item) && issuer->ca != NULL)
            hear_foreign_list(r, issuer, item->bytes, subjects, count, &best);
    }
    if (r->brought.len > 0)
        hear_foreign_list(r, issuer, r->brought, subjects, count, &best);
    if (!best.found) {
        report_missing(r, issuer);
        return;
    }
    mse_window_add(r->window, best.from, best.until);
    code = mse_window_judge(best.from, best.until, r->at);
    if (code != MSE_ERR_NONE)
        mse_check_unknown(r->checks, MSE_CHECK_REVOCATION, code,
                          "the revocation list of the %s is %s", issuer->name,
                          mse_window_text(code, best.from, best.until, text));
}
