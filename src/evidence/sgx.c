/* SPDX-License-Identifier: Apache-2.0 */
/* Reader of the SGX report body. */
#include "evidence/sgx.h"

void mse_sgx_body_read(struct mse_reader *r, struct mse_sgx_body *out)
{
    struct mse_reader body = mse_read_sub(r, MSE_SGX_BODY_SIZE, "sgx_body");
    struct mse_reader again = body;

    *out = (struct mse_sgx_body){ .raw = mse_read_rest(&again) };
    out->cpu_svn = mse_read_array(&body, 16, "cpu_svn");
    out->misc_select = mse_read_u32le(&body, "misc_select");
    (void)mse_read_array(&body, 12, "reserved");
    out->isv_ext_prod_id = mse_read_array(&body, 16, "isv_ext_prod_id");
    again = body; /* the attributes twice: as bytes for masks and as two numbers */
    out->attributes = mse_read_array(&body, 16, "attributes");
    out->flags = mse_read_u64le(&again, "attributes.flags");
    out->xfrm = mse_read_u64le(&again, "attributes.xfrm");
    out->mrenclave = mse_read_array(&body, 32, "mrenclave");
    (void)mse_read_array(&body, 32, "reserved");
    out->mrsigner = mse_read_array(&body, 32, "mrsigner");
    (void)mse_read_array(&body, 32, "reserved");
    out->config_id = mse_read_array(&body, 64, "config_id");
    out->isv_prod_id = mse_read_u16le(&body, "isv_prod_id");
    out->isv_svn = mse_read_u16le(&body, "isv_svn");
    out->config_svn = mse_read_u16le(&body, "config_svn");
    (void)mse_read_array(&body, 42, "reserved");
    out->isv_family_id = mse_read_array(&body, 16, "isv_family_id");
    out->report_data = mse_read_array(&body, 64, "report_data");
    if (!mse_read_done(&body, "sgx_body"))
        *out = (struct mse_sgx_body){ 0 };
}
