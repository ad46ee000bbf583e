/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records are built in large batches. Hashing is one serial chain, so what counts is to keep it
 * fed: of a record that was used before only the offset is written anew.
 */
#include "measure/page_stream.h"

#include <endian.h>
#include <stdlib.h>

#include <openssl/evp.h>

#define RECORD 64U
#define PAGE 4096U
#define CHUNK 256U /* measured by one EEXTEND */
#define CHUNKS (PAGE / CHUNK)
#define PAGE_RECORDS (RECORD + CHUNKS * (RECORD + CHUNK)) /* bytes */
#define BATCH_PAGES 20U
#define BATCH_UNMEASURED 1600U

struct mse_page_stream {
    EVP_MD_CTX *hash, *copy;
    bool failed;
    uint64_t added, measured;
    size_t used;               /* pages in the batch */
    bool is_zero[BATCH_PAGES]; /* the data of this place in the batch is */
    uint8_t batch[BATCH_PAGES][PAGE_RECORDS];
    uint8_t unmeasured[BATCH_UNMEASURED][RECORD];
};

/* One store: byte by byte this would cost a twentieth of the hash. */
static void put_u64(uint8_t *at, uint64_t value)
{
    const uint64_t little = htole64(value);

    memcpy(at, &little, sizeof(little));
}

static void update(struct mse_page_stream *s, const void *data, size_t len)
{
    if (!s->failed && EVP_DigestUpdate(s->hash, data, len) != 1)
        s->failed = true;
}

static void flush(struct mse_page_stream *s)
{
    update(s, s->batch, s->used * PAGE_RECORDS);
    s->used = 0;
}

/* What stays the same in every batch. */
static void prepare(struct mse_page_stream *s)
{
    for (size_t i = 0; i < BATCH_PAGES; i++) {
        memcpy(s->batch[i], "EADD\0\0\0", 8);
        for (size_t c = 0; c < CHUNKS; c++)
            memcpy(s->batch[i] + RECORD + c * (RECORD + CHUNK), "EEXTEND", 8);
        s->is_zero[i] = true;
    }
    for (size_t i = 0; i < BATCH_UNMEASURED; i++)
        memcpy(s->unmeasured[i], "EADD\0\0\0", 8);
}

static void create(struct mse_page_stream *s, uint64_t enclave_size, uint32_t ssa_frame_pages)
{
    uint8_t record[RECORD] = "ECREATE";

    put_u64(record + 8, ssa_frame_pages); /* 32 bits; the size follows them directly */
    put_u64(record + 12, enclave_size);
    update(s, record, sizeof(record));
}

bool mse_page_stream_new(uint64_t enclave_size, uint32_t ssa_frame_pages,
                         struct mse_page_stream **out, struct mse_error *err)
{
    struct mse_page_stream *s = calloc(1, sizeof(*s));

    *out = NULL;
    if (s == NULL)
        return mse_fail_memory(err);
    s->hash = EVP_MD_CTX_new();
    s->copy = EVP_MD_CTX_new();
    if (s->hash == NULL || s->copy == NULL || EVP_DigestInit_ex(s->hash, EVP_sha256(), NULL) != 1) {
        mse_page_stream_free(s);
        return mse_fail_text(err, MSE_ERR_CRYPTO, "SHA-256", "cannot be set up");
    }
    prepare(s);
    create(s, enclave_size, ssa_frame_pages);
    *out = s;
    return true;
}

void mse_page_stream_free(struct mse_page_stream *s)
{
    if (s == NULL)
        return;
    EVP_MD_CTX_free(s->hash);
    EVP_MD_CTX_free(s->copy);
    free(s);
}

void mse_page_stream_cleanup(struct mse_page_stream **s)
{
    mse_page_stream_free(*s);
}

void mse_page_stream_add(struct mse_page_stream *s, uint64_t offset, uint64_t flags,
                         const uint8_t *page)
{
    uint8_t *at = s->batch[s->used];

    put_u64(at + 8, offset);
    put_u64(at + 16, flags);
    at += RECORD;
    for (size_t c = 0; c < CHUNKS; c++, at += RECORD + CHUNK) {
        put_u64(at + 8, offset + c * CHUNK);
        if (page != NULL)
            memcpy(at + RECORD, page + c * CHUNK, CHUNK);
        else if (!s->is_zero[s->used])
            memset(at + RECORD, 0, CHUNK);
    }
    s->is_zero[s->used] = page == NULL;
    s->added++;
    s->measured++;
    if (++s->used == BATCH_PAGES)
        flush(s);
}

void mse_page_stream_add_unmeasured(struct mse_page_stream *s, uint64_t start, uint64_t pages,
                                    uint64_t flags)
{
    flush(s);
    for (size_t i = 0; i < BATCH_UNMEASURED; i++)
        put_u64(s->unmeasured[i] + 16, flags);
    for (uint64_t done = 0; done < pages && !s->failed;) {
        size_t count = pages - done < BATCH_UNMEASURED ? (size_t)(pages - done) : BATCH_UNMEASURED;

        for (size_t i = 0; i < count; i++)
            put_u64(s->unmeasured[i] + 8, start + (done + i) * PAGE);
        update(s, s->unmeasured, count * RECORD);
        done += count;
    }
    s->added += pages;
}

bool mse_page_stream_digest(struct mse_page_stream *s, uint8_t out[static 32],
                            struct mse_error *err)
{
    memset(out, 0, 32);
    flush(s);
    if (s->failed || EVP_MD_CTX_copy_ex(s->copy, s->hash) != 1 ||
        EVP_DigestFinal_ex(s->copy, out, NULL) != 1) {
        memset(out, 0, 32);
        return mse_fail_text(err, MSE_ERR_CRYPTO, "SHA-256", "cannot be computed");
    }
    return true;
}

uint64_t mse_page_stream_added(const struct mse_page_stream *s)
{
    return s->added;
}

uint64_t mse_page_stream_measured(const struct mse_page_stream *s)
{
    return s->measured;
}

uint64_t mse_page_stream_blocks(const struct mse_page_stream *s)
{
    return 1 + s->measured * (PAGE_RECORDS / RECORD) + (s->added - s->measured);
}
