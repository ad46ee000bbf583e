/* SPDX-License-Identifier: Apache-2.0 */
/* Asking for what is needed: the cache first, then the service; every answer is authenticated. */
#include <stdlib.h>
#include <strings.h>

#include "endorsement/bundle.h"
#include "endorsement/cache.h"
#include "endorsement/fetch_request.h"

#define HTTP_OK 200

void mse_http_reply_cleanup(struct mse_http_reply *reply)
{
    for (size_t i = 0; i < reply->header_count; i++) {
        free(reply->headers[i].name);
        free(reply->headers[i].value);
    }
    free(reply->headers);
    free(reply->body);
    *reply = (struct mse_http_reply){ 0 };
}

const char *mse_http_reply_header(const struct mse_http_reply *reply, const char *name)
{
    for (size_t i = 0; i < reply->header_count; i++) {
        if (strcasecmp(reply->headers[i].name, name) == 0)
            return reply->headers[i].value;
    }
    return NULL;
}

bool mse_fetch_base(const char *base, const char *const *suffixes,
                    char out[static MSE_FETCH_MAX_BASE], struct mse_error *err)
{
    size_t len = base != NULL ? strlen(base) : 0;
    size_t scheme = 0;

    out[0] = '\0';
    if (len > 8 && strncasecmp(base, "https://", 8) == 0)
        scheme = 8;
    else if (len > 7 && strncasecmp(base, "http://", 7) == 0)
        scheme = 7;
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)base[i] <= ' ' || (unsigned char)base[i] >= 0x7f)
            scheme = 0;
    }
    if (scheme == 0 || len >= MSE_FETCH_MAX_BASE || strpbrk(base, "?#\\\"") != NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "url", "%.80s: not the base of an http(s) service",
                             base != NULL ? base : "");
    while (len > scheme && base[len - 1] == '/')
        len--;
    for (size_t i = 0; suffixes[i] != NULL; i++) {
        size_t n = strlen(suffixes[i]);

        if (len > scheme + n && strncmp(base + len - n, suffixes[i], n) == 0) {
            len -= n;
            break;
        }
    }
    while (len > scheme && base[len - 1] == '/')
        len--;
    if (len == scheme)
        return mse_fail_text(err, MSE_ERR_USAGE, "url", "%.80s: no host", base);
    memcpy(out, base, len);
    out[len] = '\0';
    return true;
}

/* ---- one request -------------------------------------------------------------------------- */

struct entry {
    uint8_t *bundle; /* owned; NULL: nothing that can be used */
    size_t len;
    struct mse_fetch_answer answer;
};

static void entry_cleanup(struct entry *entry)
{
    free(entry->bundle);
    *entry = (struct entry){ 0 };
}

/* An entry that cannot be read, or is not authentic under these roots, is as good as none. */
static void look_up(const struct mse_sources *sources, const struct mse_fetch_request *request,
                    const struct mse_collateral *known, struct entry *out)
{
    struct mse_error ignored = { 0 };
    bool found = false;

    if (sources->cache == NULL ||
        !mse_disk_cache_get(sources->cache, request->url, &found, &out->bundle, &out->len,
                            &ignored) ||
        !found)
        return;
    if (!mse_fetch_judge(request, (struct mse_bytes){ out->bundle, out->len }, known,
                         sources->roots, sources->at, &out->answer, &ignored))
        entry_cleanup(out);
}

static bool ask(const struct mse_sources *sources, const struct mse_fetch_request *request,
                const struct mse_collateral *known, struct entry *out, struct mse_error *err)
{
    MSE_CLEANUP(mse_http_reply_cleanup) struct mse_http_reply reply = { 0 };
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer bundle = { 0 };

    if (sources->fetcher == NULL)
        return mse_fail_text(err, MSE_ERR_MISSING, "cache",
                             "nothing usable, and no network to ask");
    if (!sources->fetcher->get(sources->fetcher->arg, request->url, MSE_FETCH_MAX_BODY, &reply,
                               err))
        return mse_fail(err, MSE_ERR_NETWORK, 0, "get");
    if (reply.status != HTTP_OK)
        return mse_fail_text(err, MSE_ERR_HTTP, "status", "%ld", reply.status);
    if (reply.body_len > MSE_FETCH_MAX_BODY)
        return mse_fail(err, MSE_ERR_LIMIT, 0, "body");
    if (!mse_fetch_reply_bundle(request, &reply, &bundle, err) ||
        !mse_fetch_judge(request, mse_writer_bytes(&bundle), known, sources->roots, sources->at,
                         &out->answer, err))
        return false;
    out->bundle = bundle.data;
    out->len = bundle.len;
    bundle = (struct mse_writer){ 0 }; /* moved */
    return true;
}

static bool add(const struct mse_fetch_request *request, const struct entry *entry,
                struct mse_collateral *collateral, struct mse_error *err)
{
    return mse_bundle_read((struct mse_bytes){ entry->bundle, entry->len }, request->url,
                           collateral, err);
}

/*
 * Which of two authentic answers the vendor made later. What it knew of weaknesses counts before
 * dates: an older state of knowledge may be issued anew.
 */
static bool is_newer(const struct mse_fetch_answer *a, const struct mse_fetch_answer *b)
{
    if (a->tcb_eval != b->tcb_eval)
        return a->tcb_eval > b->tcb_eval;
    return a->valid_until > b->valid_until;
}

/* That the cache cannot be written to, say on a read-only disk, takes nothing from this
 * verification. */
static void keep(const struct mse_sources *sources, const struct mse_fetch_request *request,
                 const struct entry *fresh)
{
    struct mse_bytes bundle = { fresh->bundle, fresh->len };
    struct mse_error ignored = { 0 };
    bool kept;

    if (sources->cache == NULL)
        return;
    kept = mse_disk_cache_put(sources->cache, request->url, bundle, &ignored);
    (void)kept;
}

static bool fetch_one(const struct mse_sources *sources, const struct mse_fetch_request *request,
                      struct mse_collateral *collateral, struct mse_error *err)
{
    MSE_CLEANUP(entry_cleanup) struct entry cached = { 0 };
    MSE_CLEANUP(entry_cleanup) struct entry fresh = { 0 };

    look_up(sources, request, collateral, &cached);
    if (cached.bundle != NULL && cached.answer.valid)
        return add(request, &cached, collateral, err);
    if (!ask(sources, request, collateral, &fresh, err)) {
        struct mse_error ignored = { 0 };

        /* Out of date, so no verdict rests on it; but a message can then say since when. */
        (void)(cached.bundle != NULL && add(request, &cached, collateral, &ignored));
        return mse_fail_in(err, "%s", request->url);
    }
    /* A service that hands out an old reply neither displaces a newer one nor hides it. */
    if (cached.bundle != NULL && is_newer(&cached.answer, &fresh.answer))
        return add(request, &cached, collateral, err) && add(request, &fresh, collateral, err);
    keep(sources, request, &fresh);
    return add(request, &fresh, collateral, err);
}

/* Length of "scheme://host:port". */
static size_t origin_len(const char *url)
{
    const char *host = strstr(url, "://");

    return host != NULL ? (size_t)(host - url) + 3 + strcspn(host + 3, "/?#") : strlen(url);
}

static bool same_origin(const char *a, const char *b)
{
    size_t len = origin_len(a);

    return len == origin_len(b) && strncmp(a, b, len) == 0;
}

/*
 * All requests are made, whatever becomes of one, and the first failure is told; but a service that
 * did not answer is not waited for again: for the rest of its replies the cache alone is asked.
 */
static bool fetch_plan(const struct mse_sources *sources, const struct mse_fetch_plan *plan,
                       struct mse_collateral *collateral, struct mse_error *err)
{
    struct mse_sources offline = *sources;
    struct mse_error first = { 0 };
    const char *silent = NULL;

    offline.fetcher = NULL;
    for (size_t i = 0; i < plan->count; i++) {
        const char *url = plan->of[i].url;
        bool ask_it = silent == NULL || !same_origin(silent, url);
        struct mse_error why = { 0 };

        if (fetch_one(ask_it ? sources : &offline, &plan->of[i], collateral, &why))
            continue;
        if (why.code == MSE_ERR_TIMEOUT || why.code == MSE_ERR_NETWORK)
            silent = url;
        if (first.code == MSE_ERR_NONE)
            first = why;
    }
    if (first.code == MSE_ERR_NONE)
        return true;
    if (err->code == MSE_ERR_NONE)
        *err = first;
    return false;
}

/* ---- vendors ------------------------------------------------------------------------------ */

static bool fetch_intel(const struct mse_sources *sources, const struct mse_need *need,
                        struct mse_collateral *collateral, struct mse_error *err)
{
    const char *base = sources->pcs_url != NULL ? sources->pcs_url : MSE_PCS_DEFAULT_URL;
    struct mse_fetch_plan plan;

    return mse_pcs_plan(base, need, &plan, err) && fetch_plan(sources, &plan, collateral, err);
}

static bool fetch_product(const struct mse_sources *sources, const struct mse_need *need,
                          enum mse_snp_product product, struct mse_collateral *collateral,
                          struct mse_error *err)
{
    const char *base = sources->kds_url != NULL ? sources->kds_url : MSE_KDS_DEFAULT_URL;
    struct mse_fetch_plan plan;

    return mse_kds_plan(base, need, product, &plan, err) &&
           fetch_plan(sources, &plan, collateral, err);
}

/*
 * Reports of version 2 exist on Milan and Genoa and do not say on which they were made: the service
 * knows the chip for one of them only.
 */
static bool fetch_unknown_product(const struct mse_sources *sources, const struct mse_need *need,
                                  struct mse_collateral *collateral, struct mse_error *err)
{
    struct mse_error milan = { 0 };
    struct mse_error genoa = { 0 };
    bool is_milan = fetch_product(sources, need, MSE_SNP_MILAN, collateral, &milan);
    bool is_genoa;

    if (is_milan && need->need_vek && !need->vlek)
        return true;
    is_genoa = fetch_product(sources, need, MSE_SNP_GENOA, collateral, &genoa);
    if (is_milan || is_genoa)
        return true;
    if (err->code == MSE_ERR_NONE)
        *err = milan;
    return false;
}

static bool fetch_amd(const struct mse_sources *sources, const struct mse_need *need,
                      struct mse_collateral *collateral, struct mse_error *err)
{
    struct mse_need ask_for = *need;
    bool masked = need->need_vek && !need->vlek &&
                  mse_is_zero(need->chip_id, sizeof(need->chip_id));
    bool ok;

    if (masked)
        ask_for.need_vek = false;
    if (need->product == MSE_SNP_UNKNOWN)
        ok = fetch_unknown_product(sources, &ask_for, collateral, err);
    else
        ok = fetch_product(sources, &ask_for, need->product, collateral, err);
    if (masked)
        return mse_fail_text(err, MSE_ERR_MISSING, "chip_id",
                             "masked by the host: the VCEK has to come with the evidence");
    return ok;
}

bool mse_fetch_needed(const struct mse_sources *sources, const struct mse_need *need,
                      struct mse_collateral *collateral, struct mse_error *err)
{
    bool ok = true;

    if (sources->roots == NULL)
        return mse_fail(err, MSE_ERR_USAGE, 0, "roots");
    if (collateral->prepared)
        return mse_fail_text(err, MSE_ERR_USAGE, "collateral", "is prepared already");
    if (need->intel && !fetch_intel(sources, need, collateral, err))
        ok = false;
    if (need->amd && !fetch_amd(sources, need, collateral, err))
        ok = false;
    return ok;
}
