/* SPDX-License-Identifier: Apache-2.0 */
/* Reader of the TD report bodies. */
#include "evidence/tdx.h"

void mse_td_body_read(struct mse_reader *r, bool is_td15, struct mse_td_body *out)
{
    size_t len = is_td15 ? MSE_TD15_BODY_SIZE : MSE_TD10_BODY_SIZE;
    struct mse_reader body = mse_read_sub(r, len, "td_body");
    struct mse_reader again = body;

    *out = (struct mse_td_body){ .raw = mse_read_rest(&again), .is_td15 = is_td15 };
    out->tee_tcb_svn = mse_read_array(&body, 16, "tee_tcb_svn");
    out->mrseam = mse_read_array(&body, 48, "mrseam");
    out->mrsignerseam = mse_read_array(&body, 48, "mrsignerseam");
    out->seam_attributes = mse_read_array(&body, 8, "seam_attributes");
    out->td_attributes = mse_read_u64le(&body, "td_attributes");
    out->xfam = mse_read_u64le(&body, "xfam");
    out->mrtd = mse_read_array(&body, 48, "mrtd");
    out->mrconfigid = mse_read_array(&body, 48, "mrconfigid");
    out->mrowner = mse_read_array(&body, 48, "mrowner");
    out->mrownerconfig = mse_read_array(&body, 48, "mrownerconfig");
    for (size_t i = 0; i < 4; i++)
        out->rtmr[i] = mse_read_array(&body, 48, "rtmr");
    out->report_data = mse_read_array(&body, 64, "report_data");
    if (is_td15) {
        out->tee_tcb_svn2 = mse_read_array(&body, 16, "tee_tcb_svn2");
        out->mrservicetd = mse_read_array(&body, 48, "mrservicetd");
    }
    if (!mse_read_done(&body, "td_body"))
        *out = (struct mse_td_body){ 0 };
}
