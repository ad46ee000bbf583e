/* SPDX-License-Identifier: Apache-2.0 */
/* VCEK or VLEK, ASK or ASVK, ARK: AMD 57230 (VCEK Certificate and KDS Interface Specification). */
#include "appraisal/vek_chain.h"

#include <stdlib.h>

#include "appraisal/known_cert.h"
#include "endorsement/chain.h"

/* A set may hold the VLEKs of several providers at one TCB: that many signatures are tried. */
#define MAX_TRIED_VLEKS 8

/* Certificates that came with the evidence. */
struct brought_certs {
    struct mse_cert cert[MSE_SNP_MAX_CERTS];
    enum mse_cert_role role[MSE_SNP_MAX_CERTS];
    size_t count;
};

struct search {
    const struct mse_roots *roots;
    const struct mse_collateral *collateral;
    const struct mse_snp_report *report;
    enum mse_cert_role leaf_role, ca_role;
    struct brought_certs *brought;
    struct mse_error *err; /* why there is no chain */
    bool incomplete;       /* nothing is wrong, but a certificate is not at hand */
};

struct candidate {
    const struct mse_cert *leaf, *ca;
    const struct mse_item *known_leaf, *known_ca; /* the set vouches for it */
};

bool mse_vek_fits_chip(const struct mse_vek *vek, const struct mse_snp_report *report)
{
    if (vek->is_vlek)
        return true;
    return vek->has_hwid && vek->hwid_len <= 64 &&
           memcmp(vek->hwid, report->chip_id, vek->hwid_len) == 0 &&
           mse_is_zero(report->chip_id + vek->hwid_len, 64 - vek->hwid_len);
}

bool mse_vek_fits_tcb(const struct mse_vek *vek, const struct mse_snp_report *report)
{
    struct mse_snp_tcb tcb = mse_snp_tcb_decode(report->reported_tcb, vek->product);

    return vek->tcb.fmc == tcb.fmc && vek->tcb.bl == tcb.bl && vek->tcb.tee == tcb.tee &&
           vek->tcb.snp == tcb.snp && vek->tcb.ucode == tcb.ucode;
}

static bool fits(const struct mse_cert *cert, const struct mse_snp_report *report)
{
    struct mse_error ignored = { 0 };
    struct mse_vek vek;

    return mse_vek_parse(cert, &vek, &ignored) && mse_vek_fits_chip(&vek, report) &&
           mse_vek_fits_tcb(&vek, report);
}

/* What a certificate's label may be used for; an unlabelled one says itself what it is. */
static bool label_fits(enum mse_snp_cert_kind kind, enum mse_cert_role role)
{
    switch (kind) {
    case MSE_SNP_CERT_VCEK:
        return role == MSE_ROLE_VCEK;
    case MSE_SNP_CERT_VLEK:
        return role == MSE_ROLE_VLEK;
    case MSE_SNP_CERT_ASK:
        return role == MSE_ROLE_ASK || role == MSE_ROLE_ASVK;
    case MSE_SNP_CERT_ARK:
        return role == MSE_ROLE_ARK;
    case MSE_SNP_CERT_OTHER:
    case MSE_SNP_CERT_CRL:
        break;
    }
    return true;
}

static bool take_brought(struct search *s, const struct mse_snp_cert *in)
{
    struct brought_certs *b = s->brought;
    struct mse_cert *cert = &b->cert[b->count];

    if (!mse_cert_parse(in->der, cert, s->err))
        return mse_fail_in(s->err, "certificate %zu", b->count + 1);
    b->role[b->count] = mse_cert_role_guess(cert);
    if (!label_fits(in->kind, b->role[b->count]))
        return mse_fail_text(s->err, MSE_ERR_CHAIN, "certificates",
                             "one that is labelled as another turns out to be a %s",
                             mse_cert_role_name(b->role[b->count]));
    if (b->role[b->count] == MSE_ROLE_ARK &&
        mse_known_root(s->roots, cert, MSE_ROOT_AMD, s->err) == NULL)
        return false;
    b->count++;
    return true;
}

static bool parse_brought(struct search *s, const struct mse_snp_certs *certs)
{
    for (size_t i = 0; certs != NULL && i < certs->count; i++) {
        /* Vendors of hosts add things of their own: what has no label need not be read. */
        struct mse_error ignored = { 0 };
        struct mse_cert other;
        bool skip = certs->of[i].kind == MSE_SNP_CERT_OTHER &&
                    (!mse_cert_parse(certs->of[i].der, &other, &ignored) ||
                     mse_cert_role_guess(&other) == MSE_ROLE_UNKNOWN);

        if (certs->of[i].kind != MSE_SNP_CERT_CRL && !skip && !take_brought(s, &certs->of[i]))
            return false;
    }
    return true;
}

/* The one of this role; issuer: only with this subject. Two different ones are an error. */
static bool find_brought(const struct search *s, enum mse_cert_role role,
                         const struct mse_bytes *subject, const struct mse_cert **out)
{
    *out = NULL;
    for (size_t i = 0; i < s->brought->count; i++) {
        const struct mse_cert *cert = &s->brought->cert[i];

        if (s->brought->role[i] != role ||
            (subject != NULL && !mse_bytes_equal(cert->subject, *subject)) ||
            (*out != NULL && mse_bytes_equal((*out)->der, cert->der)))
            continue;
        if (*out != NULL)
            return mse_fail_text(s->err, MSE_ERR_DUPLICATE, "certificates",
                                 "there are two different ones: %s", mse_cert_role_name(role));
        *out = cert;
    }
    return true;
}

/* A leaf of the set that fits. Of several VLEKs, which name no machine, the one that signed. */
static const struct mse_item *find_in_set(const struct search *s)
{
    const struct mse_item *item = NULL, *only = NULL, *all[MAX_TRIED_VLEKS];
    size_t count = 0;

    if (s->collateral == NULL)
        return NULL;
    while ((item = mse_collateral_cert(s->collateral, s->leaf_role, item)) != NULL) {
        if (item->issuer == NULL || !fits(&item->cert, s->report) || count == MAX_TRIED_VLEKS)
            continue;
        only = item;
        all[count++] = item;
    }
    for (size_t i = 0; count > 1 && i < count; i++) {
        struct mse_error ignored = { 0 };

        if (mse_key_check_raw_p384(all[i]->key, s->report->signed_part, s->report->signature,
                                   "report", &ignored))
            return all[i];
    }
    return only;
}

static bool find_leaf(struct search *s, struct candidate *c)
{
    if (!find_brought(s, s->leaf_role, NULL, &c->leaf))
        return false;
    if (c->leaf == NULL || !fits(c->leaf, s->report)) {
        c->known_leaf = find_in_set(s);
        if (c->known_leaf != NULL)
            c->leaf = &c->known_leaf->cert;
    }
    if (c->leaf != NULL)
        return true;
    s->incomplete = true;
    return mse_fail_text(s->err, MSE_ERR_MISSING, mse_cert_role_name(s->leaf_role),
                         "neither the evidence nor the collateral has the one of this %s",
                         s->leaf_role == MSE_ROLE_VCEK ? "chip and TCB" : "TCB");
}

static bool find_ca(struct search *s, struct candidate *c)
{
    if (c->known_leaf != NULL) {
        c->known_ca = c->known_leaf->issuer;
        c->ca = &c->known_ca->cert;
        return true;
    }
    if (!find_brought(s, s->ca_role, &c->leaf->issuer, &c->ca))
        return false;
    c->known_ca = c->ca != NULL
                      ? mse_known_cert(s->collateral, c->ca->der)
                      : mse_known_cert_named(s->collateral, s->ca_role, c->leaf->issuer, NULL);
    if (c->ca == NULL && c->known_ca != NULL)
        c->ca = &c->known_ca->cert;
    if (c->ca != NULL)
        return true;
    s->incomplete = true;
    return mse_fail_text(s->err, MSE_ERR_MISSING, mse_cert_role_name(s->ca_role),
                         "neither the evidence nor the collateral has the one that signed the %s",
                         mse_cert_role_name(s->leaf_role));
}

/* Checks the CA under each pinned root of its product; several only where they are simulated. */
static const struct mse_root *check_ca(const struct search *s, const struct mse_cert *ca)
{
    struct mse_error first = { 0 };

    for (size_t i = 0; i < s->roots->count; i++) {
        const struct mse_root *root = &s->roots->of[i];
        struct mse_error why = { 0 };

        if (root->kind != MSE_ROOT_AMD || root->product != mse_cert_product(ca))
            continue;
        if (mse_chain_check_root_link(ca, s->ca_role, root, &why))
            return root;
        if (first.code == MSE_ERR_NONE)
            first = why;
    }
    if (first.code != MSE_ERR_NONE)
        *s->err = first;
    else
        mse_fail_text(s->err, MSE_ERR_ROOT, "root", "no root for this product is pinned");
    return NULL;
}

static bool verify_ca(const struct search *s, const struct candidate *c, struct mse_trusted *t)
{
    const struct mse_root *root;

    if (c->known_ca != NULL) {
        t->chain->ca_key = mse_key_share(c->known_ca->key);
        root = mse_known_root_of(s->roots, c->known_ca);
        if (root == NULL || root->kind != MSE_ROOT_AMD)
            return mse_fail_text(s->err, MSE_ERR_ROOT, "root", "the collateral's root is another");
    } else {
        root = check_ca(s, c->ca);
        if (root == NULL ||
            !mse_key_new(c->ca->key_type, c->ca->key_bits, &t->chain->ca_key, s->err))
            return false;
    }
    t->chain->ca_role = s->ca_role;
    memcpy(t->chain->root_key_digest, mse_known_digest_of(s->roots, root), 32);
    return true;
}

/* The leaf names its product itself: it must be the one of the root. */
static bool check_product(const struct search *s, const struct mse_trusted_chain *chain)
{
    const struct mse_root *root = mse_known_root_digest(s->roots, chain->root_key_digest);

    if (root != NULL && chain->vek.product == root->product)
        return true;
    return mse_fail_text(s->err, MSE_ERR_CHAIN, "product", "the certificate is for another: %s",
                         mse_snp_product_name(chain->vek.product));
}

static bool verify(const struct search *s, const struct candidate *c, struct mse_trusted *t)
{
    struct mse_trusted_chain *chain = t->chain;

    if (!verify_ca(s, c, t))
        return false;
    if (c->known_leaf == NULL &&
        !mse_chain_check_link(c->leaf, s->leaf_role, c->ca, s->ca_role, chain->ca_key, s->err))
        return false;
    if (!mse_trusted_own_certs(t, c->leaf, c->ca, s->err) ||
        !mse_vek_parse(&chain->leaf, &chain->vek, s->err) || !check_product(s, chain))
        return false;
    if (chain->vek.is_vlek != (s->leaf_role == MSE_ROLE_VLEK))
        return mse_fail_text(s->err, MSE_ERR_CHAIN, "certificate", "of the wrong kind");
    return mse_key_new(c->leaf->key_type, c->leaf->key_bits, &t->key, s->err);
}

/*
 * What a chain is looked up by: all certificates that came with the evidence, if leaf and CA are
 * among them, for that is known before anything is parsed; else the two themselves.
 */
struct lookup {
    uint64_t shape[1 + MSE_SNP_MAX_CERTS]; /* role; kind and length of each certificate */
    struct mse_bytes parts[1 + MSE_SNP_MAX_CERTS];
    size_t count;
};

static void add_part(struct lookup *l, uint64_t kind, struct mse_bytes der)
{
    l->shape[l->count] = kind << 32 | der.len;
    l->parts[l->count++] = der;
    l->parts[0].len = l->count * sizeof(l->shape[0]);
}

static void init_lookup(struct lookup *l, enum mse_cert_role leaf_role)
{
    l->shape[0] = leaf_role;
    l->parts[0] = (struct mse_bytes){ (const uint8_t *)l->shape, sizeof(l->shape[0]) };
    l->count = 1;
}

static void lookup_brought(struct lookup *l, const struct search *s,
                           const struct mse_snp_certs *certs)
{
    init_lookup(l, s->leaf_role);
    for (size_t i = 0; certs != NULL && i < certs->count; i++) {
        if (certs->of[i].kind != MSE_SNP_CERT_CRL)
            add_part(l, 1 + (uint64_t)certs->of[i].kind, certs->of[i].der);
    }
}

/* A kind that no certificate of the evidence has keeps the two sorts of look-up apart. */
static void lookup_pair(struct lookup *l, const struct search *s, const struct candidate *c)
{
    init_lookup(l, s->leaf_role);
    add_part(l, 0, c->leaf->der);
    add_part(l, 0, c->ca->der);
}

/* The chain that the evidence brought before, if it is about this report. */
static struct mse_trusted *recall_brought(struct mse_trust_cache *cache, const struct search *s,
                                          const struct lookup *l)
{
    struct mse_trusted *t = mse_trust_find(cache, s->roots, MSE_TRUST_VEK_CHAIN, l->parts,
                                           l->count);

    if (t == NULL || (mse_vek_fits_chip(&t->chain->vek, s->report) &&
                      mse_vek_fits_tcb(&t->chain->vek, s->report)))
        return t;
    /* The set may have one that fits better. */
    mse_trusted_release(t);
    return NULL;
}

/* False with s->err: there is no chain. */
static bool make(struct mse_trust_cache *cache, struct search *s, const struct mse_snp_certs *certs,
                 struct lookup *lookup, struct mse_trusted **out)
{
    MSE_CLEANUP(mse_trusted_cleanup) struct mse_trusted *made = NULL;
    struct candidate c = { .leaf = NULL };

    if (!parse_brought(s, certs) || !find_leaf(s, &c) || !find_ca(s, &c))
        return false;
    if (c.known_leaf != NULL || (c.known_ca != NULL && c.ca == &c.known_ca->cert)) {
        lookup_pair(lookup, s, &c);
        *out = mse_trust_find(cache, s->roots, MSE_TRUST_VEK_CHAIN, lookup->parts, lookup->count);
        if (*out != NULL)
            return true;
    }
    if (!mse_trusted_new(MSE_TRUST_VEK_CHAIN, true, &made, s->err) || !verify(s, &c, made))
        return false;
    mse_trust_keep(cache, s->roots, made, lookup->parts, lookup->count);
    *out = made;
    made = NULL;
    return true;
}

bool mse_vek_chain_find(struct mse_trust_cache *cache, const struct mse_roots *roots,
                        const struct mse_collateral *collateral,
                        const struct mse_snp_report *report, const struct mse_snp_certs *certs,
                        struct mse_checks *checks, struct mse_trusted **out, struct mse_error *err)
{
    bool vlek = report->signing_key == MSE_SNP_VLEK;
    struct mse_error why = { 0 };
    struct search s = { .roots = roots,
                        .collateral = collateral,
                        .report = report,
                        .leaf_role = vlek ? MSE_ROLE_VLEK : MSE_ROLE_VCEK,
                        .ca_role = vlek ? MSE_ROLE_ASVK : MSE_ROLE_ASK,
                        .err = &why };
    struct lookup lookup;
    bool ok;

    lookup_brought(&lookup, &s, certs);
    *out = recall_brought(cache, &s, &lookup);
    if (*out != NULL)
        return true;
    s.brought = malloc(sizeof(*s.brought)); /* large, and filled in by the parser */
    if (s.brought == NULL)
        return mse_fail_memory(err);
    s.brought->count = 0;
    ok = make(cache, &s, certs, &lookup, out);
    free(s.brought);
    if (ok)
        return true;
    if (mse_error_is_fatal(&why)) {
        *err = why;
        return false;
    }
    if (s.incomplete)
        mse_check_unknown(checks, MSE_CHECK_CHAIN, why.code, "%s: %s", why.field, why.text);
    else
        mse_check_fail_error(checks, MSE_CHECK_CHAIN, &why);
    return true;
}
