/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a tree digest costs over opening, reading and hashing the same files on all cores, for a
 * package of ordinary size, for large files and for very many small ones. All is in the page cache.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "bench_clock.h"
#include "bench_files.h"
#include "measure/tree.h"
#include "package/ignore_git.h"

#define ROUNDS 15
#define MAX_MEBIBYTES 16.0
#define MAX_OF_FLOOR 1.5       /* 3,000 files in 60 directories, with rules */
#define MAX_OF_FLOOR_LARGE 1.1 /* nothing but content */
#define MAX_S_PER_GB 1.0

/* What a project has in such a file. */
static const char rules[] = "__pycache__/\n*.py[cod]\n*.egg-info/\n.git/\n.venv/\nbuild/\ndist/\n"
                            "/docs/_build/\n*.log\n.env\nsecrets.json\n!keep.log\n**/tests/data/\n";

static double run_tree(const struct bench_files *set)
{
    double start = bench_wall_clock();
    struct mse_ignore_git *git = NULL;
    struct mse_tree *tree = NULL;
    struct mse_error err = { 0 };
    uint8_t digest[32];

    if (!mse_ignore_git_new(MSE_CSTR_BYTES(rules), &git, &err) ||
        !mse_tree_read(set->root, mse_ignore_git_of(git), &tree, &err) ||
        !mse_tree_hash(tree, 0, &err) || mse_tree_count(tree) != set->files ||
        !mse_tree_digest(tree, digest, &err)) {
        fprintf(stderr, "bench: %s: %s\n", err.field, err.text);
        exit(2);
    }
    mse_tree_free(tree);
    mse_ignore_git_free(git);
    return bench_wall_clock() - start;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof(values[0]), compare);
    return values[count / 2];
}

static double peak_rss(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

static void put(const char *name, const char *what, double value, const char *unit, double bar)
{
    char full[64];

    snprintf(full, sizeof(full), "%s%s", name, what);
    bench_figure(full, value, unit, bar);
}

/* Bars: of the floor, seconds per 10^9 bytes. */
static void measure(const char *name, const struct bench_files *set, size_t rounds, double of_floor,
                    double per_gb)
{
    double times[ROUNDS], ratios[ROUNDS];

    for (size_t i = 0; i < rounds; i++) {
        double before = bench_files_floor(set);

        times[i] = run_tree(set);
        ratios[i] = times[i] / ((before + bench_files_floor(set)) / 2);
    }
    put(name, "", 1e3 * median(times, rounds), "ms", BENCH_NO_BAR);
    put(name, "_of_floor", median(ratios, rounds), "of_floor", of_floor);
    put(name, "_content", 1e9 * median(times, rounds) / (double)set->bytes, "s_per_GB", per_gb);
}

static struct bench_files package = { .directories = 60, .files = 3000, .bytes = 105000000 };
static struct bench_files large = { .directories = 1, .files = 48, .bytes = 480000000 };
static struct bench_files many = { .directories = 1000, .files = 100000, .bytes = 10000000 };

static void remove_all(void)
{
    bench_files_remove(&package);
    bench_files_remove(&large);
    bench_files_remove(&many);
}

int main(void)
{
    if (atexit(remove_all) != 0)
        return 2;
    bench_files_make(&package);
    run_tree(&package);
    bench_figure("tree_peak_rss", peak_rss(), "MiB", MAX_MEBIBYTES);
    measure("tree", &package, ROUNDS, MAX_OF_FLOOR, BENCH_NO_BAR);
    bench_files_make(&large);
    measure("tree_large", &large, 5, MAX_OF_FLOOR_LARGE, MAX_S_PER_GB);
    bench_files_make(&many);
    measure("tree_many", &many, 3, BENCH_NO_BAR, BENCH_NO_BAR);
    bench_figure("tree_many_peak_rss", peak_rss(), "MiB", BENCH_NO_BAR);
    return bench_all_ok() ? 0 : 1;
}
