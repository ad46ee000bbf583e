/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a verification costs beyond its signatures. "unit" is one P-256 check with the key ready;
 * cold: nothing is known but the pinned root; warm: collateral and chain are known, the quoting
 * enclave's report is new; known: that is known too.
 */
#include <stdio.h>
#include <stdlib.h>

#include <malloc.h>
#include <sys/resource.h>

#include "bench_evidence.h"

#define LEVELS 15
#define ROUNDS 800
#define QUOTES 64    /* with different attestation keys: more than the small cache holds */
#define SIGNATURES 8 /* the time of a check depends on the signature a little */

/* ---- Intel ---- */

struct intel_job {
    struct test_intel *t;
    struct mse_trust_cache *cache;
    const struct mse_collateral *collateral;
    const struct test_blob *quotes;
    size_t count, next;
};

static bool verify_quote(struct mse_trust_cache *cache, const struct mse_roots *roots,
                         const struct mse_collateral *collateral, struct mse_bytes quote)
{
    struct mse_checks checks = { 0 };
    struct mse_appraisal appraisal = { 0 };
    struct mse_quote parsed;
    struct mse_error err = { 0 };

    if (!mse_quote_parse(quote, MSE_PADDING_ZERO, &parsed, &err) ||
        !mse_dcap_appraise(cache, roots, collateral, &parsed, TEST_NOW, &checks, &appraisal, &err))
        return false;
    for (int i = MSE_CHECK_CHAIN; i <= MSE_CHECK_COLLATERAL; i++) {
        if (checks.of[i].outcome != MSE_OUTCOME_PASSED)
            return false;
    }
    return appraisal.tcb.status == MSE_TCB_UP_TO_DATE;
}

/* Raw bytes of a set, to be added and authenticated anew each time. */
static bool run_cold(void *arg)
{
    const struct intel_job *j = arg;
    const struct mse_collateral *raw = j->collateral;
    struct mse_trust_cache *cache = NULL;
    struct mse_collateral *fresh = NULL;
    struct mse_error err = { 0 };
    bool ok = mse_trust_cache_new(0, &cache, &err) && mse_collateral_new(&fresh, &err);

    for (size_t i = 0; ok && i < raw->count; i++)
        ok = mse_collateral_add_item(fresh, raw->items[i]->kind, raw->items[i]->bytes, "bench",
                                     false, &err);
    ok = ok && mse_collateral_authenticate(fresh, &j->t->roots, &err) &&
         verify_quote(cache, &j->t->roots, fresh, test_bytes(&j->quotes[0]));
    mse_collateral_free(fresh);
    mse_trust_cache_free(cache);
    return ok;
}

static bool run_prepare(void *arg)
{
    const struct intel_job *j = arg;
    struct mse_collateral *fresh = NULL;
    struct mse_error err = { 0 };
    bool ok = mse_collateral_new(&fresh, &err);

    for (size_t i = 0; ok && i < j->collateral->count; i++)
        ok = mse_collateral_add_item(fresh, j->collateral->items[i]->kind,
                                     j->collateral->items[i]->bytes, "bench", false, &err);
    ok = ok && mse_collateral_authenticate(fresh, &j->t->roots, &err);
    mse_collateral_free(fresh);
    return ok;
}

/* The next quote each time: with more quotes than places in the cache, its QE report is new. */
static bool run_next(void *arg)
{
    struct intel_job *j = arg;
    const struct test_blob *quote = &j->quotes[j->next];

    j->next = (j->next + 1) % j->count;
    return verify_quote(j->cache, &j->t->roots, j->collateral, test_bytes(quote));
}

static void make_quotes(struct test_intel *t, struct test_blob *quotes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        EVP_PKEY_free(t->att_key);
        t->att_key = test_key_p256();
        test_intel_make_quote(t);
        quotes[i] = test_copy(test_bytes(&t->quote));
    }
}

static struct mse_trust_cache *new_cache(size_t entries)
{
    struct mse_trust_cache *cache = NULL;
    struct mse_error err = { 0 };

    if (!mse_trust_cache_new(entries, &cache, &err))
        exit(2);
    return cache;
}

static void put(const char *name, const char *what, double value, const char *unit, double bar)
{
    char full[64];

    snprintf(full, sizeof(full), "%s_%s", name, what);
    bench_figure(full, value, unit, bar);
}

static void measure_rates(const char *name, struct intel_job *known)
{
    struct intel_job second = *known;
    struct bench_job jobs[] = { { run_next, known }, { run_next, &second } };

    put(name, "known_rate_1_thread", bench_rate(jobs, 1, 1.0), "per_second", BENCH_NO_BAR);
    put(name, "known_rate_2_threads", bench_rate(jobs, 2, 1.0), "per_second", BENCH_NO_BAR);
}

static void measure_intel(const char *name, bool tdx, unsigned version, bool rates)
{
    struct test_intel *t = bench_intel(tdx, version, LEVELS);
    struct test_blob quotes[QUOTES];
    struct intel_job cold = { .t = t, .quotes = quotes, .count = 1 };
    struct intel_job warm, known;
    struct bench_job unit = bench_p256();

    make_quotes(t, quotes, QUOTES);
    test_intel_make_collateral(t, false);
    cold.collateral = t->collateral;
    put(name, "cold", bench_cost((struct bench_job){ run_cold, &cold }, unit, ROUNDS), "units",
        1.25 * 9);
    test_intel_make_collateral(t, true);
    warm = known = cold;
    warm.collateral = known.collateral = t->collateral;
    warm.count = QUOTES;
    warm.cache = new_cache(2);
    put(name, "warm", bench_cost((struct bench_job){ run_next, &warm }, unit, ROUNDS), "units",
        1.15 * 2);
    known.cache = new_cache(0);
    put(name, "known", bench_cost((struct bench_job){ run_next, &known }, unit, ROUNDS), "units",
        1.15);
    if (rates) {
        put(name, "cold_rate_1_thread", bench_rate(&(struct bench_job){ run_cold, &known }, 1, 1.0),
            "per_second", BENCH_NO_BAR);
        measure_rates(name, &known);
    }
    mse_trust_cache_free(warm.cache);
    mse_trust_cache_free(known.cache);
    for (size_t i = 0; i < QUOTES; i++)
        test_blob_free(&quotes[i]);
    test_intel_free(t);
}

/* ---- AMD ---- */

struct amd_job {
    struct test_amd *t;
    uint8_t reports[SIGNATURES][MSE_SNP_REPORT_SIZE]; /* the same, signed anew */
    size_t next;
    struct mse_trust_cache *cache; /* NULL: a new one each time */
    struct mse_snp_certs certs;
};

static bool run_snp(void *arg)
{
    struct amd_job *j = arg;
    const uint8_t *raw = j->reports[j->next++ % SIGNATURES];
    struct mse_trust_cache *cache = j->cache != NULL ? j->cache : new_cache(0);
    struct mse_checks checks = { 0 };
    struct mse_appraisal appraisal = { 0 };
    struct mse_snp_report report;
    struct mse_error err = { 0 };
    bool ok = mse_snp_report_parse((struct mse_bytes){ raw, MSE_SNP_REPORT_SIZE }, &report, &err) &&
              mse_snp_appraise(cache, &j->t->roots, NULL, &report, &j->certs, TEST_NOW, &checks,
                               &appraisal, &err);

    if (j->cache == NULL)
        mse_trust_cache_free(cache);
    return ok && checks.of[MSE_CHECK_CHAIN].outcome == MSE_OUTCOME_PASSED &&
           checks.of[MSE_CHECK_SIGNATURE].outcome == MSE_OUTCOME_PASSED &&
           checks.of[MSE_CHECK_COLLATERAL].outcome == MSE_OUTCOME_PASSED;
}

static void measure_amd(void)
{
    struct amd_job j = { .t = bench_amd(false), .certs.count = 2 };
    struct bench_job job = { run_snp, &j };

    j.certs.of[0] = (struct mse_snp_cert){ MSE_SNP_CERT_VCEK, test_bytes(&j.t->vek_der) };
    j.certs.of[1] = (struct mse_snp_cert){ MSE_SNP_CERT_ASK, test_bytes(&j.t->ask_der) };
    for (size_t i = 0; i < SIGNATURES; i++) {
        test_amd_sign_report(j.t);
        memcpy(j.reports[i], j.t->report, MSE_SNP_REPORT_SIZE);
    }
    bench_figure("snp_cold", bench_cost(job, bench_snp_floor(), ROUNDS / 4), "of_floor", 1.15);
    bench_figure("snp_cold_units", bench_cost(job, bench_p256(), ROUNDS / 4), "units",
                 BENCH_NO_BAR);
    j.cache = new_cache(0);
    bench_figure("snp_warm", bench_cost(job, bench_p384(), ROUNDS / 4), "of_p384", 1.05);
    bench_figure("snp_warm_units", bench_cost(job, bench_p256(), ROUNDS / 4), "units",
                 BENCH_NO_BAR);
    mse_trust_cache_free(j.cache);
    test_amd_free(j.t);
}

/* ---- size ---- */

static void measure_growth(const char *name, size_t n, struct test_intel *t)
{
    struct intel_job j = { .t = t, .quotes = &t->quote, .count = 1, .cache = new_cache(0) };
    char what[32];

    test_intel_make_collateral(t, true);
    j.collateral = t->collateral;
    snprintf(what, sizeof(what), "%zu", n);
    put(name, what, bench_cost((struct bench_job){ run_next, &j }, bench_p256(), ROUNDS / 4),
        "units", BENCH_NO_BAR);
    snprintf(what, sizeof(what), "%zu_prepare", n);
    put(name, what, 1e3 * bench_seconds((struct bench_job){ run_prepare, &j }, n > 10000 ? 3 : 30),
        "ms", BENCH_NO_BAR);
    mse_trust_cache_free(j.cache);
}

static void measure_crl_sizes(void)
{
    for (size_t n = 1; n <= 100000; n *= 10) {
        struct test_intel *t = bench_intel(false, 3, LEVELS);

        t->ca_crl_der = bench_crl(t, n);
        measure_growth("crl_entries", n, t);
        test_intel_free(t);
    }
}

static void measure_level_counts(void)
{
    for (size_t n = 1; n <= 100; n *= 10) {
        struct test_intel *t = bench_intel(false, 3, n);

        measure_growth("tcb_levels", n, t);
        test_intel_free(t);
    }
}

static double peak_rss(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

int main(void)
{
    /* A server keeps its memory. Giving it back after every run would measure the kernel. */
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    bench_figure("unit", 1e6 * bench_seconds(bench_p256(), 200), "us", BENCH_NO_BAR);
    bench_figure("p384", 1e6 * bench_seconds(bench_p384(), 50), "us", BENCH_NO_BAR);
    measure_intel("sgx_v3", false, 3, true);
    measure_intel("tdx_v4", true, 4, false);
    measure_intel("tdx_v5", true, 5, false);
    bench_figure("peak_rss", peak_rss(), "MiB", BENCH_NO_BAR);
    measure_amd();
    measure_level_counts();
    measure_crl_sizes();
    bench_figure("peak_rss_large_crl", peak_rss(), "MiB", BENCH_NO_BAR);
    return bench_all_ok() ? 0 : 1;
}
