/* SPDX-License-Identifier: Apache-2.0 */
/* The one loop: listeners, their connections, deadlines, an orderly end. */
#ifndef MSE_SIMTEE_SERVER_H
#define MSE_SIMTEE_SERVER_H

#include "simtee/http.h"
#include "simtee/transport.h"

#define MSE_SIM_MAX_LISTENERS 2
#define MSE_SIM_MAX_CONNECTIONS 64 /* for each listener */
#define MSE_SIM_ADDRESS_SIZE 64

/* Fills in the reply to a request; context is the service's own. */
typedef void mse_sim_answer(void *context, const struct mse_sim_request *request,
                            struct mse_sim_reply *reply);

struct mse_sim_service {
    mse_sim_answer *answer;
    void *context;       /* borrowed */
    SSL_CTX *tls;        /* borrowed; NULL: plain HTTP */
    const char *methods; /* value of Allow; HEAD is answered if it is in there */
};

struct mse_sim_server;

/* now_ms: a clock that never goes back. *out is owned by the caller, NULL on failure. */
MSE_MUST_CHECK bool mse_sim_server_new(int64_t (*now_ms)(void), struct mse_sim_server **out,
                                       struct mse_error *err);
void mse_sim_server_free(struct mse_sim_server *server);
/*
 * where: "ADDRESS:PORT" or "[ADDRESS]:PORT", numbers only; port 0 takes a free one. Connections are
 * accepted by the kernel once this has returned. bound gets the true address in the same form.
 */
MSE_MUST_CHECK bool mse_sim_server_listen(struct mse_sim_server *server, const char *where,
                                          const struct mse_sim_service *service,
                                          char bound[static MSE_SIM_ADDRESS_SIZE],
                                          struct mse_error *err);
/* Serves until stop_fd is readable, finishes replies that are under way, returns true. */
MSE_MUST_CHECK bool mse_sim_server_run(struct mse_sim_server *server, int stop_fd,
                                       struct mse_error *err);

#endif
