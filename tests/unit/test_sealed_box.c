/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed boxes: both ways, and of an owner's signing key. Vectors are PyNaCl's (libsodium). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/encode.h"
#include "package/sealed_box.h"

/* nacl.signing.SigningKey(bytes(range(32))): its public key, and both as X25519. */
static const char owner_public[] =
    "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";
static const char curve_public[] =
    "4701d08488451f545a409fb58ae3e58581ca40ac3f7f114698cd71deac73ca01";
static const char curve_secret[] =
    "3894eea49c580aef816935762be049559d6d1440dede12e6a125f1841fff8e6f";
/* nacl.public.SealedBox(curve_public).encrypt(b"attack at dawn") */
static const char box_hex[] = "5b534bfead8d66e685fbb9c6b1a9e1678392e1cbdbc02983b4744f90f479a5"
                              "6bddc1c5e08bf02ae50513fe3f9fee677ac1213f34c69fcad2e813ae8f2afa";

static void unhex(const char *hex, uint8_t *out, size_t len)
{
    assert_true(mse_hex_read(hex, strlen(hex), out, len));
}

static void an_owners_key_has_an_x25519_form(void **state)
{
    struct mse_error err = { 0 };
    uint8_t public_key[32], secret[64], want[32], got[32];

    (void)state;
    unhex(owner_public, public_key, 32);
    for (uint8_t i = 0; i < 32; i++)
        secret[i] = i;
    memcpy(secret + 32, public_key, 32);
    unhex(curve_public, want, 32);
    assert_true(mse_sealed_box_of_owner(public_key, got, &err));
    assert_memory_equal(got, want, 32);
    unhex(curve_secret, want, 32);
    assert_true(mse_sealed_box_secret_of_owner(secret, got, &err));
    assert_memory_equal(got, want, 32);
}

static void what_is_no_ed25519_key_is_refused(void **state)
{
    static const uint8_t first_bytes[] = { 0, 1, 2 }; /* small order, small order, on no curve */
    uint8_t key[32] = { 0 }, out[32];

    (void)state;
    for (size_t i = 0; i < sizeof(first_bytes); i++) {
        struct mse_error err = { 0 };

        key[0] = first_bytes[i];
        assert_false(mse_sealed_box_of_owner(key, out, &err));
        assert_int_equal(err.code, MSE_ERR_VALUE);
    }
}

static void a_box_of_another_program_opens(void **state)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer out = { 0 };
    struct mse_error err = { 0 };
    uint8_t box[(sizeof(box_hex) - 1) / 2], secret[32];

    (void)state;
    unhex(box_hex, box, sizeof(box));
    unhex(curve_secret, secret, 32);
    assert_true(mse_sealed_box_open(secret, MSE_BYTES(box), &out, &err));
    assert_true(mse_bytes_equal_text(mse_writer_bytes(&out), "attack at dawn"));
}

static void every_changed_or_cut_box_is_refused(void **state)
{
    uint8_t box[(sizeof(box_hex) - 1) / 2], secret[32];

    (void)state;
    unhex(box_hex, box, sizeof(box));
    unhex(curve_secret, secret, 32);
    for (size_t i = 0; i < sizeof(box); i++) {
        MSE_CLEANUP(mse_writer_cleanup) struct mse_writer out = { 0 };
        struct mse_error cut = { 0 }, changed = { 0 };
        uint8_t *copy = malloc(i > 0 ? i : 1); /* exactly as long, so that a sanitizer sees more */

        assert_non_null(copy);
        memcpy(copy, box, i);
        assert_false(mse_sealed_box_open(secret, (struct mse_bytes){ copy, i }, &out, &cut));
        assert_int_equal(cut.code, i < 48 ? MSE_ERR_TRUNCATED : MSE_ERR_SIGNATURE);
        free(copy);
        box[i] ^= 0x20;
        assert_false(mse_sealed_box_open(secret, MSE_BYTES(box), &out, &changed));
        assert_int_equal(changed.code, MSE_ERR_SIGNATURE);
        box[i] ^= 0x20;
        assert_int_equal(out.len, 0);
    }
}

static void sealing_and_opening_give_the_text_back(void **state)
{
    static const size_t lengths[] = { 0, 1, 31, 32, 33, 1000 };
    uint8_t text[1000], public_key[32], secret[32];

    (void)state;
    memset(text, 'x', sizeof(text));
    unhex(curve_public, public_key, 32);
    unhex(curve_secret, secret, 32);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        MSE_CLEANUP(mse_writer_cleanup) struct mse_writer box = { 0 }, again = { 0 }, out = { 0 };
        struct mse_error err = { 0 };
        struct mse_bytes in = { text, lengths[i] };

        assert_true(mse_sealed_box_write(public_key, in, &box, &err));
        assert_int_equal(box.len, lengths[i] + MSE_SEALED_OVERHEAD);
        assert_true(mse_sealed_box_write(public_key, in, &again, &err));
        assert_memory_not_equal(box.data, again.data, 32);
        assert_true(mse_sealed_box_open(secret, mse_writer_bytes(&box), &out, &err));
        assert_true(mse_bytes_equal(mse_writer_bytes(&out), in));
    }
}

static void nothing_is_sealed_to_a_key_of_small_order(void **state)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer box = { 0 };
    static const uint8_t zero[32];
    struct mse_error err = { 0 };

    (void)state;
    assert_false(mse_sealed_box_write(zero, MSE_CSTR_BYTES("secret"), &box, &err));
    assert_int_equal(err.code, MSE_ERR_VALUE);
    assert_int_equal(box.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_owners_key_has_an_x25519_form),
        cmocka_unit_test(what_is_no_ed25519_key_is_refused),
        cmocka_unit_test(a_box_of_another_program_opens),
        cmocka_unit_test(every_changed_or_cut_box_is_refused),
        cmocka_unit_test(sealing_and_opening_give_the_text_back),
        cmocka_unit_test(nothing_is_sealed_to_a_key_of_small_order),
    };

    return cmocka_run_group_tests_name("sealed_box", tests, NULL, NULL);
}
