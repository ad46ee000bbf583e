/* SPDX-License-Identifier: Apache-2.0 */
/* Who may sign whom among the certificates of TEE vendors, and whether they did. */
#include "endorsement/chain.h"

/* Common names of subjects as Intel's "PCK Certificate and CRL Profile Specification" and AMD's
 * 57230 (VCEK) have them. */
static const struct known_subject {
    const char *common_name;
    enum mse_cert_role role;
    enum mse_snp_product product;
} known_subjects[] = {
    { "Intel SGX Root CA", MSE_ROLE_INTEL_ROOT, MSE_SNP_UNKNOWN },
    { "Intel SGX PCK Platform CA", MSE_ROLE_PCK_PLATFORM_CA, MSE_SNP_UNKNOWN },
    { "Intel SGX PCK Processor CA", MSE_ROLE_PCK_PROCESSOR_CA, MSE_SNP_UNKNOWN },
    { "Intel SGX TCB Signing", MSE_ROLE_TCB_SIGNING, MSE_SNP_UNKNOWN },
    { "Intel SGX PCK Certificate", MSE_ROLE_PCK_LEAF, MSE_SNP_UNKNOWN },
    { "ARK-Milan", MSE_ROLE_ARK, MSE_SNP_MILAN },
    { "ARK-Genoa", MSE_ROLE_ARK, MSE_SNP_GENOA },
    { "ARK-Turin", MSE_ROLE_ARK, MSE_SNP_TURIN },
    { "SEV-Milan", MSE_ROLE_ASK, MSE_SNP_MILAN },
    { "SEV-Genoa", MSE_ROLE_ASK, MSE_SNP_GENOA },
    { "SEV-Turin", MSE_ROLE_ASK, MSE_SNP_TURIN },
    { "SEV-VLEK-Milan", MSE_ROLE_ASVK, MSE_SNP_MILAN },
    { "SEV-VLEK-Genoa", MSE_ROLE_ASVK, MSE_SNP_GENOA },
    { "SEV-VLEK-Turin", MSE_ROLE_ASVK, MSE_SNP_TURIN },
    { "SEV-VCEK", MSE_ROLE_VCEK, MSE_SNP_UNKNOWN },
    { "SEV-VLEK", MSE_ROLE_VLEK, MSE_SNP_UNKNOWN },
};

struct link_rule {
    enum mse_cert_role role;
    enum mse_cert_role issuer;
    bool is_ca;
    enum mse_key_type key;
    enum mse_signature_type signature;
};

static const struct link_rule link_rules[] = {
    { MSE_ROLE_PCK_PLATFORM_CA, MSE_ROLE_INTEL_ROOT, true, MSE_KEY_P256,
      MSE_SIGNATURE_ECDSA_SHA256 },
    { MSE_ROLE_PCK_PROCESSOR_CA, MSE_ROLE_INTEL_ROOT, true, MSE_KEY_P256,
      MSE_SIGNATURE_ECDSA_SHA256 },
    { MSE_ROLE_TCB_SIGNING, MSE_ROLE_INTEL_ROOT, false, MSE_KEY_P256, MSE_SIGNATURE_ECDSA_SHA256 },
    { MSE_ROLE_PCK_LEAF, MSE_ROLE_PCK_PLATFORM_CA, false, MSE_KEY_P256,
      MSE_SIGNATURE_ECDSA_SHA256 },
    { MSE_ROLE_PCK_LEAF, MSE_ROLE_PCK_PROCESSOR_CA, false, MSE_KEY_P256,
      MSE_SIGNATURE_ECDSA_SHA256 },
    { MSE_ROLE_ASK, MSE_ROLE_ARK, true, MSE_KEY_RSA, MSE_SIGNATURE_RSA_PSS_SHA384 },
    { MSE_ROLE_ASVK, MSE_ROLE_ARK, true, MSE_KEY_RSA, MSE_SIGNATURE_RSA_PSS_SHA384 },
    { MSE_ROLE_VCEK, MSE_ROLE_ASK, false, MSE_KEY_P384, MSE_SIGNATURE_RSA_PSS_SHA384 },
    { MSE_ROLE_VLEK, MSE_ROLE_ASVK, false, MSE_KEY_P384, MSE_SIGNATURE_RSA_PSS_SHA384 },
};

static const char *const role_names[] = {
    [MSE_ROLE_UNKNOWN] = "unknown certificate",
    [MSE_ROLE_INTEL_ROOT] = "Intel SGX root CA",
    [MSE_ROLE_PCK_PLATFORM_CA] = "PCK platform CA",
    [MSE_ROLE_PCK_PROCESSOR_CA] = "PCK processor CA",
    [MSE_ROLE_TCB_SIGNING] = "TCB signing certificate",
    [MSE_ROLE_PCK_LEAF] = "PCK certificate",
    [MSE_ROLE_ARK] = "AMD root key (ARK)",
    [MSE_ROLE_ASK] = "AMD signing key (ASK)",
    [MSE_ROLE_ASVK] = "AMD VLEK signing key (ASVK)",
    [MSE_ROLE_VCEK] = "VCEK certificate",
    [MSE_ROLE_VLEK] = "VLEK certificate",
};

/* 1.2.840.113741.1.13.1 */
static const uint8_t oid_sgx[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01 };
/* 2.5.29.15 and 2.5.29.19 */
static const uint8_t oid_key_usage[] = { 0x55, 0x1d, 0x0f };
static const uint8_t oid_basic_constraints[] = { 0x55, 0x1d, 0x13 };

const char *mse_cert_role_name(enum mse_cert_role role)
{
    if ((size_t)role >= sizeof(role_names) / sizeof(role_names[0]))
        return role_names[MSE_ROLE_UNKNOWN];
    return role_names[role];
}

static const struct known_subject *find_subject(const struct mse_cert *cert)
{
    struct mse_bytes name = mse_cert_common_name(cert->subject);

    for (size_t i = 0; i < sizeof(known_subjects) / sizeof(known_subjects[0]); i++) {
        if (mse_bytes_equal_text(name, known_subjects[i].common_name))
            return &known_subjects[i];
    }
    return NULL;
}

enum mse_cert_role mse_cert_role_guess(const struct mse_cert *cert)
{
    const struct known_subject *known = find_subject(cert);

    if (known == NULL)
        return MSE_ROLE_UNKNOWN;
    /* The platform's description and the PCK role come together or not at all. */
    if ((known->role == MSE_ROLE_PCK_LEAF) !=
        (mse_cert_extension(cert, MSE_BYTES(oid_sgx)) != NULL))
        return MSE_ROLE_UNKNOWN;
    return known->role;
}

enum mse_snp_product mse_cert_product(const struct mse_cert *cert)
{
    const struct known_subject *known = find_subject(cert);

    return known != NULL ? known->product : MSE_SNP_UNKNOWN;
}

bool mse_chain_may_issue(enum mse_cert_role issuer_role, enum mse_cert_role role)
{
    for (size_t i = 0; i < sizeof(link_rules) / sizeof(link_rules[0]); i++) {
        if (link_rules[i].role == role && link_rules[i].issuer == issuer_role)
            return true;
    }
    return false;
}

static bool check_rule(enum mse_cert_role role, enum mse_cert_role issuer_role,
                       const struct link_rule **out, struct mse_error *err)
{
    for (size_t i = 0; i < sizeof(link_rules) / sizeof(link_rules[0]); i++) {
        *out = &link_rules[i];
        if ((*out)->role == role && (*out)->issuer == issuer_role)
            return true;
    }
    return mse_fail_text(err, MSE_ERR_CHAIN, "issuer", "a %s does not sign a %s",
                         mse_cert_role_name(issuer_role), mse_cert_role_name(role));
}

static bool check_critical(const struct mse_cert *cert, struct mse_error *err)
{
    char text[64];

    for (size_t i = 0; i < cert->extension_count; i++) {
        const struct mse_extension *e = &cert->extensions[i];

        /* RFC 5280, 4.2: what is critical and not understood must be refused. */
        if (e->critical && !mse_bytes_equal(e->oid, MSE_BYTES(oid_key_usage)) &&
            !mse_bytes_equal(e->oid, MSE_BYTES(oid_basic_constraints))) {
            return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "extension",
                                 "critical extension %s is not known",
                                 mse_oid_text(e->oid, text, sizeof(text)));
        }
    }
    return true;
}

/* What the certificate itself must look like for its role. */
static bool check_shape(const struct mse_cert *cert, const struct link_rule *rule,
                        struct mse_error *err)
{
    uint32_t usage = rule->is_ca ? MSE_KEY_USAGE_CERT_SIGN : MSE_KEY_USAGE_DIGITAL_SIGNATURE;
    char name[128];

    if (mse_cert_role_guess(cert) != rule->role) {
        return mse_fail_text(err, MSE_ERR_CHAIN, "subject", "%s is not a %s",
                             mse_cert_name_text(cert->subject, name, sizeof(name)),
                             mse_cert_role_name(rule->role));
    }
    if (cert->is_ca != rule->is_ca) {
        return mse_fail_text(err, MSE_ERR_CHAIN, "basicConstraints", "a %s %s",
                             mse_cert_role_name(rule->role),
                             rule->is_ca ? "without the CA flag" : "with the CA flag");
    }
    if (cert->has_key_usage && (cert->key_usage & usage) == 0) {
        return mse_fail_text(err, MSE_ERR_CHAIN, "keyUsage", "a %s without %s",
                             mse_cert_role_name(rule->role),
                             rule->is_ca ? "keyCertSign" : "digitalSignature");
    }
    if (cert->key_type != rule->key) {
        return mse_fail_text(err, MSE_ERR_CHAIN, "subjectPublicKeyInfo",
                             "a %s with another kind of key than the vendor uses",
                             mse_cert_role_name(rule->role));
    }
    if (cert->signature_type != rule->signature) {
        return mse_fail_text(err, MSE_ERR_CHAIN, "signatureAlgorithm",
                             "a %s signed with another algorithm than the vendor uses",
                             mse_cert_role_name(rule->role));
    }
    return check_critical(cert, err);
}

/* RFC 5280, 4.2.1.9: a limit counts the CA certificates below. */
static bool check_path_len(const struct link_rule *rule, const struct mse_cert *issuer,
                           struct mse_error *err)
{
    if (rule->is_ca && issuer->path_len == 0) {
        return mse_fail_text(err, MSE_ERR_CHAIN, "basicConstraints",
                             "the issuer's path length leaves no room for another CA");
    }
    return true;
}

static bool check_product(const struct mse_cert *cert, enum mse_snp_product issuer,
                          struct mse_error *err)
{
    enum mse_snp_product own = mse_cert_product(cert);

    /* Leaves carry their product in an extension: see vek.h. */
    if (own != MSE_SNP_UNKNOWN && own != issuer) {
        return mse_fail_text(err, MSE_ERR_CHAIN, "product", "issuer is for %s, certificate for %s",
                             mse_snp_product_name(issuer), mse_snp_product_name(own));
    }
    return true;
}

bool mse_chain_check_link(const struct mse_cert *cert, enum mse_cert_role role,
                          const struct mse_cert *issuer, enum mse_cert_role issuer_role,
                          const struct mse_key *issuer_key, struct mse_error *err)
{
    const struct link_rule *rule;

    return check_rule(role, issuer_role, &rule, err) && check_shape(cert, rule, err) &&
           check_path_len(rule, issuer, err) &&
           check_product(cert, mse_cert_product(issuer), err) &&
           mse_cert_check_signed_by(cert, issuer, issuer_key, err);
}

enum mse_cert_role mse_root_role(const struct mse_root *root)
{
    switch (root->kind) {
    case MSE_ROOT_INTEL:
        return MSE_ROLE_INTEL_ROOT;
    case MSE_ROOT_AMD:
        return MSE_ROLE_ARK;
    case MSE_ROOT_NONE:
        break;
    }
    return MSE_ROLE_UNKNOWN;
}

const char *mse_root_common_name(const struct mse_root *root)
{
    enum mse_cert_role role = mse_root_role(root);

    for (size_t i = 0; i < sizeof(known_subjects) / sizeof(known_subjects[0]); i++) {
        if (known_subjects[i].role == role && known_subjects[i].product == root->product)
            return known_subjects[i].common_name;
    }
    return "";
}

bool mse_chain_check_root_link(const struct mse_cert *cert, enum mse_cert_role role,
                               const struct mse_root *root, struct mse_error *err)
{
    const char *name = mse_root_common_name(root);
    const struct link_rule *rule;

    if (!check_rule(role, mse_root_role(root), &rule, err) || !check_shape(cert, rule, err))
        return false;
    if (!mse_bytes_equal_text(mse_cert_common_name(cert->issuer), name))
        return mse_fail_text(err, MSE_ERR_CHAIN, "issuer", "issuer is not %s", name);
    if (!check_product(cert, root->product, err))
        return false;
    return mse_key_check(root->key, cert->signature_type, cert->tbs, cert->signature,
                         "certificate signature", err);
}
