/* SPDX-License-Identifier: Apache-2.0 */
/* The cache of what was verified: a hash table of fixed size over shared immutable entries. */
#include <pthread.h>
#include <stdlib.h>

#include "appraisal/trust.h"

#define DEFAULT_ENTRIES 256
#define MAX_ENTRIES (1U << 20)
/* A platform takes one entry for its chain and one for its quoting enclave. */
#define SLOTS_PER_ENTRY 2
#define NO_SLOT UINT32_MAX

struct slot {
    struct mse_trusted *trusted; /* NULL: free */
    uint32_t next;               /* in the same bucket */
    bool asked;                  /* since the clock's hand passed */
};

struct mse_trust_cache {
    pthread_mutex_t lock; /* guards all below; held for a comparison at most */
    struct slot *slots;
    uint32_t *buckets;
    uint32_t slot_count, bucket_mask;
    uint32_t used; /* slots [0, used) were taken at some time */
    uint32_t hand; /* of the clock */
    uint64_t last_id;
    /* Everything in here was verified under these roots: bound by the first that is kept. */
    bool bound, simulated;
    size_t root_count;
    uint8_t root_digest[MSE_ROOTS_MAX][32];
};

bool mse_trust_cache_new(size_t entries, struct mse_trust_cache **out, struct mse_error *err)
{
    struct mse_trust_cache *cache;
    uint32_t buckets = 1;

    *out = NULL;
    if (entries == 0)
        entries = DEFAULT_ENTRIES;
    if (entries > MAX_ENTRIES)
        return mse_fail(err, MSE_ERR_LIMIT, 0, "cache entries");
    cache = calloc(1, sizeof(*cache));
    if (cache == NULL)
        return mse_fail_memory(err);
    cache->slot_count = (uint32_t)entries * SLOTS_PER_ENTRY;
    while (buckets < cache->slot_count)
        buckets *= 2;
    cache->bucket_mask = buckets - 1;
    cache->slots = calloc(cache->slot_count, sizeof(cache->slots[0]));
    cache->buckets = malloc(buckets * sizeof(cache->buckets[0]));
    if (cache->slots == NULL || cache->buckets == NULL ||
        pthread_mutex_init(&cache->lock, NULL) != 0) {
        free(cache->slots);
        free(cache->buckets);
        free(cache);
        return mse_fail_memory(err);
    }
    for (uint32_t i = 0; i < buckets; i++)
        cache->buckets[i] = NO_SLOT;
    *out = cache;
    return true;
}

void mse_trust_cache_free(struct mse_trust_cache *cache)
{
    if (cache == NULL)
        return;
    for (uint32_t i = 0; i < cache->used; i++)
        mse_trusted_release(cache->slots[i].trusted);
    pthread_mutex_destroy(&cache->lock);
    free(cache->slots);
    free(cache->buckets);
    free(cache);
}

bool mse_trusted_new(enum mse_trust_kind kind, bool with_chain, struct mse_trusted **out,
                     struct mse_error *err)
{
    struct mse_trusted *t = calloc(1, sizeof(*t));

    *out = NULL;
    if (t == NULL)
        return mse_fail_memory(err);
    atomic_init(&t->references, 1);
    t->kind = kind;
    if (with_chain && (t->chain = calloc(1, sizeof(*t->chain))) == NULL) {
        free(t);
        return mse_fail_memory(err);
    }
    *out = t;
    return true;
}

bool mse_trusted_own_certs(struct mse_trusted *trusted, const struct mse_cert *leaf,
                           const struct mse_cert *ca, struct mse_error *err)
{
    struct mse_trusted_chain *chain = trusted->chain;

    chain->der = malloc(leaf->der.len + ca->der.len);
    if (chain->der == NULL)
        return mse_fail_memory(err);
    memcpy(chain->der, leaf->der.data, leaf->der.len);
    memcpy(chain->der + leaf->der.len, ca->der.data, ca->der.len);
    return mse_cert_parse((struct mse_bytes){ chain->der, leaf->der.len }, &chain->leaf, err) &&
           mse_cert_parse((struct mse_bytes){ chain->der + leaf->der.len, ca->der.len }, &chain->ca,
                          err);
}

void mse_trusted_release(struct mse_trusted *trusted)
{
    if (trusted == NULL || atomic_fetch_sub(&trusted->references, 1) != 1)
        return;
    if (trusted->chain != NULL) {
        mse_key_free(trusted->chain->ca_key);
        free(trusted->chain->der);
        free(trusted->chain);
    }
    mse_key_free(trusted->key);
    free(trusted->lookup);
    free(trusted);
}

void mse_trusted_cleanup(struct mse_trusted **trusted)
{
    mse_trusted_release(*trusted);
}

/* Spreads well and is quick; equality is decided by comparing all bytes, never by this. */
static uint64_t hash_parts(enum mse_trust_kind kind, const struct mse_bytes *parts, size_t count)
{
    uint64_t h = (uint64_t)kind + 1;

    for (size_t i = 0; i < count; i++) {
        const uint8_t *p = parts[i].data;
        size_t left = parts[i].len;

        for (; left > 0;) {
            size_t n = left < sizeof(uint64_t) ? left : sizeof(uint64_t);
            uint64_t word = 0;

            memcpy(&word, p, n);
            h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
            h ^= h >> 29;
            p += n;
            left -= n;
        }
    }
    return h ^ h >> 32;
}

static bool has_parts(const struct mse_trusted *t, const struct mse_bytes *parts, size_t count)
{
    const uint8_t *at = t->lookup;
    size_t left = t->lookup_len;

    for (size_t i = 0; i < count; i++) {
        if (left < parts[i].len ||
            (parts[i].len > 0 && memcmp(at, parts[i].data, parts[i].len) != 0))
            return false;
        at += parts[i].len;
        left -= parts[i].len;
    }
    return left == 0;
}

static bool same_roots(const struct mse_trust_cache *cache, const struct mse_roots *roots)
{
    return cache->bound && cache->simulated == roots->simulated &&
           cache->root_count == roots->count &&
           memcmp(cache->root_digest, roots->key_digest, roots->count * 32) == 0;
}

/* Slot of an entry with these bytes, or NO_SLOT; the lock is held. */
static uint32_t find_slot(const struct mse_trust_cache *cache, enum mse_trust_kind kind,
                          uint64_t hash, const struct mse_bytes *parts, size_t count)
{
    uint32_t i = cache->buckets[hash & cache->bucket_mask];

    for (; i != NO_SLOT; i = cache->slots[i].next) {
        const struct mse_trusted *t = cache->slots[i].trusted;

        if (t->hash == hash && t->kind == kind && has_parts(t, parts, count))
            return i;
    }
    return NO_SLOT;
}

struct mse_trusted *mse_trust_find(struct mse_trust_cache *cache, const struct mse_roots *roots,
                                   enum mse_trust_kind kind, const struct mse_bytes *parts,
                                   size_t count)
{
    struct mse_trusted *found = NULL;
    uint64_t hash;

    if (cache == NULL)
        return NULL;
    hash = hash_parts(kind, parts, count);
    if (pthread_mutex_lock(&cache->lock) != 0)
        return NULL;
    if (same_roots(cache, roots)) {
        uint32_t i = find_slot(cache, kind, hash, parts, count);

        if (i != NO_SLOT) {
            cache->slots[i].asked = true;
            found = cache->slots[i].trusted;
            atomic_fetch_add(&found->references, 1);
        }
    }
    pthread_mutex_unlock(&cache->lock);
    return found;
}

static void unlink_slot(struct mse_trust_cache *cache, uint32_t victim)
{
    uint32_t *link = &cache->buckets[cache->slots[victim].trusted->hash & cache->bucket_mask];

    while (*link != victim)
        link = &cache->slots[*link].next;
    *link = cache->slots[victim].next;
}

/* A free slot; what was in it goes to *evicted, to be released outside the lock. */
static uint32_t take_slot(struct mse_trust_cache *cache, struct mse_trusted **evicted)
{
    uint32_t i;

    if (cache->used < cache->slot_count)
        return cache->used++;
    /* Ends within two rounds: the first clears every mark. */
    while (cache->slots[cache->hand].asked) {
        cache->slots[cache->hand].asked = false;
        cache->hand = (cache->hand + 1) % cache->slot_count;
    }
    i = cache->hand;
    cache->hand = (cache->hand + 1) % cache->slot_count;
    unlink_slot(cache, i);
    *evicted = cache->slots[i].trusted;
    return i;
}

static bool bind_roots(struct mse_trust_cache *cache, const struct mse_roots *roots)
{
    if (!cache->bound) {
        cache->bound = true;
        cache->simulated = roots->simulated;
        cache->root_count = roots->count;
        memcpy(cache->root_digest, roots->key_digest, roots->count * 32);
    }
    return same_roots(cache, roots);
}

static bool set_lookup(struct mse_trusted *t, const struct mse_bytes *parts, size_t count)
{
    size_t at = 0;

    for (size_t i = 0; i < count; i++)
        t->lookup_len += parts[i].len;
    t->lookup = malloc(t->lookup_len + 1);
    if (t->lookup == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len > 0)
            memcpy(t->lookup + at, parts[i].data, parts[i].len);
        at += parts[i].len;
    }
    t->hash = hash_parts(t->kind, parts, count);
    return true;
}

void mse_trust_keep(struct mse_trust_cache *cache, const struct mse_roots *roots,
                    struct mse_trusted *trusted, const struct mse_bytes *parts, size_t count)
{
    struct mse_trusted *evicted = NULL;

    if (cache == NULL || !set_lookup(trusted, parts, count) ||
        pthread_mutex_lock(&cache->lock) != 0)
        return;
    /* Another thread may have been quicker: one entry is enough. */
    if (bind_roots(cache, roots) &&
        find_slot(cache, trusted->kind, trusted->hash, parts, count) == NO_SLOT) {
        uint32_t i = take_slot(cache, &evicted);
        uint32_t *bucket = &cache->buckets[trusted->hash & cache->bucket_mask];

        trusted->id = ++cache->last_id;
        atomic_fetch_add(&trusted->references, 1);
        cache->slots[i] = (struct slot){ .trusted = trusted, .next = *bucket };
        *bucket = i;
    }
    pthread_mutex_unlock(&cache->lock);
    mse_trusted_release(evicted);
}
