/* SPDX-License-Identifier: Apache-2.0 */
/* AlgorithmIdentifiers: known ones are compared as whole encodings, only PSS has a structure. */
#include "crypto/algorithm.h"

#include "crypto/der.h"

#define BYTES(s)                                                                                   \
    {                                                                                              \
        (const uint8_t *)(s), sizeof(s) - 1                                                        \
    }
#define EC_OID "\x2a\x86\x48\xce\x3d"                /* ansi-X9-62, 1.2.840.10045 */
#define PKCS1_OID "\x2a\x86\x48\x86\xf7\x0d\x01\x01" /* 1.2.840.113549.1.1 */
#define HASH_OID "\x60\x86\x48\x01\x65\x03\x04\x02"  /* 2.16.840.1.101.3.4.2 */

/* Contents of AlgorithmIdentifier SEQUENCEs. */
static const struct {
    struct mse_bytes content;
    enum mse_signature_type type;
} signature_types[] = {
    /* RFC 5758, 3.2: no parameters. */
    { BYTES("\x06\x08" EC_OID "\x04\x03\x02"), MSE_SIGNATURE_ECDSA_SHA256 },
    { BYTES("\x06\x08" EC_OID "\x04\x03\x03"), MSE_SIGNATURE_ECDSA_SHA384 },
    /* NULL is against RFC 5758, 3.2, but attested certificates in use have it. */
    { BYTES("\x06\x08" EC_OID "\x04\x03\x02\x05\x00"), MSE_SIGNATURE_ECDSA_SHA256 },
    /* RFC 4055, 5: NULL, and absent parameters are to be accepted. */
    { BYTES("\x06\x09" PKCS1_OID "\x0b\x05\x00"), MSE_SIGNATURE_RSA_SHA256 },
    { BYTES("\x06\x09" PKCS1_OID "\x0b"), MSE_SIGNATURE_RSA_SHA256 },
    { BYTES("\x06\x09" PKCS1_OID "\x0c\x05\x00"), MSE_SIGNATURE_RSA_SHA384 },
    { BYTES("\x06\x09" PKCS1_OID "\x0c"), MSE_SIGNATURE_RSA_SHA384 },
    /* RFC 8410, 3: no parameters. */
    { BYTES("\x06\x03\x2b\x65\x70"), MSE_SIGNATURE_ED25519 },
};

static const struct {
    struct mse_bytes content;
    enum mse_key_type type;
} key_types[] = {
    /* RFC 5480, 2.1.1: the curve is named by its OID. */
    { BYTES("\x06\x07" EC_OID "\x02\x01\x06\x08" EC_OID "\x03\x01\x07"), MSE_KEY_P256 },
    { BYTES("\x06\x07" EC_OID "\x02\x01\x06\x05\x2b\x81\x04\x00\x22"), MSE_KEY_P384 },
    /* RFC 3279, 2.3.1: parameters are NULL. */
    { BYTES("\x06\x09" PKCS1_OID "\x01\x05\x00"), MSE_KEY_RSA },
    /* RFC 8410, 3. */
    { BYTES("\x06\x03\x2b\x65\x70"), MSE_KEY_ED25519 },
};

/* Hash functions of RSASSA-PSS; RFC 4055, 2.1: NULL and absent parameters are the same. */
static const struct {
    struct mse_bytes content;
    enum mse_signature_type type;
    uint64_t salt_len; /* the length of the digest */
} pss_hashes[] = {
    { BYTES("\x06\x09" HASH_OID "\x01\x05\x00"), MSE_SIGNATURE_RSA_PSS_SHA256, 32 },
    { BYTES("\x06\x09" HASH_OID "\x01"), MSE_SIGNATURE_RSA_PSS_SHA256, 32 },
    { BYTES("\x06\x09" HASH_OID "\x02\x05\x00"), MSE_SIGNATURE_RSA_PSS_SHA384, 48 },
    { BYTES("\x06\x09" HASH_OID "\x02"), MSE_SIGNATURE_RSA_PSS_SHA384, 48 },
};

static const struct mse_bytes pss_oid = BYTES(PKCS1_OID "\x0a");
static const struct mse_bytes mgf1_oid = BYTES(PKCS1_OID "\x08");

/* SEQUENCE { OID, one element at most }: the content of any AlgorithmIdentifier. */
static struct mse_bytes read_content(struct mse_reader *r, const char *field)
{
    struct mse_bytes content = mse_der_read(r, MSE_DER_SEQUENCE, field);
    struct mse_reader body = mse_der_over(r, content);
    uint8_t tag;

    if (!mse_read_ok(r))
        return content;
    mse_der_read(&body, MSE_DER_OID, field);
    if (mse_reader_left(&body) > 0)
        mse_der_read_any(&body, &tag, NULL, field);
    if (!mse_read_done(&body, field))
        return (struct mse_bytes){ NULL, 0 };
    return content;
}

/* Index into pss_hashes of the next AlgorithmIdentifier, or their number. */
static size_t read_pss_hash(struct mse_reader *r, const char *field)
{
    struct mse_bytes content = mse_der_read(r, MSE_DER_SEQUENCE, field);
    size_t i = 0;

    while (i < sizeof(pss_hashes) / sizeof(pss_hashes[0]) &&
           !mse_bytes_equal(content, pss_hashes[i].content))
        i++;
    return i;
}

/*
 * RFC 4055, 3.1. The defaults stand for SHA-1, so that hash, mask and salt length must all be
 * there; a trailer of 1 is the default, which AMD's certificates spell out.
 */
static enum mse_signature_type read_pss(struct mse_reader *body)
{
    struct mse_reader params = mse_der_enter(body, MSE_DER_SEQUENCE, "parameters");
    struct mse_reader hash = mse_der_enter(&params, MSE_DER_CONTEXT_CONSTRUCTED(0), "hash");
    size_t hash_index = read_pss_hash(&hash, "hash");
    struct mse_reader mask = mse_der_enter(&params, MSE_DER_CONTEXT_CONSTRUCTED(1), "mask");
    struct mse_reader mgf = mse_der_enter(&mask, MSE_DER_SEQUENCE, "mask");
    struct mse_bytes mgf_oid = mse_der_read(&mgf, MSE_DER_OID, "mask");
    size_t mask_index = read_pss_hash(&mgf, "mask hash");
    struct mse_reader salt = mse_der_enter(&params, MSE_DER_CONTEXT_CONSTRUCTED(2), "salt");
    uint64_t salt_len = mse_der_read_unsigned(&salt, "salt");
    uint64_t trailer = 1;

    if (mse_der_next_is(&params, MSE_DER_CONTEXT_CONSTRUCTED(3))) {
        struct mse_reader field = mse_der_enter(&params, MSE_DER_CONTEXT_CONSTRUCTED(3), "trailer");

        trailer = mse_der_read_unsigned(&field, "trailer");
        if (!mse_read_done(&field, "trailer"))
            return MSE_SIGNATURE_OTHER;
    }
    if (!mse_read_done(&hash, "hash") || !mse_read_done(&mgf, "mask") ||
        !mse_read_done(&mask, "mask") || !mse_read_done(&salt, "salt") ||
        !mse_read_done(&params, "parameters") || !mse_read_done(body, "algorithm"))
        return MSE_SIGNATURE_OTHER;
    if (hash_index == sizeof(pss_hashes) / sizeof(pss_hashes[0]) ||
        mask_index == sizeof(pss_hashes) / sizeof(pss_hashes[0]) ||
        pss_hashes[mask_index].type != pss_hashes[hash_index].type ||
        !mse_bytes_equal(mgf_oid, mgf1_oid) || salt_len != pss_hashes[hash_index].salt_len ||
        trailer != 1)
        return MSE_SIGNATURE_OTHER;
    return pss_hashes[hash_index].type;
}

static enum mse_signature_type signature_type(struct mse_bytes content)
{
    struct mse_error ignored = { 0 }; /* unknown parameters are an unknown algorithm */
    struct mse_reader body = mse_reader_init(content, &ignored);

    for (size_t i = 0; i < sizeof(signature_types) / sizeof(signature_types[0]); i++) {
        if (mse_bytes_equal(content, signature_types[i].content))
            return signature_types[i].type;
    }
    if (!mse_bytes_equal(mse_der_read(&body, MSE_DER_OID, "algorithm"), pss_oid))
        return MSE_SIGNATURE_OTHER;
    return read_pss(&body);
}

static enum mse_key_type key_type(struct mse_bytes content)
{
    for (size_t i = 0; i < sizeof(key_types) / sizeof(key_types[0]); i++) {
        if (mse_bytes_equal(content, key_types[i].content))
            return key_types[i].type;
    }
    return MSE_KEY_OTHER;
}

struct mse_bytes mse_algorithm_read_signature(struct mse_reader *r, enum mse_signature_type *type,
                                              const char *field)
{
    const uint8_t *start = r->at;
    struct mse_bytes content = read_content(r, field);

    *type = MSE_SIGNATURE_OTHER;
    if (!mse_read_ok(r))
        return content;
    *type = signature_type(content);
    return (struct mse_bytes){ start, (size_t)(r->at - start) };
}

struct mse_bytes mse_algorithm_read_spki(struct mse_reader *r, enum mse_key_type *type,
                                         struct mse_bytes *bits, const char *field)
{
    const uint8_t *start = r->at;
    struct mse_reader body = mse_der_enter(r, MSE_DER_SEQUENCE, field);
    struct mse_bytes algorithm = read_content(&body, field);

    *type = MSE_KEY_OTHER;
    *bits = mse_der_read_bits(&body, field);
    if (!mse_read_done(&body, field)) {
        *bits = (struct mse_bytes){ NULL, 0 };
        return *bits;
    }
    *type = key_type(algorithm);
    return (struct mse_bytes){ start, (size_t)(r->at - start) };
}
