/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between the runtime and the keeper of the app: of one size, with descriptors. */
#ifndef MSE_ENCLAVE_APP_WIRE_H
#define MSE_ENCLAVE_APP_WIRE_H

#include "base/bytes.h"

#define MSE_WIRE_MAX_FDS 32

enum mse_wire_kind {
    /* the keeper's first word */
    MSE_WIRE_STANDS = 1, /* isolated: with the directory of the code */
    MSE_WIRE_REFUSED,    /* err says why; the keeper has ended */
    /* from the runtime */
    MSE_WIRE_START,     /* isolated: with what the app writes to, then files as value says */
    MSE_WIRE_TERMINATE, /* SIGTERM to the app */
    MSE_WIRE_KILL,      /* SIGKILL to all of its processes */
    MSE_WIRE_CONNECT,   /* value: how many sockets, answered by the same word with them */
    /* from the keeper */
    MSE_WIRE_STARTED,
    MSE_WIRE_NOT_STARTED, /* the reason went to the app's output */
    MSE_WIRE_ENDED        /* value: what waitpid said; nothing of it runs any more */
};
/* Bits of the value of MSE_WIRE_START: these files come along, in this order. */
enum { MSE_WIRE_SECRETS = 1, MSE_WIRE_SEALED_SECRETS = 2 };

struct mse_wire {
    enum mse_wire_kind kind;
    int32_t value;
    struct mse_error err;
    int fds[MSE_WIRE_MAX_FDS];
    unsigned fd_count;
};

enum mse_wire_result { MSE_WIRE_GOT, MSE_WIRE_NOTHING, MSE_WIRE_END };

/* The descriptors stay the caller's. flags as of sendmsg(2). */
MSE_MUST_CHECK bool mse_wire_send(int socket, const struct mse_wire *message, int flags);
/* The descriptors become the caller's, close-on-exec. END: the other side is gone, or sent what
 * this one would never send. flags as of recvmsg(2). */
enum mse_wire_result mse_wire_receive(int socket, struct mse_wire *out, int flags);
/* Closes the descriptors. */
void mse_wire_cleanup(struct mse_wire *message);

#endif
