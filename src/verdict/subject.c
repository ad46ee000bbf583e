/* SPDX-License-Identifier: Apache-2.0 */
/* Opening what is judged, and the checks on the certificate around the evidence. */
#include "verdict/subject.h"

#include "base/encode.h"
#include "verdict/name.h"

#define OE_REPORT_HEADER 16

static bool open_snp(struct mse_bytes in, struct mse_subject *out, struct mse_error *err)
{
    struct mse_bytes rest = { in.data + MSE_SNP_REPORT_SIZE, in.len - MSE_SNP_REPORT_SIZE };
    struct mse_snp_report report;

    /* First what it is, then what follows it. */
    if (!mse_snp_report_parse((struct mse_bytes){ in.data, MSE_SNP_REPORT_SIZE }, &report, err))
        return false;
    out->kind = MSE_EVIDENCE_SNP;
    out->evidence = (struct mse_bytes){ in.data, MSE_SNP_REPORT_SIZE };
    /* The table the kernel hands out with an extended report follows the report. */
    if (rest.len > 0 && !mse_is_zero(rest.data, rest.len))
        return mse_snp_cert_table_parse(rest, &out->certs, err) ||
               mse_fail_in(err, "certificate table");
    return true;
}

static bool open_hcl(struct mse_bytes in, struct mse_subject *out, struct mse_error *err)
{
    if (!mse_hcl_parse(in, &out->hcl, err))
        return mse_fail_in(err, "HCL report");
    out->is_hcl = true;
    if (out->hcl.type == MSE_HCL_TDX)
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "HCL report",
                             "holds a TDREPORT, which only the machine that made it can check: ask "
                             "for the TD quote");
    out->kind = MSE_EVIDENCE_SNP;
    out->evidence = out->hcl.hw_report;
    return true;
}

bool mse_subject_open(struct mse_bytes in, struct mse_subject *out, struct mse_error *err)
{
    static const uint8_t oe_report[8] = { 1, 0, 0, 0, 2, 0, 0, 0 };
    unsigned version;

    memset(out, 0, sizeof(*out));
    if (in.len < 8)
        return mse_fail(err, MSE_ERR_TRUNCATED, in.len, "evidence");
    if (memcmp(in.data, "HCLA", 4) == 0)
        return open_hcl(in, out, err);
    if (memcmp(in.data, oe_report, sizeof(oe_report)) == 0 && in.len > OE_REPORT_HEADER) {
        struct mse_reader r = mse_reader_init(in, err);
        uint64_t size;

        (void)mse_read_array(&r, sizeof(oe_report), "oe_report.header");
        size = mse_read_u64le(&r, "oe_report.size");
        if (size != mse_reader_left(&r))
            return mse_reader_fail(&r, MSE_ERR_VALUE, "oe_report.size");
        out->kind = MSE_EVIDENCE_QUOTE;
        out->evidence = mse_read_rest(&r); /* the length was just compared */
        return true;
    }
    version = (unsigned)(in.data[0] | in.data[1] << 8);
    /* An SNP report begins with a 32-bit version, a quote with 16-bit version and key type (2):
     * bytes 2 and 3 tell them apart. */
    if (version < 16 && (in.data[2] != 0 || in.data[3] != 0)) {
        out->kind = MSE_EVIDENCE_QUOTE;
        out->evidence = in;
        return true;
    }
    if (in.len >= MSE_SNP_REPORT_SIZE)
        return open_snp(in, out, err);
    return mse_fail_text(err, MSE_ERR_FORMAT, "evidence",
                         "is no SGX or TDX quote, SNP report or HCL report");
}

static size_t count_blocks(struct mse_bytes in)
{
    static const char begin[] = "-----BEGIN ";
    const uint8_t *at = in.data, *end = in.data + in.len;
    size_t count = 0;

    while ((at = memmem(at, (size_t)(end - at), begin, sizeof(begin) - 1)) != NULL) {
        at += sizeof(begin) - 1;
        count++;
    }
    return count;
}

bool mse_subject_certificate_der(struct mse_bytes in, uint8_t *out, size_t *len,
                                 struct mse_error *err)
{
    size_t at = 0;

    if (in.len > 0 && in.data[0] == 0x30) { /* a SEQUENCE: DER */
        if (in.len > *len)
            return mse_fail(err, MSE_ERR_LIMIT, in.len, "certificate");
        memcpy(out, in.data, in.len);
        *len = in.len;
        return true;
    }
    if (mse_pem_next(in, &at, "CERTIFICATE", out, len, err)) {
        /* Others would load every block of the file, whatever its label: one is judged, one may be
         * there. */
        if (count_blocks(in) == 1)
            return true;
        *len = 0;
        return mse_fail_text(err, MSE_ERR_DUPLICATE, "certificate",
                             "the file holds more than one PEM block; exactly one is judged");
    }
    *len = 0;
    return mse_fail_text(err, MSE_ERR_FORMAT, "certificate", "is neither DER nor PEM");
}

/* RFC 5280, 4.2: an unknown critical extension must be refused. */
static bool check_critical(const struct mse_cert *cert, struct mse_error *err)
{
    /* id-ce 14, 15, 17, 19, 30, 35, 37: content octets 55 1d NN */
    static const uint8_t known[] = { 14, 15, 17, 19, 30, 35, 37 };
    char text[96];

    for (size_t i = 0; i < cert->extension_count; i++) {
        const struct mse_extension *e = &cert->extensions[i];

        if (!e->critical || mse_ratls_knows_oid(e->oid))
            continue;
        if (e->oid.len == 3 && e->oid.data[0] == 0x55 && e->oid.data[1] == 0x1d &&
            memchr(known, e->oid.data[2], sizeof(known)) != NULL)
            continue;
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "certificate",
                             "has the unknown critical extension %s (RFC 5280, 4.2)",
                             mse_oid_text(e->oid, text, sizeof(text)));
    }
    return true;
}

void mse_subject_check_certificate(const struct mse_request *request, struct mse_report *r)
{
    const struct mse_cert *cert = &r->certificate;
    struct mse_error err = { 0 };
    struct mse_error name_err = { 0 };

    r->shape = mse_shape_of(cert, &r->shape_reason);
    r->holds_from = cert->not_before;
    r->holds_until = cert->not_after;
    /* Its other fields are vouched for by the key alone; at least that key must have signed them.
     * What carries no evidence may be anybody's: its key is then proven by fresh evidence. */
    if (request->fresh != NULL && !mse_ratls_has_evidence(cert)) {
        if (mse_cert_check_dates(cert, request->at, "certificate", &err) &&
            check_critical(cert, &err))
            mse_check_pass_text(&r->checks, MSE_CHECK_CERTIFICATE,
                                "who issued it was not checked: fresh evidence is about its key");
        else
            (void)mse_check_fail_error(&r->checks, MSE_CHECK_CERTIFICATE, &err);
    } else if (!mse_bytes_equal(cert->issuer, cert->subject))
        (void)mse_check_fail(&r->checks, MSE_CHECK_CERTIFICATE, MSE_ERR_CHAIN,
                             "it is not self-signed: issuer and subject differ");
    else if (!mse_cert_check_self_signed(cert, &err) ||
             !mse_cert_check_dates(cert, request->at, "certificate", &err) ||
             !check_critical(cert, &err))
        (void)mse_check_fail_error(&r->checks, MSE_CHECK_CERTIFICATE, &err);
    else
        mse_check_pass(&r->checks, MSE_CHECK_CERTIFICATE);
    if (request->name == NULL)
        mse_check_waive(&r->checks, MSE_CHECK_NAME, "no name was asked for");
    else if (mse_name_check(cert, request->name, &name_err))
        mse_check_pass(&r->checks, MSE_CHECK_NAME);
    else
        (void)mse_check_fail_error(&r->checks, MSE_CHECK_NAME, &name_err);
}
