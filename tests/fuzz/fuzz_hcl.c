/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Azure HCL reports. As no fuzzer finds a digest, each input is tried a second time with the digest
 * of its claims put in, so that the claims' reader is reached.
 */
#include <stdlib.h>

#include "crypto/hash.h"
#include "evidence/hcl.h"

#define RUNTIME_OFFSET 0x4d4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool right)
{
    if (!right)
        abort();
}

static void check_inside(struct mse_bytes view, struct mse_bytes in)
{
    check(view.data >= in.data && view.len <= in.len);
    check((size_t)(view.data - in.data) <= in.len - view.len);
}

static void check_hcl(struct mse_bytes in)
{
    struct mse_error err = { 0 };
    struct mse_hcl hcl;
    uint8_t digest[MSE_SHA256_SIZE];

    if (!mse_hcl_parse(in, &hcl, &err)) {
        check(err.code != MSE_ERR_NONE && hcl.runtime.data == NULL && hcl.report_data == NULL);
        check(hcl.ak_modulus.data == NULL && hcl.user_data.data == NULL);
        return;
    }
    check(hcl.type == MSE_HCL_SNP || hcl.type == MSE_HCL_TDX);
    check(hcl.hw_report.data == in.data + MSE_HCL_HW_REPORT_OFFSET);
    check(hcl.hw_report.len == (hcl.type == MSE_HCL_SNP ? MSE_HCL_HW_REPORT_SIZE : 1024));
    check_inside((struct mse_bytes){ hcl.report_data, 64 }, hcl.hw_report);
    check(hcl.runtime.data == in.data + RUNTIME_OFFSET);
    check_inside(hcl.runtime, in);
    check_inside(hcl.ak_modulus, hcl.runtime);
    check_inside(hcl.ak_exponent, hcl.runtime);
    check(hcl.ak_modulus.len > 0 && hcl.ak_exponent.len > 0);
    if (hcl.user_data.len > 0)
        check_inside(hcl.user_data, hcl.runtime);
    mse_sha256(hcl.runtime, digest);
    check(memcmp(hcl.report_data, digest, sizeof(digest)) == 0);
    check(mse_is_zero(hcl.report_data + 32, 32));
}

/* Makes REPORTDATA right for the claims that the sizes name, if they name any. */
static void put_digest(uint8_t *data, size_t size)
{
    size_t at = MSE_HCL_HW_REPORT_OFFSET + (data[0x4c8] == MSE_HCL_TDX ? 128 : 0x50);
    size_t runtime = (size_t)data[0x4d0] | (size_t)data[0x4d1] << 8;

    if (runtime > size - RUNTIME_OFFSET)
        return;
    mse_sha256((struct mse_bytes){ data + RUNTIME_OFFSET, runtime }, data + at);
    memset(data + at + 32, 0, 32);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy;

    check_hcl((struct mse_bytes){ data, size });
    if (size < RUNTIME_OFFSET || size > MSE_HCL_MAX_SIZE)
        return 0;
    copy = malloc(size);
    if (copy == NULL)
        return 0;
    memcpy(copy, data, size);
    put_digest(copy, size);
    check_hcl((struct mse_bytes){ copy, size });
    free(copy);
    return 0;
}
