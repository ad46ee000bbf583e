/* SPDX-License-Identifier: Apache-2.0 */
/* evidence.json of the original product: an attested certificate and collateral in one file. */
#include <stdlib.h>

#include "base/encode.h"
#include "endorsement/bundle_parts.h"

#define PEM_BEGIN "-----BEGIN CERTIFICATE-----"
#define PEM_END "-----END CERTIFICATE-----"

/* Its writer stored the TCB info as base64 of hex, and later versions as base64 of the reply. */
static bool add_tcb_info(const struct mse_json *json, const char *name,
                         struct mse_collateral *collateral, struct mse_error *err)
{
    MSE_CLEANUP(mse_blob_cleanup) struct mse_blob outer = { 0 };
    MSE_CLEANUP(mse_blob_cleanup) struct mse_blob inner = { 0 };
    struct mse_error ignored = { 0 };
    struct mse_bytes reply;

    if (!mse_bundle_base64(json, &json->values[0], "tcb_info", &outer, err))
        return false;
    reply = mse_blob_bytes(&outer);
    if (mse_bundle_unhex(reply, &inner, &ignored))
        reply = mse_blob_bytes(&inner);
    else if (ignored.code == MSE_ERR_MEMORY)
        return mse_fail_memory(err);
    return mse_collateral_add_item(collateral, MSE_ITEM_TCB_INFO, reply, name, false, err);
}

static bool add_qe_identity(const struct mse_json *json, const char *name,
                            struct mse_collateral *collateral, struct mse_error *err)
{
    MSE_CLEANUP(mse_blob_cleanup) struct mse_blob reply = { 0 };

    return mse_bundle_base64(json, &json->values[0], "qe_identity", &reply, err) &&
           mse_collateral_add_item(collateral, MSE_ITEM_QE_IDENTITY, mse_blob_bytes(&reply), name,
                                   false, err);
}

static bool add_pem(const struct mse_json *json, const char *member, const char *name,
                    struct mse_collateral *collateral, struct mse_error *err)
{
    MSE_CLEANUP(mse_text_cleanup) char *pem = NULL;

    if (!mse_bundle_text(json, &json->values[0], member, &pem, err))
        return false;
    if (!mse_bundle_add_x509(collateral, MSE_CSTR_BYTES(pem), name, err))
        return mse_fail_in(err, "%s", member);
    return true;
}

static bool certificate_der(const struct mse_json *json, struct mse_blob *out,
                            struct mse_error *err)
{
    MSE_CLEANUP(mse_text_cleanup) char *pem = NULL;
    struct mse_blob der = { 0 };
    size_t at = 0;

    *out = der;
    if (!mse_bundle_text(json, &json->values[0], "ratls_certificate", &pem, err))
        return false;
    der.len = strlen(pem);
    der.data = malloc(der.len + 1);
    if (der.data == NULL)
        return mse_fail_memory(err);
    if (!mse_pem_next(MSE_CSTR_BYTES(pem), &at, "CERTIFICATE", der.data, &der.len, err)) {
        mse_blob_cleanup(&der);
        return mse_fail(err, MSE_ERR_MISSING, 0, "ratls_certificate");
    }
    *out = der;
    return true;
}

/*
 * The file leaves out the certificates of the PCK CA and of the root, which its CRLs are to be
 * checked with: they travel as PEM text in the quote inside the attested certificate. There they
 * are untrusted input like the rest, so they are picked up as text, without asking what holds them.
 */
static bool add_embedded_chain(const struct mse_json *json, const char *name,
                               struct mse_collateral *collateral, struct mse_error *err)
{
    MSE_CLEANUP(mse_blob_cleanup) struct mse_blob der = { 0 };
    struct mse_bytes chain;

    if (!certificate_der(json, &der, err))
        return false;
    chain = mse_bundle_between(mse_blob_bytes(&der), PEM_BEGIN, PEM_END);
    if (chain.len == 0)
        return true;
    if (!mse_collateral_add_certs(collateral, chain, name, err))
        return mse_fail_in(err, "ratls_certificate: chain in the quote");
    return true;
}

bool mse_bundle_read_evidence(const struct mse_json *json, const char *name,
                              struct mse_collateral *collateral, struct mse_error *err)
{
    return add_embedded_chain(json, name, collateral, err) &&
           add_pem(json, "tcb_cert", name, collateral, err) &&
           add_pem(json, "root_ca_crl", name, collateral, err) &&
           add_pem(json, "pck_platform_crl", name, collateral, err) &&
           add_tcb_info(json, name, collateral, err) &&
           add_qe_identity(json, name, collateral, err);
}

bool mse_bundle_evidence_certificate(struct mse_bytes file, char **pem, struct mse_error *err)
{
    MSE_CLEANUP(mse_json_cleanup) struct mse_json json = { 0 };

    *pem = NULL;
    if (file.len > MSE_BUNDLE_MAX_EVIDENCE)
        return mse_fail(err, MSE_ERR_LIMIT, 0, "evidence.json");
    if (!mse_json_parse(file, &json, err))
        return false;
    if (json.values[0].type != MSE_JSON_OBJECT)
        return mse_fail(err, MSE_ERR_FORMAT, 0, "evidence.json");
    return mse_bundle_text(&json, &json.values[0], "ratls_certificate", pem, err);
}
