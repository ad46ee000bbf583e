/* SPDX-License-Identifier: Apache-2.0 */
/* SIGSTRUCT: what is read lies where the layout says, and what is not signed never holds. */
#include <stdint.h>
#include <stdlib.h>

#include "measure/sigstruct.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mse_error err = { 0 }, check_err = { 0 }, again_err = { 0 };
    struct mse_sigstruct s, again;
    uint8_t changed[MSE_SIGSTRUCT_SIZE];

    if (!mse_sigstruct_parse((struct mse_bytes){ data, size }, &s, &err)) {
        if (err.code == MSE_ERR_NONE || err.offset > size || s.isv_svn != 0 ||
            !mse_is_zero(s.raw, sizeof(s.raw)))
            abort();
        return 0;
    }
    if (size != MSE_SIGSTRUCT_SIZE || memcmp(s.raw, data, size) != 0 ||
        memcmp(s.mrenclave, data + 960, sizeof(s.mrenclave)) != 0 ||
        s.isv_prod_id != (data[1024] | data[1025] << 8) || s.month > 12 || s.day > 31 ||
        s.year > 9999)
        abort();
    if (mse_sigstruct_check(&s, &check_err) != (check_err.code == MSE_ERR_NONE))
        abort();
    if (check_err.code != MSE_ERR_NONE)
        return 0;
    /* It holds: then not for any other MRENCLAVE. */
    memcpy(changed, data, sizeof(changed));
    changed[960] ^= 1;
    check_err = (struct mse_error){ 0 };
    if (!mse_sigstruct_parse(MSE_BYTES(changed), &again, &again_err) ||
        mse_sigstruct_check(&again, &check_err))
        abort();
    return 0;
}
