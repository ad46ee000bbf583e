/* SPDX-License-Identifier: Apache-2.0 */
/* The provisioning tree of the simulated platform. */
#include "simtee/pki.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/encode.h"
#include "issue/der_write.h"
#include "issue/x509_build.h"

#define YEAR (INT64_C(365) * 86400)
#define ROOT_CRL_URL "URI:https://certificates.simtee.invalid/IntelSGXRootCA.der"
#define PCK_CRL_URL "URI:https://api.simtee.invalid/sgx/certification/v4/pckcrl?ca="

/* 1.2.840.113741.1.13.1: the SGX extension. The arcs below it name its members. */
static const uint8_t sgx_arc[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01 };
enum { PPID = 1, TCB, PCE_ID, FMSPC, SGX_TYPE, PLATFORM_INSTANCE, CONFIGURATION };
enum { PCE_SVN = 17, CPU_SVN };
#define SGX_TYPE_SCALABLE 1

static const uint8_t pce_id[2]; /* 0000, as on every machine so far */

/* One member is SEQUENCE { OID, value }: the value is written between these two. */
static size_t open_member(struct mse_writer *w, unsigned arc, unsigned arc_below)
{
    size_t mark = mse_issue_der_mark(w);
    uint8_t oid[sizeof(sgx_arc) + 2];
    size_t len = sizeof(sgx_arc);

    memcpy(oid, sgx_arc, sizeof(sgx_arc));
    oid[len++] = (uint8_t)arc;
    if (arc_below != 0)
        oid[len++] = (uint8_t)arc_below;
    mse_issue_der_put(w, MSE_ISSUE_DER_OID, (struct mse_bytes){ oid, len });
    return mark;
}

static void close_member(struct mse_writer *w, size_t mark)
{
    mse_issue_der_close(w, MSE_ISSUE_DER_SEQUENCE, mark);
}

static void put_octets(struct mse_writer *w, unsigned arc, struct mse_bytes value)
{
    size_t member = open_member(w, arc, 0);

    mse_issue_der_put(w, MSE_ISSUE_DER_OCTET_STRING, value);
    close_member(w, member);
}

static void put_tcb(struct mse_writer *w, const struct mse_sim_machine *machine)
{
    size_t tcb = open_member(w, TCB, 0);
    size_t list = mse_issue_der_mark(w);
    size_t member;

    for (unsigned i = 0; i < sizeof(machine->svn); i++) {
        member = open_member(w, TCB, i + 1);
        mse_issue_der_put_unsigned(w, MSE_ISSUE_DER_INTEGER, machine->svn[i]);
        close_member(w, member);
    }
    member = open_member(w, TCB, PCE_SVN);
    mse_issue_der_put_unsigned(w, MSE_ISSUE_DER_INTEGER, machine->pce_svn);
    close_member(w, member);
    member = open_member(w, TCB, CPU_SVN);
    mse_issue_der_put(w, MSE_ISSUE_DER_OCTET_STRING, MSE_BYTES(machine->svn));
    close_member(w, member);
    mse_issue_der_close(w, MSE_ISSUE_DER_SEQUENCE, list);
    close_member(w, tcb);
}

/* dynamicPlatform, cachedKeys, SMTEnabled. */
static void put_configuration(struct mse_writer *w)
{
    static const bool flags[] = { true, false, true };
    size_t configuration = open_member(w, CONFIGURATION, 0);
    size_t list = mse_issue_der_mark(w);

    for (unsigned i = 0; i < sizeof(flags); i++) {
        size_t member = open_member(w, CONFIGURATION, i + 1);

        mse_issue_der_put_boolean(w, flags[i]);
        close_member(w, member);
    }
    mse_issue_der_close(w, MSE_ISSUE_DER_SEQUENCE, list);
    close_member(w, configuration);
}

/* Profile specification, 1.3.5 and 1.3.6: the last two members are the platform CA's only. */
static void put_sgx_extension(struct mse_writer *w, const struct mse_sim_machine *machine)
{
    size_t list = mse_issue_der_mark(w);
    size_t member;

    put_octets(w, PPID, MSE_BYTES(machine->ppid));
    put_tcb(w, machine);
    put_octets(w, PCE_ID, MSE_BYTES(pce_id));
    put_octets(w, FMSPC, MSE_BYTES(machine->fmspc));
    member = open_member(w, SGX_TYPE, 0);
    mse_issue_der_put_unsigned(w, MSE_ISSUE_DER_ENUMERATED, SGX_TYPE_SCALABLE);
    close_member(w, member);
    if (!machine->processor) {
        put_octets(w, PLATFORM_INSTANCE, MSE_BYTES(machine->instance));
        put_configuration(w);
    }
    mse_issue_der_close(w, MSE_ISSUE_DER_SEQUENCE, list);
}

struct role {
    const char *common_name;
    const char *key_usage;
    const char *basic_constraints;
    int years_before, years_after;
};

/* Names and constraints are Intel's: a verifier tells the roles by them. The rest of the subject
 * says what this is. */
static const struct role role_root = { "Intel SGX Root CA", "critical,keyCertSign,cRLSign",
                                       "critical,CA:TRUE,pathlen:1", 8, 23 };
static const struct role role_platform_ca = { "Intel SGX PCK Platform CA",
                                              "critical,keyCertSign,cRLSign",
                                              "critical,CA:TRUE,pathlen:0", 7, 8 };
static const struct role role_processor_ca = { "Intel SGX PCK Processor CA",
                                               "critical,keyCertSign,cRLSign",
                                               "critical,CA:TRUE,pathlen:0", 7, 8 };
static const struct role role_tcb_signing = { "Intel SGX TCB Signing",
                                              "critical,digitalSignature,nonRepudiation",
                                              "critical,CA:FALSE", 1, 6 };
static const struct role role_pck = { "Intel SGX PCK Certificate",
                                      "critical,digitalSignature,nonRepudiation",
                                      "critical,CA:FALSE", 1, 6 };

static bool add_subject(X509 *cert, const char *common_name, struct mse_error *err)
{
    X509_NAME *name = X509_get_subject_name(cert);

    return mse_issue_rdn_add(name, "CN", common_name, err) &&
           mse_issue_rdn_add(name, "O", "mse-simtee (simulated)", err);
}

/* The subject key id comes first: a root's authority key id is copied from it. */
static bool add_extensions(X509 *cert, X509 *issuer, const struct role *role, const char *crl_url,
                           const struct mse_sim_machine *machine, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer sgx = { 0 };

    if (!mse_issue_x509_standard(cert, issuer, NID_subject_key_identifier, "hash", err) ||
        !mse_issue_x509_standard(cert, issuer, NID_authority_key_identifier, "keyid:always", err) ||
        !mse_issue_x509_standard(cert, issuer, NID_crl_distribution_points, crl_url, err) ||
        !mse_issue_x509_standard(cert, issuer, NID_key_usage, role->key_usage, err) ||
        !mse_issue_x509_standard(cert, issuer, NID_basic_constraints, role->basic_constraints, err))
        return false;
    if (machine == NULL)
        return true;
    put_sgx_extension(&sgx, machine);
    return mse_issue_x509_extension(cert, MSE_BYTES(sgx_arc), false, &sgx, err);
}

/* issuer NULL: self-signed. machine: of a PCK certificate only. */
static bool issue(const struct role *role, const struct mse_sim_cert *issuer, const char *crl_url,
                  const struct mse_sim_machine *machine, int64_t at, struct mse_sim_cert *out,
                  struct mse_error *err)
{
    X509 *issuer_cert;

    if (!mse_issue_key_make(MSE_ISSUE_KEY_P256, &out->key, err) ||
        !mse_issue_x509_begin(out->key, at - role->years_before * YEAR,
                              at + role->years_after * YEAR, &out->cert, err) ||
        !add_subject(out->cert, role->common_name, err))
        return false;
    issuer_cert = issuer != NULL ? issuer->cert : out->cert;
    if (X509_set_issuer_name(out->cert, X509_get_subject_name(issuer_cert)) != 1)
        return mse_issue_fail_openssl(err, "issuer");
    if (!add_extensions(out->cert, issuer_cert, role, crl_url, machine, err))
        return false;
    if (X509_sign(out->cert, issuer != NULL ? issuer->key : out->key, EVP_sha256()) <= 0)
        return mse_issue_fail_openssl(err, role->common_name);
    return true;
}

static bool make_all(const struct mse_sim_machine *machine, int64_t at, struct mse_sim_pki *out,
                     struct mse_error *err)
{
    return issue(&role_root, NULL, ROOT_CRL_URL, NULL, at, &out->root, err) &&
           issue(&role_platform_ca, &out->root, ROOT_CRL_URL, NULL, at, &out->platform_ca, err) &&
           issue(&role_processor_ca, &out->root, ROOT_CRL_URL, NULL, at, &out->processor_ca, err) &&
           issue(&role_tcb_signing, &out->root, ROOT_CRL_URL, NULL, at, &out->tcb_signing, err) &&
           issue(&role_pck, mse_sim_pck_ca(out, machine),
                 machine->processor ? PCK_CRL_URL "processor" : PCK_CRL_URL "platform", machine, at,
                 &out->pck, err);
}

bool mse_sim_pki_make(const struct mse_sim_machine *machine, int64_t at, struct mse_sim_pki *out,
                      struct mse_error *err)
{
    memset(out, 0, sizeof(*out));
    if (make_all(machine, at, out, err))
        return true;
    mse_sim_pki_cleanup(out);
    return false;
}

void mse_sim_pki_cleanup(struct mse_sim_pki *pki)
{
    struct mse_sim_cert *all[] = { &pki->root, &pki->platform_ca, &pki->processor_ca,
                                   &pki->tcb_signing, &pki->pck };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        mse_issue_x509_cleanup(&all[i]->cert);
        mse_issue_key_cleanup(&all[i]->key);
    }
}

bool mse_sim_cert_write(X509 *cert, struct mse_writer *pem, struct mse_error *err)
{
    uint8_t *der = NULL;
    int len = i2d_X509(cert, &der);

    if (len <= 0)
        return mse_issue_fail_openssl(err, "certificate");
    mse_pem_write(pem, "CERTIFICATE", (struct mse_bytes){ der, (size_t)len });
    OPENSSL_free(der);
    return mse_writer_ok(pem) || mse_fail_memory(err);
}

bool mse_sim_cert_read(struct mse_bytes pem, X509 **out, struct mse_error *err)
{
    BIO *bio = pem.len <= INT32_MAX ? BIO_new_mem_buf(pem.data, (int)pem.len) : NULL;

    *out = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return *out != NULL || mse_issue_fail_openssl(err, "certificate");
}
