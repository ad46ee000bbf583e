/* SPDX-License-Identifier: Apache-2.0 */
/* AlgorithmIdentifiers of signatures; the parameters of RSASSA-PSS (RFC 4055, 3.1) in detail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/algorithm.h"
#include "der_build.h"

#define PKCS1 "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01"
#define HASH(n, null) "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02" n null
#define EC "\x06\x08\x2a\x86\x48\xce\x3d\x04\x03"
#define NUL "\x05\x00"

struct plain_case {
    struct mse_bytes content; /* of the SEQUENCE */
    enum mse_signature_type want;
};

/* clang-format off */
static const struct plain_case plain[] = {
    { B(EC "\x02"),            MSE_SIGNATURE_ECDSA_SHA256 },
    { B(EC "\x02" NUL),        MSE_SIGNATURE_ECDSA_SHA256 },
    { B(EC "\x03"),            MSE_SIGNATURE_ECDSA_SHA384 },
    { B(EC "\x03" NUL),        MSE_SIGNATURE_OTHER },
    { B(EC "\x02\x30\x00"),    MSE_SIGNATURE_OTHER },
    { B(EC "\x01"),            MSE_SIGNATURE_OTHER }, /* SHA-224 */
    { B(EC "\x04"),            MSE_SIGNATURE_OTHER }, /* SHA-512 */
    { B(PKCS1 "\x0b" NUL),     MSE_SIGNATURE_RSA_SHA256 },
    { B(PKCS1 "\x0b"),         MSE_SIGNATURE_RSA_SHA256 },
    { B(PKCS1 "\x0c" NUL),     MSE_SIGNATURE_RSA_SHA384 },
    { B(PKCS1 "\x0b\x05\x01\x00"), MSE_SIGNATURE_OTHER },
    { B(PKCS1 "\x05" NUL),     MSE_SIGNATURE_OTHER }, /* SHA-1 */
    { B(PKCS1 "\x04" NUL),     MSE_SIGNATURE_OTHER }, /* MD5 */
    { B("\x06\x03\x2b\x65\x70"),     MSE_SIGNATURE_ED25519 },
    { B("\x06\x03\x2b\x65\x70" NUL), MSE_SIGNATURE_OTHER },
    { B(PKCS1 "\x0a"),         MSE_SIGNATURE_OTHER }, /* PSS with all its defaults: SHA-1 */
    { B(PKCS1 "\x0a" NUL),     MSE_SIGNATURE_OTHER },
};
/* clang-format on */

static enum mse_signature_type read_type(struct mse_bytes content)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer w = { 0 };
    struct mse_error err = { 0 };
    enum mse_signature_type type;
    struct mse_reader r;
    struct mse_bytes whole;

    der_put(&w, 0x30, content);
    r = mse_reader_init(mse_writer_bytes(&w), &err);
    whole = mse_algorithm_read_signature(&r, &type, "algorithm");
    assert_true(mse_read_done(&r, "algorithm"));
    assert_ptr_equal(whole.data, w.data);
    assert_int_equal(whole.len, w.len);
    return type;
}

static void only_known_encodings_are_known_algorithms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        if (read_type(plain[i].content) != plain[i].want)
            fail_msg("case %zu", i);
    }
}

struct pss_case {
    const char *name;
    struct mse_bytes hash;  /* AlgorithmIdentifier inside [0]; NULL: not there */
    struct mse_bytes mask;  /* content of [1] */
    struct mse_bytes salt;  /* content of [2] */
    struct mse_bytes after; /* what follows */
    enum mse_signature_type want;
};

#define S256 "\x30\x0d" HASH("\x01", NUL)
#define S256_BARE "\x30\x0b" HASH("\x01", "")
#define S384 "\x30\x0d" HASH("\x02", NUL)
#define S512 "\x30\x0d" HASH("\x03", NUL)
#define MGF(hash) "\x30\x1a" PKCS1 "\x08" hash
#define ABSENT                                                                                     \
    {                                                                                              \
        NULL, 0                                                                                    \
    }

/* clang-format off */
static const struct pss_case pss[] = {
    { "SHA-256", B(S256), B(MGF(S256)), B("\x02\x01\x20"), ABSENT, MSE_SIGNATURE_RSA_PSS_SHA256 },
    { "SHA-384", B(S384), B(MGF(S384)), B("\x02\x01\x30"), ABSENT, MSE_SIGNATURE_RSA_PSS_SHA384 },
    { "hashes without NULL", B(S256_BARE), B("\x30\x18" PKCS1 "\x08" S256_BARE),
      B("\x02\x01\x20"), ABSENT, MSE_SIGNATURE_RSA_PSS_SHA256 },
    { "one hash without NULL", B(S256_BARE), B(MGF(S256)), B("\x02\x01\x20"), ABSENT,
      MSE_SIGNATURE_RSA_PSS_SHA256 },
    { "trailer 1, as AMD writes it", B(S384), B(MGF(S384)), B("\x02\x01\x30"),
      B("\xa3\x03\x02\x01\x01"), MSE_SIGNATURE_RSA_PSS_SHA384 },
    { "trailer 2", B(S384), B(MGF(S384)), B("\x02\x01\x30"), B("\xa3\x03\x02\x01\x02"),
      MSE_SIGNATURE_OTHER },
    { "two trailers in one", B(S384), B(MGF(S384)), B("\x02\x01\x30"),
      B("\xa3\x06\x02\x01\x01\x02\x01\x01"), MSE_SIGNATURE_OTHER },
    { "more behind the trailer", B(S384), B(MGF(S384)), B("\x02\x01\x30"),
      B("\xa3\x03\x02\x01\x01\x05\x00"), MSE_SIGNATURE_OTHER },
    { "SHA-512", B(S512), B(MGF(S512)), B("\x02\x01\x40"), ABSENT, MSE_SIGNATURE_OTHER },
    { "mask over another hash", B(S384), B(MGF(S256)), B("\x02\x01\x30"), ABSENT,
      MSE_SIGNATURE_OTHER },
    { "hash other than the mask's", B(S256), B(MGF(S384)), B("\x02\x01\x20"), ABSENT,
      MSE_SIGNATURE_OTHER },
    { "short salt", B(S384), B(MGF(S384)), B("\x02\x01\x20"), ABSENT, MSE_SIGNATURE_OTHER },
    { "salt of the default", B(S256), B(MGF(S256)), ABSENT, ABSENT, MSE_SIGNATURE_OTHER },
    { "negative salt", B(S256), B(MGF(S256)), B("\x02\x01\xe0"), ABSENT, MSE_SIGNATURE_OTHER },
    { "hash of the default", ABSENT, B(MGF(S256)), B("\x02\x01\x20"), ABSENT,
      MSE_SIGNATURE_OTHER },
    { "mask of the default", B(S256), ABSENT, B("\x02\x01\x20"), ABSENT, MSE_SIGNATURE_OTHER },
    { "other mask function", B(S256), B("\x30\x1a" PKCS1 "\x09" S256), B("\x02\x01\x20"), ABSENT,
      MSE_SIGNATURE_OTHER },
    { "two hashes", B(S256 S256), B(MGF(S256)), B("\x02\x01\x20"), ABSENT, MSE_SIGNATURE_OTHER },
    { "two masks", B(S256), B(MGF(S256) MGF(S256)), B("\x02\x01\x20"), ABSENT,
      MSE_SIGNATURE_OTHER },
    { "two hashes in the mask", B(S256), B("\x30\x29" PKCS1 "\x08" S256 S256), B("\x02\x01\x20"),
      ABSENT, MSE_SIGNATURE_OTHER },
    { "two salts", B(S256), B(MGF(S256)), B("\x02\x01\x20\x02\x01\x20"), ABSENT,
      MSE_SIGNATURE_OTHER },
};
/* clang-format on */

static void put_tagged(struct mse_writer *w, uint8_t tag, struct mse_bytes content)
{
    if (content.data != NULL)
        der_put(w, tag, content);
}

static void pss_is_known_with_all_parameters_in_agreement(void **state)
{
    static const struct mse_bytes oid = B(PKCS1 "\x0a");

    (void)state;
    for (size_t i = 0; i < sizeof(pss) / sizeof(pss[0]); i++) {
        MSE_CLEANUP(mse_writer_cleanup) struct mse_writer w = { 0 };

        mse_write_bytes(&w, oid.data, oid.len);
        put_tagged(&w, 0xa0, pss[i].hash);
        put_tagged(&w, 0xa1, pss[i].mask);
        put_tagged(&w, 0xa2, pss[i].salt);
        if (pss[i].after.data != NULL)
            mse_write_bytes(&w, pss[i].after.data, pss[i].after.len);
        der_wrap(&w, oid.len, 0x30);
        if (read_type(mse_writer_bytes(&w)) != pss[i].want)
            fail_msg("%s", pss[i].name);
    }
}

static void a_malformed_identifier_is_an_error(void **state)
{
    static const struct mse_bytes in = B("\x30\x03\x06\x03\x2b");
    struct mse_error err = { 0 };
    struct mse_reader r = mse_reader_init(in, &err);
    enum mse_signature_type type = MSE_SIGNATURE_ED25519;

    (void)state;
    assert_int_equal(mse_algorithm_read_signature(&r, &type, "algorithm").len, 0);
    assert_int_equal(type, MSE_SIGNATURE_OTHER);
    assert_int_equal(err.code, MSE_ERR_TRUNCATED);
    assert_int_equal(err.offset, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_known_encodings_are_known_algorithms),
        cmocka_unit_test(pss_is_known_with_all_parameters_in_agreement),
        cmocka_unit_test(a_malformed_identifier_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
