/* SPDX-License-Identifier: Apache-2.0 */
/* Enclave identities, bare and in their signed envelope: what is kept is consistent. */
#include <stdlib.h>

#include "endorsement/qe_identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void try_body(struct mse_bytes body)
{
    struct mse_error err = { 0 };
    struct mse_qe_identity q;
    bool done = mse_qe_identity_parse(body, &q, &err);

    require(done == (err.code == MSE_ERR_NONE));
    if (!done) {
        require(q.json.values == NULL && q.level_count == 0);
        return;
    }
    require(q.id == MSE_QE_SGX || q.id == MSE_QE_TDX || q.id == MSE_QE_QVE);
    require(q.level_count > 0 && q.level_count <= MSE_QE_MAX_LEVELS);
    require(q.issue_date <= q.next_update);
    for (uint32_t i = 0; i < q.level_count; i++) {
        uint32_t ids = q.levels[i].advisories;

        require(q.levels[i].status != MSE_TCB_NO_MATCH);
        require(ids < q.json.count);
        require(ids == 0 || q.json.values[ids].type == MSE_JSON_ARRAY);
    }
    mse_qe_identity_cleanup(&q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mse_bytes in = { data, size }, body;
    struct mse_error err = { 0 };
    uint8_t signature[64];

    if (mse_signed_json_split(in, "enclaveIdentity", &body, signature, &err)) {
        require(err.code == MSE_ERR_NONE && body.len >= 2);
        require(body.data >= data && body.data + body.len <= data + size);
        try_body(body);
    } else {
        require(err.code != MSE_ERR_NONE && body.data == NULL);
        try_body(in);
    }
    return 0;
}
