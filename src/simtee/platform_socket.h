/* SPDX-License-Identifier: Apache-2.0 */
/* The platform's side of the socket to an enclave (attest/sim_socket.h). */
#ifndef MSE_SIMTEE_PLATFORM_SOCKET_H
#define MSE_SIMTEE_PLATFORM_SOCKET_H

#include "simtee/seal.h"

struct mse_sim_session {
    const struct mse_sim_platform *platform; /* borrowed */
    struct mse_sim_enclave enclave;
    uint8_t secret[MSE_SIM_SECRET_SIZE];
    struct mse_sim_counter counter;
};

/* True if the request is one for a quote, which takes its time. */
bool mse_sim_is_quote_request(struct mse_bytes request);
/* Any request has a reply; false only if memory is out. */
MSE_MUST_CHECK bool mse_sim_session_answer(const struct mse_sim_session *session,
                                           struct mse_bytes request, struct mse_writer *reply,
                                           struct mse_error *err);

#endif
