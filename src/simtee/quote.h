/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SGX quotes, version 3, with the PCK chain inside (Intel, "SGX ECDSA Quote Library Reference",
 * Appendix A). Their QE vendor id is not Intel's: docs/formats.md, "Simulation".
 */
#ifndef MSE_SIMTEE_QUOTE_H
#define MSE_SIMTEE_QUOTE_H

#include "simtee/store.h"

#define MSE_SIM_VENDOR_ID "mse-simulatedtee"
#define MSE_SIM_QE_ISV_PROD_ID 1
#define MSE_SIM_QE_ISV_SVN 8
/* INIT and PROVISION_KEY, as the QE identity states them; MODE64 is not compared. */
#define MSE_SIM_QE_ATTRIBUTES 0x11

#define MSE_SIM_ISV_PROD_ID 1

/* What the simulated machine says of an enclave. */
struct mse_sim_enclave {
    uint8_t mrenclave[32];
    uint16_t isv_svn;
    bool debug;
};

/* The enclave that is measured when nothing else is said. */
MSE_MUST_CHECK bool mse_sim_enclave_demo(struct mse_sim_enclave *out, struct mse_error *err);
/* MRSIGNER of the quoting enclave: no key, only a number that QE and identity agree on. */
MSE_MUST_CHECK bool mse_sim_qe_signer(uint8_t out[static 32], struct mse_error *err);

MSE_MUST_CHECK bool mse_sim_quote_make(const struct mse_sim_platform *platform,
                                       const struct mse_sim_enclave *enclave,
                                       const uint8_t report_data[static 64], struct mse_writer *out,
                                       struct mse_error *err);

#endif
