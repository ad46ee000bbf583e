/* SPDX-License-Identifier: Apache-2.0 */
/* Holding of signals: blocked, and asked for between two pieces of work. */
#include "cli/interrupt.h"

#include <stddef.h>

static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
#define COUNT (sizeof(ends) / sizeof(ends[0]))

static bool is_asked(const struct mse_stop *self)
{
    const struct interrupt *interrupt =
        (const struct interrupt *)(const void *)((const char *)self -
                                                 offsetof(struct interrupt, stop));
    sigset_t waiting;

    if (sigpending(&waiting) != 0)
        return false;
    for (size_t i = 0; i < COUNT; i++) {
        if (sigismember(&interrupt->held, ends[i]) == 1 && sigismember(&waiting, ends[i]) == 1)
            return true;
    }
    return false;
}

void interrupt_hold(struct interrupt *out)
{
    struct sigaction now;

    out->stop.is_asked = is_asked;
    (void)sigemptyset(&out->held);
    for (size_t i = 0; i < COUNT; i++) {
        /* What is ignored (nohup) would wait when blocked, and so look as if it counted. */
        if (sigaction(ends[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            (void)sigaddset(&out->held, ends[i]);
    }
    (void)signal(SIGXFSZ, SIG_IGN);
    (void)pthread_sigmask(SIG_BLOCK, &out->held, &out->before);
}

void interrupt_release(struct interrupt *interrupt)
{
    (void)pthread_sigmask(SIG_SETMASK, &interrupt->before, NULL);
}
