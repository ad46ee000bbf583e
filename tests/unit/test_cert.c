/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates field by field: each is replaced by a wrong one, and the refusal must point to it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include <openssl/x509v3.h>

#include "crypto/cert.h"
#include "der_build.h"

/* clang-format off */
/* In the order of the certificate. EXTENSIONS holds what is inside [3] { SEQUENCE { ... } }. */
enum part {
    VERSION, SERIAL, INNER_ALGORITHM, ISSUER, VALIDITY, SUBJECT, SPKI, UNIQUE_IDS, EXTENSIONS,
    TBS_TAIL, ALGORITHM, SIGNATURE, TAIL, BEHIND, PART_COUNT
};

#define OID_EC "\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
#define OID_P256 "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define OID_P384 "\x06\x05\x2b\x81\x04\x00\x22"
#define ECDSA_SHA256 "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"
#define TWO_DATES "\x17\x0d" "230101000000Z" "\x17\x0d" "330101000000Z"
#define EXT_CA "\x30\x12\x06\x03\x55\x1d\x13\x01\x01\xff\x04\x08\x30\x06\x01\x01\xff\x02\x01\x00"
#define EXT_USAGE "\x30\x0e\x06\x03\x55\x1d\x0f\x01\x01\xff\x04\x04\x03\x02\x01\x06"
/* The generator of P-256, SEC 2, 2.4.2. */
#define POINT                                                                                      \
    "\x04\x6b\x17\xd1\xf2\xe1\x2c\x42\x47\xf8\xbc\xe6\xe5\x63\xa4\x40\xf2\x77\x03\x7d\x81\x2d\xeb" \
    "\x33\xa0\xf4\xa1\x39\x45\xd8\x98\xc2\x96\x4f\xe3\x42\xe2\xfe\x1a\x7f\x9b\x8e\xe7\xeb\x4a\x7c" \
    "\x0f\x9e\x16\x2b\xce\x33\x57\x6b\x31\x5e\xce\xcb\xb6\x40\x68\x37\xbf\x51\xf5"
#define ABSENT { NULL, 0 }
/* clang-format on */

static const struct mse_bytes defaults[PART_COUNT] = {
    [VERSION] = B("\xa0\x03\x02\x01\x02"),
    [SERIAL] = B("\x02\x02\x12\x34"),
    [INNER_ALGORITHM] = B(ECDSA_SHA256),
    [ISSUER] = B("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01"
                 "A"),
    [VALIDITY] = B("\x30\x1e" TWO_DATES),
    [SUBJECT] = B("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01"
                  "B"),
    [SPKI] = B("\x30\x59\x30\x13" OID_EC OID_P256 "\x03\x42\x00" POINT),
    [EXTENSIONS] = B(EXT_CA EXT_USAGE),
    [ALGORITHM] = B(ECDSA_SHA256),
    [SIGNATURE] = B("\x03\x09\x00\x30\x06\x02\x01\x01\x02\x01\x01"),
};

struct sample {
    struct mse_writer w;
    size_t at[PART_COUNT]; /* where each part begins */
};

static void put(struct sample *s, enum part part, struct mse_bytes content)
{
    s->at[part] = s->w.len;
    if (content.len > 0)
        mse_write_bytes(&s->w, content.data, content.len);
}

/* Header in front of what is there; parts from..to move behind it. */
static void wrap(struct sample *s, size_t start, uint8_t tag, enum part from, enum part to)
{
    size_t before = s->w.len;

    der_wrap(&s->w, start, tag);
    for (size_t i = from; i <= to; i++)
        s->at[i] += s->w.len - before;
}

static struct sample build(const struct mse_bytes parts[static PART_COUNT])
{
    struct sample s = { 0 };

    for (enum part i = VERSION; i < EXTENSIONS; i++)
        put(&s, i, parts[i]);
    put(&s, EXTENSIONS, parts[EXTENSIONS]);
    if (parts[EXTENSIONS].data != NULL) {
        size_t start = s.at[EXTENSIONS];

        wrap(&s, start, 0x30, EXTENSIONS, EXTENSIONS);
        wrap(&s, start, 0xa3, EXTENSIONS, EXTENSIONS);
    }
    put(&s, TBS_TAIL, parts[TBS_TAIL]);
    wrap(&s, 0, 0x30, VERSION, TBS_TAIL);
    for (enum part i = ALGORITHM; i <= TAIL; i++)
        put(&s, i, parts[i]);
    wrap(&s, 0, 0x30, VERSION, TAIL);
    put(&s, BEHIND, parts[BEHIND]);
    assert_true(mse_writer_ok(&s.w));
    return s;
}

static struct sample build_with(enum part part, struct mse_bytes content)
{
    struct mse_bytes parts[PART_COUNT];

    memcpy(parts, defaults, sizeof(parts));
    parts[part] = content;
    return build(parts);
}

/* Parses a copy that ends where its block does; views are checked to lie inside. */
static struct mse_error parse(const struct sample *s, size_t len, struct mse_cert *out)
{
    struct mse_error err = { 0 };
    uint8_t *copy = malloc(len > 0 ? len : 1);
    bool parsed;

    assert_non_null(copy);
    memcpy(copy, s->w.data, len);
    parsed = mse_cert_parse((struct mse_bytes){ copy, len }, out, &err);
    assert_int_equal(parsed, err.code == MSE_ERR_NONE);
    if (!parsed) {
        static const struct mse_cert empty;

        assert_memory_equal(out, &empty, sizeof(empty));
    }
    free(copy);
    return err;
}

/* The same, with the certificate that outlives the call. */
static void parse_valid(const struct sample *s, struct mse_cert *out)
{
    struct mse_error err = { 0 };

    if (!mse_cert_parse(mse_writer_bytes(&s->w), out, &err))
        fail_msg("%s at %zu: %s", mse_err_name(err.code), err.offset, err.field);
}

static void a_certificate_is_read_as_openssl_reads_it(void **state)
{
    struct sample s = build(defaults);
    const uint8_t *p = s.w.data;
    X509 *oracle = d2i_X509(NULL, &p, (long)s.w.len);
    struct mse_cert cert;

    (void)state;
    assert_non_null(oracle);
    parse_valid(&s, &cert);
    assert_int_equal(cert.version, X509_get_version(oracle) + 1);
    assert_int_equal(cert.serial.len, 2);
    assert_memory_equal(cert.serial.data, "\x12\x34", 2);
    assert_int_equal(cert.not_before, 1672531200);
    assert_int_equal(cert.not_after, 1988150400);
    assert_int_equal(cert.path_len, X509_get_pathlen(oracle));
    assert_int_equal(X509_get_key_usage(oracle), X509v3_KU_KEY_CERT_SIGN | X509v3_KU_CRL_SIGN);
    assert_int_equal(cert.key_usage, MSE_KEY_USAGE_CERT_SIGN | MSE_KEY_USAGE_CRL_SIGN);
    assert_true((X509_get_extension_flags(oracle) & EXFLAG_CA) != 0);
    assert_true(cert.is_ca && cert.has_basic_constraints && cert.basic_constraints_critical);
    assert_int_equal(cert.extension_count, 2);
    assert_int_equal(cert.key_type, MSE_KEY_P256);
    assert_int_equal(cert.signature_type, MSE_SIGNATURE_ECDSA_SHA256);
    assert_int_equal(cert.signature.len, 8);
    assert_ptr_equal(cert.der.data, s.w.data);
    assert_int_equal(cert.der.len, s.w.len);
    assert_ptr_equal(cert.issuer.data, s.w.data + s.at[ISSUER]);
    assert_int_equal(cert.issuer.len, defaults[ISSUER].len);
    assert_ptr_equal(cert.subject.data, s.w.data + s.at[SUBJECT]);
    assert_ptr_equal(cert.spki.data, s.w.data + s.at[SPKI]);
    assert_int_equal(cert.spki.len, defaults[SPKI].len);
    assert_ptr_equal(cert.key_bits.data, cert.spki.data + 26);
    assert_int_equal(cert.key_bits.len, 65);
    assert_ptr_equal(cert.tbs.data + cert.tbs.len, s.w.data + s.at[ALGORITHM]);
    X509_free(oracle);
    mse_writer_cleanup(&s.w);
}

struct refusal {
    const char *name;
    enum part part;
    struct mse_bytes content;
    enum mse_err_code want;
    size_t at; /* from the beginning of that part */
};

#define PATH(n) "\x30\x12\x06\x03\x55\x1d\x13\x01\x01\xff\x04\x08\x30\x06\x01\x01\xff\x02\x01" n
#define USAGE(len, value) "\x30" len "\x06\x03\x55\x1d\x0f\x04" value

/* clang-format off */
static const struct refusal refusals[] = {
    { "encoded default version", VERSION, B("\xa0\x03\x02\x01\x00"), MSE_ERR_VALUE, 0 },
    { "version 4", VERSION, B("\xa0\x03\x02\x01\x03"), MSE_ERR_VALUE, 0 },
    { "negative version", VERSION, B("\xa0\x03\x02\x01\x80"), MSE_ERR_VALUE, 4 },
    { "two versions", VERSION, B("\xa0\x06\x02\x01\x02\x02\x01\x02"), MSE_ERR_TRAILING, 5 },
    { "version 1 with extensions", VERSION, ABSENT, MSE_ERR_TRAILING, 0 },
    { "version 2 with extensions", VERSION, B("\xa0\x03\x02\x01\x01"), MSE_ERR_TRAILING, 0 },
    { "no serial number", SERIAL, ABSENT, MSE_ERR_FORMAT, 0 },
    { "serial without octets", SERIAL, B("\x02\x00"), MSE_ERR_FORMAT, 2 },
    { "padded serial", SERIAL, B("\x02\x02\x00\x7f"), MSE_ERR_FORMAT, 2 },
    { "padded negative serial", SERIAL, B("\x02\x02\xff\x80"), MSE_ERR_FORMAT, 2 },
    { "serial of 21 octets", SERIAL, B("\x02\x15\x01" "abcdefghijklmnopqrst"), MSE_ERR_LIMIT, 2 },
    { "serial of another type", SERIAL, B("\x04\x01\x01"), MSE_ERR_FORMAT, 0 },
    { "inner algorithm differs", INNER_ALGORITHM,
      B("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03"), MSE_ERR_MISMATCH, 0 },
    { "inner algorithm with NULL", INNER_ALGORITHM,
      B("\x30\x0c\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02\x05\x00"), MSE_ERR_MISMATCH, 0 },
    { "algorithm without OID", INNER_ALGORITHM, B("\x30\x02\x05\x00"), MSE_ERR_FORMAT, 2 },
    { "algorithm with two parameters", INNER_ALGORITHM,
      B("\x30\x09\x06\x03\x2b\x65\x70\x05\x00\x05\x00"), MSE_ERR_TRAILING, 9 },
    { "outer algorithm differs", ALGORITHM,
      B("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03"), MSE_ERR_MISMATCH, 0 },
    { "issuer of another type", ISSUER, B("\x31\x00"), MSE_ERR_FORMAT, 0 },
    { "one date", VALIDITY, B("\x30\x0f\x17\x0d" "230101000000Z"), MSE_ERR_TRUNCATED, 17 },
    { "three dates", VALIDITY, B("\x30\x2d" TWO_DATES "\x17\x0d" "330101000000Z"),
      MSE_ERR_TRAILING, 32 },
    { "impossible date", VALIDITY,
      B("\x30\x1e\x17\x0d" "230101000000Z" "\x17\x0d" "330230000000Z"), MSE_ERR_VALUE, 19 },
    { "subject of another type", SUBJECT, B("\x0c\x01" "B"), MSE_ERR_FORMAT, 0 },
    { "key without algorithm", SPKI, B("\x30\x04\x03\x02\x00\x01"), MSE_ERR_FORMAT, 2 },
    { "key without bits", SPKI, B("\x30\x07\x30\x05\x06\x03\x2b\x65\x70"), MSE_ERR_TRUNCATED, 9 },
    { "key with unused bits", SPKI, B("\x30\x0b\x30\x05\x06\x03\x2b\x65\x70\x03\x02\x01\x02"),
      MSE_ERR_FORMAT, 11 },
    { "bytes behind the key", SPKI,
      B("\x30\x0d\x30\x05\x06\x03\x2b\x65\x70\x03\x02\x00\x02\x05\x00"), MSE_ERR_TRAILING, 13 },
    { "issuer's identifier twice", UNIQUE_IDS, B("\x81\x02\x00\x01\x81\x02\x00\x01"),
      MSE_ERR_TRAILING, 4 },
    { "identifiers in another order", UNIQUE_IDS, B("\x82\x02\x00\x01\x81\x02\x00\x01"),
      MSE_ERR_TRAILING, 4 },
    { "empty list of extensions", EXTENSIONS, B(""), MSE_ERR_VALUE, 0 },
    { "extension twice", EXTENSIONS, B(EXT_USAGE EXT_CA EXT_USAGE), MSE_ERR_DUPLICATE, 36 },
    { "extension without OID", EXTENSIONS, B("\x30\x02\x04\x00"), MSE_ERR_FORMAT, 2 },
    { "extension with empty OID", EXTENSIONS, B("\x30\x04\x06\x00\x04\x00"), MSE_ERR_FORMAT, 0 },
    { "extension with cut OID", EXTENSIONS, B("\x30\x06\x06\x02\x55\x9d\x04\x00"),
      MSE_ERR_FORMAT, 0 },
    { "extension without value", EXTENSIONS, B("\x30\x05\x06\x03\x55\x1d\x1e"),
      MSE_ERR_TRUNCATED, 7 },
    { "encoded default of critical", EXTENSIONS,
      B("\x30\x0a\x06\x03\x55\x1d\x1e\x01\x01\x00\x04\x00"), MSE_ERR_FORMAT, 7 },
    { "critical twice", EXTENSIONS,
      B("\x30\x0d\x06\x03\x55\x1d\x1e\x01\x01\xff\x01\x01\xff\x04\x00"), MSE_ERR_FORMAT, 10 },
    { "bytes behind the value", EXTENSIONS, B("\x30\x09\x06\x03\x55\x1d\x1e\x04\x00\x05\x00"),
      MSE_ERR_TRAILING, 9 },
    { "negative path length", EXTENSIONS, B(PATH("\x80")), MSE_ERR_VALUE, 19 },
    { "long path length", EXTENSIONS,
      B("\x30\x10\x06\x03\x55\x1d\x13\x04\x09\x30\x07\x01\x01\xff\x02\x02\x01\x00"),
      MSE_ERR_LIMIT, 14 },
    { "cA encoded as FALSE", EXTENSIONS,
      B("\x30\x0c\x06\x03\x55\x1d\x13\x04\x05\x30\x03\x01\x01\x00"), MSE_ERR_FORMAT, 11 },
    { "bytes in basicConstraints", EXTENSIONS,
      B("\x30\x11\x06\x03\x55\x1d\x13\x04\x0a\x30\x08\x01\x01\xff\x02\x01\x00\x05\x00"),
      MSE_ERR_TRAILING, 17 },
    { "bytes behind basicConstraints", EXTENSIONS,
      B("\x30\x0b\x06\x03\x55\x1d\x13\x04\x04\x30\x00\x05\x00"), MSE_ERR_TRAILING, 11 },
    { "basicConstraints of another type", EXTENSIONS,
      B("\x30\x0a\x06\x03\x55\x1d\x13\x04\x03\x01\x01\xff"), MSE_ERR_FORMAT, 9 },
    { "no bits in keyUsage", EXTENSIONS, B(USAGE("\x0a", "\x03\x03\x01\x00")), MSE_ERR_VALUE, 9 },
    { "zero bits in keyUsage", EXTENSIONS, B(USAGE("\x0b", "\x04\x03\x02\x00\x00")),
      MSE_ERR_VALUE, 9 },
    { "unused bit set", EXTENSIONS, B(USAGE("\x0b", "\x04\x03\x02\x01\x01")), MSE_ERR_VALUE, 9 },
    { "eight unused bits", EXTENSIONS, B(USAGE("\x0b", "\x04\x03\x02\x08\x80")),
      MSE_ERR_VALUE, 9 },
    { "keyUsage of 17 bits", EXTENSIONS, B(USAGE("\x0d", "\x06\x03\x04\x07\x80\x00\x80")),
      MSE_ERR_VALUE, 9 },
    { "bytes behind keyUsage", EXTENSIONS, B(USAGE("\x0d", "\x06\x03\x02\x01\x06\x05\x00")),
      MSE_ERR_TRAILING, 13 },
    { "bytes behind the extensions", TBS_TAIL, B("\x05\x00"), MSE_ERR_TRAILING, 0 },
    { "extensions twice", TBS_TAIL, B("\xa3\x14\x30\x12" EXT_CA), MSE_ERR_TRAILING, 0 },
    { "signature with unused bits", SIGNATURE, B("\x03\x02\x01\x02"), MSE_ERR_FORMAT, 2 },
    { "no signature", SIGNATURE, ABSENT, MSE_ERR_TRUNCATED, 0 },
    { "bytes behind the signature", TAIL, B("\x05\x00"), MSE_ERR_TRAILING, 0 },
    { "bytes behind the certificate", BEHIND, B("\x00"), MSE_ERR_TRAILING, 0 },
};
/* clang-format on */

static size_t wanted_offset(const struct refusal *c, const struct sample *s)
{
    /* The mismatch is seen at the second algorithm; extensions of old versions behind the key. */
    if (c->want == MSE_ERR_MISMATCH)
        return s->at[ALGORITHM];
    if (c->part == VERSION && c->want == MSE_ERR_TRAILING && c->at == 0)
        return s->at[UNIQUE_IDS];
    return s->at[c->part] + c->at;
}

static void each_wrong_field_is_refused_where_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        const struct refusal *c = &refusals[i];
        struct sample s = build_with(c->part, c->content);
        struct mse_cert cert;
        struct mse_error err = parse(&s, s.w.len, &cert);

        if (err.code != c->want || err.offset != wanted_offset(c, &s))
            fail_msg("%s: %s at %zu (%s), wanted %s at %zu", c->name, mse_err_name(err.code),
                     err.offset, err.field, mse_err_name(c->want), wanted_offset(c, &s));
        mse_writer_cleanup(&s.w);
    }
}

static void every_prefix_of_a_certificate_is_truncated(void **state)
{
    struct sample s = build(defaults);
    struct mse_cert cert;

    (void)state;
    for (size_t n = 0; n < s.w.len; n++)
        assert_int_equal(parse(&s, n, &cert).code, MSE_ERR_TRUNCATED);
    assert_int_equal(parse(&s, s.w.len, &cert).code, MSE_ERR_NONE);
    mse_writer_cleanup(&s.w);
}

static void what_real_certificates_have_is_tolerated(void **state)
{
    static const struct mse_bytes with_null = B(
        "\x30\x0c\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02\x05\x00");
    struct mse_bytes parts[PART_COUNT];
    struct mse_cert cert;
    struct sample s;

    (void)state;
    memcpy(parts, defaults, sizeof(parts));
    parts[ALGORITHM] = with_null;
    parts[INNER_ALGORITHM] = with_null;
    parts[EXTENSIONS] = (struct mse_bytes){ NULL, 0 }; /* version 3 without extensions */
    s = build(parts);
    parse_valid(&s, &cert);
    assert_int_equal(cert.signature_type, MSE_SIGNATURE_ECDSA_SHA256);
    assert_int_equal(cert.version, 3);
    assert_int_equal(cert.extension_count, 0);
    assert_false(cert.has_basic_constraints || cert.has_key_usage || cert.is_ca);
    assert_int_equal(cert.path_len, -1);
    mse_writer_cleanup(&s.w);

    s = build_with(EXTENSIONS, (struct mse_bytes)B("\x30\x0c\x06\x03\x55\x1d\x13\x01\x01\xff\x04"
                                                   "\x02\x30\x00"));
    parse_valid(&s, &cert);
    assert_true(cert.has_basic_constraints);
    assert_false(cert.is_ca);
    mse_writer_cleanup(&s.w);

    s = build_with(EXTENSIONS, (struct mse_bytes)B(USAGE("\x0b", "\x04\x03\x02\x01\x80")));
    parse_valid(&s, &cert);
    assert_int_equal(cert.key_usage, MSE_KEY_USAGE_DIGITAL_SIGNATURE);
    mse_writer_cleanup(&s.w);
}

static void older_versions_have_no_extensions(void **state)
{
    struct mse_bytes parts[PART_COUNT];
    struct mse_cert cert;
    struct sample s;

    (void)state;
    memcpy(parts, defaults, sizeof(parts));
    parts[EXTENSIONS] = (struct mse_bytes){ NULL, 0 };
    parts[VERSION] = (struct mse_bytes){ NULL, 0 };
    s = build(parts);
    parse_valid(&s, &cert);
    assert_int_equal(cert.version, 1);
    mse_writer_cleanup(&s.w);
    parts[VERSION] = (struct mse_bytes)B("\xa0\x03\x02\x01\x01");
    parts[UNIQUE_IDS] = (struct mse_bytes)B("\x81\x02\x00\x01\x82\x02\x00\x01");
    s = build(parts);
    parse_valid(&s, &cert);
    assert_int_equal(cert.version, 2);
    mse_writer_cleanup(&s.w);
}

static void serial_numbers_keep_their_octets(void **state)
{
    static const struct {
        struct mse_bytes in;
        struct mse_bytes want;
    } cases[] = {
        { B("\x02\x01\x00"), B("\x00") },
        { B("\x02\x02\x00\x80"), B("\x80") },
        { B("\x02\x01\x80"), B("\x80") }, /* negative */
        { B("\x02\x15\x00\xff"
            "bcdefghijklmnopqrst"),
          B("\xff"
            "bcdefghijklmnopqrst") },
    };
    struct mse_cert cert;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sample s = build_with(SERIAL, cases[i].in);

        parse_valid(&s, &cert);
        assert_int_equal(cert.serial.len, cases[i].want.len);
        assert_memory_equal(cert.serial.data, cases[i].want.data, cases[i].want.len);
        mse_writer_cleanup(&s.w);
    }
}

static void kinds_of_keys_are_told_apart(void **state)
{
    static const struct {
        struct mse_bytes in;
        enum mse_key_type want;
    } cases[] = {
        { B("\x30\x16\x30\x10" OID_EC OID_P384 "\x03\x02\x00\x04"), MSE_KEY_P384 },
        { B("\x30\x0b\x30\x05\x06\x03\x2b\x65\x70\x03\x02\x00\x01"), MSE_KEY_ED25519 },
        { B("\x30\x13\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x03\x02\x00\x01"),
          MSE_KEY_RSA },
        /* RSA without NULL, RSASSA-PSS keys, P-521, a curve by parameters, Ed25519 with NULL */
        { B("\x30\x11\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x03\x02\x00\x01"),
          MSE_KEY_OTHER },
        { B("\x30\x11\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a\x03\x02\x00\x01"),
          MSE_KEY_OTHER },
        { B("\x30\x16\x30\x10" OID_EC "\x06\x05\x2b\x81\x04\x00\x23\x03\x02\x00\x04"),
          MSE_KEY_OTHER },
        { B("\x30\x11\x30\x0b" OID_EC "\x30\x00\x03\x02\x00\x04"), MSE_KEY_OTHER },
        { B("\x30\x0d\x30\x07\x06\x03\x2b\x65\x70\x05\x00\x03\x02\x00\x01"), MSE_KEY_OTHER },
    };
    struct mse_cert cert;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sample s = build_with(SPKI, cases[i].in);

        parse_valid(&s, &cert);
        assert_int_equal(cert.key_type, cases[i].want);
        mse_writer_cleanup(&s.w);
    }
}

/* Extensions of different OIDs, one arc counting up. */
static struct sample build_many(uint8_t count)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer list = { 0 };

    for (uint8_t i = 0; i < count; i++) {
        uint8_t one[] = { 0x30, 0x07, 0x06, 0x03, 0x2a, 0x03, i, 0x04, 0x00 };

        mse_write_bytes(&list, one, sizeof(one));
    }
    return build_with(EXTENSIONS, mse_writer_bytes(&list));
}

static void the_number_of_extensions_is_capped(void **state)
{
    struct sample s = build_many(MSE_CERT_MAX_EXTENSIONS);
    static const uint8_t last[] = { 0x2a, 0x03, MSE_CERT_MAX_EXTENSIONS - 1 };
    static const uint8_t none[] = { 0x2a, 0x03, MSE_CERT_MAX_EXTENSIONS };
    struct mse_cert cert;
    struct mse_error err;

    (void)state;
    parse_valid(&s, &cert);
    assert_int_equal(cert.extension_count, MSE_CERT_MAX_EXTENSIONS);
    assert_ptr_equal(mse_cert_extension(&cert, MSE_BYTES(last)),
                     &cert.extensions[MSE_CERT_MAX_EXTENSIONS - 1]);
    assert_null(mse_cert_extension(&cert, MSE_BYTES(none)));
    mse_writer_cleanup(&s.w);
    s = build_many(MSE_CERT_MAX_EXTENSIONS + 1);
    err = parse(&s, s.w.len, &cert);
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    assert_int_equal(err.offset, s.at[EXTENSIONS] + MSE_CERT_MAX_EXTENSIONS * 9UL);
    mse_writer_cleanup(&s.w);
}

static void the_size_of_a_certificate_is_capped(void **state)
{
    uint8_t *big = calloc(1, MSE_CERT_MAX_SIZE + 1);
    struct mse_error err[2] = { { 0 }, { 0 } };
    struct mse_cert cert;

    (void)state;
    assert_non_null(big);
    assert_false(mse_cert_parse((struct mse_bytes){ big, MSE_CERT_MAX_SIZE + 1 }, &cert, &err[0]));
    assert_int_equal(err[0].code, MSE_ERR_LIMIT);
    assert_false(mse_cert_parse((struct mse_bytes){ big, MSE_CERT_MAX_SIZE }, &cert, &err[1]));
    assert_int_equal(err[1].code, MSE_ERR_FORMAT);
    free(big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_is_read_as_openssl_reads_it),
        cmocka_unit_test(each_wrong_field_is_refused_where_it_is),
        cmocka_unit_test(every_prefix_of_a_certificate_is_truncated),
        cmocka_unit_test(what_real_certificates_have_is_tolerated),
        cmocka_unit_test(older_versions_have_no_extensions),
        cmocka_unit_test(serial_numbers_keep_their_octets),
        cmocka_unit_test(kinds_of_keys_are_told_apart),
        cmocka_unit_test(the_number_of_extensions_is_capped),
        cmocka_unit_test(the_size_of_a_certificate_is_capped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
