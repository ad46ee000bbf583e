/* SPDX-License-Identifier: Apache-2.0 */
/* The set of vendor statements: adding, looking up, freeing. authenticate.c judges it. */
#include "endorsement/collateral.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"
#include "crypto/hash.h"

bool mse_collateral_new(struct mse_collateral **out, struct mse_error *err)
{
    *out = calloc(1, sizeof(**out));
    return *out != NULL || mse_fail_memory(err);
}

static void free_item(struct mse_item *item)
{
    if (item == NULL)
        return;
    mse_key_free(item->key);
    mse_crl_cleanup(&item->crl);
    mse_tcb_info_cleanup(&item->tcb_info);
    mse_qe_identity_cleanup(&item->qe_identity);
    free((void *)item->bytes.data);
    free(item);
}

void mse_collateral_free(struct mse_collateral *collateral)
{
    if (collateral == NULL)
        return;
    for (size_t i = 0; i < collateral->count; i++)
        free_item(collateral->items[i]);
    free(collateral->items);
    free(collateral);
}

/* ---- adding ---- */

/* Early and ordinary replies may be the same bytes, and are looked up separately. */
static bool is_there(const struct mse_collateral *collateral, enum mse_item_kind kind,
                     struct mse_bytes bytes, bool early)
{
    for (size_t i = 0; i < collateral->count; i++) {
        const struct mse_item *item = collateral->items[i];

        if (item->kind == kind && item->early == early && mse_bytes_equal(item->bytes, bytes))
            return true;
    }
    return false;
}

static struct mse_item *new_item(enum mse_item_kind kind, struct mse_bytes bytes, const char *name,
                                 bool early)
{
    struct mse_item *item = calloc(1, sizeof(*item));
    uint8_t *copy = malloc(bytes.len + 1);

    if (item == NULL || copy == NULL) {
        free(item);
        free(copy);
        return NULL;
    }
    if (bytes.len > 0)
        memcpy(copy, bytes.data, bytes.len);
    item->kind = kind;
    item->bytes = (struct mse_bytes){ copy, bytes.len };
    item->early = early;
    (void)snprintf(item->name, sizeof(item->name), "%s", name != NULL ? name : "");
    return item;
}

/* The list grows at powers of two from 16 on. */
static bool make_room(struct mse_collateral *collateral, struct mse_error *err)
{
    size_t count = collateral->count;
    struct mse_item **items;

    if (count != 0 && (count < 16 || (count & (count - 1)) != 0))
        return true;
    items = realloc(collateral->items, (count < 16 ? 16 : 2 * count) * sizeof(struct mse_item *));
    if (items == NULL)
        return mse_fail_memory(err);
    collateral->items = items;
    return true;
}

bool mse_collateral_add_item(struct mse_collateral *collateral, enum mse_item_kind kind,
                             struct mse_bytes bytes, const char *name, bool early,
                             struct mse_error *err)
{
    struct mse_item *item;

    if (collateral->prepared)
        return mse_fail_text(err, MSE_ERR_USAGE, "collateral", "the set is prepared already");
    /* Nothing but statements about TCB levels has an early form. */
    early = early && (kind == MSE_ITEM_TCB_INFO || kind == MSE_ITEM_QE_IDENTITY);
    if (is_there(collateral, kind, bytes, early))
        return true;
    if (collateral->count >= MSE_COLLATERAL_MAX_ITEMS)
        return mse_fail_text(err, MSE_ERR_LIMIT, "collateral", "more than %d items",
                             MSE_COLLATERAL_MAX_ITEMS);
    if (bytes.len > MSE_COLLATERAL_MAX_BYTES - collateral->total)
        return mse_fail_text(err, MSE_ERR_LIMIT, "collateral", "more than %u bytes",
                             MSE_COLLATERAL_MAX_BYTES);
    if (!make_room(collateral, err))
        return false;
    item = new_item(kind, bytes, name, early);
    if (item == NULL)
        return mse_fail_memory(err);
    collateral->items[collateral->count++] = item;
    collateral->total += bytes.len;
    return true;
}

/* Certificates and CRLs are always longer than 127 bytes, so their length takes its own octets. */
static bool looks_like_der(struct mse_bytes in)
{
    return in.len > 2 && in.data[0] == MSE_DER_SEQUENCE && in.data[1] > 0x80 && in.data[1] <= 0x84;
}

static bool add_der_certs(struct mse_collateral *collateral, struct mse_bytes in, const char *name,
                          struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(in, err);

    while (mse_reader_left(&r) > 0) {
        struct mse_bytes der = mse_der_read_whole(&r, MSE_DER_SEQUENCE, "certificate");

        if (!mse_read_ok(&r) ||
            !mse_collateral_add_item(collateral, MSE_ITEM_CERT, der, name, false, err))
            return false;
    }
    return mse_read_done(&r, "certificates");
}

static bool add_pem_certs(struct mse_collateral *collateral, struct mse_bytes in, const char *name,
                          uint8_t *der, struct mse_error *err)
{
    size_t at = 0;
    size_t found = 0;

    for (;; found++) {
        size_t len = in.len;

        if (!mse_pem_next(in, &at, "CERTIFICATE", der, &len, err))
            break;
        if (!mse_collateral_add_item(collateral, MSE_ITEM_CERT, (struct mse_bytes){ der, len },
                                     name, false, err))
            return false;
    }
    if (err->code != MSE_ERR_NONE)
        return false;
    if (found == 0)
        return mse_fail_text(err, MSE_ERR_MISSING, "certificates", "no certificate in it");
    return true;
}

bool mse_collateral_add_certs(struct mse_collateral *collateral, struct mse_bytes in,
                              const char *name, struct mse_error *err)
{
    uint8_t *der;
    bool done;

    if (looks_like_der(in))
        return add_der_certs(collateral, in, name, err);
    if (in.len > MSE_COLLATERAL_MAX_BYTES)
        return mse_fail(err, MSE_ERR_LIMIT, 0, "certificates");
    der = malloc(in.len + 1);
    if (der == NULL)
        return mse_fail_memory(err);
    done = add_pem_certs(collateral, in, name, der, err);
    free(der);
    return done;
}

static struct mse_bytes trim(struct mse_bytes in)
{
    while (in.len > 0 && strchr(" \t\r\n", in.data[in.len - 1]) != NULL)
        in.len--;
    while (in.len > 0 && strchr(" \t\r\n", in.data[0]) != NULL) {
        in.data++;
        in.len--;
    }
    return in;
}

static bool decode_crl(struct mse_bytes in, uint8_t *der, size_t *len, struct mse_error *err)
{
    size_t at = 0;

    *len = in.len;
    if (mse_pem_next(in, &at, "X509 CRL", der, len, err))
        return true;
    if (err->code != MSE_ERR_NONE)
        return false;
    in = trim(in);
    *len = in.len / 2;
    if (in.len == 0 || !mse_hex_read((const char *)in.data, in.len, der, *len))
        return mse_fail_text(err, MSE_ERR_FORMAT, "crl", "neither DER nor PEM nor hex");
    return true;
}

bool mse_collateral_add_crl(struct mse_collateral *collateral, struct mse_bytes in,
                            const char *name, struct mse_error *err)
{
    uint8_t *der;
    size_t len;
    bool done;

    if (in.len > 2 * MSE_CRL_MAX_SIZE)
        return mse_fail(err, MSE_ERR_LIMIT, 0, "crl");
    if (looks_like_der(in))
        return mse_collateral_add_item(collateral, MSE_ITEM_CRL, in, name, false, err);
    der = malloc(in.len + 1);
    if (der == NULL)
        return mse_fail_memory(err);
    done = decode_crl(in, der, &len, err) &&
           mse_collateral_add_item(collateral, MSE_ITEM_CRL, (struct mse_bytes){ der, len }, name,
                                   false, err);
    free(der);
    return done;
}

/* ---- looking up ---- */

/* Seconds from a to b, 0 if b is not later; in uint64_t, which no two instants can overflow. */
static uint64_t seconds_to(int64_t a, int64_t b)
{
    return b > a ? (uint64_t)b - (uint64_t)a : 0;
}

/* Seconds between an instant and the item's validity; 0 inside. */
static uint64_t distance(const struct mse_item *item, int64_t at)
{
    uint64_t before = seconds_to(at, item->valid_from);
    uint64_t behind = seconds_to(item->valid_until, at);

    return before > behind ? before : behind; /* both count where the window is empty */
}

struct rank {
    uint64_t distance;
    uint32_t tcb_eval;
    int64_t issued;
};

static struct rank rank_of(const struct mse_item *item, int64_t at)
{
    struct rank rank = { .distance = distance(item, at) };

    switch (item->kind) {
    case MSE_ITEM_TCB_INFO:
        rank.tcb_eval = item->tcb_info.tcb_eval;
        rank.issued = item->tcb_info.issue_date;
        break;
    case MSE_ITEM_QE_IDENTITY:
        rank.tcb_eval = item->qe_identity.tcb_eval;
        rank.issued = item->qe_identity.issue_date;
        break;
    case MSE_ITEM_CRL:
        rank.issued = item->crl.this_update;
        break;
    case MSE_ITEM_CERT:
        rank.issued = item->cert.not_before;
        break;
    }
    return rank;
}

/* The better one at that instant; best may be NULL. */
static const struct mse_item *better(const struct mse_item *best, const struct mse_item *item,
                                     int64_t at)
{
    struct rank a, b;

    if (best == NULL)
        return item;
    a = rank_of(best, at);
    b = rank_of(item, at);
    if (a.distance != b.distance)
        return b.distance < a.distance ? item : best;
    if (a.tcb_eval != b.tcb_eval)
        return b.tcb_eval > a.tcb_eval ? item : best;
    return b.issued > a.issued ? item : best;
}

const struct mse_item *mse_collateral_tcb_info(const struct mse_collateral *collateral, bool tdx,
                                               const uint8_t fmspc[static 6], bool early,
                                               int64_t at)
{
    const struct mse_item *best = NULL;

    for (size_t i = 0; i < collateral->count; i++) {
        const struct mse_item *item = collateral->items[i];

        if (item->kind == MSE_ITEM_TCB_INFO && item->authenticated && item->early == early &&
            item->tcb_info.is_tdx == tdx && memcmp(item->tcb_info.fmspc, fmspc, 6) == 0)
            best = better(best, item, at);
    }
    return best;
}

const struct mse_item *mse_collateral_qe_identity(const struct mse_collateral *collateral,
                                                  enum mse_qe_id id, bool early, int64_t at)
{
    const struct mse_item *best = NULL;

    for (size_t i = 0; i < collateral->count; i++) {
        const struct mse_item *item = collateral->items[i];

        if (item->kind == MSE_ITEM_QE_IDENTITY && item->authenticated && item->early == early &&
            item->qe_identity.id == id)
            best = better(best, item, at);
    }
    return best;
}

static bool is_about_the_same(const struct mse_item *a, const struct mse_item *b)
{
    if (a->kind != b->kind || a->early != b->early)
        return false;
    if (a->kind == MSE_ITEM_TCB_INFO)
        return a->tcb_info.is_tdx == b->tcb_info.is_tdx &&
               memcmp(a->tcb_info.fmspc, b->tcb_info.fmspc, sizeof(a->tcb_info.fmspc)) == 0;
    return a->kind == MSE_ITEM_QE_IDENTITY && a->qe_identity.id == b->qe_identity.id;
}

bool mse_collateral_newer_known(const struct mse_collateral *collateral,
                                const struct mse_item *chosen, int64_t at, uint32_t *known)
{
    uint32_t own = rank_of(chosen, at).tcb_eval;

    *known = own;
    for (size_t i = 0; i < collateral->count; i++) {
        const struct mse_item *item = collateral->items[i];
        struct rank rank;

        if (!item->authenticated || !is_about_the_same(item, chosen))
            continue;
        rank = rank_of(item, at);
        if (rank.issued <= at && rank.tcb_eval > *known)
            *known = rank.tcb_eval;
    }
    return *known > own;
}

/* Signed by this certificate's key: the certificate that signed it may be another with that key. */
static bool is_key_of(const struct mse_item *crl, const struct mse_cert *issuer)
{
    uint8_t digest[MSE_SHA256_SIZE];

    if (crl->issuer != NULL)
        return mse_bytes_equal(crl->issuer->cert.key_bits, issuer->key_bits);
    mse_sha256(issuer->key_bits, digest);
    return memcmp(crl->root_key_digest, digest, sizeof(digest)) == 0;
}

const struct mse_item *mse_collateral_crl(const struct mse_collateral *collateral,
                                          const struct mse_cert *issuer, int64_t at)
{
    const struct mse_item *best = NULL;

    for (size_t i = 0; i < collateral->count; i++) {
        const struct mse_item *item = collateral->items[i];

        if (item->kind == MSE_ITEM_CRL && item->authenticated &&
            mse_bytes_equal(item->crl.issuer, issuer->subject) && is_key_of(item, issuer))
            best = better(best, item, at);
    }
    return best;
}

const struct mse_item *mse_collateral_cert(const struct mse_collateral *collateral,
                                           enum mse_cert_role role, const struct mse_item *after)
{
    bool behind = after == NULL;

    for (size_t i = 0; i < collateral->count; i++) {
        const struct mse_item *item = collateral->items[i];

        if (behind && item->kind == MSE_ITEM_CERT && item->authenticated && item->role == role)
            return item;
        if (item == after)
            behind = true;
    }
    return NULL;
}

const struct mse_item *mse_collateral_rejected(const struct mse_collateral *collateral,
                                               enum mse_item_kind kind)
{
    for (size_t i = 0; collateral->prepared && i < collateral->count; i++) {
        if (collateral->items[i]->kind == kind && !collateral->items[i]->authenticated)
            return collateral->items[i];
    }
    return NULL;
}
