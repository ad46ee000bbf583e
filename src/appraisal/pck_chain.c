/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From certification data to a verified PCK chain (Intel SGX ECDSA Quote Library Reference, "QE
 * Certification Data"; PCK Certificate and CRL Profile Specification).
 */
#include "appraisal/pck_chain.h"

#include <stdlib.h>

#include "appraisal/known_cert.h"
#include "base/encode.h"
#include "endorsement/chain.h"

/* Real quotes bring three; two (no root) to four (something twice) are taken. */
#define MIN_CHAIN_CERTS 2
#define MAX_CHAIN_CERTS 4
/* Leaves of the set whose key is tried when the quote does not bring one. */
#define MAX_TRIED_LEAVES 16

/* Certificates as they came, each once. */
struct found_certs {
    struct mse_cert cert[MAX_CHAIN_CERTS];
    enum mse_cert_role role[MAX_CHAIN_CERTS];
    size_t count;
    size_t seen; /* with repeated ones */
};

struct search {
    const struct mse_roots *roots;
    const struct mse_collateral *collateral;
    const struct mse_quote *quote;
    struct mse_trusted *trusted; /* being made */
    struct mse_error *err;       /* why there is no chain */
    bool incomplete;             /* nothing is wrong, but a certificate is not at hand */
};

static bool is_line_end(uint8_t c)
{
    return c == '\r' || c == '\n';
}

/* Counts the certificate that was parsed into the next place, unless it is there already. */
static void count_cert(struct found_certs *certs)
{
    const struct mse_cert *cert = &certs->cert[certs->count];

    certs->seen++;
    for (size_t i = 0; i < certs->count; i++) {
        if (mse_bytes_equal(certs->cert[i].der, cert->der))
            return;
    }
    certs->role[certs->count++] = mse_cert_role_guess(cert);
}

/* Only ends of lines between the blocks, and NULs at the end, which C programs leave there. */
static bool next_block(struct mse_bytes in, size_t *at)
{
    while (*at < in.len && is_line_end(in.data[*at]))
        (*at)++;
    if (*at < in.len && in.data[*at] == '\0')
        return !mse_is_zero(in.data + *at, in.len - *at);
    return *at < in.len;
}

/* Decodes PEM into der, which is as large as the text, and parses each certificate there. */
static bool decode_certs(struct mse_bytes in, size_t limit, uint8_t *der, struct found_certs *out,
                         struct mse_error *err)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----";
    size_t at = 0, used = 0;

    while (next_block(in, &at)) {
        size_t len = in.len - used;

        if (in.len - at < sizeof(begin) || memcmp(in.data + at, begin, sizeof(begin) - 1) != 0)
            return mse_fail(err, MSE_ERR_FORMAT, at, "cert_data");
        if (out->seen == limit)
            return mse_fail(err, MSE_ERR_LIMIT, at, "cert_data");
        if (!mse_pem_next(in, &at, "CERTIFICATE", der + used, &len, err))
            return mse_fail(err, MSE_ERR_FORMAT, at, "cert_data");
        if (!mse_cert_parse((struct mse_bytes){ der + used, len }, &out->cert[out->count], err))
            return mse_fail_in(err, "cert_data: certificate %zu", out->seen + 1);
        count_cert(out);
        used += len;
    }
    return true;
}

static bool is_pck_ca(enum mse_cert_role role)
{
    return role == MSE_ROLE_PCK_PLATFORM_CA || role == MSE_ROLE_PCK_PROCESSOR_CA;
}

/* The one certificate of the wanted sort: *out NULL if there is none, an error if two. */
static bool pick(const struct found_certs *certs, bool want_ca, const struct mse_cert **out,
                 enum mse_cert_role *role, struct mse_error *err)
{
    *out = NULL;
    for (size_t i = 0; i < certs->count; i++) {
        if (want_ca ? !is_pck_ca(certs->role[i]) : certs->role[i] != MSE_ROLE_PCK_LEAF)
            continue;
        if (*out != NULL)
            return mse_fail_text(err, MSE_ERR_CHAIN, "cert_data", "there are two different %s",
                                 want_ca ? "PCK CAs" : "PCK certificates");
        *out = &certs->cert[i];
        *role = certs->role[i];
    }
    return true;
}

/* Everything in a chain must have its place there: leftovers would be believed by somebody. */
static bool check_roles(const struct search *s, const struct found_certs *certs,
                        struct mse_error *err)
{
    for (size_t i = 0; i < certs->count; i++) {
        char name[128];

        if (certs->role[i] == MSE_ROLE_PCK_LEAF || is_pck_ca(certs->role[i]))
            continue;
        if (certs->role[i] != MSE_ROLE_INTEL_ROOT)
            return mse_fail_text(err, MSE_ERR_CHAIN, "cert_data", "%s has no place in a PCK chain",
                                 mse_cert_name_text(certs->cert[i].subject, name, sizeof(name)));
        if (mse_known_root(s->roots, &certs->cert[i], MSE_ROOT_INTEL, err) == NULL)
            return false;
    }
    return true;
}

/* A chain of which no signature was checked yet. known_ca: the set vouches for the CA. */
struct candidate {
    const struct mse_cert *leaf, *ca;
    enum mse_cert_role ca_role;
    const struct mse_item *known_ca;
};

static bool find_ca_in_set(struct search *s, struct candidate *c)
{
    static const enum mse_cert_role roles[] = { MSE_ROLE_PCK_PLATFORM_CA,
                                                MSE_ROLE_PCK_PROCESSOR_CA };

    for (size_t i = 0; i < 2 && c->known_ca == NULL; i++)
        c->known_ca = mse_known_cert_named(s->collateral, roles[i], c->leaf->issuer, NULL);
    if (c->known_ca == NULL) {
        s->incomplete = true;
        return mse_fail_text(s->err, MSE_ERR_MISSING, "PCK CA",
                             "neither the quote nor the collateral has its certificate");
    }
    c->ca = &c->known_ca->cert;
    c->ca_role = c->known_ca->role;
    return true;
}

static bool find_candidate(struct search *s, const struct found_certs *certs, struct candidate *c)
{
    enum mse_cert_role leaf_role;

    if (!pick(certs, false, &c->leaf, &leaf_role, s->err) ||
        !pick(certs, true, &c->ca, &c->ca_role, s->err))
        return false;
    if (c->leaf == NULL)
        return mse_fail_text(s->err, MSE_ERR_CHAIN, "cert_data", "no PCK certificate among them");
    if (c->ca == NULL)
        return find_ca_in_set(s, c);
    c->known_ca = mse_known_cert(s->collateral, c->ca->der);
    return true;
}

/* The root that the quote brings for its CA, or NULL. */
static const struct mse_cert *brought_root(const struct found_certs *certs,
                                           const struct mse_cert *ca)
{
    for (size_t i = 0; i < certs->count; i++) {
        if (certs->role[i] == MSE_ROLE_INTEL_ROOT &&
            mse_bytes_equal(certs->cert[i].subject, ca->issuer))
            return &certs->cert[i];
    }
    return NULL;
}

/* Checks the CA under the root that came with it, or else under the pinned keys themselves. */
static bool check_ca(const struct search *s, const struct found_certs *certs,
                     const struct candidate *c, const struct mse_root **root)
{
    const struct mse_cert *cert = brought_root(certs, c->ca);
    struct mse_error first = { 0 };

    *root = cert != NULL ? mse_roots_find(s->roots, cert) : NULL;
    if (cert != NULL && *root != NULL)
        return mse_chain_check_link(c->ca, c->ca_role, cert, MSE_ROLE_INTEL_ROOT, (*root)->key,
                                    s->err);
    for (size_t i = 0; i < s->roots->count; i++) {
        struct mse_error why = { 0 };

        *root = &s->roots->of[i];
        if ((*root)->kind == MSE_ROOT_INTEL &&
            mse_chain_check_root_link(c->ca, c->ca_role, *root, &why))
            return true;
        if (first.code == MSE_ERR_NONE)
            first = why;
    }
    *s->err = first;
    return mse_fail_text(s->err, MSE_ERR_ROOT, "root", "no root of this vendor is pinned");
}

/* The CA's key is the set's if the set knows it, else imported and the CA verified. */
static bool verify_ca(struct search *s, const struct found_certs *certs, const struct candidate *c)
{
    struct mse_trusted_chain *chain = s->trusted->chain;
    const struct mse_root *root;

    if (c->known_ca != NULL) {
        root = mse_known_root_of(s->roots, c->known_ca);
        chain->ca_key = mse_key_share(c->known_ca->key);
        if (root == NULL || root->kind != MSE_ROOT_INTEL)
            return mse_fail_text(s->err, MSE_ERR_ROOT, "root", "the collateral's root is another");
    } else if (!check_ca(s, certs, c, &root) ||
               !mse_key_new(c->ca->key_type, c->ca->key_bits, &chain->ca_key, s->err)) {
        return false;
    }
    chain->ca_role = c->ca_role;
    memcpy(chain->root_key_digest, mse_known_digest_of(s->roots, root), 32);
    return true;
}

static bool verify_leaf(struct search *s, const struct candidate *c)
{
    return mse_chain_check_link(c->leaf, MSE_ROLE_PCK_LEAF, c->ca, c->ca_role,
                                s->trusted->chain->ca_key, s->err);
}

/* der: the block that both certificates lie in, which the chain then owns; NULL: they are copied.
 */
static bool take_certs(struct search *s, const struct candidate *c, uint8_t **der)
{
    struct mse_trusted *t = s->trusted;

    if (der != NULL && (c->known_ca == NULL || c->ca != &c->known_ca->cert)) {
        t->chain->der = *der;
        t->chain->leaf = *c->leaf;
        t->chain->ca = *c->ca;
        *der = NULL;
    } else if (!mse_trusted_own_certs(t, c->leaf, c->ca, s->err)) {
        return false;
    }
    return mse_pck_parse(&t->chain->leaf, &t->chain->pck, s->err) &&
           mse_key_new(t->chain->leaf.key_type, t->chain->leaf.key_bits, &t->key, s->err);
}

/* Types 4 and 5: the quote brings its certificate, and for type 5 those above it. */
static bool chain_from_quote(struct search *s)
{
    const struct mse_cert_data *data = &s->quote->cert_data;
    bool alone = data->type == MSE_CERT_DATA_PCK_LEAF;
    struct found_certs certs;
    struct candidate c = { .leaf = NULL };
    uint8_t *der = malloc(data->body.len + 1);
    bool ok;

    if (der == NULL)
        return mse_fail_memory(s->err);
    certs.count = certs.seen = 0; /* the certificates are large and filled in by the parser */
    ok = decode_certs(data->body, alone ? 1 : MAX_CHAIN_CERTS, der, &certs, s->err);
    if (ok && certs.seen < (alone ? 1 : MIN_CHAIN_CERTS))
        ok = mse_fail_text(s->err, MSE_ERR_CHAIN, "cert_data", "too few certificates: %zu",
                           certs.seen);
    ok = ok && check_roles(s, &certs, s->err) && find_candidate(s, &certs, &c) &&
         verify_ca(s, &certs, &c) && verify_leaf(s, &c) && take_certs(s, &c, &der);
    free(der);
    return ok;
}

/* PPID data (types 1 to 3) ends in CPUSVN, PCESVN and PCEID; only type 1 has the PPID in clear. */
static bool fits_ppid_data(const struct mse_cert_data *data, const struct mse_pck *pck)
{
    static const uint8_t tail = 20;

    if (data->body.len < tail)
        return false;
    if (memcmp(data->body.data + data->body.len - 2, pck->pce_id, 2) != 0)
        return false;
    return data->type != MSE_CERT_DATA_PPID_PLAIN ||
           (data->body.len == sizeof(pck->ppid) + tail &&
            memcmp(data->body.data, pck->ppid, sizeof(pck->ppid)) == 0);
}

/* Other types name the platform only: the leaf of the set whose key signed the QE report is it. */
static const struct mse_item *find_leaf(const struct search *s)
{
    const struct mse_item *item = NULL;
    unsigned tried = 0;

    if (s->collateral == NULL || s->quote->cert_data.type > MSE_CERT_DATA_PPID_RSA3072)
        return NULL;
    while ((item = mse_collateral_cert(s->collateral, MSE_ROLE_PCK_LEAF, item)) != NULL) {
        struct mse_error ignored = { 0 };
        struct mse_pck pck;

        if (item->issuer == NULL || !mse_pck_parse(&item->cert, &pck, &ignored) ||
            !fits_ppid_data(&s->quote->cert_data, &pck))
            continue;
        if (tried++ == MAX_TRIED_LEAVES)
            return NULL;
        if (mse_key_check_raw_p256(item->key, s->quote->qe_report.raw,
                                   s->quote->qe_report_signature, "qe_report", &ignored))
            return item;
    }
    return NULL;
}

static bool chain_from_set(struct search *s)
{
    const struct mse_item *leaf = find_leaf(s);
    struct candidate c;

    s->incomplete = leaf == NULL;
    if (leaf == NULL)
        return mse_fail_text(s->err, MSE_ERR_MISSING, "PCK certificate",
                             "the quote has none (certification data type %d), and none of the "
                             "collateral fits",
                             (int)s->quote->cert_data.type);
    c = (struct candidate){ .leaf = &leaf->cert,
                            .ca = &leaf->issuer->cert,
                            .ca_role = leaf->issuer->role,
                            .known_ca = leaf->issuer };
    return verify_ca(s, NULL, &c) && take_certs(s, &c, NULL);
}

bool mse_pck_chain_find(struct mse_trust_cache *cache, const struct mse_roots *roots,
                        const struct mse_collateral *collateral, const struct mse_quote *quote,
                        struct mse_checks *checks, struct mse_trusted **out, struct mse_error *err)
{
    MSE_CLEANUP(mse_trusted_cleanup) struct mse_trusted *made = NULL;
    const struct mse_cert_data *data = &quote->cert_data;
    bool brings_leaf = data->type == MSE_CERT_DATA_PCK_CHAIN ||
                       data->type == MSE_CERT_DATA_PCK_LEAF;
    uint8_t type = (uint8_t)data->type;
    const struct mse_bytes lookup[] = { { &type, 1 }, data->body };
    struct mse_error why = { 0 };
    struct search s = { roots, collateral, quote, NULL, &why, false };

    *out = brings_leaf ? mse_trust_find(cache, roots, MSE_TRUST_PCK_CHAIN, lookup, 2) : NULL;
    if (*out != NULL)
        return true;
    if (!mse_trusted_new(MSE_TRUST_PCK_CHAIN, true, &made, err))
        return false;
    s.trusted = made;
    if (!(brings_leaf ? chain_from_quote(&s) : chain_from_set(&s))) {
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
    if (brings_leaf)
        mse_trust_keep(cache, roots, made, lookup, 2);
    *out = made;
    made = NULL;
    return true;
}
