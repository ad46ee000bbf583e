/* SPDX-License-Identifier: Apache-2.0 */
/* The life of one connection: handshake, request, reply, and again. */
#ifndef MSE_SIMTEE_CONNECTION_H
#define MSE_SIMTEE_CONNECTION_H

#include "simtee/server.h"

enum mse_sim_state {
    MSE_SIM_STATE_FREE,
    MSE_SIM_STATE_HANDSHAKE,
    MSE_SIM_STATE_READING,
    MSE_SIM_STATE_WRITING,
    MSE_SIM_STATE_LINGERING /* all is said; closing at once would take the reply back (RST) */
};

struct mse_sim_connection {
    enum mse_sim_state state;
    struct mse_sim_transport transport;
    int64_t deadline; /* of the present state */
    uint8_t in[MSE_SIM_HEAD_CAP];
    size_t in_len;
    struct mse_writer out;
    size_t out_at;
    bool close_after; /* the reply under way */
    bool ready;       /* has more to do without waiting for the peer */
};

/* Takes the descriptor. A connection that cannot be set up stays free. */
void mse_sim_connection_take(struct mse_sim_connection *c, int fd,
                             const struct mse_sim_service *service, int64_t now);
/* Goes on as far as possible without waiting. last: no further request is taken. */
void mse_sim_connection_step(struct mse_sim_connection *c, const struct mse_sim_service *service,
                             int64_t now, bool last);
void mse_sim_connection_close(struct mse_sim_connection *c);

#endif
