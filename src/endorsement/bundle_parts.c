/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding that several collateral containers need: base64 and hex members, CRLs in any armour. */
#include <stdlib.h>

#include "base/encode.h"
#include "crypto/der.h"
#include "endorsement/bundle_parts.h"

void mse_blob_cleanup(struct mse_blob *blob)
{
    free(blob->data);
    *blob = (struct mse_blob){ 0 };
}

void mse_text_cleanup(char **text)
{
    free(*text);
    *text = NULL;
}

bool mse_bundle_text(const struct mse_json *json, const struct mse_json_value *object,
                     const char *name, char **out, struct mse_error *err)
{
    const struct mse_json_value *v = mse_json_member(json, object, name);

    *out = NULL;
    if (v == NULL)
        return mse_fail(err, MSE_ERR_MISSING, object != NULL ? object->start : 0, name);
    if (v->type != MSE_JSON_STRING)
        return mse_fail(err, MSE_ERR_VALUE, v->start, name);
    if (!mse_json_value_text(json, v, out, err))
        return mse_fail_in(err, "%s", name);
    return true;
}

bool mse_bundle_base64(const struct mse_json *json, const struct mse_json_value *object,
                       const char *name, struct mse_blob *out, struct mse_error *err)
{
    MSE_CLEANUP(mse_text_cleanup) char *text = NULL;
    struct mse_blob got = { 0 };

    *out = got;
    if (!mse_bundle_text(json, object, name, &text, err))
        return false;
    got.len = 3 * (strlen(text) / 4);
    got.data = malloc(got.len + 1);
    if (got.data == NULL)
        return mse_fail_memory(err);
    if (!mse_base64_read(text, strlen(text), false, got.data, &got.len) || got.len == 0) {
        mse_blob_cleanup(&got);
        return mse_fail_text(err, MSE_ERR_VALUE, name, "not base64 (RFC 4648, 4), or empty");
    }
    *out = got;
    return true;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool mse_bundle_unhex(struct mse_bytes in, struct mse_blob *out, struct mse_error *err)
{
    struct mse_blob got = { 0 };

    *out = got;
    while (in.len > 0 && is_space(in.data[in.len - 1]))
        in.len--;
    while (in.len > 0 && is_space(in.data[0]))
        in = (struct mse_bytes){ in.data + 1, in.len - 1 };
    if (in.len == 0 || in.len % 2 != 0)
        return mse_fail(err, MSE_ERR_VALUE, 0, "hex");
    got.len = in.len / 2;
    got.data = malloc(got.len);
    if (got.data == NULL)
        return mse_fail_memory(err);
    if (!mse_hex_read((const char *)in.data, in.len, got.data, got.len)) {
        mse_blob_cleanup(&got);
        return mse_fail(err, MSE_ERR_VALUE, 0, "hex");
    }
    *out = got;
    return true;
}

struct mse_bytes mse_bundle_between(struct mse_bytes in, const char *first, const char *last)
{
    const uint8_t *start = in.data != NULL ? memmem(in.data, in.len, first, strlen(first)) : NULL;
    const uint8_t *end = NULL;
    const uint8_t *at = start;

    while (at != NULL) {
        at = memmem(at, in.len - (size_t)(at - in.data), last, strlen(last));
        if (at != NULL) {
            at += strlen(last);
            end = at;
        }
    }
    if (end == NULL)
        return (struct mse_bytes){ 0 };
    return (struct mse_bytes){ start, (size_t)(end - start) };
}

/* RFC 5280, 5.1: where a certificate has its validity (a SEQUENCE), a CRL has thisUpdate. */
static bool is_crl_der(struct mse_bytes in)
{
    struct mse_error ignored = { 0 };
    struct mse_reader outer = mse_reader_init(in, &ignored);
    struct mse_reader list = mse_der_enter(&outer, MSE_DER_SEQUENCE, "crl");
    struct mse_reader tbs = mse_der_enter(&list, MSE_DER_SEQUENCE, "tbs");

    if (mse_der_next_is(&tbs, MSE_DER_INTEGER))
        (void)mse_der_read_unsigned(&tbs, "version");
    (void)mse_der_read(&tbs, MSE_DER_SEQUENCE, "signature");
    (void)mse_der_read(&tbs, MSE_DER_SEQUENCE, "issuer");
    return mse_der_next_is(&tbs, MSE_DER_UTC_TIME) ||
           mse_der_next_is(&tbs, MSE_DER_GENERALIZED_TIME);
}

static bool add_pem_crls(struct mse_collateral *collateral, struct mse_bytes in, const char *name,
                         bool *any, struct mse_error *err)
{
    MSE_CLEANUP(mse_blob_cleanup) struct mse_blob der = { 0 };
    size_t at = 0;

    der.data = malloc(in.len + 1);
    if (der.data == NULL)
        return mse_fail_memory(err);
    for (;;) {
        der.len = in.len;
        if (!mse_pem_next(in, &at, "X509 CRL", der.data, &der.len, err))
            return err->code == MSE_ERR_NONE;
        *any = true;
        if (!mse_collateral_add_crl(collateral, mse_blob_bytes(&der), name, err))
            return false;
    }
}

static bool add_der(struct mse_collateral *collateral, struct mse_bytes in, const char *name,
                    struct mse_error *err)
{
    if (is_crl_der(in))
        return mse_collateral_add_crl(collateral, in, name, err);
    return mse_collateral_add_certs(collateral, in, name, err);
}

bool mse_bundle_add_x509(struct mse_collateral *collateral, struct mse_bytes in, const char *name,
                         struct mse_error *err)
{
    MSE_CLEANUP(mse_blob_cleanup) struct mse_blob der = { 0 };
    struct mse_error ignored = { 0 };
    bool any = false;

    if (in.len > 0 && in.data[0] == MSE_DER_SEQUENCE && is_crl_der(in))
        return mse_collateral_add_crl(collateral, in, name, err);
    if (mse_bundle_unhex(in, &der, &ignored))
        return add_der(collateral, mse_blob_bytes(&der), name, err);
    if (ignored.code == MSE_ERR_MEMORY)
        return mse_fail_memory(err);
    if (!add_pem_crls(collateral, in, name, &any, err))
        return false;
    if (any && mse_bundle_between(in, "-----BEGIN CERTIFICATE-----", "-----END").len == 0)
        return true;
    return mse_collateral_add_certs(collateral, in, name, err);
}
