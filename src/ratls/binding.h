/* SPDX-License-Identifier: Apache-2.0 */
/* Private to this folder: how well evidence fits a key, so that a refusal can name the nearest. */
#ifndef MSE_RATLS_BINDING_H
#define MSE_RATLS_BINDING_H

#include "ratls/profiles.h"

/* From worst to best; only the last is a binding. */
enum mse_fit {
    MSE_FIT_UNREADABLE, /* not evidence of the profile */
    MSE_FIT_OTHER_KEY,  /* REPORTDATA begins with something else */
    MSE_FIT_OTHER_TAIL, /* it begins right, the rest is not as the profile wants it */
    MSE_FIT_EXACT
};

/* REPORTDATA of the evidence inside; zero after a failure. */
MSE_MUST_CHECK bool mse_attestation_report_data(const struct mse_attestation *a,
                                                uint8_t out[static 64], struct mse_error *err);
/* As mse_attestation_check_binding(); name is the profile's, for the message. */
enum mse_fit mse_attestation_compare(const struct mse_attestation *a, const char *name,
                                     struct mse_error *err);

#endif
