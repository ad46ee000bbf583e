/* SPDX-License-Identifier: Apache-2.0 */
/* Costs as ratios: what is measured runs interleaved with what it is compared with. */
#ifndef MSE_BENCH_CLOCK_H
#define MSE_BENCH_CLOCK_H

#include <stdbool.h>
#include <stddef.h>

/* One thing to time; false ends the program, since a failing verification is no figure. */
struct bench_job {
    bool (*run)(void *arg);
    void *arg;
};

#define BENCH_NO_BAR 0.0

/* Median of job's time over the time of unit, in this thread's processor time. */
double bench_cost(struct bench_job job, struct bench_job unit, unsigned rounds);
/* Seconds of one run, median. */
double bench_seconds(struct bench_job job, unsigned rounds);
/* Runs per second of wall time with so many threads; jobs has one per thread. */
double bench_rate(const struct bench_job *jobs, size_t threads, double seconds);
/* Prints one line; above the bar the program will end with a failure. */
void bench_figure(const char *name, double value, const char *unit, double bar);
bool bench_all_ok(void);

#endif
