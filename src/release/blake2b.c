/* SPDX-License-Identifier: Apache-2.0 */
/* BLAKE2b (RFC 7693), in one call, without a key. */
#include "release/blake2b.h"

#include <openssl/crypto.h>

#define BLOCK 128
#define WORDS 16
#define ROUNDS 12

struct state {
    uint64_t h[8];
    uint64_t v[WORDS];
    uint64_t m[WORDS];
};

/* RFC 7693, 2.6: those of SHA-512. */
static const uint64_t iv[8] = {
    UINT64_C(0x6a09e667f3bcc908), UINT64_C(0xbb67ae8584caa73b), UINT64_C(0x3c6ef372fe94f82b),
    UINT64_C(0xa54ff53a5f1d36f1), UINT64_C(0x510e527fade682d1), UINT64_C(0x9b05688c2b3e6c1f),
    UINT64_C(0x1f83d9abfb41bd6b), UINT64_C(0x5be0cd19137e2179),
};

/* RFC 7693, 2.7; rounds 10 and 11 begin again. */
static const uint8_t sigma[10][WORDS] = {
    { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
    { 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3 },
    { 11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4 },
    { 7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8 },
    { 9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13 },
    { 2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9 },
    { 12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11 },
    { 13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10 },
    { 6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5 },
    { 10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0 },
};

static uint64_t rotate(uint64_t x, unsigned n)
{
    return x >> n | x << (64 - n);
}

static uint64_t load(const uint8_t *p)
{
    uint64_t x = 0;

    for (unsigned i = 0; i < 8; i++)
        x |= (uint64_t)p[i] << (8 * i);
    return x;
}

/* RFC 7693, 3.1 */
static void mix(uint64_t *v, unsigned a, unsigned b, unsigned c, unsigned d, uint64_t x, uint64_t y)
{
    v[a] += v[b] + x;
    v[d] = rotate(v[d] ^ v[a], 32);
    v[c] += v[d];
    v[b] = rotate(v[b] ^ v[c], 24);
    v[a] += v[b] + y;
    v[d] = rotate(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = rotate(v[b] ^ v[c], 63);
}

static void round_of(struct state *s, const uint8_t order[static WORDS])
{
    for (unsigned i = 0; i < 4; i++)
        mix(s->v, i, 4 + i, 8 + i, 12 + i, s->m[order[2 * i]], s->m[order[2 * i + 1]]);
    for (unsigned i = 0; i < 4; i++)
        mix(s->v, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, s->m[order[8 + 2 * i]],
            s->m[order[9 + 2 * i]]);
}

/* RFC 7693, 3.2; total: bytes up to the end of this block. */
static void compress(struct state *s, const uint8_t block[static BLOCK], uint64_t total, bool last)
{
    for (unsigned i = 0; i < WORDS; i++)
        s->m[i] = load(block + 8 * i);
    memcpy(s->v, s->h, sizeof(s->h));
    memcpy(s->v + 8, iv, sizeof(iv));
    s->v[12] ^= total;
    if (last)
        s->v[14] = ~s->v[14];
    for (unsigned i = 0; i < ROUNDS; i++)
        round_of(s, sigma[i % 10]);
    for (unsigned i = 0; i < 8; i++)
        s->h[i] ^= s->v[i] ^ s->v[8 + i];
}

void mse_blake2b(struct mse_bytes in, uint8_t *out, size_t out_len)
{
    struct state s = { 0 };
    uint8_t last[BLOCK] = { 0 };
    size_t at = 0;

    memcpy(s.h, iv, sizeof(iv));
    s.h[0] ^= UINT64_C(0x01010000) ^ out_len; /* no key, fanout 1, depth 1 */
    for (; in.len - at > BLOCK; at += BLOCK)
        compress(&s, in.data + at, at + BLOCK, false);
    if (in.len > at)
        memcpy(last, in.data + at, in.len - at);
    compress(&s, last, in.len, true);
    for (size_t i = 0; i < out_len; i++)
        out[i] = (uint8_t)(s.h[i / 8] >> (8 * (i % 8)));
    OPENSSL_cleanse(&s, sizeof(s));
    OPENSSL_cleanse(last, sizeof(last));
}
