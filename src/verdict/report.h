/* SPDX-License-Identifier: Apache-2.0 */
/* What a verification found. Filled in by verify.c, written by report_text.c and report_json.c. */
#ifndef MSE_VERDICT_REPORT_H
#define MSE_VERDICT_REPORT_H

#include "appraisal/appraisal.h"
#include "evidence/hcl.h"
#include "ratls/ratls.h"
#include "verdict/instance.h"
#include "verdict/release_check.h"
#include "verdict/shape.h"

#define MSE_REPORT_SCHEMA "mse-report-v1"

/* One piece of evidence and what its appraisal gave. */
struct mse_judged {
    const char *profile; /* NULL: bare evidence */
    char oid[64];
    struct mse_bytes evidence; /* view into the report's copy of the input */
    struct mse_appraisal appraisal;
    /* Copies of what the appraisal borrows from the collateral. */
    char advisories[MSE_MAX_ADVISORIES][24];
    size_t advisory_count;
};

struct mse_report {
    struct mse_checks checks;
    enum mse_verdict verdict;
    enum mse_level level;
    int64_t at, holds_from, holds_until;
    uint8_t *input; /* owned copy; every view below lies in it or in ratls */
    bool has_certificate;
    struct mse_cert certificate;
    enum mse_shape shape;
    const char *shape_reason;
    struct mse_ratls ratls;
    bool is_hcl;
    struct mse_hcl hcl;
    struct mse_judged judged[MSE_RATLS_MAX];
    size_t judged_count;
    bool has_instance;
    struct mse_instance instance;
    bool has_release;
    struct mse_release_summary release;
    char name[256]; /* asked for; "" if none */
};

/* Everything about one check, valid as long as the report. */
const struct mse_check_result *mse_report_result(const struct mse_report *report,
                                                 enum mse_check check);

#endif
