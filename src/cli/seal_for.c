/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing to the key that verified evidence names. */
#include "cli/seal_for.h"

#include <stdlib.h>

#include "base/encode.h"
#include "cli/code.h"
#include "verdict/verdict.h"

static bool check(const struct mse_report *report, struct mse_error *err)
{
    if (!mse_verdict_is_positive(mse_report_verdict(report)) ||
        mse_report_result(report, MSE_CHECK_FINGERPRINT)->outcome != MSE_OUTCOME_PASSED)
        return mse_fail_text(err, MSE_ERR_USAGE, "secrets",
                             "are sealed only for an enclave whose code was checked");
    return report->ratls.has_x25519 ||
           mse_fail_text(err, MSE_ERR_MISSING, "secrets",
                         "cannot be sealed: the evidence names no key for that");
}

bool seal_for(struct cli *cli, const struct mse_report *report, struct mse_bytes secrets,
              struct mse_writer *out, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer box = { 0 };
    char *text;
    size_t len;

    if (!check(report, err) || !code_seal(cli, report->ratls.x25519, secrets, &box, err))
        return false;
    text = malloc(4 * ((box.len + 2) / 3) + 1);
    if (text == NULL)
        return mse_fail_memory(err);
    len = mse_base64_write(box.data, box.len, text);
    for (size_t i = 0; i < len; i++)
        text[i] = (char)(text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
    while (len > 0 && text[len - 1] == '=')
        len--;
    mse_write_bytes(out, text, len);
    free(text);
    return mse_writer_ok(out) || mse_fail_memory(err);
}
