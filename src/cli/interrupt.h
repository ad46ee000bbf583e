/* SPDX-License-Identifier: Apache-2.0 */
/* Signals that end a command wait until what it began is removed. */
#ifndef MSE_CLI_INTERRUPT_H
#define MSE_CLI_INTERRUPT_H

#include <signal.h>

#include "package/stop.h"

struct interrupt {
    struct mse_stop stop; /* asked: one of the signals waits */
    sigset_t held, before;
    int signals; /* can be read while one of them waits; -1: cannot be had */
};

/* Call it before threads are made. A full file size limit becomes an ordinary error too. */
void interrupt_hold(struct interrupt *out);
/* A signal that waited does now what it always does. */
void interrupt_release(struct interrupt *interrupt);

/* Takes one signal that waits: it will not end the program. */
void interrupt_take(struct interrupt *interrupt);

#endif
