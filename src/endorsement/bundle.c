/* SPDX-License-Identifier: Apache-2.0 */
/* Files with collateral: recognises what they are by content and hands them to their reader. */
#include <stdlib.h>

#include "base/encode.h"
#include "crypto/der.h"
#include "endorsement/bundle_parts.h"

static const struct {
    const char *name;
    size_t cap;
} kinds[] = {
    [MSE_BUNDLE_UNKNOWN] = { "unknown", 0 },
    [MSE_BUNDLE_MSE] = { "MSE collateral bundle", MSE_BUNDLE_MAX_FILE },
    [MSE_BUNDLE_MSE_EVIDENCE] = { "evidence.json", MSE_BUNDLE_MAX_EVIDENCE },
    [MSE_BUNDLE_DCAP_QVL] = { "dcap-qvl collateral", MSE_BUNDLE_MAX_DCAP_QVL },
    [MSE_BUNDLE_OPEN_ENCLAVE] = { "Open Enclave endorsements", MSE_BUNDLE_MAX_OPEN_ENCLAVE },
    [MSE_BUNDLE_TCB_INFO] = { "TCB info", MSE_BUNDLE_MAX_REPLY },
    [MSE_BUNDLE_QE_IDENTITY] = { "QE identity", MSE_BUNDLE_MAX_REPLY },
    [MSE_BUNDLE_CRL] = { "CRL", 2 * MSE_CRL_MAX_SIZE + 4096 }, /* hex doubles it */
    [MSE_BUNDLE_CERTS] = { "certificates", MSE_BUNDLE_MAX_CERTS },
};

const char *mse_bundle_kind_name(enum mse_bundle_kind kind)
{
    return (size_t)kind < sizeof(kinds) / sizeof(kinds[0]) ? kinds[kind].name : "unknown";
}

static bool looks_like_json(struct mse_bytes file)
{
    size_t at = 0;

    while (at < file.len && memchr(" \t\r\n", file.data[at], 4) != NULL)
        at++;
    return at < file.len && file.data[at] == '{';
}

static bool looks_like_hex(struct mse_bytes file)
{
    size_t digits = 0;

    for (size_t i = 0; i < file.len; i++) {
        uint8_t c = file.data[i];

        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
            digits++;
        else if (memchr(" \t\r\n", c, 4) == NULL)
            return false;
    }
    return digits >= 2;
}

static bool has_text(struct mse_bytes file, const char *text)
{
    return file.data != NULL && memmem(file.data, file.len, text, strlen(text)) != NULL;
}

/* So that a damaged binary file with PEM somewhere inside does not pass for a PEM file. */
static bool is_text(struct mse_bytes file)
{
    for (size_t i = 0; i < file.len; i++) {
        uint8_t c = file.data[i];

        if (c == 0x7f || (c < ' ' && memchr("\t\r\n", c, 3) == NULL))
            return false;
    }
    return true;
}

/* Outermost members decide; a file that has those of two kinds is read as the first of them. */
static enum mse_bundle_kind guess_json(const struct mse_json *json)
{
    static const struct {
        const char *member;
        enum mse_bundle_kind kind;
    } table[] = {
        { "format", MSE_BUNDLE_MSE },
        { "ratls_certificate", MSE_BUNDLE_MSE_EVIDENCE },
        { "tcb_info_signature", MSE_BUNDLE_DCAP_QVL },
        { "tcbInfo", MSE_BUNDLE_TCB_INFO },
        { "enclaveIdentity", MSE_BUNDLE_QE_IDENTITY },
    };
    const struct mse_json_value *root = &json->values[0];

    if (root->type != MSE_JSON_OBJECT)
        return MSE_BUNDLE_UNKNOWN;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (mse_json_member(json, root, table[i].member) != NULL)
            return table[i].kind;
    }
    return MSE_BUNDLE_UNKNOWN;
}

static bool is_crl(struct mse_bytes der)
{
    struct mse_error ignored = { 0 };
    struct mse_crl crl = { 0 };
    bool yes = mse_crl_parse(der, &crl, &ignored);

    mse_crl_cleanup(&crl);
    return yes;
}

static enum mse_bundle_kind guess_x509(struct mse_bytes file)
{
    MSE_CLEANUP(mse_blob_cleanup) struct mse_blob der = { 0 };
    struct mse_error ignored = { 0 };

    if (file.len > 0 && file.data[0] == MSE_DER_SEQUENCE && !looks_like_hex(file))
        return is_crl(file) ? MSE_BUNDLE_CRL : MSE_BUNDLE_CERTS;
    if (looks_like_hex(file)) {
        if (!mse_bundle_unhex(file, &der, &ignored) || der.data[0] != MSE_DER_SEQUENCE)
            return MSE_BUNDLE_UNKNOWN;
        return is_crl(mse_blob_bytes(&der)) ? MSE_BUNDLE_CRL : MSE_BUNDLE_CERTS;
    }
    if (!is_text(file))
        return MSE_BUNDLE_UNKNOWN;
    if (has_text(file, "-----BEGIN CERTIFICATE-----"))
        return MSE_BUNDLE_CERTS;
    return has_text(file, "-----BEGIN X509 CRL-----") ? MSE_BUNDLE_CRL : MSE_BUNDLE_UNKNOWN;
}

static enum mse_bundle_kind guess_other(struct mse_bytes file)
{
    return mse_bundle_is_open_enclave(file) ? MSE_BUNDLE_OPEN_ENCLAVE : guess_x509(file);
}

enum mse_bundle_kind mse_bundle_guess(struct mse_bytes file)
{
    MSE_CLEANUP(mse_json_cleanup) struct mse_json json = { 0 };
    struct mse_error ignored = { 0 };

    if (file.len > MSE_BUNDLE_MAX_FILE)
        return MSE_BUNDLE_UNKNOWN;
    if (!looks_like_json(file))
        return guess_other(file);
    return mse_json_parse(file, &json, &ignored) ? guess_json(&json) : MSE_BUNDLE_UNKNOWN;
}

static bool read_as(enum mse_bundle_kind kind, const struct mse_json *json, struct mse_bytes file,
                    const char *name, struct mse_collateral *collateral, struct mse_error *err)
{
    if (kind != MSE_BUNDLE_UNKNOWN && file.len > kinds[kind].cap)
        return mse_fail_text(err, MSE_ERR_LIMIT, kinds[kind].name, "%zu bytes, at most %zu",
                             file.len, kinds[kind].cap);
    switch (kind) {
    case MSE_BUNDLE_UNKNOWN:
        break;
    case MSE_BUNDLE_MSE:
        return mse_bundle_read_mse(json, name, collateral, err);
    case MSE_BUNDLE_MSE_EVIDENCE:
        return mse_bundle_read_evidence(json, name, collateral, err);
    case MSE_BUNDLE_DCAP_QVL:
        return mse_bundle_read_dcap_qvl(json, name, collateral, err);
    case MSE_BUNDLE_OPEN_ENCLAVE:
        return mse_bundle_read_open_enclave(file, name, collateral, err);
    case MSE_BUNDLE_TCB_INFO:
        return mse_collateral_add_item(collateral, MSE_ITEM_TCB_INFO, file, name, false, err);
    case MSE_BUNDLE_QE_IDENTITY:
        return mse_collateral_add_item(collateral, MSE_ITEM_QE_IDENTITY, file, name, false, err);
    case MSE_BUNDLE_CRL:
    case MSE_BUNDLE_CERTS:
        return mse_bundle_add_x509(collateral, file, name, err);
    }
    return mse_fail_text(err, MSE_ERR_FORMAT, "collateral",
                         "not a kind of collateral that is known: neither bundle nor TCB info, QE "
                         "identity, CRL, certificate");
}

bool mse_bundle_read(struct mse_bytes file, const char *name, struct mse_collateral *collateral,
                     struct mse_error *err)
{
    MSE_CLEANUP(mse_json_cleanup) struct mse_json json = { 0 };
    enum mse_bundle_kind kind;

    if (name == NULL)
        name = "";
    if (file.len > MSE_BUNDLE_MAX_FILE)
        return mse_fail_text(err, MSE_ERR_LIMIT, name, "%zu bytes, at most %u", file.len,
                             MSE_BUNDLE_MAX_FILE);
    if (looks_like_json(file)) {
        if (!mse_json_parse(file, &json, err))
            return mse_fail_in(err, "%s", name);
        kind = guess_json(&json);
    } else {
        kind = guess_other(file);
    }
    if (!read_as(kind, &json, file, name, collateral, err))
        return mse_fail_in(err, "%s", name);
    return true;
}

bool mse_collateral_add(struct mse_collateral *collateral, struct mse_bytes file, const char *name,
                        struct mse_error *err)
{
    return mse_bundle_read(file, name, collateral, err);
}
