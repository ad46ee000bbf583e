/* SPDX-License-Identifier: Apache-2.0 */
/* Times jobs against each other and prints figures. */
#include "bench_clock.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MAX_ROUNDS 1000
#define MAX_THREADS 16
#define RUNS_BETWEEN_CLOCKS 4
#define MAX_UNITS 200

static bool any_short;

static double now(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double time_runs(struct bench_job job, unsigned runs)
{
    double start = now(CLOCK_THREAD_CPUTIME_ID);

    for (unsigned i = 0; i < runs; i++) {
        if (!job.run(job.arg)) {
            fprintf(stderr, "bench: a job that must succeed failed\n");
            exit(2);
        }
    }
    return (now(CLOCK_THREAD_CPUTIME_ID) - start) / runs;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, unsigned count)
{
    qsort(values, count, sizeof(values[0]), compare);
    return values[count / 2];
}

/* Both sides of a ratio take about the same time, so that a disturbance hits both alike. */
static unsigned units_for(struct bench_job job, struct bench_job unit)
{
    double ratio;

    time_runs(job, RUNS_BETWEEN_CLOCKS);
    time_runs(unit, RUNS_BETWEEN_CLOCKS);
    ratio = time_runs(job, RUNS_BETWEEN_CLOCKS) / time_runs(unit, RUNS_BETWEEN_CLOCKS) / 2;
    if (ratio < 1)
        return 1;
    return ratio > MAX_UNITS ? MAX_UNITS : (unsigned)ratio;
}

double bench_cost(struct bench_job job, struct bench_job unit, unsigned rounds)
{
    unsigned units = units_for(job, unit);
    double ratios[MAX_ROUNDS];

    if (rounds > MAX_ROUNDS)
        rounds = MAX_ROUNDS;
    /* Rounds are shorter than a slice of the scheduler: most have no other program in them. */
    for (unsigned i = 0; i < rounds; i++) {
        double before = time_runs(unit, units);
        double cost = time_runs(job, 1);
        double after = time_runs(unit, units);

        ratios[i] = 2 * cost / (before + after);
    }
    return median(ratios, rounds);
}

double bench_seconds(struct bench_job job, unsigned rounds)
{
    double times[MAX_ROUNDS];

    if (rounds > MAX_ROUNDS)
        rounds = MAX_ROUNDS;
    for (unsigned i = 0; i < rounds; i++)
        times[i] = time_runs(job, 1);
    return median(times, rounds);
}

struct worker {
    struct bench_job job;
    double until;
    unsigned long runs;
};

static void *work(void *arg)
{
    struct worker *w = arg;

    while (now(CLOCK_MONOTONIC) < w->until) {
        time_runs(w->job, RUNS_BETWEEN_CLOCKS);
        w->runs += RUNS_BETWEEN_CLOCKS;
    }
    return NULL;
}

double bench_rate(const struct bench_job *jobs, size_t threads, double seconds)
{
    struct worker workers[MAX_THREADS];
    pthread_t ids[MAX_THREADS];
    double start = now(CLOCK_MONOTONIC);
    unsigned long runs = 0;

    for (size_t i = 0; i < threads && i < MAX_THREADS; i++) {
        workers[i] = (struct worker){ .job = jobs[i], .until = start + seconds };
        if (pthread_create(&ids[i], NULL, work, &workers[i]) != 0)
            exit(2);
    }
    for (size_t i = 0; i < threads && i < MAX_THREADS; i++) {
        pthread_join(ids[i], NULL);
        runs += workers[i].runs;
    }
    return (double)runs / (now(CLOCK_MONOTONIC) - start);
}

void bench_figure(const char *name, double value, const char *unit, double bar)
{
    bool ok = bar <= BENCH_NO_BAR || value <= bar;

    if (bar <= BENCH_NO_BAR)
        printf("figure %s %.3f %s bar - ok\n", name, value, unit);
    else
        printf("figure %s %.3f %s bar %.3f %s\n", name, value, unit, bar, ok ? "ok" : "short");
    fflush(stdout);
    any_short |= !ok;
}

bool bench_all_ok(void)
{
    return !any_short;
}
