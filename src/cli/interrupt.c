/* SPDX-License-Identifier: Apache-2.0 */
/* Holding of signals: blocked, and asked for between two pieces of work. */
#include "cli/interrupt.h"

#include <poll.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
#define COUNT (sizeof(ends) / sizeof(ends[0]))

static const struct interrupt *interrupt_of(const struct mse_stop *stop)
{
    return (const struct interrupt *)(const void *)((const char *)stop -
                                                    offsetof(struct interrupt, stop));
}

static bool is_asked(const struct mse_stop *self)
{
    const struct interrupt *interrupt = interrupt_of(self);
    sigset_t waiting;

    if (sigpending(&waiting) != 0)
        return false;
    for (size_t i = 0; i < COUNT; i++) {
        if (sigismember(&interrupt->held, ends[i]) == 1 && sigismember(&waiting, ends[i]) == 1)
            return true;
    }
    return false;
}

/* The signal is not taken: it is still there for is_asked, and to end the program at last. */
static void wait_for(const struct mse_stop *self, int fd)
{
    struct pollfd either[] = {
        { .fd = fd, .events = POLLIN },
        { .fd = interrupt_of(self)->signals, .events = POLLIN },
    };

    (void)poll(either, 2, -1);
}

void interrupt_hold(struct interrupt *out)
{
    struct sigaction now;

    out->stop.is_asked = is_asked;
    out->stop.wait = wait_for;
    (void)sigemptyset(&out->held);
    for (size_t i = 0; i < COUNT; i++) {
        /* What is ignored (nohup) would wait when blocked, and so look as if it counted. */
        if (sigaction(ends[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            (void)sigaddset(&out->held, ends[i]);
    }
    (void)signal(SIGXFSZ, SIG_IGN);
    (void)pthread_sigmask(SIG_BLOCK, &out->held, &out->before);
    out->signals = signalfd(-1, &out->held, SFD_CLOEXEC);
}

void interrupt_release(struct interrupt *interrupt)
{
    if (interrupt->signals != -1)
        (void)close(interrupt->signals);
    (void)pthread_sigmask(SIG_SETMASK, &interrupt->before, NULL);
}

void interrupt_take(struct interrupt *interrupt)
{
    const struct timespec now = { 0 };

    (void)sigtimedwait(&interrupt->held, NULL, &now);
}
