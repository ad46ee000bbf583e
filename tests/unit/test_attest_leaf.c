/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves, trees and paths against values of another implementation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "attest/leaf.h"
#include "attest_vectors.h"
#include "base/encode.h"
#include "crypto/hash.h"
#include "exact.h"

#define HASH MSE_ATTEST_HASH

static uint8_t leaves[MSE_ATTEST_MAX_LEAVES * HASH];

/* The leaves of the vectors: SHA-512 of the number as text. */
static int make_leaves(void **state)
{
    char text[16];

    (void)state;
    for (size_t i = 0; i < MSE_ATTEST_MAX_LEAVES; i++) {
        (void)snprintf(text, sizeof(text), "%zu", i);
        mse_sha512(MSE_CSTR_BYTES(text), leaves + i * HASH);
    }
    return 0;
}

static void assert_hex(const uint8_t *actual, const char *hex)
{
    uint8_t expected[HASH];

    assert_true(mse_hex_read(hex, strlen(hex), expected, sizeof(expected)));
    assert_memory_equal(actual, expected, sizeof(expected));
}

static struct mse_attest_leaf make_leaf(void)
{
    struct mse_attest_leaf leaf;

    mse_sha256(MSE_CSTR_BYTES("spki"), leaf.spki_sha256);
    memset(leaf.exporter, 0x22, sizeof(leaf.exporter));
    memset(leaf.nonce, 0x33, sizeof(leaf.nonce));
    memset(leaf.config_digest, 0x44, sizeof(leaf.config_digest));
    leaf.epoch = 5;
    return leaf;
}

static void leaf_and_node_are_hashed_as_specified(void **state)
{
    struct mse_attest_leaf leaf = make_leaf();
    uint8_t hash[HASH];

    (void)state;
    mse_attest_leaf_hash(&leaf, hash);
    assert_hex(hash, ATTEST_LEAF);
    memset(leaf.config_digest, 0, sizeof(leaf.config_digest));
    leaf.epoch = 0;
    mse_attest_leaf_hash(&leaf, hash);
    assert_hex(hash, ATTEST_LEAF_BARE);
    mse_attest_node_hash(leaves, leaves + HASH, hash);
    assert_hex(hash, ATTEST_NODE);
}

static void every_byte_of_a_leaf_counts(void **state)
{
    struct mse_attest_leaf leaf = make_leaf();
    uint8_t first[HASH], other[HASH];

    (void)state;
    mse_attest_leaf_hash(&leaf, first);
    for (size_t i = 0; i < sizeof(leaf); i++) {
        ((uint8_t *)&leaf)[i] ^= 1;
        mse_attest_leaf_hash(&leaf, other);
        assert_memory_not_equal(first, other, HASH);
        ((uint8_t *)&leaf)[i] ^= 1;
    }
}

static void roots_are_those_of_rfc_9162(void **state)
{
    static const struct {
        size_t count;
        const char *root;
    } rows[] = {
        { 1, ATTEST_ROOT_1 },       { 2, ATTEST_ROOT_2 }, { 3, ATTEST_ROOT_3 },
        { 7, ATTEST_ROOT_7 },       { 8, ATTEST_ROOT_8 }, { 1000, ATTEST_ROOT_1000 },
        { 4096, ATTEST_ROOT_4096 },
    };
    struct mse_error err = { 0 };
    uint8_t root[HASH];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mse_bytes exact = exact_copy((struct mse_bytes){ leaves, rows[i].count * HASH },
                                            rows[i].count * HASH);

        assert_true(mse_attest_root(exact.data, rows[i].count, root, &err));
        assert_hex(root, rows[i].root);
        exact_free(exact);
    }
}

static void paths_are_those_of_rfc_9162(void **state)
{
    static const struct {
        size_t count, index;
        const char *path;
    } rows[] = {
        { 2, 1, ATTEST_PATH_2_1 },           { 3, 2, ATTEST_PATH_3_2 },
        { 7, 4, ATTEST_PATH_7_4 },           { 7, 6, ATTEST_PATH_7_6 },
        { 1000, 999, ATTEST_PATH_1000_999 }, { 4096, 4095, ATTEST_PATH_4096_4095 },
    };
    uint8_t path[MSE_ATTEST_MAX_PATH * HASH], expected[MSE_ATTEST_MAX_PATH * HASH];
    struct mse_error err = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t length = 99, wanted = strlen(rows[i].path) / (2 * HASH);

        assert_true(mse_attest_path(leaves, rows[i].count, rows[i].index, path, &length, &err));
        assert_int_equal(length, wanted);
        assert_true(mse_hex_read(rows[i].path, strlen(rows[i].path), expected, wanted * HASH));
        assert_memory_equal(path, expected, wanted * HASH);
    }
}

static bool leads_to(size_t index, size_t count, const uint8_t *path, size_t length,
                     const uint8_t *root, enum mse_err_code *code)
{
    struct mse_error err = { 0 };
    uint8_t found[HASH];
    bool ok = mse_attest_root_of_path(leaves + (index < count ? index : 0) * HASH, index, count,
                                      path, length, found, &err);

    *code = err.code;
    return ok && memcmp(found, root, HASH) == 0;
}

/* All places of all small trees: each path leads to the root, and from nowhere else. */
static void a_path_leads_from_its_own_place_only(void **state)
{
    uint8_t path[MSE_ATTEST_MAX_PATH * HASH], root[HASH];
    struct mse_error err = { 0 };
    enum mse_err_code code;
    size_t length;

    (void)state;
    for (size_t count = 1; count <= 33; count++) {
        assert_true(mse_attest_root(leaves, count, root, &err));
        for (size_t index = 0; index < count; index++) {
            assert_true(mse_attest_path(leaves, count, index, path, &length, &err));
            assert_true(leads_to(index, count, path, length, root, &code));
            for (size_t other = 0; other < count; other++)
                assert_true(other == index || !leads_to(other, count, path, length, root, &code));
            if (length > 0) {
                assert_false(leads_to(index, count, path, length - 1, root, &code));
                assert_int_equal(code, MSE_ERR_VALUE);
                path[HASH * (length - 1)] ^= 1;
                assert_false(leads_to(index, count, path, length, root, &code));
                path[HASH * (length - 1)] ^= 1;
            }
            memset(path + length * HASH, 0, HASH);
            assert_false(leads_to(index, count, path, length + 1, root, &code));
            assert_int_equal(code, MSE_ERR_VALUE);
        }
    }
}

static void a_node_cannot_pass_for_a_leaf(void **state)
{
    uint8_t path[MSE_ATTEST_MAX_PATH * HASH], root[HASH], inner[HASH], found[HASH];
    struct mse_error err = { 0 };
    size_t length;

    (void)state;
    /* With four leaves the hash of the first two is half of the way: as a "leaf" of a tree of two
     * it leads to the same root. Only the leaf's own hash, never a node's, can be computed from a
     * connection. */
    assert_true(mse_attest_root(leaves, 4, root, &err));
    assert_true(mse_attest_path(leaves, 4, 0, path, &length, &err));
    mse_attest_node_hash(leaves, leaves + HASH, inner);
    assert_true(mse_attest_root_of_path(inner, 0, 2, path + HASH, 1, found, &err));
    assert_memory_equal(found, root, HASH);
    for (size_t i = 0; i < 4; i++)
        assert_memory_not_equal(inner, leaves + i * HASH, HASH);
}

static void impossible_places_are_refused(void **state)
{
    static const struct {
        size_t index, count;
    } rows[] = { { 0, 0 }, { 1, 1 }, { 7, 7 }, { 0, MSE_ATTEST_MAX_LEAVES + 1 }, { SIZE_MAX, 3 } };
    uint8_t path[(MSE_ATTEST_MAX_PATH + 1) * HASH] = { 0 }, out[HASH];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mse_error err = { 0 };

        assert_false(mse_attest_root_of_path(leaves, rows[i].index, rows[i].count, path,
                                             MSE_ATTEST_MAX_PATH, out, &err));
        assert_int_equal(err.code, MSE_ERR_VALUE);
        assert_true(mse_is_zero(out, sizeof(out)));
    }
}

static void impossible_trees_are_refused(void **state)
{
    uint8_t path[MSE_ATTEST_MAX_PATH * HASH], root[HASH];
    struct mse_attest_tree tree;
    struct mse_error err = { 0 };
    size_t length = 1;

    (void)state;
    assert_false(mse_attest_root(leaves, 0, root, &err));
    assert_int_equal(err.code, MSE_ERR_VALUE);
    err = (struct mse_error){ 0 };
    assert_false(mse_attest_root(leaves, MSE_ATTEST_MAX_LEAVES + 1, root, &err));
    assert_int_equal(err.code, MSE_ERR_VALUE);
    err = (struct mse_error){ 0 };
    assert_true(mse_attest_tree_init(&tree, leaves, 5, &err));
    assert_false(mse_attest_tree_path(&tree, 5, path, &length, &err));
    assert_int_equal(err.code, MSE_ERR_VALUE);
    assert_int_equal(length, 0);
    mse_attest_tree_cleanup(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaf_and_node_are_hashed_as_specified),
        cmocka_unit_test(every_byte_of_a_leaf_counts),
        cmocka_unit_test(roots_are_those_of_rfc_9162),
        cmocka_unit_test(paths_are_those_of_rfc_9162),
        cmocka_unit_test(a_path_leads_from_its_own_place_only),
        cmocka_unit_test(a_node_cannot_pass_for_a_leaf),
        cmocka_unit_test(impossible_places_are_refused),
        cmocka_unit_test(impossible_trees_are_refused),
    };

    return cmocka_run_group_tests(tests, make_leaves, NULL);
}
