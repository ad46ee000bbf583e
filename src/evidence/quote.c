/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parser of Intel ECDSA quotes, versions 3, 4 and 5. References: Intel SGX ECDSA Quote Library
 * Reference, appendix A (version 3); Intel TDX DCAP Quoting Library API, A.3-A.4 (4 and 5).
 */
#include "evidence/quote.h"

#define ATT_KEY_ECDSA_P256 2

const uint8_t mse_qe_vendor_intel[16] = { 0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                          0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07 };
const uint8_t mse_qe_vendor_simulated[16] = { 'm', 's', 'e', '-', 's', 'i', 'm', 'u',
                                              'l', 'a', 't', 'e', 'd', 't', 'e', 'e' };

/* Fails at the start of a field that was read already. */
static void refuse(struct mse_reader *r, enum mse_err_code code, size_t at, const char *field)
{
    if (mse_read_ok(r))
        (void)mse_fail(r->err, code, at, field);
}

static void read_header(struct mse_reader *r, struct mse_quote *out)
{
    out->version = mse_read_u16le(r, "version");
    if (out->version < 3 || out->version > 5)
        refuse(r, MSE_ERR_UNSUPPORTED, 0, "version");
    out->att_key_type = mse_read_u16le(r, "att_key_type");
    if (out->att_key_type != ATT_KEY_ECDSA_P256)
        refuse(r, MSE_ERR_UNSUPPORTED, 2, "att_key_type");
    out->tee_type = mse_read_u32le(r, "tee_type");
    /* v3 knows SGX only: the field is reserved there and zero in every quote. */
    if (out->version == 3 && out->tee_type != 0)
        refuse(r, MSE_ERR_VALUE, 4, "reserved");
    if (out->tee_type != MSE_TEE_TYPE_SGX && out->tee_type != MSE_TEE_TYPE_TDX)
        refuse(r, MSE_ERR_UNSUPPORTED, 4, "tee_type");
    out->qe_svn = mse_read_u16le(r, "qe_svn");
    out->pce_svn = mse_read_u16le(r, "pce_svn");
    out->qe_vendor_id = mse_read_array(r, 16, "qe_vendor_id");
    out->user_data = mse_read_array(r, 20, "user_data");
}

/* v5 states type and size of its body; neither may disagree with the other or with the TEE. */
static void read_body_descriptor(struct mse_reader *r, struct mse_quote *out)
{
    static const struct {
        uint16_t type;
        uint32_t size;
        uint32_t tee_type;
        enum mse_quote_body body;
    } known[] = {
        { 1, MSE_SGX_BODY_SIZE, MSE_TEE_TYPE_SGX, MSE_QUOTE_BODY_SGX },
        { 2, MSE_TD10_BODY_SIZE, MSE_TEE_TYPE_TDX, MSE_QUOTE_BODY_TD10 },
        { 3, MSE_TD15_BODY_SIZE, MSE_TEE_TYPE_TDX, MSE_QUOTE_BODY_TD15 },
    };
    size_t at = mse_reader_offset(r);
    uint16_t type = mse_read_u16le(r, "body_type");
    uint32_t size = mse_read_u32le(r, "body_size");

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].type != type)
            continue;
        if (known[i].tee_type != out->tee_type)
            refuse(r, MSE_ERR_VALUE, 4, "tee_type");
        if (known[i].size != size)
            refuse(r, MSE_ERR_VALUE, at + 2, "body_size");
        out->body_type = known[i].body;
        return;
    }
    refuse(r, MSE_ERR_UNSUPPORTED, at, "body_type");
}

static void read_body(struct mse_reader *r, struct mse_quote *out)
{
    if (out->version == 5)
        read_body_descriptor(r, out);
    else
        out->body_type = out->tee_type == MSE_TEE_TYPE_TDX ? MSE_QUOTE_BODY_TD10
                                                           : MSE_QUOTE_BODY_SGX;
    if (!mse_read_ok(r))
        return;
    if (out->body_type == MSE_QUOTE_BODY_SGX) {
        mse_sgx_body_read(r, &out->sgx);
        out->report_data = out->sgx.report_data;
    } else {
        mse_td_body_read(r, out->body_type == MSE_QUOTE_BODY_TD15, &out->td);
        out->report_data = out->td.report_data;
    }
}

/* QE report, its signature, authentication data, and what certifies the signing key. */
static void read_qe_part(struct mse_reader *r, struct mse_quote *out)
{
    uint16_t auth_len;
    size_t at;

    mse_sgx_body_read(r, &out->qe_report);
    out->qe_report_signature = mse_read_array(r, 64, "qe_report_signature");
    auth_len = mse_read_u16le(r, "qe_auth_data.size");
    out->qe_auth_data = mse_read_bytes(r, auth_len, "qe_auth_data");
    at = mse_reader_offset(r);
    mse_cert_data_read(r, &out->cert_data);
    /* Type 6 is the wrapper of v4 and v5 around this very part: not in v3, never in itself. */
    if (out->cert_data.type == MSE_CERT_DATA_QE_REPORT)
        refuse(r, MSE_ERR_VALUE, at, "cert_data.type");
}

/* v4 and v5: the QE part is the body of certification data of type 6. */
static bool read_wrapped_qe_part(struct mse_reader *r, struct mse_quote *out)
{
    size_t at = mse_reader_offset(r);
    uint16_t type = mse_read_u16le(r, "cert_data.type");
    uint32_t size = mse_read_u32le(r, "cert_data.size");
    struct mse_reader wrapped;

    if (type != MSE_CERT_DATA_QE_REPORT)
        refuse(r, MSE_ERR_VALUE, at, "cert_data.type");
    wrapped = mse_read_sub(r, size, "cert_data.body");
    read_qe_part(&wrapped, out);
    return mse_read_done(&wrapped, "cert_data.body");
}

static bool read_signature_data(struct mse_reader *r, struct mse_quote *out)
{
    uint32_t size = mse_read_u32le(r, "signature_data.size");
    struct mse_reader data = mse_read_sub(r, size, "signature_data");

    out->signature = mse_read_array(&data, 64, "signature");
    out->att_key = mse_read_array(&data, 64, "att_key");
    if (out->version == 3)
        read_qe_part(&data, out);
    else if (!read_wrapped_qe_part(&data, out))
        return false;
    return mse_read_done(&data, "signature_data");
}

static bool read_quote(struct mse_reader *r, struct mse_bytes in, struct mse_quote *out)
{
    read_header(r, out);
    read_body(r, out);
    out->signed_part = (struct mse_bytes){ in.data, mse_reader_offset(r) };
    if (!read_signature_data(r, out))
        return false;
    out->len = mse_reader_offset(r);
    return true;
}

/* Quotes come in buffers of fixed size (8192 bytes and others) that were zero before. */
static bool read_padding(struct mse_reader *r, enum mse_padding padding)
{
    size_t at = mse_reader_offset(r);
    struct mse_bytes rest;

    if (padding == MSE_PADDING_NONE)
        return mse_read_done(r, "quote");
    rest = mse_read_rest(r);
    if (!mse_is_zero(rest.data, rest.len))
        return mse_fail(r->err, MSE_ERR_TRAILING, at, "quote");
    return true;
}

bool mse_quote_parse(struct mse_bytes in, enum mse_padding padding, struct mse_quote *out,
                     struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(in, err);

    *out = (struct mse_quote){ 0 };
    if (in.len > MSE_QUOTE_MAX_SIZE)
        return mse_fail(err, MSE_ERR_LIMIT, MSE_QUOTE_MAX_SIZE, "quote");
    if (!read_quote(&r, in, out) || !read_padding(&r, padding)) {
        *out = (struct mse_quote){ 0 };
        return false;
    }
    return true;
}
