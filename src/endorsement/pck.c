/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the SGX extension of PCK certificates. */
#include "endorsement/pck.h"

/* 1.2.840.113741.1.13.1; its members have one or two arcs more. */
static const uint8_t sgx_arc[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01 };
static const uint8_t tcb_arc[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01, 0x02 };
static const uint8_t config_arc[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01, 0x07 };

/* Members of the extension by their last arc. */
enum { PPID = 1, TCB, PCE_ID, FMSPC, SGX_TYPE, PLATFORM_INSTANCE, CONFIGURATION };
/* Members of TCB: 1..16 are the components. */
enum { COMP_FIRST = 1, COMP_LAST = 16, PCE_SVN, CPU_SVN };
enum { DYNAMIC_PLATFORM = 1, CACHED_KEYS, SMT_ENABLED };

/*
 * Enters the next SEQUENCE {OID, value} and gives the last arc of its OID, 0 for one that is not
 * right below this arc (Intel may add some). A member twice is an error; seen is a set of arcs.
 */
static struct mse_reader next_member(struct mse_reader *r, struct mse_bytes arc, uint32_t *seen,
                                     unsigned *last, const char *field)
{
    struct mse_reader member = mse_der_enter(r, MSE_DER_SEQUENCE, field);
    struct mse_bytes oid = mse_der_read(&member, MSE_DER_OID, field);

    *last = 0;
    if (!mse_read_ok(r) || oid.len != arc.len + 1 || memcmp(oid.data, arc.data, arc.len) != 0 ||
        oid.data[arc.len] == 0 || oid.data[arc.len] >= 32)
        return member;
    *last = oid.data[arc.len];
    if ((*seen & (1U << *last)) != 0)
        mse_reader_fail(r, MSE_ERR_DUPLICATE, field);
    *seen |= 1U << *last;
    return member;
}

static void read_octets(struct mse_reader *r, uint8_t *out, size_t len, const char *field)
{
    struct mse_bytes value = mse_der_read(r, MSE_DER_OCTET_STRING, field);

    if (!mse_read_ok(r))
        return;
    if (value.len == len)
        memcpy(out, value.data, len);
    else
        mse_reader_fail(r, MSE_ERR_VALUE, field);
}

static uint64_t read_limited(struct mse_reader *r, uint64_t max, const char *field)
{
    uint64_t v = mse_der_read_unsigned(r, field);

    if (!mse_read_ok(r))
        return 0;
    if (v > max) {
        mse_reader_fail(r, MSE_ERR_VALUE, field);
        return 0;
    }
    return v;
}

/* True if all members first..last are in the set. */
static bool has_all(uint32_t seen, unsigned first, unsigned last)
{
    for (unsigned i = first; i <= last; i++) {
        if ((seen & (1U << i)) == 0)
            return false;
    }
    return true;
}

static void read_tcb(struct mse_reader *r, struct mse_pck *out)
{
    struct mse_reader list = mse_der_enter(r, MSE_DER_SEQUENCE, "sgx extension: tcb");
    uint32_t seen = 0;

    while (mse_read_ok(r) && mse_reader_left(&list) > 0) {
        unsigned last;
        struct mse_reader member = next_member(&list, MSE_BYTES(tcb_arc), &seen, &last,
                                               "sgx extension: tcb");

        if (!mse_read_ok(r))
            return;
        if (last >= COMP_FIRST && last <= COMP_LAST)
            out->comp_svn[last - COMP_FIRST] = (uint8_t)read_limited(
                &member, UINT8_MAX, "sgx extension: tcb component");
        else if (last == PCE_SVN)
            out->pce_svn = (uint16_t)read_limited(&member, UINT16_MAX, "sgx extension: pcesvn");
        else if (last == CPU_SVN)
            read_octets(&member, out->cpu_svn, sizeof(out->cpu_svn), "sgx extension: cpusvn");
        else
            mse_read_rest(&member); /* a member that a later profile may add */
        if (!mse_read_done(&member, "sgx extension: tcb"))
            return;
    }
    if (mse_read_ok(r) && !has_all(seen, COMP_FIRST, CPU_SVN))
        mse_reader_fail(&list, MSE_ERR_MISSING, "sgx extension: tcb");
}

static void read_configuration(struct mse_reader *r, struct mse_pck *out)
{
    struct mse_reader list = mse_der_enter(r, MSE_DER_SEQUENCE, "sgx extension: configuration");
    uint32_t seen = 0;

    out->has_configuration = true;
    while (mse_read_ok(r) && mse_reader_left(&list) > 0) {
        unsigned last;
        struct mse_reader member = next_member(&list, MSE_BYTES(config_arc), &seen, &last,
                                               "sgx extension: configuration");

        if (!mse_read_ok(r))
            return;
        if (last == DYNAMIC_PLATFORM)
            out->dynamic_platform = mse_der_read_boolean(&member, "sgx extension: dynamicPlatform");
        else if (last == CACHED_KEYS)
            out->cached_keys = mse_der_read_boolean(&member, "sgx extension: cachedKeys");
        else if (last == SMT_ENABLED)
            out->smt_enabled = mse_der_read_boolean(&member, "sgx extension: smtEnabled");
        else
            mse_read_rest(&member); /* a member that a later profile may add */
        if (!mse_read_done(&member, "sgx extension: configuration"))
            return;
    }
}

static void read_sgx_type(struct mse_reader *r, struct mse_pck *out)
{
    struct mse_bytes value = mse_der_read(r, MSE_DER_ENUMERATED, "sgx extension: sgxType");

    if (!mse_read_ok(r))
        return;
    if (value.len == 1 && value.data[0] <= 2)
        out->sgx_type = value.data[0];
    else
        mse_reader_fail(r, MSE_ERR_VALUE, "sgx extension: sgxType");
}

static void read_member(struct mse_reader *r, unsigned last, struct mse_pck *out)
{
    switch (last) {
    case PPID:
        read_octets(r, out->ppid, sizeof(out->ppid), "sgx extension: ppid");
        break;
    case TCB:
        read_tcb(r, out);
        break;
    case PCE_ID:
        read_octets(r, out->pce_id, sizeof(out->pce_id), "sgx extension: pceid");
        break;
    case FMSPC:
        read_octets(r, out->fmspc, sizeof(out->fmspc), "sgx extension: fmspc");
        break;
    case SGX_TYPE:
        read_sgx_type(r, out);
        break;
    case PLATFORM_INSTANCE:
        out->has_platform_instance = true;
        read_octets(r, out->platform_instance, sizeof(out->platform_instance),
                    "sgx extension: platformInstanceID");
        break;
    case CONFIGURATION:
        read_configuration(r, out);
        break;
    default:
        mse_read_rest(r); /* a member that a later profile may add */
        break;
    }
}

bool mse_pck_parse(const struct mse_cert *cert, struct mse_pck *out, struct mse_error *err)
{
    const struct mse_extension *e = mse_cert_extension(cert, MSE_BYTES(sgx_arc));
    struct mse_pck pck = { 0 };
    struct mse_reader r, list;
    uint32_t seen = 0;

    *out = pck;
    if (e == NULL)
        return mse_fail(err, MSE_ERR_MISSING, 0, "sgx extension");
    r = mse_reader_init(e->payload, err);
    list = mse_der_enter(&r, MSE_DER_SEQUENCE, "sgx extension");
    while (mse_read_ok(&r) && mse_reader_left(&list) > 0) {
        unsigned last;
        struct mse_reader member = next_member(&list, MSE_BYTES(sgx_arc), &seen, &last,
                                               "sgx extension");

        if (!mse_read_ok(&r))
            return false;
        read_member(&member, last, &pck);
        if (!mse_read_done(&member, "sgx extension"))
            return false;
    }
    if (!mse_read_done(&r, "sgx extension"))
        return false;
    if (!has_all(seen, PPID, SGX_TYPE))
        return mse_fail(err, MSE_ERR_MISSING, 0, "sgx extension");
    *out = pck;
    return true;
}
