/* SPDX-License-Identifier: Apache-2.0 */
/* Reads Intel's TCB info, version 3, after its signature was checked. */
#include "endorsement/tcb_info.h"

#include <stdlib.h>

#include "endorsement/tcb_json.h"

#define COMPONENTS 16

/* sgxtcbcomponents or tdxtcbcomponents: 16 objects {"svn": 0..255, ...}. */
static bool read_components(const struct mse_json *json, const struct mse_json_value *tcb,
                            const char *name, uint8_t out[static COMPONENTS],
                            struct mse_bytes *types, struct mse_error *err)
{
    const struct mse_json_value *list, *entry;
    size_t i = 0;

    if (!mse_json_get_array(json, tcb, name, &list, err))
        return false;
    if (list->count != COMPONENTS)
        return mse_fail(err, MSE_ERR_VALUE, list->start, name);
    for (entry = mse_json_first(json, list); entry != NULL;
         entry = mse_json_next(json, list, entry), i++) {
        const struct mse_json_value *type;
        int64_t svn;

        if (!mse_json_get_integer(json, entry, "svn", 0, UINT8_MAX, &svn, err))
            return mse_fail_in(err, "%s[%zu]", name, i);
        out[i] = (uint8_t)svn;
        if (types == NULL)
            continue;
        type = mse_json_member(json, entry, "type");
        if (type != NULL && type->type != MSE_JSON_STRING)
            return mse_fail(err, MSE_ERR_VALUE, type->start, "type");
        if (type != NULL && !type->escaped)
            types[i] = mse_json_span(json, type);
    }
    return true;
}

static bool read_platform_level(const struct mse_json *json, const struct mse_json_value *value,
                                struct mse_tcb_info *out, struct mse_error *err)
{
    struct mse_tcb_level *level = &out->levels[out->level_count];
    bool first = out->level_count == 0;
    const struct mse_json_value *tcb;
    int64_t pce_svn;

    if (!mse_json_get_object(json, value, "tcb", &tcb, err) ||
        !read_components(json, tcb, "sgxtcbcomponents", level->sgx_svn,
                         first ? out->sgx_component_type : NULL, err) ||
        !mse_json_get_integer(json, tcb, "pcesvn", 0, UINT16_MAX, &pce_svn, err))
        return false;
    if (out->is_tdx && !read_components(json, tcb, "tdxtcbcomponents", level->tdx_svn,
                                        first ? out->tdx_component_type : NULL, err))
        return false;
    level->pce_svn = (uint16_t)pce_svn;
    if (!mse_tcb_json_level_end(json, value, level, err))
        return false;
    out->level_count++;
    return true;
}

static bool read_platform_levels(const struct mse_json *json, const struct mse_json_value *list,
                                 struct mse_tcb_info *out, struct mse_error *err)
{
    const struct mse_json_value *value;

    for (value = mse_json_first(json, list); value != NULL;
         value = mse_json_next(json, list, value)) {
        if (!read_platform_level(json, value, out, err))
            return mse_fail_in(err, "tcbLevels[%u]", out->level_count);
    }
    out->platform_level_count = out->level_count;
    return true;
}

/* The members that tdxModule and the elements of tdxModuleIdentities share. */
static bool read_module(const struct mse_json *json, const struct mse_json_value *value,
                        struct mse_tdx_module *out, struct mse_error *err)
{
    return mse_json_get_hex(json, value, "mrsigner", out->mrsigner, sizeof(out->mrsigner), err) &&
           mse_json_get_hex(json, value, "attributes", out->attributes, sizeof(out->attributes),
                            err) &&
           mse_json_get_hex(json, value, "attributesMask", out->attributes_mask,
                            sizeof(out->attributes_mask), err);
}

static bool read_module_id(const struct mse_json *json, const struct mse_json_value *value,
                           struct mse_tcb_info *info, struct mse_tdx_module *out,
                           struct mse_error *err)
{
    struct mse_bytes id;

    if (!mse_json_get_plain(json, value, "id", &id, err))
        return false;
    if (id.len == 0 || id.len >= sizeof(out->id) || memchr(id.data, '\0', id.len) != NULL)
        return mse_fail(err, MSE_ERR_VALUE, (size_t)(id.data - json->in.data), "id");
    for (uint32_t i = 0; i < info->module_count; i++) {
        if (mse_bytes_equal_text(id, info->modules[i].id))
            return mse_fail(err, MSE_ERR_DUPLICATE, (size_t)(id.data - json->in.data), "id");
    }
    memcpy(out->id, id.data, id.len);
    return true;
}

static bool read_module_identity(const struct mse_json *json, const struct mse_json_value *value,
                                 struct mse_tcb_info *out, struct mse_error *err)
{
    struct mse_tdx_module *module = &out->modules[out->module_count];
    const struct mse_json_value *list, *level;

    if (!read_module_id(json, value, out, module, err) || !read_module(json, value, module, err) ||
        !mse_json_get_array(json, value, "tcbLevels", &list, err))
        return false;
    module->first_level = out->level_count;
    for (level = mse_json_first(json, list); level != NULL;
         level = mse_json_next(json, list, level)) {
        if (!mse_tcb_json_isv_level(json, level, &out->levels[out->level_count], err))
            return mse_fail_in(err, "tcbLevels[%u]", module->level_count);
        out->level_count++;
        module->level_count++;
    }
    out->module_count++;
    return true;
}

/* TDX only. tdxModuleIdentities came in 2023; older statements have tdxModule alone. */
static bool read_modules(const struct mse_json *json, const struct mse_json_value *root,
                         struct mse_tcb_info *out, struct mse_error *err)
{
    const struct mse_json_value *value, *list;

    if (!mse_json_get_object(json, root, "tdxModule", &value, err))
        return false;
    if (!read_module(json, value, &out->module, err))
        return mse_fail_in(err, "tdxModule");
    out->has_tdx_module = true;
    if (mse_json_member(json, root, "tdxModuleIdentities") == NULL)
        return true;
    if (!mse_json_get_array(json, root, "tdxModuleIdentities", &list, err))
        return false;
    if (list->count > MSE_TCB_MAX_MODULES)
        return mse_fail(err, MSE_ERR_LIMIT, list->start, "tdxModuleIdentities");
    for (value = mse_json_first(json, list); value != NULL;
         value = mse_json_next(json, list, value)) {
        if (!read_module_identity(json, value, out, err))
            return mse_fail_in(err, "tdxModuleIdentities[%u]", out->module_count);
    }
    return true;
}

static bool read_id(const struct mse_json *json, const struct mse_json_value *root,
                    struct mse_tcb_info *out, struct mse_error *err)
{
    struct mse_bytes id;

    if (!mse_json_get_plain(json, root, "id", &id, err))
        return false;
    out->is_tdx = mse_bytes_equal_text(id, "TDX");
    if (!out->is_tdx && !mse_bytes_equal_text(id, "SGX"))
        return mse_fail(err, MSE_ERR_VALUE, (size_t)(id.data - json->in.data), "id");
    return true;
}

static bool read_head(const struct mse_json *json, const struct mse_json_value *root,
                      struct mse_tcb_info *out, struct mse_error *err)
{
    struct mse_tcb_json_head head;
    int64_t tcb_type;

    if (!mse_tcb_json_head(json, root, 3, &head, err) || !read_id(json, root, out, err) ||
        !mse_json_get_hex(json, root, "fmspc", out->fmspc, sizeof(out->fmspc), err) ||
        !mse_json_get_hex(json, root, "pceId", out->pce_id, sizeof(out->pce_id), err) ||
        /* 0 is the only type there is: levels compare component by component. */
        !mse_json_get_integer(json, root, "tcbType", 0, 0, &tcb_type, err))
        return false;
    out->issue_date = head.issue_date;
    out->next_update = head.next_update;
    out->tcb_eval = head.tcb_eval;
    out->tcb_type = (uint32_t)tcb_type;
    return true;
}

/* Room for all levels; counted before anything in them is looked at. */
static bool allocate_levels(const struct mse_json *json, const struct mse_json_value *root,
                            const struct mse_json_value *platform, struct mse_tcb_info *out,
                            struct mse_error *err)
{
    const struct mse_json_value *list = mse_json_member(json, root, "tdxModuleIdentities");
    const struct mse_json_value *value;
    size_t count = platform->count;

    for (value = list != NULL ? mse_json_first(json, list) : NULL; value != NULL;
         value = mse_json_next(json, list, value)) {
        const struct mse_json_value *levels = mse_json_member(json, value, "tcbLevels");

        count += levels != NULL ? levels->count : 0;
    }
    if (platform->count == 0)
        return mse_fail(err, MSE_ERR_VALUE, platform->start, "tcbLevels");
    if (count > MSE_TCB_MAX_LEVELS)
        return mse_fail(err, MSE_ERR_LIMIT, platform->start, "tcbLevels");
    out->levels = calloc(count, sizeof(*out->levels));
    return out->levels != NULL || mse_fail_memory(err);
}

static bool parse(struct mse_tcb_info *out, struct mse_error *err)
{
    const struct mse_json *json = &out->json;
    const struct mse_json_value *root = json->values;
    const struct mse_json_value *platform;

    return read_head(json, root, out, err) &&
           mse_json_get_array(json, root, "tcbLevels", &platform, err) &&
           allocate_levels(json, root, platform, out, err) &&
           read_platform_levels(json, platform, out, err) &&
           (!out->is_tdx || read_modules(json, root, out, err));
}

bool mse_tcb_info_parse(struct mse_bytes body, struct mse_tcb_info *out, struct mse_error *err)
{
    memset(out, 0, sizeof(*out));
    if (mse_json_parse(body, &out->json, err) && parse(out, err))
        return true;
    mse_tcb_info_cleanup(out);
    return mse_fail_in(err, "tcbInfo");
}

void mse_tcb_info_cleanup(struct mse_tcb_info *info)
{
    mse_json_cleanup(&info->json);
    free(info->levels);
    memset(info, 0, sizeof(*info));
}
