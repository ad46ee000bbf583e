/* SPDX-License-Identifier: Apache-2.0 */
/* From outcomes to a verdict. What has not run counts as failed: fail closed by shape. */
#include "verdict/verdict.h"

#include <stdio.h>

/* What may be missing, and how. A check with neither mark can only pass. */
struct rule {
    bool waivable;       /* the caller may leave it out: the verdict is then INCOMPLETE */
    bool silent;         /* leaving it out does not change the verdict's word */
    bool not_applicable; /* some evidence or input has no such check */
};

/* clang-format off */
static const struct rule rules[MSE_CHECK_COUNT] = {
    [MSE_CHECK_EVIDENCE]    = { false, false, false },
    [MSE_CHECK_CHAIN]       = { false, false, false },
    [MSE_CHECK_REVOCATION]  = { false, false, false },
    [MSE_CHECK_SIGNATURE]   = { false, false, false },
    [MSE_CHECK_QE_IDENTITY] = { false, false, true },  /* AMD has no quoting enclave */
    [MSE_CHECK_COLLATERAL]  = { false, false, false },
    [MSE_CHECK_TCB]         = { true,  false, false }, /* AMD publishes no status: floors are the caller's */
    [MSE_CHECK_ATTRIBUTES]  = { false, false, false },
    [MSE_CHECK_MACHINE]     = { false, false, true },  /* no list of machines */
    [MSE_CHECK_BINDING]     = { true,  false, false }, /* bare evidence is bound to nothing */
    [MSE_CHECK_CERTIFICATE] = { false, false, true },  /* bare evidence has none */
    [MSE_CHECK_NAME]        = { true,  false, true },
    [MSE_CHECK_SIGNER]      = { true,  false, true },  /* a TD has no signer */
    [MSE_CHECK_INSTANCE]    = { true,  false, true },
    [MSE_CHECK_RELEASE]     = { false, false, true },  /* no owner is expected */
    [MSE_CHECK_RUNTIME]     = { false, false, true },  /* the fingerprint is somebody's word */
    [MSE_CHECK_FINGERPRINT] = { true,  false, false },
    [MSE_CHECK_AGE]         = { false, false, true },  /* no limit asked for */
    [MSE_CHECK_LEVEL]       = { true,  true,  false }, /* named in every report; --min-level demands it */
};
/* clang-format on */

enum mse_verdict mse_verdict_of(const struct mse_checks *checks)
{
    bool unknown = false;
    bool incomplete = false;

    for (size_t i = 0; i < MSE_CHECK_COUNT; i++) {
        switch (checks->of[i].outcome) {
        case MSE_OUTCOME_PASSED:
            continue;
        case MSE_OUTCOME_NOT_APPLICABLE:
            if (!rules[i].not_applicable)
                return MSE_VERDICT_FAIL;
            continue;
        case MSE_OUTCOME_WAIVED:
            if (!rules[i].waivable)
                return MSE_VERDICT_FAIL;
            if (!rules[i].silent)
                incomplete = true;
            continue;
        case MSE_OUTCOME_UNKNOWN:
            unknown = true;
            continue;
        case MSE_OUTCOME_NOT_RUN:
        case MSE_OUTCOME_FAILED:
            return MSE_VERDICT_FAIL;
        }
        return MSE_VERDICT_FAIL; /* a value no enumerator has */
    }
    if (unknown)
        return MSE_VERDICT_UNKNOWN;
    return incomplete ? MSE_VERDICT_INCOMPLETE : MSE_VERDICT_PASS;
}

bool mse_verdict_is_positive(enum mse_verdict verdict)
{
    return verdict == MSE_VERDICT_PASS || verdict == MSE_VERDICT_INCOMPLETE;
}

void mse_verdict_refuse_waived(struct mse_checks *checks)
{
    for (size_t i = 0; i < MSE_CHECK_COUNT; i++) {
        if (checks->of[i].outcome == MSE_OUTCOME_WAIVED && !rules[i].silent) {
            char why[sizeof(checks->of[i].reason)];

            memcpy(why, checks->of[i].reason, sizeof(why));
            (void)snprintf(checks->of[i].reason, sizeof(why), "strict: %.300s", why);
            checks->of[i].outcome = MSE_OUTCOME_FAILED;
            checks->of[i].code = MSE_ERR_POLICY;
        }
    }
}

const char *mse_check_name(enum mse_check check)
{
    /* clang-format off */
    static const char *const names[MSE_CHECK_COUNT] = {
        [MSE_CHECK_EVIDENCE]    = "evidence",
        [MSE_CHECK_CHAIN]       = "chain",
        [MSE_CHECK_REVOCATION]  = "revocation",
        [MSE_CHECK_SIGNATURE]   = "signature",
        [MSE_CHECK_QE_IDENTITY] = "qe-identity",
        [MSE_CHECK_COLLATERAL]  = "collateral",
        [MSE_CHECK_TCB]         = "tcb",
        [MSE_CHECK_ATTRIBUTES]  = "attributes",
        [MSE_CHECK_MACHINE]     = "machine",
        [MSE_CHECK_BINDING]     = "binding",
        [MSE_CHECK_CERTIFICATE] = "certificate",
        [MSE_CHECK_NAME]        = "name",
        [MSE_CHECK_SIGNER]      = "signer",
        [MSE_CHECK_INSTANCE]    = "instance",
        [MSE_CHECK_RELEASE]     = "release",
        [MSE_CHECK_RUNTIME]     = "runtime",
        [MSE_CHECK_FINGERPRINT] = "fingerprint",
        [MSE_CHECK_AGE]         = "age",
        [MSE_CHECK_LEVEL]       = "level",
    };
    /* clang-format on */

    return (unsigned)check < MSE_CHECK_COUNT ? names[check] : "?";
}

const char *mse_outcome_name(enum mse_outcome outcome)
{
    switch (outcome) {
    case MSE_OUTCOME_NOT_RUN:
        return "not run";
    case MSE_OUTCOME_FAILED:
        return "failed";
    case MSE_OUTCOME_UNKNOWN:
        return "unknown";
    case MSE_OUTCOME_WAIVED:
        return "waived";
    case MSE_OUTCOME_NOT_APPLICABLE:
        return "not applicable";
    case MSE_OUTCOME_PASSED:
        return "passed";
    }
    return "?";
}

const char *mse_verdict_name(enum mse_verdict verdict)
{
    switch (verdict) {
    case MSE_VERDICT_FAIL:
        return "fail";
    case MSE_VERDICT_UNKNOWN:
        return "unknown";
    case MSE_VERDICT_INCOMPLETE:
        return "incomplete";
    case MSE_VERDICT_PASS:
        return "pass";
    }
    return "?";
}
