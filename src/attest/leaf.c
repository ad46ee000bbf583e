/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes of leaves and nodes (docs/formats.md, "Fresh evidence"). */
#include "attest/leaf.h"

#include "crypto/hash.h"

#define TAG "mse-attest-v1\n"
#define TAG_LEN (sizeof(TAG) - 1)
/* Behind the tag; a leaf can never be taken for a node. */
#define IS_LEAF 0x00
#define IS_NODE 0x01
/* What a leaf is about; others are kept for later uses of the same tree. */
#define ROLE_SERVER 0x01

static uint8_t *append(uint8_t *at, const uint8_t *data, size_t len)
{
    memcpy(at, data, len);
    return at + len;
}

void mse_attest_leaf_hash(const struct mse_attest_leaf *leaf, uint8_t out[static MSE_ATTEST_HASH])
{
    uint8_t message[TAG_LEN + 2 + 32 + MSE_ATTEST_EXPORTER + MSE_ATTEST_NONCE + 32 + 8];
    uint8_t *at = append(message, (const uint8_t *)TAG, TAG_LEN);

    *at++ = IS_LEAF;
    *at++ = ROLE_SERVER;
    at = append(at, leaf->spki_sha256, sizeof(leaf->spki_sha256));
    at = append(at, leaf->exporter, sizeof(leaf->exporter));
    at = append(at, leaf->nonce, sizeof(leaf->nonce));
    at = append(at, leaf->config_digest, sizeof(leaf->config_digest));
    for (unsigned shift = 64; shift > 0; shift -= 8)
        *at++ = (uint8_t)(leaf->epoch >> (shift - 8));
    mse_sha512(MSE_BYTES(message), out);
}

void mse_attest_node_hash(const uint8_t left[static MSE_ATTEST_HASH],
                          const uint8_t right[static MSE_ATTEST_HASH],
                          uint8_t out[static MSE_ATTEST_HASH])
{
    uint8_t message[TAG_LEN + 1 + 2 * MSE_ATTEST_HASH];
    uint8_t *at = append(message, (const uint8_t *)TAG, TAG_LEN);

    *at++ = IS_NODE;
    at = append(at, left, MSE_ATTEST_HASH);
    (void)append(at, right, MSE_ATTEST_HASH);
    mse_sha512(MSE_BYTES(message), out);
}
