/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table of peers. Its key is random: addresses are the peer's choice, collisions not. */
#include <stdlib.h>

#include <openssl/rand.h>

#include "enclave/peers.h"

#define SLOTS_MAX 65536U

struct mse_peers {
    uint64_t secret[2];
    uint32_t mask;
    struct mse_peer *slots[];
};

bool mse_peers_new(unsigned connections, struct mse_peers **out, struct mse_error *err)
{
    uint32_t slots = 64;
    struct mse_peers *p;

    *out = NULL;
    while (slots < connections && slots < SLOTS_MAX)
        slots *= 2;
    p = calloc(1, sizeof(*p) + slots * sizeof(p->slots[0]));
    if (p == NULL)
        return mse_fail_memory(err);
    p->mask = slots - 1;
    if (RAND_bytes((uint8_t *)p->secret, sizeof(p->secret)) != 1) {
        free(p);
        return mse_fail(err, MSE_ERR_CRYPTO, 0, "random numbers");
    }
    *out = p;
    return true;
}

void mse_peers_free(struct mse_peers *peers)
{
    free(peers);
}

static bool make_key(const struct sockaddr_storage *address, uint8_t key[static 16])
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    const struct in6_addr *v6 = &((const struct sockaddr_in6 *)address)->sin6_addr;

    memset(key, 0, 16);
    if (address->ss_family == AF_INET) {
        memcpy(key, mapped, sizeof(mapped));
        memcpy(key + 12, &((const struct sockaddr_in *)address)->sin_addr, 4);
        return true;
    }
    if (address->ss_family != AF_INET6)
        return false;
    memcpy(key, v6, IN6_IS_ADDR_V4MAPPED(v6) ? 16 : 8);
    return true;
}

static uint64_t mix(uint64_t h)
{
    h *= 0x9e3779b97f4a7c15; /* 2^64 / golden ratio */
    return h ^ h >> 32;
}

static struct mse_peer **slot_of(struct mse_peers *peers, const uint8_t key[static 16])
{
    uint64_t half[2];

    memcpy(half, key, sizeof(half));
    return &peers->slots[mix(mix(half[0] ^ peers->secret[0]) ^ half[1] ^ peers->secret[1]) &
                         peers->mask];
}

struct mse_peer *mse_peers_take(struct mse_peers *peers, const struct sockaddr_storage *address)
{
    uint8_t key[16];
    struct mse_peer **slot, *p;

    if (!make_key(address, key))
        return NULL;
    slot = slot_of(peers, key);
    for (p = *slot; p != NULL && memcmp(p->key, key, sizeof(key)) != 0;)
        p = p->next;
    if (p == NULL) {
        p = calloc(1, sizeof(*p));
        if (p == NULL)
            return NULL;
        memcpy(p->key, key, sizeof(key));
        mse_list_init(&p->half_open);
        p->next = *slot;
        *slot = p;
    }
    p->connections++;
    return p;
}

void mse_peers_give_back(struct mse_peers *peers, struct mse_peer *peer)
{
    struct mse_peer **at;

    if (peer == NULL || --peer->connections > 0)
        return;
    for (at = slot_of(peers, peer->key); *at != peer;)
        at = &(*at)->next;
    *at = peer->next;
    free(peer);
}
