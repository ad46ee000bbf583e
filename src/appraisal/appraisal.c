/* SPDX-License-Identifier: Apache-2.0 */
/* Names and instants that all appraisals share. */
#include "appraisal/appraisal.h"

#include <stdio.h>

#include "appraisal/window.h"
#include "base/clock.h"

const char *mse_tee_name(enum mse_tee tee)
{
    switch (tee) {
    case MSE_TEE_SGX:
        return "SGX";
    case MSE_TEE_TDX:
        return "TDX";
    case MSE_TEE_SNP:
        return "SEV-SNP";
    case MSE_TEE_NONE:
        break;
    }
    return "none";
}

enum mse_err_code mse_window_judge(int64_t from, int64_t until, int64_t at)
{
    if (at < from)
        return MSE_ERR_NOT_YET_VALID;
    return at > until ? MSE_ERR_EXPIRED : MSE_ERR_NONE;
}

const char *mse_window_text(enum mse_err_code code, int64_t from, int64_t until,
                            char text[MSE_WINDOW_TEXT_SIZE])
{
    char instant[MSE_TIME_TEXT_SIZE];

    if (code == MSE_ERR_NOT_YET_VALID)
        snprintf(text, MSE_WINDOW_TEXT_SIZE, "not valid before %s", mse_time_write(from, instant));
    else
        snprintf(text, MSE_WINDOW_TEXT_SIZE, "not valid after %s", mse_time_write(until, instant));
    return text;
}

void mse_window_add(struct mse_window *window, int64_t from, int64_t until)
{
    if (!window->any || from > window->from)
        window->from = from;
    if (!window->any || until < window->until)
        window->until = until;
    window->any = true;
}

void mse_window_export(const struct mse_window *window, int64_t at, struct mse_appraisal *out)
{
    out->valid_from = window->any ? window->from : at;
    out->valid_until = window->any ? window->until : at;
    out->issued = window->any ? window->from : 0;
}
