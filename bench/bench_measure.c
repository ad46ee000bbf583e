/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it costs to make the trusted files of a manifest, over reading and hashing the same bytes on
 * all cores. The files lie in a temporary directory and in the page cache.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "bench_clock.h"
#include "measure/trusted_files.h"

#define DIRECTORIES 60
#define FILES 3000
#define TOTAL_BYTES 105000000.0
#define ROUNDS 21
#define BUFFER_SIZE (128U << 10)
#define MAX_THREADS 16
#define MAX_MEBIBYTES 16.0
#define MAX_OF_FLOOR 1.3

static char root[] = "/tmp/mse-bench-XXXXXX";

static void fail(const char *what)
{
    perror(what);
    exit(2);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- the files ---- */

static void name_file(size_t i, char *out, size_t size)
{
    snprintf(out, size, "%s/package-%02zu/module-%04zu.py", root, i % DIRECTORIES, i);
}

/* Mostly small, a few large: one in 50 has half of the bytes. */
static size_t size_of(size_t i)
{
    double mean = TOTAL_BYTES / FILES;

    return (size_t)(i % 50 == 0 ? mean * 25 : mean * 25 / 49 * (double)(i % 49 + 1) / 25);
}

static void make_file(size_t i, const uint8_t *content)
{
    char path[128];
    size_t size = size_of(i);
    FILE *out;

    name_file(i, path, sizeof(path));
    out = fopen(path, "wb");
    if (out == NULL || fwrite(content + i, 1, size, out) != size || fclose(out) != 0)
        fail(path);
}

static void make_tree(void)
{
    size_t size = 2 << 20;
    uint8_t *content = malloc(size);
    char path[128];

    if (content == NULL || mkdtemp(root) == NULL)
        fail("mkdtemp");
    for (size_t i = 0; i < size; i++)
        content[i] = (uint8_t)(i * i >> 7);
    for (size_t i = 0; i < DIRECTORIES; i++) {
        snprintf(path, sizeof(path), "%s/package-%02zu", root, i);
        if (mkdir(path, 0700) == -1)
            fail(path);
    }
    for (size_t i = 0; i < FILES; i++)
        make_file(i, content);
    free(content);
}

static void remove_tree(void)
{
    char path[128];

    for (size_t i = 0; i < FILES; i++) {
        name_file(i, path, sizeof(path));
        (void)unlink(path);
    }
    for (size_t i = 0; i < DIRECTORIES; i++) {
        snprintf(path, sizeof(path), "%s/package-%02zu", root, i);
        (void)rmdir(path);
    }
    (void)rmdir(root);
}

/* ---- the floor ---- */

static atomic_size_t next_file;

static void hash_path(const char *path, uint8_t *buffer, EVP_MD_CTX *ctx, const EVP_MD *md)
{
    uint8_t digest[32];
    int fd = open(path, O_RDONLY);
    ssize_t n;

    EVP_DigestInit_ex(ctx, md, NULL);
    while ((n = read(fd, buffer, BUFFER_SIZE)) > 0)
        EVP_DigestUpdate(ctx, buffer, (size_t)n);
    EVP_DigestFinal_ex(ctx, digest, NULL);
    if (n == -1)
        fail(path);
    close(fd);
}

static void *read_files(void *arg)
{
    uint8_t *buffer = malloc(BUFFER_SIZE);
    EVP_MD *md = EVP_MD_fetch(NULL, "SHA256", NULL);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t i;

    (void)arg;
    if (buffer == NULL || md == NULL || ctx == NULL)
        fail("floor");
    while ((i = atomic_fetch_add(&next_file, 1)) < FILES) {
        char path[128];

        name_file(i, path, sizeof(path));
        hash_path(path, buffer, ctx, md);
    }
    EVP_MD_CTX_free(ctx);
    EVP_MD_free(md);
    free(buffer);
    return NULL;
}

static double run_floor(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t threads = cores > MAX_THREADS ? MAX_THREADS : (size_t)cores;
    pthread_t ids[MAX_THREADS];
    double start = now();

    atomic_store(&next_file, 0);
    for (size_t i = 0; i < threads; i++) {
        if (pthread_create(&ids[i], NULL, read_files, NULL) != 0)
            fail("pthread_create");
    }
    for (size_t i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    return now() - start;
}

/* ---- what is measured ---- */

static double run_expand(void)
{
    static const char text[] = "sgx.trusted_files = [\"file:./\"]\n"
                               "loader.entrypoint.uri = \"file:package-00/module-0000.py\"\n";
    struct mse_manifest manifest = { 0 };
    struct mse_directory_source source = { 0 };
    struct mse_writer out = { 0 };
    struct mse_error err = { 0 };
    double start = now();
    double end;

    if (!mse_manifest_parse(MSE_CSTR_BYTES(text), MSE_GRAMINE_1_9, &manifest, &err) ||
        !mse_manifest_add_defaults(&manifest, "libos", &err) ||
        !mse_directory_source_open(root, NULL, &source, &err) ||
        !mse_trusted_files_expand(&manifest, &source.source, 0, &err)) {
        fprintf(stderr, "bench: %s: %s\n", err.field, err.text);
        exit(2);
    }
    mse_manifest_write(&manifest, &out);
    end = now();
    if (!mse_writer_ok(&out) || out.len < FILES * 100)
        exit(2);
    mse_writer_cleanup(&out);
    mse_manifest_cleanup(&manifest);
    mse_directory_source_close(&source);
    return end - start;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof(values[0]), compare);
    return values[ROUNDS / 2];
}

static double peak_rss(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

int main(void)
{
    double floors[ROUNDS], times[ROUNDS], ratios[ROUNDS];

    make_tree();
    if (atexit(remove_tree) != 0)
        fail("atexit");
    run_expand();
    bench_figure("trusted_files_peak_rss", peak_rss(), "MiB", MAX_MEBIBYTES);
    for (size_t i = 0; i < ROUNDS; i++) {
        double before = run_floor();

        times[i] = run_expand();
        floors[i] = (before + run_floor()) / 2;
        ratios[i] = times[i] / floors[i];
    }
    bench_figure("trusted_files_floor", 1e3 * median(floors), "ms", BENCH_NO_BAR);
    bench_figure("trusted_files", 1e3 * median(times), "ms", BENCH_NO_BAR);
    bench_figure("trusted_files_of_floor", median(ratios), "of_floor", MAX_OF_FLOOR);
    return bench_all_ok() ? 0 : 1;
}
