/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets by numeric address. */
#ifndef MSE_SIMTEE_LISTEN_H
#define MSE_SIMTEE_LISTEN_H

#include "simtee/server.h"

/* See mse_sim_server_listen. *fd is owned by the caller, -1 on failure. */
MSE_MUST_CHECK bool mse_sim_listen(const char *where, int *fd,
                                   char bound[static MSE_SIM_ADDRESS_SIZE], struct mse_error *err);

#endif
