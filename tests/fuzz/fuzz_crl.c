/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists: the index is sorted, lies inside the input, and finds each of its entries. */
#include <stdint.h>
#include <stdlib.h>

#include "crypto/crl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct mse_bytes view, struct mse_bytes whole)
{
    if (view.len == 0)
        return;
    if (view.data < whole.data || view.len > whole.len ||
        (size_t)(view.data - whole.data) > whole.len - view.len)
        abort();
}

static void check_index(const struct mse_crl *crl)
{
    for (size_t i = 0; i < crl->serial_count; i++) {
        struct mse_bytes serial = crl->serials[i];

        inside(serial, crl->tbs);
        if (serial.len < 1 || serial.len > 20 || !mse_crl_lists(crl, serial))
            abort();
        if (i > 0 && crl->serials[i - 1].len > serial.len)
            abort();
        if (i > 0 && crl->serials[i - 1].len == serial.len &&
            memcmp(crl->serials[i - 1].data, serial.data, serial.len) > 0)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mse_bytes in = { data, size };
    struct mse_error err = { 0 };
    struct mse_crl crl;

    if (!mse_crl_parse(in, &crl, &err)) {
        if (err.code == MSE_ERR_NONE || err.offset > size || crl.serials != NULL)
            abort();
        return 0;
    }
    inside(crl.der, in);
    inside(crl.tbs, in);
    inside(crl.issuer, crl.tbs);
    inside(crl.number, crl.tbs);
    inside(crl.signature, in);
    if (crl.der.len != size || (crl.serial_count > 0 && crl.serials == NULL))
        abort();
    check_index(&crl);
    mse_crl_cleanup(&crl);
    return 0;
}
