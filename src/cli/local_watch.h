/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting while an app runs: for its health, its end, its tests' end, or a signal. */
#ifndef MSE_CLI_LOCAL_WATCH_H
#define MSE_CLI_LOCAL_WATCH_H

#include "cli/interrupt.h"
#include "cli/local_child.h"
#include "cli/local_health.h"

#define LOCAL_OUTPUT_MAX 65536U

/* The last of what an app wrote. */
struct local_output {
    int fd; /* read end, non-blocking; -1: none */
    uint8_t of[LOCAL_OUTPUT_MAX];
    uint64_t total; /* bytes that came; the next goes to of[total % LOCAL_OUTPUT_MAX] */
};
/* *write_end is the caller's. */
MSE_MUST_CHECK bool local_output_open(struct local_output *out, int *write_end,
                                      struct mse_error *err);
/* Reads what is there. */
void local_output_drain(struct local_output *output);
/* Whole lines where the beginning is lost; control characters are shown as '?'. */
void local_output_write(const struct local_output *output, struct mse_writer *to);
void local_output_close(struct local_output *output);

enum local_event { LOCAL_HEALTHY, LOCAL_TIMEOUT, LOCAL_APP_ENDED, LOCAL_TESTS_ENDED, LOCAL_SIGNAL };
struct local_watch {
    const struct interrupt *interrupt;
    const struct local_child *app, *tests; /* tests may be NULL */
    struct local_output *output;           /* or NULL */
    struct local_health *health;           /* or NULL */
    const struct mse_deadline *deadline;   /* or NULL */
    int status;                            /* of what has ended, as waitpid(2) gives it */
};
/* If several are true the signal comes first, then the tests' end, then the app's. */
enum local_event local_wait(struct local_watch *watch);

#endif
