/* SPDX-License-Identifier: Apache-2.0 */
/* The app behind the simulated enclave's certificate: HTTPS, a greeting and an echo. */
#ifndef MSE_SIMTEE_APP_SERVER_H
#define MSE_SIMTEE_APP_SERVER_H

#include "simtee/certificate.h"
#include "simtee/server.h"

struct mse_sim_app {
    const char *name; /* borrowed */
    SSL_CTX *tls;     /* owned */
};

/* attested is only needed during the call. */
MSE_MUST_CHECK bool mse_sim_app_init(const char *name, const struct mse_sim_attested *attested,
                                     struct mse_sim_app *out, struct mse_error *err);
void mse_sim_app_cleanup(struct mse_sim_app *app);
struct mse_sim_service mse_sim_app_service(struct mse_sim_app *app);

#endif
