/* SPDX-License-Identifier: Apache-2.0 */
/* Selection of TCB levels, convergence of statuses, and what is short of the newest level. */
#include "appraisal/tcb_level.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "appraisal/shortfall.h"

/*
 * TEE_TCB_SVN[1] is the major version of the TDX module. From 1 on the module has an identity with
 * levels of its own and components 0 and 1 are no part of the platform's level (Intel PCS API v4,
 * "Get TCB Info", step 3.c of the TCB status of a TD).
 */
static bool has_own_module(const struct mse_td_body *td)
{
    return td != NULL && td->tee_tcb_svn[1] > 0;
}

static bool all_reached(const uint8_t *have, const uint8_t *need, unsigned from)
{
    for (unsigned i = from; i < 16; i++) {
        if (have[i] < need[i])
            return false;
    }
    return true;
}

const struct mse_tcb_level *mse_tcb_level_platform(const struct mse_tcb_info *info,
                                                   const struct mse_pck *pck,
                                                   const struct mse_td_body *td)
{
    unsigned tdx_from = has_own_module(td) ? 2 : 0;

    for (uint32_t i = 0; i < info->platform_level_count; i++) {
        const struct mse_tcb_level *level = &info->levels[i];

        if (pck->pce_svn >= level->pce_svn && all_reached(pck->comp_svn, level->sgx_svn, 0) &&
            (td == NULL || all_reached(td->tee_tcb_svn, level->tdx_svn, tdx_from)))
            return level;
    }
    return NULL;
}

const struct mse_tcb_level *mse_tcb_level_isv(const struct mse_tcb_level *levels, size_t count,
                                              uint16_t isv_svn)
{
    for (size_t i = 0; i < count; i++) {
        if (isv_svn >= levels[i].isv_svn)
            return &levels[i];
    }
    return NULL;
}

/* A status taken apart: each fault is one bit, so that two statuses merge by union. */
#define OUT_OF_DATE (1U << 0)
#define CONFIGURATION (1U << 1)
#define HARDENING (1U << 2)
#define REVOKED (1U << 3)
#define NO_MATCH (1U << 4)

static unsigned faults_of(enum mse_tcb_status status)
{
    switch (status) {
    case MSE_TCB_UP_TO_DATE:
        return 0;
    case MSE_TCB_SW_HARDENING_NEEDED:
        return HARDENING;
    case MSE_TCB_CONFIGURATION_NEEDED:
        return CONFIGURATION;
    case MSE_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED:
        return CONFIGURATION | HARDENING;
    case MSE_TCB_OUT_OF_DATE:
        return OUT_OF_DATE;
    case MSE_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED:
        return OUT_OF_DATE | CONFIGURATION;
    case MSE_TCB_REVOKED:
        return REVOKED;
    case MSE_TCB_NO_MATCH:
        break;
    }
    return NO_MATCH;
}

enum mse_tcb_status mse_tcb_status_merge(enum mse_tcb_status platform, enum mse_tcb_status other)
{
    unsigned faults = faults_of(platform) | faults_of(other);

    if ((faults & NO_MATCH) != 0)
        return MSE_TCB_NO_MATCH;
    if ((faults & REVOKED) != 0)
        return MSE_TCB_REVOKED;
    /* The vendor has no word for out of date with hardening: being out of date covers it. */
    if ((faults & OUT_OF_DATE) != 0)
        return (faults & CONFIGURATION) != 0 ? MSE_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED
                                             : MSE_TCB_OUT_OF_DATE;
    if ((faults & CONFIGURATION) != 0)
        return (faults & HARDENING) != 0 ? MSE_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED
                                         : MSE_TCB_CONFIGURATION_NEEDED;
    return (faults & HARDENING) != 0 ? MSE_TCB_SW_HARDENING_NEEDED : MSE_TCB_UP_TO_DATE;
}

const char *mse_qe_identity_misfit(const struct mse_qe_identity *identity,
                                   const struct mse_sgx_body *qe)
{
    if ((qe->misc_select & identity->misc_select_mask) !=
        (identity->misc_select & identity->misc_select_mask))
        return "miscselect";
    for (size_t i = 0; i < sizeof(identity->attributes); i++) {
        if (((qe->attributes[i] ^ identity->attributes[i]) & identity->attributes_mask[i]) != 0)
            return "attributes";
    }
    if (memcmp(qe->mrsigner, identity->mrsigner, sizeof(identity->mrsigner)) != 0)
        return "mrsigner";
    return qe->isv_prod_id != identity->isv_prod_id ? "isvprodid" : NULL;
}

static bool mismatch(struct mse_error *err, const char *field, const char *text)
{
    return mse_fail_text(err, MSE_ERR_MISMATCH, field, "%s", text);
}

/* TCB info and identity must be of this platform's family and of this kind of TEE. */
static bool check_fitness(const struct mse_tcb_info *info, const struct mse_qe_identity *identity,
                          const struct mse_quote *quote, const struct mse_pck *pck,
                          struct mse_error *err)
{
    bool tdx = quote->tee_type == MSE_TEE_TYPE_TDX;

    if (info->is_tdx != tdx)
        return mismatch(err, "tcb_info.id", "the TCB info is for another kind of TEE");
    if (info->tcb_type != 0)
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "tcb_info.tcbType",
                             "components are composed by a rule that is not known: %u",
                             info->tcb_type);
    if (memcmp(info->fmspc, pck->fmspc, sizeof(info->fmspc)) != 0)
        return mismatch(err, "tcb_info.fmspc", "the TCB info is for another platform family");
    if (memcmp(info->pce_id, pck->pce_id, sizeof(info->pce_id)) != 0)
        return mismatch(err, "tcb_info.pceId", "the TCB info is for another provisioning enclave");
    if (identity->id != (tdx ? MSE_QE_TDX : MSE_QE_SGX))
        return mismatch(err, "qe_identity.id", "the identity is of another enclave");
    return true;
}

/* "TDX_" and the major version as two hex digits, as the vendor names its modules. */
static const struct mse_tdx_module *module_of(const struct mse_tcb_info *info,
                                              const struct mse_td_body *td, struct mse_error *err)
{
    char id[8];

    if (!has_own_module(td)) {
        if (!info->has_tdx_module)
            mse_fail_text(err, MSE_ERR_MISSING, "tcb_info.tdxModule",
                          "the TCB info names no TDX module");
        return info->has_tdx_module ? &info->module : NULL;
    }
    snprintf(id, sizeof(id), "TDX_%02X", td->tee_tcb_svn[1]);
    for (uint32_t i = 0; i < info->module_count; i++) {
        if (strcasecmp(info->modules[i].id, id) == 0)
            return &info->modules[i];
    }
    mse_fail_text(err, MSE_ERR_MISMATCH, "tcb_info.tdxModuleIdentities",
                  "the TCB info does not know the TDX module %s", id);
    return NULL;
}

/* The module that signed for the TD must be the vendor's; its level goes to *level. */
static bool check_module(const struct mse_tcb_info *info, const struct mse_td_body *td,
                         struct mse_tcb_choice *choice, struct mse_error *err)
{
    const struct mse_tdx_module *module = module_of(info, td, err);

    if (module == NULL)
        return false;
    if (memcmp(module->mrsigner, td->mrsignerseam, sizeof(module->mrsigner)) != 0)
        return mismatch(err, "mrsignerseam", "the TDX module was not signed by the vendor's key");
    for (size_t i = 0; i < sizeof(module->attributes); i++) {
        if (((td->seam_attributes[i] ^ module->attributes[i]) & module->attributes_mask[i]) != 0)
            return mismatch(err, "seamattributes", "the TDX module has attributes it may not have");
    }
    if (has_own_module(td)) {
        choice->module_levels = &info->levels[module->first_level];
        choice->module_level_count = module->level_count;
        choice->module = mse_tcb_level_isv(choice->module_levels, choice->module_level_count,
                                           td->tee_tcb_svn[0]);
    }
    return true;
}

static bool has_advisory(const struct mse_tcb_result *result, struct mse_bytes advisory)
{
    for (size_t i = 0; i < result->advisory_count; i++) {
        if (mse_bytes_equal(result->advisories[i], advisory))
            return true;
    }
    return false;
}

/* Advisories of a level, each once. What does not fit is left out: they decide nothing. */
static void add_advisories(struct mse_tcb_result *result, const struct mse_json *json,
                           const struct mse_tcb_level *level)
{
    const struct mse_json_value *array, *v;

    if (level == NULL || level->advisories == 0 || level->advisories >= json->count)
        return;
    array = &json->values[level->advisories];
    for (v = mse_json_first(json, array); v != NULL; v = mse_json_next(json, array, v)) {
        struct mse_bytes text = mse_json_span(json, v);

        if (v->type == MSE_JSON_STRING && result->advisory_count < MSE_MAX_ADVISORIES &&
            !has_advisory(result, text))
            result->advisories[result->advisory_count++] = text;
    }
}

static enum mse_tcb_status status_of(const struct mse_tcb_level *level)
{
    return level != NULL ? level->status : MSE_TCB_NO_MATCH;
}

static void conclude(const struct mse_tcb_choice *choice, struct mse_tcb_result *out)
{
    const struct mse_tcb_info *info = choice->info;
    const struct mse_qe_identity *identity = choice->identity;

    out->evaluated = true;
    out->platform_status = status_of(choice->platform);
    out->qe_status = status_of(choice->qe);
    out->status = mse_tcb_status_merge(out->platform_status, out->qe_status);
    out->has_module = choice->module_levels != NULL;
    if (out->has_module) {
        out->module_status = status_of(choice->module);
        out->status = mse_tcb_status_merge(out->status, out->module_status);
    }
    if (choice->platform != NULL)
        out->tcb_date = choice->platform->tcb_date;
    out->tcb_eval = info->tcb_eval < identity->tcb_eval ? info->tcb_eval : identity->tcb_eval;
    out->next_update = info->next_update < identity->next_update ? info->next_update
                                                                 : identity->next_update;
    add_advisories(out, &info->json, choice->platform);
    add_advisories(out, &info->json, choice->module);
    add_advisories(out, &identity->json, choice->qe);
}

bool mse_tcb_evaluate(const struct mse_tcb_info *info, const struct mse_qe_identity *identity,
                      const struct mse_quote *quote, const struct mse_pck *pck,
                      struct mse_tcb_result *out, struct mse_error *err)
{
    struct mse_tcb_choice choice = { .info = info, .identity = identity, .pck = pck };

    *out = (struct mse_tcb_result){ 0 };
    if (!check_fitness(info, identity, quote, pck, err))
        return false;
    choice.qe_isv_svn = quote->qe_report.isv_svn;
    if (quote->tee_type == MSE_TEE_TYPE_TDX) {
        choice.td = &quote->td;
        if (!check_module(info, choice.td, &choice, err))
            return false;
    }
    choice.platform = mse_tcb_level_platform(info, pck, choice.td);
    choice.qe = mse_tcb_level_isv(identity->levels, identity->level_count,
                                  quote->qe_report.isv_svn);
    out->qe_matches = mse_qe_identity_misfit(identity, &quote->qe_report) == NULL;
    conclude(&choice, out);
    mse_shortfall_write(&choice, out->status, out->shortfall, sizeof(out->shortfall));
    return true;
}
