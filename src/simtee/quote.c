/* SPDX-License-Identifier: Apache-2.0 */
/* SGX quotes, version 3, with the PCK chain inside. */
#include "simtee/quote.h"

#define QUOTE_VERSION 3
#define ATTESTATION_KEY_ECDSA_P256 2
#define CERT_DATA_PCK_CHAIN 5
#define AUTH_DATA_SIZE 32
#define BODY_SIZE 384

enum { INIT = 1, DEBUG = 2, MODE64 = 4, PROVISION_KEY = 16 };
/* x87, SSE, AVX, AVX-512: what a server of today grants. */
#define XFRM 0xe7

/* Fields of a report body that are not the same in all of ours. */
struct body {
    const uint8_t *cpu_svn;
    uint64_t flags;
    const uint8_t *mrenclave, *mrsigner;
    uint16_t isv_prod_id, isv_svn;
    const uint8_t *report_data;
};

static void put_zeros(struct mse_writer *w, size_t len)
{
    static const uint8_t zeros[64];

    mse_write_bytes(w, zeros, len);
}

static void put_body(struct mse_writer *w, const struct body *b)
{
    mse_write_bytes(w, b->cpu_svn, 16);
    put_zeros(w, 4 + 12 + 16); /* MISCSELECT, reserved, ISVEXTPRODID */
    mse_write_u64le(w, b->flags);
    mse_write_u64le(w, XFRM);
    mse_write_bytes(w, b->mrenclave, 32);
    put_zeros(w, 32);
    mse_write_bytes(w, b->mrsigner, 32);
    put_zeros(w, 32);
    put_zeros(w, 64); /* CONFIGID */
    mse_write_u16le(w, b->isv_prod_id);
    mse_write_u16le(w, b->isv_svn);
    put_zeros(w, 2 + 42 + 16); /* CONFIGSVN, reserved, ISVFAMILYID */
    mse_write_bytes(w, b->report_data, 64);
}

/* The user data holds an id of the quoting enclave on this machine: here from the PPID. */
static bool put_header(struct mse_writer *w, const struct mse_sim_machine *machine,
                       struct mse_error *err)
{
    uint8_t id[32];

    if (!mse_issue_sha256(MSE_BYTES(machine->ppid), id, err))
        return false;
    mse_write_u16le(w, QUOTE_VERSION);
    mse_write_u16le(w, ATTESTATION_KEY_ECDSA_P256);
    mse_write_u32le(w, 0);
    mse_write_u16le(w, MSE_SIM_QE_ISV_SVN);
    mse_write_u16le(w, machine->pce_svn);
    mse_write_bytes(w, MSE_SIM_VENDOR_ID, 16);
    mse_write_bytes(w, id, 16);
    put_zeros(w, 4);
    return true;
}

bool mse_sim_enclave_demo(struct mse_sim_enclave *out, struct mse_error *err)
{
    *out = (struct mse_sim_enclave){ .isv_svn = 1 };
    return mse_issue_sha256(MSE_CSTR_BYTES("mse-simtee demo app\n"), out->mrenclave, err);
}

bool mse_sim_qe_signer(uint8_t out[static 32], struct mse_error *err)
{
    return mse_issue_sha256(MSE_CSTR_BYTES("mse-simtee quoting enclave signer\n"), out, err);
}

/* REPORTDATA of the quoting enclave: SHA-256(attestation key || authentication data) || zeros. */
static bool bind_attestation_key(const uint8_t point[static 65], struct mse_bytes auth,
                                 uint8_t out[static 64], struct mse_error *err)
{
    uint8_t message[64 + AUTH_DATA_SIZE];

    memset(out, 0, 64);
    memcpy(message, point + 1, 64);
    memcpy(message + 64, auth.data, AUTH_DATA_SIZE);
    return mse_issue_sha256(MSE_BYTES(message), out, err);
}

static bool put_qe_report(struct mse_writer *w, const struct mse_sim_platform *platform,
                          const uint8_t report_data[static 64], struct mse_error *err)
{
    uint8_t mrsigner[32], mrenclave[32], signature[64];
    struct body body = {
        .cpu_svn = platform->machine.svn,
        .flags = INIT | MODE64 | PROVISION_KEY,
        .mrenclave = mrenclave,
        .mrsigner = mrsigner,
        .isv_prod_id = MSE_SIM_QE_ISV_PROD_ID,
        .isv_svn = MSE_SIM_QE_ISV_SVN,
        .report_data = report_data,
    };
    size_t start = w->len;

    if (!mse_sim_qe_signer(mrsigner, err) ||
        !mse_issue_sha256(MSE_CSTR_BYTES("mse-simtee quoting enclave\n"), mrenclave, err))
        return false;
    put_body(w, &body);
    if (!mse_writer_ok(w))
        return mse_fail_memory(err);
    if (!mse_issue_sign_ecdsa(platform->pki.pck.key,
                              (struct mse_bytes){ w->data + start, BODY_SIZE }, signature, err))
        return false;
    mse_write_bytes(w, signature, sizeof(signature));
    return true;
}

/* Leaf, CA, root, with the final NUL that real machines write too. */
static bool put_chain(struct mse_writer *w, const struct mse_sim_platform *platform,
                      struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer pem = { 0 };
    const struct mse_sim_cert *ca = mse_sim_pck_ca(&platform->pki, &platform->machine);

    if (!mse_sim_cert_write(platform->pki.pck.cert, &pem, err) ||
        !mse_sim_cert_write(ca->cert, &pem, err) ||
        !mse_sim_cert_write(platform->pki.root.cert, &pem, err))
        return false;
    mse_write_u8(&pem, 0);
    mse_write_u16le(w, CERT_DATA_PCK_CHAIN);
    mse_write_u32le(w, (uint32_t)pem.len);
    mse_write_bytes(w, pem.data, pem.len);
    return mse_writer_ok(&pem) || mse_fail_memory(err);
}

/* The part of which the length field in front tells the size. */
static bool put_signature_data(struct mse_writer *w, const struct mse_sim_platform *platform,
                               struct mse_bytes to_sign, struct mse_error *err)
{
    uint8_t signature[64], point[65], auth[AUTH_DATA_SIZE], report_data[64];

    for (uint8_t i = 0; i < AUTH_DATA_SIZE; i++)
        auth[i] = i; /* 00 to 1f: what Intel's quoting enclave writes */
    if (!mse_issue_sign_ecdsa(platform->attestation, to_sign, signature, err) ||
        !mse_issue_key_point(platform->attestation, point, err) ||
        !bind_attestation_key(point, MSE_BYTES(auth), report_data, err))
        return false;
    mse_write_bytes(w, signature, sizeof(signature));
    mse_write_bytes(w, point + 1, 64);
    if (!put_qe_report(w, platform, report_data, err))
        return false;
    mse_write_u16le(w, AUTH_DATA_SIZE);
    mse_write_bytes(w, auth, sizeof(auth));
    return put_chain(w, platform, err);
}

bool mse_sim_quote_make(const struct mse_sim_platform *platform,
                        const struct mse_sim_enclave *enclave, const uint8_t report_data[static 64],
                        struct mse_writer *out, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer head = { 0 };
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer tail = { 0 };
    uint8_t mrsigner[32];
    struct body body = {
        .cpu_svn = platform->machine.svn,
        .flags = INIT | MODE64 | (enclave->debug ? DEBUG : 0),
        .mrenclave = enclave->mrenclave,
        .mrsigner = mrsigner,
        .isv_prod_id = MSE_SIM_ISV_PROD_ID,
        .isv_svn = enclave->isv_svn,
        .report_data = report_data,
    };

    if (!mse_issue_key_mrsigner(platform->signer, mrsigner, err) ||
        !put_header(&head, &platform->machine, err))
        return false;
    put_body(&head, &body);
    if (!mse_writer_ok(&head))
        return mse_fail_memory(err);
    if (!put_signature_data(&tail, platform, mse_writer_bytes(&head), err))
        return false;
    mse_write_bytes(out, head.data, head.len);
    mse_write_u32le(out, (uint32_t)tail.len);
    mse_write_bytes(out, tail.data, tail.len);
    return (mse_writer_ok(&tail) && mse_writer_ok(out)) || mse_fail_memory(err);
}
