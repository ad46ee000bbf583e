/* SPDX-License-Identifier: Apache-2.0 */
/* What a verification found. Filled in by verify.c, written by report_text.c and report_json.c. */
#ifndef MSE_VERDICT_REPORT_H
#define MSE_VERDICT_REPORT_H

#include "appraisal/appraisal.h"
#include "attest/config_statement.h"
#include "evidence/hcl.h"
#include "ratls/ratls.h"
#include "verdict/instance.h"
#include "verdict/release_check.h"
#include "verdict/shape.h"

#define MSE_REPORT_SCHEMA "mse-report-v1"

/* One piece of evidence and what its appraisal gave. */
struct mse_judged {
    const char *profile; /* NULL: bare or fresh evidence */
    bool is_fresh;
    char oid[64];
    struct mse_bytes evidence; /* view into the report's copy of the input */
    struct mse_appraisal appraisal;
    /* Copies of what the appraisal borrows from the collateral. */
    char advisories[MSE_MAX_ADVISORIES][24];
    size_t advisory_count;
};

/* What fresh evidence says of the instance's configuration. */
enum mse_configuration_state {
    MSE_CONFIGURATION_NOT_TOLD,     /* no fresh evidence that could be read */
    MSE_CONFIGURATION_UNCONFIGURED, /* the owner has not configured it yet */
    MSE_CONFIGURATION_UNSIGNED,     /* accepted from whoever came first */
    MSE_CONFIGURATION_UNCHECKED,    /* signed, but no owner's key is known to check it with */
    MSE_CONFIGURATION_SIGNED        /* by the owner */
};
struct mse_configuration {
    enum mse_configuration_state state;
    uint8_t digest[32];
    uint64_t epoch;
    uint8_t owner[32]; /* Ed25519; only if signed */
};
/* "configured by OWNER, epoch N, configuration DIGEST"; returns out. */
#define MSE_CONFIGURATION_TEXT_SIZE 256
const char *mse_configuration_text(const struct mse_configuration *configuration,
                                   char out[static MSE_CONFIGURATION_TEXT_SIZE]);
const char *mse_configuration_state_name(enum mse_configuration_state state);

struct mse_report {
    struct mse_checks checks;
    enum mse_verdict verdict;
    enum mse_level level;
    int64_t at, holds_from, holds_until;
    uint8_t *input; /* owned copy; every view below lies in it, in reply or in ratls */
    uint8_t *reply; /* owned copy of what brought fresh evidence, or NULL */
    bool has_certificate;
    struct mse_cert certificate;
    enum mse_shape shape;
    const char *shape_reason;
    struct mse_ratls ratls;
    bool is_hcl;
    struct mse_hcl hcl;
    struct mse_judged judged[MSE_RATLS_MAX + 1]; /* the certificate's, then the fresh one */
    size_t judged_count;
    bool has_instance;
    struct mse_instance instance;
    bool has_release;
    struct mse_release_summary release;
    struct mse_configuration configuration;
    char name[256]; /* asked for; "" if none */
};

/* Everything about one check, valid as long as the report. */
const struct mse_check_result *mse_report_result(const struct mse_report *report,
                                                 enum mse_check check);

#endif
