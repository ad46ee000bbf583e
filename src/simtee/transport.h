/* SPDX-License-Identifier: Apache-2.0 */
/* One non-blocking connection, plain or TLS, behind the same four calls. */
#ifndef MSE_SIMTEE_TRANSPORT_H
#define MSE_SIMTEE_TRANSPORT_H

#include <openssl/ssl.h>

#include "base/bytes.h"

struct mse_sim_transport {
    int fd;
    SSL *tls;     /* NULL: plain; owned */
    short events; /* what poll() has to wait for after MSE_SIM_IO_BLOCKED */
};

enum mse_sim_io { MSE_SIM_IO_DONE, MSE_SIM_IO_BLOCKED, MSE_SIM_IO_ENDED };

/* Takes the descriptor, also on failure. context NULL: plain. */
MSE_MUST_CHECK bool mse_sim_transport_take(int fd, SSL_CTX *context, struct mse_sim_transport *out);
enum mse_sim_io mse_sim_transport_handshake(struct mse_sim_transport *t);
/* DONE: *got bytes, one at least. */
enum mse_sim_io mse_sim_transport_read(struct mse_sim_transport *t, uint8_t *out, size_t room,
                                       size_t *got);
/* DONE: *done of the bytes are on their way, one at least. */
enum mse_sim_io mse_sim_transport_write(struct mse_sim_transport *t, struct mse_bytes data,
                                        size_t *done);
/* Says that nothing follows. What the peer still sends is read with mse_sim_transport_discard. */
void mse_sim_transport_finish(struct mse_sim_transport *t);
enum mse_sim_io mse_sim_transport_discard(struct mse_sim_transport *t);
void mse_sim_transport_cleanup(struct mse_sim_transport *t);

#endif
