/* SPDX-License-Identifier: Apache-2.0 */
/* The PROXY header: what is read can be written and reads as the same; a prefix never succeeds. */
#include <stdlib.h>

#include "enclave/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void check_again(const struct mse_proxy_addresses *first)
{
    struct mse_writer out = { 0 };
    struct mse_proxy_addresses again;
    struct mse_error err = { 0 };
    size_t used;

    mse_proxy_header_write(first, &out);
    require(mse_proxy_header_parse(mse_writer_bytes(&out), &again, &used, &err));
    require(used == out.len && memcmp(first, &again, sizeof(again)) == 0);
    mse_writer_cleanup(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mse_proxy_addresses got;
    struct mse_error err = { 0 };
    size_t used;

    if (!mse_proxy_header_parse((struct mse_bytes){ data, size }, &got, &used, &err)) {
        require(used == 0 && !got.known && err.code != MSE_ERR_NONE);
        require(err.code != MSE_ERR_TRUNCATED || size < MSE_PROXY_HEADER_MAX);
        return 0;
    }
    require(used >= 16 && used <= size && used <= MSE_PROXY_HEADER_MAX);
    check_again(&got);
    err.code = MSE_ERR_NONE;
    require(!mse_proxy_header_parse((struct mse_bytes){ data, used - 1 }, &got, &used, &err));
    require(err.code == MSE_ERR_TRUNCATED);
    return 0;
}
