/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGSTRUCT: made, read, checked. The expected digests were computed by tests/e2e/sgx_oracle.py
 * with Python's integers, for the same throwaway key.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include "base/clock.h"
#include "base/encode.h"
#include "exact.h"
#include "measure/sigstruct.h"

/* openssl genrsa -3 -traditional 3072; signs nothing but tests. */
static const char key_pem[] = "-----BEGIN RSA PRIVATE KEY-----\n"
                              "MIIG4wIBAAKCAYEA5i6Ylp3ZqT5ZugkxkEz/l4qssD/X6G7dCqBSZ0bVGbkymsqv\n"
                              "ZPZMN2mg5nr2lVfirCB7/FqQbrBEUkMCRgSEKHu1gMvOqUyC3P2NKo3FAt2UOJUo\n"
                              "1ZBExoIykc1+R80KjclBgOZq6OgPGqC2DSEdC67FDbDfK5Jrkk5/jiF8+1mbFxO7\n"
                              "D2JiltOMhSmeps2vM8J8+p9lgcEzYBNxBouuuaDR1WAB8zbJrxChUUBFveQd4UaH\n"
                              "hCBSIdatOjeLBvsSaJ1tNRwckHxSQEV3mKQ2BIe0RKhjdeh+pl1DMx5B2FRTRUAc\n"
                              "WB9mSzevgH8xQxpOkfxSCKPFCZQkS3EuhyKvhax3Pv884boXf8fxKLEEs/ep/+CD\n"
                              "BTlfIjdy5d0HaJR36BAM89N4deUxLh51nt+QDGm9zbiIGMoFrUFDzzodCc7sR632\n"
                              "iP9W2HN3vb1VHWZBkQyMoAehLGkVQhj4uTNgmg8rfhy5vkAq68xCgd45QPOo88o4\n"
                              "IGlEeJVdKv/JIDfDAgEDAoIBgQCZdGW5vpEbfuZ8BiEK3f+6XHMgKo/wSeixwDbv\n"
                              "hI4RJiG8hx+YpDLPm8CZp08OOpcdav1S5wr0dYLhggGEAwLFp85V3TRw3ayTU7Nx\n"
                              "s9isk7gluMXjtYMvAXcL3lQv3gcJMNZV7vHwmrS8ayQIwL4Hydizyz9yYZ0MNFUJ\n"
                              "a6inkRIPYny07EG54l2uG78Z3nTNLFNRv5kBK3eVYktZsnR7wIvjlVaiJIZ0tcDg\n"
                              "1YPT7WlA2a+tauFr5HN8JQdZ/LWsnygLUN6KET0HcSIwMRzvRYjwSx0hDmtJye+q\n"
                              "1Zvi8abP/coa90PjqOhePo6geQVTSxyuhl7xQO9bTBfLOsOvmx/y5iO/97FfXArh\n"
                              "KGOu+oDz7hdQWplG7INPbNAlmRre3EsvtGaR2+5C1vNcZ2k2vYyq3ZA0jaTLevgh\n"
                              "S6NjVTQDIDP9IcNSGyPHDr1xYrbM1yqI3aC1wZeWH7hWKLvpuoNbwvRb7HuIl+wZ\n"
                              "VzgWF5OwLgqVyM4s2iMPp99SnUsCgcEA+ZFpLbebMe5BRjQ8tcqdzwigH9so+ccH\n"
                              "cwuzGO37JrXqW9DBvBLVfQSNVzNPGWA9skSVmfjF6LpcNFlu9RmAKWBDUCzGEJwo\n"
                              "hLpskGqMvN3DzGhtz4gqiDP1z3S4A1NKyowx9ntxfaZT/fK7yQIMREl6ZkbnaJ2R\n"
                              "o4dKp05ql5vv3RyIJsvK/KeNVERJJ9DZny0cIphorDB5NEY5c9ZMc6kLGYOQFLVD\n"
                              "kHbVNhFI/8jRLrghTLtTyO//05LYay1ZAoHBAOwdR/ZrM490NW7nh5qP7M6Wxrxc\n"
                              "jsqL1kSiqJnv3N0z7rFyq3OZqvi1xZvuDDkEiOLHEWjhcLb4YQ4lm+ExCdTjhAJ5\n"
                              "QTEqZOwDdEaJ4nCiJMWS8j0pTq+guB9FFyzbhM85ajXJbR1098vpTMtCZfYD8Gcl\n"
                              "SGFX/NiBhPX6PV0zLmXhIGaA5uCjNL7i78uBVb6csLAix2+WOKyjKsQf+kfOW1r0\n"
                              "ux+oLg5xiyXKHCAHejzNBvMAu2xeKL/xIbkeewKBwQCmYPDJJRIhSYDZeCh5Mb6K\n"
                              "BcAVPMX72gT3XSIQnqdvI/GSiyvStzj+AwjkzN9mQCkhgw5mpdlF0ZLNkPSjZlVw\n"
                              "6teKyIQLEsWt0Z21nF3TPoKIRZ6KWscFd/k0+Hqs4jHcXXakUkupGY1T9yfbVrLY\n"
                              "MPxEL0TwaQvCWjHE3vG6Z/U+EwVvModTGl44LYYaizu/c2gXEEXIIFDNhCZNOYhN\n"
                              "G1y7rQq4eNe1pI4kC4X/2zYfJWuIfOKF9VU3tzryHjsCgcEAnWjapEd3tPgjn0UF\n"
                              "EbVIibnZ0uhfMbKO2GxwZp/ok3f0dkxyTREcpc6DvUlde1hbQdoLm0D1z1BAtBkS\n"
                              "liCxOJetVvuAy3GYnVei2bFBoGwYg7dMKMY0dRXQFNi6Heet33ucI9ueE6NP3UYz\n"
                              "MixD+Vf1mhja64/95aut+VF+PiIe7pYVmatElcIjKeyf3QDj1Gh1ysHaSmQlyGzH\n"
                              "LWqm2omSPKMnanAetEuyGTFoFVpRfd4EogB88ulwf/YWe2mnAoHAVo+JdB1pF14f\n"
                              "TJ4QjkoAt9b+76BChAeArDQOekJMktavTsamKPAzZcizIyUR70ZpUFJ6CAXKeeoE\n"
                              "sK70ydM0HE5se7HKOf0ZWdNUnyPyZrRywMzvzWcAql2mvwCkkEWKM7O4CA8jULdl\n"
                              "QUN4rUc2EuXD1AF8DiMwdhXWu885ron1qbNvlOndVqM1N9u3UlMf0/mEEPGiDvJQ\n"
                              "juXw8ebknGm6RumNiLWsEi2wE0s9SqJRlKOQrVByQRz1dsD9cK5S\n"
                              "-----END RSA PRIVATE KEY-----\n";
#define MRSIGNER "b6ac8496c9b89428f431933bc47b3b77854252bed5f95e63e4bdfe1363184f50"

static const struct sign_case {
    const char *name, *date;
    struct mse_enclave_settings settings;
    uint64_t flags, xfrm, xfrm_mask;
    const char *sha256; /* of all 1808 bytes */
} cases[] = {
    { "defaults",
      "2023-08-10",
      { .mpx = MSE_CPU_DISABLED, .pkru = MSE_CPU_DISABLED },
      0x4,
      0x3,
      0xfffffffffff9ff1b,
      "b80c82783c7c871e668e08ddda492051787ad1f268e28e69af67b15989ab0eee" },
    { "AVX required, AVX-512 disabled: off",
      NULL,
      { .debug = true,
        .use_exinfo = true,
        .isv_prod_id = 0x1234,
        .isv_svn = 0xfedc,
        .avx = MSE_CPU_REQUIRED,
        .avx512 = MSE_CPU_DISABLED,
        .amx = MSE_CPU_REQUIRED,
        .mpx = MSE_CPU_REQUIRED,
        .pkru = MSE_CPU_REQUIRED },
      0x6,
      0x6021b,
      0xffffffffffffffff,
      "b64a39b0e34ecc03c1d8ffcab8569eba9d1925cca4b09cab2ed1ff55976e51fe" },
    { "AVX disabled, AVX-512 required: on",
      "1999-12-31",
      { .isv_prod_id = 1,
        .isv_svn = 10,
        .avx = MSE_CPU_DISABLED,
        .avx512 = MSE_CPU_REQUIRED,
        .amx = MSE_CPU_DISABLED,
        .mpx = MSE_CPU_DISABLED,
        .pkru = MSE_CPU_DISABLED },
      0x4,
      0xe7,
      0xffffffffffffffff,
      "f2ef762db82e9543897557379676a83f546050e98a5cd59d48ed3caad72b4aff" },
    { "AVX-512 and AMX required by the rules of 1.5: the mask stays",
      NULL,
      { .fixed_xfrm_mask = true, .avx512 = MSE_CPU_REQUIRED, .amx = MSE_CPU_REQUIRED },
      0x4,
      0x600e7,
      0xfffffffffff9ff1b,
      NULL },
};

static struct mse_enclave_key *load_key(void)
{
    struct mse_enclave_key *key = NULL;
    struct mse_error err = { 0 };

    assert_true(mse_enclave_key_read(MSE_CSTR_BYTES(key_pem), &key, &err));
    return key;
}

static void make(const struct sign_case *c, struct mse_sigstruct *out)
{
    struct mse_enclave_key *key = load_key();
    struct mse_error err = { 0 };
    uint8_t mrenclave[32];
    int64_t date = MSE_SIGSTRUCT_NO_DATE;

    for (size_t i = 0; i < sizeof(mrenclave); i++)
        mrenclave[i] = (uint8_t)i;
    if (c->date != NULL)
        assert_true(mse_time_read(c->date, strlen(c->date), &date));
    assert_true(mse_sigstruct_make(mrenclave, &c->settings, key, date, out, &err));
    mse_enclave_key_free(key);
}

static void assert_hex(const uint8_t digest[32], const char *want)
{
    char text[65];

    mse_hex_write(digest, 32, text);
    assert_string_equal(text, want);
}

static void what_is_made_is_what_python_makes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_sigstruct s;
        uint8_t digest[32];

        if (cases[i].sha256 == NULL)
            continue;
        make(&cases[i], &s);
        SHA256(s.raw, sizeof(s.raw), digest);
        assert_hex(digest, cases[i].sha256);
        assert_hex(s.mrsigner, MRSIGNER);
    }
}

static void what_is_made_reads_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_sigstruct made, s;
        struct mse_error err = { 0 };
        char date[16];

        make(&cases[i], &made);
        assert_true(mse_sigstruct_parse(MSE_BYTES(made.raw), &s, &err));
        assert_true(mse_sigstruct_check(&s, &err));
        (void)snprintf(date, sizeof(date), "%04u-%02u-%02u", s.year % 10000, s.month % 100,
                       s.day % 100);
        assert_string_equal(date, cases[i].date != NULL ? cases[i].date : "0000-00-00");
        assert_int_equal(s.flags, cases[i].flags);
        assert_int_equal(s.flags_mask, UINT64_MAX);
        assert_int_equal(s.xfrm, cases[i].xfrm);
        assert_int_equal(s.xfrm_mask, cases[i].xfrm_mask);
        assert_int_equal(s.misc_select, cases[i].settings.use_exinfo ? 1 : 0);
        assert_int_equal(s.misc_mask, UINT32_MAX);
        assert_int_equal(s.isv_prod_id, cases[i].settings.isv_prod_id);
        assert_int_equal(s.isv_svn, cases[i].settings.isv_svn);
        assert_int_equal(s.vendor, 0);
        assert_int_equal(s.mrenclave[31], 31);
    }
}

/* The last instant of a day and the first of the next, in UTC. */
static void the_date_is_that_of_the_day(void **state)
{
    struct mse_enclave_key *key = load_key();
    struct mse_error err = { 0 };
    const uint8_t mrenclave[32] = { 0 };
    struct mse_sigstruct s;

    (void)state;
    assert_true(mse_sigstruct_make(mrenclave, &cases[0].settings, key, 1709251199, &s, &err));
    assert_memory_equal(s.raw + 20, "\x29\x02\x24\x20", 4);
    assert_true(mse_sigstruct_make(mrenclave, &cases[0].settings, key, 1709251200, &s, &err));
    assert_memory_equal(s.raw + 20, "\x01\x03\x24\x20", 4);
    mse_enclave_key_free(key);
}

/* One bit of one byte: every byte is a constant, reserved, signed, or follows from the others. */
static void no_byte_may_change(void **state)
{
    struct mse_sigstruct good;

    (void)state;
    make(&cases[0], &good);
    for (size_t i = 0; i < sizeof(good.raw); i++) {
        struct mse_error err = { 0 };
        struct mse_sigstruct s;
        uint8_t raw[MSE_SIGSTRUCT_SIZE];

        memcpy(raw, good.raw, sizeof(raw));
        raw[i] ^= 0x10;
        if (mse_sigstruct_parse(MSE_BYTES(raw), &s, &err) && mse_sigstruct_check(&s, &err))
            fail_msg("byte %zu may be changed", i);
        assert_int_not_equal(err.code, MSE_ERR_NONE);
    }
}

static const struct {
    const char *name;
    size_t at, len;
    const char *bytes;
    enum mse_err_code want;
    size_t offset;
    bool parses;
} corruptions[] = {
    { "header", 0, 1, "\x07", MSE_ERR_VALUE, 0, false },
    { "vendor", 16, 2, "\x86\x80", MSE_ERR_SIGNATURE, 0, true },
    { "day of month 32", 20, 1, "\x32", MSE_ERR_VALUE, 20, false },
    { "day that is no decimal", 20, 1, "\x1a", MSE_ERR_VALUE, 20, false },
    { "day whose tens are no decimal", 20, 1, "\xa0", MSE_ERR_VALUE, 20, false },
    { "month 13", 21, 1, "\x13", MSE_ERR_VALUE, 20, false },
    { "month 0", 21, 1, "\0", MSE_ERR_VALUE, 20, false },
    { "year that is no decimal", 22, 1, "\x0f", MSE_ERR_VALUE, 20, false },
    { "century that is no decimal", 23, 1, "\xf0", MSE_ERR_VALUE, 20, false },
    { "February 29 of a common year", 20, 2, "\x29\x02", MSE_ERR_VALUE, 20, false },
    { "no date at all", 20, 4, "\0\0\0\0", MSE_ERR_SIGNATURE, 0, true },
    { "second header", 24, 1, "\2", MSE_ERR_VALUE, 24, false },
    { "defined by software", 40, 1, "\1", MSE_ERR_SIGNATURE, 0, true },
    { "reserved 1", 127, 1, "\1", MSE_ERR_VALUE, 44, false },
    { "modulus of fewer bits", 511, 1, "\x7f", MSE_ERR_VALUE, 128, true },
    { "exponent", 512, 4, "\1\0\1\0", MSE_ERR_VALUE, 512, false },
    { "signature", 516, 1, NULL, MSE_ERR_SIGNATURE, 0, true },
    { "signature not below the modulus", 896, 4, "\xff\xff\xff\xff", MSE_ERR_VALUE, 516, true },
    { "MISCSELECT", 900, 1, "\1", MSE_ERR_SIGNATURE, 0, true },
    { "CET attributes", 908, 1, "\1", MSE_ERR_SIGNATURE, 0, true },
    { "reserved 2", 911, 1, "\1", MSE_ERR_VALUE, 910, false },
    { "family", 912, 1, "\1", MSE_ERR_SIGNATURE, 0, true },
    { "attributes", 928, 1, "\6", MSE_ERR_SIGNATURE, 0, true },
    { "attribute mask", 944, 1, "\xfd", MSE_ERR_SIGNATURE, 0, true },
    { "MRENCLAVE", 991, 1, "\0", MSE_ERR_SIGNATURE, 0, true },
    { "reserved 3", 992, 1, "\1", MSE_ERR_VALUE, 992, false },
    { "product", 1024, 1, "\1", MSE_ERR_SIGNATURE, 0, true },
    { "version", 1026, 1, "\1", MSE_ERR_SIGNATURE, 0, true },
    { "reserved 4", 1039, 1, "\1", MSE_ERR_VALUE, 1028, false },
    { "Q1", 1040, 1, NULL, MSE_ERR_VALUE, 1040, true },
    { "last byte of Q1", 1423, 1, NULL, MSE_ERR_VALUE, 1040, true },
    { "Q2", 1424, 1, NULL, MSE_ERR_VALUE, 1424, true },
    { "last byte of Q2", 1807, 1, NULL, MSE_ERR_VALUE, 1424, true },
};

static void each_field_that_is_corrupt_is_refused_by_name(void **state)
{
    struct mse_sigstruct good;

    (void)state;
    make(&cases[0], &good);
    for (size_t i = 0; i < sizeof(corruptions) / sizeof(corruptions[0]); i++) {
        struct mse_error err = { 0 };
        struct mse_sigstruct s;
        uint8_t raw[MSE_SIGSTRUCT_SIZE];
        bool parses;

        memcpy(raw, good.raw, sizeof(raw));
        if (corruptions[i].bytes != NULL)
            memcpy(raw + corruptions[i].at, corruptions[i].bytes, corruptions[i].len);
        else
            raw[corruptions[i].at] ^= 1;
        parses = mse_sigstruct_parse(MSE_BYTES(raw), &s, &err);
        if (parses != corruptions[i].parses || (parses && mse_sigstruct_check(&s, &err)) ||
            err.code != corruptions[i].want || err.offset != corruptions[i].offset)
            fail_msg("%s: %s at %zu", corruptions[i].name, mse_err_name(err.code), err.offset);
        if (!parses)
            assert_true(mse_is_zero((const uint8_t *)&s, sizeof(s)));
    }
}

static void every_prefix_is_refused(void **state)
{
    struct mse_sigstruct good, s;
    uint8_t longer[MSE_SIGSTRUCT_SIZE + 1] = { 0 };
    struct mse_error err = { 0 };

    (void)state;
    make(&cases[0], &good);
    for (size_t n = 0; n < sizeof(good.raw); n++) {
        struct mse_bytes cut = exact_copy(MSE_BYTES(good.raw), n);
        struct mse_error why = { 0 };

        assert_false(mse_sigstruct_parse(cut, &s, &why));
        assert_int_equal(why.code, MSE_ERR_TRUNCATED);
        exact_free(cut);
    }
    memcpy(longer, good.raw, sizeof(good.raw));
    assert_false(mse_sigstruct_parse(MSE_BYTES(longer), &s, &err));
    assert_int_equal(err.code, MSE_ERR_TRAILING);
}

/* ---- keys ---- */

static void a_new_key_reads_back(void **state)
{
    struct mse_enclave_key *key = NULL, *again = NULL;
    struct mse_writer pem = { 0 };
    struct mse_error err = { 0 };
    uint8_t one[32], other[32];

    (void)state;
    assert_true(mse_enclave_key_generate(&key, &err));
    assert_true(mse_enclave_key_write(key, &pem, &err));
    assert_memory_equal(pem.data, "-----BEGIN RSA PRIVATE KEY-----\n", 32);
    assert_true(mse_enclave_key_read(mse_writer_bytes(&pem), &again, &err));
    mse_enclave_key_mrsigner(key, one);
    mse_enclave_key_mrsigner(again, other);
    assert_memory_equal(one, other, sizeof(one));
    assert_false(mse_is_zero(one, sizeof(one)));
    mse_writer_cleanup(&pem);
    mse_enclave_key_free(key);
    mse_enclave_key_free(again);
}

static void a_key_written_by_openssl_reads_back_the_same(void **state)
{
    struct mse_enclave_key *key = load_key();
    struct mse_writer pem = { 0 };
    struct mse_error err = { 0 };
    uint8_t mrsigner[32];

    (void)state;
    assert_true(mse_enclave_key_write(key, &pem, &err));
    assert_true(mse_bytes_equal_text(mse_writer_bytes(&pem), key_pem));
    mse_enclave_key_mrsigner(key, mrsigner);
    assert_hex(mrsigner, MRSIGNER);
    mse_writer_cleanup(&pem);
    mse_enclave_key_free(key);
}

enum form { PLAIN, PKCS8, ENCRYPTED, PUBLIC };

/* What reading this key's PEM gives; the text is the message. */
static enum mse_err_code read_key(EVP_PKEY *pkey, enum form form, char text[400])
{
    BIO *bio = BIO_new(BIO_s_mem());
    struct mse_enclave_key *key = NULL;
    struct mse_error err = { 0 };
    char *data;
    size_t len;

    assert_non_null(pkey);
    switch (form) {
    case PLAIN:
        assert_int_equal(PEM_write_bio_PrivateKey_traditional(bio, pkey, NULL, NULL, 0, NULL, NULL),
                         1);
        break;
    case PKCS8:
        assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL), 1);
        break;
    case ENCRYPTED:
        assert_int_equal(
            PEM_write_bio_PKCS8PrivateKey(bio, pkey, EVP_aes_128_cbc(), "password", 8, NULL, NULL),
            1);
        break;
    case PUBLIC:
        assert_int_equal(PEM_write_bio_PUBKEY(bio, pkey), 1);
        break;
    }
    len = (size_t)BIO_get_mem_data(bio, &data);
    if (!mse_enclave_key_read((struct mse_bytes){ (const uint8_t *)data, len }, &key, &err))
        assert_null(key);
    (void)snprintf(text, 400, "%s", err.text);
    mse_enclave_key_free(key);
    BIO_free(bio);
    return err.code;
}

static void other_kinds_of_keys_are_refused_by_name(void **state)
{
    EVP_PKEY *short_key = EVP_RSA_gen(2048);
    EVP_PKEY *usual = EVP_RSA_gen(3072);
    EVP_PKEY *curve = EVP_EC_gen("P-256");
    char text[400];

    (void)state;
    assert_int_equal(read_key(short_key, PLAIN, text), MSE_ERR_VALUE);
    assert_non_null(strstr(text, "2048 bits"));
    assert_int_equal(read_key(usual, PLAIN, text), MSE_ERR_VALUE);
    assert_non_null(strstr(text, "65537"));
    assert_int_equal(read_key(curve, PKCS8, text), MSE_ERR_VALUE);
    assert_non_null(strstr(text, "EC"));
    EVP_PKEY_free(short_key);
    EVP_PKEY_free(usual);
    EVP_PKEY_free(curve);
}

static void the_form_of_a_key_may_be_pkcs8_but_not_encrypted_or_public(void **state)
{
    BIO *in = BIO_new_mem_buf(key_pem, -1);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
    char text[400];

    (void)state;
    assert_int_equal(read_key(pkey, PKCS8, text), MSE_ERR_NONE);
    assert_int_equal(read_key(pkey, ENCRYPTED, text), MSE_ERR_FORMAT);
    assert_non_null(strstr(text, "encrypted"));
    assert_int_equal(read_key(pkey, PUBLIC, text), MSE_ERR_FORMAT);
    BIO_free(in);
    EVP_PKEY_free(pkey);
}

static void what_is_no_key_is_refused(void **state)
{
    struct mse_enclave_key *key = NULL;
    struct mse_error err = { 0 };
    struct mse_error too_long = { 0 };
    uint8_t byte = 0;

    (void)state;
    assert_false(mse_enclave_key_read((struct mse_bytes){ NULL, 0 }, &key, &err));
    assert_int_equal(err.code, MSE_ERR_FORMAT);
    assert_null(key);
    assert_false(mse_enclave_key_read((struct mse_bytes){ &byte, MSE_ENCLAVE_KEY_MAX_PEM + 1 },
                                      &key, &too_long));
    assert_int_equal(too_long.code, MSE_ERR_LIMIT);
    /* Any prefix: the last line end alone may be missing. */
    for (size_t n = 0; n + 1 < strlen(key_pem); n += 7) {
        struct mse_bytes cut = exact_copy(MSE_CSTR_BYTES(key_pem), n);
        struct mse_error why = { 0 };

        assert_false(mse_enclave_key_read(cut, &key, &why));
        assert_int_equal(why.code, MSE_ERR_FORMAT);
        assert_null(key);
        exact_free(cut);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_made_is_what_python_makes),
        cmocka_unit_test(what_is_made_reads_back),
        cmocka_unit_test(the_date_is_that_of_the_day),
        cmocka_unit_test(no_byte_may_change),
        cmocka_unit_test(each_field_that_is_corrupt_is_refused_by_name),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(a_new_key_reads_back),
        cmocka_unit_test(a_key_written_by_openssl_reads_back_the_same),
        cmocka_unit_test(other_kinds_of_keys_are_refused_by_name),
        cmocka_unit_test(the_form_of_a_key_may_be_pkcs8_but_not_encrypted_or_public),
        cmocka_unit_test(what_is_no_key_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
