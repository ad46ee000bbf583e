/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The set itself: adding in every armour, limits, and look-ups over items whose authentication is
 * taken for granted; and, where MSE_CORPUS names a directory, real collateral of real machines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <glob.h>

#include "base/encode.h"
#include "base/file.h"
#include "endorsement/collateral.h"
#include "test_pki.h"

static EVP_PKEY *key;
static struct test_blob cert[2], crl;

static int make_items(void **state)
{
    struct test_cert spec = { .subject = "a", .issuer = "a" };
    struct test_crl list = { .issuer = "a" };

    (void)state;
    key = test_key_p256();
    spec.key = spec.issuer_key = list.issuer_key = key;
    cert[0] = test_cert_make(&spec);
    spec.subject = "b";
    cert[1] = test_cert_make(&spec);
    crl = test_crl_make(&list);
    return 0;
}

static int free_items(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    test_blob_free(&cert[0]);
    test_blob_free(&cert[1]);
    test_blob_free(&crl);
    return 0;
}

static struct mse_collateral *new_set(void)
{
    struct mse_collateral *set;
    struct mse_error err = { 0 };

    assert_true(mse_collateral_new(&set, &err));
    assert_int_equal(set->count, 0);
    return set;
}

/* ---- adding ---- */

static void a_copy_is_kept_once(void **state)
{
    struct mse_collateral *set = new_set();
    struct mse_error err = { 0 };
    char text[] = "some bytes";
    struct mse_bytes bytes = { (const uint8_t *)text, sizeof(text) };

    (void)state;
    assert_true(mse_collateral_add_item(set, MSE_ITEM_CRL, bytes, "first", false, &err));
    assert_true(mse_collateral_add_item(set, MSE_ITEM_CRL, bytes, "second", true, &err));
    assert_int_equal(set->count, 1); /* CRLs have no early form */
    assert_false(set->items[0]->early);
    assert_string_equal(set->items[0]->name, "first");
    assert_true(mse_collateral_add_item(set, MSE_ITEM_CERT, bytes, NULL, false, &err));
    assert_true(mse_collateral_add_item(set, MSE_ITEM_TCB_INFO, bytes, "x", false, &err));
    assert_true(mse_collateral_add_item(set, MSE_ITEM_TCB_INFO, bytes, "x", true, &err));
    assert_true(mse_collateral_add_item(set, MSE_ITEM_TCB_INFO, bytes, "x", true, &err));
    assert_int_equal(set->count, 4);
    assert_int_equal(set->total, 4 * sizeof(text));
    text[0] = 'x'; /* the bytes were copied */
    assert_int_equal(set->items[0]->bytes.data[0], 's');
    mse_collateral_free(set);
    mse_collateral_free(NULL);
}

static void a_long_name_is_cut(void **state)
{
    struct mse_collateral *set = new_set();
    struct mse_error err = { 0 };
    char name[300];

    (void)state;
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_true(mse_collateral_add_item(set, MSE_ITEM_CRL, MSE_CSTR_BYTES("x"), name, false, &err));
    assert_int_equal(strlen(set->items[0]->name), sizeof(set->items[0]->name) - 1);
    mse_collateral_free(set);
}

static void the_number_of_items_has_a_limit(void **state)
{
    struct mse_collateral *set = new_set();
    struct mse_error err = { 0 };

    (void)state;
    for (uint32_t i = 0; i <= MSE_COLLATERAL_MAX_ITEMS; i++) {
        struct mse_bytes bytes = { (const uint8_t *)&i, sizeof(i) };

        assert_int_equal(mse_collateral_add_item(set, MSE_ITEM_CERT, bytes, "many", false, &err),
                         i < MSE_COLLATERAL_MAX_ITEMS);
    }
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    assert_int_equal(set->count, MSE_COLLATERAL_MAX_ITEMS);
    mse_collateral_free(set);
}

static void the_bytes_of_all_items_have_a_limit(void **state)
{
    struct mse_collateral *set = new_set();
    size_t quarter = MSE_COLLATERAL_MAX_BYTES / 4;
    uint8_t *block = calloc(1, quarter);
    struct mse_error err = { 0 };

    (void)state;
    assert_non_null(block);
    for (uint8_t i = 0; i < 4; i++) {
        block[0] = i;
        assert_true(mse_collateral_add_item(
            set, MSE_ITEM_CERT, (struct mse_bytes){ block, quarter }, "big", false, &err));
    }
    assert_false(mse_collateral_add_item(set, MSE_ITEM_CERT, (struct mse_bytes){ block + 1, 1 },
                                         "more", false, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    assert_int_equal(set->count, 4);
    free(block);
    mse_collateral_free(set);
}

static void certificates_come_as_pem_or_der(void **state)
{
    struct mse_collateral *set = new_set();
    struct mse_writer pem = { 0 }, der = { 0 };
    struct mse_error err = { 0 };

    (void)state;
    mse_write_text(&pem, "subject=...\r\n");
    for (size_t i = 0; i < 2; i++) {
        mse_pem_write(&pem, "CERTIFICATE", test_bytes(&cert[i]));
        mse_write_bytes(&der, cert[i].data, cert[i].len);
    }
    mse_write_u8(&pem, 0); /* as quotes have it */
    assert_true(mse_collateral_add_certs(set, mse_writer_bytes(&pem), "pem", &err));
    assert_int_equal(set->count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_true(mse_bytes_equal(set->items[i]->bytes, test_bytes(&cert[i])));
    mse_collateral_free(set);

    set = new_set();
    assert_true(mse_collateral_add_certs(set, mse_writer_bytes(&der), "der", &err));
    assert_int_equal(set->count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_true(mse_bytes_equal(set->items[i]->bytes, test_bytes(&cert[i])));
    mse_collateral_free(set);
    mse_writer_cleanup(&pem);
    mse_writer_cleanup(&der);
}

static void what_holds_no_certificates_is_refused(void **state)
{
    struct mse_collateral *set = new_set();
    struct mse_error err = { 0 };

    (void)state;
    assert_false(mse_collateral_add_certs(set, MSE_CSTR_BYTES(""), "empty", &err));
    assert_int_equal(err.code, MSE_ERR_MISSING);
    err = (struct mse_error){ 0 };
    assert_false(mse_collateral_add_certs(set, MSE_CSTR_BYTES("certificate"), "text", &err));
    assert_int_equal(err.code, MSE_ERR_MISSING);
    for (size_t n = 4; n < cert[0].len; n++) { /* what is shorter is not taken for DER */
        struct test_blob cut = test_copy((struct mse_bytes){ cert[0].data, n });

        err = (struct mse_error){ 0 };
        assert_false(mse_collateral_add_certs(set, test_bytes(&cut), "cut", &err));
        assert_int_equal(err.code, MSE_ERR_TRUNCATED);
        test_blob_free(&cut);
    }
    assert_int_equal(set->count, 0);
    mse_collateral_free(set);
}

static void a_crl_comes_as_der_pem_or_hex(void **state)
{
    struct mse_writer forms[4] = { { 0 } };
    char *hex = malloc(2 * crl.len + 1);

    (void)state;
    assert_non_null(hex);
    mse_hex_write(crl.data, crl.len, hex);
    mse_write_bytes(&forms[0], crl.data, crl.len);
    mse_pem_write(&forms[1], "X509 CRL", test_bytes(&crl));
    mse_write_text(&forms[2], hex);
    mse_write_format(&forms[3], "\r\n %s\n", hex);
    for (size_t i = 0; i < 4; i++) {
        struct mse_collateral *set = new_set();
        struct mse_error err = { 0 };

        assert_true(mse_collateral_add_crl(set, mse_writer_bytes(&forms[i]), "crl", &err));
        assert_int_equal(set->count, 1);
        assert_int_equal(set->items[0]->kind, MSE_ITEM_CRL);
        assert_true(mse_bytes_equal(set->items[0]->bytes, test_bytes(&crl)));
        mse_collateral_free(set);
        mse_writer_cleanup(&forms[i]);
    }
    free(hex);
}

static void what_is_no_crl_is_refused(void **state)
{
    static const char *const texts[] = { "", " ", "308", "30zz", "crl" };
    struct mse_collateral *set = new_set();

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct mse_error err = { 0 };

        assert_false(mse_collateral_add_crl(set, MSE_CSTR_BYTES(texts[i]), "x", &err));
        assert_int_equal(err.code, MSE_ERR_FORMAT);
    }
    assert_int_equal(set->count, 0);
    mse_collateral_free(set);
}

/* ---- looking up ---- */

static const uint8_t fmspc_a[6] = { 1, 2, 3, 4, 5, 6 }, fmspc_b[6] = { 1, 2, 3, 4, 5, 7 };

/* An item as authentication would leave it. */
static struct mse_item *put(struct mse_collateral *set, enum mse_item_kind kind, bool early,
                            int64_t from, int64_t until)
{
    struct mse_error err = { 0 };
    uint64_t n = set->count;
    struct mse_item *item;

    assert_true(mse_collateral_add_item(
        set, kind, (struct mse_bytes){ (const uint8_t *)&n, sizeof(n) }, "", early, &err));
    item = set->items[n];
    item->authenticated = true;
    item->valid_from = from;
    item->valid_until = until;
    return item;
}

static const struct mse_item *put_tcb(struct mse_collateral *set, bool tdx, const uint8_t *fmspc,
                                      bool early, uint32_t eval, int64_t from, int64_t until)
{
    struct mse_item *item = put(set, MSE_ITEM_TCB_INFO, early, from, until);

    item->tcb_info.is_tdx = tdx;
    memcpy(item->tcb_info.fmspc, fmspc, 6);
    item->tcb_info.tcb_eval = eval;
    item->tcb_info.issue_date = from;
    return item;
}

static void the_right_platforms_tcb_info_is_found(void **state)
{
    struct mse_collateral *set = new_set();
    const struct mse_item *sgx = put_tcb(set, false, fmspc_a, false, 17, 100, 200);
    const struct mse_item *tdx = put_tcb(set, true, fmspc_a, false, 17, 100, 200);
    const struct mse_item *early = put_tcb(set, true, fmspc_a, true, 18, 100, 200);
    struct mse_item *doubtful = put(set, MSE_ITEM_TCB_INFO, false, 100, 200);

    (void)state;
    memcpy(doubtful->tcb_info.fmspc, fmspc_b, 6);
    doubtful->authenticated = false;
    assert_ptr_equal(mse_collateral_tcb_info(set, false, fmspc_a, false, 150), sgx);
    assert_ptr_equal(mse_collateral_tcb_info(set, true, fmspc_a, false, 150), tdx);
    assert_ptr_equal(mse_collateral_tcb_info(set, true, fmspc_a, true, 150), early);
    assert_null(mse_collateral_tcb_info(set, false, fmspc_a, true, 150));
    assert_null(mse_collateral_tcb_info(set, false, fmspc_b, false, 150));
    mse_collateral_free(set);
}

static void the_best_tcb_info_is_valid_then_newest(void **state)
{
    struct mse_collateral *set = new_set();
    const struct mse_item *items[5];
    static const struct {
        int64_t at;
        size_t want;
    } cases[] = {
        { INT64_MIN, 0 }, { 0, 0 },   { 100, 0 }, { 149, 0 },       { 150, 1 }, { 200, 1 },
        { 201, 1 },       { 250, 1 }, { 251, 1 }, { 276, 2 },       { 299, 2 }, { 300, 2 },
        { 320, 3 },       { 400, 3 }, { 401, 2 }, { INT64_MAX, 2 },
    };

    (void)state;
    items[0] = put_tcb(set, false, fmspc_a, false, 16, 100, 200);
    items[1] = put_tcb(set, false, fmspc_a, false, 17, 150, 250);
    items[2] = put_tcb(set, false, fmspc_a, false, 17, 300, 410);
    items[3] = put_tcb(set, false, fmspc_a, false, 17, 310, 400); /* issued later, ends earlier */
    items[4] = put_tcb(set, false, fmspc_a, false, 99, 500, 0);   /* never valid */
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (mse_collateral_tcb_info(set, false, fmspc_a, false, cases[i].at) !=
            items[cases[i].want])
            fail_msg("case %zu", i);
    }
    mse_collateral_free(set);
}

static void qe_identities_are_found_by_id(void **state)
{
    struct mse_collateral *set = new_set();
    struct mse_item *items[4];

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        items[i] = put(set, MSE_ITEM_QE_IDENTITY, i == 3, 100, 200);
        items[i]->qe_identity.id = i == 1 ? MSE_QE_TDX : MSE_QE_SGX;
        items[i]->qe_identity.tcb_eval = (uint32_t)(10 + i);
    }
    assert_ptr_equal(mse_collateral_qe_identity(set, MSE_QE_SGX, false, 150), items[2]);
    assert_ptr_equal(mse_collateral_qe_identity(set, MSE_QE_TDX, false, 150), items[1]);
    assert_ptr_equal(mse_collateral_qe_identity(set, MSE_QE_SGX, true, 150), items[3]);
    assert_null(mse_collateral_qe_identity(set, MSE_QE_QVE, false, 150));
    mse_collateral_free(set);
}

/* Whatever its dates say about use: that the vendor once knew more is known. */
static void a_higher_evaluation_number_is_known_of(void **state)
{
    struct mse_collateral *set = new_set();
    const struct mse_item *items[4];
    struct mse_item *doubtful, *identity[3];
    uint32_t known;

    (void)state;
    items[0] = put_tcb(set, false, fmspc_a, false, 18, 100, 200);
    items[1] = put_tcb(set, false, fmspc_a, true, 30, 100, 200);
    put_tcb(set, true, fmspc_a, false, 31, 100, 200);
    put_tcb(set, false, fmspc_b, false, 32, 100, 200);
    doubtful = put(set, MSE_ITEM_TCB_INFO, false, 100, 200);
    memcpy(doubtful->tcb_info.fmspc, fmspc_a, 6);
    doubtful->tcb_info.tcb_eval = 33;
    doubtful->authenticated = false;
    for (size_t i = 0; i < 3; i++) {
        identity[i] = put(set, MSE_ITEM_QE_IDENTITY, false, 100, 200);
        identity[i]->qe_identity.id = i == 0 ? MSE_QE_TDX : MSE_QE_SGX;
        identity[i]->qe_identity.tcb_eval = (uint32_t)(40 + i);
        identity[i]->qe_identity.issue_date = 100;
    }
    assert_false(mse_collateral_newer_known(set, items[0], 150, &known));
    assert_int_equal(known, 18);
    items[2] = put_tcb(set, false, fmspc_a, false, 22, 50, 99);
    items[3] = put_tcb(set, false, fmspc_a, false, 24, 151, 300);
    put_tcb(set, false, fmspc_a, false, 20, 100, 200);
    assert_true(mse_collateral_newer_known(set, items[0], 150, &known));
    assert_int_equal(known, 22);
    assert_true(mse_collateral_newer_known(set, items[0], 151, &known));
    assert_int_equal(known, 24);
    assert_false(mse_collateral_newer_known(set, items[0], 49, &known));
    assert_false(mse_collateral_newer_known(set, items[2], 150, &known));
    assert_false(mse_collateral_newer_known(set, items[3], 151, &known));
    assert_false(mse_collateral_newer_known(set, items[1], 151, &known));
    assert_false(mse_collateral_newer_known(set, identity[0], 151, &known));
    assert_true(mse_collateral_newer_known(set, identity[1], 151, &known));
    assert_int_equal(known, 42);
    assert_false(mse_collateral_newer_known(set, identity[2], 151, &known));
    mse_collateral_free(set);
}

static void crls_are_found_by_name_and_key(void **state)
{
    struct mse_collateral *set = new_set();
    struct mse_item *issuers[2], *lists[3];
    struct mse_cert other;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        issuers[i] = put(set, MSE_ITEM_CERT, false, 0, 1000);
        issuers[i]->cert.subject = MSE_CSTR_BYTES("name");
        issuers[i]->cert.key_bits = MSE_CSTR_BYTES(i == 0 ? "key 0" : "key 1");
    }
    for (size_t i = 0; i < 3; i++) {
        lists[i] = put(set, MSE_ITEM_CRL, false, 100, 200);
        lists[i]->crl.issuer = MSE_CSTR_BYTES("name");
        lists[i]->crl.this_update = (int64_t)(100 + i);
        lists[i]->issuer = issuers[i == 2 ? 1 : 0];
    }
    assert_ptr_equal(mse_collateral_crl(set, &issuers[0]->cert, 150), lists[1]); /* the later */
    assert_ptr_equal(mse_collateral_crl(set, &issuers[1]->cert, 150), lists[2]);
    other = issuers[0]->cert; /* re-issued: another certificate of that name and key */
    assert_ptr_equal(mse_collateral_crl(set, &other, 150), lists[1]);
    other.subject = MSE_CSTR_BYTES("names");
    assert_null(mse_collateral_crl(set, &other, 150));
    other = issuers[0]->cert;
    other.key_bits = MSE_CSTR_BYTES("key 2");
    assert_null(mse_collateral_crl(set, &other, 150));
    lists[2]->authenticated = false;
    assert_null(mse_collateral_crl(set, &issuers[1]->cert, 150));
    mse_collateral_free(set);
}

static void certificates_are_found_one_after_another(void **state)
{
    struct mse_collateral *set = new_set();
    struct mse_item *items[5];

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        items[i] = put(set, MSE_ITEM_CERT, false, 0, 1);
        items[i]->role = i == 2 ? MSE_ROLE_ASVK : MSE_ROLE_ASK;
    }
    items[3]->authenticated = false;
    assert_ptr_equal(mse_collateral_cert(set, MSE_ROLE_ASK, NULL), items[0]);
    assert_ptr_equal(mse_collateral_cert(set, MSE_ROLE_ASK, items[0]), items[1]);
    assert_ptr_equal(mse_collateral_cert(set, MSE_ROLE_ASK, items[1]), items[4]);
    assert_null(mse_collateral_cert(set, MSE_ROLE_ASK, items[4]));
    assert_ptr_equal(mse_collateral_cert(set, MSE_ROLE_ASVK, NULL), items[2]);
    assert_null(mse_collateral_cert(set, MSE_ROLE_VCEK, NULL));
    set->prepared = true;
    assert_ptr_equal(mse_collateral_rejected(set, MSE_ITEM_CERT), items[3]);
    assert_null(mse_collateral_rejected(set, MSE_ITEM_CRL));
    mse_collateral_free(set);
}

/* ---- real collateral ---- */

static void add_file(struct mse_collateral *set, const char *path)
{
    const char *name = strrchr(path, '/') + 1;
    struct mse_error err = { 0 };
    struct mse_bytes bytes;
    uint8_t *data;
    size_t len;
    bool done;

    assert_true(mse_file_read(path, 1U << 24, &data, &len, &err));
    bytes = (struct mse_bytes){ data, len };
    if (strstr(name, "tcb-info-") != NULL)
        done = mse_collateral_add_item(set, MSE_ITEM_TCB_INFO, bytes, name, false, &err);
    else if (strstr(name, "qe-identity-") != NULL)
        done = mse_collateral_add_item(set, MSE_ITEM_QE_IDENTITY, bytes, name, false, &err);
    else if (strstr(name, "crl-") != NULL)
        done = mse_collateral_add_crl(set, bytes, name, &err);
    else
        done = mse_collateral_add_certs(set, bytes, name, &err);
    assert_true(done);
    free(data);
}

static void add_files(struct mse_collateral *set, const char *pattern)
{
    char path[512];
    glob_t found;

    (void)snprintf(path, sizeof(path), "%s/%s", getenv("MSE_CORPUS"), pattern);
    if (glob(path, 0, NULL, &found) != 0)
        fail_msg("nothing matches %s", path);
    for (size_t i = 0; i < found.gl_pathc; i++)
        add_file(set, found.gl_pathv[i]);
    globfree(&found);
}

static void real_collateral_authenticates_and_no_other(void **state)
{
    struct mse_error err = { 0 };
    struct mse_collateral *set;
    struct mse_roots roots;

    (void)state;
    if (getenv("MSE_CORPUS") == NULL)
        skip();
    set = new_set();
    assert_true(mse_roots_vendor(&roots, &err));
    add_files(set, "certs/intel-*.der");
    add_files(set, "certs/amd-*.der");
    add_files(set, "certs/pck-*.der");
    add_files(set, "certs/NEG-pck-*.der");
    add_files(set, "certs/NEG-amd-*.der");
    add_files(set, "collateral/*crl-*.der");
    add_files(set, "collateral/*tcb-info-*.json");
    add_files(set, "collateral/*qe-identity-*.json");
    assert_true(mse_collateral_authenticate(set, &roots, &err));
    for (size_t i = 0; i < set->count; i++) {
        const struct mse_item *item = set->items[i];
        bool genuine = strncmp(item->name, "NEG-", 4) != 0;
        char line[600];

        /* Genuine, but of a version that is no longer served. */
        if (item->why_not.code == MSE_ERR_UNSUPPORTED &&
            strcmp(item->why_not.field, "tcbInfo: version") == 0)
            continue;
        if (item->authenticated != genuine)
            fail_msg("%s: %s", item->name, mse_error_describe(&item->why_not, line, sizeof(line)));
    }
    mse_collateral_free(set);
    mse_roots_cleanup(&roots);
}

/* The names of these files start with the FMSPC that another reader found in them. */
static void real_pck_certificates_are_of_their_platform(void **state)
{
    struct mse_collateral *set;

    (void)state;
    if (getenv("MSE_CORPUS") == NULL)
        skip();
    set = new_set();
    add_files(set, "certs/pck-*.der");
    for (size_t i = 0; i < set->count; i++) {
        struct mse_error err = { 0 };
        struct mse_cert parsed;
        struct mse_pck pck;
        char fmspc[13];

        assert_true(mse_cert_parse(set->items[i]->bytes, &parsed, &err));
        assert_true(mse_pck_parse(&parsed, &pck, &err));
        mse_hex_write(pck.fmspc, 6, fmspc);
        assert_memory_equal(set->items[i]->name + 4, fmspc, 12);
    }
    mse_collateral_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_is_kept_once),
        cmocka_unit_test(a_long_name_is_cut),
        cmocka_unit_test(the_number_of_items_has_a_limit),
        cmocka_unit_test(the_bytes_of_all_items_have_a_limit),
        cmocka_unit_test(certificates_come_as_pem_or_der),
        cmocka_unit_test(what_holds_no_certificates_is_refused),
        cmocka_unit_test(a_crl_comes_as_der_pem_or_hex),
        cmocka_unit_test(what_is_no_crl_is_refused),
        cmocka_unit_test(the_right_platforms_tcb_info_is_found),
        cmocka_unit_test(the_best_tcb_info_is_valid_then_newest),
        cmocka_unit_test(qe_identities_are_found_by_id),
        cmocka_unit_test(a_higher_evaluation_number_is_known_of),
        cmocka_unit_test(crls_are_found_by_name_and_key),
        cmocka_unit_test(certificates_are_found_one_after_another),
        cmocka_unit_test(real_collateral_authenticates_and_no_other),
        cmocka_unit_test(real_pck_certificates_are_of_their_platform),
    };

    return cmocka_run_group_tests(tests, make_items, free_items);
}
