/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate tables of extended SNP reports: entries {GUID 16, u32 offset, u32 length}. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "evidence/snp.h"

#define B(s)                                                                                       \
    {                                                                                              \
        (const uint8_t *)(s), sizeof(s) - 1                                                        \
    }
#define VCEK "\x63\xda\x75\x8d\xe6\x64\x45\x64\xad\xc5\xf4\xb9\x3b\xe8\xac\xcd"
#define VLEK "\xa8\x07\x4b\xc2\xa2\x5a\x48\x3e\xaa\xe6\x39\xc0\x45\xa0\xb8\xa1"
#define ASK "\x4a\xb7\xb3\x79\xbb\xac\x4f\xe4\xa0\x2f\x05\xae\xf3\x27\xc7\x82"
#define ARK "\xc0\xb4\x06\xa4\xa8\x03\x49\x52\x97\x43\x3f\xb6\x01\x4c\xd0\xae"
#define CRL "\x92\xf8\x1b\xc3\x58\x11\x4d\x3d\x97\xff\xd1\x9f\x88\xdc\x67\xea"
#define OTHER "0123456789abcdef"
/* VCEK with the first three groups little-endian: not how the table has it */
#define VCEK_LE "\x8d\x75\xda\x63\x64\xe6\x64\x45\xad\xc5\xf4\xb9\x3b\xe8\xac\xcd"
#define ZERO8 "\0\0\0\0\0\0\0\0"
#define END ZERO8 ZERO8 ZERO8
#define AT(start, len) start "\0\0\0" len "\0\0\0"

/* Parses a copy that ends exactly where the input does; the views are moved to the original. */
static bool parse(struct mse_bytes in, struct mse_snp_certs *out, struct mse_error *err)
{
    uint8_t *block = malloc(in.len + 1);
    bool done;

    assert_non_null(block);
    memcpy(block + 1, in.data, in.len);
    *err = (struct mse_error){ 0 };
    *out = (struct mse_snp_certs){ .count = 99 };
    done = mse_snp_cert_table_parse((struct mse_bytes){ block + 1, in.len }, out, err);
    assert_int_equal(done, err->code == MSE_ERR_NONE);
    if (!done) {
        assert_int_equal(out->count, 0);
        assert_null(out->of[0].der.data);
    }
    for (size_t i = 0; i < out->count; i++)
        out->of[i].der.data = in.data + (out->of[i].der.data - (block + 1));
    free(block);
    return done;
}

/* A table of three entries: 96 bytes with its end, then 3, 2 and 4 bytes, a gap of 2 zeros. */
static const char three[] = VCEK AT("\x60", "\3") ASK AT("\x63", "\2") ARK AT("\x67", "\4") END
    "vce"
    "as"
    "\0\0"
    "arka";

static void a_table_is_read_in_its_order(void **state)
{
    struct mse_bytes in = { (const uint8_t *)three, sizeof(three) - 1 };
    struct mse_snp_certs out;
    struct mse_error err;

    (void)state;
    assert_true(parse(in, &out, &err));
    assert_int_equal(out.count, 3);
    assert_int_equal(out.of[0].kind, MSE_SNP_CERT_VCEK);
    assert_true(mse_bytes_equal_text(out.of[0].der, "vce"));
    assert_ptr_equal(out.of[0].der.data, in.data + 0x60);
    assert_int_equal(out.of[1].kind, MSE_SNP_CERT_ASK);
    assert_true(mse_bytes_equal_text(out.of[1].der, "as"));
    assert_int_equal(out.of[2].kind, MSE_SNP_CERT_ARK);
    assert_true(mse_bytes_equal_text(out.of[2].der, "arka"));
}

static void every_prefix_is_refused(void **state)
{
    struct mse_snp_certs out;
    struct mse_error err;

    (void)state;
    for (size_t n = 0; n < sizeof(three) - 1; n++)
        assert_false(parse((struct mse_bytes){ (const uint8_t *)three, n }, &out, &err));
}

static void tables_are_accepted_or_refused_where_they_are_wrong(void **state)
{
    /* clang-format off */
    static const struct {
        const char *name; struct mse_bytes in; enum mse_err_code want; size_t at; size_t count;
    } cases[] = {
        { "no certificates", B(END), MSE_ERR_NONE, 0, 0 },
        { "no certificates in a page", B(END "\0\0\0\0\0\0\0\0"), MSE_ERR_NONE, 0, 0 },
        { "one", B(VLEK AT("\x30", "\1") END "v"), MSE_ERR_NONE, 0, 1 },
        { "one, padded", B(VLEK AT("\x30", "\1") END "v\0\0\0"), MSE_ERR_NONE, 0, 1 },
        { "one behind a gap", B(VLEK AT("\x32", "\1") END "\0\0v"), MSE_ERR_NONE, 0, 1 },
        { "data in reverse order", B(ARK AT("\x49", "\1") ASK AT("\x48", "\1") END "sr"), MSE_ERR_NONE, 0, 2 },
        { "empty", B(""), MSE_ERR_TRUNCATED, 0, 0 },
        { "half an end", B("\0\0\0\0\0\0\0\0\0\0\0\0"), MSE_ERR_TRUNCATED, 0, 0 },
        { "no end", B(VLEK AT("\x18", "\1") "v"), MSE_ERR_MISSING, 24, 0 },
        { "no end but zeros as data", B(VLEK AT("\x18", "\x18") END), MSE_ERR_MISSING, 24, 0 },
        { "no end, two", B(VLEK AT("\x30", "\1") ASK AT("\x31", "\1") "vs"), MSE_ERR_MISSING, 48, 0 },
        { "byte between table and data", B(VLEK AT("\x32", "\1") END "\0\1v"), MSE_ERR_TRAILING, 48, 0 },
        { "byte between certificates", B(ARK AT("\x48", "\1") ASK AT("\x4a", "\1") END "ras"), MSE_ERR_TRAILING, 73, 0 },
        { "byte behind", B(VLEK AT("\x30", "\1") END "v\0\0x"), MSE_ERR_TRAILING, 49, 0 },
        { "byte behind an empty table", B(END "x"), MSE_ERR_TRAILING, 24, 0 },
        { "offset 0", B(VLEK AT("\0", "\1") END "v"), MSE_ERR_VALUE, 16, 0 },
        { "offset into its own entry", B(VLEK AT("\x17", "\1") END "v"), MSE_ERR_VALUE, 16, 0 },
        { "offset into the end", B(VLEK AT("\x2f", "\1") END "v"), MSE_ERR_MISSING, 24, 0 },
        { "second into the first entry", B(ARK AT("\x48", "\1") ASK AT("\x10", "\1") END "rs"), MSE_ERR_VALUE, 40, 0 },
        { "offset at the end", B(VLEK AT("\x31", "\1") END "v"), MSE_ERR_TRUNCATED, 20, 0 },
        { "offset past the end", B(VLEK AT("\x32", "\1") END "v"), MSE_ERR_TRUNCATED, 16, 0 },
        { "offset 0xffff", B(VLEK "\xff\xff\0\0\1\0\0\0" END "v"), MSE_ERR_TRUNCATED, 16, 0 },
        { "offset 4 GiB", B(VLEK "\xff\xff\xff\xff\1\0\0\0" END "v"), MSE_ERR_TRUNCATED, 16, 0 },
        { "length 0", B(VLEK AT("\x30", "\0") END "v"), MSE_ERR_VALUE, 20, 0 },
        { "length - 1", B(VLEK AT("\x30", "\1") END "vl"), MSE_ERR_TRAILING, 49, 0 },
        { "length + 1", B(VLEK AT("\x30", "\2") END "v"), MSE_ERR_TRUNCATED, 20, 0 },
        { "length 0xffff", B(VLEK "\x30\0\0\0\xff\xff\0\0" END "v"), MSE_ERR_TRUNCATED, 20, 0 },
        { "length 4 GiB", B(VLEK "\x30\0\0\0\xff\xff\xff\xff" END "v"), MSE_ERR_TRUNCATED, 20, 0 },
        { "sum wraps", B(VLEK "\x31\0\0\0\xd0\xff\xff\xff" END "v"), MSE_ERR_TRUNCATED, 20, 0 },
        { "overlap by one", B(ARK AT("\x48", "\2") ASK AT("\x49", "\2") END "rss"), MSE_ERR_VALUE, 40, 0 },
        { "overlap, second first", B(ARK AT("\x49", "\2") ASK AT("\x48", "\2") END "srr"), MSE_ERR_VALUE, 16, 0 },
        { "the same bytes twice", B(ARK AT("\x48", "\2") ASK AT("\x48", "\2") END "rs"), MSE_ERR_VALUE, 40, 0 },
        { "one inside the other", B(ARK AT("\x48", "\3") ASK AT("\x49", "\1") END "rsr"), MSE_ERR_VALUE, 40, 0 },
        { "GUID twice", B(ARK AT("\x48", "\1") ARK AT("\x49", "\1") END "rr"), MSE_ERR_DUPLICATE, 24, 0 },
        { "unknown GUID twice", B(OTHER AT("\x48", "\1") OTHER AT("\x49", "\1") END "rr"), MSE_ERR_DUPLICATE, 24, 0 },
        { "end with an offset", B(VLEK AT("\x30", "\1") ZERO8 ZERO8 "\1\0\0\0\0\0\0\0" "v"), MSE_ERR_VALUE, 24, 0 },
        { "end with a length", B(VLEK AT("\x30", "\1") ZERO8 ZERO8 "\0\0\0\0\1\0\0\0" "v"), MSE_ERR_VALUE, 24, 0 },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_snp_certs out;
        struct mse_error err;

        print_message("%s\n", cases[i].name);
        (void)parse(cases[i].in, &out, &err);
        assert_int_equal(err.code, cases[i].want);
        assert_int_equal(err.offset, cases[i].at);
        assert_int_equal(out.count, cases[i].count);
    }
}

static void guids_name_kinds_in_rfc_4122_order(void **state)
{
    static const struct {
        const char *guid;
        enum mse_snp_cert_kind kind;
    } cases[] = {
        { VCEK, MSE_SNP_CERT_VCEK }, { VLEK, MSE_SNP_CERT_VLEK },     { ASK, MSE_SNP_CERT_ASK },
        { ARK, MSE_SNP_CERT_ARK },   { CRL, MSE_SNP_CERT_CRL },       { OTHER, MSE_SNP_CERT_OTHER },
        { END, MSE_SNP_CERT_OTHER }, { VCEK_LE, MSE_SNP_CERT_OTHER },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(mse_snp_cert_kind_of((const uint8_t *)cases[i].guid), cases[i].kind);
}

/* n entries of one byte each and their end. */
static size_t many(uint8_t *out, size_t n)
{
    size_t table = 24 * (n + 1);

    memset(out, 0, table);
    for (size_t i = 0; i < n; i++) {
        memset(out + 24 * i, (int)i + 1, 16);
        out[24 * i + 16] = (uint8_t)((table + i) & 0xff);
        out[24 * i + 17] = (uint8_t)((table + i) >> 8);
        out[24 * i + 20] = 1;
        out[table + i] = 'c';
    }
    return table + n;
}

static void sixteen_certificates_are_the_most(void **state)
{
    uint8_t in[24 * 18 + 17];
    struct mse_snp_certs out;
    struct mse_error err;

    (void)state;
    assert_true(parse((struct mse_bytes){ in, many(in, 16) }, &out, &err));
    assert_int_equal(out.count, 16);
    assert_false(parse((struct mse_bytes){ in, many(in, 17) }, &out, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    assert_int_equal(err.offset, 16 * 24);
}

static void the_largest_table_is_256_kib(void **state)
{
    uint8_t *in = calloc(1, 262145);
    struct mse_snp_certs out;
    struct mse_error err;

    (void)state;
    assert_non_null(in);
    assert_true(parse((struct mse_bytes){ in, 262144 }, &out, &err));
    assert_false(parse((struct mse_bytes){ in, 262145 }, &out, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    free(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_is_read_in_its_order),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(tables_are_accepted_or_refused_where_they_are_wrong),
        cmocka_unit_test(guids_name_kinds_in_rfc_4122_order),
        cmocka_unit_test(sixteen_certificates_are_the_most),
        cmocka_unit_test(the_largest_table_is_256_kib),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
