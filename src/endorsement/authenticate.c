/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decides for every item of a set whether a pinned root stands behind it. Each item costs one
 * signature check: certificates in the order of their depth, then CRLs, then signed JSON.
 */
#include "crypto/hash.h"
#include "endorsement/chain.h"
#include "endorsement/signed_json.h"

/*
 * Different keys that are tried for one item. Vendors have one key per name, and only certificates
 * that authenticated are tried, so more than one is rare already.
 */
#define MAX_TRIES 8

struct context {
    struct mse_collateral *set;
    const struct mse_roots *roots;
};

/* One item on its way: how a candidate is recognised and how its signature is checked. */
struct attempt {
    struct mse_item *item;
    int64_t from, until; /* the item's own validity */
    uint32_t usage;      /* keyUsage that its issuer needs; 0: any does */
    /* Under a certificate of the set that is no root. */
    bool (*fits)(const struct attempt *attempt, const struct mse_item *issuer);
    bool (*check)(const struct attempt *attempt, const struct mse_item *issuer,
                  struct mse_error *err);
    /* Under a pinned root, of which only the key and the name are known; NULL: never. */
    bool (*fits_root)(const struct attempt *attempt, const struct mse_root *root);
    bool (*check_root)(const struct attempt *attempt, const struct mse_root *root,
                       struct mse_error *err);
    struct mse_bytes issuer_name; /* certificates and CRLs */
    struct mse_bytes body;        /* signed JSON */
    uint8_t signature[64];
};

/* Notes the result; nothing of a failed attempt stays. */
static void settle(struct mse_item *item, bool authenticated)
{
    item->authenticated = authenticated;
    if (authenticated)
        return;
    item->issuer = NULL;
    memset(item->root_key_digest, 0, sizeof(item->root_key_digest));
}

static bool is_root(const struct mse_item *item)
{
    return item->role == MSE_ROLE_INTEL_ROOT || item->role == MSE_ROLE_ARK;
}

/* A pinned key does not expire: what copies of its certificate say narrows nothing. */
static void set_window(struct mse_item *item, int64_t from, int64_t until)
{
    const struct mse_item *issuer = item->issuer;

    if (issuer != NULL && issuer->valid_from > from)
        from = issuer->valid_from;
    if (issuer != NULL && issuer->valid_until < until)
        until = issuer->valid_until;
    item->valid_from = from;
    item->valid_until = until;
}

/* Seconds that the item and an issuer are valid together. */
static int64_t overlap(const struct attempt *a, const struct mse_item *issuer)
{
    int64_t from = a->from > issuer->valid_from ? a->from : issuer->valid_from;
    int64_t until = a->until < issuer->valid_until ? a->until : issuer->valid_until;

    return until - from;
}

static bool is_candidate(const struct attempt *a, const struct mse_item *issuer)
{
    return issuer->kind == MSE_ITEM_CERT && issuer->authenticated && issuer != a->item &&
           !is_root(issuer) && a->fits(a, issuer);
}

static bool is_entitled(const struct attempt *a, const struct mse_cert *issuer)
{
    return a->usage == 0 || !issuer->has_key_usage || (issuer->key_usage & a->usage) != 0;
}

/*
 * Vendors re-issue certificates with the same key and other dates. The signature says the key; of
 * its certificates the one counts that is valid longest together with the item.
 */
static const struct mse_item *best_of_key(const struct context *c, const struct attempt *a,
                                          const struct mse_item *first)
{
    const struct mse_item *best = first;

    for (size_t i = 0; i < c->set->count; i++) {
        const struct mse_item *issuer = c->set->items[i];

        if (is_candidate(a, issuer) && issuer->key == first->key && is_entitled(a, &issuer->cert) &&
            overlap(a, issuer) > overlap(a, best))
            best = issuer;
    }
    return best;
}

/*
 * Tries the fitting certificates until one's key made the signature. A key that did not is not
 * tried again; another certificate with the key of one that was refused for something else is.
 */
static bool find_issuer(const struct context *c, const struct attempt *a, bool *met,
                        struct mse_error *err)
{
    const struct mse_key *keys[MAX_TRIES];
    size_t tried = 0;

    for (size_t i = 0; i < c->set->count && tried < MAX_TRIES; i++) {
        const struct mse_item *issuer = c->set->items[i];
        struct mse_error failure = { 0 };
        bool again = false;

        if (!is_candidate(a, issuer))
            continue;
        *met = true;
        for (size_t j = 0; j < tried; j++)
            again |= keys[j] == issuer->key;
        if (again)
            continue;
        if (a->check(a, issuer, &failure)) {
            a->item->issuer = best_of_key(c, a, issuer);
            return true;
        }
        if (failure.code == MSE_ERR_SIGNATURE)
            keys[tried++] = issuer->key;
        if (err->code == MSE_ERR_NONE)
            *err = failure;
    }
    return false;
}

/* The certificate of a root in the set, for those who ask who signed; NULL if there is none. */
static const struct mse_item *cert_of_root(const struct context *c, const struct mse_root *root,
                                           struct mse_bytes name)
{
    for (size_t i = 0; i < c->set->count; i++) {
        const struct mse_item *item = c->set->items[i];

        if (item->authenticated && is_root(item) && item->key == root->key &&
            mse_bytes_equal(item->cert.subject, name))
            return item;
    }
    return NULL;
}

static bool find_root(const struct context *c, const struct attempt *a, bool *met,
                      struct mse_error *err)
{
    for (size_t i = 0; i < c->roots->count; i++) {
        const struct mse_root *root = &c->roots->of[i];
        struct mse_error failure = { 0 };

        if (!a->fits_root(a, root))
            continue;
        *met = true;
        if (a->check_root(a, root, &failure)) {
            memcpy(a->item->root_key_digest, c->roots->key_digest[i], MSE_SHA256_SIZE);
            a->item->issuer = cert_of_root(c, root, a->issuer_name);
            return true;
        }
        if (err->code == MSE_ERR_NONE)
            *err = failure;
    }
    return false;
}

/* On success the item's issuer is set. missing: what to say if nobody fits. */
static bool find_signer(const struct context *c, const struct attempt *a, const char *missing,
                        struct mse_error *err)
{
    bool met = false;
    struct mse_error first = { 0 };

    if (find_issuer(c, a, &met, &first) || (a->fits_root != NULL && find_root(c, a, &met, &first)))
        return true;
    a->item->no_issuer = !met;
    if (!met)
        return mse_fail_text(err, MSE_ERR_MISSING, "issuer", "%s", missing);
    if (err->code == MSE_ERR_NONE)
        *err = first;
    return false;
}

/* ---- certificates ---- */

static bool cert_fits(const struct attempt *a, const struct mse_item *issuer)
{
    return mse_chain_may_issue(issuer->role, mse_cert_role_guess(&a->item->cert)) &&
           mse_bytes_equal(a->item->cert.issuer, issuer->cert.subject);
}

static bool cert_check(const struct attempt *a, const struct mse_item *issuer,
                       struct mse_error *err)
{
    return mse_chain_check_link(&a->item->cert, mse_cert_role_guess(&a->item->cert), &issuer->cert,
                                issuer->role, issuer->key, err);
}

static bool cert_fits_root(const struct attempt *a, const struct mse_root *root)
{
    return mse_chain_may_issue(mse_root_role(root), mse_cert_role_guess(&a->item->cert)) &&
           mse_bytes_equal_text(mse_cert_common_name(a->item->cert.issuer),
                                mse_root_common_name(root));
}

static bool cert_check_root(const struct attempt *a, const struct mse_root *root,
                            struct mse_error *err)
{
    return mse_chain_check_root_link(&a->item->cert, mse_cert_role_guess(&a->item->cert), root,
                                     err);
}

/*
 * Certificates with the same key share one key object, so that comparing pointers compares keys.
 * Only certificates that authenticated have one.
 */
static bool import_key(const struct context *c, struct mse_item *item, struct mse_error *err)
{
    for (size_t i = 0; i < c->set->count; i++) {
        const struct mse_item *other = c->set->items[i];

        if (other->key != NULL && other->cert.key_type == item->cert.key_type &&
            mse_bytes_equal(other->cert.key_bits, item->cert.key_bits)) {
            item->key = mse_key_share(other->key);
            return true;
        }
    }
    return mse_key_new(item->cert.key_type, item->cert.key_bits, &item->key, err);
}

static bool authenticate_cert(const struct context *c, struct mse_item *item, struct mse_error *err)
{
    struct attempt a = {
        .item = item,
        .from = item->cert.not_before,
        .until = item->cert.not_after,
        .usage = MSE_KEY_USAGE_CERT_SIGN,
        .issuer_name = item->cert.issuer,
        .fits = cert_fits,
        .check = cert_check,
        .fits_root = cert_fits_root,
        .check_root = cert_check_root,
    };

    if (!find_signer(c, &a, "no certificate of the issuer that a pinned root vouches for", err) ||
        !import_key(c, item, err))
        return false;
    set_window(item, a.from, a.until);
    item->role = mse_cert_role_guess(&item->cert);
    return true;
}

/* Named as the root with this key is, and issued by itself. */
static bool is_certificate_of_root(const struct mse_cert *cert, const struct mse_root *root)
{
    return mse_cert_role_guess(cert) == mse_root_role(root) &&
           mse_cert_product(cert) == root->product && mse_bytes_equal(cert->issuer, cert->subject);
}

/*
 * Nobody checks the signature of a root's certificate, so it is accepted for nothing but its key,
 * which is pinned, and its name, which was compared: its dates and extensions say nothing.
 */
static void accept_root(const struct context *c, struct mse_item *item)
{
    const struct mse_root *root = mse_roots_find(c->roots, &item->cert);

    if (root == NULL || !is_certificate_of_root(&item->cert, root))
        return;
    item->key = mse_key_share(root->key);
    item->role = mse_root_role(root);
    item->authenticated = true;
    item->valid_from = INT64_MIN;
    item->valid_until = INT64_MAX;
}

/* Links between the certificate and a root, by its subject; 0: it cannot be one that we know. */
static unsigned depth_of(const struct mse_item *item)
{
    enum mse_cert_role role = mse_cert_role_guess(&item->cert);

    if (mse_chain_may_issue(MSE_ROLE_INTEL_ROOT, role) || mse_chain_may_issue(MSE_ROLE_ARK, role))
        return 1;
    return role == MSE_ROLE_PCK_LEAF || role == MSE_ROLE_VCEK || role == MSE_ROLE_VLEK ? 2 : 0;
}

static void refuse_stranger(const struct context *c, struct mse_item *item)
{
    enum mse_cert_role role = mse_cert_role_guess(&item->cert);

    if (mse_roots_find(c->roots, &item->cert) != NULL) {
        mse_fail_text(&item->why_not, MSE_ERR_CHAIN, "certificate",
                      "has the key of a pinned root, but not its name as subject and issuer");
        return;
    }
    if (role == MSE_ROLE_INTEL_ROOT || role == MSE_ROLE_ARK) {
        mse_fail_text(&item->why_not, MSE_ERR_ROOT, "certificate",
                      "calls itself %s, but its key is not a pinned one", mse_cert_role_name(role));
        return;
    }
    mse_fail_text(&item->why_not, MSE_ERR_CHAIN, "certificate",
                  "not a certificate that a TEE vendor's root vouches for");
}

static void authenticate_certs(const struct context *c)
{
    for (size_t i = 0; i < c->set->count; i++) {
        struct mse_item *item = c->set->items[i];

        if (item->kind == MSE_ITEM_CERT && mse_cert_parse(item->bytes, &item->cert, &item->why_not))
            accept_root(c, item);
    }
    for (unsigned depth = 0; depth <= 2; depth++) {
        for (size_t i = 0; i < c->set->count; i++) {
            struct mse_item *item = c->set->items[i];

            if (item->kind != MSE_ITEM_CERT || item->authenticated || item->cert.der.len == 0 ||
                depth_of(item) != depth)
                continue;
            if (depth == 0)
                refuse_stranger(c, item);
            else
                settle(item, authenticate_cert(c, item, &item->why_not));
        }
    }
}

/* ---- CRLs ---- */

static bool crl_algorithm_fits(const struct mse_item *item, enum mse_cert_role issuer)
{
    return item->crl.signature_type ==
           (issuer == MSE_ROLE_ARK ? MSE_SIGNATURE_RSA_PSS_SHA384 : MSE_SIGNATURE_ECDSA_SHA256);
}

/* AMD's CRLs all come from the ARK; Intel has one of the root and one of each PCK CA. */
static bool crl_fits(const struct attempt *a, const struct mse_item *issuer)
{
    return (issuer->role == MSE_ROLE_PCK_PLATFORM_CA ||
            issuer->role == MSE_ROLE_PCK_PROCESSOR_CA) &&
           mse_bytes_equal(a->item->crl.issuer, issuer->cert.subject);
}

static bool check_crl_algorithm(const struct mse_item *item, enum mse_cert_role issuer,
                                struct mse_error *err)
{
    if (crl_algorithm_fits(item, issuer))
        return true;
    return mse_fail_text(err, MSE_ERR_CHAIN, "signatureAlgorithm",
                         "signed with another algorithm than the vendor uses");
}

static bool crl_check(const struct attempt *a, const struct mse_item *issuer, struct mse_error *err)
{
    return check_crl_algorithm(a->item, issuer->role, err) &&
           mse_crl_check_signed_by(&a->item->crl, &issuer->cert, issuer->key, err);
}

static bool crl_fits_root(const struct attempt *a, const struct mse_root *root)
{
    return mse_bytes_equal_text(mse_cert_common_name(a->item->crl.issuer),
                                mse_root_common_name(root));
}

static bool crl_check_root(const struct attempt *a, const struct mse_root *root,
                           struct mse_error *err)
{
    const struct mse_crl *crl = &a->item->crl;

    return check_crl_algorithm(a->item, mse_root_role(root), err) &&
           mse_key_check(root->key, crl->signature_type, crl->tbs, crl->signature, "CRL signature",
                         err);
}

static bool authenticate_crl(const struct context *c, struct mse_item *item, struct mse_error *err)
{
    struct attempt a = {
        .item = item,
        .usage = MSE_KEY_USAGE_CRL_SIGN,
        .fits = crl_fits,
        .check = crl_check,
        .fits_root = crl_fits_root,
        .check_root = crl_check_root,
    };

    if (!mse_crl_parse(item->bytes, &item->crl, err))
        return false;
    a.issuer_name = item->crl.issuer;
    a.from = item->crl.this_update;
    a.until = item->crl.next_update;
    if (find_signer(c, &a, "no certificate of the CRL's issuer that a pinned root vouches for",
                    err)) {
        set_window(item, a.from, a.until);
        return true;
    }
    mse_crl_cleanup(&item->crl);
    return false;
}

/* ---- signed JSON ---- */

static bool json_fits(const struct attempt *a, const struct mse_item *issuer)
{
    (void)a;
    return issuer->role == MSE_ROLE_TCB_SIGNING;
}

static bool json_check(const struct attempt *a, const struct mse_item *issuer,
                       struct mse_error *err)
{
    return mse_key_check_raw_p256(issuer->key, a->body, a->signature, "signature", err);
}

/* An early reply may be, byte for byte, the ordinary one: that is checked once. */
static const struct mse_item *find_twin(const struct context *c, const struct mse_item *item)
{
    for (size_t i = 0; i < c->set->count && c->set->items[i] != item; i++) {
        const struct mse_item *other = c->set->items[i];

        if (other->kind == item->kind && other->authenticated &&
            mse_bytes_equal(other->bytes, item->bytes))
            return other;
    }
    return NULL;
}

static bool parse_body(struct attempt *a, struct mse_error *err)
{
    struct mse_item *item = a->item;

    if (item->kind == MSE_ITEM_TCB_INFO) {
        if (!mse_tcb_info_parse(a->body, &item->tcb_info, err))
            return false;
        a->from = item->tcb_info.issue_date;
        a->until = item->tcb_info.next_update;
    } else {
        if (!mse_qe_identity_parse(a->body, &item->qe_identity, err))
            return false;
        a->from = item->qe_identity.issue_date;
        a->until = item->qe_identity.next_update;
    }
    return true;
}

static bool authenticate_json(const struct context *c, struct mse_item *item, struct mse_error *err)
{
    const char *name = item->kind == MSE_ITEM_TCB_INFO ? "tcbInfo" : "enclaveIdentity";
    const struct mse_item *twin = find_twin(c, item);
    struct attempt a = { .item = item, .fits = json_fits, .check = json_check };

    if (!mse_signed_json_split(item->bytes, name, &a.body, a.signature, err))
        return false;
    if (twin != NULL)
        item->issuer = twin->issuer;
    else if (!find_signer(c, &a, "no TCB signing certificate that a pinned root vouches for", err))
        return false;
    if (!parse_body(&a, err))
        return false;
    /* Which dates count is known only now. */
    item->issuer = best_of_key(c, &a, item->issuer);
    set_window(item, a.from, a.until);
    return true;
}

bool mse_collateral_authenticate(struct mse_collateral *collateral, const struct mse_roots *roots,
                                 struct mse_error *err)
{
    struct context c = { collateral, roots };

    if (collateral->prepared)
        return mse_fail_text(err, MSE_ERR_USAGE, "collateral", "the set is prepared already");
    authenticate_certs(&c);
    for (size_t i = 0; i < collateral->count; i++) {
        struct mse_item *item = collateral->items[i];

        if (item->kind == MSE_ITEM_CRL)
            settle(item, authenticate_crl(&c, item, &item->why_not));
    }
    for (size_t i = 0; i < collateral->count; i++) {
        struct mse_item *item = collateral->items[i];

        if (item->kind == MSE_ITEM_TCB_INFO || item->kind == MSE_ITEM_QE_IDENTITY)
            settle(item, authenticate_json(&c, item, &item->why_not));
    }
    collateral->prepared = true;
    return true;
}
