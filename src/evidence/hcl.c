/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parser of Azure's HCL report: an attestation request of version 1 as the paravisor writes it
 * (OpenHCL sources, openhcl_attestation_protocol, igvm_attest): header, hardware report, runtime
 * claims.
 */
#include "evidence/hcl.h"

#include "crypto/hash.h"

#define RUNTIME_OFFSET 0x4d4U
#define REQUEST_DATA_SIZE 20U
#define SNP_REPORT_DATA_OFFSET 0x50
#define TDREPORT_SIZE 1024
#define TDREPORT_REPORT_DATA_OFFSET 128
#define HASH_SHA256 1

/* Fails at the start of a field that was read already. */
static void refuse(struct mse_reader *r, enum mse_err_code code, size_t at, const char *field)
{
    if (mse_read_ok(r))
        (void)mse_fail(r->err, code, at, field);
}

/* Nothing signs the header; it only has to be what such a report has. */
static uint32_t read_header(struct mse_reader *r)
{
    const uint8_t *magic = mse_read_array(r, 4, "signature");
    uint32_t version, report_size;

    if (magic != NULL && memcmp(magic, "HCLA", 4) != 0)
        refuse(r, MSE_ERR_FORMAT, 0, "signature");
    version = mse_read_u32le(r, "version");
    if (version != 1 && version != 2)
        refuse(r, MSE_ERR_UNSUPPORTED, 4, "version");
    report_size = mse_read_u32le(r, "report_size");
    (void)mse_read_u32le(r, "request_type"); /* why it was asked for: of no concern here */
    if (mse_read_u32le(r, "status") != 0)
        refuse(r, MSE_ERR_VALUE, 0x10, "status");
    mse_read_zero(r, 12, "reserved");
    return report_size;
}

/* The slot is as large as an SNP report; the shorter TDREPORT leaves zeros behind it. */
static void read_hw_report(struct mse_reader slot, struct mse_hcl *out)
{
    struct mse_reader at_report_data;

    if (out->type == MSE_HCL_SNP) {
        out->hw_report = mse_read_bytes(&slot, MSE_HCL_HW_REPORT_SIZE, "hw_report");
        at_report_data = mse_reader_init(out->hw_report, slot.err);
        (void)mse_read_array(&at_report_data, SNP_REPORT_DATA_OFFSET, "hw_report");
    } else {
        out->hw_report = mse_read_bytes(&slot, TDREPORT_SIZE, "hw_report");
        mse_read_zero(&slot, MSE_HCL_HW_REPORT_SIZE - TDREPORT_SIZE, "hw_report: rest");
        at_report_data = mse_reader_init(out->hw_report, slot.err);
        (void)mse_read_array(&at_report_data, TDREPORT_REPORT_DATA_OFFSET, "hw_report");
    }
    out->report_data = mse_read_array(&at_report_data, 64, "report_data");
}

/* Request data and the runtime claims it measures, which it says the size of twice. */
static void read_request_data(struct mse_reader *r, uint32_t report_size, struct mse_hcl *out)
{
    uint32_t data_size = mse_read_u32le(r, "data_size");
    uint32_t version = mse_read_u32le(r, "data.version");
    uint32_t report_type = mse_read_u32le(r, "report_type");
    uint32_t size;

    /* Version 2 and later put more fields before the claims. */
    if (version != 1)
        refuse(r, MSE_ERR_UNSUPPORTED, 0x4c4, "data.version");
    if (report_type != MSE_HCL_SNP && report_type != MSE_HCL_TDX)
        refuse(r, MSE_ERR_UNSUPPORTED, 0x4c8, "report_type");
    out->type = report_type == MSE_HCL_TDX ? MSE_HCL_TDX : MSE_HCL_SNP;
    out->hash_type = mse_read_u32le(r, "hash_type");
    if (out->hash_type != HASH_SHA256)
        refuse(r, MSE_ERR_UNSUPPORTED, 0x4cc, "hash_type");
    size = mse_read_u32le(r, "runtime.size");
    out->runtime = mse_read_bytes(r, size, "runtime");
    /* runtime.size is below the cap of the input now: the sums cannot wrap. */
    if (mse_read_ok(r) && data_size != REQUEST_DATA_SIZE + size)
        refuse(r, MSE_ERR_VALUE, 0x4c0, "data_size");
    if (mse_read_ok(r) && report_size != RUNTIME_OFFSET + size)
        refuse(r, MSE_ERR_VALUE, 0x08, "report_size");
}

/* REPORTDATA is the digest and 32 zero bytes: nobody can have chosen it otherwise. */
static bool check_runtime_hash(const struct mse_hcl *hcl, struct mse_error *err)
{
    uint8_t want[64] = { 0 };
    size_t at = MSE_HCL_HW_REPORT_OFFSET;

    mse_sha256(hcl->runtime, want);
    at += hcl->type == MSE_HCL_SNP ? SNP_REPORT_DATA_OFFSET : TDREPORT_REPORT_DATA_OFFSET;
    if (memcmp(hcl->report_data, want, sizeof(want)) != 0)
        return mse_fail(err, MSE_ERR_MISMATCH, at, "report_data");
    return true;
}

/* The attestation key of the vTPM: one RSA key in a JSON Web Key Set (RFC 7517). */
static bool read_ak(const struct mse_json *json, struct mse_hcl *out, struct mse_error *err)
{
    const struct mse_json_value *keys;
    struct mse_bytes kid, kty;

    if (!mse_json_get_array(json, json->values, "keys", &keys, err))
        return false;
    for (const struct mse_json_value *key = mse_json_first(json, keys); key != NULL;
         key = mse_json_next(json, keys, key)) {
        if (!mse_json_get_plain(json, key, "kid", &kid, err))
            return false;
        if (!mse_bytes_equal_text(kid, "HCLAkPub"))
            continue;
        if (out->ak_modulus.len > 0)
            return mse_fail(err, MSE_ERR_DUPLICATE, key->start, "HCLAkPub");
        if (!mse_json_get_plain(json, key, "kty", &kty, err) ||
            !mse_json_get_plain(json, key, "n", &out->ak_modulus, err) ||
            !mse_json_get_plain(json, key, "e", &out->ak_exponent, err))
            return false;
        if (!mse_bytes_equal_text(kty, "RSA"))
            return mse_fail(err, MSE_ERR_UNSUPPORTED, key->start, "HCLAkPub.kty");
        if (out->ak_modulus.len == 0 || out->ak_exponent.len == 0)
            return mse_fail(err, MSE_ERR_VALUE, key->start, "HCLAkPub");
    }
    if (out->ak_modulus.len == 0)
        return mse_fail(err, MSE_ERR_MISSING, keys->start, "HCLAkPub");
    return true;
}

static bool read_claims(struct mse_hcl *out, struct mse_error *err)
{
    MSE_CLEANUP(mse_json_cleanup) struct mse_json json = { 0 };

    if (!mse_json_parse(out->runtime, &json, err))
        return false;
    if (json.values[0].type != MSE_JSON_OBJECT)
        return mse_fail(err, MSE_ERR_VALUE, 0, "claims");
    if (!read_ak(&json, out, err))
        return false;
    if (mse_json_member(&json, json.values, "user-data") == NULL)
        return true;
    return mse_json_get_plain(&json, json.values, "user-data", &out->user_data, err);
}

static bool read_report(struct mse_bytes in, struct mse_hcl *out, struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(in, err);
    uint32_t report_size = read_header(&r);
    struct mse_reader slot = mse_read_sub(&r, MSE_HCL_HW_REPORT_SIZE, "hw_report");
    struct mse_bytes rest;
    size_t end;

    read_request_data(&r, report_size, out);
    if (mse_read_ok(&r))
        read_hw_report(slot, out);
    end = mse_reader_offset(&r);
    rest = mse_read_rest(&r); /* the NV index has a fixed size: zeros follow the report */
    if (!mse_read_ok(&r))
        return false;
    if (!mse_is_zero(rest.data, rest.len))
        return mse_fail(err, MSE_ERR_TRAILING, end, "hcl");
    /* Only what the hardware report measures is worth reading. */
    return check_runtime_hash(out, err);
}

bool mse_hcl_parse(struct mse_bytes in, struct mse_hcl *out, struct mse_error *err)
{
    struct mse_error inner = { 0 };

    *out = (struct mse_hcl){ 0 };
    if (in.len > MSE_HCL_MAX_SIZE)
        return mse_fail(err, MSE_ERR_LIMIT, MSE_HCL_MAX_SIZE, "hcl");
    if (!read_report(in, out, err)) {
        *out = (struct mse_hcl){ 0 };
        return false;
    }
    if (!read_claims(out, &inner)) {
        *out = (struct mse_hcl){ 0 };
        inner.offset += RUNTIME_OFFSET; /* the claims' own offsets, made absolute */
        (void)mse_fail_in(&inner, "runtime");
        if (err->code == MSE_ERR_NONE)
            *err = inner;
        return false;
    }
    return true;
}
