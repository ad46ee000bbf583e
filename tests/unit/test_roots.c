/* SPDX-License-Identifier: Apache-2.0 */
/* Pinned roots: the vendors' keys by their known digests, and roots of a simulated TEE. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/encode.h"
#include "endorsement/roots.h"
#include "endorsement/vendor_keys.h"
#include "test_pki.h"

static struct test_blob root_cert(const char *name, EVP_PKEY *key, EVP_PKEY *signer)
{
    bool rsa = EVP_PKEY_get_base_id(signer) == EVP_PKEY_RSA;
    struct test_cert spec = {
        .subject = name,
        .issuer = name,
        .key = key,
        .issuer_key = signer,
        .pss = rsa,
        .digest = rsa ? "SHA384" : "SHA256",
        .ca = true,
        .path_len = TEST_NO_PATH_LEN,
    };

    return test_cert_make(&spec);
}

static void add_pem(struct mse_writer *w, const char *name, EVP_PKEY *key, EVP_PKEY *signer)
{
    struct test_blob der = root_cert(name, key, signer);

    mse_pem_write(w, "CERTIFICATE", test_bytes(&der));
    test_blob_free(&der);
}

/* Digests of the keys as sha256sum has them, over the BIT STRINGs of the published certificates. */
static void the_vendors_roots_are_the_published_ones(void **state)
{
    static const struct {
        enum mse_root_kind kind;
        enum mse_snp_product product;
        const char *digest;
    } want[] = {
        { MSE_ROOT_INTEL, MSE_SNP_UNKNOWN,
          "a512ddae5b8a05fd0738d708f29ddccaca53aad8b3698e77194cb05cc0723e89" },
        { MSE_ROOT_AMD, MSE_SNP_MILAN,
          "20dc23483bddbb9947909070d49dfb5a7ff4ea41481e38cdeb8970d90a26feea" },
        { MSE_ROOT_AMD, MSE_SNP_GENOA,
          "052e0377922344bbddefdd8cec21947094d658436c0defe1355864ca024fcc2b" },
        { MSE_ROOT_AMD, MSE_SNP_TURIN,
          "c4a6c5980e27b97470c948beb8810461150851826891ed5f04b7401edba34c6c" },
    };
    struct mse_error err = { 0 };
    struct mse_roots roots;

    (void)state;
    assert_true(mse_roots_vendor(&roots, &err));
    assert_false(roots.simulated);
    assert_int_equal(roots.count, sizeof(want) / sizeof(want[0]));
    for (size_t i = 0; i < roots.count; i++) {
        char digest[65];

        mse_hex_write(roots.key_digest[i], 32, digest);
        assert_string_equal(digest, want[i].digest);
        assert_int_equal(roots.of[i].kind, want[i].kind);
        assert_int_equal(roots.of[i].product, want[i].product);
        assert_non_null(roots.of[i].key);
    }
    mse_roots_cleanup(&roots);
    assert_int_equal(roots.count, 0);
}

static void any_certificate_with_a_pinned_key_is_that_root(void **state)
{
    EVP_PKEY *own = test_key_p256();
    EVP_PKEY *intel = test_key_public(mse_vendor_intel_root, sizeof(mse_vendor_intel_root), false);
    EVP_PKEY *genoa = test_key_public(mse_vendor_ark_genoa, sizeof(mse_vendor_ark_genoa), true);
    struct {
        EVP_PKEY *key;
        enum mse_root_kind kind;
        enum mse_snp_product product;
    } cases[] = {
        { intel, MSE_ROOT_INTEL, MSE_SNP_UNKNOWN },
        { genoa, MSE_ROOT_AMD, MSE_SNP_GENOA },
        { own, MSE_ROOT_NONE, MSE_SNP_UNKNOWN },
    };
    struct mse_error err = { 0 };
    struct mse_roots roots;

    (void)state;
    assert_true(mse_roots_vendor(&roots, &err));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_blob der = root_cert("re-issued", cases[i].key, own);
        const struct mse_root *root;
        struct mse_cert cert;

        assert_true(mse_cert_parse(test_bytes(&der), &cert, &err));
        root = mse_roots_find(&roots, &cert);
        assert_int_equal(root != NULL ? root->kind : MSE_ROOT_NONE, cases[i].kind);
        if (root != NULL)
            assert_int_equal(root->product, cases[i].product);
        test_blob_free(&der);
        EVP_PKEY_free(cases[i].key);
    }
    mse_roots_cleanup(&roots);
}

static void simulated_roots_play_the_vendors_parts(void **state)
{
    EVP_PKEY *ec = test_key_p256(), *milan = test_key_rsa(), *turin = test_key_rsa();
    struct mse_writer w = { 0 };
    struct mse_error err = { 0 };
    struct mse_roots roots;

    (void)state;
    add_pem(&w, "some root", ec, ec);
    add_pem(&w, "ARK-Milan", milan, milan);
    add_pem(&w, "the same root, re-issued", ec, ec);
    mse_write_text(&w, "a remark between certificates\n");
    add_pem(&w, "ARK-Turin", turin, turin);
    assert_true(mse_roots_simulated(mse_writer_bytes(&w), &roots, &err));
    assert_true(roots.simulated);
    assert_int_equal(roots.count, 3);
    assert_int_equal(roots.of[0].kind, MSE_ROOT_INTEL);
    assert_int_equal(roots.of[1].kind, MSE_ROOT_AMD);
    assert_int_equal(roots.of[1].product, MSE_SNP_MILAN);
    assert_int_equal(roots.of[2].kind, MSE_ROOT_AMD);
    assert_int_equal(roots.of[2].product, MSE_SNP_TURIN);
    mse_roots_cleanup(&roots);
    mse_writer_cleanup(&w);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(milan);
    EVP_PKEY_free(turin);
}

static void unfit_simulated_roots_are_refused(void **state)
{
    EVP_PKEY *ec = test_key_p256(), *p384 = test_key_p384(), *rsa = test_key_rsa();
    EVP_PKEY *intel = test_key_public(mse_vendor_intel_root, sizeof(mse_vendor_intel_root), false);
    EVP_PKEY *milan = test_key_public(mse_vendor_ark_milan, sizeof(mse_vendor_ark_milan), true);
    struct {
        const char *name;
        EVP_PKEY *key, *signer;
        enum mse_err_code want;
    } cases[] = {
        { "Intel SGX Root CA", intel, ec, MSE_ERR_SIMULATED },
        { "ARK-Milan", milan, ec, MSE_ERR_SIMULATED },
        { "Intel SGX Root CA", p384, p384, MSE_ERR_UNSUPPORTED },
        { "SEV-Milan", rsa, rsa, MSE_ERR_VALUE },
        { "ARK-Venice", rsa, rsa, MSE_ERR_VALUE },
        { "Intel SGX Root CA", rsa, rsa, MSE_ERR_VALUE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_writer w = { 0 };
        struct mse_error err = { 0 };
        struct mse_roots roots;

        add_pem(&w, "Intel SGX Root CA", ec, ec); /* a good one does not save a bad one */
        add_pem(&w, cases[i].name, cases[i].key, cases[i].signer);
        assert_false(mse_roots_simulated(mse_writer_bytes(&w), &roots, &err));
        assert_int_equal(err.code, cases[i].want);
        assert_int_equal(roots.count, 0);
        mse_writer_cleanup(&w);
    }
    EVP_PKEY_free(ec);
    EVP_PKEY_free(p384);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(intel);
    EVP_PKEY_free(milan);
}

static void there_is_room_for_sixteen_roots(void **state)
{
    struct mse_writer w = { 0 };

    (void)state;
    for (size_t i = 1; i <= MSE_ROOTS_MAX + 1; i++) {
        EVP_PKEY *key = test_key_p256();
        struct mse_error err = { 0 };
        struct mse_roots roots;

        add_pem(&w, "root", key, key);
        EVP_PKEY_free(key);
        assert_int_equal(mse_roots_simulated(mse_writer_bytes(&w), &roots, &err),
                         i <= MSE_ROOTS_MAX);
        assert_int_equal(err.code, i <= MSE_ROOTS_MAX ? MSE_ERR_NONE : MSE_ERR_LIMIT);
        mse_roots_cleanup(&roots);
    }
    mse_writer_cleanup(&w);
}

static void every_prefix_of_a_simulated_root_is_refused(void **state)
{
    EVP_PKEY *key = test_key_p256();
    struct mse_writer w = { 0 };
    struct mse_bytes pem;

    (void)state;
    add_pem(&w, "root", key, key);
    EVP_PKEY_free(key);
    pem = mse_writer_bytes(&w);
    for (size_t n = 0; n < pem.len - 1; n++) { /* the last newline may be missing */
        struct test_blob cut = test_copy((struct mse_bytes){ pem.data, n });
        struct mse_error err = { 0 };
        struct mse_roots roots;

        assert_false(mse_roots_simulated(test_bytes(&cut), &roots, &err));
        assert_int_not_equal(err.code, MSE_ERR_NONE);
        if (n == 0)
            assert_int_equal(err.code, MSE_ERR_MISSING);
        test_blob_free(&cut);
    }
    mse_writer_cleanup(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vendors_roots_are_the_published_ones),
        cmocka_unit_test(any_certificate_with_a_pinned_key_is_that_root),
        cmocka_unit_test(simulated_roots_play_the_vendors_parts),
        cmocka_unit_test(unfit_simulated_roots_are_refused),
        cmocka_unit_test(there_is_room_for_sixteen_roots),
        cmocka_unit_test(every_prefix_of_a_simulated_root_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
