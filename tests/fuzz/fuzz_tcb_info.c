/* SPDX-License-Identifier: Apache-2.0 */
/* TCB infos, bare and in their signed envelope: views stay inside, what is kept is consistent. */
#include <stdlib.h>

#include "endorsement/tcb_info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static bool is_inside(struct mse_bytes part, struct mse_bytes whole)
{
    return part.len == 0 || (part.data >= whole.data && part.len <= whole.len &&
                             (size_t)(part.data - whole.data) <= whole.len - part.len);
}

static void check_levels(const struct mse_tcb_info *info)
{
    for (uint32_t i = 0; i < info->level_count; i++) {
        uint32_t ids = info->levels[i].advisories;

        require(info->levels[i].status != MSE_TCB_NO_MATCH);
        require(ids < info->json.count);
        require(ids == 0 || info->json.values[ids].type == MSE_JSON_ARRAY);
    }
}

static void check_modules(const struct mse_tcb_info *info)
{
    uint32_t next = info->platform_level_count;

    require(info->is_tdx == info->has_tdx_module);
    require(info->module_count <= MSE_TCB_MAX_MODULES);
    for (uint32_t i = 0; i < info->module_count; i++) {
        const struct mse_tdx_module *m = &info->modules[i];

        require(memchr(m->id, '\0', sizeof(m->id)) != NULL && m->id[0] != '\0');
        require(m->first_level == next);
        next += m->level_count;
    }
    require(next == info->level_count);
}

static void try_body(struct mse_bytes body)
{
    struct mse_error err = { 0 };
    struct mse_tcb_info info;
    bool done = mse_tcb_info_parse(body, &info, &err);

    require(done == (err.code == MSE_ERR_NONE));
    if (!done) {
        require(info.levels == NULL && info.json.values == NULL && info.level_count == 0);
        return;
    }
    require(info.platform_level_count > 0 && info.level_count <= MSE_TCB_MAX_LEVELS);
    require(info.issue_date <= info.next_update);
    for (size_t i = 0; i < 16; i++) {
        require(is_inside(info.sgx_component_type[i], body));
        require(is_inside(info.tdx_component_type[i], body));
    }
    check_levels(&info);
    check_modules(&info);
    mse_tcb_info_cleanup(&info);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mse_bytes in = { data, size }, body;
    struct mse_error err = { 0 };
    uint8_t signature[64];

    if (mse_signed_json_split(in, "tcbInfo", &body, signature, &err)) {
        require(err.code == MSE_ERR_NONE && body.len >= 2 && is_inside(body, in));
        require(body.data[0] == '{');
        try_body(body);
    } else {
        require(err.code != MSE_ERR_NONE && body.data == NULL);
        try_body(in);
    }
    return 0;
}
