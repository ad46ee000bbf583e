/* SPDX-License-Identifier: Apache-2.0 */
/* TD report body: 584 bytes (TD 1.0) or 648 bytes (TD 1.5) (Intel TDX DCAP Quoting Library API). */
#ifndef MSE_EVIDENCE_TDX_H
#define MSE_EVIDENCE_TDX_H

#include "base/bytes.h"

#define MSE_TD10_BODY_SIZE 584
#define MSE_TD15_BODY_SIZE 648

/* TD ATTRIBUTES */
#define MSE_TD_DEBUG (1ULL << 0)
#define MSE_TD_SEPT_VE_DISABLE (1ULL << 28)
#define MSE_TD_PKS (1ULL << 30)
#define MSE_TD_KL (1ULL << 31)
#define MSE_TD_PERFMON (1ULL << 63)

/* Pointers lie inside the input. */
struct mse_td_body {
    struct mse_bytes raw;
    bool is_td15;
    const uint8_t *tee_tcb_svn;     /* 16 */
    const uint8_t *mrseam;          /* 48 */
    const uint8_t *mrsignerseam;    /* 48 */
    const uint8_t *seam_attributes; /* 8 */
    uint64_t td_attributes;
    uint64_t xfam;
    const uint8_t *mrtd;          /* 48 */
    const uint8_t *mrconfigid;    /* 48 */
    const uint8_t *mrowner;       /* 48 */
    const uint8_t *mrownerconfig; /* 48 */
    const uint8_t *rtmr[4];       /* 48 each */
    const uint8_t *report_data;   /* 64 */
    const uint8_t *tee_tcb_svn2;  /* 16, TD 1.5; else NULL */
    const uint8_t *mrservicetd;   /* 48, TD 1.5; else NULL */
};

void mse_td_body_read(struct mse_reader *r, bool is_td15, struct mse_td_body *out);

#endif
