/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flips one bit in every byte of evidence, and of each item of its collateral, and demands that
 * nothing of that is accepted, but where regions.c says why it may be. Everything else stays
 * genuine. Each judgement has a verifier of its own, or, with --warm, one that knows the genuine
 * evidence already, so that its caches are shown to compare everything.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "regions.h"

#define MAX_FILE (4U << 20)
#define MAX_ITEMS 64
#define MAX_THREADS 16

/* What one mutation led to. BROKEN: no report at all, which input must never cause. */
enum result { REFUSED, ACCEPTED, CHANGED, BROKEN };

struct world {
    struct mse_bytes roots;
    struct mse_policy *policy;
    int64_t at;
    bool certificate, warm, evidence_only, collateral_only;
    const char *unknown; /* name of the one check that is unknown for the genuine evidence */
    long threads;
    struct mse_bytes evidence;
    const char *name;
    struct mse_collateral *raw;
    struct needed needed;
    const struct mse_item *items[MAX_ITEMS];
    size_t item_count;
    /* the genuine evidence's */
    enum mse_outcome outcomes[MSE_CHECK_COUNT];
    char *json;
    struct mse_verifier *known; /* with --warm */
};

/* One run over all bytes of one subject; item NULL: the evidence. */
struct pass {
    const struct world *world;
    const struct mse_item *item;
    uint8_t *results;
    struct mse_bytes bytes;
    size_t first, step;
    bool failed;
};

/* ---- one judgement ---- */

static bool new_verifier(const struct world *w, struct mse_verifier **out)
{
    struct mse_verifier_options options = { .simulation_roots = w->roots };
    struct mse_error err = { 0 };

    return mse_verifier_new(&options, out, &err);
}

/* The set with the bytes of one item replaced; item NULL: as it is. */
static bool new_set(const struct world *w, struct mse_verifier *verifier,
                    const struct mse_item *item, struct mse_bytes instead,
                    struct mse_collateral **out)
{
    struct mse_error err = { 0 };
    bool ok = mse_collateral_new(out, &err);

    for (size_t i = 0; ok && i < w->item_count; i++)
        ok = mse_collateral_add_item(*out, w->items[i]->kind,
                                     w->items[i] == item ? instead : w->items[i]->bytes, "item",
                                     w->items[i]->early, &err);
    return ok && mse_collateral_prepare(*out, verifier, &err);
}

static bool is_positive(const struct mse_report *r)
{
    return mse_report_verdict(r) == MSE_VERDICT_PASS ||
           mse_report_verdict(r) == MSE_VERDICT_INCOMPLETE;
}

/* Not worse than the genuine one in any check: that is what acceptance would look like. */
static bool is_as_good(const struct world *w, const struct mse_report *r)
{
    for (int i = 0; i < MSE_CHECK_COUNT; i++) {
        enum mse_outcome outcome = mse_report_outcome(r, (enum mse_check)i);

        if (outcome != w->outcomes[i] && outcome != MSE_OUTCOME_PASSED)
            return false;
    }
    return true;
}

static struct mse_report *judge(const struct world *w, struct mse_verifier *verifier,
                                const struct mse_collateral *set, struct mse_bytes evidence)
{
    struct mse_request request = { .at = w->at };
    struct mse_report *report = NULL;
    struct mse_error err = { 0 };
    char line[1024];

    if (w->certificate)
        request.certificate = evidence;
    else
        request.evidence = evidence;
    if (!mse_verify(verifier, set, w->policy, &request, &report, &err))
        fprintf(stderr, "no report: %s\n", mse_error_describe(&err, line, sizeof(line)));
    return report;
}

/* From "checks" on: before it are verdict and dates, and dates may well depend on unneeded items.
 */
static const char *content_of(const char *json)
{
    const char *checks = strstr(json, "\"checks\"");

    return checks != NULL ? checks : json;
}

static enum result result_of(const struct world *w, struct mse_report *report)
{
    struct mse_error err = { 0 };
    enum result result = REFUSED;
    char *json = NULL;

    if (report == NULL)
        return BROKEN;
    if (is_positive(report) || is_as_good(w, report)) {
        if (!mse_report_write_json(report, &json, &err))
            return BROKEN;
        result = strcmp(content_of(json), content_of(w->json)) == 0 ? ACCEPTED : CHANGED;
        free(json);
    }
    mse_report_free(report);
    return result;
}

/* ---- all bytes of one subject ---- */

static enum result try_evidence(const struct pass *p, const struct mse_collateral *set,
                                struct mse_bytes bytes)
{
    struct mse_verifier *fresh = NULL;
    enum result result = BROKEN;

    if (p->world->warm)
        return result_of(p->world, judge(p->world, p->world->known, set, bytes));
    if (new_verifier(p->world, &fresh))
        result = result_of(p->world, judge(p->world, fresh, set, bytes));
    mse_verifier_free(fresh);
    return result;
}

static enum result try_item(const struct pass *p, struct mse_bytes bytes)
{
    const struct world *w = p->world;
    struct mse_verifier *fresh = NULL, *verifier = w->known;
    struct mse_collateral *set = NULL;
    enum result result = BROKEN;

    if (!w->warm && new_verifier(w, &fresh))
        verifier = fresh;
    if (verifier != NULL && new_set(w, verifier, p->item, bytes, &set))
        result = result_of(w, judge(w, verifier, set, w->evidence));
    mse_collateral_free(set);
    mse_verifier_free(fresh);
    return result;
}

static void *run_pass(void *arg)
{
    struct pass *p = arg;
    struct mse_verifier *verifier = NULL;
    struct mse_collateral *set = NULL;
    uint8_t *copy = malloc(p->bytes.len);

    p->failed = copy == NULL || !new_verifier(p->world, &verifier) ||
                !new_set(p->world, verifier, NULL, (struct mse_bytes){ NULL, 0 }, &set);
    if (!p->failed)
        memcpy(copy, p->bytes.data, p->bytes.len);
    for (size_t i = p->first; !p->failed && i < p->bytes.len; i += p->step) {
        struct mse_bytes bytes = { copy, p->bytes.len };

        copy[i] ^= flipped_bit(i);
        p->results[i] = (uint8_t)(p->item == NULL ? try_evidence(p, set, bytes)
                                                  : try_item(p, bytes));
        copy[i] ^= flipped_bit(i);
    }
    mse_collateral_free(set);
    mse_verifier_free(verifier);
    free(copy);
    return NULL;
}

static bool run_threads(const struct pass *pattern)
{
    struct pass passes[MAX_THREADS];
    pthread_t threads[MAX_THREADS];
    size_t count = (size_t)pattern->world->threads, started = 0;
    bool ok = true;

    for (; started < count; started++) {
        passes[started] = *pattern;
        passes[started].first = started;
        passes[started].step = count;
        if (pthread_create(&threads[started], NULL, run_pass, &passes[started]) != 0)
            break;
    }
    for (size_t i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
        ok = ok && !passes[i].failed;
    }
    return ok && started == count;
}

/* ---- what is printed ---- */

/* True if this byte's result is what was declared; a declared one may be refused all the same. */
static bool is_expected(enum result result, const char *reason)
{
    return result == REFUSED || (result == ACCEPTED && reason != NULL);
}

static size_t print_ranges(const uint8_t *results, const char *const *reason, size_t len)
{
    static const char *const words[] = { "refused", "accepted",
                                         "accepted, and it changes the report", "no report" };
    size_t unexpected = 0;

    for (size_t i = 0, end; i < len; i = end) {
        end = i + 1;
        while (end < len && results[end] == results[i] && reason[end] == reason[i])
            end++;
        if (results[i] == REFUSED)
            continue;
        printf("  bytes %zu to %zu: %s: %s\n", i, end - 1, words[results[i]],
               reason[i] != NULL ? reason[i] : "NOT DECLARED");
        for (size_t k = i; k < end; k++)
            unexpected += is_expected(results[k], reason[k]) ? 0 : 1;
    }
    return unexpected;
}

/* False: something was accepted that must not be. */
static bool mutate(const struct world *w, const struct mse_item *item, const char *title)
{
    struct mse_bytes bytes = item != NULL ? item->bytes : w->evidence;
    const char **reason = calloc(bytes.len, sizeof(*reason));
    uint8_t *results = calloc(bytes.len, 1);
    struct pass pass = { .world = w, .item = item, .results = results, .bytes = bytes };
    size_t unexpected = 1, accepted = 0;

    if (reason != NULL && results != NULL && run_threads(&pass)) {
        if (item != NULL)
            declare_item(item, &w->needed, reason);
        else
            declare_evidence(bytes, w->certificate, w->items, w->item_count, reason);
        for (size_t i = 0; i < bytes.len; i++)
            accepted += results[i] == REFUSED ? 0 : 1;
        printf("%s: %zu bytes, %zu refused, %zu accepted\n", title, bytes.len, bytes.len - accepted,
               accepted);
        unexpected = print_ranges(results, reason, bytes.len);
    }
    free(reason);
    free(results);
    return unexpected == 0;
}

static void item_title(const struct mse_item *item, char *out, size_t size)
{
    static const char *const kinds[] = { "certificate", "CRL", "TCB info", "QE identity" };
    struct mse_error ignored = { 0 };
    struct mse_cert cert;
    char name[96] = "";

    if (item->kind == MSE_ITEM_CERT && mse_cert_parse(item->bytes, &cert, &ignored))
        mse_cert_name_text(cert.subject, name, sizeof(name));
    snprintf(out, size, "%s %.60s", kinds[item->kind], name);
}

static bool mutate_all(const struct world *w)
{
    bool ok = true;

    if (!w->collateral_only)
        ok = mutate(w, NULL, w->name);
    for (size_t i = 0; !w->evidence_only && i < w->item_count; i++) {
        char title[128];

        item_title(w->items[i], title, sizeof(title));
        ok = mutate(w, w->items[i], title) && ok;
    }
    return ok;
}

/* ---- the genuine evidence ---- */

static bool is_genuine(const struct world *w, const struct mse_report *report)
{
    for (int i = 0; i < MSE_CHECK_COUNT; i++) {
        enum mse_check check = (enum mse_check)i;
        enum mse_outcome outcome = mse_report_outcome(report, check);
        bool named = w->unknown != NULL && strcmp(w->unknown, mse_check_name(check)) == 0;

        if (named ? outcome != MSE_OUTCOME_UNKNOWN
                  : outcome == MSE_OUTCOME_UNKNOWN || outcome == MSE_OUTCOME_FAILED ||
                        outcome == MSE_OUTCOME_NOT_RUN) {
            fprintf(stderr, "%s, unchanged: %s: %s: %s\n", w->name, mse_check_name(check),
                    mse_outcome_name(outcome), mse_report_reason(report, check));
            return false;
        }
    }
    return true;
}

static bool take_baseline(struct world *w)
{
    struct mse_verifier *verifier = NULL;
    struct mse_collateral *set = NULL;
    struct mse_report *report = NULL;
    struct mse_error err = { 0 };
    bool ok = new_verifier(w, &verifier) &&
              new_set(w, verifier, NULL, (struct mse_bytes){ NULL, 0 }, &set) &&
              (report = judge(w, verifier, set, w->evidence)) != NULL && is_genuine(w, report) &&
              mse_report_write_json(report, &w->json, &err);

    for (int i = 0; ok && i < MSE_CHECK_COUNT; i++)
        w->outcomes[i] = mse_report_outcome(report, (enum mse_check)i);
    mse_report_free(report);
    mse_collateral_free(set);
    if (ok && w->warm)
        w->known = verifier; /* it has seen the genuine evidence */
    else
        mse_verifier_free(verifier);
    return ok;
}

static bool take_items(struct world *w)
{
    if (!needed_of(w->evidence, w->certificate, &w->needed))
        return false;
    for (size_t i = 0; i < w->raw->count && w->item_count < MAX_ITEMS; i++) {
        if (item_is_needed(w->raw->items[i], &w->needed))
            w->items[w->item_count++] = w->raw->items[i];
    }
    return w->item_count > 0;
}

/* ---- options ---- */

static bool read_file(const char *path, struct mse_bytes *out)
{
    struct mse_error err = { 0 };
    uint8_t *data = NULL;

    *out = (struct mse_bytes){ NULL, 0 };
    if (!mse_file_read(path, MAX_FILE, &data, &out->len, &err))
        return false;
    out->data = data;
    return out->len > 0;
}

static bool add_collateral(struct world *w, const char *path)
{
    struct mse_error err = { 0 };
    struct mse_bytes file;
    bool ok = read_file(path, &file) && mse_collateral_add(w->raw, file, path, &err);

    free((void *)file.data);
    return ok;
}

static bool set_policy(struct world *w, char *setting)
{
    struct mse_error err = { 0 };
    char *value = strchr(setting, '=');

    if (value == NULL)
        return false;
    *value++ = '\0';
    return mse_policy_set(w->policy, setting, value, &err);
}

static bool read_flag(struct world *w, const char *word)
{
    if (strcmp(word, "--warm") == 0)
        w->warm = true;
    else if (strcmp(word, "--evidence-only") == 0)
        w->evidence_only = true;
    else if (strcmp(word, "--collateral-only") == 0)
        w->collateral_only = true;
    else
        return false;
    return true;
}

static bool read_option(struct world *w, const char *word, char *value)
{
    if (strcmp(word, "--evidence") == 0 || strcmp(word, "--certificate") == 0) {
        const char *slash = strrchr(value, '/');

        w->certificate = strcmp(word, "--certificate") == 0;
        w->name = slash != NULL ? slash + 1 : value;
        return read_file(value, &w->evidence);
    }
    if (strcmp(word, "--collateral") == 0)
        return add_collateral(w, value);
    if (strcmp(word, "--simulation-root") == 0)
        return read_file(value, &w->roots);
    if (strcmp(word, "--at") == 0)
        return mse_time_read(value, strlen(value), &w->at);
    if (strcmp(word, "--set") == 0)
        return set_policy(w, value);
    if (strcmp(word, "--unknown") == 0) {
        w->unknown = value;
        return true;
    }
    if (strcmp(word, "--threads") == 0) {
        w->threads = strtol(value, NULL, 10);
        return w->threads > 0 && w->threads <= MAX_THREADS;
    }
    return false;
}

static bool read_options(struct world *w, int argc, char **argv)
{
    struct mse_error err = { 0 };

    w->threads = sysconf(_SC_NPROCESSORS_ONLN);
    if (w->threads < 1 || w->threads > MAX_THREADS)
        w->threads = 1;
    if (!mse_policy_new(&w->policy, &err) || !mse_collateral_new(&w->raw, &err))
        return false;
    for (int i = 1; i < argc; i++) {
        if (read_flag(w, argv[i]))
            continue;
        if (i + 1 == argc || !read_option(w, argv[i], argv[i + 1])) {
            fprintf(stderr, "mutate: cannot use %s %s\n", argv[i], i + 1 < argc ? argv[i + 1] : "");
            return false;
        }
        i++;
    }
    return w->evidence.len > 0;
}

static void cleanup(struct world *w)
{
    needed_cleanup(&w->needed);
    mse_verifier_free(w->known);
    mse_collateral_free(w->raw);
    mse_policy_free(w->policy);
    free((void *)w->evidence.data);
    free((void *)w->roots.data);
    free(w->json);
}

/* 0: nothing undeclared was accepted; 1: something was; 2: it could not be tried. */
int main(int argc, char **argv)
{
    struct world w = { 0 };
    int code = 2;

    if (!read_options(&w, argc, argv))
        fprintf(stderr, "usage: mutate --evidence|--certificate FILE --collateral FILE... --at TIME"
                        " [--simulation-root FILE] [--set KEY=VALUE]... [--unknown CHECK]"
                        " [--warm] [--evidence-only|--collateral-only] [--threads N]\n");
    else if (!take_items(&w) || !take_baseline(&w))
        fprintf(stderr, "mutate: %s is not accepted as it is\n", w.name);
    else
        code = mutate_all(&w) ? 0 : 1;
    cleanup(&w);
    return code;
}
