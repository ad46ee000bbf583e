/* SPDX-License-Identifier: Apache-2.0 */
/* The bundle of a simulated platform's collateral: written as a whole, read back item by item. */
#include "simtee/bundle.h"

#include <stdlib.h>

#include "base/encode.h"
#include "base/json.h"
#include "simtee/collateral.h"

/* ---- writing ------------------------------------------------------------------------------ */

/* *chain is written above data's issuer: nearest first. */
static bool put_item(struct mse_json_writer *w, const char *kind, const struct mse_writer *data,
                     X509 *const *chain, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer pem = { 0 };
    char *text = malloc(4 * ((data->len + 2) / 3) + 1);

    if (text == NULL || !mse_writer_ok(data)) {
        free(text);
        return mse_fail_memory(err);
    }
    (void)mse_base64_write(data->data, data->len, text);
    mse_json_open_object(w, NULL);
    mse_json_put_text(w, "kind", kind);
    mse_json_put_text(w, "data", text);
    free(text);
    for (; *chain != NULL; chain++) {
        if (!mse_sim_cert_write(*chain, &pem, err))
            return false;
    }
    mse_json_put_bytes_text(w, "chain", mse_writer_bytes(&pem));
    mse_json_close_object(w);
    return true;
}

static bool put_statements(struct mse_json_writer *w, const struct mse_sim_platform *platform,
                           const struct mse_sim_collateral_options *options, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer tcb_info = { 0 };
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer identity = { 0 };
    X509 *const chain[] = { platform->pki.tcb_signing.cert, platform->pki.root.cert, NULL };

    return mse_sim_tcb_info_make(platform, options, &tcb_info, err) &&
           put_item(w, "tcb_info", &tcb_info, chain, err) &&
           mse_sim_qe_identity_make(platform, options, &identity, err) &&
           put_item(w, "qe_identity", &identity, chain, err);
}

/* ca is the root itself for the root's CRL. */
static bool put_crl(struct mse_json_writer *w, const struct mse_sim_platform *platform,
                    const struct mse_sim_cert *ca, const struct mse_sim_cert *revoked,
                    const struct mse_sim_collateral_options *options, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer crl = { 0 };
    X509 *const chain[] = { ca->cert, ca != &platform->pki.root ? platform->pki.root.cert : NULL,
                            NULL };

    return mse_sim_crl_make(ca, revoked, options->issued, options->next_update, &crl, err) &&
           put_item(w, "crl", &crl, chain, err);
}

static bool put_crls(struct mse_json_writer *w, const struct mse_sim_platform *platform,
                     const struct mse_sim_collateral_options *options, struct mse_error *err)
{
    const struct mse_sim_pki *pki = &platform->pki;
    const struct mse_sim_cert *ca = mse_sim_pck_ca(pki, &platform->machine);
    const struct mse_sim_cert *pck = options->revoke == MSE_SIM_REVOKE_PCK ? &pki->pck : NULL;

    return put_crl(w, platform, &pki->platform_ca, ca == &pki->platform_ca ? pck : NULL, options,
                   err) &&
           put_crl(w, platform, &pki->processor_ca, ca == &pki->processor_ca ? pck : NULL, options,
                   err) &&
           put_crl(w, platform, &pki->root, options->revoke == MSE_SIM_REVOKE_CA ? ca : NULL,
                   options, err);
}

bool mse_sim_collateral_make(const struct mse_sim_platform *platform,
                             const struct mse_sim_collateral_options *options,
                             struct mse_writer *out, struct mse_error *err)
{
    struct mse_json_writer w = mse_json_writer_init(out, 2);

    mse_json_open_object(&w, NULL);
    mse_json_put_text(&w, "format", MSE_SIM_BUNDLE_FORMAT);
    mse_json_open_array(&w, "items");
    if (!put_statements(&w, platform, options, err) || !put_crls(&w, platform, options, err))
        return false;
    mse_json_close_array(&w);
    mse_json_close_object(&w);
    mse_write_text(out, "\n");
    return mse_writer_ok(out) || mse_fail_memory(err);
}

/* ---- reading ------------------------------------------------------------------------------ */

static bool read_data(const struct mse_json *json, const struct mse_json_value *item,
                      struct mse_sim_item *out, struct mse_error *err)
{
    struct mse_bytes text;

    if (!mse_json_get_plain(json, item, "data", &text, err))
        return false;
    out->len = 3 * (text.len / 4);
    out->data = malloc(out->len + 1);
    if (out->data == NULL)
        return mse_fail_memory(err);
    if (!mse_base64_read((const char *)text.data, text.len, false, out->data, &out->len))
        return mse_fail(err, MSE_ERR_FORMAT, (size_t)(text.data - json->in.data), "data");
    return true;
}

static bool read_item(const struct mse_json *json, const struct mse_json_value *item,
                      struct mse_sim_item *out, struct mse_error *err)
{
    struct mse_bytes kind;

    if (!mse_json_get_plain(json, item, "kind", &kind, err))
        return false;
    if (kind.len >= sizeof(out->kind))
        return mse_fail(err, MSE_ERR_VALUE, item->start, "kind");
    memcpy(out->kind, kind.data, kind.len);
    if (mse_json_member(json, item, "chain") == NULL)
        return mse_fail(err, MSE_ERR_MISSING, item->start, "chain");
    return mse_json_value_text(json, mse_json_member(json, item, "chain"), &out->chain, err) &&
           read_data(json, item, out, err);
}

static bool read_items(const struct mse_json *json, struct mse_sim_bundle *out,
                       struct mse_error *err)
{
    const struct mse_json_value *items, *item;
    struct mse_bytes format;

    if (!mse_json_get_plain(json, &json->values[0], "format", &format, err) ||
        !mse_json_get_array(json, &json->values[0], "items", &items, err))
        return false;
    if (!mse_bytes_equal_text(format, MSE_SIM_BUNDLE_FORMAT))
        return mse_fail(err, MSE_ERR_UNSUPPORTED, 0, "format");
    for (item = mse_json_first(json, items); item != NULL;
         item = mse_json_next(json, items, item)) {
        if (out->count == MSE_SIM_BUNDLE_ITEMS)
            return mse_fail(err, MSE_ERR_LIMIT, item->start, "items");
        if (!read_item(json, item, &out->items[out->count++], err))
            return mse_fail_in(err, "items[%zu]", out->count - 1);
    }
    return true;
}

bool mse_sim_bundle_read(struct mse_bytes in, struct mse_sim_bundle *out, struct mse_error *err)
{
    struct mse_json json = { 0 };
    bool ok;

    memset(out, 0, sizeof(*out));
    ok = mse_json_parse(in, &json, err) && read_items(&json, out, err);
    mse_json_cleanup(&json);
    if (!ok)
        mse_sim_bundle_cleanup(out);
    return ok;
}

void mse_sim_bundle_cleanup(struct mse_sim_bundle *bundle)
{
    for (size_t i = 0; i < bundle->count; i++) {
        free(bundle->items[i].data);
        free(bundle->items[i].chain);
    }
    memset(bundle, 0, sizeof(*bundle));
}
