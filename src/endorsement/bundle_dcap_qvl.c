/* SPDX-License-Identifier: Apache-2.0 */
/* Collateral as dcap-qvl writes it: JSON in which signed objects are strings, CRLs are hex. */
#include "base/encode.h"
#include "endorsement/bundle_parts.h"

static bool add_chain(const struct mse_json *json, const char *member, const char *name,
                      struct mse_collateral *collateral, struct mse_error *err)
{
    MSE_CLEANUP(mse_text_cleanup) char *pem = NULL;

    if (!mse_bundle_text(json, &json->values[0], member, &pem, err))
        return false;
    if (!mse_collateral_add_certs(collateral, MSE_CSTR_BYTES(pem), name, err))
        return mse_fail_in(err, "%s", member);
    return true;
}

static bool add_crl(const struct mse_json *json, const char *member, const char *name,
                    struct mse_collateral *collateral, struct mse_error *err)
{
    MSE_CLEANUP(mse_text_cleanup) char *text = NULL;

    if (!mse_bundle_text(json, &json->values[0], member, &text, err))
        return false;
    if (!mse_collateral_add_crl(collateral, MSE_CSTR_BYTES(text), name, err))
        return mse_fail_in(err, "%s", member);
    return true;
}

/* Back to the vendor's reply, {"tcbInfo":<object>,"signature":"<hex>"}: the object is unchanged. */
static bool add_signed(const struct mse_json *json, enum mse_item_kind kind, const char *member,
                       const char *signature_member, const char *object, const char *name,
                       struct mse_collateral *collateral, struct mse_error *err)
{
    MSE_CLEANUP(mse_text_cleanup) char *body = NULL;
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer w = { 0 };
    uint8_t signature[64];
    char hex[2 * sizeof(signature) + 1];

    if (!mse_bundle_text(json, &json->values[0], member, &body, err) ||
        !mse_json_get_hex(json, &json->values[0], signature_member, signature, sizeof(signature),
                          err))
        return false;
    mse_hex_write(signature, sizeof(signature), hex);
    mse_write_format(&w, "{\"%s\":", object);
    mse_write_text(&w, body);
    mse_write_format(&w, ",\"signature\":\"%s\"}", hex);
    if (!mse_writer_ok(&w))
        return mse_fail_memory(err);
    if (w.len > MSE_BUNDLE_MAX_REPLY)
        return mse_fail(err, MSE_ERR_LIMIT, 0, member);
    return mse_collateral_add_item(collateral, kind, mse_writer_bytes(&w), name, false, err);
}

bool mse_bundle_read_dcap_qvl(const struct mse_json *json, const char *name,
                              struct mse_collateral *collateral, struct mse_error *err)
{
    return add_chain(json, "pck_crl_issuer_chain", name, collateral, err) &&
           add_chain(json, "tcb_info_issuer_chain", name, collateral, err) &&
           add_chain(json, "qe_identity_issuer_chain", name, collateral, err) &&
           add_crl(json, "root_ca_crl", name, collateral, err) &&
           add_crl(json, "pck_crl", name, collateral, err) &&
           add_signed(json, MSE_ITEM_TCB_INFO, "tcb_info", "tcb_info_signature", "tcbInfo", name,
                      collateral, err) &&
           add_signed(json, MSE_ITEM_QE_IDENTITY, "qe_identity", "qe_identity_signature",
                      "enclaveIdentity", name, collateral, err);
}
