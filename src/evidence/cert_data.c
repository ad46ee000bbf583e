/* SPDX-License-Identifier: Apache-2.0 */
/* Reader of QE Certification Data: type, size, body. What the body must be is the caller's. */
#include "evidence/cert_data.h"

void mse_cert_data_read(struct mse_reader *r, struct mse_cert_data *out)
{
    size_t at = mse_reader_offset(r);
    uint16_t type = mse_read_u16le(r, "cert_data.type");
    uint32_t size;
    struct mse_bytes body;

    *out = (struct mse_cert_data){ 0 };
    /* Intel ECDSA Quote Library Reference, appendix A, table "QE Certification Data". */
    if (mse_read_ok(r) &&
        (type < MSE_CERT_DATA_PPID_PLAIN || type > MSE_CERT_DATA_PLATFORM_MANIFEST)) {
        (void)mse_fail(r->err, MSE_ERR_UNSUPPORTED, at, "cert_data.type");
        return;
    }
    size = mse_read_u32le(r, "cert_data.size");
    body = mse_read_bytes(r, size, "cert_data.body");
    if (!mse_read_ok(r))
        return;
    out->type = (enum mse_cert_data_type)type;
    out->body = body;
}
