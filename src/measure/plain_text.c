/* SPDX-License-Identifier: Apache-2.0 */
/* Text that is measured. */
#include "measure/plain_text.h"

#include "base/utf8.h"

bool mse_plain_text_check(const char *text, size_t max, const char *field, struct mse_error *err)
{
    struct mse_bytes in;

    if (text == NULL)
        return mse_fail_text(err, MSE_ERR_MISSING, field, "is not given");
    in = MSE_CSTR_BYTES(text);
    if (in.len > max)
        return mse_fail_text(err, MSE_ERR_LIMIT, field, "is longer than %zu bytes", max);
    if (!mse_utf8_is_valid(in))
        return mse_fail_text(err, MSE_ERR_FORMAT, field, "is not UTF-8");
    for (size_t i = 0; i < in.len; i++) {
        uint8_t c = in.data[i];

        /* C1 is 0xc2 0x80 to 0xc2 0x9f; valid UTF-8 has a byte behind 0xc2. */
        if (c < 0x20 || c == 0x7f || (c == 0xc2 && in.data[i + 1] < 0xa0))
            return mse_fail_text_at(err, MSE_ERR_VALUE, i, field, "holds a control character");
    }
    return true;
}
