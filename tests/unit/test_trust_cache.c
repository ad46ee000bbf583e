/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>

#include <cmocka.h>

#include "appraisal/trust.h"

static struct mse_roots roots = { .count = 1 };

static struct mse_trust_cache *new_cache(size_t entries)
{
    struct mse_trust_cache *cache;
    struct mse_error err = { 0 };

    assert_true(mse_trust_cache_new(entries, &cache, &err));
    return cache;
}

static void keep(struct mse_trust_cache *cache, enum mse_trust_kind kind, uint32_t number)
{
    struct mse_bytes part = { (const uint8_t *)&number, sizeof(number) };
    struct mse_error err = { 0 };
    struct mse_trusted *t;

    assert_true(mse_trusted_new(kind, true, &t, &err));
    mse_trust_keep(cache, &roots, t, &part, 1);
    mse_trusted_release(t);
}

static bool finds(struct mse_trust_cache *cache, enum mse_trust_kind kind, uint32_t number)
{
    struct mse_bytes part = { (const uint8_t *)&number, sizeof(number) };
    struct mse_trusted *t = mse_trust_find(cache, &roots, kind, &part, 1);
    bool found = t != NULL;

    mse_trusted_release(t);
    return found;
}

static void only_what_was_kept_is_found(void **state)
{
    struct mse_trust_cache *cache = new_cache(4);

    (void)state;
    assert_false(finds(cache, MSE_TRUST_PCK_CHAIN, 1));
    keep(cache, MSE_TRUST_PCK_CHAIN, 1);
    assert_true(finds(cache, MSE_TRUST_PCK_CHAIN, 1));
    assert_false(finds(cache, MSE_TRUST_PCK_CHAIN, 2));
    assert_false(finds(cache, MSE_TRUST_VEK_CHAIN, 1));
    mse_trust_cache_free(cache);
    assert_false(finds(NULL, MSE_TRUST_PCK_CHAIN, 1));
}

static void parts_are_compared_to_the_last_byte(void **state)
{
    static const uint8_t data[] = "0123456789abcdef0123456789abcdef";
    struct mse_trust_cache *cache = new_cache(4);
    struct mse_bytes parts[2] = { { data, 13 }, { data + 13, 19 } };
    struct mse_error err = { 0 };
    struct mse_trusted *t;
    uint8_t changed[32];

    (void)state;
    assert_true(mse_trusted_new(MSE_TRUST_QE_REPORT, false, &t, &err));
    mse_trust_keep(cache, &roots, t, parts, 2);
    mse_trusted_release(t);
    for (size_t i = 0; i < sizeof(changed); i++) {
        struct mse_bytes other[2] = { { changed, 13 }, { changed + 13, 19 } };

        memcpy(changed, data, sizeof(changed));
        t = mse_trust_find(cache, &roots, MSE_TRUST_QE_REPORT, other, 2);
        assert_non_null(t);
        mse_trusted_release(t);
        changed[i] ^= 1;
        assert_null(mse_trust_find(cache, &roots, MSE_TRUST_QE_REPORT, other, 2));
    }
    parts[1].len--;
    assert_null(mse_trust_find(cache, &roots, MSE_TRUST_QE_REPORT, parts, 2));
    mse_trust_cache_free(cache);
}

/*
 * The hash spreads, it does not protect: whoever knows it finds two strings with one hash. Two
 * words of the second string are chosen so that the state is the first one's again.
 */
static uint64_t mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

static void equal_hashes_are_not_equal_strings(void **state)
{
    struct mse_trust_cache *cache = new_cache(4);
    uint64_t start = (uint64_t)MSE_TRUST_PCK_CHAIN + 1;
    uint64_t a[2] = { 1, 2 }, b[2] = { 3, mix(start, 1) ^ 2 ^ mix(start, 3) };
    struct mse_bytes of_a = { (const uint8_t *)a, sizeof(a) };
    struct mse_bytes of_b = { (const uint8_t *)b, sizeof(b) };
    struct mse_error err = { 0 };
    struct mse_trusted *t, *other;

    (void)state;
    assert_true(mse_trusted_new(MSE_TRUST_PCK_CHAIN, false, &t, &err));
    mse_trust_keep(cache, &roots, t, &of_a, 1);
    assert_null(mse_trust_find(cache, &roots, MSE_TRUST_PCK_CHAIN, &of_b, 1));
    assert_true(mse_trusted_new(MSE_TRUST_PCK_CHAIN, false, &other, &err));
    mse_trust_keep(cache, &roots, other, &of_b, 1);
    assert_int_equal(t->hash, other->hash); /* or this test is none */
    mse_trusted_release(other);
    other = mse_trust_find(cache, &roots, MSE_TRUST_PCK_CHAIN, &of_a, 1);
    assert_ptr_equal(other, t);
    mse_trusted_release(other);
    mse_trusted_release(t);
    mse_trust_cache_free(cache);
}

/* A platform takes two places. */
static void as_many_platforms_as_asked_for_are_remembered(void **state)
{
    struct mse_trust_cache *cache = new_cache(100);

    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        keep(cache, MSE_TRUST_PCK_CHAIN, i);
        keep(cache, MSE_TRUST_QE_REPORT, i);
    }
    for (uint32_t i = 0; i < 100; i++) {
        assert_true(finds(cache, MSE_TRUST_PCK_CHAIN, i));
        assert_true(finds(cache, MSE_TRUST_QE_REPORT, i));
    }
    mse_trust_cache_free(cache);
}

static void what_is_asked_for_outlives_what_is_not(void **state)
{
    struct mse_trust_cache *cache = new_cache(2); /* four places */
    unsigned left = 0;

    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        keep(cache, MSE_TRUST_PCK_CHAIN, i);
        assert_true(finds(cache, MSE_TRUST_PCK_CHAIN, 0));
    }
    for (uint32_t i = 0; i < 1000; i++)
        left += finds(cache, MSE_TRUST_PCK_CHAIN, i);
    assert_int_equal(left, 4);
    mse_trust_cache_free(cache);
}

static void a_reference_outlives_the_cache(void **state)
{
    struct mse_trust_cache *cache = new_cache(1);
    uint32_t number = 7;
    struct mse_bytes part = { (const uint8_t *)&number, sizeof(number) };
    struct mse_trusted *t;

    (void)state;
    keep(cache, MSE_TRUST_PCK_CHAIN, number);
    t = mse_trust_find(cache, &roots, MSE_TRUST_PCK_CHAIN, &part, 1);
    assert_non_null(t);
    for (uint32_t i = 100; i < 110; i++)
        keep(cache, MSE_TRUST_PCK_CHAIN, i);
    mse_trust_cache_free(cache);
    assert_int_equal(t->lookup_len, sizeof(number));
    assert_memory_equal(t->lookup, &number, sizeof(number));
    mse_trusted_release(t);
}

static void other_roots_find_and_keep_nothing(void **state)
{
    struct mse_trust_cache *cache = new_cache(4);

    (void)state;
    keep(cache, MSE_TRUST_PCK_CHAIN, 1);
    roots.key_digest[0][31] ^= 1;
    assert_false(finds(cache, MSE_TRUST_PCK_CHAIN, 1));
    keep(cache, MSE_TRUST_PCK_CHAIN, 2);
    assert_false(finds(cache, MSE_TRUST_PCK_CHAIN, 2));
    roots.key_digest[0][31] ^= 1;
    roots.simulated = true;
    assert_false(finds(cache, MSE_TRUST_PCK_CHAIN, 1));
    roots.simulated = false;
    assert_true(finds(cache, MSE_TRUST_PCK_CHAIN, 1));
    assert_false(finds(cache, MSE_TRUST_PCK_CHAIN, 2));
    mse_trust_cache_free(cache);
}

static void too_many_entries_are_refused(void **state)
{
    struct mse_trust_cache *cache;
    struct mse_error err = { 0 };

    (void)state;
    assert_false(mse_trust_cache_new(SIZE_MAX, &cache, &err));
    assert_null(cache);
    assert_int_equal(err.code, MSE_ERR_LIMIT);
}

static void *hammer(void *cache)
{
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t number = i * 2654435761U % 64;
        struct mse_bytes part = { (const uint8_t *)&number, sizeof(number) };
        struct mse_trusted *t = mse_trust_find(cache, &roots, MSE_TRUST_PCK_CHAIN, &part, 1);

        if (t == NULL) {
            struct mse_error err = { 0 };

            if (!mse_trusted_new(MSE_TRUST_PCK_CHAIN, false, &t, &err))
                return NULL;
            mse_trust_keep(cache, &roots, t, &part, 1);
        } else if (memcmp(t->lookup, &number, sizeof(number)) != 0) {
            return NULL;
        }
        mse_trusted_release(t);
    }
    return cache;
}

static void threads_share_a_cache(void **state)
{
    struct mse_trust_cache *cache = new_cache(8); /* sixteen places for 64 numbers */
    pthread_t threads[4];

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, cache), 0);
    for (size_t i = 0; i < 4; i++) {
        void *done;

        assert_int_equal(pthread_join(threads[i], &done), 0);
        assert_ptr_equal(done, cache);
    }
    mse_trust_cache_free(cache);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_was_kept_is_found),
        cmocka_unit_test(parts_are_compared_to_the_last_byte),
        cmocka_unit_test(equal_hashes_are_not_equal_strings),
        cmocka_unit_test(as_many_platforms_as_asked_for_are_remembered),
        cmocka_unit_test(what_is_asked_for_outlives_what_is_not),
        cmocka_unit_test(a_reference_outlives_the_cache),
        cmocka_unit_test(other_roots_find_and_keep_nothing),
        cmocka_unit_test(too_many_entries_are_refused),
        cmocka_unit_test(threads_share_a_cache),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
