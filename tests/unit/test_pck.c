/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SGX extension of PCK certificates, laid out as Intel's "PCK Certificate and CRL Profile
 * Specification", 1.3.5, has it: members one by one, then each one missing, twice or malformed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "endorsement/pck.h"
#include "test_pki.h"

#define SGX "1.2.840.113741.1.13.1"

static const uint8_t sgx_oid[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01 };
static const uint8_t some[64] = { 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,
                                  0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x00 };

/* One member: its OID behind SGX, its value as tag and content. */
struct member {
    const char *arc;
    uint8_t tag;
    const void *value;
    size_t len;
};

static const uint8_t t_true[] = { 0xff }, t_false[] = { 0x00 }, t_odd[] = { 0x01 };
static const uint8_t n0[] = { 0 }, n1[] = { 1 }, n2[] = { 2 }, n3[] = { 3 };
static const uint8_t n255[] = { 0x00, 0xff }, n256[] = { 0x01, 0x00 }, minus[] = { 0xff };
static const uint8_t n65536[] = { 0x01, 0x00, 0x00 }, long2[] = { 0x00, 0x02 };

/* clang-format off */
static const struct member tcb_members[] = {
    { ".2.1", 0x02, n1, 1 }, { ".2.2", 0x02, n2, 1 }, { ".2.3", 0x02, n255, 2 },
    { ".2.4", 0x02, n0, 1 }, { ".2.5", 0x02, n0, 1 }, { ".2.6", 0x02, n0, 1 },
    { ".2.7", 0x02, n0, 1 }, { ".2.8", 0x02, n0, 1 }, { ".2.9", 0x02, n0, 1 },
    { ".2.10", 0x02, n0, 1 }, { ".2.11", 0x02, n0, 1 }, { ".2.12", 0x02, n0, 1 },
    { ".2.13", 0x02, n0, 1 }, { ".2.14", 0x02, n0, 1 }, { ".2.15", 0x02, n0, 1 },
    { ".2.16", 0x02, n3, 1 }, { ".2.17", 0x02, n256, 2 }, { ".2.18", 0x04, some, 16 },
};
static const struct member config_members[] = {
    { ".7.1", 0x01, t_true, 1 }, { ".7.2", 0x01, t_false, 1 }, { ".7.3", 0x01, t_true, 1 },
};
#define TCB_COUNT 18
#define CONFIG_COUNT 3
static const struct member members[] = {
    { ".1", 0x04, some, 16 }, { ".2", 0x30, NULL, 0 }, { ".3", 0x04, some, 2 },
    { ".4", 0x04, some, 6 }, { ".5", 0x0a, n2, 1 }, { ".6", 0x04, some, 16 },
    { ".7", 0x30, NULL, 0 },
};
#define MEMBER_COUNT 7
/* clang-format on */

/* A member to leave out, to repeat or to put in place of the one with its arc. */
struct change {
    const char *drop, *twice;
    struct member in_place;
};

static void put_member(struct test_der *to, const char *arc, uint8_t tag, const void *value,
                       size_t len)
{
    struct test_der inner = { 0 };
    char oid[64];

    (void)snprintf(oid, sizeof(oid), SGX "%s", arc);
    test_der_oid(&inner, oid);
    test_der_put(&inner, tag, value, len);
    test_der_wrap(to, 0x30, &inner);
}

static void put_changed(struct test_der *to, const struct member *m, const struct change *c)
{
    const struct member *from = m;

    if (c->drop != NULL && strcmp(c->drop, m->arc) == 0)
        return;
    if (c->in_place.arc != NULL && strcmp(c->in_place.arc, m->arc) == 0)
        from = &c->in_place;
    put_member(to, m->arc, from->tag, from->value, from->len);
    if (c->twice != NULL && strcmp(c->twice, m->arc) == 0)
        put_member(to, m->arc, from->tag, from->value, from->len);
}

static void build(struct test_der *out, const struct change *c)
{
    struct test_der tcb = { 0 }, config = { 0 }, all = { 0 };

    for (size_t i = 0; i < TCB_COUNT; i++)
        put_changed(&tcb, &tcb_members[i], c);
    for (size_t i = 0; i < CONFIG_COUNT; i++)
        put_changed(&config, &config_members[i], c);
    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        struct member m = members[i];

        if (strcmp(m.arc, ".2") == 0)
            m = (struct member){ ".2", 0x30, tcb.data, tcb.len };
        if (strcmp(m.arc, ".7") == 0)
            m = (struct member){ ".7", 0x30, config.data, config.len };
        put_changed(&all, &m, c);
    }
    *out = (struct test_der){ 0 };
    test_der_wrap(out, 0x30, &all);
}

static bool parse(struct mse_bytes payload, struct mse_pck *out, struct mse_error *err)
{
    static struct mse_cert cert;
    bool done;

    cert = (struct mse_cert){ .extension_count = 1 };
    cert.extensions[0] = (struct mse_extension){ MSE_BYTES(sgx_oid), payload, false };
    memset(out, 0xa5, sizeof(*out));
    done = mse_pck_parse(&cert, out, err);
    assert_int_equal(done, err->code == MSE_ERR_NONE);
    if (!done)
        assert_true(mse_is_zero(out->fmspc, sizeof(out->fmspc)) &&
                    mse_is_zero(out->comp_svn, sizeof(out->comp_svn)));
    return done;
}

static void all_members_are_read(void **state)
{
    static const uint8_t comps[16] = { 1, 2, 255, [15] = 3 };
    struct change none = { 0 };
    struct mse_error err = { 0 };
    struct test_der der;
    struct mse_pck pck;

    (void)state;
    build(&der, &none);
    assert_true(parse((struct mse_bytes){ der.data, der.len }, &pck, &err));
    assert_memory_equal(pck.ppid, some, 16);
    assert_memory_equal(pck.comp_svn, comps, 16);
    assert_int_equal(pck.pce_svn, 256);
    assert_memory_equal(pck.cpu_svn, some, 16);
    assert_memory_equal(pck.pce_id, some, 2);
    assert_memory_equal(pck.fmspc, some, 6);
    assert_int_equal(pck.sgx_type, 2);
    assert_true(pck.has_platform_instance);
    assert_memory_equal(pck.platform_instance, some, 16);
    assert_true(pck.has_configuration);
    assert_true(pck.dynamic_platform);
    assert_false(pck.cached_keys);
    assert_true(pck.smt_enabled);
}

/* Processor CA certificates have neither platform instance nor configuration. */
static void a_single_package_platform_is_read(void **state)
{
    static const struct test_sgx sgx = { { 0, 0x90, 0x6e, 0xa1, 0, 0 }, { 17, 17, 2, 4 }, 10 };
    struct mse_error err = { 0 };
    struct test_der der;
    struct mse_pck pck;

    (void)state;
    test_sgx_extension(&der, &sgx);
    assert_true(parse((struct mse_bytes){ der.data, der.len }, &pck, &err));
    assert_memory_equal(pck.fmspc, sgx.fmspc, 6);
    assert_memory_equal(pck.comp_svn, sgx.comp_svn, 16);
    assert_int_equal(pck.pce_svn, 10);
    assert_int_equal(pck.sgx_type, 1);
    assert_false(pck.has_platform_instance);
    assert_false(pck.has_configuration);
}

static void a_certificate_without_the_extension_is_told_apart(void **state)
{
    static const struct mse_cert cert = { 0 };
    struct mse_error err = { 0 };
    struct mse_pck pck;

    (void)state;
    assert_false(mse_pck_parse(&cert, &pck, &err));
    assert_int_equal(err.code, MSE_ERR_MISSING);
    assert_string_equal(err.field, "sgx extension");
}

static void one_change_at_a_time_is_judged(void **state)
{
    static const struct {
        struct change change;
        enum mse_err_code want;
        const char *field;
    } cases[] = {
        { { .drop = ".6" }, MSE_ERR_NONE, "" },
        { { .drop = ".7" }, MSE_ERR_NONE, "" },
        { { .drop = ".7.2" }, MSE_ERR_NONE, "" },
        { { .in_place = { ".5", 0x0a, n0, 1 } }, MSE_ERR_NONE, "" },
        { { .in_place = { ".2.1", 0x02, n255, 2 } }, MSE_ERR_NONE, "" },
        { { .drop = ".1" }, MSE_ERR_MISSING, "sgx extension" },
        { { .drop = ".2" }, MSE_ERR_MISSING, "sgx extension" },
        { { .drop = ".3" }, MSE_ERR_MISSING, "sgx extension" },
        { { .drop = ".4" }, MSE_ERR_MISSING, "sgx extension" },
        { { .drop = ".5" }, MSE_ERR_MISSING, "sgx extension" },
        { { .drop = ".2.1" }, MSE_ERR_MISSING, "sgx extension: tcb" },
        { { .drop = ".2.16" }, MSE_ERR_MISSING, "sgx extension: tcb" },
        { { .drop = ".2.17" }, MSE_ERR_MISSING, "sgx extension: tcb" },
        { { .drop = ".2.18" }, MSE_ERR_MISSING, "sgx extension: tcb" },
        { { .twice = ".1" }, MSE_ERR_DUPLICATE, "sgx extension" },
        { { .twice = ".2" }, MSE_ERR_DUPLICATE, "sgx extension" },
        { { .twice = ".4" }, MSE_ERR_DUPLICATE, "sgx extension" },
        { { .twice = ".7" }, MSE_ERR_DUPLICATE, "sgx extension" },
        { { .twice = ".2.3" }, MSE_ERR_DUPLICATE, "sgx extension: tcb" },
        { { .twice = ".2.18" }, MSE_ERR_DUPLICATE, "sgx extension: tcb" },
        { { .twice = ".7.1" }, MSE_ERR_DUPLICATE, "sgx extension: configuration" },
        { { .in_place = { ".1", 0x04, some, 15 } }, MSE_ERR_VALUE, "sgx extension: ppid" },
        { { .in_place = { ".3", 0x04, some, 3 } }, MSE_ERR_VALUE, "sgx extension: pceid" },
        { { .in_place = { ".4", 0x04, some, 5 } }, MSE_ERR_VALUE, "sgx extension: fmspc" },
        { { .in_place = { ".4", 0x04, some, 0 } }, MSE_ERR_VALUE, "sgx extension: fmspc" },
        { { .in_place = { ".4", 0x03, some, 6 } }, MSE_ERR_FORMAT, "sgx extension: fmspc" },
        { { .in_place = { ".5", 0x0a, n3, 1 } }, MSE_ERR_VALUE, "sgx extension: sgxType" },
        { { .in_place = { ".5", 0x0a, long2, 2 } }, MSE_ERR_VALUE, "sgx extension: sgxType" },
        { { .in_place = { ".5", 0x02, n1, 1 } }, MSE_ERR_FORMAT, "sgx extension: sgxType" },
        { { .in_place = { ".6", 0x04, some, 17 } },
          MSE_ERR_VALUE,
          "sgx extension: platformInstanceID" },
        { { .in_place = { ".2.1", 0x02, n256, 2 } },
          MSE_ERR_VALUE,
          "sgx extension: tcb component" },
        { { .in_place = { ".2.1", 0x02, minus, 1 } },
          MSE_ERR_VALUE,
          "sgx extension: tcb component" },
        { { .in_place = { ".2.1", 0x02, long2, 2 } },
          MSE_ERR_FORMAT,
          "sgx extension: tcb component" },
        { { .in_place = { ".2.17", 0x02, n65536, 3 } }, MSE_ERR_VALUE, "sgx extension: pcesvn" },
        { { .in_place = { ".2.18", 0x04, some, 8 } }, MSE_ERR_VALUE, "sgx extension: cpusvn" },
        { { .in_place = { ".7.2", 0x01, t_odd, 1 } }, MSE_ERR_FORMAT, "sgx extension: cachedKeys" },
        { { .in_place = { ".7.3", 0x02, n1, 1 } }, MSE_ERR_FORMAT, "sgx extension: smtEnabled" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_error err = { 0 };
        struct test_der der;
        struct mse_pck pck;

        build(&der, &cases[i].change);
        (void)parse((struct mse_bytes){ der.data, der.len }, &pck, &err);
        if (err.code != cases[i].want || strcmp(err.field, cases[i].field) != 0)
            fail_msg("case %zu: %s in %s", i, mse_err_name(err.code), err.field);
    }
}

static void members_that_are_not_known_are_passed_over(void **state)
{
    static const char *const arcs[] = { ".8", ".9.1", ".31" };
    struct change none = { 0 };
    struct mse_error err = { 0 };
    struct test_der der, more = { 0 }, out = { 0 };
    struct mse_pck pck;

    (void)state;
    build(&der, &none);
    test_der_raw(&more, der.data + 4, der.len - 4); /* without 30 82 xx xx */
    for (size_t i = 0; i < sizeof(arcs) / sizeof(arcs[0]); i++)
        put_member(&more, arcs[i], 0x04, some, 3);
    test_der_wrap(&out, 0x30, &more);
    assert_true(parse((struct mse_bytes){ out.data, out.len }, &pck, &err));
    assert_memory_equal(pck.fmspc, some, 6);
}

static void leftovers_are_refused_where_they_start(void **state)
{
    struct change none = { 0 };
    struct mse_error err = { 0 };
    struct test_der der;
    struct mse_pck pck;

    (void)state;
    build(&der, &none);
    test_der_raw(&der, some, 1);
    assert_false(parse((struct mse_bytes){ der.data, der.len }, &pck, &err));
    assert_int_equal(err.code, MSE_ERR_TRAILING);
    assert_int_equal(err.offset, der.len - 1);
}

static void every_prefix_is_refused(void **state)
{
    struct change none = { 0 };
    struct test_der der;

    (void)state;
    build(&der, &none);
    for (size_t n = 0; n < der.len; n++) {
        struct test_blob cut = test_copy((struct mse_bytes){ der.data, n });
        struct mse_error err = { 0 };
        struct mse_pck pck;

        assert_false(parse(test_bytes(&cut), &pck, &err));
        assert_int_equal(err.code, MSE_ERR_TRUNCATED);
        test_blob_free(&cut);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_members_are_read),
        cmocka_unit_test(a_single_package_platform_is_read),
        cmocka_unit_test(a_certificate_without_the_extension_is_told_apart),
        cmocka_unit_test(one_change_at_a_time_is_judged),
        cmocka_unit_test(members_that_are_not_known_are_passed_over),
        cmocka_unit_test(leftovers_are_refused_where_they_start),
        cmocka_unit_test(every_prefix_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
