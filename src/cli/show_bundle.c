/* SPDX-License-Identifier: Apache-2.0 */
/* Items of a collateral set as named fields. */
#include "cli/show_bundle.h"

#include <stdio.h>

#include "base/encode.h"

/* What an item says of itself and its own dates; parsed here, since nothing may be authentic yet.
 */
struct description {
    char title[160];
    int64_t from, until;
    bool readable;
    struct mse_error err;
};

static void describe_tcb_info(const struct mse_item *item, struct description *d)
{
    struct mse_tcb_info info;
    struct mse_bytes body;
    uint8_t signature[64];
    char fmspc[13];

    d->readable = mse_signed_json_split(item->bytes, "tcbInfo", &body, signature, &d->err) &&
                  mse_tcb_info_parse(body, &info, &d->err);
    if (!d->readable)
        return;
    mse_hex_write(info.fmspc, sizeof(info.fmspc), fmspc);
    (void)snprintf(d->title, sizeof(d->title), "TCB info %s, FMSPC %s, evaluation %u, %u levels",
                   info.is_tdx ? "TDX" : "SGX", fmspc, (unsigned)info.tcb_eval,
                   (unsigned)info.platform_level_count);
    d->from = info.issue_date;
    d->until = info.next_update;
    mse_tcb_info_cleanup(&info);
}

static void describe_qe_identity(const struct mse_item *item, struct description *d)
{
    static const char *const ids[] = { "QE (SGX)", "TD_QE (TDX)", "QVE" };
    struct mse_qe_identity identity;
    struct mse_bytes body;
    uint8_t signature[64];

    d->readable = mse_signed_json_split(item->bytes, "enclaveIdentity", &body, signature,
                                        &d->err) &&
                  mse_qe_identity_parse(body, &identity, &d->err);
    if (!d->readable)
        return;
    (void)snprintf(d->title, sizeof(d->title), "enclave identity %s, evaluation %u",
                   ids[identity.id], (unsigned)identity.tcb_eval);
    d->from = identity.issue_date;
    d->until = identity.next_update;
    mse_qe_identity_cleanup(&identity);
}

static void describe_crl(const struct mse_item *item, struct description *d)
{
    struct mse_crl crl;
    char name[128];

    d->readable = mse_crl_parse(item->bytes, &crl, &d->err);
    if (!d->readable)
        return;
    (void)snprintf(d->title, sizeof(d->title), "CRL of %.100s, %zu revoked",
                   mse_escape(mse_cert_common_name(crl.issuer), name, sizeof(name)),
                   crl.serial_count);
    d->from = crl.this_update;
    d->until = crl.next_update;
    mse_crl_cleanup(&crl);
}

static void describe_cert(const struct mse_item *item, struct description *d)
{
    struct mse_cert cert;
    char name[128];

    d->readable = mse_cert_parse(item->bytes, &cert, &d->err);
    if (!d->readable)
        return;
    (void)snprintf(d->title, sizeof(d->title), "certificate of %.120s",
                   mse_escape(mse_cert_common_name(cert.subject), name, sizeof(name)));
    d->from = cert.not_before;
    d->until = cert.not_after;
}

static void describe(const struct mse_item *item, struct description *d)
{
    memset(d, 0, sizeof(*d));
    switch (item->kind) {
    case MSE_ITEM_CERT:
        describe_cert(item, d);
        break;
    case MSE_ITEM_CRL:
        describe_crl(item, d);
        break;
    case MSE_ITEM_TCB_INFO:
        describe_tcb_info(item, d);
        break;
    case MSE_ITEM_QE_IDENTITY:
        describe_qe_identity(item, d);
        break;
    }
    if (!d->readable)
        (void)snprintf(d->title, sizeof(d->title), "unreadable item");
}

void show_items(const struct mse_collateral *set, bool authenticated, int64_t at,
                struct mse_field_sink *s)
{
    s->open_list(s, "collateral");
    for (size_t i = 0; i < set->count; i++) {
        const struct mse_item *item = set->items[i];
        struct description d;
        char line[600];

        describe(item, &d);
        s->open_item(s, i + 1);
        s->text(s, "holds", d.title);
        s->text(s, "source", mse_escape(MSE_CSTR_BYTES(item->name), line, sizeof(line)));
        if (item->early)
            s->flag(s, "early", true);
        if (d.readable) {
            s->time(s, "from", d.from);
            s->time(s, "until", d.until);
        } else {
            s->text(s, "error", mse_error_describe(&d.err, line, sizeof(line)));
        }
        if (authenticated) {
            s->flag(s, "authentic", item->authenticated);
            if (!item->authenticated)
                s->text(s, "reason", mse_error_describe(&item->why_not, line, sizeof(line)));
            else
                s->text(s, "state",
                        at < item->valid_from    ? "not valid yet"
                        : at > item->valid_until ? "expired"
                                                 : "valid");
        }
        s->close(s);
    }
    s->close_list(s);
}

bool show_bundle(const char *name, struct mse_bytes in, struct mse_field_sink *s,
                 struct mse_error *err)
{
    struct mse_collateral *set = NULL;
    bool ok = mse_collateral_new(&set, err) && mse_collateral_add(set, in, name, err);

    if (ok)
        show_items(set, false, 0, s);
    mse_collateral_free(set);
    return ok;
}
