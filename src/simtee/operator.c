/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's file, "mse-operator-v1": whom a user trusts to say which app an instance is. */
#include "simtee/operator.h"

#include "base/json.h"
#include "simtee/quote.h"

bool mse_sim_operator_write(const struct mse_sim_platform *platform, struct mse_writer *out,
                            struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer signer = { 0 };
    struct mse_json_writer w = mse_json_writer_init(out, 2);
    uint8_t instance[32];

    if (!mse_issue_key_write_public(platform->signer, &signer, err) ||
        !mse_issue_key_raw(platform->instance, instance, err))
        return false;
    mse_json_open_object(&w, NULL);
    mse_json_put_text(&w, "format", "mse-operator-v1");
    mse_json_put_text(&w, "name", "simulated operator");
    mse_json_put_bytes_text(&w, "signer", mse_writer_bytes(&signer));
    mse_json_put_integer(&w, "isv_prod_id", MSE_SIM_ISV_PROD_ID);
    mse_json_put_integer(&w, "min_isv_svn", 1);
    mse_json_put_hex(&w, "instance_key", instance, sizeof(instance));
    mse_json_open_array(&w, "runtime_keys");
    mse_json_close_array(&w);
    mse_json_close_object(&w);
    mse_write_text(out, "\n");
    return mse_writer_ok(out) || mse_fail_memory(err);
}
