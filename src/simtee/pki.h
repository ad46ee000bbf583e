/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The provisioning tree of the simulated platform, in the shape of Intel's "SGX PCK Certificate and
 * Certificate Revocation List Profile Specification": root, two PCK CAs, one PCK certificate, the
 * certificate that signs collateral, and the CRLs.
 */
#ifndef MSE_SIMTEE_PKI_H
#define MSE_SIMTEE_PKI_H

#include <openssl/x509.h>

#include "issue/key.h"

/* A certificate and its key; both are owned. */
struct mse_sim_cert {
    X509 *cert;
    EVP_PKEY *key;
};

/* What the PCK certificate says of the machine. */
struct mse_sim_machine {
    uint8_t ppid[16];
    uint8_t instance[16]; /* platform instance id; a processor CA's certificate has none */
    uint8_t fmspc[6];
    uint8_t svn[16]; /* TCB components; also the CPUSVN */
    uint16_t pce_svn;
    bool processor; /* the PCK certificate is the processor CA's */
};

struct mse_sim_pki {
    struct mse_sim_cert root, platform_ca, processor_ca, tcb_signing, pck;
};

/* Makes the whole tree; every validity contains years around at. *out is empty on failure. */
MSE_MUST_CHECK bool mse_sim_pki_make(const struct mse_sim_machine *machine, int64_t at,
                                     struct mse_sim_pki *out, struct mse_error *err);
void mse_sim_pki_cleanup(struct mse_sim_pki *pki);

/* The CA above the PCK certificate. */
static inline const struct mse_sim_cert *mse_sim_pck_ca(const struct mse_sim_pki *pki,
                                                        const struct mse_sim_machine *machine)
{
    return machine->processor ? &pki->processor_ca : &pki->platform_ca;
}

/* revoked may be NULL. Writes DER. */
MSE_MUST_CHECK bool mse_sim_crl_make(const struct mse_sim_cert *issuer,
                                     const struct mse_sim_cert *revoked, int64_t this_update,
                                     int64_t next_update, struct mse_writer *out,
                                     struct mse_error *err);

MSE_MUST_CHECK bool mse_sim_cert_write(X509 *cert, struct mse_writer *pem, struct mse_error *err);
/* *out is owned by the caller (X509_free), NULL on failure. */
MSE_MUST_CHECK bool mse_sim_cert_read(struct mse_bytes pem, X509 **out, struct mse_error *err);

#endif
