/* SPDX-License-Identifier: Apache-2.0 */
/* Reading of X.509 extension lists. */
#include "crypto/extension.h"

/* X.690, 8.19.2: the last octet of the last arc has no continuation bit. */
static bool oid_is_complete(struct mse_bytes oid)
{
    return oid.len > 0 && (oid.data[oid.len - 1] & 0x80) == 0;
}

struct mse_extension mse_extension_read(struct mse_reader *r, const char *field)
{
    struct mse_reader start = *r;
    struct mse_reader body = mse_der_enter(r, MSE_DER_SEQUENCE, field);
    struct mse_extension e = { 0 };

    e.oid = mse_der_read(&body, MSE_DER_OID, field);
    if (mse_der_next_is(&body, MSE_DER_BOOLEAN))
        e.critical = mse_der_read_true(&body, field);
    e.payload = mse_der_read(&body, MSE_DER_OCTET_STRING, field);
    if (!mse_read_done(&body, field))
        return (struct mse_extension){ 0 };
    if (!oid_is_complete(e.oid)) {
        mse_reader_fail(&start, MSE_ERR_FORMAT, field);
        return (struct mse_extension){ 0 };
    }
    return e;
}

static bool is_listed(const struct mse_extension *list, size_t count, struct mse_bytes oid)
{
    for (size_t i = 0; i < count; i++) {
        if (mse_bytes_equal(list[i].oid, oid))
            return true;
    }
    return false;
}

void mse_extensions_read(struct mse_reader *r, struct mse_extension *out, size_t max, size_t *count,
                         const char *field)
{
    struct mse_reader list = mse_der_enter(r, MSE_DER_SEQUENCE, field);
    size_t found = 0;

    *count = 0;
    /* RFC 5280, 4.1: SEQUENCE SIZE (1..MAX). */
    if (mse_read_ok(&list) && mse_reader_left(&list) == 0)
        mse_reader_fail(&list, MSE_ERR_VALUE, field);
    while (mse_read_ok(&list) && mse_reader_left(&list) > 0) {
        struct mse_reader start = list;
        struct mse_extension e = mse_extension_read(&list, field);

        if (!mse_read_ok(&list))
            return;
        if (found == max) {
            mse_reader_fail(&start, MSE_ERR_LIMIT, field);
            return;
        }
        /* RFC 5280, 4.2: not more than one instance of an extension. */
        if (is_listed(out, found, e.oid)) {
            mse_reader_fail(&start, MSE_ERR_DUPLICATE, field);
            return;
        }
        out[found++] = e;
    }
    if (mse_read_ok(&list))
        *count = found;
}

void mse_extension_refuse(const struct mse_reader *r, const struct mse_extension *extension,
                          const char *field)
{
    struct mse_reader at = mse_der_over(r, extension->oid);

    mse_reader_fail(&at, MSE_ERR_UNSUPPORTED, field);
}
