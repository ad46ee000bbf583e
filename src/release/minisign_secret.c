/* SPDX-License-Identifier: Apache-2.0 */
/* minisign's secret keys: made, read, written, used for signing. */
#include "release/minisign_secret.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/encode.h"
#include "release/blake2b.h"
#include "release/minisign_format.h"

#define SALT_SIZE 32
#define SECRET_SIZE 64 /* seed 32 | public key 32 */
#define CHECKSUM_SIZE 32
#define SEALED_SIZE (MSE_MINISIGN_ID_SIZE + SECRET_SIZE + CHECKSUM_SIZE)
#define FILE_BYTES (2 + 2 + 2 + SALT_SIZE + 8 + 8 + SEALED_SIZE)
#define FILE_BASE64 (4 * ((FILE_BYTES + 2) / 3))

/* libsodium, crypto_pwhash_scryptsalsa208sha256: OPSLIMIT_SENSITIVE and MEMLIMIT_SENSITIVE. */
#define OPERATIONS_WRITTEN UINT64_C(33554432)
#define MEMORY_WRITTEN UINT64_C(1073741824)
/* A key file may demand four times the work, and 1.1 GiB; more would be an attack on whoever opens
 * it. */
#define OPERATIONS_MAX (4 * OPERATIONS_WRITTEN)
#define KDF_MEMORY_MAX UINT64_C(1181116006)

struct kdf {
    bool used;
    uint8_t salt[SALT_SIZE];
    uint64_t operations, memory;
};

static bool fail_crypto(struct mse_error *err, const char *text)
{
    ERR_clear_error(); /* the queue belongs to the thread */
    return mse_fail_text(err, MSE_ERR_CRYPTO, "secret key", "%s", text);
}

void mse_minisign_secret_free(struct mse_minisign_secret *key)
{
    if (key == NULL)
        return;
    OPENSSL_cleanse(key, sizeof(*key));
    free(key);
}

static void secret_cleanup(struct mse_minisign_secret **key)
{
    mse_minisign_secret_free(*key);
    *key = NULL;
}

static void pkey_cleanup(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

void mse_minisign_secret_public(const struct mse_minisign_secret *key,
                                struct mse_minisign_public *out)
{
    memcpy(out->id, key->id, sizeof(out->id));
    memcpy(out->key, key->key + 32, sizeof(out->key));
}

/* The public key that belongs to the seed (RFC 8032, 5.1.5). */
static bool derive_public(const uint8_t seed[static 32], uint8_t out[static 32],
                          struct mse_error *err)
{
    MSE_CLEANUP(pkey_cleanup)
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
    size_t len = 32;

    if (key == NULL || EVP_PKEY_get_raw_public_key(key, out, &len) != 1 || len != 32)
        return fail_crypto(err, "cannot derive the public key");
    return true;
}

bool mse_minisign_secret_generate(struct mse_minisign_secret **out, struct mse_error *err)
{
    MSE_CLEANUP(secret_cleanup) struct mse_minisign_secret *key = calloc(1, sizeof(*key));

    *out = NULL;
    if (key == NULL)
        return mse_fail_memory(err);
    if (RAND_bytes(key->id, sizeof(key->id)) != 1 || RAND_priv_bytes(key->key, 32) != 1)
        return fail_crypto(err, "no random numbers");
    if (!derive_public(key->key, key->key + 32, err))
        return false;
    *out = key;
    key = NULL; /* moved */
    return true;
}

/* ---- encryption with a password ---- */

/* Largest n from 1 on with 2^n not over limit / 2, plus one; as libsodium's pickparams counts. */
static unsigned log2_up_to(uint64_t limit)
{
    unsigned n = 1;

    while (n < 63 && UINT64_C(1) << n <= limit / 2)
        n++;
    return n;
}

/* libsodium, crypto_pwhash_scryptsalsa208sha256: pickparams. */
static void pick_parameters(uint64_t operations, uint64_t memory, uint64_t *n, uint64_t *p)
{
    const uint64_t r = 8;
    uint64_t rp;

    if (operations < 32768)
        operations = 32768;
    if (operations < memory / 32) {
        *p = 1;
        *n = UINT64_C(1) << log2_up_to(operations / (r * 4));
        return;
    }
    *n = UINT64_C(1) << log2_up_to(memory / (r * 128));
    rp = operations / 4 / *n;
    if (rp > 0x3fffffff)
        rp = 0x3fffffff;
    *p = rp / r;
}

/* XOR with scrypt's output (RFC 7914). */
static bool apply_password(const struct kdf *kdf, const char *password,
                           uint8_t sealed[static SEALED_SIZE], struct mse_error *err)
{
    uint8_t stream[SEALED_SIZE];
    uint64_t n, p;
    bool ok;

    if (kdf->operations > OPERATIONS_MAX || kdf->memory > MEMORY_WRITTEN)
        return mse_fail_text(err, MSE_ERR_LIMIT, "secret key",
                             "its password would take more work or memory than accepted");
    pick_parameters(kdf->operations, kdf->memory, &n, &p);
    if (p == 0)
        return mse_fail_text(err, MSE_ERR_VALUE, "secret key", "impossible scrypt parameters");
    ok = EVP_PBE_scrypt(password, strlen(password), kdf->salt, SALT_SIZE, n, 8, p, KDF_MEMORY_MAX,
                        stream, sizeof(stream)) == 1;
    for (size_t i = 0; ok && i < SEALED_SIZE; i++)
        sealed[i] ^= stream[i];
    OPENSSL_cleanse(stream, sizeof(stream));
    return ok || fail_crypto(err, "scrypt failed: is there a gigabyte of free memory?");
}

/* BLAKE2b-256 over algorithm, ID and key. */
static void checksum(const uint8_t sealed[static SEALED_SIZE], uint8_t out[static CHECKSUM_SIZE])
{
    uint8_t all[2 + MSE_MINISIGN_ID_SIZE + SECRET_SIZE] = { 'E', 'd' };

    memcpy(all + 2, sealed, sizeof(all) - 2);
    mse_blake2b(MSE_BYTES(all), out, CHECKSUM_SIZE);
    OPENSSL_cleanse(all, sizeof(all));
}

/* ---- reading ---- */

static bool read_names(struct mse_reader *r, struct kdf *kdf)
{
    struct mse_bytes algorithm = mse_read_bytes(r, 2, "secret key");
    struct mse_bytes kind = mse_read_bytes(r, 2, "secret key");
    struct mse_bytes check = mse_read_bytes(r, 2, "secret key");

    if (!mse_read_ok(r))
        return false;
    if (!mse_bytes_equal_text(algorithm, "Ed") || !mse_bytes_equal_text(check, "B2"))
        return mse_fail_text(r->err, MSE_ERR_UNSUPPORTED, "secret key",
                             "not an Ed25519 key with a BLAKE2b checksum");
    kdf->used = mse_bytes_equal_text(kind, "Sc");
    if (!kdf->used && !mse_is_zero(kind.data, kind.len))
        return mse_fail_text(r->err, MSE_ERR_UNSUPPORTED, "secret key",
                             "encrypted in an unknown way");
    return true;
}

/* minisign, "Secret key format". sealed is wiped by the caller. */
static bool parse(struct mse_bytes in, struct kdf *kdf, uint8_t sealed[static SEALED_SIZE],
                  struct mse_error *err)
{
    struct mse_reader file = mse_reader_init(in, err), r;
    uint8_t bytes[FILE_BYTES];
    struct mse_bytes comment, rest;
    bool ok;

    memset(kdf, 0, sizeof(*kdf));
    memset(sealed, 0, SEALED_SIZE);
    if (in.len > MSE_MINISIGN_FILE_MAX)
        return mse_fail_text(err, MSE_ERR_LIMIT, "secret key", "larger than %d bytes",
                             MSE_MINISIGN_FILE_MAX);
    if (!mse_minisign_comment(&file, MSE_MINISIGN_UNTRUSTED, &comment, "secret key") ||
        !mse_minisign_base64(&file, bytes, sizeof(bytes), "secret key"))
        return false;
    r = mse_reader_init(MSE_BYTES(bytes), err);
    ok = mse_read_done(&file, "secret key") && read_names(&r, kdf);
    rest = mse_read_bytes(&r, SALT_SIZE, "secret key");
    if (ok)
        memcpy(kdf->salt, rest.data, SALT_SIZE);
    kdf->operations = mse_read_u64le(&r, "secret key");
    kdf->memory = mse_read_u64le(&r, "secret key");
    rest = mse_read_bytes(&r, SEALED_SIZE, "secret key");
    ok = ok && mse_read_done(&r, "secret key");
    if (ok)
        memcpy(sealed, rest.data, SEALED_SIZE);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return ok;
}

bool mse_minisign_secret_is_encrypted(struct mse_bytes in, bool *out, struct mse_error *err)
{
    uint8_t sealed[SEALED_SIZE];
    struct kdf kdf;
    bool ok = parse(in, &kdf, sealed, err);

    OPENSSL_cleanse(sealed, sizeof(sealed));
    *out = ok && kdf.used;
    return ok;
}

/* minisign leaves the checksum of an unencrypted key zero. */
static bool check_sum(const struct kdf *kdf, const uint8_t opened[static SEALED_SIZE],
                      struct mse_error *err)
{
    const uint8_t *have = opened + SEALED_SIZE - CHECKSUM_SIZE;
    uint8_t want[CHECKSUM_SIZE];

    checksum(opened, want);
    if (CRYPTO_memcmp(want, have, CHECKSUM_SIZE) == 0 ||
        (!kdf->used && mse_is_zero(have, CHECKSUM_SIZE)))
        return true;
    if (kdf->used)
        return mse_fail_text(err, MSE_ERR_MISMATCH, "secret key", "wrong password");
    return mse_fail_text(err, MSE_ERR_VALUE, "secret key", "damaged: its checksum is wrong");
}

/* Signing with a public key that is not the seed's own would give the seed away. */
static bool take_opened(const uint8_t opened[static SEALED_SIZE], struct mse_minisign_secret *out,
                        struct mse_error *err)
{
    uint8_t public[32];

    memcpy(out->id, opened, sizeof(out->id));
    memcpy(out->key, opened + sizeof(out->id), sizeof(out->key));
    return derive_public(out->key, public, err) &&
           (memcmp(public, out->key + 32, 32) == 0 ||
            mse_fail_text(err, MSE_ERR_VALUE, "secret key",
                          "its public half belongs to another key"));
}

static bool open_sealed(const struct kdf *kdf, const char *password,
                        uint8_t sealed[static SEALED_SIZE], struct mse_minisign_secret **out,
                        struct mse_error *err)
{
    MSE_CLEANUP(secret_cleanup) struct mse_minisign_secret *key = NULL;

    if (kdf->used && password == NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "secret key", "encrypted: its password is needed");
    if (kdf->used && !apply_password(kdf, password, sealed, err))
        return false;
    key = calloc(1, sizeof(*key));
    if (key == NULL)
        return mse_fail_memory(err);
    if (!check_sum(kdf, sealed, err) || !take_opened(sealed, key, err))
        return false;
    *out = key;
    key = NULL; /* moved */
    return true;
}

bool mse_minisign_secret_read(struct mse_bytes in, const char *password,
                              struct mse_minisign_secret **out, struct mse_error *err)
{
    uint8_t sealed[SEALED_SIZE];
    struct kdf kdf;
    bool ok;

    *out = NULL;
    ok = parse(in, &kdf, sealed, err) && open_sealed(&kdf, password, sealed, out, err);
    OPENSSL_cleanse(sealed, sizeof(sealed));
    return ok;
}

/* ---- writing ---- */

static bool seal(const struct mse_minisign_secret *key, const char *password, struct kdf *kdf,
                 uint8_t sealed[static SEALED_SIZE], struct mse_error *err)
{
    memset(kdf, 0, sizeof(*kdf));
    memcpy(sealed, key->id, sizeof(key->id));
    memcpy(sealed + sizeof(key->id), key->key, sizeof(key->key));
    checksum(sealed, sealed + SEALED_SIZE - CHECKSUM_SIZE);
    if (password == NULL)
        return true;
    kdf->used = true;
    kdf->operations = OPERATIONS_WRITTEN;
    kdf->memory = MEMORY_WRITTEN;
    if (RAND_bytes(kdf->salt, SALT_SIZE) != 1)
        return fail_crypto(err, "no random numbers");
    return apply_password(kdf, password, sealed, err);
}

static void put_u64le(uint8_t *out, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        out[i] = (uint8_t)(v >> (8 * i));
}

bool mse_minisign_secret_write(const struct mse_minisign_secret *key, const char *password,
                               struct mse_writer *out, struct mse_error *err)
{
    uint8_t bytes[FILE_BYTES] = { 0 };
    uint8_t *sealed = bytes + FILE_BYTES - SEALED_SIZE;
    char text[FILE_BASE64 + 64], base64[FILE_BASE64 + 1];
    struct kdf kdf;
    bool ok = seal(key, password, &kdf, sealed, err);
    int len;

    memcpy(bytes, kdf.used ? "EdScB2" : "Ed\0\0B2", 6);
    memcpy(bytes + 6, kdf.salt, SALT_SIZE);
    put_u64le(bytes + 6 + SALT_SIZE, kdf.operations);
    put_u64le(bytes + 14 + SALT_SIZE, kdf.memory);
    (void)mse_base64_write(bytes, sizeof(bytes), base64);
    len = snprintf(text, sizeof(text), MSE_MINISIGN_UNTRUSTED "minisign %s secret key\n%s\n",
                   kdf.used ? "encrypted" : "unencrypted", base64);
    /* In one piece: a buffer that grows would leave copies behind. */
    if (ok && len > 0 && (size_t)len < sizeof(text))
        mse_write_bytes(out, text, (size_t)len);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    OPENSSL_cleanse(base64, sizeof(base64));
    OPENSSL_cleanse(text, sizeof(text));
    return ok && (mse_writer_ok(out) || mse_fail_memory(err));
}
