/* SPDX-License-Identifier: Apache-2.0 */
/* Makes trees of files, and hashes them with nothing around it. */
#include "bench_files.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>

#define BUFFER_SIZE (128U << 10)
#define MAX_THREADS 16
#define LARGE_EVERY 50 /* one file in so many, and it has half of the bytes */

static void fail(const char *what)
{
    perror(what);
    exit(2);
}

double bench_wall_clock(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void name_directory(const struct bench_files *set, size_t i, char *out, size_t size)
{
    snprintf(out, size, "%s/package-%04zu", set->root, i % set->directories);
}

static void name_file(const struct bench_files *set, size_t i, char *out, size_t size)
{
    snprintf(out, size, "%s/package-%04zu/module-%06zu.py", set->root, i % set->directories, i);
}

static size_t size_of(const struct bench_files *set, size_t i)
{
    size_t mean = set->bytes / set->files;

    if (set->files < LARGE_EVERY)
        return mean;
    if (i % LARGE_EVERY == 0)
        return mean * LARGE_EVERY / 2;
    return mean * (i % LARGE_EVERY) / LARGE_EVERY;
}

static void make_file(const struct bench_files *set, size_t i)
{
    uint8_t content[4096];
    size_t left = size_of(set, i);
    char path[128];
    FILE *out;

    for (size_t n = 0; n < sizeof(content); n++)
        content[n] = (uint8_t)((n + i) * (n + i) >> 7);
    name_file(set, i, path, sizeof(path));
    out = fopen(path, "wb");
    while (out != NULL && left > 0) {
        size_t step = left < sizeof(content) ? left : sizeof(content);

        if (fwrite(content, 1, step, out) != step)
            fail(path);
        left -= step;
    }
    if (out == NULL || fclose(out) != 0)
        fail(path);
}

void bench_files_make(struct bench_files *set)
{
    char path[128];

    snprintf(set->root, sizeof(set->root), "/tmp/mse-bench-XXXXXX");
    if (mkdtemp(set->root) == NULL)
        fail("mkdtemp");
    for (size_t i = 0; i < set->directories; i++) {
        name_directory(set, i, path, sizeof(path));
        if (mkdir(path, 0700) == -1)
            fail(path);
    }
    for (size_t i = 0; i < set->files; i++)
        make_file(set, i);
}

void bench_files_remove(const struct bench_files *set)
{
    char path[128];

    if (set->root[0] == '\0') /* not made */
        return;
    for (size_t i = 0; i < set->files; i++) {
        name_file(set, i, path, sizeof(path));
        (void)unlink(path);
    }
    for (size_t i = 0; i < set->directories; i++) {
        name_directory(set, i, path, sizeof(path));
        (void)rmdir(path);
    }
    (void)rmdir(set->root);
}

/* ---- the floor ---- */

struct floor {
    const struct bench_files *set;
    atomic_size_t next;
};

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

static void *hash_files(void *arg)
{
    struct floor *floor = arg;
    uint8_t *buffer = malloc(BUFFER_SIZE);
    EVP_MD *md = EVP_MD_fetch(NULL, "SHA256", NULL);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t i;

    if (buffer == NULL || md == NULL || ctx == NULL)
        fail("floor");
    while ((i = atomic_fetch_add(&floor->next, 1)) < floor->set->files) {
        char path[128];

        name_file(floor->set, i, path, sizeof(path));
        hash_path(path, buffer, ctx, md);
    }
    EVP_MD_CTX_free(ctx);
    EVP_MD_free(md);
    free(buffer);
    return NULL;
}

double bench_files_floor(const struct bench_files *set)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t threads = cores > MAX_THREADS ? MAX_THREADS : (size_t)cores;
    struct floor floor = { .set = set };
    pthread_t ids[MAX_THREADS];
    double start = bench_wall_clock();

    for (size_t i = 0; i < threads; i++) {
        if (pthread_create(&ids[i], NULL, hash_files, &floor) != 0)
            fail("pthread_create");
    }
    for (size_t i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    return bench_wall_clock() - start;
}
