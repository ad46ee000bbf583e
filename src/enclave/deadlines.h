/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deadlines of many connections on one timer: those of one kind last equally long, so each kind is
 * a queue, and its head is both the next to end and the oldest.
 */
#ifndef MSE_ENCLAVE_DEADLINES_H
#define MSE_ENCLAVE_DEADLINES_H

#include <uv.h>

#include "enclave/list.h"

enum mse_deadline_kind {
    MSE_DEADLINE_NONE,
    MSE_DEADLINE_HELLO,
    MSE_DEADLINE_HANDSHAKE,
    MSE_DEADLINE_CONNECT,
    MSE_DEADLINE_IDLE,
    MSE_DEADLINE_HALF_CLOSE,
    MSE_DEADLINE_LINGER,
    MSE_DEADLINE_OWN, /* as long as was said when it was set */
    MSE_DEADLINE_KINDS
};

/* Lies in what it ends. */
struct mse_deadline {
    struct mse_link link;
    enum mse_deadline_kind kind;
    uint64_t due; /* uv_now's milliseconds */
};

struct mse_deadlines {
    uv_timer_t timer;
    struct mse_link queues[MSE_DEADLINE_KINDS];
    unsigned ms[MSE_DEADLINE_KINDS];
    void (*expired)(struct mse_deadline *deadline); /* it is in no queue then */
};

/* The caller fills in ms and expired, and closes the timer in the end. */
void mse_deadlines_init(struct mse_deadlines *all, uv_loop_t *loop);
void mse_deadline_init(struct mse_deadline *deadline);
/* Starts anew, whatever it was. */
void mse_deadline_set(struct mse_deadlines *all, struct mse_deadline *deadline,
                      enum mse_deadline_kind kind);
void mse_deadline_set_own(struct mse_deadlines *all, struct mse_deadline *deadline, unsigned ms);
void mse_deadline_clear(struct mse_deadline *deadline);
/* The first one of this kind to end, or NULL. */
struct mse_deadline *mse_deadlines_first(const struct mse_deadlines *all,
                                         enum mse_deadline_kind kind);

#endif
