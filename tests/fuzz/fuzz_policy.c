/* SPDX-License-Identifier: Apache-2.0 */
/* Policy files: whatever is read, a policy that failed to load must not be usable by accident. */
#include <stdlib.h>

#include "verdict/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mse_policy *policy = NULL;
    struct mse_error err = { 0 };

    if (!mse_policy_new(&policy, &err))
        return 0;
    if (!mse_policy_load(policy, (struct mse_bytes){ data, size }, "input", &err) &&
        err.code == MSE_ERR_NONE)
        abort(); /* a failure without a reason */
    if (policy->tcb_allowed[MSE_TCB_REVOKED] || policy->tcb_allowed[MSE_TCB_NO_MATCH])
        abort(); /* no file can allow these */
    mse_policy_free(policy);
    return 0;
}
