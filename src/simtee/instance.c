/* SPDX-License-Identifier: Apache-2.0 */
/* Writing of instance files. */
#include "simtee/instance.h"

#include <stdlib.h>

#include "base/encode.h"
#include "base/json.h"
#include "simtee/statement.h"

static bool put_statement(const struct mse_sim_instance *instance, const char *uuid,
                          EVP_PKEY *operator_key, struct mse_json_writer *json,
                          struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer der = { 0 };
    struct mse_sim_statement statement = {
        .name = instance->name,
        .config_name = instance->config_name,
        .fingerprint = instance->fingerprint,
        .owner = instance->owner,
        .not_after = instance->not_after,
        .uuid = uuid,
    };
    char *text;

    if (!mse_sim_statement_make(&statement, operator_key, &der, err))
        return false;
    text = malloc(4 * ((der.len + 2) / 3) + 1);
    if (text == NULL)
        return mse_fail_memory(err);
    (void)mse_base64_write(der.data, der.len, text);
    mse_json_put_text(json, "statement", text);
    free(text);
    return true;
}

bool mse_sim_instance_write(const struct mse_sim_instance *instance, EVP_PKEY *operator_key,
                            struct mse_writer *out, struct mse_error *err)
{
    struct mse_json_writer json = mse_json_writer_init(out, 2);
    char made[MSE_SIM_UUID_SIZE];
    const char *uuid = instance->uuid != NULL ? instance->uuid : made;

    if (instance->uuid == NULL && !mse_sim_uuid_make(made, err))
        return false;
    mse_json_open_object(&json, NULL);
    mse_json_put_text(&json, "name", instance->name);
    mse_json_put_text(&json, "config_name", instance->config_name);
    mse_json_put_text(&json, "uuid", uuid);
    mse_json_put_time(&json, "not_after", instance->not_after);
    mse_json_put_text(&json, "listen", instance->listen);
    if (instance->edge_count > 0) {
        mse_json_open_array(&json, "edge");
        for (size_t i = 0; i < instance->edge_count; i++)
            mse_json_put_text(&json, NULL, instance->edges[i]);
        mse_json_close_array(&json);
    }
    if (!put_statement(instance, uuid, operator_key, &json, err))
        return false;
    mse_json_close_object(&json);
    mse_write_text(out, "\n");
    return mse_writer_ok(out) || mse_fail_memory(err);
}
