/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists: written octet by octet for what is refused, by OpenSSL for size and signature.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <openssl/x509v3.h>

#include "crypto/crl.h"
#include "crypto/der.h"
#include "der_build.h"

/* In the order of the list. ENTRIES and EXTENSIONS are without their wrappers. */
enum part {
    VERSION,
    INNER_ALGORITHM,
    ISSUER,
    THIS_UPDATE,
    NEXT_UPDATE,
    ENTRIES,
    EXTENSIONS,
    TBS_TAIL,
    ALGORITHM,
    SIGNATURE,
    BEHIND,
    PART_COUNT
};

/* clang-format off */
#define ECDSA_SHA256 "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"
#define DATE "\x17\x0d" "230601000000Z"
#define ENTRY(number) "\x30\x12\x02\x01" number DATE
#define ENTRY_PLUS(len, list_len, extensions)                                                      \
    "\x30" len "\x02\x01\x07" DATE "\x30" list_len extensions
#define NUMBER "\x30\x0a\x06\x03\x55\x1d\x14\x04\x03\x02\x01\x05"
#define REASON "\x30\x0d\x06\x03\x55\x1d\x15\x01\x01\xff\x04\x03\x0a\x01\x01"
/* clang-format on */

static const struct mse_bytes defaults[PART_COUNT] = {
    [VERSION] = B("\x02\x01\x01"),
    [INNER_ALGORITHM] = B(ECDSA_SHA256),
    [ISSUER] = B("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01"
                 "A"),
    [THIS_UPDATE] = B("\x17\x0d"
                      "230101000000Z"),
    [NEXT_UPDATE] = B("\x17\x0d"
                      "330101000000Z"),
    [ENTRIES] = B(ENTRY("\x05") ENTRY("\x03") ENTRY_PLUS("\x23", "\x0f", REASON)),
    [EXTENSIONS] = B(NUMBER),
    [ALGORITHM] = B(ECDSA_SHA256),
    [SIGNATURE] = B("\x03\x09\x00\x30\x06\x02\x01\x01\x02\x01\x01"),
};

struct sample {
    struct mse_writer w;
    size_t at[PART_COUNT]; /* where each part begins */
};

static void wrap(struct sample *s, size_t start, uint8_t tag, enum part from, enum part to)
{
    size_t before = s->w.len;

    der_wrap(&s->w, start, tag);
    for (size_t i = from; i <= to; i++)
        s->at[i] += s->w.len - before;
}

static void put(struct sample *s, enum part part, const struct mse_bytes *parts)
{
    size_t start = s->w.len;

    s->at[part] = start;
    if (parts[part].len > 0)
        mse_write_bytes(&s->w, parts[part].data, parts[part].len);
    if (parts[part].data != NULL && (part == ENTRIES || part == EXTENSIONS))
        wrap(s, start, 0x30, part, part);
    if (parts[part].data != NULL && part == EXTENSIONS)
        wrap(s, start, 0xa0, part, part);
}

static struct sample build_with(enum part part, struct mse_bytes content)
{
    struct mse_bytes parts[PART_COUNT];
    struct sample s = { 0 };

    memcpy(parts, defaults, sizeof(parts));
    parts[part] = content;
    for (enum part i = VERSION; i <= TBS_TAIL; i++)
        put(&s, i, parts);
    wrap(&s, 0, 0x30, VERSION, TBS_TAIL);
    put(&s, ALGORITHM, parts);
    put(&s, SIGNATURE, parts);
    wrap(&s, 0, 0x30, VERSION, SIGNATURE);
    put(&s, BEHIND, parts);
    assert_true(mse_writer_ok(&s.w));
    return s;
}

static void parse_valid(const struct sample *s, struct mse_crl *out)
{
    struct mse_error err = { 0 };

    if (!mse_crl_parse(mse_writer_bytes(&s->w), out, &err))
        fail_msg("%s at %zu: %s", mse_err_name(err.code), err.offset, err.field);
}

/* Parses a copy that ends where its block does; a refused list must come back empty. */
static struct mse_error refuse(const struct sample *s, size_t len)
{
    static const struct mse_crl empty;
    struct mse_error err = { 0 };
    uint8_t *copy = malloc(len > 0 ? len : 1);
    struct mse_crl crl;

    assert_non_null(copy);
    memcpy(copy, s->w.data, len);
    assert_false(mse_crl_parse((struct mse_bytes){ copy, len }, &crl, &err));
    assert_memory_equal(&crl, &empty, sizeof(crl));
    free(copy);
    return err;
}

static bool lists(const struct mse_crl *crl, const char *octets, size_t len)
{
    return mse_crl_lists(crl, (struct mse_bytes){ (const uint8_t *)octets, len });
}

static void a_list_is_read_as_openssl_reads_it(void **state)
{
    struct sample s = build_with(VERSION, defaults[VERSION]);
    const uint8_t *p = s.w.data;
    X509_CRL *oracle = d2i_X509_CRL(NULL, &p, (long)s.w.len);
    struct mse_crl crl;

    (void)state;
    assert_non_null(oracle);
    parse_valid(&s, &crl);
    assert_int_equal(crl.serial_count, sk_X509_REVOKED_num(X509_CRL_get_REVOKED(oracle)));
    assert_int_equal(crl.this_update, 1672531200);
    assert_int_equal(crl.next_update, 1988150400);
    assert_int_equal(crl.signature_type, MSE_SIGNATURE_ECDSA_SHA256);
    assert_true(crl.has_number);
    assert_true(mse_bytes_equal_text(crl.number, "\x05"));
    assert_ptr_equal(crl.issuer.data, s.w.data + s.at[ISSUER]);
    assert_int_equal(crl.issuer.len, defaults[ISSUER].len);
    assert_ptr_equal(crl.tbs.data + crl.tbs.len, s.w.data + s.at[ALGORITHM]);
    assert_int_equal(crl.signature.len, 8);
    assert_int_equal(crl.der.len, s.w.len);
    assert_true(lists(&crl, "\x03", 1) && lists(&crl, "\x05", 1) && lists(&crl, "\x07", 1));
    assert_false(lists(&crl, "\x04", 1) || lists(&crl, "\x03\x05", 2) || lists(&crl, "", 0));
    X509_CRL_free(oracle);
    mse_crl_cleanup(&crl);
    assert_false(lists(&crl, "\x05", 1));
    mse_writer_cleanup(&s.w);
}

struct refusal {
    const char *name;
    enum part part;
    struct mse_bytes content;
    enum mse_err_code want;
    size_t at; /* from the beginning of that part */
};

#define ABSENT                                                                                     \
    {                                                                                              \
        NULL, 0                                                                                    \
    }
#define OTHER_ALGORITHM "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03"
/* issuingDistributionPoint, deltaCRLIndicator, certificateIssuer: critical, with content 05 00 */
#define CRITICAL(n) "\x30\x0c\x06\x03\x55\x1d" n "\x01\x01\xff\x04\x02\x05\x00"
#define PLAIN(n) "\x30\x09\x06\x03\x55\x1d" n "\x04\x02\x05\x00"

/* clang-format off */
static const struct refusal refusals[] = {
    { "version 3", VERSION, B("\x02\x01\x02"), MSE_ERR_VALUE, 0 },
    { "encoded version 1", VERSION, B("\x02\x01\x00"), MSE_ERR_VALUE, 0 },
    { "inner algorithm differs", INNER_ALGORITHM, B(OTHER_ALGORITHM), MSE_ERR_MISMATCH, 0 },
    { "outer algorithm differs", ALGORITHM, B(OTHER_ALGORITHM), MSE_ERR_MISMATCH, 0 },
    { "issuer of another type", ISSUER, B("\x31\x00"), MSE_ERR_FORMAT, 0 },
    { "impossible date", THIS_UPDATE, B("\x17\x0d" "230230000000Z"), MSE_ERR_VALUE, 2 },
    { "no end", NEXT_UPDATE, ABSENT, MSE_ERR_MISSING, 0 },
    { "impossible end", NEXT_UPDATE, B("\x17\x0d" "330101000060Z"), MSE_ERR_VALUE, 2 },
    { "entry without number", ENTRIES, B("\x30\x0f" DATE), MSE_ERR_FORMAT, 2 },
    { "entry with empty number", ENTRIES, B("\x30\x11\x02\x00" DATE), MSE_ERR_FORMAT, 4 },
    { "padded number", ENTRIES, B("\x30\x14\x02\x03\x00\x00\x55" DATE), MSE_ERR_FORMAT, 4 },
    { "number of 21 octets", ENTRIES,
      B("\x30\x26\x02\x15\x01" "abcdefghijklmnopqrst" DATE), MSE_ERR_LIMIT, 4 },
    { "entry without date", ENTRIES, B("\x30\x03\x02\x01\x05"), MSE_ERR_TRUNCATED, 5 },
    { "entry with an impossible date", ENTRIES,
      B("\x30\x12\x02\x01\x05\x17\x0d" "230001000000Z"), MSE_ERR_VALUE, 7 },
    { "second entry cut", ENTRIES, B(ENTRY("\x05") "\x30\x12\x02"), MSE_ERR_TRUNCATED, 22 },
    { "bytes behind the entry's extensions", ENTRIES,
      B("\x30\x25\x02\x01\x07" DATE "\x30\x0f" REASON "\x05\x00"), MSE_ERR_TRAILING, 37 },
    { "empty extensions of an entry", ENTRIES, B(ENTRY_PLUS("\x14", "\x00", "")),
      MSE_ERR_VALUE, 22 },
    { "entry of another issuer", ENTRIES, B(ENTRY_PLUS("\x22", "\x0e", CRITICAL("\x1d"))),
      MSE_ERR_UNSUPPORTED, 26 },
    { "entry of another issuer, not critical", ENTRIES,
      B(ENTRY_PLUS("\x1f", "\x0b", PLAIN("\x1d"))), MSE_ERR_UNSUPPORTED, 26 },
    { "entry's extension twice", ENTRIES, B(ENTRY_PLUS("\x32", "\x1e", REASON REASON)),
      MSE_ERR_DUPLICATE, 37 },
    { "partial list", EXTENSIONS, B(CRITICAL("\x1c")), MSE_ERR_UNSUPPORTED, 4 },
    { "delta list", EXTENSIONS, B(NUMBER CRITICAL("\x1b")), MSE_ERR_UNSUPPORTED, 16 },
    { "partial list, not critical", EXTENSIONS, B(PLAIN("\x1c")), MSE_ERR_UNSUPPORTED, 4 },
    { "delta list, not critical", EXTENSIONS, B(NUMBER PLAIN("\x1b")), MSE_ERR_UNSUPPORTED, 16 },
    { "extension twice", EXTENSIONS, B(NUMBER NUMBER), MSE_ERR_DUPLICATE, 12 },
    { "no extensions in the list", EXTENSIONS, B(""), MSE_ERR_VALUE, 0 },
    { "negative number of the list", EXTENSIONS, B("\x30\x0a\x06\x03\x55\x1d\x14\x04\x03\x02\x01\x85"),
      MSE_ERR_VALUE, 11 },
    { "bytes behind the number", EXTENSIONS,
      B("\x30\x0c\x06\x03\x55\x1d\x14\x04\x05\x02\x01\x05\x05\x00"), MSE_ERR_TRAILING, 12 },
    { "bytes behind the extensions", TBS_TAIL, B("\x05\x00"), MSE_ERR_TRAILING, 0 },
    { "extensions of version 2 in version 1", VERSION, ABSENT, MSE_ERR_TRAILING, 0 },
    { "signature with unused bits", SIGNATURE, B("\x03\x02\x01\x02"), MSE_ERR_FORMAT, 2 },
    { "bytes behind the signature", SIGNATURE, B("\x03\x02\x00\x02\x05\x00"), MSE_ERR_TRAILING, 4 },
    { "bytes behind the list", BEHIND, B("\x00"), MSE_ERR_TRAILING, 0 },
};
/* clang-format on */

static size_t wanted_offset(const struct refusal *c, const struct sample *s)
{
    if (c->want == MSE_ERR_MISMATCH) /* seen at the second algorithm */
        return s->at[ALGORITHM];
    if (c->part == VERSION && c->content.data == NULL) /* the third entry ends behind its date */
        return s->at[ENTRIES] + 60;
    return s->at[c->part] + c->at;
}

static void each_wrong_field_is_refused_where_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        const struct refusal *c = &refusals[i];
        struct sample s = build_with(c->part, c->content);
        struct mse_error err = refuse(&s, s.w.len);

        if (err.code != c->want || err.offset != wanted_offset(c, &s))
            fail_msg("%s: %s at %zu (%s), wanted %s at %zu", c->name, mse_err_name(err.code),
                     err.offset, err.field, mse_err_name(c->want), wanted_offset(c, &s));
        mse_writer_cleanup(&s.w);
    }
}

static void every_prefix_of_a_list_is_truncated(void **state)
{
    struct sample s = build_with(VERSION, defaults[VERSION]);

    (void)state;
    for (size_t n = 0; n < s.w.len; n++)
        assert_int_equal(refuse(&s, n).code, MSE_ERR_TRUNCATED);
    mse_writer_cleanup(&s.w);
}

static void lists_without_entries_revoke_nothing(void **state)
{
    static const struct mse_bytes contents[] = { { NULL, 0 }, { (const uint8_t *)"", 0 } };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct sample s = build_with(ENTRIES, contents[i]);
        struct mse_crl crl;

        parse_valid(&s, &crl);
        assert_int_equal(crl.serial_count, 0);
        assert_false(lists(&crl, "\x05", 1));
        mse_crl_cleanup(&crl);
        mse_writer_cleanup(&s.w);
    }
}

/* As certificates have them: sign octets do not count, negative numbers keep their octets. */
static void numbers_are_those_of_certificates(void **state)
{
    static const struct mse_bytes entries = B("\x30\x13\x02\x02\x00\x85" DATE
                                              "\x30\x12\x02\x01\xfe" DATE);
    struct sample s = build_with(ENTRIES, entries);
    struct mse_crl crl;

    (void)state;
    parse_valid(&s, &crl);
    assert_true(lists(&crl, "\x85", 1) && lists(&crl, "\xfe", 1));
    assert_false(lists(&crl, "\x05", 1) || lists(&crl, "\x02", 1));
    mse_crl_cleanup(&crl);
    mse_writer_cleanup(&s.w);
}

static void a_list_may_do_without_extensions(void **state)
{
    struct sample s = build_with(EXTENSIONS, (struct mse_bytes){ NULL, 0 });
    struct mse_crl crl;

    (void)state;
    parse_valid(&s, &crl);
    assert_false(crl.has_number);
    assert_int_equal(crl.number.len, 0);
    mse_crl_cleanup(&crl);
    mse_writer_cleanup(&s.w);
}

/* ---- lists made by OpenSSL ---- */

static void set_name(X509_NAME *name, const char *common_name)
{
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                                (const unsigned char *)common_name, -1, -1, 0),
                     1);
}

/* The i-th number: spread over all lengths up to 20 octets, in no order. */
static size_t number(unsigned i, uint8_t out[static 20])
{
    size_t len = 3 + i * 7 % 18;

    for (size_t j = 0; j < 20; j++)
        out[j] = (uint8_t)(i * 2654435761U >> (j % 4 * 8));
    out[0] = (uint8_t)((out[0] & 0x7f) | 1);
    out[1] = (uint8_t)(i >> 8);
    out[2] = (uint8_t)i;
    return len;
}

static void revoke(X509_CRL *list, unsigned count, const ASN1_TIME *at)
{
    for (unsigned i = 0; i < count; i++) {
        uint8_t octets[20];
        X509_REVOKED *entry = X509_REVOKED_new();
        BIGNUM *value = BN_bin2bn(octets, (int)number(i, octets), NULL);
        ASN1_INTEGER *serial = BN_to_ASN1_INTEGER(value, NULL);

        BN_free(value);
        assert_int_equal(X509_REVOKED_set_serialNumber(entry, serial), 1);
        assert_int_equal(X509_REVOKED_set_revocationDate(entry, (ASN1_TIME *)(uintptr_t)at), 1);
        assert_int_equal(X509_CRL_add0_revoked(list, entry), 1);
        ASN1_INTEGER_free(serial);
    }
}

static uint8_t *make_list(const char *issuer, EVP_PKEY *signer, unsigned count, size_t *len)
{
    X509_CRL *list = X509_CRL_new();
    X509_NAME *name = X509_NAME_new();
    ASN1_TIME *at = ASN1_TIME_set(NULL, 1700000000);
    uint8_t *der = NULL;
    int size;

    set_name(name, issuer);
    assert_int_equal(X509_CRL_set_version(list, X509_CRL_VERSION_2), 1);
    assert_int_equal(X509_CRL_set_issuer_name(list, name), 1);
    assert_int_equal(X509_CRL_set1_lastUpdate(list, at), 1);
    assert_int_equal(X509_CRL_set1_nextUpdate(list, at), 1);
    revoke(list, count, at);
    assert_true(X509_CRL_sign(list, signer, EVP_sha256()) > 0);
    size = i2d_X509_CRL(list, &der);
    assert_true(size > 0);
    *len = (size_t)size;
    ASN1_TIME_free(at);
    X509_NAME_free(name);
    X509_CRL_free(list);
    return der;
}

static void every_entry_of_a_long_list_is_found(void **state)
{
    const unsigned count = 20000;
    EVP_PKEY *signer = EVP_EC_gen("P-256");
    struct mse_error err = { 0 };
    struct mse_crl crl;
    size_t len;
    uint8_t *der = make_list("CA", signer, count, &len);

    (void)state;
    assert_true(mse_crl_parse((struct mse_bytes){ der, len }, &crl, &err));
    assert_int_equal(crl.serial_count, count);
    for (unsigned i = 0; i < 2 * count; i++) {
        uint8_t octets[20];
        size_t size = number(i, octets);

        assert_int_equal(mse_crl_lists(&crl, (struct mse_bytes){ octets, size }), i < count);
        octets[size - 1] ^= 1;
        if (size > 3)
            assert_false(mse_crl_lists(&crl, (struct mse_bytes){ octets, size }));
    }
    mse_crl_cleanup(&crl);
    OPENSSL_free(der);
    EVP_PKEY_free(signer);
}

struct issuer_case {
    const char *name;
    const char *subject;
    bool has_usage;
    uint32_t usage;
    bool other_key;
    enum mse_err_code want;
};

static const struct issuer_case issuers[] = {
    { "no keyUsage", "CA", false, 0, false, MSE_ERR_NONE },
    { "cRLSign", "CA", true, MSE_KEY_USAGE_CRL_SIGN, false, MSE_ERR_NONE },
    { "keyCertSign alone", "CA", true, MSE_KEY_USAGE_CERT_SIGN, false, MSE_ERR_CHAIN },
    { "another name", "CB", true, MSE_KEY_USAGE_CRL_SIGN, false, MSE_ERR_CHAIN },
    { "another key", "CA", true, MSE_KEY_USAGE_CRL_SIGN, true, MSE_ERR_SIGNATURE },
};

static struct mse_key *import(EVP_PKEY *pkey)
{
    struct mse_error err = { 0 };
    struct mse_key *key;
    uint8_t *bits = NULL;
    int len = i2d_PublicKey(pkey, &bits);

    assert_int_equal(len, 65);
    assert_true(mse_key_new(MSE_KEY_P256, (struct mse_bytes){ bits, 65 }, &key, &err));
    OPENSSL_free(bits);
    return key;
}

static void a_list_counts_only_from_its_issuer(void **state)
{
    EVP_PKEY *pkeys[2] = { EVP_EC_gen("P-256"), EVP_EC_gen("P-256") };
    struct mse_key *keys[2] = { import(pkeys[0]), import(pkeys[1]) };
    struct mse_error err = { 0 };
    struct mse_crl crl;
    size_t len;
    uint8_t *der = make_list("CA", pkeys[0], 3, &len);

    (void)state;
    assert_true(mse_crl_parse((struct mse_bytes){ der, len }, &crl, &err));
    for (size_t i = 0; i < sizeof(issuers) / sizeof(issuers[0]); i++) {
        const struct issuer_case *c = &issuers[i];
        X509_NAME *name = X509_NAME_new();
        struct mse_error e = { 0 };
        struct mse_cert issuer = { .has_key_usage = c->has_usage, .key_usage = c->usage };
        uint8_t *encoded = NULL;

        set_name(name, c->subject);
        issuer.subject.len = (size_t)i2d_X509_NAME(name, &encoded);
        issuer.subject.data = encoded;
        if (mse_crl_check_signed_by(&crl, &issuer, keys[c->other_key ? 1 : 0], &e) !=
                (c->want == MSE_ERR_NONE) ||
            e.code != c->want)
            fail_msg("%s: %s", c->name, mse_err_name(e.code));
        OPENSSL_free(encoded);
        X509_NAME_free(name);
    }
    mse_crl_cleanup(&crl);
    OPENSSL_free(der);
    for (size_t i = 0; i < 2; i++) {
        mse_key_free(keys[i]);
        EVP_PKEY_free(pkeys[i]);
    }
}

static void the_size_of_a_list_is_capped(void **state)
{
    static const uint8_t byte;
    struct mse_error err = { 0 };
    struct mse_crl crl;

    (void)state;
    /* Refused by its length alone: the bytes are not looked at. */
    assert_false(mse_crl_parse((struct mse_bytes){ &byte, MSE_CRL_MAX_SIZE + 1 }, &crl, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_read_as_openssl_reads_it),
        cmocka_unit_test(each_wrong_field_is_refused_where_it_is),
        cmocka_unit_test(every_prefix_of_a_list_is_truncated),
        cmocka_unit_test(lists_without_entries_revoke_nothing),
        cmocka_unit_test(numbers_are_those_of_certificates),
        cmocka_unit_test(a_list_may_do_without_extensions),
        cmocka_unit_test(every_entry_of_a_long_list_is_found),
        cmocka_unit_test(a_list_counts_only_from_its_issuer),
        cmocka_unit_test(the_size_of_a_list_is_capped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
