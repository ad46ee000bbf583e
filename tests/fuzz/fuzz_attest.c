/* SPDX-License-Identifier: Apache-2.0 */
/* mse-attest/1, both ends. The first byte says what the rest is. */
#include <stdlib.h>

#include "attest/config_statement.h"
#include "attest/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void try_request(struct mse_bytes in)
{
    struct mse_attest_request request;
    struct mse_error err = { 0 };
    struct mse_writer again = { 0 };
    size_t used;

    if (!mse_attest_request_parse(in, &request, &used, &err)) {
        require(err.code != MSE_ERR_NONE && used == 0);
        /* A server that waits for more never waits for more than there can be. */
        require(err.code != MSE_ERR_TRUNCATED || in.len < MSE_ATTEST_MAX_REQUEST);
        return;
    }
    require(used <= in.len && used <= MSE_ATTEST_MAX_REQUEST);
    require(request.go_on == (request.inner.len > 0));
    mse_attest_request_write(&request, &again);
    require(mse_bytes_equal(mse_writer_bytes(&again), (struct mse_bytes){ in.data, used }));
    mse_writer_cleanup(&again);
}

static void try_place(const struct mse_attest_reply *reply)
{
    uint8_t leaf[MSE_ATTEST_HASH] = { 1 }, root[MSE_ATTEST_HASH];
    struct mse_error err = { 0 };

    if (!mse_attest_root_of_path(leaf, reply->index, reply->count, reply->path, reply->path_length,
                                 root, &err))
        require(err.code == MSE_ERR_VALUE && mse_is_zero(root, sizeof(root)));
    else
        require(reply->count == 1 ? memcmp(root, leaf, sizeof(root)) == 0
                                  : memcmp(root, leaf, sizeof(root)) != 0);
}

static void try_reply(struct mse_bytes in)
{
    struct mse_attest_reply reply;
    struct mse_error err = { 0 };
    struct mse_writer again = { 0 };

    if (!mse_attest_reply_parse(in, &reply, &err)) {
        require(err.code != MSE_ERR_NONE && reply.path == NULL && reply.evidence.len == 0);
        return;
    }
    require(reply.index < reply.count && reply.count <= MSE_ATTEST_MAX_LEAVES);
    require(reply.evidence.len > 0 && in.len <= MSE_ATTEST_MAX_REPLY);
    require(mse_attest_reply_write(&reply, &again, &err));
    require(mse_bytes_equal((struct mse_bytes){ again.data + 4, again.len - 4 }, in));
    mse_writer_cleanup(&again);
    try_place(&reply);
}

static void try_claim(struct mse_bytes in)
{
    struct mse_config_claim claim;
    struct mse_error err = { 0 };
    struct mse_writer again = { 0 };

    if (!mse_config_claim_parse(in, &claim, &err)) {
        require(err.code != MSE_ERR_NONE && claim.kind == MSE_CONFIG_NONE);
        return;
    }
    require((claim.kind == MSE_CONFIG_NONE) == mse_is_zero(claim.config_digest, 32));
    mse_config_claim_write(&claim, &again);
    require(mse_bytes_equal(mse_writer_bytes(&again), in));
    mse_writer_cleanup(&again);
}

/* Every leaf's path leads to the root, and not from the next place. */
static void try_tree(struct mse_bytes in)
{
    size_t count = in.len / MSE_ATTEST_HASH;
    uint8_t path[MSE_ATTEST_MAX_PATH * MSE_ATTEST_HASH], root[MSE_ATTEST_HASH];
    struct mse_attest_tree tree;
    struct mse_error err = { 0 };
    size_t length;

    if (!mse_attest_tree_init(&tree, in.data, count, &err))
        return;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *leaf = in.data + i * MSE_ATTEST_HASH;

        require(mse_attest_tree_path(&tree, i, path, &length, &err));
        require(mse_attest_root_of_path(leaf, i, count, path, length, root, &err));
        require(memcmp(root, mse_attest_tree_root(&tree), sizeof(root)) == 0);
    }
    mse_attest_tree_cleanup(&tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const tries[])(struct mse_bytes) = { try_request, try_reply, try_claim,
                                                       try_tree };

    if (size > 0)
        tries[data[0] % 4]((struct mse_bytes){ data + 1, size - 1 });
    return 0;
}
