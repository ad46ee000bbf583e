/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Derives from the formats alone which bytes are outside everything signed and everything parsed.
 *
 * Quote: header and body are signed by the attestation key, that key and the authentication data
 * are in the quoting enclave's report, which the PCK key signs; lengths must agree with each other
 * and with the file. Of the PEM chain every character decides a bit of a signed certificate, but
 * for white space between base64 digits, where any other white space does as well (RFC 7468, 2).
 * The root at the end signs itself, and zeros behind the chain or the quote must be zeros.
 * SNP report: the first 0x2a0 bytes are signed, the rest is the signature or zero. In the
 * certificate table behind it a GUID is a label only: what a certificate is, it says itself.
 * HCL report: the request type says why the report was asked for.
 * Attested certificate: signed as a whole by its own key.
 * TCB info and QE identity: the inner object is signed; the signature is hex of either case, and
 * JSON has white space around its tokens.
 * Roots' certificates: a root is its pinned key. Certificates that evidence and set both have: one
 * that fits will do. But whatever the evidence calls a root must be one.
 */
#include "regions.h"

#include <stdlib.h>

#include "base/encode.h"
#include "endorsement/chain.h"
#include "endorsement/signed_json.h"
#include "verdict/subject.h"

#define GUID_SIZE 16
#define TABLE_ENTRY_SIZE 24
#define HCL_REQUEST_TYPE 0x0c

static uint8_t flipped(struct mse_bytes in, size_t at)
{
    return in.data[at] ^ flipped_bit(at);
}

/* ---- what is needed ---- */

static void bring(struct needed *n, struct mse_bytes der)
{
    uint8_t *copy = malloc(der.len);

    if (copy == NULL || n->brought_count == sizeof(n->brought) / sizeof(n->brought[0])) {
        free(copy);
        return;
    }
    memcpy(copy, der.data, der.len);
    n->brought[n->brought_count++] = (struct mse_bytes){ copy, der.len };
}

static bool needed_of_quote(struct mse_bytes in, struct needed *out)
{
    struct mse_error err = { 0 };
    struct mse_quote quote;
    size_t at = 0, len;
    uint8_t *der;

    if (!mse_quote_parse(in, MSE_PADDING_ZERO, &quote, &err))
        return false;
    out->intel = true;
    out->tdx = quote.tee_type == MSE_TEE_TYPE_TDX;
    der = malloc(quote.cert_data.body.len + 1);
    while (len = quote.cert_data.body.len + 1,
           der != NULL && mse_pem_next(quote.cert_data.body, &at, "CERTIFICATE", der, &len, &err))
        bring(out, (struct mse_bytes){ der, len });
    free(der);
    return true;
}

static bool needed_of_snp(struct mse_bytes in, const struct mse_snp_certs *certs,
                          struct needed *out)
{
    struct mse_error err = { 0 };
    struct mse_snp_report report;

    if (!mse_snp_report_parse(in, &report, &err))
        return false;
    out->vlek = report.signing_key == MSE_SNP_VLEK;
    for (size_t i = 0; i < certs->count; i++)
        bring(out, certs->of[i].der);
    return true;
}

static bool needed_of_certificate(struct mse_bytes in, struct needed *out)
{
    struct mse_error err = { 0 };
    struct mse_cert cert;
    struct mse_ratls ratls;
    const struct mse_attestation *a;
    bool ok;

    if (!mse_cert_parse(in, &cert, &err) || !mse_ratls_read(&cert, NULL, &ratls, &err))
        return false;
    a = &ratls.of[0].attestation;
    ok = a->kind == MSE_EVIDENCE_SNP ? needed_of_snp(a->evidence, &a->certs, out)
                                     : needed_of_quote(a->evidence, out);
    mse_ratls_cleanup(&ratls);
    return ok;
}

bool needed_of(struct mse_bytes in, bool certificate, struct needed *out)
{
    struct mse_error err = { 0 };
    struct mse_subject subject;

    *out = (struct needed){ 0 };
    if (certificate)
        return needed_of_certificate(in, out);
    if (!mse_subject_open(in, &subject, &err))
        return false;
    return subject.kind == MSE_EVIDENCE_SNP ? needed_of_snp(subject.evidence, &subject.certs, out)
                                            : needed_of_quote(subject.evidence, out);
}

void needed_cleanup(struct needed *needed)
{
    for (size_t i = 0; i < needed->brought_count; i++)
        free((void *)needed->brought[i].data);
    *needed = (struct needed){ 0 };
}

static bool is_brought(const struct needed *n, struct mse_bytes der)
{
    for (size_t i = 0; i < n->brought_count; i++) {
        if (mse_bytes_equal(n->brought[i], der))
            return true;
    }
    return false;
}

/* True if the evidence brings the certificate whose subject this is. */
static bool brings_subject(const struct needed *n, struct mse_bytes name)
{
    for (size_t i = 0; i < n->brought_count; i++) {
        struct mse_error ignored = { 0 };
        struct mse_cert cert;

        if (mse_cert_parse(n->brought[i], &cert, &ignored) && mse_bytes_equal(cert.subject, name))
            return true;
    }
    return false;
}

static bool cert_is_needed(const struct mse_item *item, const struct needed *n)
{
    struct mse_error ignored = { 0 };
    struct mse_cert cert;

    if (!mse_cert_parse(item->bytes, &cert, &ignored))
        return false;
    switch (mse_cert_role_guess(&cert)) {
    case MSE_ROLE_INTEL_ROOT:
    case MSE_ROLE_TCB_SIGNING:
        return n->intel;
    case MSE_ROLE_PCK_PLATFORM_CA:
    case MSE_ROLE_PCK_PROCESSOR_CA:
        return n->intel && brings_subject(n, cert.subject);
    case MSE_ROLE_ARK:
        return !n->intel;
    case MSE_ROLE_ASK:
    case MSE_ROLE_VCEK:
        return !n->intel && !n->vlek;
    case MSE_ROLE_ASVK:
    case MSE_ROLE_VLEK:
        return !n->intel && n->vlek;
    case MSE_ROLE_PCK_LEAF:
    case MSE_ROLE_UNKNOWN:
        break;
    }
    return false;
}

static bool crl_is_needed(const struct mse_item *item, const struct needed *n)
{
    struct mse_error ignored = { 0 };
    struct mse_crl crl;
    bool needed;

    if (!mse_crl_parse(item->bytes, &crl, &ignored))
        return false;
    needed = !n->intel || brings_subject(n, crl.issuer);
    mse_crl_cleanup(&crl);
    return needed;
}

static bool json_is_needed(const struct mse_item *item, const struct needed *n)
{
    bool is_info = item->kind == MSE_ITEM_TCB_INFO;
    struct mse_error ignored = { 0 };
    struct mse_qe_identity identity;
    struct mse_tcb_info info;
    struct mse_bytes body;
    uint8_t signature[64];
    bool needed = false;

    if (!mse_signed_json_split(item->bytes, is_info ? "tcbInfo" : "enclaveIdentity", &body,
                               signature, &ignored))
        return false;
    if (is_info && mse_tcb_info_parse(body, &info, &ignored)) {
        needed = n->intel && info.is_tdx == n->tdx;
        mse_tcb_info_cleanup(&info);
    } else if (!is_info && mse_qe_identity_parse(body, &identity, &ignored)) {
        needed = n->intel && identity.id == (n->tdx ? MSE_QE_TDX : MSE_QE_SGX);
        mse_qe_identity_cleanup(&identity);
    }
    return needed;
}

bool item_is_needed(const struct mse_item *item, const struct needed *needed)
{
    switch (item->kind) {
    case MSE_ITEM_CERT:
        return cert_is_needed(item, needed);
    case MSE_ITEM_CRL:
        return crl_is_needed(item, needed);
    case MSE_ITEM_TCB_INFO:
    case MSE_ITEM_QE_IDENTITY:
        return json_is_needed(item, needed);
    }
    return false;
}

/* ---- evidence ---- */

static bool is_space(uint8_t c)
{
    return c == '\r' || c == '\n' || c == ' ' || c == '\t';
}

/* White space inside PEM blocks; in: all of the evidence, body: a part of it. */
static void declare_pem(struct mse_bytes in, struct mse_bytes body, const char **reason)
{
    size_t start = (size_t)(body.data - in.data);

    for (size_t i = start; i < start + body.len; i++) {
        if (is_space(in.data[i]) && is_space(flipped(in, i)))
            reason[i] = "white space of PEM";
    }
}

/* A certificate of the table, if the set has the same. */
static void declare_twin(struct mse_bytes in, struct mse_bytes der,
                         const struct mse_item *const *items, size_t count, const char **reason)
{
    size_t start = (size_t)(der.data - in.data);
    struct mse_error ignored = { 0 };
    struct mse_cert cert;

    if (!mse_cert_parse(der, &cert, &ignored) || mse_cert_role_guess(&cert) == MSE_ROLE_ARK)
        return;
    for (size_t i = 0; i < count; i++) {
        if (items[i]->kind != MSE_ITEM_CERT || !mse_bytes_equal(items[i]->bytes, der))
            continue;
        for (size_t k = 0; k < der.len; k++)
            reason[start + k] = "certificate that the set has too";
    }
}

static void declare_labels(struct mse_bytes in, const char **reason)
{
    for (size_t at = MSE_SNP_REPORT_SIZE; at + TABLE_ENTRY_SIZE <= in.len; at += TABLE_ENTRY_SIZE) {
        if (mse_is_zero(in.data + at, TABLE_ENTRY_SIZE))
            return;
        for (size_t i = 0; i < GUID_SIZE; i++)
            reason[at + i] = "label of a certificate table's entry";
    }
}

void declare_evidence(struct mse_bytes in, bool certificate, const struct mse_item *const *items,
                      size_t count, const char **reason)
{
    struct mse_error err = { 0 };
    struct mse_subject subject;
    struct mse_quote quote;

    if (certificate || !mse_subject_open(in, &subject, &err))
        return;
    if (subject.is_hcl) {
        for (size_t i = 0; i < 4; i++)
            reason[HCL_REQUEST_TYPE + i] = "request type of an HCL report";
    } else if (subject.kind == MSE_EVIDENCE_SNP) {
        declare_labels(in, reason);
        for (size_t i = 0; i < subject.certs.count; i++)
            declare_twin(in, subject.certs.of[i].der, items, count, reason);
    } else if (mse_quote_parse(subject.evidence, MSE_PADDING_ZERO, &quote, &err)) {
        declare_pem(in, quote.cert_data.body, reason);
    }
}

/* ---- collateral ---- */

static void declare_all(const struct mse_item *item, const char *why, const char **reason)
{
    for (size_t i = 0; i < item->bytes.len; i++)
        reason[i] = why;
}

static void declare_cert(const struct mse_item *item, const struct needed *n, const char **reason)
{
    struct mse_error ignored = { 0 };
    struct mse_cert cert;
    enum mse_cert_role role;

    if (!mse_cert_parse(item->bytes, &cert, &ignored))
        return;
    role = mse_cert_role_guess(&cert);
    if (role == MSE_ROLE_INTEL_ROOT || role == MSE_ROLE_ARK)
        declare_all(item, "certificate of a pinned root", reason);
    else if (is_brought(n, item->bytes))
        declare_all(item, "certificate that the evidence brings too", reason);
}

static bool same_digit(uint8_t a, uint8_t b)
{
    return (a ^ b) == 0x20 && (a | 0x20) >= 'a' && (a | 0x20) <= 'f';
}

static void declare_json(const struct mse_item *item, const char **reason)
{
    bool is_info = item->kind == MSE_ITEM_TCB_INFO;
    static const char key[] = "\"signature\"";
    struct mse_error ignored = { 0 };
    struct mse_bytes in = item->bytes, body;
    uint8_t signature[64];
    const uint8_t *found;
    size_t start, end;

    if (!mse_signed_json_split(in, is_info ? "tcbInfo" : "enclaveIdentity", &body, signature,
                               &ignored))
        return;
    start = (size_t)(body.data - in.data);
    end = start + body.len;
    found = memmem(in.data + end, in.len - end, key, sizeof(key) - 1);
    for (size_t i = 0; i < in.len; i++) {
        bool outside = i < start || i >= end;

        if (outside && is_space(in.data[i]) && is_space(flipped(in, i)))
            reason[i] = "white space of JSON";
        if (found != NULL && in.data + i >= found + sizeof(key) - 1 &&
            same_digit(in.data[i], flipped(in, i)))
            reason[i] = "case of a hex digit of the signature";
    }
}

void declare_item(const struct mse_item *item, const struct needed *needed, const char **reason)
{
    switch (item->kind) {
    case MSE_ITEM_CERT:
        declare_cert(item, needed, reason);
        return;
    case MSE_ITEM_CRL: /* signed, or the signature */
        return;
    case MSE_ITEM_TCB_INFO:
    case MSE_ITEM_QE_IDENTITY:
        declare_json(item, reason);
        return;
    }
}
