/* SPDX-License-Identifier: Apache-2.0 */
/* How many connections each peer has, so that none takes them all. */
#ifndef MSE_ENCLAVE_PEERS_H
#define MSE_ENCLAVE_PEERS_H

#include <netinet/in.h>

#include "base/bytes.h"
#include "enclave/list.h"

/* An IPv4 address, or an IPv6 network of 64 bits: that many addresses belong to one host. */
struct mse_peer {
    struct mse_peer *next; /* in its slot of the table */
    uint8_t key[16];
    unsigned connections;
    struct mse_link half_open; /* of its connections, the oldest first */
};

struct mse_peers;

/* connections: about how many there will be at most. *out is owned by the caller. */
MSE_MUST_CHECK bool mse_peers_new(unsigned connections, struct mse_peers **out,
                                  struct mse_error *err);
void mse_peers_free(struct mse_peers *peers); /* after all were given back */
/* The address's peer with one connection more, or NULL: no memory, or neither IPv4 nor IPv6. */
struct mse_peer *mse_peers_take(struct mse_peers *peers, const struct sockaddr_storage *address);
/* One connection less; NULL is allowed. */
void mse_peers_give_back(struct mse_peers *peers, struct mse_peer *peer);

#endif
