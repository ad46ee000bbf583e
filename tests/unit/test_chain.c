/* SPDX-License-Identifier: Apache-2.0 */
/* Links of vendor chains: the nine that exist, and every way to be none of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "endorsement/chain.h"
#include "test_pki.h"

#define SGX_OID "1.2.840.113741.1.13.1"
#define ROLES 11

static EVP_PKEY *p256[2], *p384, *rsa[2];
static const uint8_t sgx_payload[] = { 0x30, 0x00 };

static int make_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        p256[i] = test_key_p256();
        rsa[i] = test_key_rsa();
    }
    p384 = test_key_p384();
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        EVP_PKEY_free(p256[i]);
        EVP_PKEY_free(rsa[i]);
    }
    EVP_PKEY_free(p384);
    return 0;
}

static const char *const subjects[ROLES] = {
    [MSE_ROLE_UNKNOWN] = "somebody",
    [MSE_ROLE_INTEL_ROOT] = "Intel SGX Root CA",
    [MSE_ROLE_PCK_PLATFORM_CA] = "Intel SGX PCK Platform CA",
    [MSE_ROLE_PCK_PROCESSOR_CA] = "Intel SGX PCK Processor CA",
    [MSE_ROLE_TCB_SIGNING] = "Intel SGX TCB Signing",
    [MSE_ROLE_PCK_LEAF] = "Intel SGX PCK Certificate",
    [MSE_ROLE_ARK] = "ARK-Milan",
    [MSE_ROLE_ASK] = "SEV-Milan",
    [MSE_ROLE_ASVK] = "SEV-VLEK-Milan",
    [MSE_ROLE_VCEK] = "SEV-VCEK",
    [MSE_ROLE_VLEK] = "SEV-VLEK",
};

/* Who signs whom, as the vendors' specifications say; independent of the code's own table. */
static bool may_issue(enum mse_cert_role issuer, enum mse_cert_role role)
{
    return (issuer == MSE_ROLE_INTEL_ROOT &&
            (role == MSE_ROLE_PCK_PLATFORM_CA || role == MSE_ROLE_PCK_PROCESSOR_CA ||
             role == MSE_ROLE_TCB_SIGNING)) ||
           ((issuer == MSE_ROLE_PCK_PLATFORM_CA || issuer == MSE_ROLE_PCK_PROCESSOR_CA) &&
            role == MSE_ROLE_PCK_LEAF) ||
           (issuer == MSE_ROLE_ARK && (role == MSE_ROLE_ASK || role == MSE_ROLE_ASVK)) ||
           (issuer == MSE_ROLE_ASK && role == MSE_ROLE_VCEK) ||
           (issuer == MSE_ROLE_ASVK && role == MSE_ROLE_VLEK);
}

static bool is_amd(enum mse_cert_role role)
{
    return role >= MSE_ROLE_ARK;
}

/* A certificate as the vendor would make it for this role. */
static struct test_cert spec(enum mse_cert_role role, enum mse_cert_role issuer)
{
    struct test_cert c = { .subject = subjects[role], .issuer = subjects[issuer] };
    bool ca = role == MSE_ROLE_INTEL_ROOT || role == MSE_ROLE_PCK_PLATFORM_CA ||
              role == MSE_ROLE_PCK_PROCESSOR_CA || role == MSE_ROLE_ARK || role == MSE_ROLE_ASK ||
              role == MSE_ROLE_ASVK;

    c.ca = ca;
    c.path_len = role == MSE_ROLE_INTEL_ROOT ? 1 : role == MSE_ROLE_ARK ? TEST_NO_PATH_LEN : 0;
    c.key = role == MSE_ROLE_VCEK || role == MSE_ROLE_VLEK ? p384 : is_amd(role) ? rsa[0] : p256[0];
    c.issuer_key = is_amd(issuer) ? rsa[0] : p256[0];
    c.pss = is_amd(issuer);
    c.digest = is_amd(issuer) ? "SHA384" : "SHA256";
    if (ca)
        c.key_usage = "critical,keyCertSign,cRLSign";
    else if (!is_amd(role))
        c.key_usage = "critical,digitalSignature";
    if (role == MSE_ROLE_PCK_LEAF)
        c.extensions[0] = (struct test_extension){ SGX_OID, sgx_payload, sizeof(sgx_payload),
                                                   false };
    return c;
}

/* Certificate and issuer with their keys: the two arguments of a check. */
struct link {
    struct test_blob der, issuer_der;
    struct mse_cert cert, issuer;
    struct mse_key *key;
};

static struct link make_link(const struct test_cert *cert, const struct test_cert *issuer)
{
    struct link l = { .der = test_cert_make(cert), .issuer_der = test_cert_make(issuer) };
    struct mse_error err = { 0 };

    assert_true(mse_cert_parse(test_bytes(&l.der), &l.cert, &err));
    assert_true(mse_cert_parse(test_bytes(&l.issuer_der), &l.issuer, &err));
    assert_true(mse_key_new(l.issuer.key_type, l.issuer.key_bits, &l.key, &err));
    return l;
}

static void free_link(struct link *l)
{
    test_blob_free(&l->der);
    test_blob_free(&l->issuer_der);
    mse_key_free(l->key);
}

static enum mse_err_code check(const struct link *l, enum mse_cert_role role,
                               enum mse_cert_role issuer)
{
    struct mse_error err = { 0 };
    bool done = mse_chain_check_link(&l->cert, role, &l->issuer, issuer, l->key, &err);

    assert_int_equal(done, err.code == MSE_ERR_NONE);
    return err.code;
}

static struct test_cert root_spec(enum mse_cert_role role)
{
    return spec(role, role);
}

static void roles_are_read_from_subjects(void **state)
{
    (void)state;
    for (enum mse_cert_role role = MSE_ROLE_UNKNOWN; role < ROLES; role++) {
        struct test_cert c = spec(role, MSE_ROLE_INTEL_ROOT);
        struct test_cert issuer = root_spec(MSE_ROLE_INTEL_ROOT);
        struct link l = make_link(&c, &issuer);

        assert_int_equal(mse_cert_role_guess(&l.cert), role);
        free_link(&l);
    }
}

static void the_sgx_extension_and_the_pck_role_come_together(void **state)
{
    struct test_cert issuer = root_spec(MSE_ROLE_INTEL_ROOT);
    struct test_cert bare = spec(MSE_ROLE_PCK_LEAF, MSE_ROLE_INTEL_ROOT);
    struct test_cert other = spec(MSE_ROLE_TCB_SIGNING, MSE_ROLE_INTEL_ROOT);
    struct link l;

    (void)state;
    other.extensions[0] = bare.extensions[0];
    bare.extensions[0].oid = NULL;
    l = make_link(&bare, &issuer);
    assert_int_equal(mse_cert_role_guess(&l.cert), MSE_ROLE_UNKNOWN);
    free_link(&l);
    l = make_link(&other, &issuer);
    assert_int_equal(mse_cert_role_guess(&l.cert), MSE_ROLE_UNKNOWN);
    free_link(&l);
}

static void products_are_read_from_subjects(void **state)
{
    static const struct {
        const char *subject;
        enum mse_snp_product want;
    } cases[] = {
        { "ARK-Milan", MSE_SNP_MILAN },      { "ARK-Genoa", MSE_SNP_GENOA },
        { "ARK-Turin", MSE_SNP_TURIN },      { "SEV-Milan", MSE_SNP_MILAN },
        { "SEV-Genoa", MSE_SNP_GENOA },      { "SEV-Turin", MSE_SNP_TURIN },
        { "SEV-VLEK-Milan", MSE_SNP_MILAN }, { "SEV-VLEK-Genoa", MSE_SNP_GENOA },
        { "SEV-VLEK-Turin", MSE_SNP_TURIN }, { "SEV-VCEK", MSE_SNP_UNKNOWN },
        { "ARK-Venice", MSE_SNP_UNKNOWN },   { "ARK-milan", MSE_SNP_UNKNOWN },
        { "ARK-Milan ", MSE_SNP_UNKNOWN },   { "Intel SGX Root CA", MSE_SNP_UNKNOWN },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_cert c = root_spec(MSE_ROLE_ARK);
        struct test_cert issuer = c;
        struct link l;

        c.subject = cases[i].subject;
        l = make_link(&c, &issuer);
        assert_int_equal(mse_cert_product(&l.cert), cases[i].want);
        free_link(&l);
    }
}

/* Every pair of roles, so that no two can be swapped. */
static void exactly_the_links_of_the_vendors_are_accepted(void **state)
{
    (void)state;
    for (enum mse_cert_role issuer = MSE_ROLE_UNKNOWN; issuer < ROLES; issuer++) {
        for (enum mse_cert_role role = MSE_ROLE_UNKNOWN; role < ROLES; role++) {
            struct test_cert c = spec(role, issuer);
            struct test_cert i = root_spec(issuer);
            struct link l = make_link(&c, &i);
            bool want = may_issue(issuer, role);

            assert_int_equal(mse_chain_may_issue(issuer, role), want);
            assert_int_equal(check(&l, role, issuer), want ? MSE_ERR_NONE : MSE_ERR_CHAIN);
            free_link(&l);
        }
    }
}

static void a_role_that_the_certificate_does_not_have_is_refused(void **state)
{
    struct test_cert c = spec(MSE_ROLE_PCK_PLATFORM_CA, MSE_ROLE_INTEL_ROOT);
    struct test_cert i = root_spec(MSE_ROLE_INTEL_ROOT);
    struct link l = make_link(&c, &i);

    (void)state;
    assert_int_equal(check(&l, MSE_ROLE_PCK_PROCESSOR_CA, MSE_ROLE_INTEL_ROOT), MSE_ERR_CHAIN);
    assert_int_equal(check(&l, MSE_ROLE_TCB_SIGNING, MSE_ROLE_INTEL_ROOT), MSE_ERR_CHAIN);
    free_link(&l);
}

static const uint8_t der_null[] = { 0x05, 0x00 };

static void change_nothing(struct test_cert *c, struct test_cert *i)
{
    (void)c;
    (void)i;
}
static void change_issuer_name(struct test_cert *c, struct test_cert *i)
{
    (void)i;
    c->issuer = "Intel SGX Root CB";
}
static void change_ca_flag(struct test_cert *c, struct test_cert *i)
{
    (void)i;
    c->ca = !c->ca;
}
static void change_ca_usage(struct test_cert *c, struct test_cert *i)
{
    (void)i;
    c->key_usage = c->ca ? "critical,digitalSignature,cRLSign" : "critical,keyAgreement";
}
static void change_issuer_flag(struct test_cert *c, struct test_cert *i)
{
    (void)c;
    i->ca = false;
    i->has_basic_constraints = true;
}
static void change_issuer_usage(struct test_cert *c, struct test_cert *i)
{
    (void)c;
    i->key_usage = "critical,cRLSign";
}
static void change_path_len(struct test_cert *c, struct test_cert *i)
{
    (void)c;
    i->path_len = 0;
}
static void change_signer(struct test_cert *c, struct test_cert *i)
{
    (void)i;
    c->issuer_key = c->issuer_key == p256[0] ? p256[1] : rsa[1];
}
static void change_digest(struct test_cert *c, struct test_cert *i)
{
    (void)i;
    c->digest = c->pss ? "SHA256" : "SHA384";
}
static void change_padding(struct test_cert *c, struct test_cert *i)
{
    (void)i;
    c->pss = false;
}
static void change_key(struct test_cert *c, struct test_cert *i)
{
    (void)i;
    c->key = c->key == p384 ? p256[0] : p384;
}
static void add_critical(struct test_cert *c, struct test_cert *i)
{
    (void)i;
    c->extensions[1] = (struct test_extension){ "1.2.3.4", der_null, 2, true };
}
static void add_harmless(struct test_cert *c, struct test_cert *i)
{
    (void)i;
    c->extensions[1] = (struct test_extension){ "1.2.3.4", der_null, 2, false };
}
static void change_product(struct test_cert *c, struct test_cert *i)
{
    (void)i;
    c->subject = "SEV-Genoa";
}
static void change_product_of_issuer(struct test_cert *c, struct test_cert *i)
{
    c->issuer = "ARK-Turin";
    i->subject = "ARK-Turin";
}

static void each_flaw_is_refused(void **state)
{
    static const struct {
        enum mse_cert_role role, issuer;
        void (*change)(struct test_cert *c, struct test_cert *i);
        enum mse_err_code want;
        const char *field;
    } cases[] = {
        { MSE_ROLE_PCK_PLATFORM_CA, MSE_ROLE_INTEL_ROOT, change_nothing, MSE_ERR_NONE, "" },
        { MSE_ROLE_PCK_PLATFORM_CA, MSE_ROLE_INTEL_ROOT, add_harmless, MSE_ERR_NONE, "" },
        { MSE_ROLE_PCK_PLATFORM_CA, MSE_ROLE_INTEL_ROOT, change_issuer_name, MSE_ERR_CHAIN,
          "issuer" },
        { MSE_ROLE_PCK_PLATFORM_CA, MSE_ROLE_INTEL_ROOT, change_ca_flag, MSE_ERR_CHAIN,
          "basicConstraints" },
        { MSE_ROLE_TCB_SIGNING, MSE_ROLE_INTEL_ROOT, change_ca_flag, MSE_ERR_CHAIN,
          "basicConstraints" },
        { MSE_ROLE_PCK_LEAF, MSE_ROLE_PCK_PLATFORM_CA, change_ca_flag, MSE_ERR_CHAIN,
          "basicConstraints" },
        { MSE_ROLE_PCK_PROCESSOR_CA, MSE_ROLE_INTEL_ROOT, change_ca_usage, MSE_ERR_CHAIN,
          "keyUsage" },
        { MSE_ROLE_TCB_SIGNING, MSE_ROLE_INTEL_ROOT, change_ca_usage, MSE_ERR_CHAIN, "keyUsage" },
        { MSE_ROLE_PCK_LEAF, MSE_ROLE_PCK_PROCESSOR_CA, change_issuer_flag, MSE_ERR_CHAIN,
          "basicConstraints" },
        { MSE_ROLE_PCK_LEAF, MSE_ROLE_PCK_PROCESSOR_CA, change_issuer_usage, MSE_ERR_CHAIN,
          "keyUsage" },
        { MSE_ROLE_PCK_PLATFORM_CA, MSE_ROLE_INTEL_ROOT, change_path_len, MSE_ERR_CHAIN,
          "basicConstraints" },
        { MSE_ROLE_TCB_SIGNING, MSE_ROLE_INTEL_ROOT, change_path_len, MSE_ERR_NONE, "" },
        { MSE_ROLE_PCK_PLATFORM_CA, MSE_ROLE_INTEL_ROOT, change_signer, MSE_ERR_SIGNATURE,
          "certificate signature" },
        { MSE_ROLE_PCK_PLATFORM_CA, MSE_ROLE_INTEL_ROOT, change_digest, MSE_ERR_CHAIN,
          "signatureAlgorithm" },
        { MSE_ROLE_TCB_SIGNING, MSE_ROLE_INTEL_ROOT, change_key, MSE_ERR_CHAIN,
          "subjectPublicKeyInfo" },
        { MSE_ROLE_PCK_LEAF, MSE_ROLE_PCK_PLATFORM_CA, add_critical, MSE_ERR_UNSUPPORTED,
          "extension" },
        { MSE_ROLE_ASK, MSE_ROLE_ARK, change_nothing, MSE_ERR_NONE, "" },
        { MSE_ROLE_ASK, MSE_ROLE_ARK, change_path_len, MSE_ERR_CHAIN, "basicConstraints" },
        { MSE_ROLE_ASK, MSE_ROLE_ARK, change_product, MSE_ERR_CHAIN, "product" },
        { MSE_ROLE_ASVK, MSE_ROLE_ARK, change_product_of_issuer, MSE_ERR_CHAIN, "product" },
        { MSE_ROLE_ASK, MSE_ROLE_ARK, change_padding, MSE_ERR_CHAIN, "signatureAlgorithm" },
        { MSE_ROLE_VCEK, MSE_ROLE_ASK, change_digest, MSE_ERR_CHAIN, "signatureAlgorithm" },
        { MSE_ROLE_VCEK, MSE_ROLE_ASK, change_key, MSE_ERR_CHAIN, "subjectPublicKeyInfo" },
        { MSE_ROLE_VLEK, MSE_ROLE_ASVK, change_signer, MSE_ERR_SIGNATURE, "certificate signature" },
        { MSE_ROLE_VLEK, MSE_ROLE_ASVK, add_critical, MSE_ERR_UNSUPPORTED, "extension" },
    };

    (void)state;
    for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        struct test_cert c = spec(cases[n].role, cases[n].issuer);
        struct test_cert i = root_spec(cases[n].issuer);
        struct mse_error err = { 0 };
        struct link l;

        cases[n].change(&c, &i);
        l = make_link(&c, &i);
        (void)!mse_chain_check_link(&l.cert, cases[n].role, &l.issuer, cases[n].issuer, l.key,
                                    &err);
        if (err.code != cases[n].want || strcmp(err.field, cases[n].field) != 0)
            fail_msg("case %zu: %s in %s", n, mse_err_name(err.code), err.field);
        free_link(&l);
    }
}

static struct mse_root pinned(struct link *l, enum mse_root_kind kind, enum mse_snp_product product)
{
    return (struct mse_root){ .kind = kind, .product = product, .key = l->key };
}

static void a_pinned_root_needs_no_certificate(void **state)
{
    struct test_cert c = spec(MSE_ROLE_TCB_SIGNING, MSE_ROLE_INTEL_ROOT);
    struct test_cert a = spec(MSE_ROLE_ASK, MSE_ROLE_ARK);
    struct test_cert ci = root_spec(MSE_ROLE_INTEL_ROOT), ai = root_spec(MSE_ROLE_ARK);
    struct link intel = make_link(&c, &ci), amd = make_link(&a, &ai);
    struct mse_root root = pinned(&intel, MSE_ROOT_INTEL, MSE_SNP_UNKNOWN);
    struct mse_error err = { 0 };

    (void)state;
    assert_int_equal(mse_root_role(&root), MSE_ROLE_INTEL_ROOT);
    assert_string_equal(mse_root_common_name(&root), "Intel SGX Root CA");
    assert_true(mse_chain_check_root_link(&intel.cert, MSE_ROLE_TCB_SIGNING, &root, &err));
    assert_false(mse_chain_check_root_link(&amd.cert, MSE_ROLE_ASK, &root, &err));
    assert_int_equal(err.code, MSE_ERR_CHAIN);

    root = pinned(&amd, MSE_ROOT_AMD, MSE_SNP_MILAN);
    err = (struct mse_error){ 0 };
    assert_string_equal(mse_root_common_name(&root), "ARK-Milan");
    assert_true(mse_chain_check_root_link(&amd.cert, MSE_ROLE_ASK, &root, &err));
    root.product = MSE_SNP_GENOA; /* whose name is another */
    assert_false(mse_chain_check_root_link(&amd.cert, MSE_ROLE_ASK, &root, &err));
    assert_int_equal(err.code, MSE_ERR_CHAIN);
    assert_string_equal(err.field, "issuer");
    free_link(&intel);
    free_link(&amd);
}

static void a_pinned_root_vouches_only_for_what_its_key_signed(void **state)
{
    struct test_cert c = spec(MSE_ROLE_TCB_SIGNING, MSE_ROLE_INTEL_ROOT);
    struct test_cert i = root_spec(MSE_ROLE_INTEL_ROOT);
    struct mse_error err = { 0 };
    struct mse_root root;
    struct link l;

    (void)state;
    c.issuer_key = p256[1];
    l = make_link(&c, &i);
    root = pinned(&l, MSE_ROOT_INTEL, MSE_SNP_UNKNOWN);
    assert_false(mse_chain_check_root_link(&l.cert, MSE_ROLE_TCB_SIGNING, &root, &err));
    assert_int_equal(err.code, MSE_ERR_SIGNATURE);
    free_link(&l);

    root = (struct mse_root){ 0 };
    assert_int_equal(mse_root_role(&root), MSE_ROLE_UNKNOWN);
    assert_string_equal(mse_root_common_name(&root), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles_are_read_from_subjects),
        cmocka_unit_test(the_sgx_extension_and_the_pck_role_come_together),
        cmocka_unit_test(products_are_read_from_subjects),
        cmocka_unit_test(exactly_the_links_of_the_vendors_are_accepted),
        cmocka_unit_test(a_role_that_the_certificate_does_not_have_is_refused),
        cmocka_unit_test(each_flaw_is_refused),
        cmocka_unit_test(a_pinned_root_needs_no_certificate),
        cmocka_unit_test(a_pinned_root_vouches_only_for_what_its_key_signed),
    };

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
