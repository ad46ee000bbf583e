/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a report. */
#include "verdict/report.h"

#include <stdlib.h>

void mse_report_free(struct mse_report *report)
{
    if (report == NULL)
        return;
    mse_ratls_cleanup(&report->ratls);
    free(report->input);
    free(report->reply);
    free(report);
}

enum mse_verdict mse_report_verdict(const struct mse_report *report)
{
    return report->verdict;
}

enum mse_outcome mse_report_outcome(const struct mse_report *report, enum mse_check check)
{
    return (unsigned)check < MSE_CHECK_COUNT ? report->checks.of[check].outcome
                                             : MSE_OUTCOME_NOT_RUN;
}

const char *mse_report_reason(const struct mse_report *report, enum mse_check check)
{
    return (unsigned)check < MSE_CHECK_COUNT ? report->checks.of[check].reason : "";
}

enum mse_err_code mse_report_code(const struct mse_report *report, enum mse_check check)
{
    return (unsigned)check < MSE_CHECK_COUNT ? report->checks.of[check].code : MSE_ERR_USAGE;
}

enum mse_level mse_report_level(const struct mse_report *report)
{
    return report->level;
}

int64_t mse_report_holds_from(const struct mse_report *report)
{
    return report->holds_from;
}

int64_t mse_report_holds_until(const struct mse_report *report)
{
    return report->holds_until;
}

const struct mse_check_result *mse_report_result(const struct mse_report *report,
                                                 enum mse_check check)
{
    static const struct mse_check_result none;

    return (unsigned)check < MSE_CHECK_COUNT ? &report->checks.of[check] : &none;
}
