/* SPDX-License-Identifier: Apache-2.0 */
/* SIGSTRUCT: layout, the numbers that speed up its check in the processor, and that check. */
#include "measure/sigstruct.h"

#include <openssl/bn.h>

#include "base/clock.h"
#include "crypto/hash.h"
#include "crypto/key.h"

#define SIGNED_PART 128 /* bytes, of which there are two */
#define SIGNED_SECOND 900
#define AT_MODULUS 128
#define AT_SIGNATURE 516
#define AT_Q1 1040
#define AT_Q2 1424

#define FLAG_DEBUG 0x2U
#define FLAG_64_BIT 0x4U
#define XFRM_LEGACY 0x3U /* x87 and SSE: always on */
/* Gramine leaves the bits of AVX, AVX-512 and AMX to the processor. */
#define XFRM_MASK UINT64_C(0xfffffffffff9ff1b)
#define MASK_ALL UINT64_C(0xffffffffffffffff)
#define MISC_EXINFO 0x1U
#define MISC_MASK 0xffffffffU

static const uint8_t header[16] = { 0x06, 0, 0, 0, 0xe1, 0, 0, 0, 0, 0, 0x01, 0, 0, 0, 0, 0 };
static const uint8_t header2[16] = {
    0x01, 0x01, 0, 0, 0x60, 0, 0, 0, 0x60, 0, 0, 0, 0x01, 0, 0, 0
};

/* ---- reading ---- */

/* Two decimal digits, or 100. */
static unsigned bcd(uint8_t byte)
{
    return byte >> 4 > 9 || (byte & 0xf) > 9 ? 100 : 10U * (byte >> 4) + (byte & 0xf);
}

static bool read_date(struct mse_reader *r, struct mse_sigstruct *out)
{
    size_t at = mse_reader_offset(r);
    const uint8_t *date = mse_read_array(r, 4, "date");
    int64_t instant;

    if (date == NULL)
        return false;
    if (mse_is_zero(date, 4))
        return true;
    out->day = bcd(date[0]);
    out->month = bcd(date[1]);
    out->year = bcd(date[2]) + 100 * bcd(date[3]);
    if (bcd(date[2]) > 99 ||
        !mse_time_from_civil((int)out->year, (int)out->month, (int)out->day, 0, 0, 0, &instant))
        return mse_fail_text_at(r->err, MSE_ERR_VALUE, at, "date",
                                "not a day in binary-coded decimals");
    return true;
}

static bool read_exponent(struct mse_reader *r)
{
    size_t at = mse_reader_offset(r);
    uint32_t exponent = mse_read_u32le(r, "exponent");

    if (mse_read_ok(r) && exponent != MSE_ENCLAVE_KEY_EXPONENT)
        return mse_fail_text_at(r->err, MSE_ERR_VALUE, at, "exponent", "%u, should be %d", exponent,
                                MSE_ENCLAVE_KEY_EXPONENT);
    return mse_read_ok(r);
}

/* The part with the fields of the enclave, which is signed. */
static void read_body(struct mse_reader *r, struct mse_sigstruct *out)
{
    const uint8_t *hash;

    out->misc_select = mse_read_u32le(r, "miscselect");
    out->misc_mask = mse_read_u32le(r, "miscmask");
    (void)mse_read_array(r, 2, "cet_attributes");
    mse_read_zero(r, 2, "reserved");
    (void)mse_read_array(r, 16, "isv_family_id");
    out->flags = mse_read_u64le(r, "attributes.flags");
    out->xfrm = mse_read_u64le(r, "attributes.xfrm");
    out->flags_mask = mse_read_u64le(r, "attribute_mask.flags");
    out->xfrm_mask = mse_read_u64le(r, "attribute_mask.xfrm");
    hash = mse_read_array(r, sizeof(out->mrenclave), "enclave_hash");
    if (hash != NULL)
        memcpy(out->mrenclave, hash, sizeof(out->mrenclave));
    mse_read_zero(r, 16, "reserved");
    (void)mse_read_array(r, 16, "isv_ext_prod_id");
    out->isv_prod_id = mse_read_u16le(r, "isv_prod_id");
    out->isv_svn = mse_read_u16le(r, "isv_svn");
    mse_read_zero(r, 12, "reserved");
}

bool mse_sigstruct_parse(struct mse_bytes in, struct mse_sigstruct *out, struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(in, err);
    struct mse_sigstruct s = { 0 };
    struct mse_bytes modulus;

    memset(out, 0, sizeof(*out));
    mse_read_expect(&r, MSE_BYTES(header), "header");
    s.vendor = mse_read_u32le(&r, "vendor");
    if (!read_date(&r, &s))
        return false;
    mse_read_expect(&r, MSE_BYTES(header2), "header2");
    (void)mse_read_u32le(&r, "swdefined");
    mse_read_zero(&r, 84, "reserved");
    modulus = mse_read_bytes(&r, MSE_ENCLAVE_KEY_BYTES, "modulus");
    if (!read_exponent(&r))
        return false;
    (void)mse_read_array(&r, MSE_ENCLAVE_KEY_BYTES, "signature");
    read_body(&r, &s);
    (void)mse_read_array(&r, MSE_ENCLAVE_KEY_BYTES, "q1");
    (void)mse_read_array(&r, MSE_ENCLAVE_KEY_BYTES, "q2");
    if (!mse_read_done(&r, "sigstruct"))
        return false;
    memcpy(s.raw, in.data, sizeof(s.raw));
    mse_sha256(modulus, s.mrsigner);
    *out = s;
    return true;
}

/* ---- the numbers ---- */

struct numbers {
    BN_CTX *ctx;
    BIGNUM *n, *s, *q1, *q2, *rest;
};

static void numbers_cleanup(struct numbers *v)
{
    BN_CTX_end(v->ctx);
    BN_CTX_free(v->ctx);
}

/* Q1 = s * s / n, Q2 = (s * s mod n) * s / n. Of an s below n both are below n. */
static bool compute_quotients(struct numbers *v, const uint8_t raw[static MSE_SIGSTRUCT_SIZE],
                              uint8_t q1[static MSE_ENCLAVE_KEY_BYTES],
                              uint8_t q2[static MSE_ENCLAVE_KEY_BYTES], struct mse_error *err)
{
    const int size = MSE_ENCLAVE_KEY_BYTES;

    v->ctx = BN_CTX_new();
    if (v->ctx == NULL)
        return mse_fail_memory(err);
    BN_CTX_start(v->ctx);
    v->n = BN_CTX_get(v->ctx);
    v->s = BN_CTX_get(v->ctx);
    v->q1 = BN_CTX_get(v->ctx);
    v->q2 = BN_CTX_get(v->ctx);
    v->rest = BN_CTX_get(v->ctx);
    if (v->rest == NULL || BN_lebin2bn(raw + AT_MODULUS, size, v->n) == NULL ||
        BN_lebin2bn(raw + AT_SIGNATURE, size, v->s) == NULL)
        return mse_fail_memory(err);
    if (BN_num_bits(v->n) != MSE_ENCLAVE_KEY_BITS)
        return mse_fail_text_at(err, MSE_ERR_VALUE, AT_MODULUS, "modulus",
                                "has %d bits, should have %d", BN_num_bits(v->n),
                                MSE_ENCLAVE_KEY_BITS);
    if (BN_cmp(v->s, v->n) >= 0)
        return mse_fail_text_at(err, MSE_ERR_VALUE, AT_SIGNATURE, "signature",
                                "not below the modulus");
    if (BN_sqr(v->rest, v->s, v->ctx) != 1 || BN_div(v->q1, v->rest, v->rest, v->n, v->ctx) != 1 ||
        BN_mul(v->rest, v->rest, v->s, v->ctx) != 1 ||
        BN_div(v->q2, NULL, v->rest, v->n, v->ctx) != 1 ||
        BN_bn2lebinpad(v->q1, q1, size) != size || BN_bn2lebinpad(v->q2, q2, size) != size)
        return mse_fail_text(err, MSE_ERR_CRYPTO, "sigstruct", "OpenSSL cannot compute Q1 and Q2");
    return true;
}

static void signed_data(const uint8_t raw[static MSE_SIGSTRUCT_SIZE],
                        uint8_t out[static 2 * SIGNED_PART])
{
    memcpy(out, raw, SIGNED_PART);
    memcpy(out + SIGNED_PART, raw + SIGNED_SECOND, SIGNED_PART);
}

/* ---- checking ---- */

/* RSAPublicKey (RFC 8017, A.1.1) of exactly this size. */
static bool import_key(const uint8_t raw[static MSE_SIGSTRUCT_SIZE], struct mse_key **out,
                       struct mse_error *err)
{
    static const uint8_t before[] = { 0x30, 0x82, 0x01, 0x88, 0x02, 0x82, 0x01, 0x81, 0x00 };
    static const uint8_t after[] = { 0x02, 0x01, MSE_ENCLAVE_KEY_EXPONENT };
    uint8_t der[sizeof(before) + MSE_ENCLAVE_KEY_BYTES + sizeof(after)];

    memcpy(der, before, sizeof(before));
    for (size_t i = 0; i < MSE_ENCLAVE_KEY_BYTES; i++)
        der[sizeof(before) + i] = raw[AT_MODULUS + MSE_ENCLAVE_KEY_BYTES - 1 - i];
    memcpy(der + sizeof(before) + MSE_ENCLAVE_KEY_BYTES, after, sizeof(after));
    return mse_key_new(MSE_KEY_RSA, MSE_BYTES(der), out, err);
}

bool mse_sigstruct_check(const struct mse_sigstruct *s, struct mse_error *err)
{
    MSE_CLEANUP(numbers_cleanup) struct numbers v = { 0 };
    MSE_CLEANUP(mse_key_cleanup) struct mse_key *key = NULL;
    uint8_t q1[MSE_ENCLAVE_KEY_BYTES], q2[MSE_ENCLAVE_KEY_BYTES];
    uint8_t signature[MSE_ENCLAVE_KEY_BYTES], data[2 * SIGNED_PART];

    if (!compute_quotients(&v, s->raw, q1, q2, err) || !import_key(s->raw, &key, err))
        return false;
    for (size_t i = 0; i < sizeof(signature); i++)
        signature[i] = s->raw[AT_SIGNATURE + sizeof(signature) - 1 - i];
    signed_data(s->raw, data);
    if (!mse_key_check(key, MSE_SIGNATURE_RSA_SHA256, MSE_BYTES(data), MSE_BYTES(signature),
                       "sigstruct.signature", err))
        return false;
    if (memcmp(s->raw + AT_Q1, q1, sizeof(q1)) != 0)
        return mse_fail_text_at(err, MSE_ERR_VALUE, AT_Q1, "q1", "not s * s / n");
    if (memcmp(s->raw + AT_Q2, q2, sizeof(q2)) != 0)
        return mse_fail_text_at(err, MSE_ERR_VALUE, AT_Q2, "q2", "not (s * s mod n) * s / n");
    return true;
}

/* ---- making ---- */

/* In this order: the bits of AVX-512 contain those of AVX, and what comes later prevails. */
static void cpu_features(const struct mse_enclave_settings *settings, uint64_t *xfrm,
                         uint64_t *mask)
{
    const struct {
        enum mse_cpu_feature_setting setting;
        uint64_t bits;
    } rows[] = {
        { settings->avx, 0x4 },  { settings->avx512, 0xe4 }, { settings->amx, 0x60000 },
        { settings->mpx, 0x18 }, { settings->pkru, 0x200 },
    };

    *xfrm = XFRM_LEGACY;
    *mask = XFRM_MASK;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].setting == MSE_CPU_UNSPECIFIED)
            continue;
        if (!settings->fixed_xfrm_mask)
            *mask |= rows[i].bits;
        if (rows[i].setting == MSE_CPU_REQUIRED)
            *xfrm |= rows[i].bits;
        else
            *xfrm &= ~rows[i].bits;
    }
}

static void write_date(struct mse_writer *w, int64_t date)
{
    char text[MSE_TIME_TEXT_SIZE]; /* YYYY-MM-DD... */
    static const unsigned places[] = { 8, 5, 2, 0 };

    if (date == MSE_SIGSTRUCT_NO_DATE) {
        mse_write_u32le(w, 0);
        return;
    }
    (void)mse_time_write(date, text);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        mse_write_u8(w, (uint8_t)((text[places[i]] - '0') << 4 | (text[places[i] + 1] - '0')));
}

static void write_zero(struct mse_writer *w, size_t len)
{
    for (size_t i = 0; i < len; i++)
        mse_write_u8(w, 0);
}

/* All but signature, Q1 and Q2. */
static void write_fields(struct mse_writer *w, const uint8_t mrenclave[static 32],
                         const struct mse_enclave_settings *settings, const uint8_t *modulus,
                         int64_t date)
{
    uint64_t xfrm, xfrm_mask;

    cpu_features(settings, &xfrm, &xfrm_mask);
    mse_write_bytes(w, header, sizeof(header));
    mse_write_u32le(w, 0); /* vendor */
    write_date(w, date);
    mse_write_bytes(w, header2, sizeof(header2));
    write_zero(w, 4 + 84); /* swdefined, reserved */
    mse_write_bytes(w, modulus, MSE_ENCLAVE_KEY_BYTES);
    mse_write_u32le(w, MSE_ENCLAVE_KEY_EXPONENT);
    write_zero(w, MSE_ENCLAVE_KEY_BYTES); /* signature */
    mse_write_u32le(w, settings->use_exinfo ? MISC_EXINFO : 0);
    mse_write_u32le(w, MISC_MASK);
    write_zero(w, 2 + 2 + 16); /* CET, reserved, ISV family id */
    mse_write_u64le(w, FLAG_64_BIT | (settings->debug ? FLAG_DEBUG : 0));
    mse_write_u64le(w, xfrm);
    mse_write_u64le(w, MASK_ALL);
    mse_write_u64le(w, xfrm_mask);
    mse_write_bytes(w, mrenclave, 32);
    write_zero(w, 16 + 16); /* reserved, ISV extended product id */
    mse_write_u16le(w, settings->isv_prod_id);
    mse_write_u16le(w, settings->isv_svn);
    write_zero(w, 12 + (size_t)2 * MSE_ENCLAVE_KEY_BYTES);
}

static bool sign_fields(uint8_t raw[static MSE_SIGSTRUCT_SIZE], const struct mse_enclave_key *key,
                        struct mse_error *err)
{
    MSE_CLEANUP(numbers_cleanup) struct numbers v = { 0 };
    uint8_t data[2 * SIGNED_PART];

    signed_data(raw, data);
    return mse_enclave_key_sign(key, MSE_BYTES(data), raw + AT_SIGNATURE, err) &&
           compute_quotients(&v, raw, raw + AT_Q1, raw + AT_Q2, err);
}

bool mse_sigstruct_make(const uint8_t mrenclave[static 32],
                        const struct mse_enclave_settings *settings,
                        const struct mse_enclave_key *key, int64_t date, struct mse_sigstruct *out,
                        struct mse_error *err)
{
    struct mse_writer w = { 0 };
    uint8_t raw[MSE_SIGSTRUCT_SIZE] = { 0 };
    bool ok;

    memset(out, 0, sizeof(*out));
    write_fields(&w, mrenclave, settings, mse_enclave_key_modulus(key), date);
    ok = mse_writer_ok(&w) && w.len == sizeof(raw);
    if (ok)
        memcpy(raw, w.data, sizeof(raw));
    mse_writer_cleanup(&w);
    if (!ok)
        return mse_fail_memory(err);
    /* A private key that does not fit its modulus signs, but what it signs does not hold. */
    if (!sign_fields(raw, key, err) || !mse_sigstruct_parse(MSE_BYTES(raw), out, err) ||
        !mse_sigstruct_check(out, err)) {
        memset(out, 0, sizeof(*out));
        return false;
    }
    return true;
}
