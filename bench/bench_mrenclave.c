/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MRENCLAVE of an enclave of 8 GiB and 256 threads, compared with what it cannot do without: one
 * SHA-256 over as many bytes as are in its stream.
 */
#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>
#include <sys/resource.h>

#include "bench_clock.h"
#include "measure/enclave.h"

#define ROUNDS 15
#define CHAIN_STEP (1U << 16)
#define PAL_SIZE 0x60000U
#define MANIFEST_SIZE 400000U

struct job {
    struct mse_bytes manifest;
    struct mse_pal pal;
    struct mse_enclave_settings settings;
    uint64_t stream_bytes;
    uint8_t *data; /* for the bare chain */
};

static bool run_measure(void *arg)
{
    const struct job *j = arg;
    struct mse_error err = { 0 };
    uint8_t mrenclave[32];

    return mse_enclave_measure(j->manifest, &j->pal, &j->settings, mrenclave, NULL, &err);
}

static bool run_chain(void *arg)
{
    const struct job *j = arg;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t digest[32];
    bool ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;

    for (uint64_t done = 0; ok && done < j->stream_bytes;) {
        uint64_t left = j->stream_bytes - done;
        size_t step = left < CHAIN_STEP ? (size_t)left : CHAIN_STEP;

        ok = EVP_DigestUpdate(ctx, j->data, step) == 1;
        done += step;
    }
    ok = ok && EVP_DigestFinal_ex(ctx, digest, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

static uint8_t *noise(size_t len)
{
    uint8_t *data = malloc(len);

    if (data == NULL)
        exit(2);
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)(i * 131 >> 3);
    return data;
}

/* Counts its bytes, too. */
static void count_stream(struct job *j)
{
    struct mse_enclave_layout layout = { 0 };
    struct mse_error err = { 0 };
    uint8_t mrenclave[32];

    if (!mse_enclave_measure(j->manifest, &j->pal, &j->settings, mrenclave, &layout, &err)) {
        fprintf(stderr, "bench: %s: %s\n", err.field, err.text);
        exit(2);
    }
    j->stream_bytes = layout.blocks * 64;
    mse_enclave_layout_cleanup(&layout);
}

static struct job make_job(uint64_t size, uint32_t threads, bool edmm)
{
    struct job j = { .settings = { .size = size, .max_threads = threads, .edmm = edmm } };

    j.data = noise(MANIFEST_SIZE + PAL_SIZE);
    j.manifest = (struct mse_bytes){ j.data, MANIFEST_SIZE };
    j.pal.file = (struct mse_bytes){ j.data + MANIFEST_SIZE, PAL_SIZE };
    j.pal.entry = 0x1000;
    j.pal.segments[0] = (struct mse_pal_segment){
        .vaddr = 0, .memsz = PAL_SIZE - 0x8000, .filesz = PAL_SIZE - 0x8000, .flags = 5
    };
    j.pal.segments[1] = (struct mse_pal_segment){ .vaddr = PAL_SIZE - 0x8000,
                                                  .memsz = 0x10000,
                                                  .filesz = 0x8000,
                                                  .offset = PAL_SIZE - 0x8000,
                                                  .flags = 6 };
    j.pal.segment_count = 2;
    count_stream(&j);
    return j;
}

static void measure(const char *name, uint64_t size, uint32_t threads, bool edmm)
{
    struct job j = make_job(size, threads, edmm);
    struct bench_job job = { run_measure, &j }, chain = { run_chain, &j };
    char full[64];

    snprintf(full, sizeof(full), "mrenclave_%s", name);
    bench_figure(full, bench_cost(job, chain, ROUNDS), "of_sha256_chain", 1.1);
    snprintf(full, sizeof(full), "mrenclave_%s_time", name);
    bench_figure(full, 1e3 * bench_seconds(job, ROUNDS), "ms", BENCH_NO_BAR);
    free(j.data);
}

int main(void)
{
    struct rusage usage;

    measure("8g_256_threads", UINT64_C(8) << 30, 256, false);
    measure("8g_4_threads", UINT64_C(8) << 30, 4, false);
    measure("8g_edmm_256_threads", UINT64_C(8) << 30, 256, true);
    measure("256m_4_threads", UINT64_C(256) << 20, 4, false);
    getrusage(RUSAGE_SELF, &usage);
    bench_figure("mrenclave_peak_memory", (double)usage.ru_maxrss / 1024, "MB", 16);
    return bench_all_ok() ? 0 : 1;
}
