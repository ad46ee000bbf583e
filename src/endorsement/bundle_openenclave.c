/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Endorsement buffers of Open Enclave, all little-endian, in two layouts:
 *
 * - oe_endorsements_t (include/openenclave/bits/attestation.h): u32 version 1, u32 enclave type,
 *   u32 size of all that follows the header, u32 number of elements; an u32 offset per element,
 *   counted from the end of these; then the elements.
 * - Intel's sgx_ql_qve_collateral_t as it lay in memory (Intel ECDSA Quote Library Reference): u16
 *   major and u16 minor version, u32 TEE type; seven times a pointer of 8 bytes that means nothing
 *   here, u32 size and 4 bytes of padding; then the seven parts without gaps.
 *
 * Either may follow the 32-byte attestation header: u32 version 3, UUID, 4 bytes, u64 size.
 */
#include "crypto/der.h"
#include "endorsement/bundle_parts.h"

#define ATTESTATION_VERSION 3U
#define ATTESTATION_SIZE 32
#define OE_VERSION 1U
#define OE_TYPE_SGX 2U
#define OE_HEADER_SIZE 16
#define OE_MAX_ELEMENTS 9
#define OE_MIN_ELEMENTS 8 /* without the creation time */
#define INTEL_PARTS 7
#define INTEL_HEADER_SIZE 120

enum element {
    ELEMENT_NONE, /* is not of use here */
    ELEMENT_REPLY_TCB_INFO,
    ELEMENT_REPLY_QE_IDENTITY,
    ELEMENT_CHAIN,
    ELEMENT_CRL
};

struct slot {
    const char *field;
    enum element kind;
};

/* oe_sgx_endorsements_fields_t */
static const struct slot oe_order[OE_MAX_ELEMENTS] = {
    { "version", ELEMENT_NONE },
    { "tcb_info", ELEMENT_REPLY_TCB_INFO },
    { "tcb_issuer_chain", ELEMENT_CHAIN },
    { "crl_pck_cert", ELEMENT_CRL },
    { "crl_pck_proc_ca", ELEMENT_CRL },
    { "crl_issuer_chain", ELEMENT_CHAIN },
    { "qe_id_info", ELEMENT_REPLY_QE_IDENTITY },
    { "qe_id_issuer_chain", ELEMENT_CHAIN },
    { "creation_datetime", ELEMENT_NONE },
};

static const struct slot intel_order[INTEL_PARTS] = {
    { "pck_crl_issuer_chain", ELEMENT_CHAIN },
    { "root_ca_crl", ELEMENT_CRL },
    { "pck_crl", ELEMENT_CRL },
    { "tcb_info_issuer_chain", ELEMENT_CHAIN },
    { "tcb_info", ELEMENT_REPLY_TCB_INFO },
    { "qe_identity_issuer_chain", ELEMENT_CHAIN },
    { "qe_identity", ELEMENT_REPLY_QE_IDENTITY },
};

/* Formats whose endorsements have these layouts (include/openenclave/attestation/sgx, tdx). */
static const uint8_t format_uuids[][16] = {
    /* SGX_ECDSA */
    { 0xa3, 0xa2, 0x1e, 0x87, 0x1b, 0x4d, 0x40, 0x14, 0xb7, 0x0a, 0xa1, 0x25, 0xd2, 0xfb, 0xcd,
      0x8c },
    /* LEGACY_REPORT_REMOTE */
    { 0xc8, 0x30, 0x34, 0x54, 0xd9, 0x23, 0x4c, 0x2c, 0xa6, 0x91, 0xdf, 0x7d, 0xef, 0x46, 0x0a,
      0x76 },
    /* RAW_SGX_QUOTE_ECDSA */
    { 0x19, 0x23, 0xd9, 0x1e, 0x12, 0xd2, 0x4c, 0x72, 0xb2, 0x20, 0x25, 0xcd, 0x8d, 0xac, 0xe8,
      0x71 },
    /* TDX_QUOTE_ECDSA */
    { 0x8b, 0xa7, 0x02, 0x86, 0xc1, 0xcf, 0x11, 0xed, 0xaf, 0xa1, 0x02, 0x42, 0xac, 0x12, 0x00,
      0x02 },
};

enum layout { LAYOUT_NONE, LAYOUT_OE, LAYOUT_INTEL };

/* Open Enclave's own test data has lines of comment in front of the buffer. */
static void skip_comments(struct mse_reader *r)
{
    while (r->at < r->end && *r->at == '#') {
        const uint8_t *line_end = memchr(r->at, '\n', mse_reader_left(r));

        if (line_end == NULL)
            return;
        r->at = line_end + 1;
    }
}

static bool skip_attestation_header(struct mse_reader *r)
{
    struct mse_reader probe = *r;
    struct mse_error ignored = { 0 };
    const uint8_t *uuid;
    uint64_t size;

    probe.err = &ignored;
    if (mse_read_u32le(&probe, "version") != ATTESTATION_VERSION)
        return false;
    uuid = mse_read_array(&probe, 16, "format_id");
    (void)mse_read_u32le(&probe, "padding");
    size = mse_read_u64le(&probe, "data_size");
    if (!mse_read_ok(&probe) || size != mse_reader_left(&probe))
        return false;
    for (size_t i = 0; i < sizeof(format_uuids) / sizeof(format_uuids[0]); i++) {
        if (memcmp(uuid, format_uuids[i], 16) == 0) {
            r->at = probe.at;
            return true;
        }
    }
    return false;
}

static bool is_oe(struct mse_reader probe)
{
    struct mse_error ignored = { 0 };
    uint32_t version;
    uint32_t size;
    uint32_t count;

    probe.err = &ignored;
    version = mse_read_u32le(&probe, "version");
    (void)mse_read_u32le(&probe, "enclave_type");
    size = mse_read_u32le(&probe, "buffer_size");
    count = mse_read_u32le(&probe, "num_elements");
    return mse_read_ok(&probe) && version == OE_VERSION && size == mse_reader_left(&probe) &&
           count >= OE_MIN_ELEMENTS && count <= OE_MAX_ELEMENTS;
}

/* Major versions 1 (PCS v2), 3 and 4, minor 0 and 1 (CRLs as DER). */
static bool is_intel(struct mse_reader probe)
{
    struct mse_error ignored = { 0 };
    uint64_t sum = INTEL_HEADER_SIZE;
    uint64_t total = mse_reader_left(&probe);
    uint16_t major;
    uint16_t minor;
    uint32_t tee;

    probe.err = &ignored;
    major = mse_read_u16le(&probe, "major_version");
    minor = mse_read_u16le(&probe, "minor_version");
    tee = mse_read_u32le(&probe, "tee_type");
    for (size_t i = 0; i < INTEL_PARTS; i++) {
        (void)mse_read_u64le(&probe, "pointer");
        sum += mse_read_u32le(&probe, "size");
        (void)mse_read_u32le(&probe, "padding");
    }
    return mse_read_ok(&probe) && sum == total && minor <= 1 &&
           (major == 1 || major == 3 || major == 4) && (tee == 0x00 || tee == 0x81);
}

/* Moves r to the buffer proper. */
static enum layout find_layout(struct mse_reader *r)
{
    skip_comments(r);
    (void)skip_attestation_header(r);
    if (is_oe(*r))
        return LAYOUT_OE;
    return is_intel(*r) ? LAYOUT_INTEL : LAYOUT_NONE;
}

bool mse_bundle_is_open_enclave(struct mse_bytes file)
{
    struct mse_error ignored = { 0 };
    struct mse_reader r = mse_reader_init(file, &ignored);

    return find_layout(&r) != LAYOUT_NONE;
}

/* Texts carry the NUL that ends a C string. */
static struct mse_bytes without_nul(struct mse_bytes in)
{
    if (in.len > 0 && in.data[in.len - 1] == 0)
        in.len--;
    return in;
}

/* DER with a NUL behind it at most, or hex text: a DER signature may well end in a zero byte. */
static bool add_crl(struct mse_bytes in, const char *name, struct mse_collateral *collateral,
                    struct mse_error *err)
{
    struct mse_error ignored = { 0 };
    struct mse_reader r = mse_reader_init(in, &ignored);
    struct mse_bytes der = { 0 };

    if (!mse_der_next_is(&r, MSE_DER_SEQUENCE))
        return mse_collateral_add_crl(collateral, without_nul(in), name, err);
    der = mse_der_read_whole(&r, MSE_DER_SEQUENCE, "crl");
    if (!mse_read_ok(&r)) /* '0' is the first digit of DER in hex as well */
        return mse_collateral_add_crl(collateral, without_nul(in), name, err);
    if (mse_reader_left(&r) > 1 || !mse_is_zero(r.at, mse_reader_left(&r)))
        return mse_fail(err, MSE_ERR_TRAILING, der.len, "crl");
    return mse_collateral_add_crl(collateral, der, name, err);
}

static bool add_element(const struct slot *slot, struct mse_bytes in, const char *name,
                        struct mse_collateral *collateral, struct mse_error *err)
{
    bool ok = true;

    switch (slot->kind) {
    case ELEMENT_NONE:
        return true;
    case ELEMENT_REPLY_TCB_INFO:
        ok = mse_collateral_add_item(collateral, MSE_ITEM_TCB_INFO, without_nul(in), name, false,
                                     err);
        break;
    case ELEMENT_REPLY_QE_IDENTITY:
        ok = mse_collateral_add_item(collateral, MSE_ITEM_QE_IDENTITY, without_nul(in), name, false,
                                     err);
        break;
    case ELEMENT_CHAIN:
        ok = mse_collateral_add_certs(collateral, without_nul(in), name, err);
        break;
    case ELEMENT_CRL:
        ok = add_crl(in, name, collateral, err);
        break;
    }
    return ok || mse_fail_in(err, "%s", slot->field);
}

static bool read_oe(struct mse_reader *r, const char *name, struct mse_collateral *collateral,
                    struct mse_error *err)
{
    uint32_t offsets[OE_MAX_ELEMENTS + 1] = { 0 };
    struct mse_bytes elements[OE_MAX_ELEMENTS];
    uint32_t type;
    uint32_t count;

    (void)mse_read_u32le(r, "version");
    type = mse_read_u32le(r, "enclave_type");
    if (mse_read_ok(r) && type != OE_TYPE_SGX)
        return mse_reader_fail(r, MSE_ERR_UNSUPPORTED, "enclave_type");
    (void)mse_read_u32le(r, "buffer_size");
    count = mse_read_u32le(r, "num_elements");
    if (!mse_read_ok(r) || count < OE_MIN_ELEMENTS || count > OE_MAX_ELEMENTS)
        return mse_reader_fail(r, MSE_ERR_VALUE, "num_elements");
    for (uint32_t i = 0; i < count; i++) {
        offsets[i] = mse_read_u32le(r, "offsets");
        if (!mse_read_ok(r))
            return false;
        if (i == 0 ? offsets[i] != 0 : offsets[i] < offsets[i - 1])
            return mse_reader_fail(r, MSE_ERR_VALUE, "offsets");
    }
    for (uint32_t i = 0; i + 1 < count; i++)
        elements[i] = mse_read_bytes(r, offsets[i + 1] - offsets[i], oe_order[i].field);
    /* The last element has no other end than the buffer's, which the header told. */
    elements[count - 1] = mse_read_rest(r);
    if (!mse_read_done(r, "endorsements"))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!add_element(&oe_order[i], elements[i], name, collateral, err))
            return false;
    }
    return true;
}

static bool read_intel(struct mse_reader *r, const char *name, struct mse_collateral *collateral,
                       struct mse_error *err)
{
    struct mse_bytes parts[INTEL_PARTS];
    uint32_t sizes[INTEL_PARTS];

    (void)mse_read_u32le(r, "version");
    (void)mse_read_u32le(r, "tee_type");
    for (size_t i = 0; i < INTEL_PARTS; i++) {
        (void)mse_read_u64le(r, "pointer");
        sizes[i] = mse_read_u32le(r, "size");
        (void)mse_read_u32le(r, "padding");
    }
    if (!mse_read_ok(r))
        return false;
    for (size_t i = 0; i < INTEL_PARTS; i++)
        parts[i] = mse_read_bytes(r, sizes[i], intel_order[i].field);
    if (!mse_read_done(r, "endorsements"))
        return false;
    for (size_t i = 0; i < INTEL_PARTS; i++) {
        if (!add_element(&intel_order[i], parts[i], name, collateral, err))
            return false;
    }
    return true;
}

bool mse_bundle_read_open_enclave(struct mse_bytes file, const char *name,
                                  struct mse_collateral *collateral, struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(file, err);

    switch (find_layout(&r)) {
    case LAYOUT_OE:
        return read_oe(&r, name, collateral, err);
    case LAYOUT_INTEL:
        return read_intel(&r, name, collateral, err);
    case LAYOUT_NONE:
        break;
    }
    return mse_fail(err, MSE_ERR_FORMAT, 0, "endorsements");
}
