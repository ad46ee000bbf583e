/* SPDX-License-Identifier: Apache-2.0 */
/* Files are handed out to threads one by one; each thread has one buffer and one digest context. */
#include "measure/hash_files.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

/* Fits into the second-level cache of a core, so that a byte is still near when it is hashed. */
#define BUFFER_SIZE (128U << 10)

/* What all threads share. Files are taken in ascending order. */
struct job {
    size_t count;
    mse_hash_open *open;
    void *context;
    const EVP_MD *sha256;
    struct mse_file_hash *out;
    atomic_size_t next;
    atomic_size_t stop; /* no file from here on is of interest: the lowest failure so far */
};

struct worker {
    struct job *job;
    pthread_t thread;
    uint8_t *buffer;
    EVP_MD_CTX *digest;
    size_t failed; /* index of the file that err is about */
    bool unnamed;  /* err does not name the file yet */
    struct mse_error err;
};

static void fd_cleanup(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

static void md_cleanup(EVP_MD **md)
{
    EVP_MD_free(*md);
}

/* strerror() may use a static buffer. */
static bool fail_errno(struct mse_error *err, const char *what, int number)
{
    const char *reason = strerrordesc_np(number);

    return mse_fail_text(err, MSE_ERR_IO, "", "%s: %s", what,
                         reason != NULL ? reason : "unknown error");
}

static bool fail_changed(struct mse_error *err)
{
    return mse_fail_text(err, MSE_ERR_IO, "", "changed while it was read; measure it again");
}

static bool check_file(int fd, uint64_t *size, struct mse_error *err)
{
    struct stat st;

    if (fstat(fd, &st) == -1)
        return fail_errno(err, "cannot examine", errno);
    if (!S_ISREG(st.st_mode))
        return mse_fail_text(err, MSE_ERR_VALUE, "", "not a regular file");
    *size = (uint64_t)st.st_size;
    if (*size > MSE_MEASURE_MAX_FILE)
        return mse_fail_text(err, MSE_ERR_LIMIT, "", "larger than %ju bytes",
                             (uintmax_t)MSE_MEASURE_MAX_FILE);
    if (*size > BUFFER_SIZE)
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return true;
}

/*
 * The end must be where fstat() said. A read that returns less than it could proves it, or else one
 * that returns nothing: small files need one read only.
 */
static bool hash_content(struct worker *w, int fd, uint64_t size, struct mse_error *err)
{
    uint64_t done = 0;

    for (;;) {
        ssize_t n = read(fd, w->buffer, BUFFER_SIZE);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return fail_errno(err, "cannot read", errno);
        if ((uint64_t)n > size - done)
            return fail_changed(err);
        if (EVP_DigestUpdate(w->digest, w->buffer, (size_t)n) != 1)
            return mse_fail(err, MSE_ERR_CRYPTO, 0, "SHA-256");
        done += (uint64_t)n;
        if (n == 0 || (done == size && (size_t)n < BUFFER_SIZE))
            return done == size || fail_changed(err);
    }
}

static bool hash_one(struct worker *w, size_t index, struct mse_file_hash *out)
{
    struct job *job = w->job;
    MSE_CLEANUP(fd_cleanup) int fd = -1;
    uint64_t size = 0;

    if (!job->open(job->context, index, &fd, &w->err))
        return false;
    if (fd == MSE_HASH_NOTHING)
        return true;
    w->unnamed = true;
    if (!check_file(fd, &size, &w->err))
        return false;
    if (EVP_DigestInit_ex(w->digest, job->sha256, NULL) != 1)
        return mse_fail(&w->err, MSE_ERR_CRYPTO, 0, "SHA-256");
    if (!hash_content(w, fd, size, &w->err))
        return false;
    if (EVP_DigestFinal_ex(w->digest, out->sha256, NULL) != 1)
        return mse_fail(&w->err, MSE_ERR_CRYPTO, 0, "SHA-256");
    out->size = size;
    w->unnamed = false;
    return true;
}

/* Every file below the lowest failure has been taken before it, and so is hashed to its end. */
static void lower_stop(struct job *job, size_t index)
{
    size_t now = atomic_load(&job->stop);

    while (index < now && !atomic_compare_exchange_weak(&job->stop, &now, index))
        ;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct job *job = w->job;

    for (;;) {
        size_t index = atomic_fetch_add(&job->next, 1);

        if (index >= atomic_load(&job->stop))
            return NULL;
        if (!hash_one(w, index, &job->out[index])) {
            w->failed = index;
            lower_stop(job, index);
            return NULL;
        }
    }
}

static bool worker_init(struct worker *w, struct job *job)
{
    w->job = job;
    w->failed = SIZE_MAX;
    w->buffer = malloc(BUFFER_SIZE);
    w->digest = EVP_MD_CTX_new();
    return w->buffer != NULL && w->digest != NULL;
}

static void worker_cleanup(struct worker *w)
{
    free(w->buffer);
    EVP_MD_CTX_free(w->digest);
}

static unsigned cores(void)
{
    cpu_set_t set;
    long online;

    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        return (unsigned)CPU_COUNT(&set);
    online = sysconf(_SC_NPROCESSORS_ONLN); /* more processors than the set can hold */
    return online > 0 ? (unsigned)online : 1;
}

static size_t worker_count(size_t files, unsigned threads)
{
    size_t wanted = threads != 0 ? threads : cores();

    if (wanted > MSE_HASH_MAX_THREADS)
        wanted = MSE_HASH_MAX_THREADS;
    return wanted < files ? wanted : files;
}

/* The calling thread is a worker, too. Where no further thread can be had, it does all alone. */
static bool run(struct job *job, struct worker *workers, size_t count, struct mse_error *err)
{
    size_t started = 1;

    if (!worker_init(&workers[0], job)) {
        worker_cleanup(&workers[0]);
        return mse_fail_memory(err);
    }
    while (started < count) {
        struct worker *w = &workers[started];

        if (!worker_init(w, job) || pthread_create(&w->thread, NULL, work, w) != 0) {
            worker_cleanup(w);
            break;
        }
        started++;
    }
    (void)work(&workers[0]);
    for (size_t i = 1; i < started; i++)
        (void)pthread_join(workers[i].thread, NULL);
    for (size_t i = 0; i < started; i++)
        worker_cleanup(&workers[i]);
    return true;
}

static bool fail_first(const struct worker *workers, size_t count, mse_hash_name *name,
                       void *context, struct mse_error *err)
{
    const struct worker *first = &workers[0];

    for (size_t i = 1; i < count; i++) {
        if (workers[i].job != NULL && workers[i].failed < first->failed)
            first = &workers[i];
    }
    if (err->code == MSE_ERR_NONE) {
        *err = first->err;
        if (first->unnamed && name != NULL)
            return mse_fail_in(err, "%s", name(context, first->failed));
        if (first->unnamed)
            return mse_fail_in(err, "file %zu", first->failed);
    }
    return false;
}

bool mse_hash_files_named(size_t count, mse_hash_open *open, mse_hash_name *name, void *context,
                          unsigned threads, struct mse_file_hash *out, struct mse_error *err)
{
    /* Fetched once: a look-up for every file would cost as much as hashing some kilobytes. */
    MSE_CLEANUP(md_cleanup) EVP_MD *sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    struct worker workers[MSE_HASH_MAX_THREADS] = { 0 };
    size_t worker_total = worker_count(count, threads);
    struct job job = { .count = count,
                       .open = open,
                       .context = context,
                       .sha256 = sha256,
                       .out = out,
                       .stop = count };
    bool ok = true;

    if (count == 0)
        return true;
    memset(out, 0, count * sizeof(*out));
    if (sha256 == NULL)
        ok = mse_fail(err, MSE_ERR_CRYPTO, 0, "SHA-256");
    ok = ok && run(&job, workers, worker_total, err);
    if (ok && atomic_load(&job.stop) != count)
        ok = fail_first(workers, worker_total, name, context, err);
    if (!ok)
        memset(out, 0, count * sizeof(*out));
    return ok;
}
