/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authentication of whole sets under test roots: what is believed, what is kept aside and why, for
 * how long it holds, and how many signature checks it costs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/encode.h"
#include "endorsement/collateral.h"
#include "test_pki.h"

#define DAY 86400
#define Y2020 1577836800
#define Y2022 1640995200
#define Y2023 1672531200
#define Y2025 1735689600
#define Y2030 1893456000
#define FROM "2024-01-01T00:00:00Z"
#define UNTIL "2024-02-01T00:00:00Z"
#define AT 1704067200 /* FROM */
#define AT_END 1706745600

#define ROOT "Intel SGX Root CA"
#define PLATFORM "Intel SGX PCK Platform CA"
#define PROCESSOR "Intel SGX PCK Processor CA"
#define SIGNING "Intel SGX TCB Signing"

/* ---- counting signature checks: the linker puts these in between ---- */

static unsigned checks;

bool __real_mse_key_check(const struct mse_key *key, enum mse_signature_type type,
                          struct mse_bytes data, struct mse_bytes signature, const char *field,
                          struct mse_error *err);
bool __wrap_mse_key_check(const struct mse_key *key, enum mse_signature_type type,
                          struct mse_bytes data, struct mse_bytes signature, const char *field,
                          struct mse_error *err);
bool __wrap_mse_key_check(const struct mse_key *key, enum mse_signature_type type,
                          struct mse_bytes data, struct mse_bytes signature, const char *field,
                          struct mse_error *err)
{
    checks++;
    return __real_mse_key_check(key, type, data, signature, field, err);
}

bool __real_mse_key_check_raw_p256(const struct mse_key *key, struct mse_bytes data,
                                   const uint8_t *signature, const char *field,
                                   struct mse_error *err);
bool __wrap_mse_key_check_raw_p256(const struct mse_key *key, struct mse_bytes data,
                                   const uint8_t *signature, const char *field,
                                   struct mse_error *err);
bool __wrap_mse_key_check_raw_p256(const struct mse_key *key, struct mse_bytes data,
                                   const uint8_t *signature, const char *field,
                                   struct mse_error *err)
{
    checks++;
    return __real_mse_key_check_raw_p256(key, data, signature, field, err);
}

/* ---- the vendors ---- */

enum { K_ROOT, K_PLATFORM, K_PROCESSOR, K_SIGNING, K_PCK, K_OTHER, K_COUNT };
static EVP_PKEY *key[K_COUNT], *ark, *ask, *asvk, *p384;
static struct mse_roots roots;
static struct test_der sgx;

static struct test_cert ca(const char *subject, EVP_PKEY *own, const char *issuer, EVP_PKEY *by)
{
    return (struct test_cert){
        .subject = subject,
        .issuer = issuer,
        .key = own,
        .issuer_key = by,
        .ca = true,
        .path_len = strcmp(subject, issuer) == 0 ? 1 : 0,
        .key_usage = "critical,keyCertSign,cRLSign",
    };
}

static struct test_cert root_spec(void)
{
    return ca(ROOT, key[K_ROOT], ROOT, key[K_ROOT]);
}

static struct test_cert platform_spec(void)
{
    return ca(PLATFORM, key[K_PLATFORM], ROOT, key[K_ROOT]);
}

static struct test_cert processor_spec(void)
{
    return ca(PROCESSOR, key[K_PROCESSOR], ROOT, key[K_ROOT]);
}

static struct test_cert signing_spec(void)
{
    struct test_cert c = ca(SIGNING, key[K_SIGNING], ROOT, key[K_ROOT]);

    c.ca = false;
    c.has_basic_constraints = true;
    c.key_usage = "critical,digitalSignature";
    return c;
}

static struct test_cert pck_spec(void)
{
    struct test_cert c = ca("Intel SGX PCK Certificate", key[K_PCK], PLATFORM, key[K_PLATFORM]);

    c.ca = false;
    c.key_usage = "critical,digitalSignature";
    c.extensions[0] = (struct test_extension){ "1.2.840.113741.1.13.1", sgx.data, sgx.len, false };
    return c;
}

static struct test_cert amd_spec(const char *subject, EVP_PKEY *own, const char *issuer,
                                 EVP_PKEY *by)
{
    struct test_cert c = ca(subject, own, issuer, by);

    c.pss = true;
    c.digest = "SHA384";
    if (own == p384) {
        c.ca = false;
        c.key_usage = NULL;
    }
    if (own == ark)
        c.path_len = TEST_NO_PATH_LEN;
    return c;
}

static struct test_cert ark_spec(void)
{
    return amd_spec("ARK-Milan", ark, "ARK-Milan", ark);
}

static int make_vendors(void **state)
{
    static const struct test_sgx values = { { 0, 1, 2, 3, 4, 5 }, { 1 }, 1 };
    struct test_cert specs[2];
    struct mse_writer pem = { 0 };
    struct mse_error err = { 0 };

    (void)state;
    for (size_t i = 0; i < K_COUNT; i++)
        key[i] = test_key_p256();
    ark = test_key_rsa();
    ask = test_key_rsa();
    asvk = test_key_rsa();
    p384 = test_key_p384();
    test_sgx_extension(&sgx, &values);
    specs[0] = root_spec();
    specs[1] = ark_spec();
    for (size_t i = 0; i < 2; i++) {
        struct test_blob der = test_cert_make(&specs[i]);

        mse_pem_write(&pem, "CERTIFICATE", test_bytes(&der));
        test_blob_free(&der);
    }
    assert_true(mse_roots_simulated(mse_writer_bytes(&pem), &roots, &err));
    mse_writer_cleanup(&pem);
    return 0;
}

static int free_vendors(void **state)
{
    (void)state;
    for (size_t i = 0; i < K_COUNT; i++)
        EVP_PKEY_free(key[i]);
    EVP_PKEY_free(ark);
    EVP_PKEY_free(ask);
    EVP_PKEY_free(asvk);
    EVP_PKEY_free(p384);
    mse_roots_cleanup(&roots);
    return 0;
}

/* ---- sets ---- */

static struct mse_collateral *new_set(void)
{
    struct mse_collateral *set;
    struct mse_error err = { 0 };

    assert_true(mse_collateral_new(&set, &err));
    return set;
}

/* Adds and returns the item; the set's addresses are stable. */
static const struct mse_item *add(struct mse_collateral *set, enum mse_item_kind kind,
                                  struct mse_bytes bytes, bool early)
{
    struct mse_error err = { 0 };

    assert_true(mse_collateral_add_item(set, kind, bytes, "test", early, &err));
    return set->items[set->count - 1];
}

static const struct mse_item *add_cert(struct mse_collateral *set, struct test_cert spec)
{
    struct test_blob der = test_cert_make(&spec);
    const struct mse_item *item = add(set, MSE_ITEM_CERT, test_bytes(&der), false);

    test_blob_free(&der);
    return item;
}

static const struct mse_item *add_crl(struct mse_collateral *set, struct test_crl spec)
{
    struct test_blob der = test_crl_make(&spec);
    const struct mse_item *item = add(set, MSE_ITEM_CRL, test_bytes(&der), false);

    test_blob_free(&der);
    return item;
}

static const struct mse_item *add_text(struct mse_collateral *set, enum mse_item_kind kind,
                                       const char *text)
{
    return add(set, kind, MSE_CSTR_BYTES(text), false);
}

static char *tcb_reply(EVP_PKEY *by)
{
    char *body = test_tcb_info_text("SGX", "000102030405", 17, FROM, UNTIL);
    char *reply = test_reply_make("tcbInfo", body, by);

    free(body);
    return reply;
}

static char *qe_reply(EVP_PKEY *by)
{
    char *body = test_qe_identity_text("QE", 17, FROM, UNTIL);
    char *reply = test_reply_make("enclaveIdentity", body, by);

    free(body);
    return reply;
}

static const struct mse_item *add_tcb(struct mse_collateral *set, EVP_PKEY *by)
{
    char *reply = tcb_reply(by);
    const struct mse_item *item = add_text(set, MSE_ITEM_TCB_INFO, reply);

    free(reply);
    return item;
}

static const struct mse_item *add_qe(struct mse_collateral *set, EVP_PKEY *by)
{
    char *reply = qe_reply(by);
    const struct mse_item *item = add_text(set, MSE_ITEM_QE_IDENTITY, reply);

    free(reply);
    return item;
}

static struct test_crl crl_of(const char *issuer, EVP_PKEY *by)
{
    return (struct test_crl){ .issuer = issuer, .issuer_key = by };
}

static void authenticate(struct mse_collateral *set)
{
    struct mse_error err = { 0 };

    checks = 0;
    assert_true(mse_collateral_authenticate(set, &roots, &err));
    assert_true(set->prepared);
}

static void assert_believed(const struct mse_item *item)
{
    char line[600];

    if (!item->authenticated)
        fail_msg("%s", mse_error_describe(&item->why_not, line, sizeof(line)));
    assert_int_equal(item->why_not.code, MSE_ERR_NONE);
}

static void assert_refused(const struct mse_item *item, enum mse_err_code want)
{
    char line[600];

    if (item->authenticated || item->why_not.code != want)
        fail_msg("%s", mse_error_describe(&item->why_not, line, sizeof(line)));
    assert_null(item->issuer);
    assert_int_equal(item->valid_from, 0);
    assert_int_equal(item->valid_until, 0);
    assert_null(item->tcb_info.levels);
    assert_null(item->crl.serials);
}

/* ---- tests ---- */

static void a_cold_set_costs_one_check_for_each_item(void **state)
{
    struct mse_collateral *set = new_set();
    const struct mse_item *tcb = add_tcb(set, key[K_SIGNING]);
    const struct mse_item *qe = add_qe(set, key[K_SIGNING]);
    const struct mse_item *pck_crl = add_crl(set, crl_of(PLATFORM, key[K_PLATFORM]));
    const struct mse_item *root_crl = add_crl(set, crl_of(ROOT, key[K_ROOT]));
    const struct mse_item *signing = add_cert(set, signing_spec());
    const struct mse_item *platform = add_cert(set, platform_spec());
    const struct mse_item *root = add_cert(set, root_spec());

    (void)state;
    authenticate(set);
    assert_int_equal(checks, 6);
    for (size_t i = 0; i < set->count; i++)
        assert_believed(set->items[i]);
    assert_int_equal(root->role, MSE_ROLE_INTEL_ROOT);
    assert_null(root->issuer);
    assert_int_equal(platform->role, MSE_ROLE_PCK_PLATFORM_CA);
    assert_ptr_equal(platform->issuer, root);
    assert_int_equal(signing->role, MSE_ROLE_TCB_SIGNING);
    assert_ptr_equal(signing->issuer, root);
    assert_ptr_equal(tcb->issuer, signing);
    assert_ptr_equal(qe->issuer, signing);
    assert_ptr_equal(pck_crl->issuer, platform);
    assert_ptr_equal(root_crl->issuer, root);
    assert_int_equal(tcb->tcb_info.tcb_eval, 17);
    assert_int_equal(qe->qe_identity.id, MSE_QE_SGX);
    assert_null(mse_collateral_rejected(set, MSE_ITEM_CERT));
    mse_collateral_free(set);
}

/* Two roots, two PCK CAs, three TCB signing certificates with one key: as Intel has them. */
static void reissued_certificates_do_not_cost_more_for_other_items(void **state)
{
    struct mse_collateral *set = new_set();
    struct test_cert spec;
    const struct mse_item *tcb;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        spec = root_spec();
        spec.serial = i + 1;
        add_cert(set, spec);
        spec = signing_spec();
        spec.serial = i + 1;
        add_cert(set, spec);
        spec = processor_spec();
        spec.serial = i + 1;
        add_cert(set, spec);
    }
    tcb = add_tcb(set, key[K_SIGNING]);
    add_qe(set, key[K_OTHER]); /* a refusal too is final after one check for each key */
    add_crl(set, crl_of(PROCESSOR, key[K_PROCESSOR]));
    authenticate(set);
    assert_int_equal(checks, 3 + 3 + 3);
    assert_believed(tcb);
    assert_refused(mse_collateral_rejected(set, MSE_ITEM_QE_IDENTITY), MSE_ERR_SIGNATURE);
    mse_collateral_free(set);
}

static void a_pinned_root_serves_without_its_certificate(void **state)
{
    struct mse_collateral *set = new_set();
    const struct mse_item *tcb = add_tcb(set, key[K_SIGNING]);
    const struct mse_item *root_crl = add_crl(set, crl_of(ROOT, key[K_ROOT]));
    const struct mse_item *signing = add_cert(set, signing_spec());
    struct test_cert specs[2] = { root_spec(), root_spec() };
    struct mse_error err = { 0 };

    (void)state;
    specs[1].key = key[K_OTHER];
    authenticate(set);
    assert_int_equal(checks, 3);
    assert_believed(signing);
    assert_null(signing->issuer);
    assert_believed(tcb);
    assert_believed(root_crl);
    assert_null(root_crl->issuer);
    for (size_t i = 0; i < 2; i++) { /* found by the key of a certificate from elsewhere */
        struct test_blob der = test_cert_make(&specs[i]);
        struct mse_cert cert;

        assert_true(mse_cert_parse(test_bytes(&der), &cert, &err));
        assert_ptr_equal(mse_collateral_crl(set, &cert, AT), i == 0 ? root_crl : NULL);
        test_blob_free(&der);
    }
    mse_collateral_free(set);
}

static void the_window_is_what_all_of_them_share(void **state)
{
    struct mse_collateral *set = new_set();
    struct test_cert root = root_spec(), signing = signing_spec(), platform = platform_spec();
    struct test_crl crl = crl_of(PLATFORM, key[K_PLATFORM]);
    const struct mse_item *items[5];

    (void)state;
    root.not_before = Y2022; /* says nothing: the key is pinned, not these dates */
    root.not_after = AT + 10 * DAY;
    signing.not_before = AT + DAY;
    signing.not_after = Y2030;
    platform.not_before = Y2020;
    platform.not_after = Y2023;
    crl.this_update = Y2020 + DAY;
    crl.next_update = Y2025;
    items[0] = add_cert(set, root);
    items[1] = add_cert(set, signing);
    items[2] = add_cert(set, platform);
    items[3] = add_crl(set, crl);
    items[4] = add_tcb(set, key[K_SIGNING]);
    authenticate(set);
    for (size_t i = 0; i < 5; i++)
        assert_believed(items[i]);
    assert_true(items[0]->valid_from == INT64_MIN && items[0]->valid_until == INT64_MAX);
    assert_int_equal(items[1]->valid_from, AT + DAY);
    assert_int_equal(items[1]->valid_until, Y2030);
    assert_int_equal(items[2]->valid_from, Y2020);
    assert_int_equal(items[2]->valid_until, Y2023);
    assert_int_equal(items[3]->valid_from, Y2020 + DAY);
    assert_int_equal(items[3]->valid_until, Y2023);
    assert_int_equal(items[4]->valid_from, AT + DAY);
    assert_int_equal(items[4]->valid_until, AT_END);
    mse_collateral_free(set);
}

static void of_several_certificates_of_a_key_the_longest_valid_one_counts(void **state)
{
    static const struct {
        int64_t from, until;
    } dates[] = {
        { Y2020, Y2023 },         /* over before the reply was issued */
        { AT + 20 * DAY, Y2030 }, /* shares its last eleven days */
        { Y2020, AT + 15 * DAY }, /* shares its first fifteen */
        { AT + 1 * DAY, AT + 3 * DAY },
    };
    struct mse_collateral *set = new_set();
    const struct mse_item *signing[4], *tcb;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct test_cert spec = signing_spec();

        spec.not_before = dates[i].from;
        spec.not_after = dates[i].until;
        signing[i] = add_cert(set, spec);
    }
    tcb = add_tcb(set, key[K_SIGNING]);
    authenticate(set);
    assert_believed(tcb);
    assert_ptr_equal(tcb->issuer, signing[2]);
    assert_int_equal(tcb->valid_from, AT);
    assert_int_equal(tcb->valid_until, AT + 15 * DAY);
    mse_collateral_free(set);
}

static void a_root_with_another_key_is_no_root(void **state)
{
    struct mse_collateral *set = new_set();
    struct test_cert root = root_spec(), platform = platform_spec();
    const struct mse_item *items[3];

    (void)state;
    root.key = root.issuer_key = platform.issuer_key = key[K_OTHER];
    items[0] = add_cert(set, root);
    items[1] = add_cert(set, platform); /* signed by it */
    items[2] = add_crl(set, crl_of(ROOT, key[K_OTHER]));
    authenticate(set);
    assert_refused(items[0], MSE_ERR_ROOT);
    assert_refused(items[1], MSE_ERR_SIGNATURE);
    assert_refused(items[2], MSE_ERR_SIGNATURE);
    mse_collateral_free(set);
}

/* Anybody can make a certificate with the public key of a root: only the key of it counts. */
static struct test_cert forged_root(size_t i)
{
    struct test_cert forged = i < 4 ? root_spec() : ark_spec();

    forged.issuer_key = i < 4 ? key[K_OTHER] : ask;
    switch (i % 4) {
    case 0:
        forged.not_before = AT + DAY;
        forged.not_after = AT + 2 * DAY;
        break;
    case 1:
        forged.key_usage = "critical,digitalSignature";
        break;
    case 2:
        forged.key_usage = "critical,keyCertSign"; /* may sign no list */
        forged.not_after = Y2030 + 9000LL * DAY;
        break;
    default:
        forged.ca = false;
        forged.path_len = TEST_NO_PATH_LEN;
        break;
    }
    return forged;
}

static void an_unsigned_copy_of_a_root_changes_nothing(void **state)
{
    struct test_crl ark_list = {
        .issuer = "ARK-Milan", .issuer_key = ark, .pss = true, .digest = "SHA384"
    };

    (void)state;
    for (size_t i = 0; i < 16; i++) {
        struct mse_collateral *set = new_set();
        const struct mse_item *items[7], *forged = NULL;

        if (i % 2 == 0)
            forged = add_cert(set, forged_root(i / 2));
        items[0] = add_cert(set, root_spec());
        items[1] = add_cert(set, platform_spec());
        items[2] = add_crl(set, crl_of(ROOT, key[K_ROOT]));
        items[3] = add_tcb(set, key[K_SIGNING]);
        items[4] = add_cert(set, signing_spec());
        items[5] = add_cert(set, amd_spec("SEV-Milan", ask, "ARK-Milan", ark));
        items[6] = add_crl(set, ark_list);
        if (forged == NULL)
            forged = add_cert(set, forged_root(i / 2));
        authenticate(set);
        assert_int_equal(checks, 6);
        for (size_t j = 0; j < 7; j++)
            assert_believed(items[j]);
        assert_int_equal(items[1]->valid_from, Y2020);
        assert_int_equal(items[1]->valid_until, Y2030);
        assert_int_equal(items[2]->valid_from, Y2020);
        assert_int_equal(items[2]->valid_until, Y2030);
        assert_int_equal(items[3]->valid_from, AT);
        assert_int_equal(items[3]->valid_until, AT_END);
        assert_int_equal(items[5]->valid_until, Y2030);
        assert_int_equal(items[6]->valid_until, Y2030);
        assert_true(forged->key != NULL && forged->valid_until == INT64_MAX);
        mse_collateral_free(set);
    }
}

static void a_pinned_key_under_another_name_is_no_root(void **state)
{
    const struct {
        const char *subject, *issuer;
        EVP_PKEY *key;
        enum mse_err_code want;
    } rows[] = {
        { "somebody", "somebody", key[K_ROOT], MSE_ERR_CHAIN },
        { ROOT, "somebody", key[K_ROOT], MSE_ERR_CHAIN },
        { "somebody", ROOT, key[K_ROOT], MSE_ERR_CHAIN },
        { "ARK-Milan", "ARK-Milan", key[K_ROOT], MSE_ERR_CHAIN },
        { PLATFORM, PLATFORM, key[K_ROOT], MSE_ERR_MISSING },
        { ROOT, ROOT, ark, MSE_ERR_CHAIN },
        { "ARK-Genoa", "ARK-Genoa", ark, MSE_ERR_CHAIN },
        { "ARK-Milan", "ARK-Genoa", ark, MSE_ERR_CHAIN },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mse_collateral *set = new_set();
        bool amd = rows[i].key == ark;
        struct test_cert spec = amd ? ark_spec() : root_spec();
        const struct mse_item *item;

        spec.subject = rows[i].subject;
        spec.issuer = rows[i].issuer;
        item = add_cert(set, spec);
        authenticate(set);
        assert_refused(item, rows[i].want);
        assert_int_equal(checks, 0);
        mse_collateral_free(set);
    }
}

/* One CA, two certificates with its key, of which one may not sign lists. */
static void a_certificate_without_the_right_does_not_hide_the_one_with_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct mse_collateral *set = new_set();
        struct test_cert mute = processor_spec();
        const struct mse_item *able, *list;

        mute.key_usage = "critical,keyCertSign";
        mute.not_after = Y2030 + 9000LL * DAY;
        if (i == 0)
            add_cert(set, mute);
        able = add_cert(set, processor_spec());
        if (i == 1)
            add_cert(set, mute);
        list = add_crl(set, crl_of(PROCESSOR, key[K_PROCESSOR]));
        authenticate(set);
        assert_int_equal(checks, 3);
        assert_believed(list);
        assert_ptr_equal(list->issuer, able);
        assert_int_equal(list->valid_until, Y2030);
        mse_collateral_free(set);
    }
}

/* A revocation list that a chain from elsewhere may yet vouch for, and others that none can. */
static void a_missing_issuer_differs_from_a_missing_field(void **state)
{
    struct test_crl endless = crl_of(PLATFORM, key[K_PLATFORM]);
    struct mse_collateral *set = new_set();
    const struct mse_item *orphan, *cut, *forged, *good;

    (void)state;
    endless.no_next_update = true;
    add_cert(set, processor_spec());
    orphan = add_crl(set, crl_of(PLATFORM, key[K_PLATFORM]));
    cut = add_crl(set, endless);
    forged = add_crl(set, crl_of(PROCESSOR, key[K_OTHER]));
    good = add_crl(set, crl_of(PROCESSOR, key[K_PROCESSOR]));
    authenticate(set);
    assert_refused(orphan, MSE_ERR_MISSING);
    assert_true(orphan->no_issuer);
    assert_refused(cut, MSE_ERR_MISSING);
    assert_false(cut->no_issuer);
    assert_refused(forged, MSE_ERR_SIGNATURE);
    assert_false(forged->no_issuer);
    assert_believed(good);
    assert_false(good->no_issuer);
    mse_collateral_free(set);
}

static void certificates_that_fit_nowhere_are_refused(void **state)
{
    struct mse_collateral *set = new_set();
    struct test_cert spec;
    const struct mse_item *stranger, *orphan, *flagged, *junk, *longer;

    (void)state;
    add_cert(set, root_spec());
    spec = platform_spec();
    spec.subject = "somebody";
    stranger = add_cert(set, spec); /* although the root did sign it */
    orphan = add_cert(set, pck_spec());
    spec = signing_spec();
    spec.ca = true;
    flagged = add_cert(set, spec);
    junk = add(set, MSE_ITEM_CERT, MSE_CSTR_BYTES("junk"), false);
    spec = signing_spec();
    {
        struct test_blob der = test_cert_make(&spec);
        uint8_t *more = realloc(der.data, der.len + 1);

        assert_non_null(more);
        more[der.len] = 0;
        der.data = more;
        der.len++;
        longer = add(set, MSE_ITEM_CERT, test_bytes(&der), false);
        test_blob_free(&der);
    }
    authenticate(set);
    assert_refused(stranger, MSE_ERR_CHAIN);
    assert_refused(orphan, MSE_ERR_MISSING);
    assert_refused(flagged, MSE_ERR_CHAIN);
    assert_refused(junk, MSE_ERR_FORMAT);
    assert_refused(longer, MSE_ERR_TRAILING);
    mse_collateral_free(set);
}

static void a_pck_leaf_chains_through_its_ca(void **state)
{
    struct mse_collateral *set = new_set();
    struct test_cert other = pck_spec();
    const struct mse_item *leaf, *platform, *swapped;

    (void)state;
    leaf = add_cert(set, pck_spec());
    other.issuer = PROCESSOR; /* but the platform CA signed it */
    swapped = add_cert(set, other);
    platform = add_cert(set, platform_spec());
    add_cert(set, processor_spec());
    authenticate(set);
    assert_believed(leaf);
    assert_int_equal(leaf->role, MSE_ROLE_PCK_LEAF);
    assert_ptr_equal(leaf->issuer, platform);
    assert_int_equal(mse_key_type_of(leaf->key), MSE_KEY_P256);
    assert_refused(swapped, MSE_ERR_SIGNATURE);
    mse_collateral_free(set);
}

static void json_counts_only_under_the_tcb_signing_key(void **state)
{
    static const int signers[] = { K_ROOT, K_PLATFORM, K_PCK, K_OTHER };

    (void)state;
    for (size_t i = 0; i < sizeof(signers) / sizeof(signers[0]); i++) {
        struct mse_collateral *set = new_set();
        const struct mse_item *tcb = add_tcb(set, key[signers[i]]);
        const struct mse_item *qe = add_qe(set, key[signers[i]]);

        add_cert(set, root_spec());
        add_cert(set, platform_spec());
        add_cert(set, pck_spec());
        authenticate(set);
        assert_refused(tcb, MSE_ERR_MISSING); /* nobody who could have signed it */
        mse_collateral_free(set);

        set = new_set();
        tcb = add_tcb(set, key[signers[i]]);
        qe = add_qe(set, key[signers[i]]);
        add_cert(set, platform_spec());
        add_cert(set, pck_spec());
        add_cert(set, signing_spec());
        authenticate(set);
        assert_refused(tcb, MSE_ERR_SIGNATURE);
        assert_refused(qe, MSE_ERR_SIGNATURE);
        mse_collateral_free(set);
    }
}

/* Changes to a whole reply, found by text; the signature stays what it was. */
static void only_the_exact_bytes_of_the_body_pass(void **state)
{
    static const struct {
        const char *from, *to;
        enum mse_err_code want;
    } changes[] = {
        { "{\"tcbInfo\":", " { \"tcbInfo\" :\n", MSE_ERR_NONE },
        { ",\"signature\":", ",\"later\":[1],\"signature\":", MSE_ERR_NONE },
        { "\"version\":3", "\"version\": 3", MSE_ERR_SIGNATURE },
        { "\"version\":3", "\"version\":4", MSE_ERR_SIGNATURE },
        { "\"version\"", "\"\\u0076ersion\"", MSE_ERR_SIGNATURE },
        { "\"tcbType\":0,", "", MSE_ERR_SIGNATURE },
        { "\"tcbType\":0,", "\"tcbType\":0,\"tcbType\":0,", MSE_ERR_SIGNATURE },
        { "{\"tcbInfo\":", "{\"tcbInfo\":{},\"tcbInfo\":", MSE_ERR_DUPLICATE },
        { "{\"tcbInfo\":", "{\"enclaveIdentity\":", MSE_ERR_MISSING },
        { ",\"signature\":\"", ",\"signature\":\"0", MSE_ERR_VALUE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct mse_collateral *set = new_set();
        char *reply = tcb_reply(key[K_SIGNING]);
        char *changed = test_replace(reply, changes[i].from, changes[i].to);
        const struct mse_item *item = add_text(set, MSE_ITEM_TCB_INFO, changed);

        add_cert(set, signing_spec());
        authenticate(set);
        if (changes[i].want == MSE_ERR_NONE)
            assert_believed(item);
        else
            assert_refused(item, changes[i].want);
        free(reply);
        free(changed);
        mse_collateral_free(set);
    }
}

static void a_genuine_body_must_still_be_understood(void **state)
{
    static const struct {
        const char *from, *to;
        enum mse_err_code want;
    } changes[] = {
        { "\"version\":3", "\"version\":2", MSE_ERR_UNSUPPORTED },
        { "\"UpToDate\"", "\"Fine\"", MSE_ERR_VALUE },
        { "\"tcbType\":0,", "\"tcbType\":0,\"tcbType\":0,", MSE_ERR_DUPLICATE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct mse_collateral *set = new_set();
        char *body = test_tcb_info_text("SGX", "000102030405", 17, FROM, UNTIL);
        char *changed = test_replace(body, changes[i].from, changes[i].to);
        char *reply = test_reply_make("tcbInfo", changed, key[K_SIGNING]);
        const struct mse_item *item = add_text(set, MSE_ITEM_TCB_INFO, reply);

        add_cert(set, signing_spec());
        authenticate(set);
        assert_refused(item, changes[i].want);
        free(body);
        free(changed);
        free(reply);
        mse_collateral_free(set);
    }
}

/* A set in which a statement about one thing is offered as one about another. */
static void kinds_are_not_mixed_up(void **state)
{
    struct mse_collateral *set = new_set();
    char *tcb = tcb_reply(key[K_SIGNING]), *qe = qe_reply(key[K_SIGNING]);
    const struct mse_item *a = add_text(set, MSE_ITEM_QE_IDENTITY, tcb);
    const struct mse_item *b = add_text(set, MSE_ITEM_TCB_INFO, qe);
    char *body = test_qe_identity_text("QE", 17, FROM, UNTIL);
    char *reply = test_reply_make("tcbInfo", body, key[K_SIGNING]); /* under the other name */
    const struct mse_item *c = add_text(set, MSE_ITEM_TCB_INFO, reply);

    (void)state;
    add_cert(set, signing_spec());
    authenticate(set);
    assert_refused(a, MSE_ERR_MISSING);
    assert_refused(b, MSE_ERR_MISSING);
    assert_refused(c, MSE_ERR_UNSUPPORTED); /* version 2, by the signed object itself */
    free(tcb);
    free(qe);
    free(body);
    free(reply);
    mse_collateral_free(set);
}

static void crls_count_only_under_their_issuers_key(void **state)
{
    struct mse_collateral *set = new_set();
    struct test_cert mute = processor_spec();
    const struct mse_item *items[7];

    (void)state;
    mute.key_usage = "critical,keyCertSign";
    add_cert(set, root_spec());
    add_cert(set, platform_spec());
    add_cert(set, mute);
    add_cert(set, signing_spec());
    items[0] = add_crl(set, crl_of(PLATFORM, key[K_PLATFORM]));
    items[1] = add_crl(set, crl_of(PLATFORM, key[K_ROOT]));
    items[2] = add_crl(set, crl_of(ROOT, key[K_PLATFORM]));
    items[3] = add_crl(set, crl_of(SIGNING, key[K_SIGNING]));
    items[4] = add_crl(set, crl_of("somebody", key[K_ROOT]));
    items[5] = add_crl(set, crl_of(PROCESSOR, key[K_PROCESSOR]));
    items[6] = add(set, MSE_ITEM_CRL, MSE_CSTR_BYTES("\x30\x00"), false);
    authenticate(set);
    assert_believed(items[0]);
    assert_refused(items[1], MSE_ERR_SIGNATURE);
    assert_refused(items[2], MSE_ERR_SIGNATURE);
    assert_refused(items[3], MSE_ERR_MISSING);
    assert_refused(items[4], MSE_ERR_MISSING);
    assert_refused(items[5], MSE_ERR_CHAIN);
    assert_false(items[6]->authenticated);
    mse_collateral_free(set);
}

static void amds_chains_and_lists_authenticate(void **state)
{
    struct mse_collateral *set = new_set();
    struct test_crl crl = {
        .issuer = "ARK-Milan", .issuer_key = ark, .pss = true, .digest = "SHA384", .revoked = { 7 }
    };
    struct test_crl plain = crl, by_ask = crl;
    const struct mse_item *items[7], *wrong[3];

    (void)state;
    plain.pss = false;
    by_ask.issuer = "SEV-Milan";
    by_ask.issuer_key = ask;
    items[0] = add_cert(set, amd_spec("SEV-VCEK", p384, "SEV-Milan", ask));
    items[1] = add_cert(set, amd_spec("SEV-VLEK", p384, "SEV-VLEK-Milan", asvk));
    items[2] = add_cert(set, amd_spec("SEV-Milan", ask, "ARK-Milan", ark));
    items[3] = add_cert(set, amd_spec("SEV-VLEK-Milan", asvk, "ARK-Milan", ark));
    items[4] = add_crl(set, crl);
    items[5] = add_cert(set, ark_spec());
    wrong[0] = add_crl(set, plain);
    wrong[1] = add_crl(set, by_ask);
    wrong[2] = add_cert(set, amd_spec("SEV-VLEK", p384, "SEV-Milan", ask));
    authenticate(set);
    assert_int_equal(checks, 5);
    for (size_t i = 0; i < 6; i++)
        assert_believed(items[i]);
    assert_int_equal(items[5]->role, MSE_ROLE_ARK);
    assert_ptr_equal(items[0]->issuer, items[2]);
    assert_int_equal(items[0]->role, MSE_ROLE_VCEK);
    assert_ptr_equal(items[1]->issuer, items[3]);
    assert_int_equal(items[1]->role, MSE_ROLE_VLEK);
    assert_ptr_equal(items[4]->issuer, items[5]);
    assert_true(mse_crl_lists(&items[4]->crl, (struct mse_bytes){ (const uint8_t *)"\x07", 1 }));
    assert_ptr_equal(mse_collateral_crl(set, &items[5]->cert, AT), items[4]);
    assert_refused(wrong[0], MSE_ERR_CHAIN);
    assert_refused(wrong[1], MSE_ERR_MISSING);
    assert_refused(wrong[2], MSE_ERR_MISSING); /* an ASK does not sign VLEKs */
    mse_collateral_free(set);
}

static void an_early_copy_of_the_ordinary_reply_costs_nothing(void **state)
{
    struct mse_collateral *set = new_set();
    char *reply = tcb_reply(key[K_SIGNING]);
    const struct mse_item *ordinary = add(set, MSE_ITEM_TCB_INFO, MSE_CSTR_BYTES(reply), false);
    const struct mse_item *early = add(set, MSE_ITEM_TCB_INFO, MSE_CSTR_BYTES(reply), true);
    static const uint8_t fmspc[6] = { 0, 1, 2, 3, 4, 5 };

    (void)state;
    assert_ptr_not_equal(ordinary, early);
    add_cert(set, signing_spec());
    authenticate(set);
    assert_int_equal(checks, 2);
    assert_believed(early);
    assert_ptr_equal(early->issuer, ordinary->issuer);
    assert_int_equal(early->valid_until, AT_END);
    assert_ptr_equal(mse_collateral_tcb_info(set, false, fmspc, false, AT), ordinary);
    assert_ptr_equal(mse_collateral_tcb_info(set, false, fmspc, true, AT), early);
    free(reply);
    mse_collateral_free(set);
}

static void a_prepared_set_is_closed(void **state)
{
    struct mse_collateral *set = new_set();
    struct mse_error err = { 0 };

    (void)state;
    authenticate(set);
    assert_false(
        mse_collateral_add_item(set, MSE_ITEM_CERT, MSE_CSTR_BYTES("x"), "x", false, &err));
    assert_int_equal(err.code, MSE_ERR_USAGE);
    err = (struct mse_error){ 0 };
    assert_false(mse_collateral_authenticate(set, &roots, &err));
    assert_int_equal(err.code, MSE_ERR_USAGE);
    mse_collateral_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cold_set_costs_one_check_for_each_item),
        cmocka_unit_test(reissued_certificates_do_not_cost_more_for_other_items),
        cmocka_unit_test(a_pinned_root_serves_without_its_certificate),
        cmocka_unit_test(the_window_is_what_all_of_them_share),
        cmocka_unit_test(of_several_certificates_of_a_key_the_longest_valid_one_counts),
        cmocka_unit_test(a_root_with_another_key_is_no_root),
        cmocka_unit_test(an_unsigned_copy_of_a_root_changes_nothing),
        cmocka_unit_test(a_pinned_key_under_another_name_is_no_root),
        cmocka_unit_test(a_certificate_without_the_right_does_not_hide_the_one_with_it),
        cmocka_unit_test(a_missing_issuer_differs_from_a_missing_field),
        cmocka_unit_test(certificates_that_fit_nowhere_are_refused),
        cmocka_unit_test(a_pck_leaf_chains_through_its_ca),
        cmocka_unit_test(json_counts_only_under_the_tcb_signing_key),
        cmocka_unit_test(only_the_exact_bytes_of_the_body_pass),
        cmocka_unit_test(a_genuine_body_must_still_be_understood),
        cmocka_unit_test(kinds_are_not_mixed_up),
        cmocka_unit_test(crls_count_only_under_their_issuers_key),
        cmocka_unit_test(amds_chains_and_lists_authenticate),
        cmocka_unit_test(an_early_copy_of_the_ordinary_reply_costs_nothing),
        cmocka_unit_test(a_prepared_set_is_closed),
    };

    return cmocka_run_group_tests(tests, make_vendors, free_vendors);
}
