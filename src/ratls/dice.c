/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profile "dice": CCC Interoperable RA-TLS, as Gramine, rats-tls and the SGX SDK write it:
 * 2.23.133.5.4.9 with CBOR tag([evidence, claims-buffer]). REPORTDATA is the SHA-256 of the
 * claims-buffer as received; its claim "pubkey-hash" is the hash of the SubjectPublicKeyInfo.
 * https://github.com/CCC-Attestation/interoperable-ra-tls, docs; RFC 8949.
 */
#include "ratls/profiles.h"

#include "base/cbor.h"
#include "base/encode.h"
#include "crypto/hash.h"

static const uint8_t oid_dice[] = { 0x67, 0x81, 0x05, 0x05, 0x04, 0x09 };
static const struct mse_bytes oids[] = { { oid_dice, sizeof(oid_dice) }, { NULL, 0 } };

/* IANA, "CBOR Tags": 60000..60002. The second group is rats-tls' own (its dice.h). */
#define TAG_TEE_QUOTE 60000
#define TAG_TEE_REPORT 60001
#define TAG_SGX_REPORT 60002
#define TAG_SNP_REPORT 0x1a7504
#define TAG_SEV_REPORT 0x1a7505
#define TAG_CSV_REPORT 0x1a7506

/* IANA, "Named Information Hash Algorithm Registry". */
#define HASH_SHA256 1
#define HASH_SHA384 7
#define HASH_SHA512 8

#define MAX_CLAIMS 32

static size_t hash_spki(const struct mse_cert *cert, uint64_t algorithm, uint8_t out[static 64])
{
    switch (algorithm) {
    case HASH_SHA256:
        mse_sha256(cert->spki, out);
        return MSE_SHA256_SIZE;
    case HASH_SHA384:
        mse_sha384(cert->spki, out);
        return MSE_SHA384_SIZE;
    case HASH_SHA512:
        mse_sha512(cert->spki, out);
        return MSE_SHA512_SIZE;
    default:
        return 0;
    }
}

/* hash-entry = [algorithm, hash]; it must be that of the key. */
static bool check_hash_entry(const struct mse_cert *cert, struct mse_bytes entry,
                             struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(entry, err);
    uint64_t count = mse_cbor_read_array(&r, "pubkey-hash");
    uint64_t algorithm;
    struct mse_bytes hash;
    uint8_t want[64];
    char want_hex[65], hash_hex[65];
    size_t len;

    if (!mse_read_ok(&r))
        return false;
    if (count != 2)
        return mse_fail(err, MSE_ERR_VALUE, 0, "pubkey-hash");
    algorithm = mse_cbor_read_unsigned(&r, "pubkey-hash.algorithm");
    hash = mse_cbor_read_bytes(&r, "pubkey-hash.value");
    if (!mse_read_done(&r, "pubkey-hash"))
        return false;
    len = hash_spki(cert, algorithm, want);
    if (len == 0)
        return mse_fail(err, MSE_ERR_UNSUPPORTED, 1, "pubkey-hash.algorithm");
    if (hash.len != len)
        return mse_fail(err, MSE_ERR_VALUE, 2, "pubkey-hash.value");
    if (memcmp(hash.data, want, len) == 0)
        return true;
    mse_hex_write(want, 32, want_hex);
    mse_hex_write(hash.data, 32, hash_hex);
    return mse_fail_text(err, MSE_ERR_BINDING, "pubkey-hash",
                         "the claims are not about this key: its hash begins with %s, the claim "
                         "with %s",
                         want_hex, hash_hex);
}

static bool is_new(const struct mse_bytes *names, uint64_t count, struct mse_bytes name)
{
    for (uint64_t i = 0; i < count; i++) {
        if (mse_bytes_equal(names[i], name))
            return false;
    }
    return true;
}

/* One pair of the map; *entry is set by "pubkey-hash". Claims not known here are signed data of
 * the service and may be anything (rats-tls adds some). */
static bool read_claim(struct mse_reader *r, struct mse_bytes *names, uint64_t at,
                       struct mse_bytes *entry)
{
    size_t offset = mse_reader_offset(r);

    names[at] = mse_cbor_read_text(r, "claims.name");
    if (!mse_read_ok(r))
        return false;
    if (!is_new(names, at, names[at]))
        return mse_fail(r->err, MSE_ERR_DUPLICATE, offset, "claims.name");
    if (mse_bytes_equal_text(names[at], "pubkey-hash"))
        *entry = mse_cbor_read_bytes(r, "claims.pubkey-hash");
    else if (mse_bytes_equal_text(names[at], "nonce"))
        mse_cbor_read_bytes(r, "claims.nonce");
    else
        mse_cbor_skip(r, "claims.value");
    return mse_read_ok(r);
}

static bool check_claims(const struct mse_cert *cert, struct mse_bytes claims,
                         struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(claims, err);
    struct mse_bytes names[MAX_CLAIMS];
    struct mse_bytes entry = { 0 };
    uint64_t count = mse_cbor_read_map(&r, "claims");

    if (!mse_read_ok(&r))
        return false;
    if (count > MAX_CLAIMS)
        return mse_fail(err, MSE_ERR_LIMIT, 0, "claims");
    for (uint64_t i = 0; i < count; i++) {
        if (!read_claim(&r, names, i, &entry))
            return false;
    }
    if (!mse_read_done(&r, "claims"))
        return false;
    if (entry.data == NULL)
        return mse_fail(err, MSE_ERR_MISSING, 0, "claims.pubkey-hash");
    return check_hash_entry(cert, entry, err);
}

static bool read_wrapper(struct mse_bytes payload, uint64_t *tag, struct mse_bytes *evidence,
                         struct mse_bytes *claims, struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(payload, err);
    uint64_t count;

    *tag = mse_cbor_read_tag(&r, "dice.tag");
    count = mse_cbor_read_array(&r, "dice");
    if (!mse_read_ok(&r))
        return false;
    if (count != 2)
        return mse_fail(err, MSE_ERR_VALUE, 0, "dice");
    *evidence = mse_cbor_read_bytes(&r, "dice.evidence");
    *claims = mse_cbor_read_bytes(&r, "dice.claims");
    return mse_read_done(&r, "dice");
}

static bool open_dice(const struct mse_cert *cert, const struct mse_extension *extension,
                      struct mse_attestation *out, struct mse_error *err)
{
    struct mse_bytes evidence, claims;
    uint64_t tag;
    uint8_t digest[32];

    if (!mse_payload_fits(extension->payload, MSE_RATLS_MAX_QUOTE, err) ||
        !read_wrapper(extension->payload, &tag, &evidence, &claims, err))
        return false;
    if (tag == TAG_TEE_REPORT || tag == TAG_SGX_REPORT || tag == TAG_SEV_REPORT ||
        tag == TAG_CSV_REPORT)
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "dice.tag",
                             "this kind of report cannot be verified away from its machine, or is "
                             "not bound to a key");
    if (tag != TAG_TEE_QUOTE && tag != TAG_SNP_REPORT)
        return mse_fail(err, MSE_ERR_UNSUPPORTED, 0, "dice.tag");
    if (!check_claims(cert, claims, err))
        return false;
    mse_sha256(claims, digest);
    if (tag == TAG_TEE_QUOTE) {
        mse_attestation_set_quote(out, evidence, MSE_PADDING_NONE, digest, MSE_TAIL_ZERO);
        return true;
    }
    mse_attestation_set_snp(out, evidence);
    mse_attestation_expect(out, digest, sizeof(digest), MSE_TAIL_ZERO);
    return true;
}

const struct mse_profile mse_profile_dice = {
    .name = "dice",
    .summary = "CCC Interoperable RA-TLS (Gramine, rats-tls, SGX SDK): hash in CBOR claims",
    .oids = oids,
    .open = open_dice,
};
