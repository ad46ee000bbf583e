/* SPDX-License-Identifier: Apache-2.0 */
/* Intel TCB info, version 3 (Intel PCS API v4, "Get TCB Info"). */
#ifndef MSE_ENDORSEMENT_TCB_INFO_H
#define MSE_ENDORSEMENT_TCB_INFO_H

#include "base/json.h"
#include "endorsement/signed_json.h"

#define MSE_TCB_MAX_LEVELS 256
#define MSE_TCB_MAX_MODULES 32

/* Zero stands for "no level matches": never accepted. Order is not severity. */
enum mse_tcb_status {
    MSE_TCB_NO_MATCH,
    MSE_TCB_UP_TO_DATE,
    MSE_TCB_SW_HARDENING_NEEDED,
    MSE_TCB_CONFIGURATION_NEEDED,
    MSE_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED,
    MSE_TCB_OUT_OF_DATE,
    MSE_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED,
    MSE_TCB_REVOKED
};

/* The vendor's own word ("UpToDate"); "NoMatchingLevel" for zero. */
const char *mse_tcb_status_name(enum mse_tcb_status status);
/* From the vendor's word; MSE_ERR_VALUE for any other. NoMatchingLevel cannot be read. */
MSE_MUST_CHECK bool mse_tcb_status_read(struct mse_bytes text, enum mse_tcb_status *out);

struct mse_tcb_level {
    uint8_t sgx_svn[16];
    uint8_t tdx_svn[16]; /* id TDX */
    uint16_t pce_svn;
    uint16_t isv_svn; /* levels of QE identities and TDX modules, which have nothing else */
    enum mse_tcb_status status;
    int64_t tcb_date;
    uint32_t advisories; /* index of the advisoryIDs array in the JSON; 0: none */
};

struct mse_tdx_module {
    char id[16]; /* "TDX_01"; "" for the base entry tdxModule */
    uint8_t mrsigner[48];
    uint8_t attributes[8];
    uint8_t attributes_mask[8];
    uint32_t first_level, level_count; /* in levels */
};

struct mse_tcb_info {
    struct mse_json json; /* of the signed object only; owned, views into the item's bytes */
    bool is_tdx;
    int64_t issue_date, next_update;
    uint8_t fmspc[6];
    uint8_t pce_id[2];
    uint32_t tcb_type;
    uint32_t tcb_eval;            /* tcbEvaluationDataNumber */
    struct mse_tcb_level *levels; /* owned; platform levels first, then modules' */
    uint32_t platform_level_count;
    uint32_t level_count;
    bool has_tdx_module;
    struct mse_tdx_module module;                       /* tdxModule */
    struct mse_tdx_module modules[MSE_TCB_MAX_MODULES]; /* tdxModuleIdentities */
    uint32_t module_count;
    /* Human names of the components, borrowed: category and type of the first level's entries. */
    struct mse_bytes sgx_component_type[16], tdx_component_type[16];
};

/*
 * body is the exact signed object, the value of "tcbInfo" in the reply. Only called after its
 * signature was checked. Unknown members are allowed (the vendor adds some), wrong types are not.
 * Levels must be sorted as the vendor sorts them only in so far as the appraisal takes the first
 * match; order is kept as it is.
 */
MSE_MUST_CHECK bool mse_tcb_info_parse(struct mse_bytes body, struct mse_tcb_info *out,
                                       struct mse_error *err);
void mse_tcb_info_cleanup(struct mse_tcb_info *info);

#endif
