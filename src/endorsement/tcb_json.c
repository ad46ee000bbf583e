/* SPDX-License-Identifier: Apache-2.0 */
/* Members that Intel's TCB infos and enclave identities share (PCS API v4). */
#include "endorsement/tcb_json.h"

static const char *const status_names[] = {
    [MSE_TCB_NO_MATCH] = "NoMatchingLevel",
    [MSE_TCB_UP_TO_DATE] = "UpToDate",
    [MSE_TCB_SW_HARDENING_NEEDED] = "SWHardeningNeeded",
    [MSE_TCB_CONFIGURATION_NEEDED] = "ConfigurationNeeded",
    [MSE_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED] = "ConfigurationAndSWHardeningNeeded",
    [MSE_TCB_OUT_OF_DATE] = "OutOfDate",
    [MSE_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED] = "OutOfDateConfigurationNeeded",
    [MSE_TCB_REVOKED] = "Revoked",
};
#define STATUS_COUNT (sizeof(status_names) / sizeof(status_names[0]))

const char *mse_tcb_status_name(enum mse_tcb_status status)
{
    return (size_t)status < STATUS_COUNT ? status_names[status] : status_names[MSE_TCB_NO_MATCH];
}

bool mse_tcb_status_read(struct mse_bytes text, enum mse_tcb_status *out)
{
    *out = MSE_TCB_NO_MATCH;
    for (size_t i = MSE_TCB_UP_TO_DATE; i < STATUS_COUNT; i++) {
        if (mse_bytes_equal_text(text, status_names[i])) {
            *out = (enum mse_tcb_status)i;
            return true;
        }
    }
    return false;
}

bool mse_tcb_json_head(const struct mse_json *json, const struct mse_json_value *root,
                       int64_t version, struct mse_tcb_json_head *out, struct mse_error *err)
{
    int64_t found, eval;

    memset(out, 0, sizeof(*out));
    if (!mse_json_get_integer(json, root, "version", 0, INT32_MAX, &found, err))
        return false;
    if (found != version) {
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "version",
                             "version %d, but only %d is supported", (int)found, (int)version);
    }
    if (!mse_json_get_time(json, root, "issueDate", &out->issue_date, err) ||
        !mse_json_get_time(json, root, "nextUpdate", &out->next_update, err) ||
        !mse_json_get_integer(json, root, "tcbEvaluationDataNumber", 0, UINT32_MAX, &eval, err))
        return false;
    if (out->next_update < out->issue_date)
        return mse_fail_text(err, MSE_ERR_VALUE, "nextUpdate", "is before issueDate");
    out->tcb_eval = (uint32_t)eval;
    return true;
}

static bool read_advisories(const struct mse_json *json, const struct mse_json_value *level,
                            struct mse_tcb_level *out, struct mse_error *err)
{
    const struct mse_json_value *list = mse_json_member(json, level, "advisoryIDs");
    const struct mse_json_value *id;

    if (list == NULL)
        return true;
    if (list->type != MSE_JSON_ARRAY)
        return mse_fail(err, MSE_ERR_VALUE, list->start, "advisoryIDs");
    for (id = mse_json_first(json, list); id != NULL; id = mse_json_next(json, list, id)) {
        if (id->type != MSE_JSON_STRING)
            return mse_fail(err, MSE_ERR_VALUE, id->start, "advisoryIDs");
    }
    out->advisories = (uint32_t)(list - json->values);
    return true;
}

bool mse_tcb_json_level_end(const struct mse_json *json, const struct mse_json_value *level,
                            struct mse_tcb_level *out, struct mse_error *err)
{
    struct mse_bytes status;

    if (!mse_json_get_plain(json, level, "tcbStatus", &status, err))
        return false;
    if (!mse_tcb_status_read(status, &out->status))
        return mse_fail(err, MSE_ERR_VALUE, (size_t)(status.data - json->in.data), "tcbStatus");
    return mse_json_get_time(json, level, "tcbDate", &out->tcb_date, err) &&
           read_advisories(json, level, out, err);
}

bool mse_tcb_json_isv_level(const struct mse_json *json, const struct mse_json_value *level,
                            struct mse_tcb_level *out, struct mse_error *err)
{
    const struct mse_json_value *tcb;
    int64_t svn;

    if (!mse_json_get_object(json, level, "tcb", &tcb, err) ||
        !mse_json_get_integer(json, tcb, "isvsvn", 0, UINT16_MAX, &svn, err) ||
        !mse_tcb_json_level_end(json, level, out, err))
        return false;
    out->isv_svn = (uint16_t)svn;
    return true;
}
