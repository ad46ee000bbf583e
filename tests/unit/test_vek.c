/* SPDX-License-Identifier: Apache-2.0 */
/* Extensions of VCEK and VLEK certificates as AMD 57230 lists them, on made-up chips. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "endorsement/vek.h"
#include "test_pki.h"

#define AMD "1.3.6.1.4.1.3704.1"

static const uint8_t chip[64] = { 0xc0, 0xff, 0xee, [63] = 0x42 };

#define B(s) (s), sizeof(s) - 1

struct extension {
    const char *arc; /* behind AMD */
    const char *payload;
    size_t len;
};

/* clang-format off */
static const struct extension milan[] = {
    { ".1", B("\x02\x01\x00") }, { ".2", B("\x16\x08Milan-B0") },
    { ".3.1", B("\x02\x01\x04") }, { ".3.2", B("\x02\x01\x01") },
    { ".3.4", B("\x02\x01\x00") }, { ".3.5", B("\x02\x01\x00") },
    { ".3.3", B("\x02\x01\x1c") }, { ".3.8", B("\x02\x02\x00\xde") },
    { ".4", (const char *)chip, 64 }, { NULL, NULL, 0 },
};
static const struct extension turin[] = {
    { ".1", B("\x02\x01\x01") }, { ".2", B("\x16\x05Turin") },
    { ".3.9", B("\x02\x01\x07") }, { ".3.1", B("\x02\x01\x01") },
    { ".3.2", B("\x02\x01\x02") }, { ".3.3", B("\x02\x01\x03") },
    { ".3.8", B("\x02\x01\x09") }, { ".4", (const char *)chip, 8 },
    { NULL, NULL, 0 },
};
static const struct extension vlek[] = {
    { ".1", B("\x02\x01\x00") }, { ".2", B("\x16\x05Genoa") },
    { ".3.1", B("\x02\x01\x0a") }, { ".3.2", B("\x02\x01\x00") },
    { ".3.3", B("\x02\x01\x17") }, { ".3.8", B("\x02\x01\x54") },
    { ".5", B("\x16\x10" "CN=cloud.example") }, { NULL, NULL, 0 },
};
/* clang-format on */

/* A certificate of fields alone: nothing else of it is read. */
struct sample {
    struct test_der subject;
    struct test_der oids[12];
    struct mse_cert cert;
};

static void start(struct sample *s, const char *common_name)
{
    struct test_der pair = { 0 }, set = { 0 }, names = { 0 };

    memset(s, 0, sizeof(*s));
    test_der_oid(&pair, "2.5.4.3");
    test_der_put(&pair, 0x0c, common_name, strlen(common_name));
    test_der_wrap(&set, 0x30, &pair);
    test_der_wrap(&names, 0x31, &set);
    test_der_wrap(&s->subject, 0x30, &names);
    s->cert.subject = (struct mse_bytes){ s->subject.data, s->subject.len };
}

static void add(struct sample *s, const struct extension *e)
{
    struct test_der *oid = &s->oids[s->cert.extension_count];
    char dotted[64];

    (void)snprintf(dotted, sizeof(dotted), AMD "%s", e->arc);
    test_der_oid(oid, dotted);
    s->cert.extensions[s->cert.extension_count++] = (struct mse_extension){
        { oid->data + 2, oid->len - 2 }, { (const uint8_t *)e->payload, e->len }, false
    };
}

/* change replaces the extension with its arc, leaves it out (payload NULL) or comes on top. */
static void build(struct sample *s, const char *common_name, const struct extension *list,
                  const struct extension *change)
{
    bool changed = change == NULL;

    start(s, common_name);
    for (; list->arc != NULL; list++) {
        bool here = change != NULL && strcmp(change->arc, list->arc) == 0;

        changed |= here;
        if (here && change->payload == NULL)
            continue;
        add(s, here ? change : list);
    }
    if (!changed)
        add(s, change);
}

static bool parse(const struct sample *s, struct mse_vek *out, struct mse_error *err)
{
    bool done;

    memset(out, 0xa5, sizeof(*out));
    done = mse_vek_parse(&s->cert, out, err);
    assert_int_equal(done, err->code == MSE_ERR_NONE);
    if (!done)
        assert_true(mse_is_zero((const uint8_t *)out, sizeof(*out)));
    return done;
}

static void a_vcek_of_milan_is_read(void **state)
{
    struct mse_error err = { 0 };
    struct sample s;
    struct mse_vek vek;

    (void)state;
    build(&s, "SEV-VCEK", milan, NULL);
    assert_true(parse(&s, &vek, &err));
    assert_false(vek.is_vlek);
    assert_int_equal(vek.product, MSE_SNP_MILAN);
    assert_string_equal(vek.product_name, "Milan-B0");
    assert_int_equal(vek.tcb.fmc, 0);
    assert_int_equal(vek.tcb.bl, 4);
    assert_int_equal(vek.tcb.tee, 1);
    assert_int_equal(vek.tcb.snp, 28);
    assert_int_equal(vek.tcb.ucode, 222);
    assert_true(vek.has_hwid);
    assert_int_equal(vek.hwid_len, 64);
    assert_memory_equal(vek.hwid, chip, 64);
    assert_string_equal(vek.csp_id, "");
}

static void a_vcek_of_turin_has_fmc_and_a_short_identifier(void **state)
{
    static const uint8_t padded[64] = { 0xc0, 0xff, 0xee };
    struct mse_error err = { 0 };
    struct sample s;
    struct mse_vek vek;

    (void)state;
    build(&s, "SEV-VCEK", turin, NULL);
    assert_true(parse(&s, &vek, &err));
    assert_int_equal(vek.product, MSE_SNP_TURIN);
    assert_int_equal(vek.tcb.fmc, 7);
    assert_int_equal(vek.tcb.bl, 1);
    assert_int_equal(vek.tcb.tee, 2);
    assert_int_equal(vek.tcb.snp, 3);
    assert_int_equal(vek.tcb.ucode, 9);
    assert_int_equal(vek.hwid_len, 8);
    assert_memory_equal(vek.hwid, padded, 64);
}

static void a_vlek_names_its_cloud_and_no_chip(void **state)
{
    struct mse_error err = { 0 };
    struct sample s;
    struct mse_vek vek;

    (void)state;
    build(&s, "SEV-VLEK", vlek, NULL);
    assert_true(parse(&s, &vek, &err));
    assert_true(vek.is_vlek);
    assert_int_equal(vek.product, MSE_SNP_GENOA);
    assert_int_equal(vek.tcb.snp, 23);
    assert_false(vek.has_hwid);
    assert_int_equal(vek.hwid_len, 0);
    assert_string_equal(vek.csp_id, "CN=cloud.example");
}

static void one_change_at_a_time_is_judged(void **state)
{
    static const struct {
        const char *name;
        const struct extension *base;
        struct extension change;
        enum mse_err_code want;
        const char *field;
        size_t at;
    } cases[] = {
        { "SEV-VCEK", milan, { ".9", B("\x05") }, MSE_ERR_NONE, "", 0 },
        { "SEV-VCEK", milan, { ".2", B("\x16\x05Milan") }, MSE_ERR_NONE, "", 0 },
        { "SEV-VCEK", milan, { ".3.8", B("\x02\x02\x00\xff") }, MSE_ERR_NONE, "", 0 },
        { "SEV-VCEK", milan, { ".3.9", B("junk") }, MSE_ERR_NONE, "", 0 },
        { "SEV-VLEK", vlek, { ".4", (const char *)chip, 64 }, MSE_ERR_NONE, "", 0 },
        { "SEV-Milan", milan, { ".9", B("\x05") }, MSE_ERR_VALUE, "vek: subject", 0 },
        { "SEV-VCEK ", milan, { ".9", B("\x05") }, MSE_ERR_VALUE, "vek: subject", 0 },
        { "SEV-VCEK", milan, { ".1", NULL, 0 }, MSE_ERR_MISSING, "vek: structVersion", 0 },
        { "SEV-VCEK", milan, { ".2", NULL, 0 }, MSE_ERR_MISSING, "vek: productName", 0 },
        { "SEV-VCEK", milan, { ".3.1", NULL, 0 }, MSE_ERR_MISSING, "vek: blSPL", 0 },
        { "SEV-VCEK", milan, { ".3.2", NULL, 0 }, MSE_ERR_MISSING, "vek: teeSPL", 0 },
        { "SEV-VCEK", milan, { ".3.3", NULL, 0 }, MSE_ERR_MISSING, "vek: snpSPL", 0 },
        { "SEV-VCEK", milan, { ".3.8", NULL, 0 }, MSE_ERR_MISSING, "vek: ucodeSPL", 0 },
        { "SEV-VCEK", turin, { ".3.9", NULL, 0 }, MSE_ERR_MISSING, "vek: fmcSPL", 0 },
        { "SEV-VCEK", milan, { ".4", NULL, 0 }, MSE_ERR_MISSING, "vek: hwID", 0 },
        { "SEV-VLEK", vlek, { ".5", NULL, 0 }, MSE_ERR_MISSING, "vek: cspID", 0 },
        { "SEV-VLEK", milan, { ".9", B("\x05") }, MSE_ERR_MISSING, "vek: cspID", 0 },
        { "SEV-VCEK", vlek, { ".9", B("\x05") }, MSE_ERR_MISSING, "vek: hwID", 0 },
        { "SEV-VCEK",
          milan,
          { ".2", B("\x16\x06Venice") },
          MSE_ERR_UNSUPPORTED,
          "vek: productName",
          0 },
        { "SEV-VCEK",
          milan,
          { ".2", B("\x16\x06Milano") },
          MSE_ERR_UNSUPPORTED,
          "vek: productName",
          0 },
        { "SEV-VCEK", milan, { ".2", B("\x16\x00") }, MSE_ERR_VALUE, "vek: productName", 0 },
        { "SEV-VCEK", milan, { ".2", B("\x16\x06Milan\0") }, MSE_ERR_VALUE, "vek: productName", 0 },
        { "SEV-VCEK",
          milan,
          { ".2", B("\x16\x20Milan-0123456789012345678901234567") },
          MSE_ERR_TRAILING,
          "vek: productName",
          34 },
        { "SEV-VCEK",
          milan,
          { ".2", B("\x16\x20Milan-01234567890123456789012345") },
          MSE_ERR_VALUE,
          "vek: productName",
          0 },
        { "SEV-VCEK", milan, { ".2", B("\x0c\x05Milan") }, MSE_ERR_FORMAT, "vek: productName", 0 },
        { "SEV-VCEK",
          milan,
          { ".2", B("\x16\x05Mila") },
          MSE_ERR_TRUNCATED,
          "vek: productName",
          2 },
        { "SEV-VCEK", milan, { ".3.1", B("\x02\x02\x01\x00") }, MSE_ERR_VALUE, "vek: blSPL", 0 },
        { "SEV-VCEK", milan, { ".3.1", B("\x04\x01\x04") }, MSE_ERR_FORMAT, "vek: blSPL", 0 },
        { "SEV-VCEK", milan, { ".3.1", B("\x02\x01\x04\x00") }, MSE_ERR_TRAILING, "vek: blSPL", 3 },
        { "SEV-VCEK", milan, { ".3.2", B("") }, MSE_ERR_TRUNCATED, "vek: teeSPL", 0 },
        { "SEV-VCEK", milan, { ".4", (const char *)chip, 63 }, MSE_ERR_VALUE, "vek: hwID", 0 },
        { "SEV-VCEK", milan, { ".4", (const char *)chip, 8 }, MSE_ERR_VALUE, "vek: hwID", 0 },
        { "SEV-VCEK", milan, { ".4", (const char *)chip, 0 }, MSE_ERR_VALUE, "vek: hwID", 0 },
        { "SEV-VCEK", turin, { ".4", (const char *)chip, 64 }, MSE_ERR_VALUE, "vek: hwID", 0 },
        { "SEV-VLEK", vlek, { ".5", B("\x16\x01\x1b") }, MSE_ERR_VALUE, "vek: cspID", 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_error err = { 0 };
        struct sample s;
        struct mse_vek vek;

        build(&s, cases[i].name, cases[i].base, &cases[i].change);
        (void)parse(&s, &vek, &err);
        if (err.code != cases[i].want || strcmp(err.field, cases[i].field) != 0 ||
            err.offset != cases[i].at)
            fail_msg("case %zu: %s at %zu in %s", i, mse_err_name(err.code), err.offset, err.field);
    }
}

static void every_prefix_of_an_extension_is_refused(void **state)
{
    (void)state;
    for (const struct extension *e = milan; e->arc != NULL; e++) {
        if (strcmp(e->arc, ".3.4") == 0 || strcmp(e->arc, ".3.5") == 0)
            continue; /* reserved, not read */
        for (size_t n = 0; n < e->len; n++) {
            struct test_blob cut = test_copy((struct mse_bytes){ (const uint8_t *)e->payload, n });
            struct extension change = { e->arc, (const char *)cut.data, n };
            struct mse_error err = { 0 };
            struct sample s;
            struct mse_vek vek;

            build(&s, "SEV-VCEK", milan, &change);
            assert_false(parse(&s, &vek, &err));
            assert_int_equal(err.code,
                             strcmp(e->arc, ".4") == 0 ? MSE_ERR_VALUE : MSE_ERR_TRUNCATED);
            test_blob_free(&cut);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vcek_of_milan_is_read),
        cmocka_unit_test(a_vcek_of_turin_has_fmc_and_a_short_identifier),
        cmocka_unit_test(a_vlek_names_its_cloud_and_no_chip),
        cmocka_unit_test(one_change_at_a_time_is_judged),
        cmocka_unit_test(every_prefix_of_an_extension_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
