/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a package costs over sealing the same bytes in memory, and how long it takes on all cores.
 * The files lie in a temporary directory and in the page cache, as does the package.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "bench_clock.h"
#include "package/package.h"

#define LARGE_FILES 16
#define LARGE_SIZE (4U << 20)
#define SMALL_FILES 4000
#define SMALL_SIZE 5000U
#define ROUNDS 15
#define MAX_MEBIBYTES 16.0
/* Beside sealing: reading, hashing (what is sealed is what was measured), and writing. */
#define MAX_OF_SECRETBOX 3.5
#define MAX_SECONDS_PER_GB 1.0

struct job {
    char root[64];
    size_t files, size;
    uint8_t *content; /* size bytes, with room for a tag */
    struct mse_tree *tree;
};

static const uint8_t key[MSE_BOX_KEY] = { 1 };

static void fail(const char *what)
{
    perror(what);
    exit(2);
}

static void fail_mse(const struct mse_error *err)
{
    fprintf(stderr, "bench: %s: %s\n", err->field, err->text);
    exit(2);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- the files ---- */

static void name_file(const struct job *job, size_t i, char *out, size_t size)
{
    snprintf(out, size, "%s/file-%04zu", job->root, i);
}

static void make_files(struct job *job)
{
    char path[128];

    snprintf(job->root, sizeof(job->root), "/tmp/mse-bench-XXXXXX");
    job->content = malloc(job->size + crypto_secretbox_MACBYTES);
    if (job->content == NULL || mkdtemp(job->root) == NULL)
        fail("mkdtemp");
    randombytes_buf(job->content, job->size);
    for (size_t i = 0; i < job->files; i++) {
        FILE *out;

        name_file(job, i, path, sizeof(path));
        out = fopen(path, "wb");
        if (out == NULL || fwrite(job->content, 1, job->size, out) != job->size || fclose(out) != 0)
            fail(path);
    }
}

static void remove_files(struct job *job)
{
    char path[128];

    for (size_t i = 0; i < job->files; i++) {
        name_file(job, i, path, sizeof(path));
        (void)unlink(path);
    }
    (void)rmdir(job->root);
    mse_tree_free(job->tree);
    free(job->content);
}

/* ---- what is measured ---- */

/* The same bytes, in place: no file, no copy. */
static bool run_secretbox(void *arg)
{
    const struct job *job = arg;
    static const uint8_t nonce[MSE_BOX_NONCE] = { 2 };

    for (size_t i = 0; i < job->files; i++) {
        if (crypto_secretbox_easy(job->content, job->content, job->size, nonce, key) != 0)
            return false;
    }
    return true;
}

static bool write_package(const struct job *job, unsigned threads)
{
    struct mse_nonces nonces = { 0 };
    const struct mse_package_options options = { key, &nonces, threads, NULL };
    struct mse_error err = { 0 };
    uint64_t size;
    int out = open(job->root, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

    if (out == -1)
        fail(job->root);
    if (!mse_package_write(job->tree, &options, out, &size, &err))
        fail_mse(&err);
    (void)close(out);
    mse_nonces_cleanup(&nonces);
    return size > job->files * job->size;
}

static bool run_package(void *arg)
{
    return write_package(arg, 1);
}

/* Walk, hashes and digest; the tree that is kept is the last. */
static bool run_tree(void *arg)
{
    struct job *job = arg;
    struct mse_error err = { 0 };
    uint8_t digest[32];

    mse_tree_free(job->tree);
    if (!mse_tree_read(job->root, NULL, &job->tree, &err) || !mse_tree_hash(job->tree, 0, &err))
        fail_mse(&err);
    if (!mse_tree_digest(job->tree, digest, &err))
        fail_mse(&err);
    return mse_tree_count(job->tree) == job->files;
}

static bool run_parallel(void *arg)
{
    return write_package(arg, 0);
}

/* Wall time: the least disturbed round says what the machine can do. */
static double seconds_per_gb(bool (*run)(void *), struct job *job)
{
    double best = 0;

    for (unsigned i = 0; i < ROUNDS; i++) {
        double start = now(), taken;

        if (!run(job))
            exit(2);
        taken = now() - start;
        if (i == 0 || taken < best)
            best = taken;
    }
    return best / ((double)job->files * (double)job->size / 1e9);
}

static void put(const char *what, const char *name, double value, const char *unit, double bar)
{
    char full[64];

    snprintf(full, sizeof(full), "%s_%s", what, name);
    bench_figure(full, value, unit, bar);
}

static double peak_rss(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

int main(void)
{
    struct job large = { .files = LARGE_FILES, .size = LARGE_SIZE };
    struct job small = { .files = SMALL_FILES, .size = SMALL_SIZE };
    struct bench_job package = { run_package, &large }, secretbox = { run_secretbox, &large };

    if (sodium_init() < 0)
        return 2;
    make_files(&large);
    make_files(&small);
    put("tree_digest", "large", seconds_per_gb(run_tree, &large), "s/GB", MAX_SECONDS_PER_GB);
    put("tree_digest", "small", seconds_per_gb(run_tree, &small), "s/GB", BENCH_NO_BAR);
    put("package", "large", seconds_per_gb(run_parallel, &large), "s/GB", MAX_SECONDS_PER_GB);
    put("package", "small", seconds_per_gb(run_parallel, &small), "s/GB", BENCH_NO_BAR);
    bench_figure("package_peak_rss", peak_rss(), "MiB", MAX_MEBIBYTES);
    bench_figure("secretbox", seconds_per_gb(run_secretbox, &large), "s/GB", BENCH_NO_BAR);
    bench_figure("package_of_secretbox", bench_cost(package, secretbox, ROUNDS), "of_secretbox",
                 MAX_OF_SECRETBOX);
    remove_files(&large);
    remove_files(&small);
    return bench_all_ok() ? 0 : 1;
}
