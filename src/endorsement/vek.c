/* SPDX-License-Identifier: Apache-2.0 */
/* Reads AMD's extensions of VCEK and VLEK certificates. */
#include "endorsement/vek.h"

/* 1.3.6.1.4.1.3704.1 */
#define AMD_ARC 0x2b, 0x06, 0x01, 0x04, 0x01, 0x9c, 0x78, 0x01

/* AMD 57230 (VCEK Certificate and KDS Interface Specification). */
static const uint8_t oid_struct_version[] = { AMD_ARC, 0x01 };
static const uint8_t oid_product_name[] = { AMD_ARC, 0x02 };
static const uint8_t oid_bl[] = { AMD_ARC, 0x03, 0x01 };
static const uint8_t oid_tee[] = { AMD_ARC, 0x03, 0x02 };
static const uint8_t oid_snp[] = { AMD_ARC, 0x03, 0x03 };
static const uint8_t oid_ucode[] = { AMD_ARC, 0x03, 0x08 };
static const uint8_t oid_fmc[] = { AMD_ARC, 0x03, 0x09 };
static const uint8_t oid_hwid[] = { AMD_ARC, 0x04 };
static const uint8_t oid_csp_id[] = { AMD_ARC, 0x05 };

/* Length of a Turin chip's identifier; all others have 64 bytes. */
#define TURIN_HWID 8

static bool find(const struct mse_cert *cert, struct mse_bytes oid, const char *field,
                 struct mse_reader *out, struct mse_error *err)
{
    const struct mse_extension *e = mse_cert_extension(cert, oid);

    if (e == NULL)
        return mse_fail(err, MSE_ERR_MISSING, 0, field);
    *out = mse_reader_init(e->payload, err);
    return true;
}

static bool read_u8(const struct mse_cert *cert, struct mse_bytes oid, const char *field,
                    uint8_t *out, struct mse_error *err)
{
    struct mse_reader r;
    uint64_t v;

    if (!find(cert, oid, field, &r, err))
        return false;
    v = mse_der_read_unsigned(&r, field);
    if (!mse_read_done(&r, field))
        return false;
    if (v > UINT8_MAX)
        return mse_fail(err, MSE_ERR_VALUE, 0, field);
    *out = (uint8_t)v;
    return true;
}

/* IA5String of printable ASCII, to a C string. */
static bool read_text(const struct mse_cert *cert, struct mse_bytes oid, const char *field,
                      char *out, size_t size, struct mse_error *err)
{
    struct mse_reader r;
    struct mse_bytes text;

    if (!find(cert, oid, field, &r, err))
        return false;
    text = mse_der_read(&r, MSE_DER_IA5, field);
    if (!mse_read_done(&r, field))
        return false;
    if (text.len == 0 || text.len >= size)
        return mse_fail(err, MSE_ERR_VALUE, 0, field);
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < 0x20 || text.data[i] > 0x7e)
            return mse_fail(err, MSE_ERR_VALUE, 0, field);
    }
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return true;
}

/* "Milan", or with a stepping behind it: "Milan-B0". */
static enum mse_snp_product product_of(const char *name)
{
    static const enum mse_snp_product known[] = { MSE_SNP_MILAN, MSE_SNP_GENOA, MSE_SNP_TURIN };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const char *want = mse_snp_product_name(known[i]);
        size_t len = strlen(want);

        if (strncmp(name, want, len) == 0 && (name[len] == '\0' || name[len] == '-'))
            return known[i];
    }
    return MSE_SNP_UNKNOWN;
}

static bool read_product(const struct mse_cert *cert, struct mse_vek *out, struct mse_error *err)
{
    uint8_t version;

    if (!read_u8(cert, MSE_BYTES(oid_struct_version), "vek: structVersion", &version, err) ||
        !read_text(cert, MSE_BYTES(oid_product_name), "vek: productName", out->product_name,
                   sizeof(out->product_name), err))
        return false;
    out->product = product_of(out->product_name);
    if (out->product == MSE_SNP_UNKNOWN)
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "vek: productName", "product %s",
                             out->product_name);
    return true;
}

static bool read_tcb(const struct mse_cert *cert, struct mse_vek *out, struct mse_error *err)
{
    return read_u8(cert, MSE_BYTES(oid_bl), "vek: blSPL", &out->tcb.bl, err) &&
           read_u8(cert, MSE_BYTES(oid_tee), "vek: teeSPL", &out->tcb.tee, err) &&
           read_u8(cert, MSE_BYTES(oid_snp), "vek: snpSPL", &out->tcb.snp, err) &&
           read_u8(cert, MSE_BYTES(oid_ucode), "vek: ucodeSPL", &out->tcb.ucode, err) &&
           (out->product != MSE_SNP_TURIN ||
            read_u8(cert, MSE_BYTES(oid_fmc), "vek: fmcSPL", &out->tcb.fmc, err));
}

/* The raw identifier is the extension's content, without a DER header of its own. */
static bool read_hwid(const struct mse_cert *cert, struct mse_vek *out, struct mse_error *err)
{
    const struct mse_extension *e = mse_cert_extension(cert, MSE_BYTES(oid_hwid));
    size_t want = out->product == MSE_SNP_TURIN ? TURIN_HWID : sizeof(out->hwid);

    if (e == NULL)
        return out->is_vlek || mse_fail(err, MSE_ERR_MISSING, 0, "vek: hwID");
    if (e->payload.len != want)
        return mse_fail(err, MSE_ERR_VALUE, 0, "vek: hwID");
    memcpy(out->hwid, e->payload.data, want);
    out->hwid_len = want;
    out->has_hwid = true;
    return true;
}

static bool read_kind(const struct mse_cert *cert, struct mse_vek *out, struct mse_error *err)
{
    struct mse_bytes name = mse_cert_common_name(cert->subject);

    out->is_vlek = mse_bytes_equal_text(name, "SEV-VLEK");
    if (!out->is_vlek && !mse_bytes_equal_text(name, "SEV-VCEK"))
        return mse_fail_text(err, MSE_ERR_VALUE, "vek: subject", "neither SEV-VCEK nor SEV-VLEK");
    return true;
}

bool mse_vek_parse(const struct mse_cert *cert, struct mse_vek *out, struct mse_error *err)
{
    struct mse_vek vek = { 0 };

    memset(out, 0, sizeof(*out));
    if (!read_kind(cert, &vek, err) || !read_product(cert, &vek, err) ||
        !read_tcb(cert, &vek, err) || !read_hwid(cert, &vek, err))
        return false;
    /* Only a VLEK belongs to a cloud provider. */
    if (vek.is_vlek &&
        !read_text(cert, MSE_BYTES(oid_csp_id), "vek: cspID", vek.csp_id, sizeof(vek.csp_id), err))
        return false;
    *out = vek;
    return true;
}
