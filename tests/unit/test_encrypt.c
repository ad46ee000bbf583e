/* SPDX-License-Identifier: Apache-2.0 */
/* Boxes in pieces are those of libsodium's crypto_secretbox_easy, in both directions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>

#include "exact.h"
#include "package/encrypt.h"

static uint8_t key[MSE_BOX_KEY], nonce[MSE_BOX_NONCE];

static int fill(void **state)
{
    (void)state;
    if (sodium_init() < 0)
        return -1;
    randombytes_buf(key, sizeof(key));
    randombytes_buf(nonce, sizeof(nonce));
    return 0;
}

/* Blocks that end where the content does, so that a sanitizer sees what is read beyond. */
static uint8_t *content_of(size_t len)
{
    uint8_t *data = malloc(len > 0 ? len : 1);

    assert_non_null(data);
    randombytes_buf(data, len);
    return data;
}

/* Tag and ciphertext, one after the other, as crypto_secretbox_easy gives them. */
static void seal(const uint8_t *data, size_t len, size_t step, uint8_t *out)
{
    struct mse_box box;
    struct mse_error err = { 0 };

    assert_true(mse_box_init(&box, key, nonce, &err));
    for (size_t at = 0; at < len; at += step) {
        size_t n = len - at < step ? len - at : step;
        uint8_t *piece = content_of(n);

        memcpy(piece, data + at, n);
        mse_box_seal(&box, piece, n);
        memcpy(out + MSE_BOX_TAG + at, piece, n);
        free(piece);
    }
    mse_box_tag(&box, out);
    assert_true(mse_is_zero((const uint8_t *)&box, sizeof(box)));
}

static bool open_box(const uint8_t *sealed, size_t len, size_t step, uint8_t *out,
                     const uint8_t *with_key, struct mse_error *err)
{
    struct mse_box box;

    assert_true(mse_box_init(&box, with_key, nonce, err));
    memcpy(out, sealed + MSE_BOX_TAG, len);
    for (size_t at = 0; at < len; at += step)
        mse_box_open(&box, out + at, len - at < step ? len - at : step);
    return mse_box_check(&box, sealed, err);
}

static const size_t sizes[] = { 0,
                                1,
                                31,
                                32,
                                33,
                                63,
                                64,
                                65,
                                95,
                                96,
                                97,
                                127,
                                128,
                                129,
                                4095,
                                4096,
                                4097,
                                65535,
                                65536,
                                65537,
                                (1 << 20) - 1,
                                1 << 20,
                                (1 << 20) + 1,
                                9000001 };
static const size_t steps[] = { 64, 4096, 65536, SIZE_MAX - 63 };

static void compare(size_t len, size_t step)
{
    uint8_t *data = content_of(len), *plain = content_of(len);
    uint8_t *want = content_of(len + MSE_BOX_TAG), *got = content_of(len + MSE_BOX_TAG);
    struct mse_error err = { 0 };

    assert_int_equal(crypto_secretbox_easy(want, data, len, nonce, key), 0);
    seal(data, len, step, got);
    assert_memory_equal(got, want, len + MSE_BOX_TAG);
    assert_int_equal(crypto_secretbox_open_easy(plain, got, len + MSE_BOX_TAG, nonce, key), 0);
    assert_memory_equal(plain, data, len);
    memset(plain, 0, len);
    assert_true(open_box(want, len, step, plain, key, &err));
    assert_memory_equal(plain, data, len);
    free(data);
    free(plain);
    free(want);
    free(got);
}

static void boxes_of_all_sizes_are_those_of_libsodium(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (size_t k = 0; k < sizeof(steps) / sizeof(steps[0]); k++) {
            if (sizes[i] / steps[k] < 20000)
                compare(sizes[i], steps[k]);
        }
    }
}

static void every_changed_byte_is_noticed(void **state)
{
    enum { LEN = 200 };
    uint8_t *data = content_of(LEN), *plain = content_of(LEN);
    uint8_t *sealed = content_of(LEN + MSE_BOX_TAG);

    (void)state;
    seal(data, LEN, 64, sealed);
    for (size_t i = 0; i < LEN + MSE_BOX_TAG; i++) {
        struct mse_error err = { 0 };

        sealed[i] ^= 1;
        assert_false(open_box(sealed, LEN, 64, plain, key, &err));
        assert_int_equal(err.code, MSE_ERR_SIGNATURE);
        sealed[i] ^= 1;
    }
    free(data);
    free(plain);
    free(sealed);
}

static void another_key_nonce_or_length_is_noticed(void **state)
{
    enum { LEN = 100 };
    uint8_t *data = content_of(LEN), *plain = content_of(LEN);
    uint8_t *sealed = content_of(LEN + MSE_BOX_TAG);
    uint8_t other[MSE_BOX_KEY];
    struct mse_error err = { 0 };

    (void)state;
    seal(data, LEN, 64, sealed);
    memcpy(other, key, sizeof(other));
    other[31] ^= 1;
    assert_false(open_box(sealed, LEN, 64, plain, other, &err));
    assert_int_equal(err.code, MSE_ERR_SIGNATURE);
    for (size_t n = 0; n < LEN; n++) {
        err = (struct mse_error){ 0 };
        assert_false(open_box(sealed, n, 64, plain, key, &err));
        assert_int_equal(err.code, MSE_ERR_SIGNATURE);
    }
    nonce[0] ^= 1;
    err = (struct mse_error){ 0 };
    assert_false(open_box(sealed, LEN, 64, plain, key, &err));
    assert_int_equal(err.code, MSE_ERR_SIGNATURE);
    nonce[0] ^= 1;
    free(data);
    free(plain);
    free(sealed);
}

static void random_bytes_are_not_the_same_twice(void **state)
{
    uint8_t a[MSE_BOX_NONCE], b[MSE_BOX_NONCE];
    struct mse_error err = { 0 };

    (void)state;
    assert_true(mse_box_random(a, sizeof(a), &err) && mse_box_random(b, sizeof(b), &err));
    assert_memory_not_equal(a, b, sizeof(a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boxes_of_all_sizes_are_those_of_libsodium),
        cmocka_unit_test(every_changed_byte_is_noticed),
        cmocka_unit_test(another_key_nonce_or_length_is_noticed),
        cmocka_unit_test(random_bytes_are_not_the_same_twice),
    };

    return cmocka_run_group_tests(tests, fill, NULL);
}
