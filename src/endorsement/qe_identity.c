/* SPDX-License-Identifier: Apache-2.0 */
/* Reads Intel's enclave identity, version 2, after its signature was checked. */
#include "endorsement/qe_identity.h"

#include "endorsement/tcb_json.h"

static bool read_id(const struct mse_json *json, const struct mse_json_value *root,
                    struct mse_qe_identity *out, struct mse_error *err)
{
    static const char *const names[] = {
        [MSE_QE_SGX] = "QE",
        [MSE_QE_TDX] = "TD_QE",
        [MSE_QE_QVE] = "QVE",
    };
    struct mse_bytes id;

    if (!mse_json_get_plain(json, root, "id", &id, err))
        return false;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (mse_bytes_equal_text(id, names[i])) {
            out->id = (enum mse_qe_id)i;
            return true;
        }
    }
    return mse_fail(err, MSE_ERR_VALUE, (size_t)(id.data - json->in.data), "id");
}

/* Hex in the order of memory, as the fields of a report are: little-endian. */
static bool read_u32(const struct mse_json *json, const struct mse_json_value *root,
                     const char *name, uint32_t *out, struct mse_error *err)
{
    uint8_t b[4];

    if (!mse_json_get_hex(json, root, name, b, sizeof(b), err))
        return false;
    *out = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    return true;
}

static bool read_enclave(const struct mse_json *json, const struct mse_json_value *root,
                         struct mse_qe_identity *out, struct mse_error *err)
{
    int64_t prod_id;

    if (!read_u32(json, root, "miscselect", &out->misc_select, err) ||
        !read_u32(json, root, "miscselectMask", &out->misc_select_mask, err) ||
        !mse_json_get_hex(json, root, "attributes", out->attributes, sizeof(out->attributes),
                          err) ||
        !mse_json_get_hex(json, root, "attributesMask", out->attributes_mask,
                          sizeof(out->attributes_mask), err) ||
        !mse_json_get_hex(json, root, "mrsigner", out->mrsigner, sizeof(out->mrsigner), err) ||
        !mse_json_get_integer(json, root, "isvprodid", 0, UINT16_MAX, &prod_id, err))
        return false;
    out->isv_prod_id = (uint16_t)prod_id;
    return true;
}

static bool read_levels(const struct mse_json *json, const struct mse_json_value *root,
                        struct mse_qe_identity *out, struct mse_error *err)
{
    const struct mse_json_value *list, *level;

    if (!mse_json_get_array(json, root, "tcbLevels", &list, err))
        return false;
    if (list->count == 0)
        return mse_fail(err, MSE_ERR_VALUE, list->start, "tcbLevels");
    if (list->count > MSE_QE_MAX_LEVELS)
        return mse_fail(err, MSE_ERR_LIMIT, list->start, "tcbLevels");
    for (level = mse_json_first(json, list); level != NULL;
         level = mse_json_next(json, list, level)) {
        if (!mse_tcb_json_isv_level(json, level, &out->levels[out->level_count], err))
            return mse_fail_in(err, "tcbLevels[%u]", out->level_count);
        out->level_count++;
    }
    return true;
}

static bool parse(struct mse_qe_identity *out, struct mse_error *err)
{
    const struct mse_json *json = &out->json;
    const struct mse_json_value *root = json->values;
    struct mse_tcb_json_head head;

    if (!mse_tcb_json_head(json, root, 2, &head, err))
        return false;
    out->issue_date = head.issue_date;
    out->next_update = head.next_update;
    out->tcb_eval = head.tcb_eval;
    return read_id(json, root, out, err) && read_enclave(json, root, out, err) &&
           read_levels(json, root, out, err);
}

bool mse_qe_identity_parse(struct mse_bytes body, struct mse_qe_identity *out,
                           struct mse_error *err)
{
    memset(out, 0, sizeof(*out));
    if (mse_json_parse(body, &out->json, err) && parse(out, err))
        return true;
    mse_qe_identity_cleanup(out);
    return mse_fail_in(err, "enclaveIdentity");
}

void mse_qe_identity_cleanup(struct mse_qe_identity *identity)
{
    mse_json_cleanup(&identity->json);
    memset(identity, 0, sizeof(*identity));
}
