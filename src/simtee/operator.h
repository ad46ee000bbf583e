/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's file, "mse-operator-v1": whom a user trusts to say which app an instance is. */
#ifndef MSE_SIMTEE_OPERATOR_H
#define MSE_SIMTEE_OPERATOR_H

#include "simtee/store.h"

MSE_MUST_CHECK bool mse_sim_operator_write(const struct mse_sim_platform *platform,
                                           struct mse_writer *out, struct mse_error *err);

#endif
