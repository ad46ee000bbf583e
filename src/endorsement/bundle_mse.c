/* SPDX-License-Identifier: Apache-2.0 */
/* MSE's own collateral bundle: {"format":"mse-collateral-v1","items":[...]}. */
#include <stdlib.h>

#include "base/encode.h"
#include "endorsement/bundle_parts.h"

enum part { PART_TCB_INFO, PART_QE_IDENTITY, PART_CRL, PART_CERTIFICATES, PART_COUNT };

static const char *const part_names[PART_COUNT] = {
    [PART_TCB_INFO] = "tcb_info",
    [PART_QE_IDENTITY] = "qe_identity",
    [PART_CRL] = "crl",
    [PART_CERTIFICATES] = "certificates",
};

static bool check_keys(const struct mse_json *json, const struct mse_json_value *object,
                       const char *const *known, struct mse_error *err)
{
    const struct mse_json_value *v = mse_json_first(json, object);

    for (; v != NULL; v = mse_json_next(json, object, v)) {
        struct mse_bytes key = mse_json_key(json, v);
        size_t i = 0;
        char text[64];

        while (known[i] != NULL && !mse_bytes_equal_text(key, known[i]))
            i++;
        if (known[i] == NULL)
            return mse_fail(err, MSE_ERR_UNKNOWN_KEY, v->key_start,
                            mse_escape(key, text, sizeof(text)));
    }
    return true;
}

static bool read_part(const struct mse_json *json, const struct mse_json_value *item,
                      enum part *out, struct mse_error *err)
{
    struct mse_bytes kind;

    if (!mse_json_get_plain(json, item, "kind", &kind, err))
        return false;
    for (*out = 0; *out < PART_COUNT; (*out)++) {
        if (mse_bytes_equal_text(kind, part_names[*out]))
            return true;
    }
    return mse_fail(err, MSE_ERR_UNSUPPORTED, (size_t)(kind.data - json->in.data), "kind");
}

/* Intel's services have a standard and an early update set of TCB info and QE identity only. */
static bool read_update(const struct mse_json *json, const struct mse_json_value *item,
                        enum part part, bool *early, struct mse_error *err)
{
    const struct mse_json_value *v = mse_json_member(json, item, "update");
    struct mse_bytes update;

    *early = false;
    if (v == NULL)
        return true;
    if (!mse_json_get_plain(json, item, "update", &update, err))
        return false;
    *early = mse_bytes_equal_text(update, "early");
    if ((part != PART_TCB_INFO && part != PART_QE_IDENTITY) ||
        (!*early && !mse_bytes_equal_text(update, "standard")))
        return mse_fail(err, MSE_ERR_VALUE, v->start, "update");
    return true;
}

static bool read_chain(const struct mse_json *json, const struct mse_json_value *item,
                       const char *name, struct mse_collateral *collateral, struct mse_error *err)
{
    MSE_CLEANUP(mse_text_cleanup) char *chain = NULL;

    if (mse_json_member(json, item, "chain") == NULL)
        return true;
    if (!mse_bundle_text(json, item, "chain", &chain, err))
        return false;
    if (!mse_collateral_add_certs(collateral, MSE_CSTR_BYTES(chain), name, err))
        return mse_fail_in(err, "chain");
    return true;
}

static bool read_certificates(const struct mse_json *json, const struct mse_json_value *item,
                              const char *name, struct mse_collateral *collateral,
                              struct mse_error *err)
{
    MSE_CLEANUP(mse_blob_cleanup) struct mse_blob data = { 0 };
    MSE_CLEANUP(mse_text_cleanup) char *pem = NULL;
    const struct mse_json_value *v = mse_json_member(json, item, "pem");

    if (v == NULL) {
        if (!mse_bundle_base64(json, item, "data", &data, err))
            return false;
        return mse_collateral_add_certs(collateral, mse_blob_bytes(&data), name, err);
    }
    if (mse_json_member(json, item, "data") != NULL)
        return mse_fail(err, MSE_ERR_DUPLICATE, v->start, "pem and data");
    if (!mse_bundle_text(json, item, "pem", &pem, err))
        return false;
    return mse_collateral_add_certs(collateral, MSE_CSTR_BYTES(pem), name, err);
}

static bool read_data(const struct mse_json *json, const struct mse_json_value *item,
                      enum part part, bool early, const char *name,
                      struct mse_collateral *collateral, struct mse_error *err)
{
    MSE_CLEANUP(mse_blob_cleanup) struct mse_blob data = { 0 };
    const struct mse_json_value *pem = mse_json_member(json, item, "pem");

    if (part == PART_CERTIFICATES)
        return read_certificates(json, item, name, collateral, err);
    if (pem != NULL)
        return mse_fail(err, MSE_ERR_VALUE, pem->start, "pem");
    if (!mse_bundle_base64(json, item, "data", &data, err))
        return false;
    if (part == PART_CRL)
        return mse_collateral_add_crl(collateral, mse_blob_bytes(&data), name, err);
    return mse_collateral_add_item(collateral,
                                   part == PART_TCB_INFO ? MSE_ITEM_TCB_INFO : MSE_ITEM_QE_IDENTITY,
                                   mse_blob_bytes(&data), name, early, err);
}

static bool read_item(const struct mse_json *json, const struct mse_json_value *item,
                      const char *name, struct mse_collateral *collateral, struct mse_error *err)
{
    static const char *const known[] = { "kind", "data", "pem", "chain", "update", "source", NULL };
    MSE_CLEANUP(mse_text_cleanup) char *source = NULL;
    enum part part;
    bool early;

    if (item->type != MSE_JSON_OBJECT)
        return mse_fail(err, MSE_ERR_VALUE, item->start, "item");
    if (!check_keys(json, item, known, err) || !read_part(json, item, &part, err) ||
        !read_update(json, item, part, &early, err))
        return false;
    if (mse_json_member(json, item, "source") != NULL) {
        if (!mse_bundle_text(json, item, "source", &source, err))
            return false;
        name = source;
    }
    return read_data(json, item, part, early, name, collateral, err) &&
           read_chain(json, item, name, collateral, err);
}

bool mse_bundle_read_mse(const struct mse_json *json, const char *name,
                         struct mse_collateral *collateral, struct mse_error *err)
{
    static const char *const known[] = { "format", "items", NULL };
    const struct mse_json_value *root = &json->values[0];
    const struct mse_json_value *items;
    const struct mse_json_value *item;
    struct mse_bytes format;
    size_t i = 0;

    if (!mse_json_get_plain(json, root, "format", &format, err))
        return false;
    if (!mse_bytes_equal_text(format, MSE_BUNDLE_FORMAT))
        return mse_fail(err, MSE_ERR_UNSUPPORTED, (size_t)(format.data - json->in.data), "format");
    if (!check_keys(json, root, known, err) ||
        !mse_json_get_array(json, root, "items", &items, err))
        return false;
    for (item = mse_json_first(json, items); item != NULL;
         item = mse_json_next(json, items, item)) {
        if (!read_item(json, item, name, collateral, err))
            return mse_fail_in(err, "items[%zu]", i);
        i++;
    }
    return true;
}

/* ---- writing ------------------------------------------------------------------------------ */

static int by_content(const void *a, const void *b)
{
    const struct mse_item *x = *(const struct mse_item *const *)a;
    const struct mse_item *y = *(const struct mse_item *const *)b;
    size_t common = x->bytes.len < y->bytes.len ? x->bytes.len : y->bytes.len;
    int order;

    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->early != y->early)
        return x->early ? 1 : -1;
    order = common > 0 ? memcmp(x->bytes.data, y->bytes.data, common) : 0;
    if (order != 0)
        return order;
    return x->bytes.len < y->bytes.len ? -1 : x->bytes.len > y->bytes.len;
}

static bool put_base64(struct mse_json_writer *w, struct mse_bytes data)
{
    MSE_CLEANUP(mse_text_cleanup) char *text = malloc(4 * ((data.len + 2) / 3) + 1);

    if (text == NULL)
        return false;
    (void)mse_base64_write(data.data, data.len, text);
    mse_json_put_text(w, "data", text);
    return true;
}

static bool put_pem(struct mse_json_writer *w, struct mse_bytes der)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer pem = { 0 };
    MSE_CLEANUP(mse_text_cleanup) char *text = NULL;

    mse_pem_write(&pem, "CERTIFICATE", der);
    text = mse_writer_take_text(&pem);
    if (text == NULL)
        return false;
    mse_json_put_text(w, "pem", text);
    return true;
}

/* Names of local files say where the writer keeps things, and a cut URL leads nowhere. */
static bool is_source(const struct mse_item *item)
{
    return strlen(item->name) + 1 < sizeof(item->name) &&
           (strncmp(item->name, "https://", 8) == 0 || strncmp(item->name, "http://", 7) == 0);
}

static bool write_item(struct mse_json_writer *w, const struct mse_item *item)
{
    static const enum part parts[] = {
        [MSE_ITEM_CERT] = PART_CERTIFICATES,
        [MSE_ITEM_CRL] = PART_CRL,
        [MSE_ITEM_TCB_INFO] = PART_TCB_INFO,
        [MSE_ITEM_QE_IDENTITY] = PART_QE_IDENTITY,
    };
    bool ok;

    mse_json_open_object(w, NULL);
    mse_json_put_text(w, "kind", part_names[parts[item->kind]]);
    ok = item->kind == MSE_ITEM_CERT ? put_pem(w, item->bytes) : put_base64(w, item->bytes);
    if (item->early)
        mse_json_put_text(w, "update", "early");
    if (is_source(item))
        mse_json_put_bytes_text(w, "source", MSE_CSTR_BYTES(item->name));
    mse_json_close_object(w);
    return ok;
}

static void list_cleanup(const struct mse_item ***list)
{
    free(*list);
}

bool mse_bundle_write(const struct mse_collateral *collateral, struct mse_writer *out,
                      struct mse_error *err)
{
    struct mse_json_writer w = mse_json_writer_init(out, 2);
    MSE_CLEANUP(list_cleanup) const struct mse_item **list = NULL;
    bool ok = true;

    list = calloc(collateral->count + 1, sizeof(list[0]));
    if (list == NULL)
        return mse_fail_memory(err);
    for (size_t i = 0; i < collateral->count; i++)
        list[i] = collateral->items[i];
    qsort(list, collateral->count, sizeof(list[0]), by_content);
    mse_json_open_object(&w, NULL);
    mse_json_put_text(&w, "format", MSE_BUNDLE_FORMAT);
    mse_json_open_array(&w, "items");
    for (size_t i = 0; ok && i < collateral->count; i++)
        ok = write_item(&w, list[i]);
    mse_json_close_array(&w);
    mse_json_close_object(&w);
    mse_write_text(out, "\n");
    if (!ok || !mse_writer_ok(out))
        return mse_fail_text(err, MSE_ERR_MEMORY, "bundle", "out of memory, or too large");
    return true;
}
