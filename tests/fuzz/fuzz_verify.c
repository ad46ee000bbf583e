/* SPDX-License-Identifier: Apache-2.0 */
/* The whole judgement over certificates and bare evidence: no input without genuine signatures may
 * get anything but a refusal. */
#include <stdlib.h>

#include <mse/mse.h>

#define ANY "0000000000000000000000000000000000000000000000000000000000000000"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(struct mse_verifier *verifier, const struct mse_policy *policy,
                  const struct mse_request *request)
{
    struct mse_report *report = NULL;
    struct mse_error err = { 0 };
    char *text = NULL;

    if (!mse_verify(verifier, NULL, policy, request, &report, &err))
        return;
    if (mse_report_verdict(report) == MSE_VERDICT_PASS ||
        mse_report_verdict(report) == MSE_VERDICT_INCOMPLETE)
        abort(); /* there is no collateral at all */
    if (!mse_report_write_json(report, &text, &err))
        abort();
    free(text);
    if (!mse_report_write_text(report, true, &text, &err))
        abort();
    free(text);
    mse_report_free(report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mse_verifier *verifier;
    static struct mse_policy *policy;
    struct mse_error err = { 0 };
    struct mse_bytes in = { data, size };

    if (verifier == NULL &&
        (!mse_verifier_new(NULL, &verifier, &err) || !mse_policy_new(&policy, &err) ||
         !mse_policy_set(policy, "fingerprint", ANY, &err)))
        abort();
    judge(verifier, policy, &(struct mse_request){ .certificate = in, .at = 1700000000 });
    judge(verifier, policy, &(struct mse_request){ .evidence = in, .at = 1700000000 });
    return 0;
}
